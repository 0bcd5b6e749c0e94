"""Theory against networks: right theories pass, wrong ones fail, and the report holds what was
found.
"""

import functools
import re

import numpy as np
import pytest
import scipy.sparse as sps
import xarray as xr
from scipy import stats

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.parameters.couplings import without_reciprocity
from motifield.numerics.plots import verification as plots
from motifield.numerics.sampling.samplers import Gaussian, Sampler
from motifield.numerics.verification import QUANTITIES, quenched as quenched_module
from motifield.numerics.verification.chi_squared import student_threshold
from motifield.numerics.verification.differences import differences, extrapolate
from motifield.numerics.verification.quenched import offset_correlations
from motifield.theory.architecture import filters

SIZES, NETWORKS = (400, 800, 1600), 10
STATISTICS = {
    **{"fractions": [0.7, 0.3], "mean": [[0.002, -0.003], [0.003, -0.002]], "g": 0.35},
    "input": [0.8, 0.6],
}


@pytest.fixture(scope="module")
def parameters(of_populations):
    motifs = mf.Motifs.homogeneous(convergent=0.05, divergent=0.05, chain=0.045, reciprocal=0.09)
    return of_populations("EI", 600, motifs=motifs, **STATISTICS)


@pytest.fixture(scope="module")
def system():
    return mf.compile(mf.derive(mf.Architecture(["E", "I"], "1 + erf(x - 1)"), mf.SecondMoment()))


@pytest.fixture(scope="module")
def result(system, parameters):
    seen = []
    done = mf.verify(
        system,
        parameters,
        sizes=SIZES,
        networks=NETWORKS,
        t1=12.0,
        title="a <test>",
        progress=lambda what, f: seen.append(f),
    )
    assert seen == sorted(seen)
    assert len(seen) == len(SIZES) * NETWORKS
    return done


def test_the_theory_passes(result):
    assert result.passed
    assert dict(result.networks.sizes) == {"size": 3, "network": 10, "time": 51, "population": 2}
    assert len(result.rows()) == 3 * 2 * 3
    assert result.json()["passed"] is True
    assert result.verdict.rank == 6
    assert result.verdict.degrees == 3 * 9 * 6
    assert result.json()["verdict"]["p_value"] == result.verdict.p_value >= result.verdict.level


def test_scores_are_in_units_of_the_predicted_spread(result):
    at = {"size": 800, "population": "I", "quantity": "variance"}
    own, prediction = result.dataset.sel(at), result.predictions[1]
    spread = float(prediction.spread.sel(population="I", quantity="variance"))
    assert float(own["error"]) == pytest.approx(spread / np.sqrt(10))
    row = next(
        r
        for r in result.rows()
        if (r["N"], r["population"], r["quantity"]) == (800, "I", "variance")
    )
    bias = float(prediction.bias.sel(population="I", quantity="variance"))
    assert row["z"] == pytest.approx(
        (row["network"] - row["theory"] - bias) / (spread / np.sqrt(10))
    )
    seen = result.networks["variance"].sel(size=800, population="I").isel(time=-1)
    assert stats.norm.cdf(row["spread_z"]) == pytest.approx(
        stats.chi2.cdf(9 * float(seen.var(ddof=1)) / spread**2, 9)
    )
    # 54 scores each, of mean 0 and variance 1 though not independent
    for name in ("z", "spread_z"):
        assert np.abs([r[name] for r in result.rows()]).max() < 4


def test_what_is_left_falls_faster_than_the_bias(result):
    """Least squares in 1/N: limit and slope put the differences back together where there are as
    many sizes as unknowns.
    """
    two = differences(
        result.theory.isel(size=[0, 2]),
        result.networks.isel(size=[0, 2]),
        (result.predictions[0], result.predictions[2]),
    )
    for n in (400, 1600):
        left = (two["network"] - two["theory"] - two["bias"]).sel(size=n)
        np.testing.assert_allclose(
            (two["limit"] + two["slope"] / n).transpose(*left.dims), left, atol=1e-12
        )
    assert (np.abs(result.dataset["slope"]) < 4 * result.dataset["slope_error"]).all()


