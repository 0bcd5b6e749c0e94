"""The commands that analyse: numbers against the library, files, pictures, bad input."""

import math
import shlex

import pytest
import xarray as xr


@pytest.fixture(scope="module")
def spec(new_spec):
    """docs/theory.md, section 5: three fixed points at tau = .02; folds at .0093 and .0600."""
    means = [[0.003, -0.006], [0.003, -0.006]]
    transfer = "1 + erf((x - 3/2) / (4/5 * sqrt(2)))"
    return new_spec(
        "bistable",
        {"populations": ["E", "I"], "transfer": transfer, "closure": "motif-only"},
        **{"N": 1000, "fractions": [0.8, 0.2], "mean": means, "g": 0.2, "motifs": {"shared": 0.02}},
    )


def test_response(call, recorded, spec, once):
    calls = once("fixed_points.response")
    asked = ("--to", "input[E]", "--to", "factor(tau_chn)", "--omega", "0,1")
    data, written = recorded("response", spec, *asked)
    assert set(data["sensitivity"]) == {"input[E]", "factor(tau_chn)"}
    assert data["sensitivity"]["input[E]"]["rate"] == pytest.approx(
        [row[0] for row in data["matrix"]["rate"]]
    )
    assert data["frequency_real"][0] == [pytest.approx(row) for row in data["matrix"]["rate"]]
    assert list(written["parameter"].values) == ["input[E]", "factor(tau_chn)"]
    code, out, _ = call("response", spec, "--set", "factor(motifs)=0.5", "--set", "input=0.2")
    assert code == 0
    changed = calls[1][0][1]
    assert float(changed.tau_chn[0, 0, 0]) == pytest.approx(0.01)
    assert changed.input(0.0).tolist() == [0.2, 0.2]
    assert "paradoxical, less active when driven more: none" in out


def test_fixed_points(call, recorded, spec, once):
    """All three, with the evidence, solve the equations of two equal populations.

    K = 1.2 R + .8 G R, Delta = .8 R^2.
    """
    calls = once("fixed_points.fixed_points")
    found, written = recorded("fixed-points", spec)
    assert [p["kind"] for p in found["points"]] == ["stable node", "saddle", "stable node"]
    for p in found["points"]:
        R, wide = p["rate"][0], 0.64 + p["variance"][0]
        z = (p["mean"][0] - 1.5) / math.sqrt(2 * wide)
        G = 2 / math.sqrt(2 * math.pi * wide) * math.exp(-z * z)
        assert [R, p["variance"][1], p["mean"][1]] == pytest.approx(
            [1 + math.erf(z), 0.8 * R**2, 1.2 * R + 0.8 * G * R], rel=1e-9
        )
    assert found["evidence"]["index"] == 1
    assert written["mean"].values.tolist() == [p["mean"] for p in found["points"]]
    assert written["hits"].values.tolist() == found["evidence"]["hits"]
    code, out, _ = call("fixed-points", spec, "--set", "factor(motifs)=0.9", "--starts", "64")
    assert code == 0
    assert "3 fixed points, status ok" in out
    assert "evidence: " in out
    (_, options), (arguments, others) = calls
    assert (options["starts"], options["seed"], others["starts"]) == (128, 0, 64)
    assert float(arguments[1].tau_chn[0, 0, 0]) == pytest.approx(0.018)


def test_fixed_points_from_given_means(call, answer, pair):
    starts = ("--start", "0.1", "--start", "0.2,0.3")
    found = answer("fixed-points", pair, "--closure", "low-rank", *starts)
    assert found["status"] == "ok"
    assert found["evidence"] is None
    assert all(f["status"] == "ok" and len(f["eigenvalues"]) == 4 for f in found["points"])
    assert len(found["points"]) == 1  # both starts come to the same point
    assert call("fixed-points", pair, "--start", "low")[0] == 2


@pytest.mark.slow
def test_one_fixed_point_with_weak_motifs(call, spec):
    code, out, _ = call("fixed-points", spec, "--set", "factor(motifs)=0.1")
    assert code == 0
    assert "1 fixed point, status ok" in out


def test_stability(call, recorded, spec, once):
    once("fixed_points.fixed_points")
    found, written = recorded("stability", spec, "--spectrum", "200")
    assert found["verdict"] == "stable"
    assert len(found["network"]["jacobian"]["eigenvalues"]) == 200
    for spectrum in ("jacobian", "connectivity"):
        assert float(written[f"{spectrum}_edge"]) == found[spectrum]["edge"]
        assert written[f"{spectrum}_outliers_real"].values.tolist() == [
            v[0] for v in found[spectrum]["outliers"]
        ]
    assert written["connectivity_eigenvalues_real"].values.tolist() == [
        v[0] for v in found["network"]["connectivity"]["eigenvalues"]
    ]
    code, out, _ = call("stability", spec, "--point", "2", "--spectrum", "100")
    assert code == 0
    assert "outlier unstable" in out
    assert "its Jacobian is not compared" in out
    assert call("stability", spec, "--point", "4")[0] == 2


def test_bifurcate(recorded, spec):
    """Folds at tau = .00931048 and .05996574; the spec has tau = .02."""
    found, written = recorded("bifurcate", spec, "--start", "0", "--vary", "factor(motifs)=0,4")
    assert sorted(0.02 * s["factor(motifs)"] for s in found["special"]) == pytest.approx(
        [0.00931048, 0.05996574], abs=1e-7
    )
    assert written["stable"].values.tolist() == found["branches"][0]["stable"]


