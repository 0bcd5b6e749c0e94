"""What a fit minimises: measured numbers against those of the equations, priors, and a limit that keeps static states stable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, NamedTuple

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import norm

from ...errors import ParameterError
from ..distributions import (
    RATE_ORDER,
    RateDistribution,
    RateStatistics,
    bulk_radius_square,
    with_fixed_nodes,
)
from ..fixed_points import ANYWHERE, FixedPoint, Search, fixed_point, growth, settled
from ..parameters import INPUTS, MOTIFS, Constant, Input, Parameters, Signals, Table
from ..precision import require_x64
from ..system import OPTIONAL_INPUTS, Autonomous, System, Units
from ..targets import Pools, Targets, whitened, whitening
from .motif_coordinates import CLASSES, FreeMotifs
from .unknowns import PERSISTENCE, Condition, Coordinates, Prior, Unknown

LARGEST_RESIDUAL = 1e-9
MOMENT = 1e-12
"""How long before a jump a step ends, relative to its time, or to 1 where that is less."""
RADIUS_LIMIT, MARGIN, WIDTH = 0.95, 0.05, 0.02
"""Squared bulk radius above which, and slowest decay, relative to that without synapses, below which a fit is penalised; and what excess counts as
one standard error.
"""


class Outcome(NamedTuple):
    """What the equations say at some coordinates.

    values: of every target; states: the fixed point of each condition, (C, n); residuals: of the fixed points, (C,), above 1e-9 where none was
    reached (of given states: d(state)/dt relative to 1 + |state|, (C, n)); radius_square: of the bulk of the Jacobian, (C,); growth: the largest
    real part of the eigenvalues of the equations, times the longest time constant of the units, (C,), -1 without synapses
    """

    values: Array
    states: Array
    residuals: Array
    radius_square: Array
    growth: Array


class Problem:
    """Targets, equations and unknowns; make it with `Problem.of`. Results are by name; u is a vector of `coordinates.size` numbers without bounds.

    targets: those with a value, held-out ones among them; whiten: what turns misfits into independent ones, see `whitening`
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
        self.coordinates, self.targets, self.stable, self.step, self.correlated = (
            coordinates,
            targets,
            stable,
            step,
            correlated,
        )
        self.fitted = ~np.asarray(targets.held_out) & np.isfinite(targets.value)
        self.held_out = np.asarray(targets.held_out) & np.isfinite(targets.value)
        self.whiten = whitening(targets, self.fitted, correlated=correlated)
        self._layout = _Layout(targets, coordinates, step)
        self._at = {
            name: Autonomous(self.system, coordinates.parameters.P, start)
            for name, start in self._layout.starts.items()
        }
        base = coordinates.parameters
        self._longest = Units.of(system.mean_field.architecture, base).longest
        self.distribution = RateDistribution(
            self.system, base, RATE_ORDER if len(self._layout.pairs) else 0
        )
        if len(self._layout.levels):
            self.distribution.require_rising(base)

    @classmethod
    def of(
        cls,
        system: System,
        parameters: Parameters,
        targets: Targets,
        unknowns: Sequence[Unknown | str] = (),
        *,
        motifs: FreeMotifs | None = None,
        conditions: Mapping[str, Mapping[str, Any]] | None = None,
        priors: Mapping[str, Prior] = {},
        stable: bool | float = True,
        step: float = 0.1,
        correlated: bool = False,
    ) -> Problem:
        """The arguments are those of `fit`. Raises `ParameterError`, `ArchitectureError`."""
        require_x64()
        own = system.complete(parameters)
        system.check(own)
        system.refuse_static("time courses, and no stable branch to stay on")
        given = (
            dict(conditions)
            if conditions is not None
            else {name: {} for name in targets.conditions}
        )
        missing = [name for name in targets.conditions if name not in given]
        if missing:
            raise ParameterError(
                f"targets are of the condition {missing[0]!r}, but conditions are {', '.join(given)}: "
                "say what differs in it, or {}"
            )
        if not step > 0:
            raise ParameterError(f"step = {step} must be a positive time")
        if not 0 <= stable < 1 and stable is not True:
            raise ParameterError(
                f"stable = {stable} must be true, false, or the slowest decay relative to that without synapses, from 0 to below 1"
            )
        coordinates = Coordinates.of(own, given, unknowns, motifs, priors)
        if np.all(targets.held_out | ~np.isfinite(targets.value)):
            raise ParameterError(
                "nothing is left to fit: all targets that have a value are held out"
            )
        for condition in coordinates.conditions:
            _check_condition(system, condition, own)
        _check_inputs(system, coordinates)
        _check_motifs(system, coordinates)
        _check_units(system, own, targets)
        return cls(system, coordinates, targets, stable=stable, step=step, correlated=correlated)

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of the conditions, in the order of states."""
        return self._layout.conditions

    @property
    def starts(self) -> dict[str, float]:
        """When the time courses of each condition start, from its fixed point."""
        return dict(self._layout.starts)

    @property
    def times(self) -> dict[str, np.ndarray]:
        """Times of each condition's targets, increasing; empty where all are of its fixed point."""
        return dict(self._layout.times)

    def at_rest(self) -> Float[Array, "C n"]:
        """Where the search for fixed points starts."""
        model = next(iter(self._at.values()))
        return jnp.zeros((len(self.conditions), model.size))

    def outcome(
        self,
        u: Float[Array, " n"],
        states: Float[Array, "C n"] | None = None,
        *,
        reverse: bool = False,
        search: Search | None = ANYWHERE,
    ) -> Outcome:
        """Predictions, with the fixed points near `states` (those reached from rest unless given); pure, for jit, vmap and grad.

        reverse: time courses for reverse-mode derivatives; otherwise for forward mode; search: for the fixed points; None takes
        the states as they are, whether they are at rest or not.
        """
        states = self.at_rest() if states is None else states
        common = self.coordinates.common(u)
        own = {name: self.coordinates.of_condition(u, name, common) for name in self.conditions}
        settle = _as_they_are if search is None else partial(settled, search=search)

        def find(model: Autonomous, own: Parameters, state: Array) -> tuple[Array, Array, Array]:
            y, error, J = settle(model, own, state)
            return y, error, jnp.zeros(()) if self.stable is False else growth(model, y, own, J)

        found, statistics = {}, {}
        for group in self._layout.groups(own):
            if len(group) == 1:
                (name,) = group
                found[name] = find(self._at[name], own[name], states[self.conditions.index(name)])
                statistics[name] = self._statistics(self._at[name], found[name][0], own[name])
            else:
                stacked = jax.tree.map(
                    lambda *leaves: jnp.stack(leaves), *(own[name] for name in group)
                )
                model = self._at[group[0]]
                begin = states[np.array([self.conditions.index(n) for n in group])]
                y, error, fastest = jax.vmap(lambda p, y, model=model: find(model, p, y))(
                    stacked, begin
                )
                several = jax.vmap(lambda p, y, model=model: self._statistics(model, y, p))(
                    stacked, y
                )
                for k, name in enumerate(group):
                    found[name] = (y[k], error[k], fastest[k])
                    statistics[name] = jax.tree.map(lambda leaf, k=k: leaf[k], several)
        values = self._layout.values(self, u, own, found, statistics, reverse)
        radius = jnp.stack(
            [bulk_radius_square(statistics[n].slope_square, own[n]) for n in self.conditions]
        )
        states, errors, growths = (
            jnp.stack([found[n][k] for n in self.conditions]) for k in range(3)
        )
        return Outcome(values, states, errors, radius, growths * self._longest)

    def residuals(
        self,
        u: Float[Array, " n"],
        states: Array | None = None,
        *,
        reverse: bool = False,
        search: Search = ANYWHERE,
    ) -> tuple[Array, Outcome]:
        """What is squared and summed: (value - target) / error of each target in the fit (if `correlated`, of combinations of them), priors,
        excess of the bulk's radius and of growth; nan where there is no fixed point; pure.
        """
        outcome = self.outcome(u, states, reverse=reverse, search=search)
        whole = self._residuals(u, outcome)
        return jnp.where(jnp.all(outcome.residuals < LARGEST_RESIDUAL), whole, jnp.nan), outcome

    def free_residuals(
        self, u: Float[Array, " n"], states: Float[Array, "C n"]
    ) -> tuple[Array, Array]:
        """Those of states that need not be at rest, and how far from it they are, d(state)/dt / (1 + |state|), (C n,); pure."""
        outcome = self.outcome(u, states, search=None)
        return self._residuals(u, outcome), outcome.residuals.ravel()

    def _residuals(self, u: Array, outcome: Outcome) -> Array:
        misfit = outcome.values[self.fitted] - self.targets.value[self.fitted]
        parts = [whitened(self.whiten, misfit), self.coordinates.prior_residuals(u)]
        if self.stable is not False:
            parts += [
                _excess(outcome.radius_square, RADIUS_LIMIT),
                _excess(outcome.growth, -MARGIN if self.stable is True else -self.stable),
            ]
        return jnp.concatenate(parts)

    def data_residuals(self, u: Float[Array, " n"], states: Array | None = None) -> Array:
        """Of the targets in the fit alone; pure."""
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
        return np.where(
            np.all(np.asarray(outcome.residuals) < LARGEST_RESIDUAL),
            np.asarray(outcome.values),
            np.nan,
        )

    def _statistics(self, model: Autonomous, y: Array, parameters: Parameters) -> RateStatistics:
        seen = model.observables(y, parameters)
        return self.distribution(seen["mean"], seen["variance"], parameters)

    def statistics(self, name: str, parameters: Parameters, y: Any) -> RateStatistics:
        """Of the rates of every population at the fixed point of a condition."""
        return self._statistics(self._at[name], jnp.asarray(y), parameters)

    def point(self, name: str, parameters: Parameters, y: Any) -> FixedPoint:
        """The fixed point of a condition, to analyse."""
        model = self._at[name]
        held = parameters.replace(
            **{key: Constant(getattr(parameters, key)(model.time)) for key in INPUTS}
        )
        return fixed_point(self.exact, held, self.exact.State(*model.state(jnp.asarray(y))))

    def course(
        self, name: str, y: Array, parameters: Parameters, times: np.ndarray, reverse: bool
    ) -> RateStatistics:
        """The statistics at times of a condition, from its fixed point at the start; a step no longer than `step`; pure."""
        model = self._at[name]
        drive, coefficients = self.system.drive(parameters), self.system.coefficients(parameters)
        grid = _grid(model.time, times, self.step, self._layout.edges[name])
        field = self.system.module.vector_field
        term = dfx.ODETerm(lambda t, state, args: field(state, drive(jnp.asarray(t)), coefficients))
        adjoint: Any = dfx.RecursiveCheckpointAdjoint() if reverse else dfx.ForwardMode()
        solution = dfx.diffeqsolve(
            term,
            dfx.Tsit5(),
            grid[0],
            grid[-1],
            None,
            model.state(y),
            saveat=dfx.SaveAt(ts=jnp.asarray(times)),
            stepsize_controller=dfx.StepTo(jnp.asarray(grid)),
            max_steps=len(grid) + 1,
            adjoint=adjoint,
            throw=False,
        )
        variance = jax.vmap(lambda s: self.system.module.variance(s, coefficients))(solution.ys)
        return jax.vmap(lambda m, v: self.distribution(m, v, parameters))(solution.ys.K, variance)


