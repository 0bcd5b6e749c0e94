"""The commands sample, measure, verify, simulate and ablate."""

import json
import re
import shlex

import numpy as np
import pytest
import scipy.sparse as sps

import motifield as mf
from motifield import Network, measure
from motifield.networks import Statistics
from motifield.numerics.results import Code, Status


@pytest.fixture
def table(tmp_path):
    """An adjacency matrix of counts with two planted populations, and their labels."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["A", "B"], [40, 20])
    chance = np.array([[0.5, 0.1], [0.15, 0.6]])[
        np.ix_(np.repeat([0, 1], [40, 20]), np.repeat([0, 1], [40, 20]))
    ]
    counts = rng.poisson(chance)
    path, names = tmp_path / "counts.csv", tmp_path / "labels.txt"
    np.savetxt(path, counts, fmt="%d", delimiter=",")
    names.write_text("\n".join(labels))
    return path, names, counts, labels


def told(said):
    """The statistics that `measure` prints, without what the network is made of."""
    return {name: value for name, value in said.items() if name not in ("network", "reading")}


# 1 -> 2 is given twice, 3 synapses onto itself alone, 4 has one of weight 0
EDGES = "1,2,0.5\n1,2,0.25\n2,1,-1\n3,3,2\n4,1,0\n"


def test_measure_says_what_the_network_is_made_of(call, answer, tmp_path):
    path = tmp_path / "e.csv"
    path.write_text(EDGES)
    both = answer("measure", path, "--duplicates", "sum")
    orientation = "column 1 is the source, column 2 the target: J[target, source]"
    assert both["network"] == {
        "orientation": orientation,
        "neurons": 4,
        "edges": 3,
        "self_synapses": 1,
        "isolated": 2,
        "duplicates": 1,
    }
    shown = call("measure", path, "--duplicates", "sum")[1]
    said = both["reading"]
    assert said["first_ids"] == ["1", "2", "3", "4"]
    assert said["in_degrees"]["mean"] == 0.75
    assert orientation in shown
    for what, number in {"edges": 3, "isolated neurons": 2, "duplicates added up": 1}.items():
        assert re.search(rf"{what} +. {number} ", shown)


@pytest.mark.parametrize("rows", ["target", "source"])
@pytest.mark.parametrize("save", [np.save, lambda path, w: sps.save_npz(path, sps.csr_array(w))])
def test_measure_says_which_neurons_are_sources(rows, save, answer, tmp_path):
    weights = np.zeros((3, 3))
    weights[0, 0] = weights[0, 1] = 1
    path = tmp_path / ("w.npy" if save is np.save else "w.npz")
    save(path, weights)
    said = answer("measure", path, "--rows", rows)["network"]
    other = {"target": "source", "source": "target"}[rows]
    index = {"target": "row, column", "source": "column, row"}[rows]
    orientation = f"rows are {rows} neurons, columns are {other} neurons: J[{index}]"
    assert said.pop("orientation") == orientation
    assert said == {"neurons": 3, "edges": 2, "self_synapses": 1, "isolated": 1, "duplicates": 0}


def test_sampled_files_hold_statistics_and_seed(answer, pair, tmp_path):
    for suffix in (".npz", ".h5"):
        path = tmp_path / f"n{suffix}"
        said = answer("sample", pair, "-o", path, "--seed", "5")
        network = Network.load(path)
        assert (network.seed, network.N) == (5, 400)
        np.testing.assert_array_equal(
            Statistics.load(path).chain, said["measured"]["covariances"]["chain"]
        )
        assert told(answer("measure", path)) == said["measured"]


def test_measure_a_table_with_labels_and_errors(call, answer, table, tmp_path):
    path, names, counts, labels = table
    measured = ("measure", path, "--labels", names)
    data = answer(*measured, "--errors", "-o", tmp_path / "n.h5")
    assert (data["populations"], data["sizes"]) == (["A", "B"], [40, 20])
    np.testing.assert_allclose(
        data["mean"][0][1], counts[np.ix_(labels == "A", labels == "B")].mean()
    )
    own = measure(Network.load(tmp_path / "n.h5"), errors=True)
    np.testing.assert_allclose(data["errors"]["coefficients"]["chain"], own.errors.tau.chain)
    np.testing.assert_allclose(Statistics.load(tmp_path / "n.h5").errors.mean, own.errors.mean)
    assert "+- convergent" in call(*measured, "--errors")[1]
    assert "+-" not in call(*measured)[1]
    assert answer(*measured, "--rows", "source")["mean"][1][0] == data["mean"][0][1]
    alone = answer(*measured, "--self-synapses", "drop", "--smallest", "30")
    assert alone["populations"] == ["A", "other"]
    assert alone["mean"][0][0] < data["mean"][0][0]


def test_measure_finds_populations(call, table, tmp_path):
    path, _, _, labels = table
    for method in ("spectral", "block-model"):
        asked = ("--find", "2", "--method", method, "-o", tmp_path / "n.npz")
        assert call("measure", path, *asked)[0] == 0
        found = Network.load(tmp_path / "n.npz")
        assert found.sizes == (40, 20)
        np.testing.assert_array_equal(found.labels, labels == "B")


def test_measure_the_distribution_of_strengths(call, answer, table, tmp_path):
    path, names = table[:2]
    asked = ("measure", path, "--labels", names, "--mixture", "2")
    own = answer(*asked, "-o", tmp_path / "p.toml")["strengths"]
    assert own["features"] == ["in", "out"]
    assert all(abs(sum(w) - 1) < 1e-12 for w in own["weights"].values())
    written = mf.Parameters.load(tmp_path / "p.toml").strengths
    np.testing.assert_array_equal(written.gamma, own["gamma"])
    assert written.quenched
    shown = call(*asked)[1]
    assert "in-out" in shown
    assert "component" in shown
    assert "each neuron is a component" in call(*asked[:-1], "0")[1]


def test_measure_as_many_components_as_there_are(call, answer, table):
    asked = ("measure", table[0], "--labels", table[1], "--mixture")
    found = answer(*asked, "auto")
    numbers = [row["components"] for row in found["components"]]
    weights = found["strengths"]["weights"].values()
    assert [np.count_nonzero(w) for w in weights] == numbers
    for row in found["components"]:  # less the least
        assert row[str(row["components"])] == 0
        assert min(v for k, v in row.items() if k.isdecimal() and v is not None) == 0
    assert "BIC of each number" in call(*asked, "auto")[1]
    code, _, said = call(*asked, "-1")
    assert (code, "0 or auto, not '-1'" in said) == (2, True)


def test_measure_other_formats(answer, tmp_path):
    weights = np.random.default_rng(1).poisson(0.3, size=(30, 30)).astype(float)
    sps.save_npz(tmp_path / "s.npz", sps.csr_array(weights))
    i, j = np.nonzero(weights)
    (tmp_path / "e.csv").write_text(
        "".join(f"{b:02d},{a:02d},{weights[a, b]}\n" for a, b in zip(i, j, strict=True))
    )
    for name in ("s.npz", "e.csv"):
        np.testing.assert_allclose(answer("measure", tmp_path / name)["mean"], [[weights.mean()]])


def test_simulate(call, answer, recorded, pair, tmp_path, once):
    data, stored = recorded("simulate", pair, "--seed", "3", "--size", "300")
    assert (data["status"], data["N"], data["network"], data["population"]) == (
        "ok",
        300,
        "sampled with seed 3",
        ["E", "I"],
    )
    np.testing.assert_array_equal(stored["rate"], data["rate"])
    assert stored.sizes["neuron"] == 300
    assert stored.attrs["network"] == "sampled with seed 3"
    np.testing.assert_allclose(stored["r"].values[:150].mean(), data["rate"][-1][0])
    path, courses = tmp_path / "n.npz", tmp_path / "s.csv"
    answer("sample", pair, "-o", path, "--seed", "3", "--size", "300")
    again = answer("simulate", pair, "--network", path, "--t1", "12", "-o", courses)
    np.testing.assert_allclose(again["mean"], data["mean"], rtol=1e-6)
    assert courses.read_text().startswith("time,population,mean,variance,rate,rate_sd\n")
    calls = once("simulation.simulate")
    once_more = ("simulate", pair, "--size", "300", "--t1", "2")
    assert "300 neurons" in call(*once_more)[1]
    assert "300 neurons, sampled with seed 4" in call(*once_more, "--seed", "4")[1]
    assert [options["seed"] for _, options in calls] == [0, 4]
    assert calls[0][1]["t1"] == 2


def test_ablate_a_spec(answer, pair, tmp_path):
    files = ("-o", tmp_path / "a.csv", "--plot", tmp_path / "a.png")
    data = answer("ablate", pair, "--seed", "1", *files)
    assert [row["theory"] for row in data["rows"]][::5] == ["all motifs", "without motifs"]
    assert data["rows"][0]["rate error"] < data["rows"][-1]["rate error"]
    assert data["network"] == "sampled with seed 1"
    assert "without chain" in (tmp_path / "a.csv").read_text()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_ablate_a_network(call, answer, pair, tmp_path):
    path = tmp_path / "n.h5"
    call("sample", pair, "-o", path, "--seed", "1")
    from_spec = answer("ablate", pair, "--network", path)
    asked = ("ablate", path, "--transfer", "1 + erf(x - 1)", "--t1", "12")
    alone = answer(*asked, "--input", ".5,.5")
    assert [row["rate error"] for row in alone["rows"]] == pytest.approx(
        [row["rate error"] for row in from_spec["rows"]]
    )
    shown = call(*asked, "--input", ".5")[1]
    assert "without reciprocal" in shown
    assert "400 neurons" in shown


@pytest.mark.slow
def test_ablate_with_the_strengths_of_a_network(answer, table):
    path, names = table[:2]
    asked = ("ablate", path, "--labels", names, "--transfer", "erf(x/20)", "--input", "0.3")
    found = answer(*asked, "--t1", "8", "--strengths", "empirical")
    rows = {row["theory"]: row for row in found["rows"]}
    assert {"without assortativity", "Gaussian strengths"} <= set(rows)
    assert {"rate error", "variance error", "SD error"} <= set(rows["all motifs"])


def test_the_distributions_that_ablate_takes(refused, table):
    from motifield.cli.ablate import Features, _distribution
    from motifield.theory.architecture.strengths import strengths_of

    said = {
        (None, None): ("gaussian", False),
        ("gaussian", Features.linear): ("gaussian", True),
        ("empirical", None): ("empirical", True),
        ("mixture:6", Features.quadratic): ("mixture", "quadratic"),
        ("mixture:auto", Features.none): ("mixture", False),
    }
    for given, (name, assortativity) in said.items():
        found = _distribution(*given)
        assert strengths_of(found.get("strengths", "gaussian")).name == name
        assert found["assortativity"] == assortativity
    assert _distribution("mixture:6", None)["strengths"] == {"mixture": 6, "quenched": True}
    asked = ("ablate", table[0], "--labels", table[1], "--transfer", "erf(x)", "--strengths")
    refused((*asked, "normal"), "--strengths 'normal': known are gaussian, empirical, mixture")
    refused((*asked, "empirical:3"), "known are gaussian, empirical, mixture")
    refused((*asked, "mixture:0"), "components are a number, or auto")


def test_sample_measure_verify(call, answer, pair, tmp_path):
    network = tmp_path / "n.npz"
    first = answer("sample", pair, "-o", network, "--seed", "5")
    assert first["N"] == 400
    measured = answer("measure", network, "-o", tmp_path / "p.json")
    assert told(measured) == first["measured"]
    assert json.loads((tmp_path / "p.json").read_text())["populations"] == ["E", "I"]
    report = tmp_path / "r.html"
    assert answer("verify", pair, "--network", network, "--report", report)["passed"]
    assert (tmp_path / "r.html").exists()
    assert call("verify", pair, "--network", network, "--tolerance", "0")[0] == 1  # a check failed


def test_what_is_asked_of_an_ensemble_and_a_theory_that_fails(call, pair, tmp_path, stub, made):
    status = Status("rejected: 9 standard errors", Code.REJECTED)
    rows = [{"population": "E", "z": 9.0}]
    result = made(rows, status=status, passed=False, criterion="9 standard errors")
    calls = stub("verification.verify", result)
    options = ("--sizes", "200,400", "--networks", "3", "--seed", "4", "--probability", "0.5")
    code, out, _ = call("verify", pair, *options)
    assert code == 1
    assert "FAILED: 9 standard errors" in out
    asked = calls[0][1]
    assert (asked["sizes"], asked["networks"], asked["seed"], asked["t1"]) == ([200, 400], 3, 4, 12)
    assert asked["sampler"].probability == 0.5
    assert call("verify", pair, "--json")[0] == 1


@pytest.mark.slow
def test_verify_an_ensemble(call, pair):
    code, out, _ = call("verify", pair, "--sizes", "200,400", "--networks", "3")
    assert code == 0
    assert "PASSED" in out


REFUSED = r"""
verify {spec} --t1 0 => t0 < t1
measure nowhere.npz => nowhere.npz
sample {spec} -o no/such/n.npz => cannot write no/such/n.npz
sample {spec} -o n.npz --size 1 => cannot fill
verify {spec} --sizes many => not integers
sample {spec} -o n.mat => suffix must be one of .npz, .h5, .hdf5
measure {spec} => has no \[connectome\]
measure {spec} --rows source => there is no \[connectome\], which rows would be about
verify {spec} --rows source => there is no \[connectome\]
verify {spec} --shrink => --shrink is about a network that is measured
measure {csv} --labels absent.txt => there is no table of neurons absent.txt
measure {csv} --where type => --where type is no filter
measure {csv} --smallest 5 --other E,I -o {csv} => reads this file
measure {csv} --labels {txt} --find 2 => --find and --labels both say
measure {csv} --find 60 => P = 60 populations cannot be found among 60 neurons
measure {csv} --find 2 --method best => method='best' is unknown
measure {csv} --missing mean => --missing mean is unknown
measure {csv} -o n.doc => suffix must be one of .toml, .json, .npz, .h5
simulate {spec} --network {csv} => counts.csv has the populations all, the spec E, I
simulate {spec} --network {csv} --size 100 => give one of them
simulate {spec} -o s.txt => suffix must be one of .nc, .csv, .json
ablate {csv} => say what its units do with --transfer
ablate {csv} --transfer exec(x) => exec
ablate {csv} --transfer tanh(x) --input 1,2 => --input has 2 numbers, the network 1 population:
ablate {csv} --transfer tanh(x) --size 10 => --network and --size are for specs
ablate {spec} --transfer tanh(x) => is a spec, which says
"""


@pytest.mark.parametrize(
    ("line", "match"), [case.split(" => ") for case in REFUSED.strip().splitlines()]
)
def test_bad_input_ends_with_one_message_and_status_2(refused, pair, table, line, match):
    refused(shlex.split(line), match, spec=pair, csv=table[0], txt=table[1])


def test_sample_sparse_networks_of_other_marginals(call, pair, tmp_path):
    """The same statistics, whatever the marginal, or the nearest that it can have."""
    mild = tmp_path / "mild.toml"
    motifs = "{ convergent = 0.02, divergent = 0.02, chain = 0.004, reciprocal = 0.008 }"
    own = pair.read_text().replace("{ shared = 0.04 }", motifs)
    means = "[[0.01, -0.01], [0.01, -0.01]]"
    mild.write_text(own.replace("[[0.002, -0.003], [0.003, -0.002]]", means))
    path = tmp_path / "n.npz"
    options = (
        "--marginal",
        "lognormal",
        "--probability",
        "0.4",
        "--zero-diagonal",
        "--single",
        "--json",
    )
    code, _, err = call("sample", mild, "-o", path, *options)
    assert code == 2
    assert "closest motifs" in err
    options = (*options, "--nearest")
    said = json.loads(call("sample", mild, "-o", path, *options)[1])
    network = Network.load(path)
    assert network.sparse
    assert network.weights.dtype == np.float32
    assert network.weights.diagonal().max() == 0
    assert 0.37 < network.weights.nnz / 400**2 < 0.43
    assert np.all(network.weights.data[network.labels[network.weights.indices] == 0] > 0)
    assert np.all(network.weights.data[network.labels[network.weights.indices] == 1] < 0)
    np.testing.assert_allclose(400 * np.array(said["measured"]["variance"]), 0.09, rtol=0.1)
    for wrong, match in (
        (("--marginal", "cauchy"), "'cauchy' is unknown"),
        (("--marginal", "lognormal:x"), "takes no 'x'"),
        (("--probability", "0.01", "--marginal", "gamma"), "probability must be at least"),
    ):
        code, _, err = call("sample", mild, "-o", tmp_path / "m.npz", *wrong)
        assert code == 2
        assert match in err
        assert not (tmp_path / "m.npz").exists()
