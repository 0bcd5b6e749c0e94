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

    times: Float[Array, " n"]
    values: Float[Array, "n+1 P"]

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
    """Time courses, each with a weight for every population; make one with `signals`.

    I_p(t) = sum_k weights[k]_p signal_k(t), linear between the times and constant beyond. A signal
    of ones is a constant input.

    Args:
        times: (n,), increasing.
        signals: by name, each (n,).
        weights: by the same names, each (P,).
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
    """Any function of time.

    Args:
        function: takes a time, which may be traced, and returns shape (P,).
        jumps: times at which it jumps or bends.
    """

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
        found = [jnp.asarray(part.edges, dtype=float) for part in self.parts if len(part.edges)]
        return jnp.sort(jnp.concatenate(found)) if found else ()


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

    A mapping gives a value for each population, or is one of
    `{"times": ..., "values": ..., "kind": "steps" | "table"}`,
    `{"times": ..., "signals": {name: ...}, "weights": {name: ...}}`, as `signals` takes them, and
    `{"start": ..., "stop": ..., "amplitude": ..., "baseline": ...}`, as `pulse` takes them.

    Raises:
        ParameterError: what is none of these.
    """
    if isinstance(value, Input):
        return _broadcast(value, len(populations))
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
    return Constant(jnp.asarray(by_population(value, populations, name)))


def _over_time(value: Mapping, populations: Sequence[str], name: str) -> Input:
    times = reals(value["times"], f"{name} times")
    if times.ndim != 1 or not len(times) or np.any(np.diff(times) <= 0):
        raise ParameterError(
            f"{name} times must be finite, one-dimensional and increasing: {brief(value['times'])}"
        )
    given = value["values"]
    if isinstance(given, (str, Mapping)) or not np.iterable(given) or not len(given):
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
