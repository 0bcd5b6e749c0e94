"""Fluctuations and bias of the mean activity of finite networks, to leading order in 1/N."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ...errors import ArchitectureError, SolverError
from ..distributions import cloud
from ..fixed_points import FixedPoint, check_point, fixed_point
from ..parameters import Couplings, Parameters, without_reciprocity
from ..precision import require_x64
from ..results import Settled
from ..system import System, Units, refuse_components
from .order_parameters import Neurons, consistent

QUANTITIES = ("mean", "variance", "rate", "kappa")
LARGEST_CONDITION = 1e10  # of 1 - dM: six digits of its inverse are left


@dataclass(frozen=True, repr=False, eq=False)
class FiniteSize(Settled):
    """Fluctuations of networks of N neurons at a fixed point, made by `finite_size`.

    Quantities are `mean` and `variance` of x across a population, its mean `rate`, and `kappa`.

    Args:
        point: the fixed point.
        sizes: neurons per population.
        expected: of infinite networks, (quantity, population).
        covariance: from network to network, leading order in 1/N, over (quantity, population,
            quantity_, population_).
        bias: of the mean over networks, leading order in 1/N, (quantity, population).
        radius: of the residual's bulk, below 1.
    """

    point: FixedPoint
    sizes: tuple[int, ...]
    expected: xr.DataArray
    covariance: xr.DataArray
    bias: xr.DataArray
    radius: float

    @property
    def title(self) -> str:
        """What was computed."""
        return f"networks of {sum(self.sizes)} neurons at a fixed point"

    @property
    def dataset(self) -> xr.Dataset:
        """`expected`, `bias`, `spread` and `covariance`."""
        names = ("expected", "bias", "spread", "covariance")
        sizes = ("population", np.asarray(self.sizes))
        found = {name: getattr(self, name) for name in names} | {"size": sizes}
        return xr.Dataset(found, attrs={"radius": self.radius})

    @property
    def spread(self) -> xr.DataArray:
        """Standard deviation over networks, (quantity, population)."""
        n = self.expected.size
        values = np.sqrt(np.maximum(np.diag(self.covariance.values.reshape(n, n)), 0))
        return self.expected.copy(data=values.reshape(self.expected.shape))

    def matrix(self, quantities: tuple[str, ...] = QUANTITIES) -> np.ndarray:
        """The covariance of some quantities as a matrix, populations within quantities."""
        own = self.covariance.sel(quantity=list(quantities), quantity_=list(quantities)).values
        return own.reshape(own.shape[0] * own.shape[1], -1)

    def rows(self) -> list[dict[str, Any]]:
        """A row per population and quantity, for a table."""
        parts = {"infinite": self.expected, "bias": self.bias, "spread": self.spread}
        return [
            {
                "population": str(p),
                "quantity": k,
                **{name: float(v.sel(quantity=k, population=p)) for name, v in parts.items()},
            }
            for p in self.expected["population"].values
            for k in QUANTITIES
        ]

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "sizes": list(self.sizes),
            "radius": self.radius,
            "rows": self.rows(),
            "covariance": self.matrix().tolist(),
        }


def finite_size(
    system: System, parameters: Parameters, point: FixedPoint | None = None, *, time: float = 0.0
) -> FiniteSize:
    """Fluctuations of the populations' mean activity over Gaussian networks, and its O(1/N) bias.

    A population's sums over its neurons (mean rate, mean square rate, overlap of rates with
    out-strengths) depend on each other through what they make every neuron feel,
    sums = M(sums) + noise, where the noise is that of sampling neurons (in- and out-strengths,
    residual input): Cov(sums) = L^-1 Q L^-T, L = 1 - dM, Q the covariance across neurons over N_p;
    the mean and variance of x follow. The bias is of second order, E(sums) = L^-1 (M'' : Cov / 2 +
    E(dn/d(sums) L^-1 n)), n the noise. Where B = 0 this is the expansion of the exact law of a
    network's fixed point. With reciprocal residuals the covariance is exact to leading order too;
    the bias is that of the same network with B = 0, which leaves out terms of order B/N (one
    population, g = .6, B = .5: twice what networks have).

    Args:
        system: the compiled equations.
        parameters: of networks of N neurons.
        point: their fixed point, by default the one reached from rest. Around a point of an
            approximate closure it is the expansion about the exact static state nearby, which is
            `expected`.
        time: at which inputs are held.

    Returns:
        Covariance from network to network, and bias of their mean.

    Raises:
        ArchitectureError: units that are filters or noisy.
        SolverError: there is no fixed point, it is unstable (in the mean or within the bulk) or
            degenerate (a fold), or a population's neurons do not differ.
    """
    require_x64()
    system.check(parameters)
    require_plain(system, parameters)
    if point is None:
        point = fixed_point(system, parameters, time=time)
    else:
        check_point(system, parameters, point, time)
    if point.stable is False:
        raise SolverError("the fixed point is unstable: networks do not stay there")
    start = _start(system, parameters, point, time)
    neurons = consistent(system, parameters, start, time)
    if not neurons.bulk < 1:
        raise SolverError(
            "no static state: the residual's bulk has the radius "
            f"{np.sqrt(neurons.bulk):.3g}, at least 1"
        )
    linear = _Linear.of(neurons, parameters.sizes)
    plain = linear
    if neurons.ensemble.is_reciprocal:
        start[3 * parameters.P :] = 0
        plain = _Linear.of(
            consistent(system, without_reciprocity(parameters), start, time), parameters.sizes
        )
    return _result(parameters, point, linear, plain.bias)


def require_plain(system: System, parameters: Parameters) -> None:
    """Raise `ArchitectureError` for units that are filters or noisy, or strengths not Gaussian."""
    refuse_components(system, "the spread over finite networks")
    if not Units.of(system.mean_field.architecture, parameters).is_plain:
        raise ArchitectureError(
            "the spread over finite networks is known for dx/dt = -x + input alone, not for units "
            "with other filters or noise"
        )


def _start(system: System, parameters: Parameters, point: FixedPoint, time: float) -> np.ndarray:
    """The sums at a closure's point, as far as it knows them."""
    data, P = point.dataset, parameters.P
    prefix = "field_" if "field_mean" in data else ""
    mean, variance = data[f"{prefix}mean"].values, data[f"{prefix}variance"].values
    feedback = data["feedback"].values if "feedback" in data else np.zeros(P)
    clouds = [cloud(system, parameters, p, mean[p], variance[p], feedback[p]) for p in range(P)]
    rate, square = (np.array([own.average(own.rates**k) for own in clouds]) for k in (1, 2))
    out = (
        mean
        - np.asarray(parameters.input(time))
        - np.asarray(Couplings.of_numbers(parameters).mean) @ rate
    )
    return np.concatenate([rate, square, out, feedback])


