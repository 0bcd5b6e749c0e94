"""The report of reading, networks that are kept after they were read, and SONATA files."""

import json

import numpy as np
import pytest
import scipy.sparse as sps

from motifield import Network, as_network, read_network
from motifield.errors import NetworkError

EDGES = "pre,post,weight\na,b,1\na,b,2\nb,c,3\nc,c,4\na,c,0\nd,d,5\n"
TYPES = "id,type\nc,I\na,E\nb,E\nd,\ne,E\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "e.csv").write_text(EDGES)
    (tmp_path / "t.csv").write_text(TYPES)
    return tmp_path / "e.csv", tmp_path / "t.csv"


def test_the_report_counts_what_was_read(files):
    network = read_network(*files, duplicates="sum", unlabelled="drop")
    own = network.reading
    assert own.source == str(files[0])
    assert own.format == "text, separated by comma"
    assert own.orientation == (
        "column 1 (pre) is the source, column 2 (post) the target: J[target, source]"
    )
    # c, a, b, e: d has no label; a -> b twice, b -> c, c -> c
    assert (own.neurons, own.edges, own.populations) == (4, 3, {"E": 3, "I": 1})
    assert (own.self_synapses, own.isolated, own.duplicates, own.missing) == (1, 1, 1, 0)
    assert (own.dropped_edges, own.dropped_neurons) == (1, 1)
    assert own.first_ids == ("c", "a", "b", "e")
    assert (own.in_degrees.mean, own.out_degrees.mean) == (0.75, 0.75)
    assert own.in_degrees.sd == pytest.approx(np.std([2, 0, 1, 0]))
    assert own.out_degrees.sd == pytest.approx(np.std([1, 1, 1, 0]))
    said = str(own)
    assert f"file: {files[0]}" in said
    # either orientation, since to mistake one for the other is the common error
    assert "in-degree, mean and SD: 0.75, 0.8292" in said
    assert "out-degree, mean and SD: 0.75, 0.433 (were sources and targets exchanged, " in said
    assert list(own.table().columns) == ["what", "found"]
    assert json.loads(json.dumps(own.json()))["in_degrees"]["mean"] == 0.75


def test_the_report_of_a_matrix(tmp_path):
    np.save(tmp_path / "m.npy", [[0, 1.0, np.nan], [0, 2, 0], [0, 0, 0]])
    own = read_network(tmp_path / "m.npy", missing="zero", rows="source").reading
    assert own.orientation.startswith("rows are source neurons, columns are target neurons")
    assert (own.edges, own.missing, own.isolated, own.self_synapses) == (2, 1, 1, 1)
    assert own.first_ids == ()
    assert own.format == "NumPy array"
    assert as_network(np.eye(2)).reading.source == "ndarray"


def test_ids_and_report_are_saved(files, tmp_path):
    network = read_network(*files, duplicates="sum", unlabelled="drop")
    for suffix in (".npz", ".h5"):
        loaded = Network.load(network.save(tmp_path / f"n{suffix}"))
        assert list(loaded.ids) == ["c", "a", "b", "e"]
        assert loaded.reading == network.reading
        assert loaded.name_of(1) == "neuron 'a'"
    assert network.scaled(2).reading == network.reading
    assert Network.of(np.eye(2), ["a", "b"]).name_of(1) == "neuron 1"
    with pytest.raises(NetworkError, match="ids must differ"):
        Network.of(np.eye(2), ["a", "b"], ids=["x", "x"])


def rows(edges):
    W = np.zeros((6, 6))
    for a, b in edges:
        W[b, a] = 1 + (a * b) % 4
    return W


@pytest.mark.parametrize("make", [np.array, sps.csr_array])
def test_edges_in_both_directions_are_noted(make):
    one_way = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (0, 3), (1, 4)]
    both = as_network(make(rows(one_way + [(b, a) for a, b in one_way]))).reading
    assert "100 % of the edges have an edge of equal weight back" in both.notes[0]
    assert as_network(make(rows(one_way))).reading.notes == ()
    # a complete network of equal weights has no other choice
    assert as_network(make(np.ones((6, 6)))).reading.notes == ()


