"""Gaussian averages of a function from a table, for any mean and variance within it.

The function is expanded in Hermite polynomials around the normal density N(m, S) of the table that
is nearest to N(mu, Delta): f(x) = sum_n C_n He_n((x - m) / sqrt(S)) / sqrt(n!). The average of
He_n over N(mu, Delta) is a polynomial in d = (mu - m) / sqrt(S) and e = (Delta - S) / S,

    h_0 = 1,  h_1 = d,  h_{n+1} = d h_n + n e h_{n-1},

so that <f> = sum_n C_n h_n / sqrt(n!), and its derivatives with respect to mu are sums of the same
h_n: the heat equation moves averages from one density to others. Where Delta is not far below the
square of the scale over which f varies, the sum converges whatever f is; down to Delta = 0 where f
is smooth.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from . import lattice
from .lattice import Means, Resolved
from .legendre import legendre_panels

STEPS_BITS = 3
STEPS = 2**STEPS_BITS  # of the variance in every octave
OCTAVES = 12  # of the variance, from SMALLEST on
SMALLEST = 0.08  # a variance, in squared scales, below which steps are equal
WIDTH = 0.7  # distance of the means, in standard deviations
RANGE = 24.0  # |mean| in a table, in scales
SHIFT = 0.1234567  # of the means, in scales, so that what happens at 0 is inside a part
KEPT = 32  # tables, of about a megabyte each
MANTISSA_BITS, BIAS = 52, 1023  # of a float64
FEWEST_TERMS, TERMS_PER_DIGIT = 5.0, 1.45  # of the sums: 21 for 1e-11
SCALES = 2.0 ** np.arange(2.0, -8.1, -0.5)  # that are tried
SPARE = 0.03  # part of the tolerance of the smallest variances, for the sake of higher derivatives
ROUNDING = 3e-13  # of slopes at the smallest variances
CORE = 4.0  # |mean| up to which, in scales, all expansions serve
ENDS = 1e-2  # part of the tolerance that may be beyond the reach of the sums
SMALL = 0.1  # part of the function's size that counts as small
NEGATIVE = 1e-9  # a variance below 0, in squared scales, that is rounding: sums hold there, too


@dataclass(frozen=True)
class Levels:
    """The densities of a table with scale 1: for each level of the variance, equally spaced means.

    Args:
        low: smallest variance, (levels,).
        high: largest.
        middle: variance of the densities.
        width: distance of their means.
        count: how many there are, with means around 0.
        first: the position of the first of them among all.
    """

    low: np.ndarray
    high: np.ndarray
    middle: np.ndarray
    width: np.ndarray
    count: np.ndarray
    first: np.ndarray

    @classmethod
    def of_octaves(cls, octaves: int) -> Levels:
        k = np.arange(STEPS * octaves + 1)
        edges = SMALLEST * (2.0 ** (k // STEPS) * (1 + k % STEPS / STEPS) - 1)
        low, high = edges[:-1], edges[1:]
        middle = 0.5 * (low + high)
        width = WIDTH * np.sqrt(middle + 0.25 * SMALLEST)
        count = 2 * np.ceil(RANGE / width).astype(int)
        return cls(low, high, middle, width, count, np.cumsum(count) - count)


LEVELS = Levels.of_octaves(OCTAVES)
_built: dict[tuple, np.ndarray] = {}  # the last tables, which equal functions share


class NotSmooth(Exception):
    """A function of which no table can be made."""


class Table:
    """The averages of one function, certified against its quadrature; see the head of this module.

    An entry counts where the expansion gives the average and its slope at the corners of its part
    of the plane of means and variances to the tolerance, relative to the root mean square of the
    function; where it does not, averages are NaN, as outside the table.

    Args:
        function: it and its derivative, of NumPy arrays.
        edges: of the function's panels, finite.
        size: of the function.
        tolerance: relative.
        refinement: 2 halves the panels of the quadrature and adds four terms.
        scale: over which the function varies; by default the largest for which averages at the
            smallest variances are right.

    Raises:
        NotSmooth: there is no such scale.
    """

    def __init__(
        self,
        function: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
        edges: np.ndarray,
        size: float,
        tolerance: float,
        refinement: int = 1,
        scale: float | None = None,
    ):
        self.function, self.edges = function, edges
        self.size, self.tolerance, self.refinement = size, tolerance, refinement
        terms = FEWEST_TERMS - TERMS_PER_DIGIT * math.log10(tolerance)
        self.terms = math.ceil(terms) + (4 if refinement > 1 else 0)
        self.scale = self._scale() if scale is None else scale

    def _scale(self) -> float:
        middle = LEVELS.count[0] // 2
        reach = math.ceil(CORE / LEVELS.width[0])
        some = slice(middle - reach, middle + reach)
        tolerance = max(SPARE * self.tolerance, ROUNDING)
        for scale in SCALES:
            if np.all(np.isfinite(self._level(0, float(scale), tolerance)[some, 0])):
                return float(scale)
        raise NotSmooth

    @cached_property
    def coefficients(self) -> np.ndarray:
        """C_n / sqrt(n!) of all densities, (densities, terms); NaN where they do not serve."""
        key = (self._digest(), self.tolerance, self.refinement)
        if key not in _built:
            if len(_built) >= KEPT:
                _built.pop(next(iter(_built)))
            levels = range(len(LEVELS.low))
            made = [self._level(k, self.scale, self.tolerance) for k in levels]
            _built[key] = np.concatenate(made)
        return _built[key]

    @cached_property
    def has_gaps(self) -> bool:
        """Whether some averages within its ends are not in it."""
        return bool(np.isnan(self.coefficients).any())

    def with_coefficients(self, coefficients: Any) -> Table:
        """The same table with the same numbers, as JAX traces them."""
        made = copy.copy(self)
        made.__dict__ |= {"coefficients": coefficients, "has_gaps": self.has_gaps}
        return made

    def _digest(self) -> bytes:
        """Equal for functions that are equal wherever their panels resolve them."""
        values = self.function(legendre_panels(self.edges)[0])[0]
        return hashlib.sha256(self.edges.tobytes() + values.tobytes()).digest()

    def _level(self, k: int, scale: float, tolerance: float) -> np.ndarray:
        """C_n / sqrt(n!) of the densities of one level; NaN where they do not serve."""
        f = Resolved(lambda x: self.function(x)[0], self.edges, scale, self.refinement)
        low, high, middle = (scale**2 * v[k] for v in (LEVELS.low, LEVELS.high, LEVELS.middle))
        means = Means(int(LEVELS.count[k]), float(scale * LEVELS.width[k]), scale * SHIFT)
        sides = (-0.5 * means.width, 0.5 * means.width)
        corners = [(side, v) for v in (low, high) for side in sides]
        inner = [(side, v) for side, v in corners if v]

        def weights(x: np.ndarray) -> np.ndarray:
            """Of the coefficients, and of the average and its slope in the corners."""
            beside = (_hermite_weights(x - side, v, 2) for side, v in inner)
            own = _hermite_weights(x, middle, self.terms)
            return np.stack([*own, *itertools.chain(*beside)], axis=-1)

        with np.errstate(all="ignore"):
            found, ends = lattice.averages(f, means, math.sqrt(middle), weights)
            made, exact = found[:, : self.terms], found[:, self.terms :].reshape(len(found), -1, 2)
            exact = exact / np.array([[1.0, math.sqrt(v)] for _, v in inner])
            if not low:  # there the average is the function itself
                at_edges = np.stack(self.function(means.edges()), axis=-1)
                exact = np.concatenate([at_edges[:-1, None], at_edges[1:, None], exact], axis=1)
            size = np.maximum(np.sqrt(np.sum(made**2, axis=1)), SMALL * self.size)
            made = made / np.sqrt([float(math.factorial(n)) for n in range(self.terms)])
            good = np.max(ends[:, :2], axis=1) <= ENDS * tolerance * size
            for (side, v), expected in zip(corners, np.moveaxis(exact, 1, 0), strict=True):
                h = _polynomials(side / math.sqrt(middle), v / middle - 1, self.terms)
                slope = _sum(made.T, h, 1) / math.sqrt(middle)
                errors = np.abs(expected - np.stack([_sum(made.T, h, 0), slope], axis=1))
                good &= np.max(errors * [1.0, scale], axis=1) <= tolerance * size
        return np.where(good[:, None], made, np.nan)

    def averages(
        self,
        orders: tuple[int, ...],
        mu: Float[Array, " n"],
        Delta: Float[Array, " n"],
        table: Float[Array, "densities terms"],
    ) -> tuple[Float[Array, " n"], ...]:
        """Averages of derivatives of the given orders; NaN outside the table.

        Args:
            orders: of the derivatives.
            mu: means.
            Delta: variances.
            table: the coefficients as JAX has them.
        """
        scale, last = self.scale, len(LEVELS.low) - 1
        rows = jnp.asarray(_rows(scale))
        octaves = 1.0 + jnp.where(Delta < 0, 0.0, Delta) * (1 / (SMALLEST * scale**2))
        bits = lax.bitcast_convert_type(octaves, jnp.int64) >> (MANTISSA_BITS - STEPS_BITS)
        level = bits - (BIAS << STEPS_BITS)
        row = rows.at[jnp.clip(level, 0, last)].get(mode="promise_in_bounds")
        middle, narrow, width, half, first = row.T
        place = (mu - scale * SHIFT) / width + half
        inside = (Delta >= -NEGATIVE * scale**2) & (level <= last)
        inside &= (place >= 0) & (place <= 2 * half)
        # what is not a number must not become an index either
        cell = jnp.where(inside, jnp.minimum(jnp.floor(place), 2 * half - 1), 0)
        C = jnp.asarray(table).at[(first + cell).astype(int)].get(mode="promise_in_bounds").T
        d, e = (place - cell - 0.5) * width * narrow, Delta / middle - 1
        sums = _sums_in_a_loop(C, d, e, orders) if compiles_fast() else _sums(C, d, e, orders)
        return tuple(
            jnp.where(inside, narrow**k * v, jnp.nan) for k, v in zip(orders, sums, strict=True)
        )


def compiles_fast() -> bool:
    """Whether XLA is told to compile fast rather than well: by its flag for no optimisation."""
    return "xla_backend_optimization_level=0" in os.environ.get("XLA_FLAGS", "")


def _rows(scale: float) -> np.ndarray:
    """What a density's level tells: variance, 1 / its root, width, half the count, the first."""
    columns = [
        scale**2 * LEVELS.middle,
        1 / (scale * np.sqrt(LEVELS.middle)),
        scale * LEVELS.width,
        0.5 * LEVELS.count,
        LEVELS.first,
    ]
    return np.stack(columns, axis=1)


