"""External inputs: constant, piecewise constant, tabulated, or any function of time.

Every input maps a time to one value per population and names its `edges`, the times at which it jumps, so
that an adaptive integrator steps onto them and never over them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ParameterError


class Input(eqx.Module):
    """An input current `I_p(t)`, shape (P,), in the units of the unit's input `x`."""

    def __call__(self, t: Float[Array, ""] | float) -> Float[Array, " P"]:
        raise NotImplementedError

    @property
    def edges(self) -> tuple[float, ...] | Float[Array, " n"]:
        """Times at which the input jumps or bends."""
        return ()


class Constant(Input):
    """`I_p(t) = value_p`."""

    value: Float[Array, " P"]

    def __call__(self, t):
        return self.value


class Held(Input):
    """The value of an input, with all its parts, held for all times."""

    value: Any

    def __call__(self, t):
        return self.value


class Steps(Input):
    """Piecewise constant: `values[k]` from `times[k-1]` (included) to `times[k]` (excluded).

    `times` has shape (n,), increasing; `values` has shape (n + 1, P).
    """

    times: Float[Array, " n"]
    values: Float[Array, "n+1 P"]

    def __call__(self, t):
        return self.values[jnp.searchsorted(self.times, t, side="right")]

    @property
    def edges(self):
        return self.times


class Table(Input):
    """Linear interpolation of `values`, shape (n, P), at `times`, shape (n,); constant beyond both ends."""

    times: Float[Array, " n"]
    values: Float[Array, "n P"]

    def __call__(self, t):
        k = jnp.clip(jnp.searchsorted(self.times, t) - 1, 0, len(self.times) - 2)
        weight = jnp.clip((t - self.times[k]) / (self.times[k + 1] - self.times[k]), 0.0, 1.0)
        return (1 - weight) * self.values[k] + weight * self.values[k + 1]

    @property
    def edges(self):
        return self.times


class Signals(Input):
    """`I_p(t) = sum_k weights[k]_p signal_k(t)`: measured or assumed time courses, each with a weight for every population.

    `signals[k]`, shape (n,), is given at `times`, shape (n,), increasing, linear between them and constant beyond; `weights[k]` has shape (P,).
    A signal of ones is a constant input. Make one with `signals`.
    """

    times: Float[Array, " n"]
    signals: dict[str, Float[Array, " n"]]
    weights: dict[str, Float[Array, " P"]]

    def __call__(self, t):
        return sum(
            self.weights[name] * jnp.interp(t, self.times, own)
            for name, own in self.signals.items()
        )

    @property
    def edges(self):
        return self.times


class Function(Input):
    """Any function of time that returns shape (P,); name its jumps in `jumps`."""

    function: Callable[[Any], Any]
    jumps: tuple[float, ...] = eqx.field(static=True, default=())

    def __call__(self, t):
        return jnp.asarray(self.function(t))

    @property
    def edges(self):
        return self.jumps


def is_zero(value: Input) -> bool:
    """Whether an input is known to vanish at all times."""
    arrays = {Constant: "value", Steps: "values", Table: "values"}
    name = arrays.get(type(value))
    return name is not None and not bool(jnp.any(getattr(value, name) != 0))


class Together(Input):
    """Several inputs at once: `make(first(t), second(t), ...)`."""

    make: Callable[..., Any] = eqx.field(static=True)
    parts: tuple[Input, ...]

    def __call__(self, t):
        return self.make(*(part(t) for part in self.parts))

    @property
    def edges(self):
        found = [jnp.asarray(part.edges, dtype=float) for part in self.parts if len(part.edges)]
        return jnp.sort(jnp.concatenate(found)) if found else ()


def pulse(start: float, stop: float, amplitude: Any, baseline: Any = 0.0) -> Steps:
    """`baseline`, and `baseline + amplitude` from `start` (included) to `stop` (excluded).

    `amplitude` and `baseline` are scalars or have shape (P,). Raises `ParameterError` unless `start < stop`.
    """
    if not start < stop:
        raise ParameterError(f"a pulse needs start < stop: start = {start}, stop = {stop}")
    low, high = np.broadcast_arrays(
        np.atleast_1d(np.asarray(baseline, float)), np.atleast_1d(np.asarray(amplitude, float))
    )
    return Steps(jnp.asarray([start, stop], float), jnp.asarray(np.stack([low, low + high, low])))


def signals(
    times: Any, courses: Mapping[str, Any], weights: Mapping[str, Any], populations: Sequence[str]
) -> Signals:
    """An input made of several time courses.

    times: shape (n,), increasing; courses: by name, shape (n,) or a number; weights: by the same names, a number, one number per population, or a
    mapping by population. Raises `ParameterError`.
    """
    at = np.asarray(times, dtype=float)
    if at.ndim != 1 or len(at) < 2 or np.any(np.diff(at) <= 0) or not np.all(np.isfinite(at)):
        raise ParameterError(
            f"times of signals must be at least two, finite and increasing: {times!r}"
        )
    if set(courses) != set(weights) or not courses:
        raise ParameterError(
            f"each signal needs a weight: there are the signals {sorted(courses)} and the weights {sorted(weights)}"
        )
    found = {}
    for name, course in courses.items():
        own = np.asarray(course, dtype=float)
        if own.shape not in ((), at.shape) or not np.all(np.isfinite(own)):
            raise ParameterError(
                f"the signal {name} needs {len(at)} finite values, one for each time: its shape is {own.shape}"
            )
        found[str(name)] = jnp.asarray(np.broadcast_to(own, at.shape).copy())
    by = {
        str(name): jnp.asarray(by_population(v, populations, f"weights of {name}"))
        for name, v in weights.items()
    }
    return Signals(jnp.asarray(at), found, {name: by[name] for name in found})


