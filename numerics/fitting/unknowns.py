"""Unknowns of a fit: scalar parameters by name, with bounds, priors and starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...errors import ParameterError
from ..parameters import Parameters
from .scales import Scale

PERSISTENCE = "persistence"
"""persistence[p]: correlation between two conditions of the static offsets xi_i of the inputs to
neurons of population p; 1 unless it is free."""


class Prior(Protocol):
    """Knowledge of a number before the fit: `priors.Normal`, `priors.LogNormal`."""

    def residual(self, value: Any) -> Any:
        """The standardised difference: half its square is -log(density), but for a constant."""

    def sample(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """n values."""


@dataclass(frozen=True)
class Unknown:
    """A number to fit.

    Args:
        name: of a scalar parameter, "mean[E,I]", "input[E]", "transfer.gain[E]", "factor(mean)",
            with wildcards for entries that share one value; several names are tied to one value.
            "persistence[E]" is the correlation between conditions of the static offsets of a
            population's inputs.
        condition: the one that it belongs to, None for all; "input[E] @ gratings" as name means the
            same.
        low, high: bounds.
        prior: `Normal` or `LogNormal`.
        start: two values between which random starts lie.

    Raises:
        ParameterError: bounds or starts that are not increasing, or two conditions.
    """

    name: str | tuple[str, ...]
    condition: str | None = None
    low: float = -np.inf
    high: float = np.inf
    prior: Prior | None = None
    start: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        names = (self.name,) if isinstance(self.name, str) else tuple(self.name)
        if len(names) == 1 and "@" in names[0]:
            name, _, condition = names[0].partition("@")
            if self.condition is not None:
                raise ParameterError(
                    f"{self.name!r} names a condition, and condition = {self.condition!r} another "
                    "one: give it once"
                )
            object.__setattr__(self, "condition", condition.strip())
            names = (name.strip(),)
        object.__setattr__(self, "name", names[0].strip() if len(names) == 1 else names)
        if any(is_persistence(n) for n in names):
            if self.condition is not None or not all(is_persistence(n) for n in names):
                raise ParameterError(
                    f"{self.label}: persistence belongs to all pairs of conditions and is tied to "
                    "nothing else"
                )
            object.__setattr__(self, "low", max(self.low, -1.0))
            object.__setattr__(self, "high", min(self.high, 1.0))
        if not self.low < self.high:
            raise ParameterError(
                f"{self.label}: the bounds {self.low:g} and {self.high:g} must be increasing"
            )
        if self.start is not None and not (
            len(self.start) == 2 and self.low <= self.start[0] < self.start[1] <= self.high
        ):
            raise ParameterError(
                f"{self.label}: starts between {self.start} must be two increasing values within "
                f"{self.low:g} and {self.high:g}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """All names that share the value."""
        return (self.name,) if isinstance(self.name, str) else self.name

    @property
    def label(self) -> str:
        """Its name, and its condition."""
        return " = ".join(self.names) + (f" @ {self.condition}" if self.condition else "")

    @property
    def scale(self) -> Scale:
        """The scale on which it has no bounds."""
        return Scale(self.low, self.high)

    @property
    def is_persistence(self) -> bool:
        """Whether it is the correlation between conditions of offsets of inputs."""
        return is_persistence(self.names[0])


def is_persistence(name: str) -> bool:
    """Whether a name is that of a persistence of offsets."""
    return name.partition("[")[0].strip() == PERSISTENCE


def dale(
    signs: Mapping[str, int],
    parameters: Parameters,
    *,
    prior: Mapping[str, Prior] = {},
    start: tuple[float, float] | None = None,
) -> list[Unknown]:
    """Unknowns for all mean[p,q], each of the sign of its source (Dale's law).

    Args:
        signs: of each population, {"E": 1, "I": -1}.
        parameters: entries of their `mean` that are 0 and have no prior stay 0.
        prior: by name, "mean[E,I]".
        start: two positive sizes between which random starts lie.

    Raises:
        ParameterError: a population has no sign.
    """
    missing = [q for q in parameters.populations if signs.get(q) not in (1, -1)]
    if missing:
        raise ParameterError(
            f"Dale's law needs a sign, 1 or -1, for every population: {missing[0]!r} has "
            f"{signs.get(missing[0])!r}"
        )
    found, mean = [], np.asarray(parameters.mean)
    for p, target in enumerate(parameters.populations):
        for q, source in enumerate(parameters.populations):
            name, positive = f"mean[{target},{source}]", signs[source] > 0
            if mean[p, q] == 0 and name not in prior:
                continue
            ends = None if start is None else start if positive else (-start[1], -start[0])
            low, high = (0.0, np.inf) if positive else (-np.inf, 0.0)
            found.append(Unknown(name, low=low, high=high, prior=prior.get(name), start=ends))
    return found
