"""Targets from single neurons: statistics across neurons, with bootstrapped errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ...errors import ParameterError
from .neuron_statistics import statistic
from .recordings import Recording
from .table import PAIRED, QUANTITIES, Row, label_of

FEWEST = 3  # neurons: with two, resamples have a spread or none
BLOCK = 2_000_000
"""Numbers drawn at a time: 16 MB."""
ERRORS = ("neurons", "trials")
EQUAL = 1e-12  # a spread below this part of the value is rounding


@dataclass(frozen=True)
class Asked:
    """Which statistics are computed, and how their errors are found; see `Targets.from_neurons`."""

    quantities: Sequence[str]
    levels: Sequence[float]
    pairs: Sequence[tuple[str, str]] | None
    bootstrap: int
    seed: int
    least: int
    errors: str

    def rows(
        self, recording: Recording, names: Sequence[str], conditions: Mapping[str, Any]
    ) -> tuple[list[Row], np.ndarray]:
        """Rows of targets, not checked, of these populations, and their covariance."""
        kinds = list(self.quantities)
        if len(self.levels) and "rate_quantile" not in kinds:
            kinds.append("rate_quantile")
        rows: list[Row] = []
        blocks = []
        draws = np.random.default_rng(self.seed).spawn(len(names))
        for name, rng in zip(names, draws, strict=True):
            own = recording.labels == name
            rates = {condition: values[own] for condition, values in recording.rates.items()}
            _check_count(name, rates, self.least, recording.source)
            draw = _neurons(rates, rng)
            if self.errors == "trials":
                draw = _trials(rates, _known_errors(recording, name), rng)
            asked = list(_asked(name, list(conditions), kinds, self.levels, self.pairs))
            blocks.append(_bootstrapped(asked, rates, self.bootstrap, draw, recording.source))
            rows += asked
        return rows, _block_diagonal(blocks)

    def check(self, conditions: Any) -> None:
        """Raise `ParameterError` for what cannot be computed."""
        if self.errors not in ERRORS:
            raise ParameterError(
                f"errors = {self.errors!r} is unknown: use {' or '.join(map(repr, ERRORS))}"
            )
        own = (self.quantities, self.levels, self.bootstrap, self.least, self.pairs)
        _check_options(conditions, *own)


Draw = Callable[[int], dict[str, np.ndarray]]
"""Rates of this number of resamples, by condition, each (resamples, neurons)."""


def _neurons(rates: Mapping[str, np.ndarray], rng: np.random.Generator) -> Draw:
    """Other neurons of the same population, with all of their rates."""

    def drawn(count: int) -> dict[str, np.ndarray]:
        n = len(next(iter(rates.values())))
        index = rng.integers(0, n, (count, n))
        return {condition: values[index] for condition, values in rates.items()}

    return drawn


def _trials(
    rates: Mapping[str, np.ndarray], errors: Mapping[str, np.ndarray], rng: np.random.Generator
) -> Draw:
    """The same neurons, whose means over trials are normal with their standard errors."""

    def drawn(count: int) -> dict[str, np.ndarray]:
        return {
            condition: values + errors[condition] * rng.standard_normal((count, len(values)))
            for condition, values in rates.items()
        }

    return drawn


def _known_errors(recording: Recording, name: str) -> dict[str, np.ndarray]:
    """Errors of the neurons of a population. Raises `ParameterError` where one has none."""
    own = recording.labels == name
    for condition, rates in recording.rates.items():
        lost = own & np.isfinite(rates) & ~np.isfinite(recording.errors[condition])
        if lost.any():
            raise ParameterError(
                f"{recording.source}: neuron {recording.ids[int(np.argmax(lost))]} of {name} has a "
                f"single trial in {condition!r}, and {int(lost.sum()) - 1} others have: "
                "errors='trials' needs two of each neuron; name the neurons' ids with unit, or use "
                "errors='neurons'"
            )
    return {condition: errors[own] for condition, errors in recording.errors.items()}


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
    draw: Draw,
    source: str,
) -> np.ndarray:
    """Write value and error of one population's rows; the covariance of the values.

    All rows see the same resamples.
    """
    n = len(next(iter(own.values())))
    everyone = {condition: values[None, :] for condition, values in own.items()}
    resampled = []
    for start in range(0, bootstrap, block := max(1, BLOCK // n)):
        drawn = draw(min(block, bootstrap - start))
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
