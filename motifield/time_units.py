"""The unit of time that a user names, said wherever times and rates are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

POWERS = {
    "time": 1,
    "time2": 1,
    "lag": 1,
    "period": 1,
    "correlation_time": 1,
    "frequency": -1,
    "omega": -1,
    "critical_frequency": -1,
    "exponent": -1,
    "growth": -1,
    "eigenvalues": -1,
    "leading eigenvalue": -1,
}
"""What is measured in the unit of time, or per unit: by its name in datasets and tables."""


def time_unit_of(shown: Any) -> str:
    """The unit that a result, a dataset or parameters name; "" where none is named."""
    unit = getattr(shown, "time_unit", "")  # xarray gives attributes of a dataset so
    return unit if isinstance(unit, str) else ""


def labelled(text: str, unit: str, power: int = 1, otherwise: str = "") -> str:
    """A text with the unit in brackets, `period (ms)`, `leading eigenvalue (1/ms)`.

    Args:
        text: what is measured.
        unit: of time, "" where none is named.
        power: 1 for times, -1 for rates.
        otherwise: what stands in the brackets without a unit.
    """
    own = (unit if power == 1 else f"1/{unit}") if unit else otherwise
    return f"{text} ({own})" if own else text


def headed(rows: Sequence[Mapping[str, Any]], unit: str) -> list[dict[str, Any]]:
    """Rows of a table whose columns say the unit of the times and rates in them."""
    return [
        {
            labelled(name, unit, POWERS[name]) if name in POWERS else name: value
            for name, value in row.items()
        }
        for row in rows
    ]


def measured(dataset: Any, unit: str) -> Any:
    """A dataset that names the unit of time, and so do its variables of times and rates."""
    if not unit:
        return dataset
    made = dataset.assign_attrs(time_unit=unit)
    for name in (str(n) for n in made.variables if n in POWERS):
        made[name].attrs["unit"] = unit if POWERS[name] == 1 else f"1/{unit}"
    return made


def moment(t: float, unit: str) -> str:
    """A time in words, `t = 12 ms`."""
    return f"t = {t:g}" + (f" {unit}" if unit else "")


def in_words(unit: str) -> str:
    """A sentence for a page or a summary, "" where no unit is named."""
    return f"Times are in {unit}, rates of growth and frequencies in 1/{unit}." if unit else ""
