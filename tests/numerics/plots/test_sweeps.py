"""Pictures of sweeps: lines, dots, maps, maps at values of a third axis."""

import numpy as np
import pytest
import xarray as xr

from motifield.errors import ParameterError
from motifield.numerics.plots import sweep_picture
from motifield.numerics.sweeps import Sweep


def sweep(dims, by_population=True, **extra):
    sizes = dict(zip(dims, (4, 3, 12, 2), strict=False))
    shape = (*sizes.values(), 2) if by_population else tuple(sizes.values())
    own = (*dims, "population") if by_population else dims
    values = np.arange(float(np.prod(shape))).reshape(shape)
    data = {"rate": (own, values), "status": (dims, np.full(tuple(sizes.values()), "ok"))}
    coords = {d: np.linspace(0, 1, n) for d, n in sizes.items() if d != "sample"}
    coords |= {"population": ["E", "I"]} if by_population else {}
    return Sweep("made", xr.Dataset({**data, **extra}, coords=coords), dims)


def test_one_axis_is_a_line_per_population():
    ax = sweep_picture(sweep(("input[E]",))).axes[0]
    assert [line.get_label() for line in ax.lines] == ["E", "I"]
    assert ax.lines[1].get_ydata().tolist() == [1, 3, 5, 7]
    assert ax.get_xlabel() == "input[E]"


def test_two_axes_are_a_map_per_population_of_one_scale_hatched_where_nothing_is_feasible():
    feasible = (("a", "b"), np.array([[1.0, 1, 0]] * 4))
    figure = sweep_picture(sweep(("a", "b"), feasible=feasible))
    first, second = figure.axes[:2]
    assert (first.get_title(), second.get_title()) == ("E", "I")
    images = [ax.collections[0] for ax in (first, second)]
    assert images[0].get_array().tolist()[0] == [0, 6, 12, 18]
    assert images[0].get_clim() == images[1].get_clim() == (0, 23)
    assert "no network" in figure.legends[0].get_texts()[0].get_text()
    flat = sweep(("a", "b"))
    flat.dataset["rate"][:] = 2.0
    assert sweep_picture(flat).axes[0].collections[0].get_clim() == (1.5, 2.5)


def test_three_axes_are_maps_at_values_of_the_third():
    figure = sweep_picture(sweep(("a", "b", "c")))
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert titles[0] == "E c = 0"
    assert titles[-1] == "E c = 1"
    assert len(titles) == 9


def test_samples_are_dots_over_each_parameter():
    found = sweep(("sample",))
    found = Sweep(
        "made",
        found.dataset.assign_coords(a=("sample", [3.0, 1, 2, 4]), b=("sample", [0.0, 1, 2, 3])),
        ("sample",),
    )
    figure = sweep_picture(found)
    assert [ax.get_xlabel() for ax in figure.axes] == ["a", "b"]
    assert figure.axes[0].lines[0].get_xdata().tolist() == [3, 1, 2, 4]


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ParameterError, match="cannot draw 'mean': one of rate can be drawn"):
        sweep_picture(sweep(("a",)), "mean")
    with pytest.raises(ParameterError, match="a sweep of 4 dimensions"):
        sweep_picture(sweep(("a", "b", "c", "d")))
    long = (("a", "time"), np.zeros((4, 5)))
    made = sweep(("a",), course=long)
    made = Sweep("made", made.dataset.drop_vars("rate"), ("a",))
    with pytest.raises(ParameterError, match="no variable has one number per point"):
        sweep_picture(made)
