"""The folder in which the command line keeps what was compiled, for the next command.

It is in the user's own cache folder. `MOTIFIELD_CACHE` names another one, or is "off". Nothing
depends on what is in it: an entry that is missing or damaged is made again.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

VARIABLE = "MOTIFIELD_CACHE"
LIMIT = 512 * 2**20  # bytes: some dozens of networks
KEPT = 0.5  # part of the limit that is left once it is exceeded
PRIVATE = 0o700


def folder() -> Path | None:
    """Where entries are; None where nothing is to be kept.

    The folder need not exist. Other users' programs must not be run: see `usable`.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given.lower() == "off":
        return None
    if given:
        return Path(given).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("motifield", appauthor=False)


def usable() -> Path | None:
    """The folder, which then exists; None where nothing is kept, or where it cannot be.

    A folder that belongs to another user, or that others can write to, is not used: compiled code
    in it could be theirs.
    """
    try:
        place = folder()
        if place is None:
            return None
        place.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        if not is_own(place):
            return None
    except (OSError, RuntimeError):  # no home, no right to write, a file in the way
        return None
    return place if os.access(place, os.R_OK | os.W_OK | os.X_OK) else None


def is_own(place: Path) -> bool:
    """Whether a folder is there, belongs to this user, and nobody else can write to it."""
    try:
        found = place.stat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return True
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def entries(place: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Files of the folder with their sizes and times; none where there is no folder."""
    try:
        found = sorted(place.rglob("*"))
    except OSError:
        return
    for path in found:
        with suppress(OSError):  # another process removed it
            own = path.lstat()
            if stat.S_ISREG(own.st_mode):
                yield path, own


def clear(place: Path) -> int:
    """Remove every entry; how many there were."""
    count = 0
    for path, _ in list(entries(place)):
        with suppress(OSError):
            path.unlink()
            count += 1
    return count


def trim(place: Path, limit: int = LIMIT) -> None:
    """Remove the entries that were not used for longest, where there is more than the limit."""
    found = [(max(own.st_atime, own.st_mtime), own.st_size, path) for path, own in entries(place)]
    excess = sum(size for _, size, _ in found)
    if excess <= limit:
        return
    for _, size, path in sorted(found):
        if excess <= KEPT * limit:
            break
        with suppress(OSError):
            path.unlink()
            excess -= size
