"""The search of a fit: parameters whose mean-field equations reproduce measured rates."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypedDict, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from ...errors import ParameterError
from ..fixed_points import ANYWHERE, KNOWN, NEARBY, Search
from ..parameters import Parameters
from ..results import raise_on_failure
from ..system import System
from ..targets import Targets
from .free_states import with_free_states
from .lanes import Lanes
from .least_squares import LevenbergMarquardt, Solver
from .minima import Fit
from .motif_coordinates import FreeMotifs
from .problem import Problem
from .unknowns import Prior, Unknown

LANES = 32  # starts side by side: a step takes as long as that of the slowest lane


class Options(TypedDict, total=False):
    """How minima are searched for; see `solve`."""

    solver: Solver | None
    starts: int
    seed: int
    from_given: bool
    free_states: bool
    checkpoint: str | Path | None
    progress: Callable[[str, float], None] | None


def fit(
    system: System,
    parameters: Parameters,
    targets: Targets,
    unknowns: Sequence[Unknown | str] = (),
    *,
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
    motifs: FreeMotifs | None = None,
    priors: Mapping[str, Prior] = {},
    stable: bool | float = True,
    step: float = 0.1,
    correlated: bool = False,
    throw: bool = True,
    **options: Unpack[Options],
) -> Fit:
    """Parameters whose equations reproduce measured rates.

    Minima of sum ((prediction - value) / error)^2 + priors, from many starts at once. Targets at no
    time are those of fixed points: the attractor from rest at the start, then the branch that is
    followed as the parameters change; derivatives are implicit. Targets at times are those of the
    trajectory from the fixed point of the condition's input at its start.

    Args:
        system: the compiled equations.
        parameters: all that is not unknown, and values near which starts lie.
        targets: measured numbers.
        unknowns: `Unknown`, or names of scalar parameters; "input[E] @ gratings" is of a condition.
        conditions: by name what differs in each, {"gratings": {"input[E]": 1.2}} or a whole input;
            by default those of the targets, with nothing different.
        motifs: coefficients that may change; they stay feasible.
        priors: by name, for unknowns and for other parameters.
        stable: penalise a squared bulk radius above .95 and a slowest decay below .05 of that
            without synapses, or below another part of it, stable=0.4, for networks of few neurons.
        step: longest step of time courses, in units of the unit's time constant.
        correlated: misfits d count as d^T C^-1 d with the covariance C of the targets.
        throw: raise where no start has ended in a minimum.
        options: of the search: solver, starts, seed, from_given, free_states, checkpoint and
            progress, as in `solve`.

    Returns:
        All minima, the best first.

    Raises:
        ParameterError: something does not fit together.
        ArchitectureError: the closure is one of fixed points alone.
        SpecError: the checkpoint is none.
        SolverError: no start has ended in a minimum.
    """
    given = {"stable": stable, "step": step, "correlated": correlated, "priors": priors}
    free: Any = {"motifs": motifs, "conditions": conditions, **given}
    found = solve(Problem.of(system, parameters, targets, unknowns, **free), **options)
    raise_on_failure(found.status, throw)
    return found


def solve(
    problem: Problem,
    *,
    solver: Solver | None = None,
    starts: int = 32,
    seed: int = 0,
    from_given: bool = True,
    free_states: bool = False,
    initial: Any = None,
    states: Any = None,
    checkpoint: str | Path | None = None,
    lanes: int = LANES,
    progress: Callable[[str, float], None] | None = None,
) -> Fit:
    """The minima of a problem; never raises for a search that fails, see `Fit.status`.

    Args:
        problem: targets, equations and unknowns.
        solver: `LevenbergMarquardt()` by default, or `FirstOrder(...)`.
        starts: how many; random ones but for the first.
        seed: of random starts.
        from_given: whether the first start is the parameters as given.
        free_states: fit parameters together with states that need not be at rest first, which also
            brings starts to an end that have no fixed point.
        initial: coordinates of starts that come before random ones, (k, size).
        states: where their fixed points are looked for, (k, C, n); of rest by default.
        checkpoint: a file to write after every few steps and to go on from.
        lanes: starts side by side.
        progress: called with a text and the part that is done.

    Raises:
        ParameterError: counts below 1, a prior that no start satisfies, another fit's checkpoint.
        SpecError: the checkpoint is none.
    """
    if starts < 1 or lanes < 1:
        raise ParameterError(f"starts = {starts} and lanes = {lanes} must be at least 1")
    method = LevenbergMarquardt() if solver is None else solver
    begin = _starts(problem, starts, seed, from_given, initial)
    _check_priors(problem, begin)
    path = None if checkpoint is None else Path(checkpoint)
    return _searched(problem, method, begin, states, free_states, path, lanes, progress)


def _searched(
    problem: Problem,
    method: Solver,
    begin: np.ndarray,
    states: Any,
    free_states: bool,
    path: Path | None,
    lanes: int,
    progress: Callable[[str, float], None] | None,
) -> Fit:
    """All starts to their ends: states and parameters together first if `free_states`."""
    say = progress or (lambda text, part: None)
    rest = problem.at_rest()
    at = np.broadcast_to(rest, (len(begin), *rest.shape)).copy()
    if states is not None:
        at[: len(states)] = states[: len(at)]
    key = _key(problem, method, begin, at)
    share, search = 0.0, ANYWHERE
    if free_states:
        share, search = 0.5, KNOWN
        begin, at = with_free_states(
            problem,
            begin,
            lanes=lanes,
            progress=lambda text, part: say(f"states free: {text}", share * part),
            checkpoint=path and path.with_name(f"{path.name}.states"),
            key=key,
        )

    def residuals(u: Any, states: Any, search: Search = NEARBY) -> tuple[Any, Any]:
        r, outcome = problem.residuals(u, states, reverse=method.reverse, search=search)
        return r, outcome.states

    run = Lanes(partial(residuals, search=search), residuals, method, begin, at, lanes=lanes)
    found = run.run(
        lambda text, part: say(text, share + (1 - share) * part), path, f"{key} {free_states}"
    )
    return Fit(problem, found.sorted())


def _starts(problem: Problem, starts: int, seed: int, from_given: bool, first: Any) -> np.ndarray:
    rows = [] if first is None else [np.atleast_2d(np.asarray(first, dtype=float))]
    if from_given and first is None:
        rows.append(problem.coordinates.given()[None])
    count = starts - sum(map(len, rows))
    if count > 0:
        rows.append(problem.coordinates.random(np.random.default_rng(seed), count))
    return np.concatenate(rows)[:starts]


def _check_priors(problem: Problem, starts: np.ndarray) -> None:
    """A prior that no start satisfies is wrong, not the starts."""
    own = problem.coordinates
    values = np.asarray(jax.vmap(own.prior_residuals)(jnp.asarray(starts)))
    for name, column in zip(own.priors, values.T, strict=True):
        if not np.isfinite(column).any():
            raise ParameterError(
                f"the prior of {name}, {own.priors[name]}, excludes its value at every start: is "
                "its sign right? Give the parameters another value, or bounds"
            )


def _key(problem: Problem, solver: Solver, starts: np.ndarray, states: np.ndarray) -> str:
    """Digest of what a checkpoint must agree with."""
    t, own = problem.targets, problem.coordinates
    texts = (
        solver.settings,
        own.labels,
        [(u.low, u.high, u.start) for u in own.unknowns],
        sorted(map(repr, own.priors.items())),
        t.labels,
        [(c.name, [(s.name, v) for s, v in c.settings]) for c in own.conditions],
        problem.stable,
        problem.step,
        problem.correlated,
        problem.system.source,
    )
    digest = hashlib.sha256(repr(texts).encode())
    inputs = [c.replacements for c in own.conditions]
    arrays = [t.value, problem.whiten, t.held_out, starts, states]
    for array in (*arrays, *jax.tree.leaves((own.parameters, inputs))):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
