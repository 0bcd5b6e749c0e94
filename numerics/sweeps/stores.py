"""Where the numbers of a sweep are kept: in memory, or in a Zarr folder, block by block."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...errors import FileError, ParameterError, SpecError
from ...late import xr
from ..machine import require_memory
from .evaluated import STATUS, Evaluated, Form, Template
from .pace import RECENT, Rate, rate_of
from .points import Points, block_shape, blocks_of

Block = tuple[slice, ...]
LONGEST = 240  # bytes of a status
DONE, CODE, TEXT = "block_done", "status_code", "status_text"
CODES = "0: not computed, 1: ok, k > 1: row k - 2 of what status_text has of the block"
KNOWN = 2  # codes with a meaning of their own
ABOUT, MARK, ORDER, STARTED = "sweep", "motifield_sweep", "order", "started"
SMALLER = "write it to a folder (out=), or take fewer points or a reduce"
PENDING = "not computed"


class Store(Protocol):
    """Numbers of all points, filled block by block."""

    path: Path | None

    @property
    def template(self) -> Template | None:
        """The form of the variables; None before the first block that has any."""

    def done(self) -> set[int]:
        """The blocks that are there."""

    def put(self, k: int, block: Block, found: Evaluated) -> None:
        """Keep block k."""

    def dataset(self) -> xr.Dataset:
        """All numbers, NaN where there is none yet, with `status` for every point."""


class Memory:
    """A store that is gone with the process."""

    def __init__(self, points: Points):
        self.points = points
        self.template: Template | None = None
        self.path: Path | None = None
        self._values: dict[str, np.ndarray] = {}
        self._status = np.full(points.shape, PENDING, dtype=object)

    def done(self) -> set[int]:
        return set()

    def put(self, k: int, block: Block, found: Evaluated) -> None:
        sizes = tuple(s.stop - s.start for s in block)
        self._status[block] = np.array(found.status, dtype=object).reshape(sizes)
        if found.template is None:
            return
        if self.template is None:
            self.template = found.template
            forms = found.template.forms.items()
            needed = sum(self.points.count * np.prod(f.shape) * f.dtype.itemsize for _, f in forms)
            require_memory(float(needed), f"a sweep of {self.points.count} points", SMALLER)
            self._values = {
                name: np.full((*self.points.shape, *f.shape), np.nan, dtype=f.dtype)
                for name, f in forms
            }
        refuse_others(self.template, found.template)
        for name, own in found.values.items():
            self._values[name][block] = own.reshape(*sizes, *own.shape[1:])

    def dataset(self) -> xr.Dataset:
        data, coords = described(self.points, self.template)
        made = {name: (dims, self._values[name], attrs) for name, (dims, attrs) in data.items()}
        status = (tuple(self.points.sizes), self._status.astype(str))
        return xr.Dataset({**made, STATUS: status}, coords=coords)


def refuse_others(known: Template, found: Template) -> None:
    """Refuse numbers of another form than those before.

    Raises:
        ParameterError: names, sizes or coordinates differ.
    """
    if wrong := known.difference(found):
        raise ParameterError(f"{wrong}: what is kept is of one form at all points (see reduce)")


def described(
    points: Points, template: Template | None
) -> tuple[dict[str, tuple[tuple[str, ...], Mapping[str, Any]]], dict[str, Any]]:
    """Dimensions and attributes of the variables, and the coordinates."""
    forms = template.forms if template is not None else {}
    data = {name: ((*points.sizes, *form.dims), form.attrs) for name, form in forms.items()}
    coords: dict[str, Any] = {name: (dim, v) for name, (dim, v) in points.coords.items()}
    return data, coords | dict(template.coords if template is not None else {})


class Folder:
    """A Zarr folder with a chunk for every block: what was written stays when a process dies.

    Variables are arrays over the dimensions of the sweep, which any program that reads Zarr opens;
    statuses are codes, and the texts of a block are UTF-8 in `status_text`, each once. A block is
    marked as done, with the time, after its numbers are there. The folder's attributes say how it
    was made.

    Args:
        path: of the folder.
        points: of the sweep.
        most: points of a block.
        about: what makes this sweep another one than others, as plain data.
        resume: go on with a folder that is there.

    Raises:
        FileError: the folder is there and `resume` is false, or it is none of a sweep.
        SpecError: it is there and was made otherwise.
    """

    def __init__(
        self, path: str | Path, points: Points, most: int, about: Mapping[str, Any], resume: bool
    ):
        self.path: Path | None = Path(path)
        self.points = points
        self._chunk = block_shape(points.shape, most)
        if self.path.exists():
            self._chunks = Chunks(self.path)
            if not resume:
                raise FileError(
                    f"{path} is there: go on with it by resume=True (--resume), or name another"
                )
            self._refuse_others(about)
        else:
            self._chunks = self._created(self.path, about)
        self._chunks.group.attrs[STARTED] = time.time()

    @property
    def template(self) -> Template | None:
        """The form of the variables; None before the first block that has any."""
        return self._chunks.template

    def _created(self, path: Path, about: Mapping[str, Any]) -> Chunks:
        points, dims = self.points, tuple(self.points.sizes)
        count = tuple(-(-n // own) for n, own in zip(points.shape, self._chunk, strict=True))
        new = path.with_name(f".{path.name}.new")  # a folder is there whole or not at all
        group = zarr_module().create_group(new, overwrite=True)
        blocks, texts = int(np.prod(count)), (int(np.prod(self._chunk)), LONGEST)
        _array(group, DONE, (blocks,), (1,), ("block",), float, 0)
        about_codes = {"meaning": CODES}
        _array(group, CODE, points.shape, self._chunk, dims, np.uint32, 0, about_codes)
        # of which zarr writes those chunks alone that have a text
        by = ("block", "text", "byte")
        _array(group, TEXT, (blocks, *texts), (1, *texts), by, np.uint8, 0)
        for name, (dim, values) in points.coords.items():
            _coordinate(group, name, dim, values)
        own = {ABOUT: dict(about), MARK: 1, "dims": list(dims), ORDER: list(points.coords)}
        group.attrs.update(own)
        os.rename(new, path)
        return Chunks(path)

    def _refuse_others(self, about: Mapping[str, Any]) -> None:
        known = self._chunks.group.attrs[ABOUT]
        own = json.loads(json.dumps(about))
        other = [name for name in {*known, *own} if known.get(name) != own.get(name)]
        if other:
            raise SpecError(
                f"{self.path} was made with other {', '.join(sorted(other))}: its points would be "
                "mixed with those of another sweep; name another folder, or make the same call"
            )

    def done(self) -> set[int]:
        return set(np.flatnonzero(self._chunks.group[DONE][:]).tolist())

    def put(self, k: int, block: Block, found: Evaluated) -> None:
        if found.template is not None:
            if self.template is None:
                self._describe(found.template)
            else:
                refuse_others(self.template, found.template)
        self._chunks.write(k, block, found)

    def _describe(self, template: Template) -> None:
        """Make the arrays of the variables, and then say that they are all there."""
        group = self._chunks.group
        data, coords = described(self.points, template)
        for name, (dims, attrs) in data.items():
            form = template.forms[name]
            shape, chunks = (*self.points.shape, *form.shape), (*self._chunk, *form.shape)
            _array(group, name, shape, chunks, dims, form.dtype, np.nan, attrs)
        for name in template.coords:
            _coordinate(group, name, name, np.asarray(coords[name]))
        group.attrs[ORDER] = [*group.attrs[ORDER], *data]
        self._chunks = Chunks(self._chunks.path)

    def dataset(self) -> xr.Dataset:
        return read(self._chunks.path)


class Chunks:
    """The arrays of a folder, into which blocks are written, each by whoever computed it.

    A block has chunks of its own in all arrays, so that several processes can write at once.

    Args:
        path: of the folder.

    Raises:
        FileError: it is none of a sweep.
    """

    def __init__(self, path: Path):
        self.path, self.group = path, opened(path, "r+")
        self.template = template_of(self.group)
        self._arrays = dict(self.group.arrays())

    def write(self, k: int, block: Block, found: Evaluated) -> None:
        """Write block k, and then mark it as done, by the time in seconds."""
        sizes = tuple(s.stop - s.start for s in block)
        for name, own in found.values.items():
            self._arrays[key(name)][block] = own.reshape(*sizes, *own.shape[1:])
        codes = {"ok": 1}
        for said in found.status:
            codes.setdefault(said, len(codes) + KNOWN - 1)
        rows = [said.encode()[:LONGEST].ljust(LONGEST, b"\0") for said in codes][1:]
        if rows:
            texts = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), LONGEST)
            self._arrays[TEXT][k, : len(rows)] = texts
        each = np.array([codes[said] for said in found.status], dtype=np.uint32)
        self._arrays[CODE][block] = each.reshape(sizes)
        self._arrays[DONE][k] = time.time()


def _array(group, name, shape, chunks, dims, dtype, fill, attrs=None) -> None:
    options = {"chunks": chunks, "dtype": dtype, "fill_value": fill, "dimension_names": dims}
    own = {"attributes": dict(attrs or {}), "overwrite": True}  # of a process that was killed
    group.create_array(key(name), shape=shape, **own, **options)


def _coordinate(group: Any, name: str, dim: str, values: np.ndarray) -> None:
    if values.dtype.kind in "biufc":
        _array(group, name, values.shape, values.shape, (dim,), values.dtype, 0, {"axis_of": dim})
        group[key(name)][:] = values
    else:  # texts are no arrays of Zarr's core: they are attributes
        own = {**group.attrs.get("labels", {}), name: [str(v) for v in values]}
        group.attrs["labels"] = own


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Hold a sweep's folder against other processes.

    Raises:
        ParameterError: the path cannot be that of a folder.
        FileError: another process is at work on it.
    """
    if Path(path).suffix != ".zarr":
        raise ParameterError(f"cannot write {path}: a sweep is a folder whose name ends in .zarr")
    try:
        from filelock import FileLock, Timeout
    except ImportError:
        raise _missing() from None
    own = _lock_of(path)
    if not own.parent.is_dir():
        raise FileError(f"cannot write {path}: the folder {own.parent} does not exist")
    lock = FileLock(own)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FileError(f"another process is computing {path}: wait for it, or end it") from None
    try:
        yield
    finally:
        own.unlink(missing_ok=True)
        lock.release()


