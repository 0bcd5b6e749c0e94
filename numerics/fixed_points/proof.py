"""Whether a state is a fixed point: the proof that the equations have a solution beside it.

A small residual proves nothing near a fold, where the equations come close to zero without reaching
it. What proves a solution is that Newton's map contracts a box around the state into itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous, held

CHANGE = 1e-6  # of the numbers of the network, relative, for derivatives by differences
DRAWS = 8  # random changes of the network's numbers, the first of which is none
SMALL = 1e-3  # part of a state's scale that its rounding counts with where it is near 0
LEAST = 1e-300  # so that a size can be divided by
STEPS = 12  # of Newton's method at most, from where a search ended
INFLATION = 2.0  # of the box, so that Newton's map goes from it into its interior
ROUNDS = 3  # in which the box becomes as wide as it has to be
FAR = 1e6  # in units of the states' scale
ELSEWHERE = 10.0  # times as far out as where Newton's method ends
LARGEST_BOX = 1e-3  # part of the states' sizes: Jacobians on its boundary tell of all inside
MOST_SIDES = 48  # of a box of few states: Jacobians are taken at the middles of all
FEW_SIDES = 16  # corners of a box of more states at which they are taken, beside those along F
LEAST_STEP = 1e-16  # part of a state's size: rounding


class Proof(NamedTuple):
    """What is known of the equations beside a state; arrays have a leading axis of states.

    Args:
        state: after further steps of Newton's method, (n,).
        radius: half widths of the box in which there is one solution and no other, (n,); infinite
            where this is not proven.
        residual: the largest |d(state)/dt|, relative to the terms that it is the sum of, or, far
            out, to the scale of the states.
        jacobian: there, (n, n).
    """

    state: Float[Array, " n"]
    radius: Float[Array, " n"]
    residual: Float[Array, ""]
    jacobian: Float[Array, "n n"]


def sizes(
    model: Autonomous, parameters: Parameters, y: Float[Array, " n"], scale: Float[Array, " n"]
) -> Float[Array, " n"]:
    """How large the terms are whose sum is d(state)/dt, so that rounding is a part of it; pure.

    The change of d(state)/dt with relative changes of all states and numbers of the network at
    random, each by as much; at least a thousandth of what it is one scale away from y.

    Args:
        model: the equations with the inputs held.
        parameters: the network's numbers.
        y: the state, (n,).
        scale: of the states, (n,).

    Returns:
        Root mean square over random changes, in units of the relative change, (n,).
    """
    own = held(parameters, model.time)
    values, back = ravel_pytree(own)
    count = len(values) + len(y)
    signs = _signs(count).astype(values.dtype).at[0].set(0.0)

    def at(states: Array, sign: Array) -> Array:
        numbers = back(values * (1 + CHANGE * sign[: len(values)]))
        changed = eqx.tree_at(lambda p: p.transfer, numbers, own.transfer)
        return jax.vmap(model.bind(changed))(states * (1 + CHANGE * sign[None, len(values) :]))

    still, *changed = jax.vmap(lambda sign: at(jnp.stack([y, y + scale]), sign))(signs)
    moved = jnp.stack(changed) - still[None]
    here, away = jnp.sqrt(jnp.mean((moved / CHANGE) ** 2, axis=0))
    away = jnp.where(jnp.isfinite(away), away, 0.0)
    return jnp.maximum(jnp.maximum(here, SMALL * away), LEAST)


def _signs(count: int) -> Array:
    """+1 and -1 without a pattern, (DRAWS, count); the same ones always.

    They are bits of mixed integers (the last steps of MurmurHash3): JAX's generator would take as
    long to compile as the equations.
    """
    k = jnp.arange(DRAWS * count, dtype=jnp.uint32) * jnp.uint32(2654435769)
    for shift, factor in ((16, 2246822507), (13, 3266489909)):
        k = (k ^ (k >> jnp.uint32(shift))) * jnp.uint32(factor)
    return jnp.where(k >> jnp.uint32(31), 1, -1).reshape(DRAWS, count)


def proof(
    model: Autonomous, parameters: Parameters, y: Float[Array, " n"], scale: Float[Array, " n"]
) -> Proof:
    """Whether there is a fixed point beside y; pure, for jit and vmap.

    Newton's map u -> u - A F(u), with A the inverse of a Jacobian, maps the box |u - y| <= r into
    its interior if |A| |F(y)| + max_u |1 - A J(u)| r < r, for each state; then the box contains one
    fixed point and no other. |F(y)| counts as its value plus `sizes` times the accuracy of the
    equations, which is that of Gaussian averages; J(u) is taken at corners, and at the middles of
    the box's faces or, of more than 24 states, at 16 further corners.

    Args:
        model: the equations with the inputs held.
        parameters: the network's numbers.
        y: where a search ended, (n,).
        scale: of the states, (n,).

    Source: Krawczyk's operator, with boxes that grow until they fit: Rump, Acta Numerica 2010,
    section 13 (there in interval arithmetic).
    """
    field = model.bind(parameters)
    size = sizes(model, parameters, y, scale)
    begun = y
    y, F, J = polished(field, y, size, LEAST_STEP * SMALL * scale, STEPS)
    error = jnp.abs(F) + model.system.accuracy * size
    weights = jnp.abs(y) + SMALL * scale
    eye = jnp.eye(len(y))

    def fitted(carry: tuple[Array, Array, int]) -> tuple[Array, Array, int]:
        """Whether Newton's map goes from the box into itself, else a box that fits better."""
        r, _, k = carry
        corners = jnp.stack([r, -r, jnp.sign(F) * r, -jnp.sign(F) * r])
        around = jnp.concatenate([_sides(len(y)) * r[None, :], corners])
        slopes = jax.vmap(jax.jacfwd(field))(y[None, :] + around)
        # halfway between what it is on the two sides of a kink serves there
        A = jnp.linalg.inv(0.5 * (jnp.min(slopes, axis=0) + jnp.max(slopes, axis=0)))
        step = jnp.abs(A) @ error + LEAST_STEP * weights
        rest = jnp.max(jnp.abs(eye[None] - jnp.matmul(A[None], slopes)), axis=0)
        is_inside = jnp.all(step + rest @ r < r)
        fitting = INFLATION * jnp.linalg.solve(eye - rest, step)
        return jnp.where(~is_inside & (fitting > 0), fitting, r), is_inside, k + 1

    def goes_on(carry: tuple[Array, Array, int]) -> Array:
        return ~carry[1] & (carry[2] < ROUNDS)

    first = jnp.abs(jnp.linalg.inv(J)) @ error + LEAST_STEP * weights
    start = (INFLATION * first, jnp.asarray(False), 0)
    r, is_inside, _ = jax.lax.while_loop(goes_on, fitted, start)
    is_small = jnp.all(r <= LARGEST_BOX * (jnp.abs(y) + scale))
    there = is_inside & is_small & jnp.all(jnp.isfinite(y))
    far = jnp.any(
        jnp.abs(y) > FAR * scale
    )  # where the equations' terms are large, whatever they are
    residual = jnp.max(jnp.abs(F) / jnp.where(far, scale, size))
    # relative to the sizes of another place, far out, it tells nothing
    elsewhere = jnp.any(jnp.abs(begun) > ELSEWHERE * (jnp.abs(y) + scale))
    residual = jnp.where(elsewhere, jnp.inf, residual)
    return Proof(y, jnp.where(there, r, jnp.inf), residual, J)


