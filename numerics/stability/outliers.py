"""Eigenvalues outside of the bulk: zeros of the modes' determinant, counted and found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..fixed_points import same_root
from ..results import OK, Code, Status
from .modes import Modes

CLEARANCE = 1.01
"""How far outside of the bulk's boundary, as a factor, outliers are counted."""
FEWEST_POINTS, MOST_POINTS = 401, 6000
LARGEST_TURN = 1.0  # radians between two points, beyond which a winding could be missed
MOST_INSIDE = 4
"""Newton steps in a row inside of the bulk after which a start is given up."""
RINGS, EVERY = (1.05, 1.3, 2.0), 12  # starts around the bulk: where outliers leave it, and farther
SAME = 1e-7  # zeros this near, relative to the scale, are one


@dataclass(frozen=True, eq=False)
class Found:
    """Eigenvalues that were found.

    Args:
        values: those outside of the bulk, by descending real part.
        hidden: those predicted inside of it, which no spectrum shows; known if B = 0 only.
        counted: how many there are by the argument principle, None where it was not needed or
            cannot tell.
    """

    values: np.ndarray
    hidden: np.ndarray
    counted: int | None

    @property
    def status(self) -> Status:
        """ "ok", or what is missing."""
        if self.counted is None or self.counted == len(self.values):
            return OK
        text = f"the argument principle counts {self.counted} outliers"
        return Status(f"incomplete: {text}, {len(self.values)} were found", Code.INCOMPLETE)


def outliers(modes: Modes, boundary: np.ndarray, starts: Sequence[complex] = ()) -> Found:
    """All eigenvalues z outside of the bulk, for equal z in every population.

    The unit filter has z = 1 + s. If B = 0, by one eigenvalue problem; else zeros of det(1 - T(z))
    by Newton's method with deflation, until there are as many as the winding of the determinant
    along the boundary says.

    Args:
        modes: the linear problem.
        boundary: the bulk's, a closed curve.
        starts: where outliers may be, in addition to those if B were 0.
    """
    plain = modes.without_pairs()
    if not modes.bulk.is_reciprocal:
        seen = np.abs(plain) > modes.bulk.radius
        return Found(ordered(plain[seen]), ordered(plain[~seen]), None)

    def function(z):
        return modes.determinant(
            np.repeat(np.asarray(z, dtype=complex)[..., None], modes.P, axis=-1)
        )

    largest = max(np.abs(plain).max(initial=0), modes.bulk.extent)
    count = winding(lambda u: function(_around(boundary, u, CLEARANCE))[0])
    half = boundary[: len(boundary) // 2 + 1 : EVERY]  # conjugates come along
    ring = [f * b for f in RINGS for b in half]
    found = roots(function, [*plain, *starts, *ring], count, largest)
    near = contains(_around(boundary, np.linspace(0, 1, 4 * len(boundary)), CLEARANCE), found)
    return Found(ordered(found), np.array([]), None if count is None else count + int(np.sum(near)))


def _around(boundary: np.ndarray, u: np.ndarray, factor: float) -> np.ndarray:
    """A point of the enlarged boundary for u from 0 to 1."""
    size = max(np.abs(boundary).max(), 1e-6)
    place = u * (len(boundary) - 1)
    inner = np.interp(place, np.arange(len(boundary)), boundary.real) + 1j * np.interp(
        place, np.arange(len(boundary)), boundary.imag
    )
    return factor * inner + (factor - 1) * size * np.exp(2j * np.pi * u)


def contains(boundary: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Whether points lie inside of a closed curve that surrounds its mean in order of angle.

    Both are complex.
    """
    centre = boundary[:-1].mean()
    angle, size = np.angle(boundary - centre), np.abs(boundary - centre)
    order = np.argsort(angle)
    return np.abs(z - centre) <= np.interp(
        np.angle(z - centre), angle[order], size[order], period=2 * np.pi
    )


def winding(values: Callable[[np.ndarray], np.ndarray]) -> int | None:
    """How many zeros an analytic function has outside of a closed curve; it is 1 at infinity.

    Args:
        values: of the function along the curve, u from 0 to 1.

    Returns:
        The number by the argument principle; None where the function is not known along the whole
        curve or turns too fast.
    """
    points = FEWEST_POINTS
    while points <= MOST_POINTS:
        f = values(np.linspace(0, 1, points))
        if not np.all(np.isfinite(f)):
            return None
        turns = np.angle(f[1:] / f[:-1])
        if np.abs(turns).max() < LARGEST_TURN:
            return -round(float(turns.sum() / (2 * np.pi)))
        points = 2 * points - 1
    return None


def roots(
    function: Callable, starts: Sequence[complex], count: int | None, scale: float
) -> np.ndarray:
    """Zeros where the level is below 1, by Newton's method on f / prod (z - found).

    Conjugates come along.

    Args:
        function: z -> (values, levels).
        starts: of Newton's method.
        count: how many to find at most; None for as many as the starts lead to.
        scale: size of the largest zeros.
    """
    found: list[complex] = []
    for start in starts:
        if count is not None and len(found) >= count:
            break
        z = _newton(function, complex(start) * (1 + 1e-7) + 1e-9j * scale, found, scale)
        if z is None:
            continue
        z = z.real if abs(z.imag) < 1e-8 * scale else z
        found.append(z)
        if z.imag:
            found.append(z.conjugate())
    return np.array(found, dtype=complex)


def _newton(
    function: Callable, z: complex, known: Sequence[complex], scale: float
) -> complex | None:
    h, inside = 1e-5 * scale, 0  # of central differences: errors of 1e-10
    for _ in range(60):
        f, levels = function(np.array([z, z + h, z - h, z + 1j * h, z - 1j * h]))
        if not np.all(np.isfinite(f)) or abs(z) > 50 * scale:
            return None
        inside = inside + 1 if levels[0] >= 1 else 0
        if inside > MOST_INSIDE:
            return None
        slope = ((f[1] - f[2]) - 1j * (f[3] - f[4])) / (4 * h)
        pull = slope / f[0] - sum(1 / (z - k) for k in known) if f[0] else np.inf
        step = -1 / pull if pull else scale
        step *= min(1.0, 0.3 * scale / abs(step)) if step else 1.0
        z = z + step
        if abs(step) < 1e-11 * scale:
            value, level = function(np.array([z]))
            again = same_root(np.array([z]) / scale, np.array(known)[:, None] / scale, SAME)
            is_zero = abs(value[0]) < 1e-6 * max(1.0, abs(slope) * scale)
            return z if level[0] < 1 and is_zero and not np.any(again) else None
    return None


def ordered(values: np.ndarray) -> np.ndarray:
    """By descending real part, conjugates with the positive imaginary part first.

    Imaginary parts that are rounding errors are 0.
    """
    values = np.where(np.abs(values.imag) > 1e-14 * np.abs(values), values, values.real)
    return values[np.lexsort((-np.round(values.imag, 10), -np.round(values.real, 10)))]
