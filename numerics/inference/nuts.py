"""The posterior distribution of a fit's numbers: Hamiltonian Monte Carlo (NUTS) on its coordinates, by blackjax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from ...errors import MotifieldError, ParameterError
from ..fitting import Fit, Problem
from .determined import TOLERANCE, identifiability
from .information import Information

BLOCK = 50
"""Draws between two calls of `progress`."""
CONVERGED, ENOUGH = 1.01, 400
"""Largest R-hat and smallest effective sample size of chains that may be relied on (Vehtari et al, Bayesian Anal 2021)."""


def log_density(
    problem: Problem, u: Float[Array, " n"], states: Array | None = None
) -> Float[Array, ""]:
    """Logarithm of the posterior density of the coordinates, but for a constant; -inf where there is no fixed point; pure, for grad.

    -1/2 sum of squared residuals (targets, priors, the limit on the bulk) + sum_k log|dr_k/du_k| over unknowns with a prior, r_k the standardised
    difference to it: the prior is of values, r_k is standard normal under it. Without a prior the density is flat in the coordinate: in log v
    for one bound, in logit for two, in v without. Priors of motifs, and of what is no unknown, multiply this density as they are.
    """
    residuals, _ = problem.residuals(u, states, reverse=True)
    found = -0.5 * jnp.sum(residuals**2) + _prior_volume(problem, u)
    return jnp.where(jnp.isfinite(found), found, -jnp.inf)


def posterior(
    fit: Fit,
    *,
    warmup: int = 500,
    samples: int = 1000,
    chains: int = 4,
    seed: int = 0,
    acceptance: float = 0.8,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Samples of the numbers by name, given the targets and priors, near the best minimum and as far as chains get from there.

    warmup: draws that adapt step size and masses, not kept; samples: kept, of each chain; acceptance: that step sizes aim at; seed: of everything.
    Chains start from the minimum's local normal distribution, and move in coordinates in which that is standard normal. Fixed points are
    those reached from the minimum's. See `log_density` for what priors mean, and where none is given.

    Returns `value` (chain, draw, parameter), `u` (chain, draw, coordinate), `log_density` and `diverging` (chain, draw), and over parameter
    `rhat`, `ess_bulk`, `ess_tail`, rank-normalised; attributes `status` ("ok", or why not to rely on the samples), `divergences`.

    Needs blackjax, `pip install 'motifield[posterior]'`. Raises `MotifieldError` without it, `ParameterError` for counts that cannot be, and for
    directions that neither targets nor priors determine: the posterior would have no finite volume.
    """
    blackjax = require_blackjax()
    if min(warmup, samples) < 20 or chains < 2:
        raise ParameterError(
            f"warmup = {warmup} and samples = {samples} must be at least 20, chains = {chains} at least 2"
        )
    say = progress or (lambda what, part: None)
    say("looking for open directions", 0.0)
    root = _root(fit)
    problem, centre, states = fit.problem, jnp.asarray(fit.u), jnp.asarray(fit.minima.states[0])

    def density(x):
        return log_density(problem, centre + jnp.asarray(root) @ x, states)

    keys = jax.random.split(jax.random.key(seed), 3)
    starts = _starts(jax.jit(jax.vmap(density)), np.random.default_rng(seed), chains, len(root))
    with (
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
    ):  # of blackjax's own code
        say("compiling", 0.01)
        warm = blackjax.window_adaptation(
            blackjax.nuts,
            density,
            target_acceptance_rate=acceptance,
            adaptation_info_fn=lambda *_: None,
        )
        (state, own), _ = jax.jit(jax.vmap(lambda key, x: warm.run(key, x, num_steps=warmup)))(
            jax.random.split(keys[0], chains), starts
        )
        drawn = _draw(
            blackjax,
            density,
            state,
            own,
            jax.random.split(keys[1], chains),
            samples,
            lambda part: say("sampling", (warmup + part * samples) / (warmup + samples)),
        )
        us = fit.u + drawn["x"] @ root.T
        values = np.asarray(
            jax.jit(jax.vmap(jax.vmap(problem.coordinates.values)))(jnp.asarray(us))
        )
        rhat, bulk, tail = (
            np.asarray(f(values))
            for f in (
                blackjax.diagnostics.rhat,
                blackjax.diagnostics.ess_bulk,
                blackjax.diagnostics.ess_tail,
            )
        )
    coordinates = problem.coordinates
    data = {
        "value": (("chain", "draw", "parameter"), values),
        "u": (("chain", "draw", "coordinate"), us),
        "log_density": (("chain", "draw"), drawn["density"]),
        "diverging": (("chain", "draw"), drawn["diverging"]),
        "rhat": ("parameter", rhat),
        "ess_bulk": ("parameter", bulk),
        "ess_tail": ("parameter", tail),
    }
    divergences = int(drawn["diverging"].sum())
    status = _status(coordinates.names, rhat, np.minimum(bulk, tail), divergences)
    say(status, 1.0)
    return xr.Dataset(
        data,
        coords={"parameter": list(coordinates.names), "coordinate": list(coordinates.labels)},
        attrs={"status": status, "divergences": divergences},
    )


