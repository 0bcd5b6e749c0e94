"""Equations of folds, Hopf points and branch points: regular at the points that they define."""

# jaxcont's public functions were judged for these. `cusp_point` and `bogdanov_takens_point` serve,
# and locate those points in `special_points`. The others do not: `lyapunov_coefficient` takes
# derivatives along complex vectors, and erf is no function of complex numbers in JAX;
# `hopf_point` and `hopf_curve_problem` are written in the frequency, so that they find no neutral
# saddle and turn back at a Bogdanov-Takens point, where these here go on in its square;
# `fold_curve_problem` makes a new closure, and so compiles anew, for every curve and each renewal
# of its reference, and `fold_point` would stand beside `Fold`, which curves of folds need.

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .along import Along


def _bordered(jacobian, left, right):
    """v and g with J v + left g = 0, right.v = 1: a null vector where g = 0."""
    matrix = jnp.block([[jacobian, left[:, None]], [right[None, :], jnp.zeros((1, 1))]])
    last = jnp.zeros(len(left) + 1).at[-1].set(1.0)
    v = jnp.linalg.solve(matrix, last)
    return v[:-1], v[-1]


class Fold(eqx.Module):
    """Points with a zero eigenvalue: the field, and g of the bordered Jacobian.

    With two parameters these are a curve.

    Args:
        along: the field.
        left: left null vector of a point nearby, (n,).
        right: right null vector of a point nearby, (n,).
    """

    along: Along
    left: Float[Array, " n"]
    right: Float[Array, " n"]

    def __call__(self, x: Any) -> Any:
        jacobian = self.along.jacobian(x)[:, : self.along.n]
        return jnp.append(self.along(x), _bordered(jacobian, self.left, self.right)[1])


class Hopf(eqx.Module):
    """Points with a pair of eigenvalues of sum zero, (J^2 + kappa) v = 0, v.v = 1.

    The unknowns are x = (u, s.., v, kappa), and reference.v = 0. kappa = omega^2 at a Hopf point, 0
    at a Bogdanov-Takens point, negative where the eigenvalues are real (a neutral saddle).

    Args:
        along: the field.
        reference: a vector in the plane of the pair, (n,), normal to v.
    """

    along: Along
    reference: Float[Array, " n"]

    def parts(self, x: Any) -> Any:
        """The point (u, s..), v and kappa."""
        k = self.along.n + len(self.along.names)
        return x[:k], x[k:-1], x[-1]

    def __call__(self, x: Any) -> Any:
        point, v, kappa = self.parts(x)
        jacobian = self.along.jacobian(point)[:, : self.along.n]
        rest = jnp.stack([jnp.dot(v, v) - 1, jnp.dot(self.reference, v)])
        return jnp.concatenate([self.along(point), jacobian @ (jacobian @ v) + kappa * v, rest])


class BranchPoint(eqx.Module):
    """Points where two curves cross.

    The unknowns are x = (u, s, beta, w), with field + beta w = 0, w.J = 0, w.d(field)/ds = 0,
    w.w = 1.
    """

    along: Along

    def __call__(self, x: Any) -> Any:
        n = self.along.n
        point, beta, w = x[: n + 1], x[n + 1], x[n + 2 :]
        return jnp.concatenate(
            [
                self.along(point) + beta * w,
                w @ self.along.jacobian(point),
                jnp.stack([jnp.dot(w, w) - 1]),
            ]
        )


@eqx.filter_jit
def crossing_forms(along: Along, x, w, first, second):
    """w.F(a, b) for the pairs (first, first), (first, second), (second, second).

    F is the second derivative of the field.
    """

    def form(a, b):
        return jnp.dot(w, jax.jvp(lambda z: jax.jvp(along, (z,), (a,))[1], (x,), (b,))[1])

    return form(first, first), form(first, second), form(second, second)
