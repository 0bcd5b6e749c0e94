"""A compiled system: the generated JAX functions, and the source they came from."""

from __future__ import annotations

import builtins
import linecache
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from html import escape
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ArchitectureError, ParameterError, SpecError
from ...files import write_text
from ...listed import html_table
from ..parameters import FILTERS, Columns, Constant, Input, Parameters, Together
from ..precision import require_x64
from .checks import (
    check_inputs,
    check_motifs,
    check_populations,
    check_strengths,
    check_transfer,
    check_variances,
)
from .recalled import RecalledMeanField
from .units import check_filters

if TYPE_CHECKING:  # loads SymPy
    from ...theory.equations import MeanField

# of the average and its first derivative, relative to the transfer function's size: below the
# first, rounding decides; above the second, fixed points are wrong in what plots show
TOLERANCES = (1e-13, 1e-2)
VARIANT = re.compile("^motifield_generated_[0-9a-f]+")
KNOWN_VARIANTS = ("", "_within_tables")
CHUNK = 2048  # arguments at which a transfer function is evaluated at once
KEPT = 64  # modules of the last systems, so that equal equations share what JAX compiled for them


@dataclass(frozen=True, eq=False, repr=False)
class System:
    """Mean-field equations as JAX functions of state and parameters; what `compile` returns.

    A state is `system.State(K, kappa, ...)`, a named tuple, and `system.rest(P)` is one; most of
    its fields have shape (P,).

    Args:
        mean_field: the equations.
        source: the text of a module with the equations, which a person can read, and which
            imports without SymPy when saved to a file.
        module: the same, loaded.
        functions: JAX functions that the module cannot import, by their name in it.
    """

    mean_field: MeanField
    source: str
    module: ModuleType
    functions: Mapping[str, Callable] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Whether the equations are the same: JAX then traces and compiles what uses them once."""
        if self is other or not isinstance(other, System):
            return self is other
        return self._equations == other._equations and self.module is other.module

    @property
    def _equations(self) -> tuple:
        """What makes the equations these and no others."""
        own = self.mean_field
        if isinstance(own, RecalledMeanField):
            return (own.said,)
        return own.architecture, own.closure

    def __hash__(self) -> int:
        return hash(self.source)

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: what the equations are of, and their source, which stays the same.

        Equal equations share one module there, too, and what JAX compiles for it.

        Raises:
            TypeError: other averages have taken the place of the source's.
        """
        if VARIANT.sub("", self.module.__name__):
            raise TypeError(f"{self.title} with replaced averages: send those they were made of")
        own = self.mean_field
        if isinstance(own, RecalledMeanField):
            own = own.itself
        return _restored, (own.architecture, own.closure, self.source)

    @property
    def content(self) -> tuple:
        """What makes it this system and no other, for programs that are kept.

        The name of a module says which averages have taken the place of the source's; of others
        than these the module itself is part, which no program can be kept with.
        """
        variant = VARIANT.sub("", self.module.__name__)
        known = variant in KNOWN_VARIANTS
        return self.source, *self._equations, variant if known else self.module

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"System of {self.mean_field.closure.name} mean-field equations"

    def rows(self) -> list[dict[str, str]]:
        """What the equations are about, as mappings of `what` and `value`."""
        architecture = self.mean_field.architecture
        functions = [f.name for f in architecture.distinct_transfers]
        membranes = [str(f.expression) for f in architecture.distinct_filters("membrane")]
        parts = {
            "closure": self.mean_field.closure.kind,
            "populations": ", ".join(architecture.populations or ("any number",)),
            "states": ", ".join(self.states),
            "parameters": ", ".join(self.mean_field.parameters),
            "transfer functions": ", ".join(functions),
            "their parameters": ", ".join(architecture.transfer_parameters),
            "membranes": "" if architecture.is_unit else ", ".join(membranes),
            "inputs": ", ".join(sorted(architecture.inputs)),
        }
        return [{"what": what, "value": value} for what, value in parts.items() if value]

    def __repr__(self) -> str:
        return "\n".join([self.title, *(f"  {r['what']}: {r['value']}" for r in self.rows())])

    def _repr_html_(self) -> str:
        table = html_table((r["what"], r["value"]) for r in self.rows())
        return f"<p><b>{escape(self.title)}</b></p>{table}"

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
        shapes = _shapes(self.module.rest, P)
        return jax.tree.map(lambda own: jnp.asarray(np.zeros(own.shape)), shapes)

    def coefficients(self, parameters: Parameters) -> Any:
        """State-independent tensors; compute them once for many evaluations."""
        return self.module.coefficients(parameters)

    def drive(self, parameters: Parameters) -> Input:
        """The external input of the equations as a function of time: I_p(t), or all its parts."""
        if not hasattr(self.module, "Drive"):
            return parameters.input
        none = Constant(jnp.zeros(parameters.P))
        along = (parameters.pattern_input.get(f, none) for f in self._features)
        given = {"mean": parameters.input, "pattern_input": Columns(tuple(along))}
        names = self.module.Drive._fields
        parts = (given[name] if name in given else getattr(parameters, name) for name in names)
        return Together(self.module.Drive, tuple(parts))

    @property
    def _features(self) -> tuple[str, ...]:
        return self.mean_field.architecture.features

    def vector_field(self, t: Any, state: Any, parameters: Parameters) -> Any:
        """d(state)/dt at time t.

        What `follow` replaces is no state; it relaxes with rate 1, and nothing depends on it.
        """
        return self.module.vector_field(
            state, self.drive(parameters)(t), self.coefficients(parameters)
        )

    def follow(self, state: Any, drive: Any, coefficients: Any) -> Any:
        """The state with the outputs of membranes that are 1, which follow inputs at once.

        Args:
            state: of the equations.
            drive: the external input at its time.
            coefficients: as `coefficients` returns them.

        Returns:
            The state, the same where every membrane is a filter.
        """
        if not self.mean_field.architecture.is_rate_form:
            return state
        return self.module.follow(state, drive, coefficients)

    def follow_all(self, states: Any, ts: Float[Array, " t"], drive: Any, coefficients: Any) -> Any:
        """The same along a trajectory, under an external input that is a function of time."""
        if not self.mean_field.architecture.is_rate_form:
            return states
        return jax.vmap(lambda t, state: self.follow(state, drive(t), coefficients))(ts, states)

    def variance(self, state: Any, parameters: Parameters) -> Float[Array, " P"]:
        """Delta_p, the variance of the input current within each population."""
        return self.module.variance(state, self.coefficients(parameters))

    def rates(self, state: Any, parameters: Parameters) -> Float[Array, " P"]:
        """R_p, the mean rate of each population."""
        return self.module.rates(state, self.coefficients(parameters))

    @property
    def accuracy(self) -> float:
        """Relative accuracy of the equations: that of their Gaussian averages."""
        return max(getattr(v, "accuracy", 0.0) for v in vars(self.module).values())

    def refuse_static(self, what: str) -> None:
        """Raise `ArchitectureError` if the equations are of fixed points alone, without `what`."""
        if self.mean_field.is_static:
            raise ArchitectureError(
                f"{self.mean_field.closure.kind} is of fixed points alone: it has no "
                f"{what}; use SecondMoment() or LowRank()"
            )

    def report(self, state: Any, parameters: Parameters) -> dict[str, Array]:
        """Further numbers of a fixed point where neurons feel their own rate (`Cavity`), else none.

        Input currents are x = h + Gamma phi(x), with h ~ N(K, Delta), and Cov(h, phi) = Delta chi:
        Var x = Delta (1 + 2 Gamma chi) + Gamma^2 Var phi.

        Returns:
            By name, each of shape (P,): `mean` and `variance` of x, `field_mean` and
            `field_variance` of h, `feedback` Gamma, and `validity`, the smallest
            1 - Gamma phi'(x). Source: `docs/theory.md`, section 2.1.
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
        """phi_p(x), elementwise, with the values of `parameters`, else the defaults.

        Args:
            x: input currents, any shape.
            population: its position p.
            parameters: the network's numbers.
        """
        which = self.module.TRANSFER_OF
        k = 0 if which is None else which[population]
        own = self.transfer_parameters(parameters)
        values = (own[name] for name in self._names_of(k))
        return self.module.TRANSFER[k](
            x, *(v if jnp.ndim(v) == 0 else v[population] for v in values)
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

    def sampled(
        self, x: Any, population: int, parameters: Parameters | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """phi_p(x) and phi_p'(x) as numbers, in NumPy, both of the shape of x.

        One program serves all arguments, in chunks of one size: evaluated operation by operation,
        as JAX does it outside of jit, each shape compiles each operation anew.
        """
        which = self.module.TRANSFER_OF
        k = 0 if which is None else which[population]
        own = self.transfer_parameters(parameters)
        values = [np.asarray(own[name]) for name in self._names_of(k)]
        values = [v if v.ndim == 0 else v[population] for v in values]
        flat = np.ravel(np.asarray(x, dtype=float))
        found = np.empty((2, len(flat)))
        for at in range(0, len(flat), CHUNK):
            some = flat[at : at + CHUNK]
            made = _value_and_slope(self.module.TRANSFER[k], np.resize(some, CHUNK), values)
            found[:, at : at + CHUNK] = np.asarray(made)[:, : len(some)]
        return found[0].reshape(np.shape(x)), found[1].reshape(np.shape(x))

    def _names_of(self, k: int) -> tuple[str, ...]:
        """Parameters of the k-th distinct transfer function."""
        return self.mean_field.architecture.distinct_transfers[k].parameters

    def transfer_parameters(self, parameters: Parameters | None = None) -> dict[str, Any]:
        """Parameters of the transfer functions by name: given values, else the defaults."""
        if not self.mean_field.architecture.transfer_parameters:
            return {}
        return {
            **self.module.TRANSFER_DEFAULTS,
            **(parameters.transfer if parameters is not None else {}),
        }

    def complete(
        self, parameters: Parameters, addressed: Iterable[object] | None = None
    ) -> Parameters:
        """The same parameters with those of transfer functions and filters written out.

        Defaults become values, which can then be addressed by name, varied and fitted.

        Args:
            parameters: the network's numbers.
            addressed: what names the parameters that are wanted. Exponents of transfer functions
                that are not among them are left out, because integer ones, as long as they are
                fixed, can have closed forms. None: all are written out.
        """
        functions = self.mean_field.architecture.distinct_transfers
        fixed = {str(s) for f in functions for s in f.exponents} - set(parameters.transfer)
        if addressed is None:
            fixed = set()
        texts = [str(which) for which in addressed or ()]
        left_out = {n for n in fixed if not any(f"transfer.{n}" in text for text in texts)}
        own = self.transfer_parameters(parameters)
        return parameters.replace(
            transfer={n: v for n, v in own.items() if n not in left_out},
            **{kind: self._filter_parameters(kind, parameters) for kind in FILTERS},
        )

    def _filter_parameters(self, kind: str, parameters: Parameters) -> dict[str, Any]:
        return {**getattr(self.module, f"{kind.upper()}_DEFAULTS", {}), **getattr(parameters, kind)}

    def check(self, parameters: Parameters) -> None:
        """Check that parameters fit the equations.

        Raises:
            ParameterError: other populations or transfer functions, values out of range, or
                motifs and inputs that the equations leave out.
            InfeasibleStatisticsError: motifs that make the variance of currents negative.
        """
        self.check_kinds(parameters)
        check_variances(self.mean_field, parameters, self.sampled)

    def check_kinds(self, parameters: Parameters) -> None:
        """The same but for the variance of currents.

        It depends on the numbers of neurons, and of motifs and strengths on which of them there
        are.

        Raises:
            ParameterError: as `check`.
        """
        self.check_neurons(parameters)
        check_motifs(self.mean_field.architecture, parameters)
        check_strengths(self.mean_field.architecture, parameters)

    def check_neurons(self, parameters: Parameters) -> None:
        """Check that single neurons fit the equations, whatever motifs and strengths join them.

        Raises:
            ParameterError: other populations or transfer functions, values out of range, or inputs
                that the equations leave out.
        """
        architecture = self.mean_field.architecture
        check_populations(architecture, parameters)
        values = self.transfer_parameters(parameters)
        check_transfer(architecture, parameters, values, self.sampled)
        check_filters(architecture, parameters)
        check_inputs(architecture, parameters)

    def save(self, path: str | Path) -> None:
        """Write the source to a Python file.

        Raises:
            SpecError: a transfer function is code that cannot be imported from anywhere.
        """
        if self.functions:
            raise SpecError(
                f"{path} would lack the transfer function {next(iter(self.functions))}: "
                "define it at the top "
                "of a module to import it from"
            )
        write_text(path, self.source)

    def loaded(self, name: str) -> ModuleType:
        """The generated code as another module of its own, whose contents may be replaced."""
        return _loaded(name, str(self.module.__file__), self.source, self.functions)


@lru_cache(maxsize=KEPT)
def _shapes(rest: Callable[[int], Any], P: int) -> Any:
    """Of a state; tracing takes a millisecond, and verbs ask several times."""
    return jax.eval_shape(lambda: rest(P))


@partial(jax.jit, static_argnums=0)
def _value_and_slope(function: Callable, x: Array, values: Any) -> Array:
    value, slope = jax.jvp(
        lambda v: jnp.broadcast_to(function(v, *values), v.shape), (x,), (jnp.ones_like(x),)
    )
    return jnp.stack([value, slope])


def _loaded(name: str, file: str, source: str, functions: Mapping[str, Callable]) -> ModuleType:
    """Run generated source; the JAX functions that it cannot import are put into the module."""
    module = ModuleType(name)
    module.__dict__.update(functions)
    module.__file__ = file
    exec(builtins.compile(source, file, "exec"), module.__dict__)
    return module


@lru_cache(maxsize=KEPT)
def shared(source: str, functions: tuple[tuple[str, Callable], ...]) -> ModuleType:
    """The module of one source, the same for all systems that have it."""
    name = f"motifield_generated_{abs(hash(source)):x}"
    file = f"<{name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return _loaded(name, file, source, dict(functions))


def _restored(architecture: Any, closure: Any, source: str) -> System:
    """The system that `System.__reduce__` took apart."""
    from ...theory.code import opaque_functions
    from ...theory.equations import equations

    mean_field = equations(architecture, closure)
    functions = opaque_functions(mean_field)
    return System(mean_field, source, shared(source, tuple(functions.items())), functions)


def compile(mean_field: MeanField, *, tolerance: float | None = None) -> System:
    """Generate JAX code from mean-field equations and load it.

    Args:
        mean_field: the equations, from `derive`.
        tolerance: of the Gaussian averages that have no closed form, relative to the size of the
            transfer function, from 1e-13 to .01; 1e-11 by default.

    Returns:
        The system, for `integrate`, `fixed_point`, `stability` and the other verbs.

    Raises:
        PrecisionError: JAX is in float32.
        ParameterError: a tolerance out of range.
    """
    require_x64()
    if tolerance is not None and not TOLERANCES[0] <= tolerance <= TOLERANCES[1]:
        raise ParameterError(f"tolerance = {tolerance} must be between 1e-13 and 0.01")
    from ...theory.code import generate, opaque_functions

    source = generate(mean_field, tolerance)
    functions = opaque_functions(mean_field)
    return System(mean_field, source, shared(source, tuple(functions.items())), functions)
