"""Readable JAX array code from mean-field equations: sums over populations become einsum, nothing is written out per population."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from ...errors import ExpressionError, NoClosedFormError
from ..architecture import LIBRARY, TransferFunction
from ..averages import BivariateProbability, GatedProbability, TiltedProbability
from ..equations import MeanField
from ..notation import DRIVES, PARAMETERS, Equation, N, Term
from .einsum import Product, product, sum_of_products
from .filters import FilterCode
from .printer import jax_code

# where generated code finds its Gaussian averages
RUNTIME = "from motifield.numerics import averages as gaussian"
FIXED_PLACES = (
    TiltedProbability,
    GatedProbability,
    BivariateProbability,
)  # evaluated for numbers known when code is generated


def _is_parameter(factor: sp.Expr) -> bool:
    base = factor.as_base_exp()[0]
    known = (*PARAMETERS, "A", "B", "SOURCES")
    return (
        factor.is_number or base == N or (isinstance(base, sp.Indexed) and str(base.base) in known)
    )


def _indices(expression: sp.Expr) -> set[str]:
    return {str(index) for indexed in expression.atoms(sp.Indexed) for index in indexed.indices}


@dataclass(frozen=True)
class _Part:
    """A term of an equation, taken apart: what does not depend on the state, and what does.

    constant, varying: their products; kept: the indices, in reading order, of the constant tensor;
    empty when there is none
    """

    term: Term
    constant: sp.Expr
    varying: sp.Expr
    kept: str

    @classmethod
    def of(cls, term: Term, free: set[str]) -> _Part:
        factors = sp.Mul.make_args(term.summand)
        constant = sp.Mul(*(f for f in factors if _is_parameter(f)))
        varying = sp.Mul(*(f for f in factors if not _is_parameter(f)))
        return cls(
            term,
            constant,
            varying,
            "".join(sorted(_indices(constant) & (_indices(varying) | free))),
        )

    def code(
        self, output: str, names: Mapping[str, str], xp: str = "jnp", helpers: str = "gaussian."
    ) -> str:
        """The term in the state and, where it has one, its tensor of coefficients. names: what quantities are called in the code."""
        if isinstance(self.varying, sp.Pow) and self.varying.exp == sp.Rational(1, 2):
            return f"{helpers}root({product(self.varying.base, names).code(output, xp)})"
        varying = product(self.varying, names)
        if self.kept:
            return Product(
                varying.number, ((f"c.{self.term.name}", self.kept), *varying.operands)
            ).code(output, xp)
        return Product(varying.number * self.constant, varying.operands).code(output, xp)


def parts_of(equation: Equation) -> list[_Part]:
    return [_Part.of(term, set(map(str, equation.indices))) for term in equation.terms]


def generate(mean_field: MeanField, tolerance: float | None = None) -> str:
    """The source of a module with `State`, `rest`, `Coefficients`, `coefficients`, `variance`, `rates` and `vector_field`.

    tolerance: of averages that have no closed form; default: that of `numerics.averages`
    """
    filters = FilterCode(mean_field)
    tensors = {
        part.term.name: part for e in mean_field.results for part in parts_of(e) if part.kept
    }
    runtime = RUNTIME + (", linear" if filters.runtime else "")
    if mean_field.is_static:
        runtime += "\nfrom motifield.numerics.averages import feedback"
    blocks = [
        [
            _docstring(mean_field),
            "import math  # noqa: F401",
            "from typing import NamedTuple",
            "",
            "import jax",
            "import jax.numpy as jnp",
            "",
            runtime,
        ],
        _transfers(mean_field, tolerance),
        *filters.definitions(),
        ["class State(NamedTuple):", '    """The latent variables."""', "", *filters.fields()],
        filters.rest(),
        *filters.drive(),
        [
            "class Coefficients(NamedTuple):",
            '    """What does not depend on the state."""',
            "",
            *(
                f"    {name}: jax.Array  # [{', '.join(part.kept)}]"
                for name, part in tensors.items()
            ),
            *(
                ["    transfer: gaussian.Prepared  # parameters of the transfer functions"]
                if mean_field.architecture.transfer_parameters
                else []
            ),
            *filters.coefficient_fields(),
        ],
        _coefficient_function(mean_field, list(tensors.values()), filters),
        [
            "def variance(state, c):",
            '    """Variance of the input current within each population, shape (P,)."""',
            *filters.gathered(mean_field.variance),
            f"    return {_sum(mean_field.variance, filters.names) or 'jnp.zeros_like(state.K)'}",
        ],
        *_feedback(mean_field, filters),
        [
            "def rates(state, c):",
            '    """Mean rate of each population, shape (P,)."""',
            "    return averages_at(state, c).rate"
            if mean_field.is_static
            else f"    return mean_rate(state.K, variance(state, c){_prepared(mean_field)})",
        ],
        _vector_field(mean_field, filters),
    ]
    return "\n\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _docstring(mean_field: MeanField) -> str:
    from ... import __version__

    names = mean_field.architecture.populations
    attributes = [n for n in mean_field.parameters if n not in DRIVES]
    attributes += ["transfer"] if mean_field.architecture.transfer_parameters else []
    attributes += FilterCode(mean_field).parametrised
    who = (
        f"populations {', '.join(json.dumps(n)[1:-1] for n in names)}"
        if names
        else "any number of populations"
    )
    body = "\n".join("    " + line for line in str(mean_field).splitlines())
    return (
        f'"""Mean-field equations, closure {type(mean_field.closure).__name__}, {who}.\n\nGenerated by motifield {__version__} '
        f"from\n\n{body}\n\nAll arrays are indexed by population, row = target. `parameters` is "
        "any object with the attributes "
        f"{', '.join(attributes)};\n`c = coefficients(parameters)` holds what does "
        'not depend on the state. Works under jit, vmap and grad.\n"""\n'
    )


