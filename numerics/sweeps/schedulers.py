"""Blocks of a sweep computed by the workers of a dask.distributed Client.

What all blocks share goes to the workers once; a block's task holds the values of its parameters.
With a folder, workers write their blocks into it themselves, each into chunks of its own, and tell
that they have; the parent makes the arrays as soon as it knows from the first block what they are
like, and writes what was computed before. A block whose worker dies is computed again by another
one: the same numbers, whoever has written a part of them.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import FileError, ParameterError, SolverError
from ...working import call, received, surroundings
from .evaluated import Evaluated, Template
from .stores import Block, Chunks, Store

AHEAD = 2  # blocks that are sent for every thread of a worker: one to compute, one to go on with
LARGE = 1_000_000  # bytes that do not pass through the scheduler
EXTRA = "pip install 'motifield[cluster]'"
Compute = Callable[[Any, Template | None], Evaluated]
_alone = threading.Lock()


class Job:
    """What is done with every block, in any process.

    Args:
        compute: gives the numbers of a piece, which is picklable; with a template, of this form.
        path: of the folder that takes them; None: they are returned.
        payload: the pickle that this was made from, with its surroundings.
    """

    def __init__(self, compute: Compute, path: Path | None, payload: tuple[Any, bytes]):
        self._compute, self._path, self._payload = compute, path, payload
        self._chunks: Chunks | None = None

    @classmethod
    def of(cls, compute: Compute, path: Path | None) -> Job:
        """The job, pickled for those who will do it."""
        cloudpickle = cluster_module("cloudpickle")
        own = None if path is None else path.resolve()
        return cls(compute, own, (surroundings(), cloudpickle.dumps((compute, own))))

    @property
    def size(self) -> int:
        """Bytes that a worker is sent."""
        return len(self._payload[1])

    def __reduce__(self) -> tuple[Any, ...]:
        return _job, self._payload

    def __call__(
        self, k: int, block: Block, piece: Any, known: Template | None
    ) -> Evaluated | None:
        """The numbers of block k, or None where they are in the folder.

        One at a time in each process: JAX shares a process's threads among what it computes.
        """
        with _alone:
            if self._path is not None:
                self._chunks = self._opened(self._path)
                known = self._chunks.template or known
            found = self._compute(piece, known)
            if self._chunks is None or self._chunks.template is None:
                return found
            self._chunks.write(k, block, found)
            return None

    def _opened(self, path: Path) -> Chunks:
        """The folder's arrays, looked for again as long as there are none."""
        if not path.exists():
            raise FileError(f"a worker does not find {path}: all workers need the disk it is on")
        has_all = self._chunks is not None and self._chunks.template is not None
        return self._chunks if has_all and self._chunks is not None else Chunks(path)


def _job(wanted: Mapping[str, str], payload: bytes) -> Job:
    compute, path = received(wanted, payload)
    return Job(compute, path, (wanted, payload))


