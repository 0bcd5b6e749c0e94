"""Motif coefficients of few neurons, shrunken as far as their own errors ask for.

A coefficient y of a class of motifs is taken as theta + e with theta ~ N(0, A), the coefficients
that networks have, and e ~ N(0, s^2), s its standard error. A is the same for the class, and is
estimated from all of its coefficients (maximum likelihood, at least 0). The estimate of theta is
its mean given y,

    y A / (A + s^2),

which leaves coefficients of many neurons as they are, and takes those of few to 0. With one
coefficient in a class A = (y^2 - s^2)_+, and this is the positive part of James and Stein.

Source: Efron and Morris, J. Am. Stat. Assoc. 70 (1975) 311-319, section 3 (unequal variances);
Morris, J. Am. Stat. Assoc. 78 (1983) 47-55.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..parameters import Motifs

HALVINGS = 200  # of an interval, more than float64 tells apart


def shrunken(tau: Motifs, errors: Motifs, sizes: Sequence[int]) -> Motifs:
    """Coefficients times A / (A + s^2).

    s is the jackknife's error, and at least that of independent synapses, 1 / sqrt(n) for n pairs,
    which a handful of neurons may miss by chance. Where the error is not known, for populations of
    less than three neurons, a coefficient is 0.

    Args:
        tau: measured coefficients.
        errors: their standard errors; NaN where they are not known.
        sizes: neurons of the populations.
    """
    least = errors_of_independence(sizes)
    return Motifs(
        *(_class(*(np.asarray(v) for v in own)) for own in zip(tau, errors, least, strict=True))
    )


def _class(y: np.ndarray, jackknife: np.ndarray, least: np.ndarray) -> np.ndarray:
    known = np.isfinite(jackknife) & np.isfinite(least)
    square = np.maximum(np.where(known, jackknife, 1.0), np.where(known, least, 1.0)) ** 2
    there = known & (y != 0)  # blocks that are empty say nothing of the others
    A = prior_variance(y[there], square[there])
    return np.where(there, y * (A / (A + square)), 0.0)


def prior_variance(y: np.ndarray, square: np.ndarray) -> float:
    """A at which y, of the variances A + square, are likeliest; 0 where that is below 0.

    The derivative of the log-likelihood, sum (y^2 / (A + s^2) - 1) / (A + s^2) / 2, is followed
    upwards from 0 to the first root at which it falls.
    """

    def slope(A: float) -> float:
        total = A + square
        return float(np.sum((y**2 / total - 1) / total))

    if not len(y) or slope(0.0) <= 0:
        return 0.0
    low, high = 0.0, float(np.max(y**2))  # above the largest square every term is negative
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return high


def errors_of_independence(sizes: Sequence[int]) -> Motifs:
    """1 / sqrt(number of pairs of synapses) that each coefficient is an average of.

    Products of independent synapses are uncorrelated with each other. Infinite where there is no
    pair.
    """
    n, P = np.asarray(sizes, dtype=float), len(sizes)
    own = np.eye(P)
    others = n[None, :] - own  # neurons of q that are not a given one of p
    both = others[:, :, None] * (others[:, None, :] - own[None])
    ends = n[:, None, None] * both / (1 + own[None])  # a pair of synapses counts once
    chains = (n[:, None, None] * both).transpose(1, 0, 2)
    partners = n[:, None] * others / (1 + own)
    with np.errstate(divide="ignore"):
        return Motifs(*(1 / np.sqrt(np.maximum(v, 0)) for v in (ends, ends, chains, partners)))
