"""Numbers at the points of a sweep, of the same form at each of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import ParameterError
from ...late import xr

STATUS, FEASIBLE = "status", "feasible"
"""What a sweep has for every point, beside what a verb finds."""


def called(name: str, taken: Collection[str]) -> str:
    """What a variable is called where a sweep has the name for an axis, or for itself."""
    return f"verb_{name}" if name in taken else name


def apart(dataset: xr.Dataset, taken: Collection[str]) -> xr.Dataset:
    """A verb's numbers under names that a sweep does not have for its axes, or for itself."""
    names = [str(n) for n in {*dataset.variables, *dataset.dims}]
    return dataset.rename({n: called(n, taken) for n in names if n in taken})


@dataclass(frozen=True)
class Form:
    """What a variable is like at every point.

    Args:
        dims: of it, those of the sweep left out.
        shape: along them.
        is_complex: whether it is complex; else it is a float.
        attrs: its attributes.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    is_complex: bool
    attrs: Mapping[str, Any]

    @property
    def dtype(self) -> np.dtype:
        """A float or a complex number, so that NaN can stand where a point has failed."""
        return np.dtype(complex if self.is_complex else float)


@dataclass(frozen=True)
class Template:
    """The form of all variables, and the coordinates of dimensions that are not the sweep's."""

    forms: Mapping[str, Form]
    coords: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, dataset: xr.Dataset, dims: Sequence[str] = ()) -> Template:
        """That of a dataset.

        Args:
            dataset: numbers by name.
            dims: the dimensions of the sweep, which come first.
        """
        forms, used = {}, set()
        for name, v in dataset.data_vars.items():
            if v.dtype.kind not in "biufc":
                continue  # texts
            own = tuple(str(d) for d in v.dims if d not in dims)
            shape = tuple(v.sizes[d] for d in own)
            attrs = {str(k): a for k, a in v.attrs.items() if isinstance(a, (str, int, float))}
            forms[str(name)] = Form(own, shape, v.dtype.kind == "c", attrs)
            used |= set(own)
        coords = {str(n): v.values for n, v in dataset.coords.items() if str(n) in used}
        return cls(forms, coords)

    def without(self, name: str) -> Template:
        """The same but for a variable."""
        return replace(self, forms={n: form for n, form in self.forms.items() if n != name})

    def with_form(self, name: str, form: Form) -> Template:
        """The same with a variable more."""
        return replace(self, forms={**self.forms, name: form})

    def difference(self, other: Template) -> str:
        """In what another template differs; "" if it does not."""
        for name in {*self.forms, *other.forms}:
            if name not in self.forms or name not in other.forms:
                return f"{name!r} is not there at every point"
            own, its = self.forms[name], other.forms[name]
            if (own.dims, own.shape) != (its.dims, its.shape):
                sizes = dict(zip(own.dims, own.shape, strict=True))
                others = dict(zip(its.dims, its.shape, strict=True))
                return f"{name!r} has the sizes {others}, before: {sizes}"
        for name, values in self.coords.items():
            if not np.array_equal(values, other.coords.get(name, ())):
                return f"the coordinate {name!r} is another one than before"
        return ""


@dataclass(frozen=True)
class Evaluated:
    """Numbers and statuses of some points.

    Args:
        template: the form of the variables; None where every point failed.
        values: (points, ...) by name, NaN where a point failed.
        status: of each point, "ok" or what happened.
    """

    template: Template | None
    values: Mapping[str, np.ndarray]
    status: Sequence[str]


def as_dataset(made: Any) -> xr.Dataset:
    """What a function of one point gave, as a dataset.

    Args:
        made: a result, a dataset, an array with names, a mapping of numbers or arrays, or a number.

    Raises:
        ParameterError: none of these.
    """
    if hasattr(made, "dataset"):
        made = made.dataset
    if isinstance(made, xr.Dataset):
        return made
    if isinstance(made, xr.DataArray):
        return made.to_dataset(name=made.name or "value")
    if not isinstance(made, Mapping):
        made = {"value": made}
    try:
        arrays = {str(name): _named(str(name), v) for name, v in made.items()}
    except (TypeError, ValueError):
        raise ParameterError(
            f"a point's result is a dataset, or numbers by name, and not {type(made).__name__}"
        ) from None
    return xr.Dataset(arrays)


def _named(name: str, value: Any) -> Any:
    if isinstance(value, xr.DataArray):
        return value
    own = np.asarray(value)
    if own.dtype.kind not in "biufc":
        raise TypeError
    return tuple(f"{name}_{k}" for k in range(own.ndim)), own


def together(each: Sequence[tuple[xr.Dataset | None, str]], known: Template | None) -> Evaluated:
    """The results of points one by one, as arrays over the points.

    Args:
        each: dataset and status of every point; None where it failed.
        known: the template of points before; else that of the first that did not fail.
    """
    template, status = known, []
    kept: list[xr.Dataset | None] = []
    for dataset, said in each:
        own = None if dataset is None else Template.of(dataset)
        template = own if template is None else template
        wrong = template.difference(own) if template is not None and own is not None else ""
        status.append(f"no number: {wrong}" if wrong else said)
        kept.append(None if wrong else dataset)
    if template is None:
        return Evaluated(None, {}, status)
    values = {}
    for name, form in template.forms.items():
        values[name] = np.full((len(each), *form.shape), np.nan, dtype=form.dtype)
        for k, dataset in enumerate(kept):
            if dataset is not None:
                values[name][k] = dataset[name].values
    return Evaluated(template, values, status)
