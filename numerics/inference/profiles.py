"""Profile likelihood: how much worse a fit becomes when one number is held at other values and everything else adapts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy import stats

from ...errors import ParameterError
from ..fitting import Fit, Problem, Scale
from .determined import identifiability

DOUBLINGS, REFINEMENTS = 6, 12
"""How often the range is doubled in search of the interval's end, and how often its end is halved or better."""
CLOSE = 1e-4
"""Relative accuracy of the rise of the loss at the ends of the interval."""
LOWER, HELD = 1e-4, 1e-8


class Point(NamedTuple):
    """A minimum with the number held: on its scale, coordinates, fixed points, loss (nan where there is none)."""

    t: float
    u: np.ndarray
    states: np.ndarray
    loss: float


@dataclass(frozen=True, eq=False)
class Profile:
    """Losses along a number; make it with `profile`.

    values: of the number `name`, increasing, (n,), that of the fit among them; u: coordinates, (n, size)
    losses: the smallest with it held, (n,), nan where nothing was found
    interval: where the loss rises by no more than the chi-squared quantile of `level`, 3.84 for .95; an end that was not found is the bound
    """

    fit: Fit
    name: str
    values: np.ndarray
    losses: np.ndarray
    u: np.ndarray
    interval: tuple[float, float]
    level: float

    @property
    def rises(self) -> np.ndarray:
        """Losses above the smallest one, (n,)."""
        return self.losses - np.nanmin(self.losses)

    @property
    def status(self) -> str:
        """ "ok", or that the fit was no minimum."""
        below = self.fit.loss - float(np.nanmin(self.losses))
        found = (
            f"a loss smaller by {below:.3g} than that of the fit was found: fit with more starts"
        )
        return "ok" if below <= LOWER * (1 + abs(self.fit.loss)) else found

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
                "status": self.status,
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
            "status": self.status,
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
    """Minimise the loss, priors included, over everything else with one number held, at several of its values.

    name: an unknown or motif coefficient of the fit; values: at which; by default `points` of them over `span` local standard errors to both sides,
    on the number's own scale. The number is held exactly: steps of Levenberg and Marquardt's method, at most `steps` at each value, stay on the
    surface where it has this value. Each search starts from the neighbour's minimum: branches of other starts are not looked for.
    level: of the interval, where the loss rises by the quantile of chi-squared with one degree of freedom (Wilks); its ends are looked for
    beyond the values where needed, up to 2^6 times as far.

    Raises `ParameterError` for a name that the fit does not have, and values out of its bounds.
    """
    coordinates = fit.problem.coordinates
    if name not in coordinates.names:
        raise ParameterError(
            f"there is no parameter {name!r} in the fit: there are {', '.join(coordinates.names)}"
        )
    if points < 2 or not span > 0 or not 0 < level < 1 or steps < 1:
        raise ParameterError(
            f"points = {points} must be at least 2, span = {span} and steps = {steps} positive, level = {level} between 0 and 1"
        )
    say = progress or (lambda what, part: None)
    held = Held(fit.problem, name, steps)
    start = Point(held.at(fit.u), np.array(fit.u), np.array(fit.minima.states[0]), fit.loss)
    width = _width(fit, name, held.scale)
    wanted = (
        start.t + np.linspace(-span, span, points) * width
        if values is None
        else _checked(values, name, held.scale)
    )
    count = len(wanted) + 2
    sides: list[list[Point]] = []
    for sign in (-1, 1):
        own = np.sort(wanted[sign * (wanted - start.t) > 1e-9 * width] * sign) * sign
        line = [start]
        for t in own:
            line.append(held.minimum(line[-1], float(t)))
            say(
                f"{name} = {float(held.scale.backward(t)):.4g}: loss {line[-1].loss:.5g}",
                (sum(len(own) for own in sides) + len(line)) / count,
            )
        sides.append(line)
    best = min(point.loss for line in sides for point in line if np.isfinite(point.loss))
    target = best + float(stats.chi2.ppf(level, 1))
    say("ends of the interval", (count - 1) / count)
    ends = [
        _end(held, line, target, sign * span * width)
        for line, sign in zip(sides, (-1, 1), strict=True)
    ]
    line = [*sides[0][:0:-1], *sides[1]]
    return Profile(
        fit,
        name,
        np.array([float(held.scale.backward(p.t)) for p in line]),
        np.array([p.loss for p in line]),
        np.array([p.u for p in line]),
        (ends[0], ends[1]),
        level,
    )


