"""Folds, Hopf points, branch points and limits of validity along a branch of fixed points: detected between points, located by Newton's method."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from .along import Along, BranchPoint, Fold, Hopf, evaluated, jacobian, lyapunov_coefficient
from .arclength import on_plane, root

KINDS = (
    "fold",
    "Hopf",
    "branch point",
    "negative variance",
    "infeasible",
    "cusp",
    "Bogdanov-Takens",
)


@dataclass(frozen=True)
class SpecialPoint:
    """A point where something happens to a branch.

    kind: one of `KINDS`; value: of the number that varies (for two, a tuple); state: the system's state there; branch: which branch, by
    position in `Branches`; seen: `mean`, `variance`, `rate` by population; residual: of the equations that define it; info: for a Hopf point
    `frequency` (angular, per unit of time), `lyapunov` (the first Lyapunov coefficient) and `criticality`; for others what they need.
    status: "ok", or that the point was seen but its equations did not converge (then it is only known to lie between two points).
    """

    kind: str
    value: Any
    state: Any
    branch: int
    seen: dict[str, np.ndarray]
    residual: float
    info: dict[str, Any] = field(default_factory=dict)
    status: str = "ok"
    point: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)

    def row(self, name: str, populations: tuple[str, ...]) -> dict[str, Any]:
        """The point as a row of a table."""
        seen = {
            f"{what} {p}": float(v[k])
            for what, v in self.seen.items()
            for k, p in enumerate(populations)
        }
        own = {key: value for key, value in self.info.items() if np.ndim(value) == 0}
        return {
            "kind": self.kind,
            name: self.value,
            "branch": self.branch,
            **seen,
            **own,
            "residual": self.residual,
            "status": self.status,
        }


def special(
    along: Along, kind: str, x: np.ndarray, branch: int, residual: float, good: bool, **info: Any
) -> SpecialPoint:
    """A special point from its position."""
    k = along.n + len(along.names)
    values = np.asarray(along.values(x))
    _, seen = evaluated(along, x[None, :k])
    state = along.model.state(along.state(jnp.asarray(x)))
    value = float(values[0]) if len(values) == 1 else tuple(float(v) for v in values)
    return SpecialPoint(
        kind,
        value,
        state,
        branch,
        {name: v[0] for name, v in seen.items()},
        residual,
        info,
        "ok" if good else "seen between two points, not located: its equations did not converge",
        x[:k],
    )


def hopf_test(eigenvalues: np.ndarray) -> float:
    """The sign of the product of all sums of two eigenvalues, which changes where a pair sums to 0."""
    n = len(eigenvalues)
    i, j = np.triu_indices(n, 1)
    sums = eigenvalues[i] + eigenvalues[j]
    return float(np.sign(np.prod(sums / np.maximum(np.abs(sums), 1e-300)).real)) if n > 1 else 1.0


def found_along(
    along: Along,
    points: np.ndarray,
    tangents: np.ndarray,
    jacobians: np.ndarray,
    eigenvalues: np.ndarray,
    variances: np.ndarray,
    branch: int,
) -> list[SpecialPoint]:
    """Every special point between consecutive points of a branch, in order."""
    found: list[SpecialPoint] = []
    turning, hopfs = np.sign(tangents[:, -1]), [hopf_test(e) for e in eigenvalues]
    crossing = [
        np.linalg.slogdet(np.vstack([j, t]))[0] for j, t in zip(jacobians, tangents, strict=True)
    ]
    for k in range(len(points) - 1):
        a, b = points[k], points[k + 1]
        if crossing[k] * crossing[k + 1] < 0:
            found.append(branch_point(along, a, b, branch))
        elif turning[k] * turning[k + 1] < 0:
            found.append(fold(along, a, b, jacobians[k], branch))
        if hopfs[k] * hopfs[k + 1] < 0:
            point = hopf(along, a, b, eigenvalues[k], branch)
            found += [point] if point is not None else []
        if (variances[k].min() < 0) != (variances[k + 1].min() < 0):
            found.append(
                _negative_variance(along, a, b, variances[k].min(), variances[k + 1].min(), branch)
            )
    return found


def null_vectors(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left and right singular vectors of the smallest singular value."""
    left, _, right = np.linalg.svd(matrix)
    return left[:, -1], right[-1]


