"""Nodes and weights of the distribution of input currents within a population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import sympy as sp

from ...errors import ExpressionError, ParameterError, SolverError
from ..parameters import Parameters
from ..system import System

REACH, ORDER = 9.0, 16
PANELS, MOST_PANELS, PRECISION = 8, 1024, 1e-10
LEAST_VARIANCE = 1e-8


@dataclass(frozen=True)
class Cloud:
    """The units of one population at a fixed point: x = h + feedback phi(x), h normal.

    weights: of the quadrature over h; t: (h - mean) / variance; rates: phi(x); slopes: phi'(x)
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
    """Units of population p with h ~ N(mean, variance), x = h + feedback phi_p(x): Gauss-Legendre panels in x, cut at the breaks of phi,
    halved until <phi'>, <phi'^2> and <phi^2> no longer change. Variances below 1e-8 count as 1e-8.

    Raises `ParameterError` for a transfer function that jumps, `SolverError` where x(h) has several values or the panels do not suffice.
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
            np.abs(sums - before) <= PRECISION * np.maximum(np.abs(sums), 1e-6)
        ):
            return last
        last, before, panels = made, sums, 2 * panels
        if panels > MOST_PANELS:
            raise SolverError(
                f"the averages over population {parameters.populations[p]} do not settle: its transfer function varies on a scale "
                f"far below the deviation {width:.3g} of its inputs"
            )


def _on(system, parameters, p, edges, mean, variance, feedback) -> Cloud:
    nodes, weights = np.polynomial.legendre.leggauss(ORDER)
    half = np.diff(edges)[:, None] / 2
    x = (edges[:-1, None] + half * (1 + nodes)).ravel()
    rates, slopes = map(np.asarray, system.transfer_and_slope(jnp.asarray(x), p, parameters))
    stretch = 1 - feedback * slopes
    if np.any(stretch <= 0):
        raise SolverError(
            f"x = h + Gamma phi(x) has several solutions in population {parameters.populations[p]} (1 - Gamma phi' = "
            f"{stretch.min():.3g} at x = {x[np.argmin(stretch)]:.3g}): the cavity solution is not valid there"
        )
    offset = x - feedback * rates - mean
    density = np.exp(-(offset**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    w = (half * weights).ravel() * stretch * density
    return Cloud(w / w.sum(), offset / variance, rates, slopes, variance)


def _solve(system: System, parameters: Parameters, p: int, h: float, feedback: float) -> float:
    """x with x - feedback phi(x) = h, by bisection."""
    if feedback == 0:
        return h
    reach = 1.0
    while (
        not _field(system, parameters, p, h - reach, feedback)
        < h
        < _field(system, parameters, p, h + reach, feedback)
    ):
        reach *= 2
        if reach > 1e9:
            raise SolverError(
                f"x = h + Gamma phi(x) has no solution in population {parameters.populations[p]}: Gamma = {feedback:.3g}"
            )
    low, high = h - reach, h + reach
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if _field(system, parameters, p, middle, feedback) < h else (low, middle)
        )
    return (low + high) / 2


def _field(system: System, parameters: Parameters, p: int, x: float, feedback: float) -> float:
    return x - feedback * float(system.transfer(jnp.asarray(float(x)), p, parameters))


def breaks(system: System, parameters: Parameters, p: int) -> list[float]:
    """Where phi_p bends. Raises `ParameterError` where it jumps: its slope is infinite there."""
    architecture = system.mean_field.architecture
    f = architecture.distinct_transfers[architecture.transfer_index(parameters.P)[p]]
    if f.function is not None:
        found = [float(b) for b in f.breaks]
    else:
        own = system.transfer_parameters(parameters)
        at = {
            s: float(np.broadcast_to(np.asarray(own[str(s)]), (parameters.P,))[p])
            for s in f.defaults
        }
        try:
            a, b = (float(v.subs(at)) for v in (f.affine.a, f.affine.b))
            found = [(float(sp.N(u.subs(at))) - b) / a for u in f.pieces.breaks] if a else []
        except ExpressionError:
            found = []
    for place in found:
        step = 1e-9 * max(1.0, abs(place))
        left, right = (
            float(system.transfer(jnp.asarray(place + sign * step), p, parameters))
            for sign in (-1, 1)
        )
        if abs(right - left) > 1e-5 * max(1.0, abs(left), abs(right)):
            raise ParameterError(
                f"the transfer function of population {parameters.populations[p]} jumps at x = {place:.4g}: its slope is "
                "infinite there, and no state is stable against the residual of the synapses"
            )
    return sorted(found)
