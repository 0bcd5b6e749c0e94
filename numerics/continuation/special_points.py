"""Special points along a branch: detected between its points, located by Newton's method."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jaxcont
import numpy as np

from ...errors import ParameterError
from ..results import OK, Code, Status
from .along import Along, evaluated, jacobian
from .arclength import on_plane, root
from .equations import BranchPoint, Fold, Hopf
from .normal_form import lyapunov_coefficient

KINDS = (
    "fold",
    "Hopf",
    "branch point",
    "negative variance",
    "infeasible",
    "bulk instability",
    "cusp",
    "Bogdanov-Takens",
)
NEAR = 2.0  # steps of the branch within which a point that was seen between two of its points lies
FAR = 5.0  # the same on curves of special points, whose steps are shorter where they bend
BISECTIONS = 40  # 1e-12 of a step
CODIM2 = {"cusp": jaxcont.cusp_point, "Bogdanov-Takens": jaxcont.bogdanov_takens_point}
EXACT = 1e-11  # residual at which jaxcont's Newton steps stop: the next would be rounding
LOCATED = 1e-9  # of the artificial unknown at a branch point, 0 in theory


def of_kind(points: Iterable[SpecialPoint], kind: str) -> list[SpecialPoint]:
    """Those of one kind; a kind that does not exist is an error, for it would never be found."""
    if kind not in KINDS:
        raise ParameterError(f"no kind of special points is called {kind!r}: {', '.join(KINDS)}")
    return [point for point in points if point.kind == kind]


@dataclass(frozen=True, eq=False)
class SpecialPoint:
    """A point where something happens to a branch.

    Args:
        kind: one of "fold", "Hopf", "branch point", "negative variance", "infeasible",
            "bulk instability", "cusp", "Bogdanov-Takens".
        value: of the parameter that varies; a pair for two.
        state: the system's state there.
        branch: which branch, by position in `Branches`.
        seen: `mean`, `variance`, `rate` by population.
        residual: of the equations that define the point.
        info: for a Hopf point `frequency` (angular, per unit of time), `lyapunov` (the first
            Lyapunov coefficient) and `criticality`; for others what they need; `bulk` along one
            parameter, "stable", "unstable" or "not known".
        status: "ok", or that the point was seen but its equations did not converge; then it is only
            known to lie between two points of the branch.
        point: in the scaled units of the continuation.
    """

    kind: str
    value: Any
    state: Any
    branch: int
    seen: dict[str, np.ndarray]
    residual: float
    info: dict[str, Any] = field(default_factory=dict)
    status: Status = OK
    point: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)

    def row(self, name: str, populations: tuple[str, ...]) -> dict[str, Any]:
        """The point as a row of a table; name: of the parameter that varies."""
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
            "status": str(self.status),
        }


def special(
    along: Along, kind: str, x: np.ndarray, branch: int, residual: float, good: bool, **info: Any
) -> SpecialPoint:
    """A special point from its position; good: whether its equations converged."""
    k = along.n + len(along.names)
    values = np.asarray(along.values(x))
    _, seen = evaluated(along, x[None, :k])
    state = along.model.state(along.state(jnp.asarray(x)))
    value = float(values[0]) if len(values) == 1 else tuple(float(v) for v in values)
    missed = "seen between two points, not located: its equations did not converge"
    status = OK if good else Status(missed, Code.UNDECIDED)
    own = {name: v[0] for name, v in seen.items()}
    return SpecialPoint(kind, value, state, branch, own, residual, info, status, x[:k])


def hopf_test(eigenvalues: np.ndarray) -> float:
    """The sign of the product of all sums of two eigenvalues: it changes where a pair sums to 0."""
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
    both = [np.vstack([j, t]) for j, t in zip(jacobians, tangents, strict=True)]
    crossing = [np.linalg.slogdet(matrix)[0] for matrix in both]
    least = variances.min(axis=1)
    for k in range(len(points) - 1):
        a, b = points[k], points[k + 1]
        if crossing[k] * crossing[k + 1] < 0:
            found.append(branch_point(along, a, b, branch))
        elif turning[k] * turning[k + 1] < 0:
            found.append(fold(along, a, b, jacobians[k], branch))
        if hopfs[k] * hopfs[k + 1] < 0:
            point = hopf(along, a, b, eigenvalues[k], branch)
            found += [point] if point is not None else []
        if (least[k] < 0) != (least[k + 1] < 0):
            found.append(_negative_variance(along, a, b, least[k], branch))
    return found


def null_vectors(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left and right singular vectors of the smallest singular value."""
    left, _, right = np.linalg.svd(matrix)
    return left[:, -1], right[-1]


