"""Two populations of V1 under light on the inhibitory one: what was measured, the equations, and what a fit may change."""

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


def rates() -> pd.DataFrame:
    """Rates in Hz, neurons by laser power, with their class as the index."""
    table = pd.read_csv(HERE / "data/rates.csv.gz")
    wide = table.pivot(index=["is_inhibitory", "neuron"], columns="power", values="rate")
    return wide.set_axis(pd.Index([CLASSES[k] for k in wide.index.get_level_values(0)], name="class"), axis=0)


def name(power: float) -> str:
    """The condition of a power."""
    return f"{power:.1f}"


def targets(table: pd.DataFrame, powers: Sequence[float], seed: int = 0) -> mf.Targets:
    """Means and standard deviations with bootstrap errors, the same resampled neurons at all powers."""
    columns = {name(power): power for power in powers}
    data = table[list(powers)].set_axis(list(columns), axis=1).assign(cls=table.index)
    return mf.Targets.from_neurons(data, population="cls", conditions={c: c for c in columns}, quantities=QUANTITIES, bootstrap=RESAMPLES, seed=seed)


def system() -> mf.System:
    """Power laws with an exponent for each class; offsets of the inputs differ across neurons."""
    spec = mf.load_spec(HERE / "spec.toml")
    return mf.compile(mf.derive(spec.architecture, spec.closure))


def light(power: float, weights: dict[str, list[float]]) -> mf.Signals:
    """An input with a constant part and parts that grow with the power and with its root."""
    return mf.signals([0.0, 1.0], {"one": 1.0, "power": power, "root": np.sqrt(power)}, weights, ["E", "I"])


def parameters(power: float = 0.0) -> mf.Parameters:
    """Those of the spec, with the light's part of the inputs as signals."""
    own = mf.load_spec(HERE / "spec.toml").numbers()
    return own.replace(**inputs(power))


def inputs(power: float) -> dict[str, mf.Signals]:
    """Mean and spread of the inputs at a power; the weights are where a fit starts."""
    own = mf.load_spec(HERE / "spec.toml").numbers()
    one, spread = (np.asarray(v(0.0)).tolist() for v in (own.input, own.spread))
    return {"input": light(power, {"one": one, "power": [0.0, 0.03], "root": [0.0, 0.08]}),
            "spread": light(power, {"one": spread, "power": [0.0, 0.023], "root": [0.0, 2.171]})}  # fmt: skip


UNKNOWNS = [
    mf.Unknown("input.one[E]"), mf.Unknown("input.one[I]"), mf.Unknown("input.power[I]", low=0.0), mf.Unknown("input.root[I]", low=0.0),
    mf.Unknown("spread.one[E]", low=0.0), mf.Unknown("spread.one[I]", low=0.0), mf.Unknown("spread.power[I]", low=0.0),
    mf.Unknown("spread.root[I]", low=0.0),
    *(mf.Unknown(f"transfer.exponent[{p}]", low=1.0, high=5.0) for p in "EI"), *(mf.Unknown(f"g[{p},{q}]", low=0.0) for p in "EI" for q in "EI"),
]  # fmt: skip
MOTIFS = mf.FreeMotifs(("tau_con[E,E,E]", "tau_con[E,I,I]", "tau_con[I,E,E]", "tau_con[I,I,I]"))


def problem(own: mf.System, measured: mf.Targets) -> mf.Problem:
    """The fit of what was measured at some powers: Dale's law, convergence from each class, no other motifs (their B is 0)."""
    base = own.complete(parameters())
    return mf.Problem.of(own, base, measured, [*mf.dale({"E": 1, "I": -1}, base), *UNKNOWNS], motifs=MOTIFS,
                         conditions={c: inputs(float(c)) for c in measured.conditions})  # fmt: skip
