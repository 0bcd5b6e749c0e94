"""Pictures of responses have no panel of things that do nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from motifield.numerics.plots import responses


def answer(motifs, without):
    """A response of two populations with these effects of classes of motifs and of numbers."""
    names = ["E", "I"]
    pairs = xr.DataArray(np.eye(2), dims=("population", "driven"))
    classes = xr.DataArray(
        np.full((1, 2), motifs), {"motif": ["chain"]}, dims=("motif", "population")
    )
    numbers = xr.Dataset(
        {"without": (("parameter", "population"), np.array(without)[:, None] * np.ones(2))},
        {"parameter": [f"n{k}" for k in range(len(without))]},
    )
    return SimpleNamespace(
        populations=names,
        paradoxical=(),
        dataset=xr.Dataset({"rate": pairs}),
        motifs=lambda: xr.Dataset({"rate": classes}),
        sensitivity=lambda: numbers,
        frequency=lambda omega: {"rate": xr.DataArray(np.ones((len(omega), 2, 2)))},
    )


@pytest.mark.parametrize(
    ("motifs", "without", "panels"), [(1.0, [1.0], 4), (0.0, [1.0], 3), (0.0, [0.0], 2)]
)
def test_panels(motifs, without, panels):
    figure = responses(answer(motifs, without))
    drawn = [ax for ax in figure.axes if ax.get_title()]
    assert len(drawn) == panels
    assert all(ax.patches or ax.images or ax.lines for ax in drawn)


def test_rounding_is_no_bar():
    figure = responses(answer(0.0, [1.0, 1e-18]))
    (bars,) = (ax for ax in figure.axes if ax.get_title().startswith("strongest"))
    assert [t.get_text() for t in bars.get_xticklabels()] == ["n0"]
