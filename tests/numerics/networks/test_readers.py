"""Networks from arrays, graphs and files: what comes in is what was meant, or is refused
in words.
"""

import gzip

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sps

from motifield import Motifs, Network, Parameters, as_network, measure, read_network, sample
from motifield.errors import NetworkError

J = np.array(
    [[0.0, 2.0, -1.0, 0.0], [0.5, 0.0, 0.0, 3.0], [0.0, 3.0, 4.0, 0.0], [1.0, 0.0, 0.0, 0.0]]
)
LABELS = ["I", "E", "I", "E"]


def dense(network):
    return network.weights.toarray() if network.sparse else network.weights


def text(matrix, separator=","):
    return "\n".join(separator.join(f"{v:g}" for v in row) for row in matrix) + "\n"


def same(network, weights=J, labels=LABELS):
    np.testing.assert_allclose(dense(network), weights)
    assert [network.populations[k] for k in network.labels] == list(labels)


def test_arrays_and_sparse_matrices():
    for source in (J, J.tolist(), sps.csr_array(J), sps.coo_matrix(J), sps.csc_array(J)):
        same(as_network(source, LABELS))
        same(as_network(source, LABELS, rows="source"), J.T)
    assert as_network(J).populations == ("all",)
    assert as_network(J.astype(np.float32)).weights.dtype == np.float32
    assert as_network(J > 0).weights.dtype == np.float64
    same(as_network(J, [1, 0, 1, 0], ["E", "I"]))


def test_what_was_given_is_not_changed():
    for own in (J.copy(), sps.csr_array(J)):
        as_network(own, self_synapses="drop", missing="zero")
        assert own[2, 2] == 4


def test_missing_weights():
    for none in (np.nan, None):
        given = J.astype(object)
        given[0, 1] = none
        with pytest.raises(
            NetworkError,
            match="1 weights are missing, e.g. that of the synapse from neuron 1 onto "
            "neuron 0: complete them, or",
        ):
            as_network(given)
        expected = J.copy()
        expected[0, 1] = 0
        same(as_network(given, LABELS, missing="zero"), expected)
    holed = sps.csr_array(np.where(J == 2, np.nan, J))
    with pytest.raises(NetworkError, match="from neuron 1 onto neuron 0"):
        as_network(holed)
    assert as_network(holed, missing="zero").weights.nnz == np.count_nonzero(J) - 1


def test_negative_weights():
    for source in (J, sps.csr_array(J)):
        with pytest.raises(
            NetworkError,
            match="1 weights are negative, e.g. that of the synapse from neuron 2 onto neuron 0",
        ):
            as_network(source, negative="refuse")
        same(as_network(source, LABELS))


def test_self_synapses():
    for source in (J, sps.csr_array(J)):
        same(as_network(source, LABELS, self_synapses="drop"), J - np.diag(np.diag(J)))


def test_duplicates():
    twice = sps.coo_array(([1.0, 2.0, 4.0], ([0, 0, 1], [2, 2, 0])), shape=(3, 3))
    with pytest.raises(
        NetworkError,
        match="1 synapse given more than once, e.g. that from neuron 2 onto neuron 0",
    ):
        as_network(twice)
    np.testing.assert_array_equal(
        dense(as_network(twice, duplicates="sum")), [[0, 0, 3], [4, 0, 0], [0, 0, 0]]
    )
    compressed = sps.csr_array(
        (np.array([1.0, 2.0]), np.array([2, 2]), np.array([0, 2, 2, 2])), shape=(3, 3)
    )
    with pytest.raises(NetworkError, match="more than once"):
        as_network(compressed)


@pytest.mark.parametrize(
    "labels", [["I", None, "I", "E"], ["I", "", "I", "E"], ["I", float("nan"), "I", "E"]]
)
def test_unlabelled_neurons(labels):
    with pytest.raises(
        NetworkError,
        match="1 neurons have no label, e.g. neuron 1: label them, or use unlabelled='drop'",
    ):
        as_network(J, labels)
    kept = [0, 2, 3]
    for source in (J, sps.csr_array(J)):
        same(as_network(source, labels, unlabelled="drop"), J[np.ix_(kept, kept)], ["I", "I", "E"])
    with pytest.raises(NetworkError, match="no neuron has a label"):
        as_network(J, [None] * 4, unlabelled="drop")


def test_numbers_beside_missing_labels():
    same(
        as_network(J, [3.0, 1.0, float("nan"), 1.0], unlabelled="drop"),
        J[np.ix_([0, 1, 3], [0, 1, 3])],
        ["3", "1", "1"],
    )


