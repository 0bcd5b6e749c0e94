"""The four pictures of a page, made once; a move changes the data of their sources alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.models.annotations import Title
from bokeh.palettes import Category10
from bokeh.plotting import figure

from ..numerics.continuation import Branches
from ..numerics.stability import Spectral, Spectrum
from ..time_units import labelled
from .later import Overlay
from .links import QUANTITIES
from .moves import Moved
from .subject import Subject

MOST_POPULATIONS = 6  # drawn, each in its colour
COLOURS = Category10[10]
LABELS = dict(zip(QUANTITIES, ("rate R", "mean input K", "variance of input Δ"), strict=True))
WIDTH, HEIGHT = 440, 300
LATER, STOPPED = " (computing …)", " (stopped)"
DASHED, SOLID = "6 4", "solid"
BINS = 40  # of rates
EDGE_SHARE = 0.002  # of neurons beyond the ends of the histogram on each side
FAINT = 0.25  # opacity of what is outdated, or of statistics that no network has


def _figure(title: str, x: str, y: str, **options: Any) -> Any:
    made = figure(
        title=Title(text=title, text_font_size="11pt"),
        x_axis_label=x,
        y_axis_label=y,
        width=WIDTH,
        height=HEIGHT,
        tools="pan,wheel_zoom,box_zoom,reset,save",
        output_backend="canvas",
        **options,
    )
    made.toolbar.logo = None
    made.toolbar.autohide = True
    made.grid.grid_line_alpha = 0.4
    return made


def _empty(*names: str) -> ColumnDataSource:
    return ColumnDataSource({name: [] for name in names})


class Panel:
    """A picture with a title that says when something is still computed.

    Args:
        subject: what is explored.
    """

    title = ""

    def __init__(self, subject: Subject):
        names = subject.parameters.populations[:MOST_POPULATIONS]
        self.subject, self.names, self.colours = subject, names, COLOURS[: len(names)]
        # of equal populations, which lie on one another, all are seen
        self.widths = [2.0 + 1.5 * k for k in reversed(range(len(names)))]
        self.figure = self.drawn()

    def drawn(self) -> Any:
        """The figure with empty sources."""
        raise NotImplementedError

    def say(self, text: str = "") -> None:
        """What stands behind the title: nothing, or that it is being computed, or why it is not."""
        whole = self.title + text
        if self.figure.title.text != whole:
            self.figure.title.text = whole

    def stop(self) -> None:
        """What was being computed is not any more."""
        if self.figure.title.text.endswith(LATER):
            self.say(STOPPED)


class Courses(Panel):
    """Time courses of all populations, and of a sampled network."""

    title = "Time course"

    def drawn(self) -> Any:
        """The figure with empty sources."""
        unit = self.subject.parameters.time_unit
        made = _figure(self.title, labelled("time", unit), LABELS[QUANTITIES[0]])
        self.theory = {name: _empty("t", "y") for name in self.names}
        self.network = {name: _empty("t", "y") for name in self.names}
        for name, colour, width in zip(self.names, self.colours, self.widths, strict=True):
            line: Any = {"x": "t", "y": "y", "color": colour}
            made.line(source=self.theory[name], legend_label=name, line_width=width, **line)
            made.line(source=self.network[name], line_width=1, line_dash="2 2", **line)
        made.legend.label_text_font_size = "9pt"
        made.legend.background_fill_alpha = 0.5
        made.legend.padding = made.legend.spacing = 2
        return made

    def show(self, now: Moved, quantity: str) -> None:
        """The course of the equations."""
        self.figure.yaxis.axis_label = LABELS[quantity]
        values = now.course.numbers
        for p, name in enumerate(self.names):
            self.theory[name].data = {"t": values["time"], "y": values[quantity][:, p]}
        self.say("" if now.course.status.ok else f": {str(now.course.status).split(':')[0]}")

    def beside(self, own: Overlay | None, quantity: str) -> None:
        """The course of a sampled network, or none."""
        for p, name in enumerate(self.names):
            data: dict[str, Any] = {"t": [], "y": []}
            if own is not None:
                seen = own.simulated.dataset
                data = {"t": seen["time"].values, "y": seen[quantity].values[:, p]}
            self.network[name].data = data


class Diagram(Panel):
    """Branches of fixed points along one slider, with where the slider stands."""

    title = "Bifurcation diagram"

    def drawn(self) -> Any:
        """The figure with empty sources."""
        made = _figure(self.title, "", LABELS[QUANTITIES[0]])
        self.lines = _empty("x", "y", "colour", "dash", "opacity", "width")
        made.multi_line(
            "x",
            "y",
            line_color="colour",
            line_dash="dash",
            line_alpha="opacity",
            line_width="width",
            source=self.lines,
        )
        self.special = _empty("x", "y", "kind", "text", "value")
        marks = made.scatter(
            "x", "y", size=9, color="#222222", marker="diamond", source=self.special
        )
        beside: Any = {
            "x_offset": 8,
            "y_offset": 4,
            "text_font_size": "9pt",
            "text_color": "#222222",
        }
        made.text("x", "y", text="text", source=self.special, **beside)
        told = [("", "@kind"), ("at", "@value{0.0000}")]
        made.add_tools(HoverTool(renderers=[marks], tooltips=told))
        self.points = _empty("x", "y", "colour", "fill")
        made.scatter("x", "y", size=8, line_color="colour", fill_color="fill", source=self.points)
        self.here = _empty("x")
        made.vspan("x", source=self.here, line_color="#888888", line_width=1)
        return made

    def show(self, now: Moved, k: int, quantity: str) -> None:
        """The fixed points where the slider stands."""
        value = now.values[k]
        self.here.data = {"x": [value]}
        self.figure.yaxis.axis_label = LABELS[quantity]
        self.figure.xaxis.axis_label = self.subject.sliders[k].name
        every = [(p, c, point) for point in now.points for p, c in enumerate(self.colours)]
        self.points.data = {
            "x": [value] * len(every),
            "y": [float(point.numbers[quantity][p]) for p, _, point in every],
            "colour": [c for _, c, _ in every],
            "fill": [c if point.stable else "white" for _, c, point in every],
        }

    def branches(self, found: Branches | None, quantity: str) -> None:
        """The branches, or none."""
        rows: list[tuple[Any, ...]] = []
        for branch in found or ():
            rows += self._pieces(branch.dataset, quantity)
        kinds = ("x", "y", "colour", "dash", "opacity", "width")
        columns = zip(*rows, strict=True) if rows else [[] for _ in kinds]
        self.lines.data = dict(zip(kinds, map(list, columns), strict=True))
        marks = [] if found is None else list(found.special)
        every = [(s, p) for s in marks for p in range(len(self.names))]
        self.special.data = {
            "x": [float(s.value) for s, _ in every],
            "y": [float(s.seen[quantity][p]) for s, p in every],
            "kind": [s.kind for s, _ in every],
            "text": [s.kind if p == 0 else "" for s, p in every],
            "value": [float(s.value) for s, _ in every],
        }

    def _pieces(self, branch: Any, quantity: str) -> list[tuple[Any, ...]]:
        """A branch in pieces of one stability, solid where it is stable, of every population."""
        x, y = branch["value"].values, branch[quantity].values
        solid = branch["stable"].values & ~branch["bulk_unstable"].values
        there = branch["feasible"].values & branch["physical"].values
        kind = 2 * solid.astype(int) + there.astype(int)
        cuts = [0, *(np.flatnonzero(np.diff(kind)) + 1).tolist(), len(kind)]
        rows = []
        for a, b in pairwise(cuts):
            own = slice(a, min(b + 1, len(kind)))  # up to the next piece
            dash, opacity = (SOLID if solid[a] else DASHED), (1.0 if there[a] else FAINT)
            rows += [
                (x[own], y[own, p], colour, dash, opacity, width)
                for p, (colour, width) in enumerate(zip(self.colours, self.widths, strict=True))
            ]
        return rows

    def fade(self) -> None:
        """What is shown belongs to other numbers."""
        n = len(self.lines.data["x"])
        self.lines.data = {**self.lines.data, "opacity": [FAINT] * n}
        self.special.data = {name: [] for name in self.special.data}


class Eigenvalues(Panel):
    """The spectrum of the linearised network: outliers, bulk, and a sampled network's."""

    title = "Spectrum"

    def drawn(self) -> Any:
        """The figure with empty sources."""
        unit = self.subject.parameters.time_unit
        labels = [labelled(text, unit, -1) for text in ("real part", "imaginary part")]
        made = _figure(self.title, *labels, match_aspect=True)
        self.dots = _empty("x", "y")
        made.scatter("x", "y", size=3, color="#999999", source=self.dots)
        self.edge = _empty("x", "y")
        self.outline = made.line(
            "x", "y", line_width=2, color=COLOURS[3], source=self.edge, legend_label="bulk"
        )
        self.outliers = _empty("x", "y")
        self.crosses = made.scatter(
            "x",
            "y",
            marker="x",
            size=11,
            line_width=2.5,
            color=COLOURS[3],
            source=self.outliers,
            legend_label="outliers",
        )
        made.vspan(x=[0], line_color="#444444", line_dash="dashed")
        made.legend.label_text_font_size = "9pt"
        made.legend.background_fill_alpha = 0.5
        made.legend.padding = made.legend.spacing = 2
        return made

    def show(self, own: Spectral | None) -> None:
        """A prediction, or none."""
        edge = np.array([]) if own is None else own.boundary
        if own is not None and not len(edge) and np.isfinite(own.edge):
            edge = own.edge + 1j * np.array([-1.0, 1.0])  # of filters: where the bulk ends
        out = np.array([]) if own is None else own.outliers
        self.edge.data = {"x": edge.real, "y": edge.imag}
        self.outliers.data = {"x": out.real, "y": out.imag}
        self._opacity(1.0)

    def beside(self, own: Spectrum | None) -> None:
        """The eigenvalues of a sampled network, or none."""
        values = np.array([]) if own is None else own.eigenvalues
        self.dots.data = {"x": values.real, "y": values.imag}

    def fade(self) -> None:
        """What is shown belongs to other numbers."""
        self._opacity(FAINT)

    def _opacity(self, value: float) -> None:
        if self.outline.glyph.line_alpha != value:
            self.outline.glyph.line_alpha = value
            self.crosses.glyph.line_alpha = value


