"""Starts where nothing bounds the fixed points: on all scales, and where the variance lasts.

A network whose transfer functions grow faster than linearly can have fixed points farther out than
any current that the network is given, at which the variance that the rates make sustains the rates.
Their size is exponential in the ratio of mean and standard deviation of the currents; starts on all
scales alike hardly meet them. Others lie where the network all but sustains activity of some
pattern, whatever its size: Newton's method finds them from states near that pattern alone.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous
from .scales import current_scales
from .states import with_rates

LEAST_SPAN = 1000.0  # of starts on all scales
SHARE = 0.5  # of starts at which the variance sustains itself
TURNED = 0.25  # of starts, whose pattern is the one that grows fastest
TURNS = 8  # steps towards it
BANDS = 16  # of scales, each with turned starts
SCALES = 10.0 ** np.linspace(-3, 12, 48)  # where that is looked for, in the network's currents
FARTHEST = 1e13  # bound of the mean currents, as many times the network's
QUIET, ACTIVE = 9.0, 2.0
"""Standard deviations of the mean currents towards small and large rates: at 9 all are silent."""


class OpenRegion(eqx.Module):
    """Where to start and to search where nothing bounds the states.

    Args:
        box: bounds of the states, (n,) each.
        current: the largest of the network's input currents.
        width: of mean currents where starts are spread on all scales.
        span: ratio of the largest to the smallest of these scales.
        share: of starts at which the variance sustains itself.
        quiet: the side, 1 or -1, on which the transfer function is smaller, (P,).
    """

    box: tuple[Float[Array, " n"], Float[Array, " n"]]
    current: Float[Array, ""]
    width: Float[Array, ""]
    span: Float[Array, ""]
    share: Float[Array, ""]
    quiet: Float[Array, " P"]


def open_region(
    model: Autonomous, parameters: Parameters, growth: float, share: float = SHARE
) -> OpenRegion:
    """Starts with mean currents to `growth` times three times the network's, and farther out.

    Pure, for jit and vmap.
    """
    least, largest = current_scales(model, parameters)
    width = 3 * growth * largest
    bound = jnp.where(share > 0, FARTHEST * largest, width)
    is_mean = jnp.array([name == "K" for name, _ in model.latents()])
    box = (jnp.where(is_mean, -bound, -jnp.inf), jnp.where(is_mean, bound, jnp.inf))
    ends = jnp.stack([-largest, largest])
    rates = [model.system.transfer(ends, q, parameters) for q in range(model.P)]
    below, above = jnp.abs(jnp.stack(rates, axis=1))
    span = jnp.maximum(LEAST_SPAN, 30 * largest / least)
    quiet = jnp.where(below < above, -1.0, 1.0)
    return OpenRegion(box, largest, width, span, jnp.asarray(share), quiet)


def open_start(
    model: Autonomous, parameters: Parameters, region: OpenRegion, where: Float[Array, "2P+1"]
) -> Float[Array, " n"]:
    """A state from a point of the unit cube; pure, for vmap.

    Means and variances with the rates that follow, on all scales alike, down to 1 / span. In a
    share of the starts, means in units of the standard deviations, on the largest scale at which
    the variance that the rates make is the variance assumed. Another part has the pattern that
    grows fastest at its size.
    """
    system, P = model.system, model.P
    module, c = system.module, system.coefficients(parameters)
    extra = (c.transfer,) if hasattr(c, "transfer") else ()
    scales = region.current * SCALES
    ratio = region.quiet * ((QUIET + ACTIVE) * where[:P] - ACTIVE)
    assumed = where[P : 2 * P] / jnp.maximum(jnp.max(where[P : 2 * P]), 1e-3)

    def made(scale: Array) -> Array:
        sigma = scale * assumed
        state = with_rates(model, parameters, module.mean_rate(ratio * sigma, sigma**2, *extra))
        return jnp.sqrt(jnp.abs(module.variance(state, c))) / scale

    sizes = jax.vmap(made)(scales)
    size = jnp.max(sizes, axis=1)
    above = ~(size <= 1)  # a rate that is no number any more is above
    crossed = above[1:] != above[:-1]
    last = len(SCALES) - 2 - jnp.argmax(crossed[::-1])
    relative, size = sizes[last] / size[last], jnp.log(size)
    between = jnp.nan_to_num(size[last] / (size[last] - size[last + 1]), nan=0.0)
    sustained = scales[last] * (SCALES[1] / SCALES[0]) ** between
    rest = where[2 * P] - region.share
    balanced = (rest < 0) & jnp.any(crossed) & jnp.all(jnp.isfinite(relative))
    part = jnp.where(rest < 0, where[2 * P] / region.share, rest / (1 - region.share))
    scale = region.width * region.span**-part
    sigma = jnp.where(balanced, sustained * relative, scale * where[P : 2 * P] / 2)
    K = jnp.where(balanced, ratio * sigma, scale * (2 * where[:P] - 1))
    R = module.mean_rate(K, sigma**2, *extra)
    start = with_rates(model, parameters, R)._replace(K=K)
    end = _turned(model, parameters, start, extra)
    is_turned = (rest >= 0) & ((BANDS * part) % 1 < TURNED / (1 - region.share))
    return jnp.where(is_turned & jnp.all(jnp.isfinite(end)), end, model.flat(start))


def _turned(
    model: Autonomous, parameters: Parameters, start: Any, extra: tuple[Any, ...]
) -> Float[Array, " n"]:
    """The state whose pattern a start takes on when its size is held: power iteration.

    Steps are as long as it takes a mean current to change by its own size.
    """
    module, c = model.system.module, model.system.coefficients(parameters)
    field = model.bind(parameters)
    size = jnp.max(jnp.abs(start.K))
    length = size / jnp.max(jnp.abs(model.state(field(model.flat(start))).K))

    def turn(_, state: Any) -> Any:
        y = model.flat(state)
        moved = model.state(y + length * field(y))
        factor = size / jnp.max(jnp.abs(moved.K))
        K, Delta = factor * moved.K, factor**2 * module.variance(moved, c)
        return with_rates(model, parameters, module.mean_rate(K, Delta, *extra))._replace(K=K)

    return model.flat(jax.lax.fori_loop(0, TURNS, turn, start))
