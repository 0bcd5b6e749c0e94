"""Time-dependent dynamical mean-field theory: exact for N -> infinity where B = 0.

With R_q = <phi_q>, G_q = <phi_q'> over x(t) ~ N(K_q(t), C_q(t, t)),

    dK_p/dt = -K_p + sum_q N alpha_q Jbar_pq R_q + I_p
              + sum_q alpha_q G_q (sum_r N g_pq g_qr tau_chn[p,q,r] kappa_r
                                   + sqrt(N) g_pq tau_inp[p,q] z_q)
    dkappa_q/dt = -kappa_q + alpha_q R_q + h_q,       dz_p/dt = -z_p + s_p
    C_p(t, t') = sum_qr Sigma_p[q,r] kappa_q(t) kappa_r(t') + z_p(t) z_p(t')
                 + C^eta_p(t, t') + v_p exp(-t - t')
    (1 + d/dt)(1 + d/dt') C^eta_p(t, t') = sum_q alpha_q g_pq^2 A_pq < phi_q(t) phi_q(t') >
                                           + 2 D_p delta(t - t')

v_p is the variance of the initial x. Kadmon and Sompolinsky, Phys Rev X 2015, with the frozen parts
and the chains that motifs add.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...errors import ParameterError
from ...time_units import measured, moment
from ..distributions import ORDER, Expansion
from ..machine import available_memory
from ..parameters import Couplings, Parameters
from ..results import OK, Code, Result, Status, raise_on_failure
from ..system import System
from ..tangents import refuse_tracers
from .accuracy import LARGEST_ERROR, inaccurate, quadrature_error
from .steps import History, inputs_of, integrate_two_times
from .terms import as_state, require_dmft

LARGEST = 1e12  # a solution this large has diverged: currents of networks are of order 1
TABLES = 6  # arrays over pairs of times and populations that are held at once, and two more


@dataclass(frozen=True, repr=False, eq=False)
class Transient(Result):
    """Means, variability and two-time correlations; what `dmft.transient` returns.

    Args:
        dataset: `mean`, `kappa`, `variance`, `rate` over (time, population); `covariance`
            C_p(t, t') of the inputs and `rate_covariance` <phi phi'> - R R' over (time, time2,
            population); `frozen`, the part of the variance that belongs to the neuron: in-strengths
            and offsets. `attrs`: `quadrature_error` of the averages at the end, and `rest`, the
            part of <phi^2> that `order` Hermite terms leave to an interpolation in the correlation.
        status: "ok", or where it diverged or that the averages are not accurate.
    """

    dataset: xr.Dataset
    status: Status

    title = "Two-time dynamical mean-field solution"

    def rows(self) -> list[dict[str, Any]]:
        """A row for each time and population."""
        own = self.dataset[["mean", "kappa", "variance", "rate", "frozen"]]
        return own.to_dataframe().reset_index().to_dict("records")

    def summary(self) -> list[str]:
        """Every population at the last time."""
        last = self.dataset[["mean", "variance", "rate", "frozen"]].isel(time=-1)
        table = last.drop_vars("time").to_dataframe().to_string(float_format="%.5g", max_rows=8)
        return [f"{moment(float(last['time']), self.time_unit)}:", *table.splitlines()]


def transient(
    system: System,
    parameters: Parameters,
    t1: float = 20.0,
    *,
    dt: float = 0.05,
    initial: Any = None,
    order: int = ORDER,
    throw: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> Transient:
    """Two-time dynamical mean-field theory from t = 0 to t1.

    The steps have errors of order dt^2 (exponential integrator, inputs linear within a step; a jump
    of the inputs that is not a multiple of dt costs one order). An initial state without any
    variability that is a fixed point stays one, also where it is unstable.

    Args:
        system: says which network it is; its closure does not matter.
        parameters: the network's numbers, without reciprocal residual synapses (B = 0).
        t1: end time, in units of the unit's time constant.
        dt: largest step; the default is a twentieth of the time constant.
        initial: maps some of "mean", "kappa" and "variance" (across neurons, of x at t = 0,
            independent of their synapses) to a number, a list or a mapping by population; else 0.
        order: Hermite terms of the transfer functions.
        throw: raise an error for a solution that diverges or is not accurate.
        progress: called with what is being done and the part, 0 to 1, that is done.

    Returns:
        Means, variances and rates in time, and covariances at pairs of times.

    Raises:
        ParameterError: reciprocal residual synapses (B != 0), other units than dx/dt = -x + input,
            transfer functions that jump, bad times, or tables that do not fit into memory.
        SolverError: with `throw`, the solution diverges or the averages are not accurate.

    Source: Kadmon and Sompolinsky, Phys Rev X 2015; `docs/theory.md`, section 2.1.
    """
    refuse_tracers((parameters, initial), "transient", "motifield.pure.trajectory")
    require_dmft(system, parameters)
    steps = _steps(t1, dt, parameters.P)
    start = as_state(initial, parameters, ("mean", "kappa", "variance"))
    say = progress or (lambda text, part: None)
    say("compiling and integrating two-time equations", 0.0)
    times = t1 / steps * np.arange(steps + 1)
    expansion = Expansion.of(system, parameters, order)
    history, *lower = integrate_two_times(
        expansion,
        Couplings.of_numbers(parameters),
        inputs_of(parameters, times),
        jnp.asarray(times),
        {name: jnp.asarray(v) for name, v in start.items()},
    )
    say("done", 1.0)
    covariance, products = (_symmetric(np.asarray(v)) for v in lower)
    status, error = _judged(expansion, times, history)
    raise_on_failure(status, throw)
    data = _dataset(parameters, times, history, covariance, products)
    return Transient(data.assign_attrs(status=str(status), quadrature_error=error), status)


def _symmetric(rows: np.ndarray) -> np.ndarray:
    """From the lower triangle, (t, t', P)."""
    lower = np.tril(np.ones(rows.shape[:2], dtype=bool))[:, :, None]
    return np.array(np.where(lower, rows, rows.transpose(1, 0, 2)))


def _steps(t1: float, dt: float, P: int) -> int:
    if not (np.isfinite(t1) and np.isfinite(dt) and 0 < dt <= t1):
        raise ParameterError(
            f"two-time equations need finite times 0 < dt <= t1: dt = {dt}, t1 = {t1}"
        )
    steps = int(np.ceil(t1 / dt * (1 - 1e-12)))
    needed, free = 8 * (steps + 1) ** 2 * (TABLES * P + 2), available_memory()
    if free is not None and needed > free:
        raise ParameterError(
            f"{steps} steps of {P} populations need {needed / 2**30:.3g} GiB for correlations of "
            f"all pairs of times, {free / 2**30:.3g} GiB are free: use a larger dt or a smaller t1"
        )
    return steps


def _judged(expansion: Expansion, times: np.ndarray, history: History) -> tuple[Status, float]:
    """The status, and the error of the averages."""
    every = (history.K, history.kappa, history.variance, history.series.terms[0])
    finite = [np.nan_to_num(np.asarray(v), nan=np.inf) for v in every]
    good = np.all([np.all(np.abs(v) < LARGEST, axis=1) for v in finite], axis=0)
    if not good.all():
        when = f"the last finite value is at t = {times[np.argmin(good) - 1]:g}"
        text = f"diverged: {when if good[0] else 'at the start'}"
        return Status(text, Code.DIVERGED), np.nan
    error = quadrature_error(expansion, np.asarray(history.K), np.asarray(history.variance))
    return (inaccurate(error) if error > LARGEST_ERROR else OK), float(error)


def _dataset(
    parameters: Parameters,
    times: np.ndarray,
    history: History,
    covariance: np.ndarray,
    products: np.ndarray,
) -> xr.Dataset:
    rate, kappa = np.asarray(history.series.terms[0]), np.asarray(history.kappa)
    widths = np.asarray(Couplings.of_numbers(parameters).widths)
    over_time = {
        "mean": history.K,
        "kappa": kappa,
        "variance": history.variance,
        "rate": rate,
        "frozen": np.einsum("pqr,tq,tr->tp", widths, kappa, kappa) + np.asarray(history.z) ** 2,
    }
    over_both = {
        "covariance": covariance,
        "rate_covariance": products - rate[:, None] * rate[None],
    }
    dims = ("time", "population"), ("time", "time2", "population")
    data: dict[str, Any] = {n: (dims[0], np.array(v)) for n, v in over_time.items()}
    data |= {n: (dims[1], v) for n, v in over_both.items()}
    scale = np.maximum(np.asarray(history.series.square), 1e-300)
    rest = float(np.max(np.asarray(history.series.rest) / scale))
    coords = {"time": times, "time2": times, "population": list(parameters.populations)}
    attrs = {"rest": rest, "closure": "DMFT", "dt": float(times[1])}
    return measured(xr.Dataset(data, coords=coords, attrs=attrs), parameters.time_unit)
