"""Sweeps on workers: the same numbers as in one process, while workers die; what is refused."""

import os
import signal
import sys
import threading
import time

import dask
import distributed
import numpy as np
import pytest
import xarray as xr

import motifield as mf
from motifield import working
from motifield.errors import FileError, ParameterError, SolverError

OVER = {"input[E]": np.linspace(0.1, 0.9, 8).tolist(), "factor(tau_con)": [0.0, 1.0]}
WAIT = 120.0  # seconds after which what a test waits for is not coming


@pytest.fixture(scope="module")
def client():
    """Of two processes of one thread each; a task that two workers died of is given up."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def same(found, expected):
    xr.testing.assert_identical(found.dataset.drop_attrs(), expected.dataset.drop_attrs())


def victim(folder):
    """A reduction whose process waits for its end at its second block, once."""
    calls = []

    def reduce(dataset):
        calls.append(1)
        if len(calls) == 2:
            try:
                (folder / "taken").touch(exist_ok=False)
            except FileExistsError:
                return dataset[["rate"]].isel(time=-1)
            (folder / "part").write_text(str(os.getpid()))
            (folder / "part").rename(folder / "victim")
            end = time.monotonic() + WAIT
            while time.monotonic() < end:
                time.sleep(0.05)
            raise RuntimeError("nobody came")
        return dataset[["rate"]].isel(time=-1)

    return reduce


def kill_the_victim(folder):
    end = time.monotonic() + WAIT
    while not (folder / "victim").exists() and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(int((folder / "victim").read_text()), signal.SIGKILL)


@pytest.mark.parametrize("kept", ["folder", "memory"])
def test_a_worker_is_killed_and_the_numbers_are_those_of_one_process(
    client, system, parameters, tmp_path, kept
):
    before = set(client.scheduler_info()["workers"])
    killer = threading.Thread(target=kill_the_victim, args=(tmp_path,))
    killer.start()
    out = tmp_path / "a.zarr" if kept == "folder" else None
    options = {"at_once": 2, "t1": 3.0, "reduce": victim(tmp_path)}
    found = mf.sweep(system, parameters, OVER, scheduler=client, out=out, **options)
    killer.join()
    assert (tmp_path / "victim").exists()
    assert set(client.scheduler_info()["workers"]) != before
    alone = mf.sweep(system, parameters, OVER, **options)
    same(found, alone)
    assert found.status.ok
    if out is not None:
        assert mf.sweeps.sweep_progress(out) == (8, 8)
        opened = xr.open_zarr(out, consolidated=False)
        np.testing.assert_array_equal(opened["rate"], alone["rate"])


def of_module(system, parameters):
    return 1.0


@pytest.fixture
def forms():
    """Nothing, then two numbers, then one: the first of them says what all are like."""

    def verb(system, parameters, seed):
        drive = float(parameters.input(0.0)[0])
        if drive < 0.25:
            raise mf.errors.SolverError("too small")
        return {"value": [drive, seed]} if drive < 0.55 else {"value": drive}

    return verb


@pytest.mark.parametrize("kept", ["folder", "memory"])
def test_what_numbers_are_like_does_not_depend_on_who_is_first(
    client, system, parameters, tmp_path, kept, forms
):
    over = {"input[E]": np.linspace(0.1, 0.9, 9).tolist(), "seed": [3, 4]}
    out = tmp_path / "a.zarr" if kept == "folder" else None
    found = mf.sweep(system, parameters, over, forms, at_once=1, scheduler=client, out=out)
    alone = mf.sweep(system, parameters, over, forms, at_once=1)
    same(found, alone)
    assert found["value"].shape == (9, 2, 2)
    assert "8 of 18 points: no number" in found.status.message


def test_what_is_there_is_not_computed_again(client, system, parameters, tmp_path):
    out, marks = tmp_path / "a.zarr", tmp_path / "marks"
    marks.mkdir()

    def verb(system, parameters):
        drive = float(parameters.input(0.0)[0])
        with (marks / f"{drive}").open("a") as file:
            file.write(".")
        if drive > 0.5 and not (marks / "again").exists():
            raise ValueError("a fault in the function")
        return drive

    over = {"input[E]": [0.1, 0.2, 0.3, 0.9]}
    with pytest.raises(ValueError, match="a fault in the function"):
        mf.sweep(system, parameters, over, verb, at_once=1, out=out, scheduler=client)
    (marks / "again").touch()
    there, _ = mf.sweeps.sweep_progress(out)
    found = mf.sweep(
        system, parameters, over, verb, at_once=1, out=out, resume=True, scheduler=client
    )
    assert found["value"].values.tolist() == over["input[E]"]
    counts = [len((marks / f"{drive}").read_text()) for drive in over["input[E]"]]
    assert sum(counts) <= 8 - there
    assert len(list(tmp_path.iterdir())) == 2


def test_a_block_that_workers_die_of_is_named(client, system, parameters):
    def verb(system, parameters):
        os._exit(1)

    with pytest.raises(SolverError, match=r"every worker that computed block 0 has died.*at_once"):
        mf.sweep(system, parameters, {"input[E]": [0.1]}, verb, scheduler=client)


def test_what_cannot_be_sent_is_named(client, system, parameters):
    lock = threading.Lock()
    with pytest.raises(ParameterError, match=r"what cannot go to another process: .*lock"):
        mf.sweep(system, parameters, OVER, lambda s, p: lock.locked(), scheduler=client)
    with pytest.raises(ParameterError, match=r"key cannot go to another process"):
        mf.sweep(system, parameters, OVER, lambda s, p, key: 1.0, scheduler=client, key=lock)
    with pytest.raises(ParameterError, match=r"lacks what it is to call: No module named 'tests'"):
        mf.sweep(system, parameters, OVER, of_module, scheduler=client)


def test_processes_of_this_machine(system, parameters, forms):
    found = mf.sweep(system, parameters, OVER, forms, workers=1, seed=1, at_once=3)
    same(found, mf.sweep(system, parameters, OVER, forms, seed=1, at_once=3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers = 0 must be a number of processes"),
        ({"workers": 2.0}, "workers = 2.0 must be a number of processes"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "scheduler = str is no dask.distributed.Client"),
        ({"scheduler": "a", "workers": 2}, "scheduler and workers are both given"),
    ],
)
def test_what_is_no_scheduler_is_refused(system, parameters, options, message):
    with pytest.raises(ParameterError, match=message):
        mf.sweep(system, parameters, OVER, **options)


def test_the_extra_is_named(system, parameters, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    for options in ({"workers": 2}, {"scheduler": object()}):
        with pytest.raises(FileError, match=r"pip install 'motifield\[cluster\]'"):
            mf.sweep(system, parameters, OVER, **options)


@pytest.mark.parametrize("name", ["jax", "XLA_FLAGS"])
def test_a_worker_whose_numbers_could_differ_is_refused(name):
    wanted = working.surroundings() | {name: "--another"}
    with pytest.raises(ParameterError, match=f"has {name} = .*, and the process that sends it"):
        working.received(wanted, b"")
