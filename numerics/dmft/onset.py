"""The onset of chaos: where the autocovariance of the static state begins to grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from scipy import optimize

from ...errors import ParameterError
from ..distributions import Expansion
from ..parameters import Couplings, Parameters, Scalar, scalar
from ..system import System, held_inputs
from .long_times import LARGEST_RESIDUAL, _static, bulk_radius
from .terms import as_state, require_dmft


@dataclass(frozen=True)
class Onset:
    """Where the static state loses its stability in the bulk.

    name: of the number; value: where the radius is 1, nan if it is not between the bounds; radius: over `values` at which it was computed;
    static: state at the onset; status: "ok" or why not
    """

    name: str
    value: float
    values: np.ndarray
    radius: np.ndarray
    static: dict[str, dict[str, float]]
    status: str

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "value": self.value,
            "values": self.values.tolist(),
            "radius": self.radius.tolist(),
            "static": self.static,
            "status": self.status,
        }


def onset_of_chaos(
    system: System,
    parameters: Parameters,
    vary: str | Scalar,
    bounds: tuple[float, float],
    *,
    start: Any = None,
    points: int = 9,
    time: float = 0.0,
    xtol: float = 1e-10,
) -> Onset:
    """The value of a number of the parameters at which the bulk of the static state's Jacobian reaches the imaginary axis: radius 1.

    The static state is followed over `points` values from the first bound to the second, which may be the smaller one; the first crossing is
    solved by Brent's method. `vary` is a name as for `scalar`; motifs, means and variances that it changes keep B = 0.
    Raises `ParameterError` for bad bounds, and as `dmft` does.
    """
    parameters = system.complete(parameters)
    which = scalar(vary, parameters)
    low, high = map(float, bounds)
    if not (np.isfinite(low) and np.isfinite(high) and low != high and points >= 2):
        raise ParameterError(
            f"the bounds of {which.name} must be two different numbers, and points at least 2: {bounds}, {points}"
        )
    warm = jnp.stack(
        [
            jnp.asarray(v)
            for v in as_state(start, parameters, ("mean", "kappa", "variance")).values()
        ]
    )

    def at(value: float, warm: Array) -> tuple[float, Array, float]:
        given = which.set(parameters, value)
        require_dmft(system, given)
        expansion, terms = Expansion.of(system, given), Couplings.of(given)
        y, residual = _static(expansion, terms, held_inputs(given, time), warm)
        return bulk_radius(expansion, terms, y), y, float(residual)

    values, found = np.linspace(low, high, points), []
    status, radius, y = f"the radius does not pass 1 between {low:g} and {high:g}", np.nan, warm
    for k, value in enumerate(values):
        before, warm_before = radius, warm
        radius, y, residual = at(value, warm)
        warm = jnp.where(jnp.isfinite(y), y, warm)
        found.append(radius)
        if not residual < LARGEST_RESIDUAL:
            return Onset(
                which.name,
                np.nan,
                values[: k + 1],
                np.array(found),
                {},
                f"no static state at {which.name} = {value:g}",
            )
        if k and (before - 1) * (radius - 1) <= 0:
            value = float(
                optimize.brentq(
                    lambda v, start=warm_before: at(v, start)[0] - 1,
                    values[k - 1],
                    value,
                    xtol=xtol,
                )
            )
            end = np.asarray(at(value, warm_before)[1])
            static = {
                p: dict(zip(("mean", "kappa", "variance"), map(float, end[:, i]), strict=True))
                for i, p in enumerate(parameters.populations)
            }
            return Onset(which.name, value, values[: k + 1], np.array(found), static, "ok")
    return Onset(
        which.name,
        np.nan,
        values,
        np.array(found),
        {},
        f"{status}: it goes from {found[0]:.4g} to {found[-1]:.4g}",
    )
