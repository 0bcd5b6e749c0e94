"""The vector field as a function of its state and of one or two numbers of the parameters, and the equations of special points.

A point is x = (u, s): u = state / scale, s = (value - low) / width, so that every entry is of order one and s runs from 0 to 1.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..parameters import Parameters, Scalar
from ..system import Autonomous


class Named:
    """A scalar that can be compared and hashed, for jit."""

    def __init__(self, scalar: Scalar):
        self.scalar = scalar
        self.key = (
            scalar.name,
            scalar.is_factor,
            tuple((part.name, part.where.shape, part.where.tobytes()) for part in scalar.parts),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


class Along(eqx.Module):
    """d(state)/dt along numbers of the parameters, scaled; x -> the n residuals."""

    model: Autonomous
    names: tuple[Named, ...] = eqx.field(static=True)
    parameters: Parameters
    low: Float[Array, " k"]
    width: Float[Array, " k"]
    scale: Float[Array, " n"]

    @property
    def n(self) -> int:
        """Number of states."""
        return len(self.scale)

    def at(self, values: Any) -> Parameters:
        """The parameters with these values of the numbers."""
        made = self.parameters
        for k, own in enumerate(self.names):
            made = own.scalar.set(made, values[k])
        return made

    def values(self, x: Any) -> Any:
        """The numbers at a point."""
        return self.low + self.width * x[self.n : self.n + len(self.names)]

    def state(self, x: Any) -> Any:
        """The state at a point."""
        return self.scale * x[: self.n]

    def point(self, y: Any, values: Any) -> np.ndarray:
        """The point of a state and numbers."""
        return np.concatenate(
            [
                np.asarray(y) / np.asarray(self.scale),
                (np.asarray(values) - np.asarray(self.low)) / np.asarray(self.width),
            ]
        )

    def field(self, y: Any, values: Any) -> Any:
        """dy/dt, not scaled."""
        return self.model.field(y, self.at(values))

    def __call__(self, x: Any) -> Any:
        return self.field(self.state(x), self.values(x)) / self.scale

    def jacobian(self, x: Any) -> Any:
        """The derivative with respect to u and s, (n, n + k)."""
        return jax.jacfwd(self)(x[: self.n + len(self.names)])


@eqx.filter_jit
def _jacobian(equations: Any, x):
    return jax.jacfwd(equations)(x)


def jacobian(equations: Any, x: np.ndarray) -> np.ndarray:
    """The derivative of equations at a point; compiled once per kind of equations."""
    return np.asarray(_jacobian(equations, jnp.asarray(x)))


@eqx.filter_jit
def _evaluated(along: Along, xs):
    def one(x):
        seen = along.model.observables(along.state(x), along.at(along.values(x)))
        return along.jacobian(x), seen

    return jax.lax.map(one, xs, batch_size=16)


def evaluated(along: Along, xs: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Jacobians (k, n, n + 1) and observables (k, P) at points; compiled for multiples of 64 points."""
    count = len(xs)
    padded = np.concatenate([xs, np.repeat(xs[-1:], -count % 64, axis=0)])
    jacobians, seen = _evaluated(along, jnp.asarray(padded))
    return np.asarray(jacobians)[:count], {name: np.asarray(v)[:count] for name, v in seen.items()}


def _bordered(jacobian, left, right):
    """v and g with J v + left g = 0, right.v = 1; w with w.J + right g = 0, w.left = 1: null vectors where g = 0."""
    matrix = jnp.block([[jacobian, left[:, None]], [right[None, :], jnp.zeros((1, 1))]])
    last = jnp.zeros(len(left) + 1).at[-1].set(1.0)
    v, w = jnp.linalg.solve(matrix, last), jnp.linalg.solve(matrix.T, last)
    return v[:-1], w[:-1], v[-1]


class Fold(eqx.Module):
    """Points with a zero eigenvalue: the field, and g of the bordered Jacobian. `left`, `right`: null vectors of a point nearby.

    With two numbers a curve; `also` closes it at its special points: "cusp" with w.B(v, v) = 0, "Bogdanov-Takens" with w.v = 0.
    """

    along: Along
    left: Float[Array, " n"]
    right: Float[Array, " n"]
    also: str = eqx.field(static=True, default="")

    def vectors(self, x: Any) -> Any:
        """v, w, g at a point."""
        return _bordered(self.along.jacobian(x)[:, : self.along.n], self.left, self.right)

    def tests(self, x: Any) -> Any:
        """w.B(v, v) and w.v, which vanish at a cusp and at a Bogdanov-Takens point."""
        v, w, _ = self.vectors(x)
        ahead = jnp.concatenate([v, jnp.zeros(len(x) - self.along.n)])
        bend = jax.jvp(lambda z: jax.jvp(self.along, (z,), (ahead,))[1], (x,), (ahead,))[1]
        return jnp.dot(w, bend), jnp.dot(w, v)

    def __call__(self, x: Any) -> Any:
        base = jnp.append(self.along(x), self.vectors(x)[2])
        return (
            jnp.append(base, self.tests(x)[{"cusp": 0, "Bogdanov-Takens": 1}[self.also]])
            if self.also
            else base
        )


