"""A random network, written in every format and every dress, is read back as the same network."""

import bz2
import csv
import gzip
import io
import json
import lzma
import tempfile
import zipfile
from pathlib import Path

import networkx
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sps
from hypothesis import HealthCheck, given, settings, strategies as st

from motifield import as_network, read_network
from motifield.errors import NetworkError
from motifield.networks import read_edges
from motifield.numerics.tables import streams, text

QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
ID_FORMS = {
    "small": lambda k: str(k * 3),
    "long": lambda k: str(720575940596125868 + 7919 * k),
    "text": lambda k: f"AVA{'LR'[k % 2]}{k}",
    "blanks": lambda k: f"cell no. {k}",
    "accents": lambda k: f"né{k}ü",
    "zeros": lambda k: f"{k:03d}",
    "commas": lambda k: f"L2/3, {k}",
}
HEADS = [
    ("pre", "post", "weight"),
    ("Source", "Target", "Weight"),
    ("pre_pt_root_id", "post_pt_root_id", "syn_count"),
    ("from", "to", "n"),
    ("bodyId_pre", "bodyId_post", "weight"),
    ("Neuron 1", "Neuron 2", "Nbr"),
    ("a", "b", "c"),
]
PACK = {
    "": lambda content: content,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


@st.composite
def networks(draw, forms=tuple(ID_FORMS)):
    """Ids, edges by their positions (source, target) with weights, and types."""
    N = draw(st.integers(3, 8))
    form = ID_FORMS[draw(st.sampled_from(forms))]
    ids = draw(st.permutations([form(k + 1) for k in range(N)]))
    pairs = st.tuples(st.integers(0, N - 1), st.integers(0, N - 1))
    # the first edges touch every neuron, which lists of edges do not know otherwise
    ring = [(k, (k + 1) % N) for k in range(N)]
    ends = list(dict.fromkeys(ring + draw(st.lists(pairs, max_size=12))))
    numbers = st.one_of(
        st.integers(1, 2000).map(float),
        st.floats(-1e6, 1e6).filter(lambda v: v != 0),
        st.floats(1e-12, 1e-3),
    )
    weights = draw(st.lists(numbers, min_size=len(ends), max_size=len(ends)))
    return ids, dict(zip(ends, weights, strict=True)), ["EI"[k % 2] for k in range(N)]


def found(network):
    """Edges and types by id."""
    W = network.weights.toarray() if network.sparse else network.weights
    names = [str(k) for k in (range(network.N) if network.ids is None else network.ids)]
    edges = {(names[j], names[i]): float(W[i, j]) for i, j in np.argwhere(W)}
    own = [network.populations[k] for k in network.labels]
    return edges, dict(zip(names, own, strict=True))


def expected(case, types=False, named=True):
    ids, edges, labels = case
    names = ids if named else [str(k) for k in range(len(ids))]
    own = labels if types else ["all"] * len(ids)
    said = {(names[a], names[b]): w for (a, b), w in edges.items()}
    return said, dict(zip(names, own, strict=True))


def dense(case):
    """The matrix, row = target."""
    ids, edges, _ = case
    W = np.zeros((len(ids), len(ids)))
    for (a, b), weight in edges.items():
        W[b, a] = weight
    return W


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def number(value, comma):
    plain = f"{value:.0f}" if value.is_integer() and abs(value) < 1e6 else repr(value)
    return plain.replace(".", ",") if comma else plain


@st.composite
def dresses(draw, forms=tuple(ID_FORMS)):
    """A list of edges as the bytes of a file, the options that it needs, and what it holds."""
    case = draw(networks(forms))
    ids, edges, _ = case
    separator = draw(st.sampled_from([",", ";", "\t", "|", " "]))
    spaced = any(" " in name or "," in name for name in ids)
    quoting = csv.QUOTE_ALL if spaced else draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    comma = separator != "," and draw(st.booleans())
    head = draw(st.sampled_from([None, *HEADS]))
    names = head or ("pre", "post", "weight")
    extra = head is not None and draw(st.booleans())
    columns = [*names, *(["neuropil", "index" if separator == " " else ""] if extra else [])]
    order = draw(st.permutations(range(len(columns)))) if head else range(3)
    rows = [] if head is None else [[columns[k] for k in order]]
    padding = draw(st.integers(0, 3)) if separator != " " and quoting != csv.QUOTE_ALL else 0
    for n, ((a, b), weight) in enumerate(edges.items()):
        row = [ids[a], ids[b], number(weight, comma), "AVLP", str(n)]
        rows.append([row[k] + " " * padding for k in order])
    stream = io.StringIO(newline="")
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    csv.writer(stream, delimiter=separator, quoting=quoting, lineterminator=end).writerows(rows)
    comments = draw(st.sampled_from(["", f"# made by hand{end}", f"%{end}{end}% two{end}"]))
    if comments and head is None and draw(st.booleans()):
        comments += f"# target, source, weight{end}".replace(", ", separator)
        case = ids, {(b, a): w for (a, b), w in edges.items()}, case[2]
    encodings = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"]
    encoding = draw(st.sampled_from(encodings))
    content = (comments + stream.getvalue()).encode(encoding)
    options = {"kind": "edges"} if head is None else {}
    if head == ("a", "b", "c"):
        options = {"pre": "a", "post": "b", "weight": "c"}
    return case, content, options, comma


@pytest.mark.parametrize("fast", [False, True])
def test_lists_of_edges_in_every_dress(folder, fast, monkeypatch):
    monkeypatch.setattr(text, "FAST", 0 if fast else 2**40)
    monkeypatch.setattr(streams, "BLOCK", 64)

    @QUICK
    @given(dresses(), st.sampled_from(list(PACK)), st.sampled_from([".csv", ".tsv", ".TXT"]))
    def check(dress, packing, suffix):
        case, content, options, comma = dress
        path = folder / f"edges{suffix}{packing}"
        path.write_bytes(PACK[packing](content))
        try:
            network = read_network(path, **options)
        except NetworkError as error:
            # such as 1,234 alone
            if not comma or "Say decimal=" not in str(error):
                raise
            network = read_network(path, decimal=",", **options)
        assert found(network) == expected(case)

    check()


TYPE_HEADS = [None, ("id", "label"), ("root_id", "Cell Type"), ("bodyId", "type"), ("Neuron", "x")]


@st.composite
def label_dresses(draw):
    """A file of labels for a network: the network, the bytes, and the names of its columns."""
    case = draw(networks(tuple(form for form in ID_FORMS if form != "commas")))
    kinds = draw(st.sampled_from([("E", "I"), ("L2/3, exc", "PV"), ("Kenyon cell", "é")]))
    case = *case[:2], [kinds[label == "I"] for label in case[2]]
    ids, _, labels = case
    separator = draw(st.sampled_from([",", ";", "\t", "|", " "]))
    spaced = any(mark in text for text in (*ids, *labels) for mark in " ,")
    quoting = csv.QUOTE_ALL if spaced else draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    head = draw(st.sampled_from(TYPE_HEADS))
    extra = [str(k / 2) for k in range(len(ids))]
    columns = [list(ids), list(labels), extra]
    names = [*(head or ("id", "label")), "size"]
    order = draw(st.permutations(range(3))) if head else range(3)
    rows = [] if head is None else [[names[k] for k in order]]
    lines = draw(st.permutations(range(len(ids))))
    rows += [[columns[k][n] for k in order] for n in lines]
    stream = io.StringIO(newline="")
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    csv.writer(stream, delimiter=separator, quoting=quoting, lineterminator=end).writerows(rows)
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    return (
        case,
        stream.getvalue().encode(encoding),
        {"label": "x"} if head and head[1] == "x" else {},
    )


@QUICK
@given(label_dresses(), st.sampled_from(list(PACK)), st.booleans())
def test_files_of_labels_in_every_dress(folder, dress, packing, matrix):
    case, content, options = dress
    labels = folder / f"labels.csv{packing}"
    labels.write_bytes(PACK[packing](content))
    if matrix:
        path = folder / "W.csv"
        pd.DataFrame(dense(case), index=case[0], columns=case[0]).to_csv(path)
        network = read_network(path, labels, kind="adjacency", **options)
    else:
        path = folder / "e.csv"
        edge_frame(case).to_csv(path, index=False)
        network = read_network(path, labels, **options)
    assert found(network) == expected(case, types=True)


@QUICK
@given(networks(), st.sampled_from([",", ";", "\t", " "]), st.sampled_from(["both", "R", "top"]))
def test_matrices_as_text(folder, case, separator, named):
    ids, _, _ = case
    spaced = any(" " in name or "," in name for name in ids)
    rows = [[name, *map(repr, row.tolist())] for name, row in zip(ids, dense(case), strict=True)]
    if named == "top":
        rows = [ids, *(row[1:] for row in rows)]
        if all(name.isdigit() for name in ids):
            return  # numbers above numbers are not known to be names
    else:
        rows = [ids if named == "R" else ["", *ids], *rows]
    stream = io.StringIO(newline="")
    # with blanks between its columns, a table shows an empty corner by quotes alone
    quoting = csv.QUOTE_ALL if spaced or separator == " " else csv.QUOTE_MINIMAL
    csv.writer(stream, delimiter=separator, quoting=quoting).writerows(rows)
    path = folder / "matrix.csv"
    path.write_text(stream.getvalue(), encoding="utf-8", newline="")
    assert found(read_network(path, kind="adjacency")) == expected(case)


def write_npz(case, path):
    np.savez(path, W=dense(case), other=np.arange(3))


def write_scipy(case, path):
    sps.save_npz(path, sps.csr_array(dense(case)))


def write_mat(case, path):
    scipy.io.savemat(path, {"W": dense(case), "x": np.arange(3.0)})


def write_sparse_mat(case, path):
    scipy.io.savemat(path, {"W": sps.csc_array(dense(case))})


def write_mat73(case, path):
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("W", data=dense(case).T).attrs["MATLAB_class"] = np.bytes_("double")


def write_sparse_mat73(case, path):
    import h5py

    own = sps.csc_array(dense(case))
    with h5py.File(path, "w", userblock_size=512) as file:
        group = file.create_group("W")
        group.attrs["MATLAB_sparse"] = np.uint64(own.shape[0])
        group["data"], group["ir"], group["jc"] = own.data, own.indices, own.indptr


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("n.npy", lambda case, path: np.save(path, dense(case))),
        ("n.npz", write_npz),
        ("s.npz", write_scipy),
        ("n.mtx", lambda case, path: scipy.io.mmwrite(path, sps.coo_array(dense(case)))),
        ("n.mat", write_mat),
        ("s.mat", write_sparse_mat),
        ("h.mat", write_mat73),
        ("hs.mat", write_sparse_mat73),
    ],
)
def test_matrices_without_names(folder, name, write):
    @settings(QUICK, max_examples=8)
    @given(networks(("small",)))
    def check(case):
        write(case, folder / name)
        assert found(read_network(folder / name)) == expected(case, named=False)
        labelled = read_network(folder / name, case[2])
        assert found(labelled) == expected(case, types=True, named=False)

    check()


