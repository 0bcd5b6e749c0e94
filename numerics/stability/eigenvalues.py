"""The spectrum of one network: of its synapses, or of its dynamics linearised at its own fixed point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import scipy.linalg as sl
import scipy.sparse as sps
import scipy.sparse.linalg as spl

from ...errors import NetworkError, ParameterError, SolverError
from ..networks import Network
from ..parameters import Parameters, by_population
from ..simulation import input_offsets, simulate
from ..system import System, Units
from .modes import contains
from .verdict import Spectral, Stability

LARGEST_DENSE = 6000
RESIDUAL, STEPS = 1e-7, 40
MOVING = 0.03
"""A network whose |dx/dt| is larger than this, relative to the largest |x|, has not come to rest."""
OUTSIDE = 1.1


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues of one network.

    eigenvalues: by descending real part, all N, or the `leading` ones; shift: added to those of J diag(gain), 0 of the connectivity, -1 of the
    Jacobian; x: the fixed point, (N,), None for the connectivity; residual: largest |dx/dt| there; predicted: the theory's spectrum, or None
    """

    eigenvalues: np.ndarray
    shift: float
    x: np.ndarray | None
    residual: float
    predicted: Spectral | None

    @property
    def leading(self) -> complex:
        """The eigenvalue of largest real part."""
        return complex(self.eigenvalues[0])

    @property
    def is_outlier(self) -> np.ndarray:
        """Which eigenvalues are the predicted outliers. All others are the bulk's."""
        apart = np.zeros(len(self.eigenvalues), dtype=bool)
        apart[self._matches] = True
        return apart

    @property
    def _matches(self) -> list[int]:
        """For each predicted outlier the position of the nearest eigenvalue, one that is not taken."""
        distance = np.abs(self._known.outliers[:, None] - self.eigenvalues)
        found: list[int] = []
        for own in distance:
            own[found] = np.inf
            found.append(int(np.argmin(own)))
        return found

    @property
    def strays(self) -> np.ndarray:
        """Eigenvalues that are no predicted outlier, and lie outside of the predicted boundary enlarged by a tenth about the bulk's centre."""
        if not len(self._known.boundary):
            raise ParameterError(
                "there is no predicted boundary of the bulk: the units are filters"
            )
        return self.bulk[
            ~contains(self.shift + OUTSIDE * (self._known.boundary - self.shift), self.bulk)
        ]

    @property
    def _known(self) -> Spectral:
        if self.predicted is None:
            raise ParameterError(
                "there is no prediction to separate bulk and outliers by: give spectrum(...) the prediction of stability(...)"
            )
        return self.predicted

    @property
    def outliers(self) -> np.ndarray:
        """The eigenvalues that are."""
        return self.eigenvalues[self.is_outlier]

    @property
    def bulk(self) -> np.ndarray:
        """The others."""
        return self.eigenvalues[~self.is_outlier]

    @property
    def bulk_radius(self) -> float:
        """The largest distance of an eigenvalue of the bulk from its centre."""
        return float(np.abs(self.bulk - self.shift).max(initial=0.0))

    @property
    def bulk_edge(self) -> float:
        """The largest real part in the bulk."""
        return float(self.bulk.real.max(initial=-np.inf))

    def nearest(self) -> np.ndarray:
        """For each predicted outlier, the eigenvalue nearest to it, each once."""
        return self.eigenvalues[self._matches]

    def rows(self) -> list[dict[str, Any]]:
        """Predicted outliers and edge of the bulk beside the network's, for a table."""
        if self.predicted is None:
            return [{"what": "leading eigenvalue", "predicted": None, "network": self.leading}]
        pairs = zip(self.predicted.outliers, self.nearest(), strict=True)
        rows = [
            {"what": "outlier", "predicted": complex(a), "network": complex(b)} for a, b in pairs
        ]
        edge = {
            "what": "edge of the bulk",
            "predicted": self.predicted.edge,
            "network": self.bulk_edge,
        }
        strays = (
            {"what": "number outside of both", "predicted": 0, "network": len(self.strays)}
            if len(self.predicted.boundary)
            else None
        )
        return [*rows, edge, *([strays] if strays else [])]

    def json(self) -> dict[str, Any]:
        """Plain data; complex numbers as [real, imaginary]."""
        return {
            "eigenvalues": [[float(v.real), float(v.imag)] for v in self.eigenvalues],
            "shift": self.shift,
            "residual": self.residual,
            "predicted": None if self.predicted is None else self.predicted.json(),
        }


