"""A result that nothing computes, and a figure of many points."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from motifield.numerics.results import OK, Result, Status


@dataclass(frozen=True, repr=False)
class Numbers(Result):
    """Numbers with a title and a status."""

    title: str = "Some <numbers>"
    status: Status = OK
    count: int = 3
    system: Any = None

    @property
    def dataset(self):
        return xr.Dataset({"depth": ("place", np.arange(self.count) / 7)})


@pytest.fixture(scope="session")
def numbers():
    """Makes results."""
    return Numbers


@pytest.fixture(scope="session")
def cloud():
    """Makes figures of clouds of points with a curve."""

    def made(count):
        figure = Figure(figsize=(4, 3))
        x, y = np.random.default_rng(0).normal(size=(2, count))
        ax = figure.subplots()
        ax.scatter(x, y)
        ax.plot([-2, 2], [0, 1], lw=2)
        ax.set(xlabel="$x$", ylabel="depth")
        return figure

    return made
