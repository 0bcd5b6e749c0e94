"""Figures as SVG inside of a page: lines and texts stay sharp when they are enlarged."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

MANY = 3000
"""Marks of one curve or cloud beyond which they become an image: each is an element of the page."""
LARGEST = 600_000
"""Characters of a drawing beyond which all of its data become images; about a hundred curves."""
DPI = 220  # of these images: sharp at the size of a page, and at twice of it
UNUSED = re.compile(r"<!--.*?-->\n?|<style.*?</style>", re.DOTALL)
"""Comments, and a style that would hold for the whole page: what it says stands in that one's."""
ROOT = re.compile(r"^.*?<svg [^>]*?viewBox=\"([^\"]+)\"[^>]*>", re.DOTALL)
NAMES = re.compile(r"(\bid=\"|href=\"#|url\(#)")


def drawing(figure: Figure, name: str) -> tuple[str, str]:
    """A figure as what stands inside of an <svg>, and the box that it fills.

    Args:
        figure: of Matplotlib; it is as before afterwards.
        name: distinguishes what the drawing names from other drawings' on the page.

    Returns:
        The elements; and "x y width height" of the box, in points.
    """
    data = list(_data(figure))
    text = _svg(figure, [own for own in data if _marks(own) > MANY])
    if len(text) > LARGEST:
        text = _svg(figure, data)
    box = ROOT.match(text)
    assert box is not None, "Matplotlib writes a box"
    inside = UNUSED.sub("", text[box.end() :].removesuffix("\n").removesuffix("</svg>"))
    return NAMES.sub(lambda found: f"{found[1]}{name}-", inside), box[1]


def _data(figure: Figure) -> Iterator[Artist]:
    """What stands inside of axes, without their frames and texts."""
    for ax in figure.axes:
        own = (*ax.lines, *ax.collections, *ax.patches)
        yield from (artist for artist in own if artist.get_visible())


def _marks(artist: Artist) -> int:
    """How many elements an artist becomes."""
    if isinstance(artist, Line2D):
        has_marks = artist.get_marker() not in ("None", "", " ", None)
        return np.size(artist.get_xdata()) if has_marks else 0
    if isinstance(artist, Collection):
        return max(np.shape(artist.get_offsets())[0], len(artist.get_paths()))
    return 1 if isinstance(artist, Patch) else 0


def _svg(figure: Figure, images: Iterable[Artist]) -> str:
    """The figure as a file of SVG, some of it as images inside."""
    buffer = io.StringIO()
    absent = dict.fromkeys(("Date", "Creator", "Format", "Type"))  # no time, and no addresses
    settings: Any = {"svg.hashsalt": "motifield", "svg.fonttype": "path"}
    with rc_context(settings), _as_images(images):
        figure.savefig(buffer, format="svg", metadata=absent, dpi=DPI)
    return buffer.getvalue()


@contextmanager
def _as_images(artists: Iterable[Artist]) -> Iterator[None]:
    before = [(own, own.get_rasterized()) for own in artists]
    try:
        for own, _ in before:
            own.set_rasterized(True)
        yield
    finally:
        for own, was in before:
            own.set_rasterized(was)
