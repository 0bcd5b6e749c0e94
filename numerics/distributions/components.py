"""How input currents and rates are distributed within populations, at any state of the equations.

Currents are normal, x ~ N(K, Delta), or normal within each component of the strengths,
x ~ N(K + shift_m, Delta_m) with weight pi_m; rates are phi(x).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...late import xr
from ..averages import legendre_panels
from ..parameters import Parameters
from ..system import System, given_state
from .currents import Cloud

REACH, PANELS, FINE, MOST_PANELS = 9.0, 8, 64, 512  # standard deviations; of a component's current
SETTLED = 1e-8  # of <phi'^2> and <phi^2>, relative, when halving panels ends
LEAST_WIDTH = 1e-6  # by which deviations of a component are divided, whose neurons may be equal
LEVELS = (0.1, 0.5, 0.9)  # of quantiles
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


def joined(system: System, parameters: Parameters, state: Any) -> xr.Dataset:
    """Classes of a population put together again, which `split_by_strength` has made.

    A population is the mixture of its classes: variances are those within classes and of their
    means.

    Args:
        system: the compiled equations of all classes.
        parameters: of all classes, populations "E/1", "E/2", ...
        state: of the equations, as `within` takes it.

    Returns:
        Over population, "E", ...: `mean` and `variance` of the input currents, `rate` and
        `rate_sd` of the rates, and `rate_quantile` over level too.

    Source: docs/theory.md, section 6.3.
    """
    state = given_state(system, parameters, state)
    clouds = within(system, parameters, state)
    own, sizes = [n.rpartition("/")[0] or n for n in parameters.populations], parameters.sizes
    mean = np.asarray(state.K)
    variance = np.asarray(system.module.variance(state, system.coefficients(parameters)))
    rows = []
    for name in dict.fromkeys(own):
        members = [k for k, other in enumerate(own) if other == name]
        w = np.array([sizes[k] for k in members], dtype=float)
        w /= w.sum()
        centre = w @ mean[members]
        whole = _together([clouds[k] for k in members], w)
        rows.append(
            (
                centre,
                w @ (variance[members] + (mean[members] - centre) ** 2),
                whole.average(whole.rates),
                rate_sd([whole])[0],
                rate_quantiles([whole], LEVELS)[0],
            )
        )
    names = ("mean", "variance", "rate", "rate_sd")
    data: dict[str, Any] = {n: (("population",), [r[k] for r in rows]) for k, n in enumerate(names)}
    data["rate_quantile"] = (("population", "level"), np.array([row[4] for row in rows]))
    return xr.Dataset(data, {"population": list(dict.fromkeys(own)), "level": list(LEVELS)})


def _together(clouds: Sequence[Cloud], weights: np.ndarray) -> Cloud:
    """The mixture of several distributions."""
    parts = [w * c.weights for w, c in zip(weights, clouds, strict=True)]
    t, rates, slopes = (
        np.concatenate([getattr(c, n) for c in clouds]) for n in ("t", "rates", "slopes")
    )
    variance = float(np.mean([c.variance for c in clouds]))
    return Cloud(np.concatenate(parts), t, rates, slopes, variance)


def _cloud(
    system: System,
    parameters: Parameters,
    p: int,
    weight: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
) -> Cloud:
    width = np.sqrt(np.maximum(variance, 0))[:, None]
    divisor = np.maximum(width, LEAST_WIDTH)
    # quantiles are read between nodes, which many components together set closely
    panels, before = max(PANELS, FINE // len(weight)), np.full(2, np.nan)
    while True:
        z, own = (v.ravel() for v in legendre_panels(np.linspace(-REACH, REACH, panels + 1)))
        own = own * np.exp(-(z**2) / 2)
        rates, slopes = system.sampled(mean[:, None] + width * z, p, parameters)
        weights = np.outer(weight, own / own.sum())
        sums = np.array([np.sum(weights * v**2) for v in (rates, slopes)])
        close = np.abs(sums - before) <= SETTLED * np.maximum(sums, FLOOR)
        if np.all(close) or panels >= MOST_PANELS:
            t = np.broadcast_to(z / divisor, rates.shape)
            w, t, rates, slopes = (v.ravel() for v in (weights, t, rates, slopes))
            return Cloud(w, t, rates, slopes, float(np.mean(variance)))
        before, panels = sums, 2 * panels
