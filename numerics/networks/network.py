"""A sampled or measured network: its synapses and which population each neuron belongs to."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from .files import read_arrays, write_arrays

if TYPE_CHECKING:
    from ..parameters import Parameters


FORMAT = 2


@dataclass(frozen=True, eq=False)
class Network:
    """N neurons in P populations. Make one with `Network.of`, `sample`, `read_edges` or `load_network`.

    weights[i, j]: the synapse from neuron j onto neuron i, (N, N), a NumPy array or a SciPy `csr_array`, read-only; or a `MatrixFree`, which
        is drawn again at every use
    populations: their names; labels[i]: the index of neuron i's population, (N,), in any order; read-only
    seed, parameters: what the network was sampled from, None if it was not
    rows[i, q]: u_i^q = N a_i^q, the deviation of neuron i's in-strength from population q that its synapses were drawn with, (N, P), and
    offsets[i]: xi_i, the standard normal offset of its input, (N,); None where they are not known; read-only
    """

    weights: np.ndarray | sps.csr_array = field(repr=False)
    populations: tuple[str, ...]
    labels: np.ndarray = field(repr=False)
    seed: int | None = None
    parameters: Parameters | None = field(default=None, repr=False)
    rows: np.ndarray | None = field(default=None, repr=False)
    offsets: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        W = self.weights
        arrays = (
            (W.data, W.indices, W.indptr)
            if isinstance(W, sps.csr_array)
            else (W,)
            if isinstance(W, np.ndarray)
            else ()
        )
        for array in (
            *arrays,
            self.labels,
            *(known for known in (self.rows, self.offsets) if known is not None),
        ):
            array.flags.writeable = False

    @classmethod
    def of(
        cls,
        weights: Any,
        labels: Any,
        populations: Sequence[str] | None = None,
        *,
        rows: Any = None,
        offsets: Any = None,
    ) -> Network:
        """A validated network from a square array or sparse matrix, row = target, and one label per neuron.

        `labels` are names, or indices into `populations`. Without `populations`, names are used in sorted order, and
        indices count populations named "1", "2", ... Arrays are copied. Raises `NetworkError`.
        """
        checked = _weights(weights)
        N = checked.shape[0]
        names, index = _populations(labels, populations, N)
        known = (_known("rows", rows, (N, len(names))), _known("offsets", offsets, (N,)))
        return cls(checked, names, index, rows=known[0], offsets=known[1])

    @property
    def N(self) -> int:
        """Number of neurons."""
        return self.weights.shape[0]

    @property
    def P(self) -> int:
        """Number of populations."""
        return len(self.populations)

    @property
    def matrix(self) -> np.ndarray | sps.csr_array:
        """The weights as a matrix that is stored. Raises `NetworkError` where they are drawn again at every use."""
        if not isinstance(self.weights, np.ndarray | sps.csr_array):
            raise NetworkError(
                "the synapses of this network are not stored: make one with "
                "Network.of(network.weights.dense(), network.labels, network.populations), if it fits into memory"
            )
        return self.weights

    @property
    def sparse(self) -> bool:
        """Whether `weights` is a SciPy sparse array."""
        return isinstance(self.weights, sps.csr_array)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons per population."""
        return tuple(int(n) for n in np.bincount(self.labels, minlength=self.P))

    def members(self, population: str | int) -> np.ndarray:
        """The indices of a population's neurons, by its name or position."""
        if isinstance(population, str):
            if population not in self.populations:
                raise NetworkError(
                    f"there is no population {population!r}: known are {list(self.populations)}"
                )
            population = self.populations.index(population)
        return np.flatnonzero(self.labels == population)

    def in_strengths(self) -> np.ndarray:
        """u_i^q, (N, P): `rows`, or where they are not known N / N_q times the measured deviation, that of the sum of neuron i's synapses
        from population q from the mean of these sums over i's population.
        """
        if self.rows is not None:
            return self.rows
        members = [self.members(q) for q in range(self.P)]
        sums = np.stack([self.weights[:, m].sum(axis=1, dtype=float) for m in members], axis=1)
        for own in members:
            sums[own] -= sums[own].mean(axis=0)
        return sums * (self.N / np.asarray(self.sizes, dtype=float))

    def scaled(self, factor: float) -> Network:
        """The same network with every synapse multiplied by `factor`; no longer the one that was sampled."""
        rows = None if self.rows is None else self.rows * float(factor)
        return replace(
            self, weights=self.matrix * float(factor), seed=None, parameters=None, rows=rows
        )

    def save(self, path: str | os.PathLike, statistics: Any = None) -> Path:
        """Write one .npz or .h5 file that `load_network` reads; the file is complete or, after an error, not there.

        It holds the synapses and populations, and what is known of the seed, the parameters that the network was sampled from, `rows` and
        `offsets`; and its measured `statistics` (of `measure`), if given, which `load_statistics` reads. Raises `NetworkError` where it
        cannot be written, or when the parameters' input is a Python function.
        """
        measured = (
            {}
            if statistics is None
            else {f"measured.{name}": array for name, array in statistics.arrays().items()}
        )
        return write_arrays(path, _content(self) | measured)


