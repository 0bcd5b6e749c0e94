"""Fits from start to end: what was put in is found again, by either solver and over time; what they
report.
"""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

import motifield as mf
from motifield.errors import ParameterError, SolverError
from motifield.numerics.fitting.least_squares import FirstOrder, LevenbergMarquardt, Minima
from motifield.numerics.fitting.minima import Fit
from motifield.numerics.fitting.problem import Problem
from motifield.numerics.fitting.search import _starts, fit, solve
from motifield.numerics.results import Code

INPUTS = {"low": 0.4, "mid": 0.9, "high": 1.5}
CONDITIONS = {name: {"input[E]": value} for name, value in INPUTS.items()}
TRUE = {"mean[E,I]": -0.006, "g[E,E]": 0.35}


@pytest.fixture(scope="module")
def base(of_populations):
    mean, g = [[0.001, -0.006], [0.002, -0.003]], [[0.35, 0.5], [0.3, 0.4]]
    motifs = mf.Motifs(convergent=[[[0.004, 0], [0, 0.004]]] * 2, divergent=0.004)
    return of_populations("EI", mean=mean, g=g, motifs=motifs, input=0.8)


@pytest.fixture(scope="module")
def targets(base, system_of):
    """Rates of E, and their spread, at the true parameters; the highest rate is held out."""
    system, rows = system_of("1 + erf(x - 1/2)"), []
    for name, value in INPUTS.items():
        own = base.replace(input=mf.inputs.Constant(jnp.array([value, 0.8])))
        point = mf.fixed_point(system, own).dataset
        m, v = (float(point[k][0]) for k in ("mean", "variance"))
        x = m + np.sqrt(v) * np.linspace(-8, 8, 40_001)
        w = np.exp(-(np.linspace(-8, 8, 40_001) ** 2) / 2)
        rate = 1 + erf(x - 0.5)
        mean = np.sum(w * rate) / w.sum()
        assert mean == pytest.approx(float(point["rate"][0]), rel=1e-8)
        sd = np.sqrt(np.sum(w * (rate - mean) ** 2) / w.sum())
        rows += [
            {
                "quantity": "rate_mean",
                "population": "E",
                "condition": name,
                "value": mean,
                "error": 0.01,
                "held_out": name == "high",
            },
            {
                "quantity": "rate_sd",
                "population": "E",
                "condition": name,
                "value": sd,
                "error": 0.02,
            },
        ]
    return mf.Targets.of(rows)


@pytest.fixture(scope="module")
def problem(base, targets, system_of):
    start = base.replace(mean=base.mean.at[0, 1].set(-0.002), g=base.g.at[0, 0].set(0.1))
    return Problem.of(
        system_of("1 + erf(x - 1/2)"),
        start,
        targets,
        [mf.fitting.Unknown("mean[E,I]", high=0), mf.fitting.Unknown("g[E,E]", low=0)],
        conditions=CONDITIONS,
        priors={"input[E]": mf.priors.Normal(0.8, 1.0)},
    )


@pytest.fixture(scope="module")
def found(problem):
    return solve(problem, starts=6, seed=3)


def test_what_was_put_in_is_found(found, targets):
    assert found.status == "ok"
    assert found.loss < 1e-8
    for name, value in TRUE.items():
        assert found.values[name] == pytest.approx(value, rel=1e-4)
    np.testing.assert_allclose(found.predictions, targets.value, rtol=1e-5)
    np.testing.assert_allclose(float(found.parameters().g[0, 0]), TRUE["g[E,E]"], rtol=1e-4)
    assert float(found.parameters("high").input.value[0]) == 1.5


def test_held_out_targets_are_predicted_and_not_fitted(found, problem, targets):
    assert int(problem.fitted.sum()) == 5
    assert found.held_out_loss() < 1e-6
    held = [row for row in found.rows() if row["held out"]]
    assert [row["target"] for row in held] == ["rate_mean E high"]
    off = Fit(problem, found.minima._replace(u=found.minima.u + 0.3))
    k = list(targets.held_out).index(True)
    assert off.held_out_loss() == pytest.approx(
        ((off.predictions[k] - targets.value[k]) / 0.01) ** 2
    )
    assert off.rows()[k]["z"] == pytest.approx((off.predictions[k] - targets.value[k]) / 0.01)


