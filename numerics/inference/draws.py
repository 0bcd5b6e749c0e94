"""Draws of a posterior as arviz's InferenceData, and whether to rely on them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...errors import MotifieldError
from ..fitting import Fit
from ..results import OK, Code, Result, Status

if TYPE_CHECKING:
    import arviz as az

CONVERGED, ENOUGH = 1.01, 400
"""Largest R-hat and smallest effective sample size of chains that may be relied on (Vehtari et al,
Bayesian Anal 2021)."""
LEVEL = 0.95  # of the central intervals in the table


@dataclass(frozen=True, eq=False, repr=False)
class Posterior(Result):
    """Draws of the numbers of a fit from their posterior; made by `posterior`.

    Attributes:
        fit: near whose best minimum chains start.
        draws: arviz's InferenceData: `posterior` has `value` (chain, draw, parameter) and `u`
            (chain, draw, coordinate), `sample_stats` has `lp` and `diverging` (chain, draw).
    """

    fit: Fit
    draws: az.InferenceData

    @classmethod
    def of(
        cls, fit: Fit, value: np.ndarray, u: np.ndarray, statistics: Mapping[str, np.ndarray]
    ) -> Posterior:
        """From arrays of the groups `posterior` and `sample_stats`."""
        own = fit.problem.coordinates
        draws = require_arviz().from_dict(
            posterior={"value": value, "u": u},
            sample_stats=dict(statistics),
            coords={"parameter": list(own.names), "coordinate": list(own.labels)},
            dims={"value": ["parameter"], "u": ["coordinate"]},
        )
        return cls(fit, draws)

    @property
    def title(self) -> str:
        """How many draws there are."""
        sizes = self.draws["posterior"].sizes
        return f"Posterior, {sizes['chain']} chains of {sizes['draw']} draws"

    @property
    def names(self) -> tuple[str, ...]:
        """The numbers of the fit."""
        return tuple(self.draws["posterior"]["parameter"].values.tolist())

    @property
    def divergences(self) -> int:
        """How many transitions diverged."""
        return int(self.draws["sample_stats"]["diverging"].sum())

    @cached_property
    def diagnostics(self) -> xr.Dataset:
        """`rhat`, `ess_bulk` and `ess_tail` over parameter, rank-normalised (arviz)."""
        az, value = require_arviz(), self.draws["posterior"][["value"]]
        found = {
            "rhat": az.rhat(value)["value"],
            "ess_bulk": az.ess(value, method="bulk")["value"],
            "ess_tail": az.ess(value, method="tail")["value"],
        }
        return xr.Dataset(found)

    @property
    def status(self) -> Status:
        """ "ok", or why not to rely on the draws."""
        own = self.diagnostics
        size = np.minimum(own["ess_bulk"].values, own["ess_tail"].values)
        return reliability(self.names, own["rhat"].values, size, self.divergences)

    @property
    def dataset(self) -> xr.Dataset:
        """Draws, their log density, divergences and diagnostics in one dataset."""
        stats = self.draws["sample_stats"].rename(lp="log_density")
        parts = [self.draws["posterior"], stats[["log_density", "diverging"]], self.diagnostics]
        about = {"status": str(self.status), "divergences": self.divergences}
        return xr.merge(parts, combine_attrs="drop").assign_attrs(about)

    def rows(self) -> list[dict[str, Any]]:
        """A row for each number: mean, standard deviation, central 95 % interval, diagnostics."""
        value, own = self.draws["posterior"]["value"], self.diagnostics
        over, half = ("chain", "draw"), (1 - LEVEL) / 2
        low, high = (value.quantile(level, over).values for level in (half, 1 - half))
        mean, sd = value.mean(over).values, value.std(over, ddof=1).values
        return [
            {
                "parameter": name,
                "mean": float(mean[k]),
                "sd": float(sd[k]),
                "low": float(low[k]),
                "high": float(high[k]),
                "R-hat": float(own["rhat"][k]),
                "effective draws": float(own["ess_bulk"][k]),
            }
            for k, name in enumerate(self.names)
        ]

    def json(self) -> dict[str, Any]:
        """Plain data: the table, not the draws."""
        about = self.status.json()
        return {**about, "divergences": self.divergences, "rows": self.rows()}


def reliability(
    names: tuple[str, ...], rhat: np.ndarray, size: np.ndarray, divergences: int
) -> Status:
    """ "ok", or why not to rely on draws.

    Args:
        names: of the numbers.
        rhat, size: R-hat and effective sample size of each.
        divergences: how many transitions diverged.
    """
    parts = []
    if divergences:
        parts.append(f"{divergences} transitions diverged: raise `acceptance`")
    worst, least = int(np.argmax(rhat)), int(np.argmin(size))
    if not rhat[worst] < CONVERGED:
        parts.append(
            f"R-hat of {names[worst]} is {rhat[worst]:.3f}: chains do not agree, draw more"
        )
    if not size[least] >= ENOUGH:
        parts.append(f"{names[least]} has {size[least]:.0f} effective samples: draw more")
    return Status("; ".join(parts), Code.UNDECIDED) if parts else OK


def require_arviz() -> Any:
    """The library of diagnostics.

    Raises:
        MotifieldError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            # once a day arviz 0.23 announces arviz 1, which needs Python 3.12
            warnings.simplefilter("ignore", FutureWarning)
            import arviz
    except ImportError as error:
        raise MotifieldError(
            "draws of a posterior are kept and judged by arviz, which is not installed: "
            "pip install 'motifield[posterior]'"
        ) from error
    return arviz
