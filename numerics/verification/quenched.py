"""One given network against the mean-field equations with its own strengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ..networks import Network, measure
from ..parameters import Parameters
from ..simulation import input_offsets
from ..system import System, integrate
from .ensemble import QUANTITIES, Progress, _neurons, _simulate


@dataclass(frozen=True)
class NetworkVerification:
    """Theory with the statistics of one network against that network (quenched), with motifs and without.

    theory, without_motifs: mean-field time courses; network: the simulation; errors: mean over populations of |R_theory - R_network| / R_network
    at the end, "with motifs" and "without motifs"; infeasible: how many conditions the measured statistics break (the equations do not need
    them; a Gaussian ensemble would)
    """

    title: str
    system: System
    parameters: Parameters
    theory: xr.Dataset
    without_motifs: xr.Dataset
    network: xr.Dataset
    errors: dict[str, float]
    infeasible: int
    passed: bool
    criterion: str

    def rows(self) -> list[dict[str, Any]]:
        """One row per population and quantity, at the last time."""
        ends = {
            "network": self.network,
            "theory": self.theory,
            "without motifs": self.without_motifs,
        }
        return [
            {
                "population": str(p),
                "quantity": k,
                **{name: float(d[k].isel(time=-1).sel(population=p)) for name, d in ends.items()},
            }
            for p in self.network["population"].values
            for k in QUANTITIES
        ]

    def json(self) -> dict[str, Any]:
        """Everything in the table and the verdict, as plain numbers."""
        return {
            "title": self.title,
            "passed": self.passed,
            "criterion": self.criterion,
            "errors": self.errors,
            "infeasible_conditions": self.infeasible,
            "rows": self.rows(),
        }


def verify_network(
    system: System,
    network: Network,
    *,
    input: Any = 0.0,
    transfer: Mapping[str, Any] | None = None,
    membrane: Mapping[str, Any] | None = None,
    synapse: Mapping[str, Any] | None = None,
    in_strength: Any = 0.0,
    spread: Any = 0.0,
    noise: Any = 0.0,
    t1: float = 60.0,
    initial: Any = None,
    tolerance: float = 0.1,
    seed: int = 0,
    title: str = "",
    progress: Progress | None = None,
) -> NetworkVerification:
    """Quenched theory: the equations with the statistics measured on `network`, against the network's own dynamics.

    The verdict: the mean over populations of |R_theory - R_network| / R_network at t1 is at most `tolerance`. The same equations with all
    synapses independent (con = div = chn = rec = 0, variances kept) stand beside, to show what the motifs explain.

    input, transfer, membrane, synapse, in_strength, spread, noise: as in `Parameters.of`; seed: of the white noise, and of the offsets of the
    inputs where the network has none. The correlation of the offsets with the out-strengths is measured, too, if the equations have it.
    """
    from ..parameters import violations

    say = progress or (lambda what, fraction: None)
    say("measuring", 0.0)
    own = measure(network).parameters()
    parameters = Parameters.of(
        populations=own.populations,
        N=float(own.N),
        fractions=own.fractions,
        mean=own.mean,
        g=own.g,
        motifs=own.motifs,
        input=input,
        transfer=transfer,
        membrane=membrane,
        synapse=synapse,
        in_strength=in_strength,
        spread=spread,
        noise=noise,
        check=False,
    )
    if "out-strength" in system.mean_field.architecture.inputs:
        parameters = parameters.replace(
            tau_inp=_offset_correlations(network, input_offsets(network, seed), own)
        )
    ts = np.linspace(0.0, t1, 121)
    say("integrating the theory", 0.1)
    theory, plain = (
        integrate(system, p, t1, saveat=ts, initial=initial, throw=False).dataset
        for p in (parameters, parameters.without_motifs())
    )
    say("simulating the network", 0.5)
    seen = _simulate(system, parameters, network, ts, _neurons(system, parameters, initial), seed)
    rate = seen["rate"].isel(time=-1)
    errors = {
        name: float((np.abs(d["rate"].isel(time=-1) - rate) / np.abs(rate)).mean())
        for name, d in (("with motifs", theory), ("without motifs", plain))
    }
    say("done", 1.0)
    criterion = (
        f"the mean over {network.P} populations of |R_theory - R_network| / R_network at t = {t1:g} is "
        f"{errors['with motifs']:.3f}, at most {tolerance:g} is allowed (without motifs: {errors['without motifs']:.3f})"
    )
    return NetworkVerification(
        title,
        system,
        parameters,
        theory,
        plain,
        seen,
        errors,
        len(violations(parameters)),
        bool(errors["with motifs"] <= tolerance),
        criterion,
    )


def _offset_correlations(
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
