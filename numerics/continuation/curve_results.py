"""The result of following curves of bifurcations over two parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ...numbers import counted
from ..results import Noted, plain
from .curve_tracing import BifurcationCurve
from .special_points import SpecialPoint, of_kind


@dataclass(frozen=True, repr=False, eq=False)
class BifurcationCurves(Noted):
    """All curves that start from the given special points, and what is special on them.

    Args:
        names: of the two parameters.
        bounds: lowest and highest value of each.
        curves: of folds and Hopf points.
        special: cusps and Bogdanov-Takens points.
        notes: what was not reached.
        populations: their names.
    """

    names: tuple[str, str]
    bounds: tuple[tuple[float, float], tuple[float, float]]
    curves: tuple[BifurcationCurve, ...]
    special: tuple[SpecialPoint, ...]
    notes: tuple[str, ...]
    populations: tuple[str, ...]

    @property
    def title(self) -> str:
        """How many curves there are, and over what."""
        return f"{counted(len(self.curves), 'bifurcation curve')} over {', '.join(self.names)}"

    def of(self, kind: str) -> list[SpecialPoint]:
        """The special points of one kind, "cusp" or "Bogdanov-Takens".

        Raises:
            ParameterError: there is no such kind.
        """
        return of_kind(self.special, kind)

    @property
    def dataset(self) -> xr.Dataset:
        """All curves one after the other over `step`, with `curve` and `kind`."""
        parts = [
            c.dataset.assign(
                curve=("step", np.full(len(c.points), k)),
                kind=("step", np.full(len(c.points), c.kind)),
            )
            for k, c in enumerate(self.curves)
        ]
        made = xr.Dataset()
        if parts:
            made = xr.concat(parts, dim="step", data_vars="all", join="outer")
        return made.assign_attrs(vary=list(self.names), status=str(self.status))

    def rows(self) -> list[dict[str, Any]]:
        """The special points."""
        found = []
        for s in self.special:
            row = s.row("value", self.populations)
            row.pop("value")
            found.append({"kind": s.kind, **dict(zip(self.names, s.value, strict=True)), **row})
        return found

    def json(self) -> dict[str, Any]:
        """Plain data: every curve, and the special points."""
        known = ("first", "second", "frequency")
        curves = [
            {
                "kind": c.kind,
                "ended": list(c.ended),
                **{n: plain(c.dataset[n].values) for n in known if n in c.dataset},
            }
            for c in self.curves
        ]
        return {
            "vary": list(self.names),
            "bounds": [list(b) for b in self.bounds],
            **self.status.json(),
            "curves": curves,
            "special": self.rows(),
        }
