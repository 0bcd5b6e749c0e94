"""The page of a fit: whole, self-contained, and with the numbers of the fit."""

import re
from html import escape
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

import motifield as mf
from motifield.errors import FileError
from motifield.numerics.fitting.minima import Fit
from motifield.numerics.reports import fit as fit_report
from motifield.numerics.reports.fit import headline
from motifield.numerics.results import Code, Status

MADE = "How this was made"
VOID = {"meta", "link", "img", "br", "hr"}
NOT_HERE = r'(src|href)="(?!data:|#)'
"""An address of something that is loaded: not in the file, and no place of the page itself."""


class Page(HTMLParser):
    """Open elements at every point; headings, tables by rows of texts, captions of pictures."""

    def __init__(self, text):
        super().__init__()
        self.open, self.headings, self.tables, self.pictures, self.verdicts = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "h2":
            self.headings.append("")
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag == "svg":
            self.pictures.append(given["aria-label"])
        if "verdict" in given.get("class", ""):
            self.verdicts.append(given["class"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings[-1] += data
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data


@pytest.fixture
def page(made_up_fit, monkeypatch, tmp_path):
    """What solves equations is replaced: the fit is made up, and has no fixed point."""
    monkeypatch.setattr(Fit, "stability", lambda self: {"gratings": "stable & <well>"})
    monkeypatch.setattr(Fit, "losses", lambda self: {"rate_mean": 2.5, "priors": 0.5})

    def written(**given):
        mf.reports.save_fit_report(made_up_fit, tmp_path / "fit.html", **given)
        text = (tmp_path / "fit.html").read_text()
        made = Page(text)
        assert not made.open
        return text, made

    return written


@pytest.fixture
def without_pictures(monkeypatch):
    """An empty one in place of all: for what a page says."""
    monkeypatch.setattr(fit_report, "fit_figures", lambda *_: {"Nothing": Figure(figsize=(1, 1))})


def test_a_page_by_itself(page, made_up_fit):
    text, made = page(title="A <fit> & more", introduction="Why & how.")
    assert "<h1>A &lt;fit&gt; &amp; more</h1>" in text
    assert "<p>Why &amp; how.</p>" in text
    assert "gratings: stable &amp; &lt;well&gt;" in text
    assert made.headings == ["Targets", "Values", "Equations", MADE]
    assert len(made.pictures) == text.count("<figure>") > 1
    assert not re.search(NOT_HERE, text), "nothing is loaded from elsewhere"
    in_fit, held, values = made.tables
    rows = made_up_fit.rows()
    assert [row[0] for row in in_fit[1:]] == [r["target"] for r in rows if not r["held out"]]
    assert [row[0] for row in held[1:]] == [r["target"] for r in rows if r["held out"]]
    assert [float(row[3]) for row in held[1:]] == pytest.approx(
        [r["fit"] for r in rows if r["held out"]], rel=1e-3
    )
    assert {row[0]: float(row[1]) for row in values[1:]} == pytest.approx(
        made_up_fit.values, rel=1e-3
    )
    assert "mean squared misfit" in text
    assert "$" not in text, "formulas within sentences are formulas"


def test_missing_entries_are_no_misfit():
    rows = [
        {"target": "rate_sd E", "value": np.nan, "z": np.nan, "held out": False},
        {"target": "rate_mean E", "value": 1.0, "z": -0.5, "held out": False},
        {"target": "rate_mean I", "value": 1.0, "z": 9.0, "held out": True},
    ]
    reproduced, text = headline(SimpleNamespace(rows=lambda: rows, loss=0.25))
    assert reproduced
    assert (
        text == "1 of 1 targets are within 2 standard errors; "
        "the largest difference is 0.5 (rate_mean E); loss 0.25"
    )


def test_errors_and_what_is_determined(page, made_up_identifiability):
    text, made = page(determined=made_up_identifiability)
    assert made.headings == [
        *("Targets", "Values", "What the targets determine", "Equations", MADE)
    ]
    values = made.tables[2]
    assert values[0][:5] == ["parameter", "value", "standard error", "low", "high"]
    errors = made_up_identifiability.standard_errors()
    assert [float(row[2]) for row in values[1:]] == pytest.approx(
        [errors[row[0]] for row in values[1:]], rel=1e-3
    )
    held, expected = made.tables[1], made_up_identifiability.held_out_rows()
    assert held[0] == ["target", "value", "error", "prediction", "prediction error", "z"]
    assert [float(row[4]) for row in held[1:]] == pytest.approx(
        [row["prediction error"] for row in expected], rel=1e-3
    )
    assert values[1][-1] == "yes"
    assert values[2][-1] == "no"
    assert f">{escape(made_up_identifiability.text())}</pre>" in text
    assert "What the targets determine" in made.pictures


@pytest.mark.usefixtures("without_pictures")
def test_a_check_that_failed(page):
    failed = SimpleNamespace(
        passed=False,
        criterion="theory is off by 9",
        status=Status("the networks still move", Code.UNDECIDED),
        rows=lambda: [{"target": "rate_mean E", "z": 9.0}],
    )
    text, made = page(check=failed)
    assert made.verdicts[1:] == ["verdict failed"]
    assert "<strong>Not confirmed:</strong> theory is off by 9." in text
    assert "<p>the networks still move</p>" in text
    assert made.tables[-1] == [["target", "z"], ["rate_mean E", "9"]]


@pytest.mark.usefixtures("without_pictures")
def test_further_tables(page):
    _, made = page(tables={"Layers & all": [{"layer": "4", "z": 1.25}]})
    assert made.headings[-3] == "Layers & all"
    assert made.tables[-1] == [["layer", "z"], ["4", "1.25"]]


def test_the_verdict(made_up_fit):
    """By hand: how many fitted targets are within 2 standard errors; predictions are random."""
    t = made_up_fit.problem.targets
    z = np.abs((made_up_fit.predictions - t.value) / t.error)[~t.held_out]
    good, text = headline(made_up_fit)
    assert good == bool(np.all(z <= 2))
    assert text.startswith(
        f"{int(np.sum(z <= 2))} of {len(z)} targets are within 2 standard errors; "
        f"the largest difference is {z.max():.2g} ("
    )


@pytest.mark.usefixtures("without_pictures")
def test_a_fit_that_did_not_converge_says_so(page, made_up_fit, monkeypatch):
    monkeypatch.setattr(Fit, "status", "the best start has not converged")
    text, made = page()
    assert made.verdicts == ["verdict failed"]
    assert "<strong>Not converged:</strong> the best start has not converged." in text


@pytest.mark.usefixtures("without_pictures")
def test_nothing_half_written(page, made_up_fit, tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        mf.reports.save_fit_report(made_up_fit, tmp_path / "nowhere" / "fit.html")
    assert list(tmp_path.iterdir()) == []
