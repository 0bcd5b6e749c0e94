"""LaTeX of expressions, terms and equations, in the notation of the theory."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter

from .notation import QUANTITIES
from .terms import Equation, Term

_RAISED = {"a", "b", "u"}  # a_i^q: neuron below, population above


class _Printer(LatexPrinter):
    def _print_Indexed(self, expr):
        name, indices = str(expr.base), [self._print(index) for index in expr.indices]
        symbol = QUANTITIES[name].latex
        if name in _RAISED:
            return f"{symbol}_{{{indices[0]}}}^{{{indices[1]}}}"
        return f"{symbol}_{{{''.join(indices)}}}"

    def _print_Rate(self, expr, exp=None):
        prime = "'" * expr.order
        power = f"^{{{exp}}}" if exp else ""
        return rf"\phi{prime}_{{{self._print(expr.args[0])}}}{power}\left({self._print(expr.args[1])}\right)"

    def _print_Mul(self, expr):
        return product_latex(expr)

    def _print_Sum(self, expr):
        indices = "".join(rf"\sum_{{{self._print(limit[0])}}} " for limit in expr.limits)
        return indices + self._print(expr.function)

    def _print_OverNeurons(self, expr):
        body, neuron, population = (self._print(a) for a in expr.args)
        return rf"\sum_{{{neuron} \in {population}}} {body}"

    def _print_Mean(self, expr):
        body, neuron, population = (self._print(a) for a in expr.args)
        return rf"\left\langle {body} \right\rangle_{{{neuron} \in {population}}}"

    def _print_Covariance(self, expr):
        z, x, _, population = (self._print(a) for a in expr.args)
        return rf"\mathrm{{Cov}}_{{{population}}}\left({z}, {x}\right)"

    def _print_Filtered(self, expr):
        return rf"\left(1 + \partial_t\right)^{{-1}} {self._print(expr.args[0])}"


def latex(expression: Any) -> str:
    """LaTeX of an expression in the theory's notation."""
    return _Printer().doprint(expression)


def product_latex(product: sp.Expr) -> str:
    """A product in reading order: numbers, N, parameters, states, averages; a fraction where something divides."""
    sign, above, below = "", [], []
    for factor in sorted(sp.Mul.make_args(product), key=_reading_order):
        base, power = factor.as_base_exp()
        if factor == -1:
            sign = "-"
        elif power.is_number and power.is_negative and not factor.is_number:
            below.append(latex(base**-power))
        else:
            text = latex(factor)
            above.append(rf"\left({text}\right)" if isinstance(factor, sp.Add) else text)
    text = r" \, ".join(above) or "1"
    return sign + (rf"\frac{{{text}}}{{{' '.join(below)}}}" if below else text)


def _reading_order(factor: sp.Expr) -> tuple[int, int, str]:
    base = factor.as_base_exp()[0]
    if factor.is_number:
        return (0, 0, str(factor))
    if isinstance(base, sp.Symbol):
        return (1, 0, str(factor))
    if isinstance(base, sp.Indexed):
        return (2, list(QUANTITIES).index(str(base.base)), str(factor))
    return (4 if isinstance(base, sp.Sum) else 3, 0, str(factor))


def term_latex(term: Term) -> str:
    """A term with its sums in front."""
    sums = f"\\sum_{{{' '.join(map(str, term.sums))}}} " if term.sums else ""
    return sums + latex(term.summand)


def equation_latex(equation: Equation) -> tuple[str, list[str]]:
    """Left side, and the signed terms of the right side."""
    symbol = latex(equation.symbol)
    left = rf"\frac{{d {symbol}}}{{dt}}" if equation.is_state else symbol
    terms = [f"-{symbol}"] if equation.is_state else []
    for term in equation.terms:
        text = term_latex(term)
        terms.append(text if text.startswith("-") or not terms else f"+ {text}")
    return left, terms or ["0"]


def definition_latex(name: str, value: sp.Expr) -> str:
    """A quantity with two indices, such as A_pq, and what it stands for."""
    parts = sorted(sp.Add.make_args(value), key=lambda e: (not e.is_number, e.could_extract_minus_sign(), str(e)))
    texts = [latex(e) for e in parts]
    return f"{QUANTITIES[name].latex}_{{pq}} = " + " ".join(
        t if n == 0 or t.startswith("-") else f"+ {t}" for n, t in enumerate(texts)
    )
