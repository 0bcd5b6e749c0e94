"""Exported files hold the numbers of a network, and run on their own."""

import subprocess
import sys

import numpy as np
import pytest
import tree_sitter
import tree_sitter_julia

import motifield as mf
from motifield.errors import SpecError

INITIAL = {"mean": [0.3, 0.1], "kappa": 0.05}


@pytest.fixture(scope="module")
def mean_field():
    """A filter of second order in I alone, and an input with two parts."""
    architecture = mf.Architecture(
        ["E", "I"],
        {"expression": "k*Max(x, 0)**2", "k": 0.5},
        ["convergent"],
        membrane={
            "E": {"expression": "1/(1 + tau*s)", "tau": 1},
            "I": {"expression": "1/(1 + tau*s)**2", "tau": 1},
        },
        inputs=["spread"],
    )
    return mf.derive(architecture, mf.LowRank())


@pytest.fixture(scope="module")
def parameters(of_populations):
    return of_populations(
        "EI",
        mean=[[0.001, -0.002], [0.001, -0.001]],
        g=0.1,
        motifs=mf.Motifs(convergent=0.01),
        input={"times": [1.0, 2.0], "values": [[0.1, 0.2], [0.5, 0.4], [0.3, 0.2]]},
        spread={"times": [0.0, 5.0], "values": [[0.0, 0.1], [0.2, 0.3]], "kind": "table"},
        transfer={"k": 0.6},
        membrane={"tau": [1.5, 0.7]},
    )


def test_a_numpy_file_runs_alone(mean_field, parameters, tmp_path):
    """It prints times and rates: those of `integrate` to its tolerance."""
    path = tmp_path / "net.np.py"
    mf.export.save(mean_field, parameters, path, initial=INITIAL)
    assert path.read_text().startswith("# Run it with `python FILE`")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
    names, *rows = (line.split() for line in done.stdout.splitlines())
    assert names == ["t", "E", "I"]
    times, rates = np.split(np.array(rows, dtype=float), [1], axis=1)
    run = mf.integrate(mf.compile(mean_field), parameters, 50.0, saveat=100, initial=INITIAL)
    np.testing.assert_allclose(times[:, 0], run["time"])
    np.testing.assert_allclose(rates, run["rate"], atol=1e-6)


def test_a_julia_file_has_the_numbers(mean_field, parameters):
    text = mf.export.julia_module(mean_field, parameters, initial=INITIAL)
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_julia.language()))
    assert not parser.parse(text.encode()).root_node.has_error
    assert "# Run it with `julia FILE`" in text
    assert "mean = reshape([0.001, 0.001, -0.002, -0.001], 2, 2)" in text  # columns first
    assert "drive = t -> steps(t, [1.0, 2.0], [[0.1, 0.2], [0.5, 0.4], [0.3, 0.2]])" in text
    assert "set_output!(states(INITIAL, 2).K, 1, [0.3, 0.1])" in text


def test_the_text_for_xppaut_is_that_of_the_file(mean_field, parameters, tmp_path):
    mf.export.save(mean_field, parameters, tmp_path / "net.ode")
    assert mf.export.xpp_ode(mean_field, parameters) == (tmp_path / "net.ode").read_text()


def test_signals_are_ramps(mean_field, parameters):
    """A sum of weighted courses is linear between its times."""
    given = {
        "times": [0.0, 2.0],
        "signals": {"ramp": [0.0, 1.0], "constant": 1.0},
        "weights": {"ramp": [1.0, 2.0], "constant": 0.5},
    }
    text = mf.export.numpy_module(mean_field, parameters.replace(input=given))
    assert "np.interp(t, [0.0, 2.0], [0.5, 2.5])" in text


def test_an_input_that_is_code_is_refused(mean_field, parameters):
    driven = parameters.replace(input=lambda t: t * np.ones(2))
    for export in (mf.export.numpy_module, mf.export.julia_module, mf.export.xpp_ode):
        with pytest.raises(SpecError, match="the input is code"):
            export(mean_field, driven)
