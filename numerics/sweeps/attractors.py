"""How many of the fixed points at each point of a sweep are stable."""

from __future__ import annotations

from ...late import xr

GAIN = "bulk_gain"
"""Of the bulk of the spectrum at each fixed point, where a sweep has it."""


def has_stability(dataset: xr.Dataset) -> bool:
    """Whether numbers of a sweep say which fixed points are stable.

    Args:
        dataset: of a sweep.
    """
    there = {"count", "stable"} <= set(dataset.data_vars)
    return there and bool((dataset["stable"].notnull() | (dataset["count"] == 0)).any())


def attractor_counts(dataset: xr.Dataset) -> xr.Dataset:
    """Counts of attractors at each point, NaN where the point failed.

    Args:
        dataset: of a sweep of all fixed points, with `count` and `stable`.

    Returns:
        `attractors`, how many fixed points are stable; `oscillating`, 1 where there are some and
        none is stable; `bulk_unstable`, in how many attractors the bulk grows, where `bulk_gain`
        says so.
    """
    there = dataset["count"].notnull()
    attractors = (dataset["stable"] == 1).sum("point")
    found = {"attractors": attractors, "oscillating": (dataset["count"] > 0) & (attractors == 0)}
    if GAIN in dataset:
        found["bulk_unstable"] = (dataset[GAIN] >= 1).sum("point")
    return xr.Dataset({name: own.where(there) for name, own in found.items()})
