"""The command fit: a whole run with all its files, and one message for bad input."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

import motifield as mf
from motifield.cli.fit_output import Files
from motifield.cli.fit_results import Extra, Results, results_of
from motifield.errors import ParameterError
from motifield.numerics.results import Code, Status

SPEC = """
title = "two conditions"
[architecture]
populations = ["E"]
transfer = "Max(x, 0)"
closure = "second-moment"
[parameters]
N = 400
fractions = [1.0]
mean = -0.002
g = 0.3
input = 1.0
[parameters.motifs]
convergent = 0.01
[fit]
targets = "rates.csv"
starts = 3
[[fit.unknown]]
name = "input[E]"
condition = "driven"
start = [1, 3]
[[fit.unknown]]
name = "mean[E,E]"
high = 0
prior = { log-normal = [-0.003, 0.7] }
"""
DATA = """quantity,population,condition,value,error,held_out
rate_mean,E,rest,0.5,0.01,
rate_mean,E,driven,1.0,0.02,
rate_sd,E,driven,0.3,0.05,true
"""


@pytest.fixture
def spec(tmp_path):
    (tmp_path / "rates.csv").write_text(DATA)
    path = tmp_path / "spec.toml"
    path.write_text(SPEC)
    return path


@pytest.mark.slow
def test_a_whole_run_and_what_it_leaves(call, spec, tmp_path):
    """Twice the rate asks for twice the input, and R = .5 for N mean = -1.

    Without a threshold R = input + N mean R, and few neurons are below it.
    """
    files = {
        name: tmp_path / name for name in ("fit.nc", "fit.html", "fit.png", "fitted.toml", "state")
    }
    code, out, err = call(
        "fit",
        spec,
        "-o",
        files["fit.nc"],
        "--report",
        files["fit.html"],
        "--plot",
        files["fit.png"],
        "--write-spec",
        files["fitted.toml"],
        "--checkpoint",
        files["state"],
        "--json",
    )
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["status"] == "ok"
    rows = {row["target"]: row for row in answer["targets"]}
    assert abs(rows["rate_mean E rest"]["z"]) < 1
    assert abs(rows["rate_mean E driven"]["z"]) < 1
    assert rows["rate_sd E driven"]["held out"] is True
    assert answer["held out loss"] == pytest.approx(rows["rate_sd E driven"]["z"] ** 2)
    assert answer["values"]["input[E] @ driven"] == pytest.approx(2.0, rel=0.01)
    assert answer["values"]["mean[E,E]"] == pytest.approx(-1 / 400, rel=0.05)
    assert answer["stability"] == {"rest": "stable", "driven": "stable"}
    assert {row["parameter"]: row["value"] for row in answer["determined"]["rows"]} == answer[
        "values"
    ]
    text = files["fit.html"].read_text()
    assert "rate_sd E driven" in text
    assert files["fit.png"].stat().st_size > 10_000
    with xr.open_dataset(files["fit.nc"]) as data:
        assert (
            dict(
                zip(
                    data["parameter"].values.tolist(), data["value"].values[0].tolist(), strict=True
                )
            )
            == answer["values"]
        )
        assert data["loss"].values[0] == answer["loss"]
    _written_spec(files["fitted.toml"], answer)
    code, _, err = call("fit", spec, "--checkpoint", files["state"], "--seed", "5")
    assert code == 2
    assert "checkpoint of another fit" in err


def _written_spec(path, answer):
    """A fit of it would start where the other ended."""
    spec = mf.load_spec(path)
    assert spec.fit.starts == 3
    given = spec.fit.arguments(spec.numbers())
    system = mf.compile(mf.derive(spec.architecture, spec.closure))
    problem = mf.fitting.Problem.of(
        system,
        spec.numbers(),
        **{name: given[name] for name in ("targets", "unknowns", "motifs", "conditions", "priors")},
    )
    u = problem.coordinates.given()
    assert dict(
        zip(problem.coordinates.names, problem.coordinates.values(u).tolist(), strict=True)
    ) == pytest.approx(answer["values"], rel=1e-12)
    assert float(
        np.sum(np.asarray(problem.compiled(u, problem.at_rest())[0]) ** 2)
    ) == pytest.approx(answer["loss"], rel=1e-6)


@pytest.fixture
def searched(stub, made, monkeypatch):
    """Searches and analyses give made-up results; returns the fit and the calls of the solver."""
    row = {"target": "rate_mean E", "value": 0.5, "fit": 0.49, "z": -1.0, "held out": False}
    found = made(
        [row],
        loss=1.5,
        values={"mean[E,E]": -0.25},
        problem=SimpleNamespace(held_out=np.zeros(1, dtype=bool)),
        dataset=xr.Dataset({"loss": ("solution", [1.5])}),
        stability=lambda: {"rest": "stable"},
        closure_validity=lambda: "exact at fixed points",
    )
    losses, agreement = {"rate_mean": 1.0, "priors": 0.5}, {"starts": 2, "worse": 1}
    found.json = lambda: {"status": found.status, "losses": losses, "agreement": agreement}
    number = {"parameter": "mean[E,E]", "value": -0.25, "standard error": 0.1, "low": -0.4}
    number |= {"high": -0.1, "determined by targets": True}
    determined = made([number], text=lambda: "the targets determine the only parameter")
    stub("inference.identifiability", determined)
    monkeypatch.setattr("motifield.numerics.plots.draw_result", lambda own: Figure())
    return found, stub("fitting.solve", found)


def test_what_is_asked_and_what_is_left(call, spec, tmp_path, searched, stub):
    _, solved = searched
    reports, specs = stub("reports.save_fit_report", None), stub("spec.save_fitted_spec", None)
    files = [tmp_path / name for name in ("fit.nc", "fit.html", "fit.png", "new.toml")]
    options = zip(("-o", "--report", "--plot", "--write-spec"), files, strict=True)
    search = ("--starts", "2", "--seed", "7", "--checkpoint", tmp_path / "state")
    code, out, err = call("fit", spec, *search, *(part for pair in options for part in pair))
    assert (code, err) == (0, "")
    for text in (
        "two conditions: targets against the fit",
        "Fitted numbers, with 95 % intervals",
        "the targets determine the only parameter",
        "loss: 1.5, the sum of rate_mean 1, priors 0.5",
        "starts: worse 1",
        "stability: rest: stable",
        "closure: exact at fixed points",
        "status: ok",
    ):
        assert text in out
    asked = solved[0][1]
    assert (asked["starts"], asked["seed"], asked["checkpoint"]) == (2, 7, tmp_path / "state")
    with xr.open_dataset(files[0]) as data:
        assert data["loss"].values.tolist() == [1.5]
    assert files[2].read_bytes().startswith(b"\x89PNG")
    assert reports[0][0][1] == files[1]
    origin = reports[0][1]["origin"]
    assert (origin.options["starts"], origin.options["seed"]) == ("2", "7")
    assert origin.text() == spec.read_text()
    assert specs[0][0][1:3] == (spec, files[3])
    answer = json.loads(call("fit", spec, "--json")[1])
    assert answer["title"] == "two conditions"
    assert answer["determined"]["rows"][0]["parameter"] == "mean[E,E]"


def test_a_fit_that_fails_has_status_1(call, spec, searched, stub, made):
    found, _ = searched
    bad = made(status=Status("rejected: off", Code.REJECTED), passed=False, criterion="off by 9")
    stub("inference.confirm", bad)
    code, out, _ = call("fit", spec, "--check", "3")
    assert code == 1
    assert "check FAILED: off by 9" in out
    assert "check: rejected" not in out, "the verdict is there already"
    found.status = Status("the best start has not converged", Code.NOT_CONVERGED)
    code, out, _ = call("fit", spec)
    assert code == 1
    assert "status: the best start has not converged" in out
    found.status, found.loss = Status("no start has a fixed point", Code.NOT_CONVERGED), np.nan
    assert call("fit", spec) == (1, "", "error: no start has a fixed point\n")


def test_numbers_and_answers_as_files(tmp_path):
    rows = [{"parameter": "mean[E,I]", "value": -0.25, "standard error": np.inf}]
    found, results = SimpleNamespace(), Results(SimpleNamespace(rows=lambda: rows))
    for name in ("fit.csv", "fit.json"):
        files = Files(output=tmp_path / name)
        files.write(found, results, {"loss": 1.5, "error": np.inf}, tmp_path / "spec.toml", None)
    assert (
        tmp_path / "fit.csv"
    ).read_text() == 'parameter,value,standard error\n"mean[E,I]",-0.25,inf\n'
    assert json.loads((tmp_path / "fit.json").read_text()) == {"loss": 1.5, "error": None}


@pytest.mark.slow
def test_networks_that_are_asked(call, spec):
    report = spec.with_name("fit.html")
    code, out, _ = call(
        "fit",
        spec,
        "--starts",
        "1",
        "--check",
        "3",
        "--size",
        "300",
        "--held-out",
        "*/driven",
        "--profile",
        "mean[E,E]",
        "--json",
        "--report",
        report,
    )
    answer = json.loads(out)
    (profile,) = answer["profiles"]
    assert profile["interval"][0] < answer["values"]["mean[E,E]"] < profile["interval"][1] <= 0
    assert "Profiles of the loss" in report.read_text()
    assert (answer["check"]["networks"], answer["check"]["N"]) == (3, 300)
    assert code == (0 if answer["check"]["passed"] else 1)
    assert [row["held out"] for row in answer["targets"]] == [False, True, True]


@pytest.mark.slow
def test_a_posterior(call, spec):
    """Both numbers are known well: the posterior is about as wide as the local intervals."""
    draws, report = spec.with_name("draws.nc"), spec.with_name("fit.html")
    code, out, _ = call(
        "fit", spec, "--starts", "1", "--posterior", draws, "--report", report, "--json"
    )
    answer = json.loads(out)
    assert (code, answer["posterior"]["status"]) == (0, "ok")
    local = {row["parameter"]: row["standard error"] for row in answer["determined"]["rows"]}
    for row in answer["posterior"]["rows"]:
        assert row["sd"] == pytest.approx(local[row["parameter"]], rel=0.15)
        assert row["low"] < answer["values"][row["parameter"]] < row["high"]
    with xr.open_dataset(draws) as data:
        assert data["value"].dims == ("chain", "draw", "parameter")
    assert "Posterior: ok" in report.read_text()


@pytest.mark.slow
def test_what_fails_after_the_search_loses_nothing(call, spec):
    """Three neurons cannot have the motifs of 400."""
    out_file = spec.with_name("fit.json")
    code, out, err = call(
        "fit", spec, "--starts", "1", "--check", "2", "--size", "3", "-o", out_file
    )
    assert code == 2
    assert "no network has these synaptic statistics" in err
    assert "status: ok" in out
    assert json.loads(out_file.read_text())["status"] == "ok"


def test_results_before_an_error_are_kept(stub, monkeypatch):
    """The check is there, the second profile fails, and there is no comparison."""
    stub("inference.identifiability", "determined")
    checks = stub("inference.confirm", "checked")
    monkeypatch.setattr("motifield.numerics.inference.profile", _profile)
    said = []
    extra = Extra(check=3, profile=["g[E,E]", "N"], posterior=Path("draws.nc"), compare=True)
    results, error = results_of(None, None, extra, lambda what, part: said.append(part))
    assert results == Results("determined", "checked", None, ("profile of g[E,E]",), None)
    assert str(error) == "no N"
    assert said == [pytest.approx(0.9 / 8)]  # a check, two profiles, a posterior, three fits
    ((arguments, options),) = checks
    assert arguments == (None, 3, None)
    options["progress"]("networks", 0.5)
    assert said[-1] == pytest.approx(1.5 * 0.9 / 8)


def _profile(fit, name, progress):
    if name == "N":
        raise ParameterError("no N")
    return f"profile of {name}"


@pytest.mark.slow
def test_a_run_for_people(call, spec):
    """x = 1 + 4 R, R = x above threshold, has no fixed point; with N mean = -.8 it has one."""
    code, out, err = call("fit", spec, "--starts", "1")
    assert code == 0
    for text in (
        "two conditions: targets against the fit",
        "Fitted numbers, with 95 % intervals",
        "the targets determine each of the 2 parameters",
        "starts: as good as the best 1, worse 0, not converged 0, without a fixed point 0",
        "stability: rest: stable; driven: stable",
        "closure: exact at fixed points",
        "held-out targets: mean squared misfit",
        "status: ok",
    ):
        assert text in out
    spec.write_text(
        SPEC.replace("mean = -0.002", "mean = 0.01").replace(
            "high = 0\nprior = { log-normal = [-0.003, 0.7] }", "low = 0.009"
        )
    )
    code, out, err = call("fit", spec, "--starts", "1")
    assert (code, out) == (1, "")
    assert "no start has a fixed point" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--targets", "lost.csv"], "lost.csv"),
        (
            ["--held-out", "rate_loss"],
            "--held-out 'rate_loss': no target has quantity = 'rate_loss' "
            "(there are rate_mean, rate_sd)",
        ),
        (["--held-out", "rate_mean/night"], "--held-out 'rate_mean/night': no target has"),
        (["--held-out", "*"], "--held-out '*' is not QUANTITY, QUANTITY/CONDITION or */CONDITION"),
        (["--held-out", "rate_mean"], "nothing is left to fit"),
        (
            ["--motifs", "loop"],
            "there is no motif 'loop': there are convergent, divergent, chain, reciprocal",
        ),
        (["--closure", "none"], "unknown closure 'none'"),
        (["--closure", "cavity"], "cavity"),
        (["--set", "gain"], "--set 'gain' is not NAME=VALUE"),
        (["--set", "mean[E,E]=0.001"], "mean[E,E] = 0.001 is not between its bounds -inf and 0"),
        (["-o", "fit.txt"], "cannot write fit.txt: the suffix must be one of .nc, .csv, .json"),
        (["-o", "nowhere/fit.nc"], "the folder nowhere does not exist"),
        (["--report", "fit.pdf"], "cannot write fit.pdf: the suffix must be .html"),
        (["--plot", "fit.doc"], "cannot draw to fit.doc"),
        (
            ["--write-spec", "fit.yaml"],
            "cannot write fit.yaml: the suffix must be one of .toml, .json",
        ),
        (["--checkpoint", "nowhere/state"], "the folder nowhere does not exist"),
        (["--size", "100"], "--size is that of networks of --check"),
        (
            ["--profile", "g[E,E]"],
            "--profile g[E,E]: the fit has no such number; it has input[E] @ driven, mean[E,E]",
        ),
        (["--posterior", "draws.csv"], "cannot write draws.csv: the suffix must be .nc"),
        (["--compare"], "--compare fits without each class of free motifs, and none is free"),
    ],
)
def test_bad_requests(refused, spec, arguments, message):
    err = refused(("fit", spec, *arguments), "")
    assert message.lower() in err.lower()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "starts = 3",
            "starts = 3\nsolver = 'newton'",
            "the solver 'newton' is unknown: there are levenberg-marquardt, first-order",
        ),
        ('targets = "rates.csv"\n', "", "there are no targets"),
        ('name = "input[E]"', 'name = "input[X]"', "there is no population 'X'"),
        ('name = "input[E]"', 'name = "tau_con[E,E,E]"', "free them with motifs"),
        ('condition = "driven"', 'condition = "asleep"', "there is no condition 'asleep'"),
        ("high = 0", "low = 0", "mean[E,E] = -0.002 is not between its bounds 0 and inf"),
        (
            SPEC[SPEC.index("[[fit") :],
            "",
            "nothing is unknown: name numbers in [[fit.unknown]] or [fit.dale], "
            "or free motifs, there or by --motifs",
        ),
        (SPEC[SPEC.index("[[fit") :], "[fit.dale]\nX = 1", "sign to the population 'X'"),
        (
            SPEC[SPEC.index("[parameters]") : SPEC.index("[fit]")],
            "",
            "there are no numbers to run with",
        ),
    ],
)
def test_bad_specs(refused, spec, old, new, message):
    assert old in SPEC
    spec.write_text(SPEC.replace(old, new))
    assert message in refused(("fit", spec), "")


def test_targets_that_do_not_fit(call, spec, tmp_path):
    (tmp_path / "rates.csv").write_text(DATA.replace("rate_mean,E,rest", "rate_mean,PV,rest"))
    code, _, err = call("fit", spec)
    assert code == 2
    assert "targets are of the population 'PV'; the network has E" in err


def test_help(call):
    code, out, _ = call("fit", "--help")
    assert code == 0
    for option in (
        "--targets",
        "--held-out",
        "--starts",
        "--seed",
        "--steps",
        "--closure",
        "--set",
        "--motifs",
        "--checkpoint",
        "--output",
        "--report",
        "--plot",
        "--write-spec",
        "--check",
        "--compare",
        "--profile",
        "--posterior",
        "--json",
    ):
        assert option in out
