"""Mean-field equations as files for other programs; XPPAUT's holds the numbers of one network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

from ...errors import ParameterError, SpecError
from ...files import write_text
from ...theory.code import T, generate, julia_module, numpy_module, xpp_ode
from ...theory.equations import MeanField, names_of, scalar
from ..parameters import (
    ARRAYS,
    FAMILIES,
    Constant,
    Held,
    Input,
    Parameters,
    Steps,
    Table,
    by_population,
)
from .trajectories import STATE_NAMES

_DRIVES = {"drive": "input", "in_strength": "in_strength", "spread": "spread"}
SUFFIXES = (".np.py", ".py", ".jl", ".ode")


def write(
    mean_field: MeanField,
    parameters: Parameters | None,
    path: str | Path,
    *,
    initial: Mapping[str, Any] | None = None,
    tolerance: float | None = None,
) -> None:
    """Write equations to a file: JAX (.py), NumPy and SciPy (.np.py), Julia (.jl), or XPPAUT (.ode).

    parameters: the numbers of an .ode file, which the others do without; initial: of an .ode file, as `integrate` takes it,
    {"mean": ...}; tolerance: of averages without a closed form, in a .py file

    Raises `SpecError` for another suffix, for an .ode file without numbers, and for an input that is code; `NoClosedFormError` where the
    language cannot have the transfer functions.
    """
    path = Path(path)
    if mean_field.is_static and (path.name.endswith(".np.py") or path.suffix != ".py"):
        raise SpecError(
            f"cannot write {path}: {type(mean_field.closure).__name__} is of fixed points alone, and its averages are those of "
            "the JAX library: write a .py file, or use another closure"
        )
    if path.name.endswith(".np.py"):
        text = numpy_module(mean_field)
    elif path.suffix == ".py":
        text = generate(mean_field, tolerance)
    elif path.suffix == ".jl":
        text = julia_module(mean_field)
    elif path.suffix == ".ode":
        if parameters is None:
            raise SpecError(
                f"{path} needs numbers: give the network's parameters, in a spec the table [parameters] or [connectome]"
            )
        text = xpp_ode(
            mean_field,
            flat(mean_field, parameters),
            flat_initial(mean_field, parameters, initial or {}),
            list(parameters.populations),
        )
    else:
        raise SpecError(f"cannot write {path}: the suffix must be one of {', '.join(SUFFIXES)}")
    write_text(path, text)


def flat(mean_field: MeanField, parameters: Parameters) -> dict[str, float | sp.Expr]:
    """The parameters by their names in explicit equations, as `tau_chn_EEI`; inputs that change are expressions of t.

    Raises `SpecError` for an input that is code.
    """
    names = names_of(mean_field.architecture.populations, list(parameters.populations))
    arrays = {n: np.asarray(getattr(parameters, n)) for n in ARRAYS if n in mean_field.parameters}
    arrays |= {
        f"{kind}_{n}": np.asarray(v)
        for kind in FAMILIES
        for n, v in getattr(parameters, kind).items()
    }
    found: dict[str, Any] = {"N": float(arrays.pop("N"))} if "N" in arrays else {}
    for name, array in arrays.items():
        found |= {
            str(scalar(name, index, names)): float(array[index])
            for index in np.ndindex(array.shape)
        }
    for name in set(_DRIVES) & set(mean_field.parameters):
        own = _DRIVES[name]
        found |= {
            str(scalar(name, (p,), names)): _of_time(getattr(parameters, own), p, own)
            for p in range(len(names))
        }
    return found


def flat_initial(
    mean_field: MeanField, parameters: Parameters, initial: Mapping[str, Any]
) -> dict[str, float]:
    """An initial state {"mean": ...}, with values as `integrate` takes them, by the names of explicit equations, as `K_E`.

    Raises `ParameterError` for what is no state.
    """
    names, architecture = parameters.populations, mean_field.architecture
    known = {STATE_NAMES[e.name]: e for e in mean_field.equations}
    unknown = [name for name in initial if name not in known]
    if unknown:
        raise ParameterError(
            f"an initial state is a mapping with some of {list(known)}, not {unknown[0]!r}"
        )
    found: dict[str, Any] = {}
    for label, value in initial.items():
        e, values = known[label], by_population(value, names, f"initial {label}")
        of = architecture.filter_index(
            "synapse" if e.response == "synapse" else "membrane", len(names)
        )
        first = [(of.index(c),) for c in dict.fromkeys(of)] if len(e.indices) > 1 else [()]
        found |= {
            str(scalar(e.name, (*a, p), names)): float(values[p])
            for a in first
            for p in range(len(names))
        }
    return found


def _of_time(given: Input, p: int, name: str) -> float | sp.Expr:
    """An input to one population: a number, or a sum of steps or ramps."""
    if isinstance(given, (Constant, Held)):
        return float(np.asarray(given.value)[p])
    if not isinstance(given, (Steps, Table)):
        raise SpecError(
            f"the {name} is code, which an .ode file cannot have: give a constant, steps or a table"
        )
    times, values = (
        np.asarray(given.times, dtype=float),
        np.asarray(given.values, dtype=float)[:, p],
    )
    if isinstance(given, Steps):
        parts = [
            float(rise) * sp.Heaviside(T - float(at))
            for at, rise in zip(times, np.diff(values), strict=True)
            if rise != 0
        ]
    else:
        slopes = np.concatenate([[0.0], np.diff(values) / np.diff(times), [0.0]])
        parts = [
            float(bend) * sp.Max(T - float(at), 0)
            for at, bend in zip(times, np.diff(slopes), strict=True)
            if bend != 0
        ]
    return sp.Add(float(values[0]), *parts)
