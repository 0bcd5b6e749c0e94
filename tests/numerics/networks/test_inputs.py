"""Files as people have them: each gives the network that its README describes, or is refused with
the line and the remedy.
"""

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from motifield import read_network
from motifield.errors import NetworkError
from motifield.networks import read_edges

INPUTS = Path(__file__).parent / "inputs"
# source, target, weight, as the README of the files says
EDGES = {
    ("n1", "n2"): 3,
    ("n2", "n1"): 10,
    ("n3", "n1"): 2,
    ("n1", "n4"): 1,
    ("n4", "n3"): 5,
    ("n2", "n3"): 0.5,
}
TYPES = {"n1": "E", "n2": "E", "n3": "I", "n4": "I"}
A, B, C = "720575940596125868", "720575940623160990", "720575940611879886"
ROWS = {"rows": "source"}
MATRIX = {(str(int(a[1]) - 1), str(int(b[1]) - 1)): w for (a, b), w in EDGES.items()}
ACCENT = {tuple(n.replace("n1", "né") for n in ends): w for ends, w in EDGES.items()}

# file, options, edges
RIGHT = [
    *((f"{name}.csv", {}, EDGES) for name in ("plain", "bom", "crlf", "cr", "tab", "quoted")),
    *((f"c.csv.{packed}", {}, EDGES) for packed in ("gz", "xz", "bz2")),
    *((name, {}, EDGES) for name in ("comma.txt", "blank.txt", "upper.CSV", "trail.csv")),
    *((name, {}, EDGES) for name in ("comment.csv", "pct.txt", "header.csv", "nz.csv.zip")),
    ("latin1.csv", {}, ACCENT),
    ("padded.csv", {"where": "type=chemical"}, EDGES),
    ("padded.csv", {"where": {"Type": "chemical"}}, EDGES),
    ("header4.csv", {"duplicates": "sum"}, {(A, B): 8, (B, A): 2, (C, A): 7, (B, C): 1}),
    (
        "unnamed.csv",
        {},
        {("n1", "n2"): 3, ("n2", "n1"): 2, ("n3", "n1"): 1, ("n1", "n3"): 4},
    ),
    (
        "floatids.csv",
        {},
        {("1", "2"): 3, ("2", "1"): 1, ("3", "1"): 2, ("1", "10"): 4, ("10", "2"): 1},
    ),
    ("mixed_ids.csv", {}, {("1", "2"): 3, ("2", "3"): 1, ("3", "1"): 2, ("1", "3"): 4}),
    *((f"{name}_w.csv", {"missing": "zero"}, EDGES) for name in ("empty", "na")),
    (
        "comma_dec.csv",
        {},
        {("n1", "n2"): 3.5, ("n2", "n1"): 1.5, ("n3", "n1"): 1, ("n1", "n3"): 2},
    ),
    (
        "both_ends.csv",
        {"where": "type=S"},
        {("n1", "n2"): 3, ("n3", "n1"): 2, ("n2", "n3"): 4, ("n1", "n3"): 1},
    ),
    *((f"adj_{name}.csv", ROWS, EDGES) for name in ("named", "semi", "perm")),
    ("adj_R.txt", ROWS, EDGES),
    ("adj_index.csv", ROWS, MATRIX),
    *((name, ROWS, MATRIX) for name in ("a.mat", "a.mtx")),
    *((f"g.{suffix}", {}, EDGES) for suffix in ("gml", "json", "graphml")),
]

# file, options, the refusal
REFUSED = [
    *(
        (f"{name}_w.csv", {}, rf"{name}_w.csv, line 7: the weight '{text}' .*missing='zero'")
        for name, text in (("empty", ""), ("na", "NA"))
    ),
    ("header4.csv", {}, f"1 edge .* from '{A}' onto '{B}': .*duplicates='sum'"),
    ("padded.csv", {}, r"1 edge .* from 'n3' onto 'n1'.*duplicates='sum'"),
    ("both_ends.csv", {}, r"100 % of the edges have an edge of equal weight back.*where='type=S'"),
]

LABELS = ["lab.csv", "lab_head.csv", "lab_trail.csv", "lab_bom.csv", "lab_txt.txt", "lab3.csv"]
LABELS += ["series_labels.csv"]


def found(network):
    """The edges of a network by the ids of its neurons, (source, target): weight."""
    W = network.weights.toarray() if network.sparse else network.weights
    ids = range(network.N) if network.ids is None else network.ids
    names = [str(name) for name in ids]
    return {(names[j], names[i]): float(W[i, j]) for i, j in np.argwhere(W)}


