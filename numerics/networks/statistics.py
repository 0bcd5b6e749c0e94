"""The first- and second-order synaptic statistics of a given network.

The time they take is proportional to the number of synapses.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...errors import NetworkError
from ..parameters import (
    DIMS as TENSOR_DIMS,
    NEURONS,
    TENSORS,
    Motifs,
    Parameters,
    nearest_feasible,
)
from ..results import Settled
from .covariances import Covariances
from .files import SUFFIXES, read_arrays, write_arrays
from .jackknife import StandardErrors, standard_errors
from .shrinkage import shrunken
from .stored import MEASURED, parameters_in, reading, refuse_unknown_numbers
from .sums import GroupSums, sums_by_group

if TYPE_CHECKING:
    from .network import Network

CONSTANT = 1e-12
"""A block whose variance is below this fraction of its mean square is constant: only rounding."""

DIMS = {
    "mean": ("target", "source"),
    "variance": ("target", "source"),
    **{motif: TENSOR_DIMS[name] for motif, name in TENSORS.items()},
}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Statistics(Covariances, Settled):
    """Means, variances and motif covariances of a network's synapses; `measure` makes them.

    Covariances are raw ones, per pair of synapses among distinct neurons, with deviations from the
    mean off the diagonal; 0 where a population is too small to have such a pair. Indices are those
    of `Motifs`.

    Args:
        populations: their names.
        sizes: neurons per population.
        mean: mean[p, q], over all N_p N_q synapses, absent ones and the diagonal included, so that
            N_q mean[p, q] is the mean in-strength; (P, P).
        variance: variance[p, q] of J_ij, (P, P).
        convergent: convergent[p, q, r], of J_ij and J_ik, (P, P, P).
        divergent: divergent[q, p, r], of J_ij and J_kj, (P, P, P).
        chain: chain[p, q, r], of J_ij and J_jk, (P, P, P).
        reciprocal: reciprocal[p, q], of J_ij and J_ji, (P, P).
        errors: standard errors of all these and of `tau`, if they were asked for; of the measured
            coefficients, not of shrunken ones.
        shrunk: whether the covariances are shrunken ones.
        sampled_from: the parameters that the network carries, None if it carries none.
    """

    populations: tuple[str, ...]
    sizes: tuple[int, ...]
    errors: StandardErrors | None = None
    shrunk: bool = False
    sampled_from: Parameters | None = None

    @property
    def title(self) -> str:
        """What was measured."""
        sizes = ", ".join(f"{p} {n}" for p, n in zip(self.populations, self.sizes, strict=True))
        kind = ", shrunken" if self.shrunk else ""
        return f"synaptic statistics of {sum(self.sizes)} neurons ({sizes}){kind}"

    @property
    def tau(self) -> Motifs:
        """Correlation coefficients: covariance / sqrt(variance variance'), 0 where one is 0."""
        covariances = (self.convergent, self.divergent, self.chain, self.reciprocal)
        pairs = zip(covariances, _scales(self.variance), strict=True)
        return Motifs(*(_ratio(c, scale) for c, scale in pairs))

    def parameters(self, *, check: bool = False, **neurons: Any) -> Parameters:
        """The `Parameters` with these statistics, for theory on the measured network itself.

        Args:
            check: whether to ask if a Gaussian ensemble has them, which sampling noise may prevent.
            neurons: `input`, `transfer`, `membrane`, `synapse`, `in_strength`, `spread` and
                `noise`, as in `Parameters.of`; by default those that the network carries, and for
                a network that carries none the defaults of `Parameters.of`: an input of 0.

        Raises:
            InfeasibleStatisticsError: if `check` is true, and no Gaussian ensemble has them.
        """
        N, known = sum(self.sizes), self.sampled_from
        kept = () if known is None else (*NEURONS, "time_unit")
        own = {name: getattr(known, name) for name in kept}
        return Parameters.from_covariances(
            populations=self.populations,
            N=N,
            fractions=np.asarray(self.sizes) / N,
            **{name: getattr(self, name) for name in DIMS},
            **{**own, **neurons},
            check=check,
        )

    @property
    def dataset(self) -> xr.Dataset:
        """The statistics by population; errors, if known, as `mean_error`, ..."""
        names = list(self.populations)
        used = {dim for dims in DIMS.values() for dim in dims}
        values = {name: (dims, getattr(self, name)) for name, dims in DIMS.items()}
        values |= {f"tau_{name}": (DIMS[name], tau) for name, tau in self.tau._asdict().items()}
        if self.errors is not None:
            own, coefficients = self.errors, self.errors.tau._asdict()
            values |= {f"{name}_error": (dims, getattr(own, name)) for name, dims in DIMS.items()}
            values |= {f"tau_{n}_error": (DIMS[n], tau) for n, tau in coefficients.items()}
        values["size"] = (("population",), np.asarray(self.sizes))
        return xr.Dataset(values, coords=dict.fromkeys(used | {"population"}, names))

    def rows(self) -> list[dict[str, Any]]:
        """A row per pair of populations: what synapses are like, and reciprocity."""
        names, tau = self.populations, np.asarray(self.tau.reciprocal)
        return [
            {
                "target": names[p],
                "source": names[q],
                "mean": float(self.mean[p, q]),
                "sd": float(np.sqrt(self.variance[p, q])),
                "reciprocal": float(tau[p, q]),
            }
            for p, q in np.ndindex(self.mean.shape)
        ]

    def json(self) -> dict[str, Any]:
        """Plain lists and numbers, for machines.

        `mean` and `variance`; by motif `covariances`, raw ones, and `coefficients`, tau; `errors`
        has the standard errors of all of them under the same names, if they are known.
        """
        return {
            "populations": list(self.populations),
            "sizes": list(self.sizes),
            "shrunk": self.shrunk,
            **_named(self, self.tau),
            **({} if self.errors is None else {"errors": _named(self.errors, self.errors.tau)}),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that `load` needs, as arrays with the prefix `measured.`."""
        data = {"populations": np.array(self.populations), "sizes": np.asarray(self.sizes)}
        data |= {name: getattr(self, name) for name in DIMS}
        data["shrunk"] = np.asarray(self.shrunk)
        if self.errors is not None:
            data |= {f"errors.{name}": getattr(self.errors, name) for name in DIMS}
            coefficients = self.errors.tau._asdict().items()
            data |= {f"errors.tau.{name}": np.asarray(tau) for name, tau in coefficients}
        return {f"{MEASURED}{name}": array for name, array in data.items()}

    def save(self, path: str | Path) -> None:
        """Write to .npz or .h5, which `load` reads, or to .nc, .csv or .json, as every result.

        `Network.save(path, statistics)` writes them into the file of the network.

        Raises:
            NetworkError: the file cannot be written.
            SpecError: another suffix.
            FileError: the file cannot be written.
        """
        if Path(path).suffix in SUFFIXES:
            write_arrays(path, self.arrays())
        else:
            super().save(path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Statistics:
        """The statistics in a .npz or .h5 file that `save` or `Network.save` wrote.

        Raises:
            NetworkError: a missing, damaged or foreign file, or one without statistics.
        """
        with reading(path):
            content = read_arrays(path)
            refuse_unknown_numbers(content)
            own = {
                n.removeprefix(MEASURED): v for n, v in content.items() if n.startswith(MEASURED)
            }
            if own:
                found = _statistics(own)
                return replace(found, sampled_from=parameters_in(content, found.populations))
        raise NetworkError(f"{path} holds no statistics: measure the network, or save it with them")


def _statistics(own: Mapping[str, np.ndarray]) -> Statistics:
    errors = None
    if "errors.mean" in own:
        tau = Motifs(**{name: own[f"errors.tau.{name}"] for name in Motifs._fields})
        errors = StandardErrors(**{name: own[f"errors.{name}"] for name in DIMS}, tau=tau)
    names, sizes = tuple(map(str, own["populations"])), tuple(map(int, own["sizes"]))
    found: dict[str, Any] = {name: own[name] for name in DIMS}
    shrunk = bool(own.get("shrunk", False))  # files of before do not say
    return Statistics(populations=names, sizes=sizes, **found, errors=errors, shrunk=shrunk)


def _named(values: Covariances, tau: Motifs) -> dict[str, Any]:
    """Means, variances, covariances and coefficients as nested lists."""
    return {
        **{name: getattr(values, name).tolist() for name in ("mean", "variance")},
        "covariances": {name: getattr(values, name).tolist() for name in Motifs._fields},
        "coefficients": {name: np.asarray(t).tolist() for name, t in tau._asdict().items()},
    }


def measure(network: Network, *, errors: bool = False, shrink: bool = False) -> Statistics:
    """The synaptic statistics of a network, dense or sparse.

    Convergent and divergent covariances come from the squares of row and column sums (less the
    variance), the chain covariance from their product (less the reciprocal part): O(nnz + N P^2),
    never O(N^3), and a sparse matrix stays sparse. A block of equal synapses has variance and
    covariances 0.

    Args:
        network: whose synapses are stored.
        errors: whether to estimate standard errors as well, by the jackknife over neurons.
        shrink: whether to shrink the motif coefficients of populations of few neurons, which are
            mostly noise and need not be those of any ensemble: each becomes tau A / (A + s^2), with
            s its standard error and A the variance that the coefficients of its class have beyond
            their errors (empirical Bayes: Efron and Morris, J. Am. Stat. Assoc. 70, 311, 1975), and
            then all become the nearest ones that an ensemble has (`nearest_feasible`). Means and
            variances stay.

    Returns:
        Means, variances and motif covariances by population.

    Raises:
        NetworkError: the synapses are not stored.
        InfeasibleStatisticsError: with `shrink`, the nearest feasible motifs were not found.
    """
    sizes, Z = np.asarray(network.sizes, dtype=float), np.eye(network.P)[network.labels]
    sums = sums_by_group(network.matrix, Z)
    rows, _, squares, products, _ = sums
    diagonal = np.asarray(network.matrix.diagonal(), dtype=float)
    totals, pairs = Z.T @ rows, np.outer(sizes, sizes) - np.diag(sizes)
    m = _ratio(totals - np.diag(Z.T @ diagonal), pairs)
    square_sums = Z.T @ squares - np.diag(Z.T @ diagonal**2)
    deviations = square_sums - pairs * m**2
    # a block of equal synapses has no motifs; rounding would give it some of order one
    deviations[deviations <= CONSTANT * square_sums] = 0
    varies = deviations > 0
    partners = Z.T @ products - np.diag(Z.T @ diagonal**2) - pairs * m * m.T
    partners = (partners + partners.T) / 2 * (varies & varies.T)
    convergent, divergent, chain = _triples(network, sums, diagonal, m, deviations, partners)
    found = Statistics(
        populations=network.populations,
        sizes=network.sizes,
        mean=totals / np.outer(sizes, sizes),
        variance=_ratio(deviations, pairs),
        convergent=convergent,
        divergent=divergent,
        chain=chain,
        reciprocal=_ratio(partners, pairs),
        sampled_from=network.parameters,
    )
    if not errors and not shrink:
        return found
    known = standard_errors(network, m, found.variance, found.tau)
    made = _shrunk(found, known) if shrink else found
    return replace(made, errors=known if errors else None)


def _shrunk(found: Statistics, known: StandardErrors) -> Statistics:
    """The same with shrunken motifs, which an ensemble has."""
    tau = shrunken(found.tau, known.tau, found.sizes)
    near = nearest_feasible(_with_motifs(found, tau).parameters())
    return replace(_with_motifs(found, near.motifs), shrunk=True)


def _with_motifs(found: Statistics, tau: Motifs) -> Statistics:
    pairs = zip(tau, _scales(found.variance), strict=True)
    covariances = (np.asarray(t, dtype=float) * scale for t, scale in pairs)
    return replace(found, **dict(zip(Motifs._fields, covariances, strict=True)))


def _scales(variance: np.ndarray) -> Motifs:
    """sqrt(variance variance') of the pairs of synapses of each class."""
    s = np.sqrt(variance)
    left, onto = s[:, :, None], s.T[:, :, None]
    return Motifs(left * s[:, None, :], onto * s.T[:, None, :], left * s[None, :, :], s * s.T)


def _triples(
    network: Network,
    sums: GroupSums,
    diagonal: np.ndarray,
    m: np.ndarray,
    deviations: np.ndarray,
    partners: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariances of convergent, divergent and chain motifs: of three distinct neurons."""
    labels, sizes, own = network.labels, np.asarray(network.sizes, dtype=float), np.eye(network.P)
    (rows, columns, *_), varies = sums, deviations > 0
    neighbours = sizes[None, :] - own  # of a neuron in p: neurons of q other than itself
    onto_itself = own[labels] * diagonal[:, None]
    d = rows - onto_itself - (neighbours * m)[labels]
    e = columns - onto_itself - (neighbours * m.T)[labels]
    d, e = d * varies[labels], e * varies.T[labels]
    pairs = ((d, d), (e, e), (e, d))
    convergent, divergent, chain = (_by_population(x, y, labels) for x, y in pairs)
    same = own[None, :, :]
    triples = sizes[:, None, None] * (
        neighbours[:, :, None] * neighbours[:, None, :] - same * neighbours[:, :, None]
    )
    return (
        _ratio(convergent - same * deviations[:, :, None], triples),
        _ratio(divergent - same * deviations.T[:, :, None], triples),
        _ratio(chain - same * partners.T[:, :, None], triples).transpose(1, 0, 2),
    )


def _by_population(x: np.ndarray, y: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """sum over the neurons i of population p of x[i, q] y[i, r]; shape (P, P, P)."""
    sums = np.stack([x[labels == p].T @ y[labels == p] for p in range(x.shape[1])])
    return (sums + sums.transpose(0, 2, 1)) / 2 if x is y else sums


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.divide(sums, counts, out=np.zeros_like(sums, dtype=float), where=counts > 0)
