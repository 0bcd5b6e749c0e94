"""A page of one visitor: sliders, pictures and texts, and what happens when something moves."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html import escape
from typing import Any

import panel as pn

from ..errors import MotifieldError
from ..files import write_text
from .figures import LATER, panels_of
from .jobs import Failed, Job, Jobs
from .later import Overlay, answered, completed, diagram, overlay, ranges_of
from .links import LARGEST_SEED, QUANTITIES, State, query_of, start_of
from .moves import Moved, moved
from .specs import toml_of
from .subject import Subject
from .texts import equations_html, points_html, ranges_text, refused_html, verdict_html

STYLE = """
:host, body { font-family: system-ui, sans-serif; }
table.points { border-collapse: collapse; font-size: 13px; }
table.points td, table.points th { padding: 2px 10px; text-align: right; }
table.points tr { border-bottom: 1px solid #ddd; }
math { font-size: 110%; }
.display, .equation { overflow-x: auto; }
"""
BANNER = {"color": "#7a1212", "background": "#fdecea", "padding": "6px 10px"}
QUIET = {"color": "#666", "font-size": "12px"}
WAIT = "computing …"
RED = '<b style="color:#b00">{}</b>'
IN_RED = re.compile(RED.format("(.*)"))
SIDE = 310  # pixels of the column with the sliders


class Quick(pn.widgets.FloatSlider):
    """A slider whose moves are told at once: Panel waits 50 ms for more, half of a move's time."""

    _debounce = 0


class Page:
    """What one visitor sees, and where the sliders stand.

    Args:
        subject: what is explored.
        first: what is shown at the start.
        jobs: where long work is done.
        schedule: calls a function where the page may be changed, from any thread.
        state: where it begins; the start of the network unless given.
        save_to: the file that a button writes; None: the browser alone saves one.
        note: what is said first, such as what is wrong with a link.
    """

    def __init__(
        self,
        subject: Subject,
        first: Moved,
        jobs: Jobs,
        schedule: Callable[[Callable[[], None]], None],
        *,
        state: State | None = None,
        save_to: Any = None,
        note: str = "",
        location: Any = None,
    ):
        self.subject, self.jobs, self.schedule = subject, jobs, schedule
        self.state = state or start_of(subject.sliders)
        self.save_to, self.location = save_to, location
        self.now = first
        self.overlay: Overlay | None = None
        self.branches: Any = None
        self.branches_key: Any = None
        self.open_note, self.refused = "", False
        self.together = False  # while several sliders move at once
        self.moves = self.wishes = 0
        self.courses, self.diagram, self.eigenvalues, self.rates = panels_of(subject)
        self._widgets(note)
        self._begin()

    # ---- the parts of the page

    def _widgets(self, note: str) -> None:
        subject = self.subject
        self.sliders = [
            Quick(
                label=own.name,
                start=own.low,
                end=own.high,
                step=own.step,
                value=value,
                format="0[.]0000",
                width=SIDE - 20,
            )
            for own, value in zip(subject.sliders, self.state.values, strict=True)
        ]
        self.limits = [pn.pane.HTML("", styles=QUIET, margin=(0, 10)) for _ in self.sliders]
        for k, widget in enumerate(self.sliders):
            widget.param.watch(lambda event, k=k: self.slide(k, event.new), "value")
        names = [own.name for own in subject.sliders]
        half = SIDE // 2 - 20
        self.along = pn.widgets.Select(
            label="diagram along", options=names, value=self.state.along, width=half
        )
        self.shown = pn.widgets.Select(
            label="show", options=list(QUANTITIES), value=self.state.shown, width=half
        )
        self.along.param.watch(lambda event: self.turn(along=event.new), "value")
        self.shown.param.watch(lambda event: self.turn(shown=event.new), "value")
        self.sampler = pn.widgets.Button(label="Sample a network", width=half)
        self.sampler.on_click(lambda event: self.draw_network())
        self.back = pn.widgets.Button(label="Back to the start", width=half)
        self.back.on_click(lambda event: self.restart())
        self.banner = pn.pane.HTML(
            escape(note), styles=BANNER, visible=bool(note), sizing_mode="stretch_width"
        )
        self.busy = pn.pane.HTML("", styles=QUIET, margin=(0, 10))
        self.link = pn.pane.HTML("", styles=QUIET, margin=(0, 10))
        self.verdict = pn.pane.HTML("", margin=(0, 10), sizing_mode="stretch_width")
        self.table = pn.pane.HTML("", stylesheets=[STYLE], margin=(0, 10))
        self.equations = pn.pane.HTML(
            WAIT,
            stylesheets=[STYLE],
            disable_math=True,
            sizing_mode="stretch_width",
            margin=(0, 10),
        )
        self.counter = pn.pane.HTML("0", visible=False, css_classes=["moves"])

    def _savers(self) -> list[Any]:
        """What saves the spec: the browser, and where a file is named the server."""
        found: list[Any] = [
            pn.widgets.FileDownload(
                callback=self._file,
                filename=f"{self.subject.title or 'network'}.toml",
                label="Download this network",
                width=SIDE - 20,
            )
        ]
        if self.save_to is not None:
            made = pn.widgets.Button(label=f"Save to {self.save_to}", width=SIDE - 20)
            made.on_click(lambda event: self.save())
            found.append(made)
        return found

    def view(self) -> Any:
        """The whole page."""
        side: list[Any] = []
        for widget, limit in zip(self.sliders, self.limits, strict=True):
            side += [widget, limit]
        side += [
            pn.Row(self.along, self.shown),
            pn.Row(self.sampler, self.back),
            *self._savers(),
            self.busy,
            self.link,
            self.counter,
        ]
        pictures = [pn.pane.Bokeh(own.figure) for own in self._panels]
        title = pn.pane.HTML(f"<h2 style='margin:4px 0'>{escape(self.subject.title)}</h2>")
        return pn.Column(
            title,
            pn.Row(
                pn.Column(*side, width=SIDE),
                pn.Column(
                    self.banner,  # not above the sliders, which a pointer holds
                    pn.GridBox(*pictures, ncols=2),
                    self.verdict,
                    pn.pane.HTML("<h3 style='margin:4px 0'>Fixed points</h3>", margin=(0, 10)),
                    self.table,
                    pn.pane.HTML("<h3 style='margin:4px 0'>Equations</h3>", margin=(0, 10)),
                    self.equations,
                    sizing_mode="stretch_width",
                ),
                sizing_mode="stretch_width",
            ),
            sizing_mode="stretch_width",
        )

    @property
    def _panels(self) -> tuple[Any, ...]:
        return self.courses, self.diagram, self.eigenvalues, self.rates

    # ---- what a visitor does

    def slide(self, k: int, value: float) -> None:
        """The k-th slider moves."""
        values = (*self.state.values[:k], float(value), *self.state.values[k + 1 :])
        self.state = replace(self.state, values=values, sample=None)
        if not self.together:
            self.show(k)

    def turn(self, **changes: Any) -> None:
        """Another quantity, or another slider for the diagram."""
        self.state = replace(self.state, **changes)
        self._draw(self.now)
        self._draw_branches()
        self.courses.beside(self.overlay, self.state.shown)
        self._later()
        self._linked()

    def draw_network(self) -> None:
        """Another network is sampled, beside the theory."""
        seed = 0 if self.state.sample is None else (self.state.sample + 1) % (LARGEST_SEED + 1)
        self.state = replace(self.state, sample=seed)
        self._later(network_alone=True)
        self._linked()

    def restart(self) -> None:
        """All sliders back to where the network is as given."""
        self.together = True
        for widget, own in zip(self.sliders, self.subject.sliders, strict=True):
            widget.value = own.start
        self.together = False
        self.show()

    def save(self) -> None:
        """Write the spec of what is shown."""
        try:
            write_text(self.save_to, toml_of(self.subject, self._saved_values))
            self.busy.object = f"saved to {escape(str(self.save_to))}"
        except MotifieldError as error:
            self._warn(escape(str(error)))

    def _file(self) -> Any:
        from io import StringIO

        return StringIO(toml_of(self.subject, self._saved_values))

    @property
    def _saved_values(self) -> tuple[float, ...]:
        """Those of the pictures: no network has others."""
        return self.now.values

    # ---- what is shown

    def _begin(self) -> None:
        if self.state.values != self.now.values:
            self.show()
        if self.moves == 0 or self.refused:
            self._draw(self.now)
            self._later()
        self._linked()

    def show(self, k: int | None = None) -> None:
        """Draw what is known at once, and begin with the rest.

        Args:
            k: the slider that was moved.
        """
        why = self.subject.why_not(self.state.values)
        self.refused = bool(why)
        if why:
            self._refuse(why, k)
        else:
            self._warn("")
            if k is not None and (found := IN_RED.fullmatch(self.limits[k].object)):
                self.limits[k].object = found[1]
            self.now = moved(self.subject, self.state.values, self.now.points)
            if self.overlay is not None:
                self._beside(None)
            self._draw(self.now)
            self._later()
        self.moves += 1
        self.counter.object = str(self.moves)

    def _refuse(self, why: str, k: int | None) -> None:
        """No network is here: say where there are some, and leave the pictures."""
        own = None if k is None else self.subject.sliders[k]
        ranges = [] if k is None else self.subject.ranges(self.state.values, k)
        if k is not None:
            self.limits[k].object = RED.format(escape(ranges_text(ranges)))
        self._warn(refused_html(why, own, ranges))
        self._wish([])
        self.busy.object = ""
        for panel in self._panels:
            panel.stop()

    def _warn(self, html: str) -> None:
        if self.banner.object != html:
            self.banner.object = html
        if self.banner.visible != bool(html):
            self.banner.visible = bool(html)

    def _draw(self, now: Moved) -> None:
        quantity = self.state.shown
        self.courses.show(now, quantity)
        self.diagram.show(now, self._k, quantity)
        self.rates.show(now)
        self.rates.say(f" at fixed point {now.number}" if now.number else "")
        if now.answer is not None:
            self.eigenvalues.show(now.answer.jacobian)
            self.eigenvalues.say(f" at fixed point {now.number}: {now.answer.verdict}")
            self.verdict.object = verdict_html(now.answer)
        else:
            self.eigenvalues.fade()
            self.eigenvalues.say(LATER)
        self.table.object = points_html(now.points, self.open_note)

    def _draw_branches(self) -> None:
        is_current = self._key() == self.branches_key
        self.diagram.branches(self.branches if is_current else None, self.state.shown)

    @property
    def _k(self) -> int:
        return [own.name for own in self.subject.sliders].index(self.state.along)

    def _key(self) -> Any:
        """What the diagram depends on: not on the slider along which it is."""
        k = self._k
        return k, self.now.values[:k], self.now.values[k + 1 :]

    def _beside(self, own: Overlay | None) -> None:
        self.overlay = own
        self.courses.beside(own, self.state.shown)
        self.rates.beside(own)
        self.eigenvalues.beside(None if own is None else own.spectrum)

    # ---- what comes later

    def _later(self, network_alone: bool = False) -> None:
        """Begin with all that takes longer than a move may."""
        now, subject, k = self.now, self.subject, self._k
        values, found = now.values, {"now": now}
        jobs: list[Job] = []
        if self.equations.object == WAIT:
            jobs.append(Job("equations", lambda say: equations_html(subject)))
        if not network_alone:
            jobs.append(Job("points", lambda say: completed(subject, found, say)))
            jobs.append(Job("spectrum", lambda say: answered(subject, found)))
            jobs += [
                Job(f"range {n}", partial(ranges_of, subject, values, n))
                for n in range(len(self.sliders))
            ]
        if (key := self._key()) != self.branches_key:
            jobs.append(Job("diagram", lambda say: (key, diagram(subject, values, k, say))))
            self.diagram.fade()
            self.diagram.say(LATER)
        if (seed := self.state.sample) is not None:
            own = now.parameters
            jobs.append(
                Job("network", lambda say: overlay(subject, own, seed, found["now"].answer, say))
            )
        self.busy.object = WAIT
        self._wish([*jobs, Job("all", lambda say: None)])

    def _wish(self, jobs: list[Job]) -> None:
        """Do these in place of earlier ones, of which nothing is shown any more."""
        self.wishes += 1
        own = self.wishes

        def deliver(name: str, result: Any) -> None:
            self.schedule(lambda: self._take(name, result) if own == self.wishes else None)

        self.jobs.wish(self, jobs, deliver)

    def _take(self, name: str, result: Any) -> None:
        """Show what has come; called where the page may be changed."""
        what, _, number = name.partition(" ")
        if isinstance(result, Failed):
            self._fail(what, result.text)
            return
        getattr(self, f"_take_{what}")(result, number)

    def _fail(self, what: str, text: str) -> None:
        panels = {"diagram": self.diagram, "spectrum": self.eigenvalues}
        if what in panels:
            panels[what].say(f": {text.splitlines()[0][:60]}")
        if what == "equations":
            self.equations.object = escape(text)
        elif what == "network":
            self._warn(escape(text))

    def _take_equations(self, result: str, _: str) -> None:
        self.equations.object = result

    def _take_points(self, result: Any, _: str) -> None:
        self.now, self.open_note = result
        self._draw(self.now)

    def _take_spectrum(self, result: Moved | None, _: str) -> None:
        if result is not None:
            self.now = result
            self._draw(result)
        elif self.now.shown is None:
            self.eigenvalues.say(": no fixed point is known here")

    def _take_range(self, result: Any, number: str) -> None:
        own = self.subject.sliders[int(number)]
        whole = len(result) == 1 and result[0] == (own.low, own.high)
        self.limits[int(number)].object = "" if whole else escape(ranges_text(result))

    def _take_diagram(self, result: Any, _: str) -> None:
        self.branches_key, self.branches = result
        self._draw_branches()
        status = self.branches.status
        self.diagram.say("" if status.ok else f": {str(status)[:60]}")

    def _take_network(self, result: Overlay, _: str) -> None:
        self._beside(result)
        self.busy.object = escape(result.text)

    def _take_all(self, result: Any, _: str) -> None:
        if self.busy.object == WAIT:
            self.busy.object = ""
        self._linked()

    def _linked(self) -> None:
        """The link that holds the state."""
        query = query_of(self.state, self.subject.sliders)
        self.link.object = f'<a href="?{escape(query)}" target="_blank">link to this state</a>'
        if self.location is not None:
            self.location.search = f"?{query}" if query else ""
