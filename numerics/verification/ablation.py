"""What each class of motifs explains of a network's activity: quenched theory with and without it, against the network itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ..networks import Network
from ..parameters import Parameters
from ..system import System, integrate
from .ensemble import QUANTITIES
from .quenched import NetworkVerification, verify_network

CLASSES = {
    "convergent": "tau_con",
    "divergent": "tau_div",
    "chain": "tau_chn",
    "reciprocal": "tau_rec",
}
ALL, NONE = "all motifs", "without motifs"
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Ablation:
    """Theory with the measured statistics of a network, with all motifs, without each class, and without all, against that network.

    compared: theory with all motifs and without any, and the network, in time
    dataset: over (variant, population), at the last time, `mean`, `variance` and `rate` of the theory and `mean_error`, `variance_error`,
        `rate_error`, |theory - network| / |network|; over population `network_mean`, ..., and `size`; `status` of each integration. Variances
        below 1e-12 of the squared mean, which rounding makes, count as 0
    """

    compared: NetworkVerification
    dataset: xr.Dataset

    @property
    def title(self) -> str:
        """What was compared."""
        return self.compared.title

    @property
    def parameters(self) -> Parameters:
        """The measured ones, with all motifs."""
        return self.compared.parameters

    @property
    def explained(self) -> xr.Dataset:
        """By variant, for rate and variance: 1 - sum_p N_p (theory_p - network_p)^2 / the same sum without motifs.

        The share of what means and variances of the synapses leave unexplained that the motifs of a variant account for: 1 where theory is
        exact, 0 where it is as good as without motifs, negative where it is worse; nan where nothing is left unexplained.
        """
        d, shares = self.dataset, {}
        for name in ("rate", "variance"):
            squares = (d["size"] * (d[name] - d[f"network_{name}"]) ** 2).sum(
                "population", skipna=False
            )
            rest = squares.sel(variant=NONE, drop=True)
            shares[name] = 1 - squares / rest.where(rest > 0)
        return xr.Dataset(shares)

    def rows(self) -> list[dict[str, Any]]:
        """One row per variant: errors relative to the network, averaged over populations, the largest, and what is explained."""
        d, explained = self.dataset, self.explained
        rows = []
        for variant in d["variant"].values:
            at, share = d.sel(variant=variant), explained.sel(variant=variant)
            row: dict[str, Any] = {"theory": str(variant)}
            for name in ("rate", "variance"):
                error = at[f"{name}_error"]
                row |= {
                    f"{name} error": float(error.mean(skipna=False)),
                    f"largest {name} error": float(error.max(skipna=False)),
                    f"{name} explained": float(share[name]),
                }
            rows.append(row)
        return rows

    def population_rows(self, quantity: str = "rate") -> list[dict[str, Any]]:
        """One row per population: neurons, the network's value, and the relative error of every variant."""
        d = self.dataset
        return [
            {
                "population": str(p),
                "neurons": int(d["size"].sel(population=p)),
                "network": float(d[f"network_{quantity}"].sel(population=p)),
                **{
                    str(v): float(d[f"{quantity}_error"].sel(population=p, variant=v))
                    for v in d["variant"].values
                },
            }
            for p in d["population"].values
        ]

    def json(self) -> dict[str, Any]:
        """Both tables as plain numbers, and the status of the integrations that did not end well."""
        failed = {
            str(v): str(s)
            for v, s in zip(
                self.dataset["variant"].values, self.dataset["status"].values, strict=True
            )
            if s != "ok"
        }
        return {
            "title": self.title,
            "rows": self.rows(),
            "rate": self.population_rows("rate"),
            "variance": self.population_rows("variance"),
            "failed": failed,
        }


def ablate(
    system: System,
    network: Network,
    *,
    t1: float = 60.0,
    initial: Any = None,
    title: str = "",
    progress: Callable[[str, float], None] | None = None,
    **others: Any,
) -> Ablation:
    """Quenched theory against the network itself, with all its motifs, without each class in turn, and without any.

    The network is measured and simulated once, as in `verify_network`, which takes `others`: input, transfer, membrane, synapse, in_strength,
    spread, noise, seed, tolerance. "without chain" is the same theory with tau_chn = 0 and everything else as measured, the variances included;
    "without motifs" has independent synapses with the measured means and variances. Comparison is at t1; what did
    not come that far is nan, with the reason in `dataset["status"]`. Raises as `verify_network`, `ParameterError` for a system without all four
    classes of motifs.
    """
    say = progress or (lambda what, fraction: None)
    compared = verify_network(
        system,
        network,
        t1=t1,
        initial=initial,
        title=title,
        progress=lambda what, done: say(what, 0.7 * done),
        **others,
    )
    theories = {ALL: compared.theory}
    for k, (name, tau) in enumerate(CLASSES.items()):
        say(f"without {name}", 0.7 + 0.3 * k / len(CLASSES))
        changed = compared.parameters.replace(
            **{tau: np.zeros_like(np.asarray(getattr(compared.parameters, tau)))}
        )
        theories[f"without {name}"] = integrate(
            system, changed, t1, saveat=[0.0, t1], initial=initial, throw=False
        ).dataset
    theories[NONE] = compared.without_motifs
    say("done", 1.0)
    return Ablation(compared, _ends(theories, compared.network, network))


def _ends(theories: dict[str, xr.Dataset], seen: xr.Dataset, network: Network) -> xr.Dataset:
    last = seen.isel(time=-1)
    data: dict[str, Any] = {}
    for name in QUANTITIES:
        own = np.stack([theory[name].isel(time=-1).values for theory in theories.values()])
        true = last[name].values
        if name == "variance":
            least = ROUNDING * last["mean"].values ** 2
            own, true = (
                np.where(np.abs(own) <= least, 0, own),
                np.where(np.abs(true) <= least, 0, true),
            )
        data[name] = (("variant", "population"), own)
        data[f"network_{name}"] = (("population",), true)
        difference = np.abs(own - true)
        error = np.divide(
            difference,
            np.abs(true),
            out=np.where(difference > 0, np.inf, difference),
            where=true != 0,
        )
        data[f"{name}_error"] = (("variant", "population"), error)
    data["size"] = (("population",), np.asarray(network.sizes))
    data["status"] = (("variant",), [theory.attrs["status"] for theory in theories.values()])
    return xr.Dataset(
        data,
        coords={"variant": list(theories), "population": list(network.populations)},
        attrs={"time": float(last["time"])},
    )
