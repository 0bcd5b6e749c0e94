"""Which names populations may have: every one can be addressed, in files as on paper."""

from __future__ import annotations

from collections.abc import Iterable

from .numbers import brief

# tables of inputs and of functions are told from tables by population by these entries
TAKEN = ("start", "times", "signals", "function", "expression")
MARKS = "*,[]"  # of names of entries, as mean[*,I]
LONGEST = 200  # characters


def name_fault(name: str) -> str:
    """Why no population can be called so, with what to do; empty if one can."""
    if not name or name != name.strip():
        return "is empty, or begins or ends with a blank: give it a name of letters"
    if not name.isprintable():
        return "has characters that cannot be printed: leave them out"
    if marks := [mark for mark in MARKS if mark in name]:
        return f"has {marks[0]!r}, which has a meaning in names of entries: leave it out"
    if name in TAKEN:
        return "is an entry of tables of inputs or of functions: use another, as a capital letter"
    return f"has more than {LONGEST} characters: shorten it" if len(name) > LONGEST else ""


def names_fault(names: Iterable[str], of: str = "population") -> str:
    """The same of a list of names: the first that cannot stand, and why; empty if all can.

    Args:
        names: in their order.
        of: what they name.
    """
    seen: set[str] = set()
    for name in names:
        if reason := name_fault(name):
            return f"the {of} name {brief(name)} {reason}"
        if name in seen:
            return f"the {of} name {brief(name)} is given twice: give each once"
        seen.add(name)
    return "" if seen else f"there are no {of} names: give one for each {of}"
