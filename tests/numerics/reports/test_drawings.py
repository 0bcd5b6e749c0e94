"""Figures inside of pages: unique names, small files, figures that stay as they are."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from motifield.numerics.reports.drawings import LARGEST, MANY, drawing

LINK = "http://www.w3.org/1999/xlink"


def named(figure, name):
    """What a drawing names, and what it refers to."""
    inside, box = drawing(figure, name)
    tree = ElementTree.fromstring(f'<svg xmlns:xlink="{LINK}">{inside}</svg>')
    names = [own.get("id") for own in tree.iter() if own.get("id")]
    links = [own.get(f"{{{LINK}}}href", "") for own in tree.iter()]
    places = {link[1:] for link in links if link.startswith("#")}
    return names, places | set(re.findall(r"url\(#(.*?)\)", inside)), inside, box


def test_no_name_of_a_drawing_is_one_of_another(cloud):
    """Axes, markers and glyphs have the same names in each: one would be drawn with another's."""
    (first, used, _, _), (second, others, _, _) = (named(cloud(5), name) for name in ("a", "b"))
    assert len(first) == len(set(first)) > 10
    assert used <= set(first)
    assert others <= set(second)
    assert not set(first) & set(second)
    assert any("a-" in own for own in used), "glyphs are referred to"


def test_the_box_is_that_of_the_figure(cloud):
    _, _, inside, box = named(cloud(5), "a")
    assert box == "0 0 288 216"  # 4 x 3 inches
    assert "<style" not in inside, "it would hold for the whole page"
    assert "<!--" not in inside
    assert "http" not in inside


@pytest.mark.parametrize("marked", ["scatter", "plot"])
def test_many_points_are_an_image(marked):
    figure = Figure()
    x = np.random.default_rng(0).normal(size=(2, 10 * MANY))
    ax = figure.subplots()
    (own,) = np.atleast_1d(ax.scatter(*x) if marked == "scatter" else ax.plot(*x, "."))
    curve = ax.plot([0, 1], [0, 1], color="#12ab34")[0]
    text, _ = drawing(figure, "a")
    assert text.count("<image") == 1
    assert len(text) < LARGEST
    assert "#12ab34" in text, "a curve stays a curve"
    assert not own.get_rasterized()
    assert not curve.get_rasterized()


def test_few_points_are_none(cloud):
    assert "<image" not in drawing(cloud(MANY), "a")[0]
    assert "<image" in drawing(cloud(MANY + 1), "a")[0]


def test_many_curves_are_an_image():
    """No marks, but each has a hundred thousand points that no simplification leaves out."""
    figure = Figure()
    figure.subplots().plot(np.random.default_rng(0).normal(size=(20_000, 5)))
    text, _ = drawing(figure, "a")
    assert "<image" in text
    assert len(text) < LARGEST
