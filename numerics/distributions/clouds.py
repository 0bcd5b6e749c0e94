"""Input currents within populations at many fixed points at once, as along a branch."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...errors import ParameterError
from ..parameters import Parameters
from ..system import System
from .bends import breaks
from .currents import LEAST_VARIANCE, Cloud
from .fixed_nodes import PANELS, nodes_of

BATCH = 64  # points evaluated at once, so that JAX compiles for one number of points
MOST_PANELS = 1536  # a hundredth of a standard deviation each
SETTLED = 1e-7  # of <phi'^2>, relative, between these panels and half as many
FLOOR = 1e-12  # an average below this counts as this
JUMP = Cloud(np.ones(1), np.zeros(1), np.zeros(1), np.full(1, np.inf), np.inf)
"""Units of a population whose transfer function jumps: the mean square slope is infinite."""

Breaks = list[list[float] | None]
"""Of the transfer function of each population; None where it jumps."""


def clouds_at(
    system: System, batch: Parameters, mean: np.ndarray, variance: np.ndarray
) -> list[tuple[Cloud, ...] | None]:
    """Units of every population at n fixed points, x ~ N(mean, variance).

    As `cloud`, but JAX evaluates all points at once, on panels that are equal in standard
    deviations. They are halved at points at which the mean square slope still changes.

    Args:
        system: the compiled equations.
        batch: parameters with a leading axis n on every array.
        mean: of the inputs, (n, P).
        variance: of the inputs, (n, P).

    Returns:
        For each point the clouds of its populations, `JUMP` where the transfer function jumps; None
        where it varies too finely for the averages to settle, and where strengths have components.
    """
    if system.mean_field.architecture.has_components:
        return [None] * len(mean)
    plain = jax.tree.map(np.asarray, batch)
    cuts = _cuts(system, [jax.tree.map(lambda v, k=k: v[k], plain) for k in range(len(mean))])
    found: list[tuple[Cloud, ...] | None] = [None] * len(mean)
    open_, before, panels = np.arange(len(mean)), np.full(mean.shape, np.nan), PANELS
    while len(open_) and panels <= MOST_PANELS:
        squares = np.empty((len(open_), mean.shape[1]))
        for first in range(0, len(open_), BATCH):
            here = open_[first : first + BATCH]
            own = jax.tree.map(lambda v, here=here: v[here], plain)
            edges = [cuts[k] for k in here]
            made = _clouds(system, own, edges, mean[here], variance[here], panels)
            for j, (k, some) in enumerate(zip(here, made, strict=True)):
                found[k] = some
                squares[first + j] = [c.average(c.slopes**2) for c in some]
        same = np.isclose(squares, before, rtol=SETTLED, atol=SETTLED * FLOOR).all(axis=1)
        open_, before, panels = open_[~same], squares[~same], 2 * panels
    for k in open_:
        found[k] = None
    return found


def _cuts(system: System, rows: list[Parameters]) -> list[Breaks]:
    """Of each set of parameters; of equal ones once."""
    known: dict[bytes, Breaks] = {}
    found = []
    for own in rows:
        key = b"".join(np.asarray(v).tobytes() for v in own.transfer.values())
        if key not in known:
            known[key] = [_breaks(system, own, p) for p in range(own.P)]
        found.append(known[key])
    return found


def _breaks(system: System, parameters: Parameters, p: int) -> list[float] | None:
    try:
        return breaks(system, parameters, p)
    except ParameterError:  # it jumps
        return None


def _clouds(
    system: System,
    batch: Parameters,
    cuts: list[Breaks],
    mean: np.ndarray,
    variance: np.ndarray,
    panels: int,
) -> list[tuple[Cloud, ...]]:
    """The clouds of at most `BATCH` points."""
    n, P = mean.shape
    padded = np.minimum(np.arange(BATCH), n - 1)
    most = max(len(b or ()) for each in cuts for b in each)
    edges = np.full((BATCH, P, most), np.nan)
    for j, k in enumerate(padded):
        for p, b in enumerate(cuts[k]):
            edges[j, p, : len(b or ())] = b or ()
    variance = np.maximum(variance, LEAST_VARIANCE)
    own = jax.tree.map(lambda v: v[padded], batch)
    given = [jnp.asarray(v) for v in (edges, mean[padded], variance[padded])]
    found = _on(system, own, given[0], given[1], given[2], panels)
    weights, z, rates, slopes = (np.asarray(v) for v in found)
    return [
        tuple(
            JUMP
            if cuts[k][p] is None
            else Cloud(
                weights[k, p],
                z[k, p] / np.sqrt(variance[k, p]),
                rates[k, p],
                slopes[k, p],
                float(variance[k, p]),
            )
            for p in range(P)
        )
        for k in range(n)
    ]


@eqx.filter_jit
def _on(
    system: System, batch: Parameters, cuts: Any, mean: Any, variance: Any, panels: int
) -> tuple[Array, ...]:
    """Weights, nodes in deviations, rates and slopes, (n, P, nodes)."""

    def one(parameters: Parameters, cuts: Array, mean: Array, variance: Array) -> Any:
        made = []
        for p in range(len(mean)):
            width = jnp.sqrt(variance[p])
            z, weights = nodes_of((cuts[p] - mean[p]) / width, panels)
            rates, slopes = system.transfer_and_slope(mean[p] + width * z, p, parameters)
            made.append((weights, z, rates, slopes))
        return tuple(jnp.stack(parts) for parts in zip(*made, strict=True))

    return jax.vmap(one)(batch, cuts, mean, variance)
