"""Whether averages over the inputs are accurate."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..distributions import Expansion
from ..results import Code, Status

LARGEST_ERROR = 1e-6
"""Of averages, relative to the size of phi: smaller than the errors of any network's statistics."""


def inaccurate(error: float) -> Status:
    """The status of a solution whose averages have errors that are too large."""
    text = (
        f"not accurate: averages over the inputs have errors of {error:.2g}: the transfer function "
        "is too steep for their quadrature"
    )
    return Status(text, Code.NOT_CONVERGED)


def quadrature_error(expansion: Expansion, means: np.ndarray, variances: np.ndarray) -> float:
    """Largest change of <phi> and <phi^2> with twice the panels, relative to the size of phi.

    Args:
        expansion: the averages.
        means: of the inputs, (t, P); the widest and the last ones are tried.
        variances: of the inputs, (t, P).
    """
    panels = 2 * expansion.panels
    own = (expansion.system, expansion.parameters, expansion.cuts, expansion.order)
    finer, worst = Expansion(*own, panels), 0.0
    for at in {int(np.argmax(variances.max(axis=1))), len(means) - 1}:
        mean, variance = jnp.asarray(means[at]), jnp.asarray(variances[at])
        ours, theirs = (_expand(e, mean, variance)[0] for e in (expansion, finer))
        size = np.sqrt(np.maximum(np.asarray(theirs.square), 1e-300))
        first = np.abs(np.asarray(ours.mean - theirs.mean)) / size
        second = np.abs(np.asarray(ours.square - theirs.square)) / size**2
        worst = max(worst, float(np.max(first + second)))
    return worst


@eqx.filter_jit
def _expand(expansion: Expansion, mean: Array, variance: Array) -> Any:
    return expansion(mean, variance)
