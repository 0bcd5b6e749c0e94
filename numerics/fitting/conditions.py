"""Conditions of an experiment: what differs from the common parameters in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ParameterError
from ..parameters import INPUTS, Parameters, Scalar, scalar


@dataclass(frozen=True)
class Condition:
    """A condition in which something was measured; make it with `Condition.of`.

    Attributes:
        name: how targets call it.
        settings: scalar parameters that differ, with their values.
        replacements: whole inputs that differ: `input`, `in_strength` or `spread`.
    """

    name: str
    settings: tuple[tuple[Scalar, float], ...] = ()
    replacements: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, name: str, given: Mapping[str, Any], parameters: Parameters) -> Condition:
        """A condition from names and values.

        Args:
            name: of the condition.
            given: such as {"input[E]": 1.2}, or a whole `input`.
            parameters: those that all conditions share.

        Raises:
            ParameterError: a name that is not there, or a value that is not finite.
        """
        whole = {
            key: value for key, value in given.items() if key in INPUTS and not np.isscalar(value)
        }
        own = parameters.replace(**whole)
        settings = tuple(
            (scalar(key, own), float(value)) for key, value in given.items() if key not in whole
        )
        for made, value in settings:
            if not np.isfinite(value):
                raise ParameterError(f"condition {name}: {made.name} = {value} is not finite")
        return cls(name, settings, {key: getattr(own, key) for key in whole})

    def apply(self, parameters: Parameters) -> Parameters:
        """The parameters in this condition; pure."""
        return self.settle(
            parameters.replace(**self.replacements) if self.replacements else parameters
        )

    def settle(self, parameters: Parameters) -> Parameters:
        """The parameters with the scalar values of this condition; pure."""
        for own, value in self.settings:
            parameters = own.set(parameters, value)
        return parameters


def in_condition(
    name: str | None, conditions: tuple[Condition, ...], parameters: Parameters, label: str = ""
) -> Parameters:
    """The parameters in one of the conditions; those given for None.

    Raises:
        ParameterError: there is no such condition; `label` says who asks.
    """
    if name is None:
        return parameters
    return condition_named(name, conditions, label).apply(parameters)


def condition_named(name: str, conditions: tuple[Condition, ...], label: str = "") -> Condition:
    """One of the conditions, by name; raises `ParameterError` where it is not among them."""
    for own in conditions:
        if own.name == name:
            return own
    raise ParameterError(
        f"{label}{': ' * bool(label)}there is no condition {name!r}; there are "
        f"{', '.join(c.name for c in conditions)}"
    )
