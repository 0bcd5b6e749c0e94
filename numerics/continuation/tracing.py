"""Follow fixed points along a number of the parameters: through folds, in both directions, onto other branches at branch points.

The curve itself is followed by jaxcont's pseudo-arclength loop (`arclength`), which was compared with AUTO. Its own detection of special points
is not used: it has none for branch points, its Lyapunov coefficient needs functions of complex numbers, and its event loop compiles for
every point. Special points are found and refined here (`special_points`), all with equations whose Jacobian is regular there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...errors import ParameterError, SolverError
from ..fixed_points import FixedPoint, FixedPoints, fixed_point, fixed_points
from ..parameters import Parameters, Scalar, scalar, violations
from ..precision import require_x64
from ..system import Autonomous, System, held
from .along import Along, Named, crossing_forms, evaluated, jacobian
from .arclength import Curve, lies_on, on_plane, trace
from .branches import Branch, Branches, branch_dataset
from .special_points import SpecialPoint, found_along, special

MOST_BRANCHES = 24
OFF_BRANCH, AT_BRANCH = 1e-2, 1e-3


def follow(
    system: System,
    parameters: Parameters,
    vary: str | Scalar,
    *,
    bounds: tuple[float, float],
    start: Any = None,
    time: float = 0.0,
    largest_step: float = 0.02,
    most_steps: int = 600,
    progress: Callable[[str, float], None] | None = None,
) -> Branches:
    """Branches of fixed points over `bounds` of one number of the parameters, with folds, Hopf and branch points.

    vary: the number by name, such as "tau_chn[E,E,I]", "factor(motifs)", "input[E]" or "N" (see `vary`); its own value in `parameters` must lie
    within bounds. start: one or several fixed points of `parameters` (default: all of `fixed_points`); each is followed in both
    directions, and branches that two of them share are kept once. Where another curve crosses, it is followed too. Inputs are held
    at their values at `time`. largest_step: in arclength, states in units of their size and the number in units of the bounds' width;
    most_steps: of one branch in one direction.

    Branches are found from the starts: one that is not connected to any of them is not seen. Statistics that no network can have are
    followed and marked (`feasible`), so are negative variances (`physical`). Raises `ParameterError` for names and bounds, `SolverError`
    when a start is no fixed point.
    """
    require_x64()
    system.refuse_static("stability along a branch, or Hopf points")
    system.check(parameters)
    own = held(system.complete(parameters), time)
    number = scalar(vary, own)
    value = number.get(own)
    check_bounds(number.name, bounds, value)
    start = fixed_points(system, own) if start is None else start
    states = starting_states(system, own, start)
    along = along_of(system, own, (number,), (bounds,), states)
    say = progress or (lambda what, part: None)
    search = _Search(
        system, along, number.name, (float(bounds[0]), float(bounds[1])), largest_step, most_steps
    )
    if isinstance(start, FixedPoints) and start.status != "ok":
        search.notes.append(f"of the fixed points to start from: {start.status}")
    for k, y in enumerate(states):
        say(f"fixed point {k + 1} of {len(states)}", k / len(states))
        search.both(along.point(y, [value]), f"fixed point at {number.name} = {value:g}")
    say("branch points", 0.9)
    search.switch()
    return search.result()


def check_bounds(name: str, bounds: Any, value: float | None) -> None:
    """Raise `ParameterError` unless bounds are two increasing numbers that hold the value."""
    if len(bounds) != 2 or not np.all(np.isfinite(bounds)) or not bounds[0] < bounds[1]:
        raise ParameterError(f"bounds of {name} are two increasing numbers: {bounds!r}")
    if value is not None and not bounds[0] <= value <= bounds[1]:
        raise ParameterError(
            f"{name} = {value:g} here, outside of the bounds {bounds[0]:g} to {bounds[1]:g}: widen them, or change the parameters"
        )


def two_numbers(vary: Sequence[str | Scalar], own: Parameters) -> tuple[Scalar, Scalar]:
    """Two different numbers of the parameters. Raises `ParameterError`."""
    first, second = (scalar(name, own) for name in vary)
    if first.name == second.name:
        raise ParameterError(f"two different numbers are needed, not {first.name!r} twice")
    return first, second


def along_of(
    system: System,
    own: Parameters,
    numbers: Sequence[Scalar],
    bounds: Sequence[tuple[float, float]],
    states: Sequence[Any],
) -> Along:
    """The equations along the numbers, scaled by the size of the states."""
    size = np.max(np.abs(np.array(states)), axis=0)
    scale = np.maximum(size, 0.1 * max(size.max(), 0.1))
    low, high = np.array(bounds, dtype=float).T
    return Along(
        Autonomous(system, own.P),
        tuple(Named(n) for n in numbers),
        own,
        jnp.asarray(low),
        jnp.asarray(high - low),
        jnp.asarray(scale),
    )


def starting_states(system: System, parameters: Parameters, start: Any) -> list[np.ndarray]:
    """States of the given fixed points, as vectors, polished."""
    model = Autonomous(system, parameters.P)
    given = (
        [start] if isinstance(start, FixedPoint) or not isinstance(start, Sequence) else list(start)
    )
    found = []
    for point in given:
        first = point.state if hasattr(point, "state") else point
        polished = fixed_point(system, parameters, first, settle=0.0)
        if not polished.residual < 1e-9:
            raise SolverError(
                f"a start is no fixed point of these parameters: Newton's method ends with a residual of {polished.residual:.3g}"
            )
        found.append(np.asarray(model.flat(polished.state)))
    if not found:
        raise SolverError("there is no fixed point to start from")
    return found


class _Search:
    """Branches found so far, and how to find more."""

    def __init__(
        self,
        system: System,
        along: Along,
        name: str,
        bounds: tuple[float, float],
        largest: float,
        most: int,
    ):
        self.system, self.along, self.name, self.bounds = system, along, name, bounds
        self.largest, self.most = largest, most
        self.branches: list[Branch] = []
        self.special: list[SpecialPoint] = []
        self.notes: list[str] = []
        self.feasible = _Feasible(along)

    def inside(self, x: np.ndarray) -> bool:
        return -1e-12 <= x[-1] <= 1 + 1e-12

    def known(self, x: np.ndarray) -> bool:
        return any(lies_on(self.along, x, b.points) for b in self.branches)

    def both(self, x: np.ndarray, origin: str) -> None:
        """The branch through a point, in both directions, unless it is known."""
        if self.known(x):
            return
        axis = np.zeros(len(x))
        axis[-1] = 1.0
        sides = [self.one(x, axis)]
        if sides[0].ended != "closed":
            sides.append(self.one(x, -axis))
            back = sides[1]
            joined = Curve(
                np.concatenate([back.points[::-1], sides[0].points]),
                np.concatenate([-back.tangents[::-1], sides[0].tangents]),
                "",
            )
            keep = np.concatenate(
                [[True], np.linalg.norm(np.diff(joined.points, axis=0), axis=1) > 1e-13]
            )
            self.add(
                joined.points[keep], joined.tangents[keep], (back.ended, sides[0].ended), origin
            )
        else:
            self.add(sides[0].points, sides[0].tangents, ("closed", "closed"), origin)

    def one(self, x: np.ndarray, direction: np.ndarray, first: bool = True) -> Curve:
        """The branch from a point in one direction, cut at the bounds."""
        small = min(0.25 * self.largest, 0.005)
        curve = trace(
            self.along,
            x,
            direction,
            inside=self.inside,
            step=small,
            largest=self.largest,
            most=self.most,
            first=first,
        )
        if curve.ended == "left":
            return self._cut(curve)
        return curve

    def _cut(self, curve: Curve) -> Curve:
        """The last point moved back to the bound."""
        points, tangents = curve.points.copy(), curve.tangents
        bound = float(np.clip(points[-1, -1], 0, 1))
        if len(points) < 2:
            return Curve(points[:0], tangents[:0], "bounds")
        axis = np.zeros(points.shape[1])
        axis[-1] = 1.0
        gap = points[-1, -1] - points[-2, -1]
        guess = (
            points[-2] + (bound - points[-2, -1]) / gap * (points[-1] - points[-2])
            if gap
            else points[-1]
        )
        guess[-1] = bound
        x, _, good = on_plane(self.along, guess, guess, axis)
        if not good or np.linalg.norm(x - guess) > self.largest:
            return Curve(points[:-1], tangents[:-1], "bounds")
        points[-1] = x
        return Curve(points, tangents, "bounds")

    def add(
        self, points: np.ndarray, tangents: np.ndarray, ended: tuple[str, str], origin: str
    ) -> None:
        """A branch with its special points."""
        number = len(self.branches)
        if len(points) < 2:
            self.notes.append(f"a branch from the {origin} could not be followed")
            return
        jacobians, seen = evaluated(self.along, points)
        scale = np.asarray(self.along.scale)
        eigenvalues = np.linalg.eigvals(
            jacobians[:, :, : self.along.n] * scale[None, :, None] / scale[None, None, :]
        )
        eigenvalues = np.take_along_axis(
            eigenvalues, np.argsort(-eigenvalues.real, axis=1, kind="stable"), axis=1
        )
        values = np.asarray(self.along.low)[0] + np.asarray(self.along.width)[0] * points[:, -1]
        feasible = np.array([self.feasible(v) for v in values])
        data = branch_dataset(self.system, self.along, points, eigenvalues, seen, feasible)
        self.branches.append(Branch(data, points, tangents, ended, origin))
        found = found_along(
            self.along, points, tangents, jacobians, eigenvalues, seen["variance"], number
        )
        if (
            ended[0] == "branch point"
        ):  # where a pitchfork's branch leaves, the sign of its tangent is rounding
            first = np.linalg.norm(points[1] - points[0])
            found = [
                s for s in found if s.kind != "fold" or np.linalg.norm(s.point - points[0]) > first
            ]
        self.special += found + self._limits(points, feasible, number)
        for s in found:
            if s.status != "ok":
                self.notes.append(f"{s.kind} near {self.name} = {s.value:.6g}: {s.status}")
        for end, k in zip(ended, (0, -1), strict=True):
            if end in ("steps", "stalled"):
                reason = (
                    f"{self.most} steps were not enough"
                    if end == "steps"
                    else "no further point was found"
                )
                self.notes.append(
                    f"branch {number} ends at {self.name} = {values[k]:.6g}: {reason}"
                )

    def _limits(self, points: np.ndarray, feasible: np.ndarray, number: int) -> list[SpecialPoint]:
        """Where the statistics stop being those of a network."""
        found = []
        axis = np.zeros(points.shape[1])
        axis[-1] = 1.0
        for k in np.flatnonzero(feasible[:-1] != feasible[1:]):
            s = self.feasible.border(points[k, -1], points[k + 1, -1])
            part = (s - points[k, -1]) / (points[k + 1, -1] - points[k, -1])
            guess = points[k] + part * (points[k + 1] - points[k])
            x, residual, good = on_plane(self.along, guess, guess, axis)
            found.append(
                special(
                    self.along,
                    "infeasible",
                    x if good else guess,
                    number,
                    residual,
                    good,
                    condition=self.feasible.reason(s),
                )
            )
        return found

    def switch(self) -> None:
        """The curves that cross at every branch point, unless they are known."""
        done = 0
        while done < len(self.special):
            point = self.special[done]
            done += 1
            if point.kind != "branch point" or point.status != "ok":
                continue
            if len(self.branches) >= MOST_BRANCHES:
                self.notes.append(
                    f"more than {MOST_BRANCHES} branches: not every branch point was followed"
                )
                return
            for direction in crossing_directions(self.along, point.point, point.info["left"]):
                for sign in (1.0, -1.0):
                    self._off(point, sign * direction)

    def _off(self, point: SpecialPoint, direction: np.ndarray) -> None:
        x, _, good = on_plane(
            self.along,
            point.point + OFF_BRANCH * direction,
            point.point + OFF_BRANCH * direction,
            direction,
        )
        if (
            not good
            or np.linalg.norm(x - point.point) > 3 * OFF_BRANCH
            or not self.inside(x)
            or self.known(x)
        ):
            return
        curve = self.one(x, direction)
        points, tangents = (
            np.vstack([point.point, curve.points]),
            np.vstack([direction, curve.tangents]),
        )
        self.add(
            points,
            tangents,
            ("branch point", curve.ended),
            f"branch point at {self.name} = {point.value:.6g}",
        )

    def result(self) -> Branches:
        special = self._once()
        return Branches(
            self.name,
            self.bounds,
            tuple(self.branches),
            tuple(special),
            tuple(self.notes),
            self.along,
            self.system,
        )

    def _once(self) -> list[SpecialPoint]:
        """Each special point once, though several branches pass it. A branch that leaves a pitchfork turns there: that is no fold of its own."""
        kept: list[SpecialPoint] = []
        crossings = [s.point for s in self.special if s.kind == "branch point"]
        for s in self.special:
            if s.kind == "fold" and any(np.linalg.norm(s.point - x) < AT_BRANCH for x in crossings):
                continue
            if not any(s.kind == k.kind and np.linalg.norm(s.point - k.point) < 1e-6 for k in kept):
                kept.append(s)
        return kept


def crossing_directions(along: Along, x: np.ndarray, left: np.ndarray) -> list[np.ndarray]:
    """Unit tangents of the two curves that cross at a branch point: w.F(t, t) = 0 for t in the null space of the Jacobian."""
    first, second = np.linalg.svd(jacobian(along, x))[2][-2:]
    a, b, c = (
        float(v)
        for v in crossing_forms(
            along, jnp.asarray(x), jnp.asarray(left), jnp.asarray(first), jnp.asarray(second)
        )
    )
    form = np.array([[a, b], [b, c]])
    roots, vectors = np.linalg.eigh(form)
    if roots[0] * roots[1] >= 0:
        return []
    ratio = np.sqrt(-roots[0] / roots[1])
    return [
        np.stack([first, second], axis=1)
        @ (vectors @ np.array([1.0, sign * ratio]) / np.hypot(1, ratio))
        for sign in (1, -1)
    ]


class _Feasible:
    """Whether a network can have the statistics at a value; the same for all branches, so that neighbours on a grid answer for what lies between."""

    def __init__(self, along: Along, intervals: int = 64):
        self.along = along
        self.grid = np.linspace(0, 1, intervals + 1)
        self.there = np.array([not self._violations(s) for s in self.grid])
        self.borders = {
            int(k): self._bisect(self.grid[k], self.grid[k + 1])
            for k in np.flatnonzero(self.there[:-1] != self.there[1:])
        }

    def _violations(self, s: float):
        value = np.asarray(self.along.low)[0] + np.asarray(self.along.width)[0] * s
        return violations(self.along.at([value]))

    def _bisect(self, a: float, b: float) -> float:
        good = not self._violations(a)
        for _ in range(40):
            middle = 0.5 * (a + b)
            a, b = (middle, b) if (not self._violations(middle)) == good else (a, middle)
        return 0.5 * (a + b)

    def __call__(self, value: float) -> bool:
        s = float(
            np.clip((value - np.asarray(self.along.low)[0]) / np.asarray(self.along.width)[0], 0, 1)
        )
        k = min(int(s * (len(self.grid) - 1)), len(self.grid) - 2)
        return bool(
            self.there[k] if k not in self.borders or s < self.borders[k] else self.there[k + 1]
        )

    def border(self, a: float, b: float) -> float:
        """The border between two values."""
        inside = [s for s in self.borders.values() if min(a, b) <= s <= max(a, b)]
        return inside[0] if inside else 0.5 * (a + b)

    def reason(self, s: float) -> str:
        """Which condition fails beyond a border."""
        broken = self._violations(s - 1e-6) or self._violations(s + 1e-6)
        return str(broken[0].condition) if broken else ""
