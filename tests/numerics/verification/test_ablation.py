"""Ablation: which motifs a network's activity needs."""

import json

import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.plots.ablations import ablation as picture

TRANSFER = "1 + erf(x - 1)"


@pytest.fixture(scope="module")
def system(system_of):
    return system_of(TRANSFER, "SecondMoment")


def network_with(motifs, seed=0, N=1000, P=2, **others):
    alpha = [1.0] if P == 1 else [0.6, 0.4]
    mean = -0.003 if P == 1 else [[0.002, -0.003], [0.003, -0.002]]
    return mf.sample(
        mf.Parameters.of(N=N, fractions=alpha, mean=mean, g=0.5, motifs=motifs, **others), seed
    )


@pytest.fixture(scope="module")
def chains(system):
    return mf.verification.ablate(
        system, network_with(mf.Motifs.shared(0.02)), input=0.5, t1=25.0, title="chains"
    )


def test_all_motifs_are_needed_where_all_are_there(chains):
    rate = chains.explained["rate"]
    assert rate.sel(variant="all motifs") > 0.95
    assert rate.sel(variant="without motifs") == 0
    assert 0.2 < rate.sel(variant="without chain") < 0.8
    assert (
        chains.explained["variance"].sel(variant="without convergent")
        < 0.5
        < chains.explained["variance"].sel(variant="all motifs")
    )
    errors = {row["theory"]: row["rate error"] for row in chains.rows()}
    assert errors["all motifs"] < 0.03 < 0.3 < errors["without chain"] < errors["without motifs"]
    assert list(errors) == [
        "all motifs",
        "without convergent",
        "without divergent",
        "without chain",
        "without reciprocal",
        "without motifs",
    ]


def test_reciprocal_motifs_alone(system):
    """Chains and convergence of a network that has none explain nothing."""
    result = mf.verification.ablate(
        system, network_with(mf.Motifs(reciprocal=0.5), N=1500, P=1), input=0.5, t1=25.0
    )
    gap = np.abs(result.dataset["rate"] - result.dataset["network_rate"]).isel(population=0)
    assert gap.sel(variant="without reciprocal") > 5 * gap.sel(variant="all motifs")
    for other in ("without convergent", "without divergent"):
        assert (
            abs(
                result.dataset["rate"].sel(variant=other)
                - result.dataset["rate"].sel(variant="all motifs")
            ).max()
            < 0.01
        )


def test_against_verify_network(system, chains):
    network = network_with(mf.Motifs.shared(0.02))
    compared = mf.verification.verify_network(system, network, input=0.5, t1=25.0)
    d = chains.dataset
    for variant, theory in (
        ("all motifs", compared.theory),
        ("without motifs", compared.without_motifs),
    ):
        np.testing.assert_allclose(d["rate"].sel(variant=variant), theory["rate"].isel(time=-1))
    np.testing.assert_allclose(
        d["rate_error"].mean("population").sel(variant="all motifs"), compared.errors["with motifs"]
    )
    np.testing.assert_allclose(
        d["rate_error"].mean("population").sel(variant="without motifs"),
        compared.errors["without motifs"],
    )
    measured = mf.measure(network).parameters(input=0.5)
    plain = mf.integrate(system, measured.replace(tau_chn=np.zeros((2, 2, 2))), 25.0)
    np.testing.assert_allclose(
        d["variance"].sel(variant="without chain"), plain["variance"].isel(time=-1), rtol=1e-6
    )


def test_tables(chains):
    plain = json.loads(json.dumps(chains.json()))
    assert plain["failed"] == {}
    assert chains.status.ok
    assert len(repr(chains).splitlines()) < 20
    assert [row["neurons"] for row in plain["rate"]] == [600, 400]
    row = chains.population_rows("variance")[1]
    assert row["population"] == "2"
    assert row["without chain"] == chains.dataset["variance_error"].sel(
        variant="without chain", population="2"
    )


def test_picture(chains, tmp_path):
    figure = picture(chains)
    assert len(figure.axes) == 4
    for ax, name in zip(figure.axes, ("rate", "variance", "SD"), strict=False):
        assert [bar.get_height() for bar in ax.patches] == pytest.approx(
            [100 * row[f"{name} error"] for row in chains.rows()]
        )


def test_quantiles_of_rates_are_told_and_drawn(chains):
    """Of the network by NumPy on its rates at the end, of the theory as `verify_network` has them,
    of two theories and the network as bars.
    """
    rows = chains.quantile_rows()
    assert [(r["population"], r["quantile"]) for r in rows[:3]] == [
        ("1", "10 %"),
        ("1", "50 %"),
        ("1", "90 %"),
    ]
    assert json.loads(json.dumps(chains.json()))["rate_quantile"] == rows
    known = chains.compared.spread["rate_quantile"]
    for source, column in (("theory", "all motifs"), ("network", "network")):
        expected = known.sel(source=source).values.ravel()
        np.testing.assert_array_equal([row[column] for row in rows], expected)
    errors = [abs(r["all motifs"] - r["network"]) for r in rows]
    plain = [abs(r["without motifs"] - r["network"]) for r in rows]
    assert max(errors) < 0.2 < 1 < max(plain)
    bars = picture(chains).axes[-1].patches
    low, high = rows[0], rows[2]  # of the first population, then of the second
    drawn = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in bars[::2]]
    columns = ("network", "all motifs", "without motifs")
    np.testing.assert_allclose(drawn, [(low[c], high[c]) for c in columns])


