"""Mean-field equations as files for other programs, with the numbers of one network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

from ...errors import ParameterError, SpecError
from ...files import write_text
from ...theory import code as languages
from ...theory.equations import MeanField, names_of, scalar
from ..parameters import ARRAYS, FAMILIES, Constant, Held, Input, Parameters, by_population
from .states import STATE_NAMES
from .written_numbers import DRIVES, julia_numbers, numpy_numbers, over_time

Initial = Mapping[str, Any] | None
SUFFIXES = (".np.py", ".py", ".jl", ".ode")


def save_equations(
    mean_field: MeanField,
    parameters: Parameters | None,
    path: str | Path,
    *,
    initial: Initial = None,
    tolerance: float | None = None,
) -> None:
    """Write equations to a file: JAX (.py), NumPy and SciPy (.np.py), Julia (.jl), XPPAUT (.ode).

    Args:
        mean_field: the equations, from `derive`.
        parameters: the numbers of a network, which are written into .np.py, .jl and .ode files;
            None for equations without numbers, which an .ode file cannot be. A JAX module takes
            them as an argument and holds none.
        path: the file; its suffix chooses the language.
        initial: the state at the start, as `integrate` takes it, such as `{"mean": 0.3}`.
        tolerance: of averages without a closed form, in a JAX module; 1e-11 by default.

    Raises:
        SpecError: another suffix, an .ode file without numbers, or an input that is code.
        NoClosedFormError: transfer functions that the language cannot have.
    """
    path = Path(path)
    if path.name.endswith(".np.py"):
        text = numpy_module(mean_field, parameters, initial=initial)
    elif path.suffix == ".py":
        text = languages.generate(mean_field, tolerance)
    elif path.suffix == ".jl":
        text = julia_module(mean_field, parameters, initial=initial)
    elif path.suffix == ".ode":
        if parameters is None:
            raise SpecError(
                f"{path} needs numbers: give the network's parameters, in a spec the table "
                "[parameters] or [connectome]"
            )
        text = xpp_ode(mean_field, parameters, initial=initial)
    else:
        raise SpecError(f"cannot write {path}: the suffix must be one of {', '.join(SUFFIXES)}")
    write_text(path, text)


def numpy_module(
    mean_field: MeanField, parameters: Parameters | None = None, *, initial: Initial = None
) -> str:
    """The equations as a module of NumPy and SciPy that stands alone.

    Averages of `power_law` are by quadrature, whatever its exponent, which is a parameter;
    `rectified_power(n)` is the same function with a fixed exponent and a closed form.

    Args:
        mean_field: the equations, from `derive`.
        parameters: numbers to write into the module, which then runs as a script and prints times
            and rates; None for the equations alone.
        initial: the state at the start, as `integrate` takes it; all 0 by default.

    Returns:
        The text of a Python module.

    Raises:
        SpecError: a closure of fixed points alone, or an input that is code.
        NoClosedFormError: a transfer function that is code.

    Example:
        ``Path("net.py").write_text(mf.export.numpy_module(system.mean_field, parameters))``, then
        ``python net.py``.
    """
    _refuse_static(mean_field, "a NumPy module")
    text = languages.numpy_module(mean_field)
    if parameters is None:
        return text
    head = "# Run it with `python FILE` (NumPy and SciPy): it prints times and rates.\n"
    start = _state_arrays(mean_field, parameters, initial)
    return head + text + "\n\n" + numpy_numbers(mean_field, parameters, start)


def julia_module(
    mean_field: MeanField, parameters: Parameters | None = None, *, initial: Initial = None
) -> str:
    """The equations as plain Julia functions, for OrdinaryDiffEq.jl.

    Args:
        mean_field, parameters, initial: as `numpy_module` takes them.

    Returns:
        The text of a Julia file.

    Raises:
        SpecError, NoClosedFormError: as `numpy_module` does.
    """
    _refuse_static(mean_field, "a Julia file")
    text = languages.julia_module(mean_field)
    if parameters is None:
        return text
    head = (
        "# Run it with `julia FILE` (packages OrdinaryDiffEq and SpecialFunctions): it prints "
        "times and rates.\n"
    )
    start = _state_arrays(mean_field, parameters, initial)
    return head + text + "\n" + julia_numbers(mean_field, parameters, start)


def xpp_ode(mean_field: MeanField, parameters: Parameters, *, initial: Initial = None) -> str:
    """The equations as an .ode file for XPPAUT: up to four populations, averages in closed form.

    Args:
        mean_field: the equations, from `derive`.
        parameters: the numbers of the network.
        initial: the state at the start, as `integrate` takes it; all 0 by default.

    Returns:
        The text of an .ode file; open it with ``xppaut FILE``.

    Raises:
        SpecError: a closure of fixed points alone, or an input that is code.
        NoClosedFormError: a transfer function without a closed form in erf and exp, `power_law`
            among them: with an integer exponent take `rectified_power(n)`.
        ArchitectureError: more than four populations.
    """
    _refuse_static(mean_field, "an .ode file")
    return languages.xpp_ode(
        mean_field,
        flat(mean_field, parameters),
        flat_initial(mean_field, parameters, initial or {}),
        list(parameters.populations),
    )


def _refuse_static(mean_field: MeanField, what: str) -> None:
    if mean_field.is_static:
        raise SpecError(
            f"cannot write {what}: {mean_field.closure.kind} is of fixed points alone, "
            "and its averages are those of the JAX library: write a .py file, or use another "
            "closure"
        )


def flat(mean_field: MeanField, parameters: Parameters) -> dict[str, float | sp.Expr]:
    """The parameters by their names in explicit equations, such as `tau_chn_EEI`.

    Inputs that change are expressions of t.

    Raises:
        SpecError: an input that is code.
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
    for name in set(DRIVES) & set(mean_field.parameters):
        own = DRIVES[name]
        found |= {
            str(scalar(name, (p,), names)): _of_time(getattr(parameters, own), p, own)
            for p in range(len(names))
        }
    return found


