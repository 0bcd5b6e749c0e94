"""Curves of folds and Hopf points over two numbers of the parameters, with cusps and Bogdanov-Takens points.

Followed by the same pseudo-arclength loop as branches. A curve of Hopf points is followed in the square of its frequency, so that it passes
a Bogdanov-Takens point (where jaxcont's own equations, in the frequency, turn back) onto neutral saddles, which are marked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.flatten_util import ravel_pytree

from ...errors import ParameterError
from ..parameters import Parameters, Scalar
from ..precision import require_x64
from ..system import System, held
from .along import Along, Fold, Hopf, crossing_forms, evaluated, jacobian
from .arclength import root, trace
from .branches import Branches
from .special_points import SpecialPoint, hopf_start, null_vectors, special
from .tracing import along_of, check_bounds, follow, two_numbers

NEAR = 2e-3


@dataclass(frozen=True)
class BifurcationCurve:
    """A curve of "fold" or "Hopf" points.

    dataset: over step: the two numbers as `first` and `second`, for Hopf points `frequency` (NaN where the pair is real: there it
    is a neutral saddle, no bifurcation); over (step, population): `mean`, `variance`, `rate`; ended: why, at both ends.
    """

    kind: str
    dataset: xr.Dataset
    points: np.ndarray
    ended: tuple[str, str]


@dataclass(frozen=True)
class BifurcationCurves:
    """All curves that start from the given special points, and what is special on them."""

    names: tuple[str, str]
    bounds: tuple[tuple[float, float], tuple[float, float]]
    curves: tuple[BifurcationCurve, ...]
    special: tuple[SpecialPoint, ...]
    notes: tuple[str, ...]
    populations: tuple[str, ...]

    @property
    def status(self) -> str:
        """ "ok", or what was not reached."""
        return "; ".join(self.notes) or "ok"

    def of(self, kind: str) -> list[SpecialPoint]:
        """The special points of one kind."""
        return [s for s in self.special if s.kind == kind]

    @property
    def dataset(self) -> xr.Dataset:
        """All curves one after the other over `step`, with `curve` and `kind`, for files."""
        parts = [
            c.dataset.assign(
                curve=("step", np.full(len(c.points), k)),
                kind=("step", np.full(len(c.points), c.kind)),
            )
            for k, c in enumerate(self.curves)
        ]
        made = (
            xr.concat(parts, dim="step", data_vars="all", join="outer") if parts else xr.Dataset()
        )
        return made.assign_attrs(vary=list(self.names), status=self.status)

    def rows(self) -> list[dict[str, Any]]:
        """The special points, for a table."""
        found = []
        for s in self.special:
            row = s.row("value", self.populations)
            row.pop("value")
            found.append({"kind": s.kind, **dict(zip(self.names, s.value, strict=True)), **row})
        return found

    def json(self) -> dict[str, Any]:
        """Plain data."""
        known = ("first", "second", "frequency")
        curves = [
            {
                "kind": c.kind,
                "ended": list(c.ended),
                **{n: _plain(c.dataset[n].values) for n in known if n in c.dataset},
            }
            for c in self.curves
        ]
        return {
            "vary": list(self.names),
            "bounds": [list(b) for b in self.bounds],
            "status": self.status,
            "curves": curves,
            "special": self.rows(),
        }


def _plain(values: np.ndarray) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]


def bifurcation_curves(
    system: System,
    parameters: Parameters,
    vary: tuple[str | Scalar, str | Scalar],
    *,
    bounds: tuple[tuple[float, float], tuple[float, float]],
    special: Branches | Sequence[Branches] | None = None,
    start: Any = None,
    time: float = 0.0,
    largest_step: float = 0.02,
    most_steps: int = 400,
    progress: Callable[[str, float], None] | None = None,
) -> BifurcationCurves:
    """Curves of folds and Hopf points over two numbers, followed both ways from the special points of one-number continuations.

    special: results of `continuation` in one of the two numbers, with the other as in `parameters`; by default both are run, from `start`.
    Cusps and Bogdanov-Takens points are located by Newton's method; at the latter the
    curve of the other kind is followed too. Curves that pass none of the given special points are not seen.
    Raises `ParameterError` for names and bounds.
    """
    require_x64()
    system.refuse_static("curves of Hopf points")
    system.check(parameters)
    own = held(system.complete(parameters), time)
    numbers = two_numbers(vary, own)
    names = (numbers[0].name, numbers[1].name)
    base = [n.get(own) for n in numbers]
    for name, limits, value in zip(names, bounds, base, strict=True):
        check_bounds(name, limits, value)
    say = progress or (lambda what, part: None)
    given = special
    if given is None:
        say("branches", 0.0)
        given = [
            follow(system, own, n, bounds=limits, start=start)
            for n, limits in zip(names, bounds, strict=True)
        ]
    given = [given] if isinstance(given, Branches) else list(given)
    points = [
        (b.name, s)
        for b in given
        for s in b.special
        if s.kind in ("fold", "Hopf") and s.status == "ok"
    ]
    if unknown := [name for name, _ in points if name not in names]:
        raise ParameterError(
            f"the special points are along {unknown[0]}, which is none of {', '.join(names)}"
        )
    notes = [note for b in given for note in b.notes]
    states = [np.asarray(ravel_pytree(s.state)[0]) for _, s in points]
    if not states:
        return BifurcationCurves(
            names,
            bounds,
            (),
            (),
            (*notes, "there are no folds or Hopf points to start from"),
            own.populations,
        )
    along = along_of(system, own, numbers, bounds, states)
    curves: list[BifurcationCurve] = []
    found: list[SpecialPoint] = []
    waiting = [
        (s.kind, along.point(y, [s.value, base[1]] if name == names[0] else [base[0], s.value]))
        for (name, s), y in zip(points, states, strict=True)
    ]
    done = 0
    while done < len(waiting):
        kind, x = waiting[done]
        done += 1
        say(f"{kind} {done} of {len(waiting)}", done / (len(waiting) + 1))
        if any(c.kind == kind and _near(c.points, x) for c in curves):
            continue
        curve, codim2, more = (_fold_curve if kind == "fold" else _hopf_curve)(
            along, x, len(curves), largest_step, most_steps
        )
        notes += more
        if curve is not None:
            curves.append(curve)
            found += [
                p
                for p in codim2
                if not any(
                    p.kind == q.kind and np.linalg.norm(p.point - q.point) < 1e-5 for q in found
                )
            ]
            # a curve of the other kind passes each Bogdanov-Takens point
            other = "Hopf" if kind == "fold" else "fold"
            waiting += [
                (other, p.point) for p in codim2 if p.kind == "Bogdanov-Takens" and p.status == "ok"
            ]
    return BifurcationCurves(
        names, bounds, tuple(curves), tuple(found), tuple(dict.fromkeys(notes)), own.populations
    )


def _near(points: np.ndarray, x: np.ndarray) -> bool:
    a, ahead = points[:-1], np.diff(points, axis=0)
    along = np.clip(
        np.sum((x - a) * ahead, axis=1) / np.maximum(np.sum(ahead**2, axis=1), 1e-300), 0, 1
    )
    return bool(np.linalg.norm(a + along[:, None] * ahead - x, axis=1).min() < NEAR)


def _both(
    equations: Any, z: np.ndarray, inside: Any, anew: Any, largest: float, most: int
) -> tuple[np.ndarray, tuple[str, str]]:
    """Points of a curve in both directions from z."""
    tangent = np.linalg.svd(jacobian(equations, z))[2][-1]
    ahead = trace(
        equations, z, tangent, inside=inside, step=0.005, largest=largest, most=most, anew=anew
    )
    if ahead.ended == "closed":
        return ahead.points, ("closed", "closed")
    back = trace(
        equations, z, -tangent, inside=inside, step=0.005, largest=largest, most=most, anew=anew
    )
    names = {"left": "bounds"}
    return np.concatenate([back.points[::-1], ahead.points[1:]]), (
        names.get(back.ended, back.ended),
        names.get(ahead.ended, ahead.ended),
    )


def _ends(kind: str, along: Along, points: np.ndarray, ended: tuple[str, str]) -> list[str]:
    values = [np.asarray(along.values(p)) for p in (points[0], points[-1])]
    return [
        f"the curve of {kind} points ends at {v[0]:.5g}, {v[1]:.5g}: "
        + ("no further point was found" if e == "stalled" else "steps ran out")
        for e, v in zip(ended, values, strict=True)
        if e in ("stalled", "steps")
    ]


def _described(
    kind: str,
    along: Along,
    points: np.ndarray,
    ended: tuple[str, str],
    kappa: np.ndarray | None = None,
) -> BifurcationCurve:
    _, seen = evaluated(along, points)
    values = np.asarray(along.low) + np.asarray(along.width) * points[:, along.n :]
    data: dict[str, Any] = {name: (("step", "population"), v) for name, v in seen.items()}
    data |= {"first": ("step", values[:, 0]), "second": ("step", values[:, 1])}
    if kappa is not None:
        data["frequency"] = ("step", np.sqrt(np.where(kappa > 0, kappa, np.nan)))
    return BifurcationCurve(
        kind,
        xr.Dataset(data, coords={"population": list(along.parameters.populations)}),
        points,
        ended,
    )


def _inside(along: Along):
    def inside(z: np.ndarray) -> bool:
        s = z[along.n : along.n + 2]
        return bool(np.all(s >= 0) and np.all(s <= 1))

    return inside


def _anchored(along: Along, x: np.ndarray, also: str = "") -> Fold:
    left, right = null_vectors(jacobian(along, x)[:, : along.n])
    return Fold(along, jnp.asarray(left), jnp.asarray(right), also)


def _fold_curve(along: Along, x: np.ndarray, number: int, largest: float, most: int):
    points, ended = _both(
        _anchored(along, x), x, _inside(along), lambda _, z: _anchored(along, z), largest, most
    )
    if len(points) < 2:
        return None, [], ["a curve of folds could not be followed"]
    jacobians, _ = evaluated(along, points)
    tests, last = [], None
    for z, matrix in zip(points, jacobians, strict=True):
        left, right = null_vectors(matrix[:, : along.n])
        if last is not None:
            left, right = left * np.sign(left @ last[0]), right * np.sign(right @ last[1])
        last = left, right
        ahead = jnp.asarray(np.concatenate([right, np.zeros(2)]))
        bend = float(crossing_forms(along, jnp.asarray(z), jnp.asarray(left), ahead, ahead)[0])
        tests.append((bend, float(left @ right)))
    found = []
    for column, kind in enumerate(("cusp", "Bogdanov-Takens")):
        values = np.array(tests)[:, column]
        for k in np.flatnonzero(values[:-1] * values[1:] < 0):
            found.append(_refined(along, kind, points[k], points[k + 1], number))
    return _described("fold", along, points, ended), found, _ends("fold", along, points, ended)


def _refined(along: Along, kind: str, a: np.ndarray, b: np.ndarray, number: int) -> SpecialPoint:
    middle = (a + b) / 2
    x, residual, good = root(_anchored(along, middle, kind), middle)
    good &= bool(np.linalg.norm(x - middle) < 5 * np.linalg.norm(b - a))
    return special(along, kind, x if good else middle, number, residual, good)


def _hopf_curve(along: Along, x: np.ndarray, number: int, largest: float, most: int):
    k = along.n + 2
    start, reference = hopf_start(along, x)

    def anew(equations: Hopf, z: np.ndarray) -> Hopf:
        """The reference normal to v within the plane of the pair: that of J v, less its part along v."""
        v = z[k:-1]
        other = jacobian(along, z[:k])[:, : along.n] @ v
        other = other - v * (v @ other) / (v @ v)
        return (
            Hopf(along, jnp.asarray(other / np.linalg.norm(other)))
            if np.linalg.norm(other) > 1e-6
            else equations
        )

    points, ended = _both(
        Hopf(along, jnp.asarray(reference)), start, _inside(along), anew, largest, most
    )
    if len(points) < 2:
        return None, [], ["a curve of Hopf points could not be followed"]
    kappa, found = points[:, -1], []
    for j in np.flatnonzero(kappa[:-1] * kappa[1:] < 0):
        z, residual, good = root(
            Hopf(
                along,
                anew(Hopf(along, jnp.asarray(reference)), points[j]).reference,
                "Bogdanov-Takens",
            ),
            points[j],
        )
        good &= bool(
            np.linalg.norm(z[:k] - points[j, :k])
            < 5 * np.linalg.norm(points[j + 1, :k] - points[j, :k]) + 1e-6
        )
        found.append(
            special(along, "Bogdanov-Takens", z if good else points[j], number, residual, good)
        )
    return (
        _described("Hopf", along, points[:, :k], ended, kappa),
        found,
        _ends("Hopf", along, points, ended),
    )
