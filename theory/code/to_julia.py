"""Mean-field equations as a plain Julia function f!(du, u, c, t), for OrdinaryDiffEq.jl or any integrator of its kind."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import numpy as np
import sympy as sp

from ..architecture import TransferFunction
from ..equations import MeanField
from ..notation import DRIVES, QUANTITIES, Equation, Term
from .filters import FilterCode
from .julia_helpers import HELPERS
from .scalars import ScalarPrinter, pieces_of, refuse_code
from .to_jax import MU, closed_average, names_of

_RESERVED = {
    "R",
    "G",
    "C",
    "end",
    "function",
    "struct",
    "let",
    "const",
    "do",
    "module",
    "export",
    "using",
    "local",
    "quote",
    "begin",
    "macro",
    "baremodule",
    "catch",
    "mutable",
    "abstract",
    "primitive",
    "type",
    "where",
    "isa",
    "outer",
    "im",
}


class _Printer(ScalarPrinter):
    """Julia; indexed quantities are arrays, counted from 1."""

    NAMES: Mapping[str, str] = {
        "NormalCDF": "normal_cdf",
        "ScaledCDF": "scaled_cdf",
        "Probability": "probability",
        "ScaledDensity": "scaled_density",
        "TiltedProbability": "tilted_probability",
        "BivariateProbability": "bivariate",
        "GatedProbability": "gated_probability",
        "SiegertRate": "siegert_rate",
        "SiegertDifference": "siegert_difference",
        "Softplus": "softplus",
        "Sigmoid": "sigmoid",
        "Abs": "abs",
    }

    def __init__(self, filters: FilterCode | None = None):
        super().__init__()
        self.filters = filters

    def _print_Infinity(self, expr):
        return "Inf"

    def _print_NegativeInfinity(self, expr):
        return "-Inf"

    def _print_DensityMoment(self, expr):
        k, *rest = (self._print(a) for a in expr.args)
        return f"density({', '.join(rest)}, {k})"

    def _print_Pow(self, expr, rational=False):
        if expr.exp == sp.Rational(1, 2) and str(expr.base).startswith("C["):
            return f"root({self._print(expr.base)})"
        return super()._print_Pow(expr, rational=rational)

    def code(self, expression):
        plain = super().code(
            expression.xreplace(
                {e: sp.Symbol(self.indexed(e)) for e in expression.atoms(sp.Indexed)}
            )
        )
        return re.sub(
            r"(?<! )([*/])(?! )", r" \1 ", plain
        )  # without spaces the grammar that checks this code reads 2*(x) as a call of *

    def indexed(self, e: sp.Indexed) -> str:
        name, indices = str(e.base), [str(index) for index in e.indices]
        assert self.filters is not None
        if name == "SOURCES":
            return (
                f"(SYNAPSE_OF[{indices[1]}] == {indices[0]})"
                if self.filters.kinds["synapse"].distinct > 1
                else "1.0"
            )
        if self.filters.by_target and name in ("kappa", "rho", "s") and len(indices) == 2:
            indices[0] = f"MEMBRANE_OF[{indices[0]}]"
        return f"{name}[{', '.join(indices)}]"


def julia_module(mean_field: MeanField) -> str:
    """The source of a file of plain Julia functions, for any number of populations: f!(du, u, c, t), rest, states, variance, rates, parameters.

    It needs SpecialFunctions.jl only. Averages without a closed form are computed by Gauss-Legendre
    quadrature on panels that are halved until nothing changes, to about 1e-10 of the size of the
    transfer function. Raises `NoClosedFormError` for a transfer function that is JAX code.
    """
    refuse_code(mean_field.architecture, "a Julia file")
    return _Module(mean_field).source()


class _Module:
    def __init__(self, mean_field: MeanField):
        self.mean_field, self.architecture = mean_field, mean_field.architecture
        self.filters = FilterCode(mean_field)
        self.printer, self.functions = _Printer(self.filters), self.architecture.distinct_transfers
        self.names = [n if n.startswith("phi") else f"phi_{n}" for n in names_of(self.functions)]
        self.square = "C" in mean_field.averages
        self.arrays = [n for n in mean_field.parameters if n not in DRIVES]
        self.own = [
            f"{kind}_{n}"
            for kind in ("transfer", "membrane", "synapse")
            for n in self._defaults(kind)
        ]

    def source(self) -> str:
        blocks = [
            *self.transfers(),
            *self.filter_functions(),
            self.parameters(),
            *self.states(),
            self.variance(),
            self.averages(),
            self.field(),
        ]
        body = "\n\n".join("\n".join(block) for block in blocks)
        carried = _helpers(body)
        wanted = [
            n
            for n in ("dawson", "erf", "erfc", "erfcx")
            if re.search(rf"\b{n}\(", "\n".join([body, *carried]))
        ]
        using = [f"using SpecialFunctions: {', '.join(wanted)}"] if wanted else []
        return "\n\n".join(["\n".join(self.head()), *using, *carried, body]) + "\n"

    def head(self) -> list[str]:
        from ... import __version__

        names = self.architecture.populations
        who = (
            f"populations {', '.join(json.dumps(n)[1:-1] for n in names)}"
            if names
            else "any number of populations"
        )
        lines = [
            f"Mean-field equations, closure {type(self.mean_field.closure).__name__}, {who}.",
            "",
            f"Generated by motifield {__version__} from",
            "",
            *("    " + line for line in str(self.mean_field).splitlines()),
            "",
            "Use",
            "",
            "    c = "
            f"parameters({', '.join(f'{n} = ...' for n in (*self.arrays, *self.filters.drives))})",
            "    problem = ODEProblem(f!, rest(length(c.fractions)), (0.0, 50.0), c)  # "
            "OrdinaryDiffEq.jl",
            "",
            "All arrays are indexed by population, row = target. An input is an array, or a "
            "function of time that returns one.",
            "Averages of transfer functions without a closed form are computed to about 1e-10 of "
            "the function's size.",
        ]
        return [f"# {line}".rstrip() for line in lines]

    def code(self, expression: sp.Expr) -> str:
        return self.printer.code(expression)

    # ---- transfer functions

    def _defaults(self, kind: str) -> dict[str, list[float]]:
        if kind == "transfer":
            return {
                n: [float(v) for v in values]
                for n, values in self.architecture.transfer_parameters.items()
            }
        own = getattr(self.architecture, kind)
        names = dict.fromkeys(n for f in own for n in f.parameters)
        return {
            n: [float({str(s): v for s, v in f.defaults.items()}.get(n, 1)) for f in own]
            for n in names
        }

    def transfers(self) -> list[list[str]]:
        blocks: list[list[str]] = []
        if len(self.functions) > 1:
            index = self.architecture.transfer_index(len(self.architecture.populations or ()))
            blocks.append(
                [
                    f"const TRANSFER_OF = [{', '.join(str(k + 1) for k in index)}]  # the transfer "
                    "function of each population"
                ]
            )
        for name, f in zip(self.names, self.functions, strict=True):
            blocks += self.transfer(name, f)
        return blocks

    def transfer(self, name: str, f: TransferFunction) -> list[list[str]]:
        new = {
            s: sp.Symbol(f"{s}_", **s.assumptions0)
            for s in f.defaults
            if str(s) in _RESERVED or _is_a_helper(str(s))
        }
        own = "".join(f", {new.get(s, s)}" for s in f.defaults)
        breaks, pieces, slopes = pieces_of(f)
        a, b = (self.code(e.xreplace(new)) for e in (f.affine.a, f.affine.b))
        shift = [] if f.affine.is_identity else [f"    x = ({a}) * x + ({b})"]
        blocks = [
            [
                f"# {f.expression}",
                f"function {name}(x{own})",
                *shift,
                f"    return {name}_piece(x{own})",
                "end",
            ],
            self.branches(f"{name}_piece", own, breaks, [e.xreplace(new) for e in pieces]),
        ]
        rate, square = closed_average(f, 1), closed_average(f, 2) if self.square else sp.Integer(0)
        if rate is None or square is None:
            blocks.append(
                self.branches(f"{name}_slope", own, breaks, [e.xreplace(new) for e in slopes])
            )
        lines = [
            f"# Mean rate, mean gain{' and second moment of the rate' if self.square else ''} over "
            "x ~ N(mu, Delta)",
            f"function {name}_averages(mu, Delta{own})",
        ]
        if not f.affine.is_identity:
            lines += [f"    mu = ({a}) * mu + ({b})", f"    Delta = ({a})^2 * Delta"]
        if rate is None or square is None:
            sides = [
                f"({self.code(at)}, {self._at(left, at, new)}, {self._at(right, at, new)}, "
                f"{self._at(dl, at, new)}, {self._at(dr, at, new)})"
                for at, left, right, dl, dr in zip(
                    breaks, pieces, pieces[1:], slopes, slopes[1:], strict=False
                )
            ]
            lines += [
                "    # at each break its place, and the function and its slope on both sides",
                f"    breaks = [{', '.join(sides)}]",
                f"    R, G, C = quadrature(x -> {name}_piece(x{own}), x -> {name}_slope(x{own}), "
                "breaks, mu, sqrt(Delta))",
            ]
        if rate is not None:
            lines += [
                f"    R = {self.code(rate.xreplace(new))}",
                f"    G = {self.code(sp.diff(rate, MU).xreplace(new))}",
            ]
        if self.square and square is not None:
            lines.append(f"    C = {self.code(square.xreplace(new))}")
        gain = "G" if f.affine.a == 1 else f"({a}) * G"
        return [*blocks, [*lines, f"    return R, {gain}{', C' if self.square else ''}", "end"]]

    def _at(self, piece: sp.Expr, at: sp.Expr, new: dict) -> str:
        """A piece at a break, written so that Julia computes it: what SymPy would call undefined is infinite or not a number there."""
        text = self.code(piece.xreplace(new))
        return re.sub(r"\bx\b", f"({float(at)!r})", text)

    def branches(
        self, name: str, own: str, breaks: Sequence[sp.Expr], pieces: Sequence[sp.Expr]
    ) -> list[str]:
        lines = [f"function {name}(x{own})"]
        for k, (b, piece) in enumerate(zip(breaks, pieces, strict=False)):
            lines += [
                f"    {'elseif' if k else 'if'} x < {self.code(b)}",
                f"        return {self.code(piece)}",
            ]
        return [
            *lines,
            *(["    end"] if breaks else []),
            f"    return {self.code(pieces[-1])}",
            "end",
        ]

    # ---- parameters, filters and states

    def parameters(self) -> list[str]:
        given, own = [*self.arrays, *self.filters.drives], {}
        for kind in ("transfer", "membrane", "synapse"):
            for n, values in self._defaults(kind).items():
                own[f"{kind}_{n}"] = (
                    repr(values[0])
                    if len(set(values)) == 1
                    else f"[{', '.join(map(repr, values))}]"
                )
        keywords = ", ".join([*given, *(f"{n} = {value}" for n, value in own.items())])
        lines = [
            "# The argument c of f!",
            f"function parameters(; {keywords})",
            "    P = length(fractions)",
            "    return (",
        ]
        fields = [*(f"{n} = {n}" for n in given), *(f"{n} = each({n}, P)" for n in own)]
        return [*lines, *(f"        {field}," for field in fields), "    )", "end"]

    def _used(self):
        return [
            kind
            for kind in self.filters.kinds.values()
            if kind.name == "synapse" or not kind.is_unit
        ]

    def filter_functions(self) -> list[list[str]]:
        blocks = []
        for kind in self._used():
            upper, first = kind.name.upper(), [kind.of.index(c) + 1 for c in range(kind.distinct)]
            lines = [
                f"const {upper}_FIRST = {first}  # of each distinct filter a population that has it"
            ]
            if kind.distinct > 1:
                lines.append(
                    f"const {upper}_OF = {[k + 1 for k in kind.of]}  # the distinct filter of each "
                    "population"
                )
            if len(kind.forms) > 1:
                lines.append(f"const {upper}_FORM = {[k + 1 for k in kind.form_of]}")
            blocks.append(lines)
            body = [
                "# Coefficients of 1, s, s^2, ... in the numerator and the denominator of the "
                "filter of population p",
                f"function {kind.name}(c, p)",
            ]
            for k, form in enumerate(kind.forms):
                values = {
                    s: sp.Symbol(f"c.{kind.name}_{s}[p]", **s.assumptions0) for s in form.defaults
                }
                above, below = (
                    f"[{', '.join(self.code(e.xreplace(values)) for e in side)}]"
                    for side in form.polynomials
                )
                many = len(kind.forms) > 1
                body += [f"    if {upper}_FORM[p] == {k + 1}"] if many else []
                body += [
                    f"{'        ' if many else '    '}return {above}, {below}  # {form.expression}"
                ]
                body += ["    end"] if many else []
            blocks.append([*body, "end"])
        return blocks

    def _kind(self, e: Equation):
        return self.filters.kinds["synapse" if e.response == "synapse" else "membrane"]

    def _is_plain(self, e: Equation) -> bool:
        return self._kind(e).is_unit and self._kind(e).name == "membrane"

    def _dimensions(self, e: Equation) -> list[int]:
        """Sizes of all axes but the last, which has the populations."""
        levels = (
            []
            if self._is_plain(e)
            else [self._kind(e).highest] * (2 if e.response == "noise" else 1)
        )
        return [*levels, *([self._kind(e).distinct] if len(e.indices) > 1 else [])]

    def states(self) -> list[list[str]]:
        lines, at = [], 0
        for e in self.mean_field.equations:
            sizes = self._dimensions(e)
            count = int(np.prod(sizes)) if sizes else 1
            shape = ", ".join([*map(str, sizes), "P"])
            lines.append(
                f"        {e.name} = reshape(view(u, {at} * P + 1:{at + count} * P), {shape}),  # "
                f"{QUANTITIES[e.name].meaning}"
            )
            at += count
        return [
            [
                "# The latent variables in a flat state u; the first axis of those with a filter "
                "has its states, the output first",
                "function states(u, P)",
                "    return (",
                *lines,
                "    )",
                "end",
            ],
            [
                "# The state of a silent network",
                "function rest(P)",
                f"    return zeros({at} * P)",
                "end",
            ],
        ]

    def visible(self, *equations: Equation) -> list[str]:
        """Lines that name the outputs of the filters."""
        bases = {
            str(b) for e in equations for t in e.terms for b in t.summand.atoms(sp.IndexedBase)
        }
        lines = []
        for e in self.mean_field.equations:
            if e.name in bases or (e.name == "K" and self.mean_field.variance not in equations):
                axes = ["1"] * (len(self._dimensions(e)) - (len(e.indices) > 1)) + [":"] * len(
                    e.indices
                )
                lines.append(
                    f"    {e.name} = s.{e.name}"
                    + ("" if self._is_plain(e) else f"[{', '.join(axes)}]")
                )
        return lines

    def given(self, *equations: Equation) -> list[str]:
        """Lines that name the parameters, and A and B."""
        known = {
            str(b) for e in equations for t in e.terms for b in t.summand.atoms(sp.IndexedBase)
        }
        definitions = {n: v for n, v in self.mean_field.definitions.items() if n in known}
        known |= {str(b) for v in definitions.values() for b in v.atoms(sp.IndexedBase)}
        lines = [
            f"    {n} = c.{n}" for n in self.arrays if n in known or n == "N" or n == "fractions"
        ]
        return [
            *lines,
            *(
                f"    {n} = [{self.code(value)} for p in 1:P, q in 1:P]"
                for n, value in definitions.items()
            ),
        ]

    # ---- equations

    def term(self, term: Term) -> str:
        body = self.code(term.summand)
        over = ", ".join(
            f"{index} in 1:{'SYNAPSES' if str(index) == 'f' else 'P'}" for index in term.sums
        )
        return f"sum({body} for {over})" if over else body

    def total(self, e: Equation) -> str:
        text = " + ".join(self.term(t) for t in e.terms) or "0.0"
        distinct = self.filters.kinds["synapse"].distinct if "synapse" in self.filters.kinds else 1
        return text.replace("1:SYNAPSES", f"1:{distinct}")

    def variance(self) -> list[str]:
        e = self.mean_field.variance
        return [
            "# Variance of the input current within each population",
            "function variance(u, c)",
            "    P = length(c.fractions)",
            "    s = states(u, P)",
            *self.visible(e),
            *self.given(e),
            f"    return [{self.total(e)} for p in 1:P]",
            "end",
        ]

    def averages(self) -> list[str]:
        lines = [
            "# Averages of the transfer function of population q over N(mu, Delta)",
            "function averages(q, mu, Delta, c)",
        ]
        for k, (name, f) in enumerate(zip(self.names, self.functions, strict=True)):
            own = "".join(f", c.transfer_{n}[q]" for n in f.parameters)
            call = f"return {name}_averages(mu, Delta{own})"
            lines += (
                [f"    {call}"]
                if k + 1 == len(self.functions)
                else [f"    if TRANSFER_OF[q] == {k + 1}", f"        {call}", "    end"]
            )
        first = "" if self._is_plain(self.mean_field.equations[0]) else "[1, :]"
        return [
            *lines,
            "end",
            "",
            "# Mean rate of each population",
            "function rates(u, c)",
            "    P = length(c.fractions)",
            f"    K = states(u, P).K{first}",
            "    Delta = variance(u, c)",
            "    return [averages(q, K[q], Delta[q], c)[1] for q in 1:P]",
            "end",
        ]

    def field(self) -> list[str]:
        equations = self.mean_field.equations
        lines = [
            "# Time derivative du of the state u",
            "function f!(du, u, c, t)",
            "    P = length(c.fractions)",
            "    s = states(u, P)",
            "    d = states(du, P)",
            *self.visible(*equations),
            *self.given(*equations),
        ]
        lines += [f"    {n} = each(at_time(c.{n}, t), P)" for n in self.filters.drives]
        lines += [
            "    Delta = variance(u, c)",
            "    found = [averages(q, K[q], Delta[q], c) for q in 1:P]",
        ]
        used = {str(b) for e in equations for t in e.terms for b in t.summand.atoms(sp.IndexedBase)}
        lines += [
            f"    {n} = [found[q][{k}] for q in 1:P]"
            for k, n in enumerate(("R", "G", "C"), 1)
            if n in used
        ]
        for e in equations:
            lines += self.change(e)
        return [*lines, "    return nothing", "end"]

    def change(self, e: Equation) -> list[str]:
        first, last = str(e.indices[0]), str(e.indices[-1])
        kind, of_class = self._kind(e), len(e.indices) > 1
        loop = f"{first} in 1:{kind.distinct}, {last} in 1:P" if of_class else f"{first} in 1:P"
        where = f"{first}, {last}" if of_class else first
        total = self.total(e)
        if self._is_plain(e):
            change = (
                f"2 * ({total} - s.{e.name}[{where}])"
                if e.response == "noise"
                else f"-s.{e.name}[{where}] + {total}"
            )
            return [f"    for {loop}", f"        d.{e.name}[{where}] = {change}", "    end"]
        population = f"{kind.name.upper()}_FIRST[{first}]" if of_class else first
        levels, verb = (":, :", "diffuse!") if e.response == "noise" else (":", "respond!")
        places = ", ".join(f"view({side}.{e.name}, {levels}, {where})" for side in ("d", "s"))
        return [
            f"    for {loop}",
            f"        {verb}({places}, {total}, {kind.name}(c, {population}))",
            "    end",
        ]


def _is_a_helper(name: str) -> bool:
    return any(
        re.search(rf"^(?:function |const )?{re.escape(name)}\b", text) for text in HELPERS.values()
    )


def _helpers(body: str) -> list[str]:
    """The helpers that a body of code uses, and those that they use, in their order."""
    wanted, new = set(), [body]
    while new:
        words = set(re.findall(r"\w+!?", new.pop()))
        for name, text in HELPERS.items():
            if name not in wanted and words & set(name.split()):
                wanted.add(name)
                new.append(text)
    return [text for name, text in HELPERS.items() if name in wanted]
