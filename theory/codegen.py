"""Readable JAX array code from mean-field equations: sums over populations become einsum, nothing is written out per population."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import sympy as sp

from ..errors import ArchitectureError, NoClosedFormError
from .equations import MeanField
from .gaussian import GaussianAverage
from .jax_printer import jax_code
from .notation import AVERAGES, PARAMETERS, QUANTITIES, STATES, N
from .terms import Equation, Term
from .transfer import LIBRARY, TransferFunction

_AVERAGE_NAMES = {"R": "mean_rate", "G": "mean_gain", "C": "second_moment"}


@dataclass(frozen=True)
class _Product:
    """A product of arrays with indices: `einsum` operands, powers included, and a numerical factor."""

    number: sp.Expr
    operands: tuple[tuple[str, str], ...]

    def code(self, output: str) -> str:
        scalars = [name for name, indices in self.operands if not indices]
        arrays = [(name, indices) for name, indices in self.operands if indices]
        if all(indices == output for _, indices in arrays):
            body = [name for name, _ in arrays]
        else:
            subscripts = ",".join(indices for _, indices in arrays)
            body = [f'jnp.einsum("{subscripts}->{output}", {", ".join(_bare(name) for name, _ in arrays)})']
        if self.number == -1 and (scalars or body):
            return "-" + " * ".join([*scalars, *body])
        number = [] if self.number == 1 and (scalars or body) else [jax_code(self.number)]
        return " * ".join([*number, *scalars, *body])


def _bare(name: str) -> str:
    return name[1:-1] if name.startswith("(") else name


def _product(expression: sp.Expr, rename: dict[str, str]) -> _Product:
    number, operands = sp.Integer(1), []
    for factor in sorted(sp.Mul.make_args(expression), key=_order):
        base, power = factor.as_base_exp()
        if factor.is_number:
            number *= factor
        elif isinstance(base, sp.Indexed):
            name = rename.get(str(base.base), str(base.base))
            operands.append((_powered(name, power), "".join(map(str, base.indices))))
        elif base.is_Symbol:
            operands.append((_powered(rename.get(str(base), str(base)), power), ""))
        else:
            raise ArchitectureError(f"cannot generate array code for the factor {factor} of {expression}")
    return _Product(number, tuple(operands))


def _powered(name: str, power: sp.Expr) -> str:
    if power == 1:
        return name
    return f"(1 / {name})" if power == -1 else f"({name}**{power})"


def _order(factor: sp.Expr) -> tuple[int, str]:
    names = list(QUANTITIES)
    base = factor.as_base_exp()[0]
    return (names.index(str(base.base)) if isinstance(base, sp.Indexed) else -1, str(factor))


def _is_parameter(factor: sp.Expr) -> bool:
    base = factor.as_base_exp()[0]
    known = (*PARAMETERS, "A", "B")
    return factor.is_number or base == N or (isinstance(base, sp.Indexed) and str(base.base) in known)


def _indices(expression: sp.Expr) -> set[str]:
    return {str(index) for indexed in expression.atoms(sp.Indexed) for index in indexed.indices}


def _split(term: Term, free: str) -> tuple[sp.Expr, sp.Expr, str]:
    """A term's parameters, its states and averages, and the indices that its coefficient keeps, in reading order."""
    factors = sp.Mul.make_args(term.summand)
    constant = sp.Mul(*(f for f in factors if _is_parameter(f)))
    varying = sp.Mul(*(f for f in factors if not _is_parameter(f)))
    kept = _indices(constant) & (_indices(varying) | {free})
    return constant, varying, "".join(sorted(kept))


def _is_coefficient(term: Term, constant: sp.Expr) -> bool:
    return constant != 1 and len(sp.Mul.make_args(constant)) > 0 and not constant.is_number


