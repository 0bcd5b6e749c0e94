"""Tables of single neurons: populations and rates of every neuron."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParameterError
from .table import is_missing

if TYPE_CHECKING:
    import pandas as pd

MISSING = ("", "nan", "na", "n/a", "null", "none", "[]")
SHOWN = 10  # values of a column that an error lists

Population = str | Callable[[Mapping[str, Any]], str | None]
Selection = Mapping[Any, str | None] | Callable[[Any], str | None]


@dataclass(frozen=True)
class NeuronTable:
    """Rows of neurons, with the name of their source for errors; make it with `NeuronTable.of`."""

    frame: pd.DataFrame
    source: str

    @classmethod
    def of(cls, table: Any, separator: str | None, where: Mapping[str, Any]) -> NeuronTable:
        """From a file, a DataFrame or a mapping of columns; `where` says which neurons to keep.

        Raises:
            ParameterError: a file or column is not there, or no neuron is left.
        """
        source = f"{table}" if isinstance(table, str | os.PathLike) else "the table of neurons"
        own = cls(_frame(table, separator), source)
        for name, value in where.items():
            own = own._kept(name, value)
        return own

    def column(self, name: str) -> np.ndarray:
        """The cells of a column. Raises `ParameterError` where it is not there."""
        if name not in self.frame.columns:
            raise ParameterError(
                f"{self.source} has no column {name!r}: its columns are "
                f"{', '.join(map(str, self.frame.columns))}"
            )
        return self.frame[name].to_numpy(dtype=object)

    def _kept(self, name: str, value: Any) -> NeuronTable:
        wanted = {str(v) for v in ([value] if np.ndim(value) == 0 else value)}
        there = [str(v) for v in self.column(name)]
        keep = [v in wanted for v in there]
        if not any(keep):
            raise ParameterError(
                f"{self.source}: no neuron has {name} in {sorted(wanted)}; its values are "
                f"{sorted(set(there))[:SHOWN]}"
            )
        return NeuronTable(self.frame[keep], self.source)

    def rates(self, name: str, what: str) -> np.ndarray:
        """The numbers in a column; NaN where a neuron has none. Raises `ParameterError`."""
        where = f"{self.source}, {what}"
        rates = np.full(len(self.frame), np.nan)
        for k, cell in enumerate(NeuronTable(self.frame, where).column(name)):
            if is_missing(cell) or (isinstance(cell, str) and cell.strip().lower() in MISSING):
                continue
            try:
                rates[k] = float(cell)
            except (TypeError, ValueError):
                raise ParameterError(
                    f"{where}: row {k + 1}, column {name}: {cell!r} is no number"
                ) from None
            if not np.isfinite(rates[k]):
                raise ParameterError(f"{where}: row {k + 1}, column {name}: {cell!r} is not finite")
        return rates

    def labels(self, population: Population, select: Selection | None) -> np.ndarray:
        """The name of every neuron's population; None leaves it out. Raises `ParameterError`."""
        labels = (
            [population(row) for row in self.frame.to_dict("records")]
            if callable(population)
            else list(self.column(population))
        )
        if select is not None:
            choose = select if callable(select) else select.get
            labels = [None if is_missing(label) else choose(label) for label in labels]
        elif not callable(population) and any(map(is_missing, labels)):
            raise ParameterError(
                f"{self.source}: {sum(map(is_missing, labels))} neurons have no {population}: "
                "leave them out with where, or with select"
            )
        names = [None if is_missing(label) else str(label) for label in labels]
        return np.array(names, dtype=object)

    def populations(self, labels: np.ndarray, select: Selection | None) -> list[str]:
        """In the order of `select` where it is a mapping, else of the table."""
        found = list(dict.fromkeys(label for label in labels if label is not None))
        wanted = found
        if isinstance(select, Mapping):
            wanted = list(dict.fromkeys(str(v) for v in select.values() if v is not None))
        absent = [name for name in wanted if name not in found]
        if absent or not found:
            which = f"population {absent[0]}" if absent else "any population"
            raise ParameterError(f"{self.source}: no neuron is of {which}")
        return wanted


def _frame(table: Any, separator: str | None) -> pd.DataFrame:
    import pandas as pd

    if isinstance(table, pd.DataFrame):
        return table.reset_index(drop=True)
    if isinstance(table, Mapping):
        try:
            return pd.DataFrame({str(name): np.asarray(values) for name, values in table.items()})
        except ValueError as error:
            raise ParameterError(
                f"the table of neurons needs columns of one length: {error}"
            ) from None
    if not isinstance(table, str | os.PathLike):
        raise ParameterError(
            "a table of neurons is the path of a file, a pandas DataFrame or a mapping of columns, "
            f"not a {type(table).__name__}"
        )
    suffixes = Path(table).suffixes
    separator = separator or ("\t" if ".tsv" in suffixes else r"\s+" if ".txt" in suffixes else ",")
    return read_cells(table, separator)


def read_cells(path: str | os.PathLike, separator: str) -> pd.DataFrame:
    """The cells of a table in a file as texts, by column.

    Args:
        path: with names of columns in the first line.
        separator: of the columns, as pandas takes it.

    Raises:
        ParameterError: the file is not there, or is no such table.
    """
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
            return pd.read_csv(
                path,
                sep=separator,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                skipinitialspace=True,
                encoding="utf-8-sig",
            )
    except FileNotFoundError:
        raise ParameterError(f"there is no file {path}") from None
    except (OSError, EOFError, ValueError, pd.errors.ParserWarning) as error:
        raise ParameterError(
            f"{path} cannot be read as a table of columns separated by {separator!r}: {error}"
        ) from None