def summary(draws: xr.Dataset) -> list[dict[str, Any]]:
    """A row for each number: mean, standard deviation and central 95 % interval of its draws, and whether chains agree."""
    value = draws["value"]
    low, high = (value.quantile(level, ("chain", "draw")).values for level in (0.025, 0.975))
    mean, sd = value.mean(("chain", "draw")).values, value.std(("chain", "draw"), ddof=1).values
    return [
        {
            "parameter": name,
            "mean": float(mean[k]),
            "sd": float(sd[k]),
            "low": float(low[k]),
            "high": float(high[k]),
            "R-hat": float(draws["rhat"][k]),
            "effective draws": float(draws["ess_bulk"][k]),
        }
        for k, name in enumerate(draws["parameter"].values.tolist())
    ]


def _draw(
    blackjax: Any,
    density: Callable,
    state: Any,
    own: Any,
    keys: Array,
    samples: int,
    say: Callable[[float], None],
) -> dict[str, np.ndarray]:
    """By chains side by side, in blocks."""

    @jax.jit
    def block(state, own, keys):
        def chain(state, own, key):
            kernel = blackjax.nuts(density, **own)

            def step(state, key):
                state, info = kernel.step(key, state)
                return state, {
                    "x": state.position,
                    "density": state.logdensity,
                    "diverging": info.is_divergent,
                }

            return jax.lax.scan(step, state, jax.random.split(key, BLOCK))

        return jax.vmap(chain)(state, own, keys)

    parts = []
    for k in range(-(-samples // BLOCK)):
        say(min(k * BLOCK / samples, 1.0))
        state, found = block(state, own, jax.vmap(jax.random.fold_in, (0, None))(keys, k))
        parts.append({name: np.asarray(value) for name, value in found.items()})
    return {
        name: np.concatenate([part[name] for part in parts], axis=1)[:, :samples]
        for name in parts[0]
    }


def _starts(densities: Callable, generator: np.random.Generator, chains: int, size: int) -> Array:
    """(chains, size) standard normal numbers, smaller where there is no fixed point."""
    x = generator.standard_normal((chains, size))
    for _ in range(20):
        bad = ~np.isfinite(np.asarray(densities(jnp.asarray(x))))
        if not bad.any():
            break
        x[bad] *= 0.5
    return jnp.asarray(x)


def _prior_volume(problem: Problem, u: Array) -> Array:
    """sum_k log|dr_k/du_k|."""
    coordinates = problem.coordinates
    known = {own.label: k for k, own in enumerate(coordinates.unknowns)}
    mine = [(known[name], prior) for name, prior in coordinates.priors.items() if name in known]
    if not mine:
        return jnp.asarray(0.0)
    # each value depends on its own coordinate alone
    values, slopes = jax.jvp(coordinates.scalar_values, (u,), (jnp.ones_like(u),))
    return sum(
        (
            jnp.log(
                jnp.abs(jax.grad(lambda v, prior=prior: prior.residual(v))(values[k]) * slopes[k])
            )
            for k, prior in mine
        ),
        jnp.asarray(0.0),
    )


def _root(fit: Fit) -> np.ndarray:
    """L with L L^T the local covariance of the coordinates. Raises `ParameterError` where a direction is open."""
    J = np.asarray(fit.problem.jacobian(jnp.asarray(fit.u), jnp.asarray(fit.minima.states[0])))
    if not np.all(np.isfinite(J)):
        raise ParameterError(
            "the fit has no derivatives at its best minimum: there is no fixed point to start from"
        )
    own = Information.of(J, TOLERANCE)
    if own.rank < J.shape[1]:
        errors = identifiability(fit).standard_errors()
        names = [name for name, error in errors.items() if not np.isfinite(error)]
        raise ParameterError(
            f"{J.shape[1] - own.rank} directions are determined neither by targets nor by priors, and the posterior has no finite "
            f"volume: give priors to some of {', '.join(names) or 'the motifs'}, or fix them"
        )
    return np.linalg.cholesky(own.covariance)


def _status(names: tuple[str, ...], rhat: np.ndarray, size: np.ndarray, divergences: int) -> str:
    parts = []
    if divergences:
        parts.append(f"{divergences} transitions diverged: raise `acceptance`")
    worst, least = int(np.argmax(rhat)), int(np.argmin(size))
    if not rhat[worst] < CONVERGED:
        parts.append(
            f"R-hat of {names[worst]} is {rhat[worst]:.3f}: chains do not agree, draw more"
        )
    if not size[least] >= ENOUGH:
        parts.append(f"{names[least]} has {size[least]:.0f} effective samples: draw more")
    return "; ".join(parts) or "ok"


def require_blackjax() -> Any:
    """The sampler. Raises `MotifieldError` where it is not installed."""
    try:
        import blackjax
    except ImportError as error:
        raise MotifieldError(
            "the posterior is sampled by blackjax, which is not installed: pip install 'motifield[posterior]'"
        ) from error
    return blackjax
