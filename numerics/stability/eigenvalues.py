"""The spectrum of one network: of its synapses, or of its dynamics at its own fixed point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sps
import scipy.sparse.linalg as spl
import xarray as xr

from ...errors import NetworkError, ParameterError
from ...numbers import counted
from ...time_units import labelled, measured
from ..parameters import Parameters
from ..results import OK, Result, Status
from ..simulation import neuron_parameters
from ..system import System, Units
from .outliers import contains
from .predictions import Spectral, Stability
from .rest import network_at_rest

LARGEST_DENSE = 6000  # neurons: all eigenvalues of more take over ten minutes on two cores
OUTSIDE = 1.1  # eigenvalues within this factor of the boundary are the bulk's, at finite N


@dataclass(frozen=True, repr=False, eq=False)
class Spectrum(Result):
    """Eigenvalues of one network; make one with `spectrum`.

    Args:
        eigenvalues: by descending real part, all N, or the `leading` ones.
        shift: added to those of J diag(gain): 0 of the connectivity, -1 of the Jacobian.
        x: the fixed point, (N,); None for the connectivity.
        residual: largest |dx/dt| there.
        predicted: the theory's spectrum, or None.
        unit: of time, if one is named; a Jacobian's eigenvalues are rates, a connectivity's not.
    """

    eigenvalues: np.ndarray
    shift: float
    x: np.ndarray | None
    residual: float
    predicted: Spectral | None

    status: Status = OK
    unit: str = ""

    @property
    def title(self) -> str:
        """Of what it is."""
        what = "connectivity" if self.x is None else "Jacobian"
        text = f"{counted(len(self.eigenvalues), 'eigenvalue')} of the {what} of a network"
        return text if self.x is None else labelled(text, self.time_unit, -1)

    @property
    def dataset(self) -> xr.Dataset:
        """`eigenvalues` over (eigenvalue); with a fixed point `x` over (neuron)."""
        data: dict[str, Any] = {"eigenvalues": ("eigenvalue", self.eigenvalues)}
        if self.x is not None:
            data["x"] = ("neuron", self.x)
        made = xr.Dataset(data, attrs={"shift": self.shift, "residual": self.residual})
        return made if self.x is None else measured(made, self.unit)

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
        """For each predicted outlier the nearest eigenvalue that is not taken."""
        distance = np.abs(self._known.outliers[:, None] - self.eigenvalues)
        found: list[int] = []
        for own in distance:
            own[found] = np.inf
            found.append(int(np.argmin(own)))
        return found

    @property
    def strays(self) -> np.ndarray:
        """Eigenvalues that are no predicted outlier and lie outside of the predicted boundary.

        The boundary is enlarged by a tenth about the bulk's centre.
        """
        if not len(self._known.boundary):
            raise ParameterError(
                "there is no predicted boundary of the bulk: the units are filters"
            )
        wider = self.shift + OUTSIDE * (self._known.boundary - self.shift)
        return self.bulk[~contains(wider, self.bulk)]

    @property
    def _known(self) -> Spectral:
        if self.predicted is None:
            raise ParameterError(
                "there is no prediction to separate bulk and outliers by: give spectrum(...) the "
                "prediction of stability(...)"
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
        """Predicted outliers and edge of the bulk beside the network's."""
        if self.predicted is None:
            return [{"what": "leading eigenvalue", "predicted": None, "network": self.leading}]
        pairs = zip(self.predicted.outliers, self.nearest(), strict=True)
        found: list[tuple[str, Any, Any]] = [("outlier", complex(a), complex(b)) for a, b in pairs]
        found.append(("edge of the bulk", self.predicted.edge, self.bulk_edge))
        if len(self.predicted.boundary):
            found.append(("number outside of both", 0, len(self.strays)))
        return [{"what": w, "predicted": a, "network": b} for w, a, b in found]

    def json(self) -> dict[str, Any]:
        """Plain data; complex numbers as [real, imaginary]."""
        return {
            **self.status.json(),
            "eigenvalues": [[float(v.real), float(v.imag)] for v in self.eigenvalues],
            "shift": self.shift,
            "residual": self.residual,
            "predicted": None if self.predicted is None else self.predicted.json(),
        }


def spectrum(
    system: System | None,
    network: Any,
    parameters: Parameters | None = None,
    *,
    initial: Any = None,
    predicted: Stability | Spectral | None = None,
    leading: int | None = None,
    t1: float = 60.0,
    time: float = 0.0,
    seed: int = 0,
) -> Spectrum:
    """Eigenvalues of a network: of -1 + J diag(phi'(x)) at its own fixed point, or of J.

    The fixed point is what a simulation comes to, polished by Newton's method on all N neurons.
    Dense eigenvalues are in the precision of the weights.

    Args:
        system: the compiled equations, for the transfer functions; None for the synapses J alone.
        network: a `Network`.
        parameters: inputs and parameters of the transfer functions, by default those that the
            network carries.
        initial: where the simulation begins: a number, one per population or one per neuron.
        predicted: what `stability` returned, or a `Spectral`, to separate bulk and outliers.
        leading: only that many eigenvalues, of largest real part, by Arnoldi iteration.
        t1: how long to simulate; 0 is Newton's method alone, which also finds unstable points.
        time: when the inputs are held.
        seed: of offsets of the inputs that the network lacks.

    Returns:
        The eigenvalues, beside the predicted ones if these are given.

    Raises:
        SolverError: the network does not rest.
        NetworkError: more than 6000 neurons without `leading`.
        ParameterError: the network carries no parameters and none are given; units are filters.
    """
    if leading is None and network.N > LARGEST_DENSE:
        raise NetworkError(
            f"all {network.N} eigenvalues would take too long: give leading = 20, or fewer neurons"
        )
    if leading is not None and not 0 < leading < network.N - 1:
        raise ParameterError(f"leading = {leading} must be from 1 to {network.N - 2}")
    W = network.matrix
    if system is None:
        own = predicted.connectivity if isinstance(predicted, Stability) else predicted
        return Spectrum(_eigenvalues(W, leading), 0.0, None, 0.0, own)
    carried = neuron_parameters(system, network, parameters)
    if not Units.of(system.mean_field.architecture, carried).is_plain:
        raise ParameterError(
            "the network's units are not dx/dt = -x + input: their linearisation is no N x N matrix"
        )
    start: dict[str, Any] = {"initial": initial, "t1": t1, "time": time, "seed": seed}
    at, slopes, residual = network_at_rest(system, network, carried, **start)
    slopes = slopes.astype(W.dtype)
    sparse = isinstance(W, sps.csr_array)
    matrix = W @ sps.diags_array(slopes) if sparse else W * slopes
    own = predicted.jacobian if isinstance(predicted, Stability) else predicted
    values = _eigenvalues(matrix, leading) - 1
    return Spectrum(values, -1.0, at, residual, own, unit=carried.time_unit)


def _eigenvalues(matrix: Any, leading: int | None) -> np.ndarray:
    if leading is None:
        dense = matrix.toarray() if isinstance(matrix, sps.csr_array) else np.array(matrix)
        found = sl.eigvals(dense, overwrite_a=True, check_finite=False)
    else:
        most = 20 * matrix.shape[0]  # restarts; ARPACK's default is 10 N, too few near a bulk
        how = {"which": "LR", "return_eigenvectors": False, "maxiter": most}
        more = min(leading + 1, matrix.shape[0] - 2)  # so that the last is not half of a pair
        found = spl.eigs(matrix.astype(float), k=more, **how)
    found = np.asarray(found, dtype=complex)
    return found[np.lexsort((-found.imag, -found.real))][:leading]
