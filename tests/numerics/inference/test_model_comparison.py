"""Which motifs targets need: data of networks with chains and without, criteria by hand, folds, and
what is left of motifs that are taken away.
"""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.fitting.least_squares import Minima
from motifield.numerics.fitting.minima import Fit
from motifield.numerics.fitting.motif_coordinates import FreeMotifs
from motifield.numerics.fitting.search import solve
from motifield.numerics.inference.cross_validation import fold_numbers
from motifield.numerics.inference.model_comparison import Comparison, _starts, _status, compare
from motifield.numerics.inference.reduced_models import (
    class_models,
    free_motifs,
    reduced_problem,
    without_entries,
)
from motifield.numerics.parameters import residual_moments, violations
from motifield.numerics.results import Code

INPUTS = {"a": 0.2, "b": 0.6, "c": 1.0, "d": 1.4, "e": 1.8}
CHAINS = 0.006


def problem_of(system, values, error=0.01):
    base = mf.Parameters.of(
        populations=["E"],
        N=1000,
        fractions=[1.0],
        mean=-0.002,
        g=0.7,
        motifs=mf.Motifs(0.01, 0.01, CHAINS, 2 * CHAINS),
        input=1.0,
    )
    rows = [
        {"quantity": quantity, "population": "E", "condition": name, "value": 0.5, "error": error}
        for name in INPUTS
        for quantity in ("rate_mean", "rate_sd")
    ]
    if values is not None:
        rows = [{**row, "value": value} for row, value in zip(rows, values, strict=True)]
    return mf.fitting.Problem.of(
        system,
        base,
        mf.Targets.of(rows),
        [mf.fitting.Unknown("mean[E,E]", high=0)],
        motifs=mf.fitting.FreeMotifs(("tau_chn",)),
        conditions={name: {"input[E]": value} for name, value in INPUTS.items()},
        stable=False,
    )


def at_given(problem):
    u = jnp.asarray(problem.coordinates.given())
    residuals, outcome = problem.compiled(u, problem.at_rest())
    return Fit(
        problem,
        Minima(*(np.asarray(v)[None] for v in (u, outcome.states, jnp.sum(residuals**2), 1, True))),
    ), np.asarray(outcome.values)


@pytest.fixture(scope="module")
def system(system_of):
    return system_of("1 + erf(x - 1/2)", "MotifOnly")


@pytest.fixture(scope="module")
def with_chains(system):
    """Rates that the equations give with chains, and errors drawn from their distribution."""
    _, values = at_given(problem_of(system, None))
    noisy = values + 0.01 * np.random.default_rng(4).standard_normal(len(values))
    fit, _ = at_given(problem_of(system, noisy))
    said = []
    return compare(
        fit, folds=2, starts=1, progress=lambda what, part: said.append((what, part))
    ), said


def test_data_with_chains_need_chains(with_chains):
    found, _ = with_chains
    assert list(found.fits) == ["all", "none"]  # without chains nothing is free
    for criterion in ("AIC", "AICc", "BIC", "cross-validated"):
        assert found.best(criterion) == "all"
    assert found.fits["none"].loss > found.fits["all"].loss + 20
    assert found.difference("none", "all")[0] > 0
    # sums of squares of ten errors, two parameters fitted
    assert 1 < found.chi2("all") < 20
    assert found.fits["all"].values["tau_chn[E,E,E]"] == pytest.approx(CHAINS, rel=0.2)
    assert set(found.fits["none"].values) == {"mean[E,E]"}
    assert float(found.fits["none"].parameters().tau_chn.ravel()[0]) == 0


def test_criteria_by_hand(with_chains):
    found, _ = with_chains
    rows = {row["model"]: row for row in found.rows()}
    assert rows["all"]["parameters"] == pytest.approx(2)
    assert rows["none"]["parameters"] == pytest.approx(1)
    chi2 = rows["none"]["chi2"]
    assert rows["none"]["AIC"] == pytest.approx(chi2 + 2)
    assert rows["none"]["AICc"] == pytest.approx(chi2 + 2 + 4 / 8)
    assert rows["none"]["BIC"] == pytest.approx(chi2 + np.log(10))
    assert rows["all"]["cross-validated"] == pytest.approx(np.mean(found.held["all"]))
    assert chi2 == pytest.approx(sum(row["z"] ** 2 for row in found.fits["none"].rows()))
    assert found.json()["best"]["BIC"] == "all"
    assert found.dataset["held"].shape == (2, 10)


def test_what_is_held_out_is_predicted_without_it(with_chains):
    """Errors of held-out targets are larger than of those in the fit, and finite; the fit to all
    does not change by folds.
    """
    found, said = with_chains
    assert np.all(np.isfinite(found.held["all"]))
    assert len(found.held["all"]) == 10
    assert found.held["all"].sum() > found.chi2("all")
    assert found.held["all"].mean() < 5
    parts = [part for _, part in said]
    assert parts == sorted(parts)
    assert parts[-1] <= 1
    assert any(what.startswith("none: ") for what, _ in said)


