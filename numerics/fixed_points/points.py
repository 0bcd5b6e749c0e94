"""The fixed points of one set of parameters, and the evidence that there are no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jax.flatten_util import ravel_pytree

from ...late import xr
from ...numbers import counted
from ...time_units import headed
from ..results import OK, WIDEST_REPR, Collection, Status
from .newton import same_root
from .point import FixedPoint


@dataclass(frozen=True)
class Evidence:
    """Why there should be no further fixed point.

    Args:
        starts: of Newton's method, in all rounds.
        rounds: of starts, the later ones with the roots found divided out.
        hits: how often each point was reached by starts with nothing divided out, in the order of
            the points.
        failed: how many of those starts led nowhere.
        chance: that one more such start finds a new point (Good-Turing: points that were hit once,
            per start).
        index: sum of the signs of det(-Jacobian) over all points, which is 1 where the states are
            bounded; None where it is undecided whether there are others.
        is_bounded: whether every fixed point lies in a box that was searched.
        region: where the search went.
        unphysical: solutions with a negative variance, left out.
        undecided: places at which the accuracy of the equations does not tell whether there is a
            fixed point.
    """

    starts: int
    rounds: int
    hits: tuple[int, ...]
    failed: int
    chance: float
    index: int | None
    is_bounded: bool
    region: str
    unphysical: int = 0
    undecided: int = 0

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"hits": list(self.hits)}

    def __str__(self) -> str:
        sum_of = "not decided" if self.index is None else self.index
        expected = " (1 expected)" if self.is_bounded else ""
        return (
            f"{self.starts} starts in {self.rounds} rounds; hits {list(self.hits)}, "
            f"{self.failed} led nowhere; chance that one more start finds a new point "
            f"{self.chance:.2g}; sum of indices {sum_of}{expected}; {self.region}"
        )


@dataclass(frozen=True, repr=False, eq=False)
class FixedPoints(Collection[FixedPoint], Sequence):
    """All fixed points that were found, by mean rate; make them with `fixed_points`.

    A sequence of `FixedPoint`s: `found[0]`, `len(found)`, `for point in found`; `found["mean"]` is
    a variable of the dataset.

    Args:
        points: the fixed points.
        evidence: why there should be no others; None for points that were reached from given starts
            alone.
        status: "ok"; "incomplete: ..." when a point is known to be missing; or that there is none.
        populations: their names.
    """

    points: tuple[FixedPoint, ...]
    evidence: Evidence | None
    status: Status
    populations: tuple[str, ...]

    @property
    def title(self) -> str:
        """How many there are."""
        return counted(len(self), "fixed point")

    @property
    def parts(self) -> tuple[FixedPoint, ...]:
        """The points."""
        return self.points

    @property
    def stable(self) -> list[FixedPoint]:
        """Those that are stable in the mean-field equations."""
        return [p for p in self.points if p.stable]

    @property
    def dataset(self) -> xr.Dataset:
        """The points' variables over (point, population).

        `mean`, `variance`, `kappa`, `rate` and others; over (point): `residual`, `stable` (1, 0,
        NaN for static equations), `kind`, `hits`; `eigenvalues` over (point, mode).
        """
        data = xr.concat([p.dataset for p in self.points], "point") if self.points else xr.Dataset()
        one = {
            "residual": [p.residual for p in self.points],
            "stable": [np.nan if p.stable is None else float(p.stable) for p in self.points],
            "kind": np.array([p.kind for p in self.points], dtype=str),
            "hits": np.array(self._hits, dtype=float),
        }
        made = data.assign({name: ("point", np.asarray(v)) for name, v in one.items()})
        if self.points:
            values = np.stack([p.eigenvalues for p in self.points])
            made["eigenvalues"] = (("point", "mode"), values)
        made.attrs = {"status": str(self.status), "evidence": str(self.evidence)}
        return made

    @property
    def _hits(self) -> list[int | None]:
        return [None] * len(self.points) if self.evidence is None else list(self.evidence.hits)

    def rows(self) -> list[dict[str, Any]]:
        """A row per point: kind, leading eigenvalue, hits, values, what the leading mode moves."""
        return [
            {
                "point": k + 1,
                "kind": p.kind,
                "leading eigenvalue": complex(p.eigenvalues[0]),
                "hits": self._hits[k],
                **{
                    f"{what} {name}": float(value)
                    for what in ("mean", "variance", "rate")
                    for name, value in zip(self.populations, p.numbers[what], strict=True)
                },
                **{
                    f"mode moves {what} {name}": part
                    for what, own in p.leading.items()
                    for name, part in own.items()
                },
            }
            for k, p in enumerate(self.points)
        ]

    def summary(self) -> list[str]:
        """The points, and the evidence that these are all."""
        short = ("kind", "leading eigenvalue", "mean ", "rate ")
        rows = [{k: v for k, v in row.items() if k.startswith(short)} for row in self.rows()]
        table = _lines(headed(rows, self.time_unit))
        return [*table, *([] if self.evidence is None else [f"evidence: {self.evidence}"])]

    def json(self) -> dict[str, Any]:
        """Plain data: points, evidence, status."""
        return {
            **self.status.json(),
            "populations": list(self.populations),
            "points": [p.json() for p in self.points],
            "evidence": None if self.evidence is None else self.evidence.json(),
        }


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    """Lines of a short table."""
    import pandas as pd

    if not rows:
        return []
    return (
        pd.DataFrame(rows)
        .to_string(max_rows=8, max_cols=WIDEST_REPR, float_format="{:.5g}".format)
        .splitlines()
    )


def collected(points: Sequence[FixedPoint], populations: tuple[str, ...]) -> FixedPoints:
    """Points reached from given starts, each once, in the order of the starts.

    Args:
        points: the ends of the starts, converged or not.
        populations: their names.

    Returns:
        The distinct points; the status names the starts that reached none.
    """
    kept: list[FixedPoint] = []
    for point in points:
        y, *others = (np.asarray(ravel_pytree(p.state)[0]) for p in (point, *kept))
        if not any(same_root(y, other) for other in others):
            kept.append(point)
    wrong = [p.status for p in kept if not p.converged]
    status = Status("; ".join(wrong), wrong[0].code) if wrong else OK
    return FixedPoints(tuple(kept), None, status, populations)