@dataclass(frozen=True)
class _Linear:
    """How sums follow their sampling noise: sums = whole noise; total: their covariance."""

    neurons: Neurons
    sizes: np.ndarray
    whole: np.ndarray
    total: np.ndarray

    @classmethod
    def of(cls, neurons: Neurons, sizes: tuple[int, ...]) -> _Linear:
        first, J = 4 * neurons.P, neurons.slope
        own = np.eye(first) - J[:first]
        if not np.linalg.cond(own) < LARGEST_CONDITION:
            raise SolverError(
                "the response is infinite at the point (a fold or branch point): there is no "
                "expansion in 1/N"
            )
        whole = np.eye(len(J))
        whole[first:, :first] = J[first:]
        whole[:, :first] = whole[:, :first] @ np.linalg.inv(own)
        return cls(neurons, np.asarray(sizes), whole, whole @ neurons.noise(sizes) @ whole.T)

    @property
    def bias(self) -> np.ndarray:
        """Mean of the sums minus their limits, for B = 0.

        The variance is that about the network's own mean.
        """
        P, first = self.neurons.P, 4 * self.neurons.P
        second = self.neurons.bend(self.total[:first, :first]) / 2 + self.neurons.drift(
            self.sizes, self.whole[:first, :first]
        )
        made = self.whole @ second
        made[5 * P :] -= np.diag(self.total)[first : 5 * P]
        return made


def _result(
    parameters: Parameters, point: FixedPoint, linear: _Linear, bias: np.ndarray
) -> FiniteSize:
    neurons, P, alpha = linear.neurons, parameters.P, np.asarray(parameters.fractions)
    blocks = np.zeros((4, P, 6, P))
    blocks[[0, 1, 2], :, [4, 5, 0], :] = np.eye(P)
    blocks[3, :, 0, :] = np.diag(alpha)
    pick = blocks.reshape(4 * P, 6 * P)
    limit = pick @ np.concatenate([neurons.theta, neurons.mean, neurons.average(neurons.local[4])])
    coords = {"quantity": list(QUANTITIES), "population": list(parameters.populations)}
    dims = ("quantity", "population")
    covariance = xr.DataArray(
        (pick @ linear.total @ pick.T).reshape(4, P, 4, P),
        dims=(*dims, "quantity_", "population_"),
        coords={**coords, **{f"{name}_": v for name, v in coords.items()}},
    )
    expected, offset = (
        xr.DataArray(v.reshape(4, P), dims=dims, coords=coords) for v in (limit, pick @ bias)
    )
    return FiniteSize(
        point, parameters.sizes, expected, covariance, offset, float(np.sqrt(neurons.bulk))
    )