PLANE = ("--vary", "input[E]=-1.5,3", "--vary", "factor(mean[I,E])=0,2")


@pytest.mark.slow
def test_cycles_curves_and_phase_diagram(call, recorded, new_spec, tmp_path):
    path = new_spec(
        "oscillation",
        {
            "populations": ["E", "I"],
            "transfer": "1 + erf((x - 1)/sqrt(2))",
            "closure": "motif-only",
            "membrane": {"E": "1/(1 + s)", "I": "1/(1 + 2*s)"},
        },
        **{"N": 1000, "fractions": [0.8, 0.2], "g": 0.2, "motifs": {"shared": 0.004}},
        mean=[[0.005, -0.02], [0.005, -0.002]],
        input=[0.0, -0.5],
    )
    found, _ = recorded("bifurcate", path, "--vary", "input[E]=-1.5,3", "--cycles")
    assert [s["kind"] for s in found["special"]] == ["Hopf"]
    (cycles,) = found["cycles"]
    assert cycles["status"] == "ok"
    assert cycles["cycles"][0]["period"] == pytest.approx(
        2 * math.pi / found["special"][0]["frequency"], rel=1e-2
    )
    found, written = recorded("bifurcate", path, *PLANE)
    assert {s["kind"] for s in found["special"]} == {"cusp", "Bogdanov-Takens"}
    assert set(written["kind"].values.tolist()) == {"fold", "Hopf"}
    files = ("--plot", tmp_path / "p.png", "-o", tmp_path / "p.nc")
    code, out, _ = call("phase-diagram", path, *PLANE, "--grid", "9,7", *files)
    assert code == 0
    assert "Bogdanov-Takens" in out
    with xr.open_dataset(tmp_path / "p.nc") as written:
        assert {0, 1, 2} == set(written["attractors"].values.ravel().tolist())
    assert (tmp_path / "p.png").stat().st_size > 10_000


@pytest.fixture(scope="module")
def chaotic(new_spec):
    numbers = {"N": 1000, "fractions": [1.0], "mean": 0.0, "g": 1.5, "motifs": {"shared": 0.0}}
    return new_spec("chaos", {"transfer": "erf(x)"}, **numbers)


def test_dmft(call, answer, recorded, tmp_path, chaotic):
    """phi = erf(x) has the slope 2/sqrt(pi) at 0: chaos beyond g = sqrt(pi)/2."""
    onset = answer("dmft", chaotic, "--onset", "g", "--range", "0.5,1.5")["value"]
    assert onset == pytest.approx(math.sqrt(math.pi) / 2, rel=1e-8)
    assert call("dmft", chaotic, "--onset", "g", "--range", "0.2,0.4")[0] == 1
    state, written = recorded("dmft", chaotic, "--stationary")
    assert state["kind"] == "fluctuating"
    assert state["exponent"] > 0
    assert float(written["variance"][0]) == pytest.approx(state["rows"][0]["variance"])
    files = [tmp_path / name for name in ("t.png", "t.nc")]
    steps = ("--t1", "4", "--dt", "0.1")
    code, out, _ = call("dmft", chaotic, *steps, "--plot", files[0], "-o", files[1])
    assert code == 0
    assert "status ok" in out
    assert all(path.stat().st_size > 5_000 for path in files)


REFUSED = """
response {spec} --set tau_chn[E,E]=1 => tau_chn has 3 indices
response {spec} --set tau_chn[E,E,E]=1 => no network has these synaptic statistics
response {spec} --set input => is not NAME=VALUE
response {spec} --start low => --start 'low' is not a number
response {spec} --to tau => there is no parameter 'tau'
response {spec} --omega fast => --omega 'fast'
response {spec} --plot r.doc => cannot draw to r.doc
dmft {spec} --onset g => --onset NAME and --range LO,HI belong together
dmft {spec} --onset g --range 1 => must be two different numbers
dmft {spec} --set factor(tau_rec)=.5 => residual synapses without reciprocity
dmft {spec} --dt 0 => 0 < dt <= t1
response {spec} -o r.doc => cannot write r.doc
fixed-points {spec} -o nowhere/f.nc => the folder nowhere does not exist
fixed-points {spec} --starts 100 => must be a power of two
stability {spec} --start 0 --point 1 => give one of them
stability {spec} --spectrum 50 --network n.npz => give one of them
stability {spec} --network n.npz => n.npz
bifurcate {spec} --vary input => is not NAME=LO,HI
bifurcate {spec} --vary input=1,1 => must be two different numbers
bifurcate {spec} --vary input=1,2 => outside of the bounds
bifurcate {spec} --vary drive=0,1 => there is no parameter 'drive'
bifurcate {spec} --vary input=0,1 --vary g=0,1 --cycles => give --vary once
bifurcate {spec} --vary N=1,2000 --vary input=0,1 --vary g=0,1 => is given 3 times
phase-diagram {spec} --vary input=0,1 => give --vary twice
phase-diagram {spec} --vary input=0,1 --vary g=0,1 --grid 9 => must be two integers
"""


@pytest.mark.parametrize(
    ("line", "match"), [case.split(" => ") for case in REFUSED.strip().splitlines()]
)
def test_bad_input_ends_with_one_message_and_status_2(refused, spec, line, match):
    assert refused(shlex.split(line), match, spec=spec).startswith("error: ")