def _sides(n: int) -> np.ndarray:
    """Where on a box of half widths 1 Jacobians are taken: all faces, or corners without a pattern.

    A Jacobian that changes along one state alone changes as much at every corner, and along several
    of them more.
    """
    if 2 * n <= MOST_SIDES:
        return np.concatenate([np.eye(n), -np.eye(n)])
    half = np.where(np.random.default_rng(n).random((FEW_SIDES // 2, n)) < 0.5, -1.0, 1.0)
    return np.concatenate([half, -half])


def polished(
    field: Callable,
    y: Float[Array, " n"],
    size: Float[Array, " n"],
    least: Float[Array, " n"],
    steps: int,
) -> tuple[Array, Array, Array]:
    """After some steps of Newton's method, as long as they bring the residual down; pure.

    States smaller than `least`, which are nothing but rounding, count as 0.

    Returns:
        The state, and d(state)/dt and its Jacobian there.
    """

    def both(y: Array) -> tuple[Array, Array]:
        J, F = jax.jacfwd(lambda v: (field(v),) * 2, has_aux=True)(y)
        return F, J

    def goes_on(carry: tuple) -> Array:
        *_, k, is_better = carry
        return is_better & (k <= steps)

    def step(carry: tuple) -> tuple:
        given, *best, k, _ = carry
        trial = jnp.where(jnp.abs(given) < least, 0.0, given)
        found = (trial, *both(trial))
        is_better = jnp.max(jnp.abs(found[1]) / size) < jnp.max(jnp.abs(best[1]) / size)
        y, F, J = (jnp.where(is_better, a, b) for a, b in zip(found, best, strict=True))
        return y - jnp.linalg.solve(J, F), y, F, J, k + 1, is_better

    n = len(y)
    start = (y, y, jnp.full(n, jnp.inf), jnp.eye(n), 0, True)
    return jax.lax.while_loop(goes_on, step, start)[1:4]
