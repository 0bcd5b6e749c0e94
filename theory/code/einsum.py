"""Products of indexed symbols as Python text.

They are elementwise where all indices agree, and `einsum` elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from ...errors import ArchitectureError
from ..notation import QUANTITIES, Term
from .printer import jax_code


@dataclass(frozen=True)
class Product:
    """A product of arrays with indices.

    Args:
        number: A numerical factor.
        operands: Pairs (name, indices) as `einsum` has them; powers are part of the name.
    """

    number: sp.Expr
    operands: tuple[tuple[str, str], ...]

    def code(self, output: str, xp: str = "jnp") -> str:
        """Python text. output: its indices; xp: the name of the array library."""
        scalars = [name for name, indices in self.operands if not indices]
        arrays = [(name, indices) for name, indices in self.operands if indices]
        # what is not summed over is multiplied, not put into the einsum, which XLA would not fuse
        body = [name for name, indices in arrays if indices == output]
        summed = [(name, indices) for name, indices in arrays if indices != output]
        if all(
            set(indices) <= set(output) and len(set(indices)) == len(indices)
            for _, indices in arrays
        ):
            body, summed = [_broadcast(name, indices, output, xp) for name, indices in arrays], []
        elif not set(output) <= set("".join(indices for _, indices in summed)):
            body, summed = [], arrays
        if summed:
            subscripts = ",".join(indices for _, indices in summed)
            names = ", ".join(_bare(name) for name, _ in summed)
            body.append(f'{xp}.einsum("{subscripts}->{output}", {names})')
        if self.number == -1 and (scalars or body):
            return "-" + " * ".join([*scalars, *body])
        number = [] if self.number == 1 and (scalars or body) else [jax_code(self.number)]
        return " * ".join([*number, *scalars, *body])


def _broadcast(name: str, indices: str, output: str, xp: str) -> str:
    """The array with its axes in the order of the output, and new axes where it has none.

    g[p, q] in [p, q, r] is g[:, :, None].
    """
    if indices == output[::-1] and len(indices) == 2:
        return f"{name}.T"
    ordered = "".join(sorted(indices, key=output.index))
    if ordered != indices:
        name = (
            f"{xp}.transpose({_bare(name)}, {tuple(indices.index(letter) for letter in ordered)})"
        )
    return (
        name
        if ordered == output
        else f"{name}[{', '.join(':' if letter in indices else 'None' for letter in output)}]"
    )


def _bare(name: str) -> str:
    return name[1:-1] if name.startswith("(") else name


def product(expression: sp.Expr, rename: Mapping[str, str] = {}) -> Product:
    """The factors of a product, under sums too: einsum sums over what its output lacks."""
    if isinstance(expression, sp.Sum):
        expression = Term.of("", expression).summand
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
            raise ArchitectureError(
                f"cannot generate array code for the factor {factor} of {expression}"
            )
    return Product(number, tuple(operands))


def _powered(name: str, power: sp.Expr) -> str:
    if power == 1:
        return name
    return (
        f"(1 / {name})"
        if power == -1
        else f"({name}**{power})"
        if power.is_Integer
        else f"({name}**({power}))"
    )


def _order(factor: sp.Expr) -> tuple[int, str]:
    names = list(QUANTITIES)
    base = factor.as_base_exp()[0]
    return (names.index(str(base.base)) if isinstance(base, sp.Indexed) else -1, str(factor))


def sum_of_products(expression: sp.Expr, output: str, xp: str = "jnp") -> str:
    """A sum of products with the same output indices; the number 1 is an array of ones."""
    terms = sorted(
        sp.Add.make_args(expression),
        key=lambda t: (not t.is_number, t.could_extract_minus_sign(), str(t)),
    )
    text = ""
    for term in terms:
        code = f"{xp}.ones_like(g)" if term == 1 else product(term).code(output, xp)
        text += (
            f" - {code[1:]}" if text and code.startswith("-") else f" + {code}" if text else code
        )
    return text
