"""What is kept of a verb's numbers at a point, unless a call says otherwise."""

from __future__ import annotations

from ...late import xr


def whole(dataset: xr.Dataset) -> xr.Dataset:
    """All of it: every time of a course, every lag, every minimum of a fit.

    Args:
        dataset: of a result.
    """
    return dataset


def at_the_end(dataset: xr.Dataset) -> xr.Dataset:
    """At the last time.

    Args:
        dataset: over time.
    """
    return dataset.isel(time=-1).drop_vars("time")


def populations_at_the_end(dataset: xr.Dataset) -> xr.Dataset:
    """Populations at the last time: networks of several sizes have these alone in common.

    Args:
        dataset: of `simulate`.
    """
    return at_the_end(dataset.drop_dims(["neuron", "part"], errors="ignore"))


def without_lags(dataset: xr.Dataset) -> xr.Dataset:
    """Numbers of populations and of the whole network: the longest lag is another one elsewhere.

    Args:
        dataset: of `dmft.stationary`.
    """
    return dataset.drop_dims(["lag", "frequency"])


def best_minimum(dataset: xr.Dataset) -> xr.Dataset:
    """The best minimum of a fit: its numbers under their own names, loss and predictions.

    Args:
        dataset: of `fit`.
    """
    best = dataset.drop_dims("coordinate").isel(start=0)
    numbers = best["value"].to_dataset("parameter")
    return numbers.merge(best[["loss", "converged", "prediction"]])
