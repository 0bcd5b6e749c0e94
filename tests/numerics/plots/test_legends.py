"""A legend explains what is drawn, and nothing else; axes have numbers."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from motifield.numerics.plots import (
    bifurcation_diagram,
    draw,
    draw_curves,
    error_against_size,
    fixed_points,
)

BULK = "stable equations, unstable bulk: chaos"
IMPOSSIBLE = "no network has these statistics"
STABLE_CYCLE = "stable cycle, min and max"


class Followed(list):
    """Branches of two populations."""

    name, populations, special = "input", ("E", "I"), ()


def branch(stable=True, bulk_unstable=False, feasible=True):
    """Four points; each number is one for all of them or for each."""
    value = np.arange(4.0)
    each = {name: (("step", "population"), np.stack([value, 2 * value], 1)) for name in COURSES}
    whether = {"feasible": feasible, "physical": True}
    own = {name: ("step", np.broadcast_to(one, 4)) for name, one in whether.items()}
    return SimpleNamespace(
        values=value,
        dataset=xr.Dataset(each | own),
        stable=np.broadcast_to(stable, 4),
        bulk_unstable=np.broadcast_to(bulk_unstable, 4),
    )


COURSES = ("mean", "variance", "rate")


def cycles(stable):
    each = {
        f"{what}_{end}": (("cycle", "population"), np.ones((3, 2)))
        for what in COURSES
        for end in ("min", "max")
    }
    value = {"value": ("cycle", np.arange(3.0))}
    return SimpleNamespace(dataset=xr.Dataset(each | value), stable=np.broadcast_to(stable, 3))


def texts(figure):
    """What all legends of a picture say, without the names of populations."""
    legends = [made for ax in figure.axes if (made := ax.get_legend())]
    found = [text.get_text() for made in legends for text in made.get_texts()]
    return [text for text in found if text not in ("E", "I")]


@pytest.mark.parametrize(
    ("branches", "orbits", "said"),
    [
        ([branch()], [], ["stable"]),
        ([branch(stable=False)], [], ["unstable"]),
        ([branch(), branch(stable=False)], [], ["stable", "unstable"]),
        ([branch(stable=[True, True, False, False])], [], ["stable", "unstable"]),
        # the last point has no line of its own
        ([branch(stable=[True, True, True, False])], [], ["stable"]),
        ([branch(bulk_unstable=True)], [], [BULK]),
        ([branch(stable=False, bulk_unstable=True)], [], ["unstable"]),
        ([branch(feasible=False)], [], ["stable", IMPOSSIBLE]),
        ([branch()], [cycles(False)], ["stable", "unstable cycle"]),
        ([branch()], [cycles(True)], ["stable", STABLE_CYCLE]),
        (
            [branch()],
            [cycles([True, False, False])],
            ["stable", STABLE_CYCLE, "unstable cycle"],
        ),
    ],
)
def test_branches(branches, orbits, said):
    figure = bifurcation_diagram(Followed(branches), orbits)
    assert texts(figure) == said


@pytest.mark.parametrize("stable", [True, False])
def test_points(stable):
    """A state that is not stable is an empty ring, which is explained where there is one."""
    state = {name: ("population", [1.0, 2.0]) for name in ("mean", "variance")}
    point = SimpleNamespace(
        dataset=xr.Dataset(state, coords={"population": ["E", "I"]}),
        eigenvalues=np.array([-1.0 + 0j]),
        stable=stable,
        kind="node",
        time_unit="",
    )
    said = texts(fixed_points([point]))
    assert said == [*([] if stable else ["not stable"]), "point 1: node"]


@pytest.mark.parametrize("outliers", [[], [2.0 + 0j]])
def test_spectra(outliers):
    circle = np.exp(2j * np.pi * np.linspace(0, 1, 9))
    predicted = SimpleNamespace(boundary=circle, outliers=np.array(outliers), edge=1.0)
    seen = SimpleNamespace(
        eigenvalues=0.5 * circle, outliers=np.array(outliers), predicted=predicted
    )
    figure = Figure()
    draw(figure.subplots(), predicted, [seen])
    far = [text for text in texts(figure) if "outliers" in text]
    dots = figure.axes[0].get_legend().legend_handles[0]
    assert dots.get_label() == "1 network"
    assert dots.get_markersize() > 5  # a dot of the cloud is not seen alone
    assert far == (["its outliers", "predicted outliers"] if outliers else [])


@pytest.mark.parametrize("frequency", [np.nan, 1.0])
def test_curves(frequency):
    """A curve of neutral saddles is not drawn, and not spoken of."""
    ends = {name: ("step", [0.0, 1.0]) for name in ("first", "second")}
    data = xr.Dataset(ends | {"frequency": ("step", [frequency] * 2)})
    curves = SimpleNamespace(curves=[SimpleNamespace(kind="Hopf", dataset=data)], special=())
    figure = Figure()
    draw_curves(figure.subplots(), curves)
    assert texts(figure) == ([] if np.isnan(frequency) else ["Hopf points"])


def test_errors_within_a_decade_have_numbers_on_their_axis():
    each = ("size", "population", "quantity")
    spread = 0.3 / np.sqrt([500.0, 1000.0])[:, None, None] * np.ones((2, 2, 3))
    coords = {"size": [500, 1000], "population": ["E", "I"], "quantity": list(COURSES)}
    found = SimpleNamespace(dataset=xr.Dataset({"spread": (each, spread)}, coords=coords))
    figure = error_against_size(found)
    figure.draw_without_rendering()
    ax = figure.axes[0]
    ends, labels = sorted(ax.get_ylim()), ax.get_yticklabels(which="both")
    seen = [t for t in labels if t.get_text() and ends[0] <= t.get_position()[1] <= ends[1]]
    assert len(seen) >= 2
    assert [text.get_text() for text in ax.get_xticklabels(which="both")] == ["500", "1000"]