def load_network(path: str | os.PathLike) -> Network:
    """The network that `Network.save` wrote. Raises `NetworkError` for a missing, damaged or foreign file."""
    try:
        content = read_arrays(path)
        if int(content["format"]) > FORMAT:
            raise NetworkError(
                f"{path} was written by a newer motifield, in format {content['format']}: update motifield"
            )
        if "weights" in content:
            weights = content["weights"]
        else:
            weights = sps.csr_array(
                (content["data"], content["indices"], content["indptr"]), shape=content["shape"]
            )
            weights.check_format(full_check=True)
        known = {name: content.get(name) for name in ("rows", "offsets")}
        network = Network.of(
            weights, content["labels"], [str(name) for name in content["populations"]], **known
        )
        seed = int(content["seed"]) if "seed" in content else None
        return replace(network, seed=seed, parameters=_parameters(content, network.populations))
    except NetworkError:
        raise
    except FileNotFoundError as error:
        raise NetworkError(f"there is no file {path}") from error
    except (
        OSError,
        EOFError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        RuntimeError,
        zipfile.BadZipFile,
    ) as error:
        raise NetworkError(
            f"{path} is not a network written by Network.save, or it is damaged: {error}"
        ) from error


def _weights(weights: Any) -> np.ndarray | sps.csr_array:
    try:
        array = sps.csr_array(weights, copy=True) if sps.issparse(weights) else np.array(weights)
    except ValueError as error:
        raise NetworkError(f"weights are not a matrix of numbers: {error}") from error
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.shape[0]:
        raise NetworkError(
            f"weights have shape {array.shape}; a network needs a square matrix, row = target"
        )
    if array.dtype.kind not in "fiub":
        raise NetworkError(f"weights have dtype {array.dtype}; they must be real numbers")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    if isinstance(array, sps.csr_array):
        array.sum_duplicates()
        bad = np.flatnonzero(~np.isfinite(array.data))
        where = [
            (np.searchsorted(array.indptr, k, side="right") - 1, array.indices[k]) for k in bad[:1]
        ]
    else:
        finite = np.isfinite(array)
        where = [] if finite.all() else list(np.argwhere(~finite)[:1])
    if where:
        i, j = (int(k) for k in where[0])
        raise NetworkError(
            f"the synapse from neuron {j} onto neuron {i} is {array[i, j]}: weights must be finite"
        )
    return array


