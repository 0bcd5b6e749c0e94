"""How derivatives of a function are taken, and what cannot be traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from ..errors import ParameterError


def refuse_tracers(given: Any, verb: str, pure: str) -> None:
    """Raise an error for a call under jax.jit, grad or vmap that names the function to use there.

    Args:
        given: a pytree of arguments.
        verb: the name of the function that needs numbers.
        pure: the name of the function that can be traced.

    Raises:
        ParameterError: some leaf of `given` is a JAX tracer.
    """
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(given)):
        raise ParameterError(
            f"{verb} was called under jax.jit, grad or vmap, but it needs numbers to check and to "
            f"report on: there use {pure}, a pure function of the parameters"
        )


def through_jacobian(function: Callable[..., Any], varied: int | None = None) -> Callable[..., Any]:
    """The same function of arrays, whose tangents are products with its whole Jacobian.

    The Jacobian is found once. For functions of few numbers that do much inside, such as averages
    over nodes: many tangents then cost as much as there are numbers.

    Args:
        function: takes arrays, and returns a pytree of arrays.
        varied: how many of the arguments, the first ones, have derivatives; all by default. The
            others are held.
    """

    function = jax.jit(function)  # traced once

    # one vector: under nested vmaps jax fails where one of several results does not depend on the
    # arguments
    def whole(*arguments: Array) -> Array:
        return ravel_pytree(function(*arguments))[0]

    @jax.jit
    def jacobian(*arguments: Array) -> tuple[Array, Array]:
        """With respect to all entries one after the other, and the value."""
        flat, back = ravel_pytree(arguments[:varied])

        def twice(v: Array) -> tuple[Array, Array]:
            found = whole(*back(v), *arguments[len(back(v)) :])
            return found, found

        return jax.jacfwd(twice, has_aux=True)(flat)

    @jax.custom_jvp
    def value(*arguments: Array) -> Array:
        return whole(*arguments)

    @value.defjvp
    def _(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
        slopes, found = jacobian(*primals)
        return found, slopes @ ravel_pytree(tangents[:varied])[0]

    def like_function(*arguments: Array) -> Any:
        shapes = jax.eval_shape(function, *arguments)
        return ravel_pytree(jax.tree.map(lambda own: jnp.zeros(own.shape, own.dtype), shapes))[1](
            value(*arguments)
        )

    return like_function
