"""How networks are read: one set of options for files, tables, matrices and graphs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import EllipsisType
from typing import Any

import numpy as np

from ...errors import NetworkError
from ..tables import Filter, filters_of

# fmt: off
CHOICES = {
    "kind": (None, "edges", "adjacency"), "rows": ("target", "source"),
    "missing": ("refuse", "zero"), "negative": ("keep", "refuse"),
    "self_synapses": ("keep", "drop"), "duplicates": ("refuse", "sum"),
    "unlabelled": ("refuse", "drop"), "unknown": ("refuse", "drop"),
    "distinct": ("refuse", "keep"), "decimal": (None, ".", ","),
}
# fmt: on
COLUMNS = ("pre", "post", "id", "label", "where", "unknown")
TEXT = ("decimal", "separator", "encoding")


@dataclass(frozen=True)
class ReadOptions:
    """Options of `read_network`, `as_network` and `read_edges`, given as keyword arguments.

    A column is named where its table has a header, and a position from 0 where it has none. Those
    that are not given are recognised by their names (`pre`, `source`, `pre_pt_root_id`, ...), or
    without a header by their places: source, target, weight; id, label. A table whose columns
    cannot be told is refused.

    Args:
        kind: what a table is, "edges" or "adjacency"; None: its shape and header decide.
        rows: of a matrix, the "target" neurons of the synapses, or their "source".
        missing: a weight that is not known (NaN, None, empty) is refused, or no synapse ("zero").
        negative: weights below 0 are kept, or refused (counts of synapses have none).
        self_synapses: keep or drop the synapses of a neuron onto itself.
        duplicates: an edge given twice is refused, or its weights are summed ("sum").
        unlabelled: a neuron without a label ("", NaN, NA) is refused, or dropped with its synapses
            ("drop").
        smallest: populations of fewer neurons become one, `other`. A population of one neuron has
            no variance between its neurons, and motifs within it are 0.
        other: the name of that population.
        distinct: labels that differ from neuron to neuron, so that all populations are of size 1,
            are refused (they are names, not types), or kept.
        weight: where weights are: a column of a list of edges, an attribute of a graph's edges (by
            default "weight"); None: every edge is 1.
        pre: column of the source neurons in a list of edges.
        post: column of their targets.
        id: column of the neurons' ids in a table of neurons or of labels.
        label: column of their populations there, or the attribute of a graph's nodes. By default
            there is one population, "all", in `read_edges`; `read_network` looks for the column.
        where: filters of edges and of neurons, by the table that has the column:
            `{column: value or list of values}`, or a text such as "type=chemical",
            "layer=L1|L2", "type!=electrical", "count>=5", or several. Where both tables have it,
            "edges.type" or "neurons.type" says which. Edges among the neurons that are kept are
            kept; the other neurons are still known.
        unknown: an edge whose neuron is not in the table is refused, or dropped.
        decimal: the decimal sign of numbers in text, "." or ","; None: recognised, or refused.
        separator: of columns in text, such as ";"; None: recognised.
        encoding: of text, such as "latin-1"; None: recognised (UTF-8, UTF-16, Latin-1).
        part: which of several tables or arrays of one file is the network: the sheet of a
            workbook, the variable of a .mat or .npz file, the member of a .zip, the population
            of a SONATA file.
        cache: a .npz or .h5 file, in which the network is kept. It is read from there as long as
            the files' contents and the other options are the same.

    Raises:
        NetworkError: an option has no such value.
    """

    kind: str | None = None
    rows: str = "target"
    missing: str = "refuse"
    negative: str = "keep"
    self_synapses: str = "keep"
    duplicates: str = "refuse"
    unlabelled: str = "refuse"
    smallest: int = 1
    other: str = "other"
    distinct: str = "refuse"
    weight: str | int | EllipsisType | None = ...
    pre: str | int | None = None
    post: str | int | None = None
    id: str | int | None = None
    label: str | int | None = None
    where: Mapping[str | int, Any] | Sequence[str] | str | None = None
    unknown: str = "refuse"
    decimal: str | None = None
    separator: str | None = None
    encoding: str | None = None
    part: str | None = None
    cache: str | os.PathLike | None = None

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if not any(value is k or (isinstance(value, str) and value == k) for k in known):
                use = " or ".join(repr(k) for k in known if k is not None)
                raise NetworkError(f"{name}={value!r} is unknown: use {use}")
        if not isinstance(self.smallest, int | np.integer) or self.smallest < 1:
            raise NetworkError(
                f"smallest={self.smallest!r} must be a number of neurons, at least 1"
            )
        filters_of(self.where)

    @property
    def filters(self) -> tuple[Filter, ...]:
        """What `where` asks for."""
        return filters_of(self.where)

    @classmethod
    def of(cls, options: ReadOptions | None, given: Mapping[str, Any]) -> ReadOptions:
        """Options with the keyword arguments of a verb in place of its own."""
        known = [field.name for field in fields(cls)]
        if unknown := [name for name in given if name not in known]:
            raise TypeError(f"there is no option {unknown[0]!r}: options are {', '.join(known)}")
        return replace(options or cls(), **given)

    def given(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Those of these names, by default of all, that are not at their defaults."""
        default = type(self)()
        names = [field.name for field in fields(self)] if names is None else names
        own = {name: getattr(self, name) for name in names}
        return {name: value for name, value in own.items() if value != getattr(default, name)}

    def refuse(self, names: Sequence[str], source: Any, why: str) -> None:
        """Raise `NetworkError` where one of these is given, which do not apply to the source."""
        if given := self.given(names):
            raise NetworkError(f"{os.fspath(source)} {why} {', '.join(given)}")


def merge_small(labels: np.ndarray, options: ReadOptions) -> np.ndarray:
    """Labels, with `other` in place of those that fewer than `smallest` neurons have."""
    names, counts = np.unique(labels, return_counts=True)
    return np.where(np.isin(labels, names[counts < options.smallest]), options.other, labels)


def checked_labels(labels: np.ndarray, options: ReadOptions) -> np.ndarray:
    """Labels with small populations merged.

    Raises:
        NetworkError: every neuron has a label of its own, where that is refused.
    """
    asks = options.smallest == 1 and options.distinct == "refuse" and len(labels) > 1
    if asks and len(np.unique(labels)) == len(labels):
        shown = ", ".join(map(str, labels[:5]))
        raise NetworkError(
            f"each of the {len(labels)} neurons has a label of its own ({shown}, ...): are these "
            "the names of the neurons? Say which column has their types with label=, or use "
            "distinct='keep' if populations of one neuron are meant"
        )
    return merge_small(labels, options)
