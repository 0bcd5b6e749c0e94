"""Pictures of sweeps: lines, dots, maps, maps at values of a third axis."""

from types import SimpleNamespace

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
    assert titles[0] == "E, c = 0"
    assert titles[-1] == "E, c = 1"
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


def points(dims, count, stable, **others):
    """A sweep of all fixed points, two at most; of one population whose rates are 0 and 1."""
    count, stable = np.array(count, dtype=float), np.array(stable, dtype=float)
    rates = np.where(np.isnan(stable), np.nan, [0.0, 1.0])[..., None]
    data = {
        "count": (dims, count),
        "stable": ((*dims, "point"), stable),
        "rate": ((*dims, "point", "population"), rates),
        "status": (dims, np.where(np.isnan(count), "not permitted: g = -1", "ok")),
    }
    coords = {d: np.arange(float(n)) for d, n in zip(dims, count.shape, strict=True)}
    coords["population"] = ["p"]
    return Sweep("made", xr.Dataset({**data, **others}, coords=coords), dims)


NONE = [np.nan, np.nan]
PLANE = points(("a", "b"), [[1, 2], [1, np.nan]], [[[1, np.nan], [1, 1]], [[0, np.nan], NONE]])


def said(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def colours(ax):
    """The colours of the cells, from below to above and from the left to the right."""
    mesh = ax.collections[0]
    return [mesh.to_rgba(v)[:3] for v in mesh.get_array().ravel()]


def test_kinds_have_a_colour_each_and_a_legend():
    figure = sweep_picture(PLANE)
    assert said(figure) == [
        "oscillation (no stable state)",
        "1 stable state",
        "2 stable states",
        "no number: not permitted",
    ]
    cells = colours(figure.axes[0])  # (a, b) = (0, 0), (1, 0), (0, 1), (1, 1)
    patches = [own.get_facecolor()[:3] for own in figure.legends[0].get_patches()]
    assert cells == [patches[k] for k in (1, 0, 2, 3)]
    assert len(figure.axes) == 1  # and no colour bar
    assert said(sweep_picture(PLANE, "count"))[:2] == ["1 fixed point", "2 fixed points"]
    assert said(sweep_picture(PLANE, "status")) == ["ok", "not permitted"]


def test_whole_numbers_of_a_verb_are_kinds_and_others_are_not():
    values = np.array([[0.0, 1], [1, 0]])
    found = points(("a", "b"), [[1, 1]] * 2, [[[1, np.nan]] * 2] * 2)
    own = found.dataset.assign(
        is_fluctuating=(("a", "b"), values),
        index_sum=(("a", "b"), values - 1),
        many=(("a", "b"), np.arange(4.0).reshape(2, 2) / 3),
        overflow=(("a", "b"), 0 * values),
    )
    found = Sweep("made", own, ("a", "b"))
    assert said(sweep_picture(found, "is_fluctuating")) == ["no", "yes"]
    assert said(sweep_picture(found, "index_sum")) == ["-1", "0"]
    assert said(sweep_picture(found, "overflow")) == ["no"]
    assert len(sweep_picture(found, "many").axes) == 2


def test_more_kinds_than_colours_are_put_together():
    count = np.arange(4.0, 13.0).reshape(3, 3)
    figure = sweep_picture(points(("a", "b"), count, np.full((3, 3, 2), np.nan)), "count")
    assert said(figure)[-2:] == ["8 fixed points", "9 or more fixed points"]
    assert len(set(colours(figure.axes[0]))) == 6


def test_where_the_bulk_grows_there_are_dots():
    gains = np.full((2, 2, 2), np.nan)
    gains[0, 1] = 0.5, 1.5
    own = PLANE.dataset.assign(bulk_gain=(("a", "b", "point"), gains))
    assert "unstable bulk" in said(sweep_picture(Sweep("made", own, ("a", "b"))))[-1]
    assert not any("bulk" in text for text in said(sweep_picture(PLANE)))


def test_contours_of_numbers_and_not_of_kinds():
    found = sweep(("a", "b"))
    plain, drawn = (sweep_picture(found, contours=c) for c in (False, [5.5, 12.0]))
    assert len(plain.axes[0].collections) == 1
    assert drawn.axes[0].collections[1].levels.tolist() == [5.5, 12.0]
    assert len(sweep_picture(found, contours=True).axes[0].collections[1].levels) > 2
    with pytest.raises(ParameterError, match="contours are of numbers that vary smoothly"):
        sweep_picture(PLANE, contours=True)
    with pytest.raises(ParameterError, match="contours and curves are drawn on maps"):
        sweep_picture(sweep(("a",)), contours=True)


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_bifurcation_curves_lie_on_top(names):
    step = {"first": ("step", [0.0, 1.0]), "second": ("step", [0.25, 0.5])}
    fold = SimpleNamespace(kind="fold", dataset=xr.Dataset(step))
    cusp = SimpleNamespace(kind="cusp", value=(1.0, 0.5))
    curves = SimpleNamespace(names=names, curves=[fold], special=[cusp])
    figure = sweep_picture(PLANE, curves=curves)
    line, mark = figure.axes[0].lines
    ends = (line.get_xdata().tolist(), line.get_ydata().tolist())
    assert ends == (([0, 1], [0.25, 0.5]) if names == ("a", "b") else ([0.25, 0.5], [0, 1]))
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (
        (1, 0.5) if names == ("a", "b") else (0.5, 1)
    )
    assert {"folds", "cusp"} <= set(said(figure))
    assert figure.axes[0].get_xlim() == (-0.5, 1.5)  # those of the cells
    curves.names = ("c", "a")
    with pytest.raises(ParameterError, match="the curves are over c and a, the sweep over a, b"):
        sweep_picture(PLANE, curves=curves)


def test_fixed_points_over_one_axis_are_dots_filled_where_they_are_stable():
    found = points(("a",), [2, 2, np.nan], [[1, 0], [1, 0], NONE])
    figure = sweep_picture(found)
    assert said(figure) == ["stable", "not stable"]
    stable, unstable = figure.axes[0].lines
    assert (stable.get_fillstyle(), unstable.get_fillstyle()) == ("full", "none")
    seen = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in (stable, unstable)]
    assert seen == [([0, 1], [0, 0]), ([0, 1], [1, 1])]
    assert {line.get_linestyle() for line in figure.axes[0].lines} == {"None"}
    grows = found.dataset.assign(bulk_gain=(("a", "point"), [[2.0, np.nan], [0.5, np.nan], NONE]))
    assert "chaos" in said(sweep_picture(Sweep("made", grows, ("a",))))[1]


