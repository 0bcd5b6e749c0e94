"""The report of reading: what a network was read from, and what was found there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sps

FIRST = 10  # ids that a report shows
SAMPLE = 10**6  # synapses by which it is seen whether each is stated from both ends
ROWS = 1024  # of a dense matrix, that are looked at together
BOTH_ENDS = 0.9  # of the edges have an equal edge back, where each is stated from both ends
BY_CHANCE = 0.25  # by which this exceeds what the weights alone explain


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over neurons of their numbers of synapses."""

    mean: float
    sd: float

    @classmethod
    def of(cls, degrees: np.ndarray) -> Spread:
        """Of the degrees of all neurons."""
        return cls(float(degrees.mean()), float(degrees.std()))


@dataclass(frozen=True)
class Reading:
    """What a network was read from, which is what to look at before trusting what is measured.

    Args:
        source: the file, or the kind of object.
        format: how it is written.
        orientation: which neurons are sources of synapses, and which targets.
        neurons: their number.
        edges: synapses that are not 0.
        populations: the number of neurons of each.
        labels: where these are from.
        self_synapses: edges from a neuron onto itself.
        isolated: neurons without a synapse from or onto another one.
        duplicates: edges that were added to others with the same neurons.
        missing: weights that were not known and are 0.
        dropped_edges: left out by filters and options.
        dropped_neurons: left out by filters and options, or for want of a label.
        in_degrees: synapses onto each neuron.
        out_degrees: synapses that each neuron makes; with the other orientation, the two change
            places.
        first_ids: the first neurons.
        notes: what deserves a second look.
    """

    source: str = ""
    format: str = ""
    orientation: str = ""
    neurons: int = 0
    edges: int = 0
    populations: dict[str, int] | None = None
    labels: str = ""
    self_synapses: int = 0
    isolated: int = 0
    duplicates: int = 0
    missing: int = 0
    dropped_edges: int = 0
    dropped_neurons: int = 0
    in_degrees: Spread | None = None
    out_degrees: Spread | None = None
    first_ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        """The report as numbers and text."""
        return asdict(self) | {"first_ids": list(self.first_ids), "notes": list(self.notes)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reading:
        """The report that `json` wrote; raises `TypeError` or `KeyError` for other data."""
        spreads = {
            name: Spread(**data[name])
            for name in ("in_degrees", "out_degrees")
            if data.get(name) is not None
        }
        texts = {name: tuple(map(str, data[name])) for name in ("first_ids", "notes")}
        return cls(**(data | spreads | texts))

    def lines(self) -> list[tuple[str, str]]:
        """What is reported, and its value in words, a line for each."""
        said = [
            ("file", self.source),
            ("format", self.format),
            ("orientation", self.orientation),
            ("neurons", str(self.neurons)),
            ("edges", str(self.edges)),
            ("populations", ", ".join(f"{p} {n}" for p, n in (self.populations or {}).items())),
            ("labels", self.labels),
            ("self-synapses", str(self.self_synapses)),
            ("isolated neurons", str(self.isolated)),
            ("duplicates added up", str(self.duplicates)),
            ("missing weights set to 0", str(self.missing)),
            ("dropped edges", str(self.dropped_edges)),
            ("dropped neurons", str(self.dropped_neurons)),
        ]
        if self.in_degrees is not None and self.out_degrees is not None:
            one, other = self.in_degrees, self.out_degrees
            said += [
                ("in-degree, mean and SD", f"{one.mean:.4g}, {one.sd:.4g}"),
                (
                    "out-degree, mean and SD",
                    f"{other.mean:.4g}, {other.sd:.4g} (were sources and targets exchanged, "
                    f"{one.sd:.4g}, and that of in-degrees {other.sd:.4g})",
                ),
            ]
        said.append(("first ids", ", ".join(self.first_ids)))
        return [own for own in said if own[1]] + [("note", note) for note in self.notes]

    def table(self) -> Any:
        """The report as a pandas DataFrame, one row for each of `lines`."""
        import pandas as pd

        return pd.DataFrame(self.lines(), columns=["what", "found"])

    def __str__(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self.lines())

    def noting(self, *notes: str) -> Reading:
        """The report with further notes."""
        return replace(self, notes=(*self.notes, *(note for note in notes if note)))

    def counted(
        self, W: Any, labels: np.ndarray, populations: Sequence[str], ids: np.ndarray | None
    ) -> Reading:
        """The report with what is counted on the network itself.

        Args:
            W: its synapses, row = target.
            labels: the index of each neuron's population.
            populations: their names.
            ids: of the neurons, where they have some.
        """
        rows, columns, own = degrees(W)
        sizes = np.bincount(labels, minlength=len(populations)).tolist()
        counted = replace(
            self,
            neurons=W.shape[0],
            edges=int(rows.sum()),
            populations=dict(zip(populations, sizes, strict=True)),
            self_synapses=int(own.sum()),
            isolated=int(np.sum((rows == own) & (columns == own))),
            in_degrees=Spread.of(rows),
            out_degrees=Spread.of(columns),
            first_ids=() if ids is None else tuple(map(str, ids[:FIRST])),
        )
        return counted.noting(both_ends(W))


def degrees(W: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By neuron: synapses onto it, synapses that it makes, and whether one is its own."""
    own = (W.diagonal() != 0).astype(np.int64)
    if sps.issparse(W):
        rows, columns = np.diff(W.indptr).astype(np.int64), W.indices
        if not W.data.all():
            there = sps.csr_array((W.data != 0, W.indices, W.indptr), shape=W.shape)
            rows, columns = there.astype(np.int64).sum(axis=1), W.indices[W.data != 0]
        return rows, np.bincount(columns, minlength=W.shape[0]), own
    rows, columns = np.zeros((2, len(W)), dtype=np.int64)
    for start in range(0, len(W), ROWS):
        there = W[start : start + ROWS] != 0
        rows[start : start + ROWS] = np.count_nonzero(there, axis=1)
        columns += np.count_nonzero(there, axis=0)
    return rows, columns, own


def both_ends(W: Any) -> str:
    """A note where nearly each synapse has one of equal weight back, otherwise "".

    Equal weights also meet by chance where few different weights are between many pairs: this is
    the probability that the pair is joined times that of two equal weights.
    """
    N = W.shape[0]
    filled = W.nnz if sps.issparse(W) else N * N
    every = np.arange(N)
    if filled > SAMPLE:
        rng = np.random.default_rng(0)
        every = np.sort(rng.choice(N, max(1, int(N * SAMPLE / filled)), replace=False))
    there, back = sps.csr_array(W[every]), sps.csr_array(W[:, every].T)
    there, back = (_without_own(own, every) for own in (there, back))
    if not there.nnz:
        return ""
    # two synapses are equal where their difference is 0 and both are there
    joint = sps.csr_array((there != 0).multiply(back != 0))
    equal = joint.nnz - sps.csr_array((there - back).multiply(joint) != 0).nnz
    share = equal / there.nnz
    frequencies = np.unique(there.data, return_counts=True)[1] / there.nnz
    chance = there.nnz / (len(every) * max(N - 1, 1)) * float(np.sum(frequencies**2))
    if share < BOTH_ENDS or share < chance + BY_CHANCE:
        return ""
    return (
        f"{100 * share:.0f} % of the edges have an edge of equal weight back, as where each "
        "synapse is stated from both of its neurons, or edges have no direction: keep one of each, "
        "e.g. with where='type=S'"
    )


def _without_own(rows: sps.csr_array, which: np.ndarray) -> sps.csr_array:
    """Rows of a matrix without its diagonal and without zeros."""
    found = rows.tocoo()
    i, j = found.coords
    keep = (which[i] != j) & (found.data != 0)
    return sps.csr_array((found.data[keep], (i[keep], j[keep])), shape=rows.shape)
