"""Damaged files, and files that would not fit into memory: an error, never other numbers."""

import io
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
