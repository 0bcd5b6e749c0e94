"""The units of a network as numbers: filters of membranes and synapses in state space, noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ParameterError
from ..linear import Filters, observer, respond
from ..parameters import FILTERS, Parameters, shown
from .formulas import evaluated, filter_code

if TYPE_CHECKING:  # loads SymPy
    from ...theory.architecture import Architecture, Filter

MARGINAL = 1e-12
"""Poles this close to the imaginary axis, relative to their size, do not decay."""


class States(NamedTuple):
    """Filter states of all neurons, a filter's output first; None where there is no filter.

    Args:
        membrane: by population, (order, N_p), or (order, N_p, runs) of several runs.
        synapse: likewise.
    """

    membrane: tuple[Array | None, ...]
    synapse: tuple[Array | None, ...]


class Units(eqx.Module):
    """The units of a network as differential equations; make them with `Units.of`.

    x_i = M_p[ sum_j J_ij S_q[phi_q(x_j)] + I_i + white noise ]; `Units()` is dx_i/dt = -x_i + ...

    Args:
        membrane: M_p in observer form, one filter per population, or one for all; None for x_i
            that are equal to their inputs.
        synapse: S_q likewise, None for synapses that pass rates on at once.
        noise: D_p, half the intensity of the white noise in the input, (P,), or (1,) for all.
    """

    membrane: tuple[Filters | None, ...] = eqx.field(
        default_factory=lambda: (observer([1.0], [1.0, 1.0], 1, 1),)
    )
    synapse: tuple[Filters | None, ...] = (None,)
    noise: Float[Array, " P"] = eqx.field(default_factory=lambda: jnp.zeros(1))

    @classmethod
    def of(cls, architecture: Architecture, parameters: Parameters) -> Units:
        """The units of an architecture with the values of parameters, else its defaults.

        Raises:
            ParameterError: as `check_filters` does.
        """
        _check_names(architecture, parameters)
        each = (
            [_observer(_numbers(architecture, kind, p, parameters)) for p in range(parameters.P)]
            for kind in FILTERS
        )
        membrane, synapse = map(tuple, each)
        return cls(membrane, synapse, parameters.noise)

    def __repr__(self) -> str:
        membrane, synapse = (
            ", ".join("0" if f is None else str(len(f.a)) for f in kind)
            for kind in (self.membrane, self.synapse)
        )
        return (
            f"Units(membranes of order {membrane}; synapses of order {synapse}; noise "
            f"{shown(self.noise)})"
        )

    @property
    def is_plain(self) -> bool:
        """Whether they are dx_i/dt = -x_i + input."""
        unit = all(
            f is not None
            and len(f.a) == 1
            and all(np.asarray(v).ravel()[0] == 1 for v in (f.T, f.a, f.b))
            for f in self.membrane
        )
        return unit and not self.is_noisy and all(f is None for f in self.synapse)

    @property
    def is_rate_form(self) -> bool:
        """Whether some x_i are equal to their inputs; all synapses then have filters."""
        return any(f is None for f in self.membrane)

    @property
    def is_noisy(self) -> bool:
        """Whether there is white noise."""
        return bool(np.any(np.asarray(self.noise) != 0))

    @property
    def shortest(self) -> float:
        """The shortest time constant: 1 / |s| of the pole s that is farthest from 0."""
        return 1 / max(
            float(np.abs(_poles(f)).max()) for f in (*self.membrane, *self.synapse) if f is not None
        )

    @property
    def longest(self) -> float:
        """The longest time constant: 1 / |Re s| of the pole s that decays most slowly."""
        return 1 / min(
            float(np.abs(_poles(f).real).min())
            for f in (*self.membrane, *self.synapse)
            if f is not None
        )

    def over(self, P: int) -> Units:
        """The same with entries for each of P populations.

        Raises:
            ParameterError: units of another number of populations.
        """
        wrong = [
            n for n in (len(self.membrane), len(self.synapse), len(self.noise)) if n not in (1, P)
        ]
        if wrong:
            raise ParameterError(
                f"the units are those of {wrong[0]} populations, the network has {P}"
            )
        each: list[Any] = [
            own * P if len(own) == 1 else own for own in (self.membrane, self.synapse)
        ]
        return Units(each[0], each[1], jnp.broadcast_to(self.noise, (P,)))

    def start(self, x: tuple[Array, ...]) -> States:
        """States with the membranes' outputs x, (N_p,) or (N_p, runs) by population, the rest 0.

        Where there is no membrane, the values are those of the synapses' outputs.
        """

        def at(f: Filters | None, v: Array) -> Array | None:
            return None if f is None else jnp.zeros((len(f.a), *v.shape)).at[0].set(v)

        membrane = map(at, self.membrane, x)
        pairs = zip(self.membrane, x, strict=True)
        synapse = map(at, self.synapse, [v if f is None else jnp.zeros_like(v) for f, v in pairs])
        return States(tuple(membrane), tuple(synapse))

    def transmitted(self, states: States, rates: tuple[Array, ...]) -> Array:
        """S_q[phi_q(x_j)] of all neurons."""
        return jnp.concatenate(
            [r if s is None else s[0] for s, r in zip(states.synapse, rates, strict=True)]
        )

    def change(self, states: States, rates: tuple[Array, ...], inputs: tuple[Array, ...]) -> States:
        """Time derivatives under the neurons' rates and inputs, by population."""
        pairs = ((self.membrane, states.membrane, inputs), (self.synapse, states.synapse, rates))
        return States(*(tuple(map(_respond, *parts)) for parts in pairs))

    def kick(self, states: States, dW: tuple[Array, ...]) -> States:
        """Changes of the states by increments of Brownian motion, (N_p,) each, times sqrt(2 D)."""
        scale = jnp.sqrt(2 * self.noise)
        membrane = (
            None
            if f is None
            else (f.b / f.T[None]).reshape(-1, *(1,) * w.ndim) * (scale[p] * w)[None]
            for p, (f, w) in enumerate(zip(self.membrane, dW, strict=True))
        )
        return States(
            tuple(membrane), tuple(None if s is None else jnp.zeros_like(s) for s in states.synapse)
        )