def _transfers(mean_field: MeanField, tolerance: float | None) -> list[str]:
    functions = mean_field.architecture.distinct_transfers
    names = names_of(functions)
    lines = [
        line
        for name, f in zip(names, functions, strict=True)
        for line in (*function_code(name, f), "", "")
    ]
    index = mean_field.architecture.transfer_index(
        len(mean_field.architecture.populations or ("",))
    )
    lines += [
        f"TRANSFER = ({', '.join(names)},)",
        "TRANSFER_OF = "
        f"{'None  # one for every population' if len(functions) == 1 else repr(index)}",
    ]
    if mean_field.architecture.transfer_parameters:
        own = ", ".join(repr(f.parameters) for f in functions)
        lines += [f"TRANSFER_PARAMETERS = ({own},)  # arguments after x", *_defaults(mean_field)]
    lines.append("")
    several = len(functions) > 1
    averages, quadratures = [], []
    for k, (f, name) in enumerate(zip(functions, names, strict=True)):
        of_it = [g.defaults for g in mean_field.architecture.transfer if g == f]
        code = AverageCode(f, name, {str(s): [d[s] for d in of_it] for s in f.defaults}, tolerance)
        quadratures.append(code.alone())
        averages.append(code.of_rate_and_square(f"mean_rate_of[{k}]" if several else "mean_rate"))
    wanted = ("mean_rate", "second_moment") if "C" in mean_field.averages else ("mean_rate",)
    for average, codes in zip(wanted, zip(*averages, strict=True), strict=False):
        if several:
            lines += [
                f"{average}_of = (",
                *(f"    {code}," for code in codes),
                ")",
                f"{average} = gaussian.by_population({average}_of, TRANSFER_OF)",
            ]
        else:
            lines.append(f"{average} = {codes[0]}")
    if "G" in mean_field.averages:
        lines.append("mean_gain = mean_rate.derivative()")
    if mean_field.is_static:
        lines += [
            "averages = feedback.by_population((",
            *(f"    feedback.Feedback({code})," for code in quadratures),
            "), TRANSFER_OF)",
        ]
    return lines


def _feedback(mean_field: MeanField, filters: FilterCode) -> list[list[str]]:
    """Gamma_p, and the averages over neurons that feel it."""
    if mean_field.feedback is None:
        return []
    return [
        [
            "def feedback_gain(state, c):",
            '    """Gamma_p of x = h + Gamma_p phi_p(x), shape (P,)."""',
            f"    return {_sum(mean_field.feedback, filters.names) or 'jnp.zeros_like(state.K)'}",
        ],
        [
            "def averages_at(state, c):",
            '    """<phi>, <d phi / dh> and <phi^2> over x = h + Gamma phi(x), h ~ N(K, Delta), shape (P,) each."""',
            "    return averages(state.K, variance(state, c), feedback_gain(state, "
            f"c){_prepared(mean_field)})",
        ],
    ]


def names_of(functions: Sequence[TransferFunction]) -> list[str]:
    """A name in the generated code for each transfer function."""
    names: list[str] = []
    for f in functions:
        plain = _identifier(f.name)
        name, n = plain, 2
        while name in names:
            name, n = f"{plain}_{n}", n + 1
        names.append(name)
    return names


