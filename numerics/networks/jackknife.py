"""Standard errors of the measured statistics of one network, as of a sample of neurons, in time proportional to its synapses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, permutations, product
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sps

from ..parameters import Motifs
from .network import Network

ROWS = 256
GROUPS, GROUPS_OF_MANY = 16, 8
"""Per population: up to 4 populations, and of more."""
FEWEST = 3
"""Neurons of a population below which nothing is known of how it varies."""


@dataclass(frozen=True, eq=False)
class StandardErrors:
    """Standard errors, each with the shape and indices of the statistic of the same name in `Statistics`.

    They are estimates of the spread among networks of the same ensemble and size. 0 for blocks of equal synapses; nan where a population
    of fewer than 3 neurons takes part
    """

    mean: np.ndarray
    variance: np.ndarray
    convergent: np.ndarray
    divergent: np.ndarray
    chain: np.ndarray
    reciprocal: np.ndarray
    tau: Motifs


def standard_errors(
    network: Network,
    means: np.ndarray,
    variance: np.ndarray,
    tau: Motifs,
    groups: int | None = None,
    seed: int = 0,
) -> StandardErrors:
    """Jackknife over neurons, with what it counts too often taken off.

    A statistic is an average over pairs (i, j) or triples (i, j, k) of neurons, so its variance is V_1 + V_2 + V_3: what single neurons,
    pairs and triples contribute (Hoeffding's decomposition). Leaving out one neuron at a time counts V_1 + 2 V_2 + 3 V_3 (Efron and Stein,
    Ann. Stat. 9, 586, 1981), which without motifs is up to three times the variance. Here that sum is computed from the influence of every
    neuron, and V_2 and V_3 from the sums over pairs and triples of random groups of each population, less their margins, and less what
    the means, from which covariances are measured, move with the same neurons. Time is O(nnz P + N (groups P)^2). Coefficients tau are
    linearised in their covariance and variances.

    means: m[p, q], of the synapses off the diagonal; variance, tau: as measured; groups: of each population, by default 16,
    or 8 of more than 4 populations; seed: of the groups
    """
    cells = _Cells.of(network, groups or (GROUPS if network.P <= 4 else GROUPS_OF_MANY), seed)
    sums = _Sums.of(network, cells, means, variance > 0)
    P, sizes = network.P, np.asarray(network.sizes, dtype=float)
    few = sizes < FEWEST
    single = {name: np.zeros((P, P)) for name in ("mean", "variance", "reciprocal", "tau")}
    spreads: dict[tuple[int, int], _Kernel] = {}
    mutual: dict[tuple[int, int], _Kernel] = {}
    shifts: dict[tuple[int, int], dict[int, np.ndarray]] = {}
    for p, q in product(range(P), repeat=2):
        kernels = _pair_kernels(sums, cells, sizes, p, q)
        spreads[p, q], mutual[p, q], shifts[p, q] = (
            kernels["variance"],
            kernels["reciprocal"],
            kernels.pop("mean off the diagonal").single,
        )
        for name, kernel in kernels.items():
            single[name][p, q] = kernel.error()
    for p, q in product(range(P), repeat=2):
        if variance[p, q] > 0 and variance[q, p] > 0:
            scale = np.sqrt(variance[p, q] * variance[q, p])
            kernel = mutual[p, q].times(1 / scale)
            coefficient = float(tau.reciprocal[p, q])
            single["tau"][p, q] = kernel.less(
                coefficient / 2, variance, spreads, (p, q), (q, p)
            ).error()
    for values in single.values():
        values[few[:, None] | few[None, :]] = np.nan
    triples, coefficients = {}, {}
    for name in ("convergent", "divergent", "chain"):
        measured = np.asarray(getattr(tau, name))
        measured = measured.transpose(1, 0, 2) if name == "chain" else measured
        both = _triple_errors(name, sums, cells, variance, measured, spreads, shifts)
        both[:, few[:, None, None] | few[None, :, None] | few[None, None, :]] = np.nan
        triples[name], coefficients[name] = both.transpose(0, 2, 1, 3) if name == "chain" else both
    reciprocal = single.pop("tau")
    return StandardErrors(**single, **triples, tau=Motifs(**coefficients, reciprocal=reciprocal))


class _Cells(NamedTuple):
    """Random groups of neurons within each population."""

    labels: np.ndarray
    cell: np.ndarray  # of every neuron
    ranges: list[slice]  # the cells of each population
    members: list[np.ndarray]  # the neurons of each population

    @classmethod
    def of(cls, network: Network, groups: int, seed: int) -> _Cells:
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
        """How many sets of distinct neurons there are, one of each of these populations, by their groups."""
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


class _Sums(NamedTuple):
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
    def of(cls, network: Network, cells: _Cells, means: np.ndarray, varies: np.ndarray) -> _Sums:
        W, Z, diagonal = (
            network.matrix,
            cells.indicator,
            np.asarray(network.matrix.diagonal(), dtype=float),
        )
        rows, columns, squares, column_squares, partners = _raw(W, Z, cells)
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


def _raw(W: Any, Z: np.ndarray, cells: _Cells):
    """Row sums, column sums, sums of squares and of products with the partner, by cell; column sums of squares by population."""
    by_population = np.eye(len(cells.ranges))[cells.labels]
    if sps.issparse(W):
        W, Z = W.astype(float), sps.csr_array(Z)
        square = W.power(2)
        products = [W @ Z, W.T @ Z, square @ Z]
        return (
            *(a.toarray() for a in products),
            square.T @ by_population,
            (W.multiply(W.T.tocsr()) @ Z).toarray(),
        )
    N, C = Z.shape
    rows, columns, squares, partners = np.zeros((4, N, C))
    column_squares = np.zeros((N, len(cells.ranges)))
    for start in range(0, N, ROWS):
        part = slice(start, min(start + ROWS, N))
        block = W[part].astype(float)
        rows[part] = block @ Z
        columns += block.T @ Z[part]
        partners[part] = (block * W[:, part].T) @ Z
        np.square(block, out=block)
        squares[part] = block @ Z
        column_squares += block.T @ by_population[part]
    return rows, columns, squares, column_squares, partners


def _weighted(
    network: Network, cells: _Cells, means, varies, values: np.ndarray, diagonal: np.ndarray
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


class _Kernel(NamedTuple):
    """A statistic minus its expectation as a sum over neurons, and over pairs and triples of groups; all relative to the number of its terms.

    single: population -> influence of every neuron; pair: two populations, in order -> sums; triple: what triples contribute to the variance
    """

    single: dict[int, np.ndarray]
    pair: dict[tuple[int, int], np.ndarray]
    triple: float = 0.0

    @classmethod
    def of(
        cls, cells: _Cells, roles: tuple[int, ...], margins: Iterable[np.ndarray], table: np.ndarray
    ) -> _Kernel:
        """From the sums over all terms in which a neuron has a role, and over those of groups, of a statistic of pairs or triples."""
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

    def times(self, factor: float) -> _Kernel:
        single = {k: factor * v for k, v in self.single.items()}
        pair = {k: factor * v for k, v in self.pair.items()}
        return _Kernel(single, pair, factor**2 * self.triple)

    def plus(self, other: _Kernel) -> _Kernel:
        """With a statistic of pairs."""
        single, pair = dict(self.single), dict(self.pair)
        for population, influence in other.single.items():
            single[population] = single.get(population, 0.0) + influence
        for key, sums in other.pair.items():
            pair[key] = pair.get(key, 0.0) + sums
        return self._replace(single=single, pair=pair)

    def about_means(
        self, cells: _Cells, first: dict[int, np.ndarray], second: dict[int, np.ndarray]
    ) -> _Kernel:
        """Of a covariance about the measured means of two blocks, which the same neurons shift: less the product of the two shifts.

        first, second: population -> influence of every neuron on each mean
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
        spreads: dict[tuple[int, int], _Kernel],
        *blocks: tuple[int, int],
    ) -> _Kernel:
        """Of a coefficient, from that of covariance / sqrt(variance variance'); half: half the coefficient."""
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
    """Over all sets of as many neurons (or groups) as there are roles, of what such a set adds beyond its parts."""
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


