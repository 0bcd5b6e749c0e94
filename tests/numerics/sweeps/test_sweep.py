"""Sweeps: numbers of every point against single calls, statuses, folders that are gone on with."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import jax
import numpy as np
import pytest
import xarray as xr

import motifield as mf
from motifield.errors import FileError, ParameterError, SpecError
from motifield.numerics.sweeps import stores, sweeping

OVER = {"input[E]": [0.1, 0.5, 0.9], "factor(tau_con)": [0.0, 1.0]}


def at(parameters, **values):
    for name, value in values.items():
        parameters = mf.scalar(name, parameters).set(parameters, value)
    return parameters


def test_trajectories_are_those_of_single_calls(system, parameters):
    found = mf.sweep(system, parameters, OVER, t1=6.0, at_once=4)
    assert found.status.ok
    assert dict(found.dataset.sizes) == {"input[E]": 3, "factor(tau_con)": 2, "population": 2}
    for drive in OVER["input[E]"]:
        for factor in OVER["factor(tau_con)"]:
            own = at(parameters, **{"input[E]": drive, "factor(tau_con)": factor})
            last = mf.integrate(system, own, 6.0, saveat=[6.0]).dataset.isel(time=-1)
            there = found.dataset.sel({"input[E]": drive, "factor(tau_con)": factor})
            for name in ("mean", "variance", "rate"):
                np.testing.assert_allclose(there[name], last[name], rtol=1e-7, atol=1e-9)
    rows = found.rows()
    assert len(rows) == 6
    assert rows[1]["factor(tau_con)"] == 1
    assert rows[1]["rate E"] == pytest.approx(float(found["rate"][0, 1, 0]))


def test_a_reduction_sees_all_times(system, parameters):
    def largest(dataset):
        return {"largest": dataset["rate"].max("time"), "end": dataset["time"].max() + 0.0}

    with pytest.raises(ParameterError, match="reduce left 'end' without the dimension 'set'"):
        mf.sweep(system, parameters, OVER, reduce=largest, t1=6.0)
    found = mf.sweep(
        system, parameters, OVER, reduce=lambda d: d[["rate"]].max("time"), t1=6.0, saveat=12
    )
    own = at(parameters, **{"input[E]": 0.9, "factor(tau_con)": 0.0})
    course = mf.integrate(system, own, 6.0, saveat=12).dataset["rate"].max("time")
    np.testing.assert_allclose(found["rate"][2, 0], course, rtol=1e-7)


def test_all_fixed_points(system, parameters):
    found = mf.sweep(system, parameters, {"input[E]": [0.1, 0.9]}, "fixed-points")
    for k, drive in enumerate((0.1, 0.9)):
        points = mf.fixed_points(system, at(parameters, **{"input[E]": drive}))
        assert int(found["count"][k]) == len(points)
        np.testing.assert_allclose(found["rate"][k, 0], points[0].numbers["rate"], rtol=1e-8)


def test_any_function_at_samples_and_seeds(system, parameters):
    def verb(system, parameters, *, seed, shift):
        return {"drive": float(parameters.input(0.0)[0]) + shift, "seed_of": seed, "two": [1, seed]}

    over = {"input[E]": [0.1, 0.2], "seed": [3, 4]}
    found = mf.sweep(system, parameters, over, verb, design="zip", shift=1.0)
    assert found.dims == ("sample",)
    assert found["drive"].values.tolist() == [1.1, 1.2]
    assert found["seed_of"].values.tolist() == [3, 4]
    assert found["two"].values.tolist() == [[1, 3], [1, 4]]


def test_a_network_of_each_seed(system, parameters):
    small = parameters.rescaled(40)
    over = {"seed": [0, 1]}
    found = mf.sweep(system, small, over, "simulate", t1=1.0, reduce=lambda d: d.isel(time=-1))
    for seed in (0, 1):
        one = mf.simulate(system, mf.sample(small, seed), t1=1.0, seed=seed).dataset
        np.testing.assert_allclose(found["rate"][seed], one["rate"].isel(time=-1))


def test_a_point_that_fails_is_a_status(system, parameters):
    def verb(system, parameters):
        if parameters.input(0.0)[0] > 0.3:
            raise mf.errors.SolverError("too much")
        return 2.0 if parameters.input(0.0)[0] > 0.15 else {"value": [1.0, 2.0]}

    found = mf.sweep(system, parameters, {"input[E]": [0.2, 0.1, 0.4]}, verb)
    said = found.dataset["status"].values.tolist()
    assert said[0] == "ok"
    assert said[1].startswith("no number: 'value' has the sizes {'value_0': 2}, before: {}")
    assert said[2] == "failed: too much"
    assert np.isfinite(found["value"].values).tolist() == [True, False, False]
    assert found.status == "1 of 3 points: no number; 1 of 3 points: failed"
    wrong = mf.sweep(system, parameters, {"g": [-1.0, 0.3], "N": [100]}, t1=1.0)
    assert "g is a standard deviation" in str(wrong.dataset["status"].values[0, 0])
    assert np.isnan(wrong["rate"][0]).all()
    assert np.isfinite(wrong["rate"][1]).all()


def test_an_axis_may_be_called_as_a_variable_of_the_verb(system, parameters):
    one = {"mean": [0.001, 0.002]}
    found = mf.sweep(system, parameters, one, "fixed_points", starts=2)
    assert found["mean"].values.tolist() == one["mean"]
    assert found["verb_mean"].dims == ("mean", "point", "population")
    made = mf.sweep(system, parameters, one, lambda s, p: {"mean": 3.0, "feasible": 2.0})
    assert made["verb_mean"].values.tolist() == [3, 3]
    assert made["verb_feasible"].values.tolist() == [2, 2]


def test_where_no_network_has_the_statistics_is_marked(system, parameters):
    found = mf.sweep(system, parameters, {"factor(tau_con)": [1.0, 60.0]}, t1=1.0)
    assert found["feasible"].values.tolist() == [1, 0]
    assert mf.sweep(system, parameters, {"input": [0.0]}, t1=1.0)["feasible"].values == [1]


def test_a_diverging_set_ends_no_other():
    system = mf.compile(mf.derive(mf.Architecture(["p"], "x**2"), mf.MotifOnly()))
    one = mf.Parameters.of(
        populations=["p"], N=100, fractions=[1.0], mean=[[0.01]], g=0.0, input=0.1
    )
    found = mf.sweep(system, one, {"input": [0.1, 5.0]}, t1=20.0)
    said = found.dataset["status"].values
    assert said[0] == "ok"
    assert said[1].startswith("diverged at t = ")
    np.testing.assert_allclose(found["rate"].values[0], (0.5 - np.sqrt(0.15)) ** 2, rtol=1e-4)


def test_a_block_without_any_fixed_point_ends_nothing():
    """K = K^2 + I has none where I > 1/4."""
    system = mf.compile(mf.derive(mf.Architecture(["p"], "x**2"), mf.MotifOnly()))
    one = mf.Parameters.of(
        populations=["p"], N=100, fractions=[1.0], mean=[[0.01]], g=0.0, input=0.1
    )
    found = mf.sweep(system, one, {"input": [0.1, 30.0]}, "fixed_points", at_once=1)
    assert found["count"].values.tolist() == [2, 0]
    assert found.dataset["status"].values.tolist() == ["ok", "none found"]


def test_exponents_are_varied_where_they_are_named_and_else_keep_their_closed_forms():
    system = mf.compile(mf.derive(mf.Architecture(["p"], mf.transfer.power_law()), mf.MotifOnly()))
    one = mf.Parameters.of(populations=["p"], N=100, fractions=[1.0], mean=[[0.01]], g=0.0)
    seen = [
        mf.sweep(system, one, over, lambda s, own: float(len(own.transfer)))["value"].values[0]
        for over in ({"input": [0.0]}, {"transfer.exponent": [2.0]})
    ]
    assert seen[1] == seen[0] + 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"what": "integrat"}, ParameterError, "unknown verb 'integrat': known are integrate, fix"),
        ({"over": {"inpt": [1]}}, ParameterError, "there is no parameter 'inpt'"),
        ({"over": {"seed": [1]}}, ParameterError, "integrate is not random"),
        (
            {"t2": 1},
            ParameterError,
            "integrate: got an unexpected keyword argument 't2'; it takes t1",
        ),
        ({"what": "fixed_points", "start": 1}, ParameterError, "there is no option 'start'; it"),
        ({"what": "simulate"}, ParameterError, "simulate: missing a required argument: 't1'"),
        ({"what": "fit"}, ParameterError, "fit: missing a required argument: 'targets'"),
        ({"what": "dmft", "over": {"seed": [1]}}, ParameterError, "dmft is not random"),
        ({"what": lambda s: 1.0}, ParameterError, "too many positional arguments; it takes no"),
        ({"resume": True}, ParameterError, "resume goes on with a folder: say by out="),
        ({"at_once": 0}, ParameterError, "at least one point is computed at a time"),
        ({"what": lambda s, p: "text"}, ParameterError, "a dataset, or numbers by name"),
        ({"out": "sweep.nc"}, ParameterError, "a folder whose name ends in .zarr"),
        ({"out": "nowhere/sweep.zarr"}, FileError, "the folder nowhere does not exist"),
    ],
)
def test_what_is_no_sweep_is_refused(
    system, parameters, options, error, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    given = {"over": {"input[E]": [0.1]}, "what": "integrate"} | options
    with pytest.raises(error, match=message):
        mf.sweep(system, parameters, given.pop("over"), given.pop("what"), **given)
    assert not any(tmp_path.iterdir())


# ---- folders


def verb(system, parameters):
    return {"z": complex(1, float(parameters.input(0.0)[0])), "n": xr.DataArray([1, 2], dims="k")}


class Cut(Exception):
    pass


def test_a_sweep_that_was_cut_off_is_gone_on_with(system, parameters, tmp_path):
    over = {"input[E]": [0.1, 0.2, 0.3, 0.4, 0.5], "input[I]": [0.0, 1.0]}
    path, calls = tmp_path / "a.zarr", []

    def counted(system, parameters):
        calls.append(float(parameters.input(0.0)[0]))
        if len(calls) == 5:
            raise Cut
        return verb(system, parameters)

    with pytest.raises(Cut):
        mf.sweep(system, parameters, over, counted, out=path, at_once=2)
    assert mf.sweeps.sweep_progress(path) == (2, 5)
    half = mf.sweeps.open_sweep(path)
    assert half.status == "6 of 10 points: not computed"
    with pytest.raises(FileError, match="go on with it by resume=True"):
        mf.sweep(system, parameters, over, counted, out=path, at_once=2)
    found = mf.sweep(system, parameters, over, counted, out=path, at_once=2, resume=True)
    assert len(calls) == 5 + 6  # the block that was cut off, and those after it
    whole = mf.sweep(system, parameters, over, verb)
    xr.testing.assert_identical(found.dataset.drop_attrs(), whole.dataset.drop_attrs())
    assert found.status.ok
    opened = xr.open_zarr(path, consolidated=False)  # by a program that knows no motifield
    np.testing.assert_array_equal(opened["z"], whole["z"])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("what", ["fixed_point", "fixed_points"])
def test_fixed_points_do_not_depend_on_what_was_computed_before(tmp_path, what):
    """Across a fold, with breaks: points start from those of their own block alone."""
    system = mf.compile(mf.derive(mf.Architecture(["p"], "1 + erf(3*(x - 1))"), mf.MotifOnly()))
    one = mf.Parameters.of(populations=["p"], N=100, fractions=[1.0], mean=[[0.01]], g=0.1)
    over = {"input": np.linspace(-0.4, 0.6, 8), "factor(mean)": np.linspace(0.5, 1.2, 6)}

    def cut(text, part):
        if part > 0.4:
            raise Cut

    path, given = tmp_path / "a.zarr", {"at_once": 12}
    with pytest.raises(Cut):
        mf.sweep(system, one, over, what, out=path, progress=cut, **given)
    done, count = mf.sweeps.sweep_progress(path)
    assert 0 < done < count
    found = mf.sweep(system, one, over, what, out=path, resume=True, **given)
    whole = mf.sweep(system, one, over, what, **given)
    xr.testing.assert_identical(found.dataset.drop_attrs(), whole.dataset.drop_attrs())
    assert whole.status.ok


def test_statuses_and_rows_of_a_folder_are_those_in_memory(system, parameters, tmp_path):
    def some_fail(system, parameters):
        drive = float(parameters.input(0.0)[0])
        if drive > 0.35:
            raise mf.errors.SolverError("again" if drive > 0.85 else f"no {drive:.1f}é")
        return {"rate": xr.DataArray([drive, 2 * drive], dims="population")}

    over = {"input[E]": np.arange(10) / 10, "seed": [1, 2]}
    whole = mf.sweep(system, parameters, over, lambda s, p, seed: some_fail(s, p), at_once=6)
    path = tmp_path / "a.zarr"
    found = mf.sweep(
        system, parameters, over, lambda s, p, seed: some_fail(s, p), at_once=6, out=path
    )
    np.testing.assert_array_equal(found["status"], whole["status"])
    assert found["status"].values[:, 0].tolist()[3:6] == [
        "ok",
        "failed: no 0.4é",
        "failed: no 0.5é",
    ]
    assert len(found.rows()) == 20
    assert found.rows()[2]["input[E]"] == 0.1
    assert found.table()["seed"].tolist() == [1, 2] * 10
    assert repr(found).splitlines()[-1].startswith("19 ")
    files = [f for f in (path / "status_text" / "c").rglob("*") if f.is_file()]
    assert sum(f.stat().st_size for f in files) < 20 * 240


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"t1": 3.0}, "options"),
        ({"over": {"input[E]": [0.1, 0.3]}}, "points"),
        ({"gain": 2.0}, "parameters"),
        ({"reduce": lambda d: d.isel(time=0)}, "reduce"),
        ({"at_once": 1}, "points of a block"),
    ],
)
def test_another_sweep_is_not_mixed_in(system, parameters, tmp_path, changes, what):
    path = tmp_path / "a.zarr"
    given = {"over": {"input[E]": [0.1, 0.2]}, "t1": 2.0, "at_once": 2}
    mf.sweep(system, parameters, given["over"], out=path, t1=2.0, at_once=2)
    given |= changes
    own = (
        parameters
        if "gain" not in given
        else parameters.replace(g=np.full((2, 2), given.pop("gain")))
    )
    with pytest.raises(SpecError, match=f"made with other {what}: its points would be mixed"):
        mf.sweep(system, own, given.pop("over"), out=path, resume=True, **given)


@pytest.mark.parametrize("kind", ["function", "long option"])
def test_functions_of_one_name_and_long_options_are_told_apart(system, parameters, tmp_path, kind):
    over, path = {"input[E]": [0.1]}, tmp_path / "a.zarr"
    times = np.linspace(0, 1, 3000)
    other = times.copy()
    other[1500] += 1e-9  # which the repr of the array leaves out

    def call(what, saveat, **options):
        return mf.sweep(system, parameters, over, what, saveat=saveat, out=path, **options)

    def first(system, parameters, saveat):
        return 1.0

    kept = first

    def first(system, parameters, saveat):
        return 2.0

    call(kept, times)
    given = (first, times) if kind == "function" else (kept, other)
    with pytest.raises(SpecError, match="made with other (verb|options): its points"):
        call(*given, resume=True)
    assert call(kept, times, resume=True)["value"].values.tolist() == [1.0]


def test_what_is_no_folder_of_a_sweep_is_said(tmp_path, system, parameters):
    for path in (tmp_path / "nothing.zarr", tmp_path / "other.zarr"):
        if path.stem == "other":
            stores.zarr_module().create_group(path)
        with pytest.raises(FileError, match=r"no folder of a sweep|not one that a sweep wrote"):
            mf.sweeps.open_sweep(path)
    with pytest.raises(FileError, match="not one that a sweep wrote"):
        mf.sweep(system, parameters, {"input[E]": [0.1]}, out=path, resume=True)


def test_one_process_at_a_time(tmp_path, system, parameters):
    path = tmp_path / "a.zarr"
    with (
        stores.locked(path),
        pytest.raises(FileError, match="another process is computing"),
    ):
        mf.sweep(system, parameters, {"input[E]": [0.1]}, verb, out=path)
    assert not path.exists()


def test_how_fast_a_folder_is_computed(tmp_path, system, parameters, monkeypatch):
    path, said, clock = tmp_path / "a.zarr", [], iter(range(100, 200))
    monkeypatch.setattr(stores.time, "time", lambda: float(next(clock)))
    over = {"input[E]": [0.1, 0.2, 0.3, 0.4, 0.5], "input[I]": [0.0, 1.0, 2.0]}

    def told(text, part):
        said.append(str(mf.sweeps.sweep_rate(path)))

    mf.sweep(system, parameters, over, verb, out=path, at_once=2, progress=told)
    # a block a second, of 2 points and 1 in turn: 15 of them, the last 6 in 4 seconds
    assert said[:3] == ["None", "None", "1 points/s, 12 s left"]
    assert said[-1] == "1.5 points/s, 0 s left"
    assert mf.sweeps.sweep_rate(path) is None  # nobody is at work
    (tmp_path / ".a.zarr.lock").touch()  # of a process that was killed
    assert mf.sweeps.sweep_rate(path) is None


def test_a_process_that_is_killed_while_it_makes_a_folder_is_gone_on_with(
    tmp_path, system, parameters, monkeypatch
):
    path, made, own = tmp_path / "a.zarr", [], stores._array
    at = [3]

    def array(*given, **options):
        made.append(given)
        if len(made) == at[0]:
            raise Cut
        return own(*given, **options)

    monkeypatch.setattr(stores, "_array", array)
    over = {"input[E]": [0.1, 0.2, 0.3], "input[I]": [0.0, 1.0]}
    with pytest.raises(Cut):
        mf.sweep(system, parameters, over, verb, out=path, at_once=2)
    assert not path.exists()
    at[0] = len(made) + 6  # the second of the verb's arrays
    with pytest.raises(Cut):
        mf.sweep(system, parameters, over, verb, out=path, at_once=2)
    assert set(mf.sweeps.open_sweep(path).dataset.data_vars) == {"status"}
    found = mf.sweep(system, parameters, over, verb, out=path, at_once=2, resume=True)
    whole = mf.sweep(system, parameters, over, verb)
    xr.testing.assert_identical(found.dataset.drop_attrs(), whole.dataset.drop_attrs())
    assert list(tmp_path.iterdir()) == [path]


def test_names_of_any_kind_are_those_of_the_folder(tmp_path, system, parameters):
    def verb(system, parameters):
        return {"a/b": xr.DataArray([1.0, 2.0], dims="k/l", coords={"k/l": [3.0, 4.0]})}

    path, over = tmp_path / "a.zarr", {"input[E]": [0.1, 0.2]}
    mf.sweep(system, parameters, over, verb, out=path, at_once=1)
    found = mf.sweep(system, parameters, over, verb, out=path, at_once=1, resume=True)
    whole = mf.sweep(system, parameters, over, verb, at_once=1)
    xr.testing.assert_identical(found.dataset.drop_attrs(), whole.dataset.drop_attrs())


def test_blocks_of_another_form_are_refused(tmp_path, system, parameters):
    def reduce(dataset):
        return dataset[["rate"]] if float(dataset["rate"][0, -1, 0]) < 0.5 else dataset[["mean"]]

    over = {"input[E]": [-2.0, 2.0]}
    for options in ({}, {"out": tmp_path / "a.zarr"}):
        with pytest.raises(ParameterError, match="is not there at every point: what is kept is of"):
            mf.sweep(system, parameters, over, t1=1.0, at_once=1, reduce=reduce, **options)


KILLED = """
import sys, time
import jax
jax.config.update("jax_enable_x64", True)
import motifield as mf
system = mf.compile(mf.derive(mf.Architecture(["p"], "erf"), mf.MotifOnly()))
one = mf.Parameters.of(populations=["p"], N=100, fractions=[1.0], mean=[[0.001]], g=0.1)
def slow(system, parameters):
    time.sleep(float(sys.argv[2]))
    return float(parameters.input(0.0)[0])
