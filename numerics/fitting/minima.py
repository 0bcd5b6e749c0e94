"""Which connectivity explains recordings: parameters whose mean-field equations reproduce measured rates."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...errors import ParameterError, SolverError
from ..fixed_points import ANYWHERE, KNOWN, NEARBY, Search
from ..parameters import Couplings, Parameters, residual_moments
from ..system import System
from ..targets import Targets
from .free_states import with_free_states
from .least_squares import Lanes, LevenbergMarquardt, Minima, Solver
from .motif_coordinates import FreeMotifs
from .problem import Problem
from .unknowns import Prior, Unknown

LANES = 32
AGREES = 1e-3
"""Losses this close to the best, relative to 1 + the best, are equally good."""


@dataclass(frozen=True, eq=False)
class Fit:
    """The minima that were reached from all starts, best first.

    problem: targets, equations, unknowns; minima: by loss, the sum of squared standardised misfits (targets, priors, stability); where a start
    has no fixed point, or left the domain at once, its loss is nan and it comes last
    """

    problem: Problem
    minima: Minima

    @property
    def u(self) -> np.ndarray:
        """Coordinates of the best minimum."""
        return self.minima.u[0]

    @property
    def loss(self) -> float:
        """The smallest sum of squares."""
        return float(self.minima.loss[0])

    @property
    def status(self) -> str:
        """ "ok", or what is wrong with the best minimum."""
        if not np.isfinite(self.loss):
            return "no start has a fixed point: give other starts, bounds or priors, or free_states"
        return (
            "ok"
            if self.minima.converged[0]
            else "the best start has not converged: allow more steps"
        )

    def parameters(self, condition: str | None = None, rank: int = 0) -> Parameters:
        """The parameters of a minimum, by default the best: those that all conditions share, or of one condition."""
        u = jnp.asarray(self.minima.u[rank])
        coordinates = self.problem.coordinates
        made = (
            coordinates.common(u) if condition is None else coordinates.of_condition(u, condition)
        )
        return jax.tree.map(jnp.asarray, made)

    @cached_property
    def values(self) -> dict[str, float]:
        """The fitted numbers by name, motif coefficients among them."""
        return self.named(self.u)

    def named(self, u: Any) -> dict[str, float]:
        """The numbers at other coordinates."""
        found = np.asarray(self.problem.coordinates.values(jnp.asarray(u)))
        return dict(zip(self.problem.coordinates.names, found.tolist(), strict=True))

    @cached_property
    def predictions(self) -> np.ndarray:
        """Of every target, held out or not, at the best minimum."""
        return self.problem.predicted(self.u, self.minima.states[0])

    def rows(self) -> list[dict[str, Any]]:
        """A row for each target: its value, error, what the fit gives, and the difference in standard errors."""
        t, found = self.problem.targets, self.predictions
        return [
            {
                "target": t.label(k),
                "value": float(t.value[k]),
                "error": float(t.error[k]),
                "fit": float(found[k]),
                "z": float((found[k] - t.value[k]) / t.error[k]),
                "held out": bool(t.held_out[k]),
            }
            for k in range(len(t))
        ]

    def losses(self) -> dict[str, float]:
        """The sum of squares by quantity of the targets in the fit, or of all if their errors are correlated; of priors; of the limit on the bulk."""
        problem = self.problem
        r = np.asarray(problem.compiled(jnp.asarray(self.u), jnp.asarray(self.minima.states[0]))[0])
        quantities = np.array(problem.targets.quantity)[problem.fitted]
        data, rest = r[: len(quantities)], r[len(quantities) :]
        count = len(problem.coordinates.priors)
        names = ["targets"] if problem.correlated else list(dict.fromkeys(quantities.tolist()))
        return {
            **{q: float(np.sum(data[problem.correlated | (quantities == q)] ** 2)) for q in names},
            "priors": float(np.sum(rest[:count] ** 2)),
            "stability": float(np.sum(rest[count:] ** 2)),
        }

    def held_out_loss(self) -> float:
        """The mean squared standardised misfit of the targets that were held out; nan without any."""
        t, which = self.problem.targets, self.problem.held_out
        return (
            float(np.mean(((self.predictions - t.value)[which] / t.error[which]) ** 2))
            if which.any()
            else float("nan")
        )

    @property
    def good(self) -> np.ndarray:
        """Ranks of the minima whose loss is as good as the best, within a thousandth of 1 + the loss."""
        with np.errstate(invalid="ignore"):
            return np.flatnonzero(self.minima.loss <= self.loss + AGREES * (1 + self.loss))

    def agreement(self) -> dict[str, Any]:
        """How many starts ended where: equally good ones, worse ones, ones that did not converge, ones without a fixed point."""
        loss = self.minima.loss
        finite, good = np.isfinite(loss), np.zeros(len(loss), dtype=bool)
        good[self.good] = True
        return {
            "starts": len(loss),
            "as good as the best": int(good.sum()),
            "worse": int((finite & ~good).sum()),
            "not converged": int((finite & ~self.minima.converged).sum()),
            "without a fixed point": int((~finite).sum()),
        }

    def ensemble(self) -> xr.Dataset:
        """The numbers of all equally good minima, by name over `solution`: how far they spread is what the targets leave open."""
        ranks = self.good
        rows = np.asarray(
            jax.vmap(self.problem.coordinates.values)(jnp.asarray(self.minima.u[ranks]))
        )
        return xr.Dataset(
            {
                "value": (("solution", "parameter"), rows),
                "loss": ("solution", self.minima.loss[ranks]),
            },
            coords={"parameter": list(self.problem.coordinates.names)},
        )

    def stability(self) -> dict[str, Any]:
        """The verdict of `stability` for each condition at the best minimum."""
        from ..stability import stability

        found = {}
        for k, name in enumerate(self.problem.conditions):
            own = self.parameters(name)
            point = self.problem.point(name, own, self.minima.states[0][k])
            found[name] = stability(self.problem.exact, own, point).verdict
        return found

    def closure_validity(self) -> str:
        """Whether the closure is exact at the fixed points of the best minimum, and what it lacks if not: of the variance of the currents
        M_pq < phi_q^2 > (`MotifOnly`) or M_pq (< phi_q^2 > - R_q^2) (`LowRank`), summed over q, M_pq = alpha_q g_pq^2 A_pq; with reciprocity
        that neurons feel their own rate.
        """
        closure, names = self.problem.system.mean_field.closure, self.parameters().populations
        own = {name: self.parameters(name) for name in self.problem.conditions}
        left_out = []
        if not closure.keeps_second_moment:
            shares = np.stack([self._variance_left_out(name) for name in own])
            c, p = np.unravel_index(int(np.argmax(shares)), shares.shape)
            what = (
                "takes the residual's variance from mean rates"
                if closure.has_residual
                else "leaves the residual out"
            )
            left_out += [
                f"{what}, with it up to {100 * shares[c, p]:.2g} % of the variance of the currents ({names[p]}, {list(own)[c]}), which "
                "SecondMoment() counts"
            ]
        reciprocal = max(
            float(np.abs(residual_moments(p)[1] * np.asarray(p.g) * np.asarray(p.g).T).max())
            for p in own.values()
        )
        left_out += [
            f"leaves out that neurons feel their own rate: largest |g_pq g_qp B_pq| = {reciprocal:.3g}"
        ] * (reciprocal >= 1e-12)
        return (
            f"{type(closure).__name__} {' and '.join(left_out)}"
            if left_out
            else "exact at fixed points"
        )

    def _variance_left_out(self, condition: str) -> np.ndarray:
        """By a closure without second moments, relative to the variance of the currents with them, (P,)."""
        own = self.parameters(condition)
        seen = self.problem.statistics(
            condition, own, self.minima.states[0][self.problem.conditions.index(condition)]
        )
        squares = seen.rate_sd**2 + (
            0.0
            if self.problem.system.mean_field.closure.has_residual
            else seen.rate_mean**2
        )
        missing = np.asarray(Couplings.of(own).residual @ squares)
        return missing / np.maximum(missing + np.asarray(seen.variance), 1e-300)

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "status": self.status,
            "loss": self.loss,
            "losses": self.losses(),
            "agreement": self.agreement(),
            "values": self.values,
            "targets": self.rows(),
            "closure": self.closure_validity(),
        }

    def dataset(self) -> xr.Dataset:
        """All minima: coordinates, numbers by name, losses; targets and predictions of the best."""
        coordinates = self.problem.coordinates
        rows = np.asarray(jax.vmap(coordinates.values)(jnp.asarray(self.minima.u)))
        t = self.problem.targets
        return xr.Dataset(
            {
                "value": (("start", "parameter"), rows),
                "u": (("start", "coordinate"), self.minima.u),
                "loss": ("start", self.minima.loss),
                "converged": ("start", self.minima.converged),
                "target_value": ("target", t.value),
                "target_error": ("target", t.error),
                "prediction": ("target", self.predictions),
            },
            coords={
                "parameter": list(coordinates.names),
                "coordinate": list(coordinates.labels),
                "target": [t.label(k) for k in range(len(t))],
            },
            attrs={"status": self.status},
        )


def fit(
    system: System,
    parameters: Parameters,
    targets: Targets,
    unknowns: Sequence[Unknown | str] = (),
    *,
    motifs: FreeMotifs | None = None,
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
    priors: Mapping[str, Prior] = {},
    solver: Solver | None = None,
    starts: int = 32,
    seed: int = 0,
    from_given: bool = True,
    free_states: bool = False,
    stable: bool | float = True,
    step: float = 0.1,
    correlated: bool = False,
    checkpoint: str | Path | None = None,
    throw: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> Fit:
    """Parameters whose equations reproduce the targets: minima of sum ((prediction - value) / error)^2 + priors, from many starts at once.

    parameters: everything that is not unknown, and the values near which starts lie; unknowns: `Unknown` or names as in `vary`; motifs: coefficients
    that may change, `FreeMotifs`, feasible at every step
    conditions: by name what differs from the parameters in each, such as {"gratings": {"input[E]": 1.2}} or a whole `input`; those of the targets,
    with nothing different, unless given. An unknown "input[E] @ gratings" belongs to one condition
    priors: by name, for unknowns and for other parameters; solver: `LevenbergMarquardt()` or `FirstOrder(...)`; starts, seed: random ones,
    the first one the parameters as given (`from_given`); free_states: fit parameters together with states that need not be at rest first, which
    also brings starts to an end that have no fixed point
    stable: penalise states that the bulk makes unstable (squared radius above .95), or the equations (the slowest decay below .05 of that without
        synapses, or of another part, stable=0.4: networks of few neurons vary, and some are less stable than the equations)
    step: longest step of time courses, in units of the unit's time constant
    correlated: count misfits d by the covariance C of the targets, d^T C^-1 d, not each by its own error
    checkpoint: a file to write after every few steps and to go on from; progress: called with a text and the part that is done

    Targets at no time are those of fixed points: the attractor from rest at the start, then the branch that is followed as the parameters change;
    derivatives are implicit. Targets at times are those of the trajectory from the fixed point of the condition's input at its start.
    Raises `ParameterError` for what does not fit together, `ArchitectureError` for a closure of fixed points alone, `SpecError` for a file that is
    no checkpoint, and with throw=True `SolverError` when the status is not "ok".
    """
    problem = Problem.of(
        system,
        parameters,
        targets,
        unknowns,
        motifs=motifs,
        conditions=conditions,
        priors=priors,
        stable=stable,
        step=step,
        correlated=correlated,
    )
    found = solve(
        problem,
        solver=solver,
        starts=starts,
        seed=seed,
        from_given=from_given,
        free_states=free_states,
        checkpoint=checkpoint,
        progress=progress,
    )
    if throw and found.status != "ok":
        raise SolverError(found.status)
    return found


def solve(
    problem: Problem,
    *,
    solver: Solver | None = None,
    starts: int = 32,
    seed: int = 0,
    from_given: bool = True,
    free_states: bool = False,
    first: Any = None,
    states: Any = None,
    checkpoint: str | Path | None = None,
    lanes: int = LANES,
    progress: Callable[[str, float], None] | None = None,
) -> Fit:
    """The minima of a problem; arguments as in `fit`. first: coordinates of starts that come before random ones, (k, size); states: from
    where their fixed points are looked for, (k, C, n), of rest unless given.
    """
    if starts < 1 or lanes < 1:
        raise ParameterError(f"starts = {starts} and lanes = {lanes} must be at least 1")
    method = LevenbergMarquardt() if solver is None else solver
    begin = _starts(problem, starts, seed, from_given, first)
    _check_priors(problem, begin)
    say, path = (
        progress or (lambda what, part: None),
        None if checkpoint is None else Path(checkpoint),
    )
    at, share = (
        np.broadcast_to(problem.at_rest(), (len(begin), *problem.at_rest().shape)).copy(),
        0.0,
    )
    if states is not None:
        at[: len(states)] = states[: len(at)]
    key = _key(problem, method, begin, at)
    search = ANYWHERE
    if free_states:
        share, search = 0.5, KNOWN
        begin, at = with_free_states(
            problem,
            begin,
            lanes=lanes,
            progress=lambda what, part: say(f"states free: {what}", share * part),
            checkpoint=path and path.with_name(f"{path.name}.states"),
            key=key,
        )

    def residuals(u: Any, states: Any, search: Search = NEARBY) -> tuple[Any, Any]:
        r, outcome = problem.residuals(u, states, reverse=method.reverse, search=search)
        return r, outcome.states

    run = Lanes(partial(residuals, search=search), residuals, method, begin, at, lanes=lanes)
    found = run.run(
        lambda what, part: say(what, share + (1 - share) * part), path, f"{key} {free_states}"
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
    values = np.asarray(jax.vmap(problem.coordinates.prior_residuals)(jnp.asarray(starts)))
    for name, own in zip(problem.coordinates.priors, values.T, strict=True):
        if not np.isfinite(own).any():
            raise ParameterError(
                f"the prior of {name}, {problem.coordinates.priors[name]}, excludes its value at every start: is its sign right? "
                "Give the parameters another value, or bounds"
            )


def _key(problem: Problem, solver: Solver, starts: np.ndarray, states: np.ndarray) -> str:
    """Of what a checkpoint must agree with."""
    t, own = problem.targets, problem.coordinates
    bounds = [(u.low, u.high, u.start) for u in own.unknowns]
    settings = [(c.name, [(s.name, v) for s, v in c.settings]) for c in own.conditions]
    texts = (
        solver.settings,
        own.labels,
        bounds,
        sorted(map(repr, own.priors.items())),
        t.labels,
        settings,
        problem.stable,
        problem.step,
        problem.correlated,
        problem.system.source,
    )
    digest = hashlib.sha256(repr(texts).encode())
    inputs = [c.replacements for c in own.conditions]
    for array in (
        t.value,
        problem.whiten,
        t.held_out,
        starts,
        states,
        *jax.tree.leaves((own.parameters, inputs)),
    ):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