def test_before_a_fixed_point_the_networks_tell_their_spread(system, parameters):
    early = mf.verify(system, parameters, sizes=(300, 600), networks=3, t1=1.0)
    assert early.verdict is None
    assert early.predictions == ()
    assert (
        "no prediction of the spread: the theory has not settled at t1 = 1 (N = 300)"
        in early.criterion
    )
    assert "predicted_spread" not in early.dataset
    assert early.json()["verdict"] is None


def test_a_level_must_be_a_probability(system, parameters):
    with pytest.raises(ParameterError, match="between 0 and 1"):
        mf.verify(system, parameters, sizes=[300], networks=2, t1=12.0, level=0.0)


def test_a_wrong_theory_fails(parameters, result):
    """The equations without chains, against the networks with them."""
    wrong = mf.compile(
        mf.derive(
            mf.Architecture(
                ["E", "I"], "1 + erf(x - 1)", ["convergent", "divergent", "reciprocal"]
            ),
            mf.SecondMoment(),
        )
    )
    without = [
        mf.integrate(
            wrong,
            parameters.rescaled(n).replace(tau_chn=0 * parameters.tau_chn),
            12.0,
            saveat=result.theory["time"].values,
        ).dataset
        for n in SIZES
    ]
    theory = xr.concat(
        without,
        xr.DataArray(list(SIZES), dims="size", name="size"),
        data_vars="all",
        coords="minimal",
        compat="override",
        join="override",
    )
    summary = differences(theory, result.networks)
    assert (
        np.abs(summary["limit"])
        > student_threshold(len(SIZES) * (NETWORKS - 1)) * summary["limit_error"]
    ).any()


def test_extrapolation_recovers_limit_and_slope():
    size = xr.DataArray([100.0, 400.0, 1600.0], dims="size", coords={"size": [100, 400, 1600]})
    limit, error = extrapolate(0.25 + 3.0 / size, 0 * size + 0.1)
    assert float(limit) == pytest.approx(0.25, abs=1e-12)
    x = np.array([0.01, 0.0025, 0.000625])  # textbook least squares: the intercept's variance
    assert float(error) == pytest.approx(
        0.1 * np.sqrt(1 / 3 + x.mean() ** 2 / ((x - x.mean()) ** 2).sum())
    )


def test_threshold_widens_with_few_networks():
    # the normal distribution beyond 4 has the probability 3.167124e-5
    assert student_threshold(10**6) == pytest.approx(4.0, abs=1e-3)
    assert student_threshold(1) == pytest.approx(
        1 / np.tan(np.pi * 3.167124e-5), rel=1e-5
    )  # Cauchy: exact


def test_bad_ensembles_are_refused(system, parameters):
    with pytest.raises(ParameterError, match="two networks"):
        mf.verify(system, parameters, networks=1)
    with pytest.raises(ParameterError, match="only the initial mean"):
        mf.verify(system, parameters, sizes=[300], networks=2, initial={"kappa": 1.0})


@pytest.fixture(scope="module")
def quenched(system, parameters):
    return mf.verification.verify_network(
        system, mf.sample(parameters, 3), input=parameters.input, t1=20.0, title="one network"
    )


def test_quenched_theory_follows_one_network(quenched):
    assert quenched.passed
    assert quenched.errors["with motifs"] < 0.05
    rows = {(row["population"], row["quantity"]): row for row in quenched.rows()}
    assert len(rows) == 2 * 7
    for quantity in ("rate_sd", "rate, 10 %", "rate, 50 %", "rate, 90 %"):
        row = rows["E", quantity]
        assert row["theory"] == pytest.approx(row["network"], rel=0.1, abs=0.02)


def test_a_network_brings_its_inputs(system, parameters, quenched):
    """The verbs use the input and the functions that the network carries."""
    network = mf.sample(parameters, 3)
    same = mf.verification.verify_network(system, network, t1=20.0)
    assert same.errors == quenched.errors
    np.testing.assert_array_equal(mf.measure(network).parameters().input(0.0), [0.8, 0.6])
    bare = mf.Network.of(network.weights, network.labels, network.populations)
    with pytest.raises(ParameterError, match="input= is not given"):
        mf.verification.verify_network(system, bare, t1=20.0)


def test_results(result, quenched):
    assert result.status.ok
    assert quenched.status.ok
    assert quenched.dataset["rate"].dims == ("source", "time", "population")
    assert result.predictions[0].dataset["covariance"].sizes["quantity_"] == 4
    for own in (result, quenched, result.verdict, result.predictions[0]):
        assert len(repr(own).splitlines()) < 20
        assert own.json()
        assert len(own.table())