def test_minima_are_sorted_and_counted(found):
    finite = found.minima.loss[np.isfinite(found.minima.loss)]
    assert np.all(np.diff(finite) >= 0)
    counts = found.agreement()
    assert counts["starts"] == 6
    assert counts["as good as the best"] >= 2
    assert counts["as good as the best"] + counts["worse"] + counts["without a fixed point"] == 6
    spread = found.ensemble()["value"]
    assert spread.sizes["solution"] == counts["as good as the best"]
    assert float(np.ptp(spread.sel(parameter="g[E,E]").values)) < 1e-2


def test_losses_by_kind_add_up(found):
    off = Fit(found.problem, found.minima._replace(u=found.minima.u + 0.2))
    parts = off.losses()
    assert set(parts) == {"rate_mean", "rate_sd", "priors", "stability"}
    r = np.asarray(found.problem.compiled(jnp.asarray(off.u), jnp.asarray(off.minima.states[0]))[0])
    assert sum(parts.values()) == pytest.approx(np.sum(r**2))
    assert parts["rate_mean"] == pytest.approx(np.sum(r[[0, 2]] ** 2))
    assert parts["priors"] == 0


@pytest.mark.slow
def test_a_first_order_method_finds_the_same_minimum(problem, found):
    other = solve(problem, solver=FirstOrder(steps=1500, atol=1e-3), starts=2, seed=3)
    assert other.loss < 1e-3
    for name, value in TRUE.items():
        assert other.values[name] == pytest.approx(value, rel=0.02)


def test_statuses(problem, found):
    lost = Minima(*(v[:2].copy() for v in found.minima))
    assert Fit(problem, lost._replace(converged=np.zeros(2, dtype=bool))).status.startswith(
        "the best start has not converged"
    )
    nothing = Fit(problem, lost._replace(loss=np.full(2, np.nan)))
    assert nothing.status.startswith("no start has a fixed point")
    assert nothing.status.code is Code.NOT_CONVERGED
    none = Fit(problem, lost._replace(converged=np.zeros(2, dtype=bool)))
    assert none.status.code is Code.NOT_CONVERGED
    other = Fit(problem, lost._replace(converged=np.array([False, True])))
    assert other.status.code is Code.UNDECIDED
    assert not other.status.code.is_failure
    assert nothing.agreement()["without a fixed point"] == 2


def test_plain_data_and_datasets(found):
    data = json.loads(json.dumps(found.json()))
    assert data["values"] == found.values
    assert len(data["targets"]) == 6
    assert data["closure"].startswith(
        "LowRank takes the residual's variance from mean rates, with it up to "
    )
    made = found.dataset
    np.testing.assert_allclose(made["value"].sel(parameter="g[E,E]")[0], found.values["g[E,E]"])
    np.testing.assert_allclose(made["prediction"], made["target_value"], rtol=1e-5)
    assert made.attrs["status"] == "ok"
    assert made.sizes == {"start": 6, "parameter": 2, "coordinate": 2, "target": 6}
    assert len(repr(found).splitlines()) < 20
    assert repr(found).startswith("Fit of 2 coordinates to 5 targets: ok\nloss ")


def test_stability_of_every_condition(found):
    assert set(found.stability()) == set(CONDITIONS)


def test_starts_that_are_given(problem):
    with pytest.raises(ParameterError, match="starts = 0 and lanes = 32 must be at least 1"):
        solve(problem, starts=0)
    u = problem.coordinates.given()
    np.testing.assert_array_equal(_starts(problem, 3, 0, True, None)[0], u)
    np.testing.assert_array_equal(_starts(problem, 3, 0, True, u + 1)[0], u + 1)
    np.testing.assert_array_equal(
        _starts(problem, 3, 5, False, None), problem.coordinates.random(np.random.default_rng(5), 3)
    )
    assert len(_starts(problem, 2, 0, True, np.stack([u, u, u]))) == 2


@pytest.mark.slow
def test_a_start_goes_on_from_its_states(system_of, bistable_parameters):
    """Of the bistable network of test_settle.py, the targets are of the upper state: from rest the
    lower one is found.
    """
    system = system_of("1 + tanh(x - 3/2)", "MotifOnly")
    base = bistable_parameters
    rows = [
        {
            "quantity": "rate_mean",
            "population": p,
            "condition": "a",
            "value": 1.32548316,
            "error": 0.01,
        }
        for p in "EI"
    ]
    problem = Problem.of(system, base, mf.Targets.of(rows), ["input[E]", "input[I]"])
    given = problem.coordinates.given()
    upper = problem.outcome(jnp.asarray(given), 2.0 + problem.at_rest()).states
    above = solve(
        problem,
        initial=given[None],
        states=upper[None],
        starts=1,
        solver=LevenbergMarquardt(steps=1),
    )
    assert above.loss < 1e-6
    assert float(jnp.sum(problem.compiled(jnp.asarray(given), problem.at_rest())[0] ** 2)) > 1e4


