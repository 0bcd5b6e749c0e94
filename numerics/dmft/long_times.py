"""Stationary dynamical mean-field theory: the static state, the fluctuating one, and where the first gives way to the second.

C_p(tau) = F_p + c_p(tau): a frozen part F, which each neuron keeps, and a fluctuating one, c -> 0 for long lags. With S_q(C) = <phi phi> at
covariance C,

    F_p = sum_qr Sigma_p[q,r] kappa_q kappa_r + z_p^2 + sum_q M_pq S_q(F_q)
    c_p'' = c_p - sum_q M_pq (S_q(F_q + c_q) - S_q(F_q)) - 2 D_p delta(tau)

(Sompolinsky, Crisanti and Sommers, Phys Rev Lett 1988; Kadmon and Sompolinsky, Phys Rev X 2015), and the means as at any fixed point. The
static state, c = 0, is stable in the bulk as long as the largest eigenvalue of M_pq <phi_q'^2> is below 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
import xarray as xr
from jaxtyping import Array
from scipy import fft, optimize

from ...errors import ParameterError, SolverError
from ..distributions import ORDER, Expansion, product
from ..linear import bulk_radius_square
from ..parameters import Couplings, Parameters
from ..system import System, held_inputs
from .exponent import growth_rate
from .terms import as_state, require_dmft
from .two_times import LARGEST_ERROR, inaccurate, quadrature_error

RELAXATION, SETTLE = 0.1, 3000
COVARIANCE_RELAXATION = 0.5
WIDENINGS, STEPS = 4, 1000
LARGEST_TAIL = 1e-4
LARGEST_RESIDUAL = 1e-8
QUIET = 1e-6
"""Fluctuations of less than this part of the variance are none."""


@dataclass(frozen=True)
class Stationary:
    """A stationary solution.

    dataset: by population, `mean`, `rate`, `kappa`, `variance` = C(0), `frozen` = F, `fluctuating` = c(0) and `correlation_time`, the integral of
    c(tau) / c(0) from 0; over lags `autocovariance` C(tau), `rate_autocovariance` and `slopes` <phi'(t) phi'(t + tau)>; over frequency (radians per
    time constant) `spectrum`, the Fourier transform of c
    kind: "static" or "fluctuating"; radius: of the bulk of the static state's Jacobian, chaotic beyond 1; exponent: largest Lyapunov exponent of
    the residual's directions; residual: of the equations; status: "ok" or why not
    """

    dataset: xr.Dataset
    kind: str
    radius: float
    exponent: float
    residual: float
    status: str

    @property
    def converged(self) -> bool:
        """Whether the status is "ok"."""
        return self.status == "ok"

    def rows(self) -> list[dict[str, Any]]:
        """One row per population."""
        names = ("mean", "rate", "variance", "frozen", "fluctuating", "correlation_time")
        return [
            {"population": str(p), **{n: float(self.dataset[n].sel(population=p)) for n in names}}
            for p in self.dataset["population"].values
        ]

    def json(self) -> dict[str, Any]:
        """The table and the verdicts as plain data."""
        return {
            "kind": self.kind,
            "radius": self.radius,
            "exponent": self.exponent,
            "residual": self.residual,
            "status": self.status,
            "rows": self.rows(),
        }


def stationary(
    system: System,
    parameters: Parameters,
    start: Any = None,
    *,
    window: float = 60.0,
    lags: int = 600,
    fluctuating: bool | None = None,
    time: float = 0.0,
    order: int = ORDER,
    throw: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> Stationary:
    """The stationary state of the dynamical mean-field equations, with the input held at its value at `time`.

    The static state is the attractor from `start` (a mapping of "mean", "kappa", "variance"; default 0). If its bulk is unstable, or there is
    white noise, the fluctuating state is found: relaxation of C(tau), then Newton-Krylov. `fluctuating` = True or False asks for one of the two,
    whether or not it is stable. `window`, `lags`: longest lag and number of intervals up to it; both are doubled up to three times as long as
    C(tau) has not decayed there. Stability of the fluctuating state's means is not tested; two-time solutions (`dmft`) settle on stable states.

    Raises `ParameterError` as `dmft` does, `SolverError` with throw=True when the status is not "ok".
    """
    require_dmft(system, parameters)
    if not (window > 0 and lags >= 16):
        raise ParameterError(f"window = {window} must be positive, and lags = {lags} at least 16")
    say = progress or (lambda what, fraction: None)
    say("static state", 0.0)
    expansion, terms, inputs = (
        Expansion.of(system, parameters, order),
        Couplings.of(parameters),
        held_inputs(parameters, time),
    )
    first = as_state(start, parameters, ("mean", "kappa", "variance"))
    found, error = _static(
        expansion, terms, inputs, jnp.stack([jnp.asarray(v) for v in first.values()])
    )
    y, residual = np.asarray(found), float(error)
    radius = bulk_radius(expansion, terms, y)
    noisy = bool(np.any(np.asarray(parameters.noise) > 0))
    tau = window * np.arange(lags + 1) / lags
    if fluctuating is None:
        fluctuating = noisy or radius > 1
    c = np.zeros((lags + 1, parameters.P))
    if fluctuating:
        say("fluctuating state", 0.2)
        y, c, tau, residual = _fluctuating(expansion, terms, inputs, y, tau)
    say("Lyapunov exponent", 0.8)
    made = _dataset(expansion, terms, parameters, y, c, tau)
    exponent = (
        growth_rate(np.asarray(terms.residual), made["slopes"].values, tau)
        if np.isfinite(residual)
        else np.nan
    )
    inaccuracy = (
        quadrature_error(expansion, y[:1], (y[2] + c[0])[None]) if np.isfinite(residual) else np.nan
    )
    quiet = bool(np.all(c[0] <= QUIET * np.maximum(y[2], QUIET)))
    status = _status(residual, inaccuracy, y, c)
    kind = "static" if quiet else "fluctuating"
    if status == "ok" and fluctuating and quiet:
        status = "only the static state was found: start elsewhere, or it is the only one"
    if throw and status != "ok":
        raise SolverError(status)
    say("done", 1.0)
    return Stationary(
        made.assign_attrs(status=status, closure="DMFT"), kind, radius, exponent, residual, status
    )


def bulk_radius(expansion: Expansion, terms: Couplings, y: Any) -> float:
    """sqrt of the largest eigenvalue of alpha_q g_pq^2 A_pq <phi_q'^2> at means y[0] and variances y[2]."""
    if not np.all(np.isfinite(np.asarray(y))):
        return float("nan")
    return float(np.sqrt(bulk_radius_square(terms.residual, _squares(expansion, y))))