def spectrum(
    network: Network,
    system: System | None = None,
    parameters: Parameters | None = None,
    *,
    x: Any = None,
    predicted: Any = None,
    leading: int | None = None,
    t1: float = 60.0,
    time: float = 0.0,
    seed: int = 0,
) -> Spectrum:
    """Eigenvalues of a network's synapses J, or with a `system` of -1 + J diag(phi'(x)) at the network's own fixed point.

    The fixed point is what a simulation until `t1` comes to from x = `x` (a number, one per population or neuron; default 0), polished by
    Newton's method on all N neurons; t1 = 0 is Newton's method alone, which also finds unstable ones. Dense eigenvalues in the precision of
    the weights; `leading`: only that many, of largest real part, by Arnoldi iteration, for large or sparse networks.

    parameters: inputs and transfer parameters, default the network's own; predicted: a `Stability`, or a `Spectral`, to separate bulk and outliers
    Raises `SolverError` when the network does not rest, `NetworkError` for more than 6000 neurons without `leading`, `ParameterError` for units
    that are filters, whose linearisation is no N x N matrix, and with white noise.
    """
    if leading is None and network.N > LARGEST_DENSE:
        raise NetworkError(
            f"all {network.N} eigenvalues would take too long: give leading = 20, or fewer neurons"
        )
    if leading is not None and not 0 < leading < network.N - 1:
        raise ParameterError(f"leading = {leading} must be from 1 to {network.N - 2}")
    W = network.matrix
    if system is None:
        found = _eigenvalues(W, leading)
        return Spectrum(
            found,
            0.0,
            None,
            0.0,
            predicted.connectivity if isinstance(predicted, Stability) else predicted,
        )
    own = network.parameters if parameters is None else parameters
    if own is None:
        raise ParameterError(
            "the network carries no parameters: give those of its inputs and transfer functions"
        )
    units = Units.of(system.mean_field.architecture, own)
    if not units.is_plain:
        raise ParameterError(
            "the network's units are not dx/dt = -x + input: their linearisation is no N x N matrix"
        )
    at, slopes, residual = rest(network, system, own, start=x, t1=t1, time=time, seed=seed)
    matrix = (
        W @ sps.diags_array(slopes.astype(W.dtype))
        if isinstance(W, sps.csr_array)
        else W * slopes.astype(W.dtype)
    )
    return Spectrum(
        _eigenvalues(matrix, leading) - 1,
        -1.0,
        at,
        residual,
        predicted.jacobian if isinstance(predicted, Stability) else predicted,
    )


def rest(
    network: Network,
    system: System,
    parameters: Parameters,
    *,
    start: Any = None,
    t1: float = 60.0,
    time: float = 0.0,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray, float]:
    """The fixed point x of a network that it comes to from `start`, (N,), phi'(x), and the largest |dx/dt|. Raises `SolverError`."""
    held: dict[str, Any] = {
        name: np.broadcast_to(np.asarray(getattr(parameters, name)(float(time))), (network.P,))
        for name in ("input", "in_strength", "spread")
    }
    x = _started(network, start)
    if t1 > 0:
        x = simulate(
            system,
            network,
            parameters,
            **held,
            t1=t1,
            saveat=[t1],
            initial=x,
            seed=seed,
            dtype=np.float64,
        )["x"].values
    drive = held["input"][network.labels] + network.in_strengths() @ held["in_strength"]
    if np.any(held["spread"] != 0):
        drive = drive + held["spread"][network.labels] * input_offsets(network, seed)
    W = network.matrix.astype(float)
    members = [network.members(p) for p in range(network.P)]
    for step in range(STEPS):
        rates, slopes = np.zeros(network.N), np.zeros(network.N)
        for p, own in enumerate(members):
            rates[own], slopes[own] = system.transfer_and_slope(jnp.asarray(x[own]), p, parameters)
        residual = W @ rates + drive - x
        if np.abs(residual).max() < RESIDUAL * max(1.0, np.abs(x).max()):
            return x, slopes, float(np.abs(residual).max())
        if step == 0 and t1 > 0 and np.abs(residual).max() > MOVING * max(1.0, np.abs(x).max()):
            break
        x = x + _solved(W, slopes, residual)
        if not np.all(np.isfinite(x)):
            break
    raise SolverError(
        f"the network does not rest: after t = {t1:g} and {step} Newton steps |dx/dt| is still {np.abs(residual).max():.3g} "
        "(chaos, an oscillation, or a slow approach: try a longer t1 or another start)"
    )


def _started(network: Network, start: Any) -> np.ndarray:
    if np.shape(start) == (network.N,):
        return np.asarray(start, dtype=float)
    return by_population(0.0 if start is None else start, network.populations, "x")[network.labels]


def _solved(W: Any, slopes: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """(1 - W diag(slopes))^-1 residual."""
    if isinstance(W, sps.csr_array):
        return spl.spsolve(
            (sps.eye_array(len(slopes)) - W @ sps.diags_array(slopes)).tocsc(), residual
        )
    return sl.solve(np.eye(len(slopes)) - W * slopes, residual, overwrite_a=True, overwrite_b=False)


def _eigenvalues(matrix: Any, leading: int | None) -> np.ndarray:
    if leading is None:
        dense = matrix.toarray() if isinstance(matrix, sps.csr_array) else np.array(matrix)
        found = sl.eigvals(dense, overwrite_a=True, check_finite=False)
    else:
        found = spl.eigs(
            matrix.astype(float),
            k=leading,
            which="LR",
            return_eigenvectors=False,
            maxiter=20 * matrix.shape[0],
        )
    found = np.asarray(found, dtype=complex)
    return found[np.lexsort((-found.imag, -found.real))]
