"""What each class of motifs explains of a network's activity: theory with and without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ...errors import InfeasibleStatisticsError
from ..networks import Network, measure_strengths
from ..parameters import TENSORS, Parameters
from ..results import Code, Result, Status, raise_on_failure
from ..system import System, integrate, with_strength_kind, without_components
from .differences import QUANTITIES, relative_errors
from .ensemble import Progress
from .quenched import NetworkVerification, verify_network
from .rate_spread import theory_spread

ALL, NONE, SECOND_ORDER = "all motifs", "without motifs", "second-order statistics alone"
ABLATED = (*QUANTITIES, "rate_sd")
QUANTILE = "rate_quantile"
TOLD = {"rate": "rate", "variance": "variance", "rate_sd": "SD"}
"""Quantities whose errors tables and pictures show, and how they are called there."""
ROUNDING = 1e-12
"""Of the squared mean: variances below it, and SDs below its root, are rounding and count as 0."""
NOTABLE = 0.1  # a relative error of a rate or variance that asks for an explanation
BEYOND = (
    "what all motifs leave unexplained may be structure that is no motif: strengths that are not "
    "Gaussian, and assortativity, which strengths=Empirical() and assortativity=True describe "
    "(docs/theory.md, section 6); or a low-rank matrix m n'/N with zero-mean m and n, which "
    "changes no mean, row or column of the synapses, the rest of their statistics as 1/N, and no "
    "equations without its patterns can express (section 6.5). Eigenvalues outside of the "
    "predicted spectrum show such structure: stability(...) and spectrum(...)"
)
FEW = 10  # neurons, below which a variance across them says little
SAMPLED = (
    "those of one sample: the residual of n neurons makes variances that differ by a part of "
    "sqrt(2/(n - 1)) among samples"
)
FIRST = 0.7  # of the work is the comparison with the network


@dataclass(frozen=True, eq=False, repr=False)
class Ablation(Result):
    """Theory with a network's statistics, with and without motifs, against it; `ablate` makes it.

    Args:
        compared: theory with all motifs and without any, and the network, in time.
        dataset: at the last time, over (variant, population), `mean`, `variance`, `rate` and
            `rate_sd` of the theory and `mean_error`, ..., |theory - network| / |network|;
            over population, `network_mean`, ..., and `size`; `rate_quantile` and
            `network_rate_quantile` over level too; over variant, the `status` of each integration.
            What did not come that far is NaN.
    """

    compared: NetworkVerification
    dataset: xr.Dataset

    @property
    def title(self) -> str:
        """What was compared."""
        return self.compared.title

    @property
    def status(self) -> Status:
        """Ok unless the simulation or an integration did not come to the end."""
        if not self.compared.network_failure.ok:
            return self.compared.network_failure
        if not self.failed:
            return Status()
        which = "; ".join(f"{name}: {status}" for name, status in self.failed.items())
        return Status(f"incomplete: {which}", Code.INCOMPLETE)

    @property
    def failed(self) -> dict[str, str]:
        """The status of each integration that did not come to the end."""
        found = zip(self.dataset["variant"].values, self.dataset["status"].values, strict=True)
        return {str(variant): str(status) for variant, status in found if status != "ok"}

    @property
    def parameters(self) -> Parameters:
        """The measured ones, with all motifs."""
        return self.compared.parameters

    @property
    def explained(self) -> xr.Dataset:
        """The share that each variant's motifs account for, of rate and variance.

        1 - sum_p N_p (theory_p - network_p)^2 / the same sum without motifs: the share of what
        means and variances of the synapses leave unexplained. It is 1 where theory is exact, 0
        where it is as good as without motifs, negative where it is worse, and NaN where nothing is
        left unexplained.
        """
        d, shares = self.dataset, {}
        for name in TOLD:
            weighted = d["size"] * (d[name] - d[f"network_{name}"]) ** 2
            squares = weighted.sum("population", skipna=False)
            rest = squares.sel(variant=NONE, drop=True)
            shares[name] = 1 - squares / rest.where(rest > 0)
        return xr.Dataset(shares)

    @property
    def remark(self) -> str:
        """Why all motifs together do not explain the network; "" where they do.

        Where a relative error of a population's rate or variance exceeds a tenth, or the average
        error of a quantity that of the theory without motifs. Of few neurons, what their number
        explains.
        """
        at = self.dataset.sel(variant=ALL)
        errors = np.stack([at[f"{name}_error"].values for name in ("rate", "variance")])
        sizes = at["size"].values
        errors[1, sizes == 1] = 0  # across one neuron nothing varies
        notable = np.any(errors > NOTABLE, axis=0)
        few = notable & (sizes < FEW)
        reasons = [self._worse] if self._worse else []
        if np.any(notable & ~few):
            reasons.append(BEYOND)
        if np.any(few):
            names = zip(at["population"].values[few], sizes[few], strict=True)
            listed = ", ".join(f"{name}: {n}" for name, n in names)
            reasons.append(f"errors of populations of few neurons ({listed}) are {SAMPLED}")
        return "; ".join(reasons)

    @property
    def _worse(self) -> str:
        """Which quantities all motifs predict worse than none."""
        own = {n: self._where_it_varies(n, self.dataset) for n in TOLD}
        both = {n: error.mean("population", skipna=False) for n, error in own.items()}
        worse = [
            TOLD[n] for n, e in both.items() if float(e.sel(variant=ALL) - e.sel(variant=NONE)) > 0
        ]
        if not worse:
            return ""
        return f"with all motifs the {' and the '.join(worse)} is predicted worse than without any"

    def _where_it_varies(self, name: str, d: xr.Dataset) -> xr.DataArray:
        """Errors of a quantity; of variances and SDs those of populations of several neurons."""
        several, error = d["size"].values > 1, d[f"{name}_error"]
        return error.isel(population=several) if name != "rate" and several.any() else error

    def rows(self) -> list[dict[str, Any]]:
        """One row per variant: relative errors, averaged over populations and the largest.

        Across one neuron nothing varies: its population counts in the rates alone.
        """
        d, explained = self.dataset, self.explained
        rows = []
        for variant in d["variant"].values:
            at, share = d.sel(variant=variant), explained.sel(variant=variant)
            row: dict[str, Any] = {"theory": str(variant)}
            for name, called in TOLD.items():
                error = self._where_it_varies(name, at)
                row |= {
                    f"{called} error": float(error.mean(skipna=False)),
                    f"largest {called} error": float(error.max(skipna=False)),
                    f"{called} explained": float(share[name]),
                }
            rows.append(row)
        return rows

    def population_rows(self, quantity: str = "rate") -> list[dict[str, Any]]:
        """One row per population: neurons, the network's value, each variant's relative error."""
        d, rows = self.dataset, []
        for p in d["population"].values:
            own = d.sel(population=p)
            row = {"population": str(p), "neurons": int(own["size"])}
            row["network"] = float(own[f"network_{quantity}"])
            errors = own[f"{quantity}_error"]
            rows.append(row | {str(v): float(errors.sel(variant=v)) for v in d["variant"].values})
        return rows

    def quantile_rows(self) -> list[dict[str, Any]]:
        """One row per population and level: quantiles of rates, of the network and all variants."""
        d, rows = self.dataset, []
        for p in d["population"].values:
            for level in d["level"].values:
                own = d.sel(population=p, level=level)
                row: dict[str, Any] = {"population": str(p), "quantile": f"{100 * level:.0f} %"}
                row["network"] = float(own["network_rate_quantile"])
                each = own["rate_quantile"]
                rows.append(row | {str(v): float(each.sel(variant=v)) for v in d["variant"].values})
        return rows

    def json(self) -> dict[str, Any]:
        """All tables as plain numbers, and the integrations that did not come to the end."""
        return {
            "title": self.title,
            **self.status.json(),
            "rows": self.rows(),
            "rate": self.population_rows("rate"),
            "variance": self.population_rows("variance"),
            "rate_sd": self.population_rows("rate_sd"),
            "rate_quantile": self.quantile_rows(),
            "failed": self.failed,
            "remark": self.remark,
        }


def ablate(
    system: System,
    network: Network,
    parameters: Parameters | None = None,
    *,
    t1: float = 60.0,
    initial: Any = None,
    shrink: bool = False,
    seed: int = 0,
    title: str = "",
    throw: bool = True,
    progress: Progress | None = None,
    **changes: Any,
) -> Ablation:
    """Compare theory with all motifs of a network, and without each class, with the network.

    The network is measured and simulated once, as in `verify_network`. "without chain" is the same
    theory with tau_chn = 0 and everything else as measured, the variances included; "without
    motifs" has independent synapses with the measured means and variances. Equations with a
    network's own strengths, or assortativity, have further rows: "without assortativity", "without
    patterns", "Gaussian strengths" of the same covariance, and "second-order statistics alone",
    none of these. Patterns are those that the network knows (`Network.features`).

    A low-rank matrix m n'/N with zero-mean m and n (Mastrogiuseppe and Ostojic 2018) changes no
    mean, row or column of the synapses, and the rest of their statistics as 1/N: it can rule a
    network's activity, and no variant explains anything of it (`remark`). Source:
    `docs/theory.md`, section 6.5.

    Args:
        system: the compiled equations, with all four classes of motifs.
        network: sampled or read; its synapses are measured.
        parameters: with inputs, functions and filters in place of those that the network carries.
        t1: time of the comparison.
        initial: the mean at the start, {"mean": ...}; 0 by default.
        shrink: whether motifs of few neurons are shrunken by their errors, as `measure` does.
        seed: of the white noise, and of offsets of inputs that the network lacks.
        title: of the result.
        throw: raise an error for a simulation that diverges; otherwise the status says so. A theory
            that diverges is named in the status, and does not raise.
        progress: called as progress(text, part).
        changes: `input`, `in_strength`, `spread`, `noise`, `transfer`, `membrane` or `synapse` in
            place of those of the parameters, as in `Parameters.of`.

    Returns:
        Errors of every variant of the theory.

    Raises:
        ParameterError: as `verify_network`, or a system that lacks a class of motifs.
        InfeasibleStatisticsError: measured motifs that the equations cannot use.
        SolverError: with `throw`, the simulation diverges.
    """
    say = progress or (lambda text, part: None)
    how: Any = {"t1": t1, "initial": initial, "throw": False}
    about: Any = {"seed": seed, "title": title, "progress": lambda text, p: say(text, FIRST * p)}
    about["shrink"] = shrink
    compared = verify_network(system, network, parameters, **how, **about, **changes)
    raise_on_failure(compared.network_failure, throw)
    theories = _theories(system, compared, network, how, say)
    say("done", 1.0)
    return Ablation(compared, _ends(theories, compared, network))


def _theories(
    system: System,
    compared: NetworkVerification,
    network: Network,
    how: dict[str, Any],
    say: Progress,
) -> dict[str, Theory]:
    """All motifs, every variant, and no motifs."""
    spread = compared.spread
    theories = {ALL: Theory.of(compared.theory, compared.failure, spread.sel(source="theory"))}
    variants = _variants(system, compared, network)
    for k, (name, (equations, numbers)) in enumerate(variants.items()):
        say(name, FIRST + (1 - FIRST) * k / len(variants))
        theories[name] = _variant(equations, numbers, theories[ALL].last, how)
    plain = spread.sel(source=NONE)
    theories[NONE] = Theory.of(compared.without_motifs, compared.plain_failure, plain)
    return theories


def _variant(system: System, numbers: Parameters, known: xr.Dataset, how: Any) -> Theory:
    """One of them; NaN of the shape of a known one where it cannot use the statistics."""
    try:
        course = integrate(system, numbers, saveat=[0.0, how["t1"]], **how)
    except InfeasibleStatisticsError as error:
        return Theory(known.where(False), Status(f"unphysical: {error}", Code.OUT_OF_RANGE))
    own = theory_spread(system, numbers, course.dataset)
    return Theory.of(course.dataset, course.status, own)


class Theory(NamedTuple):
    """What a theory comes to at the last time, and how its integration ended."""

    last: xr.Dataset
    status: Status

    @classmethod
    def of(cls, course: xr.Dataset, status: Status, spread: xr.Dataset) -> Theory:
        """From its time course, and the spread of rates at the end."""
        own = {name: (spread[name].dims, spread[name].values) for name in spread.data_vars}
        return cls(course.isel(time=-1).assign(own), status)


def _variants(
    system: System, compared: NetworkVerification, network: Network
) -> dict[str, tuple[System, Parameters]]:
    """Equations and numbers without each class of motifs, and without what else they have."""
    own, found = compared.parameters, {}
    for motif, tau in TENSORS.items():
        numbers = own.replace(**{tau: np.zeros(getattr(own, tau).shape)})
        if own.strengths is not None:
            numbers = replace(numbers, strengths=own.strengths.without(motif))
        found[f"without {motif}"] = system, numbers
    if own.strengths is None:
        return found
    architecture, known = system.mean_field.architecture, network.features or {}
    for name in ("assortativity", "patterns"):
        if features := getattr(architecture, name):
            numbers = replace(own, strengths=own.strengths.without_features(features))
            found[f"without {name}"] = system, numbers
    gaussian, plain = compared.independent[0], replace(compared.measured, pattern_input={})
    if own.strengths.quenched:
        patterns = {name: known[name] for name in architecture.patterns}
        found["without convergent"] = _equal_rows(system, own, compared.measured)
        one: Any = {"mixture": 1, "quenched": True}
        normal = with_strength_kind(system, one, architecture.assortativity)
        strengths = measure_strengths(network, 1, features=architecture.features, patterns=patterns)
        found["Gaussian strengths"] = normal, replace(own, strengths=strengths)
    else:
        gaussian = without_components(system)
    found[SECOND_ORDER] = gaussian, plain
    return found


def _equal_rows(system: System, own: Parameters, measured: Parameters) -> tuple[System, Parameters]:
    """Equations whose residual makes all noise of the rows, which measured rows held."""
    features = system.mean_field.architecture.assortativity
    known: Any = own.strengths
    strengths = replace(known.without("convergent"), quenched=False)
    plain = measured.replace(tau_con=np.zeros(measured.tau_con.shape))
    return with_strength_kind(system, "mixture", features), replace(plain, strengths=strengths)


def _ends(
    theories: dict[str, Theory], compared: NetworkVerification, network: Network
) -> xr.Dataset:
    last = compared.network.isel(time=-1)
    data: dict[str, Any] = {}
    for name in ABLATED:
        own = np.stack([theory.last[name].values for theory in theories.values()])
        true = last[name].values
        if name in ("variance", "rate_sd"):
            least = ROUNDING * last["mean"].values ** 2
            if name == "rate_sd":
                least = np.sqrt(ROUNDING) * np.abs(last["rate"].values)
            own, true = (np.where(np.abs(v) <= least, 0, v) for v in (own, true))
        data[name] = (("variant", "population"), own)
        data[f"network_{name}"] = (("population",), true)
        error = relative_errors(own, np.broadcast_to(true, own.shape))
        data[f"{name}_error"] = (("variant", "population"), error)
    quantiles = [theory.last[QUANTILE].values for theory in theories.values()]
    data[QUANTILE] = (("variant", "population", "level"), np.stack(quantiles))
    seen = compared.spread[QUANTILE].sel(source="network")
    data[f"network_{QUANTILE}"] = (("population", "level"), seen.values)
    data["size"] = (("population",), np.asarray(network.sizes))
    data["status"] = (("variant",), [str(theory.status) for theory in theories.values()])
    return xr.Dataset(
        data,
        coords={
            "variant": list(theories),
            "population": list(network.populations),
            "level": seen["level"].values,
        },
        attrs={"time": float(last["time"])},
    )
