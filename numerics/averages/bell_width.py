"""Up to which width of the normal density the bell rule averages a function."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .rules import Rule

LADDER = 2.0 ** np.arange(-12.0, 7.1, 0.25)  # standard deviations that are tried
OCTAVE = 2  # steps of the ladder to sqrt(2) sigma
DOUBLE = 4  # and to 2 sigma, to which two rules serve
ROUNDING = 1e-14  # of a sum of about a hundred terms


def widest_bell(
    function: Callable[[np.ndarray], np.ndarray],
    edges: np.ndarray,
    rules: Sequence[Rule],
    floor: float,
) -> tuple[float, ...]:
    """The largest standard deviation up to which the bell rule averages a function.

    It averages the function and its first derivative to the tolerance, and the third derivative
    to a hundred times that. Two trapezoidal sums, one moved by half a spacing, differ by twice
    their error. It oscillates in mu, so that k derivatives multiply it by
    (2 pi / (spacing sigma))^k. It falls like exp(-c / sigma), so that what rounding hides is known
    from a wider sigma.

    Args:
        function: smooth.
        edges: of its panels, (m,), which tell where it has features.
        rules: for the function, its square, and so on.
        floor: a size of the function that counts as small.

    Returns:
        A standard deviation for each rule, that of the function's power.
    """
    h, reach = rules[0].spacing, max(9.0, *(rule.reach + 1.0 for rule in rules))
    # so far that where the sums end makes no difference
    z = h * np.arange(-math.ceil(reach / h), math.ceil(reach / h) + 1)
    widths = LADDER[:, None, None]
    mu = _spots(edges)[None, :, None] + h * widths * np.array([0.0, 0.25])[None, None, :]
    mu = mu.reshape(len(LADDER), -1, 1)

    def at(nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = function(mu + widths * nodes[None, None, :])
        return values, np.exp(-0.5 * nodes**2) * h / math.sqrt(2 * math.pi)

    sums = *at(z), *at(z[1:] - 0.5 * h)
    with np.errstate(over="ignore", invalid="ignore"):
        return tuple(
            _widest(power, rule, floor, h, z, *sums) for power, rule in enumerate(rules, 1)
        )


def _spots(edges: np.ndarray) -> np.ndarray:
    """Means that are tried: edges, middles of panels, and some around 0."""
    finite = np.unique(np.clip(edges[np.isfinite(edges)], -64.0, 64.0))
    middles = 0.5 * (finite[1:] + finite[:-1])
    return np.unique(np.concatenate([finite, middles, np.linspace(-4.0, 4.0, 9)]))


def _widest(
    power: int,
    rule: Rule,
    floor: float,
    h: float,
    z: np.ndarray,
    values: np.ndarray,
    w: np.ndarray,
    moved: np.ndarray,
    moved_w: np.ndarray,
) -> float:
    """The last sigma of the ladder's good beginning, for one power of the function."""
    own, least = values**power, floor**power
    one, size, other = own @ w, np.abs(own) @ w, moved**power @ moved_w
    cut = np.abs(own) @ np.where(np.abs(z) > rule.reach, w, 0.0)
    error = np.maximum(np.abs(one - other) - ROUNDING * (size + least), 0.0)
    error = error / np.maximum(np.abs(one), least)
    lost = cut / np.maximum(np.abs(one), min(least, 1.0))
    lost = np.max(np.nan_to_num(lost, nan=np.inf), axis=1)
    lost = lost[np.minimum(np.arange(len(LADDER)) + DOUBLE, len(LADDER) - 1)][:-OCTAVE]
    worst = np.max(np.where(np.isfinite(error), error, np.inf), axis=1)
    worst = np.maximum(worst[:-OCTAVE], worst[OCTAVE:] ** math.sqrt(2))
    growth = np.maximum(2 * np.pi / (h * LADDER[:-OCTAVE]), 1.0)
    good = (
        (worst * growth <= 0.1 * rule.tolerance)
        & (worst * growth**3 <= 100 * rule.tolerance)
        & (lost <= rule.tolerance)
    )
    return float(np.max(LADDER[:-OCTAVE], where=np.cumprod(good).astype(bool), initial=0.0))
