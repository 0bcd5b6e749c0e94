"""Gaussian averages of functions at many means and variances against stored numbers of mpmath, 30
digits.

gaussian.json was made elsewhere (MOTIFIELD_GAUSSIAN may name another file like it), averages.json
by make_averages.py: README.md beside this test says how.
"""

import json
import os
from functools import cache
from itertools import groupby
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf

HERE = Path(__file__).parent
GIVEN = Path(os.environ.get("MOTIFIELD_GAUSSIAN", HERE / "gaussian.json"))


def table(path):
    """Rows by expression."""
    rows = sorted(json.loads(path.read_text()), key=lambda r: r["expression"])
    return {key: list(own) for key, own in groupby(rows, lambda r: r["expression"])}


ELSEWHERE, OWN = table(GIVEN), table(HERE / "averages.json")


@cache
def averages(expression):
    """<phi>, <phi'> and <phi^2>, compiled: one call for all points."""
    system = mf.compile(mf.derive(mf.Architecture(transfer=expression), mf.SecondMoment()))
    names = {"mean": "mean_rate", "mean_derivative": "mean_gain", "second_moment": "second_moment"}
    return {key: jax.jit(getattr(system.module, name)) for key, name in names.items()}


def compared(rows, name):
    """What is found and what is expected, where there is something."""
    mu, variance = (jnp.array([float(r[key]) for r in rows]) for key in ("mu", "variance"))
    found = averages(rows[0]["expression"])[name](mu, variance)
    expected = np.array([r.get(name, np.nan) for r in rows])
    known = np.isfinite(expected)
    return np.asarray(found)[known], expected[known]


NAMES = ("mean", "mean_derivative", "second_moment")


@pytest.mark.filterwarnings(
    "ignore:a Gaussian average is accurate only"
)  # the errors are measured here
@pytest.mark.parametrize("expression", ELSEWHERE)
def test_averages(expression):
    for name in NAMES:
        found, expected = compared(ELSEWHERE[expression], name)
        error = np.abs(found - expected) / (1 + np.abs(expected))
        assert np.all(error <= 1e-9), (name, error.max())


def with_slow(expressions):
    """The averages of this one, with square and derivatives, compile for half a minute."""
    return [pytest.param(e, marks=[pytest.mark.slow] * (e == "naka_rushton")) for e in expressions]


@pytest.mark.parametrize("expression", with_slow(OWN))
def test_averages_and_derivative_rules(expression):
    """Also d<f>/dmu = <f'> and d<f>/dDelta = <f''>/2 where JAX differentiates."""
    rows = OWN[expression]
    for name in NAMES:
        found, expected = compared(rows, name)
        size = 2.0 if name == "mean_derivative" else 1 + np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * size, err_msg=name)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=name)
    mu, variance = (jnp.array([r[key] for r in rows]) for key in ("mu", "variance"))
    slopes = jax.vmap(jax.grad(averages(expression)["mean"], argnums=(0, 1)))(mu, variance)
    expected = np.array([(r["mean_derivative"], r["mean_curvature"] / 2) for r in rows]).T
    for found, own in zip(slopes, expected, strict=True):
        np.testing.assert_allclose(found, own, rtol=1e-8, atol=1e-9)
