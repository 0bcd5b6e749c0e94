"""External inputs: constant, piecewise constant, tabulated, or any function of time.

Every input maps a time to one value per population and names its `edges`, the times at which it
jumps, so that an adaptive integrator steps onto them and never over them.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ParameterError
from ...numbers import brief
from .arrays import by_population, shown
from .reals import real, reals


def _numbers(value: Any, what: str) -> Array:
    """An array of finite numbers; what JAX traces is left as it is."""
    return value if isinstance(value, jax.core.Tracer) else jnp.asarray(reals(value, what))


def _times(value: Any) -> Array:
    return _numbers(value, "times of an input")


def _values(value: Any) -> Array:
    """Values over time; those without populations are the same for all."""
    found = _numbers(value, "values of an input")
    return found[:, None] if found.ndim == 1 else found


def _check_times(times: Any, least: int = 1) -> None:
    """Raise `ParameterError` for times that do not increase."""
    if isinstance(times, jax.core.Tracer):
        return
    at = np.asarray(times)
    if at.ndim != 1 or len(at) < least or np.any(np.diff(at) <= 0):
        raise ParameterError(
            f"times of an input must be at least {least}, finite and increasing: "
            f"{brief(at.tolist())}"
        )


class Input(eqx.Module):
    """An input current I_p(t), shape (P,), in the units of the input currents x.

    `input(t)` is its value at a time t, in the unit of time of the equations.
    """

    def __call__(self, t: Float[Array, ""] | float) -> Float[Array, " P"]:
        raise NotImplementedError

    @property
    def edges(self) -> tuple[float, ...] | Float[Array, " n"]:
        """Times at which the input jumps or bends."""
        return ()

    def __repr__(self) -> str:
        parts = ", ".join(
            f"{f.name}={shown(getattr(self, f.name))}" for f in dataclasses.fields(self)
        )
        return f"{type(self).__name__}({parts})"


class Constant(Input):
    """An input that does not change: I_p(t) = value_p.

    Args:
        value: (P,), in units of input current.
    """

    value: Float[Array, " P"]

    def __call__(self, t):
        return self.value


class Held(Input):
    """The value of an input, with all its parts, held for all times.

    Args:
        value: what the input gives at one time.
    """

    value: Any

    def __call__(self, t):
        return self.value


class Steps(Input):
    """Piecewise constant: values[k] from times[k-1] (included) to times[k] (excluded).

    Args:
        times: (n,), increasing.
        values: (n + 1, P), in units of input current.
    """

    times: Float[Array, " n"] = eqx.field(converter=_times)
    values: Float[Array, "n+1 P"] = eqx.field(converter=_values)

    def __check_init__(self):
        _check_times(self.times)
        if len(self.values) != len(self.times) + 1:
            raise ParameterError(
                f"steps at {len(self.times)} times need {len(self.times) + 1} values, before, "
                f"between and after them: there are {len(self.values)}"
            )

    def __call__(self, t):
        return self.values[jnp.searchsorted(self.times, t, side="right")]

    @property
    def edges(self):
        return self.times


class Table(Input):
    """Linear interpolation between times, constant beyond both ends.

    Args:
        times: (n,), increasing.
        values: (n, P), in units of input current.
    """

    times: Float[Array, " n"] = eqx.field(converter=_times)
    values: Float[Array, "n P"] = eqx.field(converter=_values)

    def __check_init__(self):
        _check_times(self.times, 2)
        if len(self.values) != len(self.times):
            raise ParameterError(
                f"a table needs a value for each time: {len(self.times)} times, "
                f"{len(self.values)} values"
            )

    def __call__(self, t):
        k = jnp.clip(jnp.searchsorted(self.times, t) - 1, 0, len(self.times) - 2)
        weight = jnp.clip((t - self.times[k]) / (self.times[k + 1] - self.times[k]), 0.0, 1.0)
        return (1 - weight) * self.values[k] + weight * self.values[k + 1]

    @property
    def edges(self):
        return self.times


class Signals(Input):
    """Time courses, each with a weight for every population; make one with `signals`.

    I_p(t) = sum_k weights[k]_p signal_k(t), linear between the times and constant beyond. A signal
    of ones is a constant input.

    Args:
        times: (n,), increasing.
        signals: by name, each (n,).
        weights: by the same names, each (P,).
    """

    times: Float[Array, " n"] = eqx.field(converter=_times)
    signals: dict[str, Float[Array, " n"]]
    weights: dict[str, Float[Array, " P"]]

    def __check_init__(self):
        _check_times(self.times, 2)

    def __call__(self, t):
        return sum(
            self.weights[name] * jnp.interp(t, self.times, own)
            for name, own in self.signals.items()
        )

    @property
    def edges(self):
        return self.times


class Function(Input):
    """Any function of time.

    Args:
        function: takes a time, which may be traced, and returns shape (P,).
        jumps: times at which it jumps or bends, in any order.

    Raises:
        ParameterError: a jump that is no finite number.
    """

    function: Callable[[Any], Any]
    jumps: tuple[float, ...] = eqx.field(
        static=True,
        default=(),
        converter=lambda jumps: tuple(sorted(real(t, "a jump of an input") for t in jumps)),
    )

    def __call__(self, t):
        return jnp.asarray(self.function(t))

    @property
    def edges(self):
        return self.jumps


class Separate(Input):
    """Each population's own input, where they do not make one `Steps` or `Table`.

    Args:
        parts: P inputs of one population.
    """

    parts: tuple[Input, ...]

    def __call__(self, t):
        return jnp.stack([jnp.reshape(part(t), ()) for part in self.parts])

    @property
    def edges(self):
        return _edges(self.parts)


class Columns(Input):
    """Several inputs side by side, as inputs along the patterns of neurons are, (P, n).

    Args:
        parts: n inputs.
    """

    parts: tuple[Input, ...]

    def __call__(self, t):
        return jnp.stack([part(t) for part in self.parts], axis=-1)

    @property
    def edges(self):
        return _edges(self.parts)


def _edges(parts: Sequence[Input]) -> tuple[float, ...] | Float[Array, " n"]:
    """Those of several inputs, in order."""
    found = [jnp.asarray(part.edges, dtype=float) for part in parts if len(part.edges)]
    return jnp.sort(jnp.concatenate(found)) if found else ()


def is_zero(value: Input) -> bool:
    """Whether an input is known to vanish at all times."""
    return bool(vanishes(value))


def vanishes(value: Input, lead: tuple[int, ...] = ()) -> np.ndarray:
    """The same of many inputs at once: truth values of the shape `lead`, their leading axes."""
    if isinstance(value, Separate):
        own = [vanishes(part, lead) for part in value.parts]
        return np.asarray(np.all(own, axis=0))
    arrays = {Constant: "value", Steps: "values", Table: "values"}
    name = arrays.get(type(value))
    if name is None:
        return np.zeros(lead, dtype=bool)
    there = np.asarray(getattr(value, name)) != 0
    return np.asarray(~np.any(there, axis=tuple(range(len(lead), there.ndim))))


class Together(Input):
    """Several inputs at once: make(first(t), second(t), ...).

    Args:
        make: what puts the values together.
        parts: the inputs.
    """

    make: Callable[..., Any] = eqx.field(static=True)
    parts: tuple[Input, ...]

    def __call__(self, t):
        return self.make(*(part(t) for part in self.parts))

    @property
    def edges(self):
        return _edges(self.parts)


def pulse(start: float, stop: float, amplitude: Any, baseline: Any = 0.0) -> Steps:
    """An input that is higher for a while.

    Args:
        start: time from which it is, included.
        stop: time until which it is, excluded.
        amplitude: height above the baseline, a number or (P,).
        baseline: value before and after, a number or (P,).

    Raises:
        ParameterError: start is not before stop, or something is no number.
    """
    start, stop = real(start, "start of a pulse"), real(stop, "stop of a pulse")
    if not start < stop:
        raise ParameterError(f"a pulse needs start < stop: start = {start}, stop = {stop}")
    low, high = (
        np.atleast_1d(reals(v, f"{name} of a pulse"))
        for name, v in (("baseline", baseline), ("amplitude", amplitude))
    )
    try:
        low, high = np.broadcast_arrays(low, high)
    except ValueError:
        raise ParameterError(
            f"a pulse has a baseline of shape {low.shape} and an amplitude of {high.shape}: they "
            "need one number, or one per population"
        ) from None
    return Steps(jnp.asarray([start, stop], float), jnp.asarray(np.stack([low, low + high, low])))


def signals(
    times: Any, courses: Mapping[str, Any], weights: Mapping[str, Any], populations: Sequence[str]
) -> Signals:
    """An input made of several time courses.

    Args:
        times: (n,), increasing.
        courses: by name, each (n,) or a number.
        weights: by the same names, a number, one number per population, or a mapping by
            population.
        populations: names of the populations.

    Raises:
        ParameterError: times that do not increase, other shapes, or names that do not agree.
    """
    at = reals(times, "times of signals")
    if at.ndim != 1 or len(at) < 2 or np.any(np.diff(at) <= 0):
        raise ParameterError(
            f"times of signals must be at least two, finite and increasing: {brief(times)}"
        )
    if set(courses) != set(weights) or not courses:
        raise ParameterError(
            f"each signal needs a weight: there are the signals {sorted(map(str, courses))} and "
            f"the weights {sorted(map(str, weights))}"
        )
    found = {}
    for name, course in courses.items():
        own = reals(course, f"the signal {name}")
        if own.shape not in ((), at.shape):
            raise ParameterError(
                f"the signal {name} needs {len(at)} finite values, one for each time: its shape is "
                f"{own.shape}"
            )
        found[str(name)] = jnp.asarray(np.broadcast_to(own, at.shape).copy())
    by = {
        str(name): jnp.asarray(by_population(v, populations, f"weights of {name}"))
        for name, v in weights.items()
    }
    return Signals(jnp.asarray(at), found, {name: by[name] for name in found})


def as_input(value: Any, populations: Sequence[str], name: str = "input") -> Input:
    """An `Input` from a number, a list, a mapping, a function of time, or an input.

    A mapping gives a number or an input for each population, or is one of
    `{"times": ..., "values": ..., "kind": "steps" | "table"}`,
    `{"times": ..., "signals": {name: ...}, "weights": {name: ...}}`, as `signals` takes them, and
    `{"start": ..., "stop": ..., "amplitude": ..., "baseline": ...}`, as `pulse` takes them.

    Raises:
        ParameterError: what is none of these.
    """
    if isinstance(value, Input):
        return _broadcast(value, len(populations), name)
    if isinstance(value, jax.core.Tracer):
        return Constant(jnp.broadcast_to(value, (len(populations),)))
    if callable(value):
        return Function(value)
    if isinstance(value, Mapping) and "start" in value:
        _entries(value, {"start", "stop", "amplitude"}, {"baseline"}, f"{name}: a pulse")
        entries = {
            k: by_population(v, populations, f"{name} {k}")
            for k, v in value.items()
            if k in ("amplitude", "baseline")
        }
        start, stop = (real(value[k], f"{name} {k}") for k in ("start", "stop"))
        return pulse(start, stop, **entries)
    if isinstance(value, Mapping) and "signals" in value:
        _entries(value, {"times", "signals", "weights"}, set(), f"{name}: an input made of signals")
        return _of_signals(value, populations, name)
    if isinstance(value, Mapping) and "times" in value:
        _entries(value, {"times", "values"}, {"kind"}, f"{name}: an input over time")
        return _over_time(value, populations, name)
    if isinstance(value, Mapping) and any(map(_varies, value.values())):
        return _separate(value, populations, name)
    return Constant(jnp.asarray(by_population(value, populations, name)))


def named_inputs(given: Any, populations: Sequence[str], name: str) -> dict[str, Input]:
    """Inputs by the names of patterns, each from what `as_input` takes; none for None.

    Raises:
        ParameterError: no mapping, or what is no input.
    """
    if given is not None and not isinstance(given, Mapping):
        raise ParameterError(
            f"{name} maps names of patterns to inputs, such as {{'m': 0.5}}: {brief(given)}"
        )
    return {str(k): as_input(v, populations, f"{name}.{k}") for k, v in (given or {}).items()}


def _varies(value: Any) -> bool:
    return isinstance(value, (Input, Mapping)) or callable(value)


def _separate(value: Mapping, populations: Sequence[str], name: str) -> Input:
    """One input from that of each population."""
    if set(value) != set(populations):
        raise ParameterError(
            f"{name} has the entries {sorted(map(str, value))}: it needs one for each population, "
            f"{', '.join(populations)}"
        )
    parts = tuple(as_input(value[p], [p], f"{name}[{p}]") for p in populations)
    for kind in (Steps, Table):
        if all(isinstance(part, (Constant, kind)) for part in parts):
            return _merged(parts, kind)
    return Separate(parts)


def _merged(parts: Sequence[Input], kind: type[Steps] | type[Table]) -> Input:
    """Steps, or a table, from constants and others of that kind."""
    times = np.unique(np.concatenate([np.asarray(part.edges, dtype=float) for part in parts]))
    if kind is Table:
        rows = [np.stack([np.asarray(part(t)) for t in times]) for part in parts]
    else:
        before = np.concatenate([times[:1] - 1.0, times])
        rows = [np.stack([np.asarray(part(t)) for t in before]) for part in parts]
    return kind(jnp.asarray(times), jnp.asarray(np.concatenate(rows, axis=1)))


def _over_time(value: Mapping, populations: Sequence[str], name: str) -> Input:
    times = reals(value["times"], f"{name} times")
    if times.ndim != 1 or not len(times) or np.any(np.diff(times) <= 0):
        raise ParameterError(
            f"{name} times must be finite, one-dimensional and increasing: {brief(value['times'])}"
        )
    given = value["values"]
    if isinstance(given, (str, Mapping)) or not np.iterable(given) or not len(list(given)):
        raise ParameterError(
            f"{name} values = {brief(given)} are no list: give one entry for each time, a number "
            "or one per population"
        )
    rows = np.stack([by_population(v, populations, f"{name} values") for v in given])
    kind = value.get("kind", "steps")
    if kind not in ("steps", "table"):
        raise ParameterError(f"{name} kind {brief(kind)} is unknown: use 'steps' or 'table'")
    need = len(times) + (kind == "steps")
    if len(rows) != need or (kind == "table" and need < 2):
        raise ParameterError(
            f"an input of kind {kind!r} with {len(times)} times needs {max(need, 2)} values, got "
            f"{len(rows)}"
        )
    return (Steps if kind == "steps" else Table)(jnp.asarray(times), jnp.asarray(rows))


def _of_signals(value: Mapping, populations: Sequence[str], name: str) -> Signals:
    for part in ("signals", "weights"):
        if not isinstance(value[part], Mapping):
            raise ParameterError(
                f"{part} of {name} map names of signals to numbers: {brief(value[part])}"
            )
    return signals(value["times"], value["signals"], value["weights"], populations)


def _entries(value: Mapping, needed: set[str], optional: set[str], what: str) -> None:
    unknown, missing = set(value) - needed - optional, needed - set(value)
    if unknown:
        raise ParameterError(
            f"{what} has unknown entries {sorted(map(str, unknown))}: known are "
            f"{sorted(needed | optional)}"
        )
    if missing:
        raise ParameterError(f"{what} needs {sorted(needed)}; missing: {sorted(missing)}")


def _broadcast(value: Input, P: int, what: str) -> Input:
    if not isinstance(value, (Constant, Steps, Table)):
        return value
    name = "value" if isinstance(value, Constant) else "values"
    array = getattr(value, name)
    if array.shape[-1] not in (1, P):
        whole = f"the network has {P}" if "[" not in what else "it is of one alone"
        raise ParameterError(f"the {what} has {array.shape[-1]} populations, {whole}")
    return eqx.tree_at(
        lambda v: getattr(v, name), value, jnp.broadcast_to(array, (*array.shape[:-1], P))
    )
