"""The nearest motif coefficients that some network has, by alternating directions.

Two conditions make coefficients those of a network (`docs/theory.md`, section 1.2): the strengths
of the neurons of each population have a positive semidefinite covariance, and so have the residuals
of each pair of populations. Each alone is met in closed form, by eigenvalues. The alternating
direction method of multipliers finds the nearest coefficients that meet both: it holds a few arrays
of the size of the coefficients, and takes a few hundred steps.

Source: Boyd, Parikh, Chu, Peleato and Eckstein, Foundations and Trends in Machine Learning 3 (2011)
1-122, sections 3.1 (the method), 3.4.1 (the weight of the penalty) and 3.4.3
(over-relaxation); Wohlberg, arXiv:1704.06209 (errors relative to their own sizes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...errors import InfeasibleStatisticsError
from ..machine import require_memory
from .motifs import Motifs

BALANCED = 20  # steps between changes of the weight of the penalty, which keep both errors alike
UNEQUAL, MOST = 1.5, 5.0  # a change below the one is left out, none is above the other
TINY = 1e-300  # in place of a change 0 that divides
RELAXATION = 1.6  # of the method's usual range, 1.5 to 1.8
ACCURACY = 1e-12  # of coefficients, relative to the largest, or to 1
MOST_STEPS = 20_000  # a few hundred are needed
ARRAYS = 16  # of all strengths, while a step is taken
FEWER = "use fewer populations, or a machine with more memory"
Progress = Callable[[str, float], None]


class _State(NamedTuple):
    """Covariances of strengths (P, 2P, 2P); A and B of the residuals, each (P, P)."""

    strengths: np.ndarray
    A: np.ndarray
    B: np.ndarray

    def plus(self, other: _State, factor: float = 1.0) -> _State:
        return _State(*(x + factor * y for x, y in zip(self, other, strict=True)))

    def mixed(self, other: _State) -> _State:
        pairs = zip(self, other, strict=True)
        return _State(*(RELAXATION * x + (1 - RELAXATION) * y for x, y in pairs))

    def distance(self, other: _State) -> float:
        return max(float(np.abs(x - y).max()) for x, y in zip(self, other, strict=True))

    @property
    def size(self) -> float:
        """The largest entry."""
        return max(float(np.abs(x).max()) for x in self)


def nearest_motifs(given: Motifs, active: np.ndarray, margin: float, progress: Progress) -> Motifs:
    """The motifs with the least sum of squared changes under which both conditions hold.

    Args:
        given: coefficients, arrays of the shapes of `Motifs`.
        active: whether there are synapses, (P, P), target first; where not, coefficients are 0.
        margin: in place of 1 - A, by how much the residual's variance is kept from its bound.
        progress: called with a text and the part that is done.

    Raises:
        InfeasibleStatisticsError: the method did not converge.
        NetworkError: the populations need more memory than is free.
    """
    P = len(active)
    require_memory(ARRAYS * 8 * P * (2 * P) ** 2, f"motifs of {P} populations", FEWER)
    problem = _Problem(given, active, margin)
    found = near = problem.bounds(*problem.start())
    pairs, shift = problem.pairs, _State(*(np.zeros_like(v) for v in near))
    first, weight = None, 1.0
    for step in range(MOST_STEPS):
        strengths, pairs = problem.closest(near.plus(shift, -1.0), weight)
        found = problem.bounds(strengths, pairs)
        relaxed = found.mixed(near)
        before, near = near, _semidefinite(relaxed.plus(shift))
        shift = shift.plus(relaxed.plus(near, -1.0))
        apart, moved = found.distance(near), near.distance(before)
        left = max(apart, moved) / problem.scale
        if left <= ACCURACY:
            return problem.motifs(near.strengths, pairs)
        first = first or left
        progress("nearest motifs", float(np.clip(np.log(first / left) / WHOLE, 0, 1)))
        if step % BALANCED == BALANCED - 1 and step < MOST_STEPS / 2:
            # each relative to what it is a change of: far coefficients pull with a large force
            off = apart * shift.size / max(moved * near.size, TINY)
            factor = min(max(np.sqrt(off), 1 / MOST), MOST)
            if not 1 / UNEQUAL < factor < UNEQUAL:
                weight, shift = weight * factor, _State(*(v / factor for v in shift))
    raise InfeasibleStatisticsError(
        f"the nearest feasible statistics were not found: after {MOST_STEPS} steps, coefficients "
        f"still change by {left:.2g}"
    )


WHOLE = float(np.log(1 / ACCURACY))  # of the decline from a first change of about 1


class _Problem:
    """Squared changes to minimise, and what the conditions are on.

    Strengths of a neuron in q are its in-strengths by source, then its out-strengths by target:
    the blocks of their covariance are tau_con[q], tau_div[q] and, between them, tau_chn[:, q, :].
    """

    def __init__(self, given: Motifs, active: np.ndarray, margin: float):
        con, div, chn, rec = (np.asarray(t, dtype=float) for t in given)
        P = self.P = len(rec)
        across = chn.transpose(1, 0, 2)
        rows = np.concatenate([con, across.transpose(0, 2, 1)], axis=2)
        columns = np.concatenate([across, div], axis=2)
        whole = np.concatenate([rows, columns], axis=1)
        self.strengths, self.pairs = (whole + whole.transpose(0, 2, 1)) / 2, (rec + rec.T) / 2
        self.one, self.own, self.all = 1 - margin, np.arange(P), np.arange(2 * P)
        self.scale = max(self.one, float(np.abs(whole).max()), float(np.abs(rec).max()))
        self.weights = np.ones((2 * P, 2 * P))
        self.weights[:P, P:] = self.weights[P:, :P] = 0.5  # chains stand in both halves
        there = np.concatenate([active, active.T], axis=1).astype(float)
        self.there = there[:, :, None] * there[:, None, :]

    def start(self) -> tuple[np.ndarray, np.ndarray]:
        """The given coefficients, 0 where there are no synapses."""
        return self.strengths * self.there, self.pairs

    def bounds(self, strengths: np.ndarray, pairs: np.ndarray) -> _State:
        """What the conditions are on: the strengths, and A and B (`residual_moments`)."""
        variances, around = strengths[:, self.all, self.all], self._around(strengths)
        A = self.one - variances[:, : self.P] - variances[:, self.P :].T
        return _State(strengths, A, pairs - around - around.T)

    def closest(self, to: _State, weight: float) -> tuple[np.ndarray, np.ndarray]:
        """The least squared changes, plus weight / 2 times the squared distance of `bounds` to it.

        Each coefficient is in one bound at most, so that a bound adds a matrix of rank one, whose
        inverse is that of Sherman and Morrison.
        """
        drawn = 2 * self.weights * self.strengths + weight * to.strengths
        strengths = self.there * drawn / (2 * self.weights + weight)
        self._variances_toward(strengths, to.A, weight)
        return strengths, self._chains_toward(strengths, to.B, weight)

    def _variances_toward(self, strengths: np.ndarray, A: np.ndarray, weight: float) -> None:
        """A_pq = 1 - con[p,q,q] - div[q,p,p] comes toward its value, in place."""
        P, at = self.P, (slice(None), self.all, self.all)
        there = self.there[at]
        left, right = there[:, :P], there[:, P:].T
        off = self.bounds(strengths, self.pairs).A - A
        move = weight * off / (2 + weight + weight * (left + right))
        strengths[at] += np.concatenate([left * move, (right * move).T], axis=1)

    def _chains_toward(self, strengths: np.ndarray, B: np.ndarray, weight: float) -> np.ndarray:
        """B_pq = rec[p,q] - chn[p,q,p] - chn[q,p,q] comes toward its value, chains in place.

        Between two populations each bound and coefficient stands twice; in one population once, and
        B has its chain twice.
        """
        P, own = self.P, self.own
        there = self._around(self.there)
        off = self.bounds(strengths, self.pairs).B - B
        curved, bent = 4.0, 2 * (1 + weight)  # of a reciprocity, of a chain
        inverse = 1 / curved + (there + there.T) / bent
        force = -2 * weight * off / (1 + 2 * weight * inverse)
        alone = -weight * off[own, own] / (1 + weight * (0.5 + 4 * there[own, own] / bent))
        pairs, chains = self.pairs + force / curved, -there * force / bent
        pairs[own, own] = self.pairs[own, own] + alone / 2
        chains[own, own] = -2 * there[own, own] * alone / bent
        strengths[:, P + own, own] += chains
        strengths[:, own, P + own] += chains
        return pairs

    def _around(self, strengths: np.ndarray) -> np.ndarray:
        """[q, p]: the chain p <- q <- p."""
        return strengths[:, self.P + self.own, self.own]

    def motifs(self, strengths: np.ndarray, pairs: np.ndarray) -> Motifs:
        """Coefficients from covariances of strengths."""
        P = self.P
        chains = strengths[:, P:, :P].transpose(1, 0, 2)
        return Motifs(strengths[:, :P, :P], strengths[:, P:, P:], chains, pairs)


def _semidefinite(state: _State) -> _State:
    """The nearest state whose strengths, and [[A_pq, B_pq], [B_pq, A_qp]], are semidefinite."""
    values, vectors = np.linalg.eigh(state.strengths)
    strengths = (vectors * np.maximum(values, 0)[:, None, :]) @ vectors.transpose(0, 2, 1)
    middle, half = (state.A + state.A.T) / 2, (state.A - state.A.T) / 2
    radius = np.hypot(half, state.B)
    upper, lower = np.maximum(middle + radius, 0), np.maximum(middle - radius, 0)
    part = np.divide((upper - lower) / 2, radius, out=np.zeros_like(radius), where=radius > 0)
    return _State(strengths, (upper + lower) / 2 + part * half, part * state.B)