def test_empty_populations_are_refused_and_small_ones_merged():
    with pytest.raises(NetworkError, match="no neuron belongs to population 'X'"):
        as_network(J, LABELS, ["E", "I", "X"])
    labels = ["A", "B", "C", "A"]
    alone = as_network(J, labels)
    assert alone.sizes == (2, 1, 1)
    found = measure(alone)
    assert found.variance[1, 1] == found.convergent[1, 1, 1] == 0
    same(as_network(J, labels, smallest=2), J, ["A", "other", "other", "A"])
    same(as_network(J, [0, 1, 2, 0], smallest=2, other="few"), J, ["1", "few", "few", "1"])
    assert as_network(J, labels, ["C", "B", "A"], smallest=2).populations == ("A", "other")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"rows": "both"}, "rows='both' is unknown: use 'target' or 'source'"),
        ({"missing": "mean"}, "missing='mean' is unknown"),
        ({"negative": "drop"}, "negative='drop' is unknown"),
        ({"duplicates": "first"}, "duplicates='first' is unknown"),
        ({"self_synapses": "no"}, "self_synapses='no' is unknown"),
        ({"unlabelled": "other"}, "unlabelled='other' is unknown"),
        ({"labels": ["E"]}, r"labels have shape \(1,\); 4 neurons need one label each"),
    ],
)
def test_bad_options_are_refused(options, match):
    with pytest.raises(NetworkError, match=match):
        as_network(J, **options)


def test_bad_matrices_are_refused():
    with pytest.raises(NetworkError, match="must be real numbers"):
        as_network([["a", "b"], ["c", "d"]])
    for bad in (J[:3], sps.csr_array(J[:3])):
        with pytest.raises(NetworkError, match="needs a square matrix"):
            as_network(bad)


class TestGraphs:
    @pytest.fixture
    def networkx(self):
        return pytest.importorskip("networkx")

    @pytest.fixture
    def graph(self, networkx):
        graph = networkx.DiGraph()
        for name, label in zip("wxyz", LABELS, strict=True):
            graph.add_node(name, type=label)
        for i, j in zip(*np.nonzero(J), strict=True):
            graph.add_edge("wxyz"[j], "wxyz"[i], weight=J[i, j], size=2 * J[i, j])
        return graph

    def test_an_edge_is_a_synapse_from_its_first_node(self, graph):
        same(as_network(graph, "type"))
        same(as_network(graph, dict(zip("wxyz", LABELS, strict=True)), weight="size"), 2 * J)
        same(as_network(graph, LABELS, weight=None), J != 0)

    def test_refusals(self, networkx, graph):
        with pytest.raises(NetworkError, match="the graph is undirected"):
            as_network(graph.to_undirected())
        with pytest.raises(NetworkError, match="no edge of the graph has the attribute 'count'"):
            as_network(graph, weight="count")
        with pytest.raises(NetworkError, match="no node of the graph has the attribute 'kind'"):
            as_network(graph, "kind")
        del graph.nodes["x"]["type"]
        with pytest.raises(NetworkError, match="1 neurons have no label, e.g. neuron 'x'"):
            as_network(graph, "type")
        graph.add_edge("w", "z", weight=None)
        with pytest.raises(NetworkError, match="from neuron 'w' onto neuron 'z'"):
            as_network(graph)
        graph.add_edge("w", "z", weight="thick")
        with pytest.raises(NetworkError, match="'weight' of an edge is not a number"):
            as_network(graph)

    def test_several_edges_between_two_neurons(self, networkx):
        graph = networkx.MultiDiGraph([("a", "b", {"weight": 1}), ("a", "b", {"weight": 2})])
        with pytest.raises(
            NetworkError, match="given more than once, e.g. that from neuron 'a' onto neuron 'b'"
        ):
            as_network(graph)
        np.testing.assert_array_equal(dense(as_network(graph, duplicates="sum")), [[0, 0], [3, 0]])

    def test_graphml(self, networkx, graph, tmp_path):
        networkx.write_graphml(graph, tmp_path / "g.graphml")
        same(read_network(tmp_path / "g.graphml", "type"))
        (tmp_path / "g.graphml").write_text("hello")
        with pytest.raises(NetworkError, match="cannot be read as GraphML"):
            read_network(tmp_path / "g.graphml")


