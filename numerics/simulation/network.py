"""The microscopic network itself: N coupled units integrated in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.experimental.sparse as jsparse
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sps
from jax.tree_util import Partial

from ...errors import NetworkError
from ...time_units import measured
from ..machine import require_memory
from ..networks import Network, as_seed
from ..parameters import INPUTS, NAMED_INPUTS, Parameters
from ..precision import require_x64
from ..results import Result, Status, raise_on_failure
from ..system import System, Units
from .carried import neuron_changes, neuron_parameters
from .drives import EACH_RUN, Drives, drives_of, edges_of, runs_of
from .neurons import Coupled, Report, integrate_neurons
from .options import SimulationOptions
from .states import Simulation, initial_currents, initial_states, reached, simulation

# A product with a CSR matrix beats a dense one where it is large and has few synapses.
DENSE_NEURONS, DENSE_FRACTION = 5000, 0.05


def simulate(
    system: System,
    network: Network,
    parameters: Parameters | None = None,
    *,
    t1: float,
    initial: Any = 0.0,
    seed: int = 0,
    runs: Sequence[Mapping[str, Any]] | None = None,
    resume: Result | None = None,
    throw: bool = True,
    **others: Any,
) -> Simulation:
    """Integrate a network neuron by neuron, x_i = M_p[ sum_j J_ij S_q[phi_q(x_j)] + I_i(t) ].

    Neuron i is of population p, j of q, and I_i(t) = I_p(t) + sum_q h_q(t) u_i^q + sigma_p(t) xi_i,
    inputs along patterns and white noise: `docs/theory.md`, sections 1, 2.3 and 6.5. Filters,
    functions and inputs are those that the network carries. Unknown in-strengths u are measured,
    offsets xi drawn. Without noise the method is Tsitouras' Runge-Kutta 5(4) with adaptive steps
    that land on jumps of the inputs, with noise Heun's, whose moments have errors of order dt^2.

    Args:
        system: compiled equations, for the transfer functions and filters of their architecture.
        network: sampled or read.
        parameters: in place of those that the network carries.
        t1: end time, in the unit of the time constants; the start is t = 0.
        initial: x at the start: a number, one per population (list or mapping) or one per neuron;
            where the membrane is 1, of r, the rate as the synapses pass it on.
        seed: of the noise, and of offsets that the network lacks.
        runs: several at once, each with its own `input`, `in_strength`, `spread`, `pattern_input`
            or `initial`; one product of matrices serves all, with the steps of the hardest.
        resume: an earlier result for this network, to go on from its end with noise of its own.
        throw: whether a failure raises.
        others: changes of the parameters: `input`, `in_strength`, `spread`, `pattern_input`,
            `noise`, `transfer`, `membrane`, `synapse`, as in `Parameters.of`; and options of
            `SimulationOptions`: `saveat`, `dt_save`, `record`, `rtol`, `atol`, `dt`, `dtype`,
            `max_steps`, `progress`.

    Returns:
        The moments of all populations in time, and all neurons at the end.

    Raises:
        ParameterError: parameters that are needed are not known, or options cannot be used.
        NetworkError: weights that do not fit into memory, or a seed that is no integer >= 0.
        SolverError: the simulation failed, unless `throw` is false.
    """
    changes, options = neuron_changes("simulate", others)
    own = neuron_parameters(system, network, parameters, **changes)
    found = integrate_network(
        network,
        **_neurons(system, own),
        t1=t1,
        initial=initial,
        seed=seed,
        runs=runs,
        resume=resume,
        throw=throw,
        **options,
    )
    return replace(found, dataset=measured(found.dataset, own.time_unit))


def _neurons(system: System, own: Parameters) -> dict[str, Any]:
    """The neurons of a system as arguments of `integrate_network`."""
    return {
        "phi": Partial(system.transfer, parameters=own),
        "units": Units.of(system.mean_field.architecture, own),
        **{name: getattr(own, name) for name in (*INPUTS, *NAMED_INPUTS)},
    }


def integrate_network(
    network: Network,
    phi: Callable[[Any, int], Any],
    *,
    t1: float,
    units: Units | None = None,
    seed: int = 0,
    runs: Sequence[Mapping[str, Any]] | None = None,
    resume: Result | None = None,
    throw: bool = True,
    **options: Any,
) -> Simulation:
    """`simulate` for rates and units that no system describes; it takes nothing from `network`.

    phi(x, p) is the rate of the neurons of population p (an index), traced by JAX; code is
    compiled once per network size, `phi` object and form of units. Plain units unless given.
    Options are those of `SimulationOptions`, and what each run may have of its own, 0 by default.
    """
    require_x64()
    defaults = dict.fromkeys(EACH_RUN, 0.0) | {"pattern_input": None}
    each = runs_of(runs, {name: options.pop(name, v) for name, v in defaults.items()})
    chosen, seed = SimulationOptions.of("integrate_network", options, EACH_RUN), as_seed(seed)
    t0 = 0.0 if resume is None else reached(resume, network)
    times, recorded = chosen.times(t0, t1), chosen.recorded(network.N)
    order = np.argsort(network.labels, kind="stable")
    drives = drives_of(network, order, each, seed, (t0, float(t1)))
    drive: Any = drives[0] if runs is None else Drives(tuple(drives))
    units = None if units is None or (units := units.over(network.P)).is_plain else units
    starts = [initial_currents(network, own["initial"], resume, order) for own in each]
    start = starts[0] if runs is None else np.stack(starts, axis=1)
    edges = edges_of(drives, t0, float(t1))
    y0: Any = jnp.asarray(start)
    if units is not None:
        y0 = initial_states(units, start, resume, order, network.sizes)
    where = None if recorded is None else jnp.asarray(np.argsort(order)[recorded])
    coupled = Coupled(drive, units, phi, where, network.sizes)
    matrix = _matrix(network.weights, order, chosen.precision(network))
    span = (jnp.asarray(times), jnp.asarray(t0), jnp.asarray(float(t1)))
    report = None if chosen.progress is None else Report(chosen.progress)
    if units is not None and units.is_noisy:
        from .noise import Noise, integrate_noisy_neurons  # diffrax loads slowly

        grid = chosen.grid(times, edges, t0, float(t1), units.shortest)
        noise = Noise.of(units, start.shape, network.sizes, grid, seed)
        most = int(chosen.max_steps)
        ran = integrate_noisy_neurons(coupled, matrix, y0, noise, *span, most, report)
    else:
        steps = tuple(jnp.asarray(v) for v in (chosen.rtol, chosen.atol, chosen.max_steps))
        args = (coupled, matrix, y0, jnp.asarray(edges), *span, *steps, report)
        ran = integrate_neurons(*args)
    found = simulation(network, ran, None if runs is None else len(each), times, recorded, t1)
    if not found.status.ok:
        message = f"the simulation of {network.N} neurons {found.status}"
        raise_on_failure(Status(message, found.status.code), throw)
    return found


def _matrix(weights: Any, order: np.ndarray, dtype: np.dtype):
    """Synapses in the given order: a dense array, unless a large and really sparse matrix."""
    N = weights.shape[0]
    sorted_already = bool(np.all(order == np.arange(N)))
    if not isinstance(weights, np.ndarray | sps.csr_array):  # drawn again at every product
        if dtype != weights.dtype:
            raise NetworkError(
                f"the synapses are drawn as {weights.dtype}: make the network with dtype = "
                f"{dtype}, or leave dtype out"
            )
        return weights
    if isinstance(weights, sps.csr_array):
        if not sorted_already:
            weights = weights[order][:, order]
        if N > DENSE_NEURONS and weights.nnz <= DENSE_FRACTION * N**2:
            return jsparse.BCSR.from_scipy_sparse(sps.csr_array(weights.astype(dtype)))
        require_memory(
            2 * N**2 * dtype.itemsize,
            f"a network of {N} neurons with {weights.nnz} synapses, kept dense,",
        )
        return jnp.asarray(weights.astype(dtype).toarray())
    own = weights if sorted_already else weights[np.ix_(order, order)]
    # a network's weights never change: on a CPU they are used where they are, if they begin at a
    # multiple of 64 bytes
    return jax.device_put(own.astype(dtype, copy=False), may_alias=True)
