"""Files that are packed, and which of several files in an archive is meant."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ...errors import NetworkError
from ..archives import CHUNK, SMALLER, TABLE
from ..machine import available_memory, require_memory

OPENERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
PACKED = (*OPENERS, ".zip")
DAMAGED = (
    *(OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile),
    RuntimeError,  # of a .zip that is encrypted, or packed in a way that is not known
)
"""What the libraries raise on files that are damaged."""


class Place(NamedTuple):
    """A file on disk, or one in an archive.

    Args:
        path: the file on disk.
        packing: how it is packed: "", ".gz", ".bz2", ".xz" or ".zip".
        member: of a .zip, the name of the file in it.
        others: the other files of the .zip.
    """

    path: Path
    packing: str = ""
    member: str = ""
    others: tuple[str, ...] = ()

    @property
    def suffix(self) -> str:
        """The suffix of what is inside, in small letters: ".csv" of "edges.CSV.gz"."""
        name = self.member or self.path.name.removesuffix(self.path.suffix if self.packing else "")
        return PurePosixPath(name).suffix.lower()

    def __str__(self) -> str:
        return f"{self.path} ({self.member})" if self.member else str(self.path)


def place_of(path: str | os.PathLike, part: str | None = None, role: str = "edges") -> Place:
    """Where the table in a file is.

    Args:
        path: the file.
        part: of a .zip with several files, the name of one.
        role: the name that is looked for where `part` is not given.

    Raises:
        NetworkError: a .zip that is damaged, or in which no file can be told.
    """
    path = Path(path)
    packing = path.suffix.lower()
    if packing not in PACKED:
        return Place(path)
    if packing != ".zip":
        return Place(path, packing)
    with explained(path), zipfile.ZipFile(path) as archive:
        members = [
            own.filename
            for own in archive.infolist()
            if own.file_size and not own.is_dir() and not own.filename.startswith("__MACOSX")
        ]
    member = _chosen(path, members, part, role)
    return Place(path, packing, member, tuple(own for own in members if own != member))


def _chosen(path: Path, members: list[str], part: str | None, role: str) -> str:
    wanted = role if part is None else part
    names = {
        own: {own, PurePosixPath(own).name, PurePosixPath(own).stem}
        if part is not None
        else {PurePosixPath(own).stem.lower()}
        for own in members
    }
    found = [own for own in members if wanted in names[own]]
    if part is None and not found and len(members) == 1:
        found = members
    if len(found) != 1:
        raise NetworkError(
            f"{path} holds {len(members)} files, {', '.join(members) or 'all empty'}: name one of "
            "them with part="
        )
    return found[0]


def named(what: str, place: Any) -> str:
    """What a file holds, if it is known, and which one it is."""
    return f"{what} {place}".strip()


@contextmanager
def opened(place: Place) -> Iterator[Any]:
    """The unpacked content as a binary stream; raises what the libraries do on damaged files."""
    if place.packing == ".zip":
        with zipfile.ZipFile(place.path) as archive, archive.open(place.member) as stream:
            yield stream
    else:
        with OPENERS.get(place.packing, open)(place.path, "rb") as stream:
            yield stream


@contextmanager
def explained(path: Any, what: str = "read") -> Iterator[None]:
    """Say of whatever goes wrong with a file which one it is."""
    try:
        yield
    except NetworkError:
        raise
    except FileNotFoundError as error:
        raise NetworkError(f"there is no file {path}") from error
    except DAMAGED as error:
        raise NetworkError(f"{path} cannot be {what}: {error}") from error


def require_room(place: Place, times: float = TABLE) -> int:
    """Check that memory suffices for what a text becomes.

    Args:
        place: the text, packed or not.
        times: memory per byte of it.

    Returns:
        Bytes of the text.

    Raises:
        NetworkError: it does not suffice.
        Exception: what the libraries raise on damaged files.
    """
    size = os.path.getsize(place.path)
    if place.packing:
        size = 0
        with opened(place) as stream:
            while (part := stream.read(CHUNK)) and size * times <= available_memory():
                size += len(part)
    require_memory(size * times, f"{place.path}, as a table,", SMALLER)
    return size
