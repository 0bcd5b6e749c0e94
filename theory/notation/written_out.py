"""LaTeX of equations that are written out for named populations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from .entries import Entry, entry_of
from .latex_printer import (
    Printer,
    name_latex,
    ordered_terms,
    parameter_latex,
    product_latex,
    reading_order,
    signed,
)
from .quantities import QUANTITIES


def scalar_latex(symbol: sp.Symbol, populations: Sequence[str] = ()) -> str:
    """A symbol of the written-out equations, such as tau_chn_E_PV_E, in the theory's notation."""
    base, own, names = entry_of(str(symbol), populations)
    if not names:
        return QUANTITIES[base].latex if base in QUANTITIES else sp.latex(symbol)
    letters = list(map(name_latex, names))
    between = " " if any(letter.startswith("\\") for letter in letters) else ""
    indices = ("," if any(len(name) > 1 for name in names) else between).join(letters)
    if base not in QUANTITIES:
        name = sp.latex(sp.Symbol(base))
        return parameter_latex(own, base, indices) if own else f"{name}_{{{indices}}}"
    upper = rf"^{{({own.replace('_', ',')})}}" if own else ""
    return f"{QUANTITIES[base].latex}{upper}_{{{indices}}}"


class _Printer(Printer):
    """Prints symbols of named populations; products in the order of the indexed equations."""

    def __init__(self, populations: Sequence[str]):
        super().__init__()
        self.populations = populations

    def _print_Symbol(self, expr, style="plain"):
        return scalar_latex(expr, self.populations)

    def _print_Mul(self, expr):
        return product_latex(expr, self._print, self.order)

    def order(self, factor: sp.Expr) -> tuple:
        """As `reading_order` of the indexed quantity, then by population."""
        base = factor.as_base_exp()[0]
        entry = self.entry(base)
        if entry is None or not entry.names:
            return (*reading_order(factor)[:2], (), str(factor))
        return 2, list(QUANTITIES).index(entry.base), self.places(entry), str(factor)

    def entry(self, e: sp.Expr) -> Entry | None:
        """What a symbol is; None for what is none, or is no quantity."""
        found = entry_of(str(e), self.populations) if isinstance(e, sp.Symbol) else None
        return found if found is not None and found.base in QUANTITIES else None

    def places(self, entry: Entry) -> tuple[int, ...]:
        """Positions of the populations that index a quantity."""
        return tuple(self.populations.index(name) for name in entry.names)

    def entries(self, e: sp.Expr) -> list[Entry]:
        """The quantities in a term, in reading order."""
        every = sorted(e.free_symbols, key=self.order)
        return [entry for s in every if (entry := self.entry(s)) is not None]


def scalar_terms_latex(
    expression: Any, populations: Sequence[str], like: Sequence[sp.Expr]
) -> tuple[str, ...]:
    """The terms of a written-out sum, each from the second on with its sign.

    Args:
        expression: The sum, of symbols such as tau_chn_EEI.
        populations: Names of all populations.
        like: The terms of the indexed sum. What comes of each follows in its order, and in the
            order of populations.
    """
    own = _Printer(populations)
    kinds = [_bases(e) for e in like]

    def order(term: sp.Expr) -> tuple:
        entries = own.entries(term)
        bases = {entry.base for entry in entries}
        # the term it comes of: factors can only cancel
        rank = min(range(len(kinds)), key=lambda k: len(kinds[k] ^ bases), default=0)
        leading = max(entries, key=lambda entry: len(entry.names), default=None)
        place = own.places(leading) if leading is not None else ()
        return rank, place, [own.places(entry) for entry in entries], str(term)

    parts = sorted(ordered_terms(expression), key=order)
    return signed([own.doprint(e) for e in parts])


def _bases(e: sp.Expr) -> set[str]:
    return {str(part.base) for part in sp.sympify(e).atoms(sp.Indexed)}
