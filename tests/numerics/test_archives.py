"""Damaged files, and files that would not fit into memory: an error, never other numbers."""

import gzip
import io
import re
import resource
import tracemalloc
import zipfile

import numpy as np
import pytest
import scipy.sparse as sps
import xarray as xr

import motifield as mf
from motifield.errors import MotifieldError, NetworkError
from motifield.numerics import archives, machine
from motifield.numerics.archives import read_npy, read_npz, write_npz
from motifield.numerics.networks import Network, read_network
from motifield.numerics.results import OK, Saved

WEIGHTS = np.array([[0, 0.5, 0], [0.25, 0, 1], [0, -1, 0]])
ARRAYS = {
    "text": np.array(["E", "I"]),
    "scalar": np.array(3),
    "nothing": np.zeros((0, 2)),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "yes": np.array([True, False]),
}


def network(sparse):
    weights = sps.csr_array(WEIGHTS) if sparse else WEIGHTS
    known = {"rows": np.ones((3, 2)), "offsets": np.arange(3.0)}
    return Network.of(weights, ["a", "b", "b"], **known)


def parts(net):
    """What a network holds, comparable."""
    weights = net.weights.toarray() if net.sparse else net.weights
    arrays = (weights, net.labels, net.rows, net.offsets)
    return [*(None if a is None else a.tolist() for a in arrays), net.populations, net.seed]


def flips(content, count, seed=0):
    """The content with one bit flipped, at many places: everywhere, or at random."""
    rng = np.random.default_rng(seed)
    places = range(len(content))
    if count < len(content):
        places = rng.choice(len(content), count, replace=False).tolist()
    for at in places:
        damaged = bytearray(content)
        damaged[at] ^= 1 << int(rng.integers(8))
        yield bytes(damaged)


@pytest.mark.parametrize(("suffix", "count"), [(".npz", 400), (".h5", 150)])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_network_with_a_flipped_bit_is_the_same_or_an_error(suffix, count, sparse, tmp_path):
    path = network(sparse).save(tmp_path / f"n{suffix}")
    good, said = parts(Network.load(path)), []
    for damaged in flips(path.read_bytes(), count):
        path.write_bytes(damaged)
        try:
            assert parts(Network.load(path)) == good
        except NetworkError as error:
            said.append(str(error))
    assert len(said) > count / 2
    assert all(str(path) in text for text in said)


def test_a_result_with_a_flipped_bit_is_the_same_or_an_error(tmp_path):
    path = tmp_path / "a.nc"
    Saved("a", OK, xr.Dataset({"rate": ("population", [0.5, 0.25])})).save(path)
    good, said = mf.load(path), []
    for damaged in flips(path.read_bytes(), 150):
        path.write_bytes(damaged)
        try:
            found = mf.load(path)
        except MotifieldError as error:
            said.append(str(error))
        else:
            assert found.dataset.identical(good.dataset)
            assert (found.title, found.status) == ("a", OK)
    assert len(said) > 75
    assert all(str(path) in text for text in said)


def test_hdf5_files_without_a_checksum_load_as_before(tmp_path):
    path = network(False).save(tmp_path / "n.h5")
    path.write_bytes(path.read_bytes()[:-50])
    assert parts(Network.load(path)) == parts(network(False))


def test_archives_come_back_the_same(tmp_path):
    write_npz(tmp_path / "a.npz", ARRAYS)
    found = read_npz(tmp_path / "a.npz")
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
    np.savez_compressed(tmp_path / "b.npz", **ARRAYS)
    assert read_npz(tmp_path / "b.npz")["columns"].tolist() == [[0, 1, 2], [3, 4, 5]]


def header(shape, dtype="<f8"):
    """The beginning of a .npy file of this shape."""
    stream = io.BytesIO()
    about = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, about)
    return stream.getvalue()


