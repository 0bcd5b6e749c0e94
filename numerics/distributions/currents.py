"""Nodes and weights of the distribution of input currents within a population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...errors import SolverError
from ..averages import invert, legendre_panels
from ..parameters import Parameters
from ..system import System
from .bends import breaks

REACH = 9.0  # standard deviations: beyond, the normal density is rounding
PANELS, MOST_PANELS = 8, 1024  # at first, and when a function has too fine a scale
PRECISION = 1e-10  # of the averages, relative, when halving panels ends
FLOOR = 1e-6  # averages below this count as this
LEAST_VARIANCE = 1e-8  # at less, averages differ from the function by half of it at most
FARTHEST = 1e9  # input current at which a solution of x = h + Gamma phi(x) is given up


@dataclass(frozen=True)
class Cloud:
    """The units of one population at a fixed point: x = h + feedback phi(x), h normal.

    Args:
        weights: of the quadrature over h, (n,), which sum to 1.
        t: (h - mean) / variance at its nodes.
        rates: phi(x).
        slopes: phi'(x).
        variance: of h.
    """

    weights: np.ndarray
    t: np.ndarray
    rates: np.ndarray
    slopes: np.ndarray
    variance: float

    def average(self, values: np.ndarray) -> Any:
        """Over the population, along the last axis."""
        return values @ self.weights


UNIT_CLOUD = Cloud(np.ones(1), np.zeros(1), np.ones(1), np.ones(1), np.inf)


def cloud(
    system: System,
    parameters: Parameters,
    p: int,
    mean: float,
    variance: float,
    feedback: float = 0.0,
) -> Cloud:
    """Units of population p with h ~ N(mean, variance) and x = h + feedback phi_p(x).

    Gauss-Legendre panels in x, cut at the breaks of phi, are halved until <phi'>, <phi'^2> and
    <phi^2> no longer change.

    Args:
        system: the compiled equations.
        parameters: the network's numbers.
        p: position of the population.
        mean: of h.
        variance: of h; below 1e-8 it counts as 1e-8.
        feedback: Gamma_p, the gain with which a neuron feels its own rate.

    Raises:
        ParameterError: a transfer function that jumps.
        SolverError: x(h) has several values, or the panels do not suffice.
    """
    variance = max(float(variance), LEAST_VARIANCE)
    cuts = breaks(system, parameters, p)
    width = np.sqrt(variance)
    low, high = (
        _solve(system, parameters, p, mean + sign * REACH * width, feedback) for sign in (-1, 1)
    )
    inside = [b for b in cuts if low < b < high]
    panels, last, before = PANELS, None, None
    while True:
        edges = np.unique(np.concatenate([np.linspace(low, high, panels + 1), inside]))
        made = _on(system, parameters, p, edges, mean, variance, feedback)
        sums = np.array([made.average(v) for v in (made.slopes, made.slopes**2, made.rates**2)])
        if last is not None and np.all(
            np.abs(sums - before) <= PRECISION * np.maximum(np.abs(sums), FLOOR)
        ):
            return last
        last, before, panels = made, sums, 2 * panels
        if panels > MOST_PANELS:
            raise SolverError(
                f"the averages over population {parameters.populations[p]} do not settle: its "
                "transfer function varies on a scale far below the deviation "
                f"{width:.3g} of its inputs"
            )


def _on(system, parameters, p, edges, mean, variance, feedback) -> Cloud:
    x, weights = (v.ravel() for v in legendre_panels(edges))
    rates, slopes = system.sampled(x, p, parameters)
    stretch = 1 - feedback * slopes
    if np.any(stretch <= 0):
        raise SolverError(
            "x = h + Gamma phi(x) has several solutions in population "
            f"{parameters.populations[p]} (1 - Gamma phi' = {stretch.min():.3g} at x = "
            f"{x[np.argmin(stretch)]:.3g}): the cavity solution is not valid there"
        )
    offset = x - feedback * rates - mean
    density = np.exp(-(offset**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    w = weights * stretch * density
    return Cloud(w / w.sum(), offset / variance, rates, slopes, variance)


def _solve(system: System, parameters: Parameters, p: int, h: float, feedback: float) -> float:
    """x with x - feedback phi(x) = h."""
    if feedback == 0:
        return h

    def field(x: Any) -> Any:
        return x - feedback * jnp.asarray(system.transfer(jnp.asarray(x), p, parameters))

    reach = 1.0
    while not float(field(h - reach)) < h < float(field(h + reach)):
        reach *= 2
        if reach > FARTHEST:
            raise SolverError(
                f"x = h + Gamma phi(x) has no solution in population {parameters.populations[p]}: "
                f"Gamma = {feedback:.3g}"
            )
    return float(invert(field, *(jnp.asarray(v) for v in (h, h - reach, h + reach))))
