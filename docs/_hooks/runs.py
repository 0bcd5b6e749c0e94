"""All pages' blocks, run by two processes; what ran before from the same sources is kept."""

import hashlib
import multiprocessing
import os
import pickle
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from blocks import Block
from running import Ran, run_page

AT_ONCE = 2
SOURCES = ("motifield", "theory", "numerics", "docs/_hooks/running.py")

Job = tuple[list[Block], dict[str, str]]


def run_pages(jobs: dict[str, Job], root: Path, kept: Path) -> dict[str, Ran]:
    """What the blocks of all pages print, show and draw.

    Args:
        jobs: Blocks, and files beside them, by page.
        root: Of the project.
        kept: The folder of what ran before.
    """
    kept.mkdir(parents=True, exist_ok=True)
    sources = _sources(root)
    places = {name: kept / f"{_key(job, sources)}.pickle" for name, job in jobs.items()}
    found = {n: pickle.loads(p.read_bytes()) for n, p in places.items() if p.is_file()}
    new = {name: job for name, job in jobs.items() if name not in found}
    if new:
        for name, ran in _run(new):
            found[name] = ran
            if not ran.failure:
                places[name].write_bytes(pickle.dumps(ran))
    return found


def _run(jobs: dict[str, Job]) -> Iterator[tuple[str, Ran]]:
    """Pages as they are done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["warm"])
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])
    if here not in sys.path:  # processes take their path from this one
        sys.path.insert(0, here)
    # each page begins in a new process: nothing that one sets is there in the next
    with ProcessPoolExecutor(AT_ONCE, context, max_tasks_per_child=1) as pool:
        # those with many blocks first, so that none is left alone at the end
        order = sorted(jobs, key=lambda name: -len(jobs[name][0]))
        futures = {pool.submit(run_page, name, *jobs[name]): name for name in order}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _sources(root: Path) -> str:
    """A digest of the program's text: a page is run again when the program has changed.

    With `SITE_KEPT` in the environment, while one writes, it is run again when itself has changed.
    """
    if os.environ.get("SITE_KEPT"):
        return ""
    digest = hashlib.sha256()
    for part in SOURCES:
        own = root / part
        for path in [own] if own.is_file() else sorted(own.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _key(job: Job, sources: str) -> str:
    blocks, files = job
    contents = {name: Path(path).read_bytes() for name, path in files.items()}
    return hashlib.sha256(repr((blocks, contents, sources)).encode()).hexdigest()[:32]
