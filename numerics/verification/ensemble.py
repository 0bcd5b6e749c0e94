"""Mean-field theory against ensembles of sampled finite networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ...errors import MotifieldError, ParameterError
from ...numbers import counted
from ..fixed_points import fixed_point
from ..parameters import Parameters
from ..results import OK, Code, Result, Status
from ..sampling import Sampler, sample
from ..simulation import Simulation, simulate
from ..system import STATE_NAMES, System, initial_state, integrate
from .chi_squared import Verdict, check_level, student_threshold
from .differences import QUANTITIES, SIDE_BY_SIDE, differences, judged
from .fluctuations import FiniteSize, finite_size, require_plain
from .rate_spread import ensemble_spread, network_spread, spread_columns, theory_spread

INTERVALS = 50  # between the times that are compared
SETTLED = 0.1
"""A fixed point is reached when what is left is this small, in units of the error it adds to."""
LATE = 0.9  # of the time, from which on networks may not move
PREDICTED = ("bias", "predicted_spread", "spread_z")
Progress = Callable[[str, float], None]


@dataclass(frozen=True, repr=False, eq=False)
class Verification(Result):
    """Theory against ensembles of networks, made by `verify`.

    Args:
        title: of the comparison.
        system: the compiled equations.
        parameters: before they are rescaled to each size.
        theory: time courses over (size, time, population).
        networks: the same over (size, network, time, population), with `rate_sd`.
        dataset: at the last time, over (size, quantity, population), `theory`, `network` (the
            ensemble's mean), `error` (standard error of it), `spread` (root mean square difference
            of a single network); over (quantity, population), `limit`, the difference extrapolated
            to infinite N, `limit_error` its standard error, `trend` the exponent of the spread in
            N. With predictions also `bias` and `predicted_spread`; then errors are predicted ones,
            the bias is taken off the difference, `spread_z` is the score of the networks' variance
            and `slope`, with `slope_error`, what the bias leaves of the difference times N.
        spread: at the last time, over (source, size, population), `rate_sd`, the standard deviation
            of rates across neurons, of "theory" and "network" (the ensemble's mean), and over level
            too `rate_quantile`; `rate_sd_error` and `rate_quantile_error`, standard errors of the
            ensemble's means. The verdict is not on them.
        passed: whether theory and networks agree.
        criterion: in words, with numbers.
        predictions: of spread and bias at each size; empty where there are none.
        verdict: p-values, None likewise.
        failure: "ok", or which theory or network diverged.
        seed: of the networks.
    """

    title: str
    system: System
    parameters: Parameters
    theory: xr.Dataset
    networks: xr.Dataset
    dataset: xr.Dataset
    spread: xr.Dataset
    passed: bool
    criterion: str
    predictions: tuple[FiniteSize, ...] = ()
    verdict: Verdict | None = None
    failure: Status = OK
    seed: int | None = None

    @property
    def status(self) -> Status:
        """Ok unless the theory is rejected, or something diverged."""
        if not self.failure.ok:
            return self.failure
        return Status() if self.passed else Status(f"rejected: {self.criterion}", Code.REJECTED)

    def rows(self) -> list[dict[str, Any]]:
        """One row per size, population and quantity, at the last time."""
        d, rows = self.dataset, []
        sized = [str(v) for v in d if "size" in d[v].dims]
        for n, p in ((n, p) for n in d["size"].values for p in d["population"].values):
            for k in QUANTITIES:
                at = d[sized].sel(size=n, population=p, quantity=k)
                own = {v: float(at[v]) for v in sized}
                left = own["network"] - own["theory"] - own.get("bias", 0.0)
                row = {"N": int(n), "population": str(p), "quantity": k}
                row |= {v: own[v] for v in ("theory", "network", "error")}
                row["z"] = left / own["error"] if own["error"] > 0 else float("nan")
                rows.append(row | {v: own[v] for v in PREDICTED if v in own})
        return rows

    def spread_rows(self) -> list[dict[str, Any]]:
        """One row per size and population for the SD of rates and every quantile of them."""
        each, errors = spread_columns(self.spread), spread_columns(self.spread, "_error")
        return [
            {"N": int(n), "population": str(p), "quantity": name}
            | {s: float(own.sel(size=n, population=p, source=s)) for s in ("theory", "network")}
            | {"error": float(errors[name].sel(size=n, population=p))}
            for n in self.spread["size"].values
            for p in self.spread["population"].values
            for name, own in each.items()
        ]

    def json(self) -> dict[str, Any]:
        """Everything in the tables and the verdict, as plain numbers."""
        limits = ("limit", "limit_error", "trend", "slope", "slope_error")
        own = self.dataset[[v for v in limits if v in self.dataset]]
        rows = own.to_dataframe().reset_index().to_dict("records")
        return {
            "title": self.title,
            **self.status.json(),
            "passed": self.passed,
            "criterion": self.criterion,
            "rows": self.rows(),
            "spread": self.spread_rows(),
            "limits": [{str(k): v for k, v in row.items()} for row in rows],
            "verdict": None if self.verdict is None else self.verdict.json(),
        }


def verify(
    system: System,
    parameters: Parameters,
    *,
    sizes: Sequence[int] = (500, 1000, 2000),
    networks: int = 8,
    seed: int = 0,
    t1: float = 25.0,
    initial: Any = None,
    tolerance: float = 0.0,
    level: float = 0.01,
    sampler: Sampler | None = None,
    title: str = "",
    throw: bool = True,
    progress: Progress | None = None,
) -> Verification:
    """Compare the theory with ensembles of sampled networks of several sizes.

    The verdict is on the mean input, its variance and the mean rate of every population at t1.
    Where theory and networks have reached a fixed point there, `finite_size` predicts how these
    vary from network to network, and the O(1/N) bias: the theory passes unless the ensembles'
    means, less the bias and extrapolated in 1/N, or their covariances have a p-value below `level`
    (`judge`). Elsewhere, with filters or noise, or before a fixed point is reached, the spread is
    estimated from the networks, and the extrapolated difference must be within 4 standard errors of
    0 (widened by Student's t, as few networks tell their own spread only roughly). Predictions are
    for Gaussian synapses; networks of another sampler are judged by them, too.

    Args:
        system: the compiled equations.
        parameters: rescaled to each N with the same mean-field limit (`Parameters.rescaled`).
        sizes: neurons N of the networks.
        networks: of each size.
        seed: of the networks' synapses, offsets of inputs and white noise.
        t1: end time.
        initial: the mean at the start, {"mean": ...}, for theory and all neurons; 0 by default.
            Where the membrane is 1, {"synaptic_rate": alpha r} in its place.
        tolerance: a difference within this part of the theory passes in any case.
        level: the probability to reject a true theory.
        sampler: of the networks; Gaussian by default.
        title: of the result.
        throw: raise an error for a theory or a network that diverges; otherwise the result's
            status says which, and nothing has passed.
        progress: called as progress(text, part) before every network.

    Raises:
        InfeasibleStatisticsError: the smallest size cannot have the motifs.
        ParameterError: fewer than two networks, or a level that is no probability.
        SolverError: with `throw`, theory or a network diverges.
    """
    check_level(level)
    system.check(parameters)
    own = (system, parameters, _sizes(sizes, networks), networks, seed, t1, initial, sampler, throw)
    ensembles = _Ensembles(*own)
    found = ensembles.run(progress or (lambda text, part: None))
    return _judged(ensembles, *found, title, tolerance, level)


def _judged(
    ensembles: _Ensembles,
    theory: xr.Dataset,
    seen: xr.Dataset,
    spread: xr.Dataset,
    failure: Status,
    title: str,
    tolerance: float,
    level: float,
) -> Verification:
    """The verdict on time courses; there is none where one of them failed."""
    about = system, parameters = ensembles.system, ensembles.parameters
    if not failure.ok:
        found = differences(theory, seen)
        text = f"not judged: {failure}"
        lost = (*about, theory, seen, found, spread, False, text)
        return Verification(title, *lost, failure=failure, seed=ensembles.seed)
    predictions, reason = _predictions(system, parameters, theory, seen)
    found = differences(theory, seen, predictions)
    verdict = judged(found, seen, predictions, level) if predictions else None
    count = ensembles.sizes, ensembles.networks
    outcome = _outcome(found, verdict, tolerance, *count, reason)
    own = (*about, theory, seen, found, spread, *outcome, predictions, verdict)
    return Verification(title, *own, seed=ensembles.seed)


def _sizes(sizes: Sequence[int], networks: int) -> list[int]:
    """Different sizes in their order. Raises `ParameterError`."""
    own = sorted({int(n) for n in sizes})
    if not own or networks < 2:
        raise ParameterError(
            f"verify needs at least one size and two networks: sizes = {own}, networks = {networks}"
        )
    return own


def _outcome(
    found: xr.Dataset,
    verdict: Verdict | None,
    tolerance: float,
    sizes: Sequence[int],
    networks: int,
    reason: str,
) -> tuple[bool, str]:
    """Whether theory and networks agree, and why: by p-values, else by standard errors."""
    close = np.abs(found["limit"]) <= tolerance * np.abs(found["theory"].isel(size=-1))
    where = "extrapolated to infinite N" if len(sizes) > 1 else f"at N = {sizes[0]}"
    allowed = f" or within {tolerance:g} of the theory" if tolerance else ""
    sampled = f"({counted(networks, 'network')} at N = {', '.join(map(str, sizes))})"
    if verdict is not None:
        passed = verdict.passed or bool(close.all())
        return passed, _by_p_values(verdict, where, allowed, sampled)
    errors = student_threshold(len(sizes) * (networks - 1))
    within = (np.abs(found["limit"]) <= errors * found["limit_error"]) | close
    return bool(within.all()), (
        f"the ensemble mean minus theory, {where}, is within {errors:.1f} standard errors of "
        f"0{allowed}, for the mean, variance and rate of every population {sampled}; no "
        f"prediction of the spread: {reason}"
    )


def _by_p_values(verdict: Verdict, where: str, allowed: str, sampled: str) -> str:
    return (
        f"p = {verdict.p_value:.2g}, at least {verdict.level:g} is required{allowed}: of the "
        f"ensemble mean minus theory and bias, {where} (p = {verdict.p_mean:.2g}), and of the "
        f"spread over networks (p = {verdict.p_spread:.2g}), for the mean, variance and rate of "
        f"all populations together {sampled}"
    )


@dataclass(frozen=True)
class _Ensembles:
    """Networks of several sizes, and what theory says of each size."""

    system: System
    parameters: Parameters
    sizes: list[int]
    networks: int
    seed: int
    t1: float
    initial: Any
    sampler: Sampler | None
    throw: bool

    def run(self, say: Progress) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset, Status]:
        """Time courses of theory and networks, spreads, and the first failure among them."""
        ts, total = np.linspace(0.0, self.t1, INTERVALS + 1), len(self.sizes) * self.networks
        theories: list[xr.Dataset] = []
        samples: list[xr.Dataset] = []
        expected: list[xr.Dataset] = []
        spreads: list[list[xr.Dataset]] = []
        failed: list[Status] = []
        how: Any = {"saveat": ts, "initial": self.initial, "throw": self.throw}
        for n in self.sizes:
            scaled, runs = self.parameters.rescaled(n), []
            course = integrate(self.system, scaled, self.t1, **how)
            failed += _failure(f"the theory of N = {n}", course.status)
            theories.append(course.dataset)
            expected.append(theory_spread(self.system, scaled, course.dataset))
            spreads.append([])
            start = initial_mean(self.system, scaled, self.initial)
            for k in range(self.networks):
                done = len(samples) * self.networks + k
                say(f"N = {n}, network {k + 1} of {self.networks}", done / total)
                seen, spread = self._network(scaled, n, k, ts, start)
                failed += _failure(f"network {k + 1} of N = {n}", seen.status)
                runs.append(seen.moments)
                spreads[-1].append(spread)
            samples.append(xr.concat(runs, "network", **SIDE_BY_SIDE))
        size = xr.DataArray(self.sizes, dims="size", name="size")
        theory, networks = (xr.concat(parts, size, **SIDE_BY_SIDE) for parts in (theories, samples))
        spread = ensemble_spread(expected, spreads, self.sizes)
        return theory, networks, spread, failed[0] if failed else OK

    def _network(
        self, scaled: Parameters, n: int, k: int, ts: np.ndarray, start: np.ndarray
    ) -> tuple[Simulation, xr.Dataset]:
        synapses, others = _seed(self.seed, n, k), _seed(self.seed, n, k, 1)
        network = sample(scaled, synapses, sampler=self.sampler, dtype=np.float32)
        options: Any = {"t1": self.t1, "saveat": ts, "initial": start, "seed": others}
        seen = simulate(self.system, network, throw=self.throw, **options)
        return seen, network_spread(network, seen.dataset)


def _failure(what: str, status: Status) -> list[Status]:
    """The status of a part that failed, with its name."""
    return [] if status.ok else [Status(f"{what}: {status}", status.code)]


def initial_mean(system: System, parameters: Parameters, initial: Any) -> np.ndarray:
    """Initial x of the populations: networks start with equal neurons, so only a mean can be given.

    Of populations whose membrane is 1 it is that of r, the rate as the synapses pass it on.
    Raises `ParameterError` for an initial state with more.
    """
    state = initial_state(system, parameters, initial)
    start, others = np.asarray(state.K), state._replace(K=0)
    if system.mean_field.architecture.is_rate_form:
        passes = np.array(system.mean_field.architecture.without_membrane(parameters.P))
        r = np.where(passes, np.asarray(state.e / parameters.fractions), 0.0)
        start = np.where(passes, r, start)
        others = others._replace(e=np.where(passes, 0.0, state.e))
        if hasattr(state, "v"):
            others = others._replace(v=np.where(np.isclose(state.v, np.abs(r)), 0.0, 1.0))
    if initial is not None and any(bool(np.any(np.asarray(v) != 0)) for v in others):
        raise ParameterError(
            "networks start with equal neurons in each population: give only the initial mean, "
            "not kappa or rms_rate; where the membrane is 1 give synaptic_rate, alpha times the "
            "rate r at the start, and with it synaptic_rms_rate = |r| if the closure has it"
        )
    return start


def _predictions(
    system: System, parameters: Parameters, theory: xr.Dataset, ensemble: xr.Dataset
) -> tuple[tuple[FiniteSize, ...], str]:
    """One for each size, or none and why."""
    t1, names, made = float(theory["time"][-1]), list(QUANTITIES), []
    for n in theory["size"].values:
        scaled, seen = parameters.rescaled(int(n)), ensemble[names].sel(size=n)
        end = theory.sel(size=n).isel(time=-1)
        try:
            require_plain(system, scaled)
            start = {STATE_NAMES[name]: end[STATE_NAMES[name]].values for name in system.states}
            point = fixed_point(system, scaled, start, time=t1)
            own = finite_size(system, scaled, point, time=t1)
        except MotifieldError as error:
            return (), f"{error} (N = {n})"
        spread = own.spread.sel(quantity=names)
        reached = own.point.dataset[names].to_dataarray("quantity")
        left = np.abs(end[names].to_dataarray("quantity") - reached)
        if bool((left > SETTLED * spread / np.sqrt(seen.sizes["network"])).any()):
            return (), f"the theory has not settled at t1 = {t1:g} (N = {n})"
        late = seen.isel(time=-1) - seen.sel(time=LATE * t1, method="nearest")
        rms = np.sqrt((late.to_dataarray("quantity") ** 2).mean("network"))
        moved = float((rms / spread).max())
        if moved > SETTLED:
            return (), (
                f"the networks still move at t1 = {t1:g}, since {LATE * t1:g} by {moved:.2g} of "
                f"their spread (N = {n})"
            )
        made.append(own)
    return tuple(made), ""


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
