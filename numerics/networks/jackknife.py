"""Standard errors of the measured statistics of one network, as of a sample of neurons.

The time they take is proportional to the number of synapses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from ..parameters import Motifs
from .cells import Cells, Sums
from .covariances import Covariances
from .kernels import Kernel
from .network import Network

# Per population, up to 4 populations and of more: the work grows with their square.
GROUPS, GROUPS_OF_MANY = 16, 8
FEWEST = 3  # neurons; nothing is known of how a smaller population varies


@dataclass(frozen=True, eq=False, kw_only=True)
class StandardErrors(Covariances):
    """Standard errors, each with the shape and indices of the statistic of the same name.

    They are estimates of the spread among networks of the same ensemble and size. 0 for blocks of
    equal synapses; NaN where a population of fewer than 3 neurons takes part.
    """

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

    A statistic is an average over pairs (i, j) or triples (i, j, k) of neurons, so its variance is
    V_1 + V_2 + V_3: what single neurons, pairs and triples contribute (Hoeffding's decomposition).
    Leaving out one neuron at a time counts V_1 + 2 V_2 + 3 V_3 (Efron and Stein, Ann. Stat. 9, 586,
    1981), which without motifs is up to three times the variance. Here that sum is computed from
    the influence of every neuron, and V_2 and V_3 from the sums over pairs and triples of random
    groups of each population, less their margins, and less what the means, from which covariances
    are measured, move with the same neurons. Coefficients tau are linearised in their covariance
    and variances. Time is O(nnz P + N (groups P)^2).

    `means` are those of the synapses off the diagonal; `groups` are of each population.
    """
    cells = Cells.of(network, groups or (GROUPS if network.P <= 4 else GROUPS_OF_MANY), seed)
    sums = Sums.of(network, cells, means, variance > 0)
    P, sizes = network.P, np.asarray(network.sizes, dtype=float)
    few = sizes < FEWEST
    single = {name: np.zeros((P, P)) for name in ("mean", "variance", "reciprocal", "tau")}
    spreads: dict[tuple[int, int], Kernel] = {}
    mutual: dict[tuple[int, int], Kernel] = {}
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


def _pair_kernels(sums: Sums, cells: Cells, sizes: np.ndarray, p: int, q: int) -> dict[str, Kernel]:
    """Of the mean, variance and reciprocal covariance of the synapses from q onto p."""
    onto, from_ = cells.members[p], cells.members[q]
    pairs = float(sizes[p] * (sizes[q] - (p == q)))
    margins = {
        "mean": (cells.total(sums.rows)[onto, q], cells.total(sums.columns)[from_, p]),
        "variance": (cells.total(sums.squares)[onto, q], sums.column_squares[from_, p]),
        "reciprocal": (cells.total(sums.partners)[onto, q], cells.total(sums.partners)[from_, p]),
    }
    made: dict[str, Kernel] = {}
    for name, own in margins.items():
        over = {"mean": sums.rows, "variance": sums.squares, "reciprocal": sums.partners}[name]
        made[name] = Kernel.of(
            cells, (p, q), own, _by_cell(over[onto][:, cells.ranges[q]], cells, p)
        )
    made["mean off the diagonal"] = made["mean"]
    if p == q:  # the mean is over the diagonal as well
        kernel = made["mean"].times(pairs / sizes[p] ** 2)
        made["mean"] = kernel.plus(Kernel({p: sums.diagonal[onto] / sizes[p] ** 2}, {}))
    return made


def _by_cell(values: np.ndarray, cells: Cells, p: int) -> np.ndarray:
    """Sums of values[i] over the neurons i of every cell of population p."""
    own = cells.ranges[p]
    return np.stack(
        [values[cells.cell[cells.members[p]] == c].sum(axis=0) for c in range(own.start, own.stop)]
    )


class _Triples(NamedTuple):
    """What a motif's triples are made of; the shared neuron of population s is in both synapses."""

    first: np.ndarray  # factor of the shared neuron and its first end
    second: np.ndarray  # and of its second end
    same: np.ndarray  # a term whose ends are one neuron, by shared neuron
    same_end: np.ndarray  # and by that end
    ends: tuple[np.ndarray, np.ndarray]  # sums in which a neuron is the first or second end
    blocks: Callable[[int, int, int], tuple[tuple[int, int], tuple[int, int]]]

    @classmethod
    def of(cls, name: str, sums: Sums, cells: Cells) -> _Triples:
        P, rows, columns = len(cells.ranges), sums.rows, sums.columns
        squares, partners = cells.total(sums.squares), cells.total(sums.partners)
        if name == "convergent":
            back = sums.back[..., :P]
            parts = rows, rows, squares, sums.column_squares, (back, back)
            return cls(*parts, lambda s, t, u: ((s, t), (s, u)))
        if name == "divergent":
            onto = sums.onto[..., P:]
            parts = columns, columns, sums.column_squares, squares, (onto, onto)
            return cls(*parts, lambda s, t, u: ((t, s), (u, s)))
        ends = sums.onto[..., :P], sums.back[..., P:]
        return cls(columns, rows, partners, partners, ends, lambda s, t, u: ((t, s), (s, u)))

    def margins(self, cells: Cells, s: int, t: int, u: int) -> list[np.ndarray]:
        """Sums over all terms in which a neuron is shared, the first end, or the second."""
        shared, totals = cells.members[s], (cells.total(self.first), cells.total(self.second))
        found = [
            totals[0][shared, t] * totals[1][shared, u],
            self.ends[0][s][cells.members[t], u],
            self.ends[1][s][cells.members[u], t],
        ]
        if t != u:
            return found
        equal = self.same_end[cells.members[t], s]
        return [found[0] - self.same[shared, t], found[1] - equal, found[2] - equal]


def _triple_errors(
    name: str, sums: Sums, cells: Cells, variance, tau, spreads, shifts
) -> np.ndarray:
    """[2, s, t, u]: errors of the covariance and of its coefficient.

    s is the population of the neuron that both synapses share.
    """
    P, triples = len(variance), _Triples.of(name, sums, cells)
    errors = np.zeros((2, P, P, P))
    for s in range(P):
        table = _table(name, triples.first, triples.second, sums, cells, s)
        for t, u in product(range(P), repeat=2):
            if name != "chain" and u < t:
                errors[:, s, t, u] = errors[:, s, u, t]
                continue
            blocks = triples.blocks(s, t, u)
            scale = variance[blocks[0]] * variance[blocks[1]]
            if scale == 0:
                continue
            own = table[:, cells.ranges[t], cells.ranges[u]]
            kernel = Kernel.of(cells, (s, t, u), triples.margins(cells, s, t, u), own)
            kernel = kernel.about_means(cells, *(shifts[block] for block in blocks))
            scaled = kernel.times(1 / np.sqrt(scale)).less(
                float(tau[s, t, u]) / 2, variance, spreads, *blocks
            )
            errors[:, s, t, u] = kernel.error(), scaled.error()
    return errors


def _table(
    name: str, first: np.ndarray, second: np.ndarray, sums: Sums, cells: Cells, s: int
) -> np.ndarray:
    """[h, c, c']: sums of first[., c] second[., c'] over cell h of population s.

    Terms with equal ends are left out.
    """
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
