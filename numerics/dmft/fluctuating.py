"""The fluctuating stationary state: its autocovariance by relaxation, then Newton-Krylov."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from scipy import optimize

from ..distributions import Expansion, product
from ..parameters import Couplings
from .static import LARGEST_RESIDUAL, RELAXATION, Inputs

COVARIANCE_RELAXATION = 0.5  # of covariances, which no inhibition makes overshoot
STEPS = 1000  # of relaxation, from which Newton's method reaches the solution
WIDENINGS = 4  # of the lags, each by a factor of 2 but the first
LARGEST_TAIL = 1e-4  # of the covariance at the longest lags, relative to that at 0
LAST = 20  # the tail is the last twentieth of the lags
LEAST_SHARE = 0.1  # of the variance at first, so that the search does not start at the static state
WIDTH = 2.0  # of the first covariance, in time constants


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
    inputs: Inputs,
    y: Array,
    c: Array,
    tau: np.ndarray,
) -> tuple[Array, Array]:
    """What the equations make of a state, which is stationary where it is made again.

    Means, kappa and frozen parts, (3, P), and fluctuating covariances, (lags, P).
    """
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
def _relax(
    expansion: Expansion, terms: Couplings, inputs: Inputs, y: Array, c: Array, tau: np.ndarray
) -> tuple[Array, Array]:
    rates = jnp.asarray([RELAXATION, RELAXATION, COVARIANCE_RELAXATION])[:, None]

    def step(_, yc):
        new = _mapped(expansion, terms, inputs, yc[0], yc[1], tau)
        return yc[0] + rates * (new[0] - yc[0]), yc[1] + COVARIANCE_RELAXATION * (new[1] - yc[1])

    return jax.lax.fori_loop(0, STEPS, step, (y, c))


def fluctuating_state(
    expansion: Expansion, terms: Couplings, inputs: Inputs, y: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """The fluctuating state near a static one; lags get longer as long as they are too short.

    Args:
        expansion: averages over the inputs.
        terms: how populations act on each other.
        inputs: held.
        y: mean, kappa and variance of the static state, (3, P).
        tau: equidistant lags from 0, (lags,).

    Returns:
        Mean, kappa and frozen part, (3, P); the fluctuating covariance, (lags, P); its lags; the
        residual.
    """
    kappa, z = jnp.asarray(y[1]), inputs[2]
    frozen = np.asarray(terms.frozen(kappa, z, kappa, z))
    share = np.maximum(y[2] - frozen, LEAST_SHARE)
    y, c = np.stack([y[0], y[1], frozen]), share * np.exp(-((tau[:, None] / WIDTH) ** 2) / 2)
    for k in range(WIDENINGS):
        y, c, residual = _solved(expansion, terms, inputs, y, c, tau)
        if residual < LARGEST_RESIDUAL and tail_of(c) <= LARGEST_TAIL:
            break
        longer = tau[1] * np.arange(2 * len(tau) - 1)
        if k < WIDENINGS - 1:
            c, tau = (
                np.stack([np.interp(longer, tau, own, right=0.0) for own in c.T], axis=1),
                longer,
            )
    return y, c, tau, residual


def _solved(
    expansion: Expansion,
    terms: Couplings,
    inputs: Inputs,
    y: np.ndarray,
    c: np.ndarray,
    tau: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, float]:
    P = y.shape[1]

    def unpack(v: np.ndarray) -> tuple[Array, Array]:
        return jnp.asarray(v[: 3 * P].reshape(3, P)), jnp.asarray(v[3 * P :].reshape(len(tau), P))

    def residual(v: np.ndarray) -> np.ndarray:
        made = _mapped(expansion, terms, inputs, unpack(v)[0], unpack(v)[1], tau)
        return np.concatenate([np.ravel(m) for m in made]) - v

    relaxed = _relax(expansion, terms, inputs, jnp.asarray(y), jnp.asarray(c), tau)
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


def tail_of(c: np.ndarray) -> float:
    """Size of the covariances at the last lags relative to that at 0."""
    return float(np.max(np.abs(c[-len(c) // LAST :]).max(axis=0) / np.maximum(c[0], 1e-12)))