def test_infeasible_values_and_words_over_one_axis():
    feasible = (("a",), np.array([1.0, 1, 0, np.nan]))
    figure = sweep_picture(sweep(("a",), feasible=feasible))
    assert said(figure) == ["E", "I", "no network has these statistics"]
    (span,) = figure.axes[0].patches
    assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx((0.5, 5 / 6))
    words = points(("a",), [1, np.nan], [[1, np.nan], NONE])
    ax = sweep_picture(words, "status").axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["ok", "not permitted"]


def test_axes_of_one_value_of_several_parameters_and_out_of_order():
    found = sweep(("a", "b"))
    one = Sweep("made", found.dataset.isel(b=[1]), ("a", "b"))
    figure = sweep_picture(one)
    assert figure.get_suptitle() == "b = 0.5"
    assert figure.axes[0].get_xlabel() == "a"
    turned = Sweep("made", found.dataset.isel(a=[2, 0, 1, 3]), ("a", "b"))
    maps = [sweep_picture(f).axes[0].collections[0].get_array() for f in (found, turned)]
    np.testing.assert_array_equal(*maps)
    both = found.dataset.rename(a="c, d").drop_vars("c, d")
    both = both.assign_coords(c=("c, d", [1.0, 2, 3, 4]), d=("c, d", [0.0, 0, 0, 1]))
    ax = sweep_picture(Sweep("made", both, ("c, d", "b"))).axes[0]
    assert ax.get_xlabel() == "c (with d)"
    assert ax.get_xlim() == (0.5, 4.5)


@pytest.mark.parametrize(("side", "pixels"), [(100, False), (101, True)])
def test_many_cells_are_pixels_in_files_of_shapes(side, pixels):
    data = {"value": (("a", "b"), np.random.default_rng(0).normal(size=(side, side)))}
    data["status"] = (("a", "b"), np.full((side, side), "ok"))
    axis = np.arange(float(side))
    found = Sweep("made", xr.Dataset(data, coords={"a": axis, "b": axis}), ("a", "b"))
    assert bool(sweep_picture(found).axes[0].collections[0].get_rasterized()) is pixels


def test_populations_are_chosen_and_others_are_spoken_of():
    figure = sweep_picture(sweep(("a", "b")), populations=["I"])
    assert [ax.get_title() for ax in figure.axes] == ["I", ""]
    with pytest.raises(ParameterError, match="there is no population 'X': E, I"):
        sweep_picture(sweep(("a",)), populations=["X"])
    with pytest.raises(ParameterError, match="'count' is no number of populations"):
        sweep_picture(PLANE, "count", populations=["p"])
    names = [f"p{k}" for k in range(8)]
    data = {"rate": (("a", "population"), np.ones((2, 8))), "status": ("a", ["ok", "ok"])}
    many = Sweep("made", xr.Dataset(data, coords={"a": [0.0, 1], "population": names}), ("a",))
    assert sweep_picture(many).get_suptitle() == "populations: first 6 of 8"


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(
        ParameterError, match="cannot draw 'mean': one of rate, status can be drawn"
    ):
        sweep_picture(sweep(("a",)), "mean")
    with pytest.raises(ParameterError, match="a sweep of 4 dimensions"):
        sweep_picture(sweep(("a", "b", "c", "d")))
    long = (("a", "time"), np.zeros((4, 5)))
    made = sweep(("a",), course=long)
    made = Sweep("made", made.dataset.drop_vars("rate"), ("a",))
    with pytest.raises(ParameterError, match="no variable has one number per point"):
        sweep_picture(made)
