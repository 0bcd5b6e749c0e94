"""Time-dependent dynamical mean-field theory: means, variability and two-time correlations, exact for N -> infinity where B = 0.

With R_q = <phi_q>, G_q = <phi_q'> over x(t) ~ N(K_q(t), C_q(t, t)),

    dK_p/dt = -K_p + sum_q N alpha_q Jbar_pq R_q + sum_q alpha_q G_q (sum_r N g_pq g_qr tau_chn[p,q,r] kappa_r + sqrt(N) g_pq tau_inp[p,q] z_q) + I_p
    dkappa_q/dt = -kappa_q + alpha_q R_q + h_q,       dz_p/dt = -z_p + s_p
    C_p(t, t') = sum_qr Sigma_p[q,r] kappa_q(t) kappa_r(t') + z_p(t) z_p(t') + C^eta_p(t, t') + v_p exp(-t - t')
    (1 + d/dt)(1 + d/dt') C^eta_p(t, t') = sum_q alpha_q g_pq^2 A_pq < phi_q(t) phi_q(t') > + 2 D_p delta(t - t')

v_p is the variance of the initial x. Kadmon and Sompolinsky, Phys Rev X 2015, with the frozen parts and the chains that motifs add.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array

from ...errors import ParameterError, SolverError
from ..distributions import ORDER, Expansion, Series, product
from ..machine import available_memory
from ..parameters import Couplings, Parameters
from ..system import System
from .terms import as_state, require_dmft

SWEEPS = 4
"""Corrections of each step; each one gains a power of dt."""
LARGEST = 1e12
LARGEST_ERROR = 1e-6


def transient(
    system: System,
    parameters: Parameters,
    t1: float = 20.0,
    *,
    dt: float = 0.05,
    initial: Any = None,
    order: int = ORDER,
    throw: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Two-time dynamical mean-field theory from t = 0 to t1; time in units of the unit's time constant.

    `system` says which network it is; its closure does not matter. The steps have errors of order dt^2 (exponential integrator, inputs linear
    within a step; a jump of the inputs that is not a multiple of dt costs one order). `initial` maps some of "mean", "kappa" and "variance"
    (across neurons, of x at t = 0, independent of their synapses) to a number, a list or a mapping by population; else 0. An initial state
    without any variability that is a fixed point stays one, also where it is unstable.

    Returns a dataset: `mean`, `kappa`, `variance`, `rate` over (time, population); `covariance` C_p(t, t') of the inputs and `rate_covariance`
    <phi phi'> - R R' over (time, time2, population); `frozen`, the part of the variance that belongs to the neuron: in-strengths and offsets.
    Attributes: `status`, "ok" or where it diverged or the averages are not accurate; `quadrature_error` of the averages at the end, and
    `rest`, the part of <phi^2> that `order` Hermite terms leave to an interpolation in the correlation.

    Raises `ParameterError` for reciprocal residual synapses (B != 0), other units than dx/dt = -x + input, transfer functions that jump, bad
    times, and tables that do not fit into memory; `SolverError` with throw=True when the status is not "ok".
    """
    require_dmft(system, parameters)
    steps = _steps(t1, dt, parameters.P)
    start = as_state(initial, parameters, ("mean", "kappa", "variance"))
    say = progress or (lambda what, fraction: None)
    say("compiling and integrating two-time equations", 0.0)
    times = t1 / steps * np.arange(steps + 1)
    expansion = Expansion.of(system, parameters, order)
    inputs = _inputs(parameters, times)
    history, covariance, product_rows = _integrate(
        expansion,
        Couplings.of(parameters),
        inputs,
        jnp.asarray(times),
        {name: jnp.asarray(v) for name, v in start.items()},
    )
    say("done", 1.0)
    both = (np.array(_symmetric(np.asarray(v))) for v in (covariance, product_rows))
    return _dataset(system, parameters, expansion, times, history, *both, throw=throw)


class _History(NamedTuple):
    """Over (time, P); series over (n, time, P)."""

    K: Array
    kappa: Array
    z: Array
    variance: Array
    gain: Array
    series: Series


class _Inputs(NamedTuple):
    """I, h and s just after the start and just before the end of each step, (steps, P)."""

    start: tuple[Array, Array, Array]
    end: tuple[Array, Array, Array]


def _inputs(parameters: Parameters, times: np.ndarray) -> _Inputs:
    own, P, inside = (
        (parameters.input, parameters.in_strength, parameters.spread),
        parameters.P,
        1e-9 * (times[1] - times[0]),
    )
    at = (jnp.asarray(times[:-1] + inside), jnp.asarray(times[1:] - inside))
    made = [
        tuple(
            jax.vmap(lambda t, v=v: jnp.broadcast_to(jnp.asarray(v(t), dtype=float), (P,)))(ts)
            for v in own
        )
        for ts in at
    ]
    return _Inputs(*made)  # type: ignore[arg-type]