def test_a_theory_that_fails_raises_unless_it_is_asked_for(system, parameters, monkeypatch):
    """The integration of the theory has three steps; the network has all it needs."""
    monkeypatch.setattr(quenched_module, "integrate", functools.partial(mf.integrate, max_steps=3))
    network = mf.sample(parameters, 3)
    with pytest.raises(mf.errors.SolverError):
        mf.verification.verify_network(system, network, t1=20.0)
    found = mf.verification.verify_network(system, network, t1=20.0, throw=False)
    assert found.status.code.is_failure
    assert not found.passed
    ablation = mf.verification.ablate(system, network, t1=20.0)
    assert "all motifs" in ablation.failed


def test_the_verdict_depends_on_the_tolerance(system, parameters, quenched):
    strict = mf.verification.verify_network(
        system, mf.sample(parameters, 3), input=parameters.input, t1=20.0, tolerance=0.0
    )
    assert not strict.passed
    assert strict.status.code == "rejected"
    assert strict.errors == quenched.errors


INPUTS = {"in_strength": 0.3, "spread": {"E": 0.3, "I": 0.5}}
FILTERS = {"membrane": {"tau_a": 4.0}, "synapse": {"tau": {"E": 0.3, "I": 0.6}}}


@pytest.fixture(scope="module")
def general():
    """Adaptation in E, filtered synapses, every kind of frozen input."""
    network = mf.Architecture(
        ["E", "I"],
        "1 + erf(x - 1)",
        membrane={"E": filters.adapting(tau=1, strength=0.5, tau_a=9), "I": filters.membrane(0.7)},
        synapse=filters.exponential(0.4),
        inputs=["in-strength", "spread", "out-strength"],
    )
    return mf.compile(mf.derive(network, mf.SecondMoment()))


@pytest.fixture(scope="module")
def general_parameters(parameters, of_populations):
    tau_inp = [[0.05, 0.02], [-0.03, 0.05]]
    own = {**STATISTICS, **INPUTS, **FILTERS}
    return of_populations("EI", 600, motifs=parameters.motifs, tau_inp=tau_inp, **own)


@pytest.mark.slow
def test_filters_and_all_inputs_are_verified(general, general_parameters):
    """At t = 3, when filters still matter; slower synapses or no input along the in-strengths would
    be another answer.
    """
    done = mf.verify(general, general_parameters, sizes=(400, 1000), networks=8, t1=3.0, seed=1)
    assert done.passed
    right = done.dataset.sel(size=1000, quantity=["mean", "variance"])
    for change in ({"synapse": {"tau": 2.0}}, {"in_strength": 0.0}):
        wrong = mf.integrate(
            general, general_parameters.rescaled(1000).replace(**change), 3.0, saveat=[3.0]
        ).dataset.isel(time=-1)
        off = np.abs(wrong[["mean", "variance"]].to_dataarray("quantity") - right["theory"])
        assert (off > 5 * right["limit_error"]).any()


@pytest.mark.slow
def test_noise_is_verified(of_populations):
    """Strong motifs and little residual, for which LowRank is good."""
    architecture = mf.Architecture(
        ["all"], "1 + erf(x - 1)", membrane=filters.membrane(0.5), inputs=["noise"]
    )
    system = mf.compile(mf.derive(architecture, mf.LowRank()))
    motifs = mf.Motifs.homogeneous(convergent=0.1, divergent=0.1, chain=0.05, reciprocal=0.1)
    parameters = of_populations(
        ["all"], 400, mean=-0.001, g=0.05, motifs=motifs, input=0.8, noise=0.2
    )
    done = mf.verify(system, parameters, sizes=(400, 800), networks=6, t1=8.0)
    assert done.passed
    assert (
        "no prediction of the spread: the spread over finite networks "
        "is known for dx/dt = -x + input alone" in done.criterion
    )
    without = mf.integrate(system, parameters.replace(noise=[0.0]), 8.0, saveat=[8.0])
    assert (
        done.dataset["network"].sel(quantity="variance", size=800).item()
        > 3 * without["variance"].isel(time=-1).item()
    )