def _identifier(name: str) -> str:
    """A name from outside as a Python name that means nothing else in the module: it becomes code."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if plain in LIBRARY or plain.startswith("phi") else f"phi_{plain}"


def _defaults(mean_field: MeanField) -> list[str]:
    """Default values of the parameters of transfer functions: one number each, or one per population."""
    lines = []
    for name, values in mean_field.architecture.transfer_parameters.items():
        lines.append(f'    "{name}": {_values(values)},')
    return ["TRANSFER_DEFAULTS = {", *lines, "}"]


def _values(values: Sequence[sp.Expr]) -> str:
    texts = [repr(float(v)) for v in values]
    return texts[0] if len(set(texts)) == 1 else f"jnp.array([{', '.join(texts)}])"


def function_code(name: str, f: TransferFunction) -> list[str]:
    """The function itself, of x and its parameters."""
    arguments = ", ".join(("x", *f.parameters))
    if f.function is not None:
        place = _importable(f.function)
        return [
            f"from {place[0]} import {place[1]} as {name}"
            if place
            else f"# {name}: the JAX function given to transfer.jax_function"
        ]
    header = [f"def {name}({arguments}):", f'    """{f.expression}"""']
    form, pieces = f.affine, f.pieces
    inner = [] if form.is_identity else [f"    x = {jax_code(form.line)}"]
    if not pieces.breaks:
        if pieces.pieces[0] == f.affine.outer:
            return [*header, f"    return {jax_code(f.expression)}"]
        return [*header, *inner, f"    return {jax_code(pieces.pieces[0])}"]
    lines = [
        f"{name}_breaks = ({', '.join(jax_code(b) for b in fixed_breaks(f))},)",
        f"{name}_pieces = (",
    ]
    lines += [f"    lambda {arguments}: {jax_code(piece)}," for piece in pieces.pieces]
    values = ", ".join((f"{name}_pieces", f"{name}_breaks", *f.parameters))
    return [*lines, ")", "", "", *header, *inner, f"    return gaussian.piecewise(x, {values})"]


def fixed_breaks(f: TransferFunction) -> tuple[sp.Expr, ...]:
    moving = [b for b in f.pieces.breaks if b.free_symbols]
    if moving:
        raise ExpressionError(
            f"transfer function {f.name} = {f.expression}: it bends at u = {moving[0]}, u = "
            f"{f.affine.a}*x + {f.affine.b}, "
            "and its average has no closed form: give all thresholds but one fixed numbers"
        )
    return f.pieces.breaks


def opaque_functions(mean_field: MeanField) -> dict[str, Callable]:
    """The JAX functions, by their name in the generated code, that it cannot import."""
    functions = mean_field.architecture.distinct_transfers
    named = zip(names_of(functions), functions, strict=True)
    return {
        name: f.function
        for name, f in named
        if f.function is not None and _importable(f.function) is None
    }


def _importable(function: Callable) -> tuple[str, str] | None:
    """Module and name from which a saved module can import a function."""
    module, name = (
        getattr(function, "__module__", None) or "",
        getattr(function, "__qualname__", ""),
    )
    there = sys.modules.get(module)
    plain = (
        all(part.isidentifier() for part in module.split("."))
        and name.isidentifier()
        and module != "__main__"
    )
    return (module, name) if plain and getattr(there, name, None) is function else None


MU, DELTA = sp.Symbol("mu", real=True), sp.Symbol("Delta", nonnegative=True)


def closed_average(f: TransferFunction, power: int) -> sp.Expr | None:
    """<phi^power> over u = a x + b ~ N(mu, Delta) in nodes, or None where it has no closed form for all values of its parameters."""
    if f.function is not None:
        return None
    try:
        form = f.average_of_u(MU, DELTA, power).closed_form(nodes=True)
    except (NoClosedFormError, TypeError):
        return None
    fixed = not any(
        a.free_symbols & set(f.defaults) for node in form.atoms(*FIXED_PLACES) for a in node.args
    )
    return form if fixed else None


@dataclass(frozen=True)
class AverageCode:
    """Code for the averages of a transfer function that the module knows as `name`; defaults by parameter, one per population."""

    f: TransferFunction
    name: str
    defaults: dict[str, list[sp.Expr]]
    tolerance: float | None

    def of_rate_and_square(self, mean: str) -> tuple[str, str]:
        """<phi> and <phi^2>: closed forms where there are, else quadrature on the same panels. `mean`: what the first is called."""
        f = self.f
        if f.function is not None:
            pieces = f"[{self.name}]" + (
                f" * {len(f.breaks) + 1}, {f.breaks!r}" if f.breaks else ""
            )
            return (
                f"gaussian.Quadrature({pieces}, opaque=True{self.options()}{self.accuracy()})",
                f"{mean}.squared()",
            )
        closed, square = self.closed(1), self.closed(2)
        if closed is None or (
            square is None and f.parameters and f.affine.shape is None
        ):  # the panels that one finds serve both
            return self.quadrature(), square or f"{mean}.squared()"
        return closed, square or f"{self.quadrature()}.squared()"

    def closed(self, power: int) -> str | None:
        form = closed_average(self.f, power)
        if form is None:
            return None
        arguments = ", ".join(("mu", "Delta", *self.f.parameters))
        return f"gaussian.Closed(lambda {arguments}: {jax_code(form)}{self.options()})"

    def alone(self) -> str:
        """The quadrature of <phi>, whether or not it has a closed form."""
        return self.of_rate_and_square("")[0] if self.f.function is not None else self.quadrature()

    def quadrature(self) -> str:
        f, shape = self.f, ""
        if f.shape_pieces is not None and f.parameters:
            pieces = ", ".join(f"lambda x: {jax_code(piece)}" for piece in f.shape_pieces)
            shape = f", shape=[{pieces}]"
        if f.pieces.breaks:
            fixed_breaks(f)
            return f"gaussian.Quadrature({self.name}_pieces, {self.name}_breaks{self.options()}{shape}{self.accuracy()})"
        constant, varying = f.pieces.pieces[0].as_coeff_Add()
        offset = f", offset={jax_code(constant)}" if constant != 0 else ""
        arguments = ", ".join(("x", *f.parameters))
        piece = (
            f"lambda {arguments}: {jax_code(varying)}"
            if offset or not f.affine.is_identity
            else self.name
        )
        return f"gaussian.Quadrature([{piece}]{self.options()}{shape}{offset}{self.accuracy()})"

    def accuracy(self) -> str:
        return "" if self.tolerance is None else f", tolerance={float(self.tolerance)!r}"

    def options(self) -> str:
        """The parameters, and u = a x + b in terms of them."""
        values = ", ".join(f'"{name}": {_values(values)}' for name, values in self.defaults.items())
        text = f", parameters={{{values}}}" if values else ""
        if self.f.function is None and not self.f.affine.is_identity:
            a, b = jax_code(self.f.affine.a), jax_code(self.f.affine.b)
            text += f", inner=lambda {', '.join(self.f.parameters)}: ({a}, {b})"
        return text


def _coefficient_function(
    mean_field: MeanField, tensors: list[_Part], filters: FilterCode
) -> list[str]:
    lines = [
        "def coefficients(parameters):",
        '    """Collect the parameters into one tensor per term."""',
    ]
    lines += [
        f"    {name} = parameters.{name}" for name in mean_field.parameters if name not in DRIVES
    ]
    lines += filters.coefficients()
    lines += [
        f"    {name} = {sum_of_products(value, 'pq')}"
        for name, value in mean_field.definitions.items()
    ]
    lines.append("    return Coefficients(")
    lines += [
        f"        {part.term.name}={product(part.constant).code(part.kept)}," for part in tensors
    ]
    if mean_field.architecture.transfer_parameters:
        lines.append(
            "        "
            f"transfer={'averages' if mean_field.is_static else 'mean_rate'}.prepare(parameters.transfer),"
        )
    lines += [
        f"        {field.split(':')[0].strip()}={field.split(':')[0].strip()},"
        for field in filters.coefficient_fields()
    ]
    return [*lines, "    )"]


def _prepared(mean_field: MeanField) -> str:
    return ", c.transfer" if mean_field.architecture.transfer_parameters else ""


def _sum(equation: Equation, names: Mapping[str, str]) -> str:
    output = "".join(map(str, equation.indices))
    return " + ".join(part.code(output, names) for part in parts_of(equation))


def _vector_field(mean_field: MeanField, filters: FilterCode) -> list[str]:
    lines = [
        "def vector_field(state, drive, c):",
        f'    """Time derivative of the state under the external input `drive`, {filters.drive_shape}."""',
    ]
    if mean_field.is_static:
        lines.append("    R, susceptibility, C = averages_at(state, c)")
        lines += filters.gathered(*mean_field.equations)
        made = [filters.change(e, _sum(e, filters.names)) for e in mean_field.equations]
        return [
            *lines,
            "    return State(",
            *(f"        {change}," for _, changes in made for change in changes),
            "    )",
        ]
    lines.append("    Delta = variance(state, c)")
    arguments = f"(state.K, Delta{_prepared(mean_field)})"
    if "G" in mean_field.averages:
        lines.append(f"    R, G = mean_rate.derivatives{arguments}")
    else:
        lines.append(f"    R = mean_rate{arguments}")
    if "C" in mean_field.averages:
        lines.append(f"    C = second_moment{arguments}")
    lines += filters.gathered(*mean_field.equations)
    made = [filters.change(e, _sum(e, filters.names)) for e in mean_field.equations]
    lines += [line for before, _ in made for line in before]
    return [
        *lines,
        "    return State(",
        *(f"        {change}," for _, changes in made for change in changes),
        "    )",
    ]
