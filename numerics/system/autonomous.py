"""The equations with the input held: d(state)/dt as a function of one vector."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from ..parameters import INPUTS, Constant, Input, Parameters, with_all_inputs
from .system import System


class Autonomous(eqx.Module):
    """A system of P populations whose input keeps the value that it has at one time.

    States are vectors, one latent variable after the other, for root finding, stability and
    continuation. Every method is pure, for jit, vmap and grad.

    Args:
        system: the compiled equations.
        P: number of populations.
        time: when the input is held.
    """

    system: System = eqx.field(static=True)
    P: int = eqx.field(static=True)
    time: float | Float[Array, ""] = 0.0

    @property
    def size(self) -> int:
        """Number of states."""
        return sum(v.size for v in jax.tree.leaves(self.system.rest(self.P)))

    def flat(self, state: Any) -> Float[Array, " n"]:
        """A state as a vector."""
        leaves = jax.tree.leaves(state)
        if any(isinstance(v, jax.core.Tracer) for v in leaves):
            return ravel_pytree(state)[0]
        # outside of jit, JAX would compile every operation
        return jnp.asarray(np.concatenate([np.ravel(v) for v in leaves]))

    def state(self, y: Float[Array, " n"]) -> Any:
        """A vector as a state."""
        rest = self.system.rest(self.P)
        if isinstance(y, jax.core.Tracer):
            return ravel_pytree(rest)[1](y)
        leaves, kind = jax.tree.flatten(rest)
        parts = np.split(np.asarray(y), np.cumsum([v.size for v in leaves])[:-1])
        own = [jnp.asarray(p.reshape(v.shape)) for p, v in zip(parts, leaves, strict=True)]
        return jax.tree.unflatten(kind, own)

    def latents(self) -> list[tuple[str, tuple[int, ...]]]:
        """Name of the state and index within it of each entry of a vector."""
        rest = self.system.rest(self.P)._asdict()
        return [(name, index) for name, value in rest.items() for index in np.ndindex(*value.shape)]

    @property
    def moving(self) -> np.ndarray:
        """Which entries are states: all but the outputs of membranes that are 1, (n,) of bool.

        The others follow these, and nothing depends on them but what is observed.
        """
        architecture = self.system.mean_field.architecture
        responses = {e.name: e.response for e in self.system.mean_field.equations}
        classes = [f.is_identity for f in architecture.distinct_filters("membrane")]
        own = architecture.without_membrane(self.P)

        def follows(name: str, index: tuple[int, ...]) -> bool:
            if responses.get(name) != "membrane":
                return False
            by_filter = len(index) > 1 and name != "theta"
            return classes[index[0]] if by_filter else own[index[0]]

        return np.array([not follows(*latent) for latent in self.latents()])

    def of_states(self, jacobian: np.ndarray) -> np.ndarray:
        """The rows and columns of states alone, whose eigenvalues are those of the dynamics.

        Args:
            jacobian: of all entries, or another matrix of the dynamics, (..., n, n).
        """
        moves = self.moving
        return jacobian if moves.all() else jacobian[..., moves, :][..., moves]

    def modes(self, jacobian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues and eigenvectors of the states' dynamics, with what follows them.

        Args:
            jacobian: of all entries, (n, n).

        Returns:
            One eigenvalue for each of the m states, (m,); the vectors, (n, m).
        """
        moves = self.moving
        values, vectors = np.linalg.eig(self.of_states(jacobian))
        # the row of an entry that follows is what it is in the states, beside a -1 for itself
        whole = jacobian[:, moves] @ vectors
        whole[moves] = vectors
        return values, whole

    def bind(self, parameters: Parameters):
        """y -> dy/dt, with the coefficients computed once."""
        coefficients, drive = (
            self.system.coefficients(parameters),
            self.system.drive(parameters)(self.time),
        )
        field = jax.jit(self.system.module.vector_field)
        return lambda y: self.flat(field(self.state(y), drive, coefficients))

    def field(self, y: Float[Array, " n"], parameters: Parameters) -> Float[Array, " n"]:
        """dy/dt."""
        return self.bind(parameters)(y)

    def jacobian(self, y: Float[Array, " n"], parameters: Parameters) -> Float[Array, "n n"]:
        """d(dy/dt)/dy."""
        return jax.jacfwd(self.bind(parameters))(y)

    def follow(self, y: Float[Array, " n"], parameters: Parameters) -> Float[Array, " n"]:
        """The vector with what follows the states and the input at its place; see `moving`."""
        if not self.system.mean_field.architecture.is_rate_form:
            return y
        drive = self.system.drive(parameters)(self.time)
        coefficients = self.system.coefficients(parameters)
        return self.flat(self.system.follow(self.state(y), drive, coefficients))

    def observables(
        self, y: Float[Array, " n"], parameters: Parameters
    ) -> dict[str, Float[Array, " P"]]:
        """`mean` K_p, `variance` Delta_p and `rate` R_p, each (P,).

        For equations of fixed points alone, mean and variance are those of x itself.
        """
        coefficients, module = self.system.coefficients(parameters), self.system.module
        state = self.state(self.follow(y, parameters))
        seen = {
            "mean": state.K,
            "variance": module.variance(state, coefficients),
            "rate": module.rates(state, coefficients),
        }
        report = self.system.report(state, parameters)
        return {name: report.get(name, value) for name, value in seen.items()}


def held(parameters: Parameters, time: Any = 0.0) -> Parameters:
    """The parameters with every input constant, at its value at `time`; pure in the parameters."""

    def at_once(given: Input, name: str) -> Input:
        return Constant(jnp.broadcast_to(jnp.asarray(given(time), dtype=float), parameters.P))

    return with_all_inputs(parameters, at_once)


def held_inputs(
    parameters: Parameters, time: Any = 0.0
) -> tuple[Float[Array, " P"], Float[Array, " P"], Float[Array, " P"]]:
    """I_p, h_p and sigma_p at one time: `input`, `in_strength` and `spread`; pure."""
    first, second, third = (
        jnp.broadcast_to(jnp.asarray(getattr(parameters, name)(time), dtype=float), parameters.P)
        for name in INPUTS
    )
    return first, second, third
