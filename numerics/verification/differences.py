"""Differences between theory and ensembles of networks, extrapolated to infinite networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from .chi_squared import Verdict, as_z, judge
from .fluctuations import FiniteSize

QUANTITIES = ("mean", "variance", "rate")
SIDE_BY_SIDE: Any = {
    "data_vars": "all",
    "coords": "minimal",
    "compat": "override",
    "join": "override",
}


def relative_errors(theory: np.ndarray, network: np.ndarray) -> np.ndarray:
    """|theory - network| / |network|.

    0 where both are 0, infinite where the network alone is, NaN where one is not known.
    """
    off = np.abs(theory - network)
    infinite = np.where(off > 0, np.inf, off)
    return np.divide(off, np.abs(network), out=infinite, where=network != 0)


def at_the_end(data: xr.Dataset) -> xr.DataArray:
    """The quantities that are judged, at the last time."""
    return data[list(QUANTITIES)].isel(time=-1).to_dataarray("quantity").drop_vars("time")


def differences(
    theory: xr.Dataset, ensemble: xr.Dataset, predictions: Sequence[FiniteSize] = ()
) -> xr.Dataset:
    """What theory and networks of each size have at the last time, and how they differ.

    Errors are predicted ones where there are predictions, whose bias is taken off the difference;
    else they are estimated from the networks.
    """
    quantity = xr.DataArray(list(QUANTITIES), dims="quantity", name="quantity")
    expected, seen = (at_the_end(d).assign_coords(quantity=quantity) for d in (theory, ensemble))
    n, count = seen["size"].astype(float), seen.sizes["network"]
    variance = seen.var("network", ddof=1)
    # one variance for all sizes, as it scales as 1/N: pooling makes it reliable with few networks
    error = ((n * variance).mean("size") / (n * count)) ** 0.5
    difference = seen.mean("network") - expected
    made = {
        "theory": expected,
        "network": seen.mean("network"),
        "spread": ((seen - expected) ** 2).mean("network") ** 0.5,
    }
    if predictions:
        names = list(QUANTITIES)
        for name, own in (("bias", "bias"), ("predicted_spread", "spread")):
            each = [getattr(p, own).sel(quantity=names) for p in predictions]
            made[name] = xr.concat(each, seen["size"])
        error, difference = made["predicted_spread"] / np.sqrt(count), difference - made["bias"]
        scores = (count - 1) * variance / made["predicted_spread"] ** 2
        made["spread_z"] = scores.copy(data=as_z(scores.values, count - 1))
    made["error"] = error
    made["limit"], made["limit_error"] = extrapolate(difference, error)
    if predictions and len(n) > 1:
        made["slope"], made["slope_error"] = extrapolate(difference * n, error * n, n)
    made["trend"] = made["limit"] * np.nan
    if len(n) > 1:
        made["trend"] = _slope(xr.ufuncs.log(n), xr.ufuncs.log(made["spread"]))
    return xr.Dataset(made)


def judged(
    summary: xr.Dataset, ensemble: xr.Dataset, predictions: Sequence[FiniteSize], level: float
) -> Verdict:
    """Are the differences what the predictions allow?"""
    order = ("quantity", "population")
    last = at_the_end(ensemble).transpose("size", "network", *order).values
    expected = (summary["theory"] + summary["bias"]).transpose("size", *order).values
    return judge(
        [own.reshape(len(own), -1) for own in last],
        [own.ravel() for own in expected],
        [own.matrix(QUANTITIES) for own in predictions],
        [int(n) for n in ensemble["size"].values],
        [min(own.sizes) for own in predictions],
        level,
    )


def extrapolate(
    difference: xr.DataArray, error: xr.DataArray, x: xr.DataArray | None = None
) -> tuple[xr.DataArray, xr.DataArray]:
    """Weighted least squares of difference = limit + slope x: the limit and its standard error.

    x is 1/N unless given.
    """
    x = 1.0 / difference["size"].astype(float) if x is None else x
    w = 1.0 / xr.where(error > 0, error, 1.0) ** 2
    if difference.sizes["size"] == 1:
        return difference.isel(size=0, drop=True), error.isel(size=0, drop=True)
    s0, s1, s2 = w.sum("size"), (w * x).sum("size"), (w * x * x).sum("size")
    determinant = s0 * s2 - s1**2
    limit = s2 * (w * difference).sum("size") - s1 * (w * x * difference).sum("size")
    return limit / determinant, np.sqrt(s2 / determinant)


def _slope(x: xr.DataArray, y: xr.DataArray) -> xr.DataArray:
    centred = x - x.mean("size")
    return (centred * y).sum("size") / (centred**2).sum("size")
