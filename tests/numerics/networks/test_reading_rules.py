"""What cells, headers, labels and filters mean, and what is refused rather than guessed: the
smallest case of each.
"""

import json

import numpy as np
import pandas as pd
import pytest

from motifield import as_network, read_network
from motifield.errors import NetworkError
from motifield.networks import read_edges

RING = "a,b,1\nb,c,2\nc,a,3\na,c,4\n"
EDGES = {("a", "b"): 1, ("b", "c"): 2, ("c", "a"): 3, ("a", "c"): 4}
EEI = {"a": "E", "b": "E", "c": "I"}
TYPED = "pre,post,weight,type\na,b,1,S\nb,a,2,R\nb,c,3,S\n"
TYPED_EDGES = {("a", "b"): 1, ("b", "a"): 2, ("b", "c"): 3}
LONG = "720575940596125868"


def found(network):
    W = network.weights.toarray() if network.sparse else network.weights
    names = [str(name) for name in (range(network.N) if network.ids is None else network.ids)]
    edges = {(names[j], names[i]): float(W[i, j]) for i, j in np.argwhere(W)}
    own = [network.populations[k] for k in network.labels]
    return edges, dict(zip(names, own, strict=True))


def read(folder, content, labels=None, name="e.csv", **options):
    path, other = folder / name, labels
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if isinstance(labels, str | bytes):
        other = folder / "l.csv"
        other.write_bytes(labels if isinstance(labels, bytes) else labels.encode())
    return read_network(path, other, **options)


@pytest.mark.parametrize(
    ("content", "options", "edges"),
    [
        # a comment that names the columns
        ("# target,source,weight\n" + RING, {}, {(b, a): w for (a, b), w in EDGES.items()}),
        ("# made, on, monday\n" + RING, {}, EDGES),
        (RING + "# b,a,7\n\n  \n,,\n", {}, EDGES),
        # forms of numbers
        ("pre;post;weight\na;b;1.234,5\nb;a;12\n", {}, {("a", "b"): 1234.5, ("b", "a"): 12}),
        (
            'pre,post,weight\na,b,"1,234,567"\nb,a,"1,200"\n',
            {},
            {("a", "b"): 1234567, ("b", "a"): 1200},
        ),
        (
            'pre,post,weight\na,b,"1,234"\nb,a,12\n',
            {"decimal": "."},
            {("a", "b"): 1234, ("b", "a"): 12},
        ),
        (
            'pre,post,weight\na,b,"1,234"\nb,a,12\n',
            {"decimal": ","},
            {("a", "b"): 1.234, ("b", "a"): 12},
        ),
        # filters
        (TYPED, {"where": "weight>=2"}, {("b", "a"): 2, ("b", "c"): 3}),
        (TYPED, {"where": "type!=R"}, {("a", "b"): 1, ("b", "c"): 3}),
        (TYPED, {"where": ["type=S|R", "weight<3"]}, {("a", "b"): 1, ("b", "a"): 2}),
        (TYPED, {"where": {"type": ["S"]}}, {("a", "b"): 1, ("b", "c"): 3}),
        # the first line of a spreadsheet's text
        ("sep=;\npre;post;weight\na;b;1\nb;a;2\nb;c;3\n", {}, TYPED_EDGES),
        # columns by position
        ("a,b,1,S\nb,a,2,R\n", {"pre": 0, "post": 1, "weight": 2}, {("a", "b"): 1, ("b", "a"): 2}),
        ("a,b,1,S\nb,a,2,R\n", {"pre": 1, "post": 0, "weight": 2}, {("b", "a"): 1, ("a", "b"): 2}),
        (
            "a,b,1,S\nb,a,2,R\n",
            {"pre": 0, "post": 1, "weight": 2, "where": "3=S"},
            {("a", "b"): 1},
        ),
        ("a,b\nb,c\nc,a\n", {"weight": None}, dict.fromkeys(["ab", "bc", "ca"], 1)),
        # separators at the ends of lines, names of rows as R writes them
        ("a,b,1,\nb,a,2,\nb,c,3,\n", {"kind": "edges"}, TYPED_EDGES),
        ("pre,post,weight\na,b,1,\nb,a,2,\nb,c,3,\n", {}, TYPED_EDGES),
        ("pre,post,weight,\na,b,1\nb,a,2\nb,c,3\n", {}, TYPED_EDGES),
        ('"pre" "post" "n"\n"1" "a" "b" 1\n"2" "b" "a" 2\n"3" "b" "c" 3\n', {}, TYPED_EDGES),
        # blanks of all kinds
        ("a   b\t 1\nb c  2\n c a 3\na c 4\n", {}, EDGES),
        ("a\u00a0,b,1\nb,c ,2\nc,a, 3\n a,c,4\n", {}, EDGES),
        # encodings
        ("é,b,1\nb,é,2\nb,c,3\nc,b,4\n".encode("utf-16"), {}, ["éb", "bé", "bc", "cb"]),
        ("é,b,1\nb,é,2\nb,c,3\nc,b,4\n".encode("utf-16-be"), {}, ["éb", "bé", "bc", "cb"]),
        ("“,b,1\nb,“,2\nb,c,3\nc,b,4\n".encode("cp1252"), {}, ["“b", "b“", "bc", "cb"]),
        # an id that is the word for a missing value
        (
            "a,NA,1\nNA,b,2\nb,a,3\nb,NA,4\n",
            {},
            {("a", "NA"): 1, ("NA", "b"): 2, ("b", "a"): 3, ("b", "NA"): 4},
        ),
        # a matrix whose names stand on one side only
        ("a,b,c,d\n" + "0,1,0,0\n" * 4, {}, {("b", k): 1 for k in "abcd"}),
        (
            "a 0 1 0\nb 0 0 2\nc 3 4 0\n",
            {},
            {("b", "a"): 1, ("c", "b"): 2, ("a", "c"): 3, ("b", "c"): 4},
        ),
        (
            f",{LONG},7\n{LONG},0,1\n7,2,0\n",
            {"kind": "adjacency"},
            {("7", LONG): 1, (LONG, "7"): 2},
        ),
        (";a;b\na;0;1,5\nb;1;0\n", {"kind": "adjacency"}, {("b", "a"): 1.5, ("a", "b"): 1}),
    ],
)
def test_what_is_read(tmp_path, content, options, edges):
    if isinstance(edges, list):
        edges = {tuple(ends): k + 1 for k, ends in enumerate(edges)}
    expected = {tuple(ends): weight for ends, weight in edges.items()}
    assert found(read(tmp_path, content, **options))[0] == expected