def _excess(value: Array, limit: float) -> Array:
    return jnp.where(value > limit, value - limit, 0.0) / WIDTH


def _as_they_are(
    model: Autonomous, parameters: Parameters, state: Array
) -> tuple[Array, Array, Array]:
    J = jax.jacfwd(model.bind(jax.lax.stop_gradient(parameters)))(jax.lax.stop_gradient(state))
    return state, model.field(state, parameters) / (1 + jnp.abs(state)), J


def _grid(start: float, times: np.ndarray, step: float, edges: np.ndarray) -> np.ndarray:
    """Times from the start to the last one, all of `times` and the edges between among them, no further apart than `step`."""
    marks = np.unique(
        np.concatenate([[start], edges[(edges > start) & (edges < times[-1])], times])
    )
    if len(marks) == 1:
        marks = np.array([start, start + step])
    parts = [
        np.linspace(a, b, max(int(np.ceil((b - a) / step - 1e-9)), 1) + 1)[:-1]
        for a, b in pairwise(marks)
    ]
    return np.concatenate([*parts, marks[-1:]])


def _edges(drive: Input, step: float) -> np.ndarray:
    """Where steps must end: at jumps, just before them too, and where lines meet, unless these are closer than a step."""
    edges = np.asarray(drive.edges, dtype=float)
    if isinstance(drive, (Table, Signals)):
        return edges if np.all(np.diff(edges) >= step) else edges[:1]
    return np.concatenate([edges - MOMENT * np.maximum(np.abs(edges), 1.0), edges])


