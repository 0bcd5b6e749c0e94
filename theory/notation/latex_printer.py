"""LaTeX of expressions, terms and equations, in the notation of the theory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter

from .averaging import PairCovariance
from .quantities import PAIRS, PARTS, QUANTITIES, STRENGTHS
from .terms import Equation, Term

# fmt: off
_GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
    "mu", "nu", "xi", "", "pi", "rho", "", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
)
# fmt: on
_LETTERS = {
    **{chr(ord("α") + k): rf"\{name} " for k, name in enumerate(_GREEK) if name},
    **{
        chr(ord("Α") + k): rf"\{name.capitalize()} "
        for k, name in enumerate(_GREEK)
        if name in ("gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi")
        or name in ("psi", "omega")
    },
    **{mark: rf"\{mark}" for mark in "_{}$%&# "},
    **{"\\": r"\backslash ", "^": r"\wedge ", "~": r"\sim "},
}
_PLAIN = list(QUANTITIES).index("feature")  # those after it are of components and features
_FIRST = list(QUANTITIES)[: list(QUANTITIES).index("drive")]
_ORDER = [*_FIRST, *STRENGTHS, *(name for name in QUANTITIES if name not in (*_FIRST, *STRENGTHS))]
"""Of factors in a product: parameters, states, averages."""
_RAISED = {"a", "b", "u"}  # a_i^q: neuron below, population above


class Printer(LatexPrinter):
    """Prints expressions in the theory's notation."""

    def _print_Indexed(self, expr):
        name, indices = str(expr.base), [self._print(index) for index in expr.indices]
        if name.startswith("d_"):
            return r"\delta " + self._print(sp.IndexedBase(name[2:])[expr.indices])
        symbol = QUANTITIES[name].latex
        if name in _RAISED:
            return f"{symbol}_{{{indices[0]}}}^{{{indices[1]}}}"
        return f"{symbol}_{{{''.join(indices)}}}"

    def _print_Rate(self, expr, exp=None):
        prime = "'" * expr.order
        power = f"^{{{exp}}}" if exp else ""
        population, x = (self._print(a) for a in expr.args[:2])
        return rf"\phi{prime}_{{{population}}}{power}\left({x}\right)"

    def _print_Mul(self, expr):
        return product_latex(expr, lambda e: latex(e, self._settings["symbol_names"]))

    def _print_Sum(self, expr):
        indices = "".join(rf"\sum_{{{self._print(limit[0])}}} " for limit in expr.limits)
        text = self._print(expr.function)
        return indices + text if expr.function.is_Add else _signed_sum(indices, text)

    def _print_OverNeurons(self, expr):
        body, neuron, population = (self._print(a) for a in expr.args)
        return rf"\sum_{{{neuron} \in {population}}} {body}"

    def _print_Mean(self, expr):
        body, neuron, population = (self._print(a) for a in expr.args)
        return rf"\left\langle {body} \right\rangle_{{{neuron} \in {population}}}"

    def _print_Covariance(self, expr):
        z, x, _, population = (self._print(a) for a in expr.args)
        return rf"\mathrm{{Cov}}_{{{population}}}\left({z}, {x}\right)"

    def _print_Variance(self, expr):
        body, neuron, population = (self._print(a) for a in expr.args)
        return rf"\mathrm{{Var}}_{{{neuron} \in {population}}}\left({body}\right)"

    def _print_PairCovariance(self, expr):
        pair = (PAIRS | PARTS).get(str(expr.args[0]), "J_{ij}, J_{ij}")  # of a synapse with itself
        return rf"\mathrm{{Cov}}\left({pair}\right)"

    def _print_Filtered(self, expr):
        body, population = (self._print(a) for a in expr.args)
        return rf"\mathcal{{M}}_{{{population}}}\left[ {body} \right]"

    def _print_Synaptic(self, expr):
        body, population = (self._print(a) for a in expr.args)
        return rf"\mathcal{{S}}_{{{population}}}\left[ {body} \right]"

    def _print_SiegertRate(self, expr):
        return rf"\nu\left({', '.join(self._print(a) for a in expr.args)}\right)"