def _known(name: str, values: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    if values is None:
        return None
    array = np.array(values, dtype=float)
    if array.shape != shape or not np.all(np.isfinite(array)):
        raise NetworkError(
            f"{name} have shape {array.shape}; finite numbers are needed for {shape[0]} neurons: {shape}"
        )
    return array


def _populations(
    labels: Any, populations: Sequence[str] | None, N: int
) -> tuple[tuple[str, ...], np.ndarray]:
    array = np.asarray(labels)
    if array.shape != (N,):
        raise NetworkError(
            f"labels have shape {array.shape}; {N} neurons need one label each: ({N},)"
        )
    if array.dtype.kind in "OUST":
        array = array.astype(str)
        names = (
            tuple(np.unique(array).tolist())
            if populations is None
            else tuple(map(str, populations))
        )
        unknown = sorted(set(array.tolist()) - set(names))
        if unknown:
            raise NetworkError(f"labels {unknown[:5]} are not among the populations {list(names)}")
        index = np.array(
            [{name: k for k, name in enumerate(names)}[value] for value in array.tolist()],
            dtype=np.int64,
        )
    elif array.dtype.kind in "iu":
        index = array.astype(np.int64)
        names = tuple(map(str, range(1, index.max() + 2) if populations is None else populations))
        if index.min() < 0 or index.max() >= len(names):
            raise NetworkError(
                f"labels go from {index.min()} to {index.max()}; there are {len(names)} populations, "
                "counted from 0"
            )
    else:
        raise NetworkError(f"labels have dtype {array.dtype}; use population names or integers")
    if len(set(names)) != len(names):
        raise NetworkError(f"population names must be given once each: {list(names)}")
    empty = [
        name
        for name, n in zip(names, np.bincount(index, minlength=len(names)), strict=True)
        if n == 0
    ]
    if empty:
        raise NetworkError(
            f"no neuron belongs to population {empty[0]!r}: leave it out, or label its neurons"
        )
    return names, index


def _content(network: Network) -> dict[str, np.ndarray]:
    """The arrays of the file; those of the parameters carry the prefix `parameters.`."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "labels": network.labels,
        "populations": np.array(network.populations),
    }
    if network.sparse:
        content |= {
            name: getattr(network.weights, name) for name in ("data", "indices", "indptr", "shape")
        }
    else:
        content["weights"] = network.matrix
    if network.seed is not None:
        content["seed"] = network.seed
    content |= {
        name: known for name in ("rows", "offsets") if (known := getattr(network, name)) is not None
    }
    if network.parameters is not None:
        from ..parameters import ARRAYS, FAMILIES, INPUTS

        own = network.parameters
        content |= {f"parameters.{name}": getattr(own, name) for name in ARRAYS}
        content |= {
            f"parameters.{kind}.{name}": array
            for kind in FAMILIES
            for name, array in getattr(own, kind).items()
        }
        for which in INPUTS:
            content |= {
                f"parameters.{which}.{name}": array
                for name, array in _input_content(which, getattr(own, which)).items()
            }
    return {name: np.asarray(array) for name, array in content.items()}


_TENSORS = {
    "tau_con": "convergent",
    "tau_div": "divergent",
    "tau_chn": "chain",
    "tau_rec": "reciprocal",
}
_INPUTS = {"Constant": ("value",), "Steps": ("times", "values"), "Table": ("times", "values")}


def _input_content(which: str, drive: Any) -> dict[str, Any]:
    kind = type(drive).__name__
    if kind not in _INPUTS:
        raise NetworkError(
            f"the parameters' {which} is a {kind}, which a file cannot hold: use a constant, steps or a "
            "table, or save dataclasses.replace(network, parameters=None)"
        )
    return {"kind": kind, **{name: getattr(drive, name) for name in _INPUTS[kind]}}


def _parameters(
    content: Mapping[str, np.ndarray], populations: tuple[str, ...]
) -> Parameters | None:
    """The parameters of a file; in one of format 1, those it lacks have the default values of `Parameters.of`."""
    prefix = "parameters."
    found = {
        name.removeprefix(prefix): array
        for name, array in content.items()
        if name.startswith(prefix)
    }
    if not found:
        return None
    from ..parameters import ARRAYS, FAMILIES, INPUTS, Motifs, Parameters

    values: dict[str, Any] = {
        name: found[name] for name in ARRAYS if name in found and name not in _TENSORS
    }
    values |= {
        kind: {
            name.removeprefix(f"{kind}."): array
            for name, array in found.items()
            if name.startswith(f"{kind}.")
        }
        for kind in FAMILIES
    }
    values |= {which: _input(which, found) for which in INPUTS if f"{which}.kind" in found}
    values |= {
        "N": float(found["N"]),
        "motifs": Motifs(**{motif: found[name] for name, motif in _TENSORS.items()}),
    }
    return Parameters.of(populations=populations, **values, check=False)


def _input(which: str, found: Mapping[str, np.ndarray]) -> Any:
    from ..parameters import inputs

    kind = str(found[f"{which}.kind"])
    return getattr(inputs, kind)(
        *(inputs.jnp.asarray(found[f"{which}.{name}"]) for name in _INPUTS[kind])
    )


def spectral_radius(network: Network) -> float:
    """Largest absolute eigenvalue of the weights (ARPACK, from a fixed start)."""
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import eigs

    weights = network.weights
    if network.N < 50:
        dense = weights.toarray() if isinstance(weights, csr_array) else weights
        return float(np.abs(np.linalg.eigvals(dense)).max())
    values = eigs(
        weights.astype(float),
        k=1,
        which="LM",
        v0=np.ones(network.N),
        tol=1e-10,
        return_eigenvectors=False,
    )
    return float(np.abs(values).max())