@pytest.mark.slow
def test_needless_chains_cost(system):
    """Rates of a network without chains, exactly: chains are found to be 0 and criteria prefer the
    smaller model.
    """
    fit, _ = at_given(problem_of(system, None))
    values = np.asarray(fit.problem.compiled(*_without_chains(fit))[1].values)
    other, _ = at_given(
        problem_of(system, values + 0.01 * np.random.default_rng(1).standard_normal(10))
    )
    found = compare(other, folds=None, starts=2)
    assert found.best("BIC") == "none"
    assert found.fits["all"].loss <= found.fits["none"].loss + 1e-6
    assert np.isnan(found.criteria("all")["cross-validated"])


def _without_chains(fit):
    u = jnp.asarray(fit.u).at[1].set(0.0)
    return u, fit.problem.at_rest()


def test_folds():
    targets = mf.Targets.of(
        [
            {"quantity": "rate_mean", "population": p, "condition": c, "value": 1.0, "error": 1.0}
            for c in "abc"
            for p in "EI"
        ]
    )
    found = fold_numbers(targets, 4, seed=1)
    assert sorted(np.bincount(found)) == [1, 1, 2, 2]
    np.testing.assert_array_equal(found, fold_numbers(targets, 4, seed=1))
    np.testing.assert_array_equal(fold_numbers(targets, "condition"), [0, 0, 1, 1, 2, 2])
    by = {label: label.split()[1] for label in targets.labels}
    np.testing.assert_array_equal(fold_numbers(targets, by), [0, 1, 0, 1, 0, 1])
    assert len(fold_numbers(targets, None)) == 0
    for folds, message in (
        (1, "2 to 6 groups"),
        (7, "2 to 6"),
        ("label", "'label' is unknown: give"),
        ({}, "where the target 'rate_mean E a'"),
        (dict.fromkeys(targets.labels, "x"), "in one fold"),
    ):
        with pytest.raises(ParameterError, match=message):
            fold_numbers(targets, folds)


def test_what_is_left_without_some_motifs(two_populations):
    """Without convergence of one source: its chains go, others stay; the reciprocity of residuals
    stays; what is left is feasible.
    """
    own = without_entries(two_populations, ["tau_con[E,I,I]"])
    con, chn = np.asarray(own.tau_con), np.asarray(own.tau_chn)
    assert con[0, 1, 1] == 0
    assert con[0, 0, 1] == 0
    assert con[0, 1, 0] == 0
    assert np.all(chn[:, 0, 1] == 0)
    kept = np.ones((2, 2, 2), dtype=bool)
    kept[:, 0, 1] = False
    np.testing.assert_array_equal(chn[kept], np.asarray(two_populations.tau_chn)[kept])
    np.testing.assert_allclose(
        residual_moments(own)[1], residual_moments(two_populations)[1], atol=1e-15
    )
    np.testing.assert_array_equal(own.tau_div, two_populations.tau_div)
    assert not violations(own)
    out = without_entries(two_populations, ["tau_div[I,E,E]"])
    assert np.all(np.asarray(out.tau_chn)[0, 1] == 0)
    assert np.all(np.asarray(out.tau_chn)[0, 0] != 0)
    assert not violations(out)
    none = without_entries(two_populations, ["tau_rec[E,I]"])
    B = residual_moments(none)[1]
    assert abs(B[0, 1]) < 1e-15
    assert abs(B[1, 0]) < 1e-15
    np.testing.assert_allclose(
        np.diag(B), np.diag(residual_moments(two_populations)[1]), rtol=1e-12
    )


def unsearched(system, of_populations):
    """A fit with free motifs of all classes whose only minimum is where it began."""
    base = of_populations(
        "EI",
        mean=[[0.001, -0.002], [0.001, -0.002]],
        g=0.2,
        motifs=mf.Motifs(
            0.01 * np.eye(2)[None] * np.ones((2, 1, 1)),
            0.01 * np.eye(2)[None] * np.ones((2, 1, 1)),
            0.001,
            0.002,
        ),
    )
    targets = mf.Targets.of(
        [{"quantity": "rate_mean", "population": "E", "value": 1.0, "error": 1.0}]
    )
    motifs = mf.fitting.FreeMotifs(
        ("tau_con[*,E,E]", "tau_con[*,I,I]", "tau_chn[E,*,*]", "tau_rec"), ("tau_div[*,*,*]",)
    )
    problem = mf.fitting.Problem.of(
        system,
        base,
        targets,
        ["input[E]"],
        motifs=motifs,
        priors={"tau_chn[E,E,E]": mf.priors.Normal(0.001, 0.1), "input[E]": mf.priors.Normal(0, 1)},
    )
    return Fit(
        problem,
        Minima(
            problem.coordinates.given()[None],
            np.asarray(problem.at_rest())[None],
            np.ones(1),
            np.ones(1),
            np.ones(1),
        ),
    )


