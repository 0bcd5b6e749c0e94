"""Pictures of compared models and profiles show their numbers, also on the page of a fit."""

import re
from dataclasses import replace

import numpy as np
import pytest

import motifield as mf
from motifield.numerics.fitting.minima import Fit
from motifield.numerics.inference.model_comparison import Comparison
from motifield.numerics.inference.profiles import Profile
from motifield.numerics.plots.models import comparison, profiles


@pytest.fixture
def compared(made_up_fit, monkeypatch):
    """chi^2 is 12 for both; of 15 targets, 5 effective parameters or 14 (AICc infinite)."""
    monkeypatch.setattr(Fit, "losses", lambda self: {"rate_mean": 12.0, "priors": 1.0})
    n = int(made_up_fit.problem.fitted.sum())
    assert n == 15
    held = {"all": np.linspace(0, 2, n), "none": np.linspace(1, 5, n)}
    return Comparison(
        dict.fromkeys(held, made_up_fit),
        {"all": np.nextafter(14.0, 0.0), "none": 5.0},  # a sum of eigenvalues, with rounding
        np.arange(n) % 3,
        held,
        dict.fromkeys(held, "ok"),
    )


@pytest.fixture
def profiled(made_up_fit):
    """Loss 3.1 + ((v - 2) / .5)^2: the interval is 2 -+ .98."""
    v = np.linspace(0.5, 3.5, 7)
    return Profile(
        made_up_fit,
        "mean[E,E]",
        v,
        3.1 + ((v - 2) / 0.5) ** 2,
        np.zeros((7, 22)),
        (1.02, np.inf),
        0.95,
    )


def test_bars_are_criteria_above_the_smallest(compared):
    """By hand: AIC = 12 + 2 k, BIC = 12 + k log 15, AICc of the smaller model alone is finite."""
    left, right = comparison(compared).axes
    found = {c.get_label(): [bar.get_width() for bar in c] for c in left.containers}
    assert found["AIC"] == pytest.approx([18.0, 0.0])
    assert found["AICc"] == pytest.approx([0.0])
    assert found["BIC"] == pytest.approx([9 * np.log(15), 0.0])
    assert [label.get_text() for label in left.get_yticklabels()] == ["all", "none"]
    assert left.containers[1][0].get_y() > 0.5, "the bar stands at the model that has it"
    points = right.containers[0][0]
    assert points.get_xdata().tolist() == pytest.approx([1.0, 3.0])
    ends = right.containers[0][2][0].get_segments()[0][:, 0]
    assert np.ptp(ends) == pytest.approx(2 * np.linspace(0, 2, 15).std(ddof=1) / np.sqrt(15))


def test_without_folds_there_is_one_panel(compared, made_up_fit):
    none = {name: np.zeros(0) for name in compared.fits}
    alone = replace(compared, folds=np.zeros(0, dtype=int), held=none)
    assert len(comparison(alone).axes) == 1


def test_profiles(profiled):
    (ax,) = profiles([profiled]).axes
    curve, level, end = ax.lines
    assert curve.get_ydata() == pytest.approx(((curve.get_xdata() - 2) / 0.5) ** 2, rel=1e-4)
    assert 1.02 in curve.get_xdata()
    assert level.get_ydata()[0] == pytest.approx(3.841, abs=1e-3)
    assert end.get_xdata()[0] == 1.02, "the end that was not found has no line"
    assert ax.get_xlabel() == "mean[E,E]"


def test_a_profile_shows_its_interval_however_far_it_was_looked_at(profiled):
    """The ends of the interval are points of the curve, and values far outside are not in sight."""
    far = replace(
        profiled,
        values=np.array([-3.0, 0.09, 3.0]),
        losses=np.array([1e6, 0.0, 1e5]),
        interval=(0.01, 0.4),
    )
    (ax,) = profiles([far]).axes
    left, right = ax.get_xlim()
    assert -0.1 < left < 0.01
    assert 0.4 < right < 0.6
    assert ax.lines[0].get_xdata().tolist() == [-3.0, 0.01, 0.09, 0.4, 3.0]
    assert ax.lines[0].get_ydata()[[1, 3]] == pytest.approx(3.841, abs=1e-3)


def test_both_are_on_the_page(compared, profiled, made_up_fit, monkeypatch, tmp_path):
    monkeypatch.setattr(Fit, "stability", lambda self: {})
    mf.reports.save_fit_report(
        made_up_fit, tmp_path / "fit.html", compared=compared, profiled=[profiled]
    )
    text = (tmp_path / "fit.html").read_text()
    assert "The best by AIC: none; AICc: none; BIC: none; cross-validated: all." in text
    for caption in (
        "Models compared",
        "Rise of the loss with one number held, all others adapting",
    ):
        assert f'aria-label="{caption}"' in text
    cells = re.findall("<td>(.*?)</td>", text[text.index("<h2>Profiles of the loss") :])
    assert cells[:4] == ["mean[E,E]", "1.02", "inf", "0.95"]