@pytest.mark.parametrize("shape", [(10**6, 10**6), (2**62, 2**62), (-1, 1), (1,)])
def test_an_array_that_is_not_as_long_as_it_says_is_an_error(shape, tmp_path):
    path = tmp_path / "w.npy"
    path.write_bytes(header(shape))
    with pytest.raises(ValueError, match="of shape"):
        read_npy(path)
    with pytest.raises(NetworkError, match="cannot be read as a matrix: an array of shape"):
        read_network(path)


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(machine, "available_memory", lambda: 2**20)


def test_an_archive_that_unpacks_to_more_than_memory_is_refused(little_memory, tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, weights=np.zeros(2**20))
    assert path.stat().st_size < 2**14
    with pytest.raises(NetworkError, match=r"bomb\.npz, unpacked, needs 0\.00781 GiB, 0\.000977"):
        read_npz(path)
    with pytest.raises(NetworkError, match="unpacked, needs"):
        read_network(path)


def test_an_hdf5_file_that_declares_more_than_memory_is_refused(little_memory, tmp_path):
    import h5py

    path = tmp_path / "n.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("weights", shape=(10**6, 10**6), chunks=(8, 8), dtype="f8")
    with pytest.raises(NetworkError, match=r"unpacked, needs 7\.45e\+03 GiB"):
        Network.load(path)


def test_names_that_are_there_twice_are_an_error(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.zeros(1))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", stream.getvalue())
        with pytest.warns(match="Duplicate name"):
            archive.writestr("a.npy", stream.getvalue())
    with pytest.raises(ValueError, match="two of its arrays have one name"):
        archives.read_npz(tmp_path / "a.npz")


def targets(path):
    row = {"quantity": "rate_mean", "population": "E", "value": 1.0, "error": 0.1}
    mf.Targets.of([dict(row, condition=f"condition {k}") for k in range(300)]).save(path)


def saved(path):
    values = np.random.default_rng(0).normal(size=2000)
    Saved("a", OK, xr.Dataset({"rate": ("time", values)})).save(path)


def drawn(path):
    from matplotlib.figure import Figure

    from motifield.numerics.plots import save

    figure = Figure()
    figure.subplots().plot([0, 1])
    save(figure, path)


def sampled(path):
    weights = np.random.default_rng(0).normal(size=(40, 40))
    Network.of(weights, ["a"] * 40).save(path)


WRITERS = [
    *((sampled, suffix) for suffix in (".npz", ".h5")),
    *((saved, suffix) for suffix in (".nc", ".csv", ".json")),
    *((targets, suffix) for suffix in (".nc", ".csv", ".json")),
    *((drawn, suffix) for suffix in (".png", ".svg", ".pdf")),
]


