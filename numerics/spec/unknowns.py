"""Unknown numbers and priors in a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from ...errors import MotifieldError
from ..parameters import Number, Strict

if TYPE_CHECKING:
    from ..fitting import Prior, Unknown

Pair = Annotated[tuple[Number, Number], Field(strict=False)]  # files have lists, no tuples


class PriorSpec(Strict):
    """A prior: `{ normal = [mean, sd] }` or `{ log-normal = [median, sigma] }`.

    Args:
        normal: mean and standard deviation.
        log_normal: median, negative for a negative number, and standard deviation of the
            logarithm.
    """

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)
    normal: Pair | None = None
    log_normal: Pair | None = Field(default=None, alias="log-normal")

    @model_validator(mode="after")
    def _valid(self) -> PriorSpec:
        if (self.normal is None) == (self.log_normal is None):
            raise ValueError("give normal = [mean, sd] or log-normal = [median, sigma]")
        return _checked(self)

    def build(self) -> Prior:
        """The prior."""
        from ..fitting import LogNormal, Normal

        if self.normal is not None:
            return Normal(*map(float, self.normal))
        assert self.log_normal is not None
        median, sigma = map(float, self.log_normal)
        return LogNormal(abs(median), sigma, -1 if median < 0 else 1)


class UnknownSpec(Strict):
    """[[fit.unknown]]: an unknown number, with the arguments of `Unknown`.

    Args:
        name: of a parameter.
        names: of parameters that share one value, instead of `name`.
        condition: the one that it belongs to; None: all.
        low: lower bound.
        high: upper bound.
        start: range of random starts.
        prior: its prior.
    """

    name: str | None = None
    names: list[str] | None = None
    condition: str | None = None
    low: Number | None = None
    high: Number | None = None
    start: Pair | None = None
    prior: PriorSpec | None = None

    @model_validator(mode="after")
    def _valid(self) -> UnknownSpec:
        if (self.name is None) == (not self.names):
            raise ValueError("give name, or names that share one value")
        return _checked(self)

    def build(self) -> Unknown:
        """The unknown."""
        from ..fitting import Unknown

        names: Any = self.name if self.name is not None else tuple(self.names or ())
        return Unknown(
            names,
            self.condition,
            low=-np.inf if self.low is None else float(self.low),
            high=np.inf if self.high is None else float(self.high),
            prior=None if self.prior is None else self.prior.build(),
            start=None if self.start is None else (float(self.start[0]), float(self.start[1])),
        )


def _checked(own: Any) -> Any:
    """Build it once, so that values out of range are an error of the file."""
    try:
        own.build()
    except MotifieldError as error:
        raise ValueError(str(error)) from None
    return own
