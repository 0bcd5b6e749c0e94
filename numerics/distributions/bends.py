"""Where transfer functions bend: edges for panels, and whether one jumps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ParameterError
from ..parameters import Parameters
from ..system import System, bend_code, evaluated

BESIDE = 1e-9  # how far from a break its sides are looked at, relative to the place
JUMP = 1e-5  # a difference of sides that steepness alone does not make, relative to the rate


def bends(system: System, k: int) -> list[Callable[..., Any]]:
    """Where the k-th distinct transfer function bends.

    Args:
        system: the compiled equations.
        k: position among the distinct transfer functions.

    Returns:
        Functions of the values of all parameters of the transfer functions, in the order of
        `system.transfer_parameters()`; none where the order of the breaks is not known.
    """
    f = system.mean_field.architecture.distinct_transfers[k]
    if f.function is not None:
        return [lambda *_, place=float(b): place for b in f.breaks]
    names = tuple(system.transfer_parameters())
    return [evaluated(code) for code in bend_code(f, names)]


def breaks(system: System, parameters: Parameters, p: int) -> list[float]:
    """Where the transfer function of population p bends.

    Args:
        system: the compiled equations.
        parameters: the network's numbers.
        p: position of the population.

    Returns:
        Input currents, ascending.

    Raises:
        ParameterError: the function jumps, so that its slope is infinite there.
    """
    k = system.mean_field.architecture.transfer_index(parameters.P)[p]
    own = system.transfer_parameters(parameters).values()
    values = [float(np.broadcast_to(np.asarray(v), (parameters.P,))[p]) for v in own]
    try:
        found = [float(place(*values)) for place in bends(system, k)]
    except ZeroDivisionError:  # a gain of 0 leaves a constant
        return []
    for place in found:
        step = BESIDE * max(1.0, abs(place))
        left, right = (
            float(system.sampled(place + sign * step, p, parameters)[0]) for sign in (-1, 1)
        )
        if abs(right - left) > JUMP * max(1.0, abs(left), abs(right)):
            raise ParameterError(
                f"the transfer function of population {parameters.populations[p]} jumps at x = "
                f"{place:.4g}: its slope is infinite there, and no state is stable against the "
                "residual of the synapses"
            )
    return sorted(found)
