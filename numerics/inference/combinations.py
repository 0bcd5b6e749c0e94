"""Combinations of named numbers, as products of powers and sums that people can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import qr

SIMPLE, LARGEST = 1e-6, 12
"""A row is simple where a multiple by an integer up to 12 makes all its entries integers up to
12, to this accuracy: powers of scales in the equations are at most 4."""
SHOWN = 0.01
"""Of rows that are not simple, entries below this part of the largest are not in their text."""
ZERO = 1e-6
"""Entries below this, relative to the largest of a row, are rounding."""


@dataclass(frozen=True)
class Combination:
    """sum_k powers[k] log|v_k| + sum_j weights[j] v_j of numbers v by name.

    With powers alone it is a product, with weights alone a sum.

    Attributes:
        powers, weights: by name.
        simple: entries are small integers, as in an exact relation of scales; other combinations
            hold where they were taken, to first order.
    """

    powers: Mapping[str, float]
    weights: Mapping[str, float]
    simple: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Of the numbers in it."""
        return (*self.powers, *self.weights)

    @property
    def text(self) -> str:
        """Such as "g[E,E]^2 tau_con[E,E,E]" or "input[E] + 2 input[I]".

        Entries below a hundredth of the largest are dots.
        """
        if len(self.names) == 1:
            return self.names[0]
        powers, weights = self.shown
        product = " ".join(
            _bracket(name) + ("" if power == 1 else f"^{power:.3g}")
            for name, power in powers.items()
        )
        terms = [_term(weight, name) for name, weight in weights.items()]
        if powers and terms:
            terms.insert(0, f"+ log({product})")
        dots = " ..." if len(powers) + len(weights) < len(self.names) else ""
        return (" ".join(terms).removeprefix("+ ") if terms else product) + dots

    @property
    def direction(self) -> str:
        """A direction in which the numbers change together: "g -> g f, tau -> tau f^-2"."""
        powers, weights = self.shown
        parts = [
            f"{name} -> {name} f{'' if power == 1 else f'^{power:.3g}'}"
            for name, power in powers.items()
        ]
        for name, weight in weights.items():
            size = "" if abs(weight) == 1 else f"{abs(weight):.3g} "
            parts.append(f"{name} -> {name} {'-' if weight < 0 else '+'} {size}e")
        return ", ".join(parts) + (", ..." if len(parts) < len(self.names) else "")

    @property
    def shown(self) -> tuple[dict[str, float], dict[str, float]]:
        """Powers and weights that are not small beside the largest."""
        least = 0.0 if self.simple else SHOWN

        def large(entries: Mapping[str, float]) -> dict[str, float]:
            most = max(map(abs, entries.values()), default=0.0)
            return {name: value for name, value in entries.items() if abs(value) >= least * most}

        return large(self.powers), large(self.weights)

    def row(self, names: Sequence[str]) -> np.ndarray:
        """Its entries in the order of these names."""
        return np.array([self.powers.get(n, 0.0) + self.weights.get(n, 0.0) for n in names])


def combinations(
    rows: np.ndarray, names: Sequence[str], logarithmic: Any, scale: np.ndarray
) -> list[Combination]:
    """The space that rows span, by rows that share as few numbers as possible.

    That is the reduced row echelon form. It depends on the order of columns: of a few orders, the
    one with the most simple rows, then the fewest entries, then the fewest negative ones is taken,
    in doubt the one that keeps entries small (columns by pivoted QR). A number that the space
    determines alone has a row of its own in every order.

    Args:
        rows: (r, n).
        names: of the numbers, n.
        logarithmic: which columns are log|v_k|; others are v_k / scale_k.
        scale: (n,).
    """
    if not len(rows):
        return []
    given, size = np.arange(len(names)), np.sum(rows**2, axis=0)
    orders = [
        qr(rows, mode="r", pivoting=True)[1],
        given,
        given[::-1],
        np.argsort(size, kind="stable"),
    ]
    made = [
        [_combination(row, names, logarithmic, scale) for row in row_echelon(rows, order)]
        for order in orders
    ]
    complex_rows = [sum(not c.simple for c in found) for found in made]
    if min(complex_rows) == complex_rows[0] > 0:
        return made[0]
    negative = [
        sum(v < 0 for c in found for v in (*c.powers.values(), *c.weights.values()))
        for found in made
    ]
    ranks = [
        (bad, sum(len(c.names) for c in found), below)
        for bad, found, below in zip(complex_rows, made, negative, strict=True)
    ]
    return made[min(range(len(made)), key=ranks.__getitem__)]


def row_echelon(rows: np.ndarray, order: Any = None) -> np.ndarray:
    """Reduced row echelon form, (r, n).

    Each row is 1 at its pivot, the first column that can be one in this order, where all others are
    0.
    """
    left = np.array(rows, dtype=float)
    done: list[int] = []
    for column in range(left.shape[1]) if order is None else order:
        free = [k for k in range(len(left)) if k not in done]
        if not free:
            break
        best = free[int(np.argmax(np.abs(left[free, column])))]
        if abs(left[best, column]) <= ZERO * np.abs(left[best]).max():
            left[free, column] = 0.0
            continue
        left[best] /= left[best, column]
        for k in range(len(left)):
            if k != best:
                left[k] -= left[k, column] * left[best]
        done.append(best)
    made = left[done]
    return (
        np.where(np.abs(made) > ZERO * np.abs(made).max(axis=1, keepdims=True), made, 0.0)
        if len(made)
        else made
    )


def _combination(
    row: np.ndarray, names: Sequence[str], logarithmic: Any, scale: np.ndarray
) -> Combination:
    logs = np.asarray(logarithmic)
    there = row != 0
    if there.sum() == 1:
        row = there.astype(float)
    mixed = bool(np.any(there & logs) and np.any(there & ~logs))
    own = np.where(logs, row, row / scale)
    first, largest = own[np.flatnonzero(there)[0]], own[np.argmax(np.abs(own))]
    if mixed:
        own = own / largest
        return Combination(
            _named(own, names, there & logs), _named(own, names, there & ~logs), False
        )
    own, simple = _simplified(own / first)
    return Combination(_named(own, names, there & logs), _named(own, names, there & ~logs), simple)


def _simplified(row: np.ndarray) -> tuple[np.ndarray, bool]:
    for factor in range(1, LARGEST + 1):
        scaled = factor * row
        whole = np.round(scaled)
        if np.all(np.abs(scaled - whole) < SIMPLE * factor) and np.abs(whole).max() <= LARGEST:
            return whole, True
    return row / row[np.argmax(np.abs(row))], False


def _named(row: np.ndarray, names: Sequence[str], where: np.ndarray) -> dict[str, float]:
    return {name: float(v) for name, v, there in zip(names, row, where, strict=True) if there}


def _bracket(name: str) -> str:
    return f"({name})" if " " in name else name


def _term(weight: float, name: str) -> str:
    size = "" if abs(weight) == 1 else f"{abs(weight):.3g} "
    return f"{'-' if weight < 0 else '+'} {size}{_bracket(name)}"
