"""Numbers outside of jit, which NumPy makes, are those that JAX makes inside."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.numerics.linear import observer
from motifield.numerics.parameters import Couplings
from motifield.numerics.system import Autonomous, within_tables

CLOSE = {"rtol": 1e-13, "atol": 1e-15}


def test_tensors(three_populations):
    traced = jax.jit(Couplings.of)(three_populations)
    own = Couplings.of_numbers(three_populations)
    for a, b in zip(jax.tree.leaves(own), jax.tree.leaves(traced), strict=True):
        assert isinstance(a, jax.Array)
        assert np.allclose(a, b, **CLOSE)


def test_filters():
    above, below = [1.0, 0.3], [1.0, 0.7, 0.2]
    traced = jax.jit(lambda a, b: observer(list(a), list(b), 3, 4))(
        jnp.array(above), jnp.array(below)
    )
    for a, b in zip(observer(above, below, 3, 4), traced, strict=True):
        assert np.allclose(a, b, **CLOSE)


@pytest.mark.parametrize("count", [0, 1, 7, 2048, 2049])
def test_transfer_functions(system_of, count):
    """In chunks, of any number of arguments and any shape."""
    system = system_of(("Max(x, 0)**2", "erf(x)"))
    x = np.linspace(-3, 3.1, count)
    values, slopes = system.sampled(x, 0)
    assert np.allclose(values, np.maximum(x, 0) ** 2, **CLOSE)
    assert np.allclose(slopes, 2 * np.maximum(x, 0), **CLOSE)
    assert system.sampled(x.reshape(1, -1), 1)[1].shape == (1, count)


def test_transfer_functions_take_their_own_parameters(system_of, two_populations):
    system = system_of(mf.transfer.softplus(gain=2.0))
    parameters = two_populations.replace(transfer={"gain": jnp.array([1.0, 3.0])})
    x = np.array([0.2, -1.0])
    for p, gain in enumerate([1.0, 3.0]):
        expected = np.log1p(np.exp(gain * x)) / gain
        assert np.allclose(system.sampled(x, p, parameters)[0], expected, rtol=1e-12)


def test_states_are_vectors_and_back(system_of):
    system = system_of("erf(x)", "SecondMoment")
    model = Autonomous(system, 2)
    y = jnp.arange(model.size, dtype=float)
    state = model.state(y)
    traced = jax.jit(model.state)(y)
    assert np.array_equal(model.flat(state), y)
    assert np.array_equal(jax.jit(model.flat)(state), y)
    for a, b in zip(state, traced, strict=True):
        assert np.array_equal(a, b)
    assert all(not np.any(v) for v in system.rest(2))


def test_states_of_equations_with_other_averages_are_states(system_of):
    system = system_of("1 + tanh(x - 3/2)", "MotifOnly")
    quick = within_tables(system)
    assert quick is not system
    assert quick.State is system.State
    assert isinstance(quick.rest(2), system.State)
    assert isinstance(Autonomous(quick, 2).state(jnp.zeros(4)), system.State)
