"""The largest Lyapunov exponent of a network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sps
import xarray as xr
from jax.tree_util import Partial

from ...errors import ParameterError
from ...time_units import measured
from ..networks import Network
from ..parameters import INPUTS, NAMED_INPUTS, NEURONS, Parameters
from ..precision import require_x64
from ..results import Code, Result, Status, raise_on_failure
from ..system import System, Units
from .carried import neuron_parameters
from .drives import Drive, drives_of
from .neurons import by_parts
from .states import initial_currents

FEWEST = 2  # segments of the run, whose spread gives the standard error


@dataclass(frozen=True, repr=False, eq=False)
class NetworkExponent(Result):
    """Largest Lyapunov exponent of one network along one trajectory, made by `network_exponent`.

    Args:
        dataset: `growth`, the growth rate of a tangent vector in each segment of the run, over
            segment; `exponent`, its mean; `error`, the standard error of it; `x`, the last state,
            over neuron.
        status: "ok", or that the network diverged.
    """

    dataset: xr.Dataset
    status: Status

    @property
    def title(self) -> str:
        """What was computed."""
        return f"largest Lyapunov exponent of {self.dataset.sizes['neuron']} neurons"

    @property
    def value(self) -> float:
        """The exponent, per unit of time."""
        return float(self.dataset["exponent"])

    @property
    def error(self) -> float:
        """Its standard error."""
        return float(self.dataset["error"])

    def rows(self) -> list[dict[str, Any]]:
        """One row."""
        return [{"exponent": self.value, "error": self.error}]


def network_exponent(
    system: System,
    network: Network,
    parameters: Parameters | None = None,
    *,
    t1: float = 200.0,
    transient: float = 50.0,
    dt: float = 0.1,
    initial: Any = None,
    seed: int = 0,
    segments: int = 10,
    throw: bool = True,
    **changes: Any,
) -> NetworkExponent:
    """The largest Lyapunov exponent of a network, by the growth of a tangent vector.

    The network dx_i/dt = -x_i + sum_j J_ij phi_q(x_j) + I_i(t) and d(dx)/dt = -dx + J phi'(x) dx
    are integrated together by the classical Runge-Kutta method; the tangent vector is normalised at
    each step (Benettin et al., Meccanica 15, 9, 1980). Synapses are used in the precision of the
    network's weights.

    Args:
        system: compiled equations, for the transfer functions of their architecture.
        network: sampled or read.
        parameters: in place of those that the network carries.
        t1: end time.
        transient: time before which growth is not counted.
        dt: step, at most 1.
        initial: x at the start: a number, one per population or one per neuron; standard normal
            unless given.
        seed: of the initial state, the first tangent vector, and offsets that the network lacks.
        segments: blocks of the run after the transient, for the standard error.
        throw: whether a network that diverges raises.
        changes: `input`, `in_strength`, `spread`, `transfer`, as in `Parameters.of`.

    Returns:
        The exponent with its standard error.

    Raises:
        ParameterError: times that cannot be used, parameters that are not known, or units that are
            filters or noisy.
        SolverError: the network diverged, unless `throw` is false.
    """
    require_x64()
    own = _checked(system, network, parameters, (transient, t1, dt), segments, changes)
    x, rates = _growth(system, network, own, initial, seed, segments, (transient, t1, dt))
    diverged = Status("the network diverged: there is no exponent", Code.DIVERGED)
    status = Status() if np.all(np.isfinite(x)) else diverged
    raise_on_failure(status, throw)
    error = np.std(rates, ddof=1) / np.sqrt(segments)
    data: dict[str, Any] = {"exponent": np.mean(rates), "error": error}
    data |= {"growth": ("segment", rates), "x": ("neuron", x)}
    return NetworkExponent(measured(xr.Dataset(data), own.time_unit), status)


def _checked(
    system: System,
    network: Network,
    parameters: Parameters | None,
    span: tuple[float, float, float],
    segments: int,
    changes: dict[str, Any],
) -> Parameters:
    """The parameters of the neurons, after times and units have been checked."""
    if unknown := [name for name in changes if name not in NEURONS]:
        raise TypeError(f"network_exponent() has no argument {unknown[0]!r}")
    transient, t1, dt = span
    if not (0 < dt <= 1 and 0 <= transient < t1 and segments >= FEWEST):
        raise ParameterError(
            f"needs 0 < dt <= 1, 0 <= transient < t1 and {FEWEST} segments: dt = {dt}, "
            f"transient = {transient}, t1 = {t1}, {segments}"
        )
    own = neuron_parameters(system, network, parameters, **changes)
    if not Units.of(system.mean_field.architecture, own).is_plain:
        raise ParameterError(
            "network_exponent is for dx/dt = -x + input: these units have filters or noise"
        )
    return own


def _growth(
    system: System,
    network: Network,
    own: Parameters,
    initial: Any,
    seed: int,
    segments: int,
    span: tuple[float, float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """The last state, and the growth rate of each segment."""
    transient, t1, dt = span
    order = np.argsort(network.labels, kind="stable")
    rng = np.random.default_rng([seed, 2])  # 1 is the stream of the offsets
    x = rng.standard_normal(network.N)
    if initial is not None:
        x = initial_currents(network, initial, None, order)
    y = rng.standard_normal(network.N)
    weights: Any = network.matrix
    weights = weights.toarray() if sps.issparse(weights) else weights
    in_order = np.array_equal(order, np.arange(network.N))
    J = jnp.asarray(weights if in_order else weights[np.ix_(order, order)])
    inputs = {name: getattr(own, name) for name in (*INPUTS, *NAMED_INPUTS)}
    drive = drives_of(network, order, [inputs], seed)[0]
    n0, each = int(np.ceil(transient / dt)), max(1, int((t1 - transient) / dt / segments))
    phi = Partial(system.transfer, parameters=own)
    go = partial(_tangent, phi, network.sizes, J, drive, dt=jnp.asarray(float(dt)))
    begin = jnp.asarray(x), jnp.asarray(y / np.linalg.norm(y))
    x, y, _ = go(*begin, jnp.asarray(0.0), jnp.asarray(n0))
    rates = []
    for k in range(segments):
        x, y, grown = go(x, y, jnp.asarray((n0 + k * each) * dt), jnp.asarray(each))
        rates.append(float(grown) / (each * dt))
    back = np.empty(network.N)
    back[order] = np.asarray(x)
    return back, np.array(rates)


@eqx.filter_jit
def _tangent(phi, sizes, J, drive: Drive, x, y, t, steps, *, dt):
    """Runge-Kutta steps of x and the tangent vector y, and the logarithm of y's growth."""

    def field(t, x, y):
        pairs = zip(by_parts(x, sizes), by_parts(y, sizes), strict=True)
        made = [
            jax.jvp(lambda v, p=p: jnp.broadcast_to(jnp.asarray(phi(v, p)), v.shape), (a,), (b,))
            for p, (a, b) in enumerate(pairs)
        ]
        sent = jnp.stack([jnp.concatenate([m[k] for m in made]) for k in (0, 1)], axis=1)
        received = (J @ sent.astype(J.dtype)).astype(x.dtype)
        return received[:, 0] - x + drive(t, sizes), received[:, 1] - y

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
