"""Options of a verb against what the function takes, before anything is computed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import ParameterError

UNPACKED = re.compile(r"Unpack\[(\w+)\]")


def check_options(
    name: str, run: Callable[..., Any], options: Mapping[str, Any], is_seeded: bool = False
) -> None:
    """Refuse options that a function of (system, parameters, **options) does not take.

    Args:
        name: of the verb.
        run: its function.
        options: by name.
        is_seeded: whether `seed` is another one, as where seeds are an axis.

    Raises:
        ParameterError: an option that it does not take, or one that it cannot do without; seeds of
            what is not random.
    """
    try:
        signature = inspect.signature(run)
    except (TypeError, ValueError):  # of a function in C
        return
    known = [n for n, p in signature.parameters.items() if p.kind is not p.VAR_KEYWORD][2:]
    free = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    if is_seeded and not free and "seed" not in known:
        raise ParameterError(f"{name} is not random: there is nothing that a seed changes")
    given = {**options, **({"seed": 0} if is_seeded else {})}
    try:
        signature.bind(None, None, **given)
    except TypeError as error:
        raise ParameterError(f"{name}: {error}; {_takes(known)}") from None
    rest = _others(signature, run)
    if rest is None:
        return
    unknown = [n for n in given if n not in known and n not in rest]
    if unknown:
        raise ParameterError(
            f"{name}: there is no option {unknown[0]!r}; {_takes([*known, *rest])}"
        )


def _takes(names: list[str]) -> str:
    return f"it takes {', '.join(names)}" if names else "it takes no options"


def _others(signature: inspect.Signature, run: Callable[..., Any]) -> list[str] | None:
    """The names that **options may have; None where they may have any, or there are none."""
    free = [p for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD]
    found = UNPACKED.search(str(free[0].annotation)) if free else None
    if found is None:
        return None
    table = inspect.unwrap(run).__globals__[found.group(1)]
    return list(table.__annotations__)
