"""How input currents and rates are distributed within populations, at any state of the equations.

Currents are normal, x ~ N(K, Delta), or normal within each component of the strengths,
x ~ N(K + shift_m, Delta_m) with weight pi_m; rates are phi(x).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..averages import legendre_panels
from ..parameters import Parameters
from ..system import System, given_state
from .currents import Cloud

REACH, PANELS, MOST_PANELS = 9.0, 8, 512  # standard deviations; of a component's current
SETTLED = 1e-8  # of <phi'^2> and <phi^2>, relative, when halving panels ends
LEAST_VARIANCE = 1e-12  # of a component, whose neurons else have one input
FLOOR = 1e-12  # an average below this counts as this


def within(system: System, parameters: Parameters, state: Any) -> tuple[Cloud, ...]:
    """Input currents, rates and slopes of the neurons of each population.

    Args:
        system: the compiled equations, with dynamics.
        parameters: the network's numbers.
        state: of the equations, a `system.State` or a mapping by the names in results.

    Returns:
        For each population nodes and weights of its distribution, of all components together.
    """
    state = given_state(system, parameters, state)
    weight, mean, variance = components_at(system, parameters, state)
    return tuple(
        _cloud(system, parameters, p, *(v[weight[:, p] > 0, p] for v in (weight, mean, variance)))
        for p in range(parameters.P)
    )


def components_at(system: System, parameters: Parameters, state: Any) -> tuple[np.ndarray, ...]:
    """Weights, means and variances of the components of the currents, (M, P) each."""
    coefficients, K = system.coefficients(parameters), np.asarray(state.K)
    if parameters.strengths is None:
        variance = np.asarray(system.module.variance(state, coefficients))
        return np.ones((1, parameters.P)), K[None], variance[None]
    shift, variance = system.module.components(state, coefficients)
    weight = np.asarray(parameters.strengths.weight)
    return weight, K + np.asarray(shift), np.asarray(variance)


def rate_sd(clouds: Sequence[Cloud]) -> np.ndarray:
    """Standard deviation of the rates across the neurons of each population, (P,)."""
    means = [c.average(c.rates) for c in clouds]
    squares = [c.average((c.rates - m) ** 2) for c, m in zip(clouds, means, strict=True)]
    return np.sqrt(np.array(squares))


def rate_quantiles(clouds: Sequence[Cloud], levels: Sequence[float]) -> np.ndarray:
    """Quantiles of the rates across the neurons of each population, (P, levels).

    Args:
        clouds: of `within`.
        levels: between 0 and 1.
    """
    found = []
    for c in clouds:
        order = np.argsort(c.rates, kind="stable")
        below = np.cumsum(c.weights[order])
        middle = (below - c.weights[order] / 2) / below[-1]
        found.append(np.interp(levels, middle, c.rates[order]))
    return np.array(found)


def _cloud(
    system: System,
    parameters: Parameters,
    p: int,
    weight: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
) -> Cloud:
    width = np.sqrt(np.maximum(variance, LEAST_VARIANCE))[:, None]
    panels, before = PANELS, np.full(2, np.nan)
    while True:
        z, own = (v.ravel() for v in legendre_panels(np.linspace(-REACH, REACH, panels + 1)))
        own = own * np.exp(-(z**2) / 2)
        rates, slopes = system.sampled(mean[:, None] + width * z, p, parameters)
        weights = np.outer(weight, own / own.sum())
        sums = np.array([np.sum(weights * v**2) for v in (rates, slopes)])
        close = np.abs(sums - before) <= SETTLED * np.maximum(sums, FLOOR)
        if np.all(close) or panels >= MOST_PANELS:
            t = np.broadcast_to(z / width, rates.shape)
            flat = (weights.ravel(), t.ravel(), rates.ravel(), slopes.ravel())
            return Cloud(*flat, float(np.mean(variance)))
        before, panels = sums, 2 * panels
