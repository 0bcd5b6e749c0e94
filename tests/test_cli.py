"""The command line, as a user calls it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from motifield import __version__
from motifield.cli.main import app

SPEC = """
title = "pair"
t1 = 12.0
[architecture]
populations = ["E", "I"]
transfer = "1 + erf(x - 1)"
[parameters]
N = 400
fractions = [0.5, 0.5]
mean = [[0.002, -0.003], [0.003, -0.002]]
g = 0.3
input = 0.5
motifs = { shared = 0.04 }
"""


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "pair.toml"
    path.write_text(SPEC)
    return path


def test_every_command_has_help():
    names = [c.name or c.callback.__name__ for c in app.registered_commands]
    assert {
        "derive",
        "integrate",
        "fixed-points",
        "stability",
        "bifurcate",
        "phase-diagram",
        "response",
        "dmft",
        "average",
    } <= set(names)
    for command in names:
        shown = CliRunner().invoke(app, [command, "--help"])
        assert shown.exit_code == 0
        assert "--json" in shown.output


def test_version(call):
    assert call("--version")[:2] == (0, f"motifield {__version__}\n")


def test_derive(call, spec, tmp_path):
    code, out, _ = call("derive", spec)
    assert code == 0
    assert r"\tau^{\mathrm{chn}}_{pqr}" in out
    data = json.loads(
        call("derive", spec, "--closure", "second-moment", "--json", "-o", tmp_path / "d.tex")[1]
    )
    assert data["states"] == ["K", "kappa", "s"]
    assert (tmp_path / "d.tex").read_text().startswith(r"\documentclass")
    assert "dK" not in call("derive", spec, "--explicit", "2")[2]
    assert "K_E" in call("derive", spec, "--explicit", "2")[1]


def test_integrate_writes_and_prints(call, spec, tmp_path):
    code, out, _ = call(
        "integrate", spec, "--json", "-o", tmp_path / "s.nc", "--plot", tmp_path / "s.png"
    )
    data = json.loads(out)
    assert code == 0
    assert data["status"] == "ok"
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as stored:
        np.testing.assert_array_equal(stored["mean"], data["mean"])
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert "pair" in call("integrate", spec)[1]


def test_fixed_points(call, spec):
    found = json.loads(
        call("fixed-points", spec, "--start", "0.1", "--start", "0.2,0.3", "--json")[1]
    )
    assert found["status"] == "ok"
    assert found["evidence"] is None
    assert all(f["status"] == "ok" and len(f["eigenvalues"]) == 4 for f in found["points"])
    assert len(found["points"]) == 1  # both starts come to the same point
    assert call("fixed-points", spec, "--start", "low")[0] == 2


def test_sample_measure_verify(call, spec, tmp_path):
    network = tmp_path / "n.npz"
    first = json.loads(call("sample", spec, "-o", network, "--seed", "5", "--json")[1])
    assert first["N"] == 400
    measured = json.loads(call("measure", network, "--json", "-o", tmp_path / "p.json")[1])
    assert measured == first["measured"]
    assert json.loads((tmp_path / "p.json").read_text())["populations"] == ["E", "I"]
    code, out, _ = call(
        "verify",
        spec,
        "--network",
        network,
        "--closure",
        "second-moment",
        "--json",
        "--report",
        tmp_path / "r.html",
    )
    assert code == 0
    assert json.loads(out)["passed"]
    assert (tmp_path / "r.html").exists()
    assert call("verify", spec, "--network", network, "--tolerance", "0")[0] == 1  # a check failed


def test_verify_an_ensemble(call, spec):
    code, out, _ = call(
        "verify", spec, "--sizes", "200,400", "--networks", "3", "--closure", "second-moment"
    )
    assert code == 0
    assert "PASSED" in out


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("derive", "nowhere.toml"), "cannot read nowhere.toml"),
        (("derive", "{spec}", "--closure", "third"), "unknown closure 'third'"),
        (("derive", "{spec}", "-o", "x.doc"), "suffix must be one of .tex, .md, .html, .py"),
        (("derive", "{spec}", "--explicit", "3"), "has the populations"),
        (("integrate", "{spec}", "-o", "no/such/folder/s.nc"), "does not exist"),
        (("integrate", "{spec}", "--plot", "s.doc"), "cannot draw to s.doc"),
        (("integrate", "{spec}", "--t1", "0"), "t0 < t1"),
        (("verify", "{spec}", "--t1", "0"), "t0 < t1"),
        (("measure", "{spec}"), "has no \\[connectome\\]"),
        (("measure", "nowhere.npz"), "nowhere.npz"),
        (("sample", "{spec}", "-o", "no/such/n.npz"), "cannot be written"),
        (("sample", "{spec}", "-o", "n.npz", "--size", "1"), "cannot fill"),
        (("verify", "{spec}", "--sizes", "many"), "not integers"),
        (("nonsense",), "No such command"),
    ],
)
def test_bad_input_ends_with_one_message_and_status_2(
    call, spec, tmp_path, monkeypatch, arguments, match
):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(*(a.format(spec=spec) for a in arguments))
    assert code == 2
    assert pytest.importorskip("re").search(match, err)
    assert "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == [spec.name]  # nothing half written


def expected(f, mu, variance, order=0):
    """<f^(order)> from f alone, by Stein's lemma, in mpmath."""
    hermite = [lambda z: 1, lambda z: z, lambda z: z * z - 1][order]
    s = mpmath.sqrt(variance)
    return float(
        mpmath.quad(
            lambda z: f(mu + s * z) * hermite(z) * mpmath.npdf(z), mpmath.linspace(-10, 10, 21)
        )
        / s**order
    )


