"""Tables of single neurons as people have them: a row per neuron, or per neuron and trial."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import NetworkError, ParameterError
from ..tables import (
    Coded,
    as_coded,
    clean,
    filters_of,
    kept_by,
    label_of,
    numbers_in,
    open_table,
    values_in,
)

if TYPE_CHECKING:
    import pandas as pd

EMPTY_LIST = "[]"  # what programs write for the rate of no trial
SHOWN = 10  # values of a column that an error lists

Population = str | Callable[[Mapping[str, Any]], str | None]
Selection = Mapping[Any, str | None] | Callable[[Any], str | None]


@dataclass(frozen=True)
class NeuronTable:
    """Rows of neurons, with the name of their source for errors; make it with `NeuronTable.of`.

    Args:
        frame: cells; its index counts the rows of the source from 0.
        source: names it in errors.
        decimal: the decimal sign of texts; None: recognised by column.
        row_is: what a row is.
    """

    frame: pd.DataFrame
    source: str
    decimal: str | None = None
    row_is: str = "neuron"

    @classmethod
    def of(cls, table: Any, where: Any = None, **reading: Any) -> NeuronTable:
        """From a file, a DataFrame or a mapping of columns.

        Args:
            table: whatever it is.
            where: filters of its rows, as `filters_of` takes them.
            reading: `separator`, `encoding`, `part` and `decimal` of a file.

        Raises:
            ParameterError: a file or column is not there, or no neuron is left.
        """
        decimal = reading.pop("decimal", None)
        source = f"{table}" if isinstance(table, str | os.PathLike) else "the table of neurons"
        return cls(_frame(table, reading), source, decimal).kept(where)

    def kept(self, where: Any) -> NeuronTable:
        """The rows that pass filters. Raises `ParameterError` where none does."""
        own = self
        try:
            filters = filters_of(where)
        except NetworkError as error:
            raise ParameterError(str(error)) from None
        for wanted in filters:
            column = own._cells(str(wanted.column))
            keep = kept_by(wanted, column)
            if not keep.any():
                text = f"{own.source}: no {self.row_is} has {wanted}"
                if wanted.operator == "=":
                    text = (
                        f"{own.source}: no {self.row_is} has {wanted.column} in "
                        f"{sorted(wanted.values)}; its values are {values_in(column, SHOWN)}"
                    )
                raise ParameterError(text)
            own = replace(own, frame=own.frame[keep])
        return own

    def column(self, name: Any) -> pd.Series:
        """The cells of a column. Raises `ParameterError` where it is not there."""
        if name not in self.frame.columns:
            raise ParameterError(
                f"{self.source} has no column {name!r}: its columns are "
                f"{', '.join(map(str, self.frame.columns))}"
            )
        return self.frame[name]

    def row(self, k: int) -> str:
        """Where row k stands in the source."""
        return f"row {self.frame.index[k] + 1}"

    def _cells(self, name: Any) -> Any:
        """A column as tables of networks have it."""
        series = self.column(name).rename("cells")
        kind = getattr(series.dtype, "kind", "O")
        one = (series.astype(str) if kind == "b" else series).to_frame()
        return open_table(one, self.source).columns({0: "text"}, False)[0]

    def rates(self, name: Any, what: str) -> np.ndarray:
        """The numbers in a column; NaN where a neuron has none. Raises `ParameterError`."""
        where = f"{self.source}, {what}"
        column = NeuronTable(self.frame, where)._cells(name)
        if isinstance(column, Coded):
            texts = ["" if text == EMPTY_LIST else text for text in column.texts]
            column = Coded(column.codes, texts)
        found = numbers_in(column, self.decimal)
        if found.decimal == "?":
            raise ParameterError(
                f"{where}: the commas in column {name} may be decimal signs or separate thousands: "
                "use decimal=',' or decimal='.'"
            )
        if found.bad.any():
            k = int(np.argmax(found.bad))
            cell = self.frame[name].tolist()[k]
            why = "not finite" if _is_infinite(cell) else "no number"
            raise ParameterError(f"{where}: {self.row(k)}, column {name}: {cell!r} is {why}")
        return found.values

    def names(self, name: Any) -> np.ndarray:
        """The labels in a column, "" where they are missing: `2` and `2.0` are one."""
        own = as_coded(self._cells(name))
        labels = np.array([label_of(text) for text in own.texts], dtype=object)
        return labels[own.codes] if len(labels) else np.zeros(len(self.frame), dtype=object)

    def labels(self, population: Population, select: Selection | None) -> np.ndarray:
        """The name of every row's population; None leaves it out. Raises `ParameterError`."""
        if callable(population):
            own = [population(row) for row in self.frame.to_dict("records")]
            labels = ["" if _is_none(v) else label_of(str(v)) for v in own]
            cells: Sequence[Any] = own
        else:
            labels, cells = list(self.names(population)), self.column(population).tolist()
        if select is None and not callable(population) and "" in labels:
            raise ParameterError(
                f"{self.source}: {labels.count('')} neurons have no {population}: leave them out "
                f"with where, or with select ({self.row(labels.index(''))} is the first)"
            )
        chosen = labels if select is None else _selected(labels, cells, select)
        names = [None if _is_none(label) or label == "" else str(label) for label in chosen]
        return np.array(names, dtype=object)