def generate(mean_field: MeanField) -> str:
    """The source of a module with `State`, `Coefficients`, `coefficients`, `variance`, `rates` and `vector_field`."""
    from .. import __version__

    every = [*mean_field.equations, mean_field.variance]
    named = [(e, t, *_split(t, str(e.index))) for e in every for t in e.terms]
    coefficients = [(t.name, constant, kept) for _, t, constant, _, kept in named if _is_coefficient(t, constant) and kept != ""]

    lines = [
        _docstring(mean_field, __version__), "import math  # noqa: F401", "from typing import NamedTuple", "",
        "import jax", "import jax.numpy as jnp", "", "from motifield.numerics import gaussian", "", "",
        *_transfers(mean_field), "", "", *_named_tuple("State", mean_field.states, mean_field), "", "",
        *_coefficient_tuple(coefficients), "", "", *_coefficient_function(mean_field, coefficients), "", "",
        *_variance_function(mean_field, coefficients), "", "",
        "def rates(state, c):", '    """Mean rate of each population, shape (P,)."""',
        "    return mean_rate(state.K, variance(state, c))", "", "",
        *_vector_field(mean_field, coefficients), "",
    ]  # fmt: skip
    return "\n".join(lines)


def _docstring(mean_field: MeanField, version: str) -> str:
    names = mean_field.architecture.populations
    who = f"populations {', '.join(json.dumps(n)[1:-1] for n in names)}" if names else "any number of populations"
    body = "\n".join("    " + line for line in str(mean_field).splitlines())
    return (f'"""Mean-field equations, closure {type(mean_field.closure).__name__}, {who}.\n\nGenerated by motifield {version} '
            f"from\n\n{body}\n\nAll arrays are indexed by population, row = target. `parameters` is any object with the attributes "
            f"{', '.join(n for n in mean_field.parameters if n != 'drive')};\n`c = coefficients(parameters)` holds what does "
            'not depend on the state. Works under jit, vmap and grad.\n"""\n')  # fmt: skip


def _transfers(mean_field: MeanField) -> list[str]:
    lines, names, functions = [], [], mean_field.architecture.distinct_transfers
    taken: set[str] = set()
    for f in functions:
        plain = _identifier(f.name)
        name, n = plain, 2
        while name in taken:
            name, n = f"{plain}_{n}", n + 1
        taken.add(name)
        names.append(name)
        lines += [*_transfer(name, f), "", ""]
    index = mean_field.architecture.transfer_index(len(mean_field.architecture.populations or ("",)))
    which = "None  # one for every population" if len(functions) == 1 else repr(index)
    lines += [f"TRANSFER = ({', '.join(names)},)", f"TRANSFER_OF = {which}", ""]
    powers = {"mean_rate": 1, **({"second_moment": 2} if "C" in mean_field.averages else {})}
    for average, power in powers.items():
        made = [_average(f, name, power) for f, name in zip(functions, names, strict=True)]
        if len(made) == 1:
            lines.append(f"{average} = {made[0]}")
        else:
            lines += [f"{average} = gaussian.by_population(", "    (", *(f"        {m}," for m in made), "    ),",
                      "    TRANSFER_OF,", ")"]  # fmt: skip
    if "G" in mean_field.averages:
        lines.append("mean_gain = mean_rate.derivative()")
    return lines


