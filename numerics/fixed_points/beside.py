"""Where no fixed point is proven: beside a fold, on a curve of fixed points, or undecided.

Along the direction in which the equations are singular they are one scalar equation g(t) = 0, after
the others have been solved: a parabola beside a fold, zero everywhere on a curve of fixed points.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous
from .proof import sizes

ROUNDS = 8  # towards the vertex of the parabola
FARTHEST = 0.1  # part of a state's scale that one round moves
ALONG = (0.01, 0.1)  # parts of the scale at which a curve of fixed points is looked for
CERTAIN = 4.0  # times what the equations' accuracy leaves open
SINGULAR = 1e-6  # of a relative slope: a curve of fixed points has none along it


class Beside(NamedTuple):
    """What there is beside a state, with a leading axis of states.

    Args:
        none: no fixed point.
        pair: a pair of fixed points, or none at all where `none`; open where neither.
        curve: a curve of fixed points.
        vertex: the state at which the equations come closest to zero, (n,).
        starts: states beside the two of a pair, (2, n).
    """

    none: Array
    pair: Array
    curve: Array
    vertex: Float[Array, " n"]
    starts: Float[Array, "2 n"]


def beside(
    model: Autonomous, parameters: Parameters, y: Float[Array, " n"], scale: Float[Array, " n"]
) -> Beside:
    """What there is beside a state at which d(state)/dt all but vanishes; pure, for jit and vmap.

    Args:
        model: the equations with the inputs held.
        parameters: the network's numbers.
        y: the state, (n,).
        scale: of the states, (n,).

    Source: Golubitsky and Schaeffer, Singularities and Groups in Bifurcation Theory, 1985
    (Lyapunov-Schmidt reduction).
    """
    field, accuracy = model.bind(parameters), model.system.accuracy
    size, weights = sizes(model, parameters, y, scale), jnp.abs(y) + scale

    def relative(u: Array) -> Array:
        return field(weights * u) / size

    def split(u: Array) -> tuple[Array, ...]:
        """The step that solves the other equations, g, its slope, the direction, what is left."""
        F, (U, s, V) = relative(u), jnp.linalg.svd(jax.jacfwd(relative)(u))
        along = U.T @ F
        inner = V[:-1].T @ (along[:-1] / s[:-1])
        return -inner, along[-1], s[-1], V[-1], U[:, -1]

    def towards_vertex(_, u: Array) -> Array:
        step, _, slope, v, left = split(u)
        t = -slope / (left @ _bend(relative, u, v))
        return u + step + jnp.where(jnp.isfinite(t), jnp.clip(t, -FARTHEST, FARTHEST), 0.0) * v

    first = y / weights
    u = jax.lax.fori_loop(0, ROUNDS, towards_vertex, first)
    step, value, slope, v, left = split(u)
    bend = left @ _bend(relative, u, v)
    height, open_to = value - slope**2 / (2 * bend), CERTAIN * accuracy * jnp.sum(jnp.abs(left))
    settled = (jnp.max(jnp.abs(step)) < SINGULAR) & (slope**2 < jnp.abs(bend * height))
    sure = settled & (jnp.abs(height) > open_to)
    t = -slope / bend + jnp.sqrt(jnp.maximum(-2 * height / bend, 0.0)) * jnp.array([-1.0, 1.0])

    def residual(t: Array) -> Array:
        _, _, _, v, _ = split(first)
        end = jax.lax.fori_loop(0, ROUNDS, lambda _, w: w + split(w)[0], first + t * v)
        return jnp.max(jnp.abs(relative(end)))

    sides = jax.vmap(residual)(jnp.array([*ALONG, *(-t for t in ALONG)])).reshape(2, -1)
    flat = jnp.any(jnp.all(sides <= CERTAIN * accuracy, axis=1)) & (split(first)[2] < SINGULAR)
    return Beside(
        ~flat & sure & (height * bend > 0),
        ~flat & sure & (height * bend < 0),
        flat,
        weights * u,
        weights[None, :] * (u[None, :] + t[:, None] * v[None, :]),
    )


def _bend(function: Callable, u: Array, v: Array) -> Array:
    """The second derivative of a function along v."""
    return jax.jvp(lambda w: jax.jvp(function, (w,), (v,))[1], (u,), (v,))[1]
