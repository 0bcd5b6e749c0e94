"""Where fixed points can be: bounds of the transfer functions, and the box that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous, System

DECADES, REFINEMENTS = 30, 4  # of currents around 1, in which functions bend
STEPS_OUT = np.array([1e-10, 1e-5, 1.0])  # of the farthest: a bounded function has its limit there
STEEPEST = 1e6  # a function that rises faster jumps
ROUNDING = 1e-14  # of differences of values, which tiny differences of x would make steep
MARGIN = 0.02  # for slopes between the points of the finest grid
GRID = 10.0 ** np.linspace(-DECADES, DECADES, 64 * DECADES + 1)


@dataclass(frozen=True)
class TransferBounds:
    """Bounds of the transfer function of each population, (P,); infinite where there are none.

    Args:
        low: smallest value.
        high: largest value.
        least_slope: smallest slope.
        largest_slope: largest slope.
    """

    low: np.ndarray
    high: np.ndarray
    least_slope: np.ndarray
    largest_slope: np.ndarray

    @property
    def rows(self) -> tuple[np.ndarray, ...]:
        """The four in order."""
        return self.low, self.high, self.least_slope, self.largest_slope

    @property
    def are_finite(self) -> bool:
        """Whether every function and its slope are bounded."""
        return bool(np.all(np.isfinite(self.rows)))


def transfer_bounds(system: System, parameters: Parameters) -> TransferBounds:
    """Bounds of phi_p and phi_p', evaluated on a grid of all scales of |x|, 1e-30 to 1e30.

    The grid is refined where the slope is largest. A function counts as bounded when its values at
    1e20, 1e25 and 1e30 settle, or at the largest |x| at which it is a number and 5 and 10 decades
    before. Slopes get a margin of 2 %.
    """
    rows = np.array([_bounds_of_one(system, parameters, p) for p in range(parameters.P)])
    return TransferBounds(*rows.T)


def _bounds_of_one(
    system: System, parameters: Parameters, p: int
) -> tuple[float, float, float, float]:
    def at(x):
        return system.sampled(x, p, parameters)

    far = _farthest(at)
    x = np.concatenate([-GRID, [0.0], GRID, np.linspace(-60, 60, 4801)])
    x = np.unique(x[np.abs(x) <= far])
    low, high, least, largest = np.inf, -np.inf, np.inf, -np.inf
    for _ in range(REFINEMENTS):
        values, slopes = at(x)
        change = np.diff(values)
        change[np.abs(change) < ROUNDING * np.max(np.abs(values))] = 0.0
        secants = change / np.diff(x)
        every = np.concatenate([slopes, secants])
        low, high = min(low, values.min()), max(high, values.max())
        least, largest = min(least, every.min()), max(largest, every.max())
        steep = np.maximum(np.abs(slopes[1:]), np.abs(slopes[:-1]))
        k = int(np.argmax(np.maximum(np.abs(secants), steep)))
        x = np.linspace(x[max(k - 1, 0)], x[min(k + 2, len(x) - 1)], 201)
    ends = [at(sign * far * STEPS_OUT)[0] for sign in (-1, 1)]
    size = max(abs(low), abs(high))
    if not np.isfinite(size) or not all(_settles(v, size) for v in ends):
        low, high = -np.inf, np.inf
    if max(abs(least), abs(largest)) > STEEPEST or not np.isfinite([least, largest]).all():
        return low, high, -np.inf, np.inf
    return low, high, least - MARGIN * abs(least), largest + MARGIN * abs(largest)


def _farthest(at: Callable) -> float:
    """The largest |x| of the grid up to which the function and its slope are finite numbers."""
    sides = [np.isfinite(np.stack(at(sign * GRID))).all(axis=0) for sign in (-1, 1)]
    finite = sides[0] & sides[1]
    return float(GRID[-1] if finite.all() else GRID[max(int(np.argmin(finite)) - 1, 0)])


def _settles(v: np.ndarray, size: float) -> bool:
    """Whether values farther and farther out have a limit."""
    first, second = abs(v[1] - v[0]), abs(v[2] - v[1])
    return bool(np.isfinite(v).all() and second <= 1e-3 * size and second <= first + 1e-12 * size)


Interval = tuple[Array, Array]


def _times(a: Interval, b: Interval) -> Interval:
    products = jnp.stack(jnp.broadcast_arrays(*(x * y for x in a for y in b)))
    return jnp.min(products, axis=0), jnp.max(products, axis=0)


def _weighted(c: Array, v: Interval) -> Interval:
    return _times((c, c), v)


def _sum(v: Interval, axis: Any) -> Interval:
    return jnp.sum(v[0], axis=axis), jnp.sum(v[1], axis=axis)


def _plus(*terms: Interval) -> Interval:
    return sum(t[0] for t in terms), sum(t[1] for t in terms)  # type: ignore[return-value]


def _at(v: Interval, *index: Any) -> Interval:
    return v[0][index], v[1][index]


def state_box(
    model: Autonomous, parameters: Parameters, bounds: tuple[Array, Array, Array, Array]
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """A box of states that contains every fixed point, by interval arithmetic on the equations.

    With R_q, G_q within the bounds of phi_q and phi_q': kappa = H(0) (alpha R + h),
    K = H(0) (mean coupling + chains + reciprocal + I), the root mean square rate within the bounds
    of |phi|. States that no bound is known for (inner states of filters) are unbounded. Pure, for
    jit and vmap.

    Args:
        model: the equations with the inputs held.
        parameters: the network's numbers.
        bounds: low, high, least_slope, largest_slope, (P,) each.

    Returns:
        The lowest and the highest state, (n,) each.
    """
    system, P = model.system, model.P
    module, c = system.module, system.coefficients(parameters)
    drive, none = system.drive(parameters)(model.time), jnp.zeros(P)
    R, G = (bounds[0], bounds[1]), (bounds[2], bounds[3])
    M, S = (jnp.broadcast_to(_gain(module, c, n), (P,)) for n in ("membrane", "synapse"))
    I, h, spread = (drive, none, none)
    if hasattr(module, "Drive"):
        I, h, spread = (getattr(drive, n, none) for n in ("mean", "in_strength", "spread"))
    e = _weighted(S * parameters.fractions, R)
    v = _size(R, S)
    along_rows = {"kappa": _plus(e, (h, h)), "rho": e, "s": v}
    of_targets = {n: _weighted(M[:, None], _at(x, None)) for n, x in along_rows.items()}
    z = M * spread
    sent = e if hasattr(c, "synapse") else R
    coupled = _sum(_weighted(c.mean_coupling, _at(sent, None)), 1)
    passed = _gain(module, c, "synapse_class")
    rho = of_targets["rho" if "rho" in system.State._fields else "kappa"]
    current = _currents(c, passed, P, G, of_targets["kappa"], rho, z)
    known = {
        "K": _weighted(M, _plus(coupled, _sum(current, 0), (I, I))),
        "e": e,
        "v": v,
        "z": (z, z),
        "current": current,
    }
    first = jnp.asarray(getattr(module, "MEMBRANE_FIRST", 0))
    low, high = (_filled(model, k, of_targets, known, first) for k in (0, 1))
    return low, high


def _gain(module: Any, c: Any, name: str) -> Array:
    """The static gain of filters that the equations may have, 1 without them."""
    if not hasattr(c, name):
        return jnp.ones(1)
    return getattr(c, name).gain(getattr(module, f"{name.upper()}_ORDERS"))


def _size(R: Interval, S: Array) -> Interval:
    """|phi|, times the static gain of the synapses."""
    low, high = jnp.abs(R[0]), jnp.abs(R[1])
    least = jnp.where((R[0] < 0) & (R[1] > 0), 0.0, jnp.minimum(low, high)) * S
    most = jnp.maximum(low, high) * S
    return jnp.minimum(least, most), jnp.maximum(least, most)


def _filled(
    model: Autonomous,
    k: int,
    of_targets: dict[str, Interval],
    known: dict[str, Interval],
    first: Array,
) -> Float[Array, " n"]:
    """The state of lower (k = 0) or upper (k = 1) bounds."""
    fields = {}
    for name, value in model.system.rest(model.P)._asdict().items():
        if name in of_targets:
            rows = of_targets[name][k]
            fields[name] = rows[0] if value.ndim == 1 else rows[first]
        elif name in known:
            fields[name] = jnp.broadcast_to(known[name][k], value.shape)
        else:
            fields[name] = jnp.full(value.shape, (-jnp.inf, jnp.inf)[k])
    return model.flat(model.system.State(**fields))


def _currents(
    c: Any, passed: Array, P: int, G: Interval, kappa: Interval, rho: Interval, z: Array
) -> Interval:
    """Chains, reciprocity and out-strengths, (synapses, P): one row without synapses."""
    total: Interval = (jnp.zeros((1, P)), jnp.zeros((1, P)))
    slope = _at(G, None, None)

    def per_synapse(weight: Array, ndim: int) -> Array:
        return weight if weight.ndim == ndim else weight[None]

    if hasattr(c, "chain"):
        inner = _sum(_weighted(per_synapse(c.chain, 4), _at(kappa, None, None)), 3)
        total = _plus(total, _sum(_times(inner, slope), 2))
    if hasattr(c, "reciprocal"):
        back = (rho[0].T[None], rho[1].T[None])
        inner = _weighted(per_synapse(c.reciprocal, 3), back)
        total = _plus(total, _sum(_times(inner, slope), 2))
    if hasattr(c, "out_strength"):
        sent = z[None, None, :]
        inner = _weighted(per_synapse(c.out_strength, 3), (sent, sent))
        total = _plus(total, _sum(_times(inner, slope), 2))
    return _weighted(passed[:, None], total)


class Region(eqx.Module):
    """Where to start and to search where the states are bounded.

    Args:
        rates: bounds of the mean rates, (P,) each.
        box: bounds of the states, (n,) each.
        spread: largest standard deviation of the input currents, (P,).
    """

    rates: tuple[Float[Array, " P"], Float[Array, " P"]]
    box: tuple[Float[Array, " n"], Float[Array, " n"]]
    spread: Float[Array, " P"]


def region_of(model: Autonomous, parameters: Parameters, rates: Any, box: Any) -> Region:
    """A region from bounds of rates and states.

    The largest variance in a box is that in one of its corners, the sum of what the largest |state|
    contributes: an upper estimate.
    """
    largest = jnp.where(
        jnp.isfinite(box[0]) & jnp.isfinite(box[1]),
        jnp.maximum(jnp.abs(box[0]), jnp.abs(box[1])),
        0.0,
    )
    variance = model.system.module.variance(
        model.state(largest), model.system.coefficients(parameters)
    )
    return Region(rates, box, jnp.sqrt(jnp.maximum(variance, 0.0)))
