"""The distribution of the input currents of neurons that feel their own rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.scipy.special import ndtr

from ...errors import ParameterError
from ..parameters import Parameters
from ..precision import require_x64
from ..results import OK, Result, Status
from ..system import System
from .point import FixedPoint

WIDTH, POINTS = 5, 401  # of the default currents: five standard deviations, smooth in a picture


@dataclass(frozen=True, repr=False, eq=False)
class CavityDistribution(Result):
    """Distribution of the input currents within each population; from `cavity_distribution`.

    Args:
        dataset: `density`, `cumulative` and `rate` over (x, population).
        status: "ok".
    """

    dataset: xr.Dataset
    status: Status = OK
    title: str = "Distribution of the input currents"


def cavity_distribution(
    system: System, parameters: Parameters, point: FixedPoint, x: Any = None
) -> CavityDistribution:
    """Density and distribution function of the input currents at a fixed point of `Cavity`.

        p(x) = (1 - Gamma phi'(x)) n(x - Gamma phi(x); m, Delta),
        P(x' < x) = Phi((x - Gamma phi(x) - m) / sqrt(Delta)),

    not normal unless Gamma = 0 or phi is linear. Quantiles of the rates are phi of those of x where
    phi rises.

    Args:
        system: equations closed by `Cavity`.
        parameters: the network's numbers.
        point: a fixed point of these.
        x: increasing currents, (n,); by default 401 within five standard deviations of the mean of
            every population.

    Returns:
        `density` and `cumulative` probability of x, and the `rate` phi(x), over (x, population).

    Raises:
        ParameterError: a point of another closure, one that did not converge or is invalid, or one
            without variability.

    Source: `docs/theory.md`, section 2.1.
    """
    require_x64()
    system.check(parameters)
    if "field_variance" not in point.dataset:
        raise ParameterError(
            "the point must be one of the closure Cavity: in others input currents are normal, "
            "with its mean and variance"
        )
    if not point.converged:
        raise ParameterError(f"the fixed point has no distribution: {point.status}")
    m, Delta, Gamma = (
        point.dataset[name].values for name in ("field_mean", "field_variance", "feedback")
    )
    if not Delta.min() > 0:
        which = parameters.populations[int(Delta.argmin())]
        raise ParameterError(
            f"population {which} has no variability: all its neurons have the same input current"
        )
    if x is None:
        mean, sd = point.dataset["mean"].values, np.sqrt(point.dataset["variance"].values)
        x = np.linspace((mean - WIDTH * sd).min(), (mean + WIDTH * sd).max(), POINTS)
    return CavityDistribution(
        _dataset(system, parameters, jnp.asarray(x, dtype=float), (m, Delta, Gamma))
    )


def _dataset(
    system: System, parameters: Parameters, values: Any, field: tuple[np.ndarray, ...]
) -> xr.Dataset:
    m, Delta, Gamma = field
    found: dict[str, list] = {"density": [], "cumulative": [], "rate": []}
    for p in range(parameters.P):
        phi, slope = system.transfer_and_slope(values, p, parameters)
        z = (values - Gamma[p] * phi - m[p]) / np.sqrt(Delta[p])
        bell = jnp.exp(-0.5 * z**2) / np.sqrt(2 * np.pi * Delta[p])
        found["density"].append((1 - Gamma[p] * slope) * bell)
        found["cumulative"].append(ndtr(z))
        found["rate"].append(phi)
    return xr.Dataset(
        {name: (("x", "population"), np.stack(v, axis=-1)) for name, v in found.items()},
        coords={"x": np.asarray(values), "population": list(parameters.populations)},
    )