@pytest.mark.parametrize(
    ("content", "options", "match"),
    [
        ("  \n\n", {}, r"e.csv is empty$"),
        ("#1,#2,3\n#2,#1,4\n", {}, "is empty: its 2 lines are comments, which begin with # or %"),
        ("pre,post,weight\n", {}, "has no rows below its header"),
        (bytes(range(256)) * 5, {}, "is not a text: it has bytes that are 0"),
        ("a,b,1\nb,c,2,9\nc,a,3\na,c,4\n", {}, "line 2: it has 4 cells, the rows before it 3"),
        ('a,b,1\n"b,c,2\nc,a,3\na,c,4\n', {}, "line 2: a quote is opened there, and never closed"),
        ("pre,post,weight\na,b,1\n,a,2\n", {}, "line 3: a neuron's id is missing"),
        ("pre,post,weight\nnan,b,1\nb,a,2\n", {}, "line 2: a neuron's id is missing"),
        ("# two\n\na,b,1\n\nb,c\nc,a,3\na,c,4\n", {}, "line 5: the weight '' .*missing='zero'"),
        ('pre,post,weight\na,b,"1,234"\nb,a,2\n', {}, "'1,234'.* decimal=',' or decimal='.'"),
        ("pre;post;weight\na;b;1,5\nb;a;1.5\n", {}, "comma of '1,5'.* decimal=',' or"),
        ("pre;post;weight\na;b;1,5\nb;a;1.5\n", {"decimal": ","}, "line 3: the weight '1.5' is"),
        ("pre,post,weight\n1,2,3\n7.20575940596126E+17,1,2\n", {}, "has lost digits.* as text"),
        ("source,size,target\na,1,b\n", {}, r"columns \['source', .*none of them.*weight='...'"),
        ("pre,post,weight,count\na,b,1,2\n", {}, r"\['weight', 'count'\] may all be the weight"),
        ("pre,post_id,post_name,n\na,b,c,1\n", {}, "may all be the target: say which with post="),
        ("a,b,n\n1,2,3\n2,1,4\n2,3,4\n", {}, "first line: its columns .* name them.*weight='n'"),
        ("a,b,1,S\nb,a,2,R\nb,c,1,S\n", {}, "has 4 columns without names.*pre=0, post=1, weight=2"),
        ("pre post weight region\n3 6 1 0 A\n6 9 1 1 A\n", {}, "has 4 cells, the rows below it 5"),
        ("a,b\nb,c\nc,a\n", {}, "has no column of weights.*use weight=None"),
        (
            "x;1,y;2,3\ny;1,x;2,5\nz;1,x;2,5\ny;1,z;2,5\n",
            {},
            "use separator='semicolon' or 'comma'",
        ),
        (RING, {"encoding": "klingon"}, "encoding='klingon' is unknown: use 'utf-8'"),
        (
            "é,b,1\nb,é,2\n".encode("latin-1"),
            {"encoding": "utf-8", "kind": "edges"},
            "is not in utf-8",
        ),
        (RING, {"separator": "comm"}, "separator='comm' is not one character"),
        (TYPED, {"where": "kind=S"}, r"has no column 'kind': its columns are \['pre'"),
        (TYPED, {"where": "type=Q"}, r"no edge has type=Q; its values are \['R', 'S'\]"),
        (TYPED, {"where": ["type=R", "weight=3"]}, "no edge satisfies where = type=R, weight=3"),
        ("1,2\n3,4\n5,6\n", {"kind": "adjacency"}, "needs a square matrix.* 3 rows of 2.*pre=0"),
        (
            ",a,b\na,0,x\nb,1,0\n",
            {"kind": "adjacency"},
            "line 2, column 3: a weight is not a number",
        ),
        (",a,a\na,0,1\na,1,0\n", {"kind": "adjacency"}, "two of its rows have the name 'a'"),
        (
            ",a,b\na,0,1\nc,1,0\n",
            {"kind": "adjacency"},
            "different neurons, e.g. 'b' is only in its col",
        ),
    ],
)
def test_what_is_refused(tmp_path, content, options, match):
    with pytest.raises(NetworkError, match=match):
        read(tmp_path, content, **options)


