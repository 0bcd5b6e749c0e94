"""Hoeffding's decomposition of a statistic: what neurons, pairs and triples contribute to it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, permutations, product
from typing import NamedTuple

import numpy as np

from .cells import Cells


class Kernel(NamedTuple):
    """A statistic minus its expectation as a sum over neurons, pairs and triples of groups.

    All are relative to the number of terms. single: population -> influence of every neuron; pair:
    two populations, in order -> sums; triple: what triples contribute to the variance.
    """

    single: dict[int, np.ndarray]
    pair: dict[tuple[int, int], np.ndarray]
    triple: float = 0.0

    @classmethod
    def of(
        cls, cells: Cells, roles: tuple[int, ...], margins: Iterable[np.ndarray], table: np.ndarray
    ) -> Kernel:
        """Of a statistic of pairs or triples.

        margins: sums over all terms in which a neuron has a role; table: over those of groups.
        """
        counts = cells.counts(roles)
        terms = counts.sum()
        if terms <= 0:
            return cls({}, {})
        table = table - counts * (table.sum() / terms)
        single: dict[int, np.ndarray] = {}
        for population, margin in zip(roles, margins, strict=True):
            single[population] = single.get(population, 0.0) + margin / terms
        pair: dict[tuple[int, int], np.ndarray] = {}
        for a, b in combinations(range(len(roles)), 2):
            rest = tuple(k for k in range(len(roles)) if k not in (a, b))
            sums, key = table.sum(axis=rest) / terms, (roles[a], roles[b])
            key, sums = (key, sums) if key[0] <= key[1] else (key[::-1], sums.T)
            pair[key] = pair.get(key, 0.0) + sums
        return cls(
            single, pair, _sum_of_squares(table, roles) / terms**2 if len(roles) == 3 else 0.0
        )

    def times(self, factor: float) -> Kernel:
        single = {k: factor * v for k, v in self.single.items()}
        pair = {k: factor * v for k, v in self.pair.items()}
        return Kernel(single, pair, factor**2 * self.triple)

    def plus(self, other: Kernel) -> Kernel:
        """With a statistic of pairs."""
        single, pair = dict(self.single), dict(self.pair)
        for population, influence in other.single.items():
            single[population] = single.get(population, 0.0) + influence
        for key, sums in other.pair.items():
            pair[key] = pair.get(key, 0.0) + sums
        return self._replace(single=single, pair=pair)

    def about_means(
        self, cells: Cells, first: dict[int, np.ndarray], second: dict[int, np.ndarray]
    ) -> Kernel:
        """Of a covariance about the measured means of two blocks, which the same neurons shift.

        Less the product of the two shifts. first, second: population -> influence of every neuron
        on each mean.
        """
        pair = dict(self.pair)
        for (s, one), (t, other) in product(first.items(), second.items()):
            product_of_sums = np.outer(cells.sums(one, s), cells.sums(other, t))
            if s == t:  # pairs are of two neurons
                product_of_sums -= np.diag(cells.sums(one * other, s))
            key, sums = ((s, t), product_of_sums) if s <= t else ((t, s), product_of_sums.T)
            pair[key] = pair.get(key, 0.0) - sums
        return self._replace(pair=pair)

    def less(
        self,
        half: float,
        variance: np.ndarray,
        spreads: dict[tuple[int, int], Kernel],
        *blocks: tuple[int, int],
    ) -> Kernel:
        """Of a coefficient, from covariance / sqrt(variance variance'); half: of it."""
        kernel = self
        for block in blocks:
            kernel = kernel.plus(spreads[block].times(-half / variance[block]))
        return kernel

    def error(self) -> float:
        ones = sum(_sum_of_squares(v, (p,)) for p, v in self.single.items())
        pairs = sum(_sum_of_squares(v, key) for key, v in self.pair.items())
        second = max(pairs - 3 * self.triple, 0.0)
        first = max(ones - 2 * second - 3 * self.triple, 0.0)
        return float(np.sqrt(first + second + self.triple))


def _sum_of_squares(values: np.ndarray, roles: tuple[int, ...]) -> float:
    """Over all sets of one neuron (or group) per role, of what they add beyond their parts."""
    scale = 1.0
    for axis, n in enumerate(values.shape):
        values = values - np.add.reduce(values, axis=axis, keepdims=True) / n
        scale *= n / max(n - 1, 1)
    if len(set(roles)) == len(roles):
        return scale * float(np.vdot(values, values))
    alike = [s for s in permutations(range(len(roles))) if tuple(roles[k] for k in s) == roles]
    total = sum(values.transpose(s) for s in alike)
    at = np.indices(values.shape, sparse=True)
    # a set within one group is met in every order
    orders = sum(
        np.logical_and.reduce(np.broadcast_arrays(*(at[k] == at[s[k]] for k in range(len(s)))))
        for s in alike
    )
    return scale * float(np.sum(total**2 / orders) / len(alike))
