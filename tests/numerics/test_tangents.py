"""Derivatives through whole Jacobians: those of the function, in both modes, of any order, under
jit and vmap; held arguments have none.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from motifield.numerics.tangents import through_jacobian


def function(x, y, nothing):
    return {
        "sum": jnp.sin(x) * jnp.sum(y**2) + jnp.sum(nothing),
        "each": jnp.exp(x * y),
        "constant": jnp.ones(2),
    }


AT = (jnp.asarray(0.7), jnp.array([0.2, -1.3]), jnp.zeros(0))


def total(f):
    return lambda *at: sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(f(*at)))


@pytest.mark.parametrize(
    "derivative",
    [
        jax.grad,
        jax.jacfwd,
        jax.hessian,
        lambda f: jax.grad(jax.jit(f)),
        lambda f: jax.jacrev(jax.grad(f)),
    ],
)
def test_derivatives_are_those_of_the_function(derivative):
    dense = through_jacobian(function)
    np.testing.assert_allclose(
        derivative(total(dense))(*AT), derivative(total(function))(*AT), rtol=1e-12
    )
    many = (jnp.linspace(0, 1, 3), jnp.ones((3, 2)), jnp.zeros((3, 0)))
    for wrap in (jax.vmap, lambda f: jax.jit(jax.vmap(f))):
        np.testing.assert_allclose(
            wrap(derivative(total(dense)))(*many),
            wrap(derivative(total(function)))(*many),
            rtol=1e-12,
        )


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
def test_under_nested_vmaps_results_may_be_constant(wrap):
    x, y, nothing = jnp.linspace(0, 1, 3), jnp.ones((3, 2)), jnp.zeros(0)

    def slope(f):
        both = wrap(
            lambda k: jnp.sum(
                jax.vmap(jax.vmap(total(f), (None, 0, None)), (0, None, None))(k * x, y, nothing)
            )
        )
        return jax.vmap(jax.grad(both))(x)

    np.testing.assert_allclose(slope(through_jacobian(function)), slope(function), rtol=1e-12)


def test_arguments_that_are_held_have_no_derivative():
    dense = through_jacobian(function, varied=1)
    np.testing.assert_allclose(
        jax.grad(total(dense))(*AT), jax.grad(total(function))(*AT), rtol=1e-12
    )
    np.testing.assert_array_equal(jax.grad(total(dense), 1)(*AT), 0.0)
