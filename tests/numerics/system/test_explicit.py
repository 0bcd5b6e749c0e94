"""Explicit steps: accuracy between and at their ends, jumps, and how they end."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from motifield.numerics.system import explicit

JUMP = 3.0


@functools.cache
def solver(which, edges=()):
    fields = {
        "decay": lambda t, y: -y + jnp.where(t >= JUMP, 1.0, 0.0),
        "blow-up": lambda t, y: y**2,
        "growth": lambda t, y: 3 * y,
    }
    return jax.jit(
        lambda start, ts, most: explicit.explicit_course(
            fields[which], start, ts, edges, rtol=1e-8, atol=1e-10, most=most
        )
    )


def solved(which, start, ts, most=10_000, edges=()):
    return solver(which, edges)(jnp.array(start), jnp.asarray(ts), jnp.asarray(most))


def test_weights_of_the_stages_end_as_those_of_the_step():
    assert np.allclose(np.polyval(explicit.BETWEEN.T, 1.0), explicit.B, rtol=0, atol=2e-14)
    assert np.allclose(explicit.A.sum(axis=1), explicit.C, rtol=0, atol=1e-14)
    assert abs(explicit.ERROR.sum()) < 1e-15


def test_a_jump_lies_between_two_steps():
    """y' = -y + (t >= 3): y = e^-t before, 1 - (1 - e^-3) e^-(t - 3) behind."""
    ts = np.sort(np.append(np.linspace(0, 8, 41), [JUMP, 3.0001]))
    ts = np.unique(ts)
    found = solved("decay", [1.0], ts, edges=(JUMP,))
    late = 1 - (1 - np.exp(-JUMP)) * np.exp(-(ts - JUMP))
    exact = np.where(ts < JUMP, np.exp(-ts), late)
    assert np.max(np.abs(found.states[:, 0] - exact)) < 1e-8
    assert not found.exhausted
    assert found.t == 8
    # a few are rejected at the jump where it is not known, and hardly any where it is
    blind = solved("decay", [1.0], ts)
    assert found.steps - found.accepted < blind.steps - blind.accepted


@pytest.mark.parametrize("end", [JUMP, 8.0])
def test_an_edge_may_be_the_end(end):
    found = solved("decay", [1.0], [0.0, 1.0, end], edges=(JUMP, end))
    assert np.all(np.isfinite(found.states))
    assert abs(found.states[1, 0] - np.exp(-1)) < 1e-9


def test_what_grows_beyond_bounds_ends():
    found = solved("blow-up", [1.0], np.linspace(0, 2, 21))  # y = 1/(1 - t)
    assert np.allclose(found.states[:10, 0], 1 / (1 - np.linspace(0, 0.9, 10)), rtol=1e-6)
    assert np.all(np.isinf(found.states[11:]))
    assert abs(found.t - 1) < 1e-6
    assert not found.exhausted
    grown = solved("growth", [1.0], [0.0, 20.0])
    assert not grown.exhausted
    assert grown.state[0] > explicit.LARGEST_STATE


def test_steps_can_run_out():
    found = solved("growth", [1.0], [0.0, 1.0, 5.0], most=12)
    assert found.exhausted
    assert found.steps == 12
    assert np.isinf(found.states[-1, 0])
    assert not solved("growth", [1.0], [0.0, 1.0, 5.0]).exhausted
