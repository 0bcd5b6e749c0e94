"""The commands that analyse: numbers against the library, files, pictures, one message for bad input."""

import json
import math
import re

import pytest
import xarray as xr

# theory.md, section 5: three fixed points at tau = .02; folds at .0093 and .0600
SPEC = """
title = "bistable"
[architecture]
populations = ["E", "I"]
transfer = "1 + erf((x - 3/2) / (4/5 * sqrt(2)))"
closure = "motif-only"
[parameters]
N = 1000
fractions = [0.8, 0.2]
mean = [[0.003, -0.006], [0.003, -0.006]]
g = 0.2
motifs = { shared = 0.02 }
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("specs") / "bistable.toml"
    path.write_text(SPEC)
    return path


def test_response(call, tmp_path, spec):
    code, out, _ = call("response", spec, "--to", "input[E]", "--to", "factor(tau_chn)", "--omega", "0,1", "-o", tmp_path / "r.nc",
                        "--plot", tmp_path / "r.png", "--json")  # fmt: skip
    assert code == 0
    data = json.loads(out)
    assert set(data["sensitivity"]) == {"input[E]", "factor(tau_chn)"}
    assert data["sensitivity"]["input[E]"]["rate"] == pytest.approx([row[0] for row in data["matrix"]["rate"]])
    assert data["frequency_real"][0] == [pytest.approx(row) for row in data["matrix"]["rate"]]
    with xr.open_dataset(tmp_path / "r.nc") as written:
        assert list(written["parameter"].values) == ["input[E]", "factor(tau_chn)"]
    assert (tmp_path / "r.png").stat().st_size > 10_000
    code, out, _ = call("response", spec, "--set", "factor(motifs)=0", "--set", "input=0.2")
    assert code == 0
    assert "paradoxical, less active when driven more: none" in out


CHAOS = """
title = "chaos"
[architecture]
transfer = "erf(x)"
[parameters]
N = 1000
fractions = [1.0]
mean = 0.0
g = 1.5
motifs = { shared = 0.0 }
"""


@pytest.fixture(scope="module")
def chaotic(tmp_path_factory):
    path = tmp_path_factory.mktemp("specs") / "chaos.toml"
    path.write_text(CHAOS)
    return path


def test_dmft(call, tmp_path, chaotic):
    """phi = erf(x) has the slope 2/sqrt(pi) at 0: chaos beyond g = sqrt(pi)/2."""
    code, out, _ = call("dmft", chaotic, "--onset", "g", "--range", "0.5,1.5", "--json")
    assert code == 0
    assert json.loads(out)["value"] == pytest.approx(math.sqrt(math.pi) / 2, rel=1e-8)
    assert call("dmft", chaotic, "--onset", "g", "--range", "0.2,0.4")[0] == 1
    code, out, _ = call("dmft", chaotic, "--stationary", "-o", tmp_path / "s.nc", "--plot", tmp_path / "s.png", "--json")
    assert code == 0
    state = json.loads(out)
    assert state["kind"] == "fluctuating"
    assert state["exponent"] > 0
    with xr.open_dataset(tmp_path / "s.nc") as written:
        assert float(written["variance"][0]) == pytest.approx(state["rows"][0]["variance"])
    code, out, _ = call("dmft", chaotic, "--t1", "4", "--dt", "0.1", "--plot", tmp_path / "t.png", "-o", tmp_path / "t.nc")
    assert code == 0
    assert "status ok" in out
    assert all((tmp_path / name).stat().st_size > 5_000 for name in ("s.png", "t.png", "t.nc"))


@pytest.mark.parametrize(("arguments", "match"), [
    (("response", "{spec}", "--set", "tau_chn[E,E]=1"), "tau_chn has 3 indices"),
    (("response", "{spec}", "--set", "tau_chn[E,E,E]=1"), "no network has these synaptic statistics"),
    (("response", "{spec}", "--set", "input"), "is not NAME=VALUE"),
    (("response", "{spec}", "--start", "low"), "--start 'low' is not a number"),
    (("response", "{spec}", "--to", "tau"), "there is no parameter 'tau'"),
    (("response", "{spec}", "--omega", "fast"), "--omega 'fast'"),
    (("response", "{spec}", "--plot", "r.doc"), "cannot draw to r.doc"),
    (("dmft", "{spec}", "--onset", "g"), "--onset NAME and --range LO,HI belong together"),
    (("dmft", "{spec}", "--onset", "g", "--range", "1"), "must be two different numbers"),
    (("dmft", "{spec}", "--set", "factor(tau_rec)=.5"), "residual synapses without reciprocity"),
    (("dmft", "{spec}", "--dt", "0"), "0 < dt <= t1"),
    (("response", "{spec}", "-o", "r.doc"), "cannot write r.doc"),
])  # fmt: skip
def test_bad_input_ends_with_one_message_and_status_2(call, spec, tmp_path, monkeypatch, arguments, match):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(*(a.format(spec=spec) for a in arguments))
    assert code == 2
    assert re.search(match, err)
    assert err.startswith("error: ")
    assert not list(tmp_path.iterdir())
