"""Linear filters of units and synapses: rational transfer functions H(s) with named parameters.

A filter turns an input u into an output y = H(d/dt) u, and H(0) is its response to a constant.
`membrane()`, `exponential()`, `adapting()` and `gamma_delay()` are the usual ones, `*` puts one
after another, and `rational` takes any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import sympy as sp

from ...errors import ArchitectureError, ExpressionError
from ...numbers import brief, fault
from ..expressions import CONSTANTS, FUNCTIONS, parse
from .formulas import exact

S = sp.Symbol("s")
MAX_ORDER = 20  # a gamma-distributed delay of order 20 has a standard deviation of 22 %
_NO_CLOSURE = (
    "a unit with a nonlinear state of its own has no exact Gaussian closure: only linear filters "
    "before the transfer function do"
)


@dataclass(frozen=True)
class Filter:
    """A linear filter: H(s), a rational function of s whose coefficients depend on parameters.

    Args:
        name: For messages.
        expression: H; common factors are cancelled.
        defaults: The parameters with their default values.

    Raises:
        ArchitectureError: H is not rational, integrates for ever, or has an order above 20.

    Source: docs/theory.md, section 2.3.
    """

    name: str
    expression: sp.Expr
    defaults: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict, hash=False, compare=False)

    def __post_init__(self) -> None:
        for parameter, value in self.defaults.items():
            if parameter.is_positive and not value > 0:
                raise ArchitectureError(
                    f"the filter {self.name}: its {parameter} must be positive, not {value}"
                )
        H = sp.cancel(sp.together(self.expression))
        above, below = sp.fraction(H)
        if not (above.is_polynomial(S) and below.is_polynomial(S)):
            raise ArchitectureError(
                f"the filter {self.name} = {self.expression} is not a rational function of s: a "
                "pure delay has infinitely "
                "many states, gamma_delay(delay, order) has finitely many"
            )
        if sp.degree(below, S) > MAX_ORDER:
            raise ArchitectureError(
                f"the filter {self.name} has order {sp.degree(below, S)}, at most {MAX_ORDER} is "
                "possible"
            )
        if below.subs(S, 0) == 0:
            raise ArchitectureError(
                f"the filter {self.name} = {H} integrates its input for ever: it needs a decay"
            )
        object.__setattr__(self, "expression", H)

    def __mul__(self, other: Filter) -> Filter:
        shared = {str(s) for s in self.defaults} & {str(s) for s in other.defaults}
        if shared:
            raise ArchitectureError(
                f"the filters {self.name} and {other.name} both have a parameter "
                f"{sorted(shared)[0]!r}: write the product "
                "as one rational(...) with different names"
            )
        return Filter(
            f"{self.name} * {other.name}",
            self.expression * other.expression,
            {**self.defaults, **other.defaults},
        )

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(map(str, self.defaults))

    @cached_property
    def polynomials(self) -> tuple[tuple[sp.Expr, ...], tuple[sp.Expr, ...]]:
        """Coefficients of 1, s, s^2, ... of numerator and denominator.

        They are scaled so that the denominator's first one is 1.
        """
        above, below = (sp.Poly(e, S).all_coeffs()[::-1] for e in sp.fraction(self.expression))
        return tuple(sp.cancel(c / below[0]) for c in above), tuple(
            sp.cancel(c / below[0]) for c in below
        )

    @property
    def order(self) -> int:
        """Number of states."""
        return len(self.polynomials[1]) - 1

    @property
    def is_identity(self) -> bool:
        """H = 1: the output is the input."""
        return self.expression == 1

    @property
    def state_form(self) -> Filter:
        """The filter of the state that stands for the output: 1/(1 + s) for H = 1.

        With H = 1 nothing reads this state before `follow` has replaced it by the input.
        """
        return UNIT if self.is_identity else self

    @property
    def is_strictly_proper(self) -> bool:
        """Whether a jump of the input leaves the output continuous."""
        return len(self.polynomials[0]) <= self.order

    @property
    def symbols(self) -> list[sp.Symbol]:
        """The parameters that H depends on, sorted by name."""
        return sorted(self.expression.free_symbols - {S}, key=str)

    def response(self, s: Any, values: Mapping[sp.Symbol, float]) -> Any:
        """H at complex s, a number or an array, with numbers for the parameters."""
        return sp.lambdify(S, self.expression.subs(dict(values)), "numpy")(s)

    @property
    def with_defaults(self) -> sp.Expr:
        """H with the default values of its parameters."""
        return self.expression.subs(dict(self.defaults))

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle H(s) = {sp.latex(self.expression)}$"

    def named(self, name: str) -> Filter:
        """The same under another name."""
        return replace(self, name=name)


def rational(formula: str | sp.Expr, name: str = "", **parameters: Any) -> Filter:
    """A filter from a rational function of s and named parameters.

    `rational("1/((1 + tau*s)*(1 + rise*s))", tau=10, rise=1)`.

    Args:
        formula: A text, parsed as data, or a SymPy expression of s.
        name: For messages; default: the formula.
        **parameters: Default values of the parameters; those called tau... are positive.

    Raises:
        ExpressionError: The formula is no valid expression.
        ArchitectureError: It is no linear filter with finitely many states.
    """
    if not isinstance(name, str):
        raise ExpressionError(f"the name of a filter is a text, not {brief(name)}")
    symbols = {
        n: sp.Symbol(n, positive=True) if n.startswith("tau") else sp.Symbol(n, real=True)
        for n in parameters
    }
    for n in parameters:
        if n == "s" or not (n.isidentifier() and n.isascii()) or n in FUNCTIONS or n in CONSTANTS:
            raise ExpressionError(f"a parameter of a filter cannot be called {n!r}")
    if isinstance(formula, str):
        try:
            made = parse(formula, {"s": S, **symbols})
        except ExpressionError as error:
            known = {"x", "r", "phi", "rate"} - set(symbols)
            reason = (
                f" ({_NO_CLOSURE})"
                if any(f"name {n!r}" in str(error) for n in known) or "phi(" in formula
                else ""
            )
            raise ExpressionError(f"{error}{reason}") from None
    elif isinstance(formula, sp.Expr):
        made = formula.xreplace(
            {v: symbols.get(v.name, S if v.name == "s" else v) for v in formula.free_symbols}
        )
    else:
        raise ExpressionError(
            f"a filter is a text or a SymPy expression of s, not {type(formula).__name__}: "
            f"{brief(formula)}"
        )
    stray = made.free_symbols - {S, *symbols.values()}
    if stray or not all(v in made.free_symbols for v in symbols.values()):
        raise ExpressionError(
            f"the filter {formula} has the symbols {sorted(map(str, made.free_symbols))}, given "
            f"are s and {list(symbols)}"
        )
    return Filter(
        name or str(formula), made, {symbols[n]: exact(n, v) for n, v in parameters.items()}
    )


def membrane(tau: Any = 1) -> Filter:
    """1/(1 + tau*s): tau dx/dt = -x + input.

    Args:
        tau: Time constant, in the network's unit of time; positive.
    """
    return rational("1/(1 + tau*s)", "membrane", tau=tau)


def exponential(tau: Any = 1) -> Filter:
    """1/(1 + tau*s): an exponentially decaying synaptic current of area 1.

    Args:
        tau: Decay time, in the network's unit of time; positive.
    """
    return rational("1/(1 + tau*s)", "exponential", tau=tau)


def gamma_delay(delay: Any = 1, order: int = 2) -> Filter:
    """1/(1 + delay*s/order)**order: gamma-distributed delays.

    Args:
        delay: Mean delay, in the network's unit of time.
        order: An integer from 1 to 20; the standard deviation is delay / sqrt(order).
    """
    if fault(order) or not 1 <= order <= MAX_ORDER or int(order) != order:
        raise ArchitectureError(
            f"gamma_delay needs an integer order from 1 to {MAX_ORDER}, not {brief(order)}"
        )
    return rational(f"1/(1 + delay*s/{int(order)})**{int(order)}", "gamma_delay", delay=delay)


def adapting(tau: Any = 1, strength: Any = 1, tau_a: Any = 10, driven_by: str = "input") -> Filter:
    """1/(1 + tau*s + strength/(1 + tau_a*s)): a membrane with adaptation.

        tau dx/dt = -x - strength*a + input,   tau_a da/dt = -a + x

    Args:
        tau: Time constant of the membrane.
        strength: Of the adaptation; the static gain is 1 / (1 + strength).
        tau_a: Time constant of the adaptation.
        driven_by: "input": adaptation follows the input current x, which is linear.

    Raises:
        ArchitectureError: Adaptation is driven by the rate phi(x): a nonlinear state of the unit
            has no exact Gaussian closure.
    """
    if driven_by != "input":
        raise ArchitectureError(
            f"adaptation driven by the {driven_by} is refused: {_NO_CLOSURE}; adaptation driven by "
            "the input current x is linear"
        )
    return rational(
        "1/(1 + tau*s + strength/(1 + tau_a*s))",
        "adapting",
        tau=tau,
        strength=strength,
        tau_a=tau_a,
    )


UNIT = Filter("unit", 1 / (1 + S))
INSTANTANEOUS = Filter("instantaneous", sp.Integer(1))
LIBRARY = {f.__name__: f for f in (membrane, exponential, gamma_delay, adapting)}


def of(value: Any) -> Filter:
    """A filter from whatever describes one.

    Args:
        value: A `Filter`, a text or SymPy expression of s, a mapping `{"function": name,
            **parameters}` or `{"expression": text, **parameters}`, or a list of these: one after
            another.

    Raises:
        ArchitectureError: The name is unknown, or its parameters are.
        ExpressionError: A text is no valid expression.
    """
    if isinstance(value, Filter):
        return value
    if isinstance(value, (list, tuple)) and value:
        first, *rest = (of(v) for v in value)
        for other in rest:
            first = first * other
        return first
    if isinstance(value, Mapping):
        options = dict(value)
        function = options.pop("function", None)
        try:
            if function is None and "expression" in options:
                return rational(options.pop("expression"), **options)
            if isinstance(function, str) and function in LIBRARY:
                return LIBRARY[function](**options)
        except TypeError as error:
            raise ArchitectureError(f"filter {function or 'expression'}: {error}") from None
        raise ArchitectureError(
            f"unknown filter {brief(function)}: known are {', '.join(LIBRARY)}, or an "
            "expression of s"
        )
    if isinstance(value, str) and value in LIBRARY:
        return LIBRARY[value]()
    return rational(value)
