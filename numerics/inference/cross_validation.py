"""Cross-validation of a fit: fits to all targets but those of one fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...errors import ParameterError
from ..fitting import LANES, Fit, Lanes, Minima, Problem, Solver
from ..fixed_points import ANYWHERE, NEARBY, Search
from ..targets import Targets, whitened, without

Folds = int | str | Mapping[str, Any] | None


def fold_numbers(targets: Targets, folds: Folds, seed: int = 0) -> np.ndarray:
    """The group of each target, from 0, (n,); empty for None.

    Args:
        targets: in the fit.
        folds: as in `compare`.
        seed: of random groups.

    Raises:
        ParameterError: folds that cannot be.
    """
    n = len(targets)
    if folds is None:
        return np.zeros(0, dtype=int)
    if isinstance(folds, int):
        if not 2 <= folds <= n:
            raise ParameterError(f"folds = {folds}: {n} targets can be left out in 2 to {n} groups")
        return np.random.default_rng(seed).permutation(np.arange(n) % folds)
    if isinstance(folds, str):
        if folds != "condition":
            raise ParameterError(
                f"folds = {folds!r} is unknown: give a number, 'condition', a mapping from labels "
                "of targets to groups, or None"
            )
        names: Sequence[Any] = targets.condition
    else:
        missing = [label for label in targets.labels if label not in folds]
        if missing:
            raise ParameterError(f"folds do not say where the target {missing[0]!r} belongs")
        names = [folds[label] for label in targets.labels]
    order = list(dict.fromkeys(names))
    if len(order) < 2:
        raise ParameterError(
            f"all targets are in one fold, {order[0]!r}: nothing would be left to fit"
        )
    return np.array([order.index(name) for name in names])


def fits_without_folds(
    problem: Problem,
    begin: np.ndarray,
    at: np.ndarray,
    folds: np.ndarray,
    solver: Solver,
    progress: Callable[[str, float], None],
) -> tuple[Fit, list[Fit]]:
    """The fit to all targets, and those without each fold.

    Which fold is left out is one more coordinate, on which nothing depends smoothly: it stays, and
    one compiled step serves all of them.

    Args:
        problem: targets, equations and unknowns.
        begin, at: coordinates of the starts, and where their fixed points are looked for.
        folds: of each target in the fit.
        solver: takes the steps.
        progress: called with a text and the part that is done.
    """
    count, size, n = int(folds.max(initial=-1)) + 1, int(problem.fitted.sum()), len(begin)
    outs = [np.zeros(size, dtype=bool), *(folds == k for k in range(count))]
    table = np.stack(
        [without(problem.whiten, problem.targets, problem.fitted, out) for out in outs]
    )

    def residuals(x: Array, states: Array, search: Search = NEARBY) -> tuple[Array, Array]:
        r, outcome = problem.residuals(x[:-1], states, reverse=solver.reverse, search=search)
        kept = jnp.asarray(table)[jnp.round(jax.lax.stop_gradient(x[-1])).astype(int)]
        return jnp.concatenate([whitened(kept, r[:size]), r[size:]]), outcome.states

    numbers = np.repeat(np.arange(count + 1.0), n)
    starts = np.column_stack([np.tile(begin, (count + 1, 1)), numbers])
    states, first = np.concatenate([at] * (count + 1)), partial(residuals, search=ANYWHERE)
    found = Lanes(first, residuals, solver, starts, states, lanes=LANES).run(progress, None, "")
    parts = [Minima(*(value[k * n : (k + 1) * n] for value in found)) for k in range(count + 1)]
    whole, *others = [Fit(problem, part._replace(u=part.u[:, :-1]).sorted()) for part in parts]
    return whole, others


def held_errors(problem: Problem, others: Sequence[Fit], folds: np.ndarray) -> np.ndarray:
    """Squared standardised errors of predictions of each fold by the fit without it."""
    held, t = np.full(len(folds), np.nan), problem.targets
    for k, fit in enumerate(others):
        z = ((fit.predictions - t.value) / t.error)[problem.fitted]
        held[folds == k] = z[folds == k] ** 2
    return held