@pytest.mark.parametrize(
    "labels",
    [
        "a,E\nb,E\nc,I\n",
        "Cell,Cell Type\na,E\nb,E\nc,I\n",
        "type,region,id\nE,x,a\nE,x,b\nI,y,c\n",
        "name,id,type\nb,a,E\nc,b,E\nx,c,I\n",
        "a;E;0,3\nb;E;0,4\nc;I;1,2\n",
        "'a','E'\n'b','E'\n'c','I'\n",
        "# id, type\n a , E\nb ,E \nc,I\n",
        "a\tE\r\nb\tE\r\nc\tI\r\n",
        "id,type\na,E\nb,E\nc,I\n".encode("utf-16"),
        EEI,
        pd.Series(EEI).iloc[::-1],
        pd.DataFrame({"id": ["c", "b", "a"], "type": ["I", "E", "E"]}),
    ],
)
def test_labels_by_name(tmp_path, labels):
    assert found(read(tmp_path, RING, labels)) == (EDGES, EEI)
    matrix = ",a,b,c\na,0,0,3\nb,1,0,0\nc,4,2,0\n"
    assert found(read(tmp_path, matrix, labels, kind="adjacency")) == (EDGES, EEI)


@pytest.mark.parametrize(
    ("labels", "options", "match"),
    [
        ("a,E\nb,NA\nc,I\n", {}, "1 neurons have no label .column 1., e.g. 'b'.*unlabelled='drop'"),
        (
            "a,AVAL\nb,AVAR\nc,RIM\n",
            {},
            "each of the 3 neurons has a label of its own.*label=.*dist",
        ),
        (
            "x1,x2\na,E\nb,E\nc,I\n",
            {},
            "first row, x1, x2, may be a header.*id='x1'.*id=0, label=1",
        ),
        (
            "id,type,class\na,E,x\nb,E,x\nc,I,x\n",
            {},
            "which of its columns .* populations. Say label=",
        ),
        ("a,E\na,I\nb,E\nc,I\n", {}, "1 ids occur more than once, e.g. 'a'"),
        ("a,E\nb,E\n", {}, "3 edges have a neuron that is not in the table, e.g. 'c'"),
        (["E", "E", "I"], {}, "give their labels by id, as a mapping"),
        (pd.DataFrame({"id": [1e18, 2.0], "type": ["E", "I"]}), {}, "1e.18 has lost digits"),
        (EEI, {"where": "size>2"}, "has no column 'size'"),
    ],
)
def test_labels_that_are_refused(tmp_path, labels, options, match):
    with pytest.raises(NetworkError, match=match):
        read(tmp_path, RING, labels, **options)


