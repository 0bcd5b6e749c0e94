"""What quadrature needs to know of a function: edges of panels, growth, and singularities."""

from __future__ import annotations

import copy
import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...errors import ExpressionError
from . import panels
from .elementwise import Elementwise, derivative, in_numpy, nth_derivative, piecewise
from .envelope import NOTHING, Envelope, Logs, growth_of, logs_of
from .legendre import legendre_panels
from .rules import Rule
from .tables import NotSmooth, Table

MOST_PANELS = 2048  # one for each unit of the checked range; what needs more oscillates
FEW_PANELS = 256  # tried first: enough for most functions
PLACES = np.linspace(-63.7, 63.3, 257)  # where a function must be finite; no round numbers
HIGHEST = 5  # averages of derivatives are asked for up to the order before
LEVEL = 1e-3  # relative change of a function that is nearly constant
SMOOTH = 99  # the order of a derivative that is infinite where none is


class Grid:
    """What quadrature needs to know of a function without parameters.

    The edges of its panels, a table of its averages, and how it grows; each is found when it is
    first asked for.
    """

    def __init__(self, pieces: Sequence[Elementwise], breaks: Sequence[float], rule: Rule):
        self.pieces, self.breaks, self.rule = tuple(pieces), tuple(breaks), rule
        self.radius = panels.RADII[0]  # up to which its panels are found

    @cached_property
    def function(self) -> Callable[[np.ndarray], np.ndarray]:
        """The function, of NumPy arrays."""
        return in_numpy(lambda x: piecewise(x, self.pieces, self.breaks))

    @cached_property
    def with_slope(self) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """The function and its derivative, of NumPy arrays."""
        return in_numpy(
            lambda x: tuple(nth_derivative(x, n, self.pieces, self.breaks) for n in (0, 1))
        )

    @cached_property
    def edges(self) -> np.ndarray:
        """Edges in u, ascending, ending with infinity."""
        self._refuse_infinite()
        for radius, most in itertools.product(panels.RADII, (FEW_PANELS, MOST_PANELS)):
            with np.errstate(all="ignore"):
                edges, resolved = find(
                    self.with_slope, self.breaks, self.rule.tolerance, most, radius, np
                )
            if resolved:
                break
        else:
            raise ExpressionError(unresolved("", MOST_PANELS))
        found, self.radius = np.unique(edges)[:-1], radius
        if radius < panels.RADII[0]:
            found = _continued(found, radius)
        else:
            found = found[np.abs(found) < radius]
        return np.append(found, np.inf)

    def _refuse_infinite(self) -> None:
        for x, y in zip(PLACES, self.function(PLACES), strict=True):
            if not np.isfinite(y):
                what = f"at x = {x:.4g} the function is " + (
                    "not a real number" if np.isnan(y) else "infinite, or its average diverges"
                )
                raise ExpressionError(
                    f"the Gaussian average cannot be computed to tolerance: {what}"
                )

    def refined(self) -> Grid:
        """The same with every panel split into four."""
        made = copy.copy(self)
        edges = self.edges[:-1]
        inner = (
            edges[:-1, None] + np.diff(edges)[:, None] * np.array([0.0, 0.25, 0.5, 0.75])
        ).ravel()
        made.__dict__["edges"] = np.concatenate([inner, edges[-1:], [np.inf]])
        made.radius, made.rule = self.radius, replace(self.rule, refinement=2)
        made.__dict__.pop("tables", None)
        return made

    @property
    def has_gaps(self) -> bool:
        """Whether averages within the ends of the tables are lacking, or all of them."""
        return self.tables is None or any(table.has_gaps for table in self.tables)

    @cached_property
    def tables(self) -> tuple[Table, Table] | None:
        """Of averages of the function and of its square; None where it is not smooth."""
        if self.breaks:
            return None
        edges = self.edges[:-1]
        ends = [[-self.radius], edges[np.abs(edges) < self.radius], [self.radius]]
        rest = self.rule.tolerance, self.rule.refinement

        def square(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            value, slope = self.with_slope(x)
            return value**2, 2 * value * slope

        try:
            one = Table(self.with_slope, np.concatenate(ends), self.size, *rest)
        except NotSmooth:
            return None
        return one, Table(square, one.edges, self.size**2, *rest, scale=one.scale)

    def with_tables(self, coefficients: Mapping[int, Any]) -> Grid:
        """The same with other coefficients of its tables, by their `id`."""
        made = copy.copy(self)
        made.__dict__["tables"] = tuple(
            table.with_coefficients(coefficients[id(table)]) if id(table) in coefficients else table
            for table in self.tables or ()
        )
        return made

    @cache  # noqa: B019
    def places(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Where values of a polynomial in the function tell its coefficients, and the matrix that
        takes them there.
        """
        for reach in (2.0, 64.0, self.radius):
            x = np.linspace(-reach, reach, 129)
            y = self.function(x)
            if np.ptp(y) > LEVEL * np.max(np.abs(y)):
                break
        wanted = np.linspace(np.min(y), np.max(y), count)
        nearest = np.argmin(np.abs(y[:, None] - wanted), axis=0)
        return x[nearest], np.linalg.inv(np.vander(y[nearest], increasing=True))

    @cached_property
    def size(self) -> float:
        return float(panels.Size.of(lambda x: (self.function(x), None), np).typical)

    @cached_property
    def _logs(self) -> Logs:
        with np.errstate(divide="ignore"):
            return logs_of(self.function, np.zeros(1), np)

    @cached_property
    def growth(self) -> tuple[float, float]:
        """Exponential rates at which the function grows to the left and to the right."""
        with np.errstate(invalid="ignore"):
            left, right = growth_of(self._logs, np)
            return float(left[0]), float(right[0])

    @cached_property
    def degree(self) -> float:
        """The power of x as which the function grows, if it grows no faster."""
        with np.errstate(invalid="ignore"):
            steps = [
                float((side[-1] - side[-2])[0]) / np.log(2)
                for side, rate in zip(self._logs, self.growth, strict=True)
                if rate < 0.1
            ]
        return max([0.0, *(s for s in steps if np.isfinite(s))])

    @cached_property
    def envelope(self) -> Envelope:
        """How large the function is, on intervals that grow with their distance from 0."""
        ends = np.array([0.0, *(2.0 ** (0.5 * np.arange(-2, 20))), np.inf])
        edges = np.unique(np.concatenate([self.edges[:-1], *(s * ends[:-1] for s in (-1, 1))]))
        inner = legendre_panels(edges)[0]
        points = np.concatenate([edges[:-1, None], inner, edges[1:, None]], axis=1)
        with np.errstate(divide="ignore"):
            log = np.log(np.abs(self.function(points)))
        log = np.where(np.isfinite(log), log, NOTHING)
        low, high = np.concatenate([-ends[1:], ends[:-1]]), np.concatenate([-ends[:-1], ends[1:]])
        log = np.concatenate([log, [log[0], log[-1]]])  # beyond the last edge as there
        points = np.concatenate(
            [points, [np.full(points.shape[1], -1e9), np.full(points.shape[1], 1e9)]]
        )
        inside = (points[None] >= low[:, None, None]) & (points[None] <= high[:, None, None])
        return Envelope(low, high, np.max(np.where(inside, log[None], NOTHING), axis=(1, 2)))

    def reaches(self, power: int, tolerance: float) -> Envelope | None:
        """How many standard deviations away the function matters, by intervals.

        None where it does not grow beyond x^2.
        """
        own = self.envelope
        nearest = np.minimum(np.abs(own.low), np.abs(own.high))
        near = np.max(own.height[nearest < 2.0])
        if np.all(power * own.height <= max(0.0, power * near) + np.log(2 + nearest**2)):
            return None
        return own.reaches(power, self.size, tolerance, np)

    @cached_property
    def singular_order(self) -> int:
        """The lowest order, up to 4, of a derivative that is infinite at a break; 99 for none.

        It is 2 for x^1.5 at 0.
        """

        def slopes(breaks: Array) -> list[Array]:
            """All derivatives of one order, at each break from both sides."""
            sides = [*zip(breaks, self.pieces[:-1], strict=True)]
            sides += [*zip(breaks, self.pieces[1:], strict=True)]
            return [
                jnp.stack([derivative(piece, order)(b) for b, piece in sides])
                for order in range(1, HIGHEST)
            ]

        if not self.breaks:
            return SMOOTH
        with jax.ensure_compile_time_eval():
            by_order = jax.jit(slopes)(np.array(self.breaks))
        infinite = [n for n, values in enumerate(by_order, 1) if not np.all(np.isfinite(values))]
        return min(infinite, default=SMOOTH)


def _continued(found: np.ndarray, radius: float) -> np.ndarray:
    """Edges beyond the radius, as far apart as the last ones before it."""
    warnings.warn(
        f"a Gaussian average is checked only where |mean| + 9 sqrt(variance) < {radius:g}: beyond, "
        "its function is taken to vary as fast as there (it needs more than "
        f"{MOST_PANELS} panels)",
        stacklevel=3,
    )
    ahead = np.arange(1, 1000)
    left = found[0] - ahead[::-1] * (found[1] - found[0])
    return np.concatenate([left, found, found[-1] + ahead * (found[-1] - found[-2])])


def find(
    function: panels.Function,
    breaks: Sequence[float],
    tolerance: float,
    most: int,
    radius: float,
    xp: Any = jnp,
) -> panels.Panels:
    """The panels of a function with breaks, around which they close in.

    A derivative may be singular there.
    """
    edges, resolved = panels.find(function, breaks, tolerance, most, radius, xp=xp)
    return panels.Panels(
        xp.sort(xp.concatenate([edges, *(panels.graded(b) for b in breaks)])), resolved
    )


def unresolved(what: str, most: int) -> str:
    return (
        f"the Gaussian average cannot be computed to tolerance{what}: the function needs more than "
        f"{most} panels (does it oscillate, or is it not finite?)"
    )
