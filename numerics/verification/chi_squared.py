"""Are differences between theory and an ensemble of networks what a theory of their spread allows? Chi-squared tests and their p-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from ...errors import ParameterError

SECOND_ORDER, MOST = 4.0, 0.5
"""Combinations of quantities whose variance is below this / N_p of what single ones have (N_p: the smallest population) vary by what the leading
order in 1/N leaves out."""


@dataclass(frozen=True)
class Verdict:
    """p-values of a theory; make one with `judge`.

    p_mean: of the ensemble's mean, `chi2_mean` with `rank` degrees of freedom; p_spread: of its covariance, `chi2_spread` with
    `degrees`, two-sided; p_value: of both, 1 - (1 - min)^2; level: below which a theory is rejected, which is the probability to reject
    a true one.
    """

    p_mean: float
    p_spread: float
    p_value: float
    level: float
    chi2_mean: float
    rank: int
    chi2_spread: float
    degrees: int

    @property
    def passed(self) -> bool:
        """Whether the theory is not rejected."""
        return bool(self.p_value >= self.level)

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            k: getattr(self, k)
            for k in (
                "p_mean",
                "p_spread",
                "p_value",
                "level",
                "chi2_mean",
                "rank",
                "chi2_spread",
                "degrees",
            )
        }


def judge(
    samples: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    covariances: Sequence[np.ndarray],
    sizes: Sequence[int],
    smallest: Sequence[int],
    level: float = 0.01,
) -> Verdict:
    """Test ensembles of networks at several sizes N against what they should be.

    samples: (networks, quantities) at each size; expected: their mean, (quantities,); covariances: from network to network, (quantities,
    quantities), of order 1/N; smallest: neurons of the smallest population at each size. Of several sizes, the mean difference is
    extrapolated to infinite N by least squares in 1/N; the spreads of all sizes are put together. Quantities that are functions of each
    other make the covariance degenerate: combinations whose variance, in units of the single quantities', is below 4 over the neurons of
    the smallest population are left out, because the leading order in 1/N does not know them; `rank` are left.
    Raises `ParameterError` for a level outside of 0 to 1, or fewer than two networks.
    """
    check_level(level)
    counts = [len(own) for own in samples]
    if min(counts) < 2:
        raise ParameterError(f"a spread needs at least two networks of each size: {counts}")
    weights = extrapolation(sizes)
    difference = sum(
        w * (own.mean(0) - at) for w, own, at in zip(weights, samples, expected, strict=True)
    )
    error = sum(w**2 * own / n for w, own, n in zip(weights, covariances, counts, strict=True))
    white = whitening(error, least_variance(min(smallest)))
    chi2_mean, rank = float(np.sum((white @ difference) ** 2)), len(white)
    chi2_spread, degrees = 0.0, 0
    for own, covariance, n, count in zip(samples, covariances, smallest, counts, strict=True):
        white = whitening(covariance, least_variance(n))
        chi2_spread += float(np.sum(((own - own.mean(0)) @ white.T) ** 2))
        degrees += (count - 1) * len(white)
    p_mean = float(stats.chi2.sf(chi2_mean, rank))
    p_spread = float(two_sided(chi2_spread, degrees))
    return Verdict(
        p_mean,
        p_spread,
        float(1 - (1 - min(p_mean, p_spread)) ** 2),
        float(level),
        chi2_mean,
        rank,
        chi2_spread,
        degrees,
    )


def check_level(level: float) -> None:
    """Raise `ParameterError` unless it is a probability between 0 and 1."""
    if not 0 < level < 1:
        raise ParameterError(
            f"level = {level} is the probability to reject a true theory: it must be between 0 and 1"
        )


def least_variance(neurons: int) -> float:
    """Of combinations that are kept."""
    return min(SECOND_ORDER / neurons, MOST)


def two_sided(chi2: Any, degrees: int) -> Any:
    """The probability of a chi-squared at least as improbable, on either side."""
    return 2 * np.minimum(stats.chi2.cdf(chi2, degrees), stats.chi2.sf(chi2, degrees))


def as_z(chi2: Any, degrees: int) -> Any:
    """The standard normal number that is as improbable as this chi-squared, on the same side."""
    low, high = stats.chi2.cdf(chi2, degrees), stats.chi2.sf(chi2, degrees)
    return np.where(low < high, stats.norm.ppf(low), stats.norm.isf(high))


def extrapolation(sizes: Sequence[int]) -> np.ndarray:
    """Weights that make of values at sizes N the limit of least squares with errors of order 1/sqrt(N); 1 where there is one size."""
    N = np.asarray(sizes, dtype=float)
    if len(N) == 1:
        return np.ones(1)
    design = np.stack([np.ones_like(N), 1 / N], axis=1)
    return np.linalg.solve(design.T @ (N[:, None] * design), design.T * N)[0]


def whitening(covariance: np.ndarray, smallest: float) -> np.ndarray:
    """W with W C W^T = 1 on the combinations of quantities whose variance is at least `smallest`, in units of single ones: (rank, quantities)."""
    deviations = np.sqrt(np.diag(covariance))
    varies = deviations > 0
    scale = np.where(varies, deviations, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    kept = values >= smallest
    return (vectors[:, kept] / np.sqrt(values[kept])).T / scale