def test_files_of_matrices(tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(LABELS) + "\n\n")
    np.save(tmp_path / "j.npy", J)
    sps.save_npz(tmp_path / "j.npz", sps.csr_array(J))
    scipy.io.mmwrite(tmp_path / "j.mtx", sps.coo_array(J))
    (tmp_path / "blanks.csv").write_text(text(J, " "))
    (tmp_path / "j.csv").write_text(text(J))
    (tmp_path / "j.tsv").write_text(text(J, "\t"))
    (tmp_path / "j.csv.gz").write_bytes(gzip.compress(text(J).encode()))
    (tmp_path / "j.mtx.gz").write_bytes(gzip.compress((tmp_path / "j.mtx").read_bytes()))
    for name in ("j.npy", "j.npz", "j.mtx", "j.mtx.gz", "j.csv", "blanks.csv", "j.tsv", "j.csv.gz"):
        same(read_network(tmp_path / name, labels))
        same(read_network(tmp_path / name, LABELS, rows="source"), J.T)


def test_matrices_with_names_of_neurons(tmp_path):
    path, labels = tmp_path / "named.csv", tmp_path / "labels.csv"
    names = ["n1", "n2", "n3", "n4"]
    path.write_text(
        ",".join(["", *names])
        + "\n"
        + "\n".join(
            f"{n}," + ",".join(f"{v:g}" for v in row) for n, row in zip(names, J, strict=True)
        )
    )
    labels.write_text("n4,E\nn3,I\nn2,E\nn1,I\nn9,X\n")
    same(read_network(path, labels))
    labels.write_text("n4,E\nn3,I\nn1,I\n")
    with pytest.raises(NetworkError, match="1 neurons have no label, e.g. neuron 'n2'"):
        read_network(path, labels)
    labels.write_text("a,E\nb,I\n")
    with pytest.raises(NetworkError, match="has none of the 4 neurons, e.g. not 'n1'"):
        read_network(path, labels)
    labels.write_text("n4,E\nn4,I\n")
    with pytest.raises(NetworkError, match="1 ids occur more than once"):
        read_network(path, labels)
    path.write_text(",a,b\na,0,1\nc,1,0\n")
    with pytest.raises(
        NetworkError, match="name different neurons, e.g. 'b' is only in its columns"
    ):
        read_network(path, kind="adjacency")
    path.write_text(",a,b\na,0,\nb,1,0\n")
    with pytest.raises(
        NetworkError,
        match="1 weights are missing, e.g. that of the synapse from neuron 'b' onto neuron 'a'",
    ):
        read_network(path, kind="adjacency")
    np.testing.assert_array_equal(
        dense(read_network(path, kind="adjacency", missing="zero")), [[0, 0], [1, 0]]
    )


def test_lists_of_edges(tmp_path):
    edges, labels = tmp_path / "e.csv", tmp_path / "labels.csv"
    i, j = np.nonzero(J)
    edges.write_text("".join(f"n{b},n{a},{J[a, b]}\n" for a, b in zip(i, j, strict=True)))
    labels.write_text("".join(f"n{k},{name}\n" for k, name in enumerate(LABELS)))
    same(read_network(edges, labels))
    same(read_network(edges), J, ["all"] * 4)
    (tmp_path / "e.tsv").write_text(edges.read_text().replace(",", "\t"))
    (tmp_path / "e.txt").write_text(edges.read_text().replace(",", " "))
    (tmp_path / "e.csv.gz").write_bytes(gzip.compress(edges.read_bytes()))
    for name in ("e.tsv", "e.txt", "e.csv.gz"):
        same(read_network(tmp_path / name, labels))
    edges.write_text("from,to,w\n" + edges.read_text())
    labels.write_text("id,type\n" + labels.read_text())
    columns = {"pre": "from", "post": "to", "weight": "w", "id": "id", "label": "type"}
    same(
        read_network(edges, labels, **columns, self_synapses="drop"),
        J - np.diag(np.diag(J)),
    )
    with pytest.raises(
        NetworkError,
        match="1 weights are negative, e.g. that of the synapse from neuron 'n2' onto neuron 'n0'",
    ):
        read_network(edges, labels, **columns, negative="refuse")


def test_edges_without_weight_and_neurons_without_label(tmp_path):
    edges, labels = tmp_path / "e.csv", tmp_path / "labels.csv"
    edges.write_text("a,b,1\nb,c,\nc,a,2\na,c,3\n")
    labels.write_text("a,E\nb,\nc,I\n")
    with pytest.raises(NetworkError, match="line 2: the weight '' is not a finite number"):
        read_network(edges, labels, unlabelled="drop")
    with pytest.raises(
        NetworkError,
        match="1 neurons have no label .column 1., e.g. 'b': label them, or use unlabelled='drop'",
    ):
        read_network(edges, labels, missing="zero")
    same(
        read_network(edges, labels, missing="zero", unlabelled="drop", distinct="keep"),
        [[0, 2], [3, 0]],
        ["E", "I"],
    )