def test_a_system_without_a_class_is_refused():
    lean = mf.compile(
        mf.derive(mf.Architecture(transfer=TRANSFER, motifs=["convergent"]), mf.LowRank())
    )
    with pytest.raises(
        ParameterError, match="the architecture has none: add 'divergent' to its motifs"
    ):
        mf.verification.ablate(
            lean, network_with(mf.Motifs.shared(0.02), N=200, P=1), input=0.5, t1=5.0
        )


def test_a_theory_that_runs_away_is_said(system_of):
    system = system_of("Max(x, 0)**2")
    network = network_with(mf.Motifs(), N=100, P=1)
    strong = mf.Network.of(np.full((100, 100), 0.012), network.labels)
    with pytest.raises(mf.errors.SolverError, match="diverged"):
        mf.verification.ablate(system, strong, input=2.0, t1=20.0)


def test_a_population_without_variability(system_of):
    """Nothing reaches population 1: its variance is 0, which rounding must not turn into an error
    of 100 %.
    """
    W = np.zeros((60, 60))
    W[30:, :] = np.random.default_rng(0).normal(0, 0.1, size=(30, 60))
    result = mf.verification.ablate(
        system_of(TRANSFER, "SecondMoment"),
        mf.Network.of(W, np.repeat([0, 1], 30)),
        input=[0.8, 0.1],
        t1=20.0,
    )
    assert np.all(result.dataset["variance_error"].sel(population="1") == 0)
    assert np.all(result.dataset["rate_sd_error"].sel(population="1") == 0)
    assert np.all(result.dataset["variance_error"].sel(population="2") > 0)


def test_bad_times_are_refused(system):
    with pytest.raises(ParameterError, match="t0 < t1"):
        mf.verification.ablate(system, network_with(mf.Motifs(), N=50), t1=0.0)


def test_zero_mean_structure_is_said_to_be_out_of_reach(system):
    """J = m n'/N with m = n / 4 of mean 0 and n.m/N = 4: activity along m stays, which motifs do
    not see. docs/theory.md, section 6.5.
    """
    rng, N = np.random.default_rng(0), 400
    m = rng.standard_normal(N)
    m /= np.sqrt(np.mean(m**2))
    network = mf.Network.of(4 * np.outer(m, m) / N, np.zeros(N, dtype=int))
    found = mf.verification.ablate(system, network, input=0.0, initial={"mean": 0.5}, t1=20.0)
    errors = {row["theory"]: row["variance error"] for row in found.rows()}
    assert errors["all motifs"] > 0.9
    assert "its patterns can express" in found.remark


def test_explained_networks_need_no_remark(chains):
    assert chains.remark == chains.json()["remark"] == ""


@pytest.fixture(scope="module")
def skewed():
    """Strengths of a given network, with equations that know them."""
    rng = np.random.default_rng(3)
    strong = rng.lognormal(0, 0.5, 80)
    W = np.outer(strong, strong) * rng.lognormal(-0.5, 1.0, (80, 80)) * 0.01
    network = mf.Network.of(W, ["X"] * 80)
    architecture = mf.Architecture(["X"], TRANSFER, strengths="empirical", assortativity=True)
    system = mf.compile(mf.derive(architecture, mf.SecondMoment()))
    return network, mf.verification.ablate(system, network, input=0.3, t1=15.0)


def test_theories_without_motifs_have_the_noise_of_finite_rows(system_of, skewed):
    """Rows of independent synapses vary, too. A given network's strengths hold that noise; without
    them it is the residual's, as in second-order equations, to the last digit.
    """
    network, found = skewed
    plain = mf.verification.verify_network(
        system_of(TRANSFER, "SecondMoment"), network, input=0.3, t1=15.0
    )
    at = found.dataset.sel(variant="without motifs")
    last = plain.without_motifs.isel(time=-1)
    for name in ("mean", "variance", "rate"):
        np.testing.assert_allclose(at[name], last[name], rtol=1e-9)
    noise = float(plain.parameters.g[0, 0] ** 2) * float(last["rms_rate"][0]) ** 2
    assert float(at["variance"][0]) == pytest.approx(noise, rel=1e-4)
    without = found.dataset["variance"].sel(variant="without convergent")
    assert 0.7 * noise < float(without[0]) < float(found.dataset["network_variance"][0])


def test_few_neurons_are_one_sample(system):
    """A population of three neurons among others: its error is not called structure."""
    rng = np.random.default_rng(1)
    W = rng.normal(0.002, 0.03, (203, 203))
    W[200:] *= np.array([[0.2], [1.0], [5.0]])
    network = mf.Network.of(W, ["X"] * 200 + ["few"] * 3)
    found = mf.verification.ablate(system, network, input=0.5, t1=15.0)
    assert found.population_rows("variance")[1]["all motifs"] > 0.1
    assert "few neurons (few: 3) are those of one sample" in found.remark
    assert "no motif" not in found.remark


def test_across_one_neuron_nothing_varies(system):
    """Its rate counts; its variance, 0 in the network and not in an ensemble, does not."""
    W = np.random.default_rng(2).normal(0.002, 0.03, (101, 101))
    network = mf.Network.of(W, ["X"] * 100 + ["one"])
    found = mf.verification.ablate(system, network, input=0.5, t1=15.0)
    row, errors = found.rows()[0], found.dataset.sel(variant="all motifs")
    assert errors["variance_error"][1] == np.inf
    for name, called in (("variance", "variance"), ("rate_sd", "SD")):
        assert row[f"{called} error"] == float(errors[f"{name}_error"][0])
    assert row["rate error"] == float(errors["rate_error"].mean())
    assert "one" not in found.remark.split()
    heights = [bar.get_height() for bar in picture(found).axes[1].patches]
    assert heights[0] == pytest.approx(100 * row["variance error"])
