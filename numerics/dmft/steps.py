"""Two-time equations step by step: an exponential integrator that fills tables of two times."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..distributions import Expansion, Series, product
from ..parameters import Couplings, Parameters

SWEEPS = 4
"""Corrections of each step; each one gains a power of dt, and the steps have errors of dt^2."""
INSIDE = 1e-9  # of a step: how far inside of it inputs are read, so that jumps at its ends count


class History(NamedTuple):
    """What is known so far, over (time, P); the series over (n, time, P)."""

    K: Array
    kappa: Array
    z: Array
    variance: Array
    gain: Array
    series: Series

    def at(self, k: Any) -> Series:
        """The series at one time."""
        return Series(self.series.terms[:, k], self.series.square[k])


class Inputs(NamedTuple):
    """I, h and s just after the start and just before the end of each step, (steps, P)."""

    start: tuple[Array, Array, Array]
    end: tuple[Array, Array, Array]


class Tables(NamedTuple):
    """At the last time: row of C(t, t'), <eta(t) residual field(t')>, <phi phi>, M <phi phi>."""

    row: Array
    filtered: Array
    products: Array
    residual: Array


def inputs_of(parameters: Parameters, times: np.ndarray) -> Inputs:
    """The inputs at both ends of each step between equidistant times."""
    own = (parameters.input, parameters.in_strength, parameters.spread)
    inside = INSIDE * (times[1] - times[0])

    def at(ts: Array) -> tuple[Array, ...]:
        def one(t: Array) -> tuple[Array, ...]:
            values = (jnp.asarray(v(t), dtype=float) for v in own)
            return tuple(jnp.broadcast_to(v, (parameters.P,)) for v in values)

        return jax.vmap(one)(ts)

    ends = (jnp.asarray(times[:-1] + inside), jnp.asarray(times[1:] - inside))
    return Inputs(*(at(ts) for ts in ends))  # type: ignore[arg-type]


def _weights(dt: Any) -> tuple[Any, Any, Any]:
    """y(t + dt) = decay y(t) + first f(t) + last f(t + dt), for dy/dt = -y + f.

    f is linear within the step.
    """
    decay = jnp.exp(-dt)
    last = 1 + jnp.expm1(-dt) / dt
    return decay, -jnp.expm1(-dt) - last, last


def _filtering(times: Array) -> Float[Array, "n n"]:
    """The matrix A for which y = A f solves dy/dt = -y + f from y = 0."""
    dt, k = times[1] - times[0], jnp.arange(len(times))
    _, first, last = _weights(dt)
    lag = (k[:, None] - k[None, :]).astype(times.dtype)
    before = jnp.where(lag > 0, jnp.exp(-dt * (lag - 1)) * first, 0.0)
    here = jnp.where(lag >= 0, jnp.exp(-dt * lag) * last, 0.0)
    gone = jnp.where(k > 0, -jnp.exp(-dt * k.astype(times.dtype)) * last, -last)
    return (before + here).at[:, 0].add(gone)


class Stepper(eqx.Module):
    """The equations on a grid of times.

    Args:
        expansion: averages over the inputs, as series.
        terms: how populations act on each other.
        times: equidistant from 0, (n,).
        spread: variance of the initial x, (P,).
    """

    expansion: Expansion
    terms: Couplings
    times: Float[Array, " n"]
    spread: Float[Array, " P"]
    filtering: Float[Array, "n n"]

    def __init__(self, expansion: Expansion, terms: Couplings, times: Array, spread: Array):
        self.expansion, self.terms, self.times, self.spread = expansion, terms, times, spread
        self.filtering = _filtering(times)

    def seen(self, at: Any) -> Array:
        """Which times are not later, (n, 1)."""
        return (jnp.arange(len(self.times)) <= at)[:, None]

    def fading(self, t: Array) -> Float[Array, "n P"]:
        """What the initial variance and white noise add to C(t, t')."""
        both = jnp.exp(-(t + self.times))[:, None]
        white = jnp.exp(-jnp.abs(t - self.times))[:, None] - both
        return self.spread[None] * both + self.terms.noise[None] * white

    def put(self, history: History, at: Any, means: tuple[Array, ...], variance: Array) -> History:
        """The history with means (K, kappa, z) and variance at one time, and averages there."""
        series, slope = self.expansion(means[0], variance)
        whole = Series(
            history.series.terms.at[:, at].set(series.terms),
            history.series.square.at[at].set(series.square),
        )
        K, kappa, z = means
        return History(
            K=history.K.at[at].set(K),
            kappa=history.kappa.at[at].set(kappa),
            z=history.z.at[at].set(z),
            variance=history.variance.at[at].set(variance),
            gain=history.gain.at[at].set(slope.mean),
            series=whole,
        )

    def products(self, history: History, at: Any, row: Array) -> tuple[Array, Array]:
        """<phi_q(t) phi_q(t')> for all t', of inputs with covariances `row`, and M times it."""
        here = history.at(at)
        scale = jnp.sqrt(history.variance * history.variance[at][None])
        rho = jnp.where(scale > 0, row / jnp.where(scale > 0, scale, 1.0), 0.0)
        both = product(history.series, here, jnp.clip(rho, -1.0, 1.0))
        both = jnp.where(self.seen(at), both, 0.0).at[at].set(here.square)
        return both, both @ self.terms.residual.T

    def driven(self, history: History, at: Any, z: Array) -> tuple[Array, Array]:
        """What drives K and kappa at one time, without the external input."""
        own, gain = history.at(at), history.gain[at]
        into_K = self.terms.mean_field(own.mean, gain, history.kappa[at], z)
        return into_K, self.terms.fractions * own.mean

    def first(self, initial: dict[str, Array]) -> tuple[History, Tables]:
        """History and tables at t = 0."""
        n, P = len(self.times), len(self.spread)
        zero, z = jnp.zeros((n, P)), jnp.zeros(P)
        empty = History(*(zero,) * 5, Series(jnp.zeros((self.expansion.order, n, P)), zero))
        kappa = initial["kappa"]
        row = zero.at[0].set(self.terms.frozen(kappa, z, kappa, z) + self.spread)
        history = self.put(empty, 0, (initial["mean"], kappa, z), row[0])
        both, residual = self.products(history, 0, row)
        return history, Tables(row, zero, both, residual)

    def step(self, carry: tuple[History, Tables], given: Any) -> tuple[Any, tuple[Array, Array]]:
        """One step in time: a guess, and corrections of it."""
        history, tables = carry
        at, (I0, h0, s0), (I1, h1, s1) = given
        now = at - 1
        decay, first, last = _weights(self.times[1] - self.times[0])
        K, kappa, z = history.K[now], history.kappa[now], history.z[now]
        into_K, into_kappa = self.driven(history, now, z)
        z_next = decay * z + first * s0 + last * s1
        seen, column = self.seen(at), self.filtering[now]

        def correct(_, guess):
            history, own = guess
            to_K, to_kappa = self.driven(history, at, z_next)
            K_next = decay * K + first * (into_K + I0) + last * (to_K + I1)
            kappa_next = decay * kappa + first * (into_kappa + h0) + last * (to_kappa + h1)
            both, found = self.products(history, at, own.row)
            # the column t' = t + dt of the row before is new, and by symmetry in the new row
            before = tables.filtered.at[at].set(column @ found)
            drive = tables.residual.at[at].set(found[now])
            filtered = jnp.where(seen, decay * before + first * drive + last * found, 0.0)
            kappas, zs = history.kappa.at[at].set(kappa_next), history.z.at[at].set(z_next)
            row = self.filtering @ filtered + self.fading(self.times[at])
            row = jnp.where(seen, row + self.terms.frozen(kappa_next, z_next, kappas, zs), 0.0)
            history = self.put(history, at, (K_next, kappa_next, z_next), row[at])
            return history, Tables(row, filtered, both, found)

        is_new = (jnp.arange(len(self.times)) == at)[:, None]
        row = jnp.where(is_new, tables.row[now][None], tables.row)
        guess = self.put(history, at, (K, kappa, z_next), tables.row[now])
        found = jax.lax.fori_loop(0, SWEEPS, correct, (guess, tables._replace(row=row)))
        return found, (found[1].row, found[1].products)


@eqx.filter_jit
def integrate_two_times(
    expansion: Expansion, terms: Couplings, inputs: Inputs, times: Array, initial: dict[str, Array]
) -> tuple[History, Array, Array]:
    """The solution from t = 0.

    Returns:
        The history; C_p(t, t') and <phi phi>, lower triangles over (time, time, P).
    """
    stepper = Stepper(expansion, terms, times, initial["variance"])
    history, tables = stepper.first(initial)
    given = (jnp.arange(1, len(times)), inputs.start, inputs.end)

    def step(carry: Any, own: Any) -> Any:  # a bound method would be hashed, with its arrays
        return stepper.step(carry, own)

    last, (rows, products) = jax.lax.scan(step, (history, tables), given)
    covariance = jnp.concatenate([tables.row[None], rows])
    return last[0], covariance, jnp.concatenate([tables.products[None], products])
