"""What objects show of themselves, printed and in notebooks."""

import pandas as pd

import motifield as mf


def test_an_architecture_says_what_it_has_in_words():
    net = mf.Architecture(
        ["E", "I"],
        {"E": "tanh(x)", "I": "Max(x, 0)"},
        motifs=["convergent"],
        membrane={"E": mf.filters.membrane(tau=2), "I": "1/(1 + s)"},
        inputs=["noise"],
    )
    assert repr(net).splitlines() == [
        "Architecture of populations E, I",
        "  transfer: E: phi_E: tanh(x); I: phi_I: Max(0, x)",
        "  motifs: convergent",
        "  membrane: E: 1/(2*s + 1); I: 1/(s + 1)",
        "  synapse: 1",
        "  inputs: noise",
    ]
    assert "<td>motifs</td><td>convergent</td>" in net._repr_html_()
    assert "any number of populations" in repr(mf.Architecture())
    assert "assortativity" not in repr(net)


def test_what_is_shown_in_html_is_escaped():
    net = mf.Architecture(["<b>", "I"], "Heaviside(x - 1)")
    assert "&lt;b&gt;" in net._repr_html_()
    assert "<b>, I" not in net._repr_html_()


def test_a_network_shows_its_neurons():
    network = mf.Network.of([[0.0, 1.0], [2.0, 0.0]], ["E", "I"])
    assert repr(network).startswith("Network of 2 neurons (E 1, I 1), dense, float64")
    assert "<td>E</td><td>1</td>" in network._repr_html_()


def test_targets_show_their_rows_without_empty_columns():
    rows = [
        {"quantity": "rate_mean", "population": p, "condition": "dark", "value": v, "error": 0.1}
        for p, v in (("E", 0.5), ("I", 0.7))
    ]
    targets = mf.Targets.of(rows)
    assert list(targets.table().columns) == list(rows[0])
    pd.testing.assert_frame_equal(targets.table(), pd.DataFrame(rows))
    assert repr(targets).startswith("2 targets\n")
    assert "<b>2 targets</b>" in targets._repr_html_()
    held = targets.hold_out(population="I")
    assert list(held.table()["held_out"]) == [False, True]


def test_a_filter_and_a_transfer_function_are_formulas():
    assert r"\tau s + 1" in mf.filters.membrane()._repr_latex_().replace("s \\tau", r"\tau s")
    assert r"\tanh" in mf.transfer.of("tanh(x)")._repr_latex_()
