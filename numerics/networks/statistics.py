"""The first- and second-order synaptic statistics of a given network, in time proportional to its synapses."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sps
import xarray as xr

from ...errors import NetworkError
from ..parameters import Motifs, Parameters
from .files import read_arrays
from .jackknife import StandardErrors, standard_errors
from .network import Network

ROWS = 256
CONSTANT = 1e-12
"""A block whose variance is below this fraction of its mean square is constant: what is left is rounding."""

_DIMS = {
    "mean": ("target", "source"),
    "variance": ("target", "source"),
    "convergent": ("target", "source", "source2"),
    "divergent": ("source", "target", "target2"),
    "chain": ("target", "middle", "source"),
    "reciprocal": ("target", "source"),
}


@dataclass(frozen=True, eq=False)
class Statistics:
    """Means, variances and motif covariances of a network's synapses, by population. Indices as in `Motifs`.

    mean[p, q]: average over all N_p N_q synapses, absent ones and the diagonal included, so that N_q mean[p, q] is the
        mean in-strength
    variance[p, q] of J_ij, convergent[p, q, r] of J_ij and J_ik, divergent[q, p, r] of J_ij and J_kj, chain[p, q, r] of
        J_ij and J_jk, reciprocal[p, q] of J_ij and J_ji: raw covariances per pair of synapses among distinct neurons,
        deviations being from the mean off the diagonal; 0 where a population is too small to have such a pair
    errors: their standard errors and those of `tau`, if they were asked for
    """

    populations: tuple[str, ...]
    sizes: tuple[int, ...]
    mean: np.ndarray
    variance: np.ndarray
    convergent: np.ndarray
    divergent: np.ndarray
    chain: np.ndarray
    reciprocal: np.ndarray
    errors: StandardErrors | None = field(default=None, repr=False)

    @property
    def tau(self) -> Motifs:
        """Correlation coefficients: covariance / sqrt(variance variance'), 0 where a variance is 0."""
        s = np.sqrt(self.variance)
        left, onto = s[:, :, None], s.T[:, :, None]
        scales = (left * s[:, None, :], onto * s.T[:, None, :], left * s[None, :, :], s * s.T)
        covariances = (self.convergent, self.divergent, self.chain, self.reciprocal)
        return Motifs(*(_ratio(c, scale) for c, scale in zip(covariances, scales, strict=True)))

    def parameters(
        self, input: Any = 0.0, transfer: Mapping[str, Any] | None = None, check: bool = False
    ) -> Parameters:
        """The `Parameters` with these statistics, for theory on the measured network itself.

        `check=True` also asks whether a Gaussian ensemble has them, which sampling noise may prevent, and raises
        `InfeasibleStatisticsError`.
        """
        N = sum(self.sizes)
        return Parameters.from_covariances(
            populations=self.populations,
            N=N,
            fractions=np.asarray(self.sizes) / N,
            mean=self.mean,
            variance=self.variance,
            convergent=self.convergent,
            divergent=self.divergent,
            chain=self.chain,
            reciprocal=self.reciprocal,
            input=input,
            transfer=transfer,
            check=check,
        )

    def dataset(self) -> xr.Dataset:
        """The statistics by population name; errors, if known, as `mean_error`, ..., `tau_convergent_error`, ..."""
        names = list(self.populations)
        used = {dim for dims in _DIMS.values() for dim in dims}
        values = {name: (dims, getattr(self, name)) for name, dims in _DIMS.items()}
        values |= {f"tau_{name}": (_DIMS[name], tau) for name, tau in self.tau._asdict().items()}
        if self.errors is not None:
            values |= {
                f"{name}_error": (dims, getattr(self.errors, name)) for name, dims in _DIMS.items()
            }
            values |= {
                f"tau_{name}_error": (_DIMS[name], tau)
                for name, tau in self.errors.tau._asdict().items()
            }
        values["size"] = (("population",), np.asarray(self.sizes))
        return xr.Dataset(values, coords=dict.fromkeys(used | {"population"}, names))

    def json(self) -> dict[str, Any]:
        """Plain lists and numbers, for machines."""
        numbers = {name: getattr(self, name).tolist() for name in _DIMS}
        data: dict[str, Any] = {
            "populations": list(self.populations),
            "sizes": list(self.sizes),
            **numbers,
        }
        if self.errors is not None:
            data["errors"] = {name: getattr(self.errors, name).tolist() for name in _DIMS}
            data["errors"]["tau"] = {
                name: np.asarray(tau).tolist() for name, tau in self.errors.tau._asdict().items()
            }
        return data

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that `load_statistics` needs, as arrays by name."""
        data = {"populations": np.array(self.populations), "sizes": np.asarray(self.sizes)} | {
            name: getattr(self, name) for name in _DIMS
        }
        if self.errors is not None:
            data |= {f"errors.{name}": getattr(self.errors, name) for name in _DIMS}
            data |= {
                f"errors.tau.{name}": np.asarray(tau)
                for name, tau in self.errors.tau._asdict().items()
            }
        return data


def load_statistics(path: str | os.PathLike) -> Statistics | None:
    """The measured statistics inside a file that `Network.save` wrote; None where they were not saved with it.

    Raises `NetworkError` for a missing, damaged or foreign file.
    """
    try:
        content = {
            name.removeprefix("measured."): array
            for name, array in read_arrays(path).items()
            if name.startswith("measured.")
        }
        if not content:
            return None
        errors = None
        if "errors.mean" in content:
            tau = Motifs(**{name: content[f"errors.tau.{name}"] for name in Motifs._fields})
            errors = StandardErrors(**{name: content[f"errors.{name}"] for name in _DIMS}, tau=tau)
        own = {name: content[name] for name in _DIMS}
        return Statistics(
            tuple(map(str, content["populations"])),
            tuple(map(int, content["sizes"])),
            **own,
            errors=errors,
        )
    except (
        OSError,
        EOFError,
        KeyError,
        TypeError,
        ValueError,
        RuntimeError,
        zipfile.BadZipFile,
    ) as error:
        raise NetworkError(
            f"{path} is not a network written by Network.save, or it is damaged: {error}"
        ) from error


def measure(network: Network, *, errors: bool = False) -> Statistics:
    """The synaptic statistics of `network`, dense or sparse, and with `errors` their standard errors (see `standard_errors`).

    Convergent and divergent covariances come from the squares of row and column sums (less the variance), the chain
    covariance from their product (less the reciprocal part): O(nnz + N P^2), never O(N^3), and a sparse matrix stays
    sparse. A block of equal synapses has variance and covariances 0.
    """
    labels, sizes = network.labels, np.asarray(network.sizes, dtype=float)
    Z = np.eye(network.P)[labels]
    rows, columns, squares, products, diagonal = _sums(network.matrix, Z)
    own = np.eye(network.P)
    totals = Z.T @ rows
    pairs = np.outer(sizes, sizes) - own * sizes
    m = _ratio(totals - np.diag(Z.T @ diagonal), pairs)
    square_sums = Z.T @ squares - np.diag(Z.T @ diagonal**2)
    deviations = square_sums - pairs * m**2
    # a block of equal synapses has no motifs; rounding would give it some of order one
    deviations[deviations <= CONSTANT * square_sums] = 0
    varies = deviations > 0
    partners = Z.T @ products - np.diag(Z.T @ diagonal**2) - pairs * m * m.T
    partners = (partners + partners.T) / 2 * (varies & varies.T)

    neighbours = sizes[None, :] - own  # of a neuron in p: neurons of q other than itself
    onto_itself = Z * diagonal[:, None]
    d = rows - onto_itself - (neighbours * m)[labels]
    e = columns - onto_itself - (neighbours * m.T)[labels]
    d, e = d * varies[labels], e * varies.T[labels]
    convergent, divergent, chain = (
        _by_population(x, y, labels) for x, y in ((d, d), (e, e), (e, d))
    )
    same = own[None, :, :]
    triples = sizes[:, None, None] * (
        neighbours[:, :, None] * neighbours[:, None, :] - same * neighbours[:, :, None]
    )
    found = Statistics(
        network.populations,
        network.sizes,
        mean=totals / np.outer(sizes, sizes),
        variance=_ratio(deviations, pairs),
        convergent=_ratio(convergent - same * deviations[:, :, None], triples),
        divergent=_ratio(divergent - same * deviations.T[:, :, None], triples),
        chain=_ratio(chain - same * partners.T[:, :, None], triples).transpose(1, 0, 2),
        reciprocal=_ratio(partners, pairs),
    )
    return (
        replace(found, errors=standard_errors(network, m, found.variance, found.tau))
        if errors
        else found
    )


def _sums(W: np.ndarray | sps.csr_array, Z: np.ndarray):
    """By neuron i and population of j, sums over j of J_ij, J_ji, J_ij^2 and J_ij J_ji; and the diagonal."""
    diagonal = np.asarray(W.diagonal(), dtype=float)
    if isinstance(W, sps.csr_array):
        W = W.astype(float)
        return W @ Z, W.T @ Z, W.power(2) @ Z, W.multiply(W.T.tocsr()) @ Z, diagonal
    N, P = Z.shape
    rows, columns, squares, products = np.zeros((4, N, P))
    for start in range(0, N, ROWS):
        part = slice(start, min(start + ROWS, N))
        block = W[part].astype(float)
        rows[part] = block @ Z
        columns += block.T @ Z[part]
        products[part] = (block * W[:, part].T) @ Z
        squares[part] = np.square(block, out=block) @ Z
    return rows, columns, squares, products, diagonal


def _by_population(x: np.ndarray, y: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """sum over the neurons i of population p of x[i, q] y[i, r]; shape (P, P, P)."""
    sums = np.stack([x[labels == p].T @ y[labels == p] for p in range(x.shape[1])])
    return (sums + sums.transpose(0, 2, 1)) / 2 if x is y else sums


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.divide(sums, counts, out=np.zeros_like(sums, dtype=float), where=counts > 0)
