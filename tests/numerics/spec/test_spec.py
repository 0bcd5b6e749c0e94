"""Spec files and parameter files."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import (
    ArchitectureError,
    ExpressionError,
    InfeasibleStatisticsError,
    NetworkError,
    ParameterError,
    SpecError,
)

SPEC = """
title = "two"
t1 = 7.0
[architecture]
populations = ["E", "I"]
transfer = { E = "tanh(x)", I = { function = "softplus", gain = 2 } }
closure = "second-moment"
[parameters]
N = 1000
fractions = { I = 0.2, E = 0.8 }
g = [[0.2, 0.1], [0.3, 0.4]]
input = { times = [1.0], values = [0.0, { E = 1.0, I = 2.0 }] }
mean.E = { E = 0.001, I = -0.004 }
mean.I = { E = 0.002, I = 0.0 }
[parameters.motifs]
by_population = [0.1, 0.05]
chain_sign = -1
[initial]
mean = { E = 0.1, I = 0.2 }
"""


@pytest.fixture
def write(tmp_path):
    def save(text, name="spec.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return save


def test_a_full_spec(write):
    spec = mf.load_spec(write(SPEC))
    par = spec.numbers()
    assert (spec.title, spec.t1, spec.closure) == ("two", 7.0, mf.SecondMoment())
    assert par.populations == ("E", "I")
    np.testing.assert_allclose(par.fractions, [0.8, 0.2])
    np.testing.assert_allclose(par.mean, [[0.001, -0.004], [0.002, 0.0]])
    np.testing.assert_allclose(par.tau_chn[:, 1, :], -0.05)
    np.testing.assert_allclose(par.tau_rec[0, 1], -0.15)
    np.testing.assert_allclose(par.input(1.5), [1.0, 2.0])
    assert [f.name for f in spec.architecture.transfer] == ["phi_E", "softplus"]
    assert spec.initial == {"mean": {"E": 0.1, "I": 0.2}}


def test_a_spec_prints_in_a_line(write):
    text = "populations E, I; closure second-moment; parameters, N = 1000; t1 = 7"
    assert repr(mf.load_spec(write(SPEC))) == f"Spec 'two': {text}"


def test_json_and_toml_say_the_same(write):
    import tomllib

    a, b = (
        mf.load_spec(write(SPEC)),
        mf.load_spec(write(json.dumps(tomllib.loads(SPEC)), "spec.json")),
    )
    assert a.architecture == b.architecture
    np.testing.assert_array_equal(a.numbers().tau_con, b.numbers().tau_con)


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_parameters_survive_a_file(write, tmp_path, suffix):
    par = mf.load_spec(write(SPEC)).numbers()
    path = tmp_path / f"p{suffix}"
    par.save(path)
    again = mf.Parameters.load(path)
    for name in ("N", "fractions", "mean", "g", "tau_con", "tau_div", "tau_chn", "tau_rec"):
        np.testing.assert_array_equal(getattr(par, name), getattr(again, name), err_msg=name)
    for t in (0.5, 1.0, 3.0):
        np.testing.assert_array_equal(par.input(t), again.input(t))
    assert mf.Parameters.load(write(SPEC)).populations == par.populations


@pytest.mark.parametrize(
    ("old", "new", "error", "match"),
    [
        ('"tanh(x)"', "\"__import__('os').system('false')\"", ExpressionError, "not permitted"),
        (
            'closure = "second-moment"',
            'closure = "third-moment"',
            ArchitectureError,
            "unknown closure 'third-moment': known are motif-only",
        ),
        ("t1 = 7.0", "t1 = -1", SpecError, "t1"),
        ("t1 = 7.0", "t2 = 1", SpecError, "t2: unknown entry; there are title, .* t1, .*time_unit"),
        ("closure =", "closures =", SpecError, "architecture.closures: .*; there is closure$"),
        ("N = 1000\n", "", SpecError, "parameters.N: missing"),
        (
            "g = [[0.2, 0.1], [0.3, 0.4]]",
            "g = [[0.2, 0.1]]",
            ParameterError,
            r"g has shape \(1, 2\)",
        ),
        ("g = [[0.2, 0.1], [0.3, 0.4]]", "g = nan", SpecError, "parameters.g"),
        (
            "mean.I = { E = 0.002, I = 0.0 }",
            "mean.X = { E = 1, I = 1 }",
            ParameterError,
            r"rows for \['E', 'X'\]",
        ),
        ("chain_sign = -1", "chain = 0.1", SpecError, "in one way"),
        (
            "by_population = [0.1, 0.05]\nchain_sign = -1",
            "chain = 0.1",
            InfeasibleStatisticsError,
            r"tau_chn\[E,E,E\]",
        ),
        (
            'function = "softplus", gain = 2',
            'function = "softmax"',
            ExpressionError,
            "unknown transfer function 'softmax'",
        ),
        (
            'function = "softplus", gain = 2',
            'function = "softplus", gian = 2',
            ExpressionError,
            "gian",
        ),
        ("[initial]", "[initial", SpecError, "not valid TOML"),
    ],
)
def test_errors_name_the_entry(write, old, new, error, match):
    assert old in SPEC
    path = write(SPEC.replace(old, new))
    with pytest.raises(error, match=match) as caught:
        mf.load_spec(path)
    assert "spec.toml" in str(caught.value)


def test_missing_files(tmp_path, write):
    with pytest.raises(SpecError, match="cannot read .*nowhere.toml"):
        mf.load_spec(tmp_path / "nowhere.toml")
    with pytest.raises(NetworkError, match="edges.csv"):
        mf.load_spec(write('[connectome]\nedges = "edges.csv"\n'))
    with pytest.raises(SpecError, match="neither"):
        mf.load_spec(write('[architecture]\npopulations = ["E"]\n')).numbers()


def test_a_function_of_time_is_not_written(write, tmp_path):
    par = mf.load_spec(write(SPEC)).numbers().replace(input=lambda t: jnp.array([t, t]))
    with pytest.raises(SpecError, match="Python function"):
        par.save(tmp_path / "p.toml")
    assert not (tmp_path / "p.toml").exists()
    with pytest.raises(SpecError, match=r"\.toml or \.json"):
        par.replace(input=0.0).save(tmp_path / "p.yaml")


def test_a_connectome_is_measured_and_scaled(tmp_path, write):
    rng = np.random.default_rng(5)
    edges = [
        (i, j, rng.integers(1, 9))
        for i in range(40)
        for j in range(40)
        if i != j and rng.random() < 0.3
    ]
    write("\n".join(f"{pre},{post},{w}" for pre, post, w in edges), "edges.csv")
    write("id,kind\n" + "\n".join(f"{i},{'ab'[i % 2]}" for i in range(40)), "nodes.csv")
    spec = mf.load_spec(
        write(
            '[connectome]\nedges = "edges.csv"\nnodes = "nodes.csv"\nlabel = "kind"\n'
            "spectral_radius = 1.5\ninput = 0.3\n"
        )
    )
    dense = np.zeros((40, 40))
    for pre, post, w in edges:
        dense[post, pre] = w
    dense *= 1.5 / np.abs(np.linalg.eigvals(dense)).max()
    np.testing.assert_allclose(spec.network.weights.toarray(), dense, atol=1e-9)
    a, b = np.arange(0, 40, 2), np.arange(1, 40, 2)
    np.testing.assert_allclose(
        spec.numbers().mean, [[dense[np.ix_(p, q)].mean() for q in (a, b)] for p in (a, b)]
    )
    np.testing.assert_allclose(spec.numbers().input(0.0), 0.3)


def test_a_connectome_may_be_a_matrix_with_labels(tmp_path):
    weights = np.array([[0.0, 2, 1, 0], [3, 1, 0, 0], [1, 0, 0, 4], [0, 0, 2, 0]])
    np.savetxt(tmp_path / "w.csv", weights)
    (tmp_path / "l.txt").write_text("E\nE\nI\nI\n")
    path = tmp_path / "s.toml"
    path.write_text(
        '[connectome]\nnetwork = "w.csv"\nlabels = "l.txt"\n'
        'rows = "source"\nself_synapses = "drop"\n'
    )
    network = mf.load_spec(path).network
    assert network.populations == ("E", "I")
    np.testing.assert_array_equal(network.weights, weights.T - np.diag(np.diag(weights)))
    for entries, match in (
        ("", "give edges .and nodes., or network .and labels."),
        ('edges = "w.csv"\nnetwork = "w.csv"', "give edges .and nodes., or network .and labels."),
        ('network = "w.csv"\nnodes = "l.txt"', "nodes goes with edges"),
        ('edges = "w.csv"\nlabels = "l.txt"', "labels goes with network"),
        ('network = "w.csv"\nnegative = "zero"', "negative='zero' is unknown: use 'keep' or"),
        ('network = "w.csv"\nsmallest = 0', "smallest=0 must be a number of neurons"),
        ('network = "w.csv"\noptions = {}', "options: unknown entry"),
        ('network = "w.csv"\nweights = 2', "connectome.weights: unknown entry; there is weight$"),
        ('network = "w.csv"\nduplicate = "sum"', "unknown entry; there is duplicates$"),
        ('network = "w.csv"\nwhere = 3', "where=3 is no filter"),
    ):
        path.write_text(f"[connectome]\n{entries}\n")
        with pytest.raises(SpecError, match=match):
            mf.load_spec(path)


def test_the_unit_of_time_goes_where_times_are_shown(write, tmp_path):
    par = mf.load_spec(write('time_unit = "ms"\n' + SPEC)).numbers()
    assert par.time_unit == "ms"
    assert par.rescaled(500).time_unit == par.replace(g=par.g).time_unit == "ms"
    par.save(tmp_path / "p.toml")
    assert mf.Parameters.load(tmp_path / "p.toml").time_unit == "ms"
    assert mf.load_spec(write(SPEC)).numbers().time_unit == ""
    with pytest.raises(ParameterError, match="time_unit = 'a b' is not the name of a unit"):
        mf.load_spec(write('time_unit = "a b"\n' + SPEC))


def test_options_of_integrate(write):
    spec = mf.load_spec(write(SPEC + "[integrate]\nsolver = 'implicit'\nrtol = 1e-6\n"))
    assert (spec.integrate["solver"], spec.integrate["rtol"]) == ("implicit", 1e-6)
    assert mf.load_spec(write(SPEC)).integrate["solver"] == "auto"
    with pytest.raises(SpecError, match="integrate.solver: "):
        mf.load_spec(write(SPEC + "[integrate]\nsolver = 'fast'\n"))


@pytest.mark.parametrize("entry", ['rows = "source"', 'kind = "edges"', 'cache = "kept.npz"'])
def test_options_that_a_table_of_edges_has_not_are_refused(write, tmp_path, entry):
    (tmp_path / "edges.csv").write_text("1,2,3\n2,1,1\n")
    with pytest.raises(NetworkError, match=f"which has no {entry.split()[0]}"):
        mf.load_spec(write(f'[connectome]\nedges = "edges.csv"\n{entry}\n'))