class Rates(Panel):
    """How rates are distributed in each population, and in a sampled network."""

    title = "Rates within populations"

    def drawn(self) -> Any:
        """The figure with empty sources."""
        made = _figure(self.title, "rate r", "share of neurons in a bin")
        self.theory = {name: _empty("x", "y") for name in self.names}
        self.network = {name: _empty("x", "y") for name in self.names}
        for name, colour in zip(self.names, self.colours, strict=True):
            made.varea("x", 0, "y", source=self.theory[name], fill_color=colour, fill_alpha=0.25)
            made.line("x", "y", source=self.theory[name], color=colour, line_width=2)
            made.line(
                "x", "y", source=self.network[name], color=colour, line_width=1, line_dash="2 2"
            )
        self.edges = np.array([0.0, 1.0])
        return made

    def show(self, now: Moved) -> None:
        """The distribution of the theory."""
        if now.rates is None:
            self._clear(self.theory)
            return
        self.edges = bin_edges(now.rates)
        for name, own in zip(self.names, now.rates, strict=False):
            self.theory[name].data = steps_of(own, self.edges)

    def beside(self, own: Overlay | None) -> None:
        """That of the neurons of a sampled network, in the same bins, or none."""
        if own is None:
            self._clear(self.network)
            return
        for name, rates in zip(self.names, own.rates, strict=False):
            self.network[name].data = steps_of(rates, self.edges)

    def _clear(self, sources: dict[str, ColumnDataSource]) -> None:
        for source in sources.values():
            source.data = {"x": [], "y": []}


def bin_edges(rates: np.ndarray) -> np.ndarray:
    """Edges of the bins that hold the rates of all populations, but for the last far ones."""
    low, high = np.nanquantile(rates, [EDGE_SHARE, 1 - EDGE_SHARE])
    room = max(high - low, 1e-3 * max(abs(high), 1e-9))  # equal rates have a bin, too
    return np.linspace(low - 0.05 * room, high + 0.05 * room, BINS + 1)


def steps_of(rates: np.ndarray, edges: np.ndarray) -> dict[str, np.ndarray]:
    """The outline of a histogram, as shares; rates beyond the ends count in the last bins."""
    inside = np.clip(rates, edges[0], edges[-1])
    share = np.histogram(inside, edges)[0] / max(len(rates), 1)
    x, y = np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(share, 2), [0.0]])
    return {"x": x, "y": y}


def panels_of(subject: Subject) -> tuple[Courses, Diagram, Eigenvalues, Rates]:
    """The four pictures."""
    return Courses(subject), Diagram(subject), Eigenvalues(subject), Rates(subject)