class _Layout:
    """Where each target's value is found."""

    def __init__(self, targets: Targets, coordinates: Coordinates, step: float):
        self.targets, self.populations = targets, coordinates.parameters.populations
        self.pools = Pools.of(targets.population, self.populations)
        self.conditions = tuple(c.name for c in coordinates.conditions)
        self.times = {
            name: np.unique(
                targets.time[(np.array(targets.condition) == name) & np.isfinite(targets.time)]
            )
            for name in self.conditions
        }
        for k in np.flatnonzero(np.isfinite(targets.time)).tolist():
            if targets.against[k]:
                name = targets.against[k]
                self.times[name] = np.unique(np.append(self.times[name], targets.time[k]))
            if targets.quantity[k] in ("rate_correlation", "rate_quantile"):
                raise ParameterError(
                    f"{targets.label(k)}: {targets.quantity[k]} is fitted at fixed points, not at times; leave its time empty"
                )
        for k, name in enumerate(targets.population):
            if name in self.pools.pools and targets.quantity[k] in (
                "rate_correlation",
                "rate_quantile",
            ):
                raise ParameterError(
                    f"{targets.label(k)}: of pooled populations there are rate_mean, rate_sd and rate_change"
                )
        at = {
            name: coordinates.of_condition(jnp.zeros(coordinates.size), name)
            for name in self.conditions
        }
        self.edges = {
            name: np.unique(np.concatenate([_edges(getattr(own, key), step) for key in INPUTS]))
            for name, own in at.items()
        }
        self.starts = {name: self._start(name) for name in self.conditions}
        wanted = [
            (targets.condition[k], targets.against[k])
            for k in range(len(targets))
            if targets.quantity[k] == "rate_correlation"
        ]
        self.pairs = list(dict.fromkeys(wanted))
        self.levels = np.unique(targets.level[np.isfinite(targets.level)])

    def _start(self, name: str) -> float:
        """Before the first time and before any input changes, which `edges` make the moment before the first jump; 0 where none does."""
        times, edges = self.times[name], self.edges[name]
        return float(min(times[0], edges[0] if len(edges) else 0.0)) if len(times) else 0.0

    def groups(self, own: Mapping[str, Parameters]) -> list[list[str]]:
        """Conditions whose parameters have the same structure and whose start is the same, to be solved together."""
        found: dict[Any, list[str]] = {}
        for name in self.conditions:
            shapes = tuple(jnp.shape(leaf) for leaf in jax.tree.leaves(own[name]))
            found.setdefault((jax.tree.structure(own[name]), shapes, self.starts[name]), []).append(
                name
            )
        return list(found.values())

    def values(
        self,
        problem: Problem,
        u: Array,
        own: Mapping[str, Parameters],
        found: Mapping[str, Any],
        statistics: Mapping[str, RateStatistics],
        reverse: bool,
    ) -> Array:
        seen = [(name, statistics[name]) for name in self.conditions]
        seen += [
            (name, problem.course(name, found[name][0], own[name], times, reverse))
            for name, times in self.times.items()
            if len(times)
        ]
        pooled = [
            self.pools.extended(at.rate_mean, at.rate_sd, own[name].fractions) for name, at in seen
        ]
        mean, sd = (jnp.concatenate([pair[k].ravel() for pair in pooled]) for k in (0, 1))
        persistence = problem.coordinates.persistence(u)
        each = {name: (statistics[name], own[name], self.starts[name]) for name in self.conditions}
        correlations = [
            problem.distribution.correlation(each[a], each[b], persistence) for a, b in self.pairs
        ]
        quantiles = (
            [
                problem.distribution.quantiles(
                    statistics[n].mean, statistics[n].variance, own[n], norm.ppf(self.levels)
                ).ravel()
                for n in self.conditions
            ]
            if len(self.levels)
            else []
        )
        bank = {"rate_mean": mean, "rate_sd": sd, "rate_change": mean}
        if correlations:
            bank["rate_correlation"] = jnp.concatenate(correlations)
        if quantiles:
            bank["rate_quantile"] = jnp.concatenate(quantiles)
        values = jnp.zeros(len(self.targets))
        for quantity in dict.fromkeys(self.targets.quantity):
            which = np.flatnonzero(np.array(self.targets.quantity) == quantity).tolist()
            own_values = bank[quantity][np.array([self._place(k) for k in which])]
            if quantity == "rate_change":
                own_values = (
                    own_values
                    - mean[np.array([self._rate_place(self.targets.against[k], k) for k in which])]
                )
            values = values.at[np.array(which)].set(own_values)
        return values

    def _place(self, k: int) -> int:
        quantity, condition, P = (
            self.targets.quantity[k],
            self.targets.condition[k],
            len(self.populations),
        )
        p = self.pools.names.index(self.targets.population[k])
        if quantity == "rate_correlation":
            return self.pairs.index((condition, self.targets.against[k])) * P + p
        if quantity == "rate_quantile":
            level = int(np.searchsorted(self.levels, self.targets.level[k]))
            return (self.conditions.index(condition) * P + p) * len(self.levels) + level
        return self._rate_place(condition, k)

    def _rate_place(self, condition: str, k: int) -> int:
        """In the vector of stationary values, condition by condition, then those over time."""
        P, p, c = (
            len(self.pools.names),
            self.pools.names.index(self.targets.population[k]),
            self.conditions.index(condition),
        )
        if not np.isfinite(self.targets.time[k]):
            return c * P + p
        before = sum(len(self.times[name]) for name in self.conditions[:c])
        at = int(np.searchsorted(self.times[condition], self.targets.time[k]))
        return (len(self.conditions) + before + at) * P + p


