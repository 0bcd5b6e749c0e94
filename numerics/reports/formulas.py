"""Equations as MathML, which browsers set without fonts or scripts from elsewhere."""

from __future__ import annotations

from typing import Any

import latex2mathml.converter


def equations(mean_field: Any) -> dict[str, Any]:
    """The closure's name and statement, the equations and the transfer functions, as MathML."""
    functions = mean_field.architecture.distinct_transfers
    transfers = (rf"\phi(x) = {f.latex()}" for f in functions)
    parts = enumerate(mean_field.closure.statement.split("$"))
    return {
        "closure": mean_field.closure.kind,
        # formulas stand between dollars: every second part is one
        "statement": [(k % 2 == 1, _formula(p, "inline") if k % 2 else p) for k, p in parts],
        "lines": [_formula(line) for line in mean_field.latex_lines()],
        "transfers": [_formula(line) for line in transfers],
    }


def _formula(latex: str, display: str = "block") -> str:
    return latex2mathml.converter.convert(latex, display=display)