class Held:
    """Minima of the loss where one number, by name, has a value that is given on its scale."""

    def __init__(self, problem: Problem, name: str, steps: int):
        self.problem, self.steps = problem, steps
        self.scale = problem.coordinates.scale(name)
        k = problem.coordinates.names.index(name)
        self._value = jax.jit(lambda u: self.scale.forward(problem.coordinates.values(u)[k]))
        self._slope = jax.jit(
            jax.grad(lambda u: self.scale.forward(problem.coordinates.values(u)[k]))
        )

    def at(self, u: Float[np.ndarray, " n"]) -> float:
        """The number on its scale."""
        return float(self._value(jnp.asarray(u)))

    def minimum(self, start: Point, t: float) -> Point:
        """From a neighbour, first along the valley of the loss to the surface, then down on it."""
        J = self._jacobian(start.u, start.states)
        a = np.asarray(self._slope(jnp.asarray(start.u)))
        H = J.T @ J
        way = np.linalg.solve(H + 1e-9 * (np.trace(H) + 1) * np.eye(len(a)), a)
        point = self._looked(
            self._onto(start.u + way * (t - start.t) / (a @ way), t), start.states, t
        )
        if not np.isfinite(point.loss):
            point = self._looked(self._onto(start.u, t), start.states, t)
        return self._down(point) if np.isfinite(point.loss) else point._replace(states=start.states)

    def _down(self, point: Point) -> Point:
        damping, accepted = 1e-3, True
        for _ in range(self.steps):
            if accepted:
                J, a = (
                    self._jacobian(point.u, point.states),
                    np.asarray(self._slope(jnp.asarray(point.u))),
                )
                along = np.linalg.svd(a[None], full_matrices=True)[2][1:].T
                slope, H = along.T @ (J.T @ self._residuals(point)), along.T @ (J.T @ J) @ along
            step = -np.linalg.solve(
                H + damping * np.diag(np.maximum(np.diag(H), 1e-9 * (np.trace(H) + 1))), slope
            )
            falls = -(2 * slope @ step + step @ H @ step)
            if not falls > 1e-10 * (1 + point.loss):
                break
            trial = self._looked(self._onto(point.u + along @ step, point.t), point.states, point.t)
            accepted = bool(trial.loss < point.loss)
            point, damping = (trial, damping / 5) if accepted else (point, damping * 4)
        return point

    def _onto(self, u: np.ndarray, t: float) -> np.ndarray:
        """The nearest coordinates at which the number has the value."""
        for _ in range(20):
            left = t - self.at(u)
            if not abs(left) > 1e-11 * (1 + abs(t)):
                break
            a = np.asarray(self._slope(jnp.asarray(u)))
            if not 1e-12 < a @ a < np.inf:  # a motif at the largest value that the others allow
                break
            u = u + a * left / (a @ a)
        return u

    def _looked(self, u: np.ndarray, states: np.ndarray, t: float) -> Point:
        residuals, outcome = self.problem.compiled(jnp.asarray(u), jnp.asarray(states))
        loss = (
            float(jnp.sum(residuals**2))
            if abs(self.at(u) - t) <= HELD * (1 + abs(t))
            else float("nan")
        )
        return Point(t, u, np.asarray(outcome.states) if np.isfinite(loss) else states, loss)

    def _residuals(self, point: Point) -> np.ndarray:
        return np.asarray(self.problem.compiled(jnp.asarray(point.u), jnp.asarray(point.states))[0])

    def _jacobian(self, u: np.ndarray, states: np.ndarray) -> np.ndarray:
        return np.asarray(self.problem.jacobian(jnp.asarray(u), jnp.asarray(states)))


def _width(fit: Fit, name: str, scale: Scale) -> float:
    """A local standard error on the scale; 1, or the size of a number without bounds, where that is infinite."""
    value = fit.values[name]
    error = identifiability(fit).standard_errors()[name] * scale.slope(value)
    return (
        float(error)
        if np.isfinite(error)
        else 1.0
        if np.isfinite(scale.low) or np.isfinite(scale.high)
        else max(abs(value), 1.0)
    )


def _checked(values: Sequence[float], name: str, scale: Scale) -> np.ndarray:
    given = np.asarray(values, dtype=float)
    if given.ndim != 1 or not np.all((given > scale.low) & (given < scale.high)):
        raise ParameterError(
            f"values of {name} must be a list of numbers between its bounds {scale.low:g} and {scale.high:g}: {values!r}"
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
    base = line[0].loss
    for _ in range(REFINEMENTS):
        # the root of the rise is nearly linear in the distance
        part = 0.5
        if np.isfinite(outside.loss):
            ends = [np.sqrt(max(p.loss - base, 0.0)) for p in (inside, outside)]
            part = float(
                np.clip(
                    (np.sqrt(max(target - base, 0.0)) - ends[0]) / max(ends[1] - ends[0], 1e-300),
                    0.02,
                    0.98,
                )
            )
        point = held.minimum(inside, inside.t + part * (outside.t - inside.t))
        if abs(point.loss - target) <= CLOSE * (target - base):
            inside = point
            break
        inside, outside = (point, outside) if point.loss < target else (inside, point)
    return float(held.scale.backward(inside.t))
