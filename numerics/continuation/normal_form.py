"""The normal form of a Hopf point: frequency, eigenvector, first Lyapunov coefficient."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .along import Along, jacobian

TURNS = 1e-9  # an imaginary part below this is rounding


@eqx.filter_jit
def lyapunov(along: Along, y, values, q, left, omega):
    """The first Lyapunov coefficient, with |q| = 1.

    Derivatives are along real vectors only: the field need not be a function of complex numbers
    (erf is not one in JAX).

    Args:
        along: the field.
        y: the state at the Hopf point, (n,).
        values: of the parameters that vary.
        q: right eigenvector of i omega.
        left: left eigenvector, with <left, q> = 1.
        omega: the angular frequency.

    Source: Kuznetsov, Elements of Applied Bifurcation Theory, eq. 5.34 in the third edition.
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
    """omega, the first Lyapunov coefficient and the eigenvector at a Hopf point.

    The eigenvector has unit length, in units of the states.
    """
    y, values = along.state(jnp.asarray(x)), along.values(jnp.asarray(x))
    scale = np.asarray(along.scale)
    matrix = jacobian(along, x)[:, : along.n] * scale[:, None] / scale[None, :]
    roots, vectors = np.linalg.eig(matrix)
    k = int(np.argmin(np.where(roots.imag > TURNS, np.abs(roots.real), np.inf)))
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