def flat_initial(
    mean_field: MeanField, parameters: Parameters, initial: Mapping[str, Any]
) -> dict[str, float]:
    """An initial state by the names of explicit equations, such as `K_E`.

    Raises:
        ParameterError: what is no state.
    """
    names = parameters.populations
    found: dict[str, Any] = {}
    for name, values in _states(mean_field, parameters, initial).items():
        e = next(e for e in mean_field.equations if e.name == name)
        of = mean_field.architecture.filter_index(
            "synapse" if e.response == "synapse" else "membrane", len(names)
        )
        first = [(of.index(c),) for c in dict.fromkeys(of)] if len(e.indices) > 1 else [()]
        found |= {
            str(scalar(name, (*a, p), names)): float(values[p])
            for a in first
            for p in range(len(names))
        }
    return found


def _states(
    mean_field: MeanField, parameters: Parameters, initial: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """An initial state by the names of the equations, with a value for each population."""
    known = {STATE_NAMES[e.name]: e.name for e in mean_field.equations}
    unknown = [name for name in initial if name not in known]
    if unknown:
        raise ParameterError(
            f"an initial state is a mapping with some of {list(known)}, not {unknown[0]!r}"
        )
    return {
        known[label]: by_population(value, parameters.populations, f"initial {label}")
        for label, value in initial.items()
    }


def _state_arrays(
    mean_field: MeanField, parameters: Parameters, initial: Initial
) -> dict[str, list[float]]:
    found = _states(mean_field, parameters, initial or {})
    return {name: values.tolist() for name, values in found.items()}


def _of_time(given: Input, p: int, name: str) -> float | sp.Expr:
    """An input to one population: a number, or a sum of steps or ramps."""
    if isinstance(given, (Constant, Held)):
        return float(np.asarray(given.value)[p])
    times, values, is_steps = over_time(given, name)
    at = values[:, p]
    if is_steps:
        parts = [
            float(rise) * sp.Heaviside(languages.T - float(t))
            for t, rise in zip(times, np.diff(at), strict=True)
            if rise != 0
        ]
    else:
        slopes = np.concatenate([[0.0], np.diff(at) / np.diff(times), [0.0]])
        parts = [
            float(bend) * sp.Max(languages.T - float(t), 0)
            for t, bend in zip(times, np.diff(slopes), strict=True)
            if bend != 0
        ]
    return sp.Add(float(at[0]), *parts)
