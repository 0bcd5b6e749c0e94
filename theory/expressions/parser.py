"""Expressions from text, as data: parsed against a whitelist, never evaluated as Python."""

import ast
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import sympy as sp
from mpmath import mpf

from ...errors import ExpressionError
from ...numbers import LARGEST, brief
from .values import NoValueError, finite_value

X = sp.Symbol("x", real=True)

# Bounds on what a text from outside may cost: formulas of the literature are far below them, and
# each step of SymPy's arithmetic stays under a second.
MAX_CHARACTERS = 2000
MAX_DEPTH = 60  # of nested brackets; Python's own parser ends near 100
MAX_EXPONENT = 1000
MAX_DIGITS = 40  # of a number as it is written
MAX_DEGREE = 100  # of polynomials that expanding can meet
MAX_ARGUMENTS = 10  # of Max and Min: each pair of them is searched for switches
MAX_LOGARITHM = 1000  # of a number
MAX_ROOT = 100  # denominator of an exponent that is kept as a fraction
ROOT_DIGITS = 30  # twice those of float64


def _normal_cdf(u: sp.Expr) -> sp.Expr:
    return (1 + sp.erf(u / sp.sqrt(2))) / 2


def _normal_density(u: sp.Expr) -> sp.Expr:
    return sp.exp(-(u**2) / 2) / sp.sqrt(2 * sp.pi)


FUNCTIONS = {
    "exp": sp.exp,
    "log": sp.log,
    "sqrt": sp.sqrt,
    "erf": sp.erf,
    "erfc": sp.erfc,
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": sp.tan,
    "atan": sp.atan,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "tanh": sp.tanh,
    "Max": sp.Max,
    "Min": sp.Min,
    "Abs": sp.Abs,
    "sign": sp.sign,
    "Heaviside": sp.Heaviside,
    "Phi": _normal_cdf,
    "phi": _normal_density,
    "Piecewise": sp.Piecewise,
    "Rational": sp.Rational,
}
CONSTANTS = {"pi": sp.pi, "E": sp.E, "True": sp.true, "False": sp.false}
_BINARY = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE = {ast.Lt: sp.Lt, ast.LtE: sp.Le, ast.Gt: sp.Gt, ast.GtE: sp.Ge}


