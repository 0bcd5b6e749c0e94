"""What numbers take from formulas: filters' coefficients, and where transfer functions bend.

Both are code that evaluates without SymPy, which prints it once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ...errors import ExpressionError
from .recalled import Recalled

KEPT = 256  # formulas that stay loaded


@lru_cache(maxsize=KEPT)
def evaluated(code: str) -> Callable[..., Any]:
    """The function that printed code is, `lambda v0, v1: ...`."""
    return eval(code, {"math": math, "numpy": np})


def bend_code(f: Any, names: tuple[str, ...]) -> list[str]:
    """Where a transfer function bends.

    Args:
        f: the function, an expression.
        names: of the arguments: parameters of this transfer function and of others.

    Returns:
        Functions of these, printed; none where the order of the breaks is not known.
    """
    return f.bend_code if isinstance(f, Recalled) else _bend_code(f, names)


@lru_cache(maxsize=KEPT)
def _bend_code(f: Any, names: tuple[str, ...]) -> list[str]:
    import sympy as sp

    plain = {s: sp.Symbol(str(s)) for s in f.defaults}
    try:
        a, b = f.affine.a, f.affine.b
        places = [((u - b) / a).subs(plain) for u in f.pieces.breaks] if a else []
    except ExpressionError:
        return []
    return [_printed([sp.Symbol(name) for name in names], place, "math") for place in places]


def filter_code(f: Any) -> tuple[list[str], str, str]:
    """A filter's parameters, and as functions of them its polynomials and the factors below.

    Factors, since the roots of a whole polynomial are inaccurate where one is repeated, as in a
    gamma-distributed delay.
    """
    return f.code if isinstance(f, Recalled) else _filter_code(f.expression)


@lru_cache(maxsize=KEPT)
def _filter_code(expression: Any) -> tuple[list[str], str, str]:
    import sympy as sp

    from ...theory.architecture import Filter, S

    symbols = sorted(expression.free_symbols - {S}, key=str)
    factors = [
        factor for factor, _ in sp.factor_list(sp.fraction(expression)[1])[1] if factor.has(S)
    ]
    coefficients = [list(sp.Poly(factor, S).all_coeffs()) for factor in factors]
    both = [list(own) for own in Filter("", expression).polynomials]
    printed = (_printed(symbols, own, "numpy") for own in (both, coefficients))
    return [str(s) for s in symbols], next(printed), next(printed)


def _printed(symbols: Sequence[Any], formulas: Any, module: str) -> str:
    """A function of symbols, whose names are from outside and become plain ones."""
    import sympy as sp
    from sympy.printing.numpy import NumPyPrinter
    from sympy.printing.pycode import PythonCodePrinter

    printer = {"math": PythonCodePrinter, "numpy": NumPyPrinter}[module]()
    names = [f"v{k}" for k in range(len(symbols))]
    plain = dict(zip(symbols, map(sp.Symbol, names), strict=True))

    def text(own: Any) -> str:
        if isinstance(own, list):
            return f"[{', '.join(map(text, own))}]"
        return printer.doprint(own.xreplace(plain))

    return f"lambda {', '.join(names)}: {text(formulas)}"