def _lock_of(path: str | Path) -> Path:
    return Path(path).with_name(f".{Path(path).name}.lock")


def _is_locked(path: str | Path) -> bool:
    """Whether a process is at work on a folder; one that was killed leaves the file unlocked."""
    own = _lock_of(path)
    if not own.exists():
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(own).acquire(timeout=0):
            return False
    except Timeout:
        return True


def zarr_module() -> Any:
    """zarr, which an extra installs."""
    try:
        import zarr
    except ImportError:
        raise _missing() from None
    return zarr


def _missing() -> FileError:
    return FileError("sweeps on disk need zarr: pip install 'motifield[sweeps]'")


def opened(path: str | Path, mode: str = "r") -> Any:
    """The Zarr group of a sweep.

    Raises:
        FileError: the folder is not there, or holds no sweep.
    """
    zarr = zarr_module()
    try:
        group = zarr.open_group(path, mode=mode)
    except Exception as error:  # zarr raises many kinds
        raise FileError(f"{path} is no folder of a sweep: {error}") from None
    if MARK not in group.attrs:
        raise FileError(f"{path} is a Zarr folder, but not one that a sweep wrote")
    return group


def key(name: str) -> str:
    """The name of an array's folder: "/" would make two of it."""
    return name.replace("/", "|")


