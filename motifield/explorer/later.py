"""What a page shows later: searches, branches, spectra with reciprocity, sampled networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import MotifieldError, SolverError
from ..numerics.continuation import Branches, follow
from ..numerics.fixed_points import fixed_points
from ..numerics.parameters import Parameters
from ..numerics.sampling import sample
from ..numerics.simulation import Simulation, simulate
from ..numerics.stability import Spectrum, Stability, spectrum, stability
from ..numerics.system import Units
from .moves import Moved, moved, with_points
from .subject import Subject

Say = Callable[[str, float], None]
LARGEST_SAMPLE = 500  # neurons: all eigenvalues within a second
LARGEST_STEP = 0.04  # of a branch, twice that of `follow`, for a small picture


@dataclass(frozen=True, eq=False)
class Overlay:
    """One sampled network beside the theory.

    Args:
        seed: of the network.
        N: its number of neurons.
        simulated: in time, from the initial state.
        rates: of the neurons at the end, one array for each population.
        spectrum: its eigenvalues where it rests; None where it does not.
        text: what is to be said of it.
    """

    seed: int
    N: int
    simulated: Simulation
    rates: tuple[np.ndarray, ...]
    spectrum: Spectrum | None
    text: str


def completed(subject: Subject, found: dict[str, Moved], say: Say) -> tuple[Moved, str]:
    """What is shown with all fixed points, and what is open about them, "" where nothing is.

    Args:
        subject: the network.
        found: what is shown so far under "now", which is then the same with all points.
        say: as `fixed_points` reports its progress.
    """
    before = found["now"]
    points = fixed_points(subject.system, before.parameters, throw=False, progress=say)
    found["now"] = with_points(subject, before, points)
    return found["now"], "" if points.status.ok else str(points.status)


def first_shown(subject: Subject) -> Moved:
    """What is shown at the start, with all fixed points: a move then compiles nothing."""
    found = {"now": moved(subject, [own.start for own in subject.sliders], ())}
    completed(subject, found, lambda text, part: None)
    now = found["now"]
    return moved(subject, now.values, now.points)


def answered(subject: Subject, found: dict[str, Moved]) -> Moved | None:
    """What is shown with the spectrum; None where it has it, or where nothing rests.

    With reciprocity, or of units that are filters, a spectrum takes longer than a move may.
    """
    before = found["now"]
    if before.answer is not None or before.shown is None:
        return None
    answer = stability(subject.system, before.parameters, before.shown)
    found["now"] = replace(before, answer=answer)
    return found["now"]


def diagram(subject: Subject, values: Sequence[float], k: int, say: Say) -> Branches:
    """Branches of fixed points along the k-th slider, the others where they stand.

    They begin at the slider's first value, which is 1 of a factor, so that they do not depend on
    where the slider stands.
    """
    own = subject.sliders[k]
    first = subject.at([*values[:k], own.start, *values[k + 1 :]])
    points = fixed_points(subject.system, first, throw=False)
    if not len(points):
        raise SolverError(
            f"there is no fixed point at {own.name} = {own.start:g} to follow: {points.status}"
        )
    return follow(
        subject.system,
        first,
        own.scalar,
        bounds=(own.low, own.high),
        initial=points,
        progress=say,
        largest_step=LARGEST_STEP,
    )


def ranges_of(
    subject: Subject, values: Sequence[float], k: int, say: Say
) -> list[tuple[float, float]]:
    """Where the k-th slider may stand while the others stand where they do."""
    return subject.ranges(values, k)


def overlay(
    subject: Subject, parameters: Parameters, seed: int, predicted: Stability | None, say: Say
) -> Overlay:
    """Sample a network with the same mean-field limit, 500 neurons at most, and simulate it.

    Raises:
        InfeasibleStatisticsError: motifs that a network of so few neurons cannot have.
    """
    N = int(min(round(float(parameters.N)), LARGEST_SAMPLE))
    own = parameters.rescaled(N)
    say("sampling", 0.0)
    network = sample(own, seed)
    say("simulating", 0.2)
    system = subject.system
    first = start_of_neurons(subject.initial)
    simulated = simulate(system, network, t1=subject.t1, initial=first, seed=seed)
    r, label = (simulated.dataset[name].values for name in ("r", "label"))
    rates = tuple(r[label == name] for name in parameters.populations)
    say("eigenvalues", 0.6)
    text, seen = f"network of {N} neurons, seed {seed}", None
    if Units.of(system.mean_field.architecture, own).is_plain and predicted is not None:
        x = simulated.dataset["x"].values
        try:
            seen = spectrum(system, network, initial=x, predicted=predicted, seed=seed)
        except MotifieldError as error:
            text += f"; it has no spectrum: {error}"
    return Overlay(seed, N, simulated, rates, seen, text)


def start_of_neurons(initial: Any) -> Any:
    """Where neurons begin: at the mean of the equations' initial state."""
    return initial.get("mean", 0.0) if isinstance(initial, dict) else 0.0
