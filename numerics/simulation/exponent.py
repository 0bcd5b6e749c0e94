"""The largest Lyapunov exponent of a sampled network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sps

from ...errors import ParameterError
from ..networks import Network
from ..parameters import as_input
from ..precision import require_x64


@dataclass(frozen=True)
class NetworkExponent:
    """Largest Lyapunov exponent of one network along one trajectory.

    value: mean growth rate of a tangent vector after the transient; error: its standard error from `segments`, blocks of the run; x: last state
    """

    value: float
    error: float
    segments: np.ndarray
    x: np.ndarray


def network_exponent(
    network: Network,
    phi: Callable[[Any, int], Any],
    *,
    input: Any = 0.0,
    t1: float = 200.0,
    transient: float = 50.0,
    dt: float = 0.1,
    x0: Any = None,
    seed: int = 0,
    segments: int = 10,
) -> NetworkExponent:
    """The largest Lyapunov exponent of dx_i/dt = -x_i + sum_j J_ij phi_q(x_j) + I_p, by the growth of a tangent vector.

    The network and d(dx)/dt = -dx + J phi'(x) dx are integrated together by the classical Runge-Kutta method with steps `dt`; the tangent vector is
    normalised at each step. After `transient` its growth is averaged up to `t1`. x0: initial x as one number or one per neuron; standard
    normal unless given. Synapses are used in the precision of the network's weights. Raises `ParameterError` for bad times.
    """
    require_x64()
    if not (0 < dt <= 1 and 0 <= transient < t1 and segments >= 2):
        raise ParameterError(
            f"needs 0 < dt <= 1, 0 <= transient < t1 and 2 segments: dt = {dt}, transient = {transient}, t1 = {t1}, {segments}"
        )
    order = np.argsort(network.labels, kind="stable")
    sizes = tuple(int(n) for n in np.bincount(network.labels, minlength=network.P))
    rng = np.random.default_rng([seed, 2])
    x = (
        rng.standard_normal(network.N)
        if x0 is None
        else np.broadcast_to(np.asarray(x0, dtype=float), network.N)[order]
    )
    y = rng.standard_normal(network.N)
    weights: Any = network.matrix
    weights = weights.toarray() if sps.issparse(weights) else weights
    J = jnp.asarray(
        weights if np.array_equal(order, np.arange(network.N)) else weights[np.ix_(order, order)]
    )
    drive = as_input(input, network.populations)
    n0, each = int(np.ceil(transient / dt)), max(1, int((t1 - transient) / dt / segments))
    go = partial(_tangent, phi, sizes, J, drive, dt=jnp.asarray(float(dt)))
    x, y, _ = go(
        jnp.asarray(x), jnp.asarray(y / np.linalg.norm(y)), jnp.asarray(0.0), jnp.asarray(n0)
    )
    rates = []
    for k in range(segments):
        x, y, grown = go(x, y, jnp.asarray((n0 + k * each) * dt), jnp.asarray(each))
        rates.append(float(grown) / (each * dt))
    back = np.empty(network.N)
    back[order] = np.asarray(x)
    return NetworkExponent(
        float(np.mean(rates)),
        float(np.std(rates, ddof=1) / np.sqrt(segments)),
        np.array(rates),
        back,
    )


@eqx.filter_jit
def _tangent(phi, sizes, J, drive, x, y, t, steps, *, dt):
    cuts = np.cumsum(sizes)[:-1]

    def field(t, x, y):
        pairs = zip(jnp.split(x, cuts), jnp.split(y, cuts), strict=True)
        made = [
            jax.jvp(lambda v, p=p: jnp.broadcast_to(jnp.asarray(phi(v, p)), v.shape), (a,), (b,))
            for p, (a, b) in enumerate(pairs)
        ]
        sent = jnp.stack([jnp.concatenate([m[k] for m in made]) for k in (0, 1)], axis=1)
        received = (J @ sent.astype(J.dtype)).astype(x.dtype)
        current = jnp.concatenate(
            [
                jnp.full(n, v)
                for n, v in zip(
                    sizes, jnp.broadcast_to(jnp.asarray(drive(t)), (len(sizes),)), strict=True
                )
            ]
        )
        return received[:, 0] - x + current, received[:, 1] - y

    def step(k, carry):
        x, y, grown = carry
        now = t + dt * k
        a1, b1 = field(now, x, y)
        a2, b2 = field(now + dt / 2, x + dt / 2 * a1, y + dt / 2 * b1)
        a3, b3 = field(now + dt / 2, x + dt / 2 * a2, y + dt / 2 * b2)
        a4, b4 = field(now + dt, x + dt * a3, y + dt * b3)
        x, y = (
            v + dt / 6 * (f1 + 2 * f2 + 2 * f3 + f4)
            for v, (f1, f2, f3, f4) in ((x, (a1, a2, a3, a4)), (y, (b1, b2, b3, b4)))
        )
        size = jnp.linalg.norm(y)
        return x, y / size, grown + jnp.log(size)

    return jax.lax.fori_loop(0, steps, step, (x, y, jnp.asarray(0.0)))
