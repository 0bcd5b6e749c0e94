"""Two populations of V1 under light on the inhibitory one: targets, equations, unknowns."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import motifield as mf

HERE = Path(__file__).parent
CLASSES = {0: "E", 1: "I"}
N = 4000
ALPHA = np.array([0.8, 0.2])
QUANTITIES = ("rate_mean", "rate_sd")
RESAMPLES = 1000
SIGNS = {"E": 1, "I": -1}
MEAN, SPREAD, CONVERGENCE, EXPONENT = {"E": 0.0007, "I": 0.003}, 0.15, 0.01, 2.0
"""Medians of the priors.

Means: a connection in ten of .35 mV, inhibition in two of .4 mV, 20 ms. Spread: their root mean
square times sqrt(N).
"""
UNSURE = 2.0
MARGIN = 0.8
"""Slowest decay of a fit for networks, relative to that without synapses.

Where it is less, some networks of sixteen thousand neurons have lost the state without laser at a
fold: finite-size fluctuations of its mean rates are too large a part of these (`finite.py`).
"""
LIGHT = ("input.power[I]", "input.root[I]", "spread.power[I]", "spread.root[I]")


def rates() -> pd.DataFrame:
    """Rates in Hz, neurons by laser power, with their class as the index."""
    table = pd.read_csv(HERE / "data/rates.csv.gz")
    wide = table.pivot(index=["is_inhibitory", "neuron"], columns="power", values="rate")
    return wide.set_axis(
        pd.Index([CLASSES[k] for k in wide.index.get_level_values(0)], name="class"), axis=0
    )


def name(power: float) -> str:
    """The condition of a power."""
    return f"{power:.1f}"


def targets(table: pd.DataFrame, powers: Sequence[float], seed: int = 0) -> mf.Targets:
    """Means and SDs with bootstrap errors; all powers share the resampled neurons."""
    columns = {name(power): power for power in powers}
    data = table[list(powers)].set_axis(list(columns), axis=1).assign(cls=table.index)
    return mf.Targets.from_neurons(
        data,
        population="cls",
        conditions={c: c for c in columns},
        quantities=QUANTITIES,
        bootstrap=RESAMPLES,
        seed=seed,
    )


def system() -> mf.types.System:
    """Power laws with an exponent for each class; offsets of the inputs differ across neurons."""
    spec = mf.load_spec(HERE / "spec.toml")
    return mf.compile(mf.derive(spec.architecture, spec.closure))


def light(power: float, weights: dict[str, list[float]]) -> mf.inputs.Signals:
    """An input with a constant part and parts that grow with the power and with its root."""
    return mf.inputs.signals(
        [0.0, 1.0], {"one": 1.0, "power": power, "root": np.sqrt(power)}, weights, ["E", "I"]
    )


def parameters() -> mf.Parameters:
    """The centre of random starts and priors: sizes that such synapses have, nothing fitted."""
    synapses = {
        "mean": [[MEAN["E"], -MEAN["I"]]] * 2,
        "g": np.full((2, 2), SPREAD),
        "transfer": {"exponent": np.full(2, EXPONENT)},
    }
    con = np.zeros((2, 2, 2))
    con[:, 0, 0] = con[:, 1, 1] = CONVERGENCE
    return (
        mf.load_spec(HERE / "spec.toml").numbers().replace(**synapses, tau_con=con, **inputs(0.0))
    )


def inputs(power: float) -> dict[str, mf.inputs.Signals]:
    """Mean and spread of the inputs at a power; the weights are where random starts lie."""
    return {
        "input": light(power, {"one": [2.0, 2.0], "power": [0.0, 1.0], "root": [0.0, 1.0]}),
        "spread": light(power, {"one": [5.0, 5.0], "power": [0.0, 1.0], "root": [0.0, 1.0]}),
    }


def priors() -> dict[str, mf.priors.Normal | mf.priors.LogNormal]:
    """Priors of all unknowns.

    Within a factor of e^2 for synapses, convergence and the spread without light; exponents 2 +- 1;
    0 +- 10 mV for the light's weights.
    """
    found: dict[str, mf.priors.Normal | mf.priors.LogNormal] = {
        name: mf.priors.Normal(0.0, 10.0) for name in LIGHT
    }
    for p in "EI":
        found |= {
            f"mean[{p},{q}]": mf.priors.LogNormal(MEAN[q], UNSURE, sign)
            for q, sign in SIGNS.items()
        }
        found |= {f"g[{p},{q}]": mf.priors.LogNormal(SPREAD, UNSURE) for q in "EI"}
        found |= {f"tau_con[{p},{q},{q}]": mf.priors.LogNormal(CONVERGENCE, UNSURE) for q in "EI"}
        found |= {
            f"transfer.exponent[{p}]": mf.priors.Normal(EXPONENT, 1.0),
            f"spread.one[{p}]": mf.priors.LogNormal(5.0, UNSURE),
        }
    return found


UNKNOWNS = [
    mf.fitting.Unknown("input.one[E]"),
    mf.fitting.Unknown("input.one[I]"),
    mf.fitting.Unknown("input.power[I]", low=0.0),
    mf.fitting.Unknown("input.root[I]", low=0.0),
    mf.fitting.Unknown("spread.one[E]", low=0.0),
    mf.fitting.Unknown("spread.one[I]", low=0.0),
    mf.fitting.Unknown("spread.power[I]", low=0.0),
    mf.fitting.Unknown("spread.root[I]", low=0.0),
    *(mf.fitting.Unknown(f"transfer.exponent[{p}]", low=1.0, high=5.0) for p in "EI"),
    *(mf.fitting.Unknown(f"g[{p},{q}]", low=0.0) for p in "EI" for q in "EI"),
]
MOTIFS = mf.fitting.FreeMotifs(
    ("tau_con[E,E,E]", "tau_con[E,I,I]", "tau_con[I,E,E]", "tau_con[I,I,I]")
)


def problem(
    own: mf.types.System, measured: mf.Targets, stable: bool | float = True
) -> mf.fitting.Problem:
    """The fit of the targets at some powers; `stable` is as in `mf.fit`.

    Dale's law, convergence from each class, no other motifs (B is 0).
    """
    base = own.complete(parameters())
    return mf.fitting.Problem.of(
        own,
        base,
        measured,
        [*mf.fitting.dale(SIGNS, base), *UNKNOWNS],
        motifs=MOTIFS,
        priors=priors(),
        conditions={c: inputs(float(c)) for c in measured.conditions},
        stable=stable,
    )