def template_of(group: Any) -> Template | None:
    """The form of the variables that a folder has; None before the first block."""
    dims = set(group.attrs["dims"])
    coords = {n: np.array(v) for n, v in group.attrs.get("labels", {}).items()}
    forms = {}
    for name, array, axis in _named(group):
        if axis is not None:
            if axis not in dims:
                coords[name] = array[:]
            continue
        own = [(d, n) for d, n in zip(array.metadata.dimension_names, array.shape, strict=True)]
        inner = [(d, n) for d, n in own if d not in dims]
        shape = tuple(n for _, n in inner)
        is_complex, attrs = array.dtype.kind == "c", dict(array.attrs)
        forms[name] = Form(tuple(d for d, _ in inner), shape, is_complex, attrs)
    return Template(forms, coords) if forms else None


def _named(group: Any) -> list[tuple[str, Any, str | None]]:
    """Name, array and, of a coordinate, the dimension of what a folder has.

    They are in the order in which they were made, not that of files. What a killed process was
    making is left out.
    """
    order = {key(name): name for name in group.attrs[ORDER]}
    places = {name: k for k, name in enumerate(order.values())}
    found = []
    for own, array in group.arrays():
        axis = array.attrs.get("axis_of")
        name = axis if axis is not None and key(axis) == own else order.get(own)
        if name is not None:
            found.append((name, array, axis))
    return sorted(found, key=lambda one: (places.get(one[0], len(places)), one[0]))


