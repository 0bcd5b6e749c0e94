"""Targets from single neurons: statistics across neurons, with bootstrapped errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ...errors import ParameterError
from .neuron_statistics import statistic
from .neuron_tables import NeuronTable, Population, Selection
from .table import PAIRED, QUANTITIES, Row, label_of

FEWEST = 3  # neurons: with two, resamples have a spread or none
BLOCK = 2_000_000
"""Numbers drawn at a time: 16 MB."""
EQUAL = 1e-12  # a spread below this part of the value is rounding


def neuron_rows(
    table: Any,
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
    """Rows of targets, not checked, and their covariance; see `Targets.from_neurons`."""
    _check_options(conditions, quantities, levels, bootstrap, least, pairs)
    neurons = NeuronTable.of(table, separator, where or {})
    source = neurons.source
    labels = neurons.labels(population, select)
    rates = {
        name: neurons.rates(column, f"condition {name!r}") for name, column in conditions.items()
    }
    names = neurons.populations(labels, select)
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
            "conditions map names of conditions to columns of the table, such as "
            f"{{'baseline': 'rate'}}: {conditions!r}"
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
            f"nothing to compute: with the condition {', '.join(conditions)} there are no pairs, "
            f"which {', '.join(quantities)} need"
        )
    if bootstrap < 2:
        raise ParameterError(
            f"bootstrap = {bootstrap} resamples give no standard error: draw at least 2, better "
            "1000"
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
                f"{pair!r} is no pair of two different conditions; there are "
                f"{', '.join(conditions)}"
            )


def _check_count(name: str, own: Mapping[str, np.ndarray], least: int, source: str) -> None:
    for condition, values in own.items():
        count = int(np.isfinite(values).sum())
        if count < least:
            raise ParameterError(
                f"{source}: population {name} has {count} neurons with a rate in {condition!r}, "
                f"fewer than least = {least}: merge it with another population, or leave it out, "
                "with select"
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
    """Write value and error of one population's rows; the covariance of the values.

    All rows see the same resamples.
    """
    n = len(next(iter(own.values())))
    everyone = {condition: values[None, :] for condition, values in own.items()}
    resampled = []
    for start in range(0, bootstrap, block := max(1, BLOCK // n)):
        index = rng.integers(0, n, (min(block, bootstrap - start), n))
        drawn = {condition: values[index] for condition, values in own.items()}
        resampled.append(np.stack([statistic(row, drawn) for row in asked], axis=-1))
    values = np.concatenate(resampled)
    # a resample may hold too few different neurons
    values = values[np.all(np.isfinite(values), axis=1)]
    for k, row in enumerate(asked):
        row["value"] = float(statistic(row, everyone)[0])
        if len(values) < 2 or not (
            np.isfinite(row["value"]) and np.std(values[:, k]) > EQUAL * abs(row["value"])
        ):
            what = (
                f"{source}: {label_of(row)} of {n} neurons has no error that resampling could find"
            )
            raise ParameterError(
                f"{what} (too few measured neurons, or equal rates): leave this quantity or "
                "population out"
            )
        row["error"] = float(np.std(values[:, k], ddof=1))
    return np.atleast_2d(np.cov(values, rowvar=False))


def _block_diagonal(blocks: Sequence[np.ndarray]) -> np.ndarray:
    whole = np.zeros((sum(map(len, blocks)),) * 2)
    start = 0
    for block in blocks:
        own = slice(start, start + len(block))
        whole[own, own] = (block + block.T) / 2
        start += len(block)
    return whole
