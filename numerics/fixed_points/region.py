"""Where fixed points can be: bounds of the transfer functions, and the box of states that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous, System

FAR = (1e5, 1e7, 1e9)
STEEPEST = 1e6  # a function that rises faster jumps
MARGIN = 0.02


@dataclass(frozen=True)
class TransferBounds:
    """Smallest and largest value and slope of the transfer function of each population, (P,); infinite where there are none."""

    low: np.ndarray
    high: np.ndarray
    least_slope: np.ndarray
    largest_slope: np.ndarray

    @property
    def are_finite(self) -> bool:
        """Whether every function and its slope are bounded."""
        return bool(
            np.all(np.isfinite([self.low, self.high, self.least_slope, self.largest_slope]))
        )


def transfer_bounds(system: System, parameters: Parameters) -> TransferBounds:
    """Bounds of phi_p and phi_p', evaluated: on a grid to |x| = 60, refined where the slope is largest, and at |x| up to 1e9.

    A function counts as bounded when its values at 1e5, 1e7 and 1e9 settle. Slopes get a margin of 2 %.
    """
    rows = np.array([_bounds_of_one(system, parameters, p) for p in range(parameters.P)])
    return TransferBounds(*rows.T)


def _bounds_of_one(
    system: System, parameters: Parameters, p: int
) -> tuple[float, float, float, float]:
    def at(x):
        return tuple(map(np.asarray, system.transfer_and_slope(jnp.asarray(x), p, parameters)))

    x = np.linspace(-60, 60, 4801)
    low, high, least, largest = np.inf, -np.inf, np.inf, -np.inf
    for _ in range(4):
        values, slopes = at(x)
        secants = np.diff(values) / np.diff(x)
        every = np.concatenate([slopes, secants])
        low, high = min(low, values.min()), max(high, values.max())
        least, largest = min(least, every.min()), max(largest, every.max())
        k = int(
            np.argmax(
                np.maximum(np.abs(secants), np.maximum(np.abs(slopes[1:]), np.abs(slopes[:-1])))
            )
        )
        x = np.linspace(x[max(k - 1, 0)], x[min(k + 2, len(x) - 1)], 201)
    ends = [at(sign * np.array(FAR))[0] for sign in (-1, 1)]
    if not all(_settles(v) for v in ends) or not np.isfinite([low, high]).all():
        low, high = (-np.inf if not _settles(ends[0]) or not _settles(ends[1]) else low), np.inf
    else:
        low, high = min(low, *(v.min() for v in ends)), max(high, *(v.max() for v in ends))
    if max(abs(least), abs(largest)) > STEEPEST or not np.isfinite([least, largest]).all():
        return low, high, -np.inf, np.inf
    return low, high, least - MARGIN * abs(least), largest + MARGIN * abs(largest)


def _settles(v: np.ndarray) -> bool:
    first, second = abs(v[1] - v[0]), abs(v[2] - v[1])
    return bool(
        np.isfinite(v).all() and second <= 1e-3 * (1 + abs(v[2])) and second <= first + 1e-12
    )


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


def state_box(
    model: Autonomous, parameters: Parameters, bounds: tuple[Array, Array, Array, Array]
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """A box of states that contains every fixed point, by interval arithmetic on the terms of the equations; pure, for jit and vmap.

    With R_q, G_q within the bounds of phi_q and phi_q': kappa = H(0) (alpha R + h), K = H(0) (mean coupling + chains + reciprocal + I), the
    root mean square rate within the bounds of |phi|. States that no bound is known for (inner states of filters) are unbounded.
    bounds: low, high, least_slope, largest_slope, (P,) each.
    """
    system, P = model.system, model.P
    module, c, drive = (
        system.module,
        system.coefficients(parameters),
        system.drive(parameters)(model.time),
    )
    R, G = (bounds[0], bounds[1]), (bounds[2], bounds[3])
    one, none = jnp.ones(P), jnp.zeros(P)
    M = c.membrane.gain(module.MEMBRANE_ORDERS) if hasattr(c, "membrane") else one
    has_synapses = hasattr(c, "synapse")
    S = c.synapse.gain(module.SYNAPSE_ORDERS) if has_synapses else one
    M, S = jnp.broadcast_to(M, (P,)), jnp.broadcast_to(S, (P,))
    I, h, spread = (
        (getattr(drive, n, none) for n in ("mean", "in_strength", "spread"))
        if hasattr(module, "Drive")
        else (drive, none, none)
    )
    e = _weighted(S * parameters.fractions, R)
    size = jnp.maximum(jnp.abs(R[0]), jnp.abs(R[1]))
    v = (
        jnp.where((R[0] < 0) & (R[1] > 0), 0.0, jnp.minimum(jnp.abs(R[0]), jnp.abs(R[1]))) * S,
        size * S,
    )
    along_rows = {
        "kappa": _plus(e, (h, h)),
        "rho": e,
        "s": (jnp.minimum(v[0], v[1]), jnp.maximum(v[0], v[1])),
    }
    of_targets = {
        n: _weighted(M[:, None], (x[0][None, :], x[1][None, :])) for n, x in along_rows.items()
    }
    z = M * spread
    coupled = _sum(
        _weighted(c.mean_coupling, tuple(x[None, :] for x in (e if has_synapses else R))), 1
    )  # type: ignore[arg-type]
    passed = (
        c.synapse_class.gain(module.SYNAPSE_CLASS_ORDERS)
        if hasattr(c, "synapse_class")
        else jnp.ones(1)
    )
    current = _currents(
        c,
        passed,
        P,
        G,
        of_targets["kappa"],
        of_targets["rho" if "rho" in system.State._fields else "kappa"],
        z,
    )
    total = _sum(current, 0)
    known = {
        "K": _weighted(M, _plus(coupled, total, (I, I))),
        "e": e,
        "v": along_rows["s"],
        "z": (z, z),
        "current": current,
    }
    ends = []
    for k, sign in ((0, -jnp.inf), (1, jnp.inf)):
        fields = {}
        for name, value in system.rest(P)._asdict().items():
            if name in of_targets:
                rows = of_targets[name][k]
                fields[name] = (
                    rows[0] if value.ndim == 1 else rows[jnp.asarray(module.MEMBRANE_FIRST)]
                )
            elif name in known:
                fields[name] = jnp.broadcast_to(known[name][k], value.shape)
            else:
                fields[name] = jnp.full(value.shape, sign)
        ends.append(model.flat(system.State(**fields)))
    return ends[0], ends[1]


def _currents(
    c: Any, passed: Array, P: int, G: Interval, kappa: Interval, rho: Interval, z: Array
) -> Interval:
    """Chains, reciprocity and out-strengths, (synapses, P): one row without synapses."""
    total: Interval = (jnp.zeros((1, P)), jnp.zeros((1, P)))
    slope = tuple(g[None, None, :] for g in G)
    if hasattr(c, "chain"):
        chain = c.chain if c.chain.ndim == 4 else c.chain[None]
        inner = _sum(_weighted(chain, tuple(x[None, None, :, :] for x in kappa)), 3)  # type: ignore[arg-type]
        total = _plus(total, _sum(_times(inner, slope), 2))  # type: ignore[arg-type]
    if hasattr(c, "reciprocal"):
        weight = c.reciprocal if c.reciprocal.ndim == 3 else c.reciprocal[None]
        inner = _weighted(weight, tuple(x.T[None, :, :] for x in rho))  # type: ignore[arg-type]
        total = _plus(total, _sum(_times(inner, slope), 2))  # type: ignore[arg-type]
    if hasattr(c, "out_strength"):
        weight = c.out_strength if c.out_strength.ndim == 3 else c.out_strength[None]
        total = _plus(
            total, _sum(_times(_weighted(weight, (z[None, None, :], z[None, None, :])), slope), 2)
        )  # type: ignore[arg-type]
    return _weighted(passed[:, None], total)
