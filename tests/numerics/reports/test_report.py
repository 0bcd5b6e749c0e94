"""Pages of any result: status, table, equations, and how it was made."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import motifield as mf
from motifield.errors import FileError, SpecError
from motifield.numerics.reports.general import MOST
from motifield.numerics.reports.origin import _as_toml
from motifield.numerics.results import Code, Status

FAILED = Status("the search diverged", Code.DIVERGED)
OPEN = Status("one point may be missing", Code.UNDECIDED)


@pytest.fixture
def page(tmp_path):
    """What `save_report` writes."""

    def written(result, **given):
        mf.reports.save_report(result, tmp_path / "page.html", **given)
        return (tmp_path / "page.html").read_text()

    return written


def sections(text):
    return re.findall("<h2>(.*?)</h2>", text)


def test_a_result_without_a_picture(numbers, page):
    text = page(numbers())
    assert "<h1>Some &lt;numbers&gt;</h1>" in text
    assert sections(text) == ["Numbers", "How this was made"]
    assert "<td>0.1429</td>" in text  # 1/7
    assert 'class="verdict passed"' in text
    assert "<figure>" not in text


@pytest.mark.parametrize(("status", "colour"), [(FAILED, "failed"), (OPEN, "open")])
def test_how_a_computation_ended(numbers, page, status, colour):
    text = page(numbers(status=status))
    assert f'class="verdict {colour}"' in text
    word = status.code.value.capitalize()
    assert f"<strong>{word}:</strong> {status}." in text


def test_a_picture_can_be_there(numbers, page, cloud, monkeypatch):
    monkeypatch.setattr("motifield.numerics.reports.general.draw_result", lambda own: cloud(5))
    text = page(numbers())
    assert text.count('<svg role="img" aria-label="Some &lt;numbers&gt;"') == 1


def test_several_have_a_section_each(numbers, page):
    own = [numbers(title=name) for name in ("first", "second")]
    text = page(own, tables={"More": [{"x": 1}]}, introduction="Why & how.")
    assert sections(text) == ["More", "first", "second", "How this was made"]
    assert "<h1>first</h1>" in text
    assert "<p>Why &amp; how.</p>" in text
    places = re.findall('href="#(.*?)"', text)
    assert len(places) == 4
    assert all(f'id="{place}"' in text for place in places)


def test_long_tables_are_cut_and_say_so(numbers, page):
    text = page(numbers(count=MOST + 7))
    assert text.count("<tr") == MOST + 1
    assert f"{MOST + 7} rows" in text
    assert f"The first {MOST} of them" in text


def test_versions_are_there(numbers, page):
    import jax
    import numpy

    text = page(numbers())
    for name, version in {"jax": jax.__version__, "numpy": numpy.__version__}.items():
        assert f"<strong>{name}:</strong> {version}" in text
    assert "<strong>motifield:</strong>" in text
    assert "<strong>Python:</strong>" in text


def test_what_the_origin_says(numbers, page, tmp_path):
    spec = tmp_path / "my.toml"
    spec.write_text('title = "a <b>"\n')
    origin = mf.reports.Origin(
        command="motifield verify my.toml --seed 3", spec=spec, options={"seed": 3}
    )
    text = page(numbers(), origin=origin)
    assert "motifield verify my.toml --seed 3</pre>" in text
    assert "title = &#34;a &lt;b&gt;&#34;</pre>" in text
    assert "<strong>seed:</strong> 3" in text
    assert "Spec, my.toml" in text
    assert "a text" in page(numbers(), origin=mf.reports.Origin(spec="a text"))


def test_parameters_stand_in_place_of_a_spec(numbers, page, of_populations):
    """They are read again as they were written."""
    import html
    import tomllib

    own = of_populations("EI", mean=[[0.003, -0.006]] * 2, g=0.2)
    text = page(numbers(), origin=mf.reports.Origin(parameters=own))
    written = html.unescape(re.search(r"<pre[^>]*>(\[parameters\].*?)</pre>", text, re.S)[1])
    assert tomllib.loads(written)["parameters"] == own.data()
    assert "mean = [[0.003, -0.006], [0.003, -0.006]]" in written.splitlines()
    assert "[parameters]" not in page(numbers(), origin=mf.reports.Origin(spec="x", parameters=own))


def test_equations_are_there_once(numbers, page):
    """Of a result that knows them, or of the origin; of several results with the same, once."""
    field = mf.derive(mf.Architecture(["E", "I"], "erf"), mf.MotifOnly())
    system = SimpleNamespace(mean_field=field)
    one = page([numbers(system=system), numbers(system=system)])
    other = page(numbers(), origin=mf.reports.Origin(system=system))
    for text in (one, other):
        assert sections(text)[-2:] == ["Equations", "How this was made"]
        assert text.count("Closure MotifOnly") == 1
        assert text.count("Architecture of populations E, I") == 1
    assert one.count("<math") == other.count("<math") >= 4


def test_numbers_as_lines():
    """Names may look like anything; what is written is read again."""
    import tomllib

    data = {
        "names": ["]", "a, [", " x", 'b"\n]'],
        "m": [[[1.0]], []],
        "in": [{"a": [1, 2]}],
        "e": [],
    }
    text = _as_toml({"parameters": data, "later": {"x": [1]}})
    assert tomllib.loads(text) == {"parameters": data, "later": {"x": [1]}}
    assert "m = [[[1.0]], []]" in text


def test_numbers_without_text_are_no_error(numbers, page):
    """An input that is code has none."""

    def data():
        raise SpecError("an input is code")

    text = page(numbers(), origin=mf.reports.Origin(parameters=SimpleNamespace(data=data)))
    assert "an input is code" in text


def test_what_is_too_long_is_said(numbers, page):
    own = SimpleNamespace(data=lambda: {"g": [0.25] * 100_000})
    text = page(numbers(), origin=mf.reports.Origin(parameters=own))
    assert "kB as text, too long for this page" in text
    assert len(text) < 100_000


@pytest.mark.parametrize("given", [[], [3], ["page"]])
def test_what_is_no_result(given, tmp_path):
    with pytest.raises(SpecError, match="a report is about results of verbs"):
        mf.reports.save_report(given, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_a_spec_that_is_not_there(numbers, tmp_path):
    origin = mf.reports.Origin(spec=Path(tmp_path / "gone.toml"))
    with pytest.raises(SpecError, match=r"gone.toml cannot be read for a report"):
        mf.reports.save_report(numbers(), tmp_path / "page.html", origin=origin)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(numbers, tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        mf.reports.save_report(numbers(), tmp_path / "nowhere" / "page.html")


def test_the_same_result_gives_the_same_page(numbers, page, cloud, monkeypatch):
    monkeypatch.setattr("motifield.numerics.reports.general.draw_result", lambda own: cloud(5))
    assert page(numbers()) == page(numbers())