def test_a_prior_that_excludes_every_start_is_named(problem):
    wrong = mf.priors.LogNormal(0.003, 0.7)
    t = problem.targets
    other = Problem.of(
        problem.exact,
        problem.coordinates.parameters,
        t,
        [mf.fitting.Unknown("mean[E,I]")],
        conditions=CONDITIONS,
        priors={"mean[E,I]": wrong},
    )
    with pytest.raises(
        ParameterError,
        match=r"the prior of mean\[E,I\], LogNormal\(median=0.003.* excludes its value at "
        r"every start: is its sign right",
    ):
        solve(other, starts=3)


@pytest.mark.slow
def test_free_states_go_on_from_a_checkpoint(system_of, tmp_path, of_populations):
    system = system_of("Max(x, 0)**2", "MotifOnly")
    base = of_populations("E", mean=0.0005, g=0.1, input=0.3)
    targets = mf.Targets.of(
        [
            {
                "quantity": "rate_mean",
                "population": "E",
                "condition": "rest",
                "value": 0.3,
                "error": 0.01,
            }
        ]
    )
    problem = Problem.of(
        system, base, targets, [mf.fitting.Unknown("mean[E,E]", low=0, start=(0.003, 0.02))]
    )
    alone = solve(problem, starts=4, from_given=False)
    assert alone.agreement()["without a fixed point"] == 4
    assert (
        alone.status
        == "no start has a fixed point: give other starts, bounds or priors, or free_states"
    )
    one, two = (
        solve(problem, starts=4, from_given=False, free_states=True, checkpoint=tmp_path / "state")
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.minima.u, two.minima.u)


@pytest.mark.slow
def test_starts_without_a_fixed_point_reach_one_with_free_states(
    system_of, tmp_path, of_populations
):
    """phi = Max(x, 0)^2 runs away for every start; N mean R = .5 R at the truth."""
    system = system_of("Max(x, 0)**2", "MotifOnly")
    truth = of_populations("E", mean=0.0005, g=0.1, input=0.3)
    rate = float(mf.fixed_point(system, truth).dataset["rate"][0])
    targets = mf.Targets.of(
        [
            {
                "quantity": "rate_mean",
                "population": "E",
                "condition": "rest",
                "value": rate,
                "error": 0.01,
            }
        ]
    )
    problem = Problem.of(
        system, truth, targets, [mf.fitting.Unknown("mean[E,E]", low=0, start=(0.003, 0.02))]
    )
    starts = _starts(problem, 4, 0, False, None)
    assert all(np.isnan(problem.predicted(u, problem.at_rest())).all() for u in starts)
    said = []
    found = solve(
        problem,
        starts=4,
        from_given=False,
        free_states=True,
        checkpoint=tmp_path / "state",
        progress=lambda what, part: said.append((what, part)),
    )
    assert found.status == "ok"
    assert found.agreement()["without a fixed point"] < 4
    assert found.values["mean[E,E]"] == pytest.approx(0.0005, rel=1e-4)
    elsewhere = np.ones((4, *problem.at_rest().shape))
    with pytest.raises(ParameterError, match="the checkpoint of another fit"):
        solve(
            problem,
            starts=4,
            from_given=False,
            free_states=True,
            states=elsewhere,
            checkpoint=tmp_path / "state",
        )
    assert said[0] == ("states free: states: compiling", 0.0)
    assert all(0 <= part <= 1 for _, part in said)
    assert said[-1][1] == 1