def parse(text: str, variables: Mapping[str, sp.Symbol] | None = None) -> sp.Expr:
    """The SymPy expression that `text` spells.

    Understood are numbers, + - * / **, comparisons (inside Piecewise), pi, E and the names in
    `FUNCTIONS`; `Phi(u)` is the normal distribution function and `phi(u)` the normal density.
    Decimal numbers become exact fractions.

    Args:
        text: What is parsed; nothing in it is ever executed.
        variables: The symbols by name; default: `x`.

    Raises:
        ExpressionError: The text is no expression with finite values, or has something that is not
            permitted; the message names it.
    """
    names = {**CONSTANTS, **(variables or {"x": X})}
    if not isinstance(text, str):
        raise ExpressionError(
            f"an expression is a text or a SymPy expression, not {type(text).__name__}: {text!r}"
        )
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(
            f"the expression has {len(text)} characters, at most {MAX_CHARACTERS} are read: "
            f"{text[:40]!r}..."
        )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(
            f"not an expression: {text[:80]!r} ({getattr(error, 'msg', error)})"
        ) from None
    try:
        value = _Builder(names, text).build(tree)
        if not isinstance(value, sp.Expr) or value.has(sp.zoo, sp.nan, sp.oo, -sp.oo):
            raise ExpressionError(f"not an expression with finite values: {text[:80]!r}")
        _check_numbers(value, text)
        if _degree(value) > MAX_DEGREE:
            raise ExpressionError(f"a power of x in {text[:40]!r} exceeds {MAX_DEGREE}")
    except (TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError(f"not an expression: {text[:80]!r} ({str(error)[:80]})") from None
    return value


def _check_numbers(e: sp.Basic, text: str) -> None:
    """Raise `ExpressionError` where a part without variables is not real, or too large."""
    if isinstance(e, sp.Expr) and e.is_number:
        try:
            finite_value(e, {}, mpf(LARGEST))
        except NoValueError as error:
            raise ExpressionError(
                f"a number in {text[:40]!r}, {brief(error.part)}, {error.reason}"
            ) from None
        return
    for part in e.args:
        _check_numbers(part, text)


def _degree(e: sp.Basic) -> float:
    """A bound on the degrees of polynomials that expanding can meet, found without expanding."""
    if not e.args or e.is_number:
        return int(e.is_Symbol)
    degrees = [_degree(argument) for argument in e.args]
    if isinstance(e, sp.Pow) and e.exp.is_number:
        return abs(float(e.exp)) * degrees[0]
    return sum(degrees) if isinstance(e, sp.Mul) else max(degrees)


@dataclass(frozen=True)
class _Builder:
    """Builds SymPy expressions from a syntax tree; nothing is evaluated as Python."""

    names: Mapping[str, sp.Basic]
    text: str

    def build(self, node: ast.AST, depth: int = 0) -> sp.Basic:
        """The expression that a node spells."""
        text = self.text
        if depth > MAX_DEPTH:
            raise ExpressionError(
                f"the expression is nested more than {MAX_DEPTH} deep: {text[:40]!r}..."
            )
        value = partial(self.value, depth=depth + 1)
        match node:
            case ast.Constant(value=bool() as constant):
                return sp.true if constant else sp.false
            case ast.Constant(value=int() | float() as constant):
                return _number(constant, text)
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return value(operand)
            case ast.BinOp(op=ast.Pow(), left=left, right=right):
                return _power(value(left), value(right), text)
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _BINARY:
                return _BINARY[type(op)](value(left), value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
                return _COMPARE[type(op)](value(left), value(right))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if (
                name in FUNCTIONS and not any(isinstance(a, ast.Starred) for a in args)
            ):
                if name == "Piecewise":
                    return sp.Piecewise(*(self.pair(a, depth + 1) for a in args))
                values = [value(a) for a in args]
                return _ratio(values, text) if name == "Rational" else _call(name, values, text)
        raise ExpressionError(self.refusal(node, depth))

    def value(self, node: ast.AST, depth: int) -> sp.Expr:
        """A number or a function of the variables."""
        found = self.build(node, depth)
        if not isinstance(found, sp.Expr):
            raise ExpressionError(
                f"not an expression: {self.text[:80]!r} ({ast.unparse(node)[:40]} is not a number)"
            )
        return found

    def pair(self, node: ast.AST, depth: int) -> tuple[sp.Expr, sp.Basic]:
        """A value and its condition, an argument of Piecewise."""
        match node:
            case ast.Tuple(elts=[of, when]):
                condition = self.build(when, depth)
                is_condition = isinstance(condition, sp.logic.boolalg.Boolean)
                if is_condition and not isinstance(condition, sp.Symbol):
                    return self.value(of, depth), condition
        raise ExpressionError(
            f"not an expression: {self.text[:80]!r} (Piecewise takes pairs (value, condition), as "
            "(x, x > 0))"
        )

    def refusal(self, node: ast.AST, depth: int) -> str:
        """Why a node has no place in an expression."""
        text = f"{self.text[:80]!r}"
        match node:
            case ast.Name(id=name):
                known = ", ".join([*self.names, *FUNCTIONS])
                return f"unknown name {name!r} in {text}: known are {known}"
            case ast.BinOp(op=ast.BitXor()):
                return f"'^' is not a power: write '**' in {text}"
            case ast.Tuple():
                return f"not an expression: {text} (pairs are for Piecewise only)"
            case ast.Call(func=ast.Name(id=name)) if name not in FUNCTIONS:
                return f"unknown function {name!r} in {text}: known are {', '.join(FUNCTIONS)}"
        what = ast.unparse(node) if depth else type(node).__name__
        return f"not permitted in an expression: {what[:60]!r} in {text}"


def _number(value: float, text: str) -> sp.Rational:
    digits = repr(value)
    if len(digits) > MAX_DIGITS or digits in ("inf", "nan"):
        raise ExpressionError(f"a number in {text[:40]!r} has more than {MAX_DIGITS} digits")
    if value and not 1 / LARGEST <= abs(value) <= LARGEST:
        size = f"larger than {LARGEST:g}" if value > 1 else f"smaller than {1 / LARGEST:g}"
        raise ExpressionError(f"a number in {text[:40]!r}, {digits}, is {size}")
    return sp.Rational(digits)


def tame(exponent: sp.Expr) -> sp.Expr:
    """An exponent with which arithmetic ends: one of many digits with 30 of them.

    SymPy takes the roots of numbers apart into those of their factors: 424**0.6006312 is the root
    of a number with millions of digits.
    """
    is_long = exponent.is_Rational and exponent.q > MAX_ROOT
    return sp.Float(exponent, ROOT_DIGITS) if is_long else exponent


def _ratio(parts: list[sp.Expr], text: str) -> sp.Rational:
    if len(parts) not in (1, 2) or not all(part.is_Rational for part in parts):
        raise ExpressionError(
            f"not an expression: {text[:80]!r} (Rational takes one or two rational numbers)"
        )
    return parts[0] / parts[1] if len(parts) == 2 else parts[0]


def _call(name: str, arguments: list[sp.Expr], text: str) -> sp.Expr:
    if name in ("exp", "sinh", "cosh") and any(
        a.is_number and not abs(a) <= MAX_LOGARITHM for a in arguments
    ):
        raise ExpressionError(
            f"a number in {text[:40]!r} is too large: the exponential of more than {MAX_LOGARITHM}"
        )
    flat = sum(len(a.args) if isinstance(a, (sp.Max, sp.Min)) else 1 for a in arguments)
    if name in ("Max", "Min") and flat > MAX_ARGUMENTS:
        raise ExpressionError(f"{name} of more than {MAX_ARGUMENTS} arguments in {text[:40]!r}")
    return FUNCTIONS[name](*arguments)


def _power(base: sp.Expr, exponent: sp.Expr, text: str) -> sp.Expr:
    exponent = tame(exponent)
    if exponent.is_number and abs(exponent) > MAX_EXPONENT:
        raise ExpressionError(f"a power in {text[:40]!r} exceeds {MAX_EXPONENT}")
    if (
        base.is_Rational
        and exponent.is_Rational
        and abs(exponent) * sp.log(1 + abs(base.p) + base.q, 2).evalf() > 4 * MAX_EXPONENT
    ):
        raise ExpressionError(f"a power in {text[:40]!r} has too many digits")
    if (
        base.is_number
        and exponent.is_number
        and not base.is_Rational
        and abs(exponent * sp.log(abs(base))) > 4 * MAX_LOGARITHM
    ):
        raise ExpressionError(f"a power in {text[:40]!r} has too many digits")
    if base.is_number and not (exponent.is_number or base.is_positive):
        raise ExpressionError(f"a power in {text[:40]!r} has a negative base")
    return base**exponent
