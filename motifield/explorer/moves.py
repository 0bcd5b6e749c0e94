"""What a page shows at once: programs that are compiled, with numbers as their arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import MotifieldError
from ..numerics.distributions import rate_quantiles, within
from ..numerics.fixed_points import FixedPoint, fixed_point, same_root
from ..numerics.parameters import Parameters, unexplained_moments
from ..numerics.stability import Stability, stability
from ..numerics.system import Autonomous, Trajectory, Units, integrate
from .subject import Subject

MOST_POINTS = 7  # fixed points that are moved along
TIMES = 200  # of a time course, evenly: what a picture shows
PRECISION = {"rtol": 1e-5, "atol": 1e-7}  # of a time course, finer than a picture
LEVELS: list[float] = (
    (np.arange(1000) + 0.5) / 1000
).tolist()  # of quantiles of rates: 1000 neurons of one share each
BEYOND_ROUNDING = 1e-12  # of reciprocity that the residual has


@dataclass(frozen=True, eq=False)
class Moved:
    """What is known at once at a position of the sliders.

    Args:
        values: of the sliders.
        parameters: the network's numbers.
        course: from the initial state.
        points: fixed points that Newton's method reached from those known before, by mean rate.
        lost: how many of those known before lead nowhere, or to one point.
        shown: the fixed point that spectrum and rates are of; None without points.
        rates: of `LEVELS` of the neurons of each population there, (P, levels).
        answer: spectrum of the network there, where it takes no longer than the rest.
    """

    values: tuple[float, ...]
    parameters: Parameters
    course: Trajectory
    points: tuple[FixedPoint, ...]
    lost: int
    shown: FixedPoint | None
    rates: np.ndarray | None
    answer: Stability | None

    @property
    def number(self) -> int:
        """Which of the points is shown, from 1; 0 without one."""
        return next((k for k, p in enumerate(self.points, 1) if p is self.shown), 0)


def moved(subject: Subject, values: Sequence[float], known: Sequence[FixedPoint]) -> Moved:
    """What is shown at once.

    Args:
        subject: the network.
        values: of the sliders, at which a network has the numbers.
        known: fixed points nearby, from which Newton's method starts.

    Returns:
        Fixed points, time course, rates, and the spectrum where it is quick.
    """
    own = subject.at(values)
    course = time_course(subject, own)
    points = _followed(subject, own, known)
    shown = nearest_end(course, points)
    rates = None if shown is None else rates_at(subject, own, shown)
    answer = None
    if shown is not None and is_quick(subject, own):
        answer = stability(subject.system, own, shown)
    lost = len(known) - len(points)
    return Moved(tuple(values), own, course, points, lost, shown, rates, answer)


def with_points(subject: Subject, before: Moved, points: Sequence[FixedPoint]) -> Moved:
    """The same with all fixed points, once these are known."""
    own = before.parameters
    shown = nearest_end(before.course, points)
    rates = None if shown is None else rates_at(subject, own, shown)
    answer = None
    if shown is not None and is_quick(subject, own):
        answer = stability(subject.system, own, shown)
    course, kept = before.course, tuple(points)[:MOST_POINTS]
    return Moved(before.values, own, course, kept, 0, shown, rates, answer)


def time_course(subject: Subject, parameters: Parameters) -> Trajectory:
    """From the initial state; one that diverges or takes too many steps says so in its status."""
    options: dict[str, Any] = {**(subject.settings or {}), **PRECISION}
    return integrate(
        subject.system,
        parameters,
        subject.t1,
        initial=subject.initial,
        saveat=TIMES,
        throw=False,
        **options,
    )


def rates_at(subject: Subject, parameters: Parameters, point: FixedPoint) -> np.ndarray:
    """Quantiles of the neurons' rates in each population at `LEVELS`, (P, levels)."""
    return rate_quantiles(within(subject.system, parameters, point.state), LEVELS)


def is_quick(subject: Subject, parameters: Parameters) -> bool:
    """Whether the spectrum is a disc and one eigenvalue problem: milliseconds, and not seconds."""
    if np.any(np.asarray(parameters.noise) > 0):
        return False
    if not Units.of(subject.system.mean_field.architecture, parameters).is_plain:
        return False
    _, B = unexplained_moments(parameters)
    return not np.any(np.abs(B[np.isfinite(B)]) > BEYOND_ROUNDING)


def nearest_end(course: Trajectory, points: Sequence[FixedPoint]) -> FixedPoint | None:
    """The fixed point nearest to where the course ends, in means and deviations of the inputs."""
    if not points:
        return None
    values = course.numbers
    end = _place(values["mean"][-1], values["variance"][-1])
    if not np.all(np.isfinite(end)):
        return next((p for p in points if p.stable), points[0])
    places = [_place(p.numbers["mean"], p.numbers["variance"]) for p in points]
    return points[int(np.argmin([np.max(np.abs(place - end)) for place in places]))]


def _place(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return np.concatenate([mean, np.sqrt(np.maximum(variance, 0.0))])


def _followed(
    subject: Subject, parameters: Parameters, known: Sequence[FixedPoint]
) -> tuple[FixedPoint, ...]:
    """Where Newton's method ends from each of the known points, each end once, by mean rate."""
    model = Autonomous(subject.system, parameters.P)
    found: list[FixedPoint] = []
    for point in known[:MOST_POINTS]:
        try:
            own = fixed_point(subject.system, parameters, point.state, settle=0.0, throw=False)
        except MotifieldError:
            continue  # counted among the lost; the search says what is wrong
        y = np.asarray(model.flat(own.state))
        others = (np.asarray(model.flat(other.state)) for other in found)
        if own.converged and not any(same_root(y, other) for other in others):
            found.append(own)
    return tuple(sorted(found, key=lambda p: float(p.numbers["rate"].mean())))
