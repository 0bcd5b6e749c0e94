"""Places of unknowns in the parameters: entries of arrays, or populations for a persistence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...errors import ParameterError
from ..parameters import MOTIFS, Constant, Parameters, Scalar, Signals, entry_names, scalar
from .conditions import Condition, in_condition
from .unknowns import PERSISTENCE, Prior, Unknown, is_persistence

Place = Scalar | np.ndarray
"""A scalar parameter; a mask over populations where a persistence is meant."""
NEARLY = 0.9
"""Where between its bounds a free persistence starts: recordings change little between conditions,
and 1 itself, no change, is a bound."""


def places_of(
    unknown: Unknown, conditions: tuple[Condition, ...], parameters: Parameters
) -> list[Place]:
    """Where the value of an unknown goes.

    Raises:
        ParameterError: a name that is not there, or a motif coefficient.
    """
    own = _around(unknown, conditions, parameters)
    return [
        _populations(name, parameters) if is_persistence(name) else _entries(name, own)
        for name in unknown.names
    ]


def _populations(name: str, parameters: Parameters) -> np.ndarray:
    who = name.partition("[")[2].rstrip("] ").strip() or "*"
    if who != "*" and who not in parameters.populations:
        raise ParameterError(
            f"{name!r}: there is no population {who!r}; there are "
            f"{', '.join(parameters.populations)}"
        )
    return np.array([who in ("*", p) for p in parameters.populations])


def _entries(name: str, parameters: Parameters) -> Scalar:
    made = scalar(name, parameters)
    wrong = [part.name for part in made.parts if part.name in MOTIFS]
    if wrong:
        raise ParameterError(
            f"{name!r}: motif coefficients are bounded by each other; free them with "
            f"motifs=FreeMotifs(({wrong[0]!r}, ...)), which keeps them feasible"
        )
    return made


def refuse_overlaps(unknowns: Sequence[Unknown], places: Sequence[Sequence[Place]]) -> None:
    """Raise `ParameterError` where two unknowns set the same number.

    Factors do not count: they multiply what others set.
    """
    seen: dict[tuple[str, str | None], list[tuple[np.ndarray, str]]] = {}
    for own, wheres in zip(unknowns, places, strict=True):
        for place in wheres:
            if isinstance(place, Scalar):
                if place.is_factor:
                    continue
                name, where = place.parts[0].name, place.parts[0].where
            else:
                name, where = PERSISTENCE, place
            for other, label in seen.setdefault((name, own.condition), []):
                if label != own.label and np.any(other & where):
                    raise ParameterError(
                        f"{label} and {own.label} would set the same number: leave one of them out"
                    )
            seen[name, own.condition].append((where, own.label))


def given_value(
    unknown: Unknown,
    places: Sequence[Place],
    conditions: tuple[Condition, ...],
    parameters: Parameters,
) -> float:
    """The value that the parameters have; of tied names that of the first."""
    first = places[0]
    if isinstance(first, np.ndarray):
        return unknown.low + NEARLY * (unknown.high - unknown.low)
    if first.is_factor:
        return 1.0
    own = _around(unknown, conditions, parameters)
    values = [
        np.broadcast_to(np.asarray(part.read(own)), part.where.shape)[part.where]
        for part in first.parts
    ]
    return float(np.mean(np.concatenate(values)))


def placed(places: Sequence[Place], parameters: Parameters, value: Any) -> Parameters:
    """The parameters with a value at these places; pure."""
    for own in places:
        parameters = own.set(parameters, value) if isinstance(own, Scalar) else parameters
    return parameters


def in_inputs(places: Sequence[Place], parameters: Parameters) -> list[Scalar]:
    """Those of the places that the inputs have: a constant, or the weight of a signal."""
    return [own for own in places if isinstance(own, Scalar) and _has(parameters, own)]


def _has(parameters: Parameters, own: Scalar) -> bool:
    for part in own.parts:
        family, _, name = part.name.partition(".")
        given = getattr(parameters, family)
        weighted = isinstance(given, Signals) and bool(name) and name in given.weights
        if not (weighted or (isinstance(given, Constant) and not name)):
            return False
    return True


def read(own: Scalar, parameters: Parameters) -> Array:
    """The first entry that a scalar stands for; pure."""
    part = own.parts[0]
    return jnp.asarray(part.read(parameters))[tuple(np.argwhere(part.where)[0])]


def priors_by_name(
    unknowns: Sequence[Unknown],
    given: Mapping[str, Prior],
    names: Sequence[str],
    parameters: Parameters,
) -> dict[str, Prior]:
    """Priors of unknowns and of other numbers.

    A prior of several entries, as mean[*,I], that is not the name of an unknown is that of each
    entry.

    Raises:
        ParameterError: a number has two priors, or a factor that is not unknown has one.
    """
    found = {own.label: own.prior for own in unknowns if own.prior is not None}
    for given_name, prior in given.items():
        for name in (given_name,) if given_name in names else _each(given_name, parameters):
            if name in found:
                raise ParameterError(f"{name} has two priors: give it one")
            found[name] = prior
    return found


def _each(name: str, parameters: Parameters) -> list[str]:
    """The names of the entries that a name stands for; equal partners once."""
    own = scalar(name, parameters)
    if own.is_factor:
        raise ParameterError(
            f"the prior of {name}: a factor that is not unknown is 1, so leave it out"
        )
    return entry_names(own.parts[0], parameters)


def _around(
    unknown: Unknown, conditions: tuple[Condition, ...], parameters: Parameters
) -> Parameters:
    """The parameters in the condition of an unknown."""
    return in_condition(unknown.condition, conditions, parameters, unknown.label)
