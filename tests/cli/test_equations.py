"""The commands derive, integrate and average."""

import json
import shlex

import mpmath
import numpy as np
import pytest
import xarray as xr

from motifield.numerics.results import Code, Numbers, Status
from motifield.numerics.system import Trajectory


def test_derive(call, answer, pair, tmp_path):
    code, out, _ = call("derive", pair)
    assert code == 0
    assert r"\tau^{\mathrm{chn}}_{pqr}" in out
    data = answer("derive", pair, "--closure", "second-moment", "-o", tmp_path / "d.tex")
    assert data["states"] == ["K", "kappa", "s"]
    assert (tmp_path / "d.tex").read_text().startswith(r"\documentclass")
    assert "dK" not in call("derive", pair, "--explicit", "2")[2]
    assert "K_E" in call("derive", pair, "--explicit", "2")[1]
    narrow = ("--fragment", "--width", "246pt", "-o", tmp_path / "f.tex")
    assert call("derive", pair, *narrow) == (0, f"wrote {tmp_path / 'f.tex'}\n", "")
    text = (tmp_path / "f.tex").read_text()
    assert "longtable" not in text
    call("derive", pair, "--fragment", "--width", "2", "-o", tmp_path / "f.tex")
    assert (tmp_path / "f.tex").read_text() == text
    call("derive", pair, "--fragment", "-o", tmp_path / "f.tex")
    assert (tmp_path / "f.tex").read_text() != text


def test_integrate_writes_and_prints(call, recorded, pair, once):
    calls = once("system.integrate")
    data, stored = recorded("integrate", pair)
    assert data["status"] == "ok"
    np.testing.assert_array_equal(stored["mean"], data["mean"])
    out = call("integrate", pair, "--t1", "7")[1]
    assert "pair: t = 12, status ok" in out
    assert f"{data['rate'][-1][1]:.5g}" in out
    assert [arguments[2] for arguments, _ in calls] == [12.0, 7.0]
    assert "explicit steps" in out


def test_integrate_takes_its_solver_and_unit_of_time_from_options_or_the_spec(call, pair, stub):
    shape = {"time": [0.0, 1.0], "population": ["E", "I"]}
    values = (("time", "population"), np.ones((2, 2)))
    quantities = dict.fromkeys(("mean", "variance", "rate"), values)
    data = xr.Dataset(quantities, coords=shape, attrs={"time_unit": "ms"})
    calls = stub("system.integrate", Trajectory("made", Status("ok"), Numbers.of(data)))
    pair.write_text(f"time_unit = 'ms'\n{pair.read_text()}\n[integrate]\nsolver = 'implicit'\n")
    assert "pair: t = 1 ms, status ok" in call("integrate", pair)[1]
    assert call("integrate", pair, "--solver", "explicit")[0] == 0
    assert [options["solver"] for _, options in calls] == ["implicit", "explicit"]
    assert calls[0][0][1].time_unit == "ms"


def test_a_trajectory_that_diverges_is_written_and_has_status_1(call, pair, tmp_path, stub):
    """The numbers until then are kept."""
    shape = {"time": [0.0, 1.0], "population": ["E", "I"]}
    values = (tuple(shape), np.array([[0.5, 0.25], [np.nan, np.nan]]))
    data = xr.Dataset(dict.fromkeys(("mean", "variance", "rate"), values), coords=shape)
    status = Status("diverged: the solution diverged", Code.DIVERGED)
    calls = stub("system.integrate", Trajectory("made", status, Numbers.of(data)))
    code, out, err = call("integrate", pair, "-o", tmp_path / "s.csv")
    assert (code, err) == (1, "")
    assert "pair: t = 1, status diverged: the solution diverged" in out
    assert (tmp_path / "s.csv").read_text().startswith("time,population,mean")
    assert calls[0][1]["throw"] is False
    code, out, _ = call("integrate", pair, "--json")
    assert code == 1
    assert json.loads(out)["rate"] == [[0.5, 0.25], [None, None]]


REFUSED = """
derive nowhere.toml => cannot read nowhere.toml
derive {spec} --closure third => unknown closure 'third'
derive {spec} -o x.doc => suffix must be one of .tex, .md, .html, .py
derive {spec} --explicit 3 => has the populations
derive {spec} --width 246pt => give --fragment and -o FILE.tex, too
derive {spec} --fragment --width 3 -o a.tex => must be 1 or 2, the columns of a page
integrate {spec} --solver fast => solver = 'fast' is unknown: use one of auto, explicit, implicit
integrate {spec} -o no/such/folder/s.nc => does not exist
integrate {spec} --plot s.doc => cannot draw to s.doc
integrate {spec} --t1 0 => t0 < t1
nonsense => No such command
"""


@pytest.mark.parametrize(
    ("line", "match"), [case.split(" => ") for case in REFUSED.strip().splitlines()]
)
def test_bad_input_ends_with_one_message_and_status_2(refused, pair, line, match):
    refused(shlex.split(line), match, spec=pair)


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
def test_average(answer, arguments, f, closed_form, method):
    data = answer("average", *arguments, "--mu", "-0.3,1.2", "--variance", "0.4,2")
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


REFUSED_AVERAGES = r"""
x --variance -1 => variance = -1 is negative
x --mu one => --mu 'one' is not a number
x --mu nan => --mu 'nan' is not a finite number
x --mu "" => --mu '' is not a number
x --variance 1,inf => --variance '1,inf' is not a finite number
"y + 1" => unknown name 'y'
"open('x')" => unknown function 'open'
k*x => unknown name 'k'
k*x --set k => --set 'k' is not NAME=VALUE
k*x --set k=two => --set 'k=two' is not NAME=VALUE
x --set k=2 => has no parameters \['k'\]
x --set name=2 => no parameter can be called 'name'
tanh --set slope=2 => transfer function tanh: .*slope
rectified_power --set n=1.5 => needs an integer power
tanh --tolerance 0 => tolerance = 0 must be between 1e-13 and 0.01
1/x => cannot be computed to tolerance|not a real number
erf(x) --plot a.doc => cannot draw to a.doc
erf(x) --plot a.png --range 3 => --range '3' must be two numbers
erf(x) --plot a.png --range 3,1 => must be two increasing numbers, not 3, 1
erf(x) --plot a.png --variances -1 => variance = -1 is negative
erf(x) --range 0,1 => give --plot
"""


@pytest.mark.parametrize(
    ("line", "match"), [case.split(" => ") for case in REFUSED_AVERAGES.strip().splitlines()]
)
def test_average_of_bad_input_ends_with_one_message_and_status_2(refused, line, match):
    err = refused(("average", *shlex.split(line)), match)
    assert err.startswith("error: ")
    assert err.count("\n") == 1
