"""Transfer functions and their averages in NumPy and SciPy."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from dataclasses import replace
from types import FunctionType

import sympy as sp

from ..architecture import TransferFunction
from ..equations import MeanField
from . import numpy_helpers
from .averages import MU, closed_average, values_code
from .functions import names_of
from .printer import Printer, prepared
from .scalars import defaults_of, pieces_of
from .to_jax import ONE_FUNCTION


class _Printer(Printer):
    """NumPy and SciPy instead of JAX."""

    helpers = ""
    FUNCTIONS: Mapping[str, str] = {
        "erf": "special.erf",
        "erfc": "special.erfc",
        "Sigmoid": "special.expit",
    }

    def _print_Softplus(self, expr):
        return f"np.logaddexp(0.0, {self._print(expr.args[0])})"

    def _print_InverseRoot(self, expr):
        return f"(1 / np.sqrt({self._print(expr.args[0])}))"

    def _print_NormalCDF(self, expr):
        return self._call("normal_cdf", expr.args)

    def _print_Infinity(self, expr):
        return "np.inf"

    def _print_NegativeInfinity(self, expr):
        return "-np.inf"


def numpy_code(expression: sp.Expr) -> str:
    """One line of Python that evaluates the expression.

    It needs `np`, `special` and the functions of `numpy_helpers` in scope.
    """
    return (
        _Printer({"fully_qualified_modules": True, "precision": 17})
        .doprint(prepared(expression))
        .replace("jax.numpy.", "np.")
    )


class TransferCode:
    """Code of the transfer functions of one system of equations, and of their averages."""

    def __init__(self, mean_field: MeanField):
        self.architecture = mean_field.architecture
        self.functions = self.architecture.distinct_transfers
        self.square = "C" in mean_field.averages

    @property
    def what(self) -> str:
        """What the functions for averages return."""
        return (
            "Mean rate, mean gain and second moment of the rate"
            if self.square
            else "Mean rate and mean gain"
        )

    def defaults(self, kind: str) -> dict[str, str]:
        """Default values of the parameters of functions or filters, as code."""
        return {n: values_code(v, "") for n, v in defaults_of(self.architecture, kind).items()}

    def blocks(self) -> list[list[str]]:
        found = []
        for name, f in zip(names_of(self.functions), self.functions, strict=True):
            found += self._function(name, f)
        names = ", ".join(f"{n}_averages" for n in names_of(self.functions))
        index = self.architecture.transfer_index(len(self.architecture.populations or ("",)))
        lines = [
            f"AVERAGES = ({names},)",
            f"TRANSFER_PARAMETERS = ({', '.join(repr(f.parameters) for f in self.functions)},)",
            f"TRANSFER_OF = np.array({list(index)!r})" if len(self.functions) > 1 else ONE_FUNCTION,
            "DEFAULTS: dict[str, dict[str, Any]] = {",
        ]
        for kind in ("transfer", "membrane", "synapse"):
            lines.append(
                f'    "{kind}": {{'
                + ", ".join(f'"{n}": {v}' for n, v in self.defaults(kind).items())
                + "},"
            )
        return [*found, [*lines, "}"]]

    def _function(self, name: str, f: TransferFunction) -> list[list[str]]:
        """The function, and its averages."""
        f = _renamed(f)
        arguments, own = ", ".join(("x", *f.parameters)), "".join(f", {n}" for n in f.parameters)
        breaks, pieces, slopes = pieces_of(f)
        blocks, body = [], [f"    return {numpy_code(f.expression)}"]
        if breaks or not self._is_closed(f):
            lines = [
                f"{name}_breaks = ({''.join(numpy_code(b) + ', ' for b in breaks).rstrip(' ')})",
                f"{name}_pieces = (",
                *(f"    lambda {arguments}: {numpy_code(piece)}," for piece in pieces),
                ")",
            ]
            if not self._is_closed(f):
                lines += [
                    f"{name}_slopes = (",
                    *(f"    lambda {arguments}: {numpy_code(slope)}," for slope in slopes),
                    ")",
                ]
            blocks.append(lines)
            inner = [] if f.affine.is_identity else [f"    x = {numpy_code(f.affine.line)}"]
            body = [*inner, f"    return piecewise(x, {name}_pieces, {name}_breaks{own})"]
        blocks.append([f"def {name}({arguments}):", f'    """{f.expression}"""', *body])
        return [*blocks, self._average(name, f)]

    def _is_closed(self, f: TransferFunction) -> bool:
        return closed_average(f, 1) is not None and (
            not self.square or closed_average(f, 2) is not None
        )

    def _average(self, name: str, f: TransferFunction) -> list[str]:
        own = "".join(f", {n}" for n in f.parameters)
        lines = [
            f"def {name}_averages(mu, Delta{own}):",
            f'    """{self.what} over x ~ N(mu, Delta)."""',
        ]
        a = sp.Integer(1) if f.affine.is_identity else f.affine.a
        if not f.affine.is_identity:
            lines.append(
                f"    mu, Delta = {numpy_code(f.affine.a)} * mu + {_bracketed(f.affine.b)}, "
                f"({numpy_code(f.affine.a)}) ** 2 * Delta"
            )
        rate, square = closed_average(f, 1), closed_average(f, 2) if self.square else sp.Integer(0)
        if rate is None or square is None:
            lines.append(
                f"    R, G, C = quadrature({name}_pieces, {name}_slopes, {name}_breaks, mu, "
                f"Delta{own})"
            )
        if rate is not None:
            lines += [f"    R = {numpy_code(rate)}", f"    G = {numpy_code(sp.diff(rate, MU))}"]
        if self.square and square is not None:
            lines.append(f"    C = {numpy_code(square)}")
        gain = "G" if a == 1 else f"({numpy_code(a)}) * G"
        return [
            *lines,
            "    return np.stack(np.broadcast_arrays(R + 0.0 * mu, "
            f"{gain}{', C' if self.square else ''}))",
        ]


def _renamed(f: TransferFunction) -> TransferFunction:
    """The function, its parameters renamed where they would hide something in the module."""
    new = {
        s: sp.Symbol(f"{s}_", **s.assumptions0)
        for s in f.defaults
        if str(s) in {"np", "special", "R", "G", "C", *vars(numpy_helpers)}
    }
    return (
        replace(
            f,
            expression=f.expression.xreplace(new),
            defaults={new.get(s, s): v for s, v in f.defaults.items()},
        )
        if new
        else f
    )


def _bracketed(expression: sp.Expr) -> str:
    return f"({numpy_code(expression)})"


def helpers(body: str) -> list[str]:
    """The text of the functions and constants of `numpy_helpers` that a body of code uses.

    Those that they use in turn are included; their order is that of the file.
    """
    source = inspect.getsource(numpy_helpers)
    functions = {
        n: inspect.getsource(v).rstrip()
        for n, v in vars(numpy_helpers).items()
        if isinstance(v, FunctionType)
    }
    lines = source.splitlines()
    constants = {
        names: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(source).body
        for names in re.findall(r"^([A-Z_]+(?:, [A-Z_]+)*) = ", lines[node.lineno - 1])
    }
    wanted, new = set(), [body]
    while new:
        words = set(re.findall(r"\w+", new.pop()))
        for name, text in {**functions, **constants}.items():
            if name not in wanted and words & set(name.split(", ")):
                wanted.add(name)
                new.append(text)
    needed = [text for names, text in constants.items() if names in wanted]
    return (["\n".join(needed)] if needed else []) + [
        text for name, text in functions.items() if name in wanted
    ]
