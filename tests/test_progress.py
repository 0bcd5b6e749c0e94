"""Progress bars on a terminal and in a notebook, and figures in a notebook."""

import io
import sys

import pytest
from matplotlib.figure import Figure

import motifield as mf
from motifield import progress
from motifield.numerics.plots import show_figures


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_on_a_terminal(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    bar = mf.progress.bar()
    bar("half", 0.5)
    bar("done", 1.0)
    half, done = stream.getvalue().split("\r")[1:]
    assert half.count("=") == progress.WIDTH // 2
    assert done.count("=") == progress.WIDTH
    assert done.endswith("done\x1b[K\n")


def test_a_bar_in_a_log_is_silent(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    mf.progress.bar()("half", 0.5)
    mf.progress.bar()("done", 1.0)
    assert stream.getvalue() == ""


def test_between_two_pictures_some_time_passes(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "SECONDS", 60.0)
    bar = mf.progress.bar()
    for k in range(100):
        bar("on its way", k / 100)
    assert stream.getvalue().count("\r") == 1


@pytest.fixture
def notebook(monkeypatch):
    core = pytest.importorskip("IPython.core.interactiveshell")
    shell = core.InteractiveShell.instance()
    shell.kernel = object()
    yield shell
    core.InteractiveShell.clear_instance()


def kinds(shell) -> set[str]:
    """The forms in which a notebook shows a figure that is not empty."""
    figure = Figure()
    figure.subplots()
    return set(shell.display_formatter.format(figure)[0])


def test_a_notebook_shows_figures_that_pyplot_does_not_know(notebook):
    shown = kinds(notebook)
    assert "image/png" not in shown
    show_figures()
    shown = kinds(notebook)
    assert "image/png" in shown


def test_what_a_notebook_was_told_stays(notebook):
    from IPython.core.pylabtools import select_figure_formats

    select_figure_formats(notebook, ["svg"])
    show_figures()
    shown = kinds(notebook)
    assert "image/svg+xml" in shown
    assert "image/png" not in shown


def test_a_bar_in_a_notebook_is_one_display_that_changes(notebook, monkeypatch):
    from IPython import display

    seen = []

    class Handle:
        def update(self, shown):
            seen.append(("update", shown.data))

    def shows(shown, display_id):
        seen.append(("display", shown.data))
        return Handle()

    monkeypatch.setattr(display, "display", shows)
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    bar = mf.progress.bar()
    bar("<half>", 0.5)
    bar("done", 1.0)
    assert [kind for kind, _ in seen] == ["display", "update"]
    assert "&lt;half&gt;" in seen[0][1]
    assert "value='0.5000'" in seen[0][1]
