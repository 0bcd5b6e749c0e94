"""Averages of one function over many normal densities whose means are equally spaced, in NumPy.

The function is evaluated once on panels between the means, which all densities share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .legendre import on_panels

NODES = 8  # of a small panel, exact for polynomials of degree 15
REACH = 10.5  # standard deviations: Hermite polynomials of degree 24 times the density end there
OF_DENSITY, OF_FUNCTION = 0.75, 0.25  # widest small panel, in standard deviations and in scales
RESOLVED = 2.0  # a panel of sixteen nodes is resolved by small ones half as wide
ONE_THREAD = 200_000  # multiplications of a matrix product
FEW_DETAILS, HALVINGS = 8, 3  # intervals with narrower panels, and how often all are halved first
MOST_DETAILS = 64  # intervals with narrow features of their own in one lattice

Weights = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Resolved:
    """A function and the panels on which sixteen nodes integrate it.

    Args:
        function: of NumPy arrays.
        edges: of its panels, ascending, finite.
        scale: over which it varies.
        refinement: 2 halves the small panels.
    """

    function: Callable[[np.ndarray], np.ndarray]
    edges: np.ndarray
    scale: float
    refinement: int = 1


@dataclass(frozen=True)
class Means:
    """Equally spaced means, in the middles of intervals.

    Args:
        count: how many.
        width: of the intervals.
        center: of them all.
    """

    count: int
    width: float
    center: float

    def edges(self, further: int = 0) -> np.ndarray:
        """Ends of the intervals, and of some more on both sides."""
        places = np.arange(self.count + 2 * further + 1) - 0.5 * self.count - further
        return self.center + self.width * places


def averages(
    f: Resolved, means: Means, sigma: float, weights: Weights
) -> tuple[np.ndarray, np.ndarray]:
    """Integrals of the function times weights that move with the means.

    Args:
        f: the function.
        means: of the densities.
        sigma: how far the weights reach, in x, over `REACH`.
        weights: of x - mean, any shape; they have one more axis, the last.

    Returns:
        Integrals of f(x) weights(x - mean), (count, w), NaN where the function is not resolved; and
        what the last intervals on both sides add to the integrals of absolute values, (count, w).
    """
    count, width = means.count, means.width
    reach = math.ceil(REACH * sigma / width - 0.5) + 1  # whole intervals on both sides
    edges = means.edges(reach)
    small, details = _small_panels(f, edges, sigma)
    within = np.linspace(0.0, width, 1 + math.ceil(width / small))
    x, w = on_panels(within[:-1], within[1:], NODES)
    x, w = x.ravel(), w.ravel()
    values = f.function(edges[:-1, None] + x) * w
    values[details] = 0.0
    values[(edges[:-1] < f.edges[0]) | (edges[1:] > f.edges[-1])] = np.nan
    moved = x + width * (np.arange(-reach, reach + 1)[:, None] - 0.5)
    shared = np.lib.stride_tricks.sliding_window_view(values, 2 * reach + 1, axis=0)
    own = weights(moved)
    total = _products(shared, own)
    ends = _products(np.abs(shared[:, :, [0, -1]]), np.abs(own[[0, -1]]))
    for j in details:
        near = slice(max(j - 2 * reach, 0), min(j, count - 1) + 1)
        if len(details) > MOST_DETAILS:
            total[near] = np.nan
            continue
        x, at = _own_nodes(f, edges[j], edges[j + 1], small)
        middles = edges[reach:][near] + 0.5 * width
        total[near] += np.tensordot(weights(x - middles[:, None]), at, ((1,), (0,)))
    return total, ends


def _products(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sums over nodes and intervals: values (m, nodes, intervals), weights (intervals, nodes, w).

    In parts so small that BLAS starts no threads for them, which take more time than they save.
    """
    weights = weights.transpose(1, 0, 2).reshape(-1, weights.shape[2])
    size = max(ONE_THREAD // weights.size, 1)
    parts = (values[k : k + size] for k in range(0, len(values), size))
    return np.concatenate([part.reshape(len(part), -1) @ weights for part in parts])


def _small_panels(f: Resolved, edges: np.ndarray, sigma: float) -> tuple[float, np.ndarray]:
    """Their width, such that few intervals, which are the second value, need narrower ones."""
    widest = min(OF_DENSITY * sigma, OF_FUNCTION * f.scale) / f.refinement
    for small in widest * 0.5 ** np.arange(HALVINGS + 1):
        details = _details(f, edges, small)
        if len(details) <= FEW_DETAILS:
            break
    return float(small), details


def _details(f: Resolved, edges: np.ndarray, small: float) -> np.ndarray:
    """Which intervals contain panels that the lattice's small ones do not resolve."""
    narrow = np.diff(f.edges) < RESOLVED * small
    left, right = f.edges[:-1][narrow], f.edges[1:][narrow]
    at = np.concatenate([left, 0.5 * (left + right), right])
    found = np.unique(np.searchsorted(edges, at, side="right") - 1)
    return found[(found >= 0) & (found < len(edges) - 1)]


def _own_nodes(f: Resolved, low: float, high: float, small: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes, and the function times their weights, on the function's own panels in an interval."""
    inside = f.edges[(f.edges > low) & (f.edges < high)]
    regular = np.linspace(low, high, 1 + math.ceil((high - low) / small))
    edges = np.unique(np.concatenate([regular, inside]))
    x, w = (v.ravel() for v in on_panels(edges[:-1], edges[1:]))
    return x, f.function(x) * w
