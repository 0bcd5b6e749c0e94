"""The network of layer 2/3 and what is unknown of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from recordings import IMAGE_SETS

import motifield as mf
from motifield import filters

HERE = Path(__file__).parent
SIGNS = {"Pyr": 1, "PV": -1, "SST": -1, "VIP": -1}
CHAINS = {
    "VIP<-SST<-Pyr": "tau_chn[VIP,SST,Pyr]",
    "VIP<-SST<-VIP": "tau_chn[VIP,SST,VIP]",
    "VIP<-VIP<-SST": "tau_chn[VIP,VIP,SST]",
}
CONVERGENT = (
    *(f"tau_con[{p},Pyr,Pyr]" for p in SIGNS),
    "tau_con[SST,VIP,VIP]",
    "tau_con[VIP,SST,SST]",
)
DIVERGENT = ("tau_div[SST,VIP,VIP]", "tau_div[VIP,VIP,VIP]")
STRENGTHS = ("g[VIP,SST]", "g[SST,Pyr]", "g[SST,VIP]", "g[VIP,VIP]")
"""Standard deviations of the synapses that form the chains; the others stay as measured."""
DOUBT = 1.0
"""Standard deviation of the logarithm of means and g about the measured ones."""
SHARES = mf.priors.LogNormal(0.02, 1.0)
"""Prior of tau_con and tau_div, within a factor of e.

The spread of in-degrees implies .004 to .06 (../four_cell_types).
"""


def entry(parameters: mf.Parameters, name: str) -> float:
    """A number such as mean[VIP,SST]."""
    array, _, index = name.rstrip("]").partition("[")
    return float(
        getattr(parameters, array)[tuple(parameters.populations.index(p) for p in index.split(","))]
    )


def with_adaptation(architecture: mf.Architecture) -> mf.Architecture:
    """The same network, whose VIP cells adapt."""
    membrane = dict.fromkeys(SIGNS, filters.UNIT) | {
        "VIP": filters.adapting(tau=1, strength=1, tau_a=20)
    }
    parts = {"motifs": sorted(architecture.motifs), "inputs": sorted(architecture.inputs)}
    return mf.Architecture(
        architecture.populations, architecture.transfer, membrane=membrane, **parts
    )


@dataclass(frozen=True)
class Model:
    """System, parameters with inputs made of signals, and what is unknown."""

    system: mf.types.System
    parameters: mf.Parameters
    conditions: dict[str, dict[str, mf.inputs.Signals]]

    @classmethod
    def of(
        cls, times: np.ndarray, courses: dict[str, dict[str, np.ndarray]], adapting: bool = False
    ) -> "Model":
        """The model under recorded signals.

        Args:
            times: from `recordings.signals`.
            courses: from `recordings.signals`.
            adapting: whether VIP cells adapt, dx/dt = -x - strength a + input,
                tau_a da/dt = -a + x.
        """
        spec = mf.load_spec(HERE / "spec.toml")
        architecture = with_adaptation(spec.architecture) if adapting else spec.architecture
        system = mf.compile(mf.derive(architecture, spec.closure))
        measured = system.complete(spec.numbers())
        names = measured.populations
        weights = {
            "one": [-2.0, -2.0, -2.0, 4.0],
            "layer4": [2.0, 3.0, 2.0, 2.0],
            "familiar": 0.0,
            "image": 0.0,
        }
        conditions = {}
        for name in IMAGE_SETS:
            own = courses[name]
            conditions[name] = {
                "input": mf.inputs.signals(times, own, weights, names),
                "in_strength": mf.inputs.signals(
                    times,
                    {k: own[k] for k in ("familiar", "image")},
                    {"familiar": 0.0, "image": 0.0},
                    names,
                ),
            }
        parameters = measured.replace(**conditions["novel"])
        return cls(system, parameters, conditions)

    def unknowns(self) -> list[mf.fitting.Unknown]:
        """All but motifs; the familiar signal acts on the mean inputs and along u^Pyr."""
        found = [self._size(name, unknown) for name, unknown in self._means()]
        found += [self._size(name, mf.fitting.Unknown(name, low=0.0)) for name in STRENGTHS]
        for p in SIGNS:
            found += [
                mf.fitting.Unknown(
                    f"input.one[{p}]", start=(-6.0, 8.0), prior=mf.priors.Normal(0, 10)
                ),
                mf.fitting.Unknown(
                    f"input.layer4[{p}]",
                    low=0.0,
                    start=(0.5, 5.0),
                    prior=mf.priors.LogNormal(2.0, 1.5),
                ),
                mf.fitting.Unknown(
                    f"spread[{p}]", low=0.0, start=(0.5, 5.0), prior=mf.priors.LogNormal(2.0, 1.5)
                ),
            ]
        for signal in ("familiar", "image"):
            found += [
                mf.fitting.Unknown(
                    f"input.{signal}[{p}]", start=(-1.0, 1.0), prior=mf.priors.Normal(0, 5)
                )
                for p in SIGNS
            ]
            found.append(
                mf.fitting.Unknown(
                    f"in_strength.{signal}[Pyr]", start=(-1.0, 1.0), prior=mf.priors.Normal(0, 5)
                )
            )
        if self.parameters.membrane:
            found += [
                mf.fitting.Unknown(
                    "membrane.strength[VIP]",
                    low=0.0,
                    start=(0.1, 3.0),
                    prior=mf.priors.LogNormal(1.0, 1.5),
                ),
                mf.fitting.Unknown(
                    "membrane.tau_a[VIP]",
                    low=0.0,
                    start=(5.0, 50.0),
                    prior=mf.priors.LogNormal(20.0, 1.0),
                ),
            ]
        return found

    def motifs(self) -> mf.fitting.FreeMotifs:
        """The chains of the mechanism, and the convergence and divergence that they need."""
        return mf.fitting.FreeMotifs((*CONVERGENT, *DIVERGENT, *CHAINS.values()))

    def problem(self, targets: mf.Targets, step: float) -> mf.fitting.Problem:
        """Everything free; variants freeze a part."""
        priors = dict.fromkeys((*CONVERGENT, *DIVERGENT), SHARES)
        return mf.fitting.Problem.of(
            self.system,
            self.parameters,
            targets,
            self.unknowns(),
            motifs=self.motifs(),
            conditions=self.conditions,
            priors=priors,
            step=step,
        )

    def _means(self) -> list[tuple[str, mf.fitting.Unknown]]:
        return [(str(u.name), u) for u in mf.fitting.dale(SIGNS, self.parameters)]

    def _size(self, name: str, unknown: mf.fitting.Unknown) -> mf.fitting.Unknown:
        """With a prior about the measured size."""
        value = entry(self.parameters, name)
        sign = 1 if value > 0 else -1
        return mf.fitting.Unknown(
            name,
            low=unknown.low,
            high=unknown.high,
            prior=mf.priors.LogNormal(abs(value), DOUBT, sign),
        )
