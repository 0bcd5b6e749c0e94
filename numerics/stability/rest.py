"""The fixed point of one network, which its neurons come to."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sps
import scipy.sparse.linalg as spl

from ...errors import SolverError
from ..parameters import Parameters, by_population
from ..simulation import input_offsets, pattern_of, simulate
from ..system import System, held_inputs

RESIDUAL = 1e-7  # of |dx/dt|, relative to the largest |x|: far below the spacing of eigenvalues
STEPS = 40  # of Newton's method, which takes few where the network rests
MOVING = 0.03
"""A network whose |dx/dt| is larger, relative to the largest |x|, has not come to rest."""


def network_at_rest(
    system: System,
    network: Any,
    parameters: Parameters,
    *,
    initial: Any = None,
    t1: float = 60.0,
    time: float = 0.0,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray, float]:
    """The fixed point that a network comes to, by simulation and Newton's method.

    Args:
        system: for the transfer functions.
        network: a `Network` whose units are dx/dt = -x + input.
        parameters: of the neurons.
        initial: x at the start: a number, one per population or one per neuron.
        t1: how long to simulate; 0 for Newton's method alone.
        time: when the inputs are held.
        seed: of offsets of the inputs that the network lacks.

    Returns:
        x, (N,); phi'(x), (N,); the largest |dx/dt|.

    Raises:
        SolverError: the network does not rest.
    """
    I, h, spread = map(np.asarray, held_inputs(parameters, time))
    led = {name: np.asarray(v(time)) for name, v in parameters.pattern_input.items()}
    x = _started(network, initial)
    if t1 > 0:
        how: Any = {"t1": t1, "saveat": [t1], "initial": x, "seed": seed, "dtype": np.float64}
        how |= {"input": I, "in_strength": h, "spread": spread, "pattern_input": led}
        x = simulate(system, network, parameters, **how).dataset["x"].values
    drive = I[network.labels] + network.in_strengths() @ h
    if np.any(spread != 0):
        drive = drive + spread[network.labels] * input_offsets(network, seed)
    for name, along in led.items():
        drive = drive + np.broadcast_to(along, network.P)[network.labels] * pattern_of(
            network, name
        )
    W = network.matrix.astype(float)
    members = [network.members(p) for p in range(network.P)]
    for step in range(STEPS):
        rates, slopes = np.zeros(network.N), np.zeros(network.N)
        for p, own in enumerate(members):
            rates[own], slopes[own] = system.sampled(x[own], p, parameters)
        residual = W @ rates + drive - x
        size, left = max(1.0, np.abs(x).max()), float(np.abs(residual).max())
        if left < RESIDUAL * size:
            return x, slopes, left
        if step == 0 and t1 > 0 and left > MOVING * size:
            break
        x = x + _solved(W, slopes, residual)
        if not np.all(np.isfinite(x)):
            break
    raise SolverError(
        f"the network does not rest: after t = {t1:g} and {step} Newton steps |dx/dt| is still "
        f"{left:.3g} (chaos, an oscillation, or a slow approach: try a longer t1 or another start)"
    )


def _started(network: Any, initial: Any) -> np.ndarray:
    if np.shape(initial) == (network.N,):
        return np.asarray(initial, dtype=float)
    first = 0.0 if initial is None else initial
    return by_population(first, network.populations, "x")[network.labels]


def _solved(W: Any, slopes: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """(1 - W diag(slopes))^-1 residual."""
    if isinstance(W, sps.csr_array):
        matrix = (sps.eye_array(len(slopes)) - W @ sps.diags_array(slopes)).tocsc()
        return spl.spsolve(matrix, residual)
    matrix = np.eye(len(slopes)) - W * slopes
    return sl.solve(matrix, residual, overwrite_a=True, overwrite_b=False)
