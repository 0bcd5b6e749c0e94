"""Curves that are equal are all seen, in every picture of courses."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from motifield.numerics.plots import averages, dmft_courses, trajectories
from motifield.numerics.plots.covered import uncover

TIME = np.linspace(0, 1, 41)


def courses(each, time=TIME):
    """The same courses as means, variances and rates, a column per population."""
    coords = {"population": list("EISVXYZ")[: each.shape[1]], "time": time}
    variables = dict.fromkeys(("mean", "variance", "rate"), (("time", "population"), each))
    return xr.Dataset(variables, coords=coords)


def widths(ax):
    return [line.get_linewidth() for line in ax.get_lines()]


def drawn(*lines, **settings):
    """Widths of lines (x, y, style) on axes of their own, by how much they have grown."""
    ax = Figure().subplots()
    for x, y, style in lines:
        ax.plot(x, y, lw=1, **style)
    ax.set(**settings)
    uncover(ax)
    return [width - 1 for width in widths(ax)]


def test_equal_populations_are_seen_beneath_each_other():
    each = np.stack([TIME, TIME, 1 - TIME, np.full(len(TIME), np.inf)], axis=1)
    E, I, S, silent = widths(trajectories(courses(each)).axes[0])
    assert E > I == S == silent


def test_equal_theories_are_seen_beneath_each_other():
    """Two equal populations, and a closure that is exact, on times of its own."""
    each, own = np.stack([TIME] * 2, axis=1), np.linspace(0, 1, 7)
    closure = courses(np.stack([own] * 2, axis=1), own)
    lines = dmft_courses(courses(each), {"SecondMoment": closure}).axes[0].get_lines()
    assert [line.get_linestyle() for line in lines] == ["-", "--"] * 2
    E, E_closure, I, I_closure = (line.get_linewidth() for line in lines)
    # the theory of I covers what is of E, and dashes cover dashes
    assert E > I
    assert E_closure > I > I_closure
    assert lines[1].get_color() != lines[0].get_color()  # dashes on a line are seen


def test_what_differs_is_as_it_was():
    black = {"color": "k"}
    assert drawn((TIME, TIME, black), (TIME, TIME + 0.02, black)) == [0, 0]
    # seen through the gaps of dashes in another colour
    assert drawn((TIME, TIME, black), (TIME, TIME, {"color": "r", "ls": "--"})) == [0, 0]
    # goes on where the one above ends
    assert drawn((TIME, TIME, black), (TIME[:20], TIME[:20], black)) == [0, 0]


@pytest.mark.parametrize("style", [{"ls": "-"}, {"ls": ":"}, {"color": "k", "ls": "--"}])
def test_what_is_covered_is_wider(style):
    below = {"color": "k", "ls": ":" if style["ls"] == ":" else "-"}
    assert drawn((TIME, TIME, below), (TIME, TIME, style))[0] > 0


def test_equal_is_what_looks_equal():
    """1e-4 and 2e-4 beside 1 are far from each other on a logarithmic axis alone."""
    lines = [(TIME, np.full(41, y), {}) for y in (1e-4, 2e-4, 1.0)]
    assert drawn(*lines)[0] > 0
    assert drawn(*lines, yscale="log") == [0, 0, 0]


def test_a_linear_function_is_its_own_average():
    """Its average does not depend on the variance: three equal curves beneath the function."""
    data = xr.Dataset(
        {"average": (("mu", "variance"), np.stack([TIME] * 3, axis=1)), "function": ("mu", TIME)},
        coords={"mu": TIME, "variance": [0.0, 1.0, 2.0]},
        attrs={"name": "phi", "latex": "x", "expression": "x"},
    )
    first, second, third, function = widths(averages(data).axes[0])
    assert first > second > third > function


def test_more_populations_than_are_drawn_are_spoken_of():
    each = np.outer(TIME, np.arange(1, 8))
    for figure in (trajectories(courses(each)), dmft_courses(courses(each))):
        (legend,) = (made for ax in figure.axes if (made := ax.get_legend()))
        assert legend.get_title().get_text() in {"first 6 of 7", "first 4 of 7"}
