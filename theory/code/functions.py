"""Transfer functions in the generated code: their names, their text, and what cannot be written."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence

import sympy as sp

from ...errors import ExpressionError
from ..architecture import LIBRARY, TransferFunction
from ..equations import MeanField
from .printer import jax_code


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
    """A name from outside as a Python name, which becomes code and means nothing else there."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if plain in LIBRARY or plain.startswith("phi") else f"phi_{plain}"


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
    """Where phi bends as a function of u; `ExpressionError` where that depends on parameters."""
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
