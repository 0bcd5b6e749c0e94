"""Families of distributions of a synapse, from which a mean and a variance pick one.

Each distribution is kept as its quantiles of a standard normal variable, x = F^-1(Phi(z)), which
increases with z: Gaussian fields with the right correlations then give synapses with the right
motifs. Families of one sign take it from the mean, so that the synapses of an inhibitory population
are all negative (Dale's law).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp

from ...errors import InfeasibleStatisticsError, ParameterError

REACH, POINTS = 9.0, 18001
"""Standard deviations that a table of quantiles spans, and its points.

Linear between them, which is exact to about 1e-7 of the spread.
"""

EXPONENTIAL = 100.0
"""Truncation, in standard deviations beyond the mean, at which the law is exponential to 1e-4;
differences of hazards lose their digits beyond."""

EQUAL = 1e-6
"""Relative difference that counts as none, of a variance from the only one of a family."""


@dataclass(frozen=True, eq=False)
class Quantiles:
    """x = F^-1(Phi(z)) of one distribution, elementwise and increasing.

    of_normal: the function; mean, variance: of the distribution; breaks: the z at which the
    function or its slope jumps.
    """

    of_normal: Callable[[np.ndarray], np.ndarray]
    mean: float
    variance: float
    breaks: tuple[float, ...] = ()

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return self.of_normal(z)

    def reflected(self) -> Quantiles:
        """The distribution of -x."""
        return Quantiles(
            lambda z: -self.of_normal(-z), -self.mean, self.variance, tuple(-z for z in self.breaks)
        )


class Marginal(ABC):
    """A family of distributions of one synapse.

    Final classes implement `positive`, or `quantiles` where the family has both signs; `one_signed`
    is whether a synapse has the sign of its mean.
    """

    one_signed: bool = True

    @property
    def squared_cv(self) -> float | None:
        """variance / mean^2 of every member, None where it can be chosen."""
        return None

    def quantiles(self, mean: float, variance: float) -> Quantiles:
        """The member of the family with this mean and variance.

        Raises `InfeasibleStatisticsError` with the reason where there is none.
        """
        if self.squared_cv is not None and abs(variance - self.squared_cv * mean**2) > EQUAL * max(
            variance, self.squared_cv * mean**2
        ):
            raise InfeasibleStatisticsError(
                f"{type(self).__name__} with mean {mean:.6g} has the variance "
                f"{self.squared_cv * mean**2:.6g} and no other, {variance:.6g} is asked for: "
                "choose g (dense) or the probability (sparse) accordingly, or a family of two "
                "parameters"
            )
        if variance == 0:
            return _constant(mean)
        if mean == 0:
            raise InfeasibleStatisticsError(
                f"{type(self).__name__} has one sign, so that its mean cannot be 0 with the "
                f"variance {variance:.6g}: give a mean, or use marginals.Gaussian"
            )
        positive = self.positive(abs(mean), variance)
        return positive if mean > 0 else positive.reflected()

    @abstractmethod
    def positive(self, mean: float, variance: float) -> Quantiles:
        """The member with mean > 0 and variance > 0."""


@dataclass(frozen=True)
class Gaussian(Marginal):
    """N(mean, variance): synapses of both signs."""

    one_signed = False

    def quantiles(self, mean, variance):
        deviation = math.sqrt(variance)  # a Python number, so that z keeps its dtype
        return (
            _constant(mean)
            if variance == 0
            else Quantiles(lambda z: mean + deviation * z, mean, variance)
        )

    def positive(self, mean, variance):
        return self.quantiles(mean, variance)


@dataclass(frozen=True)
class _Shaped(Marginal):
    """A family of one sign.

    With a coefficient of variation `cv` = standard deviation / |mean| > 0 it has one number less.
    """

    cv: float | None = None

    def __post_init__(self) -> None:
        if self.cv is not None and not (np.isfinite(self.cv) and self.cv > 0):
            raise ParameterError(
                f"cv = {self.cv} must be a positive number, or None: mean and variance then decide "
                "it"
            )

    @property
    def squared_cv(self) -> float | None:
        return None if self.cv is None else float(self.cv) ** 2


@dataclass(frozen=True)
class Lognormal(_Shaped):
    """|J| = exp(m + s Z), Z standard normal.

    s^2 = log(1 + variance / mean^2), m = log|mean| - s^2 / 2.
    """

    def positive(self, mean, variance):
        s = math.sqrt(math.log1p(variance / mean**2))
        scale = mean * math.exp(-s * s / 2)
        return Quantiles(lambda z: scale * np.exp(s * z), mean, variance)


@dataclass(frozen=True)
class Gamma(_Shaped):
    """|J| gamma-distributed with the shape mean^2 / variance and the scale variance / |mean|."""

    def positive(self, mean, variance):
        law = stats.gamma(mean**2 / variance, scale=variance / mean)
        return _tabulated(
            lambda z: np.where(z < 0, law.ppf(ndtr(z)), law.isf(ndtr(-z))), mean, variance
        )


@dataclass(frozen=True)
class TruncatedGaussian(_Shaped):
    """|J| distributed as a normal variable that is known to be positive.

    Its standard deviation is less than its mean. For the normal variable N(m, s^2) and the hazard
    h = density / P(> a) at a = -m / s, the mean is s (h - a) and the variance s^2 (1 - h (h - a)):
    their ratio gives a.
    """

    def positive(self, mean, variance):
        asked, most = variance / mean**2, _truncated_squared_cv(EXPONENTIAL)
        if asked > most:
            raise InfeasibleStatisticsError(
                f"a truncated Gaussian with mean {mean:.6g} has a variance below "
                f"{most * mean**2:.6g}, {variance:.6g} is asked for: lower g, or use "
                "marginals.Gamma or marginals.Lognormal"
            )
        a = float(
            brentq(
                lambda a: _truncated_squared_cv(a) - asked,
                -10 - 1 / np.sqrt(asked),
                EXPONENTIAL,
                xtol=1e-13,
            )
        )
        scale = mean / (_hazard(a) - a)
        return _tabulated(
            lambda z: scale * np.maximum(-ndtri_exp(log_ndtr(-z) + log_ndtr(-a)) - a, 0),
            mean,
            variance,
        )


@dataclass(frozen=True)
class Constant(Marginal):
    """All synapses equal. Sparse networks of such synapses have a variance by their absent ones."""

    @property
    def squared_cv(self) -> float | None:
        return 0.0

    def positive(self, mean, variance):
        return _constant(mean)


@dataclass(frozen=True)
class Histogram(Marginal):
    """A measured distribution, such as amplitudes of postsynaptic potentials: uniform within bins.

    Args:
        edges: of the bins, increasing, (n + 1,).
        counts: in the bins, of any scale, (n,).
        shifted: False: amplitudes are multiplied by a number, and their ratio of variance to
            squared mean stays as measured; all of one sign then. True: they are also shifted, so
            that every mean and variance is reached with the measured shape, in both signs.

    Raises:
        ParameterError: edges that do not increase, negative counts, or, unless shifted, amplitudes
            of both signs.
    """

    edges: Sequence[float]
    counts: Sequence[float]
    shifted: bool = False

    def __post_init__(self) -> None:
        edges, counts = np.asarray(self.edges, dtype=float), np.asarray(self.counts, dtype=float)
        if (
            edges.ndim != 1
            or counts.shape != (len(edges) - 1,)
            or not np.all(np.diff(edges) > 0)
            or not np.all(np.isfinite(edges))
        ):
            raise ParameterError(
                f"a histogram needs n + 1 increasing edges of n counts: shapes {edges.shape} and "
                f"{counts.shape}"
            )
        if not np.all(counts >= 0) or not np.isfinite(counts.sum()) or counts.sum() == 0:
            raise ParameterError("counts of a histogram must be numbers, at least 0, and not all 0")
        if not self.shifted and edges[0] < 0 < edges[-1]:
            raise ParameterError(
                f"amplitudes from {edges[0]:.6g} to {edges[-1]:.6g} have both signs: give those of "
                "one sign, or shifted=True"
            )

    @property
    def one_signed(self) -> bool:  # type: ignore[override]
        return not self.shifted

    @property
    def squared_cv(self) -> float | None:
        mean, variance = self._moments()
        return None if self.shifted else variance / mean**2

    def quantiles(self, mean, variance):
        if not self.shifted:
            return super().quantiles(mean, variance)
        deviation = np.sqrt(self._moments()[1])
        return (
            _constant(mean)
            if variance == 0
            else self._affine(np.sqrt(variance) / deviation, mean, variance)
        )

    def positive(self, mean, variance):
        own = self._moments()[0]
        measured = self._affine(mean / abs(own), np.copysign(mean, own), variance)
        return measured if own > 0 else measured.reflected()

    def _moments(self) -> tuple[float, float]:
        edges, counts = np.asarray(self.edges, dtype=float), np.asarray(self.counts, dtype=float)
        share, middle, width = counts / counts.sum(), (edges[1:] + edges[:-1]) / 2, np.diff(edges)
        mean = float(share @ middle)
        return mean, float(share @ ((middle - mean) ** 2 + width**2 / 12))

    def _affine(self, scale: float, mean: float, variance: float) -> Quantiles:
        edges, counts = np.asarray(self.edges, dtype=float), np.asarray(self.counts, dtype=float)
        filled = counts > 0
        # by bins that hold something, so that a gap is a jump and not a slope
        below = np.cumsum(counts[filled]) / counts.sum()
        start = np.concatenate([[0.0], below[:-1]])
        cdf, at = (
            np.stack([start, below], 1).ravel(),
            np.stack([edges[:-1][filled], edges[1:][filled]], 1).ravel(),
        )
        values = mean + scale * (at - self._moments()[0])
        return Quantiles(
            lambda z: np.interp(ndtr(z), cdf, values).astype(np.asarray(z).dtype, copy=False),
            mean,
            variance,
            tuple(ndtri(below[:-1]).tolist()),
        )


def by_block(marginal: Any, populations: Sequence[str]) -> list[list[Marginal]]:
    """`[p][q]`: the family of the synapses from q onto p.

    marginal: one family for all or a mapping {target: {source: family}}. Raises `ParameterError`.
    """
    if isinstance(marginal, Marginal):
        return [[marginal] * len(populations) for _ in populations]
    if isinstance(marginal, Mapping) and set(marginal) == set(populations):
        rows = [marginal[p] for p in populations]
        if all(isinstance(row, Mapping) and set(row) == set(populations) for row in rows):
            blocks = [[row[q] for q in populations] for row in rows]
            if all(isinstance(block, Marginal) for row in blocks for block in row):
                return blocks
    raise ParameterError(
        "a marginal is one of marginals.*, or {target: {source: one}} for all of "
        f"{list(populations)}: {marginal!r}"
    )


def fit(
    families: list[list[Marginal]],
    populations: Sequence[str],
    mean: np.ndarray,
    variance: np.ndarray,
) -> list[list[Quantiles]]:
    """`[p][q]`: the member of each family with these means and variances, (P, P).

    Raises `InfeasibleStatisticsError`, which names the block, where there is none, and where
    families of one sign give a source population synapses of both signs (Dale's law).
    """
    _check_signs(families, populations, mean)
    made: list[list[Quantiles]] = []
    for p, row in enumerate(families):
        made.append([])
        for q, family in enumerate(row):
            try:
                made[-1].append(family.quantiles(float(mean[p, q]), float(variance[p, q])))
            except InfeasibleStatisticsError as error:
                raise InfeasibleStatisticsError(
                    f"synapses {populations[p]} <- {populations[q]}: {error}"
                ) from None
    return made


def _check_signs(
    families: list[list[Marginal]], populations: Sequence[str], mean: np.ndarray
) -> None:
    for q, source in enumerate(populations):
        signed = [p for p, row in enumerate(families) if row[q].one_signed and mean[p, q] != 0]
        if len({np.sign(mean[p, q]) for p in signed}) > 1:
            means = ", ".join(f"{populations[p]} <- {source}: {mean[p, q]:.4g}" for p in signed)
            raise InfeasibleStatisticsError(
                f"population {source} would make synapses of both signs, which Dale's law forbids "
                f"({means}): give its means one sign, or use marginals.Gaussian"
            )


def _constant(mean: float) -> Quantiles:
    return Quantiles(lambda z: np.full_like(z, mean), mean, 0.0)


def _tabulated(
    of_normal: Callable[[np.ndarray], np.ndarray], mean: float, variance: float
) -> Quantiles:
    values = of_normal(np.linspace(-REACH, REACH, POINTS))
    slopes = np.append(np.diff(values), 0.0)

    def interpolated(z: np.ndarray) -> np.ndarray:
        # on equal steps, many times faster than a search
        dtype = np.asarray(z).dtype
        steps = (np.clip(z, -REACH, REACH) + REACH) * ((POINTS - 1) / (2 * REACH))
        below = steps.astype(np.int32)
        steps -= below
        return values.astype(dtype)[below] + steps * slopes.astype(dtype)[below]

    return Quantiles(interpolated, mean, variance)


def _hazard(a: float) -> float:
    return float(np.exp(stats.norm.logpdf(a) - log_ndtr(-a)))


def _truncated_squared_cv(a: float) -> float:
    beyond = _hazard(a) - a
    return (1 - _hazard(a) * beyond) / beyond**2
