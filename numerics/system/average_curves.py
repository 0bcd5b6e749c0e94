"""A Gaussian average over a range of means, to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ...errors import ParameterError
from ..averages import TOLERANCE
from ..results import Settled
from .one_average import average, latex_of

SHOWN = (0.0, 1.0, 4.0, 16.0)  # variances: the function itself, and standard deviations 1, 2, 4
FAR, POINTS = 100.0, 401  # where a function is looked at for its features; means of a curve
EVERYWHERE = (-4.0, 4.0)  # the range for a function that bends everywhere or nowhere


@dataclass(frozen=True, eq=False, repr=False)
class AverageCurves(Settled):
    """A Gaussian average over means, a curve for each variance; `curves` makes it.

    Args:
        dataset: `average` over (variance, mu) and `function` over mu; `attrs` has the function's
            name, expression and LaTeX.
    """

    dataset: xr.Dataset

    @property
    def title(self) -> str:
        """Of which function."""
        return f"Gaussian average of f(x) = {self.dataset.attrs['expression']} over its mean"


def curves(
    function: Any,
    variances: Sequence[float] = SHOWN,
    span: tuple[float, float] | None = None,
    *,
    parameters: Mapping[str, float] | None = None,
    tolerance: float = TOLERANCE,
) -> AverageCurves:
    """The average over the mean, for some variances, and the function itself.

    Args:
        function: as `average` takes it.
        variances: one curve each.
        span: smallest and largest mean; by default where the function bends, and two standard
            deviations more.
        parameters: the function's parameters by name.
        tolerance: of quadrature, as `average` takes it.

    Returns:
        `average` over (variance, mu) and `function` over mu; its picture is `plots.averages`.

    Raises:
        ExpressionError: as `average`.
        ParameterError: as `average`, and for a span that does not increase.
    """
    widest = float(np.sqrt(max([v for v in variances if v > 0], default=0.0)))
    if span is None:
        wide = np.linspace(-FAR, FAR, 20001)
        at = average(function, wide, 0.0, parameters=parameters, tolerance=tolerance).values
        low, high = _features(wide, at)
        span = (low - 2 * widest, high + 2 * widest)
    if not (np.all(np.isfinite(span)) and span[0] < span[1]):
        raise ParameterError(
            f"the range of means must be two increasing numbers, not {span[0]:g}, {span[1]:g}"
        )
    mu = np.linspace(*span, POINTS)
    rows = np.reshape([*variances, 0.0], (-1, 1))
    found = average(function, mu, rows, parameters=parameters, tolerance=tolerance)
    f = found.function
    data = {"average": (("variance", "mu"), found.values[:-1])}
    attrs = {"name": f.name, "expression": str(f.with_defaults), "latex": latex_of(f.with_defaults)}
    return AverageCurves(
        xr.Dataset(
            data | {"function": ("mu", found.values[-1])},
            coords={"variance": list(variances), "mu": mu},
            attrs=attrs,
        )
    )


def _features(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Where most of the curvature of a function is.

    It is (-4, 4) when it is everywhere, or the function goes on rising exponentially. Of one that
    rises as a power of x: the curvature on a scale that is logarithmic where it is large.
    """
    with np.errstate(all="ignore"):
        sizes = [float(np.max(np.abs(y[np.abs(x) <= reach]))) for reach in (2.0, FAR / 2, FAR)]
        # more than threefold from half way: a power of x, and not an exponential
        if 3 * sizes[1] < sizes[2] < 1e9 * (1 + sizes[0]):
            y = np.arcsinh(y / (sizes[0] or 1.0))
        bend = np.abs(np.diff(y, 2))
    total = np.cumsum(bend)
    if not (np.isfinite(total[-1]) and total[-1] > 1e-9 * np.max(np.abs(y))):
        return EVERYWHERE
    low, high = (float(x[1 + np.searchsorted(total, part * total[-1])]) for part in (0.25, 0.75))
    if max(-low, high) > 0.9 * FAR:
        return EVERYWHERE
    pad = max(high - low, 0.5)
    return low - pad, high + pad
