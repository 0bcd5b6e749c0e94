"""The model of V1's four classes: targets, priors of the synapses, and the unknowns of a fit."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import sympy as sp
from scipy.optimize import least_squares

import motifield as mf
from motifield.theory.expressions import X

HERE = Path(__file__).parent
POPULATIONS = ("E", "PV", "SST", "VIP")
SIGNS = {"E": 1, "PV": -1, "SST": -1, "VIP": -1}
CLASSES = {"Exc": "E", "PV": "PV", "SST": "SST", "VIP": "VIP"}
CONDITIONS = {"spontaneous": "firing_rate_sp", "gratings": "Ave_Rate(Hz)"}
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
UNITS = "data/OSI_DSI_neuropixels_v4.csv"
LAYERS = ("L2/3", "L4", "L5", "L6")
N = 4000
UNIT = 0.02  # s: a potential of 1 mV that decays in 20 ms adds .02 mV per Hz to the mean input
WIDTH = {"exponent": 0.2, "gain": 1.0, "width": 1.0}
"""Prior standard deviations of the logarithms of the transfer function's parameters."""

TRANSFERS = {
    "power law": mf.transfer.power_law(exponent=2.0, gain=0.1),
    "soft power law": mf.transfer.expression(
        "gain*(width*log(1 + exp(x/width)))**exponent",
        positive=["gain", "width", "exponent"],
        gain=0.1,
        width=1.0,
        exponent=2.0,
        name="soft_power_law",
    ),
    "softplus": mf.transfer.expression(
        "gain*width*log(1 + exp(x/width))",
        positive=["gain", "width"],
        gain=2.0,
        width=1.0,
        name="softplus",
    ),
}
"""Candidates, from mV to Hz."""
CHOSEN = "soft power law"
CONVERGENCE = mf.fitting.FreeMotifs(
    tuple(f"tau_con[{p},{q},{q}]" for p in POPULATIONS for q in POPULATIONS)
)
"""In-strengths from each source vary, independently of those from other sources."""
SOLVER = mf.fitting.LevenbergMarquardt(steps=120, stall=3e-4)
UNSURE = 0.7
"""Prior standard deviation of the logarithm of convergence."""


def targets() -> mf.Targets:
    """Means, standard deviations and correlations of all layers' units; quantiles are held out."""
    found = mf.Targets.from_neurons(
        HERE / UNITS,
        population="cell_type",
        separator=" ",
        conditions=CONDITIONS,
        levels=LEVELS,
        select=lambda cell: CLASSES.get(cell.split()[-1]),
    )
    return found.hold_out(quantity="rate_quantile")


def layer_targets() -> mf.Targets:
    """Means and standard deviations of each layer, with conditions such as "L4 gratings".

    Without VIP units, of which a layer has 3 to 5.
    """
    rows = []
    for layer in LAYERS:
        found = mf.Targets.from_neurons(
            HERE / UNITS,
            population="cell_type",
            separator=" ",
            conditions=CONDITIONS,
            quantities=("rate_mean", "rate_sd"),
            select={f"{layer} {cell}": p for cell, p in CLASSES.items() if p != "VIP"},
        )
        rows += [{**row, "condition": f"{layer} {row['condition']}"} for row in found.rows()]
    return mf.Targets.of(rows)


def without_layer(label: str) -> str:
    """The pooled target that corresponds to a layer's."""
    return " ".join(word for word in label.split() if word not in LAYERS)


def priors() -> dict[str, mf.priors.LogNormal]:
    """Priors of mean and g from connection probabilities of all layers and amplitudes at rest.

    From VIP onto E, the amplitude is that from VIP onto interneurons.
    """
    layers = ("l23", "l4", "l5", "l6")
    probed = {
        "E": ["l23pyr", "l4pyr", "l5et", "l5it", "l6pyr"],
        **{p: [f"{own}{p.lower()}" for own in layers] for p in POPULATIONS[1:]},
    }
    patched = {"E": "all_pyr", "PV": "pvalb", "SST": "sst", "VIP": "vip"}
    counts = mf.fitting.read_connections(
        HERE / "data/connection_counts_mouseV1_r2.0pre4.csv", probed
    )
    sizes = mf.fitting.read_amplitudes(
        HERE / "data/psp_characterization.csv", patched, instead={("E", "VIP"): ("all_int", "vip")}
    )
    return mf.priors.synaptic_priors(POPULATIONS, *counts, *sizes, excitatory=["E"], N=N, unit=UNIT)


def fractions() -> np.ndarray:
    """Of the four classes, in all layers."""
    cells = pd.read_csv(HERE / "data/cells.csv").groupby("cell_class").density_per_mm2.sum()
    found = np.array([cells[name] for name in CLASSES])
    return found / found.sum()


def in_degree_cv() -> np.ndarray:
    """Relative standard deviation of the number of synapses that a neuron of each class receives.

    A mean over the types of the class, weighted by their density.
    """
    table = pd.read_csv(HERE / "data/cells.csv")
    table["cv"] = np.sqrt(np.exp(table.in_degree_lognormal_shape**2) - 1)
    return np.array(
        [
            np.average(own.cv, weights=own.density_per_mm2)
            for own in (table[table.cell_class == name] for name in CLASSES)
        ]
    )