def fold(
    along: Along, a: np.ndarray, b: np.ndarray, matrix: np.ndarray, branch: int
) -> SpecialPoint:
    """The fold between two points: the field and the bordered determinant vanish."""
    left, right = null_vectors(matrix[:, : along.n])
    x, residual, good = root(Fold(along, jnp.asarray(left), jnp.asarray(right)), (a + b) / 2)
    good &= np.linalg.norm(x - (a + b) / 2) < 2 * np.linalg.norm(b - a) + 1e-6
    return special(along, "fold", x if good else (a + b) / 2, branch, residual, good)


def hopf(
    along: Along, a: np.ndarray, b: np.ndarray, eigenvalues: np.ndarray, branch: int
) -> SpecialPoint | None:
    """The Hopf point between two points, or None when the pair whose sum vanishes is real (a neutral saddle)."""
    middle = (a + b) / 2
    start, reference = hopf_start(along, middle)
    z, residual, good = root(Hopf(along, jnp.asarray(reference)), start)
    x, kappa = z[: along.n + 1], z[-1]
    good &= bool(np.linalg.norm(x - middle) < 2 * np.linalg.norm(b - a) + 1e-6)
    if good and kappa <= 0:
        return None
    if not good:
        i, j = np.triu_indices(len(eigenvalues), 1)
        nearest = int(np.argmin(np.abs(eigenvalues[i] + eigenvalues[j])))
        return (
            None
            if np.isreal(eigenvalues[i[nearest]])
            else special(along, "Hopf", middle, branch, residual, False)
        )
    omega, coefficient, _ = lyapunov_coefficient(along, x)
    kind = "supercritical" if coefficient < 0 else "subcritical"
    return special(
        along,
        "Hopf",
        x,
        branch,
        residual,
        True,
        frequency=omega,
        lyapunov=coefficient,
        criticality=kind,
    )


def hopf_start(along: Along, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A start (u, s.., v, kappa) for the equations of Hopf points from a point nearby, and their reference vector."""
    roots, vectors = np.linalg.eig(jacobian(along, x)[:, : along.n])
    pairs = [(abs(roots[i] + roots[j]), i, j) for i in range(len(roots)) for j in range(i)]
    _, i, j = min(pairs)
    other = vectors[:, i].imag if np.iscomplex(roots[i]) else vectors[:, j].real
    plane = np.linalg.qr(np.stack([vectors[:, i].real, other], axis=1))[0].T
    return np.concatenate([x, plane[0], [(roots[i] * roots[j]).real]]), plane[1]


def branch_point(along: Along, a: np.ndarray, b: np.ndarray, branch: int) -> SpecialPoint:
    """The point where another curve crosses, between two points."""
    middle, n = (a + b) / 2, along.n
    left = np.linalg.svd(jacobian(along, middle))[0][:, -1]
    z, residual, good = root(BranchPoint(along), np.concatenate([middle, [0.0], left]))
    x = z[: n + 1]
    good &= bool(
        np.linalg.norm(x - middle) < 2 * np.linalg.norm(b - a) + 1e-6 and abs(z[n + 1]) < 1e-9
    )
    return special(
        along, "branch point", x if good else middle, branch, residual, good, left=z[n + 2 :]
    )


def _negative_variance(
    along: Along, a: np.ndarray, b: np.ndarray, first: float, last: float, branch: int
) -> SpecialPoint:
    """Where the smallest variance passes 0, by bisection on the branch."""
    ahead = (b - a) / np.linalg.norm(b - a)
    low, high, x = 0.0, 1.0, a
    for _ in range(40):
        part = 0.5 * (low + high)
        guess = a + part * (b - a)
        x, residual, good = on_plane(along, guess, guess, ahead)
        smallest = float(evaluated(along, x[None])[1]["variance"].min())
        low, high = (part, high) if (smallest < 0) == (first < 0) else (low, part)
    return special(along, "negative variance", x, branch, residual, good)
