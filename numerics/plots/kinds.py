"""Whole numbers and words that name kinds of states: a colour and a text for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch

from .cells import coloured

OSCILLATION, NOTHING = -1, -2
MOST = 9
"""The largest number with a colour of its own; beyond, all have one."""
NUMBERED = (
    *("#ffffff", "#dfe8f3", "#9dbfe0", "#5a8fc4", "#2c639c", "#123d6b", "#081f3a"),
    *("#4a1f6f", "#7b3fa0", "#c08fdd"),
)
"""Of 0, 1, 2, ..., `MOST`: darker, then violet."""
COLOURS = {OSCILLATION: "#f4b6a6", NOTHING: "#c9c9c9", **dict(enumerate(NUMBERED))}
WORDS = ("#dfe8f3", "#e6a23c", "#c0504d", "#7b3fa0", "#4f9a94", "#8c6d46", "#d487b5", "#6b6b6b")
"""Of words, none of which is more than another; the first is "ok"."""


@dataclass(frozen=True)
class Kinds:
    """What each point is.

    Args:
        codes: whole numbers, of any shape.
        texts: what each of them means.
        colours: of each.
    """

    codes: np.ndarray
    texts: Mapping[int, str]
    colours: Mapping[int, str]

    @property
    def seen(self) -> list[int]:
        """The codes that there are, what is wrong last."""
        own = [int(k) for k in np.unique(self.codes)]
        return [k for k in own if k != NOTHING] + [k for k in own if k == NOTHING]

    def handles(self) -> dict[str, Patch]:
        """Entries of a legend."""
        return {self.texts[k]: Patch(facecolor=self.colours[k], edgecolor="0.7") for k in self.seen}

    def draw(self, ax: Axes, x: np.ndarray, y: np.ndarray, codes: np.ndarray | None = None) -> None:
        """A cell of its colour around each point (x, y); codes: (x, y), by default all."""
        own = self.codes if codes is None else codes
        known = sorted(self.seen)
        between = BoundaryNorm([k - 0.5 for k in known] + [known[-1] + 0.5], len(known))
        colours = ListedColormap([self.colours[k] for k in known])
        coloured(ax, x, y, own, cmap=colours, norm=between)


def numbered(values: np.ndarray, of: str = "{}", one: str = "", nothing: str = "") -> Kinds:
    """Counts.

    Args:
        values: whole numbers, NaN where there is none.
        of: the text of a number, "{} states".
        one: the text of 1, else like the others.
        nothing: the text where there is no number.
    """
    there = np.isfinite(values)
    codes = np.where(there, np.clip(np.where(there, values, 0), -1, MOST), NOTHING).astype(int)
    texts = {k: of.format(k if k < MOST else f"{MOST} or more") for k in range(MOST + 1)}
    texts |= {NOTHING: nothing}
    return Kinds(codes, texts | ({1: one} if one else {}), COLOURS)


def whether(values: np.ndarray, nothing: str = "") -> Kinds:
    """1 or 0, NaN where it is not known."""
    own = numbered(values, nothing=nothing)
    return Kinds(own.codes, {0: "no", 1: "yes", NOTHING: nothing}, {**own.colours, 1: NUMBERED[2]})


def attractors(counts: np.ndarray, oscillating: np.ndarray, nothing: str = "") -> Kinds:
    """How many states are stable, and where there are some and none is.

    Args:
        counts: of stable states, NaN where they are not known.
        oscillating: 1 where there are states and none is stable.
        nothing: the text where they are not known.
    """
    own = numbered(counts, "{} stable states", "1 stable state", nothing)
    texts = {**own.texts, OSCILLATION: "oscillation (no stable state)", 0: "no state found"}
    codes = np.where((own.codes != NOTHING) & (oscillating == 1), OSCILLATION, own.codes)
    return Kinds(codes, texts, own.colours)


def worded(texts: np.ndarray) -> Kinds:
    """Words, as statuses are; "ok" has the first colour, and beyond eight all have the last."""
    names = sorted(set(texts.ravel().tolist()), key=lambda text: (text != "ok", text))
    first = 0 if names[0] == "ok" else 1
    codes = {name: k + first for k, name in enumerate(names)}
    made = np.vectorize(codes.__getitem__, otypes=[int])(texts)
    colours = {k: WORDS[min(k, len(WORDS) - 1)] for k in codes.values()}
    return Kinds(made, {k: name for name, k in codes.items()}, colours)