def test_what_a_refusal_of_labels_asks_for_is_possible(tmp_path):
    names = "a,AVAL\nb,AVAR\nc,RIM\n"
    assert read(tmp_path, RING, names, distinct="keep").P == 3
    headed = "x1,x2\na,E\nb,E\nc,I\n"
    assert found(read(tmp_path, RING, headed, id="x1", label="x2"))[1] == EEI
    assert found(read(tmp_path, RING, headed, id=0, label=1))[1] == EEI | {"x1": "x2"}
    both = "id,type,class\na,E,x\nb,E,x\nc,I,x\n"
    assert found(read(tmp_path, RING, both, label="type"))[1] == EEI


def test_a_column_that_edges_and_neurons_have(tmp_path):
    types = "id,type\na,E\nb,E\nc,I\n"
    with pytest.raises(NetworkError, match=r"write 'edges.type=S' or 'neurons.type=S'"):
        read(tmp_path, TYPED, types, where="type=S")
    edges, _ = found(read(tmp_path, TYPED, types, where="edges.type=S"))
    assert edges == {("a", "b"): 1, ("b", "c"): 3}
    network = read(tmp_path, TYPED, types, where="neurons.type=E")
    assert found(network) == ({("a", "b"): 1, ("b", "a"): 2}, {"a": "E", "b": "E"})
    assert (network.reading.dropped_neurons, network.reading.dropped_edges) == (1, 1)


def test_filters_of_the_neurons_of_a_matrix(tmp_path):
    matrix = ",a,b,c\na,0,0,3\nb,1,0,0\nc,4,2,0\n"
    types = "id,type,side\na,E,left\nb,E,left\nc,I,right\n"
    network = read(tmp_path, matrix, types, kind="adjacency", where="side=left")
    assert found(network) == ({("a", "b"): 1}, {"a": "E", "b": "E"})


def test_labels_in_order(tmp_path):
    matrix = ",a,b,c\na,0,0,3\nb,1,0,0\nc,4,2,0\n"
    for labels in ("E\nE\nI\n", "type\nE\nE\nI\n", '"E"\r\n"E"\r\n"I"', ["E", "E", "I"]):
        assert found(read(tmp_path, matrix, labels, kind="adjacency"))[1] == EEI
    with pytest.raises(NetworkError, match=r"e.csv.*: labels have shape \(2,\); 3 neurons"):
        read(tmp_path, matrix, "E\nE\n", kind="adjacency")
    nameless = "0,0,3,1\n1,0,0,1\n4,2,0,1\n1,1,1,0\n"
    layers = "L2 exc\nL2 exc\nL3, inh\nL3, inh\n"
    assert read(tmp_path, nameless, layers.replace(",", "")).populations == ("L2 exc", "L3 inh")
    with pytest.raises(NetworkError, match="has ids, the matrix has no names of neurons"):
        read(tmp_path, nameless, "0,E\n1,E\n2,I\n3,I\n")
    series = pd.Series(["E", "E", "I"])  # has an order, and no names
    assert found(read(tmp_path, matrix, series, kind="adjacency"))[1] == EEI


def test_ids_of_several_files_are_the_same_neurons(tmp_path):
    edges = f"1,2.0,1\n2,3,2\n3,1.0,4\n1,{LONG},3\n"
    types = f"id,type\n1.0,E\n2,E\n 3 ,I\n{LONG}.0,I\n"
    expected = {("1", "2"): 1, ("2", "3"): 2, ("3", "1"): 4, ("1", LONG): 3}
    network = read(tmp_path, edges, types)
    assert found(network) == (expected, {"1": "E", "2": "E", "3": "I", LONG: "I"})
    # ids of numbers are sorted as numbers, and keep their zeros
    assert list(read(tmp_path, "10,9,1\n9,2,1\n2,10,1\n10,2,1\n").ids) == ["2", "9", "10"]
    assert list(read(tmp_path, "010,9,1\n9,2,1\n2,010,1\n9,010,1\n").ids) == ["010", "2", "9"]


def test_data_frames_are_aligned_or_refused():
    W = pd.DataFrame([[0, 1.0], [2.0, 0]], index=["a", "b"], columns=["a", "b"])
    expected = {("b", "a"): 1, ("a", "b"): 2}
    assert found(as_network(W))[0] == expected
    assert found(as_network(W[["b", "a"]]))[0] == expected
    assert found(as_network(W.loc[["b", "a"]]))[0] == expected
    with pytest.raises(NetworkError, match="'a' is only in its rows|'c' is only in its columns"):
        as_network(W.rename(columns={"a": "c"}))
    assert as_network(pd.DataFrame([[0, 1.0], [2.0, 0]])).ids is None