@eqx.filter_jit
def _squares(expansion: Expansion, y: Array) -> Array:
    return expansion(jnp.asarray(y[0]), jnp.asarray(y[2]))[1].square


@eqx.filter_jit
def _static(
    expansion: Expansion, terms: Couplings, inputs: tuple[Array, Array, Array], start: Array
) -> tuple[Array, Array]:
    """Mean, kappa and variance, (3, P), and the residual."""
    I, h, z = inputs

    def field(y, _=None):
        K, kappa, variance = y
        phi, slope = expansion(K, jnp.maximum(variance, 0.0))
        return (
            jnp.stack(
                [
                    terms.mean_field(phi.mean, slope.mean, kappa, z) + I,
                    terms.fractions * phi.mean + h,
                    terms.frozen(kappa, z, kappa, z) + terms.residual @ phi.square,
                ]
            )
            - y
        )

    settled = jax.lax.fori_loop(0, SETTLE, lambda _, y: y + RELAXATION * field(y), start)
    solution: Any = optx.root_find(
        field, optx.Newton(rtol=1e-12, atol=1e-12), settled, max_steps=100, throw=False
    )
    residual = jnp.max(jnp.abs(field(solution.value)))
    return solution.value, jnp.where(jnp.isfinite(residual), residual, jnp.inf)


def _filtered(source: Array, tau: np.ndarray) -> Array:
    """Solution of c'' = c - source for even functions of the lag, by cosine transform."""
    n = len(tau) - 1
    frequency = np.pi * np.arange(n + 1) / tau[-1]
    whole = jnp.concatenate([source, source[-2:0:-1]])
    spectrum = jnp.real(jnp.fft.rfft(whole, axis=0)) / (1 + frequency**2)[:, None]
    return jnp.fft.irfft(spectrum.astype(complex), n=2 * n, axis=0)[: n + 1]


@eqx.filter_jit
def _mapped(
    expansion: Expansion,
    terms: Couplings,
    inputs: tuple[Array, Array, Array],
    y: Array,
    c: Array,
    tau: np.ndarray,
) -> tuple[Array, Array]:
    """What means, kappa, frozen parts (3, P) and fluctuating covariances (lags, P) make of themselves."""
    (K, kappa, frozen), (I, h, z) = y, inputs
    variance = jnp.maximum(frozen + c[0], 1e-300)
    phi, slope = expansion(K, variance)
    rho = jnp.clip(jnp.concatenate([frozen[None], frozen[None] + c]) / variance[None], -1.0, 1.0)
    both = product(phi, phi, rho)
    new = jnp.stack(
        [
            terms.mean_field(phi.mean, slope.mean, kappa, z) + I,
            terms.fractions * phi.mean + h,
            terms.frozen(kappa, z, kappa, z) + terms.residual @ both[0],
        ]
    )
    noise = terms.noise[None] * jnp.exp(-tau)[:, None]
    return new, _filtered((both[1:] - both[:1]) @ terms.residual.T, tau) + noise


@eqx.filter_jit
def _relax(expansion, terms, inputs, y, c, tau, steps):
    rates = jnp.asarray([RELAXATION, RELAXATION, COVARIANCE_RELAXATION])[:, None]

    def step(_, yc):
        new = _mapped(expansion, terms, inputs, yc[0], yc[1], tau)
        return yc[0] + rates * (new[0] - yc[0]), yc[1] + COVARIANCE_RELAXATION * (new[1] - yc[1])

    return jax.lax.fori_loop(0, steps, step, (y, c))