def _check_condition(system: System, condition: Condition, parameters: Parameters) -> None:
    """What a condition changes must be numbers that a network can have, and in the equations."""
    made = condition.apply(parameters)
    motifs = any(part.name in MOTIFS for own, _ in condition.settings for part in own.parts)
    try:
        Parameters.of(
            populations=made.populations,
            N=float(made.N),
            fractions=made.fractions,
            mean=made.mean,
            g=made.g,
            motifs=made.motifs,
            tau_inp=made.tau_inp,
            noise=made.noise,
            check=motifs,
        )
        system.check(made)
    except ParameterError as error:
        raise type(error)(f"condition {condition.name}: {error}") from None


def _check_inputs(system: System, coordinates: Coordinates) -> None:
    """Inputs that may change must be in the equations."""
    for label, arrays in coordinates.arrays.items():
        for name in arrays:
            needed = "spread" if name == PERSISTENCE else OPTIONAL_INPUTS.get(name)
            if needed is not None and needed not in system.mean_field.architecture.inputs:
                raise ParameterError(
                    f"{label} is unknown, but the architecture has no such input: add {needed!r} to its inputs"
                )


def _check_motifs(system: System, coordinates: Coordinates) -> None:
    """Motifs that may change must be in the equations; chains p <- q <- p change tau_rec, too."""
    there, families = (
        system.mean_field.architecture.motifs,
        {array: motif for motif, array in CLASSES.items()},
    )
    needed = {families[entry.partition("[")[0]]: entry for entry in coordinates.motifs.entries}
    around = np.einsum("pqp->pq", coordinates.motifs.numbers["chains"])
    if np.any(around >= 0):
        p, q = (coordinates.parameters.populations[k] for k in np.argwhere(around >= 0)[0])
        needed.setdefault(
            "reciprocal", f"tau_chn[{p},{q},{p}], which makes tau_rec[{p},{q}] other than 0,"
        )
    for motif, entry in needed.items():
        if motif not in there:
            raise ParameterError(
                f"{entry} may change, but the architecture has no {motif} motifs: add {motif!r} to its motifs"
            )


def _check_units(system: System, parameters: Parameters, targets: Targets) -> None:
    units = Units.of(system.mean_field.architecture, parameters)
    if "rate_correlation" in targets.quantity and not units.is_plain:
        raise ParameterError(
            "correlations between conditions are here for units dx/dt = -x + input; the architecture has other filters or noise: "
            "at fixed points, filters of gain 1 change nothing, so leave them out"
        )
