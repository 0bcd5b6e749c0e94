"""Networks: what is accepted, files that come back the same, edge lists."""

import dataclasses
import gzip

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sps

from motifield import Motifs, Network, Parameters, measure, sample
from motifield.errors import NetworkError
from motifield.networks import Statistics
from motifield.numerics.networks.edges import read_edges
from motifield.numerics.parameters.inputs import pulse


def small(sparse=False):
    weights = np.array([[0.0, 2.0, -1.0], [0.5, 0.0, 0.0], [0.0, 3.0, 4.0]])
    return Network.of(sps.csr_array(weights) if sparse else weights, ["I", "E", "I"])


def test_labels_need_not_be_sorted():
    network = small()
    assert network.populations == ("E", "I")
    assert (network.N, network.P, network.sizes) == (3, 2, (1, 2))
    np.testing.assert_array_equal(network.labels, [1, 0, 1])
    np.testing.assert_array_equal(network.members("I"), [0, 2])
    np.testing.assert_array_equal(network.members(0), [1])


def test_populations_keep_the_order_they_are_given_in():
    network = Network.of(np.eye(3), ["I", "E", "I"], ["I", "E"])
    assert network.populations == ("I", "E")
    np.testing.assert_array_equal(network.labels, [0, 1, 0])


def test_integer_labels_name_populations_from_1():
    assert Network.of(np.eye(3), [1, 0, 1]).populations == ("1", "2")


@pytest.mark.parametrize("sparse", [False, True])
def test_a_network_is_immutable_and_owns_its_arrays(sparse):
    weights = np.eye(2)
    network = Network.of(sps.csr_array(weights) if sparse else weights, ["a", "b"])
    weights[0, 0] = 7.0
    assert network.weights[0, 0] == 1.0
    with pytest.raises(ValueError, match=r"read-only"):
        (network.weights.data if sparse else network.weights)[0] = 5.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.seed = 3


def test_scaled_multiplies_every_synapse():
    np.testing.assert_allclose(
        small(sparse=True).scaled(-2).weights.toarray(), -2 * small().weights
    )


@pytest.mark.parametrize(
    ("weights", "labels", "populations", "match"),
    [
        (np.ones((2, 3)), [0, 0], None, r"shape \(2, 3\); a network needs a square"),
        (np.ones((2, 2)), [0, 0, 1], None, r"labels have shape \(3,\); 2 neurons"),
        (np.array([[0, np.nan], [0, 0]]), [0, 0], None, "from neuron 1 onto neuron 0 is nan"),
        (
            sps.csr_array(np.array([[0, 1.0], [np.inf, 0]])),
            [0, 0],
            None,
            "from neuron 0 onto neuron 1 is inf",
        ),
        (np.ones((2, 2)) * 1j, [0, 0], None, "must be real"),
        (np.ones((2, 2)), [0, 2], None, "no neuron belongs to population '2'"),
        (np.ones((2, 2)), [0, 2], ["a", "b"], "labels go from 0 to 2; there are 2 populations"),
        (np.ones((2, 2)), ["a", "a"], ["a", "b"], "no neuron belongs to population 'b'"),
        (np.ones((2, 2)), ["a", "c"], ["a", "b"], r"labels \['c'\] are not among"),
        (np.ones((2, 2)), ["a", "b"], ["a", "b", "a"], "given once each"),
        (np.ones((2, 2)), [0.0, 1.0], None, "use population names or integers"),
    ],
)
def test_bad_networks_are_refused(weights, labels, populations, match):
    with pytest.raises(NetworkError, match=match):
        Network.of(weights, labels, populations)


def test_an_unknown_population_is_an_error():
    with pytest.raises(NetworkError, match=r"no population 'X': known are"):
        small().members("X")


