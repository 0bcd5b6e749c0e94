"""What a fit asks of the equations: that they have every input and motif that it may change."""

from __future__ import annotations

import numpy as np

from ...errors import ParameterError
from ..parameters import MOTIFS, TENSORS, Parameters
from ..system import OPTIONAL_INPUTS, System, Units
from ..targets import Targets
from .conditions import Condition
from .coordinates import Coordinates
from .unknowns import PERSISTENCE


def require(
    system: System, coordinates: Coordinates, targets: Targets, parameters: Parameters
) -> None:
    """Check that the equations have all that conditions, unknowns and targets are about.

    Raises:
        ParameterError: a condition has numbers that no network can have, or inputs, motifs or units
            that the fit needs are not in the equations.
    """
    for condition in coordinates.conditions:
        _require_condition(system, condition, parameters)
    _require_inputs(system, coordinates)
    _require_motifs(system, coordinates)
    _require_units(system, parameters, targets)


def _require_condition(system: System, condition: Condition, parameters: Parameters) -> None:
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


def _require_inputs(system: System, coordinates: Coordinates) -> None:
    for label, arrays in coordinates.arrays.items():
        for name in arrays:
            needed = "spread" if name == PERSISTENCE else OPTIONAL_INPUTS.get(name)
            if needed is not None and needed not in system.mean_field.architecture.inputs:
                raise ParameterError(
                    f"{label} is unknown, but the architecture has no such input: add {needed!r} "
                    "to its inputs"
                )


def _require_motifs(system: System, coordinates: Coordinates) -> None:
    """Chains p <- q <- p change tau_rec, too."""
    there = system.mean_field.architecture.motifs
    families = {array: motif for motif, array in TENSORS.items()}
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
                f"{entry} may change, but the architecture has no {motif} motifs: add {motif!r} to "
                "its motifs"
            )


def _require_units(system: System, parameters: Parameters, targets: Targets) -> None:
    units = Units.of(system.mean_field.architecture, parameters)
    if "rate_correlation" in targets.quantity and not units.is_plain:
        raise ParameterError(
            "correlations between conditions are here for units dx/dt = -x + input; the "
            "architecture has other filters or noise: at fixed points, filters of gain 1 change "
            "nothing, so leave them out"
        )
