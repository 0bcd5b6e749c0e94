"""The activity of one sampled network."""

from __future__ import annotations

from typing import Any

from ..parameters import Parameters
from ..sampling import Sampler, sample
from ..simulation import Simulation, simulate
from ..system import System


def simulate_sample(
    system: System,
    parameters: Parameters,
    *,
    t1: float,
    seed: int = 0,
    sampler: Sampler | None = None,
    **options: Any,
) -> Simulation:
    """Sample a network and simulate it.

    Args:
        system: the compiled equations, for the transfer functions.
        parameters: the network's numbers, which are those of the sample.
        t1: end time, in the unit of the time constants.
        seed: of the network, of its noise and of its offsets.
        sampler: of the synapses; Gaussian ones by default.
        options: others of `simulate`.

    Raises:
        ParameterError: as `sample` and `simulate`.
        SolverError: the simulation diverges.
    """
    network = sample(parameters, seed, sampler=sampler)
    return simulate(system, network, t1=t1, seed=seed, **options)