def _weights(dt: Any) -> tuple[Any, Any, Any]:
    """y(t + dt) = decay y(t) + first f(t) + last f(t + dt), for dy/dt = -y + f with f linear within the step."""
    decay = jnp.exp(-dt)
    last = 1 + jnp.expm1(-dt) / dt
    return decay, -jnp.expm1(-dt) - last, last


@eqx.filter_jit
def _integrate(
    expansion: Expansion, terms: Couplings, inputs: _Inputs, times: Array, initial: dict[str, Array]
):
    n, P = len(times), len(terms.fractions)
    dt = times[1] - times[0]
    decay, first, last = _weights(dt)
    k = jnp.arange(n)
    lag = (k[:, None] - k[None, :]).astype(times.dtype)
    # y = filtering @ f is the solution of dy/dt = -y + f from y = 0
    filtering = jnp.where(lag > 0, jnp.exp(-dt * (lag - 1)) * first, 0.0) + jnp.where(
        lag >= 0, jnp.exp(-dt * lag) * last, 0.0
    )
    filtering = filtering.at[:, 0].add(
        jnp.where(k > 0, -jnp.exp(-dt * k.astype(times.dtype)) * last, -last)
    )
    spread = initial["variance"]

    def fading(t, ts):
        """Initial variance, and white noise."""
        both = jnp.exp(-(t + ts))
        return (
            spread[None] * both[:, None]
            + terms.noise[None] * (jnp.exp(-jnp.abs(t - ts)) - both)[:, None]
        )

    def driven(gain, series, kappa, z):
        return terms.mean_field(series.mean, gain, kappa, z), terms.fractions * series.mean

    def put(history: _History, at, K, kappa, z, variance):
        series, slope = expansion(K, variance)
        whole = Series(
            history.series.terms.at[:, at].set(series.terms),
            history.series.square.at[at].set(series.square),
        )
        return _History(
            history.K.at[at].set(K),
            history.kappa.at[at].set(kappa),
            history.z.at[at].set(z),
            history.variance.at[at].set(variance),
            history.gain.at[at].set(slope.mean),
            whole,
        )

    def rates_with(history: _History, at, row):
        """<phi_q(t) phi_q(t')> and the residual's part of it for all t', of inputs whose covariance is `row`."""
        here = Series(history.series.terms[:, at], history.series.square[at])
        scale = jnp.sqrt(history.variance * history.variance[at][None])
        rho = jnp.clip(jnp.where(scale > 0, row / jnp.where(scale > 0, scale, 1.0), 0.0), -1.0, 1.0)
        seen = (k <= at)[:, None]
        both = jnp.where(seen, product(history.series, here, rho), 0.0).at[at].set(here.square)
        return both, both @ terms.residual.T

    def step(carry, given):
        history, filtered, row, residual = carry
        at, (I0, h0, s0), (I1, h1, s1) = given
        now = at - 1
        K, kappa, z, gain = history.K[now], history.kappa[now], history.z[now], history.gain[now]
        here = Series(history.series.terms[:, now], history.series.square[now])
        into_K, into_kappa = driven(gain, here, kappa, z)
        z_next = decay * z + first * s0 + last * s1

        def correct(_, guess):
            history, _, row, _, _ = guess
            after = Series(history.series.terms[:, at], history.series.square[at])
            to_K, to_kappa = driven(history.gain[at], after, history.kappa[at], z_next)
            K_next = decay * K + first * (into_K + I0) + last * (to_K + I1)
            kappa_next = decay * kappa + first * (into_kappa + h0) + last * (to_kappa + h1)
            both, found = rates_with(history, at, row)
            # <eta(t) residual field(t')>; the column t' = t + dt of the row before is new, and by symmetry in the new row
            before = filtered.at[at].set(filtering[now] @ found)
            drive = residual.at[at].set(found[now])
            filtered_next = jnp.where(
                (k <= at)[:, None], decay * before + first * drive + last * found, 0.0
            )
            history = history._replace(
                kappa=history.kappa.at[at].set(kappa_next), z=history.z.at[at].set(z_next)
            )
            row_next = (
                filtering @ filtered_next
                + terms.frozen(kappa_next, z_next, history.kappa, history.z)
                + fading(times[at], times)
            )
            row_next = jnp.where((k <= at)[:, None], row_next, 0.0)
            return (
                put(history, at, K_next, kappa_next, z_next, row_next[at]),
                filtered_next,
                row_next,
                found,
                both,
            )

        guess = jnp.where((k == at)[:, None], row[now][None], row)
        first_guess = put(history, at, K, kappa, z_next, row[now])
        history, filtered, row, residual, both = jax.lax.fori_loop(
            0, SWEEPS, correct, (first_guess, filtered, guess, residual, residual)
        )
        return (history, filtered, row, residual), (row, both)

    zero = jnp.zeros((n, P))
    empty = _History(*(zero,) * 5, Series(jnp.zeros((expansion.order, n, P)), zero))
    z = jnp.zeros(P)
    row = zero.at[0].set(terms.frozen(initial["kappa"], z, initial["kappa"], z) + spread)
    history = put(empty, 0, initial["mean"], initial["kappa"], z, row[0])
    both, residual = rates_with(history, 0, row)
    given: Any = (k[1:], inputs.start, inputs.end)
    last, (rows, products) = jax.lax.scan(step, (history, zero, row, residual), given)
    return last[0], jnp.concatenate([row[None], rows]), jnp.concatenate([both[None], products])