def _is_near(x: np.ndarray, a: np.ndarray, b: np.ndarray, steps: float = NEAR) -> bool:
    """Whether x is where something was seen, between a and b."""
    distance = np.linalg.norm(x - (a + b) / 2)
    return bool(distance < steps * np.linalg.norm(b - a) + 1e-6)


def fold(
    along: Along, a: np.ndarray, b: np.ndarray, matrix: np.ndarray, branch: int
) -> SpecialPoint:
    """The fold between two points: the field and the bordered determinant vanish."""
    middle = (a + b) / 2
    left, right = null_vectors(matrix[:, : along.n])
    x, residual, good = root(Fold(along, jnp.asarray(left), jnp.asarray(right)), middle)
    good &= _is_near(x, a, b)
    return special(along, "fold", x if good else middle, branch, residual, good)


def hopf(
    along: Along, a: np.ndarray, b: np.ndarray, eigenvalues: np.ndarray, branch: int
) -> SpecialPoint | None:
    """The Hopf point between two points; None when the pair is real (a neutral saddle)."""
    middle = (a + b) / 2
    start, reference = hopf_start(along, middle)
    z, residual, good = root(Hopf(along, jnp.asarray(reference)), start)
    x, kappa = z[: along.n + 1], z[-1]
    good &= _is_near(x, a, b)
    if good and kappa <= 0:
        return None
    if not good:
        i, j = np.triu_indices(len(eigenvalues), 1)
        nearest = int(np.argmin(np.abs(eigenvalues[i] + eigenvalues[j])))
        if np.isreal(eigenvalues[i[nearest]]):
            return None
        return special(along, "Hopf", middle, branch, residual, False)
    omega, coefficient, _ = lyapunov_coefficient(along, x)
    info = {
        "frequency": omega,
        "lyapunov": coefficient,
        "criticality": "supercritical" if coefficient < 0 else "subcritical",
    }
    return special(along, "Hopf", x, branch, residual, True, **info)


def hopf_start(along: Along, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A start (u, s.., v, kappa) for the equations of Hopf points, and their reference vector."""
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
    good &= _is_near(x, a, b) and bool(abs(z[n + 1]) < LOCATED)
    at = x if good else middle
    return special(along, "branch point", at, branch, residual, good, left=z[n + 2 :])


@eqx.filter_jit
def _codim2(along: Along, x: Any, kind: str) -> tuple[Any, Any, Any]:
    n = along.n

    def field(u, p, own):
        return own(jnp.concatenate([u, p]))

    u, p, *_, converged = CODIM2[kind](field, x[:n], x[n:], along, tol=EXACT, max_iter=40)
    found = jnp.concatenate([u, p])
    return found, jnp.max(jnp.abs(along(found))), converged


def of_two_parameters(
    along: Along, kind: str, a: np.ndarray, b: np.ndarray, curve: int
) -> SpecialPoint:
    """The cusp or Bogdanov-Takens point between two points of a curve (jaxcont)."""
    middle = (a + b) / 2
    found, residual, converged = _codim2(along, jnp.asarray(middle), kind)
    x = np.asarray(found)
    good = bool(converged) and _is_near(x, a, b, FAR)
    return special(along, kind, x if good else middle, curve, float(residual), good)


def _negative_variance(
    along: Along, a: np.ndarray, b: np.ndarray, first: float, branch: int
) -> SpecialPoint:
    """Where the smallest variance passes 0, by bisection on the branch; first: that at a."""
    ahead = (b - a) / np.linalg.norm(b - a)
    low, high, x = 0.0, 1.0, a
    for _ in range(BISECTIONS):
        part = 0.5 * (low + high)
        guess = a + part * (b - a)
        x, residual, good = on_plane(along, guess, guess, ahead)
        smallest = float(evaluated(along, x[None])[1]["variance"].min())
        low, high = (part, high) if (smallest < 0) == (first < 0) else (low, part)
    return special(along, "negative variance", x, branch, residual, good)
