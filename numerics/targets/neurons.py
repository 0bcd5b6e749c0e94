"""Targets from a table of single neurons: statistics across the neurons of every population, with bootstrapped errors and covariances."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParameterError
from .table import PAIRED, QUANTITIES, Row, is_missing, label_of

if TYPE_CHECKING:
    import pandas as pd


FEWEST = 3
BLOCK = 2_000_000
"""Numbers drawn at a time."""
MISSING = ("", "nan", "na", "n/a", "null", "none", "[]")

Population = str | Callable[[Mapping[str, Any]], str | None]
Selection = Mapping[Any, str | None] | Callable[[Any], str | None]


def neuron_rows(
    table: Any,
    *,
    population: Population,
    conditions: Mapping[str, str],
    quantities: Sequence[str],
    levels: Sequence[float],
    pairs: Sequence[tuple[str, str]] | None,
    bootstrap: int,
    seed: int,
    least: int,
    where: Mapping[str, Any] | None,
    select: Selection | None,
    separator: str | None,
) -> tuple[list[Row], np.ndarray]:
    """Rows of targets, not checked, and the covariance of their values; see `Targets.from_neurons`."""
    _check_options(conditions, quantities, levels, bootstrap, least, pairs)
    frame, source = _frame(table, separator), _source(table)
    frame = _kept(frame, where or {}, source)
    labels = _labels(frame, population, select, source)
    rates = {
        name: _rates(frame, column, f"{source}, condition {name!r}")
        for name, column in conditions.items()
    }
    names = _populations(labels, select, source)
    kinds = [
        *quantities,
        *(["rate_quantile"] if len(levels) and "rate_quantile" not in quantities else []),
    ]
    rows: list[Row] = []
    draws = np.random.default_rng(seed).spawn(len(names))
    blocks = []
    for name, rng in zip(names, draws, strict=True):
        own = {condition: values[labels == name] for condition, values in rates.items()}
        _check_count(name, own, least, source)
        asked = list(_asked(name, list(conditions), kinds, levels, pairs))
        blocks.append(_bootstrapped(asked, own, bootstrap, rng, source))
        rows += asked
    return rows, _block_diagonal(blocks)


def _check_options(
    conditions: Any, quantities: Any, levels: Any, bootstrap: int, least: int, pairs: Any
) -> None:
    if not isinstance(conditions, Mapping) or not conditions:
        raise ParameterError(
            f"conditions map names of conditions to columns of the table, such as {{'baseline': 'rate'}}: {conditions!r}"
        )
    unknown = [name for name in quantities if name not in QUANTITIES]
    if isinstance(quantities, str) or unknown or not (len(quantities) or len(levels)):
        raise ParameterError(
            f"quantities are a list of some of {', '.join(QUANTITIES)}: {quantities!r}"
        )
    if not all(0 < level < 1 for level in levels):
        raise ParameterError(f"levels of quantiles lie between 0 and 1: {list(levels)}")
    if "rate_quantile" in quantities and not len(levels):
        raise ParameterError("rate_quantile needs levels, such as levels=(0.25, 0.5, 0.75)")
    if not len(levels) and len(conditions) < 2 and set(quantities) <= set(PAIRED):
        raise ParameterError(
            f"nothing to compute: with the condition {', '.join(conditions)} there are no pairs, which {', '.join(quantities)} need"
        )
    if bootstrap < 2:
        raise ParameterError(
            f"bootstrap = {bootstrap} resamples give no standard error: draw at least 2, better 1000"
        )
    if least < FEWEST:
        raise ParameterError(
            f"least = {least}: of fewer than {FEWEST} neurons no error can be estimated"
        )
    for pair in pairs or ():
        if (
            isinstance(pair, str)
            or len(pair) != 2
            or not set(pair) <= set(conditions)
            or pair[0] == pair[1]
        ):
            raise ParameterError(
                f"{pair!r} is no pair of two different conditions; there are {', '.join(conditions)}"
            )


def _check_count(name: str, own: Mapping[str, np.ndarray], least: int, source: str) -> None:
    for condition, values in own.items():
        count = int(np.isfinite(values).sum())
        if count < least:
            raise ParameterError(
                f"{source}: population {name} has {count} neurons with a rate in {condition!r}, fewer than least = {least}: merge "
                "it with another population, or leave it out, with select"
            )


def _asked(
    name: str, conditions: list[str], kinds: Sequence[str], levels: Sequence[float], pairs: Any
) -> Iterator[Row]:
    """What to compute for one population: rows without value and error."""
    couples = {
        "rate_correlation": pairs or list(combinations(conditions, 2)),
        "rate_change": pairs or [(c, conditions[0]) for c in conditions[1:]],
    }
    for quantity in dict.fromkeys(kinds):
        row: Row = {
            "quantity": quantity,
            "population": name,
            "against": "",
            "level": np.nan,
            "time": np.nan,
        }
        if quantity in PAIRED:
            yield from ({**row, "condition": a, "against": b} for a, b in couples[quantity])
        elif quantity == "rate_quantile":
            yield from (
                {**row, "condition": condition, "level": float(level)}
                for condition in conditions
                for level in levels
            )
        else:
            yield from ({**row, "condition": condition} for condition in conditions)


def _bootstrapped(
    asked: list[Row],
    own: Mapping[str, np.ndarray],
    bootstrap: int,
    rng: np.random.Generator,
    source: str,
) -> np.ndarray:
    """Write value and error of one population's rows; the covariance of the values. All rows see the same resamples."""
    n = len(next(iter(own.values())))
    everyone = {condition: values[None, :] for condition, values in own.items()}
    resampled = []
    for start in range(0, bootstrap, block := max(1, BLOCK // n)):
        index = rng.integers(0, n, (min(block, bootstrap - start), n))
        drawn = {condition: values[index] for condition, values in own.items()}
        resampled.append(np.stack([_statistic(row, drawn) for row in asked], axis=-1))
    values = np.concatenate(resampled)
    values = values[
        np.all(np.isfinite(values), axis=1)
    ]  # a resample may hold too few different neurons
    for k, row in enumerate(asked):
        row["value"] = float(_statistic(row, everyone)[0])
        if len(values) < 2 or not (
            np.isfinite(row["value"]) and np.std(values[:, k]) > 1e-12 * abs(row["value"])
        ):
            what = (
                f"{source}: {label_of(row)} of {n} neurons has no error that resampling could find"
            )
            raise ParameterError(
                f"{what} (too few measured neurons, or equal rates): leave this quantity or population out"
            )
        row["error"] = float(np.std(values[:, k], ddof=1))
    return np.atleast_2d(np.cov(values, rowvar=False))


def _statistic(row: Row, rates: Mapping[str, np.ndarray]) -> np.ndarray:
    """One statistic of every resample, (resamples,), from (resamples, neurons); neurons without a rate, NaN, are left out."""
    x = rates[row["condition"]]
    match row["quantity"]:
        case "rate_mean":
            return _mean(x)
        case "rate_sd":
            return np.sqrt(_covariance(x, x))
        case "rate_quantile":
            return _quantile(x, row["level"])
        case "rate_correlation":
            x, y = _paired(x, rates[row["against"]])
            return _ratio(_covariance(x, y), np.sqrt(_covariance(x, x) * _covariance(y, y)))
        case "rate_change":
            x, y = _paired(x, rates[row["against"]])
            return _mean(x) - _mean(y)
    raise ParameterError(
        f"{row['quantity']!r} cannot be computed from single neurons; there are {', '.join(QUANTITIES)}"
    )


def _paired(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    both = np.isfinite(x) & np.isfinite(y)
    return np.where(both, x, np.nan), np.where(both, y, np.nan)


def _mean(x: np.ndarray) -> np.ndarray:
    there = np.isfinite(x)
    return _ratio(np.sum(np.where(there, x, 0.0), axis=1), there.sum(axis=1))


def _covariance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    there = np.isfinite(x)
    dx, dy = (np.where(there, v - _mean(v)[:, None], 0.0) for v in (x, y))
    return _ratio(np.sum(dx * dy, axis=1), there.sum(axis=1) - 1)


def _quantile(x: np.ndarray, level: float) -> np.ndarray:
    """Linear between the order statistics, as `numpy.quantile`."""
    counts = np.isfinite(x).sum(axis=1)
    ordered = np.sort(x, axis=1)  # NaN last
    at = np.maximum(level * (counts - 1), 0)
    low = np.floor(at).astype(int)
    here, above = (
        np.take_along_axis(ordered, k[:, None], axis=1)[:, 0]
        for k in (low, np.minimum(low + 1, np.maximum(counts - 1, 0)))
    )
    return here + (at - low) * (above - here)


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.full(np.shape(a), np.nan), where=b > 0)


def _block_diagonal(blocks: Sequence[np.ndarray]) -> np.ndarray:
    whole = np.zeros((sum(map(len, blocks)),) * 2)
    start = 0
    for block in blocks:
        own = slice(start, start + len(block))
        whole[own, own] = (block + block.T) / 2
        start += len(block)
    return whole


def _source(table: Any) -> str:
    return f"{table}" if isinstance(table, str | os.PathLike) else "the table of neurons"


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
            f"a table of neurons is the path of a file, a pandas DataFrame or a mapping of columns, not a {type(table).__name__}"
        )
    suffixes = Path(table).suffixes
    separator = separator or ("\t" if ".tsv" in suffixes else r"\s+" if ".txt" in suffixes else ",")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
            return pd.read_csv(
                table,
                sep=separator,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                skipinitialspace=True,
                encoding="utf-8-sig",
            )
    except FileNotFoundError:
        raise ParameterError(f"there is no file {table}") from None
    except (OSError, EOFError, ValueError, pd.errors.ParserWarning) as error:
        raise ParameterError(
            f"{table} cannot be read as a table of columns separated by {separator!r}: {error}"
        ) from None


def _column(frame: pd.DataFrame, name: str, source: str) -> np.ndarray:
    if name not in frame.columns:
        raise ParameterError(
            f"{source} has no column {name!r}: its columns are {', '.join(map(str, frame.columns))}"
        )
    return frame[name].to_numpy(dtype=object)


def _rates(frame: pd.DataFrame, name: str, source: str) -> np.ndarray:
    rates = np.full(len(frame), np.nan)
    for k, cell in enumerate(_column(frame, name, source)):
        if is_missing(cell) or (isinstance(cell, str) and cell.strip().lower() in MISSING):
            continue
        try:
            rates[k] = float(cell)
        except (TypeError, ValueError):
            raise ParameterError(
                f"{source}: row {k + 1}, column {name}: {cell!r} is no number"
            ) from None
        if not np.isfinite(rates[k]):
            raise ParameterError(f"{source}: row {k + 1}, column {name}: {cell!r} is not finite")
    return rates


def _kept(frame: pd.DataFrame, where: Mapping[str, Any], source: str) -> pd.DataFrame:
    for name, value in where.items():
        wanted = {str(v) for v in ([value] if np.ndim(value) == 0 else value)}
        there = [str(v) for v in _column(frame, name, source)]
        keep = [v in wanted for v in there]
        if not any(keep):
            raise ParameterError(
                f"{source}: no neuron has {name} in {sorted(wanted)}; its values are {sorted(set(there))[:10]}"
            )
        frame = frame[keep]
    return frame


def _labels(
    frame: pd.DataFrame, population: Population, select: Selection | None, source: str
) -> np.ndarray:
    """Name of every neuron's population; None leaves it out."""
    labels = (
        [population(row) for row in frame.to_dict("records")]
        if callable(population)
        else list(_column(frame, population, source))
    )
    if select is not None:
        choose = select if callable(select) else select.get
        labels = [None if is_missing(label) else choose(label) for label in labels]
    elif not callable(population) and any(map(is_missing, labels)):
        raise ParameterError(
            f"{source}: {sum(map(is_missing, labels))} neurons have no {population}: leave them out with where, or with select"
        )
    return np.array([None if is_missing(label) else str(label) for label in labels], dtype=object)


def _populations(labels: np.ndarray, select: Selection | None, source: str) -> list[str]:
    """In the order of `select` where it is a mapping, else of the table."""
    found = list(dict.fromkeys(label for label in labels if label is not None))
    wanted = (
        list(dict.fromkeys(str(v) for v in select.values() if v is not None))
        if isinstance(select, Mapping)
        else found
    )
    absent = [name for name in wanted if name not in found]
    if absent or not found:
        raise ParameterError(
            f"{source}: no neuron is of population {absent[0]}"
            if absent
            else f"{source}: no neuron is of any population"
        )
    return wanted