def _fluctuating(
    expansion, terms, inputs, y: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Mean, kappa and frozen part, the fluctuating covariance, its lags, and the residual; lags twice as long as long as they are too short."""
    frozen = np.asarray(terms.frozen(jnp.asarray(y[1]), inputs[2], jnp.asarray(y[1]), inputs[2]))
    share = np.maximum(y[2] - frozen, 0.1)
    y, c = np.stack([y[0], y[1], frozen]), share * np.exp(-(tau[:, None] ** 2) / 8)
    for k in range(WIDENINGS):
        y, c, residual = _solved(expansion, terms, inputs, y, c, tau)
        if residual < LARGEST_RESIDUAL and _tail(c) <= LARGEST_TAIL:
            break
        longer = tau[1] * np.arange(2 * len(tau) - 1)
        if k < WIDENINGS - 1:
            c, tau = (
                np.stack([np.interp(longer, tau, own, right=0.0) for own in c.T], axis=1),
                longer,
            )
    return y, c, tau, residual


def _solved(
    expansion, terms, inputs, y: np.ndarray, c: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    P = y.shape[1]

    def unpack(v: np.ndarray) -> tuple[Array, Array]:
        return jnp.asarray(v[: 3 * P].reshape(3, P)), jnp.asarray(v[3 * P :].reshape(len(tau), P))

    def residual(v: np.ndarray) -> np.ndarray:
        made = _mapped(expansion, terms, inputs, unpack(v)[0], unpack(v)[1], tau)
        return np.concatenate([np.ravel(m) for m in made]) - v

    relaxed = _relax(expansion, terms, inputs, jnp.asarray(y), jnp.asarray(c), tau, STEPS)
    v = np.concatenate([np.ravel(part) for part in relaxed])
    if not np.all(np.isfinite(v)):
        return np.asarray(relaxed[0]), np.asarray(relaxed[1]), np.inf
    try:
        with np.errstate(all="ignore"):
            v = optimize.newton_krylov(residual, v, f_tol=1e-11, maxiter=60, inner_maxiter=40)
    except (optimize.NoConvergence, ValueError) as error:
        v = np.ravel(error.args[0]) if isinstance(error, optimize.NoConvergence) else v
    made = tuple(np.asarray(part) for part in unpack(v))
    return made[0], made[1], float(np.max(np.abs(residual(v))))


def _tail(c: np.ndarray) -> float:
    """Size of the covariances at the last lags relative to that at 0."""
    return float(np.max(np.abs(c[-len(c) // 20 :]).max(axis=0) / np.maximum(c[0], 1e-12)))


def _dataset(expansion, terms, parameters, y, c, tau) -> xr.Dataset:
    phi, slope = expansion(jnp.asarray(y[0]), jnp.asarray(np.maximum(y[2] + c[0], 0)))
    variance = np.maximum(y[2] + c[0], 1e-300)
    rho = jnp.asarray(np.clip((y[2] + c) / variance, -1, 1))
    rates, slopes = (np.asarray(product(s, s, rho)) for s in (phi, slope))
    if not np.any(c):
        slopes = np.broadcast_to(np.asarray(slope.square), slopes.shape)
    n = len(tau) - 1
    spectrum = tau[1] * fft.dct(c, type=1, axis=0)
    correlation_time = np.divide(
        np.trapezoid(c, tau, axis=0), c[0], out=np.zeros_like(c[0]), where=c[0] > 0
    )
    data: dict[str, Any] = {
        "mean": y[0],
        "kappa": y[1],
        "rate": np.asarray(phi.mean),
        "variance": y[2] + c[0],
        "frozen": y[2],
        "fluctuating": c[0],
        "correlation_time": correlation_time,
    }
    made: dict[str, Any] = {name: ("population", np.array(v)) for name, v in data.items()}
    over_lag = {
        "autocovariance": y[2] + c,
        "rate_autocovariance": rates - np.asarray(phi.mean) ** 2,
        "slopes": slopes,
    }
    made |= {name: (("lag", "population"), np.array(v)) for name, v in over_lag.items()}
    made |= {"spectrum": (("frequency", "population"), spectrum)}
    coords = {
        "lag": tau,
        "frequency": np.pi * np.arange(n + 1) / tau[-1],
        "population": list(parameters.populations),
    }
    return xr.Dataset(made, coords=coords)


def _status(residual: float, error: float, y: np.ndarray, c: np.ndarray) -> str:
    if not residual < LARGEST_RESIDUAL:
        return f"not converged: the residual is {residual:.2g}; try another start, or fewer or more lags"
    if error > LARGEST_ERROR:
        return inaccurate(error)
    if _tail(c) > LARGEST_TAIL:
        return f"the correlations have not decayed at the longest lag: they are {_tail(c):.2g} of their value there; use a longer window"
    if y[2].min() < -LARGEST_RESIDUAL:
        return f"unphysical: a frozen variance is negative ({y[2].min():.3g})"
    return "ok"
