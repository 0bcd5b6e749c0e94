"""Predictions of fitted networks: other cycles, parts removed, and sampled networks.

A part is removed without fitting again; sampled networks are simulated neuron by neuron.
"""

from typing import Any

import jax
import numpy as np
from network import CHAINS
from recordings import BEFORE, IMAGE_SETS, UNIT, start_of
from study import ALONG, FITTED, Study

import motifield as mf

SHOWN = (
    "mechanism",
    "no motifs, no familiar signal",
    "no motifs, uniform familiar signal",
    "everything",
)
CYCLES = range(2, 10)
"""All but the first, before which no grey was recorded."""
NEURONS = 4000


def lesions(own: Study, u: np.ndarray) -> dict[str, np.ndarray]:
    """Coordinates of a fit without each of its parts, everything else as fitted."""
    parts = {f"without {name}": (f"chains of {entry}",) for name, entry in CHAINS.items()}
    parts["without the familiar signal"] = ALONG
    return {
        name: np.where([label in gone for label in own.labels], 0.0, u)
        for name, gone in parts.items()
    }


def elsewhere(own: Study) -> np.ndarray:
    """Targets of cycles that no fit has seen."""
    return ~np.isin(own.cycles, FITTED)


def predictions(own: Study, fits: dict[str, Any]) -> dict[str, np.ndarray]:
    """Predictions of every target, by fit."""
    values = own.fitter.look(np.array([f["u"] for f in fits.values()]))[2]
    return dict(zip(fits, values, strict=True))


def fitted(own: Study, u: np.ndarray) -> dict[str, mf.Parameters]:
    """Parameters by image set; reciprocal synapses are uncorrelated, as in the equations."""
    made = {
        name: own.problem.coordinates.of_condition(jax.numpy.asarray(u), name)
        for name in IMAGE_SETS
    }
    return {
        name: jax.tree.map(jax.numpy.asarray, par.replace(tau_rec=np.zeros((par.P, par.P))))
        for name, par in made.items()
    }


def networks(
    own: Study, u: np.ndarray, seeds: range, neurons: int = NEURONS
) -> list[dict[str, np.ndarray]]:
    """Mean rates of sampled networks, (time, population) by image set.

    Networks of another size than that of the problem have the same large-N limit.
    """
    conditions, system, found = fitted(own, u), own.problem.system, []
    first = next(iter(conditions.values()))
    par = first if neurons == float(first.N) else first.rescaled(neurons)
    times = np.unique(own.problem.targets.time)
    start = own.fitter.look(u[None])[1][0][:, : par.P]  # the first latents are K
    runs = [
        {
            "input": p.input,
            "in_strength": p.in_strength,
            "initial": dict(zip(par.populations, k.tolist(), strict=True)),
        }
        for p, k in zip(conditions.values(), start, strict=True)
    ]
    for seed in seeds:
        network = mf.sample(par, seed, dtype=np.float32)
        seen = mf.simulate(
            system,
            network,
            par,
            t1=float(times[-1]),
            saveat=times,
            runs=runs,
            rtol=1e-3,
            atol=1e-4,
        )
        found.append({name: seen["rate"].values[k] for k, name in enumerate(IMAGE_SETS)})
    return found


def slowest(own: Study, u: np.ndarray) -> dict[str, float]:
    """Time constant in ms of the slowest mode at rest, by image set.

    A neuron without synapses has 20 ms.
    """
    states, found = own.fitter.look(u[None])[1][0], {}
    for (name, par), y in zip(fitted(own, u).items(), states, strict=True):
        found[name] = -1000 * UNIT / float(own.problem.point(name, par, y).eigenvalues.real.max())
    return found


def courses(own: Study, values: np.ndarray) -> dict[str, np.ndarray]:
    """Mean rates among the values of targets, (time, population) by image set."""
    t, found = own.problem.targets, {}
    rates = np.array(t.quantity) == "rate_mean"
    for name in IMAGE_SETS:
        there = rates & (np.array(t.condition) == name)
        columns = [
            values[there & (np.array(t.population) == p)]
            for p in own.problem.coordinates.parameters.populations
        ]
        found[name] = np.stack(columns, axis=1)
    return found


def seconds(own: Study, first: int) -> np.ndarray:
    """Times of the targets, from the omission."""
    return np.unique(own.problem.targets.time) * UNIT - BEFORE + start_of(first)
