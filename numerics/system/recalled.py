"""Equations that were derived before: what numbers need of them, without SymPy.

A stand-in for a `MeanField` knows the attributes that numbers need. Where anything else is asked
for, such as formulas, the equations are derived again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

KINDS = ("membrane", "synapse")


class Recalled:
    """An object of which some attributes are known.

    Any other attribute is that of the object itself, which is then made.

    Args:
        known: attributes by name.
        itself: makes the object.
    """

    def __init__(self, known: Mapping[str, Any], itself: Callable[[], Any]):
        self._known, self._itself = known, itself

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # asked for by Python, as by `copy`
            raise AttributeError(name)
        return self._known[name] if name in self._known else getattr(self._itself(), name)

    def __repr__(self) -> str:
        return repr(self._itself())

    def __str__(self) -> str:
        return str(self._itself())


class RecalledArchitecture(Recalled):
    """An `Architecture`, with those of its methods that depend on the number of populations."""

    def filter_index(self, kind: str, P: int) -> tuple[int, ...]:
        """As that of `Architecture`."""
        if P != len(self.populations):
            return self._itself().filter_index(kind, P)
        return tuple(self._known["filter_index"][kind])

    def transfer_index(self, P: int) -> tuple[int, ...]:
        """As that of `Architecture`."""
        if P != len(self.populations):
            return self._itself().transfer_index(P)
        return tuple(self._known["transfer_index"])

    def distinct_filters(self, kind: str) -> tuple[Any, ...]:
        """As that of `Architecture`."""
        return self._known["distinct_filters"][kind]

    def without_membrane(self, P: int) -> tuple[bool, ...]:
        """As that of `Architecture`."""
        filters = self.distinct_filters("membrane")
        return tuple(filters[k].is_identity for k in self.filter_index("membrane", P))


class RecalledMeanField(Recalled):
    """A `MeanField`.

    Args:
        known: attributes by name.
        itself: derives it.
        said: what it was derived from, which makes it this one and no other.
    """

    def __init__(self, known: Mapping[str, Any], itself: Callable[[], Any], said: str):
        super().__init__(known, itself)
        self.said = said

    @property
    def itself(self) -> Any:
        """The equations, derived."""
        return self._itself()


class Parameter(str):
    """The name of a parameter, in the place of its symbol."""

    is_positive: bool | None

    def __new__(cls, name: str, is_positive: bool | None) -> Parameter:
        made = super().__new__(cls, name)
        made.is_positive = is_positive
        return made


def recalled(facts: Mapping[str, Any], itself: Callable[[], Any], said: str) -> RecalledMeanField:
    """The equations that facts are of.

    Args:
        facts: as `facts_of` says them, possibly read from a file.
        itself: derives the equations.
        said: what they are derived from.
    """
    own = _plain(facts["architecture"])

    def architecture() -> Any:
        return itself().architecture

    def filters(kind: str) -> Any:
        return architecture().distinct_filters(kind)

    def attribute(name: str) -> Any:
        return getattr(architecture(), name)

    def parts(given: Any, find: Callable[[], Any]) -> tuple[Any, ...]:
        return tuple(
            Recalled(_named(one), lambda k=k: find()[k])  # type: ignore[misc]
            for k, one in enumerate(given)
        )

    own["distinct_filters"] = {
        kind: parts(given, partial(filters, kind))
        for kind, given in own["distinct_filters"].items()
    }
    own |= {
        name: parts(own[name], partial(attribute, name)) for name in ("distinct_transfers", *KINDS)
    }
    own["transfer_parameters"] = {n: tuple(v) for n, v in own["transfer_parameters"].items()}
    if "strengths" in own:
        own["strengths"] = Recalled(_plain(own["strengths"]), lambda: architecture().strengths)
    known = {
        **_plain(facts),
        "equations": parts(facts["equations"], lambda: itself().equations),
        "closure": Recalled(_plain(facts["closure"]), lambda: itself().closure),
        "architecture": RecalledArchitecture(own, architecture),
    }
    return RecalledMeanField(known, itself, said)


COLLECTIONS = {"tuple": tuple, "frozenset": frozenset}


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with collections of the kind that they are."""

    def value(own: Any) -> Any:
        if isinstance(own, Mapping) and len(own) == 1 and (kind := next(iter(own))) in COLLECTIONS:
            return COLLECTIONS[kind](own[kind])
        return own

    return {name: value(own) for name, own in given.items()}


def _named(given: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of a transfer function, a filter or an equation."""
    known = _plain(given)
    if "defaults" in known:
        symbols = {Parameter(name, positive): v for name, positive, v in known["defaults"]}
        known |= {"defaults": symbols, "parameters": tuple(map(str, symbols))}
        if "exponents" in known:
            known["exponents"] = tuple(s for s in symbols if s in known["exponents"])
    return known