def latex(expression: Any, names: Mapping[sp.Symbol, str] | None = None) -> str:
    """LaTeX of an expression in the theory's notation.

    Args:
        expression: Any.
        names: LaTeX of symbols that are not printed as they are called.
    """
    plain = isinstance(expression, sp.Basic) and not expression.has(sp.Indexed, sp.Sum)
    if not plain or expression.atoms(AppliedUndef) or _ours(expression):
        return Printer({"symbol_names": dict(names or {})}).doprint(expression)
    if names:
        return sp.latex(expression, symbol_names=dict(names), mul_symbol=r" \, ")
    return sp.latex(expression)


def _ours(expression: sp.Basic) -> bool:
    """Whether a node has a form of its own here."""
    kinds = {type(e) for e in sp.preorder_traversal(expression)}
    return any(
        hasattr(Printer, f"_print_{kind.__name__}") and kind.__module__.startswith("motifield")
        for kind in kinds
    )


def product_latex(
    product: sp.Expr,
    show: Callable[[sp.Expr], str] | None = None,
    order: Callable[[sp.Expr], Any] | None = None,
) -> str:
    """A product in reading order: numbers, N, parameters, states, averages.

    It is a fraction where something divides.

    Args:
        product: Of any factors.
        show: LaTeX of a factor; default: `latex`.
        order: Key by which the factors are sorted; default: that of indexed quantities.
    """
    show, order = show or latex, order or reading_order
    above, below = [], []
    number = sp.Mul(*(f for f in sp.Mul.make_args(product) if f.is_Rational))
    sign = "-" if number.is_negative else ""
    if abs(number.p) != 1:
        above.append(str(abs(number.p)))
    if number.q != 1:
        below.append(str(number.q))
    for factor in sorted((f for f in sp.Mul.make_args(product) if not f.is_Rational), key=order):
        base, power = factor.as_base_exp()
        if power.is_number and power.is_negative and not factor.is_number:
            below.append(show(base**-power))
        else:
            text = show(factor)
            above.append(rf"\left({text}\right)" if isinstance(factor, sp.Add) else text)
    between = r" \, "
    text = between.join(above) or "1"
    return sign + (rf"\frac{{{text}}}{{{between.join(below)}}}" if below else text)


def reading_order(factor: sp.Expr) -> tuple[int, int, str]:
    base = factor.as_base_exp()[0]
    if factor.is_number:
        return (0, 0, str(factor))
    if isinstance(base, sp.Symbol):
        return (1, 0, str(factor))
    if isinstance(base, sp.Indexed):
        name = str(base.base)
        return (
            5 if name.startswith("d_") else 2,
            _ORDER.index(name.removeprefix("d_")),
            str(factor),
        )
    return (4 if isinstance(base, sp.Sum) else 3, 0, str(factor))


def terms_latex(expression: Any) -> tuple[str, ...]:
    """The terms of a sum in reading order, each from the second on with its sign."""
    return signed([latex(e) for e in ordered_terms(expression)])


def ordered_terms(expression: Any) -> list[sp.Expr]:
    """The terms of a sum in reading order."""
    return sorted(sp.Add.make_args(sp.sympify(expression)), key=_term_order)


def signed(texts: Sequence[str]) -> tuple[str, ...]:
    """Terms of a sum, each from the second on with its sign in front."""
    return tuple(t if n == 0 or t.startswith(("-", "+")) else f"+ {t}" for n, t in enumerate(texts))


def _term_order(e: sp.Expr) -> tuple:
    return (
        not e.is_number,
        isinstance(e, sp.Sum) and len(e.limits),
        e.could_extract_minus_sign(),
        str(e),
    )


def derivative_latex(symbol: str) -> str:
    """The time derivative of a symbol."""
    return rf"\frac{{d {symbol}}}{{dt}}"


def name_latex(name: str) -> str:
    """The name of a population as an index: E, \\mathrm{PV}."""
    if len(name) == 1 and name.isalnum():
        return _LETTERS.get(name, name).strip()
    return rf"\mathrm{{{''.join(_LETTERS.get(c, c) for c in name)}}}"