def convergence_priors(known: dict[str, mf.priors.LogNormal]) -> dict[str, mf.priors.LogNormal]:
    """Priors of tau_con[p,q,q] = (cv_p mean_pq sqrt(N) / g_pq)^2, within a factor of e^.7.

    This is the convergence of in-degrees that vary with a relative SD of cv_p.
    """
    cv = dict(zip(POPULATIONS, in_degree_cv(), strict=True))
    share = {
        (p, q): (cv[p] * known[f"mean[{p},{q}]"].median * np.sqrt(N) / known[f"g[{p},{q}]"].median)
        ** 2
        for p in POPULATIONS
        for q in POPULATIONS
    }
    return {
        f"tau_con[{p},{q},{q}]": mf.priors.LogNormal(float(value), UNSURE)
        for (p, q), value in share.items()
    }


def with_convergence(
    parameters: mf.Parameters, found: dict[str, mf.priors.LogNormal]
) -> mf.Parameters:
    """The parameters with convergence at its most probable values."""
    tau = np.zeros((len(POPULATIONS),) * 3)
    for p, target in enumerate(POPULATIONS):
        for q, source in enumerate(POPULATIONS):
            tau[p, q, q] = found[f"tau_con[{target},{source},{source}]"].median
    return parameters.replace(tau_con=tau)


@dataclass(frozen=True)
class Model:
    """A transfer function with the parameters near which a fit starts; make it with `Model.of`.

    inputs: of each condition, in mV, (P,)
    """

    system: mf.types.System
    parameters: mf.Parameters
    inputs: dict[str, np.ndarray]

    @classmethod
    def of(
        cls,
        transfer: mf.transfer.TransferFunction,
        measured: mf.Targets,
        known: dict[str, mf.priors.LogNormal],
    ) -> "Model":
        """Synapses at their most probable values, no motifs.

        Inputs and their spread are such that the means, and nearly the SDs, are those measured.
        """
        architecture = mf.Architecture(POPULATIONS, transfer, inputs=["spread"])
        mean, g = (
            np.array([[known[f"{name}[{p},{q}]"].median for q in POPULATIONS] for p in POPULATIONS])
            for name in ("mean", "g")
        )
        mean, alpha = mean * np.array(list(SIGNS.values())), fractions()
        inputs, spreads = {}, []
        for condition in CONDITIONS:
            rate, sd = (
                np.array(
                    [
                        measured.select(quantity=q, condition=condition, population=p).value[0]
                        for p in POPULATIONS
                    ]
                )
                for q in ("rate_mean", "rate_sd")
            )
            K, width = np.array(
                [currents(transfer, *both) for both in zip(rate, sd, strict=True)]
            ).T
            inputs[condition] = K - N * mean @ (alpha * rate)
            spreads.append(np.sqrt(np.maximum(width**2 - g**2 @ (alpha * (rate**2 + sd**2)), 0.1)))
        parameters = mf.Parameters.of(
            populations=POPULATIONS,
            N=N,
            fractions=alpha,
            mean=mean,
            g=g,
            input=inputs["spontaneous"],
            spread=np.mean(spreads, axis=0),
        )
        return cls(
            mf.compile(mf.derive(architecture, closure=mf.SecondMoment())), parameters, inputs
        )

    def conditions(self) -> dict[str, dict[str, float]]:
        """The inputs of each condition by name."""
        return {
            name: {f"input[{p}]": value for p, value in zip(POPULATIONS, own, strict=True)}
            for name, own in self.inputs.items()
        }


def currents(transfer: mf.transfer.TransferFunction, rate: float, sd: float) -> tuple[float, float]:
    """Mean and standard deviation of a normal current whose rates have these."""
    phi = sp.lambdify(X, transfer.with_defaults, "numpy")
    z, weights = np.polynomial.hermite_e.hermegauss(200)
    weights = weights / weights.sum()

    def misfit(v: np.ndarray) -> list[float]:
        rates = phi(v[0] + np.exp(v[1]) * z)
        mean = weights @ rates
        return [np.log(mean / rate), np.log((weights @ (rates - mean) ** 2) / sd**2)]

    found = least_squares(misfit, [3.0, 0.5], bounds=([-30, -3], [30, 3]))
    return float(found.x[0]), float(np.exp(found.x[1]))


def unknowns(
    known: dict[str, mf.priors.LogNormal],
    transfer: mf.transfer.TransferFunction,
    *,
    spread: bool = True,
) -> list[mf.fitting.Unknown]:
    """Mean and g of all synapses (with priors), inputs, and the transfer function.

    There is an input for each condition; the spread of inputs and its persistence are common.
    """
    found = [
        mf.fitting.Unknown(
            name,
            low=0.0 if prior.sign > 0 else -np.inf,
            high=np.inf if prior.sign > 0 else 0.0,
            prior=prior,
        )
        for name, prior in known.items()
    ]
    found += [
        mf.fitting.Unknown(f"input[{p}]", condition=c) for c in CONDITIONS for p in POPULATIONS
    ]
    found += [
        mf.fitting.Unknown(
            f"transfer.{name}", low=0.0, prior=mf.priors.LogNormal(float(value), WIDTH[name])
        )
        for name, value in zip(transfer.parameters, transfer.defaults.values(), strict=True)
        if name in WIDTH
    ]
    if spread:
        found += [mf.fitting.Unknown(f"spread[{p}]", low=0.0) for p in POPULATIONS]
        # offsets of inputs that change their sign would explain nothing
        found += [
            mf.fitting.Unknown(f"persistence[{p}]", low=0.0, high=1.0, start=(0.1, 0.9))
            for p in POPULATIONS
        ]
    return found