def _polynomials(d, e, terms):
    """h_n for n below `terms`."""
    h = [1.0 + 0.0 * d, d]
    for n in range(1, terms - 1):
        h.append(d * h[n] + (n * e) * h[n - 1])
    return h


def _sum(c, h, order: int):
    """A derivative's sum: c_{n + k} (n + k)! / n! h_n, with c_n = C_n / sqrt(n!)."""
    terms = (c[n + order] * math.perm(n + order, order) * h[n] for n in range(len(h) - order))
    return sum(terms, start=0.0)


def _sums(c: Array, d: Array, e: Array, orders: tuple[int, ...]) -> list[Array]:
    h = _polynomials(d, e, len(c))
    return [_sum(c, h, k) for k in orders]


def _sums_in_a_loop(c: Array, d: Array, e: Array, orders: tuple[int, ...]) -> list[Array]:
    """The same; a tenth as many operations to compile, ten times as long to run."""
    ns, highest = np.arange(len(c)), max(orders)
    factors = [[math.perm(n + k, k) for k in range(highest + 1)] for n in ns]
    weights = jnp.asarray(factors, dtype=float)[:, :, None]
    c = jnp.concatenate([c, jnp.zeros((highest, *d.shape))])

    def step(n: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        h, following, totals = carry
        own = lax.dynamic_slice_in_dim(c, n, highest + 1)
        return following, d * following + (n + 1) * e * h, totals + own * weights[n] * h[None]

    start = (jnp.ones_like(d), d, jnp.zeros((highest + 1, *d.shape)))
    totals = lax.fori_loop(0, len(ns), step, start)[2]
    return [totals[k] for k in orders]


def _hermite_weights(x: np.ndarray, variance: float, terms: int) -> list[np.ndarray]:
    """He_n(x / sigma) / sqrt(n!) times the normal density, for n below `terms`."""
    z = x / math.sqrt(variance)
    found = [np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi * variance)]
    found.append(z * found[0])
    for n in range(1, terms - 1):
        found.append((z * found[n] - math.sqrt(n) * found[n - 1]) / math.sqrt(n + 1))
    return found[:terms]