@pytest.mark.parametrize(("write", "suffix"), WRITERS)
def test_a_full_disk_is_an_error_and_leaves_nothing(write, suffix, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
    try:
        with pytest.raises(MotifieldError, match=rf"a{re.escape(suffix)}: File too large"):
            write(tmp_path / f"a{suffix}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / f"a{suffix}")  # too large for the limit, and for nothing else
    assert (tmp_path / f"a{suffix}").stat().st_size > 3000


@pytest.mark.parametrize("N", [10**9, 10**12])
@pytest.mark.parametrize("draw", [mf.sample, mf.sampling.matrix_free])
def test_networks_beyond_memory_are_refused_before_any_is_taken(N, draw):
    parameters = mf.Parameters.of(N=N, fractions=[0.5, 0.5], mean=0.0, g=0.1)
    tracemalloc.start()
    try:
        with pytest.raises(NetworkError, match=rf"a network of {N} neurons .* GiB are free"):
            draw(parameters, 0)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


MARKET = "%%MatrixMarket matrix {} real general\n{}\n"


@pytest.mark.parametrize(
    "text",
    [
        MARKET.format("coordinate", "1000000000 1000000000 1\n1 1 0.5"),
        MARKET.format("coordinate", "3 3 100000000000\n1 1 0.5"),
        MARKET.format("array", "1000000 1000000\n0.5"),
    ],
)
def test_a_matrix_market_file_that_declares_more_than_memory_is_refused(text, tmp_path):
    path = tmp_path / "w.mtx"
    path.write_text(text)
    with pytest.raises(NetworkError, match=r"w\.mtx, which declares .* GiB are free"):
        read_network(path)


def test_a_sparse_matrix_may_not_declare_any_number_of_neurons():
    matrix = sps.coo_array(([0.5], ([0], [1])), shape=(10**10, 10**10))
    with pytest.raises(NetworkError, match="a network of 10000000000 neurons needs"):
        mf.networks.as_network(matrix)


@pytest.mark.parametrize("field", ["indices", "indptr"])
@pytest.mark.parametrize("value", [7, -1])
def test_a_scipy_matrix_with_indices_out_of_range_is_an_error(field, value, tmp_path):
    matrix, path = sps.csr_array(WEIGHTS), tmp_path / "w.npz"
    getattr(matrix, field)[1] = value
    sps.save_npz(path, matrix)
    with pytest.raises(NetworkError, match=r"w\.npz .* damaged"):
        read_network(path)


def test_a_table_that_unpacks_to_more_than_memory_is_refused(little_memory, tmp_path):
    path = tmp_path / "edges.csv.gz"
    path.write_bytes(gzip.compress(b"1,2,0.5\n" * 2**17))
    assert path.stat().st_size < 2**14
    refused = pytest.raises(NetworkError, match=r"edges\.csv\.gz, as a table, needs")
    with refused:
        mf.networks.read_edges(path)
    with refused:
        read_network(path, kind="adjacency")
    with refused:
        read_network(path, path)


def test_a_packed_table_with_a_flipped_bit_is_the_same_or_an_error(tmp_path):
    path, lines = tmp_path / "edges.csv.gz", [f"{k},{k + 1},{k / 7}\n" for k in range(9)]
    content = gzip.compress("".join(lines).encode(), mtime=0)
    path.write_bytes(content)
    good, said = parts(read_network(path)), []
    for damaged in flips(content, len(content)):
        path.write_bytes(damaged)
        try:
            assert parts(read_network(path)) == good
        except NetworkError as error:
            said.append(str(error))
    assert len(said) > len(content) / 2
    assert all(str(path) in text for text in said)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("seed", np.array(-1), "seed = -1 must be an integer, at least 0"),
        ("seed", np.array(0.5), "seed = 0.5 must"),
        ("rows", np.full((3, 2), np.nan), "rows hold nan for neuron 0"),
        ("offsets", np.full(3, np.inf), "offsets hold inf for neuron 0"),
        ("weights", np.full((3, 3), np.nan), "weights must be finite"),
        ("parameters.mean", np.full((2, 2), np.nan), "mean holds nan"),
        ("parameters.N", np.array(np.nan), "parameters.N holds nan"),
        ("parameters.input.value", np.full(2, np.nan), "input.value holds nan"),
        ("measured.mean", np.full((2, 2), np.nan), "mean holds nan"),
    ],
)
def test_what_no_network_can_have_is_named(name, value, what, tmp_path):
    sampled = mf.sample(mf.Parameters.of(N=3, fractions=[1 / 3, 2 / 3], mean=0.0, g=0.1), 0)
    path = sampled.save(tmp_path / "n.npz", mf.networks.measure(sampled))
    content = read_npz(path)
    write_npz(path, content | {name: value})
    load = mf.networks.Statistics.load if name.startswith("measured") else Network.load
    with pytest.raises(NetworkError, match=rf"n\.npz: .*{what}"):
        load(path)


def test_memory_is_that_of_the_container(tmp_path):
    for name, text in (("max", "1000"), ("current", "900"), ("stat", "file 7\ninactive_file 50\n")):
        (tmp_path / f"memory.{name}").write_text(text)
    assert machine._left_in_group(tmp_path) == [150]
    (tmp_path / "memory.max").write_text("max\n")
    assert machine._left_in_group(tmp_path) == []
    assert machine._left_in_group(tmp_path / "absent") == []