def graph_of(case):
    ids, edges, labels = case
    graph = networkx.DiGraph()
    for name, label in zip(ids, labels, strict=True):
        graph.add_node(name, cell_type=label)
    for (a, b), weight in edges.items():
        graph.add_edge(ids[a], ids[b], weight=weight)
    return graph


def write_json(graph, path, edges="edges"):
    path.write_text(json.dumps(networkx.node_link_data(graph, edges=edges)))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("g.graphml", networkx.write_graphml),
        ("g.gexf", networkx.write_gexf),
        ("g.gml", networkx.write_gml),
        ("g.json", write_json),
        ("links.json", lambda graph, path: write_json(graph, path, "links")),
        ("g.net", networkx.write_pajek),
        ("g.graphml.gz", networkx.write_graphml),
    ],
)
def test_graphs(folder, name, write):
    forms = tuple(form for form in ID_FORMS if form != "accents" or not name.endswith("gml"))

    @settings(QUICK, max_examples=12)
    @given(networks(forms))
    def check(case):
        write(graph_of(case), folder / name)
        network = read_network(folder / name)
        assert found(network) == expected(case, types=True)
        assert found(as_network(graph_of(case))) == expected(case, types=True)

    check()


def edge_frame(case, head=("pre", "post", "weight")):
    ids, edges, _ = case
    whole = all(name.isdigit() and name == str(int(name)) for name in ids)
    own = [int(name) for name in ids] if whole else ids
    rows = [(own[a], own[b], weight, "AVLP") for (a, b), weight in edges.items()]
    return pd.DataFrame(rows, columns=[*head, "neuropil"])


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".xlsx", ".csv", "frame"])
def test_tables_with_types(folder, suffix):
    writers = {
        ".parquet": lambda frame, path: frame.to_parquet(path),
        ".feather": lambda frame, path: frame.to_feather(path),
        ".xlsx": lambda frame, path: frame.to_excel(path, index=False),
        ".csv": lambda frame, path: frame.to_csv(path),
    }

    @settings(QUICK, max_examples=12)
    @given(networks(), st.sampled_from(HEADS[:-1]))
    def check(case, head):
        if suffix == ".xlsx":  # which is written with 16 digits
            rounded = {ends: float(f"{w:.15g}") for ends, w in case[1].items()}
            case = case[0], rounded, case[2]
        frame, path = edge_frame(case, head), folder / f"edges{suffix}"
        types = pd.DataFrame({"id": case[0], "group": case[2]})
        if suffix == ".xlsx" and frame[head[0]].dtype.kind == "i" and frame[head[0]].max() > 2**53:
            # a workbook keeps 53 bits of an integer
            frame = frame.astype({head[0]: str, head[1]: str})
        if suffix == "frame":
            assert found(as_network(frame)) == expected(case)
            assert found(read_edges(frame, types, label="group")) == expected(case, types=True)
            return
        writers[suffix](frame, path)
        assert found(read_network(path)) == expected(case)
        writers[suffix](types, folder / f"types{suffix}")
        network = read_network(path, folder / f"types{suffix}")
        assert found(network) == expected(case, types=True)

    check()


