"""Curves of folds and of Hopf points through a special point, both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...time_units import measured
from .along import Along, evaluated, jacobian
from .arclength import trace
from .equations import Fold, Hopf, crossing_forms
from .special_points import SpecialPoint, hopf_start, null_vectors, of_two_parameters
from .steps import Steps

FIRST_STEP = 0.005  # in arclength; later steps adapt
ALIGNED = 1e-6  # J v along v: the plane of the pair is not known from it

Traced = tuple["BifurcationCurve | None", list[SpecialPoint], list[str]]
"""A curve, the special points on it, and what was not reached."""


@dataclass(frozen=True, eq=False)
class BifurcationCurve:
    """A curve of "fold" or "Hopf" points.

    Args:
        kind: which of the two.
        dataset: over step: the parameters as `first` and `second`, for Hopf points `frequency` (NaN
            where the pair is real: there it is a neutral saddle, no bifurcation); over (step,
            population): `mean`, `variance`, `rate`.
        points: in the scaled units of the continuation.
        ended: why, at both ends.
    """

    kind: str
    dataset: xr.Dataset
    points: np.ndarray
    ended: tuple[str, str]


def _both(
    equations: Any, z: np.ndarray, inside: Any, anew: Any, steps: Steps
) -> tuple[np.ndarray, tuple[str, str]]:
    """Points of a curve in both directions from z."""
    tangent = np.linalg.svd(jacobian(equations, z))[2][-1]
    how: dict[str, Any] = {
        "inside": inside,
        "step": FIRST_STEP,
        "largest": steps.largest_step,
        "most": steps.most_steps,
        "anew": anew,
    }
    ahead = trace(equations, z, tangent, **how)
    if ahead.ended == "closed":
        return ahead.points, ("closed", "closed")
    back = trace(equations, z, -tangent, **how)
    names = {"left": "bounds"}
    ended = (names.get(back.ended, back.ended), names.get(ahead.ended, ahead.ended))
    return np.concatenate([back.points[::-1], ahead.points[1:]]), ended


def _ends(kind: str, along: Along, points: np.ndarray, ended: tuple[str, str]) -> list[str]:
    values = [np.asarray(along.values(p)) for p in (points[0], points[-1])]
    reasons = {"stalled": "no further point was found", "steps": "steps ran out"}
    return [
        f"the curve of {kind} points ends at {v[0]:.5g}, {v[1]:.5g}: {reasons[e]}"
        for e, v in zip(ended, values, strict=True)
        if e in reasons
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
    coords = {"population": list(along.parameters.populations)}
    dataset = measured(xr.Dataset(data, coords=coords), along.parameters.time_unit)
    return BifurcationCurve(kind, dataset, points, ended)


def _inside(along: Along) -> Callable[[np.ndarray], bool]:
    def inside(z: np.ndarray) -> bool:
        s = z[along.n : along.n + 2]
        return bool(np.all(s >= 0) and np.all(s <= 1))

    return inside


def _anchored(along: Along, x: np.ndarray) -> Fold:
    left, right = null_vectors(jacobian(along, x)[:, : along.n])
    return Fold(along, jnp.asarray(left), jnp.asarray(right))


def fold_curve(along: Along, x: np.ndarray, number: int, steps: Steps) -> Traced:
    """The curve of folds through x, with its cusps and Bogdanov-Takens points."""

    def anew(_: Fold, z: np.ndarray) -> Fold:
        return _anchored(along, z)

    points, ended = _both(_anchored(along, x), x, _inside(along), anew, steps)
    if len(points) < 2:
        return None, [], ["a curve of folds could not be followed"]
    found = []
    for values, kind in zip(_fold_tests(along, points).T, ("cusp", "Bogdanov-Takens"), strict=True):
        for k in np.flatnonzero(values[:-1] * values[1:] < 0):
            found.append(of_two_parameters(along, kind, points[k], points[k + 1], number))
    return _described("fold", along, points, ended), found, _ends("fold", along, points, ended)


def _fold_tests(along: Along, points: np.ndarray) -> np.ndarray:
    """w.B(v, v) and w.v along a curve, which vanish at a cusp and at a Bogdanov-Takens point."""
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
    return np.array(tests)


def hopf_curve(along: Along, x: np.ndarray, number: int, steps: Steps) -> Traced:
    """The curve of Hopf points through x, with its Bogdanov-Takens points."""
    k = along.n + 2
    start, reference = hopf_start(along, x)

    def anew(equations: Hopf, z: np.ndarray) -> Hopf:
        """The reference in the plane of the pair: J v, less its part along v."""
        v = z[k:-1]
        other = jacobian(along, z[:k])[:, : along.n] @ v
        other = other - v * (v @ other) / (v @ v)
        size = np.linalg.norm(other)
        return Hopf(along, jnp.asarray(other / size)) if size > ALIGNED else equations

    first = Hopf(along, jnp.asarray(reference))
    points, ended = _both(first, start, _inside(along), anew, steps)
    if len(points) < 2:
        return None, [], ["a curve of Hopf points could not be followed"]
    kappa, places = points[:, -1], points[:, :k]
    found = [
        of_two_parameters(along, "Bogdanov-Takens", places[j], places[j + 1], number)
        for j in np.flatnonzero(kappa[:-1] * kappa[1:] < 0)
    ]
    curve = _described("Hopf", along, places, ended, kappa)
    return curve, found, _ends("Hopf", along, places, ended)
