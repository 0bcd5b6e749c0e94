"""Posteriors of networks of phi(x) = x: normal where inputs are unknown, and what priors mean on
other scales.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import MotifieldError, ParameterError
from motifield.numerics.fitting.least_squares import Minima
from motifield.numerics.fitting.minima import Fit
from motifield.numerics.inference.density import log_density
from motifield.numerics.inference.determined import identifiability
from motifield.numerics.inference.draws import reliability
from motifield.numerics.inference.nuts import posterior
from motifield.numerics.results import Code


@pytest.fixture(scope="module")
def fitted(system_of, one_population):
    """R = I / 4 for two inputs, one of them below 3, and SD = sqrt(N tau) g R of which g has a
    prior that is of the values.
    """
    base = one_population(N=100, mean=-0.03, g=0.1, input=1.0)
    rows = [
        {
            "quantity": "rate_mean",
            "population": "E",
            "condition": "a",
            "value": 0.25,
            "error": 0.02,
        },
        {"quantity": "rate_mean", "population": "E", "condition": "b", "value": 0.5, "error": 0.01},
        {
            "quantity": "rate_change",
            "population": "E",
            "condition": "b",
            "against": "a",
            "value": 0.25,
            "error": 0.02,
        },
    ]
    unknowns = [
        "input[E] @ a",
        "input[E] @ b",
        mf.fitting.Unknown("g[E,E]", low=0, prior=mf.priors.Normal(0.25, 0.1)),
        mf.fitting.Unknown("mean[E,E] @ c", high=0, prior=mf.priors.LogNormal(0.02, 0.3, -1)),
    ]
    problem = mf.fitting.Problem.of(
        system_of("x", "MotifOnly"),
        base,
        mf.Targets.of(rows),
        unknowns,
        conditions={"a": {}, "b": {"input[E]": 2.0}, "c": {}},
        stable=False,
    )
    u = (
        jnp.asarray(problem.coordinates.given())
        .at[2]
        .set(float(np.log(0.25)))
        .at[3]
        .set(float(np.log(0.02)))
    )
    residuals, outcome = problem.compiled(u, problem.at_rest())
    assert float(jnp.sum(residuals**2)) < 1e-15
    return Fit(
        problem,
        Minima(*(np.asarray(v)[None] for v in (u, outcome.states, jnp.sum(residuals**2), 1, True))),
    )


def test_density_by_hand(fitted):
    """Normal prior of g, in log g: N(g; .25, .1) g; log-normal of -J, in log(-J): its normal
    density; no volume for inputs.
    """
    problem, u0 = fitted.problem, jnp.asarray(fitted.u)
    states = jnp.asarray(fitted.minima.states[0])

    def density(u):
        return log_density(problem, u, states)

    own = jax.jit(density)

    def by_hand(u):
        a, b = u[0] + 1, u[1] * 2 + 2  # centre and scale of numbers without bounds
        data = (
            ((a / 4 - 0.25) / 0.02) ** 2
            + ((b / 4 - 0.5) / 0.01) ** 2
            + (((b - a) / 4 - 0.25) / 0.02) ** 2
        )
        g = np.exp(u[2])
        return (
            -0.5 * data
            - 0.5 * ((g - 0.25) / 0.1) ** 2
            + np.log(g)
            - 0.5 * ((u[3] - np.log(0.02)) / 0.3) ** 2
        )

    base = float(own(u0)) - by_hand(np.asarray(u0))
    for shift in ([0.1, -0.05, 0.4, 0.2], [-0.2, 0.1, -0.9, -0.5]):
        u = np.asarray(u0) + np.array(shift)
        assert float(own(jnp.asarray(u))) - by_hand(u) == pytest.approx(base, abs=1e-9)
    # derivatives in reverse are those forward
    u = u0 + 0.1
    np.testing.assert_allclose(
        jax.jit(jax.grad(density))(u), jax.jit(jax.jacfwd(density))(u), rtol=1e-8, atol=1e-12
    )


@pytest.fixture(scope="module")
def drawn(fitted):
    said = []
    return posterior(
        fitted,
        warmup=300,
        samples=1000,
        chains=4,
        seed=1,
        progress=lambda what, part: said.append(part),
    ), said


@pytest.mark.slow
def test_a_normal_posterior_is_the_local_covariance(drawn, fitted):
    found, said = drawn
    values = found["value"].stack(all=("chain", "draw"))
    errors = identifiability(fitted).standard_errors()
    for name, middle in (("input[E] @ a", 1.0), ("input[E] @ b", 2.0)):
        own = values.sel(parameter=name).values
        size = float(found["ess_bulk"].sel(parameter=name))
        assert abs(own.mean() - middle) < 4 * errors[name] / np.sqrt(size)
        assert own.std() == pytest.approx(errors[name], rel=4 / np.sqrt(2 * size))
    both = np.corrcoef(values.sel(parameter=["input[E] @ a", "input[E] @ b"]).values)[0, 1]
    expected = float(
        identifiability(fitted)
        .correlations()
        .sel(parameter="input[E] @ a", parameter2="input[E] @ b")
    )
    assert both == pytest.approx(expected, abs=0.08)
    assert said == sorted(said)
    assert said[-1] <= 1


@pytest.mark.slow
def test_a_summary(drawn):
    found, _ = drawn
    rows = {row["parameter"]: row for row in found.rows()}
    assert list(rows) == found["parameter"].values.tolist()
    own = found["value"].sel(parameter="g[E,E]").values.ravel()
    row = rows["g[E,E]"]
    assert (row["mean"], row["sd"]) == pytest.approx((own.mean(), own.std(ddof=1)))
    assert (row["low"], row["high"]) == pytest.approx(np.quantile(own, [0.025, 0.975]))
    assert row["R-hat"] == float(found["rhat"].sel(parameter="g[E,E]"))


@pytest.mark.slow
def test_numbers_that_only_a_prior_knows_have_its_distribution(drawn):
    """g ~ N(.25, .1) cut at 0, by its moments; log(-J) ~ N(log .02, .3)."""
    found, _ = drawn
    g = found["value"].sel(parameter="g[E,E]").values.ravel()
    size = float(found["ess_bulk"].sel(parameter="g[E,E]"))
    grid = np.linspace(0, 1, 20001)
    weights = np.exp(-0.5 * ((grid - 0.25) / 0.1) ** 2)
    mean = np.sum(grid * weights) / weights.sum()
    sd = np.sqrt(np.sum((grid - mean) ** 2 * weights) / weights.sum())
    assert abs(g.mean() - mean) < 4 * sd / np.sqrt(size)
    assert g.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * size))
    J = np.log(-found["value"].sel(parameter="mean[E,E] @ c").values.ravel())
    size = float(found["ess_bulk"].sel(parameter="mean[E,E] @ c"))
    assert abs(J.mean() - np.log(0.02)) < 4 * 0.3 / np.sqrt(size)
    assert J.std() == pytest.approx(0.3, rel=4 / np.sqrt(2 * size))


@pytest.mark.slow
def test_chains_agree_and_say_so(drawn):
    found, _ = drawn
    assert found["value"].shape == (4, 1000, 4)
    assert float(found["rhat"].max()) < 1.02
    assert float(found["ess_bulk"].min()) > 400
    assert found.divergences == int(found["diverging"].sum())
    names = ("a", "b")
    assert reliability(names, np.array([1.0, 1.0]), np.array([500.0, 900.0]), 0) == "ok"
    said = reliability(names, np.array([1.0, 1.2]), np.array([50.0, 900.0]), 3)
    assert "3 transitions diverged" in said
    assert "R-hat of b is 1.200" in said
    assert "a has 50 effective" in said
    assert said.code is Code.UNDECIDED


def test_open_directions_and_arguments(fitted):
    coordinates = fitted.problem.coordinates
    problem = mf.fitting.Problem.of(
        fitted.problem.exact,
        coordinates.parameters,
        fitted.problem.targets,
        ["input[E] @ a", mf.fitting.Unknown("g[E,E]", low=0)],
        conditions={"a": {}, "b": {"input[E]": 2.0}},
        stable=False,
    )
    u = problem.coordinates.given()[None]
    other = Fit(problem, fitted.minima._replace(u=u, states=fitted.minima.states[:, :2]))
    with pytest.raises(
        ParameterError,
        match=r"1 directions are determined neither .* give priors to some of g\[E,E\]",
    ):
        posterior(other)
    for wrong in ({"samples": 10}, {"warmup": 1}, {"chains": 1}):
        with pytest.raises(ParameterError, match="at least"):
            posterior(fitted, **wrong)


@pytest.mark.parametrize("library", ["arviz", "blackjax"])
def test_without_a_library_the_extra_is_named(library, fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MotifieldError, match=rf"{library}.* pip install 'motifield\[posterior\]'"):
        posterior(fitted)
