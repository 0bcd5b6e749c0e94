"""Transfer functions phi(x): a small library, and any SymPy expression of x."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from ..errors import ExpressionError, NoClosedFormError
from . import expressions
from .expressions import X
from .gaussian import GaussianAverage
from .pieces import Pieces, split


@dataclass(frozen=True)
class TransferFunction:
    """A static function from input current to rate, r = phi(x).

    name: used in the generated code and in tables; expression: SymPy, in the symbol `x`.
    """

    name: str
    expression: sp.Expr

    def __post_init__(self):
        extra = self.expression.free_symbols - {X}
        if extra:
            raise ExpressionError(f"transfer function {self.name}: unknown symbols {sorted(map(str, extra))}; the variable is x")
        for point in (-3, sp.Rational(-1, 3), sp.Rational(1, 3), 2):
            try:
                value = sp.N(self.expression.subs(X, point))
            except OverflowError:
                value = sp.oo
            if not (value.is_real and value.is_finite):
                raise ExpressionError(f"transfer function {self.name} = {self.expression} is not a real number at x = {point}")

    @cached_property
    def pieces(self) -> Pieces:
        """The function between its breaks."""
        return split(self.expression)

    @cached_property
    def is_closed(self) -> bool:
        """Whether its Gaussian average has a closed form."""
        try:
            GaussianAverage(self.expression, sp.Symbol("m"), sp.Symbol("v")).closed_form(nodes=True)
        except NoClosedFormError:
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}: {self.expression}"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle \phi(x) = {sp.latex(self.expression)}$"


def _exact(value: Any) -> sp.Expr:
    if isinstance(value, sp.Expr):
        return value
    return sp.Rational(repr(float(value))) if not isinstance(value, int) else sp.Integer(value)


def rectified_linear(gain: Any = 1, threshold: Any = 0) -> TransferFunction:
    """gain * max(x - threshold, 0)."""
    return TransferFunction("rectified_linear", _exact(gain) * sp.Max(X - _exact(threshold), 0))


def rectified_power(n: int = 2, gain: Any = 1, threshold: Any = 0) -> TransferFunction:
    """gain * max(x - threshold, 0)**n, n = 1, 2, 3, ..."""
    if int(n) != n or n < 1:
        raise ExpressionError(f"rectified_power needs an integer power of at least 1, not {n}")
    return TransferFunction("rectified_power", _exact(gain) * sp.Max(X - _exact(threshold), 0) ** int(n))


def softplus(gain: Any = 1, threshold: Any = 0) -> TransferFunction:
    """log(1 + exp(gain * (x - threshold))) / gain."""
    b = _exact(gain)
    return TransferFunction("softplus", sp.log(1 + sp.exp(b * (X - _exact(threshold)))) / b)


def logistic(gain: Any = 1, threshold: Any = 0, maximum: Any = 1) -> TransferFunction:
    """maximum / (1 + exp(-gain * (x - threshold)))."""
    return TransferFunction("logistic", _exact(maximum) / (1 + sp.exp(-_exact(gain) * (X - _exact(threshold)))))


def tanh(gain: Any = 1, threshold: Any = 0, offset: Any = 0) -> TransferFunction:
    """offset + tanh(gain * (x - threshold))."""
    return TransferFunction("tanh", _exact(offset) + sp.tanh(_exact(gain) * (X - _exact(threshold))))


def erf(gain: Any = 1, threshold: Any = 0, offset: Any = 0) -> TransferFunction:
    """offset + erf(gain * (x - threshold))."""
    return TransferFunction("erf", _exact(offset) + sp.erf(_exact(gain) * (X - _exact(threshold))))


def exponential(gain: Any = 1, scale: Any = 1) -> TransferFunction:
    """scale * exp(gain * x)."""
    return TransferFunction("exponential", _exact(scale) * sp.exp(_exact(gain) * X))


def naka_rushton(n: int = 2, half: Any = 1, maximum: Any = 1) -> TransferFunction:
    """maximum * max(x, 0)**n / (max(x, 0)**n + half**n), n = 1, 2, 3, ..."""
    if int(n) != n or n < 1:
        raise ExpressionError(f"naka_rushton needs an integer power of at least 1, not {n}")
    rise = _exact(maximum) * X**n / (X**n + _exact(half) ** n)
    return TransferFunction("naka_rushton", sp.Piecewise((rise, X > 0), (0, True)))


LIBRARY = {f.__name__: f for f in (rectified_linear, rectified_power, softplus, logistic, tanh, erf, exponential, naka_rushton)}


def of(value: Any, name: str = "phi") -> TransferFunction:
    """A transfer function from itself, a SymPy expression of one symbol, a text, or `{"function": name, **parameters}`.

    A text is the name of a library function or an expression in x, parsed as data. Raises `ExpressionError`.
    """
    if isinstance(value, TransferFunction):
        return value
    if isinstance(value, dict):
        options = dict(value)
        function = options.pop("function", None)
        if function not in LIBRARY:
            raise ExpressionError(f"unknown transfer function {function!r}: known are {', '.join(LIBRARY)}, or any expression in x")
        try:
            return LIBRARY[function](**options)
        except (TypeError, ValueError) as error:
            raise ExpressionError(f"transfer function {function}: {error}; its formula is {LIBRARY[function].__doc__}") from None
    if isinstance(value, str) and value in LIBRARY:
        return LIBRARY[value]()
    expression = value if isinstance(value, sp.Expr) else expressions.parse(value)
    symbols = expression.free_symbols
    if len(symbols) == 1:
        expression = expression.xreplace({symbols.pop(): X})
    return TransferFunction(name, expression)
