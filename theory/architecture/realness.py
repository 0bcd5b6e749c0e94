"""Whether a transfer function is a real, finite number wherever currents may be."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from mpmath import mpf

from ...errors import ExpressionError
from ..expressions import NoValueError, X, finite_value, value
from .siegert import SiegertRate

# in units of the input current; no number at which functions are made to switch
NEAR = (
    *("-3", "-1/3", "1/3", "2", "-1.9", "-1.03", "-0.61", "-0.11", "-0.013"),
    *("0.017", "0.13", "0.57", "1.07", "1.6", "2.9"),
)
FEW = NEAR[:4]  # of functions whose values take long
FAR = ("-60", "-20", "-7", "7", "20", "60", "-33", "-12", "-4.3", "4.1", "11", "31")
_REAL = ": it must be one everywhere, as with Max(x + 5, 0) in place of x + 5"
ADVICE = {
    "is not a real number": _REAL,
    "is infinite": ": it must be finite everywhere, as 1/(1 + x**2) is",
    "has no branch": ": end it with (value, True)",
}


def check_real(name: str, expression: sp.Expr, defaults: Mapping[sp.Symbol, sp.Expr]) -> None:
    """Check that an expression of x with these parameters is a real number at many points.

    Near 0 it must also be finite, with all parts that it needs. Farther out it may grow without
    bound.

    Raises:
        ExpressionError: It is not; the message names the part and the point.
    """
    numbers = {symbol: value(v, {}) for symbol, v in defaults.items()}
    slow = expression.has(SiegertRate)
    for text in FEW if slow else (*NEAR, *FAR):
        at = {**numbers, X: mpf(sp.Rational(text).p) / sp.Rational(text).q}
        try:
            (value if text in FAR else finite_value)(expression, at)
        except NoValueError as error:
            if text in FAR and error.reason != "is not a real number":
                continue
            is_whole = error.part == expression and not defaults
            part = " " if is_whole else f"{_values(defaults)}: its part {_short(error.part)} "
            raise ExpressionError(
                f"transfer function {name} = {_short(expression)}{part}{error.reason} at x = {text}"
                f"{ADVICE.get(error.reason, '')}"
            ) from None


def _values(defaults: Mapping[sp.Symbol, sp.Expr]) -> str:
    given = ", ".join(f"{symbol} = {_short(v)}" for symbol, v in defaults.items())
    return f" with {given}" if given else ""


def _short(expression: sp.Basic) -> str:
    text = str(expression)
    return text if len(text) <= 80 else f"{text[:70]}..."
