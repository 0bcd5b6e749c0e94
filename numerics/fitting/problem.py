"""The problem that a fit solves: residuals of targets, priors and stability at given unknowns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ParameterError
from ..distributions import (
    RATE_ORDER,
    Currents,
    RateDistribution,
    RateStatistics,
    with_fixed_nodes,
)
from ..fixed_points import ANYWHERE, FixedPoint, Search, fixed_point, growth, settled
from ..linear import bulk_radius_square
from ..parameters import Couplings, Parameters, explained_share
from ..precision import require_x64
from ..system import Autonomous, System, Units, held
from ..targets import Targets, whitened, whitening
from .coordinates import Coordinates
from .course import Course
from .motif_coordinates import FreeMotifs
from .predictions import Predictions, times_of
from .requirements import require
from .unknowns import Prior, Unknown

LARGEST_RESIDUAL = 1e-9  # of d(state)/dt at a fixed point; Newton's method ends near 1e-14
RADIUS_LIMIT = 0.95  # squared bulk radius above which a fit is penalised: 1 is the onset of chaos
MARGIN = 0.05  # slowest decay, of that without synapses, below which a fit is penalised
WIDTH = 0.02  # excess over these limits that counts as one standard error: stiff beside the margin


class Outcome(NamedTuple):
    """Model predictions at given coordinates.

    Attributes:
        values: of every target.
        states: the fixed point of each condition, (C, n).
        residuals: of the fixed points, (C,), above 1e-9 where none was reached; of given states,
            d(state)/dt relative to 1 + |state|, (C, n).
        radius_square: squared radius of the bulk of the Jacobian, (C,).
        growth: largest real part of the eigenvalues of the equations, times the longest time
            constant of the units, (C,); -1 without synapses.
    """

    values: Array
    states: Array
    residuals: Array
    radius_square: Array
    growth: Array


class Problem:
    """Targets, equations and unknowns; make it with `Problem.of`.

    The unknowns are a vector u of `coordinates.size` numbers without bounds.

    Attributes:
        exact: the equations as given; `system` has averages at nodes that do not move.
        fitted, held_out: which targets are fitted, and which are predicted only.
        whiten: makes misfits independent, of variance 1; see `targets.whitening`.
    """

    def __init__(
        self,
        system: System,
        coordinates: Coordinates,
        targets: Targets,
        *,
        stable: bool | float,
        step: float,
        correlated: bool,
    ):
        self.exact, self.system = system, with_fixed_nodes(system)
        self.coordinates, self.targets = coordinates, targets
        self.stable, self.step, self.correlated = stable, step, correlated
        known = np.isfinite(targets.value)
        self.fitted = ~np.asarray(targets.held_out) & known
        self.held_out = np.asarray(targets.held_out) & known
        self.whiten = whitening(targets, self.fitted, correlated=correlated)
        base, origin = coordinates.parameters, jnp.zeros(coordinates.size)
        self.courses = {
            c.name: Course.of(
                coordinates.of_condition(origin, c.name), times_of(targets, c.name), step
            )
            for c in coordinates.conditions
        }
        self.predictions = Predictions(targets, self.courses, base.populations)
        self.models = {
            name: Autonomous(self.system, base.P, course.start)
            for name, course in self.courses.items()
        }
        self._longest = Units.of(system.mean_field.architecture, base).longest
        order = RATE_ORDER if self.predictions.series else 0
        self.distribution = RateDistribution(self.system, base, order)
        if self.predictions.rising:
            self.distribution.require_rising(base)

    @property
    def time_unit(self) -> str:
        """The name of the unit of times, "" where none is given."""
        return self.coordinates.parameters.time_unit

    def label(self, k: int) -> str:
        """Target k in words, a time with its unit."""
        text = self.targets.label(k)
        has_time = np.isfinite(self.targets.time[k]) and self.time_unit
        return f"{text} {self.time_unit}" if has_time else text

    @classmethod
    def of(
        cls,
        system: System,
        parameters: Parameters,
        targets: Targets,
        unknowns: Sequence[Unknown | str] = (),
        *,
        stable: bool | float = True,
        step: float = 0.1,
        correlated: bool = False,
        motifs: FreeMotifs | None = None,
        conditions: Mapping[str, Mapping[str, Any]] | None = None,
        priors: Mapping[str, Prior] = {},
    ) -> Problem:
        """The problem of a fit; arguments are those of `fit`.

        Raises:
            ParameterError: something does not fit together, or nothing is left to fit.
            ArchitectureError: the closure has no dynamics.
        """
        require_x64()
        own = system.complete(parameters, [*unknowns, *(conditions or {}).values()])
        system.check(own)
        system.refuse_static("time courses, and no stable branch to stay on")
        given = {name: {} for name in targets.conditions} if conditions is None else conditions
        missing = [name for name in targets.conditions if name not in given]
        if missing:
            raise ParameterError(
                f"targets are of the condition {missing[0]!r}, but conditions are "
                f"{', '.join(given)}: say what differs in it, or {{}}"
            )
        if not step > 0:
            raise ParameterError(f"step = {step} must be a positive time")
        if not 0 <= stable < 1 and stable is not True:
            raise ParameterError(
                f"stable = {stable} must be true, false, or the slowest decay relative to that "
                "without synapses, from 0 to below 1"
            )
        coordinates = Coordinates.of(own, given, unknowns, motifs, priors)
        if np.all(targets.held_out | ~np.isfinite(targets.value)):
            raise ParameterError(
                "nothing is left to fit: all targets that have a value are held out"
            )
        require(system, coordinates, targets, own)
        return cls(system, coordinates, targets, stable=stable, step=step, correlated=correlated)

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of the conditions, in the order of states."""
        return tuple(self.courses)

    @property
    def starts(self) -> dict[str, float]:
        """When the time courses of each condition start, from its fixed point."""
        return {name: course.start for name, course in self.courses.items()}

    @property
    def times(self) -> dict[str, np.ndarray]:
        """Times of each condition's targets, increasing; empty where all are at its fixed point."""
        return {name: course.times for name, course in self.courses.items()}

    def at_rest(self) -> Float[Array, "C n"]:
        """States of rest, where the search for fixed points starts."""
        model = next(iter(self.models.values()))
        return jnp.zeros((len(self.conditions), model.size))

    def outcome(
        self,
        u: Float[Array, " n"],
        states: Float[Array, "C n"] | None = None,
        *,
        reverse: bool = False,
        search: Search | None = ANYWHERE,
    ) -> Outcome:
        """Model predictions at given coordinates; pure, for jit, vmap and grad.

        Args:
            u: coordinates.
            states: near which fixed points are looked for; of rest by default.
            reverse: time courses for derivatives in reverse mode; otherwise for forward mode.
            search: for the fixed points; None takes the states as they are, at rest or not.
        """
        states = self.at_rest() if states is None else states
        common = self.coordinates.common(u)
        own = {name: self.coordinates.of_condition(u, name, common) for name in self.conditions}
        found, rest = self._fixed_points(own, states, search)
        over_time = {
            name: self._over_time(name, found[name][0], own[name], reverse)
            for name, course in self.courses.items()
            if len(course.times)
        }
        persistence = self.coordinates.persistence(u)
        values = self.predictions(rest, over_time, own, persistence, self.distribution)
        radius = jnp.stack(
            [
                bulk_radius_square(Couplings.of(own[n]).residual, rest[n].slope_square)
                for n in self.conditions
            ]
        )
        states, errors, growths = (
            jnp.stack([found[n][k] for n in self.conditions]) for k in range(3)
        )
        return Outcome(values, states, errors, radius, growths * self._longest)

    def _fixed_points(
        self, own: Mapping[str, Parameters], states: Array, search: Search | None
    ) -> tuple[dict[str, tuple[Array, Array, Array]], dict[str, RateStatistics]]:
        """State, residual and growth of every condition, and the statistics of its rates."""
        settle = _as_given if search is None else partial(settled, search=search)

        def solve(model: Autonomous, own: Parameters, state: Array) -> Any:
            y, error, J = settle(model, own, state)
            fastest = jnp.zeros(()) if self.stable is False else growth(model, y, own, J)
            return (y, error, fastest), self._statistics(model, y, own)

        found, rest = {}, {}
        for group in self._groups(own):
            model, rows = self.models[group[0]], [self.conditions.index(n) for n in group]
            if len(group) == 1:
                found[group[0]], rest[group[0]] = solve(model, own[group[0]], states[rows[0]])
                continue
            stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(own[n] for n in group))
            several = jax.vmap(partial(solve, model))(stacked, states[np.array(rows)])
            for k, name in enumerate(group):
                found[name], rest[name] = jax.tree.map(lambda leaf, k=k: leaf[k], several)
        return found, rest

    def _groups(self, own: Mapping[str, Parameters]) -> list[list[str]]:
        """Conditions to be solved together: same structure of parameters, same start."""
        found: dict[Any, list[str]] = {}
        for name in self.conditions:
            shapes = tuple(jnp.shape(leaf) for leaf in jax.tree.leaves(own[name]))
            kind = (jax.tree.structure(own[name]), shapes, self.courses[name].start)
            found.setdefault(kind, []).append(name)
        return list(found.values())

    def residuals(
        self,
        u: Float[Array, " n"],
        states: Array | None = None,
        *,
        reverse: bool = False,
        search: Search = ANYWHERE,
    ) -> tuple[Array, Outcome]:
        """Residuals whose squares are summed, and the predictions that they come from; pure.

        (value - target) / error of each target in the fit (if `correlated`, of combinations of
        them), of priors, then the excess of the bulk's radius, of growth, and of what assortativity
        explains; nan where there is no fixed point. Arguments as in `outcome`.
        """
        outcome = self.outcome(u, states, reverse=reverse, search=search)
        whole = self._residuals(u, outcome)
        return jnp.where(jnp.all(outcome.residuals < LARGEST_RESIDUAL), whole, jnp.nan), outcome

    def free_residuals(
        self, u: Float[Array, " n"], states: Float[Array, "C n"]
    ) -> tuple[Array, Array]:
        """Residuals at states that need not be at rest, and their distance from rest; pure.

        The distance is d(state)/dt / (1 + |state|), (C n,).
        """
        outcome = self.outcome(u, states, search=None)
        return self._residuals(u, outcome), outcome.residuals.ravel()

    def _residuals(self, u: Array, outcome: Outcome) -> Array:
        misfit = outcome.values[self.fitted] - self.targets.value[self.fitted]
        parts = [whitened(self.whiten, misfit), self.coordinates.prior_residuals(u)]
        if self.stable is not False:
            slowest = -MARGIN if self.stable is True else -self.stable
            parts += [
                _excess(outcome.radius_square, RADIUS_LIMIT),
                _excess(outcome.growth, slowest),
            ]
        if self.coordinates.moves_strengths:
            own = (self.coordinates.of_condition(u, name) for name in self.conditions)
            parts.append(_excess(jnp.stack([explained_share(p) for p in own]), 1.0))
        return jnp.concatenate(parts)

    def data_residuals(self, u: Float[Array, " n"], states: Array | None = None) -> Array:
        """Residuals of the targets in the fit alone; pure."""
        return self.residuals(u, states)[0][: int(self.fitted.sum())]

    @cached_property
    def jacobian(self) -> Any:
        """u, states -> d(residuals)/du, (m, size), compiled; nan where there is no fixed point."""

        def twice(u: Array, states: Array) -> tuple[Array, Array]:
            r, _ = self.residuals(u, states)
            return r, r

        def slopes(u: Array, states: Array) -> Array:
            J, r = jax.jacfwd(twice, has_aux=True)(u, states)
            return jnp.where(jnp.all(jnp.isfinite(r)), J, jnp.nan)

        return jax.jit(slopes)

    @cached_property
    def held_out_jacobian(self) -> Any:
        """u, states -> d(predictions of held-out targets)/du, (k, size), compiled."""
        if not self.held_out.any():
            return lambda u, states: jnp.zeros((0, self.coordinates.size))
        return jax.jit(jax.jacfwd(lambda u, states: self.outcome(u, states).values[self.held_out]))

    @cached_property
    def compiled(self) -> Any:
        """u, states -> residuals and outcome, compiled."""
        return jax.jit(lambda u, states: self.residuals(u, states))

    def predicted(self, u: Any, states: Any) -> np.ndarray:
        """Predictions of all targets; nan where a condition has no fixed point."""
        outcome = self.compiled(jnp.asarray(u), jnp.asarray(states))[1]
        there = np.all(np.asarray(outcome.residuals) < LARGEST_RESIDUAL)
        return np.where(there, np.asarray(outcome.values), np.nan)

    def statistics(self, name: str, parameters: Parameters, y: Any) -> RateStatistics:
        """Statistics of the rates of every population at the fixed point of a condition."""
        return self._statistics(self.models[name], jnp.asarray(y), parameters)

    def _statistics(self, model: Autonomous, y: Array, parameters: Parameters) -> RateStatistics:
        state = model.state(model.follow(y, parameters))
        return self.distribution.of(Currents.at(model.system, parameters, state), parameters)

    def _over_time(self, name: str, y: Array, parameters: Parameters, reverse: bool) -> Any:
        """Statistics of the rates at all times of a condition."""
        state = self.models[name].state(y)
        states = self.courses[name].states(self.system, state, parameters, reverse=reverse)

        def seen(state: Any) -> RateStatistics:
            return self.distribution.of(Currents.at(self.system, parameters, state), parameters)

        return jax.vmap(seen)(states)

    def point(self, name: str, parameters: Parameters, y: Any) -> FixedPoint:
        """The fixed point of a condition, to analyse."""
        model = self.models[name]
        state = self.exact.State(*model.state(jnp.asarray(y)))
        return fixed_point(self.exact, held(parameters, model.time), state, throw=False)


def _excess(value: Array, limit: float) -> Array:
    return jnp.where(value > limit, value - limit, 0.0) / WIDTH


def _as_given(model: Autonomous, parameters: Parameters, state: Array) -> tuple[Any, ...]:
    """The state, its distance from rest, and the Jacobian there."""
    J = jax.jacfwd(model.bind(jax.lax.stop_gradient(parameters)))(jax.lax.stop_gradient(state))
    return state, model.field(state, parameters) / (1 + jnp.abs(state)), J
