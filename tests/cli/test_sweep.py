"""The command `sweep`: its points, its folder, the progress and the picture of a folder."""

import json

import pytest

from motifield.numerics.sweeps import whole


def test_a_grid_into_a_folder_its_status_and_its_picture(call, answer, pair, tmp_path):
    folder, picture, own = (tmp_path / name for name in ("a.zarr", "b.png", "a.png"))
    axes = ("--over", "input[E]=0,1,3", "--values", "factor(motifs)=0,1")
    code, out, err = call("sweep", pair, *axes, "-o", folder, "--at-once", "2", "--t1", "2")
    assert code == 0, err
    assert "integrate over input[E], factor(motifs), status ok" in out
    said = answer("sweep", "status", folder)
    assert said["blocks done"] == said["blocks"] == 3
    assert said["sizes"] == {"input[E]": 3, "factor(motifs)": 2}
    assert "3 of 3" in call("sweep", "status", folder)[1]
    assert said["points per second"] is said["seconds left"] is None  # nobody is at work
    assert call("sweep", "plot", folder, "--plot", picture, "--variable", "mean")[0] == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert call("sweep", "plot", folder, "--contours", "0.1,0.5")[:2] == (0, f"wrote {own}\n")
    assert own.read_bytes().startswith(b"\x89PNG")
    assert f"{own} is there: say by --plot" in call("sweep", "plot", folder)[2]
    code, _, err = call("sweep", pair, *axes, "-o", folder, "--at-once", "2", "--t1", "2")
    assert code == 2
    assert "go on with it by resume=True (--resume)" in err
    again = answer("sweep", pair, *axes, "-o", folder, "--at-once", "2", "--t1", "2", "--resume")
    assert again["status"] == "ok"
    assert len(again["rate"]) == 3


def test_courses_are_kept(answer, pair, once):
    calls = once("sweeps.sweep")
    answer("sweep", pair, "--over", "input[E]=0,1,2", "--t1", "1", "--courses")
    assert calls[0][1]["reduce"] is whole


def test_samples_of_a_verb(answer, pair, once):
    calls = once("sweeps.sweep")
    options = ("--design", "sobol", "--count", "4", "--what", "fixed-point")
    options += ("--closure", "motif-only")  # which compiles fastest
    said = answer("sweep", pair, "--over", "input[E]=0,1", *options)
    (_, _, over, verb), given = calls[0]
    assert over == {"input[E]": (0.0, 1.0)}
    assert (verb, given["design"], given["count"]) == ("fixed-point", "sobol", 4)
    assert len(said["rate"]) == 4


def test_a_phase_diagram_into_a_folder_is_a_sweep(call, answer, pair, tmp_path):
    folder, picture = tmp_path / "a.zarr", tmp_path / "a.png"
    plane = ("--vary", "input[E]=0,1", "--vary", "factor(mean)=0,1", "--grid", "2,2")
    given = (*plane, "--closure", "motif-only", "--no-curves", "--starts", "2", "-o", folder)
    said = answer("phase-diagram", pair, *given, "--plot", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    seen = answer("sweep", "status", folder)
    assert seen["title"] == "phase diagram over input[E], factor(mean)"
    assert seen["blocks done"] == seen["blocks"] == 1
    assert seen["sizes"] == {"input[E]": 2, "factor(mean)": 2}
    assert call("phase-diagram", pair, *given)[0] == 2
    assert answer("phase-diagram", pair, *given, "--resume") == said


def test_workers_are_processes_of_this_machine(call, pair, stub, made):
    calls = stub("sweeps.sweep", made())
    call("sweep", pair, "--values", "input[E]=0", "--workers", "2")
    assert calls[0][1]["workers"] == 2


def test_the_speed_of_what_is_being_computed(call, answer, pair, tmp_path, monkeypatch):
    from motifield.numerics import sweeps

    folder = tmp_path / "a.zarr"
    call("sweep", pair, "--values", "input[E]=0", "-o", folder, "--t1", "1")
    monkeypatch.setattr(sweeps, "sweep_rate", lambda _: sweeps.Rate(12.0, 75.0))
    assert "12 points/s, 1:15 min left" in call("sweep", "status", folder)[1]
    said = answer("sweep", "status", folder)
    assert (said["points per second"], said["seconds left"]) == (12.0, 75.0)


def test_a_point_that_fails_has_exit_status_1(call, pair):
    code, out, _ = call("sweep", pair, "--values", "g=-1,0.3", "--t1", "1", "--json")
    assert code == 1
    said = json.loads(out)
    assert said["status"] == "1 of 2 points: not permitted"
    assert said["point_status"][1] == "ok"
    assert said["rate"][0] == [None, None]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say by --over or --values what is varied"),
        (("--over", "input"), "--over 'input' is not NAME=NUMBERS"),
        (("--over", "input=0,1"), "--over 'input=0,1' is not NAME=LO,HI,COUNT"),
        (("--over", "input=0,1,0"), "is not NAME=LO,HI,COUNT"),
        (("--over", "input=0,1,5", "--design", "latin"), "is not NAME=LO,HI, the ends"),
        (("--over", "inpt=0,1,5"), "there is no parameter 'inpt'"),
        (("--over", "input=0,1,5", "--what", "nothing"), "unknown verb 'nothing'"),
        (("--over", "input=0,1,5", "--contours", "1"), "say by --plot where it goes"),
        (("--over", "input=0,1,5", "--contours", "x"), "--contours"),
        (("--over", "input=0,1,5", "-o", "a.txt"), r"one of \.zarr, \.nc, \.csv, \.json"),
        (("--over", "input=0,1,5", "-o", "no/a.zarr"), "the folder no does not exist"),
    ],
)
def test_bad_input(refused, pair, arguments, message):
    refused(("sweep", pair, *arguments), message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("status",), "motifield sweep status needs the folder of a sweep"),
        (("status", "a.zarr"), "a.zarr is no folder of a sweep"),
        (("plot", "a.zarr", "--plot", "a.png"), "a.zarr is no folder of a sweep"),
    ],
)
def test_bad_folders(refused, arguments, message):
    refused(("sweep", *arguments), message)


def test_values_that_no_parameters_have_are_refused_everywhere(refused, pair):
    refused(("integrate", pair, "--closure", "none"), "unknown closure")
    refused(("fixed-points", pair, "--set", "g[E,E]=-1"), "g is a standard deviation")
    refused(("stability", pair, "--set", "fractions[E]=1.5"), "fractions must be positive")
    refused(("response", pair, "--set", "N=0"), "N = 0 must be a number of neurons")