@pytest.mark.parametrize(
    ("arguments", "f", "closed_form", "method"),
    [
        (("erf(x)",), mpmath.erf, "erf(mu/sqrt(2*Delta + 1))", "closed form"),
        (
            ("softplus", "--set", "gain=2"),
            lambda x: mpmath.log1p(mpmath.exp(2 * x)) / 2,
            None,
            "quadrature",
        ),
        (
            ("k*tanh(x - a)", "--set", "k=3", "--set", "a=.5"),
            lambda x: 3 * mpmath.tanh(x - 0.5),
            None,
            "quadrature",
        ),
    ],
)
def test_average(call, arguments, f, closed_form, method):
    code, out, _ = call("average", *arguments, "--mu", "-0.3,1.2", "--variance", "0.4,2", "--json")
    data = json.loads(out)
    assert code == 0
    assert (data["closed_form"], data["method"]) == (closed_form, method)
    assert (data["latex"] is None) == (data["closed_form"] is None) == (data["reason"] is not None)
    assert [(r["mean"], r["variance"]) for r in data["rows"]] == [
        (-0.3, 0.4),
        (-0.3, 2),
        (1.2, 0.4),
        (1.2, 2),
    ]
    for r in data["rows"]:
        at = r["mean"], r["variance"]
        found = [r["value"], r["by_mean"], r["by_variance"]]
        np.testing.assert_allclose(
            found, [expected(f, *at), expected(f, *at, 1), expected(f, *at, 2) / 2], rtol=1e-9
        )
        assert 0 < r["error"] < 1e-10


def test_average_prints_formula_table_and_reason(call):
    out = call("average", "erf", "--order", "1")[1]
    assert "f(x) = offset + erf(gain*(-threshold + x)), gain = 1, threshold = 0, offset = 0" in out
    assert r"\operatorname{erf}" in out
    assert "<f'>, closed form" in out
    assert (
        "no closed form for the Gaussian average of tanh(x)"
        in call("average", "tanh", "--tolerance", "1e-6")[1]
    )


def test_average_draws(call, tmp_path):
    for name, start in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")):
        code, _, err = call(
            "average", "erf(x)", "--plot", tmp_path / name, "--variances", "0,1", "--range", "-3,3"
        )
        assert (code, err) == (0, "")
        assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("x", "--variance", "-1"), "variance = -1 is negative"),
        (("x", "--mu", "one"), "--mu 'one' is not a number"),
        (("x", "--mu", "nan"), "mu must be finite, not nan"),
        (("x", "--mu", ""), "--mu '' is not a number"),
        (("x", "--variance", "1,inf"), "variance must be finite, not inf"),
        (("y + 1",), "unknown name 'y'"),
        (("open('x')",), "unknown function 'open'"),
        (("k*x",), "unknown name 'k'"),
        (("k*x", "--set", "k"), "--set 'k' is not NAME=VALUE"),
        (("k*x", "--set", "k=two"), "--set 'k=two' is not NAME=VALUE"),
        (("x", "--set", "k=2"), "has no parameters \\['k'\\]"),
        (("x", "--set", "name=2"), "has no parameter 'name'"),
        (("tanh", "--set", "slope=2"), "transfer function tanh: .*slope"),
        (("rectified_power", "--set", "n=1.5"), "needs an integer power"),
        (("tanh", "--tolerance", "0"), "tolerance = 0 must be between 1e-13 and 0.01"),
        (("1/x",), "cannot be computed to tolerance|not a real number"),
        (("erf(x)", "--plot", "a.doc"), "cannot draw to a.doc"),
        (("erf(x)", "--plot", "a.png", "--range", "3"), "--range '3' must be two numbers"),
        (
            ("erf(x)", "--plot", "a.png", "--range", "3,1"),
            "must be two increasing numbers, not 3, 1",
        ),
        (("erf(x)", "--plot", "a.png", "--variances", "-1"), "variance = -1 is negative"),
        (("erf(x)", "--range", "0,1"), "give --plot"),
    ],
)
def test_average_of_bad_input_ends_with_one_message_and_status_2(
    call, tmp_path, monkeypatch, arguments, match
):
    monkeypatch.chdir(tmp_path)
    code, _, err = call("average", *arguments)
    assert code == 2
    assert re.search(match, err)
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_help_and_import_load_neither_jax_nor_sympy():
    code = "import sys, motifield, motifield.cli.main as m; m.app(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(sys.prefix),
    )
    modules = shown.stdout.rsplit("\n", 2)[-2]
    assert not {"'jax'", "'sympy'", "'numpy'", "'motifield.theory'", "'motifield.numerics'"} & set(
        modules.strip("[]").split(", ")
    )
