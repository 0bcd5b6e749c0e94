"""Time courses of populations."""

import numpy as np
import xarray as xr

from motifield.numerics.plots import trajectories


def test_equal_curves_are_seen_beneath_each_other():
    time = np.linspace(0, 1, 5)
    each = np.stack([time, time, 1 - time, np.full(5, np.inf)], axis=1)
    names = {"population": list("EISV"), "time": time}
    variables = dict.fromkeys(("mean", "variance", "rate"), (("time", "population"), each))
    figure = trajectories(xr.Dataset(variables, coords=names))
    E, I, S, silent = (line.get_linewidth() for line in figure.axes[0].get_lines())
    assert E > I == S == silent