def test_a_network_that_was_read_is_kept_on_request(files, tmp_path, monkeypatch):
    from motifield.numerics.networks import readers

    cache = tmp_path / "kept.npz"
    options = {"duplicates": "sum", "unlabelled": "drop", "cache": cache}
    first = read_network(*files, **options)
    calls = []
    monkeypatch.setattr(readers, "_read", lambda *given: calls.append(given) or first)
    again = read_network(*files, **options)
    assert not calls
    assert again.reading == first.reading
    np.testing.assert_array_equal(again.weights.toarray(), first.weights.toarray())
    read_network(*files, **options, smallest=2)
    assert len(calls) == 1
    files[1].write_text(TYPES + "f,E\n")
    read_network(*files, **options, smallest=2)
    assert len(calls) == 2


def test_a_file_that_keeps_something_else_is_not_written_over(files, tmp_path):
    other = Network.of(np.eye(2), ["a", "b"]).save(tmp_path / "mine.npz")
    content = other.read_bytes()
    with pytest.raises(NetworkError, match="is there, and not a network that was kept by cache="):
        read_network(files[0], duplicates="sum", cache=other)
    assert other.read_bytes() == content
    with pytest.raises(NetworkError, match=r"must end in .npz or .h5"):
        read_network(files[0], duplicates="sum", cache="kept.csv")


@pytest.fixture
def sonata(tmp_path):
    import h5py

    with h5py.File(tmp_path / "edges.h5", "w") as file:
        own = file.create_group("edges/rec")
        for name, ends in (("source_node_id", [0, 1, 2, 0]), ("target_node_id", [1, 2, 0, 2])):
            own.create_dataset(name, data=np.array(ends, dtype=np.uint64))
            own[name].attrs["node_population"] = "v1"
        own["edge_type_id"], own["edge_group_id"] = [9, 9, 9, 9], [0, 0, 1, 0]
        own["edge_group_index"] = [0, 1, 0, 2]
        own["0/syn_weight"], own["1/syn_weight"] = [1.0, 2.0, 4.0], [3.0]
    with h5py.File(tmp_path / "nodes.h5", "w") as file:
        own = file.create_group("nodes/v1")
        own["node_type_id"], own["node_group_id"] = [1, 1, 2], [0, 0, 0]
        own["node_group_index"] = [0, 1, 2]
        own["0/ei"] = [0, 0, 1]
        own["0/@library/ei"] = np.array([b"E", b"I"], dtype=h5py.string_dtype())
        own["0/x"] = [0.5, 1.5, 2.5]
    return tmp_path / "edges.h5", tmp_path / "nodes.h5"


def test_sonata(sonata):
    expected = [[0, 0, 3], [1, 0, 0], [4, 2, 0]]
    network = read_network(*sonata, label="ei")
    np.testing.assert_array_equal(network.weights.toarray(), expected)
    assert [network.populations[k] for k in network.labels] == ["E", "E", "I"]
    assert network.reading.format == "SONATA"
    assert read_network(*sonata, label="node_type_id").populations == ("1", "2")
    left = read_network(*sonata, label="ei", where="x<2")
    np.testing.assert_array_equal(left.weights.toarray(), [[0, 0], [1, 0]])
    np.testing.assert_array_equal(
        read_network(sonata[0], weight=None).weights.toarray(), np.sign(expected)
    )


def test_sonata_that_is_refused(sonata):
    import h5py

    with pytest.raises(NetworkError, match="edges have no attribute delay: they have syn_weight"):
        read_network(sonata[0], weight="delay")
    with pytest.raises(NetworkError, match="which of its columns .* Say label="):
        read_network(*sonata)
    with h5py.File(sonata[0], "a") as file:
        file.copy("edges/rec", "edges/other")
    with pytest.raises(NetworkError, match="populations of edges other, rec: name one .*part="):
        read_network(sonata[0])
    assert read_network(sonata[0], part="rec").N == 3
    with h5py.File(sonata[0], "a") as file:
        del file["edges/other/edge_type_id"]
    with pytest.raises(NetworkError, match="cannot be read as SONATA"):
        read_network(sonata[0], part="other")
    with h5py.File(sonata[0], "a") as file:
        file["edges/rec/source_node_id"].attrs["node_population"] = "lgn"
    with pytest.raises(NetworkError, match="go from the nodes 'lgn' to the nodes 'v1'"):
        read_network(sonata[0], part="rec")