def read(path: str | Path) -> xr.Dataset:
    """The numbers of a folder as they are now, with `status` for every point."""
    group = opened(path)
    data: dict[str, Any] = {}
    coords: dict[str, Any] = dict(group.attrs.get("labels", {}))
    needed = sum(a.nbytes for name, a in group.arrays() if name != TEXT)
    require_memory(float(needed), f"the sweep {path}", "open parts of it with xarray.open_zarr")
    for name, array, axis in _named(group):
        if axis is not None:
            coords[name] = (axis, array[:])
        else:
            data[name] = (tuple(array.metadata.dimension_names), array[:], dict(array.attrs))
    data[STATUS] = (tuple(group.attrs["dims"]), _texts(group))
    about = group.attrs[ABOUT]
    made = xr.Dataset(data, coords=coords)
    return made.assign_attrs({name: json.dumps(v) for name, v in about.items()})


def _texts(group: Any) -> np.ndarray:
    """The status of every point, from its code and the texts of its block."""
    codes, table = group[CODE][:].astype(int), {PENDING: 0, "ok": 1}
    for k, block in enumerate(blocks_of(codes.shape, group[CODE].chunks)):
        count = int(codes[block].max()) - KNOWN + 1
        if count > 0:
            rows = group[TEXT][k, :count]
            texts = [bytes(row).rstrip(b"\0").decode(errors="ignore") for row in rows]
            own = [0, 1, *(table.setdefault(text, len(table)) for text in texts)]
            codes[block] = np.array(own)[codes[block]]
    return np.array(list(table))[codes]


def rate_now(path: str | Path) -> Rate | None:
    """How fast a folder is being filled; None where nobody is at work on it, or just begins."""
    group = opened(path)
    if not _is_locked(path):
        return None
    code = group[CODE]
    sizes = np.ones(1, dtype=int)
    for n, own in zip(code.shape, code.chunks, strict=True):
        sizes = np.multiply.outer(sizes, np.diff([*range(0, n, own), n])).ravel()
    times = group[DONE][:]
    order = np.argsort(times)
    recent = order[times[order] > group.attrs[STARTED]][-RECENT:]
    counts = np.cumsum(sizes[recent]).tolist()
    return rate_of(times[recent].tolist(), counts, int(sizes[times == 0].sum()))


def progress_of(path: str | Path) -> tuple[int, int]:
    """How many blocks of a folder are done, and how many there are."""
    done = opened(path)[DONE][:]
    return int(np.count_nonzero(done)), len(done)