@pytest.mark.slow
def test_quenched_theory_with_filters_and_all_inputs(general, general_parameters):
    network = mf.sample(general_parameters.rescaled(1200), 2)
    done = mf.verification.verify_network(
        general, network, input=[0.8, 0.6], **INPUTS, **FILTERS, t1=15.0, tolerance=0.03
    )
    assert done.passed
    # the sampled correlations, not 0 and not exactly those asked for; standard error about
    # 1 / sqrt(N_p)
    asked = np.asarray(general_parameters.rescaled(1200).tau_inp)
    found = np.asarray(done.parameters.tau_inp)
    assert 0 < np.abs(found - asked).max() < 4 * 0.25 / np.sqrt(360)
    other = mf.verification.verify_network(
        general, network.scaled(1.0), input=[0.8, 0.6], **INPUTS, **FILTERS, t1=15.0
    )
    assert other.errors == done.errors


@pytest.mark.slow
def test_offsets_of_one_network_come_from_the_seed(general, general_parameters):
    sampled = mf.sample(general_parameters.rescaled(300), 2)
    network = mf.Network.of(sampled.weights, sampled.labels, ["E", "I"])
    options = {"input": 0.7, "t1": 2.0, **INPUTS, **FILTERS}
    first, again, other = (
        mf.verification.verify_network(general, network, seed=seed, **options) for seed in (0, 0, 1)
    )
    assert first.errors == again.errors != other.errors
    assert not np.allclose(first.parameters.tau_inp, other.parameters.tau_inp)


@pytest.mark.parametrize("sparse", [False, True])
def test_correlations_of_offsets_with_synapses(sparse):
    """By hand: the mean over pairs of (J_ij - its mean over j) xi_j, over the standard deviation of
    a synapse.
    """
    rng = np.random.default_rng(0)
    weights, labels, xi = rng.normal(size=(9, 9)), np.repeat([1, 0], [4, 5]), rng.normal(size=9)
    network = mf.Network.of(
        sps.csr_array(weights) if sparse else weights, labels, ["E", "I"], offsets=xi
    )
    own = mf.measure(network).parameters()
    found = offset_correlations(network, xi, own)
    for p, q in np.ndindex(2, 2):
        block = weights[np.ix_(network.members(p), network.members(q))]
        covariance = np.mean((block - block.mean(1)[:, None]) * xi[network.members(q)])
        assert found[p, q] == pytest.approx(covariance / (float(own.g[p, q]) / 3))


