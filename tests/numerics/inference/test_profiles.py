"""Profile likelihoods of a network of phi(x) = x, for which they are known: quadratic in inputs, of
a prior alone in a motif.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.fitting.least_squares import Minima
from motifield.numerics.fitting.minima import Fit
from motifield.numerics.fitting.scales import Scale
from motifield.numerics.inference.held import Held, Point
from motifield.numerics.inference.profiles import profile

ERRORS = np.array([0.001, 0.002, 0.0015])
SIGMA = 0.3


@pytest.fixture(scope="module")
def fitted(system_of, one_population):
    """R = I / (1 - N J) = I / 4 in two conditions, their difference, SD = sqrt(N tau) g R; g has a
    prior.
    """
    base = one_population(N=100, mean=-0.03, g=0.1, input=2.0)
    targets = mf.Targets.of(
        [
            {
                "quantity": "rate_mean",
                "population": "E",
                "condition": "a",
                "value": 0.5,
                "error": ERRORS[0],
            },
            {
                "quantity": "rate_mean",
                "population": "E",
                "condition": "b",
                "value": 1.0,
                "error": ERRORS[1],
            },
            {
                "quantity": "rate_change",
                "population": "E",
                "condition": "b",
                "against": "a",
                "value": 0.5,
                "error": ERRORS[2],
            },
            {
                "quantity": "rate_sd",
                "population": "E",
                "condition": "a",
                "value": 0.05,
                "error": 1e-5,
            },
        ]
    )
    unknowns = [
        "input[E] @ a",
        "input[E] @ b",
        mf.fitting.Unknown("g[E,E]", low=0, prior=mf.priors.LogNormal(0.1, SIGMA)),
    ]
    problem = mf.fitting.Problem.of(
        system_of("x", "MotifOnly"),
        base,
        targets,
        unknowns,
        motifs=mf.fitting.FreeMotifs(("tau_con",)),
        conditions={"a": {}, "b": {"input[E]": 4.0}},
        stable=False,
    )
    u = jnp.asarray(problem.coordinates.given())
    residuals, outcome = problem.compiled(u, problem.at_rest())
    assert float(jnp.sum(residuals**2)) < 1e-15
    return Fit(
        problem,
        Minima(*(np.asarray(v)[None] for v in (u, outcome.states, jnp.sum(residuals**2), 1, True))),
    )


def standard_error():
    """Of I_a: rates are I / 4, W = diag(1 / errors^2), (X^T W X)^-1 by hand."""
    X = np.array([[1.0, 0], [0, 1], [-1, 1]]) / 4
    return np.sqrt(np.linalg.inv(X.T @ (X / ERRORS[:, None] ** 2))[0, 0])


def test_a_quadratic_loss_gives_the_interval_of_its_covariance(fitted):
    said = []
    own = profile(fitted, "input[E] @ a", points=5, progress=lambda what, part: said.append(part))
    se = standard_error()
    assert se < 4 * ERRORS[0]  # the other condition helps, so that what adapts matters
    np.testing.assert_allclose(own.values, 2 + se * np.linspace(-3, 3, 5), rtol=1e-6)
    np.testing.assert_allclose(own.rises, np.linspace(-3, 3, 5) ** 2, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(own.interval, [2 - 1.959964 * se, 2 + 1.959964 * se], atol=1e-3 * se)
    others = own.dataset["value"].sel(parameter="input[E] @ b").values
    # the regression of I_b on I_a: the difference pulls it along
    slope = (1 / ERRORS[2] ** 2) / (1 / ERRORS[1] ** 2 + 1 / ERRORS[2] ** 2)
    np.testing.assert_allclose(others - 4, slope * (own.values - 2), atol=1e-3 * se)
    assert own.status == "ok"
    assert said == sorted(said)
    assert said[-1] <= 1


def test_a_motif_that_only_a_prior_holds(fitted):
    """SD fixes g^2 tau: log tau = const - 2 log g, and log g has standard deviation SIGMA. Far from
    quadratic in tau.
    """
    own = profile(fitted, "tau_con[E,E,E]", [0.004, 0.02], level=0.9)
    np.testing.assert_allclose(own.values, [0.004, 0.01, 0.02], rtol=1e-8)
    np.testing.assert_allclose(
        own.losses, (np.log(own.values / 0.01) / (2 * SIGMA)) ** 2, rtol=1e-3, atol=1e-8
    )
    np.testing.assert_allclose(
        np.log(np.array(own.interval) / 0.01), 2 * SIGMA * 1.644854 * np.array([-1, 1]), rtol=1e-3
    )
    g = own.dataset["value"].sel(parameter="g[E,E]").values
    np.testing.assert_allclose(g**2 * own.values, 1e-4, rtol=1e-3)
    assert own.json()["rows"][1]["rise"] == pytest.approx(0, abs=1e-8)


def test_an_interval_ends_where_a_share_reaches_its_bound_or_nowhere(fitted):
    """Without its prior g is open, g^2 tau = 1e-4 alone is seen: upward there is no end, downward
    tau reaches 1 at g = .01.
    """
    coordinates = fitted.problem.coordinates
    open_problem = mf.fitting.Problem.of(
        fitted.problem.exact,
        coordinates.parameters,
        fitted.problem.targets,
        [*coordinates.unknowns[:2], replace(coordinates.unknowns[2], prior=None)],
        motifs=mf.fitting.FreeMotifs(("tau_con",)),
        conditions={"a": {}, "b": {"input[E]": 4.0}},
        stable=False,
    )
    own = profile(Fit(open_problem, fitted.minima), "g[E,E]", points=2, span=1.0)
    assert own.interval == (pytest.approx(0.01, rel=5e-3), np.inf)
    assert own.interval[0] < 0.01
    assert np.all(own.rises < 1e-6)


def test_values_that_cannot_be_reached_have_no_loss(fitted):
    """A number with an upper limit of its own below its bound: tanh(u) / 2 never is 0.8."""
    held = Held(fitted.problem, "tau_con[E,E,E]", 5)
    held.scale, held._value = Scale(), lambda u: 0.5 * jnp.tanh(u[0])
    held._slope = jax.grad(held._value)
    start = Point(0.0, np.array(fitted.u), np.array(fitted.minima.states[0]), 0.0)
    assert np.isnan(held.minimum(start, 0.8).loss)
    assert np.isfinite(held.minimum(start, 0.001).loss)


def test_a_fit_that_was_no_minimum(fitted):
    off = Fit(
        fitted.problem,
        fitted.minima._replace(
            u=fitted.minima.u + np.array([[0.01, 0, 0, 0]]), loss=np.array([6.25])
        ),
    )
    own = profile(off, "input[E] @ b", [3.99, 4.01])
    assert "smaller by" in own.status
    assert "more starts" in own.status
    assert own.losses[0] < 6


def test_scales():
    for scale, value in (
        (Scale(), -3.0),
        (Scale(1.0), 1.5),
        (Scale(high=2.0), -4.0),
        (Scale(-1.0, 1.0), 0.3),
    ):
        t = float(scale.forward(value))
        assert float(scale.backward(t)) == pytest.approx(value)
        step = 1e-6
        assert scale.slope(value) == pytest.approx(
            (float(scale.forward(value + step)) - float(scale.forward(value - step))) / (2 * step),
            rel=1e-6,
        )
        assert scale.slope(value) > 0


def test_scales_of_numbers(fitted):
    coordinates = fitted.problem.coordinates
    assert coordinates.scale("g[E,E]") == Scale(0)
    assert coordinates.scale("input[E] @ a") == Scale()
    assert coordinates.scale("tau_con[E,E,E]") == Scale(0, 1)


def test_arguments_are_checked(fitted):
    with pytest.raises(ParameterError, match="no parameter 'g' in the fit"):
        profile(fitted, "g")
    with pytest.raises(ParameterError, match="between its bounds 0 and 1"):
        profile(fitted, "tau_con[E,E,E]", [0.5, 1.5])
    for wrong in ({"points": 1}, {"span": 0.0}, {"level": 1.0}, {"steps": 0}):
        with pytest.raises(ParameterError, match=f"{next(iter(wrong))} = "):
            profile(fitted, "g[E,E]", **wrong)
