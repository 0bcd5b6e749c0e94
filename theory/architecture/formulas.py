"""Transfer functions from formulas and from code, with named parameters."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import sympy as sp
from mpmath import mpf

from ...errors import ExpressionError
from ...numbers import LARGEST, brief, fault
from ..expressions import CONSTANTS, FUNCTIONS, NoValueError, X, finite_value, parse
from .function import TransferFunction

# what a parameter's name would hide in the generated code
_TAKEN = {"x", "mu", "Delta", "jax", "jnp", "math", "gaussian"} | set(CONSTANTS) | set(FUNCTIONS)


def expression(
    formula: str | sp.Expr, *, name: str = "phi", positive: Iterable[str] = (), **parameters: Any
) -> TransferFunction:
    """A transfer function from an expression of x and named parameters.

    `expression("k*Max(x - theta, 0)**2", k=0.04, theta=0.3)`.

    Args:
        formula: A text, parsed as data, or a SymPy expression of one symbol besides the parameters.
        name: Used in the generated code and in tables.
        positive: Names of parameters that are always positive, where the function needs to know.
        **parameters: Default values of the parameters.

    Raises:
        ExpressionError: The formula is no valid expression, or lacks one of the parameters.
    """
    if not isinstance(name, str):
        raise ExpressionError(
            f"the name of a transfer function is a text, not {brief(name)}: no parameter can be "
            "called 'name'"
        )
    own = symbols(parameters, positive)
    if isinstance(formula, str):
        made = parse(formula, {"x": X, **own})
    elif isinstance(formula, sp.Expr):
        by_name = {s: own[s.name] for s in formula.free_symbols if s.name in own}
        rest = formula.free_symbols - set(by_name)
        made = formula.xreplace(by_name | ({rest.pop(): X} if len(rest) == 1 else {}))
    else:
        raise ExpressionError(
            f"a transfer function is a text or a SymPy expression, not {type(formula).__name__}: "
            f"{brief(formula)}"
        )
    unused = [name for name, symbol in own.items() if symbol not in made.free_symbols]
    if unused:
        raise ExpressionError(f"{made} has no parameters {unused}")
    return TransferFunction(
        name, made, {own[n]: exact(n, value) for n, value in parameters.items()}
    )


def jax_function(
    function: Callable, *, name: str = "", breaks: Sequence[float] = (), **parameters: Any
) -> TransferFunction:
    """A transfer function that is code, which only quadrature can average.

    Args:
        function: An elementwise JAX function of (x, *parameters).
        name: Used in the generated code and in tables; default: the function's own.
        breaks: Where it is not smooth, increasing; a kink that is not declared costs accuracy.
        **parameters: Default values, in the order of the function's arguments.

    Raises:
        ExpressionError: It is no function, or the breaks do not increase.
    """
    try:
        places = tuple(float(b) for b in breaks)
    except (TypeError, ValueError):
        places = (0.0, 0.0)
    if not callable(function) or list(places) != sorted(set(places)):
        raise ExpressionError(
            "jax_function needs a function of (x, *parameters), and breaks that increase"
        )
    name = name or getattr(function, "__name__", "phi")
    own = symbols(parameters, ())
    body = sp.Function(name if name.isidentifier() else "phi")(X, *own.values())
    defaults = {own[n]: exact(n, value) for n, value in parameters.items()}
    return TransferFunction(name, body, defaults, function, places)


def symbols(names: Collection[str], positive: Iterable[str]) -> dict[str, sp.Symbol]:
    """Real symbols for the parameters, those in `positive` positive."""
    for name in names:
        if (
            not isinstance(name, str)
            or not (name.isidentifier() and name.isascii())
            or keyword.iskeyword(name)
            or name in _TAKEN
            or name.startswith("_")
        ):
            raise ExpressionError(f"a parameter of a transfer function cannot be called {name!r}")
    if isinstance(positive, str) or not isinstance(positive, Iterable):
        raise ExpressionError(
            f"positive is a list of names of parameters, such as ['gain'], not {brief(positive)}"
        )
    unknown = [name for name in positive if name not in names]
    if unknown:
        raise ExpressionError(f"positive names {unknown}, which are no parameters")
    sign = {name: {"positive": True} for name in positive}
    return {name: sp.Symbol(name, **sign.get(name, {"real": True})) for name in names}


def exact(name: str, given: Any) -> sp.Expr:
    """A number as SymPy has it, decimals as the fractions they are written as.

    Raises:
        ExpressionError: It is no number, not finite or too large.
    """
    if not isinstance(given, sp.Expr):
        if reason := fault(given):
            raise ExpressionError(f"{name} = {brief(given)} {reason}")
        return sp.Integer(given) if isinstance(given, int) else sp.Rational(repr(float(given)))
    try:
        finite_value(given, {}, mpf(LARGEST))
    except NoValueError as error:
        reason = error.reason if given.is_number else "is not a number"
        raise ExpressionError(f"{name} = {brief(given)} {reason}") from None
    return given