def _identifier(name: str) -> str:
    """A name from outside as a Python name that means nothing else in the module: it becomes code."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if plain in LIBRARY or plain.startswith("phi") else f"phi_{plain}"


def _transfer(name: str, f: TransferFunction) -> list[str]:
    header = [f"def {name}(x):", f'    """{f.expression}"""']
    pieces, breaks = f.pieces.pieces, f.pieces.breaks
    if not breaks:
        return [*header, f"    return {jax_code(pieces[0])}"]
    lines = [f"{name}_breaks = ({', '.join(jax_code(b) for b in breaks)},)", f"{name}_pieces = ("]
    lines += [f"    lambda x: {jax_code(piece)}," for piece in pieces]
    return [*lines, ")", "", "", *header, f"    return gaussian.piecewise(x, {name}_pieces, {name}_breaks)"]


def _average(f: TransferFunction, name: str, power: int) -> str:
    mu, Delta = sp.Symbol("mu", real=True), sp.Symbol("Delta", nonnegative=True)
    try:
        form = GaussianAverage(f.expression**power, mu, Delta).closed_form(nodes=True)
        return f"gaussian.Closed(lambda mu, Delta: {jax_code(form)})"
    except NoClosedFormError:
        pass
    if not f.pieces.breaks:
        return f"gaussian.Quadrature([{name}])" if power == 1 else f"gaussian.Quadrature([lambda x: {name}(x) ** {power}])"
    if power == 1:
        return f"gaussian.Quadrature({name}_pieces, {name}_breaks)"
    powers = ", ".join(f"lambda x: ({jax_code(piece)}) ** {power}" for piece in f.pieces.pieces)
    return f"gaussian.Quadrature([{powers}], {name}_breaks)"


def _named_tuple(title: str, names: tuple[str, ...], mean_field: MeanField) -> list[str]:
    lines = [f"class {title}(NamedTuple):", '    """One value per population in each field."""', ""]
    return lines + [f"    {name}: jax.Array  # {QUANTITIES[name].meaning}" for name in names]


def _coefficient_tuple(coefficients: list) -> list[str]:
    lines = ["class Coefficients(NamedTuple):", '    """What does not depend on the state."""', ""]
    return lines + [f"    {name}: jax.Array  # [{', '.join(kept)}]" for name, _, kept in coefficients]


def _coefficient_function(mean_field: MeanField, coefficients: list) -> list[str]:
    lines = ["def coefficients(parameters):", '    """Collect the parameters into one tensor per term."""']
    lines += [f"    {name} = parameters.{name}" for name in mean_field.parameters if name != "drive"]
    for name, value in mean_field.definitions.items():
        lines.append(f"    {name} = {_sum_of_products(value, 'pq')}")
    lines.append("    return Coefficients(")
    return [*lines, *(f"        {n}={_product(constant, {}).code(kept)}," for n, constant, kept in coefficients), "    )"]


def _sum_of_products(expression: sp.Expr, output: str) -> str:
    terms = sorted(sp.Add.make_args(expression), key=lambda t: (not t.is_number, t.could_extract_minus_sign(), str(t)))
    text = ""
    for term in terms:
        code = "jnp.ones_like(g)" if term == 1 else _product(term, {}).code(output)
        text += f" - {code[1:]}" if text and code.startswith("-") else f" + {code}" if text else code
    return text


def _terms(equation: Equation, coefficients: list, rename: dict[str, str]) -> str:
    names = {name: kept for name, _, kept in coefficients}
    parts = []
    for term in equation.terms:
        constant, varying, kept = _split(term, str(equation.index))
        if isinstance(varying, sp.Pow) and varying.exp == sp.Rational(1, 2):
            inside = _product(varying.base, rename).code(str(equation.index))
            parts.append(f"gaussian.root({inside})")
            continue
        product = _product(varying, rename)
        if term.name in names:
            product = _Product(product.number, ((f"c.{term.name}", kept), *product.operands))
        elif constant != 1:
            product = _Product(product.number * constant, product.operands)
        parts.append(product.code(str(equation.index)))
    return " + ".join(parts) or "0.0"


def _variance_function(mean_field: MeanField, coefficients: list) -> list[str]:
    rename = {name: f"state.{name}" for name in STATES}
    body = _terms(mean_field.variance, coefficients, rename)
    body = "jnp.zeros_like(state.K)" if body == "0.0" else body
    return ["def variance(state, c):", '    """Variance of the input current within each population, shape (P,)."""', f"    return {body}"]


def _vector_field(mean_field: MeanField, coefficients: list) -> list[str]:
    rename = {name: f"state.{name}" for name in STATES}
    lines = ["def vector_field(state, drive, c):", '    """Time derivative of the state under the external input `drive`, shape (P,)."""',
             "    Delta = variance(state, c)"]  # fmt: skip
    lines += [f"    {name} = {_AVERAGE_NAMES[name]}(state.K, Delta)" for name in AVERAGES if name in mean_field.averages]
    lines.append("    return State(")
    for equation in mean_field.equations:
        lines.append(f"        {equation.name}=-state.{equation.name} + {_terms(equation, coefficients, rename)},")
    return [*lines, "    )"]