@pytest.mark.parametrize("sparse", [False, True])
def test_save_and_load(tmp_path, sparse):
    network = small(sparse)
    path = network.save(tmp_path / "network.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["network.npz"]
    loaded = Network.load(path)
    assert (loaded.sparse, loaded.populations, loaded.seed, loaded.parameters) == (
        sparse,
        ("E", "I"),
        None,
        None,
    )
    np.testing.assert_array_equal(loaded.labels, network.labels)
    dense = [n.weights.toarray() if sparse else n.weights for n in (loaded, network)]
    np.testing.assert_array_equal(*dense)


def test_a_sampled_network_keeps_its_seed_parameters_and_precision(tmp_path, of_populations):
    mean = [[0.1, -0.2], [0.3, -0.4]]
    parameters = of_populations(
        "EI", 20, mean=mean, g=0.3, motifs=Motifs.shared(0.01), input=pulse(1, 2, [0.5, 0.25])
    )
    network = sample(parameters, 11, dtype=np.float32)
    loaded = Network.load(network.save(tmp_path / "n.npz"))
    assert loaded.seed == 11
    assert loaded.weights.dtype == np.float32
    np.testing.assert_array_equal(loaded.weights, network.weights)
    for name in ("N", "fractions", "mean", "g", "tau_con", "tau_div", "tau_chn", "tau_rec"):
        np.testing.assert_array_equal(getattr(loaded.parameters, name), getattr(parameters, name))
    np.testing.assert_array_equal(loaded.parameters.input.edges, [1, 2])
    np.testing.assert_array_equal(loaded.parameters.input(1.5), [0.5, 0.25])
    np.testing.assert_array_equal(
        sample(loaded.parameters, 11, dtype=np.float32).weights, network.weights
    )


def test_everything_that_parameters_have_comes_back(tmp_path, of_populations):
    parameters = of_populations(
        "EI",
        20,
        mean=[[0.1, -0.2], [0.3, -0.4]],
        g=0.3,
        motifs=Motifs.shared(0.01),
        transfer={"gain": [2.0, 3.0]},
        membrane={"tau": [0.5, 0.7], "tau_a": 5.0},
        synapse={"delay": [1.5, 2.5]},
        input=0.4,
        in_strength={"times": [1.0], "values": [0.1, [0.2, 0.3]]},
        spread=pulse(1, 2, [0.5, 0.25]),
        tau_inp=[[0.01, 0.02], [0.03, 0.04]],
        noise=[0.0, 0.2],
    )
    loaded = Network.load(sample(parameters, 11).save(tmp_path / "n.npz")).parameters
    for name in ("tau_inp", "noise"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(parameters, name))
    for kind in ("transfer", "membrane", "synapse"):
        own = {name: values.tolist() for name, values in getattr(loaded, kind).items()}
        assert own == {name: values.tolist() for name, values in getattr(parameters, kind).items()}
    for name in ("input", "in_strength", "spread"):
        for t in (0.5, 1.5, 2.5):
            np.testing.assert_array_equal(getattr(loaded, name)(t), getattr(parameters, name)(t))


def test_rows_and_offsets_come_back_and_are_scaled_read_only_and_checked(tmp_path):
    network = sample(
        Parameters.of(N=20, fractions=[0.8, 0.2], mean=0.1, g=0.3, motifs=Motifs.shared(0.01)), 11
    )
    loaded = Network.load(network.save(tmp_path / "n.npz"))
    for own in (loaded, network):
        np.testing.assert_array_equal(own.rows, network.rows)
        np.testing.assert_array_equal(own.offsets, network.offsets)
        for array in (own.rows, own.offsets):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1.0
    np.testing.assert_array_equal(network.scaled(3).rows, 3 * network.rows)
    np.testing.assert_array_equal(network.scaled(3).offsets, network.offsets)
    with pytest.raises(
        NetworkError,
        match=r"rows have shape \(2,\); finite numbers are needed for 2 neurons: \(2, 1\)",
    ):
        Network.of(np.eye(2), [0, 0], rows=[1.0, 2.0])
    with pytest.raises(NetworkError, match=r"offsets hold nan for neuron 1"):
        Network.of(np.eye(2), [0, 0], offsets=[1.0, np.nan])


def test_a_file_of_format_1_is_read(tmp_path):
    """As version 0.1.0 wrote it: no rows, offsets, transfer parameters, filters, heterogeneous
    inputs or noise.
    """
    own = {
        "N": 2.0,
        "fractions": [1.0],
        "mean": [[0.1]],
        "g": [[0.3]],
        "tau_rec": [[0.0]],
        "input.kind": "Constant",
        "input.value": [0.7],
        **{name: [[[0.0]]] for name in ("tau_con", "tau_div", "tau_chn")},
    }
    np.savez(
        tmp_path / "n.npz",
        format=1,
        labels=[0, 0],
        populations=["1"],
        weights=np.eye(2),
        seed=3,
        **{f"parameters.{name}": value for name, value in own.items()},
    )
    network = Network.load(tmp_path / "n.npz")
    assert (network.seed, network.rows, network.offsets) == (3, None, None)
    assert network.parameters.input(0.0) == 0.7
    assert network.parameters.noise == network.parameters.spread(0.0) == 0
    assert network.parameters.membrane == {}


def test_an_input_that_is_a_function_cannot_be_saved(tmp_path):
    parameters = Parameters.of(
        N=4, fractions=[1.0], mean=0.0, g=0.1, input=lambda t: jnp.sin(t)[None]
    )
    with pytest.raises(NetworkError, match=r"input is a Function, which a file cannot hold"):
        sample(parameters, 0).save(tmp_path / "n.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = small().save(tmp_path / "n.npz")
    before = path.read_bytes()

    def fail(file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(NetworkError, match=r"cannot be written to .*No space left"):
        small(sparse=True).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["n.npz"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NetworkError, match=r"cannot be written to .*absent"):
        small().save(tmp_path / "absent" / "n.npz")


def test_files_that_cannot_be_loaded(tmp_path):
    path = tmp_path / "n.npz"
    with pytest.raises(NetworkError, match=r"there is no file"):
        Network.load(path)
    path.write_text("hello")
    with pytest.raises(NetworkError, match=r"not a network written by Network.save"):
        Network.load(path)
    np.savez(path, weights=np.eye(2))
    with pytest.raises(NetworkError, match=r"not a network written by Network.save"):
        Network.load(path)
    small().save(path)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(NetworkError, match=r"or it is damaged"):
        Network.load(path)
    content = {"format": 1, "labels": [0, 0], "populations": ["a"], "shape": [2, 2]}
    np.savez(path, **content, data=[1.0], indices=[7], indptr=[0, 1, 1])
    with pytest.raises(NetworkError, match=r"or it is damaged"):
        Network.load(path)
    np.savez(path, **(content | {"format": 99}))
    with pytest.raises(NetworkError, match=r"newer motifield"):
        Network.load(path)


def test_pickles_are_never_opened(tmp_path):
    path = tmp_path / "n.npz"
    np.savez(
        path, format=1, labels=[0], populations=np.array(["a"], dtype=object), weights=np.eye(1)
    )
    with pytest.raises(NetworkError, match=r"holds Python objects"):
        Network.load(path)


# Laid out like a connectome: no header, ids that are not positions, a quoted comma, a neuron
# without edges. Of six neurons five are "inter".
NODES = (
    'id,name,group,io\n10,"a, left",A,inter\n30,b,B,inter\n'
    "20,c,A,inter\n50,d,C,output\n40,e,B,inter\n60,f,A,inter\n"
)
EDGES = "10,30,9.0\n30,10,1.0\n20,20,5.0\n20,40,-2.0\n50,10,7.0\n10,50,3.0\n"


@pytest.fixture
def tables(tmp_path):
    (tmp_path / "edges.csv").write_text(EDGES)
    (tmp_path / "nodes.csv").write_text(NODES)
    return tmp_path / "edges.csv", tmp_path / "nodes.csv"


def test_edge_list_with_a_table_of_neurons(tables):
    network = read_edges(*tables, label="group", where={"io": "inter"}, self_synapses="drop")
    assert network.sparse
    assert network.populations == ("A", "B")
    np.testing.assert_array_equal(
        network.labels, [0, 1, 0, 1, 0]
    )  # 10, 30, 20, 40, 60, the order of the table
    expected = np.zeros((5, 5))
    expected[1, 0], expected[0, 1], expected[3, 2] = 9, 1, -2  # [target, source]
    np.testing.assert_array_equal(network.weights.toarray(), expected)


def test_self_synapses_are_kept_unless_dropped(tables):
    assert read_edges(*tables, where={"io": "inter"}).weights.diagonal().tolist() == [0, 0, 5, 0, 0]


def test_where_takes_several_values_and_small_groups_are_merged(tables):
    network = read_edges(
        *tables, label="group", where={"io": ["inter", "output"]}, smallest=3, other="rest"
    )
    assert network.populations == ("A", "rest")
    assert network.sizes == (3, 3)


def test_compressed_files_and_a_header(tmp_path):
    with gzip.open(tmp_path / "e.csv.gz", "wt") as file:
        file.write("n,to,from\n2,x,y\n3,y,x\n")
    network = read_edges(tmp_path / "e.csv.gz", pre="from", post="to", weight="n")
    np.testing.assert_array_equal(network.weights.toarray(), [[0, 2], [3, 0]])
    assert network.populations == ("all",)


def test_without_weights_edges_are_counted(tmp_path):
    (tmp_path / "e.csv").write_text("a,b\na,b\nb,a\n")
    network = read_edges(tmp_path / "e.csv", weight=None, duplicates="sum")
    np.testing.assert_array_equal(network.weights.toarray(), [[0, 1], [2, 0]])


def test_duplicates_are_refused_or_summed(tables):
    edges, nodes = tables
    edges.write_text(EDGES + "10,30,0.5\n")
    with pytest.raises(
        NetworkError,
        match=r"1 edge given more than once, e.g. from '10' onto '30'.*duplicates='sum'",
    ):
        read_edges(edges, nodes)
    assert read_edges(edges, nodes, duplicates="sum").weights[1, 0] == 9.5


def test_unknown_neurons_are_refused_or_dropped(tables):
    edges, nodes = tables
    edges.write_text(EDGES + "10,99,4\n98,10,4\n")
    with pytest.raises(
        NetworkError, match=r"2 edges have a neuron that is not in the table, e.g. '99'"
    ):
        read_edges(edges, nodes)
    assert read_edges(edges, nodes, unknown="drop").weights.nnz == 6


@pytest.mark.parametrize(
    ("edges", "nodes", "options", "match"),
    [
        ("", NODES, {}, "edge list .* is empty"),
        ("1,2\n", NODES, {}, "has no column of weights.* use weight=None"),
        ("x,y,z\n10,30,1\n", NODES, {}, "do not say which are sources.*pre='x'"),
        ("a,b,n\na,c,1\n", NODES, {}, "do not say which.*weight='n'"),
        ("10,30,1\n10,20,\n", NODES, {}, "line 2: the weight '' is not a finite number"),
        ("10,30,1\n10,20,nan\n", NODES, {}, "line 2: the weight 'nan' is not a finite number"),
        ("10,30,1\n10,20,inf\n", NODES, {}, "line 2: the weight 'inf' is not a finite number"),
        ("10,30,1\n,20,3\n", NODES, {}, "line 2: a neuron's id is missing"),
        ("1,2,1\n", NODES, {"unknown": "drop"}, "no edge joins two of the 6 neurons"),
        (EDGES, NODES, {"pre": "from", "post": 1}, "mix names and positions"),
        (EDGES, NODES, {"label": "kind"}, "has no column 'kind': its columns are"),
        (EDGES, NODES, {"where": {"io": "in"}}, "no neuron has io=in; its values are"),
        (EDGES, NODES, {"where": {"io": "output", "group": "A"}}, "no neuron satisfies"),
        (EDGES, NODES + "10,g,A,inter\n", {}, "1 ids occur more than once, e.g. '10'"),
        (EDGES, NODES + "70,g,,inter\n", {"label": "group"}, "1 neurons have no group, e.g. '70'"),
        (EDGES, NODES, {"duplicates": "add"}, "duplicates='add' is unknown: use 'refuse' or 'sum'"),
        (EDGES, NODES, {"unknown": "keep"}, "unknown='keep' is unknown"),
        (EDGES, NODES, {"self_synapses": False}, "self_synapses=False is unknown"),
        (EDGES, None, {"label": "group"}, "label is a column of a table of neurons"),
    ],
)
def test_bad_tables_are_refused(tmp_path, edges, nodes, options, match):
    (tmp_path / "e.csv").write_text(edges)
    if nodes is not None:
        (tmp_path / "n.csv").write_text(nodes)
    with pytest.raises(NetworkError, match=match):
        read_edges(tmp_path / "e.csv", nodes and tmp_path / "n.csv", **options)


def test_missing_and_damaged_files_are_named(tables, tmp_path):
    edges, nodes = tables
    with pytest.raises(NetworkError, match=r"there is no edge list .*absent.csv"):
        read_edges(tmp_path / "absent.csv", nodes)
    with pytest.raises(NetworkError, match=r"there is no table of neurons .*absent.csv"):
        read_edges(edges, tmp_path / "absent.csv")
    broken = tmp_path / "e.csv.gz"
    broken.write_bytes(gzip.compress(EDGES.encode())[:-12])
    with pytest.raises(NetworkError, match=r"edge list .*e.csv.gz cannot be read"):
        read_edges(broken, nodes)


@pytest.mark.parametrize("sparse", [False, True])
def test_hdf5_holds_what_npz_holds(tmp_path, sparse):
    network = small(sparse)
    measured = measure(network, errors=True)
    loaded = {
        suffix: Network.load(network.save(tmp_path / f"n{suffix}", measured))
        for suffix in (".npz", ".h5")
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["n.h5", "n.npz"]
    for own in loaded.values():
        assert (own.sparse, own.populations, own.seed) == (sparse, ("E", "I"), None)
        dense = [n.weights.toarray() if sparse else n.weights for n in (own, network)]
        np.testing.assert_array_equal(*dense)
    for suffix in loaded:
        stored = Statistics.load(tmp_path / f"n{suffix}")
        assert (stored.populations, stored.sizes) == (measured.populations, measured.sizes)
        for name in ("mean", "variance", "convergent", "divergent", "chain", "reciprocal"):
            np.testing.assert_array_equal(getattr(stored, name), getattr(measured, name))
            np.testing.assert_array_equal(
                getattr(stored.errors, name), getattr(measured.errors, name)
            )


def test_hdf5_keeps_seed_and_parameters(tmp_path, of_populations):
    mean = [[0.1, -0.2], [0.3, -0.4]]
    parameters = of_populations(
        "ÄI", 20, mean=mean, g=0.3, transfer={"gain": [2.0, 3.0]}, input=pulse(1, 2, [0.5, 0.25])
    )
    path = sample(parameters, 11, dtype=np.float32).save(tmp_path / "n.hdf5")
    loaded = Network.load(path)
    assert (loaded.seed, loaded.populations, loaded.weights.dtype) == (11, ("Ä", "I"), np.float32)
    np.testing.assert_array_equal(loaded.parameters.input(1.5), [0.5, 0.25])
    np.testing.assert_array_equal(loaded.parameters.transfer["gain"], [2, 3])
    with pytest.raises(NetworkError, match="holds no statistics: measure the network"):
        Statistics.load(path)


def test_other_suffixes_and_damaged_hdf5(tmp_path):
    with pytest.raises(NetworkError, match=r"suffix must be one of .npz, .h5, .hdf5"):
        small().save(tmp_path / "n.mat")
    (tmp_path / "n.h5").write_text("hello")
    for load in (Network.load, Statistics.load):
        with pytest.raises(
            NetworkError, match="not a network written by Network.save, or it is damaged"
        ):
            load(tmp_path / "n.h5")


def test_messages_name_neurons_by_their_ids():
    weights, names = np.ones((2, 2)), ["AVAL", "AVAR"]
    bad = weights.copy()
    bad[0, 1] = np.nan
    with pytest.raises(NetworkError, match="the synapse from neuron 'AVAR' onto neuron 'AVAL' is"):
        Network.of(bad, ["a", "a"], ids=names)
    with pytest.raises(NetworkError, match="from neuron 1 onto neuron 0 is nan"):
        Network.of(bad, ["a", "a"])
    with pytest.raises(NetworkError, match="offsets hold nan for neuron 'AVAR'"):
        Network.of(weights, ["a", "a"], offsets=[0.0, np.nan], ids=names)
