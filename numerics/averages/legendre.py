"""Gauss-Legendre quadrature on panels, of NumPy arrays or of JAX arrays."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

ORDER = 16  # exact for polynomials of degree 31: panels as wide as a function's features suffice


@cache
def legendre_rule(order: int = ORDER) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in (-1, 1) and weights that sum to 2, each of shape (order,)."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    nodes.flags.writeable = weights.flags.writeable = False  # shared by all callers
    return nodes, weights


def on_panels(left: Any, right: Any, order: int = ORDER) -> tuple[Any, Any]:
    """Nodes and weights on panels from `left` to `right`.

    Args:
        left: lower ends, any shape.
        right: upper ends, of the same shape.
        order: nodes in each panel.

    Returns:
        Nodes and weights with one more axis, the last, of length `order`.
    """
    nodes, weights = (v.reshape((1,) * np.ndim(left) + (-1,)) for v in legendre_rule(order))
    half = 0.5 * (right - left)[..., None]
    return 0.5 * (left + right)[..., None] + half * nodes, half * weights


def legendre_panels(edges: Any, order: int = ORDER) -> tuple[Any, Any]:
    """Nodes and weights, (m - 1, order) each, on the panels between ascending edges, (m,)."""
    return on_panels(edges[:-1], edges[1:], order)