def _pair_kernels(
    sums: _Sums, cells: _Cells, sizes: np.ndarray, p: int, q: int
) -> dict[str, _Kernel]:
    """Of the mean, variance and reciprocal covariance of the synapses from q onto p."""
    onto, from_ = cells.members[p], cells.members[q]
    pairs = float(sizes[p] * (sizes[q] - (p == q)))
    margins = {
        "mean": (cells.total(sums.rows)[onto, q], cells.total(sums.columns)[from_, p]),
        "variance": (cells.total(sums.squares)[onto, q], sums.column_squares[from_, p]),
        "reciprocal": (cells.total(sums.partners)[onto, q], cells.total(sums.partners)[from_, p]),
    }
    made: dict[str, _Kernel] = {}
    for name, own in margins.items():
        over = {"mean": sums.rows, "variance": sums.squares, "reciprocal": sums.partners}[name]
        made[name] = _Kernel.of(
            cells, (p, q), own, _by_cell(over[onto][:, cells.ranges[q]], cells, p)
        )
    made["mean off the diagonal"] = made["mean"]
    if p == q:  # the mean is over the diagonal as well
        kernel = made["mean"].times(pairs / sizes[p] ** 2)
        made["mean"] = kernel.plus(_Kernel({p: sums.diagonal[onto] / sizes[p] ** 2}, {}))
    return made