def test_igraph_is_read_by_its_methods():
    class Sequence:
        def __init__(self, **columns):
            self.columns = columns

        def attributes(self):
            return list(self.columns)

        def __getitem__(self, name):
            return self.columns[name]

    class Graph:
        vs = Sequence(name=["a", "b", "c"], cell_type=["E", "E", "I"])
        es = Sequence(weight=[1, 2, 3, 4])

        def is_directed(self):
            return True

        def vcount(self):
            return 3

        def get_edgelist(self):
            return [(0, 1), (1, 2), (2, 0), (0, 2)]

    assert found(as_network(Graph())) == (EDGES, EEI)


def test_extras_that_are_missing_are_named(tmp_path, monkeypatch):
    import sys

    for name, package in (("e.parquet", "pyarrow"), ("e.xlsx", "openpyxl")):
        monkeypatch.setitem(sys.modules, package, None)
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(NetworkError, match=rf"{package}, which is not .*motifield\[tables\]"):
            read_edges(tmp_path / name)


def test_without_pyarrow_large_text_is_read_all_the_same(tmp_path, monkeypatch):
    import sys

    from motifield.numerics.tables import text

    monkeypatch.setattr(text, "FAST", 0)
    with_it = found(read(tmp_path, RING))
    monkeypatch.setitem(sys.modules, "pyarrow.csv", None)
    assert found(read(tmp_path, RING)) == with_it == (EDGES, dict.fromkeys("abc", "all"))


def test_filters_of_a_graph():
    networkx = pytest.importorskip("networkx")
    graph = networkx.DiGraph()
    for name, label in EEI.items():
        graph.add_node(name, cell_type=label, side="left" if name != "b" else "right", kind="n")
    for (a, b), weight in EDGES.items():
        graph.add_edge(a, b, weight=weight, type="S" if weight < 3 else "R", kind="e")
    assert found(as_network(graph)) == (EDGES, EEI)
    expected = {("a", "b"): 1, ("b", "c"): 2}
    assert found(as_network(graph, where="type=S")) == (expected, EEI)
    left = as_network(graph, where="side=left", distinct="keep")
    assert found(left) == ({("c", "a"): 3, ("a", "c"): 4}, {"a": "E", "c": "I"})
    assert left.reading.labels == "attribute cell_type of the nodes"
    assert found(as_network(graph, where="edges.kind=e"))[0] == EDGES
    for where, match in (("kind=e", "where both have it"), ("type=Q", "values are .'R', 'S'.")):
        with pytest.raises(NetworkError, match=match):
            as_network(graph, where=where)


def test_options_that_a_file_has_no_use_for_are_refused(tmp_path):
    with pytest.raises(NetworkError, match="is one table or graph, and has no part"):
        read(tmp_path, RING, part="x")
    np.save(tmp_path / "m.npy", np.eye(3))
    for options in ({"where": "a=b"}, {"pre": 0}, {"kind": "edges"}, {"label": "x"}):
        with pytest.raises(NetworkError, match=r"m.npy"):
            read_network(tmp_path / "m.npy", **options)


def test_neurons_in_the_index_of_a_data_frame(tmp_path):
    edges = pd.DataFrame([(*ends, weight) for ends, weight in EDGES.items()])
    edges.columns = ["pre", "post", "weight"]
    types = pd.DataFrame({"id": list(EEI), "type": list(EEI.values())}).set_index("id")
    for own in (types, types.rename_axis(None)):
        assert found(read_edges(edges, own, label="type")) == (EDGES, EEI)
    named = types.rename(index={"a": "x"})
    assert found(read_edges(edges, named, label="type", unknown="drop"))[0] == {("b", "c"): 2}
    W = pd.DataFrame(np.zeros((3, 3)), index=list("bca"), columns=list("abc"))
    for (a, b), weight in EDGES.items():
        W.loc[b, a] = weight
    for suffix in (".parquet", ".xlsx", ".csv"):
        path = tmp_path / f"W{suffix}"
        (W.to_parquet if suffix == ".parquet" else W.to_excel if suffix == ".xlsx" else W.to_csv)(
            path
        )
        assert found(read_network(path, types["type"], kind="adjacency")) == (EDGES, EEI)


def test_a_table_of_columns_with_damaged_metadata_is_an_error_that_names_it(tmp_path):
    """pandas reads its own metadata without a check."""
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"pre": [1, 2], "post": [2, 1], "weight": [1.0, 2.0]})
    told = json.dumps({"columns": [{"name": "pre"}], "index_columns": [], "column_indexes": []})
    path = tmp_path / "e.parquet"
    parquet.write_table(table.replace_schema_metadata({"pandas": told}), path)
    with pytest.raises(NetworkError, match=r"e\.parquet cannot be read"):
        read_edges(path)
