"""One given network against the mean-field equations with its own statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...numbers import counted
from ...time_units import moment, time_unit_of
from ..networks import Network, measure, with_strengths
from ..parameters import NEURONS, Input, Parameters, violations
from ..results import OK, Code, Result, Status, raise_on_failure
from ..simulation import input_offsets, neuron_parameters, pattern_of, simulate
from ..system import System, integrate, without_components
from .differences import QUANTITIES, relative_errors
from .ensemble import Progress, initial_mean
from .rate_spread import network_spread, spread_columns, theory_spread

INTERVALS = 120  # between the times that are compared
THEORIES = ("with motifs", "without motifs")


@dataclass(frozen=True, repr=False, eq=False)
class NetworkVerification(Result):
    """Theory with the statistics of one network against that network, made by `verify_network`.

    Args:
        title: of the comparison.
        system: the compiled equations.
        parameters: the measured statistics with the network's inputs and transfer functions.
        theory: time courses with motifs.
        without_motifs: time courses with independent synapses.
        network: time courses of the simulation.
        spread: at the last time, over (source, population), `rate_sd`, the standard deviation of
            rates across neurons, and over level too `rate_quantile`.
        errors: mean over populations of |R_theory - R_network| / R_network at the end, "with
            motifs" and "without motifs".
        infeasible: conditions that the measured statistics break; the equations do not need them,
            a Gaussian ensemble would.
        passed: whether the error with motifs is within the tolerance.
        criterion: in words, with numbers.
        measured: the parameters without strengths of the network's own, motifs as `measure` has
            them.
        independent: the equations and numbers without motifs.
        failure: how the integration of the theory ended; `plain_failure`: without motifs;
            `network_failure`: how the simulation ended.
        seed: of the simulation.
    """

    title: str
    system: System
    parameters: Parameters
    theory: xr.Dataset
    without_motifs: xr.Dataset
    network: xr.Dataset
    spread: xr.Dataset
    errors: dict[str, float]
    infeasible: int
    passed: bool
    criterion: str
    measured: Parameters
    independent: tuple[System, Parameters]
    failure: Status
    plain_failure: Status
    network_failure: Status = OK
    seed: int | None = None

    @property
    def status(self) -> Status:
        """Ok unless the theory or the simulation failed, or the theory is rejected."""
        failures = [own for own in (self.failure, self.network_failure) if not own.ok]
        if self.passed or failures:
            return failures[0] if failures else OK
        return Status(f"rejected: {self.criterion}", Code.REJECTED)

    @property
    def dataset(self) -> xr.Dataset:
        """Time courses over (source, time, population): theory, without motifs, network."""
        each = {
            "theory": self.theory,
            "without motifs": self.without_motifs,
            "network": self.network,
        }
        source = xr.DataArray(list(each), dims="source", name="source")
        parts = [own[list(QUANTITIES)] for own in each.values()]
        return xr.concat(parts, source, join="override", combine_attrs="drop")

    def rows(self) -> list[dict[str, Any]]:
        """One row per population and quantity, at the last time."""
        last = self.dataset.isel(time=-1)
        each = {k: last[k] for k in QUANTITIES} | spread_columns(self.spread)
        names = ("network", "theory", "without motifs")
        return [
            {
                "population": str(p),
                "quantity": k,
                **{name: float(v.sel(population=p, source=name)) for name in names},
            }
            for p in last["population"].values
            for k, v in each.items()
        ]

    def json(self) -> dict[str, Any]:
        """Everything in the table and the verdict, as plain numbers."""
        return {
            "title": self.title,
            **self.status.json(),
            **self.picked("passed", "criterion", "errors"),
            "infeasible_conditions": self.infeasible,
            "rows": self.rows(),
        }


def verify_network(
    system: System,
    network: Network,
    parameters: Parameters | None = None,
    *,
    t1: float = 60.0,
    initial: Any = None,
    tolerance: float = 0.1,
    shrink: bool = False,
    seed: int = 0,
    title: str = "",
    throw: bool = True,
    progress: Progress | None = None,
    **changes: Any,
) -> NetworkVerification:
    """Compare the equations that have a network's measured statistics with its own dynamics.

    The theory passes if the mean over populations of |R_theory - R_network| / R_network at t1 is
    at most `tolerance`. The same equations without motifs show what these explain; in place of a
    network's own strengths, which hold the noise of its finite rows, they have Gaussian ones.

    Args:
        system: the compiled equations.
        network: sampled or read; its synapses are measured.
        parameters: with inputs, transfer functions and filters in place of those that the network
            carries; statistics of synapses are the measured ones.
        t1: end time.
        initial: the mean at the start, {"mean": ...}, for theory and all neurons; 0 by default.
        tolerance: largest error of the rates.
        shrink: whether motifs of few neurons are shrunken by their errors, as `measure` does.
        seed: of the white noise, and of offsets of inputs that the network lacks; their
            correlation with the out-strengths is measured, if the equations have it.
        title: of the result.
        throw: whether a theory or a simulation that diverges raises.
        progress: called as progress(text, part).
        changes: `input`, `in_strength`, `spread`, `noise`, `transfer`, `membrane` or `synapse` in
            place of those of the parameters, as in `Parameters.of`.

    Raises:
        ParameterError: parameters that are needed are not known, or do not fit the system.
        InfeasibleStatisticsError: measured motifs that the equations cannot use.
        SolverError: with `throw`, the simulation diverges, or the theory.
    """
    say = progress or (lambda text, part: None)
    say("measuring", 0.0)
    neurons = neuron_parameters(system, network, parameters, **changes)
    measured = _measured(system, network, neurons, seed, shrink)
    own = with_strengths(measured, network, system.mean_field.architecture)
    plain_case = independent(system, own, measured)
    ts, both = np.linspace(0.0, t1, INTERVALS + 1), ((system, own), plain_case)
    say("integrating the theory", 0.1)
    options: Any = {"saveat": ts, "initial": initial, "throw": False}
    theory, plain = (integrate(*each, t1, **options) for each in both)
    raise_on_failure(theory.status, throw)
    say("simulating the network", 0.5)
    how: Any = {"saveat": ts, "initial": initial_mean(system, own, initial)}
    seen = simulate(system, network, neurons, t1=t1, seed=seed, throw=throw, **how)
    say("done", 1.0)
    found = _found(network, measured, both, (theory, plain, seen), tolerance)
    return replace(NetworkVerification(title, system, own, *found), seed=seed)


def _found(
    network: Network,
    measured: Parameters,
    both: Sequence[tuple[System, Parameters]],
    runs: Sequence[Any],
    tolerance: float,
) -> tuple[Any, ...]:
    """The fields of a comparison from the theory, that without motifs, and the simulation."""
    courses = runs[0].dataset, runs[1].dataset, runs[2].dataset
    failed = runs[0].status.code.is_failure
    errors, text = _errors(*courses, tolerance)
    passed = bool(errors["with motifs"] <= tolerance) and not failed
    spread, broken = _spreads(both, network, courses), len(violations(measured))
    verdict = errors, broken, passed, text, measured, both[1]
    return (*courses, spread, *verdict, *(run.status for run in runs))


def independent(system: System, own: Parameters, measured: Parameters) -> tuple[System, Parameters]:
    """Equations and numbers of independent synapses with the same means and variances."""
    plain = own.without_motifs()
    if own.strengths is None or not own.strengths.quenched:
        return system, plain
    plain = measured.without_motifs()
    return without_components(system), replace(plain, strengths=None, pattern_input={})


def _spreads(
    both: Sequence[tuple[System, Parameters]], network: Network, courses: tuple[xr.Dataset, ...]
) -> xr.Dataset:
    """How rates are spread at the end: theory, without motifs, network."""
    spreads = {
        "theory": theory_spread(*both[0], courses[0]),
        "without motifs": theory_spread(*both[1], courses[1]),
        "network": network_spread(network, courses[2]),
    }
    source = xr.DataArray(list(spreads), dims="source", name="source")
    return xr.concat(list(spreads.values()), source, join="override")


def _errors(
    theory: xr.Dataset, plain: xr.Dataset, seen: xr.Dataset, tolerance: float
) -> tuple[dict[str, float], str]:
    """Relative errors of the mean rates at the end, with motifs and without, and in words."""
    last = seen.isel(time=-1)
    each = {
        name: relative_errors(d["rate"].values[-1], last["rate"].values)
        for name, d in zip(THEORIES, (theory, plain), strict=True)
    }
    # a population without a number must not be left out of the mean
    errors = {name: float(np.mean(own)) for name, own in each.items()}
    at = moment(float(last["time"]), time_unit_of(seen))
    text = (
        f"the mean over {counted(last.sizes['population'], 'population')} of |R_theory - "
        f"R_network| / R_network at {at} is {errors['with motifs']:.3f}, at most {tolerance:g} is "
        f"allowed (without motifs: {errors['without motifs']:.3f})"
    )
    lost = last["population"].values[~np.isfinite(each["with motifs"])]
    return errors, text + (f"; it is no number for {', '.join(lost)}" if len(lost) else "")


def _measured(
    system: System, network: Network, neurons: Parameters, seed: int, shrink: bool
) -> Parameters:
    """The measured statistics of the synapses with the inputs and functions of the neurons."""
    own = measure(network, shrink=shrink).parameters(
        **{name: getattr(neurons, name) for name in NEURONS}
    )
    architecture = system.mean_field.architecture
    if "out-strength" in architecture.inputs:
        offsets = input_offsets(network, seed)
        own = own.replace(tau_inp=offset_correlations(network, offsets, own))
    if own.pattern_input:
        own = own.replace(input=_with_means(own, network))
    return own


class WithMeans(Input):
    """The input of whole populations: theirs, and what patterns with a mean add.

    Args:
        parts: I_p, and inputs along patterns.
        means: of these patterns, (P,) each.
    """

    parts: tuple[Input, ...]
    means: tuple[Any, ...]

    def __call__(self, t):
        first, *along = (part(t) for part in self.parts)
        return first + sum(v * mean for v, mean in zip(along, self.means, strict=True))

    @property
    def edges(self):
        return np.unique(np.concatenate([np.asarray(v.edges, dtype=float) for v in self.parts]))


def _with_means(own: Parameters, network: Network) -> Input:
    """The equations know patterns as deviations from the mean of each population."""
    members = [network.members(p) for p in range(network.P)]
    values = [pattern_of(network, name) for name in own.pattern_input]
    means = (jnp.asarray([v[m].mean() for m in members]) for v in values)
    return WithMeans((own.input, *own.pattern_input.values()), tuple(means))


def offset_correlations(
    network: Network, offsets: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """tau_inp[p, q]: correlation of the offset of j in q with its synapses onto p."""
    members = [network.members(p) for p in range(network.P)]
    onto = [np.asarray(network.weights[m].sum(axis=0, dtype=float)) / len(m) for m in members]
    covariances = np.array(
        [[np.mean((c[m] - c[m].mean()) * offsets[m]) for m in members] for c in onto]
    )
    deviations = np.asarray(parameters.g) / np.sqrt(float(parameters.N))
    return np.divide(covariances, deviations, out=np.zeros_like(covariances), where=deviations > 0)
