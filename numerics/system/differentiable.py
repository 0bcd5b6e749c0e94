"""Steps of diffrax's solvers: the implicit one, and explicit steps with derivatives backwards.

diffrax loads where a trajectory needs it: see `explicit` for those that do not.
"""

from __future__ import annotations

from typing import Any

import diffrax as dfx
import equinox as eqx
import jax.numpy as jnp

from .explicit import MOST_SHORT, SHORTEST

METHODS = {"explicit": dfx.Tsit5(), "implicit": dfx.Kvaerno5()}


class Bounded(dfx.AbstractAdaptiveStepSizeController):
    """A step size controller that stops after a number of steps, and where steps shrink to nothing.

    Before a singularity, or where d(state)/dt is not finite, steps become as short as the rounding
    of the time: the solution goes no further.

    Args:
        controller: the one that chooses the steps.
        most: steps, rejected ones included; may be traced.
    """

    controller: Any
    most: Any

    @property  # type: ignore[misc]
    def rtol(self):  # type: ignore[override]
        return self.controller.rtol

    @property  # type: ignore[misc]
    def atol(self):  # type: ignore[override]
        return self.controller.atol

    @property  # type: ignore[misc]
    def norm(self):  # type: ignore[override]
        return self.controller.norm

    def wrap(self, direction):
        return eqx.tree_at(lambda b: b.controller, self, self.controller.wrap(direction))

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order):
        first, inner = self.controller.init(terms, t0, t1, y0, dt0, args, func, error_order)
        return first, (inner, jnp.asarray(0), jnp.asarray(0))

    def adapt_step_size(self, t0, t1, y0, y1_candidate, args, y_error, error_order, state):
        inner, count, short = state
        *chosen, inner, result = self.controller.adapt_step_size(
            t0, t1, y0, y1_candidate, args, y_error, error_order, inner
        )
        is_short = t1 - t0 < SHORTEST * jnp.maximum(jnp.abs(t1), 1e-300)
        count, short = count + 1, jnp.where(is_short, short + 1, 0)
        result = dfx.RESULTS.where(
            (count >= self.most) & (result == dfx.RESULTS.successful),
            dfx.RESULTS.max_steps_reached,
            result,
        )
        result = dfx.RESULTS.where(short > MOST_SHORT, dfx.RESULTS.dt_min_reached, result)
        return (*chosen, (inner, count, short), result)