def _by_cell(values: np.ndarray, cells: _Cells, p: int) -> np.ndarray:
    """Sums of values[i] over the neurons i of every cell of population p."""
    own = cells.ranges[p]
    return np.stack(
        [values[cells.cell[cells.members[p]] == c].sum(axis=0) for c in range(own.start, own.stop)]
    )


def _triple_errors(
    name: str, sums: _Sums, cells: _Cells, variance, tau, spreads, shifts
) -> np.ndarray:
    """[2, s, t, u]: errors of the covariance and of its coefficient, s the population of the neuron that both synapses share."""
    P = len(variance)
    squares, partners = cells.total(sums.squares), cells.total(sums.partners)
    # the two factors of the shared neuron, what a term with equal ends is, and the sums in which a neuron is the first or the second end
    first, second, same, same_end, ends = {
        "convergent": (
            sums.rows,
            sums.rows,
            squares,
            sums.column_squares,
            (sums.back[..., :P], sums.back[..., :P]),
        ),
        "divergent": (
            sums.columns,
            sums.columns,
            sums.column_squares,
            squares,
            (sums.onto[..., P:], sums.onto[..., P:]),
        ),
        "chain": (
            sums.columns,
            sums.rows,
            partners,
            partners,
            (sums.onto[..., :P], sums.back[..., P:]),
        ),
    }[name]
    totals = cells.total(first), cells.total(second)
    blocks = {
        "convergent": lambda s, t, u: ((s, t), (s, u)),
        "divergent": lambda s, t, u: ((t, s), (u, s)),
        "chain": lambda s, t, u: ((t, s), (s, u)),
    }[name]
    errors = np.zeros((2, P, P, P))
    for s in range(P):
        shared = cells.members[s]
        table = _table(name, first, second, sums, cells, s)
        for t, u in product(range(P), repeat=2):
            if name != "chain" and u < t:
                errors[:, s, t, u] = errors[:, s, u, t]
                continue
            scale = variance[blocks(s, t, u)[0]] * variance[blocks(s, t, u)[1]]
            if scale == 0:
                continue
            margins = [
                totals[0][shared, t] * totals[1][shared, u],
                ends[0][s][cells.members[t], u],
                ends[1][s][cells.members[u], t],
            ]
            if t == u:
                margins[0] = margins[0] - same[shared, t]
                margins[1], margins[2] = (m - same_end[cells.members[t], s] for m in margins[1:])
            kernel = _Kernel.of(
                cells, (s, t, u), margins, table[:, cells.ranges[t], cells.ranges[u]]
            )
            kernel = kernel.about_means(cells, *(shifts[block] for block in blocks(s, t, u)))
            errors[0, s, t, u] = kernel.error()
            scaled = kernel.times(1 / np.sqrt(scale)).less(
                float(tau[s, t, u]) / 2, variance, spreads, *blocks(s, t, u)
            )
            errors[1, s, t, u] = scaled.error()
    return errors


def _table(
    name: str, first: np.ndarray, second: np.ndarray, sums: _Sums, cells: _Cells, s: int
) -> np.ndarray:
    """[h, c, c']: sums over the neurons of cell h of population s of first[., c] second[., c'], without equal ends."""
    own = cells.ranges[s]
    parts = []
    for c in range(own.start, own.stop):
        there = cells.cell == c
        table = first[there].T @ second[there]
        if name == "divergent":
            equal = np.bincount(cells.cell, weights=sums.squares[:, c], minlength=len(table))
        else:
            equal = (sums.squares if name == "convergent" else sums.partners)[there].sum(axis=0)
        parts.append(table - np.diag(equal))
    return np.stack(parts)