def transfer_parameter_latex(name: str, index: str = "", *, components: bool = False) -> str:
    """A parameter of a transfer function, gain_q; gain^phi_q where the theory has such a name.

    Args:
        name: Of the parameter.
        index: Of its population; "" where it needs none.
        components: Whether quantities of components of strengths are there, too.
    """
    there = list(QUANTITIES)[: None if components else _PLAIN]
    own = {QUANTITIES[known].latex for known in there}
    text = parameter_latex(name, "transfer", index)
    bare = parameter_latex(name, "", index)
    if bare.partition("_")[0] not in own:
        text = bare
    return text.removesuffix("_{}")


def parameter_latex(name: str, kind: str, population: str) -> str:
    """A parameter of a population: tau_E of its membrane, tau^syn_E of its synapses, gain^phi_E."""
    base, _, lower = name.partition("_")
    shown = sp.latex(sp.Symbol(base))
    shown = shown if len(base) == 1 or shown != base else rf"\mathrm{{{base}}}"
    upper = {"synapse": r"^{\mathrm{syn}}", "transfer": r"^{\phi}"}.get(kind, "")
    return f"{shown}{upper}_{{{f'{lower},' if lower else ''}{population}}}"


def covariance_latex(pair: PairCovariance) -> str:
    """Cov(J_ij, J_ik) of a motif, Var(J_ij) of one synapse, or the same of their parts."""
    name = str(pair.args[0])
    variances = {"variance": "J_{ij}", "residual": "w_{ij}"}
    if name in variances:
        return rf"\mathrm{{Var}}({variances[name]})"
    return rf"\mathrm{{Cov}}({(PAIRS | PARTS)[name]})"


def term_latex(term: Term) -> str:
    """A term with its sign and its sums in front."""
    sums = f"\\sum_{{{' '.join(map(str, term.sums))}}} " if term.sums else ""
    return _signed_sum(sums, latex(term.summand))


def _signed_sum(sums: str, text: str) -> str:
    """Sums and what is summed, its sign in front of both."""
    return f"-{sums}{text[1:]}" if text.startswith("-") and sums else sums + text


def equation_latex(equation: Equation, *, unit: bool = True) -> tuple[str, list[str]]:
    """The left side, and the signed terms of the right side.

    Args:
        equation: Of a state or of another quantity.
        unit: Whether the filter of a state is 1/(1 + s).
    """
    symbol = latex(equation.symbol)
    texts = [term_latex(term) for term in equation.terms]
    if equation.response is None or not unit:
        terms = [t if n == 0 or t.startswith("-") else f"+ {t}" for n, t in enumerate(texts)] or [
            "0"
        ]
        return symbol, terms if equation.response is None else [
            _filtered_latex(equation, " ".join(terms))
        ]
    if equation.response == "noise":
        return derivative_latex(symbol), [rf"2 \left( {' '.join(texts)} - {symbol} \right)"]
    return derivative_latex(symbol), [
        f"-{symbol}",
        *(t if t.startswith("-") else f"+ {t}" for t in texts),
    ]


def _filtered_latex(equation: Equation, body: str) -> str:
    """What a filter makes of the sum of terms."""
    first = latex(equation.indices[0])
    if equation.response == "noise":
        return rf"2 {body} \int_0^\infty \mathcal{{M}}_{{{first}}}(t)^2 \, dt"
    size = "Big" if r"\sum" in body else "big"
    letter = "S" if equation.response == "synapse" else "M"
    return rf"\mathcal{{{letter}}}_{{{first}}} \{size}l[ {body} \{size}r]"


def definition_latex(name: str, value: sp.Expr) -> str:
    """A quantity with two indices, such as A_pq, and what it stands for."""
    parts = sorted(
        sp.Add.make_args(value),
        key=lambda e: (not e.is_number, e.could_extract_minus_sign(), str(e)),
    )
    texts = [latex(e) for e in parts]
    return f"{QUANTITIES[name].latex}_{{pq}} = " + " ".join(
        t if n == 0 or t.startswith("-") else f"+ {t}" for n, t in enumerate(texts)
    )