def types(network):
    own = [network.populations[k] for k in network.labels]
    return dict(zip(map(str, network.ids), own, strict=True))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """The files of the folder, and those that are binary."""
    folder = tmp_path_factory.mktemp("inputs")
    for path in INPUTS.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    plain = (folder / "plain.csv").read_bytes()
    for module, suffix in ((gzip, "gz"), (lzma, "xz"), (bz2, "bz2")):
        (folder / f"c.csv.{suffix}").write_bytes(module.compress(plain))
    with zipfile.ZipFile(folder / "nz.csv.zip", "w") as archive:
        archive.writestr("edges.csv", b"# source, target, weight\n" + plain)
        archive.writestr("nodes.csv", "# index, name\n0,n1\n")
        archive.writestr("gprops.csv", "")
    matrix = np.zeros((4, 4))
    for (a, b), weight in MATRIX.items():
        matrix[int(a), int(b)] = weight
    scipy.io.savemat(folder / "a.mat", {"W": matrix})
    return folder


@pytest.mark.parametrize(("name", "options", "edges"), RIGHT, ids=lambda value: str(value)[:30])
def test_the_network_that_the_file_describes(inputs, name, options, edges):
    network = read_network(inputs / name, **options)
    assert found(network) == edges
    assert network.reading.edges == len(edges)
    assert network.reading.neurons == len({end for ends in edges for end in ends})
    if name.startswith("g."):
        assert types(network) == TYPES


@pytest.mark.parametrize(("name", "options", "match"), REFUSED)
def test_a_refusal_names_the_line_and_the_remedy(inputs, name, options, match):
    with pytest.raises(NetworkError, match=match):
        read_network(inputs / name, **options)


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("name", ["plain.csv", "adj_named.csv", "g.gml"])
def test_labels(inputs, labels, name):
    options = ROWS if name.startswith("adj") else {}
    network = read_network(inputs / name, inputs / labels, **options)
    assert types(network) == TYPES
    assert found(network) == EDGES


def test_labels_that_contain_a_comma_or_are_missing(inputs):
    for name, options in (("plain.csv", {}), ("adj_named.csv", ROWS)):
        quoted = read_network(inputs / name, inputs / "lab_quoted.csv", **options)
        assert types(quoted) == dict(TYPES, n1="L2/3, exc", n2="L2/3, exc")
        with pytest.raises(NetworkError, match=r"1 neurons have no label.*'n2'.*unlabelled='drop'"):
            read_network(inputs / name, inputs / "lab_nan.csv", **options)
        kept = read_network(inputs / name, inputs / "lab_nan.csv", unlabelled="drop", **options)
        assert types(kept) == {"n1": "E", "n3": "I", "n4": "I"}
        assert found(kept) == {ends: w for ends, w in EDGES.items() if "n2" not in ends}
        assert kept.reading.dropped_neurons == 1


def test_what_both_ends_state_is_said(inputs):
    network = read_network(inputs / "both_ends.csv", duplicates="sum")
    assert network.reading.duplicates == 2
    assert "100 % of the edges have an edge of equal weight back" in network.reading.notes[0]
    assert "equal weight back" in repr(network)
    for name in ("plain.csv", "mixed_ids.csv", "padded.csv"):
        own = read_network(inputs / name, duplicates="sum")
        assert not any("equal weight" in note for note in own.reading.notes)


def test_every_file_stands_in_the_table():
    named = {row[0] for row in RIGHT + REFUSED} | set(LABELS)
    named |= {"lab_quoted.csv", "lab_nan.csv", "README.md"}
    assert {path.name for path in INPUTS.iterdir()} <= named


def test_edges_and_types_of_an_archive(inputs, tmp_path):
    path = tmp_path / "n.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("edges.csv", (inputs / "plain.csv").read_text())
        archive.writestr("nodes.csv", (inputs / "lab_head.csv").read_text())
    assert types(read_network(path, path)) == TYPES
    assert types(read_edges(path, path, label="cell_type")) == TYPES
    assert "nodes.csv" in read_network(path).reading.notes[0]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/edges.csv", "a,b,1\n")
    with pytest.raises(NetworkError, match=r"holds 3 files, edges.csv, nodes.csv, .*part="):
        read_network(path)
    assert found(read_network(path, part="other/edges.csv")) == {("a", "b"): 1}
