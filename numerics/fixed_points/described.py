"""What there is at states of many parameter sets: proofs, Jacobians, means, variances and rates."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ...keeping import kept
from ..machine import over_sets
from ..parameters import Parameters
from ..system import Autonomous
from .proof import proof

WIDTH = 256  # states at once: the last of them are filled up


class Described(NamedTuple):
    """Numbers at n states.

    Args:
        residual: the largest |d(state)/dt|, (n,).
        relative: the same relative to the terms of the equations, (n,); 0 where nothing is proven.
        proven: whether there is a fixed point beside it, (n,).
        jacobian: (n, d, d).
        mean: K, (n, P).
        variance: Delta.
        rate: R.
    """

    residual: Any
    relative: Any
    proven: Any
    jacobian: Any
    mean: Any
    variance: Any
    rate: Any


def some(batch: Any, rows: np.ndarray) -> Any:
    """Some of the sets of a batch of NumPy arrays."""
    return jax.tree.map(lambda v: v[rows], batch)


@kept
def _describe(model: Autonomous, batch: Parameters, ys: Any, scales: Any, prove: bool) -> Described:
    def one(own, y, scale):
        relative, proven, J = jnp.zeros(()), jnp.asarray(True), None
        if prove:
            y, radius, relative, J = proof(model, own, y, scale)
            proven = jnp.all(jnp.isfinite(radius))
        seen = model.observables(y, own)
        J = model.jacobian(y, own) if J is None else J
        residual = jnp.max(jnp.abs(model.field(y, own)))
        kept = (seen[name] for name in ("mean", "variance", "rate"))
        return Described(residual, relative, proven, J, *kept)

    return over_sets(one, batch, ys, scales)


def described(
    model: Autonomous,
    batch: Parameters,
    sets: np.ndarray,
    states: np.ndarray,
    scales: np.ndarray,
    *,
    prove: bool,
) -> Described:
    """What there is at n states.

    Args:
        model: the equations with the inputs held.
        batch: parameters with a leading axis, arrays of NumPy.
        sets: whose state each is, (n,).
        states: (n, d).
        scales: of the states of all sets.
        prove: whether to look for proofs.
    """
    d, P, count = model.size, model.P, len(sets)
    if not count:
        shapes = ((0,), (0,), (0,), (0, d, d), (0, P), (0, P), (0, P))
        return Described(*(np.zeros(s) for s in shapes))
    parts = []
    for at in range(0, count, WIDTH):
        which = np.resize(np.arange(at, min(at + WIDTH, count)), WIDTH)
        own = some(batch, sets[which])
        made = _describe(model, own, states[which], scales[sets[which]], prove)
        parts.append([np.asarray(v)[: min(WIDTH, count - at)] for v in made])
    return Described(*(np.concatenate(v) for v in zip(*parts, strict=True)))
