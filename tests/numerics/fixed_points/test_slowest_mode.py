"""The growth of deviations from a fixed point, against eigenvalues and central differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.numerics.fixed_points.settle import settled
from motifield.numerics.fixed_points.slowest_mode import growth
from motifield.numerics.system.autonomous import Autonomous


@pytest.fixture(scope="module")
def model(system_of):
    return Autonomous(system_of("1 + erf(x - 1/2)", "LowRank"), 2)


def parameters(feedback=1.0):
    """Excitation that inhibition answers: the leading eigenvalues are complex."""
    mean = feedback * np.array([[0.004, -0.006], [0.008, -0.002]])
    return mf.Parameters.of(
        populations=["E", "I"],
        N=1000,
        fractions=[0.8, 0.2],
        mean=mean,
        g=[[0.3, 0.2], [0.2, 0.3]],
        motifs=mf.Motifs(convergent=0.004),
        input=0.2,
    )


def test_growth_is_the_largest_real_part(model):
    p = parameters()
    y, error, J = settled(model, p, jnp.zeros(model.size))
    assert float(error) < 1e-10
    values = np.linalg.eigvals(np.asarray(model.jacobian(y, p)))
    leading = values[np.argmax(values.real)]
    assert abs(leading.imag) > 0.1
    assert float(growth(model, y, p, J)) == pytest.approx(leading.real, rel=1e-12)
    alone = p.replace(mean=0 * p.mean, g=0 * p.g)
    assert float(growth(model, y, alone, model.jacobian(y, alone))) == pytest.approx(-1.0)


@pytest.fixture(scope="module")
def along(model):
    """Growth as a function of the strength of feedback, the fixed point moving along."""
    p = parameters()

    def at(factor):
        own = p.replace(mean=factor * p.mean)
        y, _, J = settled(model, own, jnp.zeros(model.size))
        return growth(model, y, own, J)

    return at


@pytest.fixture(scope="module")
def growth_and_slope(along):
    """By the strength of feedback, the slope in forward mode."""
    return jax.jit(lambda factor: jax.jvp(along, (factor,), (1.0,)))


@pytest.mark.slow
def test_its_derivative_along_a_branch(growth_and_slope):
    h = 1e-5
    exact = float(growth_and_slope(1.0)[1])
    difference = float(growth_and_slope(1 + h)[0] - growth_and_slope(1 - h)[0])
    assert exact == pytest.approx(difference / (2 * h), rel=1e-6)
    assert abs(exact) > 0.01


def test_its_derivative_in_reverse_mode(along, growth_and_slope):
    exact = float(growth_and_slope(1.0)[1])
    assert exact == pytest.approx(float(jax.jit(jax.grad(along))(1.0)), rel=1e-10)


def test_where_it_has_no_derivative_it_is_still_known(model):
    """Without synapses all eigenvalues meet, and eigenvectors with them; where the state is not
    finite, there is no growth.
    """
    p = parameters()
    p = p.replace(mean=0 * p.mean, g=0 * p.g)
    y, _, J = settled(model, p, jnp.zeros(model.size))
    value, slope = jax.jvp(
        lambda a: growth(model, y, p.replace(mean=a * parameters().mean), J),
        (jnp.asarray(0.0),),
        (jnp.asarray(1.0),),
    )
    assert float(value) == pytest.approx(-1.0, abs=1e-6)
    assert np.isfinite(float(slope))
    assert np.isnan(float(growth(model, y, p, J * np.nan)))
