"""What numbers need of equations, as plain data that a file can hold."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from .formulas import bend_code, filter_code
from .recalled import KINDS


def facts_of(mean_field: Any) -> dict[str, Any]:
    """What `recalled` makes a stand-in from.

    Args:
        mean_field: equations of populations that have names.
    """
    return {
        **plain(mean_field),
        "equations": [plain(e) for e in mean_field.equations],
        "closure": plain(mean_field.closure),
        "architecture": _architecture(mean_field.architecture),
    }


def plain(owner: Any) -> dict[str, Any]:
    """Fields and properties that are numbers, texts or collections of texts, by name."""
    kinds = (property, cached_property)
    names = {
        n for kind in type(owner).__mro__ for n, v in vars(kind).items() if isinstance(v, kinds)
    }
    names |= set(getattr(owner, "__dataclass_fields__", ()))
    found = {name: getattr(owner, name) for name in sorted(names) if not name.startswith("_")}
    return {name: _listed(value) for name, value in found.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, frozenset)):
        return all(type(part) is str for part in value)
    return value is None or type(value) in (bool, int, float, str)


def _listed(value: Any) -> Any:
    """With the kind of a collection, which JSON has one of."""
    if isinstance(value, (tuple, frozenset)):
        return {type(value).__name__: sorted(value) if isinstance(value, frozenset) else [*value]}
    return value


def _architecture(own: Any) -> dict[str, Any]:
    P = len(own.populations)
    defaults = own.transfer_parameters
    return {
        **plain(own),
        **({"strengths": plain(own.strengths)} if hasattr(own, "strengths") else {}),
        "transfer_parameters": {n: [float(v) for v in values] for n, values in defaults.items()},
        "transfer_index": own.transfer_index(P),
        "distinct_transfers": [_function(f, tuple(defaults)) for f in own.distinct_transfers],
        "filter_index": {kind: own.filter_index(kind, P) for kind in KINDS},
        "distinct_filters": {
            kind: [_filter(f) for f in own.distinct_filters(kind)] for kind in KINDS
        },
        **{kind: [_filter(f) for f in getattr(own, kind)] for kind in KINDS},
    }


def _function(f: Any, names: tuple[str, ...]) -> dict[str, Any]:
    exponents, code = [str(s) for s in f.exponents], bend_code(f, names)
    return {**_named(f), "function": None, "exponents": exponents, "bend_code": code}


def _filter(f: Any) -> dict[str, Any]:
    code = None if f.is_identity else filter_code(f)
    return {**_named(f), "is_identity": bool(f.is_identity), "code": code}


def _named(f: Any) -> dict[str, Any]:
    """Of a transfer function or a filter, with the symbols of its parameters."""
    defaults = [[str(s), s.is_positive, float(value)] for s, value in f.defaults.items()]
    return {"name": f.name, "defaults": defaults}
