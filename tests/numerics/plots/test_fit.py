"""Pictures of fits show the numbers of the fit: read from the figures, not from pixels."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from motifield.numerics.plots import (
    connectivity,
    determined,
    fit_directions as directions,
    fit_figures,
    held_out,
    overview,
)
from motifield.numerics.plots.fit_starts import ensemble, losses
from motifield.numerics.plots.fit_targets import QUANTITIES, predictions


def panels(figure):
    return {ax.get_title(): ax for ax in figure.axes if ax.get_title()}


def bars(ax):
    """Heights of the horizontal black bars, which are the fit."""
    return [
        line.get_ydata()[0]
        for line in ax.lines
        if line.get_color() == "k" and len(line.get_xdata()) == 2 and np.ptp(line.get_ydata()) == 0
    ]


def which(fit, quantity, over_time=False):
    t = fit.problem.targets
    return [
        k
        for k in range(len(t))
        if t.quantity[k] == quantity and np.isfinite(t.time[k]) == over_time
    ]


def test_every_target_has_its_panel_its_error_and_its_prediction(made_up_fit):
    fit, t = made_up_fit, made_up_fit.problem.targets
    found = panels(predictions(fit))
    assert set(found) == {
        "mean rate",
        "SD of rates across neurons",
        "correlation of rates across neurons",
        "quantile of rates",
        "change of the mean rate",
        "mean rate, flash",
    }
    for quantity, title in QUANTITIES.items():
        own, ax = which(fit, quantity), found[title]
        assert bars(ax) == pytest.approx(fit.predictions[own])
        ends = [
            segment[:, 1]
            for container in ax.containers
            for segment in container[2][0].get_segments()
        ]
        np.testing.assert_allclose(
            ends, [[t.value[k] - t.error[k], t.value[k] + t.error[k]] for k in own]
        )


def test_targets_stand_over_their_condition_in_the_colour_of_their_population(made_up_fit):
    ax = panels(predictions(made_up_fit))["mean rate"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["spontaneous", "gratings"]
    points = [container[0] for container in ax.containers]
    assert [int(np.round(p.get_xdata()[0])) for p in points] == [0, 0, 1, 1, 1]
    assert [p.get_color() for p in points] == ["C0", "C1", "C0", "C1", "C2"], (
        "the pool E+I has the colour after the populations"
    )


def test_what_is_compared_is_named(made_up_fit):
    found = panels(predictions(made_up_fit))
    assert (
        found["change of the mean rate"].get_xticklabels()[0].get_text() == "gratings - spontaneous"
    )
    assert (
        found["correlation of rates across neurons"].get_xticklabels()[0].get_text()
        == "gratings, spontaneous"
    )
    assert [label.get_text() for label in found["quantile of rates"].get_xticklabels()] == [
        "gratings, 25 %",
        "gratings, 75 %",
    ]


def test_held_out_targets_are_open(made_up_fit):
    found = panels(predictions(made_up_fit))
    assert {c[0].get_markerfacecolor() for c in found["quantile of rates"].containers} == {"w"}
    assert "w" not in {c[0].get_markerfacecolor() for c in found["mean rate"].containers}


def test_time_courses_are_curves_in_order_of_time(made_up_fit):
    """The rows of the targets are at 2, 0, 1."""
    ax = panels(predictions(made_up_fit))["mean rate, flash"]
    t = made_up_fit.problem.targets
    for p, colour in (("E", "C0"), ("I", "C1")):
        own = sorted(
            (k for k in which(made_up_fit, "rate_mean", True) if t.population[k] == p),
            key=lambda k: t.time[k],
        )
        (curve,) = [
            line
            for line in ax.lines
            if line.get_color() == colour
            and line.get_linestyle() == "-"
            and line.get_marker() == "None"
        ]
        assert curve.get_xdata().tolist() == [0.0, 1.0, 2.0]
        assert curve.get_ydata() == pytest.approx(made_up_fit.predictions[own])


def test_held_out_predictions_in_standard_errors(made_up_fit):
    ax = held_out(made_up_fit).axes[0]
    points = [line for line in ax.lines if line.get_marker() == "o"]
    rows = [row for row in made_up_fit.rows() if row["held out"]]
    assert [p.get_xdata()[0] for p in points] == pytest.approx([row["z"] for row in rows])
    assert [label.get_text() for label in ax.get_yticklabels()] == [row["target"] for row in rows]
    assert all(ax.get_xlim()[0] < row["z"] < ax.get_xlim()[1] for row in rows)


def test_held_out_predictions_have_bars_where_their_errors_are_known(
    made_up_fit, made_up_identifiability, monkeypatch
):
    """Bars are the standard errors of predictions, in those of the targets.

    They go across the picture where nothing determines a prediction.
    """
    rows = [
        {**row, "prediction error": e}
        for row, e in zip(
            made_up_identifiability.held_out_rows(), (0.02, 0.1, 0.0, np.inf), strict=True
        )
    ]
    monkeypatch.setattr(type(made_up_identifiability), "held_out_rows", lambda self: rows)
    ax = held_out(made_up_fit, made_up_identifiability).axes[0]
    (spans,) = zip(
        *[c.get_segments() for c in ax.collections if hasattr(c, "get_segments")], strict=True
    )
    half = [(span[1][0] - span[0][0]) / 2 for span in spans]
    assert half[:3] == pytest.approx([row["prediction error"] / row["error"] for row in rows[:3]])
    assert spans[3][0][0] < ax.get_xlim()[0] < ax.get_xlim()[1] < spans[3][1][0]


def test_losses_by_what_became_of_the_start(made_up_fit):
    ax = losses(made_up_fit).axes[0]
    found = {
        line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist())
        for line in ax.lines
    }
    assert found == {
        "as good as the best: 4": ([1, 2, 3, 4], [3.1] * 4),
        "worse: 3": ([5, 7, 8], [4.0, 22.0, 90.0]),
        "worse, not converged: 1": ([6], [7.0]),
    }
    assert ax.get_title() == "all starts; 1 without a fixed point"
    assert ax.get_yscale() == "log"


def test_equally_good_solutions_relative_to_the_best(made_up_fit):
    ax = ensemble(made_up_fit).axes[0]
    table = made_up_fit.ensemble()["value"].values
    strips = [line for line in ax.lines if line.get_marker() == "|"]
    for k, line in enumerate(strips):
        assert line.get_xdata() == pytest.approx(table[:, k] / table[0, k])
        assert set(line.get_ydata()) == {k}
    assert [label.get_text() for label in ax.get_yticklabels()] == list(made_up_fit.values)[
        : len(strips)
    ]


def test_matrices_of_the_best_solution(made_up_fit):
    fit, own = made_up_fit, made_up_fit.parameters()
    found = {ax.get_title(): ax.images[0].get_array() for ax in connectivity(fit).axes if ax.images}
    N, con, div, chn = (
        float(own.N),
        *(np.asarray(t) for t in (own.tau_con, own.tau_div, own.tau_chn)),
    )
    expected = {
        "mean synapse": N * np.asarray(own.mean),
        "SD": np.asarray(own.g),
        "chains through E": N * chn[:, 0],
        "chains through I": N * chn[:, 1],
        "convergence": N * np.array([[con[p, q, q] for q in range(2)] for p in range(2)]),
        "divergence": N * np.array([[div[q, p, p] for q in range(2)] for p in range(2)]),
        "reciprocity": np.asarray(own.tau_rec),
    }
    for title, array in found.items():
        (name,) = [start for start in expected if title.startswith(start)]
        np.testing.assert_allclose(array, expected.pop(name), rtol=1e-12)
    assert not expected


def test_what_stands_below_a_number(made_up_fit):
    """Standard errors where they are given, "open" where infinite.

    Tied numbers have that of the common one; nothing stands below numbers that were not fitted.
    """
    errors = dict.fromkeys(made_up_fit.values, 0.001) | {
        "g[E,E] = g[I,E]": 0.05,
        "mean[E,I]": np.inf,
    }
    found = {
        ax.get_title(): [text.get_text() for text in ax.texts]
        for ax in connectivity(made_up_fit, errors).axes
        if ax.images
    }
    g = found["SD of synapses, $g_{pq}$"]
    assert [text.partition("\n")[2] for text in g] == ["± 0.05", "", "± 0.05", ""]
    mean = next(texts for title, texts in found.items() if title.startswith("mean"))
    assert [text.partition("\n")[2] for text in mean] == ["± 4", "open", "± 4", "± 4"], (
        "errors have the factor N of the numbers"
    )
    alone = {
        "tau_div[E,I,I]": ("divergence", 2),
        "tau_con[E,I,I]": ("convergence", 1),
        "tau_chn[I,E,E]": ("chains through E", 2),
    }
    for name, (
        title,
        place,
    ) in alone.items():  # places are row by row, row = target: E,E  E,I  I,E  I,I
        texts = next(
            ax.texts
            for ax in connectivity(made_up_fit, {name: 0.001}).axes
            if ax.get_title().startswith(title)
        )
        assert [text.get_text().endswith("± 4") for text in texts] == [
            k == place for k in range(4)
        ], name
    ranges = {
        ax.get_title(): [text.get_text() for text in ax.texts]
        for ax in connectivity(made_up_fit).axes
        if ax.images
    }
    table = made_up_fit.ensemble()["value"].sel(parameter="g[E,E] = g[I,E]").values
    assert ranges["SD of synapses, $g_{pq}$"][0].endswith(
        f"\n{table.min():.2g} .. {table.max():.2g}"
    )


def test_many_populations_have_their_chains_together(network_of):
    """sum_q g_pq g_qr tau_chn[p,q,r] N, with explicit loops."""
    from motifield.numerics.plots.matrices import _panels

    own = network_of(5, seed=3)
    title, whole, *_ = _panels(own)[-1]
    assert title.startswith("chains, ")
    g, chn = np.asarray(own.g), np.asarray(own.tau_chn)
    by_hand = [
        [float(own.N) * sum(g[p, q] * g[q, r] * chn[p, q, r] for q in range(5)) for r in range(5)]
        for p in range(5)
    ]
    np.testing.assert_allclose(whole, by_hand, rtol=1e-12)


def test_what_the_targets_determine(made_up_fit, made_up_identifiability):
    found = made_up_identifiability
    left, right = [ax for ax in determined(found).axes if ax.get_xlabel()]
    lines = {line.get_label(): line.get_ydata() for line in left.lines}
    for label, own in (("targets alone", found.data), ("with priors", found.whole)):
        np.testing.assert_allclose(lines[label], own.singular_values[own.singular_values > 0])
    assert f"determined: {found.data.rank} of {len(found.names)}" in lines
    assert 0 < found.data.rank < found.whole.rank < len(found.names)
    np.testing.assert_allclose(
        right.images[0].get_array(),
        found.data.seen[: directions.MOST_DIRECTIONS, : directions.MOST_PARAMETERS].T,
    )
    assert right.get_yticklabels()[0].get_text() == "log |mean[E,E]|"


def test_captions_say_what_there_is(made_up_fit, made_up_identifiability):
    assert list(fit_figures(made_up_fit)) == [
        "Targets with standard errors, and the fit",
        "Held-out targets: predictions against measurements",
        "Connectivity and motifs of the best solution",
        "Loss of all starts",
        "Equally good solutions",
    ]
    more = fit_figures(made_up_fit, made_up_identifiability)
    assert {
        "Connectivity and motifs of the best solution, with standard errors",
        "What the targets determine",
    } <= set(more)


def test_no_two_labels_overlap(made_up_fit, made_up_identifiability):
    """Tick labels of an axis keep apart, and titles stay within the picture."""
    for figure in (
        overview(made_up_fit),
        *fit_figures(made_up_fit, made_up_identifiability).values(),
    ):
        figure.canvas.draw()
        whole = figure.bbox
        for ax in figure.axes:
            for axis in (ax.xaxis, ax.yaxis):
                boxes = [
                    text.get_window_extent()
                    for text in axis.get_ticklabels()
                    if text.get_text() and text.get_rotation() == 0
                ]
                low, high = ("x0", "x1") if axis is ax.xaxis else ("y0", "y1")
                inside = sorted(
                    (getattr(b, low), getattr(b, high)) for b in boxes if b.x0 >= -1 and b.y0 >= -1
                )
                assert all(a[1] <= b[0] + 1 for a, b in itertools.pairwise(inside)), (
                    ax.get_title(),
                    axis,
                )
            box = ax.title.get_window_extent()
            assert box.x0 >= whole.x0 - 2, ax.get_title()
            assert box.x1 <= whole.x1 + 2, ax.get_title()


def test_colours_are_those_of_the_legend(made_up_fit):
    (legend,) = predictions(made_up_fit).legends
    shown = {
        text.get_text(): to_rgba(handle.get_color())
        for text, handle in zip(legend.get_texts(), legend.get_lines(), strict=True)
    }
    assert shown["E"] == to_rgba("C0")
    assert set(shown) == {"E", "I", "E+I", "fit over time", "fit", "held out"}
