"""Filters of the rows of a table: "type=chemical", "count>=5", "layer!=L1|L2"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...errors import NetworkError

FORM = re.compile(r"\s*(?P<column>[^=!<>]+?)\s*(?P<operator>!=|>=|<=|==|=|>|<)\s*(?P<value>.*)")
ORDER = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}
EXAMPLES = "'type=chemical', 'layer=L1|L2', 'type!=electrical' or 'count>=5'"


class Filter(NamedTuple):
    """Rows are kept whose cell in `column` stands to the `values` as the operator says.

    Args:
        column: its name, or its position where the table has no header.
        operator: "=" or "!=" one of the values as text; ">", ">=", "<", "<=" one number.
        values: what cells are compared with, as text.
    """

    column: str | int
    operator: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.column}{self.operator}{'|'.join(self.values)}"


def filters_of(where: Any) -> tuple[Filter, ...]:
    """The filters that an option `where` asks for.

    Args:
        where: `{column: value or list of values}`; a text such as "type=chemical", or several.

    Raises:
        NetworkError: a text that is no filter.
    """
    if where is None:
        return ()
    if isinstance(where, str):
        return (_parsed(where),)
    if isinstance(where, Mapping):
        return tuple(Filter(column, "=", _texts(value)) for column, value in where.items())
    if isinstance(where, Sequence):
        return tuple(own if isinstance(own, Filter) else _parsed(own) for own in where)
    raise NetworkError(f"where={where!r} is no filter: use a text such as {EXAMPLES}")


def _parsed(text: Any) -> Filter:
    found = FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise NetworkError(f"where={text!r} is no filter: use {EXAMPLES}")
    operator = "=" if found["operator"] == "==" else found["operator"]
    values = tuple(_unquoted(value) for value in found["value"].split("|"))
    if operator in ORDER and (len(values) > 1 or not _is_number(values[0])):
        raise NetworkError(f"where={text!r}: {operator} compares with one number: 'count>=5'")
    return Filter(_unquoted(found["column"]), operator, values)


def _texts(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) or np.ndim(value) == 0 else list(value)
    return tuple(str(own).strip() for own in values)


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False
