"""Averages with fixed nodes: against closed forms and a brute-force quadrature, their derivatives,
kinks, and no variance.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

import motifield as mf
from motifield.numerics.distributions.fixed_nodes import (
    REACH,
    FixedNodes,
    nodes_of,
    with_fixed_nodes,
)


def normal_moments(mu, sigma):
    """<Max(x, 0)^n> for n = 0, 1, 2 from truncated moments of the normal distribution."""
    a = mu / sigma
    return (
        norm.cdf(a),
        mu * norm.cdf(a) + sigma * norm.pdf(a),
        (mu**2 + sigma**2) * norm.cdf(a) + mu * sigma * norm.pdf(a),
    )


@pytest.fixture(scope="module")
def power():
    """The averages of gain Max(x - threshold, 0)^exponent that equations with fixed nodes use:
    rate, square, slope.
    """
    system = mf.compile(
        mf.derive(
            mf.Architecture(transfer=mf.transfer.power_law(exponent=2.0, gain=0.5)),
            mf.SecondMoment(),
        )
    )
    fixed = with_fixed_nodes(system)
    assert isinstance(fixed.module.mean_rate.general, FixedNodes)
    assert not isinstance(system.module.mean_rate.general, FixedNodes)
    return system, fixed


def test_nodes_integrate_polynomials_and_pieces():
    z, w = nodes_of(jnp.array([0.3, np.nan, -40.0]))
    assert float(jnp.sum(w)) == pytest.approx(1)
    for n, moment in ((1, 0.0), (2, 1.0), (4, 3.0), (6, 15.0), (8, 105.0)):
        assert float(jnp.sum(w * z**n)) == pytest.approx(moment, rel=1e-10, abs=1e-12)
    assert float(jnp.sum(w * jnp.maximum(z - 0.3, 0))) == pytest.approx(
        float(norm.pdf(0.3) - 0.3 * norm.sf(0.3)), rel=1e-12
    )
    assert float(jnp.max(jnp.abs(z))) <= REACH


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_power_laws_against_truncated_moments(power, exponent):
    _, fixed = power
    values = {"gain": 0.7, "threshold": 0.4, "exponent": exponent}
    mu, sigma = (v.ravel() for v in np.meshgrid([-3.0, -0.2, 0.4, 0.5, 4.0], [0.05, 0.6, 2.0]))
    args = (jnp.asarray(mu), jnp.asarray(sigma**2))
    rate = fixed.module.mean_rate(*args, fixed.module.mean_rate.prepare(values))
    m0, m1, m2 = normal_moments(mu - 0.4, sigma)
    np.testing.assert_allclose(rate, 0.7 * (m1 if exponent == 1 else m2), rtol=1e-10, atol=1e-14)
    (slope,) = fixed.module.mean_rate.derivatives(
        *args, fixed.module.mean_rate.prepare(values), orders=(1,)
    )
    np.testing.assert_allclose(
        slope, 0.7 * (m0 if exponent == 1 else 2 * m1), rtol=1e-9, atol=1e-12
    )
    if exponent == 1:
        square = fixed.module.second_moment(*args, fixed.module.second_moment.prepare(values))
        np.testing.assert_allclose(square, 0.49 * m2, rtol=1e-10, atol=1e-14)


def test_derivatives_in_mean_variance_and_parameters(power):
    """d<f>/dmu = <f'>, d<f>/dDelta = <f''>/2, and of exponent, gain and threshold, by central
    differences; far from the kink and on it.
    """
    _, fixed = power
    average = fixed.module.mean_rate

    def of(v):
        prepared = average.prepare({"gain": v[2], "threshold": v[3], "exponent": v[4]})
        return average.derivatives(v[0], v[1], prepared, orders=(1,))[0]

    values = jax.jit(jax.vmap(of))
    forward, reverse = jax.jit(jax.jacfwd(of)), jax.jit(jax.grad(of))
    for point in (
        [0.5, 0.3, 0.7, 0.4, 2.3],
        [0.1, 0.02, 0.5, 0.1, 2.0],
        [3.0, 0.01, 0.5, 0.1, 1.5],
        [-1.0, 0.5, 1.0, 0.0, 3.1],
    ):
        at = jnp.asarray(point)
        steps = 1e-5 * jnp.eye(5)
        numeric = (values(at[None] + steps) - values(at[None] - steps)) / 2e-5
        np.testing.assert_allclose(forward(at), numeric, rtol=3e-5, atol=1e-8)
        np.testing.assert_allclose(reverse(at), forward(at), rtol=1e-9, atol=1e-12)


def test_high_derivatives_of_smooth_functions_far_to_the_left():
    """<D^5 phi> of (w log(1 + exp(x / w)))^1.8 by differences of <D^4 phi>, though factors of D^5
    phi overflow in its tail.
    """
    smooth = mf.transfer.expression(
        "(width*log(1 + exp(x/width)))**exponent",
        positive=["width", "exponent"],
        width=1.0,
        exponent=2.0,
    )
    system = mf.compile(mf.derive(mf.Architecture(transfer=smooth), mf.SecondMoment()))
    average = with_fixed_nodes(system).module.mean_rate
    prepared = average.prepare({"exponent": 1.8, "width": 0.5})
    h = 1e-4

    def order(n, mu):
        return float(
            average.derivatives(jnp.asarray(mu), jnp.asarray(200.0), prepared, orders=(n,))[0]
        )

    for mu in (5.0, -5.0):
        assert order(5, mu) == pytest.approx(
            (order(4, mu + h) - order(4, mu - h)) / (2 * h), rel=1e-4
        )
    curvature = jax.hessian(
        lambda Delta: average.derivatives(jnp.asarray(5.0), Delta, prepared, orders=(1,))[0]
    )(jnp.asarray(200.0))
    assert float(curvature) == pytest.approx(order(5, 5.0) / 4, rel=1e-6)


def test_against_the_exact_average_of_the_equations(power):
    system, fixed = power
    values = {"gain": 0.7, "threshold": 0.1, "exponent": 2.6}
    mu, Delta = jnp.asarray([-0.5, 0.1, 1.0, 4.0]), jnp.asarray([0.3, 1.0, 0.2, 0.01])
    for name in ("mean_rate",):
        own, exact = (getattr(s.module, name) for s in (fixed, system))
        pairs = zip(
            own.derivatives(mu, Delta, own.prepare(values)),
            exact.derivatives(mu, Delta, exact.prepare(values)),
            strict=True,
        )
        for found, wanted in pairs:
            np.testing.assert_allclose(found, wanted, rtol=1e-8)


def test_without_variance_the_average_is_the_function(power):
    _, fixed = power
    own = fixed.module.mean_rate
    values = {"gain": 0.7, "threshold": 0.1, "exponent": 2.0}
    found = own(jnp.array([-1.0, 0.1, 2.1]), jnp.zeros(3), own.prepare(values))
    np.testing.assert_allclose(found, [0.0, 0.0, 0.7 * 4])
    assert np.all(
        np.isfinite(
            jax.jacfwd(lambda m: own(m, jnp.zeros(3), own.prepare(values)))(
                jnp.array([-1.0, 0.1, 2.1])
            )
        )
    )


def test_a_narrow_distribution_near_the_kink(power):
    """The slope's own derivatives, by which fixed points are found, keep their digits where the
    standard deviation is 1e-4.
    """
    _, fixed = power
    average = fixed.module.mean_rate
    prepared = average.prepare({"gain": 1.0, "threshold": 0.0, "exponent": 2.0})
    sigma = 1e-4
    for mu in (0.0, 2e-4):
        m0, m1, _ = normal_moments(mu, sigma)
        value, slope = jax.value_and_grad(
            lambda m: average.derivatives(m, jnp.asarray(sigma**2), prepared, orders=(1,))[0]
        )(jnp.asarray(mu))
        assert float(value) == pytest.approx(2 * m1, rel=1e-8)
        assert float(slope) == pytest.approx(2 * m0, rel=1e-6)


def test_equations_with_smooth_functions_of_no_parameters_are_left_alone(system_of):
    system = system_of("1 + tanh(x - 3/2)")
    assert with_fixed_nodes(system) is system


def test_kinks_without_parameters(two_populations, system_of):
    """Equations with Max(x - 1/4, 0): the same field with fixed nodes; and by population, where
    only some functions bend.
    """
    system = system_of("Max(x - 1/4, 0)", "SecondMoment")
    fixed = with_fixed_nodes(system)
    state = system.rest(2)._replace(
        K=jnp.array([0.4, 0.1]), kappa=jnp.array([0.3, 0.2]), s=jnp.array([0.5, 0.4])
    )
    for own in (fixed, system):
        change = own.module.vector_field(
            state, own.drive(two_populations)(0.0), own.coefficients(two_populations)
        )
        if own is fixed:
            kept = change
    for name in kept._fields:
        np.testing.assert_allclose(
            getattr(kept, name), getattr(change, name), rtol=1e-10, atol=1e-13
        )
    mixed = mf.compile(
        mf.derive(
            mf.Architecture(
                ["E", "I"], {"E": "Max(x, 0)**3/(1 + Max(x, 0)**3)", "I": "1 + tanh(x)"}
            ),
            mf.LowRank(),
        )
    )
    replaced = with_fixed_nodes(mixed)
    assert replaced is not mixed
    mu, Delta = jnp.array([0.4, -0.3]), jnp.array([0.3, 0.8])
    np.testing.assert_allclose(
        replaced.module.mean_rate(mu, Delta), mixed.module.mean_rate(mu, Delta), rtol=1e-8
    )
    assert float(replaced.module.mean_rate(mu, Delta)[0]) == pytest.approx(
        np.trapezoid(
            (
                lambda x: (
                    np.maximum(x, 0) ** 3
                    / (1 + np.maximum(x, 0) ** 3)
                    * norm.pdf(x, 0.4, np.sqrt(0.3))
                )
            )(np.linspace(-5, 6, 200001)),
            dx=11 / 200000,
        ),
        rel=1e-7,
    )
