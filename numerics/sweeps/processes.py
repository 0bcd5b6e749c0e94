"""Processes of this machine that compute the blocks of a sweep, and a Client of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from ...errors import ParameterError, SolverError
from ...working import THREADS
from ..machine import cores
from .schedulers import check_client, cluster_module

WAIT = 120.0  # seconds until all processes must be there
ENDING = 10.0  # seconds that they have to end by themselves
NUMERICAL = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def workers_of(scheduler: Any, workers: int | None) -> Any:
    """A context that gives the Client to compute with, or None for this process.

    Nothing is started before it is entered.

    Args:
        scheduler: a Client, or None.
        workers: how many processes of this machine, or None.

    Raises:
        ParameterError: both are given, or none that can be used.
        FileError: the extra `cluster` is not installed.
    """
    if scheduler is not None and workers is not None:
        raise ParameterError("scheduler and workers are both given: a Client has its own workers")
    if scheduler is not None:
        check_client(scheduler)
        return nullcontext(scheduler)
    if workers is None:
        return nullcontext(None)
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ParameterError(f"workers = {workers!r} must be a number of processes, 1 or more")
    cluster_module("distributed")
    return local_workers(workers)


@contextmanager
def local_workers(count: int) -> Iterator[Any]:
    """A Client of new processes, which share the cores, as long as the context lasts.

    They are started as programs of their own, so that a script needs no guard against its own
    import. They end with the process that started them, however that ends.

    Args:
        count: of processes.
    """
    distributed = cluster_module("distributed")
    quiet = {"dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with (
        distributed.LocalCluster(n_workers=0, **quiet) as cluster,
        distributed.Client(cluster) as client,
    ):
        process = _started(cluster.scheduler_address, count)
        try:
            _wait(client, process, count)
            yield client
        finally:
            process.terminate()
            try:
                process.wait(ENDING)
            except subprocess.TimeoutExpired:
                process.kill()


def _started(address: str, count: int) -> subprocess.Popen:
    threads = max(cores() // count, 1)
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address]
    command += ["--nworkers", str(count), "--nthreads", str(threads), "--no-dashboard"]
    command += ["--death-timeout", str(WAIT)]
    own = dict.fromkeys((THREADS, *NUMERICAL), str(threads))
    here = os.pathsep.join(path or os.getcwd() for path in sys.path)  # where functions are found
    environment = {**os.environ, **own, "PYTHONPATH": here}
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdout=nowhere, stderr=nowhere)


def _wait(client: Any, process: subprocess.Popen, count: int) -> None:
    try:
        client.wait_for_workers(count, timeout=WAIT)
    except TimeoutError:
        raise SolverError(
            f"{count} processes did not start within {WAIT:g} s: memory or cores may be short; "
            "take fewer workers"
        ) from None
