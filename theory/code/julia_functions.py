"""Transfer functions and their averages in Julia."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import sympy as sp

from ..architecture import TransferFunction
from ..equations import MeanField
from .averages import MU, closed_average
from .filters import FilterCode
from .functions import names_of
from .julia_helpers import HELPERS
from .scalars import ScalarPrinter, pieces_of

# fmt: off
_RESERVED = {
    "R", "G", "C", "end", "function", "struct", "let", "const", "do", "module", "export",
    "using", "local", "quote", "begin", "macro", "baremodule", "catch", "mutable", "abstract",
    "primitive", "type", "where", "isa", "outer", "im",
}
# fmt: on


class JuliaPrinter(ScalarPrinter):
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


class TransferCode:
    """Code of the transfer functions of one system of equations, and of their averages."""

    def __init__(self, mean_field: MeanField, printer: JuliaPrinter):
        self.architecture, self.code = mean_field.architecture, printer.code
        self.functions = self.architecture.distinct_transfers
        self.names = [n if n.startswith("phi") else f"phi_{n}" for n in names_of(self.functions)]
        self.square = "C" in mean_field.averages

    def blocks(self) -> list[list[str]]:
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
        """A piece at a break, written so that Julia computes it.

        What SymPy would call undefined is infinite or not a number there.
        """
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


def _is_a_helper(name: str) -> bool:
    return any(
        re.search(rf"^(?:function |const )?{re.escape(name)}\b", text) for text in HELPERS.values()
    )


def helpers(body: str) -> list[str]:
    """The helpers that a body of code uses, and those that they use, in their order."""
    wanted, new = set(), [body]
    while new:
        words = set(re.findall(r"\w+!?", new.pop()))
        for name, text in HELPERS.items():
            if name not in wanted and words & set(name.split()):
                wanted.add(name)
                new.append(text)
    return [text for name, text in HELPERS.items() if name in wanted]