@settings(QUICK, max_examples=20)
@given(networks(), st.randoms())
def test_objects_in_memory(case, random):
    ids, _, labels = case
    W, types = dense(case), dict(zip(ids, labels, strict=True))
    for source in (W, W.tolist(), sps.csr_array(W), sps.coo_matrix(W)):
        assert found(as_network(source, labels)) == expected(case, types=True, named=False)
    order = list(range(len(ids)))
    random.shuffle(order)
    frame = pd.DataFrame(W, index=ids, columns=ids)
    shuffled = frame.iloc[order]
    series = pd.Series(types).iloc[order]
    for own in (types, series, labels):
        assert found(as_network(frame, own)) == expected(case, types=True)
    for own in (types, series):
        assert found(as_network(shuffled, own)) == expected(case, types=True)
    assert found(as_network(frame.T, types, rows="source")) == expected(case, types=True)


def test_a_zip_of_one_file(folder):
    with zipfile.ZipFile(folder / "one.zip", "w") as archive:
        archive.writestr("anything.tsv", "a\tb\t1\nb\ta\t2\n")
    assert found(read_network(folder / "one.zip"))[0] == {("a", "b"): 1, ("b", "a"): 2}


@settings(QUICK, max_examples=12)
@given(networks(), st.sampled_from([".npz", ".h5"]))
def test_own_files(folder, case, suffix):
    network = as_network(pd.DataFrame(dense(case), index=case[0], columns=case[0]), case[2])
    network.save(folder / f"own{suffix}")
    again = read_network(folder / f"own{suffix}")
    assert found(again) == expected(case, types=True)
    # and through the reader of matrices, where options change something
    assert found(read_network(folder / f"own{suffix}", negative="keep", rows="source")) == (
        {(b, a): w for (a, b), w in expected(case)[0].items()},
        expected(case, types=True)[1],
    )


@settings(QUICK, max_examples=12)
@given(networks(("small",)))
def test_sonata(folder, case):
    import h5py

    _, edges, labels = case
    with h5py.File(folder / "sonata.h5", "w") as file:
        own = file.create_group("edges/all")
        for k, name in enumerate(("source_node_id", "target_node_id")):
            own[name] = np.array([ends[k] for ends in edges], dtype=np.uint64)
            own[name].attrs["node_population"] = "all"
        own["edge_type_id"] = np.zeros(len(edges), dtype=int)
        own["0/syn_weight"] = np.array(list(edges.values()))
        nodes = file.create_group("nodes/all")
        nodes["node_type_id"] = np.zeros(len(labels), dtype=int)
        nodes["0/ei"] = np.array(labels, dtype=h5py.string_dtype())
    network = read_network(folder / "sonata.h5", folder / "sonata.h5", label="ei")
    assert found(network) == expected(case, types=True, named=False)
