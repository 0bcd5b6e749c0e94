"""Curves of folds and Hopf points over two parameters, with cusps and Bogdanov-Takens points.

Followed by the same pseudo-arclength loop as branches. A curve of Hopf points is followed in the
square of its frequency, so that it passes a Bogdanov-Takens point onto neutral saddles, which are
marked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
from jax.flatten_util import ravel_pytree

from ...errors import ParameterError
from ..fixed_points import same_root
from ..parameters import Parameters, Scalar
from ..system import System
from .along import Along, along_of, check_bounds, prepared, two_numbers
from .branches import Branches
from .curve_results import BifurcationCurves
from .curve_tracing import BifurcationCurve, fold_curve, hopf_curve
from .special_points import SpecialPoint
from .steps import StepOptions, Steps
from .tracing import follow

NEAR = 2e-3  # a special point this near to a known curve, in units of the bounds, lies on it
MOST_STEPS = 400  # of one curve in one direction, unless given
MERGE = 1e-5  # of special points that two curves share, in the same units


def bifurcation_curves(
    system: System,
    parameters: Parameters,
    names: tuple[str | Scalar, str | Scalar],
    *,
    bounds: tuple[tuple[float, float], tuple[float, float]],
    special: Branches | Sequence[Branches] | None = None,
    initial: Any = None,
    time: float = 0.0,
    progress: Callable[[str, float], None] | None = None,
    **steps: Unpack[StepOptions],
) -> BifurcationCurves:
    """Curves of folds and Hopf points over two parameters, followed both ways.

    They start at special points of one-parameter continuations; a curve that passes none is not
    seen. At Bogdanov-Takens points the curve of the other kind is followed too.

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers.
        names: of the two parameters that vary, as for `follow`.
        bounds: lowest and highest value of each.
        special: results of `follow` in one of the two, with the other as in `parameters`; by
            default both are run.
        initial: fixed points from which these start, by default all.
        time: when the inputs are held.
        progress: called with what is being done and the part, 0 to 1, that is done.
        steps: largest_step, in arclength, as for `follow`; most_steps, of one curve in one
            direction, 400 by default.

    Returns:
        The curves and what is special on them; the status names what could not be followed.

    Raises:
        ParameterError: unknown or equal names, or bad bounds.
        ArchitectureError: a closure of fixed points alone (`Cavity`).
    """
    chosen = replace(Steps(most_steps=MOST_STEPS), **steps)  # a TypeError names what is no option
    own = prepared(system, parameters, time, "bifurcation_curves", "curves of Hopf points", names)
    numbers = two_numbers(names, own)
    for n, limits in zip(numbers, bounds, strict=True):
        check_bounds(n.name, limits, n.get(own))
    say = progress or (lambda text, part: None)
    if special is None:
        say("branches", 0.0)
        pairs = zip(numbers, bounds, strict=True)
        special = [follow(system, own, n, bounds=ends, initial=initial) for n, ends in pairs]
    given = [special] if isinstance(special, Branches) else list(special)
    labels = (numbers[0].name, numbers[1].name)
    points = _located(given, labels)
    notes = [note for b in given for note in b.notes]
    if not points:
        notes.append("there are no folds or Hopf points to start from")
        return BifurcationCurves(labels, bounds, (), (), tuple(notes), own.populations)
    states = [np.asarray(ravel_pytree(s.state)[0]) for _, s in points]
    search = _Curves(along_of(system, own, numbers, bounds, states), notes, chosen)
    search.wait(points, states, labels, [n.get(own) for n in numbers])
    search.run(say)
    return search.result(labels, bounds)


def _located(given: list[Branches], names: tuple[str, str]) -> list[tuple[str, SpecialPoint]]:
    """The folds and Hopf points of branches, each with the name of the branches' parameter."""
    points = [
        (b.name, s) for b in given for s in b.special if s.kind in ("fold", "Hopf") and s.status.ok
    ]
    if unknown := [name for name, _ in points if name not in names]:
        raise ParameterError(
            f"the special points are along {unknown[0]}, which is none of {', '.join(names)}"
        )
    return points


class _Curves:
    """Curves found so far, and special points from which others may start."""

    def __init__(self, along: Along, notes: list[str], steps: Steps):
        self.along, self.notes, self.steps = along, notes, steps
        self.curves: list[BifurcationCurve] = []
        self.found: list[SpecialPoint] = []
        self.waiting: list[tuple[str, np.ndarray]] = []

    def wait(
        self,
        points: list[tuple[str, SpecialPoint]],
        states: list[np.ndarray],
        names: tuple[str, str],
        base: list[float],
    ) -> None:
        """Start from special points along one of the parameters, the other at its own value."""
        for (name, s), y in zip(points, states, strict=True):
            at = [s.value, base[1]] if name == names[0] else [base[0], s.value]
            self.waiting.append((s.kind, self.along.point(y, at)))

    def run(self, say: Callable[[str, float], None]) -> None:
        done = 0
        while done < len(self.waiting):
            kind, x = self.waiting[done]
            done += 1
            say(f"{kind} {done} of {len(self.waiting)}", done / (len(self.waiting) + 1))
            if not any(c.kind == kind and _near(c.points, x) for c in self.curves):
                self._follow(kind, x)

    def result(self, names: Any, bounds: Any) -> BifurcationCurves:
        notes, populations = tuple(dict.fromkeys(self.notes)), self.along.parameters.populations
        curves, found = tuple(self.curves), tuple(self.found)
        return BifurcationCurves(names, bounds, curves, found, notes, populations)

    def _follow(self, kind: str, x: np.ndarray) -> None:
        trace = fold_curve if kind == "fold" else hopf_curve
        curve, special, notes = trace(self.along, x, len(self.curves), self.steps)
        self.notes += notes
        if curve is None:
            return
        self.curves.append(curve)
        self.found += [p for p in special if not self._is_known(p)]
        # a curve of the other kind passes each Bogdanov-Takens point
        other = "Hopf" if kind == "fold" else "fold"
        double = [p for p in special if p.kind == "Bogdanov-Takens" and p.status.ok]
        self.waiting += [(other, p.point) for p in double]

    def _is_known(self, point: SpecialPoint) -> bool:
        return any(
            point.kind == p.kind and same_root(point.point, p.point, MERGE) for p in self.found
        )


def _near(points: np.ndarray, x: np.ndarray) -> bool:
    """Whether x lies on the polygon through the points."""
    a, ahead = points[:-1], np.diff(points, axis=0)
    part = np.sum((x - a) * ahead, axis=1) / np.maximum(np.sum(ahead**2, axis=1), 1e-300)
    foot = a + np.clip(part, 0, 1)[:, None] * ahead
    return bool(np.linalg.norm(foot - x, axis=1).min() < NEAR)