def as_input(value: Any, populations: Sequence[str]) -> Input:
    """Turn a number, a list, a mapping by population, a function of time or an `Input` into an `Input`.

    A mapping may also be `{"times": ..., "values": ..., "kind": "steps" | "table"}`, `{"times": ..., "signals": {name: ...},
    "weights": {name: ...}}`, as `signals` takes them, or `{"start": ..., "stop": ..., "amplitude": ..., "baseline": ...}`. Raises `ParameterError`.
    """
    if isinstance(value, Input):
        return _broadcast(value, len(populations))
    if isinstance(value, jax.core.Tracer):
        return Constant(jnp.broadcast_to(value, (len(populations),)))
    if callable(value):
        return Function(value)
    if isinstance(value, Mapping) and "start" in value:
        _entries(value, {"start", "stop", "amplitude"}, {"baseline"}, "a pulse")
        entries = {
            k: by_population(v, populations, f"input {k}")
            for k, v in value.items()
            if k in ("amplitude", "baseline")
        }
        return pulse(float(value["start"]), float(value["stop"]), **entries)
    if isinstance(value, Mapping) and "signals" in value:
        _entries(value, {"times", "signals", "weights"}, set(), "an input made of signals")
        return _of_signals(value, populations)
    if isinstance(value, Mapping) and "times" in value:
        _entries(value, {"times", "values"}, {"kind"}, "an input over time")
        return _over_time(value, populations)
    return Constant(jnp.asarray(by_population(value, populations, "input")))


def by_population(value: Any, populations: Sequence[str], name: str) -> np.ndarray:
    """One finite number per population from a scalar, a list or a mapping by name; shape (P,)."""
    P = len(populations)
    if isinstance(value, Mapping):
        if set(value) != set(populations):
            raise ParameterError(
                f"{name} names {sorted(value)}, the populations are {list(populations)}"
            )
        value = [value[p] for p in populations]
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"{name} = {value!r} is not a number or one number per population"
        ) from error
    if array.shape not in ((), (1,), (P,)):
        raise ParameterError(
            f"{name} has shape {array.shape}; it needs one number, or one per population: ({P},)"
        )
    if not np.all(np.isfinite(array)):
        raise ParameterError(f"{name} = {array} has a value that is not finite")
    return np.broadcast_to(array, (P,)).copy()


def _over_time(value: Mapping, populations: Sequence[str]) -> Input:
    times = np.asarray(value["times"], dtype=float)
    if (
        times.ndim != 1
        or not len(times)
        or np.any(np.diff(times) <= 0)
        or not np.all(np.isfinite(times))
    ):
        raise ParameterError(
            f"input times must be finite, one-dimensional and increasing: {value['times']}"
        )
    rows = np.stack([by_population(v, populations, "input values") for v in value["values"]])
    kind = value.get("kind", "steps")
    if kind not in ("steps", "table"):
        raise ParameterError(f"input kind {kind!r} is unknown: use 'steps' or 'table'")
    need = len(times) + (kind == "steps")
    if len(rows) != need or (kind == "table" and need < 2):
        raise ParameterError(
            f"an input of kind {kind!r} with {len(times)} times needs {max(need, 2)} values, got {len(rows)}"
        )
    return (Steps if kind == "steps" else Table)(jnp.asarray(times), jnp.asarray(rows))


def _of_signals(value: Mapping, populations: Sequence[str]) -> Signals:
    for name in ("signals", "weights"):
        if not isinstance(value[name], Mapping):
            raise ParameterError(
                f"{name} of an input map names of signals to numbers: {value[name]!r}"
            )
    try:
        return signals(value["times"], value["signals"], value["weights"], populations)
    except ParameterError:
        raise
    except (TypeError, ValueError):
        raise ParameterError("times and signals of an input must be lists of numbers") from None


def _entries(value: Mapping, needed: set[str], optional: set[str], what: str) -> None:
    unknown, missing = set(value) - needed - optional, needed - set(value)
    if unknown:
        raise ParameterError(
            f"{what} has unknown entries {sorted(unknown)}: known are {sorted(needed | optional)}"
        )
    if missing:
        raise ParameterError(f"{what} needs {sorted(needed)}; missing: {sorted(missing)}")


def _broadcast(value: Input, P: int) -> Input:
    if not isinstance(value, (Constant, Steps, Table)):
        return value
    name = "value" if isinstance(value, Constant) else "values"
    array = getattr(value, name)
    if array.shape[-1] not in (1, P):
        raise ParameterError(f"the input has {array.shape[-1]} populations, the network has {P}")
    return eqx.tree_at(
        lambda v: getattr(v, name), value, jnp.broadcast_to(array, (*array.shape[:-1], P))
    )
