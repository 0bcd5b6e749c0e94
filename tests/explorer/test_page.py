"""What a page does without a browser: moves, refusals, what comes later, and what is saved."""

import tomllib

import pytest

from motifield.explorer.jobs import Failed
from motifield.explorer.later import first_shown
from motifield.explorer.page import Page, Quick


class Wishes:
    """Jobs that wait until a test does them."""

    def wish(self, whose, jobs, deliver):
        self.jobs, self.deliver = list(jobs), deliver

    def do(self, *names):
        for job in self.jobs:
            if not names or job.name in names:
                self.deliver(job.name, job.run(lambda text, part: None))


@pytest.fixture(scope="module")
def first(subject):
    return first_shown(subject)


@pytest.fixture
def page(subject, first):
    return Page(subject, first, Wishes(), lambda function: function())


def slider(page, name):
    names = [own.name for own in page.subject.sliders]
    return names.index(name)


def test_a_move_changes_data_in_place_and_needs_no_job(page):
    sources = [page.courses.theory["E"], page.diagram.points, page.eigenvalues.outliers]
    sources += [page.rates.theory["E"], page.eigenvalues.edge]
    before = [dict(own.data) for own in sources]
    page.sliders[slider(page, "input[E]")].value = 0.9
    after = [page.courses.theory["E"], page.diagram.points, page.eigenvalues.outliers]
    after += [page.rates.theory["E"], page.eigenvalues.edge]
    for own, other, old in zip(sources, after, before, strict=True):
        assert own is other
        assert any(list(own.data[name]) != list(old[name]) for name in old)
    # the course ends at the fixed point, which Newton's method found on its own
    rates = page.now.shown.numbers["rate"]
    assert page.now.shown.converged
    for name, rate in zip("EI", rates, strict=True):
        assert page.courses.theory[name].data["y"][-1] == pytest.approx(rate, abs=1e-3)


def test_where_no_network_is_the_pictures_stay_and_the_range_is_said(page):
    before = page.now
    k = slider(page, "factor(motifs)")
    page.sliders[k].value = 4.0
    assert page.now is before
    assert page.jobs.jobs == []
    assert page.banner.visible
    assert "factor(motifs): feasible from 0 to 2.5" in page.banner.object
    assert page.diagram.figure.title.text == "Bifurcation diagram (stopped)"
    assert page.limits[k].object == '<b style="color:#b00">feasible from 0 to 2.5</b>'
    page.sliders[k].value = 2.0
    assert page.limits[k].object == "feasible from 0 to 2.5"
    assert page.diagram.figure.title.text == "Bifurcation diagram (computing …)"
    assert not page.banner.visible
    assert page.now.values[k] == 2.0


def test_what_comes_later_is_shown_unless_something_moved(page):
    page.jobs.do("equations", "range 0", "range 1")
    assert "<math" in page.equations.object
    k = slider(page, "factor(motifs)")
    assert page.limits[k].object == "feasible from 0 to 2.5"
    old = page.jobs.deliver
    page.sliders[slider(page, "input[E]")].value = 1.1
    page.busy.object = "as it was"
    old("all", None)
    assert page.busy.object == "as it was"


def test_a_failure_is_said_in_its_picture(page):
    page._take("diagram", Failed("there is no fixed point"))
    assert page.diagram.figure.title.text == "Bifurcation diagram: there is no fixed point"
    page._take("network", Failed("too few <neurons>"))
    assert page.banner.object == "too few &lt;neurons&gt;"


def test_back_to_the_start_is_one_move(page):
    for name, value in (("input[E]", 1.3), ("factor(motifs)", 0.5)):
        page.sliders[slider(page, name)].value = value
    count = page.moves
    page.restart()
    assert page.moves == count + 1
    assert page.now.values == tuple(own.start for own in page.subject.sliders)


def test_what_is_saved_are_the_numbers_of_the_pictures(page, tmp_path):
    page.save_to = tmp_path / "a.toml"
    page.sliders[slider(page, "input[E]")].value = 1.2
    page.sliders[slider(page, "factor(motifs)")].value = 4.0  # no network has these
    page.save()
    told = tomllib.loads(page.save_to.read_text())
    assert told["parameters"]["input"] == [1.2, 0.5]
    assert told["parameters"]["motifs"]["reciprocal"][0][0] == pytest.approx(0.4)
    page.save_to = tmp_path / "no" / "a.toml"
    page.save()
    assert "the folder" in page.banner.object


def test_panel_knows_how_soon_a_slider_is_told():
    """Its name there is not public: where it goes, moves are 50 ms late."""
    assert Quick.__mro__[1]._debounce == 50
