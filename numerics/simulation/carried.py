"""The numbers of a network's neurons: what the network carries, with what a caller changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ParameterError
from ..networks import Network
from ..parameters import NEURONS, Parameters
from ..system import OPTIONAL_INPUTS, System
from .options import SimulationOptions

REQUIRED = (
    "in_strength",
    "pattern_input",
    "spread",
    "noise",
)  # where the architecture has such an input


def neuron_parameters(
    system: System, network: Network, parameters: Parameters | None = None, **changes: Any
) -> Parameters:
    """The parameters of a network's neurons: transfer functions, filters, inputs and noise.

    Verbs that take a system and a network begin here, so that nothing the network carries is
    left out: a network that was sampled has the parameters it was sampled from.

    Args:
        system: the compiled equations; their architecture has default values for the parameters of
            transfer functions and filters.
        network: sampled, or read from a file.
        parameters: in place of those that the network carries, for the same populations.
        changes: `input`, `in_strength`, `spread`, `noise`, `transfer`, `membrane` or `synapse`, as
            in `Parameters.of`; None changes nothing.

    Returns:
        The parameters with the changes. Where there are none to change, those of independent
        synapses of mean 0, with what is given.

    Raises:
        ParameterError: other populations than the network's; neither the network nor the caller
            gives the input, or another input of the architecture; or the system has no such
            parameter.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    known = network.parameters if parameters is None else parameters
    if known is None:
        known = _alone(system, network, given)
    elif known.populations != network.populations:
        raise ParameterError(
            f"the parameters are for the populations {list(known.populations)}, the network has "
            f"{list(network.populations)}"
        )
    elif given:
        if "noise" in given:
            given["noise"] = np.broadcast_to(given["noise"], (network.P,))
        known = known.replace(**given)
    system.check_neurons(known.without_motifs())
    return known


def neuron_changes(verb: str, others: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keyword arguments of a verb: those for `neuron_parameters`, and `SimulationOptions`."""
    changes = {name: value for name, value in others.items() if name in NEURONS}
    options = {name: value for name, value in others.items() if name not in NEURONS}
    SimulationOptions.of(verb, options, NEURONS)  # raises for what is neither
    return changes, options


def _alone(system: System, network: Network, given: dict[str, Any]) -> Parameters:
    """Parameters of a network that carries none."""
    there = system.mean_field.architecture.inputs
    needed = ["input", *(name for name in REQUIRED if OPTIONAL_INPUTS[name] in there)]
    lacking = [f"{name}=" for name in needed if name not in given]
    if lacking:
        raise ParameterError(
            f"the network carries no parameters, and {', '.join(lacking)} is not given: pass it, "
            "or the parameters= of the neurons"
        )
    return Parameters.of(
        populations=network.populations,
        N=float(network.N),
        fractions=np.asarray(network.sizes) / network.N,
        mean=0.0,
        g=0.0,
        check=False,
        **given,
    )
