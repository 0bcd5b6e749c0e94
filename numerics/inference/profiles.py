"""Profile likelihood: the loss when one number is held and everything else adapts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from scipy import stats

from ...errors import ParameterError
from ..fitting import Fit, Scale
from ..results import OK, Code, Result, Status
from .determined import identifiability
from .held import Held, Point
from .information import SMALLEST

DOUBLINGS, REFINEMENTS = 6, 12
"""How often the range is doubled in search of the interval's end, and how often its end is halved
or better: 64 times as far as asked for, and then to 1 / 4096 of the way."""
CLOSE = 1e-4  # relative accuracy of the rise of the loss at the ends of the interval
LOWER = 1e-4  # a loss lower than the fit's by this part of 1 + it is another minimum
SAME = 1e-9  # values closer than this part of a standard error are one
LEAST = 0.02  # of the way to a point outside: a refinement moves at least so far


@dataclass(frozen=True, eq=False, repr=False)
class Profile(Result):
    """Losses along a number that is held; make it with `profile`.

    Attributes:
        fit: from whose best minimum it starts.
        name: of the number.
        values: of the number, increasing, (n,), that of the fit among them.
        losses: the smallest with it held, (n,), nan where nothing was found.
        u: coordinates there, (n, size).
        interval: where the loss rises by no more than the chi-squared quantile of `level`, 3.84 for
            .95; an end that was not found is the bound.
        level: of the interval.
    """

    fit: Fit
    name: str
    values: np.ndarray
    losses: np.ndarray
    u: np.ndarray
    interval: tuple[float, float]
    level: float

    @property
    def title(self) -> str:
        """The number, and its interval."""
        low, high = self.interval
        return f"Profile of {self.name}, {100 * self.level:g} % between {low:.4g} and {high:.4g}"

    @property
    def rises(self) -> np.ndarray:
        """Losses above the smallest one, (n,)."""
        return self.losses - np.nanmin(self.losses)

    @property
    def status(self) -> Status:
        """ "ok", or that the fit was no minimum."""
        below = self.fit.loss - float(np.nanmin(self.losses))
        if below <= LOWER * (1 + abs(self.fit.loss)):
            return OK
        return Status(
            f"a loss smaller by {below:.3g} than that of the fit was found: fit with more starts",
            Code.UNDECIDED,
        )

    @property
    def dataset(self) -> xr.Dataset:
        """Losses, and how all other numbers adapt, over the number's values."""
        coordinates = self.fit.problem.coordinates
        others = np.asarray(jax.vmap(coordinates.values)(jnp.asarray(self.u)))
        return xr.Dataset(
            {"loss": ("held", self.losses), "value": (("held", "parameter"), others)},
            coords={"held": self.values, "parameter": list(coordinates.names)},
            attrs={
                "name": self.name,
                "low": self.interval[0],
                "high": self.interval[1],
                "status": str(self.status),
            },
        )

    def rows(self) -> list[dict[str, Any]]:
        """A row for each value."""
        return [
            {self.name: float(v), "loss": float(loss), "rise": float(rise)}
            for v, loss, rise in zip(self.values, self.losses, self.rises, strict=True)
        ]

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "interval": list(self.interval),
            "level": self.level,
            **self.status.json(),
            "rows": self.rows(),
        }


def profile(
    fit: Fit,
    name: str,
    values: Sequence[float] | None = None,
    *,
    points: int = 11,
    span: float = 3.0,
    level: float = 0.95,
    steps: int = 60,
    progress: Callable[[str, float], None] | None = None,
) -> Profile:
    """Profile likelihood of a number: the smallest loss at each of its values.

    Everything else is minimised over, priors included. The number is held exactly: steps of
    Levenberg and Marquardt's method stay on the surface where it has its value. Each search starts
    from the neighbour's minimum: branches of other starts are not looked for.

    Args:
        fit: with the minimum where the profile starts.
        name: of an unknown or motif coefficient of the fit.
        values: where to look; by default `points` of them over `span` local standard errors to both
            sides, on the number's own scale.
        points: how many values, at least 2.
        span: in standard errors; 3 are more than the interval needs.
        level: of the interval, where the loss rises by the quantile of chi-squared with one degree
            of freedom (Wilks); its ends are looked for beyond the values where needed, up to 2^6
            times as far.
        steps: at most, at each value.
        progress: called with a text and the part that is done.

    Raises:
        ParameterError: the fit has no such number, or values are out of its bounds.
    """
    coordinates = fit.problem.coordinates
    if name not in coordinates.names:
        raise ParameterError(
            f"there is no parameter {name!r} in the fit: there are {', '.join(coordinates.names)}"
        )
    if points < 2 or not span > 0 or not 0 < level < 1 or steps < 1:
        raise ParameterError(
            f"points = {points} must be at least 2, span = {span} and steps = {steps} positive, "
            f"level = {level} between 0 and 1"
        )
    held = Held(fit.problem, name, steps)
    start = Point(held.at(fit.u), np.array(fit.u), np.array(fit.minima.states[0]), fit.loss)
    width = _width(fit, name, held.scale)
    wanted = start.t + np.linspace(-span, span, points) * width
    if values is not None:
        wanted = _checked(values, name, held.scale)
    return _profiled(fit, held, start, wanted, width, span, level, progress)


