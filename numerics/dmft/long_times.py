"""Stationary dynamical mean-field theory: the static state and the fluctuating one.

C_p(tau) = F_p + c_p(tau): a frozen part F, which each neuron keeps, and a fluctuating one, c -> 0
for long lags. With S_q(C) = <phi phi> at covariance C,

    F_p = sum_qr Sigma_p[q,r] kappa_q kappa_r + z_p^2 + sum_q M_pq S_q(F_q)
    c_p'' = c_p - sum_q M_pq (S_q(F_q + c_q) - S_q(F_q)) - 2 D_p delta(tau)

(Sompolinsky, Crisanti and Sommers, Phys Rev Lett 1988; Kadmon and Sompolinsky, Phys Rev X 2015),
and the means as at any fixed point. The static state, c = 0, is stable in the bulk as long as the
largest eigenvalue of M_pq <phi_q'^2> is below 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from scipy import fft

from ...errors import ParameterError
from ...time_units import labelled, measured
from ..distributions import ORDER, Expansion, product
from ..parameters import Couplings, Parameters
from ..results import OK, Code, Solution, Status, raise_on_failure
from ..system import System, held_inputs
from ..tangents import refuse_tracers
from .accuracy import LARGEST_ERROR, inaccurate, quadrature_error
from .exponent import growth_rate
from .fluctuating import LARGEST_TAIL, fluctuating_state, tail_of
from .static import LARGEST_RESIDUAL, static_radius, static_state
from .terms import as_state, require_dmft

FEWEST_LAGS = 16
QUIET = 1e-6
"""Fluctuations of less than this part of the variance are none."""
COLUMNS = ("mean", "rate", "variance", "frozen", "fluctuating", "correlation_time")


@dataclass(frozen=True, repr=False, eq=False)
class Stationary(Solution):
    """A stationary solution; what `dmft.stationary` returns.

    Args:
        dataset: by population, `mean`, `rate`, `kappa`, `variance` = C(0), `frozen` = F,
            `fluctuating` = c(0) and `correlation_time`, the integral of c(tau) / c(0) from 0; over
            lags `autocovariance` C(tau), `rate_autocovariance` and `slopes`
            <phi'(t) phi'(t + tau)>; over frequency (radians per time constant) `spectrum`, the
            Fourier transform of c; of the network `radius`, `exponent`, `residual` and
            `is_fluctuating`.
        kind: "static" or "fluctuating".
        radius: of the bulk of the static state's Jacobian, chaotic beyond 1.
        exponent: largest Lyapunov exponent of the residual's directions.
        residual: of the equations.
        status: "ok", or why not.
    """

    dataset: xr.Dataset
    kind: str
    radius: float
    exponent: float
    residual: float
    status: Status

    @property
    def title(self) -> str:
        """Its kind."""
        return f"Stationary state, {self.kind}"

    def rows(self) -> list[dict[str, Any]]:
        """A row per population."""
        own = self.dataset[list(COLUMNS)]
        return [
            {"population": str(p), **{n: float(own[n].sel(population=p)) for n in COLUMNS}}
            for p in own["population"].values
        ]

    def summary(self) -> list[str]:
        """The table, the radius of the bulk and the exponent."""
        exponent = labelled("largest Lyapunov exponent", self.time_unit, -1)
        numbers = f"bulk radius {self.radius:.5g}, {exponent} {self.exponent:.5g}"
        return [*super().summary(), numbers]

    def json(self) -> dict[str, Any]:
        """The table and the verdicts as plain data."""
        return {
            **self.picked("kind", "radius", "exponent", "residual"),
            **self.status.json(),
            "rows": self.rows(),
        }


def stationary(
    system: System,
    parameters: Parameters,
    initial: Any = None,
    *,
    window: float = 60.0,
    lags: int = 600,
    fluctuating: bool | None = None,
    time: float = 0.0,
    order: int = ORDER,
    throw: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> Stationary:
    """The stationary state of the dynamical mean-field equations, with the inputs held.

    If the bulk of the static state is unstable, or there is white noise, the fluctuating state is
    found. Whether its means are stable is not tested; `transient` settles on stable states.

    Args:
        system: says which network it is; its closure does not matter.
        parameters: the network's numbers, without reciprocal residual synapses (B = 0).
        initial: where the search begins: a mapping of "mean", "kappa" and "variance", else 0.
        window: longest lag, doubled up to three times as long as C(tau) has not decayed there.
        lags: number of intervals up to it; ten for each time constant by default.
        fluctuating: True or False asks for one of the two states, whether or not it is stable.
        time: when the inputs are held.
        order: Hermite terms of the transfer functions.
        throw: raise an error where the state was not found.
        progress: called with what is being done and the part, 0 to 1, that is done.

    Returns:
        Means, autocovariances and spectra, the bulk's radius and the largest Lyapunov exponent.

    Raises:
        ParameterError: a bad window, and as `transient`.
        SolverError: with `throw`, the equations were not solved, or only by the static state.
    """
    refuse_tracers((parameters, initial, time), "stationary", "motifield.pure.fixed_point")
    require_dmft(system, parameters)
    if not (window > 0 and lags >= FEWEST_LAGS):
        raise ParameterError(f"window = {window} must be positive, and lags = {lags} at least 16")
    say = progress or (lambda text, part: None)
    say("static state", 0.0)
    expansion, terms = Expansion.of(system, parameters, order), Couplings.of_numbers(parameters)
    inputs = held_inputs(parameters, time)
    start = as_state(initial, parameters, ("mean", "kappa", "variance"))
    first = jnp.stack([jnp.asarray(v) for v in start.values()])
    y, error = map(np.asarray, static_state(expansion, terms, inputs, first))
    radius, residual = static_radius(expansion, terms, y), float(error)
    if fluctuating is None:
        fluctuating = bool(np.any(np.asarray(parameters.noise) > 0)) or radius > 1
    tau, c = window * np.arange(lags + 1) / lags, np.zeros((lags + 1, parameters.P))
    if fluctuating:
        say("fluctuating state", 0.2)
        y, c, tau, residual = fluctuating_state(expansion, terms, inputs, y, tau)
    say("Lyapunov exponent", 0.8)
    data, solution = _dataset(expansion, parameters, y, c, tau), (y, c, tau)
    found = _result(expansion, terms, data, solution, radius, residual, fluctuating)
    raise_on_failure(found.status, throw)
    return found


def _result(
    expansion: Expansion,
    terms: Couplings,
    data: xr.Dataset,
    solution: tuple[np.ndarray, np.ndarray, np.ndarray],
    radius: float,
    residual: float,
    fluctuating: bool,
) -> Stationary:
    y, c, tau = solution
    exponent = inaccuracy = np.nan
    if np.isfinite(residual):
        exponent = growth_rate(np.asarray(terms.residual), data["slopes"].values, tau)
        inaccuracy = quadrature_error(expansion, y[:1], (y[2] + c[0])[None])
    quiet = bool(np.all(c[0] <= QUIET * np.maximum(y[2], QUIET)))
    status = _status(residual, inaccuracy, y, c)
    if status.ok and fluctuating and quiet:
        text = "only the static state was found: start elsewhere, or it is the only one"
        status = Status(text, Code.NOT_CONVERGED)
    one = {"radius": radius, "exponent": exponent, "residual": residual}
    data = data.assign({**one, "is_fluctuating": not quiet})
    data = data.assign_attrs(status=str(status), closure="DMFT")
    kind = "static" if quiet else "fluctuating"
    return Stationary(data, kind, radius, exponent, residual, status)


def _dataset(
    expansion: Expansion,
    parameters: Parameters,
    y: np.ndarray,
    c: np.ndarray,
    tau: np.ndarray,
) -> xr.Dataset:
    phi, slope = expansion(jnp.asarray(y[0]), jnp.asarray(np.maximum(y[2] + c[0], 0)))
    variance = np.maximum(y[2] + c[0], 1e-300)
    rho = jnp.asarray(np.clip((y[2] + c) / variance, -1, 1))
    rates, slopes = (np.asarray(product(s, s, rho)) for s in (phi, slope))
    if not np.any(c):
        slopes = np.broadcast_to(np.asarray(slope.square), slopes.shape)
    area, there = np.trapezoid(c, tau, axis=0), c[0] > 0
    by_population = {
        "mean": y[0],
        "kappa": y[1],
        "rate": np.asarray(phi.mean),
        "variance": y[2] + c[0],
        "frozen": y[2],
        "fluctuating": c[0],
        "correlation_time": np.divide(area, c[0], out=np.zeros_like(c[0]), where=there),
    }
    over_lag = {
        "autocovariance": y[2] + c,
        "rate_autocovariance": rates - np.asarray(phi.mean) ** 2,
        "slopes": slopes,
    }
    data: dict[str, Any] = {n: ("population", np.array(v)) for n, v in by_population.items()}
    data |= {n: (("lag", "population"), np.array(v)) for n, v in over_lag.items()}
    data["spectrum"] = (("frequency", "population"), tau[1] * fft.dct(c, type=1, axis=0))
    frequency = np.pi * np.arange(len(tau)) / tau[-1]
    coords = {"lag": tau, "frequency": frequency, "population": list(parameters.populations)}
    return measured(xr.Dataset(data, coords=coords), parameters.time_unit)


def _status(residual: float, error: float, y: np.ndarray, c: np.ndarray) -> Status:
    if not residual < LARGEST_RESIDUAL:
        text = f"the residual is {residual:.2g}; try another start, or fewer or more lags"
        return Status(f"not converged: {text}", Code.NOT_CONVERGED)
    if error > LARGEST_ERROR:
        return inaccurate(error)
    if tail_of(c) > LARGEST_TAIL:
        text = (
            "the correlations have not decayed at the longest lag: they are "
            f"{tail_of(c):.2g} of their value there; use a longer window"
        )
        return Status(text, Code.NOT_CONVERGED)
    if y[2].min() < -LARGEST_RESIDUAL:
        text = f"unphysical: a frozen variance is negative ({y[2].min():.3g})"
        return Status(text, Code.OUT_OF_RANGE)
    return OK
