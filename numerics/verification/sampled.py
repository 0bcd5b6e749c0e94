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
    seed: int = 0,
    sampler: Sampler | None = None,
    **options: Any,
) -> Simulation:
    """Sample a network and simulate it.

    Args:
        system: the compiled equations, for the transfer functions.
        parameters: the network's numbers, which are those of the sample.
        seed: of the network, of its noise and of its offsets.
        sampler: of the synapses; Gaussian ones by default.
        options: of `simulate`, such as t1.

    Raises:
        ParameterError: as `sample` and `simulate`.
        SolverError: the simulation diverges.
    """
    return simulate(system, sample(parameters, seed, sampler=sampler), seed=seed, **options)