found = mf.sweep(system, one, {"input": [1.0, 2, 3, 4, 5, 6]}, slow, at_once=1, out=sys.argv[1],
                 resume=True)
print(found["value"].values.tolist())
"""


def test_killed_at_any_time_it_is_gone_on_with(tmp_path):
    path, script = tmp_path / "a.zarr", tmp_path / "script.py"
    script.write_text(textwrap.dedent(KILLED))
    process = subprocess.Popen([sys.executable, script, path, "0.4"])
    end = time.monotonic() + 60
    while time.monotonic() < end and not (path.exists() and _done(path) > 1):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 1 < _done(path) < 6
    again = subprocess.run(
        [sys.executable, script, path, "0"], capture_output=True, text=True, check=True
    )
    assert again.stdout == "[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]\n"


def _done(path):
    try:
        return mf.sweeps.sweep_progress(path)[0]
    except (FileError, KeyError):  # it is being made
        return 0


def test_a_batch_is_single_trajectories_and_a_stiff_set_is_integrated_by_itself(
    system, parameters, monkeypatch
):
    from motifield.numerics.system import batch as batches

    numbers = [mf.scalar("input[E]", parameters)]
    many = mf.stacked(numbers, parameters, np.array([[0.1], [0.9]]))
    found = mf.sweeps.integrate_batch(system, many, 5.0, saveat=5)
    monkeypatch.setattr(batches, "FIRST_STEPS", 7)
    alone = mf.sweeps.integrate_batch(system, many, 5.0, saveat=5)
    np.testing.assert_allclose(found["rate"], alone["rate"], rtol=1e-7)
    assert found.status.ok
    assert alone.status.ok
    with pytest.raises(ParameterError, match="make it with stacked"):
        mf.sweeps.integrate_batch(system, parameters)
    with pytest.raises(ParameterError, match=r"motifield\.pure\.trajectory"):
        jax.jit(lambda b: mf.sweeps.integrate_batch(system, b))(many)


def test_memory_is_asked_for_before_it_is_taken(system, parameters, monkeypatch):
    asked = []
    monkeypatch.setattr(stores, "require_memory", lambda needed, *_: asked.append(needed))
    mf.sweep(system, parameters, {"input[E]": [0.1, 0.2]}, lambda s, p: {"a": np.zeros(10)})
    assert asked == [2 * (10 + 1) * 8]  # and `feasible`


def test_libraries_are_part_of_what_a_folder_is_made_of():
    assert "motifield" in sweeping.LIBRARIES
