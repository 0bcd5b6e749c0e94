"""Mean-field equations as a plain Julia function f!(du, u, c, t), for OrdinaryDiffEq.jl."""

from __future__ import annotations

import re

import numpy as np
import sympy as sp

from ..equations import MeanField
from ..notation import DRIVES, QUANTITIES, Equation, Term
from .averages import values_code
from .filters import FilterCode
from .header import preamble
from .julia_functions import JuliaPrinter, TransferCode, helpers
from .scalars import defaults_of, refuse


def julia_module(mean_field: MeanField) -> str:
    """The source of a file of plain Julia functions, for any number of populations.

    It has f!(du, u, c, t), rest, states, variance, rates and parameters, and needs
    SpecialFunctions.jl only. Averages without a closed form are computed by Gauss-Legendre
    quadrature on panels that are halved until nothing changes, to about 1e-10 of the size of the
    transfer function.

    Args:
        mean_field: The equations.

    Raises:
        NoClosedFormError: A transfer function is JAX code.
        ArchitectureError: A membrane is 1, or strengths have components.
    """
    refuse(mean_field.architecture, "a Julia file")
    return _Module(mean_field).source()


ARRAYS = "All arrays are indexed by population, row = target."
INPUTS = "An input is an array, or a function of time that returns one."
ACCURACY = (
    "Averages of transfer functions without a closed form are computed to about 1e-10 of the "
    "function's size."
)


class _Module:
    def __init__(self, mean_field: MeanField):
        self.mean_field, self.architecture = mean_field, mean_field.architecture
        self.filters = FilterCode(mean_field)
        self.printer = JuliaPrinter(self.filters)
        self.transfer = TransferCode(mean_field, self.printer)
        self.arrays = [n for n in mean_field.parameters if n not in DRIVES]
        self.own = [
            f"{kind}_{n}"
            for kind in ("transfer", "membrane", "synapse")
            for n in defaults_of(self.architecture, kind)
        ]

    def source(self) -> str:
        blocks = [*self.transfer.blocks(), *self.filter_functions(), self.parameters()]
        blocks += [*self.states(), self.variance(), self.averages(), self.field()]
        body = "\n\n".join("\n".join(block) for block in blocks)
        carried = helpers(body)
        wanted = [
            n
            for n in ("dawson", "erf", "erfc", "erfcx")
            if re.search(rf"\b{n}\(", "\n".join([body, *carried]))
        ]
        using = [f"using SpecialFunctions: {', '.join(wanted)}"] if wanted else []
        return "\n\n".join(["\n".join(self.head()), *using, *carried, body]) + "\n"

    def head(self) -> list[str]:
        arguments = ", ".join(f"{n} = ..." for n in (*self.arrays, *self.filters.drives))
        lines = [
            *preamble(self.mean_field),
            f"    c = parameters({arguments})",
            "    problem = ODEProblem(f!, rest(length(c.fractions)), (0.0, 50.0), c)  # "
            "OrdinaryDiffEq.jl",
            "",
            f"{ARRAYS} {INPUTS}",
            ACCURACY,
        ]
        return [f"# {line}".rstrip() for line in lines]

    def code(self, expression: sp.Expr) -> str:
        return self.printer.code(expression)

    def parameters(self) -> list[str]:
        given, own = [*self.arrays, *self.filters.drives], {}
        for kind in ("transfer", "membrane", "synapse"):
            for n, values in defaults_of(self.architecture, kind).items():
                own[f"{kind}_{n}"] = values_code(values, "")
        keywords = ", ".join([*given, *(f"{n} = {value}" for n, value in own.items())])
        lines = [
            "# The argument c of f!",
            f"function parameters(; {keywords})",
            "    P = length(fractions)",
            "    return (",
        ]
        fields = [*(f"{n} = {n}" for n in given), *(f"{n} = each({n}, P)" for n in own)]
        return [*lines, *(f"        {field}," for field in fields), "    )", "end"]

    def filter_functions(self) -> list[list[str]]:
        blocks = []
        for kind in self.filters.used:
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

    def _is_plain(self, e: Equation) -> bool:
        return self.filters.kind(e).is_unit and self.filters.kind(e).name == "membrane"

    def _dimensions(self, e: Equation) -> list[int]:
        """Sizes of all axes but the last, which has the populations."""
        levels = (
            []
            if self._is_plain(e)
            else [self.filters.kind(e).highest] * (2 if e.response == "noise" else 1)
        )
        return [*levels, *([self.filters.kind(e).distinct] if len(e.indices) > 1 else [])]

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
        for k, (name, f) in enumerate(
            zip(self.transfer.names, self.transfer.functions, strict=True)
        ):
            own = "".join(f", c.transfer_{n}[q]" for n in f.parameters)
            call = f"return {name}_averages(mu, Delta{own})"
            lines += (
                [f"    {call}"]
                if k + 1 == len(self.transfer.functions)
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
        kind, of_class = self.filters.kind(e), len(e.indices) > 1
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
