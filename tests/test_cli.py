"""The command line, as a user calls it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from motifield import __version__
from motifield.cli.main import app, run

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


@pytest.fixture
def call(monkeypatch, capsys):
    def invoke(*arguments):
        monkeypatch.setattr(sys, "argv", ["motifield", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            run()
        out = capsys.readouterr()
        return stop.value.code or 0, out.out, out.err

    return invoke


def test_every_command_has_help():
    for command in ("derive", "integrate", "fixed-points", "measure", "sample", "verify"):
        shown = CliRunner().invoke(app, [command, "--help"])
        assert shown.exit_code == 0
        assert "--json" in shown.output


def test_version(call):
    assert call("--version")[:2] == (0, f"motifield {__version__}\n")


def test_derive(call, spec, tmp_path):
    code, out, _ = call("derive", spec)
    assert code == 0
    assert r"\tau^{\mathrm{chn}}_{pqr}" in out
    data = json.loads(call("derive", spec, "--closure", "second-moment", "--json", "-o", tmp_path / "d.tex")[1])
    assert data["states"] == ["K", "kappa", "s"]
    assert (tmp_path / "d.tex").read_text().startswith(r"\documentclass")
    assert "dK" not in call("derive", spec, "--explicit", "2")[2]
    assert "K_E" in call("derive", spec, "--explicit", "2")[1]


def test_integrate_writes_and_prints(call, spec, tmp_path):
    code, out, _ = call("integrate", spec, "--json", "-o", tmp_path / "s.nc", "--plot", tmp_path / "s.png")
    data = json.loads(out)
    assert code == 0
    assert data["status"] == "ok"
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as stored:
        np.testing.assert_array_equal(stored["mean"], data["mean"])
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert "pair" in call("integrate", spec)[1]


def test_fixed_points(call, spec):
    found = json.loads(call("fixed-points", spec, "--start", "0.1", "--start", "0.2,0.3", "--json")[1])
    assert len(found) == 2
    assert all(f["status"] == "ok" and len(f["eigenvalues"]) == 4 for f in found)
    assert call("fixed-points", spec, "--start", "low")[0] == 2


def test_sample_measure_verify(call, spec, tmp_path):
    network = tmp_path / "n.npz"
    first = json.loads(call("sample", spec, "-o", network, "--seed", "5", "--json")[1])
    assert first["N"] == 400
    measured = json.loads(call("measure", network, "--json", "-o", tmp_path / "p.json")[1])
    assert measured == first["measured"]
    assert json.loads((tmp_path / "p.json").read_text())["populations"] == ["E", "I"]
    code, out, _ = call("verify", spec, "--network", network, "--closure", "second-moment", "--json", "--report", tmp_path / "r.html")
    assert code == 0
    assert json.loads(out)["passed"]
    assert (tmp_path / "r.html").exists()
    assert call("verify", spec, "--network", network, "--tolerance", "0")[0] == 1  # a check failed


def test_verify_an_ensemble(call, spec):
    code, out, _ = call("verify", spec, "--sizes", "200,400", "--networks", "3", "--closure", "second-moment")
    assert code == 0
    assert "PASSED" in out


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("derive", "nowhere.toml"), "cannot read nowhere.toml"),
        (("derive", "{spec}", "--closure", "third"), "unknown closure 'third'"),
        (("derive", "{spec}", "-o", "x.doc"), "suffix must be one of .tex, .md, .py"),
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
def test_bad_input_ends_with_one_message_and_status_2(call, spec, tmp_path, monkeypatch, arguments, match):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(*(a.format(spec=spec) for a in arguments))
    assert code == 2
    assert pytest.importorskip("re").search(match, err)
    assert "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == [spec.name]  # nothing half written


def test_help_and_import_load_neither_jax_nor_sympy():
    code = "import sys, motifield, motifield.cli.main as m; m.app(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(sys.prefix))
    modules = shown.stdout.rsplit("\n", 2)[-2]
    assert not {"'jax'", "'sympy'", "'numpy'", "'motifield.theory'", "'motifield.numerics'"} & set(modules.strip("[]").split(", "))