def test_report_is_one_file_with_equations_pictures_and_verdict(result, quenched, tmp_path):
    path = tmp_path / "report.html"
    mf.reports.save_report(
        [result, quenched], path, title="both", tables={"A table": [{"x": 1.5, "name": "<b>"}]}
    )
    page = path.read_text()
    assert page.count("<math") >= 9
    assert page.count("<svg role=") == 4 + 3  # inside of the page, so that they can be enlarged
    assert "<td>rate, 90 %</td>" in page
    assert "Passed:" in page
    assert f"<td>{result.verdict.p_mean:.4g}</td>" in page
    assert "a &lt;test&gt;" in page
    assert "&lt;b&gt;" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)  # nothing outside the file
    assert "seed:</strong> 0" in page
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_result_gives_the_same_report(quenched, tmp_path):
    for name in "ab":
        mf.reports.save_report(quenched, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_pictures_show_the_data(result):
    figure = plots.error_against_size(result)
    line, dotted = figure.axes[0].lines[:2]
    own = result.dataset.sel(quantity="mean", population="E")
    np.testing.assert_allclose(
        dotted.get_ydata(), np.sqrt(own["predicted_spread"] ** 2 + own["bias"] ** 2)
    )
    np.testing.assert_allclose(
        line.get_ydata(), result.dataset["spread"].sel(quantity="mean", population="E")
    )
    assert figure.axes[0].get_xscale() == figure.axes[0].get_yscale() == "log"


class Stronger(Sampler):
    """Networks whose chains are stronger than they should be."""

    def __init__(self, factor):
        self.factor = factor

    def weights(self, parameters, rng, dtype):
        return Gaussian().weights(
            without_reciprocity(parameters.replace(tau_chn=self.factor * parameters.tau_chn)),
            rng,
            dtype,
        )


@pytest.fixture(scope="module")
def single(of_populations):
    """tanh, a bulk of radius .5."""
    motifs = mf.Motifs.homogeneous(convergent=0.01, divergent=0.01, chain=0.006)
    own = of_populations(["all"], 400, mean=-0.002, g=0.6, motifs=motifs, input=0.3)
    return mf.compile(
        mf.derive(mf.Architecture(["all"], "tanh(x)"), mf.SecondMoment())
    ), without_reciprocity(own)


def rejections(system, parameters, **options):
    seen = [mf.verify(system, parameters, seed=seed, level=0.05, **options) for seed in range(200)]
    assert all(v.verdict is not None for v in seen)
    return np.mean([not v.passed for v in seen])


@pytest.mark.slow
@pytest.mark.parametrize(("sizes", "networks"), [([400], 4), ([300], 8)])
def test_a_true_theory_is_rejected_as_often_as_claimed(system, parameters, sizes, networks):
    """At level .05, of 200 repeats; the standard error of a rate of .05 is .015."""
    own = without_reciprocity(parameters.rescaled(sizes[0]))
    assert 0.02 <= rejections(system, own, sizes=sizes, networks=networks, t1=15.0) <= 0.09


@pytest.mark.slow
@pytest.mark.parametrize(("sizes", "networks"), [([400], 5), ([600], 10)])
def test_a_true_theory_of_one_population_is_rejected_as_often_as_claimed(single, sizes, networks):
    system, own = single
    assert (
        0.02
        <= rejections(
            system,
            without_reciprocity(own.rescaled(sizes[0])),
            sizes=sizes,
            networks=networks,
            t1=25.0,
        )
        <= 0.09
    )


@pytest.mark.slow
def test_chains_that_are_too_small_by_a_fifth_are_rejected(system, parameters):
    """At N = 4000 with 20 networks: the power is that of a noncentral chi-squared, of the shift
    that the missing chains make in units of the predicted spread, beyond the threshold; a few
    repeats must show it.
    """
    true = without_reciprocity(parameters.rescaled(4000))
    weaker = without_reciprocity(true.replace(tau_chn=0.8 * true.tau_chn))
    first, second = (mf.verification.finite_size(system, own) for own in (true, weaker))
    names = list(QUANTITIES)
    shift = (
        (first.expected + first.bias - second.expected - second.bias)
        .sel(quantity=names)
        .values.ravel()
    )
    distance = 20 * shift @ np.linalg.solve(second.matrix(QUANTITIES), shift)
    threshold = stats.chi2.isf(1 - np.sqrt(0.95), len(shift))
    assert stats.ncx2.sf(threshold, len(shift), distance) > 0.99
    seen = [
        mf.verify(
            system,
            weaker,
            sizes=[4000],
            networks=20,
            t1=15.0,
            seed=seed,
            level=0.05,
            sampler=Stronger(1.25),
        )
        for seed in range(2)
    ]
    assert not any(v.passed for v in seen)
    assert max(v.verdict.p_value for v in seen) < 1e-3


def runs_away():
    """Rates that grow beyond all bounds, of theory and networks."""
    system = mf.compile(mf.derive(mf.Architecture(["E"], "x**2"), mf.SecondMoment()))
    own = {"N": 60, "fractions": [1], "mean": 0.1, "g": 0.1, "input": 2.0}
    return system, mf.Parameters.of(populations=["E"], **own)


def test_what_diverges_raises_or_is_a_status():
    system, parameters = runs_away()
    few = {"sizes": [60], "networks": 2, "t1": 4.0}
    with pytest.raises(mf.errors.SolverError, match="diverged"):
        mf.verify(system, parameters, **few)
    found = mf.verify(system, parameters, throw=False, **few)
    assert found.status.code == "diverged"
    assert found.status.startswith("the theory of N = 60: diverged")
    assert not found.passed
    assert found.criterion == f"not judged: {found.status}"
    assert len(found.table()) == 3
    sampled = mf.sample(parameters, 1)
    one = mf.verification.verify_network(system, sampled, t1=4.0, throw=False)
    assert one.status.code == one.network_failure.code == "diverged"
    with pytest.raises(mf.errors.SolverError, match="diverged: .x. exceeds 1e.12"):
        mf.verification.ablate(system, sampled, t1=4.0)
    apart = mf.verification.ablate(system, sampled, t1=4.0, throw=False)
    assert apart.status == one.network_failure
