"""The equations as pure functions of their parameters, for jax.grad, jit and vmap.

The verbs check what they are given and return results with a status, which needs numbers; these
functions do neither, and can be traced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxtyping import Array, Float

from ..parameters import Parameters
from .states import given_state, initial_state
from .system import System
from .trajectories import courses


def pure_trajectory(
    system: System,
    parameters: Parameters,
    times: Float[Array, " t"],
    *,
    initial: Mapping[str, Any] | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = 100_000,
) -> dict[str, Float[Array, "t P"]]:
    """The mean-field variables at given times: `integrate` for jax.grad, jit and vmap.

    Nothing is checked: see `integrate` for parameters that do not fit. An input that is a function
    of time is not searched for jumps and pulses, as `integrate` does it: steps may pass over what
    `motifield.inputs.Function(f, jumps=[...])` does not declare, without a word. Call `integrate`
    once, whose warning lists the jumps, and declare them. From where a solution
    diverges, or the steps run out, the values are infinite. Derivatives go backwards (jax.grad,
    jax.jacrev).

    Args:
        system: the compiled equations; not traced.
        parameters: the network's numbers, of which any may be traced.
        times: increasing, shape (t,); the first is the start.
        initial: state at the first time, as `integrate` takes it; all 0 by default.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        max_steps: most steps.

    Returns:
        `mean`, `variance`, `rate` and the other variables that a `Trajectory` has, by name, each
        of shape (t, P).

    Example:
        How the final rates depend on the gain of the transfer function::

            def final(gain):
                p = parameters.replace(transfer={"gain": gain})
                return mf.pure.trajectory(system, p, jnp.array([0.0, 20.0]))["rate"][-1].sum()

            jax.grad(final)(1.5)
    """
    start = initial_state(system, parameters, initial)
    options = {"rtol": rtol, "atol": atol, "max_steps": max_steps}
    return courses(system, parameters, start, times, **options)


def pure_rates(system: System, parameters: Parameters, state: Any) -> Float[Array, " P"]:
    """Mean rates of the populations in a given state of the equations, for jax.grad, jit and vmap.

    R_p = <phi_p(x)> over x ~ N(K_p, Delta_p), Delta_p the variance that the state has.

    Args:
        system: the compiled equations; not traced.
        parameters: the network's numbers, of which any may be traced.
        state: a `system.State`, or a mapping by name, such as `{"mean": K, "kappa": kappa}`; what
            is not named is 0.

    Returns:
        R, shape (P,).

    Example:
        Rates for a hundred mean input currents at once::

            jax.vmap(lambda K: mf.pure.rates(system, parameters, {"mean": K}))(currents)
    """
    return system.rates(given_state(system, parameters, state), parameters)
