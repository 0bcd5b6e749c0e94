"""Every kind of result has a picture, or an error that says what to draw instead."""

import importlib
import pkgutil
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

import motifield.numerics
from motifield.numerics.continuation import LimitCycles
from motifield.numerics.plots import confirmation, draw_result
from motifield.numerics.plots.drawings import DRAWINGS
from motifield.numerics.results import OK, Collection, Noted, Result, Saved, Settled, Solution

# What `load` reads, time courses and averages are drawn from their datasets; the last ones are
# numbers, which tables show.
FROM_DATASETS = {"AverageCurves", "Averaged", "Saved", "Simulation", "Trajectory"}
NO_PICTURE = {
    "CavityDistribution",
    "FiniteSize",
    "FixedPointBatch",
    "FixedPointOfEach",
    "NetworkExponent",
    "Posterior",
    "Spectral",
    "Statistics",
    "StationaryNetworks",
    "TrajectoryBatch",
    "Verdict",
}


def results():
    """All classes of results in the rooms."""
    found = {Saved}
    for room in pkgutil.iter_modules(motifield.numerics.__path__):
        face = importlib.import_module(f"motifield.numerics.{room.name}")
        for thing in vars(face).values():
            if isinstance(thing, type) and issubclass(thing, Result):
                found.add(thing)
    return found - {Result, Settled, Solution, Collection, Noted}


def test_every_kind_of_result_has_a_picture_or_is_known_to_have_none():
    without = {kind.__name__ for kind in results() if kind not in draw_result.registry}
    assert without <= FROM_DATASETS | NO_PICTURE
    assert {"Branches", "Fit", "Stability"} <= {kind.__name__ for kind in DRAWINGS}


def saved(**variables):
    coords = {"time": [0.0, 1.0, 2.0], "population": ["E", "I"]}
    return Saved("made", OK, xr.Dataset(variables, coords=coords))


def courses():
    values = np.arange(6.0).reshape(3, 2)
    names = ("mean", "variance", "rate")
    return {name: (("time", "population"), values + k) for k, name in enumerate(names)}


def test_time_courses_that_were_read_are_drawn():
    figure = saved(**courses()).plot()
    assert isinstance(figure, Figure)
    assert [ax.get_ylabel() for ax in figure.axes][2] == "mean rate $R$"
    assert [line.get_ydata().tolist() for line in figure.axes[2].lines] == [[2, 4, 6], [3, 5, 7]]
    covariance = (("time", "time2", "population"), np.zeros((3, 3, 2)))
    two_times = saved(**courses(), covariance=covariance).plot()
    assert two_times.axes[1].get_ylabel() == "variance of input $C(t, t)$"


def test_what_has_no_picture_says_what_to_draw():
    with pytest.raises(NotImplementedError, match=r"no picture of this Saved.* its dataset, mean,"):
        saved(mean=("population", [1.0, 2.0])).plot()
    with pytest.raises(NotImplementedError, match="dict is no result of a verb"):
        draw_result({})


def test_cycles_have_a_smallest_and_a_largest_value(monkeypatch):
    """Of three cycles, the last two are unstable: dotted."""
    each = ("cycle", "population")
    ends = {
        f"{what}_{end}": (each, [[1.0, 2.0], [1.5, 2.5], [2.0, 3.0]])
        for what in ("mean", "variance", "rate")
        for end in ("min", "max")
    }
    data = xr.Dataset(
        {"value": ("cycle", [0.1, 0.2, 0.3]), "stable": ("cycle", [True, False, False]), **ends},
        coords={"population": ["E", "I"]},
    )
    monkeypatch.setattr(LimitCycles, "__init__", lambda self: None)
    cycles = LimitCycles()
    for name, value in {"name": "input", "dataset": data}.items():
        object.__setattr__(cycles, name, value)
    figure = draw_result(cycles)
    assert [ax.get_xlabel() for ax in figure.axes] == ["input"] * 3
    assert {line.get_linestyle() for line in figure.axes[0].lines} == {"-", ":"}


def test_networks_that_confirm_a_fit(made_up_fit):
    """Targets in units of the standard error of the networks' mean, red where they do not agree."""
    count = len(made_up_fit.problem.targets)
    z = np.linspace(-4, 4, count)
    found = SimpleNamespace(
        fit=made_up_fit, z=z, agrees=np.abs(z) < 3, threshold=3.0, finite=np.zeros((5, count)), N=9
    )
    (ax,) = confirmation(found).axes
    points = [container[0] for container in ax.containers]
    assert [p.get_xdata()[0] for p in points] == pytest.approx(z)
    assert [p.get_color() for p in points] == ["C2" if abs(v) < 3 else "C3" for v in z]
    assert ax.get_title() == "5 networks of 9 neurons"
