"""Where the numbers of a sweep are kept: in memory, or in a Zarr folder, block by block."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...errors import FileError, ParameterError, SpecError
from ...late import xr
from ..machine import require_memory
from .evaluated import STATUS, Evaluated, Form, Template
from .points import Points, block_shape

Block = tuple[slice, ...]
LONGEST = 240  # bytes of a status
DONE, TEXT = "block_done", "status_text"
ABOUT, MARK, ORDER = "sweep", "motifield_sweep", "order"
SMALLER = "write it to a folder (out=), or take fewer points or a reduce"
PENDING = "not computed"


class Store(Protocol):
    """Numbers of all points, filled block by block."""

    template: Template | None

    def is_done(self, k: int) -> bool:
        """Whether block k is there."""

    def put(self, k: int, block: Block, found: Evaluated) -> None:
        """Keep block k."""

    def dataset(self) -> xr.Dataset:
        """All numbers, NaN where there is none yet, with `status` for every point."""


class Memory:
    """A store that is gone with the process."""

    def __init__(self, points: Points):
        self.points = points
        self.template: Template | None = None
        self._values: dict[str, np.ndarray] = {}
        self._status = np.full(points.shape, PENDING, dtype=object)

    def is_done(self, k: int) -> bool:
        return False

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
        for name, own in found.values.items():
            self._values[name][block] = own.reshape(*sizes, *own.shape[1:])

    def dataset(self) -> xr.Dataset:
        data, coords = described(self.points, self.template)
        made = {name: (dims, self._values[name], attrs) for name, (dims, attrs) in data.items()}
        status = (tuple(self.points.sizes), self._status.astype(str))
        return xr.Dataset({**made, STATUS: status}, coords=coords)


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
    statuses are texts of UTF-8 in `status_text`. A block is marked as done after its numbers are
    there. The folder's attributes say how it was made.

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
        self.path, self.points = Path(path), points
        self.chunk = block_shape(points.shape, most)
        self.template: Template | None = None
        if self.path.exists():
            self._group = opened(self.path, "r+")
            if not resume:
                raise FileError(
                    f"{path} is there: go on with it by resume=True (--resume), or name another"
                )
            self._refuse_others(about)
            self.template = template_of(self._group)
        else:
            self._create(about)

    def _create(self, about: Mapping[str, Any]) -> None:
        zarr = zarr_module()
        self._group = zarr.create_group(self.path)
        dims = tuple(self.points.sizes)
        count = tuple(-(-n // own) for n, own in zip(self.points.shape, self.chunk, strict=True))
        self._array(DONE, (int(np.prod(count)),), (1,), ("block",), np.uint8, 0)
        shape = (*self.points.shape, LONGEST)
        self._array(TEXT, shape, (*self.chunk, LONGEST), (*dims, "byte"), np.uint8, 0)
        for name, (dim, values) in self.points.coords.items():
            self._coordinate(name, dim, values)
        own = {ABOUT: dict(about), MARK: 1, "dims": list(dims), ORDER: list(self.points.coords)}
        self._group.attrs.update(own)

    def _array(self, name, shape, chunks, dims, dtype, fill, attrs=None) -> None:
        options = {"chunks": chunks, "dtype": dtype, "fill_value": fill, "dimension_names": dims}
        self._group.create_array(key(name), shape=shape, attributes=dict(attrs or {}), **options)

    def _coordinate(self, name: str, dim: str, values: np.ndarray) -> None:
        if values.dtype.kind in "biufc":
            self._array(name, values.shape, values.shape, (dim,), values.dtype, 0, {"axis_of": dim})
            self._group[key(name)][:] = values
        else:  # texts are no arrays of Zarr's core: they are attributes
            own = {**self._group.attrs.get("labels", {}), name: [str(v) for v in values]}
            self._group.attrs["labels"] = own

    def _refuse_others(self, about: Mapping[str, Any]) -> None:
        known = self._group.attrs[ABOUT]
        own = json.loads(json.dumps(about))
        other = [name for name in {*known, *own} if known.get(name) != own.get(name)]
        if other:
            raise SpecError(
                f"{self.path} was made with other {', '.join(sorted(other))}: its points would be "
                "mixed with those of another sweep; name another folder, or make the same call"
            )

    def is_done(self, k: int) -> bool:
        return bool(self._group[DONE][k])

    def put(self, k: int, block: Block, found: Evaluated) -> None:
        if self.template is None and found.template is not None:
            self.template = found.template
            data, coords = described(self.points, found.template)
            self._group.attrs[ORDER] = [*self._group.attrs[ORDER], *data]
            for name, (dims, attrs) in data.items():
                form = found.template.forms[name]
                shape, chunks = (*self.points.shape, *form.shape), (*self.chunk, *form.shape)
                self._array(name, shape, chunks, dims, form.dtype, np.nan, attrs)
            for name in found.template.coords:
                self._coordinate(name, name, np.asarray(coords[name]))
        sizes = tuple(s.stop - s.start for s in block)
        for name, own in found.values.items():
            self._group[key(name)][block] = own.reshape(*sizes, *own.shape[1:])
        texts = np.zeros((len(found.status), LONGEST), dtype=np.uint8)
        for row, said in zip(texts, found.status, strict=True):
            text = said.encode()[:LONGEST]
            row[: len(text)] = np.frombuffer(text, dtype=np.uint8)
        self._group[TEXT][block] = texts.reshape(*sizes, LONGEST)
        self._group[DONE][k] = 1

    def dataset(self) -> xr.Dataset:
        return read(self.path)


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
    own = Path(path).with_name(f".{Path(path).name}.lock")
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
    forms, coords = {}, {n: np.array(v) for n, v in group.attrs.get("labels", {}).items()}
    for name, array in _in_order(group):
        if name in (DONE, TEXT):
            continue
        attrs = dict(array.attrs)
        if "axis_of" in attrs:
            if attrs["axis_of"] not in dims:
                coords[name] = array[:]
            continue
        own = [(d, n) for d, n in zip(array.metadata.dimension_names, array.shape, strict=True)]
        inner = [(d, n) for d, n in own if d not in dims]
        shape = tuple(n for _, n in inner)
        forms[name] = Form(tuple(d for d, _ in inner), shape, array.dtype.kind == "c", attrs)
    return Template(forms, coords) if forms else None


def _in_order(group: Any) -> list[tuple[str, Any]]:
    """The arrays of a folder in the order in which they were made, not that of files."""
    first = [key(name) for name in group.attrs[ORDER]]
    places = {name: k for k, name in enumerate(first)}
    return sorted(group.arrays(), key=lambda own: (places.get(own[0], len(first)), own[0]))


def read(path: str | Path) -> xr.Dataset:
    """The numbers of a folder as they are now, with `status` for every point."""
    group = opened(path)
    data: dict[str, Any] = {}
    coords: dict[str, Any] = dict(group.attrs.get("labels", {}))
    needed = sum(a.nbytes for _, a in group.arrays())
    require_memory(float(needed), f"the sweep {path}", "open parts of it with xarray.open_zarr")
    for name, array in _in_order(group):
        attrs = dict(array.attrs)
        dims = tuple(array.metadata.dimension_names)
        if "axis_of" in attrs:
            coords[name] = (attrs["axis_of"], array[:])
        elif name == TEXT:
            data[STATUS] = (dims[:-1], _texts(array[:]))
        elif name != DONE:
            data[name] = (dims, array[:], attrs)
    about = group.attrs[ABOUT]
    made = xr.Dataset(data, coords=coords)
    return made.assign_attrs({name: json.dumps(v) for name, v in about.items()})


def _texts(codes: np.ndarray) -> np.ndarray:
    flat = codes.reshape(-1, codes.shape[-1])
    found = [bytes(row).rstrip(b"\0").decode(errors="ignore") or PENDING for row in flat]
    return np.array(found).reshape(codes.shape[:-1])


def progress_of(path: str | Path) -> tuple[int, int]:
    """How many blocks of a folder are done, and how many there are."""
    done = opened(path)[DONE][:]
    return int(done.sum()), len(done)
