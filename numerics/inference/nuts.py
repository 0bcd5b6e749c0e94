"""Posterior of the numbers of a fit, by Hamiltonian Monte Carlo (NUTS) on its coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...errors import MotifieldError, ParameterError
from ..fitting import Fit
from .density import log_density
from .determined import TOLERANCE, identifiability
from .draws import Posterior, require_arviz
from .information import Information

BLOCK = 50
"""Draws between two calls of `progress`."""
LEAST = 20  # draws of a chain: blackjax's windows of adaptation need as many
HALVINGS = 20  # of a start, towards the minimum, which has a fixed point


class SamplingOptions(TypedDict, total=False):
    """Options of `posterior`, as keyword arguments."""

    warmup: int
    samples: int
    chains: int
    acceptance: float


@dataclass(frozen=True)
class Sampling:
    """How chains are warmed up and drawn.

    Args:
        warmup: draws that adapt step size and masses, not kept.
        samples: draws kept, of each chain.
        chains: how many, side by side.
        acceptance: that step sizes aim at.

    Raises:
        ParameterError: counts that cannot be.
    """

    warmup: int = 500
    samples: int = 1000
    chains: int = 4
    acceptance: float = 0.8

    def __post_init__(self) -> None:
        if min(self.warmup, self.samples) < LEAST or self.chains < 2:
            raise ParameterError(
                f"warmup = {self.warmup} and samples = {self.samples} must be at least {LEAST}, "
                f"chains = {self.chains} at least 2"
            )


def posterior(
    fit: Fit,
    *,
    seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
    **options: Unpack[SamplingOptions],
) -> Posterior:
    """Draws of the numbers by name, given the targets and priors.

    Chains start from the local normal distribution at the best minimum, go as far as they get from
    there, and move in coordinates in which that distribution is standard normal. Fixed points are
    those reached from the minimum's. See `log_density` for what priors mean, and where none is
    given.

    Args:
        fit: with a minimum.
        seed: of everything.
        progress: called with a text and the part that is done.
        options: warmup, draws that adapt step size and masses, not kept, 500 by default; samples,
            draws kept, of each chain, 1000; chains, how many, side by side, 4; acceptance, that
            step sizes aim at, 0.8.

    Returns:
        Draws with diagnostics; its status says whether to rely on them.

    Raises:
        MotifieldError: blackjax or arviz is not installed, `pip install 'motifield[posterior]'`.
        ParameterError: counts that cannot be, or directions that neither targets nor priors
            determine: the posterior would have no finite volume.
    """
    require_blackjax(), require_arviz()
    sampling = Sampling(**options)
    say = progress or (lambda text, part: None)
    say("looking for open directions", 0.0)
    root, problem = _root(fit), fit.problem
    centre, states = jnp.asarray(fit.u), jnp.asarray(fit.minima.states[0])

    def density(x):
        return log_density(problem, centre + jnp.asarray(root) @ x, states)

    starts = _starts(
        jax.jit(jax.vmap(density)), np.random.default_rng(seed), sampling.chains, len(root)
    )
    drawn = _sampled(density, starts, sampling, seed, say)
    us = fit.u + drawn["x"] @ root.T
    values = np.asarray(jax.jit(jax.vmap(jax.vmap(problem.coordinates.values)))(jnp.asarray(us)))
    statistics = {"lp": drawn["density"], "diverging": drawn["diverging"]}
    found = Posterior.of(fit, values, us, statistics)
    say(str(found.status), 1.0)
    return found


def _sampled(
    density: Callable,
    starts: Array,
    sampling: Sampling,
    seed: int,
    say: Callable[[str, float], None],
) -> dict[str, np.ndarray]:
    """Warm chains up, then draw."""
    blackjax = require_blackjax()
    keys = jax.random.split(jax.random.key(seed), 3)
    warmup, samples = sampling.warmup, sampling.samples
    whole = warmup + samples
    # blackjax's own code mixes types and ranks
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        say("compiling", 0.01)
        warm = blackjax.window_adaptation(
            blackjax.nuts,
            density,
            target_acceptance_rate=sampling.acceptance,
            adaptation_info_fn=lambda *_: None,
        )
        (state, own), _ = jax.jit(jax.vmap(lambda key, x: warm.run(key, x, num_steps=warmup)))(
            jax.random.split(keys[0], len(starts)), starts
        )
        return _draw(
            blackjax,
            density,
            state,
            own,
            jax.random.split(keys[1], len(starts)),
            samples,
            lambda part: say("sampling", (warmup + part * samples) / whole),
        )


def _draw(
    blackjax: Any,
    density: Callable,
    state: Any,
    own: Any,
    keys: Array,
    samples: int,
    say: Callable[[float], None],
) -> dict[str, np.ndarray]:
    """Draws by chains side by side, in blocks."""

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
    for _ in range(HALVINGS):
        bad = ~np.isfinite(np.asarray(densities(jnp.asarray(x))))
        if not bad.any():
            break
        x[bad] *= 0.5
    return jnp.asarray(x)


def _root(fit: Fit) -> np.ndarray:
    """L with L L^T the local covariance of the coordinates.

    Raises `ParameterError` where a direction is open.
    """
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
            f"{J.shape[1] - own.rank} directions are determined neither by targets nor by priors, "
            "and the posterior has no finite volume: give priors to some of "
            f"{', '.join(names) or 'the motifs'}, or fix them"
        )
    return np.linalg.cholesky(own.covariance)


def require_blackjax() -> Any:
    """The sampler.

    Raises:
        MotifieldError: it is not installed.
    """
    try:
        import blackjax
    except ImportError as error:
        raise MotifieldError(
            "the posterior is sampled by blackjax, which is not installed: "
            "pip install 'motifield[posterior]'"
        ) from error
    return blackjax