def test_own_files_keep_their_seed_unless_something_is_asked_for(tmp_path):
    network = sample(
        Parameters.of(N=20, fractions=[0.5, 0.5], mean=0.1, g=0.3, motifs=Motifs.shared(0.01)), 5
    )
    for suffix in (".npz", ".h5"):
        path = network.save(tmp_path / f"n{suffix}")
        assert read_network(path).seed == 5
        dropped = read_network(path, self_synapses="drop")
        assert (dropped.seed, dropped.populations) == (None, ("1", "2"))
        assert np.all(np.diag(dropped.weights) == 0)
        assert read_network(path, ["a"] * 10 + ["b"] * 10).populations == ("a", "b")


@pytest.mark.parametrize(
    ("name", "content", "options", "match"),
    [
        ("n.csv", None, {}, "there is no file"),
        ("n.xls", "1", {}, "not read from a file with this suffix: known are .npz, .h5"),
        ("n.csv", "", {}, "is empty"),
        ("n.csv", "1,2\n3,4\n", {}, "2 lines of 2 columns may be edges or a matrix: use kind="),
        ("n.csv", "0,1,2\n0,2,1\n1,2,3\n", {}, "3 lines of 3 columns"),
        ("n.csv", "1,2\n3,x\n", {"kind": "adjacency"}, "is not a number"),
        (
            "n.csv",
            "1,2\n3,4\n",
            {"kind": "matrix"},
            "kind='matrix' is unknown: use 'edges' or 'adjacency'",
        ),
        ("n.csv", "1,2\n3,4\n5,6\n", {"kind": "adjacency"}, "needs a square matrix"),
        (
            "n.csv",
            "1,2\n3,4\n",
            {"kind": "adjacency", "pre": 1},
            "is not a list of edges and has no pre",
        ),
        ("n.csv", "1,2,1\n", {"rows": "source"}, "say which column is the source with pre=, post="),
        (
            "n.csv",
            "1,2,1\n",
            {"labels": ["E", "I"]},
            "give their labels by id, as a mapping, or a file with",
        ),
        (
            "n.csv",
            "1,2\n3,4\n",
            {"kind": "adjacency", "labels": "absent.txt"},
            "there is no table of neurons absent.txt",
        ),
        ("n.npy", "hello", {}, "cannot be read as a matrix"),
        ("n.npz", "hello", {}, "not a network written by Network.save, or it is damaged"),
        ("n.csv.gz", "hello", {}, "cannot be read as text"),
        ("n.mtx", "hello", {}, "cannot be read as a matrix"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, options, match):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(NetworkError, match=match):
        read_network(tmp_path / name, **options)


def test_ids_need_names(tmp_path):
    (tmp_path / "j.csv").write_text(text(J))
    (tmp_path / "l.csv").write_text("a,E\n")
    with pytest.raises(
        NetworkError,
        match="has ids, the matrix has no names of neurons: give one label on each line",
    ):
        read_network(tmp_path / "j.csv", tmp_path / "l.csv")
    assert isinstance(read_network(tmp_path / "j.csv"), Network)


@pytest.mark.parametrize("line", ["2 1 1E", "2 1 3,5", "2 1 3 4", "2 1", "2 1 1-2", "2 1 x"])
def test_a_line_of_a_matrix_market_file_that_is_not_whole_is_an_error(tmp_path, line):
    """SciPy takes 3,5 for 3; where the file ends within a number it ends the process."""
    path, head = tmp_path / "m.mtx", "%%MatrixMarket matrix coordinate real general\n% a\n\n"
    for rest in ("", "\n", "\n1 2 3\n"):
        path.write_text(head + f"2 2 2\n1 2 3\n{line}{rest}")
        with pytest.raises(NetworkError, match=rf"m.mtx, line 6: '{line}' is not 2 indices and 1"):
            read_network(path)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_a_damaged_matlab_file_is_an_error_or_a_matrix(tmp_path, sparse, packed):
    """SciPy alone ends the process at a type of elements that it does not know."""
    path = tmp_path / "m.mat"
    given = {"W": sps.csc_array(J) if sparse else J, "names": np.array(["a"], dtype=object)}
    scipy.io.savemat(path, given, do_compression=packed)
    same(read_network(path, LABELS))
    content, said = path.read_bytes(), 0
    for k in range(124, len(content)):
        for bit in (1, 64):
            damaged = bytearray(content)
            damaged[k] ^= bit
            path.write_bytes(damaged)
            try:
                read_network(path)
            except NetworkError:
                said += 1
    assert said > 30
