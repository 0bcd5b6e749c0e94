"""Errors of targets that belong together: misfits count by their covariance."""

import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.fitting.problem import Problem
from motifield.numerics.fitting.search import solve
from motifield.numerics.inference.determined import identifiability
from motifield.numerics.inference.model_comparison import compare
from motifield.numerics.targets.covariance import whitening, without

VALUES, ERRORS, RHO = np.array([0.9, 1.3, 1.1]), np.array([0.1, 0.2, 0.1]), 0.8
C = np.outer(ERRORS, ERRORS) * (RHO + (1 - RHO) * np.eye(3))


def rows(**more):
    return [
        {"quantity": "rate_mean", "population": "E", "condition": c, "value": v, "error": e} | more
        for c, v, e in zip("abc", VALUES, ERRORS, strict=True)
    ]


def problem_of(system, targets, correlated):
    """One population without synapses whose rate is x = its input: three measurements of one
    number.
    """
    par = mf.Parameters.of(
        populations=["E"],
        N=100,
        fractions=[1.0],
        mean=[[0.0]],
        g=[[0.0]],
        motifs=mf.Motifs(),
        input=1.0,
    )
    return Problem.of(system, par, targets, ["input[E]"], correlated=correlated)


@pytest.fixture(scope="module")
def line(system_of):
    return system_of("x")


def test_misfits_become_independent():
    targets, some = mf.Targets.of(rows(weight=4.0), C), np.array([True, False, True])
    np.testing.assert_allclose(whitening(targets, some, correlated=False), 2 / ERRORS[some])
    W, own = whitening(targets, some, correlated=True), C[np.ix_(some, some)]
    np.testing.assert_allclose(W @ own @ W.T, 4 * np.eye(2), atol=1e-12)
    assert W[0, 1] == 0


def test_targets_that_are_left_out():
    targets, every, out = (
        mf.Targets.of(rows(), C),
        np.ones(3, dtype=bool),
        np.array([True, False, False]),
    )
    W, d = whitening(targets, every, correlated=True), np.array([0.3, -0.2, 0.5])
    found = without(W, targets, every, out) @ (W @ d)
    np.testing.assert_allclose(
        found[1:], whitening(targets, ~out, correlated=True) @ d[1:], atol=1e-12
    )
    assert found[0] == 0
    alone = whitening(targets, every, correlated=False)
    np.testing.assert_allclose(without(alone, targets, every, out), [0, 1, 1])


@pytest.mark.slow
def test_a_fit_is_generalised_least_squares(line):
    """One number with three measurements: 1^T C^-1 y / 1^T C^-1 1, of variance 1 / 1^T C^-1 1, and
    d^T C^-1 d remains.
    """
    problem = problem_of(line, mf.Targets.of(rows(), C), True)
    found = solve(problem, starts=2)
    inverse, one = np.linalg.inv(C), np.ones(3)
    best = one @ inverse @ VALUES / (one @ inverse @ one)
    assert not 1.0 < best < 1.1  # where independent errors would put it
    assert found.values["input[E]"] == pytest.approx(best, rel=1e-6)
    assert found.loss == pytest.approx((VALUES - best) @ inverse @ (VALUES - best), rel=1e-6)
    assert found.losses() == pytest.approx(
        {"targets": found.loss, "priors": 0.0, "stability": 0.0}, abs=1e-12
    )
    error = identifiability(found).standard_errors()["input[E]"]
    assert error == pytest.approx((one @ inverse @ one) ** -0.5, rel=1e-5)


def test_a_fit_with_independent_errors_is_weighted_least_squares(line):
    alone = solve(problem_of(line, mf.Targets.of(rows(), C), False), starts=2)
    assert alone.values["input[E]"] == pytest.approx(
        np.average(VALUES, weights=ERRORS**-2.0), rel=1e-6
    )
    assert set(alone.losses()) == {"rate_mean", "priors", "stability"}


@pytest.mark.slow
def test_folds_keep_the_covariance_of_the_rest(line):
    fit = solve(problem_of(line, mf.Targets.of(rows(), C), True), starts=1)
    own = compare(fit, {"all": mf.fitting.FreeMotifs()}, folds="condition", starts=1)
    for k in range(3):
        keep = np.arange(3) != k
        inverse = np.linalg.inv(C[np.ix_(keep, keep)])
        best = np.sum(inverse @ VALUES[keep]) / np.sum(inverse)
        assert own.held["all"][k] == pytest.approx(((best - VALUES[k]) / ERRORS[k]) ** 2, rel=1e-5)
    assert own.chi2("all") == pytest.approx(fit.loss)


def test_covariances_that_cannot_be_used(line):
    with pytest.raises(ParameterError, match="covariance of the targets is not known"):
        problem_of(line, mf.Targets.of(rows()), True)
    twin = np.outer(ERRORS, ERRORS)
    twin[2, :2] = twin[:2, 2] = 0
    with pytest.raises(ParameterError, match=r"nearly follow from each other.*rate_mean E a"):
        problem_of(line, mf.Targets.of(rows(), twin), True)


def test_coordinates_do_not_change(line):
    """What is whitened is the misfit alone: predictions are those of the equations."""
    problem = problem_of(line, mf.Targets.of(rows(), C), True)
    u = jnp.asarray(problem.coordinates.given())
    np.testing.assert_allclose(problem.predicted(u, problem.at_rest()), 1.0)
