"""Chi-squared tests of a theory's mean and spread against ensembles of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from ...errors import ParameterError
from ..linear import whitening
from ..results import Code, Result, Status

SECOND_ORDER, MOST = 4.0, 0.5
"""Combinations of quantities whose variance is below 4 / N_p of what single ones have (N_p: the
smallest population; never above half) vary by what the leading order in 1/N leaves out."""
STANDARD_ERRORS = 4.0  # a true theory is off by as much once in 16,000 quantities


@dataclass(frozen=True, repr=False, eq=False)
class Verdict(Result):
    """p-values of a theory, made by `judge`.

    Args:
        p_mean: of the ensemble's mean.
        p_spread: of its covariance, two-sided.
        p_value: of both, 1 - (1 - min)^2.
        level: below which a theory is rejected: the probability to reject a true one.
        chi2_mean: chi-squared of the mean, with `rank` degrees of freedom.
        rank: combinations of quantities that are judged.
        chi2_spread: chi-squared of the covariance, with `degrees` degrees of freedom.
        degrees: of freedom of the covariance.
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
    def title(self) -> str:
        """What was judged."""
        return "theory against ensembles of networks"

    @property
    def passed(self) -> bool:
        """Whether the theory is not rejected."""
        return bool(self.p_value >= self.level)

    @property
    def status(self) -> Status:
        """Ok unless the theory is rejected."""
        if self.passed:
            return Status()
        return Status(f"rejected: p = {self.p_value:.2g} < {self.level:g}", Code.REJECTED)

    @property
    def dataset(self) -> xr.Dataset:
        """All numbers, without dimensions."""
        return xr.Dataset(self.json())

    def rows(self) -> list[dict[str, Any]]:
        """One row."""
        return [self.json()]

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def judge(
    samples: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    covariances: Sequence[np.ndarray],
    sizes: Sequence[int],
    smallest: Sequence[int],
    level: float = 0.01,
) -> Verdict:
    """Test ensembles of networks at several sizes N against a theory of their mean and spread.

    Of several sizes, the mean difference is extrapolated to infinite N by least squares in 1/N; the
    spreads of all sizes are put together. Quantities that are functions of each other make the
    covariance degenerate: combinations whose variance, in units of the single quantities', is below
    4 over the neurons of the smallest population are left out, because the leading order in 1/N
    does not know them.

    Args:
        samples: of each size, (networks, quantities).
        expected: their mean at each size, (quantities,).
        covariances: from network to network at each size, of order 1/N, (quantities, quantities).
        sizes: neurons N.
        smallest: neurons of the smallest population at each size.
        level: probability to reject a true theory.

    Returns:
        p-values of the mean, of the spread, and of both.

    Raises:
        ParameterError: a level outside of 0 to 1, or fewer than two networks.
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
    p_value = float(1 - (1 - min(p_mean, p_spread)) ** 2)
    return Verdict(p_mean, p_spread, p_value, float(level), chi2_mean, rank, chi2_spread, degrees)


def check_level(level: float) -> None:
    """Raise `ParameterError` unless it is a probability between 0 and 1."""
    if not 0 < level < 1:
        raise ParameterError(
            f"level = {level} is the probability to reject a true theory: it must be between 0 "
            "and 1"
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


def student_threshold(degrees: int) -> float:
    """Estimated standard errors that are as improbable as 4 known ones, by degrees of freedom."""
    return float(stats.t.isf(stats.norm.sf(STANDARD_ERRORS), degrees))


def extrapolation(sizes: Sequence[int]) -> np.ndarray:
    """Weights that make of values at sizes N their limit by least squares in 1/N.

    The values' errors are of order 1/sqrt(N). The weight of a single size is 1.
    """
    N = np.asarray(sizes, dtype=float)
    if len(N) == 1:
        return np.ones(1)
    design = np.stack([np.ones_like(N), 1 / N], axis=1)
    return np.linalg.solve(design.T @ (N[:, None] * design), design.T * N)[0]
