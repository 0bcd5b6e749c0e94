"""The numbers of one network as source text, Python or Julia, with a run of the equations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from ...errors import SpecError
from ...theory.equations import MeanField
from ..parameters import ARRAYS, FAMILIES, Constant, Held, Input, Parameters, Signals, Steps, Table

# external inputs by their names in equations, and in `Parameters`
DRIVES = {"drive": "input", "in_strength": "in_strength", "spread": "spread"}


def over_time(given: Input, name: str) -> tuple[np.ndarray, np.ndarray, bool]:
    """Times, values (n or n + 1, P), and whether an input has steps rather than ramps.

    Raises:
        SpecError: the input is code.
    """
    if isinstance(given, Signals):
        times = np.asarray(given.times, dtype=float)
        return times, np.asarray(jax.vmap(given)(given.times), dtype=float), False
    if not isinstance(given, (Steps, Table)):
        raise SpecError(
            f"the {name} is code, or mixes steps and ramps, which a file in another language "
            "cannot have: give a constant, steps, a table or signals"
        )
    times, values = (np.asarray(v, dtype=float) for v in (given.times, given.values))
    return times, values, isinstance(given, Steps)


def numpy_numbers(
    mean_field: MeanField, parameters: Parameters, initial: Mapping[str, list[float]]
) -> str:
    """Lines for the end of a NumPy module: PARAMETERS, drive(t), INITIAL, and a run."""
    given = _used(mean_field, parameters)
    drives = [name for name in DRIVES if name in mean_field.parameters]
    parts = [_python_input(getattr(parameters, DRIVES[name]), DRIVES[name]) for name in drives]
    value = parts[0] if len(parts) == 1 else f"Drive({', '.join(parts)})"
    indices = {e.name: len(e.indices) for e in mean_field.equations}
    start = "".join(  # of a filter's states the first is its output
        f"\nINITIAL.{name}[(0,) * (INITIAL.{name}.ndim - {indices[name]})] = np.array({values!r})"
        for name, values in initial.items()
    )
    lines = [f"    {name!r}: {value!r}," for name, value in given.items()]
    return f"""\
POPULATIONS = {list(parameters.populations)!r}
PARAMETERS = {{
{chr(10).join(lines)}
}}
INITIAL = rest({parameters.P}){start}


def drive(t):
    \"\"\"The external input at time t.\"\"\"
    return {value}


if __name__ == "__main__":
    from scipy.integrate import solve_ivp

    c = coefficients(PARAMETERS)
    # steps of at most 0.1, so that none passes over a pulse of the input
    options = {{"rtol": 1e-8, "atol": 1e-10, "max_step": 0.1, "t_eval": np.linspace(0, 50, 101)}}
    solution = solve_ivp(vector_field, (0, 50), pack(INITIAL), args=(c, drive), **options)
    print("t", *POPULATIONS)
    for t, y in zip(solution.t, solution.y.T):
        print(t, *rates(unpack(y, {parameters.P}), c))
"""


def julia_numbers(
    mean_field: MeanField, parameters: Parameters, initial: Mapping[str, list[float]]
) -> str:
    """Lines for the end of a Julia file: NUMBERS, INITIAL, and a run."""
    given = {
        name: value for name, value in _used(mean_field, parameters).items() if name not in FAMILIES
    }
    given |= {
        f"{kind}_{name}": np.asarray(value).tolist()
        for kind in FAMILIES
        for name, value in getattr(parameters, kind).items()
    }
    lines = [f"    {name} = {_julia(value)}," for name, value in given.items()]
    lines += [
        f"    {name} = {_julia_input(getattr(parameters, own), own)},"
        for name, own in DRIVES.items()
        if name in mean_field.parameters
    ]
    P = parameters.P
    indices = {e.name: len(e.indices) for e in mean_field.equations}
    start = "".join(
        f"\nset_output!(states(INITIAL, {P}).{name}, {indices[name]}, {_julia(values)})"
        for name, values in initial.items()
    )
    return f"""\
# The value at time t of an input with steps, or with ramps, at these times
steps(t, times, values) = values[searchsortedlast(times, t)+1]
function ramps(t, times, values)
    k = clamp(searchsortedlast(times, t), 1, length(times) - 1)
    w = clamp((t - times[k]) / (times[k+1] - times[k]), 0.0, 1.0)
    return (1 - w) * values[k] + w * values[k+1]
end

# Set a latent variable with n indices, of a filter its output, to these values by population
function set_output!(x, n, values)
    output = view(x, ntuple(k -> 1, ndims(x) - n)..., ntuple(k -> :, n)...)
    output .= reshape(values, ntuple(k -> 1, n - 1)..., length(values))
    return nothing
end

NUMBERS = parameters(;
{chr(10).join(lines)}
)
INITIAL = rest({P}){start}

if abspath(PROGRAM_FILE) == @__FILE__
    using OrdinaryDiffEq
end
if abspath(PROGRAM_FILE) == @__FILE__
    problem = ODEProblem(f!, INITIAL, (0.0, 50.0), NUMBERS)
    # steps of at most 0.1, so that none passes over a pulse of the input
    solution = solve(problem, Tsit5(); reltol = 1e-8, abstol = 1e-10, dtmax = 0.1, saveat = 0.5)
    for (t, u) in zip(solution.t, solution.u)
        println(join([t; rates(u, NUMBERS)], " "))
    end
end
"""


def _used(mean_field: MeanField, parameters: Parameters) -> dict[str, Any]:
    """The arrays that the equations have, and the parameters of functions and filters."""
    found: dict[str, Any] = {
        name: np.asarray(getattr(parameters, name)).tolist()
        for name in ARRAYS
        if name in mean_field.parameters or name == "fractions"
    }
    for kind in FAMILIES:
        own = {name: np.asarray(v).tolist() for name, v in getattr(parameters, kind).items()}
        found |= {kind: own} if own else {}
    return found


def _python_input(given: Input, name: str) -> str:
    if isinstance(given, (Constant, Held)):
        return f"np.array({np.asarray(given.value).tolist()!r})"
    times, values, is_steps = over_time(given, name)
    if is_steps:
        place = f"np.searchsorted({times.tolist()!r}, t, side='right')"
        return f"np.array({values.tolist()!r})[{place}]"
    each = (f"np.interp(t, {times.tolist()!r}, {column.tolist()!r})" for column in values.T)
    return f"np.array([{', '.join(each)}])"


def _julia_input(given: Input, name: str) -> str:
    if isinstance(given, (Constant, Held)):
        return _julia(np.asarray(given.value).tolist())
    times, values, is_steps = over_time(given, name)
    rows = ", ".join(_julia(row) for row in values.tolist())
    return f"t -> {'steps' if is_steps else 'ramps'}(t, {_julia(times.tolist())}, [{rows}])"


def _julia(value: Any) -> str:
    """A number or nested list as a Julia array that is indexed as the list is."""
    array = np.asarray(value, dtype=float)
    if array.ndim == 0:
        return repr(float(array))
    if array.ndim == 1:
        return f"[{', '.join(map(repr, array.tolist()))}]"
    # Julia stores columns first
    flat = ", ".join(map(repr, array.ravel(order="F").tolist()))
    return f"reshape([{flat}], {', '.join(map(str, array.shape))})"
