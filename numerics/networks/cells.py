"""Sums over groups of neurons, from which the jackknife takes what pairs and triples add."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sps

from .network import Network
from .sums import ROWS, sums_by_group


class Cells(NamedTuple):
    """Random groups of neurons within each population."""

    labels: np.ndarray
    cell: np.ndarray  # of every neuron
    ranges: list[slice]  # the cells of each population
    members: list[np.ndarray]  # the neurons of each population

    @classmethod
    def of(cls, network: Network, groups: int, seed: int) -> Cells:
        rng, start, ranges = np.random.default_rng(seed), 0, []
        cell = np.zeros(network.N, dtype=np.int64)
        members = [network.members(p) for p in range(network.P)]
        for own in members:
            count = min(groups, len(own))
            cell[own] = start + rng.permutation(len(own)) % count
            ranges.append(slice(start, start + count))
            start += count
        return cls(network.labels, cell, ranges, members)

    @property
    def indicator(self) -> np.ndarray:
        return np.eye(self.ranges[-1].stop)[self.cell]

    @property
    def population(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.ranges)), [c.stop - c.start for c in self.ranges])

    def counts(self, roles: tuple[int, ...]) -> np.ndarray:
        """Sets of distinct neurons, one of each of these populations, by their groups."""
        sizes = np.bincount(self.cell)
        own = [sizes[self.ranges[p]].astype(float) for p in roles]
        if len(roles) == 2:
            return np.outer(*own) - (np.diag(own[0]) if roles[0] == roles[1] else 0)
        a, b, c = (
            n.reshape([-1 if axis == k else 1 for axis in range(3)]) for k, n in enumerate(own)
        )
        same = [
            np.eye(len(own[k])) if roles[k] == roles[m] else np.zeros((1, 1))
            for k, m in ((0, 1), (0, 2), (1, 2))
        ]
        ab, ac, bc = same[0][:, :, None], same[1][:, None, :], same[2][None]
        return a * b * c - ab * a * c - ac * a * b - bc * a * b + 2 * ab * ac * a

    def sums(self, values: np.ndarray, p: int) -> np.ndarray:
        """Over the neurons of every cell of population p, of one value each."""
        own = self.ranges[p]
        return np.bincount(
            self.cell[self.members[p]] - own.start, weights=values, minlength=own.stop - own.start
        )

    def total(self, over_cells: np.ndarray) -> np.ndarray:
        """Sums over cells of the last axis, as sums over populations."""
        return np.add.reduceat(over_cells, [c.start for c in self.ranges], axis=-1)


class Sums(NamedTuple):
    """Sums of X_ij = J_ij - m_pq, i != j: by neuron and cell of the other neuron."""

    rows: np.ndarray  # of X_ij over j
    columns: np.ndarray  # [j, c] of X_ij over i
    squares: np.ndarray  # of X_ij^2 over j
    column_squares: np.ndarray  # [j, p] of X_ij^2 over i
    partners: np.ndarray  # of X_ij X_ji over j
    diagonal: np.ndarray  # J_ii
    onto: np.ndarray  # [s, i]: sums over j in s of X_ij (rows, columns)[j]
    back: np.ndarray  # [s, i]: sums over j in s of X_ji (rows, columns)[j]

    @classmethod
    def of(cls, network: Network, cells: Cells, means: np.ndarray, varies: np.ndarray) -> Sums:
        Z, by_population = cells.indicator, np.eye(len(cells.ranges))[cells.labels]
        diagonal = np.asarray(network.matrix.diagonal(), dtype=float)
        raw = sums_by_group(network.matrix, Z, by_population)
        rows, columns, squares, partners, column_squares = raw
        own, labels = Z * diagonal[:, None], cells.labels
        m = means[labels][:, cells.population]  # [i, c]
        mt = means.T[labels][:, cells.population]
        count = Z.sum(axis=0) - Z
        rows, columns = rows - own, columns - own
        squares -= own * diagonal[:, None]
        partners -= own * diagonal[:, None]
        column_squares -= cells.total(own * diagonal[:, None])
        squares += -2 * m * rows + count * m**2
        partners += -m * columns - mt * rows + count * m * mt
        by_target = means.T[labels]
        column_squares += -2 * by_target * cells.total(columns) + cells.total(count) * by_target**2
        here, there = varies[labels], varies.T[labels]
        rows = (rows - count * m) * here[:, cells.population]
        columns = (columns - count * mt) * there[:, cells.population]
        squares *= here[:, cells.population]
        partners *= (here & there)[:, cells.population]
        column_squares *= there
        onto, back = _weighted(
            network,
            cells,
            means,
            varies,
            np.hstack([cells.total(rows), cells.total(columns)]),
            diagonal,
        )
        return cls(rows, columns, squares, column_squares, partners, diagonal, onto, back)


def _weighted(
    network: Network, cells: Cells, means, varies, values: np.ndarray, diagonal: np.ndarray
):
    """[s, i, k]: sums over j in population s of X_ij values[j, k], and of X_ji values[j, k]."""
    W, labels = network.matrix, cells.labels
    onto, back = np.zeros((2, network.P, *values.shape))
    for s, members in enumerate(cells.members):
        if sps.issparse(W):
            onto[s] = W[:, members].astype(float) @ values[members]
            back[s] = W[members].T.astype(float) @ values[members]
        else:
            for part in np.array_split(members, range(ROWS, len(members), ROWS)):
                onto[s] += W[:, part].astype(float) @ values[part]
                back[s] += W[part].T.astype(float) @ values[part]
        own = (labels == s)[:, None]
        others = values[members].sum(axis=0) - own * values
        for sums, m, there in ((onto, means[:, s], varies[:, s]), (back, means[s], varies[s])):
            sums[s] -= own * diagonal[:, None] * values + m[labels, None] * others
            sums[s] *= there[labels, None]
    return onto, back
