"""Elementwise functions with breaks, and their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

Elementwise = Callable[..., Array]
CHUNK = 12_288  # arguments that are compiled for: 256 panels with three times sixteen nodes


def piecewise(
    x: Array, pieces: Sequence[Elementwise], breaks: Sequence[float], *parameters: Array
) -> Array:
    """The function that is pieces[k] from breaks[k - 1] (included) to breaks[k].

    A piece is evaluated where it counts, elsewhere at a point inside its interval: beyond it may be
    infinite, and derivatives in reverse mode would make 0 times infinity of that.
    """
    if not breaks:
        return like(pieces[0](x, *parameters), x)
    inside = [breaks[0] - 1.0, *((a + b) / 2 for a, b in pairwise(breaks)), breaks[-1] + 1.0]
    value = like(pieces[0](jnp.where(x >= breaks[0], inside[0], x), *parameters), x)
    for k, (b, piece) in enumerate(zip(breaks, pieces[1:], strict=True), 1):
        counts = x >= b if k == len(breaks) else (x >= b) & (x < breaks[k])
        value = jnp.where(x >= b, piece(jnp.where(counts, x, inside[k]), *parameters), value)
    return value


def nth_derivative(
    x: Array, order: int, pieces: Sequence[Elementwise], breaks: Sequence[float]
) -> Array:
    """A derivative of the function with these pieces, between its breaks.

    Where the function is finite and the chain rule makes 0 times infinity, as in exp(-exp(-x)) far
    to the left, it is flat; without breaks, also where a factor overflows, as in the fifth
    derivative of log(1 + exp(x))^1.8 there.
    """
    value = piecewise(x, [derivative(piece, order) for piece in pieces], breaks)
    lost = jnp.isnan(value) if breaks else ~jnp.isfinite(value)
    return (
        value
        if order == 0
        else jnp.where(lost & jnp.isfinite(piecewise(x, pieces, breaks)), 0.0, value)
    )


def flat(function: Elementwise, *arguments: Array) -> Array:
    """The value of a function that saturates, with derivatives that are finite.

    They are 0, in every order, where the function is finite and the chain rule makes 0 times
    infinity of them, as in 1 / cosh(x) at 800.
    """

    @jax.custom_jvp
    def value(*at):
        return function(*at)

    @value.defjvp
    def _(primals, tangents):
        def slope(*at):
            y, dy = jax.jvp(function, at[: len(primals)], at[len(primals) :])
            return jnp.where(jnp.isnan(dy) & jnp.isfinite(y), 0.0, dy)

        return value(*primals), flat(slope, *primals, *tangents)

    return value(*arguments)


def derivative(function: Elementwise, order: int) -> Elementwise:
    """The derivative of the given order of a function of one variable."""
    for _ in range(order):
        function = _slope(function)
    return function


def _slope(function: Elementwise) -> Elementwise:
    return lambda x: jax.jvp(lambda v: like(function(v), v), (x,), (jnp.ones_like(x),))[1]


def like(value: Any, x: Array) -> Array:
    """A value, perhaps a plain number, as an array of the shape of x."""
    return jnp.broadcast_to(jnp.asarray(value, dtype=x.dtype), x.shape)


def in_numpy(function: Callable[[Array], Any]) -> Callable[[np.ndarray], Any]:
    """An elementwise function for NumPy arrays of any shape, compiled once, also within a trace.

    Args:
        function: of a JAX array, with one array or a tuple of arrays of its shape as value.
    """
    compiled = jax.jit(function)

    def values(x: np.ndarray) -> Any:
        chunks = np.resize(x, (-(-x.size // CHUNK), CHUNK))
        with jax.ensure_compile_time_eval():
            found = [compiled(chunk) for chunk in chunks]
        return jax.tree.map(lambda *v: np.concatenate(v)[: x.size].reshape(x.shape), *found)

    return values


def along_parameter(function: Elementwise, k: int) -> Elementwise:
    """The derivative of a function of (x, ..., parameters) with respect to its argument k."""

    def slope(*arguments):
        values = jnp.broadcast_arrays(*arguments)

        def along(value):
            return like(function(*values[:k], value, *values[k + 1 :]), value)

        return jax.jvp(along, (values[k],), (jnp.ones_like(values[k]),))[1]

    return slope