class Spread:
    """Blocks on their way to workers and back.

    Args:
        client: of the workers.
        job: what they do.
        store: what takes the numbers.
        blocks: those that are wanted, by number.
        pieces: gives what a worker needs to know of a block.
    """

    def __init__(
        self,
        client: Any,
        job: Job,
        store: Store,
        blocks: Mapping[int, Block],
        pieces: Callable[[Block], Any],
    ):
        self._client, self._store, self._blocks, self._pieces = client, store, blocks, pieces
        self._name = f"motifield-sweep-{uuid.uuid4().hex[:12]}"
        self._waiting, self._order = sorted(blocks, reverse=True), sorted(blocks, reverse=True)
        self._running: dict[Any, tuple[int, bool]] = {}
        self._held: dict[int, Evaluated] = {}
        self._job = self._sent(job)

    def _sent(self, job: Job) -> Any:
        payload: Any = job.__reduce__()[1]
        if job.size > LARGE:
            payload = self._client.scatter(payload, broadcast=True, hash=False)
            return self._client.submit(_of_pair, payload, key=f"{self._name}-job")
        return self._client.submit(_job, *payload, key=f"{self._name}-job")

    def done(self) -> Generator[int, None, None]:
        """The numbers of blocks as they are kept."""
        completed = cluster_module("distributed").as_completed()
        try:
            self._send(completed)
            for future in completed:
                k, is_known = self._running.pop(future)
                found = self._answer(future, k)
                if found is None:
                    yield k
                else:
                    self._held[k] = found
                    yield from self._kept(completed, k if is_known else None)
                self._send(completed)
        finally:
            self._client.cancel([*self._running, self._job])

    def _send(self, completed: Any) -> None:
        """As many blocks as the workers that there are now can be busy with."""
        most = AHEAD * max(sum(self._client.nthreads().values()), 1)
        while self._waiting and len(self._running) + len(self._held) < most:
            self._submit(completed, self._waiting.pop())

    def _submit(self, completed: Any, k: int) -> None:
        known, block = self._store.template, self._blocks[k]
        arguments = (k, block, self._pieces(block), known)
        key = f"{self._name}-{k}-{'known' if known is not None else 'first'}"
        future = self._client.submit(call, self._job, *arguments, key=key, pure=False)
        self._running[future] = k, known is not None
        completed.add(future)

    def _answer(self, future: Any, k: int) -> Evaluated | None:
        distributed = cluster_module("distributed")
        try:
            return self._client.gather(future, direct=True)
        except distributed.scheduler.KilledWorker:
            raise SolverError(
                f"every worker that computed block {k} has died, the last of several: its points "
                "may need more memory than a worker has; take fewer at once (at_once), or workers "
                "with more"
            ) from None
        except distributed.client.FutureCancelledError:
            raise SolverError(
                f"block {k} was not computed: its workers, or the scheduler, have gone; what is in "
                "a folder is kept, and resume=True goes on with it"
            ) from None

    def _kept(self, completed: Any, checked: int | None) -> Iterator[int]:
        """Keep what has come back in the order of blocks until one says what numbers are like.

        Later ones of another form are computed again, as they would have been after that one.
        """
        while self._store.template is None and self._order and self._order[-1] in self._held:
            k = self._order.pop()
            self._store.put(k, self._blocks[k], self._held.pop(k))
            yield k
        known = self._store.template
        if known is None:
            return
        for k, found in list(self._held.items()):
            del self._held[k]
            own = found.template
            if k != checked and own is not None and known.difference(own):
                self._submit(completed, k)
            else:
                self._store.put(k, self._blocks[k], found)
                yield k


def _of_pair(payload: tuple[Mapping[str, str], bytes]) -> Job:
    return _job(*payload)


def check_client(scheduler: Any) -> None:
    """Refuse what is no Client of dask.distributed, in a form that can be waited for.

    Raises:
        ParameterError: it is none.
        FileError: the extra is not installed.
    """
    distributed = cluster_module("distributed")
    if not isinstance(scheduler, distributed.Client):
        raise ParameterError(
            f"scheduler = {type(scheduler).__name__} is no dask.distributed.Client: give "
            "Client(cluster), of a LocalCluster, a SLURMCluster or any other"
        )
    if scheduler.asynchronous:
        raise ParameterError("the scheduler is asynchronous: give a Client(...) that waits")
    if scheduler.status != "running":
        raise ParameterError(f"the scheduler's Client is {scheduler.status}: make another")


def cluster_module(name: str) -> Any:
    """A library that an extra installs."""
    with suppress(ImportError):
        from importlib import import_module

        return import_module(name)
    raise FileError(f"sweeps on several workers need dask.distributed: {EXTRA}")


def refuse_unpicklable(parts: Mapping[str, Any]) -> None:
    """Name what cannot go to another process.

    Raises:
        ParameterError: a part cannot be pickled.
    """
    cloudpickle = cluster_module("cloudpickle")
    for name, part in parts.items():
        try:
            cloudpickle.dumps(part)
        except Exception as error:  # whatever an object of the user's raises
            raise ParameterError(
                f"{name} cannot go to another process: {error}; leave out what belongs to this "
                "one, such as open files, locks and connections, or make it in the function"
            ) from None
