"""A compiled system: the generated JAX functions, and the source they came from."""

from __future__ import annotations

import builtins
import linecache
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...errors import ArchitectureError, ParameterError, SpecError
from ...files import write_text
from ...theory.code import generate, opaque_functions
from ...theory.equations import MeanField
from ..parameters import Input, Parameters, Together, is_zero
from ..precision import require_x64
from .units import check_filters

OPTIONAL_INPUTS = {
    "in_strength": "in-strength",
    "spread": "spread",
    "tau_inp": "out-strength",
    "noise": "noise",
}
"""Parameters of inputs that only some architectures have, and the inputs that these name."""


@dataclass(frozen=True, eq=False)
class System:
    """Mean-field equations as JAX functions of state and parameters.

    mean_field: the equations; source: a module that a person can read, and that imports without SymPy when saved to a file;
    module: the same, loaded. A state is `system.State(K, kappa, ...)`, `rest` is one; most fields have shape (P,).
    """

    mean_field: MeanField
    source: str
    module: ModuleType

    @property
    def State(self) -> Any:
        """The named tuple of the state."""
        return self.module.State

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states."""
        return self.mean_field.states

    def rest(self, P: int) -> Any:
        """The state of a silent network: all zero."""
        return self.module.rest(P)

    def coefficients(self, parameters: Parameters) -> Any:
        """State-independent tensors; compute them once for many evaluations."""
        return self.module.coefficients(parameters)

    def drive(self, parameters: Parameters) -> Input:
        """The external input that the equations take, as a function of time: I_p(t), or all its parts."""
        if not hasattr(self.module, "Drive"):
            return parameters.input
        names = {"mean": "input", "in_strength": "in_strength", "spread": "spread"}
        return Together(
            self.module.Drive,
            tuple(getattr(parameters, names[field]) for field in self.module.Drive._fields),
        )

    def vector_field(self, t: Any, state: Any, parameters: Parameters) -> Any:
        """d(state)/dt at time t."""
        return self.module.vector_field(
            state, self.drive(parameters)(t), self.coefficients(parameters)
        )

    def variance(self, state: Any, parameters: Parameters) -> Float[Array, " P"]:
        """Delta_p, the variance of the input current within each population."""
        return self.module.variance(state, self.coefficients(parameters))

    def rates(self, state: Any, parameters: Parameters) -> Float[Array, " P"]:
        """R_p, the mean rate of each population."""
        return self.module.rates(state, self.coefficients(parameters))

    def refuse_static(self, what: str) -> None:
        """Raise `ArchitectureError` when the equations hold at fixed points alone, where `what` needs their dynamics."""
        if self.mean_field.is_static:
            raise ArchitectureError(
                f"{type(self.mean_field.closure).__name__} is of fixed points alone: it has no {what}; use "
                "SecondMoment() or LowRank()"
            )

    def report(self, state: Any, parameters: Parameters) -> dict[str, Array]:
        """What a fixed point has to say besides its state, by name, shape (P,).

        Where neurons feel their own rate (`Cavity`): `mean` and `variance` of the input currents x, `field_mean` and `field_variance` of h,
        `feedback` Gamma, `validity` the smallest 1 - Gamma phi'(x). Var x = Delta (1 + 2 Gamma chi) + Gamma^2 Var phi, since Cov(h, phi) = Delta chi.
        """
        if not self.mean_field.is_static:
            return {}
        c = self.coefficients(parameters)
        Gamma, Delta, found = (
            self.module.feedback_gain(state, c),
            self.module.variance(state, c),
            self.module.averages_at(state, c),
        )
        prepared = (c.transfer,) if hasattr(c, "transfer") else ()
        return {
            "mean": state.K + Gamma * found.rate,
            "field_mean": state.K,
            "field_variance": Delta,
            "feedback": Gamma,
            "variance": Delta * (1 + 2 * Gamma * found.susceptibility)
            + Gamma**2 * (found.square - found.rate**2),
            "validity": self.module.averages.validity(state.K, Delta, Gamma, *prepared),
        }

    def transfer(self, x: Array, population: int, parameters: Parameters | None = None) -> Array:
        """phi_p(x), elementwise, with the default values of its parameters or those of `parameters`."""
        which = self.module.TRANSFER_OF
        k = 0 if which is None else which[population]
        own = self.transfer_parameters(parameters)
        names = self.mean_field.architecture.distinct_transfers[k].parameters
        return self.module.TRANSFER[k](
            x, *(v if jnp.ndim(v) == 0 else v[population] for v in map(own.__getitem__, names))
        )

    def transfer_and_slope(
        self, x: Array, population: int, parameters: Parameters | None = None
    ) -> tuple[Array, Array]:
        """phi_p(x) and phi_p'(x), elementwise, of the shape of x."""
        return jax.jvp(
            lambda v: jnp.broadcast_to(self.transfer(v, population, parameters), v.shape),
            (x,),
            (jnp.ones_like(x),),
        )

    def transfer_parameters(self, parameters: Parameters | None = None) -> dict[str, Any]:
        """Parameters of the transfer functions by name, as the equations use them: given ones, else defaults."""
        if not self.mean_field.architecture.transfer_parameters:
            return {}
        return {
            **self.module.TRANSFER_DEFAULTS,
            **(parameters.transfer if parameters is not None else {}),
        }

    def complete(self, parameters: Parameters) -> Parameters:
        """The same with the defaults of the parameters of transfer functions and filters written out, so that they can be varied and fitted."""
        return parameters.replace(
            transfer=self.transfer_parameters(parameters),
            **{kind: self._filter_parameters(kind, parameters) for kind in ("membrane", "synapse")},
        )

    def _filter_parameters(self, kind: str, parameters: Parameters) -> dict[str, Any]:
        return {**getattr(self.module, f"{kind.upper()}_DEFAULTS", {}), **getattr(parameters, kind)}

    def check(self, parameters: Parameters) -> None:
        """Raise `ParameterError` when the parameters belong to other populations or transfer functions, or have motifs that the equations
        leave out.
        """
        names = self.mean_field.architecture.populations
        if names is not None and parameters.populations != names:
            raise ParameterError(
                f"the equations are for populations {list(names)}, the parameters for {list(parameters.populations)}"
            )
        known = self.mean_field.architecture.transfer_parameters
        unknown = [name for name in parameters.transfer if name not in known]
        if unknown:
            raise ParameterError(
                f"the transfer functions have no parameter {unknown[0]!r}: they have {list(known) or 'none'}"
            )
        self._check_transfer(parameters)
        check_filters(self.mean_field.architecture, parameters)
        self._check_inputs(parameters)
        tensors = dict(
            zip(("convergent", "divergent", "chain", "reciprocal"), parameters.motifs, strict=True)
        )
        for motif, tensor in tensors.items():
            if motif not in self.mean_field.architecture.motifs and bool(jnp.any(tensor != 0)):
                raise ParameterError(
                    f"the parameters have {motif} motifs, the architecture has none: add {motif!r} to its motifs, "
                    "or use parameters.replace to set them to 0"
                )

    def _check_inputs(self, parameters: Parameters) -> None:
        """Inputs that the equations leave out must be absent."""
        there = self.mean_field.architecture.inputs
        given = {
            "in_strength": not is_zero(parameters.in_strength),
            "spread": not is_zero(parameters.spread),
            "tau_inp": bool(jnp.any(parameters.tau_inp != 0)),
            "noise": bool(jnp.any(parameters.noise != 0)),
        }
        for name, present in given.items():
            if present and OPTIONAL_INPUTS[name] not in there:
                raise ParameterError(
                    f"the parameters have {name}, the architecture has no such input: add {OPTIONAL_INPUTS[name]!r} to its inputs"
                )

    def _check_transfer(self, parameters: Parameters) -> None:
        which = self.mean_field.architecture.transfer_index(parameters.P)
        values = self.transfer_parameters(parameters)
        for p, f in enumerate(self.mean_field.architecture.distinct_transfers[k] for k in which):
            own = {
                symbol: float(
                    jnp.broadcast_to(jnp.asarray(values[str(symbol)]), (parameters.P,))[p]
                )
                for symbol in f.defaults
            }
            where = f"of the transfer function {f.name} of population {parameters.populations[p]}"
            for symbol, value in own.items():
                if symbol.is_positive and not value > 0:
                    raise ParameterError(f"{symbol} = {value} {where} must be positive")
            if own and not bool(
                jnp.all(
                    jnp.isfinite(
                        jnp.asarray(self.transfer(jnp.linspace(-2.1, 2.3, 7), p, parameters))
                    )
                )
            ):
                raise ParameterError(
                    f"the parameters {where} make it infinite or undefined: "
                    + ", ".join(f"{symbol} = {value}" for symbol, value in own.items())
                )

    def save(self, path: str | Path) -> None:
        """Write the source to a Python file. Raises `SpecError` when a transfer function is code that cannot be imported from anywhere."""
        lost = opaque_functions(self.mean_field)
        if lost:
            raise SpecError(
                f"{path} would lack the transfer function {next(iter(lost))}: define it at the top of a module to import it from"
            )
        write_text(path, self.source)

    def loaded(self, name: str) -> ModuleType:
        """The generated code as another module of its own, whose contents may be replaced."""
        return _loaded(name, str(self.module.__file__), self.source, self.mean_field)


def _loaded(name: str, file: str, source: str, mean_field: MeanField) -> ModuleType:
    """Run generated source; the JAX functions that it cannot import are put into the module."""
    module = ModuleType(name)
    module.__dict__.update(opaque_functions(mean_field))
    module.__file__ = file
    exec(builtins.compile(source, file, "exec"), module.__dict__)
    return module


def compile(mean_field: MeanField, *, tolerance: float | None = None) -> System:
    """Generate JAX code from mean-field equations and load it.

    tolerance: of the Gaussian averages that have no closed form, relative to the size of the transfer function; default 1e-11. Raises
    `PrecisionError` when JAX is in float32, `ParameterError` for a tolerance outside of 1e-13 to .01.
    """
    require_x64()
    if tolerance is not None and not 1e-13 <= tolerance <= 1e-2:
        raise ParameterError(f"tolerance = {tolerance} must be between 1e-13 and 0.01")
    source = generate(mean_field, tolerance)
    name = f"motifield_generated_{abs(hash(source)):x}"
    file = f"<{name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return System(mean_field, source, _loaded(name, file, source, mean_field))