def _symmetric(rows: np.ndarray) -> np.ndarray:
    """From the lower triangle, (t, t', P)."""
    lower = np.tril(np.ones(rows.shape[:2], dtype=bool))[:, :, None]
    return np.where(lower, rows, rows.transpose(1, 0, 2))


def _steps(t1: float, dt: float, P: int) -> int:
    if not (np.isfinite(t1) and np.isfinite(dt) and 0 < dt <= t1):
        raise ParameterError(
            f"two-time equations need finite times 0 < dt <= t1: dt = {dt}, t1 = {t1}"
        )
    steps = int(np.ceil(t1 / dt * (1 - 1e-12)))
    needed, free = 8 * (steps + 1) ** 2 * (6 * P + 2), available_memory()
    if free is not None and needed > free:
        raise ParameterError(
            f"{steps} steps of {P} populations need {needed / 2**30:.3g} GiB for correlations of all pairs of times, "
            f"{free / 2**30:.3g} GiB are free: use a larger dt or a smaller t1"
        )
    return steps


def _dataset(
    system, parameters, expansion, times, history, covariance, products, *, throw
) -> xr.Dataset:
    rate = np.asarray(history.series.terms[0])
    over_time = {
        "mean": history.K,
        "kappa": history.kappa,
        "variance": history.variance,
        "rate": rate,
    }
    frozen = (
        np.einsum("pqr,tq,tr->tp", Couplings.of(parameters).widths, history.kappa, history.kappa)
        + np.asarray(history.z) ** 2
    )
    data: dict[str, Any] = {
        name: (("time", "population"), np.array(v)) for name, v in over_time.items()
    }
    data |= {"frozen": (("time", "population"), frozen)}
    data |= {
        name: (("time", "time2", "population"), v)
        for name, v in (
            ("covariance", covariance),
            ("rate_covariance", products - rate[:, None] * rate[None]),
        )
    }
    good = np.all(
        [
            np.all(np.abs(np.nan_to_num(np.asarray(v), nan=np.inf)) < LARGEST, axis=1)
            for v in over_time.values()
        ],
        axis=0,
    )
    error = (
        quadrature_error(expansion, np.asarray(history.K), np.asarray(history.variance))
        if good.all()
        else np.nan
    )
    status = "ok"
    if not good.all():
        status = (
            f"diverged: the last finite value is at t = {times[np.argmin(good) - 1]:g}"
            if good[0]
            else "diverged: at the start"
        )
    elif error > LARGEST_ERROR:
        status = inaccurate(error)
    if throw and status != "ok":
        raise SolverError(status)
    scale = np.maximum(np.asarray(history.series.square), 1e-300)
    attrs = {
        "status": status,
        "quadrature_error": float(error),
        "rest": float(np.max(np.asarray(history.series.rest) / scale)),
        "closure": "DMFT",
        "dt": float(times[1]),
    }
    return xr.Dataset(
        data,
        coords={"time": times, "time2": times, "population": list(parameters.populations)},
        attrs=attrs,
    )


def inaccurate(error: float) -> str:
    """A status."""
    return f"not accurate: averages over the inputs have errors of {error:.2g}: the transfer function is too steep for their quadrature"


def quadrature_error(expansion: Expansion, means: np.ndarray, variances: np.ndarray) -> float:
    """Largest change of <phi> and <phi^2>, relative to the size of phi, with twice the panels, at the widest and the last inputs; (t, P)."""
    finer = Expansion(
        expansion.system,
        expansion.parameters,
        expansion.cuts,
        expansion.order,
        2 * expansion.panels,
    )
    worst = 0.0
    for at in {int(np.argmax(variances.max(axis=1))), len(means) - 1}:
        (ours, _), (theirs, _) = (
            _expand(e, jnp.asarray(means[at]), jnp.asarray(variances[at]))
            for e in (expansion, finer)
        )
        size = np.sqrt(np.maximum(np.asarray(theirs.square), 1e-300))
        change = (
            np.abs(np.asarray(ours.mean - theirs.mean)) / size
            + np.abs(np.asarray(ours.square - theirs.square)) / size**2
        )
        worst = max(worst, float(np.max(change)))
    return worst


@eqx.filter_jit
def _expand(expansion: Expansion, mean: Array, variance: Array):
    return expansion(mean, variance)
