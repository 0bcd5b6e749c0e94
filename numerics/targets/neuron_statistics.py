"""Statistics across neurons of many resamples at once; neurons without a rate are NaN."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...errors import ParameterError
from .table import QUANTITIES, Row


def statistic(row: Row, rates: Mapping[str, np.ndarray]) -> np.ndarray:
    """One statistic of every resample, (resamples,).

    Args:
        row: of targets, whose quantity and conditions it has.
        rates: by condition, (resamples, neurons); neurons without a rate, NaN, are left out.

    Raises:
        ParameterError: the quantity cannot be computed from single neurons.
    """
    x = rates[row["condition"]]
    match row["quantity"]:
        case "rate_mean":
            return _mean(x)
        case "rate_sd":
            return np.sqrt(_covariance(x, x))
        case "rate_quantile":
            return _quantile(x, row["level"])
        case "rate_correlation":
            x, y = _paired(x, rates[row["against"]])
            return _ratio(_covariance(x, y), np.sqrt(_covariance(x, x) * _covariance(y, y)))
        case "rate_change":
            x, y = _paired(x, rates[row["against"]])
            return _mean(x) - _mean(y)
    raise ParameterError(
        f"{row['quantity']!r} cannot be computed from single neurons; there are "
        f"{', '.join(QUANTITIES)}"
    )


def _paired(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    both = np.isfinite(x) & np.isfinite(y)
    return np.where(both, x, np.nan), np.where(both, y, np.nan)


def _mean(x: np.ndarray) -> np.ndarray:
    there = np.isfinite(x)
    return _ratio(np.sum(np.where(there, x, 0.0), axis=1), there.sum(axis=1))


def _covariance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    there = np.isfinite(x)
    dx, dy = (np.where(there, v - _mean(v)[:, None], 0.0) for v in (x, y))
    return _ratio(np.sum(dx * dy, axis=1), there.sum(axis=1) - 1)


def _quantile(x: np.ndarray, level: float) -> np.ndarray:
    """Linear between the order statistics, as `numpy.quantile`."""
    counts = np.isfinite(x).sum(axis=1)
    ordered = np.sort(x, axis=1)  # NaN last
    at = np.maximum(level * (counts - 1), 0)
    low = np.floor(at).astype(int)
    here, above = (
        np.take_along_axis(ordered, k[:, None], axis=1)[:, 0]
        for k in (low, np.minimum(low + 1, np.maximum(counts - 1, 0)))
    )
    return here + (at - low) * (above - here)


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.full(np.shape(a), np.nan), where=b > 0)
