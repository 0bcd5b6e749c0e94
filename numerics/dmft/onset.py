"""The onset of chaos: where the autocovariance of the static state begins to grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array
from scipy import optimize

from ...errors import ParameterError
from ..distributions import Expansion
from ..parameters import Couplings, Parameters, Scalar, scalar
from ..results import OK, Code, Result, Status, raise_on_failure
from ..system import System, held_inputs
from ..tangents import refuse_tracers
from .static import LARGEST_RESIDUAL, static_radius, static_state
from .terms import as_state, require_dmft

KNOWN = ("mean", "kappa", "variance")


@dataclass(frozen=True, repr=False, eq=False)
class Onset(Result):
    """Where the static state loses its stability in the bulk.

    Args:
        name: of the parameter that varies.
        value: where the radius is 1; NaN if it does not pass 1 between the bounds.
        values: of the parameter, at which the radius was computed.
        radius: there.
        static: the state at the onset, by population.
        status: "ok", or why there is none.
    """

    name: str
    value: float
    values: np.ndarray
    radius: np.ndarray
    static: dict[str, dict[str, float]]
    status: Status

    @property
    def title(self) -> str:
        """Along what."""
        return f"Onset of chaos along {self.name}"

    @property
    def dataset(self) -> xr.Dataset:
        """`radius` over (value)."""
        attrs = {"name": self.name, "onset": self.value}
        return xr.Dataset({"radius": ("value", self.radius)}, {"value": self.values}, attrs)

    def rows(self) -> list[dict[str, Any]]:
        """A row per value: the radius of the bulk."""
        pairs = zip(self.values.tolist(), self.radius.tolist(), strict=True)
        return [{self.name: value, "radius": radius} for value, radius in pairs]

    def summary(self) -> list[str]:
        """The onset."""
        return [f"the bulk's radius passes 1 at {self.name} = {self.value:.8g}"]

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "value": self.value,
            "values": self.values.tolist(),
            "radius": self.radius.tolist(),
            "static": self.static,
            **self.status.json(),
        }


def onset_of_chaos(
    system: System,
    parameters: Parameters,
    name: str | Scalar,
    bounds: tuple[float, float],
    *,
    initial: Any = None,
    points: int = 9,
    time: float = 0.0,
    xtol: float = 1e-10,
    throw: bool = True,
) -> Onset:
    """The value of a parameter at which the bulk of the static state's Jacobian has radius 1.

    There it reaches the imaginary axis. The static state is followed from the first bound to the
    second; the first crossing is solved by Brent's method.

    Args:
        system: says which network it is; its closure does not matter.
        parameters: the network's numbers, without reciprocal residual synapses (B = 0).
        name: of the parameter that varies, as "factor(g)", or a `scalar`. What it changes must keep
            B = 0.
        bounds: where to begin and to end; the second may be the smaller one.
        initial: where the search begins: a mapping of "mean", "kappa" and "variance", else 0.
        points: values at which the radius is computed, both bounds among them.
        time: when the inputs are held.
        xtol: absolute tolerance of the value.
        throw: raise an error where there is no static state.

    Returns:
        The onset. A radius that does not pass 1 is no failure and does not raise: the value is NaN.

    Raises:
        ParameterError: bad bounds, and as `transient`.
        SolverError: with `throw`, no static state was found.
    """
    refuse_tracers((parameters, initial, time), "onset_of_chaos", "motifield.pure.fixed_point")
    own = system.complete(parameters, [name])
    which = scalar(name, own)
    low, high = map(float, bounds)
    if not (np.isfinite(low) and np.isfinite(high) and low != high and points >= 2):
        raise ParameterError(
            f"the bounds of {which.name} must be two different numbers, and points at least 2: "
            f"{bounds}, {points}"
        )
    start = as_state(initial, own, KNOWN).values()
    warm = jnp.stack([jnp.asarray(v) for v in start])

    def at(value: float, warm: Array) -> tuple[float, Array, float]:
        given = which.set(own, value)
        require_dmft(system, given)
        expansion, terms = Expansion.of(system, given), Couplings.of_numbers(given)
        y, residual = static_state(expansion, terms, held_inputs(given, time), warm)
        return static_radius(expansion, terms, y), y, float(residual)

    found = _crossing(at, which.name, np.linspace(low, high, points), warm, xtol, own.populations)
    raise_on_failure(found.status, throw)
    return found


def _crossing(
    at: Any, name: str, values: np.ndarray, warm: Array, xtol: float, populations: tuple[str, ...]
) -> Onset:
    """The first value at which the radius passes 1; warm: a state near the static one."""
    found: list[float] = []
    radius = np.nan
    for k, value in enumerate(values):
        before, warm_before = radius, warm
        radius, y, residual = at(value, warm)
        warm = jnp.where(jnp.isfinite(y), y, warm)
        found.append(radius)
        seen = values[: k + 1], np.array(found)
        if not residual < LARGEST_RESIDUAL:
            status = Status(f"no static state at {name} = {value:g}", Code.NOT_CONVERGED)
            return Onset(name, np.nan, *seen, {}, status)
        if k and (before - 1) * (radius - 1) <= 0:

            def excess(v: float, start: Array = warm_before) -> float:
                return at(v, start)[0] - 1

            where = float(optimize.brentq(excess, values[k - 1], value, xtol=xtol))
            end = np.asarray(at(where, warm_before)[1])
            static = {
                p: dict(zip(KNOWN, map(float, end[:, i]), strict=True))
                for i, p in enumerate(populations)
            }
            return Onset(name, where, *seen, static, OK)
    text = (
        f"the radius does not pass 1 between {values[0]:g} and {values[-1]:g}: it goes from "
        f"{found[0]:.4g} to {found[-1]:.4g}"
    )
    return Onset(name, np.nan, values, np.array(found), {}, Status(text, Code.REJECTED))