@pytest.mark.slow
def test_a_fit_to_a_time_course(system_of, of_populations):
    """The weight of a signal, from rates over time in one population."""
    system = system_of("1 + erf(x - 1/2)")
    course = mf.inputs.signals(
        [0.0, 1.0, 4.0], {"ones": 1.0, "light": [0.0, 1.0, 0.0]}, {"ones": 0.2, "light": 0.7}, ["E"]
    )
    own = of_populations(
        "E",
        mean=-0.001,
        g=0.3,
        motifs=mf.Motifs(convergent=0.004, divergent=0.004),
        input=course,
    )
    held = own.replace(input=mf.inputs.Constant(own.input(0.0)))
    times = [0.5, 1.0, 2.0, 4.0]
    path = mf.integrate(
        system, own, 4.0, initial=mf.fixed_point(system, held).state, saveat=[0.0, *times]
    )["rate"].values[1:, 0]
    rows = [
        {
            "quantity": "rate_mean",
            "population": "E",
            "condition": "film",
            "time": t,
            "value": float(v),
            "error": 0.01,
        }
        for t, v in zip(times, path, strict=True)
    ]
    off = own.replace(
        input=mf.inputs.signals(
            [0.0, 1.0, 4.0],
            {"ones": 1.0, "light": [0.0, 1.0, 0.0]},
            {"ones": 0.2, "light": 0.3},
            ["E"],
        )
    )
    made = fit(
        system,
        off,
        mf.Targets.of(rows),
        [mf.fitting.Unknown("input.light[E]", low=0)],
        starts=1,
        step=0.1,
    )
    assert made.values["input.light[E]"] == pytest.approx(0.7, rel=1e-4)


@pytest.mark.slow
def test_too_few_steps_raise(base, targets, system_of):
    unknowns = [
        mf.fitting.Unknown("mean[E,I]", high=0, start=(-0.01, -0.001)),
        mf.fitting.Unknown("g[E,E]", low=0, start=(0.1, 1.0)),
    ]
    with pytest.raises(SolverError, match="has not converged: allow more steps"):
        fit(
            system_of("1 + erf(x - 1/2)"),
            base,
            targets,
            unknowns,
            conditions=CONDITIONS,
            starts=2,
            from_given=False,
            solver=LevenbergMarquardt(steps=1),
        )


@pytest.mark.parametrize("P", [1])
def test_the_second_moment_is_exact_without_reciprocity(P, system_of, of_populations):
    system = system_of("1 + erf(x - 1/2)", "SecondMoment")
    rows = [{"quantity": "rate_mean", "population": "E", "value": 0.7, "error": 0.01}]
    for reciprocal, text in (
        (0.0, "exact at fixed points"),
        (0.1, "SecondMoment leaves out that neurons feel their own rate"),
    ):
        own = of_populations(
            "E",
            mean=-0.001,
            g=0.3,
            motifs=mf.Motifs(reciprocal=reciprocal),
            input=0.1,
        )
        problem = Problem.of(system, own, mf.Targets.of(rows), ["input"])
        u = problem.coordinates.given()[None]
        one = Fit(
            problem,
            Minima(
                u,
                np.asarray(problem.at_rest())[None],
                np.zeros(1),
                np.zeros(1, dtype=int),
                np.ones(1, dtype=bool),
            ),
        )
        assert one.closure_validity().startswith(text)


@pytest.mark.parametrize(
    ("closure", "text"),
    [
        ("MotifOnly", "leaves the residual out"),
        ("LowRank", "takes the residual's variance from mean rates"),
    ],
)
def test_what_other_closures_leave_out(closure, text, system_of, average_by_hand, of_populations):
    """At the fixed point of one condition, by hand: M < phi^2 > or M (< phi^2 > - R^2) of the
    variance with it, M = g^2 (1 - tau_con - tau_div).
    """
    own = of_populations(
        "E",
        mean=-0.001,
        g=0.5,
        motifs=mf.Motifs(convergent=0.01, divergent=0.02),
        input=0.6,
    )
    system = system_of("1 + erf(x - 1/2)", closure)
    problem = Problem.of(
        system,
        own,
        mf.Targets.of(
            [
                {
                    "quantity": "rate_mean",
                    "population": "E",
                    "condition": "light",
                    "value": 0.7,
                    "error": 0.01,
                }
            ]
        ),
        ["input"],
    )
    point = mf.fixed_point(system, own)
    u, outcome = (
        problem.coordinates.given()[None],
        problem.outcome(jnp.asarray(problem.coordinates.given())),
    )
    found = Fit(
        problem,
        Minima(
            u,
            np.asarray(outcome.states)[None],
            np.zeros(1),
            np.zeros(1, dtype=int),
            np.ones(1, dtype=bool),
        ),
    ).closure_validity()
    mean, variance = (float(point.dataset[name][0]) for name in ("mean", "variance"))
    rate, square = (
        average_by_hand(lambda x, n=n: (1 + erf(x - 0.5)) ** n, mean, variance) for n in (1, 2)
    )
    missing = 0.25 * 0.97 * (square - (0.0 if closure == "MotifOnly" else rate**2))
    assert (
        found
        == f"{closure} {text}, with it up to {100 * missing / (missing + variance):.2g} % of the "
        "variance of the currents (E, light), which SecondMoment() counts"
    )
