"""A sampled or measured network: its synapses, and which population each neuron belongs to."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from ...listed import Listed
from .files import read_arrays, write_arrays
from .reading import Reading
from .stored import (
    READING,
    arrays_of,
    feature_arrays,
    features_in,
    parameters_in,
    reading as explained,
    reading_in,
    refuse_unknown_numbers,
    weights_in,
)

if TYPE_CHECKING:
    from ..parameters import Parameters


KNOWN = ("rows", "offsets", "columns")  # arrays of what a sampler knows of the neurons
FEW_NEURONS = 50  # ARPACK needs more neurons than vectors in its basis, 20 or so


@dataclass(frozen=True, eq=False, repr=False)
class Network(Listed):
    """N neurons in P populations; `sample`, `read_network`, `Network.of` and `load` make one.

    Args:
        weights: the synapses, (N, N), weights[i, j] from neuron j onto neuron i: a NumPy array or a
            SciPy `csr_array`, read-only; or a `MatrixFree`, which is drawn again at every use.
        populations: their names.
        labels: the index of each neuron's population, (N,), in any order; read-only.
        seed: that the network was sampled with, None if it was not.
        parameters: that it was sampled from; verbs use them unless they are given others.
        rows: u_i^q = N a_i^q, the deviations of in-strengths that the synapses were drawn with,
            (N, P), None where they are not known; read-only.
        offsets: the standard normal offsets xi_i of the inputs, (N,), None where they are not
            known; read-only.
        columns: b_j^p, the deviations of out-strengths that the synapses were drawn with, per
            synapse, (N, P), None where they are not known; read-only.
        features: f, what synapses were drawn to know of neurons, values (N,) by name, None where
            they are not known; read-only.
        ids: the names of the neurons, (N,), as text; None where they have none; read-only.
        reading: the report of how it was read from a file, an array or a graph; None if it was not.
    """

    weights: np.ndarray | sps.csr_array
    populations: tuple[str, ...]
    labels: np.ndarray
    seed: int | None = None
    parameters: Parameters | None = None
    rows: np.ndarray | None = None
    offsets: np.ndarray | None = None
    columns: np.ndarray | None = None
    features: Mapping[str, np.ndarray] | None = None
    ids: np.ndarray | None = None
    reading: Reading | None = None

    def __post_init__(self) -> None:
        W, arrays = self.weights, [self.labels, self.rows, self.offsets, self.columns, self.ids]
        arrays += (self.features or {}).values()
        if isinstance(W, sps.csr_array):
            arrays += [W.data, W.indices, W.indptr]
        elif isinstance(W, np.ndarray):
            arrays.append(W)
        for array in arrays:
            if array is not None:
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
        columns: Any = None,
        features: Mapping[str, Any] | None = None,
        ids: Any = None,
    ) -> Network:
        """A validated network from a square matrix, row = target, and one label per neuron.

        Args:
            weights: an array or a sparse matrix, which is copied.
            labels: names, or indices into `populations`.
            populations: names; without them, labels are sorted, or populations are named "1", ...
            rows: deviations of in-strengths, (N, P), where they are known.
            offsets: of the inputs, (N,), where they are known.
            columns: deviations of out-strengths per synapse, (N, P), where they are known.
            features: that synapses know, (N,) by name, where they are known.
            ids: names of the neurons, (N,), all different, where they have some.

        Raises:
            NetworkError: weights that are no finite square matrix, or labels that do not fit.
        """
        checked = _weights(weights, ids)
        N = checked.shape[0]
        names, index = _populations(labels, populations, N)
        both = (N, len(names))
        own: dict[str, Any] = {
            name: _known(f"feature {name}", v, (N,), ids) for name, v in (features or {}).items()
        }
        return cls(
            checked,
            names,
            index,
            rows=_known("rows", rows, both, ids),
            offsets=_known("offsets", offsets, (N,), ids),
            columns=_known("columns", columns, both, ids),
            features=own or None,
            ids=_ids(ids, N),
        )

    @classmethod
    def load(cls, path: str | os.PathLike) -> Network:
        """The network in a .npz or .h5 file that `save` wrote.

        Raises:
            NetworkError: a missing, damaged or foreign file.
        """
        with explained(path):
            content = read_arrays(path)
            refuse_unknown_numbers(content)
            known: dict[str, Any] = {name: content.get(name) for name in KNOWN}
            known["features"] = features_in(content)
            known["ids"] = content.get("ids")
            names = [str(name) for name in content["populations"]]
            network = cls.of(weights_in(path, content), content["labels"], names, **known)
            seed = as_seed(content["seed"].item()) if "seed" in content else None
            own = parameters_in(content, network.populations)
            reading = reading_in(content)
            return replace(network, seed=seed, parameters=own, reading=reading)

    def save(self, path: str | os.PathLike, statistics: Any = None) -> Path:
        """Write one .npz or .h5 file, whole or not at all, that `load` reads.

        It holds the synapses and populations, and what is known of the seed, the parameters,
        `rows`, `offsets`, `columns`, `features` and `ids`, and the report of reading.

        Args:
            path: with the suffix .npz, .h5 or .hdf5.
            statistics: measured ones (of `measure`), which `Statistics.load` reads.

        Raises:
            NetworkError: the file cannot be written, or the parameters' input is a function.
        """
        measured = {} if statistics is None else statistics.arrays()
        return write_arrays(path, self.arrays() | measured)

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of a file, by name."""
        stored = ("labels", "populations", "seed", "ids", *KNOWN)
        others: dict[str, Any] = {name: getattr(self, name) for name in stored}
        if self.reading is not None:
            others[READING] = json.dumps(self.reading.json())
        others |= feature_arrays(self.features or {})
        return arrays_of(self.matrix, self.parameters, others)

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
        """The weights as a matrix that is stored.

        Raises:
            NetworkError: they are drawn again at every use.
        """
        if not isinstance(self.weights, np.ndarray | sps.csr_array):
            raise NetworkError(
                "the synapses of this network are not stored: make one with Network.of("
                "network.weights.dense(), network.labels, network.populations), if it fits into "
                "memory"
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

    def name_of(self, neuron: int) -> str:
        """A neuron in words: "neuron 'AVAL'" by its id, "neuron 3" (from 0) where it has none."""
        return name_at(neuron, self.ids)

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
        """u_i^q, the deviations of the neurons' in-strengths.

        Returns:
            `rows`, or where they are not known N / N_q times the measured deviation, that of the
            sum of neuron i's synapses from population q from the mean of these sums over i's
            population, (N, P).
        """
        if self.rows is not None:
            return self.rows
        members = [self.members(q) for q in range(self.P)]
        sums = np.stack([self.weights[:, m].sum(axis=1, dtype=float) for m in members], axis=1)
        for own in members:
            sums[own] -= sums[own].mean(axis=0)
        return sums * (self.N / np.asarray(self.sizes, dtype=float))

    def scaled(self, factor: float) -> Network:
        """The network with every synapse times `factor`; no longer the one that was sampled."""
        rows = None if self.rows is None else self.rows * float(factor)
        columns = None if self.columns is None else self.columns * float(factor)
        weights = self.matrix * float(factor)
        return replace(
            self, weights=weights, seed=None, parameters=None, rows=rows, columns=columns
        )

    def described(self) -> tuple[str, dict[str, str]]:
        """What it is in a line, and the neurons of each population."""
        W = self.weights
        if isinstance(W, sps.csr_array):
            kind = f"{W.nnz} synapses"
        else:
            kind = "dense" if isinstance(W, np.ndarray) else "drawn at every use"
        source = "" if self.seed is None else f", sampled with seed {self.seed}"
        if self.reading is not None and self.reading.source:
            source = f", read from {self.reading.source}"
            source += "".join(f"; {note}" for note in self.reading.notes)
        sizes = dict(zip(self.populations, map(str, self.sizes), strict=True))
        return f"Network of {self.N} neurons, {kind}, {W.dtype}{source}", sizes

    def __repr__(self) -> str:
        title, sizes = self.described()
        each = ", ".join(f"{p} {n}" for p, n in sizes.items())
        return title.replace(" neurons,", f" neurons ({each}),", 1)


def name_at(k: int, ids: Any) -> str:
    """A neuron in words: its id, or its number from 0 where it has none."""
    return f"neuron {k}" if ids is None or len(ids) <= k else f"neuron '{ids[k]}'"


def as_seed(seed: Any) -> int:
    """An integer >= 0, or `NetworkError`."""
    try:
        value = operator.index(seed)
    except TypeError:
        value = -1
    if value < 0:
        raise NetworkError(
            f"seed = {seed!r} must be an integer, at least 0: a network can then be drawn again"
        )
    return value


def _weights(weights: Any, ids: Any) -> np.ndarray | sps.csr_array:
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
        rows = np.searchsorted(array.indptr, bad[:1], side="right") - 1
        where = list(zip(rows, array.indices[bad[:1]], strict=True))
    else:
        finite = np.isfinite(array)
        where = [] if finite.all() else list(np.argwhere(~finite)[:1])
    if where:
        i, j = (int(k) for k in where[0])
        raise NetworkError(
            f"the synapse from {name_at(j, ids)} onto {name_at(i, ids)} is {array[i, j]}: weights "
            "must be finite"
        )
    return array


def _ids(ids: Any, N: int) -> np.ndarray | None:
    if ids is None:
        return None
    array = np.array(ids, dtype=str)
    if array.shape != (N,):
        raise NetworkError(f"ids have shape {array.shape}; {N} neurons need one each: ({N},)")
    if len(np.unique(array)) < N:
        raise NetworkError("ids must differ from neuron to neuron")
    return array


def _known(name: str, values: Any, shape: tuple[int, ...], ids: Any) -> np.ndarray | None:
    if values is None:
        return None
    array = np.array(values, dtype=float)
    if array.shape == shape and not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0]
        raise NetworkError(
            f"{name} hold {array[tuple(where)]} for {name_at(int(where[0]), ids)}: they must be "
            "finite"
        )
    if array.shape != shape:
        raise NetworkError(
            f"{name} have shape {array.shape}; finite numbers are needed for {shape[0]} neurons: "
            f"{shape}"
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
        names, index = _by_name(array.astype(str), populations)
    elif array.dtype.kind in "iu":
        index = array.astype(np.int64)
        names = tuple(map(str, range(1, index.max() + 2) if populations is None else populations))
        if index.min() < 0 or index.max() >= len(names):
            raise NetworkError(
                f"labels go from {index.min()} to {index.max()}; there are {len(names)} "
                "populations, counted from 0"
            )
    else:
        raise NetworkError(f"labels have dtype {array.dtype}; use population names or integers")
    if len(set(names)) != len(names):
        raise NetworkError(f"population names must be given once each: {list(names)}")
    counts = np.bincount(index, minlength=len(names))
    if not counts.all():
        raise NetworkError(
            f"no neuron belongs to population {names[int(np.argmin(counts))]!r}: leave it out, or "
            "label its neurons"
        )
    return names, index


def _by_name(
    array: np.ndarray, populations: Sequence[str] | None
) -> tuple[tuple[str, ...], np.ndarray]:
    found = np.unique(array).tolist()
    names = tuple(found if populations is None else map(str, populations))
    if unknown := sorted(set(found) - set(names)):
        raise NetworkError(f"labels {unknown[:5]} are not among the populations {list(names)}")
    at = {name: k for k, name in enumerate(names)}
    return names, np.array([at[value] for value in array.tolist()], dtype=np.int64)
