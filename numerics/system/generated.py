"""The code that is generated for one function's Gaussian average, loaded."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from types import ModuleType
from typing import Any

import jax
import sympy as sp
from jaxtyping import Array

from ...errors import ExpressionError, NoClosedFormError, ParameterError
from ...theory.architecture import LIBRARY, TransferFunction, transfer
from ...theory.code import RUNTIME, AverageCode, function_code, names_of
from .. import averages as gaussian

MU, DELTA = sp.Symbol("mu", real=True), sp.Symbol("Delta", nonnegative=True)
HIGHEST_ORDER = 4  # up to which quadrature looks for derivatives that are infinite at breaks
KEPT = 64  # functions whose code stays loaded


@dataclass(frozen=True)
class Generated:
    """Generated code for one function, loaded.

    Args:
        function: what is averaged.
        average: by closed form where there is one.
        check: makes the average by quadrature, which closed forms do without.
    """

    function: TransferFunction
    average: gaussian.Average
    check: Callable[[], gaussian.Average]

    def __call__(self, order: int, mu: Array, Delta: Array, values: Mapping[str, Any]) -> Array:
        return self.compiled(order)(mu, Delta, self.prepare(self.average, values))

    def prepare(self, average: gaussian.Average, values: Mapping[str, Any]) -> gaussian.Prepared:
        """With the values of the parameters that are left in the code."""
        return average.prepare(
            {name: value for name, value in values.items() if name in average.parameters}
        )

    @cached_property
    def compiled(self) -> Callable[[int], Callable]:
        return lru_cache(maxsize=HIGHEST_ORDER + 1)(
            lambda order: jax.jit(self.average.derivative(order))
        )

    @cached_property
    def reference(self) -> gaussian.Average:
        """What the error is measured by: quadrature for a closed form, else finer quadrature."""
        if isinstance(self.average, gaussian.Closed):
            return self.check()
        assert isinstance(self.average, gaussian.Quadrature)
        return self.average.finer()


def function_of(function: Any, parameters: Mapping[str, Any]) -> TransferFunction:
    """The function, with these values of its parameters."""
    exact = {name: int(v) if float(v).is_integer() else float(v) for name, v in parameters.items()}
    if isinstance(function, TransferFunction):
        values = {
            s: sp.Rational(repr(exact[str(s)])) if str(s) in exact else v
            for s, v in function.defaults.items()
        }
        f = replace(function, defaults=values)
    elif isinstance(function, Mapping):
        f = transfer.of({**function, **exact})
    elif isinstance(function, str) and function in LIBRARY:
        f = transfer.of({"function": function, **exact})
    else:
        f = transfer.of({"expression": function, **exact})
    fixed = {"n"} if f.name == "rectified_power" else set()
    unknown = [name for name in exact if name not in {*f.parameters, *fixed}]
    if unknown:
        raise ParameterError(
            f"{f.name} has no parameter {unknown[0]!r}: it has {', '.join(f.parameters) or 'none'}"
        )
    return f


def generated_for(f: TransferFunction, tolerance: float, numbers: bool) -> Generated:
    """Code for a function, with its parameters as arguments where that costs no closed form.

    Where more than scale and offset depends on parameters, their numbers may make a closed form.
    """
    if not f.parameters or f.function is not None or not numbers or f.affine.shape is not None:
        return generated(f, tolerance)
    try:
        if _averages(f, tolerance).closed(1) is not None:
            return generated(f, tolerance)
    except ExpressionError:
        pass
    return generated(transfer.expression(f.with_defaults, name=f.name), tolerance)


def _averages(f: TransferFunction, tolerance: float) -> AverageCode:
    (name,) = names_of([f])
    return AverageCode(f, name, {str(s): [value] for s, value in f.defaults.items()}, tolerance)


@lru_cache(maxsize=KEPT)
def generated(f: TransferFunction, tolerance: float) -> Generated:
    made = _averages(f, tolerance)
    closed = None if f.function is not None else made.closed(1)
    module = ModuleType(f"motifield_average_of_{made.name}")
    module.__dict__[made.name] = f.function
    lines = ["import math", "import jax", "import jax.numpy as jnp", RUNTIME, ""]
    source = "\n".join([*lines, *function_code(made.name, f)])
    exec(builtins.compile(source, f"<{module.__name__}>", "exec"), module.__dict__)

    def load(text: str) -> gaussian.Average:
        return eval(text, module.__dict__)

    def quadrature() -> gaussian.Average:
        return load(made.quadrature() if f.function is None else made.of_rate_and_square("")[0])

    return Generated(f, quadrature() if closed is None else load(closed), quadrature)


@lru_cache(maxsize=KEPT)
def closed_form_of(f: TransferFunction, made: Generated) -> tuple[sp.Expr | None, str]:
    """The formula in mu and Delta, and why there is none, or why it was not used."""
    g = made.function
    if g.function is not None:
        return None, f"{g.name} is code, which has no closed form"
    a, b = g.affine.a, g.affine.b
    try:
        form = g.average_of_u(a * MU + b, a**2 * DELTA).closed_form()
    except NoClosedFormError as error:
        return None, str(error)
    if isinstance(made.average, gaussian.Closed):
        return form, ""
    try:
        g.average_of_u(MU, DELTA).closed_form(nodes=True)
    except NoClosedFormError as error:
        return form, str(error)
    return form, "the closed form cannot be evaluated for parameters that vary"