class Hopf(eqx.Module):
    """Points with a pair of eigenvalues of sum zero: x = (u, s.., v, kappa) with (J^2 + kappa) v = 0, v.v = 1, reference.v = 0.

    kappa = omega^2 at a Hopf point, 0 at a Bogdanov-Takens point, negative where the eigenvalues are real (a neutral saddle).
    """

    along: Along
    reference: Float[Array, " n"]
    also: str = eqx.field(static=True, default="")

    def parts(self, x: Any) -> Any:
        """The point (u, s..), v and kappa."""
        k = self.along.n + len(self.along.names)
        return x[:k], x[k:-1], x[-1]

    def __call__(self, x: Any) -> Any:
        point, v, kappa = self.parts(x)
        jacobian = self.along.jacobian(point)[:, : self.along.n]
        rest = [jnp.dot(v, v) - 1, jnp.dot(self.reference, v)] + ([kappa] if self.also else [])
        return jnp.concatenate(
            [self.along(point), jacobian @ (jacobian @ v) + kappa * v, jnp.stack(rest)]
        )


class BranchPoint(eqx.Module):
    """Points where two curves cross: x = (u, s, beta, w) with field + beta w = 0, w.J = 0, w.d(field)/ds = 0, w.w = 1."""

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
    """w.F(a, b), F the second derivative at a branch point, for the pairs (first, first), (first, second), (second, second)."""

    def form(a, b):
        return jnp.dot(w, jax.jvp(lambda z: jax.jvp(along, (z,), (a,))[1], (x,), (b,))[1])

    return form(first, first), form(first, second), form(second, second)


@eqx.filter_jit
def lyapunov(along: Along, y, values, q, left, omega):
    """The first Lyapunov coefficient (Kuznetsov, Elements of Applied Bifurcation Theory, eq. 5.34 in the third edition), with |q| = 1.

    Derivatives along real vectors only: the field need not be a function of complex numbers (erf is not one in JAX).
    """

    def along1(f, v):
        return lambda z: jax.jvp(f, (z,), (v,))[1]

    def field(z):
        return along.field(z, values)

    def B(a, b):
        def real(v, w):
            return along1(along1(field, v), w)(y)

        return jax.lax.complex(
            real(a.real, b.real) - real(a.imag, b.imag), real(a.real, b.imag) + real(a.imag, b.real)
        )

    def third(a, b, c):
        return along1(along1(along1(field, a), b), c)(y)

    a, b = q.real, q.imag
    cubic = jax.lax.complex(third(a, a, a) + third(a, b, b), third(a, a, b) + third(b, b, b))
    jacobian = jax.jacfwd(field)(y).astype(q.dtype)
    eye = jnp.eye(len(y), dtype=q.dtype)
    constant = jnp.linalg.solve(jacobian, B(q, jnp.conj(q)))
    double = jnp.linalg.solve(jax.lax.complex(0.0, 2 * omega) * eye - jacobian, B(q, q))
    total = (
        jnp.vdot(left, cubic)
        - 2 * jnp.vdot(left, B(q, constant))
        + jnp.vdot(left, B(jnp.conj(q), double))
    )
    return total.real / (2 * omega)


def lyapunov_coefficient(along: Along, x: np.ndarray) -> tuple[float, float, np.ndarray]:
    """omega, the first Lyapunov coefficient and the eigenvector (unit length, in units of the states) at a Hopf point."""
    y, values = along.state(jnp.asarray(x)), along.values(jnp.asarray(x))
    scale = np.asarray(along.scale)
    matrix = jacobian(along, x)[:, : along.n] * scale[:, None] / scale[None, :]
    roots, vectors = np.linalg.eig(matrix)
    k = int(np.argmin(np.where(roots.imag > 1e-9, np.abs(roots.real), np.inf)))
    q = vectors[:, k] / np.linalg.norm(vectors[:, k])
    q = q * np.exp(-0.5j * np.angle(np.sum(q * q)))
    others, lefts = np.linalg.eig(matrix.T)
    left = np.conj(lefts[:, int(np.argmin(np.abs(others - roots[k])))])
    left = left / np.conj(np.vdot(left, q))
    omega = float(roots[k].imag)
    return (
        omega,
        float(lyapunov(along, y, values, jnp.asarray(q), jnp.asarray(left), jnp.asarray(omega))),
        q,
    )