def test_models_by_class(system, of_populations):
    fit = unsearched(system, of_populations)
    problem = fit.problem
    models = class_models(fit)
    assert list(models) == [
        "all",
        "no convergent",
        "no divergent",
        "no chain",
        "no reciprocal",
        "none",
    ]
    families = {
        name: {n.split("[")[0] for n in (*own.free, *own.tied)} for name, own in models.items()
    }
    assert families["no convergent"] == {"tau_div", "tau_rec"}
    assert families["no divergent"] == {"tau_con", "tau_rec"}
    assert families["no chain"] == {"tau_con", "tau_div", "tau_rec"}
    assert families["none"] == set()
    assert models["all"].tied == ("tau_div[*,*,*]",)
    again = reduced_problem(fit, models["all"]).coordinates
    assert again.labels == problem.coordinates.labels
    assert again.priors == problem.coordinates.priors
    fewer = reduced_problem(fit, models["no chain"]).coordinates
    assert np.all(np.asarray(fewer.parameters.tau_chn)[0, :, 0] == 0)
    assert np.all(np.asarray(fewer.parameters.tau_chn)[1] != 0)
    assert set(fewer.priors) == {"input[E]"}
    assert fewer.size == problem.coordinates.size - 4


def test_models_and_folds_without_a_fixed_point(with_chains):
    """They are named, and are not the best by what rests on no fixed point."""
    found, _ = with_chains
    assert found.statuses == {"all": "ok", "none": "ok"}
    assert found.status == "ok"
    fit = found.fits["all"]
    lost, slow = (
        Fit(
            fit.problem,
            fit.minima._replace(**{name: np.full_like(getattr(fit.minima, name), value)}),
        )
        for name, value in (("loss", np.nan), ("converged", False))
    )
    assert _status(fit, [fit, fit]) == "ok"
    assert (
        _status(fit, [lost, fit, slow])
        == "1 of 3 folds have no fixed point; 1 of 3 folds have not converged"
    )
    assert _status(lost, [fit]) == lost.status
    held = {**found.held, "all": np.where(found.folds == 1, np.nan, found.held["all"])}
    other = Comparison(
        found.fits,
        found.effective,
        found.folds,
        held,
        {"all": "1 of 3 folds have no fixed point", "none": "ok"},
    )
    assert other.best("cross-validated") == "none"
    assert {row["model"]: row["status"] for row in other.rows()} == other.statuses
    assert other.status == "all: 1 of 3 folds have no fixed point"
    assert other.status.code is Code.INCOMPLETE


def test_models_begin_on_the_branch_of_the_fit(with_chains):
    found, _ = with_chains
    fit = found.fits["all"]
    elsewhere = Fit(fit.problem, fit.minima._replace(states=fit.minima.states + 3.0))
    own = reduced_problem(fit, FreeMotifs())
    u, at = _starts(elsewhere, own, 3, 0, False, lambda what, part: None)
    np.testing.assert_array_equal(at[0], elsewhere.minima.states[0])
    assert np.all(at[1:] == 0)
    np.testing.assert_array_equal(u[0], fit.u[:1])


@pytest.mark.slow
def test_a_fit_of_the_upper_state(system_of, bistable_parameters):
    """From rest a bistable network reaches the lower state, which the targets are not of."""
    system = system_of("1 + tanh(x - 3/2)", "MotifOnly")
    base = bistable_parameters
    rows = [
        {"quantity": q, "population": p, "value": v, "error": 0.01}
        for p in "EI"
        for q, v in (("rate_mean", 1.32548316), ("rate_sd", 0.05))
    ]
    problem = mf.fitting.Problem.of(
        system,
        base,
        mf.Targets.of(rows),
        ["input[E]", "input[I]"],
        motifs=FreeMotifs(("tau_con[E,E,E]",)),
    )
    upper = problem.outcome(
        jnp.asarray(problem.coordinates.given()), 2.0 + problem.at_rest()
    ).states
    fit = solve(
        problem, initial=problem.coordinates.given()[None], states=np.asarray(upper)[None], starts=1
    )
    found = compare(fit, {"all": free_motifs(fit)}, folds=None, starts=1)
    assert found.fits["all"].loss == pytest.approx(fit.loss, rel=1e-3)
    assert found.fits["all"].predictions[0] > 1


def test_unknown_criteria_and_models(with_chains):
    found, _ = with_chains
    with pytest.raises(ParameterError, match="no criterion 'DIC': there are AIC"):
        found.best("DIC")
    without = replace(
        found, folds=np.zeros(0, dtype=int), held={name: np.zeros(0) for name in found.fits}
    )
    with pytest.raises(ParameterError, match="of no model is finite"):
        without.best("cross-validated")
    fit = found.fits["all"]
    with pytest.raises(ParameterError, match="no models"):
        compare(fit, {})
    with pytest.raises(ParameterError, match="starts = 0"):
        compare(fit, starts=0)
