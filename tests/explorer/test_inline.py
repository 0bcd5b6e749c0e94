"""The page as an object that a notebook shows."""

import panel as pn

import motifield as mf


class Idle:
    """Does nothing later."""

    def wish(self, whose, jobs, deliver):
        pass


def test_a_notebook_gets_sliders_and_pictures_without_a_server(pair, monkeypatch):
    monkeypatch.setattr("motifield.explorer.jobs.Jobs", Idle)
    ranges = {"factor(motifs)": (0.0, 5.0), "input[E]": (0.0, 2.0)}
    made = mf.explore(*pair, ranges, t1=10.0, title="pair")
    sliders = list(made.select(pn.widgets.FloatSlider))
    assert [own.label for own in sliders] == ["input[E]", "factor(motifs)"]
    figures = [pane.object for pane in made.select(pn.pane.Bokeh)]
    assert len(figures) == 4
    source = figures[0].renderers[0].data_source
    before = list(source.data["y"])
    sliders[0].value = 1.0
    assert list(source.data["y"]) != before