def populations_of(source: str, labels: np.ndarray, select: Selection | None) -> list[str]:
    """Their names, in the order of `select` where it is a mapping, else of the neurons."""
    found = list(dict.fromkeys(label for label in labels if label is not None))
    wanted = found
    if isinstance(select, Mapping):
        wanted = list(dict.fromkeys(str(v) for v in select.values() if v is not None))
    absent = [name for name in wanted if name not in found]
    if absent or not found:
        which = f"population {absent[0]}" if absent else "any population"
        raise ParameterError(f"{source}: no neuron is of {which}")
    return wanted


def _selected(labels: Sequence[str], cells: Sequence[Any], select: Selection) -> list[Any]:
    """What `select` makes of labels; a mapping is asked by their texts, `1` and `1.0` are one."""
    if callable(select):
        return [select(c) if own else None for own, c in zip(labels, cells, strict=True)]
    known = {label_of(str(key)): value for key, value in select.items()}
    return [known.get(label) for label in labels]


def _is_none(value: Any) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or bool(value != value)


def _is_infinite(cell: Any) -> bool:
    try:
        return bool(np.isinf(float(cell)))
    except (TypeError, ValueError):
        return False


def _frame(table: Any, reading: Mapping[str, Any]) -> pd.DataFrame:
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
    return read_cells(table, **reading)


def read_cells(path: str | os.PathLike, separator: str | None = None, **reading: Any) -> Any:
    """The cells of a table in a file by column, as a pandas data frame; those of texts are texts.

    Args:
        path: a file that `read_network` reads as a table, with names of columns in its first line.
        separator: of the columns of a text; recognised by default.
        reading: `encoding`, of a text, and `part`, of several tables.

    Raises:
        ParameterError: the file is not there, or is no such table.
    """
    import pandas as pd

    try:
        table = open_table(path, "file", separator=separator, **reading)
        names = table.header or [clean(cell) for cell in table.head[0]]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ParameterError(f"{table.what} has two columns {twice[0]!r}: name them apart")
        wanted = dict.fromkeys(range(table.width), "text")
        columns = table.columns(wanted, table.header is None)
    except NetworkError as error:
        raise ParameterError(str(error)) from None
    if len(names) != table.width:
        raise ParameterError(
            f"{table.what}: its header has {len(names)} columns, the rows have {table.width}: name "
            "every column"
        )
    return pd.DataFrame({n: _cells(own) for n, own in zip(names, columns.values(), strict=True)})


def _cells(column: Any) -> np.ndarray:
    """Of a column: numbers as they are, texts without blanks and quotes around them."""
    if not isinstance(column, Coded):
        return column
    texts = np.array([clean(text) for text in column.texts], dtype=object)
    return texts[column.codes] if len(texts) else texts