def check_filters(architecture: Architecture, parameters: Parameters) -> None:
    """Check the parameters of filters.

    Raises:
        ParameterError: a parameter that no filter has, or one out of its range; values that lower
            a filter's order or make a coefficient infinite; a filter that is not stable, with a
            pole of real part >= 0. The error names population and filter.
    """
    _check_names(architecture, parameters)
    for kind in FILTERS:
        for p in range(parameters.P):
            _numbers(architecture, kind, p, parameters)


def _check_names(architecture: Architecture, parameters: Parameters) -> None:
    for kind in FILTERS:
        own = getattr(architecture, kind)
        known = list(dict.fromkeys(name for f in own for name in f.parameters))
        unknown = [name for name in getattr(parameters, kind) if name not in known]
        if unknown:
            raise ParameterError(
                f"the {kind} filters have no parameter {unknown[0]!r}: they have {known or 'none'}"
            )
        if len(own) not in (1, parameters.P):
            raise ParameterError(
                f"the architecture has {kind} filters of {len(own)} populations, the parameters "
                f"{parameters.P}"
            )


def _numbers(
    architecture: Architecture, kind: str, p: int, parameters: Parameters
) -> tuple[np.ndarray, np.ndarray] | None:
    """Coefficients of numerator and denominator of a population's filter; None for H = 1."""
    own = getattr(architecture, kind)
    f: Filter = own[p] if len(own) > 1 else own[0]
    if f.is_identity:
        return None
    given = getattr(parameters, kind)
    values = {
        symbol: float(given[str(symbol)][p] if str(symbol) in given else default)
        for symbol, default in f.defaults.items()
    }
    where = f"the {kind} {f.name} of population {parameters.populations[p]}"
    shown = (
        ", ".join(f"{symbol} = {value:g}" for symbol, value in values.items()) or "its coefficients"
    )
    for symbol, value in values.items():
        if symbol.is_positive and not value > 0:
            raise ParameterError(f"{symbol} = {value} of {where} must be positive")
    names, polynomials, factors = filter_code(f)
    with np.errstate(all="ignore"):
        own_values = {str(symbol): np.float64(value) for symbol, value in values.items()}
        arguments = [own_values[name] for name in names]
        above, below = (np.array(c, dtype=float) for c in evaluated(polynomials)(*arguments))
        if not (np.isfinite([*above, *below]).all() and below[-1] != 0):
            raise ParameterError(
                f"{where} is improper with {shown}: the denominator's coefficients of 1, s, ... "
                f"are {below.tolist()}, they must be finite and the last one not 0"
            )
        poles = np.concatenate([np.roots(factor) for factor in evaluated(factors)(*arguments)])
    worst = poles[np.argmax(poles.real)]
    if worst.real > -MARGINAL * np.abs(worst):
        raise ParameterError(
            f"{where} is unstable with {shown}: it has the pole s = "
            f"{worst if worst.imag else worst.real:.4g}, every pole must have a negative real part"
        )
    return above, below


def _observer(polynomials: tuple[np.ndarray, np.ndarray] | None) -> Any:
    if polynomials is None:
        return None
    above, below = (c.tolist() for c in polynomials)
    return observer(above, below, 1, len(below) - 1)


def _poles(f: Filters) -> np.ndarray:
    """Eigenvalues of the observer form."""
    matrix = np.eye(len(f.a), k=1)
    matrix[:, 0] -= np.asarray(f.a)[:, 0]
    return np.linalg.eigvals(matrix / np.asarray(f.T)[0])


def _respond(f: Filters | None, z: Any, u: Array) -> Any:
    return None if f is None else jnp.concatenate(respond(z[:1], z[1:], u[None], f, len(f.a)))
