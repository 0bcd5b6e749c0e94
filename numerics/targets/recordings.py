"""Recorded neurons: the population and the rates of each, with the errors that its trials give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ParameterError
from .neuron_tables import SHOWN, NeuronTable, Population, Selection

FEWEST_TRIALS = 2  # from which a spread can be estimated


@dataclass(frozen=True)
class Recording:
    """Neurons, one entry of every array for each.

    Args:
        source: names where they are from, in errors.
        ids: what errors call them.
        labels: their populations; None leaves one out.
        rates: by condition; NaN where a neuron was not measured.
        errors: standard errors of the rates, of several trials; NaN where these are not known.
    """

    source: str
    ids: list[str]
    labels: np.ndarray
    rates: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]


@dataclass(frozen=True)
class Columns:
    """Which columns of a table say what.

    Args:
        population: of a neuron, or a function of a row.
        select: what is made of it.
        unit: the id of a neuron, where several rows are its trials; None: every row is a neuron.
        condition: in which a row was recorded; None: each condition has a column of rates.
        rate: the column of rates that goes with it.
    """

    population: Population
    select: Selection | None = None
    unit: str | None = None
    condition: str | None = None
    rate: str | None = None

    def __post_init__(self) -> None:
        if (self.condition is None) != (self.rate is None):
            raise ParameterError(
                "condition and rate go together: the column that says in which condition a row "
                "was recorded, and the column of rates"
            )
        if self.condition is not None and self.unit is None:
            raise ParameterError(
                "a table with a column of conditions has several rows of a neuron: name the column "
                "of its id, with unit"
            )

    def recording(self, table: NeuronTable, conditions: Mapping[str, Any]) -> Recording:
        """The neurons of a table.

        Raises:
            ParameterError: a column is not there, rates are no numbers, or a neuron is of two
                populations.
        """
        labels = table.labels(self.population, self.select)
        rates = {name: self._rates(table, name, own) for name, own in conditions.items()}
        if self.unit is None:
            ids = [table.row(k) for k in range(len(labels))]
            unknown = {name: np.full(len(labels), np.nan) for name in rates}
            return Recording(table.source, ids, labels, rates, unknown)
        return _by_unit(table, self.unit, labels, rates)

    def _rates(self, table: NeuronTable, name: str, own: Any) -> np.ndarray:
        """Of every row in a condition, which is a column, or values of the column `condition`."""
        what = f"condition {name!r}"
        if self.condition is None:
            return table.rates(own, what)
        there = table.names(self.condition)
        wanted = {str(v) for v in ([own] if np.ndim(own) == 0 else own)}
        chosen = np.isin(there, list(wanted))
        if not chosen.any():
            raise ParameterError(
                f"{table.source}, {what}: no row has {self.condition} in {sorted(wanted)}; its "
                f"values are {sorted(set(there))[:SHOWN]}"
            )
        return np.where(chosen, table.rates(self.rate, what), np.nan)


def _by_unit(
    table: NeuronTable, unit: str, labels: np.ndarray, rates: Mapping[str, np.ndarray]
) -> Recording:
    names = table.names(unit)
    if (names == "").any():
        raise ParameterError(
            f"{table.source}: {table.row(int(np.argmax(names == '')))} has no {unit}: every trial "
            "is one of a neuron"
        )
    ids, first, which = np.unique(names.astype(str), return_index=True, return_inverse=True)
    other = np.flatnonzero(labels != labels[first][which])
    if len(other):
        k = int(other[0])
        raise ParameterError(
            f"{table.source}: neuron {names[k]} is of {labels[first[which[k]]]} in "
            f"{table.row(int(first[which[k]]))} and of {labels[k]} in {table.row(k)}"
        )
    order = np.argsort(first)  # neurons stay in the order of the table
    both = {name: averaged(which, len(ids), own) for name, own in rates.items()}
    return Recording(
        table.source,
        [str(ids[k]) for k in order],
        labels[first][order],
        {name: mean[order] for name, (mean, _) in both.items()},
        {name: error[order] for name, (_, error) in both.items()},
    )


def averaged(which: np.ndarray, count: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error over the trials of every neuron, sd / sqrt(n); NaN where unknown.

    Args:
        which: the neuron of every trial.
        count: neurons.
        values: of every trial; NaN where there is none.
    """
    there = np.isfinite(values)
    n = np.bincount(which[there], minlength=count)
    total = np.bincount(which[there], values[there], minlength=count)
    mean = np.divide(total, n, out=np.full(count, np.nan), where=n > 0)
    off = values[there] - mean[which[there]]
    squares = np.bincount(which[there], off**2, minlength=count)
    several = n >= FEWEST_TRIALS
    error = np.full(count, np.nan)
    error[several] = np.sqrt(squares[several] / (n[several] - 1) / n[several])
    return mean, error
