"""Targets of a fit: measured rates of neurons, with errors."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...errors import ParameterError
from ...numbers import counted
from .datasets import from_dataset, to_dataset
from .files import plain, read_rows, save_rows
from .neuron_tables import NeuronTable, Population, Selection, populations_of
from .neurons import Asked
from .nwb import SUFFIX, nwb_recording
from .recordings import Columns
from .table import COLUMNS, NUMBERS, TEXTS, Row, checked_rows, label_of

if TYPE_CHECKING:
    import pandas as pd

SAME, ZERO = 1e-9, 1e-12  # times, levels, covariances this close are equal: files keep 16 digits
WRITTEN = 1e-6  # relative: people write errors and covariances with 6 digits
READING = ("separator", "encoding", "decimal", "part")
SHOWN = 20  # rows of a repr
ROUNDING = 1e-8  # of the trace: a negative eigenvalue of a covariance that is rounding


@dataclass(frozen=True, eq=False, repr=False)
class Targets:
    """Measured numbers that a network shall reproduce, one entry of every column per target.

    Make them with `of`, `read`, `from_dataset` or `from_neurons`, which check them.

    Errors of `from_neurons` are by default those of a sample of neurons, the standard deviations of
    resamples, in which neurons are drawn again within their population, the same for all quantities
    and conditions; `covariance` is their covariance; populations are independent. Trials add to
    these errors what they add to the spread of neurons; sessions and cell typing are not in them.
    Of few neurons (20, say) they are too small: a resample of n neurons has on average (n - 1) / n
    of their variance. With errors="trials" the neurons are all that there are, as those of a
    connectome, and errors are those of their rates: means over trials are drawn again, normal with
    their standard error, for each neuron by itself.

    Attributes:
        quantity: rate_mean, rate_sd, rate_correlation, rate_quantile or rate_change.
        population: of whose rates; "PV+SST" pools populations.
        condition: in which.
        against: the second condition of rate_correlation and rate_change, else "".
        level: of rate_quantile, in (0, 1), else nan.
        time: in the trajectory of the condition, of both where there are two; nan: stationary.
        value: nan where it is missing, which leaves the target out of the fit.
        error: standard error of the value.
        weight: of the squared misfit, ((model - value) / error)^2.
        held_out: not fitted, to be predicted.
        covariance: of the values, (n, n), its diagonal error^2; None: they are independent.
    """

    quantity: tuple[str, ...]
    population: tuple[str, ...]
    condition: tuple[str, ...]
    against: tuple[str, ...]
    level: np.ndarray
    time: np.ndarray
    value: np.ndarray
    error: np.ndarray
    weight: np.ndarray
    held_out: np.ndarray
    covariance: np.ndarray | None = None

    @classmethod
    def of(
        cls, rows: Iterable[Mapping[str, Any]], covariance: Any = None, *, source: str = "targets"
    ) -> Targets:
        """From rows that map columns to what is there.

        Args:
            rows: with quantity, population and value, and error, or weight alone, which then is
                1 / error^2. The condition is "baseline" unless given.
            covariance: of the values, (n, n).
            source: how errors call the rows.

        Raises:
            ParameterError: names row (from 1) and column: unknown columns and quantities, errors
                and weights that are not positive, a level, value or second condition that makes no
                sense, a target given twice, no value left to fit.
        """
        made = _of_rows(checked_rows(rows, source))
        return (
            made
            if covariance is None
            else replace(made, covariance=_checked_covariance(covariance, made, source))
        )

    @classmethod
    def read(cls, path: str | os.PathLike) -> Targets:
        """From a file.

        Args:
            path: .csv or .csv.gz with a header of columns, a .json list of rows, or a .nc file as
                `from_dataset` takes it.

        Raises:
            ParameterError: the file is not there or cannot be read, and as `of` does.
        """
        rows, covariance = read_rows(path)
        return cls.of(rows, covariance, source=str(path))

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> Targets:
        """From variables rate_mean, rate_sd, ...

        Args:
            dataset: its variables have the dimensions population and any of condition, time, level,
                against, or these as scalar coordinates; each comes with NAME_error (or
                NAME_weight), and NAME_held_out if needed. NaN stands where nothing was measured.

        Raises:
            ParameterError: other variables and dimensions, and as `of` does.
        """
        rows, covariance = from_dataset(dataset)
        return cls.of(rows, covariance, source="the dataset")

    @classmethod
    def from_neurons(
        cls,
        table: Any,
        *,
        population: Population,
        conditions: Mapping[str, Any],
        quantities: Sequence[str] = ("rate_mean", "rate_sd", "rate_correlation"),
        levels: Sequence[float] = (),
        pairs: Sequence[tuple[str, str]] | None = None,
        errors: str = "neurons",
        bootstrap: int = 1000,
        seed: int = 0,
        least: int = 3,
        where: Any = None,
        select: Selection | None = None,
        unit: str | None = None,
        condition: str | None = None,
        rate: str | None = None,
        **reading: Any,
    ) -> Targets:
        """Statistics across single neurons, with bootstrapped errors.

        A row of the table is a neuron, or one trial of a neuron, whose id `unit` names; its rates
        are then averaged over trials. In an NWB file a row is a unit, whose spikes are counted.

        Errors are those of a sample of neurons, or of the rates of all that there are: see
        `Targets`. Noise of trials widens the spread of neurons and weakens correlations, which
        neither kind of error corrects.

        Args:
            table: path of a file (a table as `read_network` reads it, packed or not, or .nwb, which
                needs pynwb), pandas DataFrame or mapping of columns.
            population: the column with a neuron's population, or a function of a row for its name.
            conditions: {name: column with the rates}, whose empty cells were not measured; with
                `condition` {name: value or values of that column}; in an NWB file {name: column of
                units, (start, stop) in seconds, several, or a filter as "stimulus=gratings"}.
            quantities, levels: of those of `Targets`; levels of quantiles, which they add.
            pairs: (condition, against) of rate_correlation and rate_change; by default all pairs,
                and every other condition against the first one.
            errors: "neurons" or "trials".
            bootstrap, seed: number of resamples, and their seed.
            least: neurons that a population needs in every condition, at least 3.
            where: neurons to keep, {column: value or values}, or texts such as "snr>=2".
            select: mapping or function from what is there to a population; None leaves it out.
            unit: the column with a neuron's id, where it has several rows.
            condition, rate: columns that say in which condition a row was recorded, and its rate.
            reading: `separator`, `encoding`, `decimal` and `part` of a file, if not recognised.

        Raises:
            ParameterError: a file or column is not there, rates are no numbers, a neuron is of two
                populations, a population has too few neurons or equal rates, or pynwb is needed.
            TypeError: an unknown keyword.
        """
        asked = Asked(quantities, levels, pairs, bootstrap, seed, least, errors)
        asked.check(conditions)
        columns = Columns(population, select, unit, condition, rate)
        own = _recording(table, columns, conditions, where, reading)
        names = populations_of(own.source, own.labels, select)
        rows, covariance = asked.rows(own, names, conditions)
        return cls.of(rows, covariance, source="the table of neurons")

    def __len__(self) -> int:
        return len(self.quantity)

    def label(self, k: int) -> str:
        """Target k in words, such as "rate_correlation E spontaneous-gratings"."""
        return label_of(self.rows()[k])

    @property
    def labels(self) -> tuple[str, ...]:
        """All of them in words, no two alike."""
        return tuple(map(label_of, self.rows()))

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of the conditions, in the order of the targets; those in `against` too."""
        pairs = zip(self.condition, self.against, strict=True)
        return tuple(dict.fromkeys(name for pair in pairs for name in pair if name))

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the populations, in the order of the targets."""
        return tuple(dict.fromkeys(self.population))

    @property
    def fitted(self) -> Targets:
        """Targets to fit: with a value, not held out. Raises `ParameterError` without any."""
        keep = np.isfinite(self.value) & ~self.held_out
        if not keep.any():
            raise ParameterError(
                f"nothing is left to fit: of {len(self)} targets {int(self.held_out.sum())} are "
                "held out, the others have no value"
            )
        return self._take(keep)

    @property
    def held(self) -> Targets:
        """Targets to predict: with a value, held out; there may be none."""
        return self._take(np.isfinite(self.value) & self.held_out)

    def select(self, **columns: Any) -> Targets:
        """Targets with these values in their columns.

        Args:
            columns: such as population="E", condition=["a", "b"], time=0.5.

        Raises:
            ParameterError: there is none, or no such column.
        """
        keep = self._matching(columns)
        if not keep.any():
            raise ParameterError(f"no target has {self._words(columns)}")
        return self._take(keep)

    def hold_out(self, mask: Any = None, **columns: Any) -> Targets:
        """The same targets, with some more of them held out.

        Args:
            mask: one truth value per target.
            columns: instead, values of columns, as `select` takes them.

        Raises:
            ParameterError: a mask of another length, no target that matches, nothing left to fit.
        """
        if (mask is None) == (not columns):
            raise ParameterError(
                "hold out either a mask or values of columns, such as condition='gratings'"
            )
        if mask is None:
            chosen = self._matching(columns)
        else:
            chosen = np.asarray(mask)
            if chosen.shape != (len(self),) or chosen.dtype != bool:
                raise ParameterError(
                    f"the mask has shape {chosen.shape} and type {chosen.dtype}: it needs "
                    f"{len(self)} truth values, one per target"
                )
        if columns and not chosen.any():
            raise ParameterError(f"no target has {self._words(columns)}")
        made = replace(self, held_out=self.held_out | chosen)
        _ = made.fitted  # raises where nothing is left
        return made

    def rows(self) -> list[Row]:
        """A mapping of all columns per target; what is missing is nan or ""."""
        columns = [
            list(getattr(self, name)) if name in TEXTS else getattr(self, name).tolist()
            for name in COLUMNS
        ]
        return [dict(zip(COLUMNS, cells, strict=True)) for cells in zip(*columns, strict=True)]

    def table(self) -> pd.DataFrame:
        """The rows, without columns in which no target has anything."""
        import pandas as pd

        whole = pd.DataFrame(self.rows(), columns=list(COLUMNS))
        given = whole.replace("", np.nan).infer_objects()
        plain = {"weight": 1.0, "held_out": False}
        same = {name: bool((whole[name] == value).all()) for name, value in plain.items()}
        return whole[[n for n in COLUMNS if given[n].notna().any() and not same.get(n, False)]]

    def __repr__(self) -> str:
        return f"{self._title()}\n{self.table().to_string(index=False, max_rows=SHOWN)}"

    def _repr_html_(self) -> str:
        table = self.table().to_html(index=False, border=0, max_rows=SHOWN, na_rep="")
        return f"<p><b>{self._title()}</b></p>{table}"

    def _title(self) -> str:
        related = "" if self.covariance is None else ", with their covariance"
        return f"{counted(len(self.value), 'target')}{related}"

    def json(self) -> dict[str, Any]:
        """Plain data: `targets`, the rows, and their `covariance`; what is missing is None."""
        return plain(self.rows(), self.covariance)

    @property
    def dataset(self) -> xr.Dataset:
        """A variable for each quantity, over population and condition.

        Also over against, level and time where used; with NAME_error, NAME_weight, NAME_held_out;
        the labels of the targets, in order, as coordinate `target`, and their covariance, if known,
        over target and target2.
        """
        return to_dataset(self.rows(), self.covariance)

    def save(self, path: str | os.PathLike) -> None:
        """Write all of them, with the covariance, for `read` to give back.

        Args:
            path: .csv, .csv.gz, .json or .nc; written whole or not at all.

        Raises:
            ParameterError: another suffix, or a file that cannot be written.
        """
        save_rows(self.rows(), self.covariance, path)

    def _take(self, keep: np.ndarray) -> Targets:
        where = np.flatnonzero(keep)
        texts: dict[str, Any] = {
            name: tuple(getattr(self, name)[k] for k in where) for name in TEXTS
        }
        numbers: dict[str, Any] = {
            name: getattr(self, name)[where] for name in (*NUMBERS, "held_out")
        }
        covariance = None if self.covariance is None else self.covariance[np.ix_(where, where)]
        return Targets(**texts, **numbers, covariance=covariance)

    def _matching(self, columns: Mapping[str, Any]) -> np.ndarray:
        keep = np.ones(len(self), dtype=bool)
        for name, wanted in columns.items():
            if name not in COLUMNS:
                raise ParameterError(
                    f"targets have no column {name!r}; there are {', '.join(COLUMNS)}"
                )
            cells = getattr(self, name)
            options = [wanted] if np.ndim(wanted) == 0 else list(wanted)
            if name in NUMBERS:
                try:
                    own = np.asarray(options, dtype=float)
                except (TypeError, ValueError):
                    raise ParameterError(
                        f"the column {name} holds numbers, not {wanted!r}"
                    ) from None
                keep &= np.isclose(
                    cells[:, None], own[None, :], rtol=SAME, atol=ZERO, equal_nan=True
                ).any(axis=1)
            else:
                keep &= np.array([cell in options for cell in cells], dtype=bool)
        return keep

    def _words(self, columns: Mapping[str, Any]) -> str:
        there = {
            name: ", ".join(map(str, dict.fromkeys(list(getattr(self, name))))) for name in columns
        }
        return "; ".join(
            f"{name} = {value!r} (there are {there[name]})" for name, value in columns.items()
        )


def _of_rows(rows: Sequence[Row]) -> Targets:
    texts: dict[str, Any] = {name: tuple(row[name] for row in rows) for name in TEXTS}
    numbers: dict[str, Any] = {
        name: np.array([row[name] for row in rows], dtype=float) for name in NUMBERS
    }
    return Targets(
        **texts, **numbers, held_out=np.array([row["held_out"] for row in rows], dtype=bool)
    )


def _checked_covariance(covariance: Any, targets: Targets, source: str) -> np.ndarray:
    """Raises `ParameterError` unless it is a covariance of these values."""
    own, n = np.asarray(covariance, dtype=float), len(targets)
    if own.shape != (n, n):
        raise ParameterError(
            f"{source}: the covariance of {n} targets has shape {own.shape}: it needs ({n}, {n})"
        )
    there = np.isfinite(targets.value)
    block = own[np.ix_(there, there)]
    if not np.all(np.isfinite(block)) or not np.allclose(block, block.T, rtol=SAME, atol=0):
        raise ParameterError(f"{source}: the covariance must be symmetric and finite")
    wrong = np.flatnonzero(
        ~np.isclose(np.diag(block), targets.error[there] ** 2, rtol=WRITTEN, atol=0)
    )
    if len(wrong):
        k = int(np.flatnonzero(there)[wrong[0]])
        raise ParameterError(
            f"{source}: row {k + 1}, column error: {targets.error[k]:g} is not the root of its "
            f"variance in the covariance, {own[k, k]:g}: change both, or leave the covariance out"
        )
    lowest = float(np.linalg.eigvalsh(block)[0])
    if lowest < -ROUNDING * float(np.trace(block)):
        raise ParameterError(
            f"{source}: the covariance is no covariance: it has a negative eigenvalue, {lowest:.3g}"
        )
    return own


def _recording(
    table: Any,
    columns: Columns,
    conditions: Mapping[str, Any],
    where: Any,
    reading: Mapping[str, Any],
) -> Any:
    """The rates of neurons in a table or in an NWB file."""
    if wrong := [name for name in reading if name not in READING]:
        raise TypeError(f"there is no option {wrong[0]!r}: of reading are {', '.join(READING)}")
    if isinstance(table, str | os.PathLike) and Path(table).suffix.lower() == SUFFIX:
        return nwb_recording(table, columns, conditions, where, reading.get("part"))
    return columns.recording(NeuronTable.of(table, where, **reading), conditions)
