"""The search for branches: both directions, ends at the bounds, curves that cross."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from ..fixed_points import same_root
from ..system import System
from .along import Along, evaluated, jacobian
from .arclength import Curve, lies_on, on_plane, trace
from .branches import Branch, Branches, branch_dataset
from .bulk import gains_at, marked, onsets
from .equations import crossing_forms
from .feasible_range import Feasible
from .special_points import SpecialPoint, found_along, special
from .steps import Steps

MOST_BRANCHES = 24  # symmetric networks have branch points without end
OFF_BRANCH = (
    1e-2  # how far from a branch point another branch is entered: beyond Newton's reach back
)
AT_BRANCH = 1e-3  # a fold this near to a branch point is the turn of a pitchfork's branch
FIRST_STEP = 0.005  # at most; later steps adapt


def unit_axis(n: int) -> np.ndarray:
    """The direction of the parameter."""
    axis = np.zeros(n)
    axis[-1] = 1.0
    return axis


class BranchSearch:
    """Branches found so far, and how to find more."""

    def __init__(
        self,
        system: System,
        along: Along,
        name: str,
        bounds: tuple[float, float],
        steps: Steps,
    ):
        self.system, self.along, self.name, self.bounds = system, along, name, bounds
        self.steps = steps
        self.branches: list[Branch] = []
        self.special: list[SpecialPoint] = []
        self.notes: list[str] = []
        self.feasible = Feasible.along(along)

    def inside(self, x: np.ndarray) -> bool:
        return -1e-12 <= x[-1] <= 1 + 1e-12

    def known(self, x: np.ndarray) -> bool:
        return any(lies_on(self.along, x, b.points) for b in self.branches)

    def both(self, x: np.ndarray, origin: str) -> None:
        """The branch through a point, in both directions, unless it is known."""
        if self.known(x):
            return
        axis = unit_axis(len(x))
        ahead = self.one(x, axis)
        if ahead.ended == "closed":
            self.add(ahead.points, ahead.tangents, ("closed", "closed"), origin)
            return
        back = self.one(x, -axis)
        points = np.concatenate([back.points[::-1], ahead.points])
        tangents = np.concatenate([-back.tangents[::-1], ahead.tangents])
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        keep = np.concatenate([[True], steps > 1e-13])  # the start is in both
        self.add(points[keep], tangents[keep], (back.ended, ahead.ended), origin)

    def one(self, x: np.ndarray, direction: np.ndarray) -> Curve:
        """The branch from a point in one direction, cut at the bounds."""
        small = min(0.25 * self.steps.largest_step, FIRST_STEP)
        curve = trace(
            self.along,
            x,
            direction,
            inside=self.inside,
            step=small,
            largest=self.steps.largest_step,
            most=self.steps.most_steps,
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
        axis = unit_axis(points.shape[1])
        gap = points[-1, -1] - points[-2, -1]
        guess = (
            points[-2] + (bound - points[-2, -1]) / gap * (points[-1] - points[-2])
            if gap
            else points[-1]
        )
        guess[-1] = bound
        x, _, good = on_plane(self.along, guess, guess, axis)
        if not good or np.linalg.norm(x - guess) > self.steps.largest_step:
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
        scaled = jacobians[:, :, : self.along.n] * scale[None, :, None] / scale[None, None, :]
        eigenvalues = np.linalg.eigvals(self.along.model.of_states(scaled))
        falling = np.argsort(-eigenvalues.real, axis=1, kind="stable")
        eigenvalues = np.take_along_axis(eigenvalues, falling, axis=1)
        values = np.asarray(self.along.low)[0] + np.asarray(self.along.width)[0] * points[:, -1]
        feasible = np.array([self.feasible(v) for v in values])
        gains = self._gains(points, eigenvalues, seen)
        data = branch_dataset(self.system, self.along, points, eigenvalues, seen, feasible, gains)
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
        self.special += onsets(self.system, self.along, points, gains, number)
        for s in found:
            if not s.status.ok:
                self.notes.append(f"{s.kind} near {self.name} = {s.value:.6g}: {s.status}")
        for end, k in zip(ended, (0, -1), strict=True):
            if end in ("steps", "stalled"):
                reason = (
                    f"{self.steps.most_steps} steps were not enough"
                    if end == "steps"
                    else "no further point was found"
                )
                self.notes.append(
                    f"branch {number} ends at {self.name} = {values[k]:.6g}: {reason}"
                )

    def _gains(
        self, points: np.ndarray, eigenvalues: np.ndarray, seen: dict[str, np.ndarray]
    ) -> np.ndarray:
        """Of the bulk where the equations are stable, else NaN."""
        gains = np.full(len(points), np.nan)
        here = (eigenvalues.real < 0).all(axis=1) & (seen["variance"] >= 0).all(axis=1)
        own = {name: seen[name][here] for name in ("mean", "variance")}
        gains[here] = gains_at(self.system, self.along, points[here], own)
        return gains

    def _limits(self, points: np.ndarray, feasible: np.ndarray, number: int) -> list[SpecialPoint]:
        """Where the statistics stop being those of a network."""
        found = []
        axis = unit_axis(points.shape[1])
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
            if point.kind != "branch point" or not point.status.ok:
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

    def complete(self) -> Branches:
        """Everything found, with the branches that cross what has been followed."""
        self.switch()
        return self.result()

    def result(self) -> Branches:
        special = marked(self.system, self.along, self._once())
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
        """Each special point once, though several branches pass it.

        A branch that leaves a pitchfork turns there: that is no fold of its own.
        """
        kept: list[SpecialPoint] = []
        crossings = [s.point for s in self.special if s.kind == "branch point"]
        for s in self.special:
            if s.kind == "fold" and any(np.linalg.norm(s.point - x) < AT_BRANCH for x in crossings):
                continue
            if not any(s.kind == k.kind and same_root(s.point, k.point) for k in kept):
                kept.append(s)
        return kept


def crossing_directions(along: Along, x: np.ndarray, left: np.ndarray) -> list[np.ndarray]:
    """Unit tangents of the two curves that cross at a branch point.

    w.F(t, t) = 0 for t in the null space of the Jacobian, F the second derivative.
    """
    first, second = np.linalg.svd(jacobian(along, x))[2][-2:]
    given = (jnp.asarray(v) for v in (x, left, first, second))
    a, b, c = (float(v) for v in crossing_forms(along, *given))
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