def _profiled(
    fit: Fit,
    held: Held,
    start: Point,
    wanted: np.ndarray,
    width: float,
    span: float,
    level: float,
    progress: Callable[[str, float], None] | None,
) -> Profile:
    """Minima at the wanted values, from the start to both sides, and the ends of the interval."""
    say, count = progress or (lambda text, part: None), len(wanted) + 2
    sides: list[list[Point]] = []
    for sign in (-1, 1):
        own = np.sort(wanted[sign * (wanted - start.t) > SAME * width] * sign) * sign
        line = [start]
        for t in own:
            line.append(held.minimum(line[-1], float(t)))
            say(
                f"{held.name} = {float(held.scale.backward(t)):.4g}: loss {line[-1].loss:.5g}",
                (sum(len(side) - 1 for side in sides) + len(line) - 1) / count,
            )
        sides.append(line)
    best = min(point.loss for line in sides for point in line if np.isfinite(point.loss))
    target = best + float(stats.chi2.ppf(level, 1))
    say("ends of the interval", (count - 1) / count)
    low, high = (
        _end(held, line, target, sign * span * width)
        for line, sign in zip(sides, (-1, 1), strict=True)
    )
    line = [*sides[0][:0:-1], *sides[1]]
    return Profile(
        fit,
        held.name,
        np.array([float(held.scale.backward(p.t)) for p in line]),
        np.array([p.loss for p in line]),
        np.array([p.u for p in line]),
        (low, high),
        level,
    )


def _width(fit: Fit, name: str, scale: Scale) -> float:
    """A local standard error on the scale, 1 where that is infinite.

    Of a number without bounds it is the size of the number instead of 1.
    """
    value = fit.values[name]
    error = identifiability(fit).standard_errors()[name] * scale.slope(value)
    if np.isfinite(error):
        return float(error)
    return 1.0 if any(scale.bounds) else abs(value) or 1.0


def _checked(values: Sequence[float], name: str, scale: Scale) -> np.ndarray:
    given = np.asarray(values, dtype=float)
    if given.ndim != 1 or not np.all((given > scale.low) & (given < scale.high)):
        raise ParameterError(
            f"values of {name} must be a list of numbers between its bounds {scale.low:g} and "
            f"{scale.high:g}: {values!r}"
        )
    return np.unique(np.asarray(scale.forward(given)))


def _end(held: Held, line: Sequence[Point], target: float, reach: float) -> float:
    """Where the loss crosses the target along a side; the bound where it does not."""
    inside, outside = line[0], None
    for point in line[1:]:
        if not point.loss < target:
            outside = point
            break
        inside = point
    for k in range(DOUBLINGS):
        if outside is not None:
            break
        point = held.minimum(inside, inside.t + reach * 2.0**k)
        inside, outside = (point, None) if point.loss < target else (inside, point)
    if outside is None:
        return held.scale.low if reach < 0 else held.scale.high
    for _ in range(REFINEMENTS):
        part = _crossing(inside.loss, outside.loss, line[0].loss, target)
        point = held.minimum(inside, inside.t + part * (outside.t - inside.t))
        if abs(point.loss - target) <= CLOSE * (target - line[0].loss):
            inside = point
            break
        inside, outside = (point, outside) if point.loss < target else (inside, point)
    return float(held.scale.backward(inside.t))


def _crossing(inside: float, outside: float, base: float, target: float) -> float:
    """Part of the way to a point outside where the loss crosses the target.

    The root of the rise is nearly linear in the distance.
    """
    if not np.isfinite(outside):
        return 0.5
    rises = [np.sqrt(max(loss - base, 0.0)) for loss in (inside, outside, target)]
    part = (rises[2] - rises[0]) / max(rises[1] - rises[0], SMALLEST)
    return float(np.clip(part, LEAST, 1 - LEAST))
