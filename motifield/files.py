"""Writing files whole or not at all."""

from __future__ import annotations

import errno
import os
import platform
import re
import signal
import stat
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import FileError

PREFIX = ".motifield-"
"""Starts the name of an unfinished file; short, since the target's name may be as long as any."""
HERE = f"{zlib.crc32(platform.node().encode()):08x}"
"""This machine: on a disk that several share, only it can tell whether its process still runs."""
OWN = re.compile(re.escape(PREFIX) + f"{HERE}-([0-9]+)-.+")
STALE = 60.0  # seconds without a change, after which the file of a process that is gone is removed
ENDINGS = ("SIGTERM", "SIGHUP")  # signals that end a process; Windows has no SIGHUP
_unfinished: set[str] = set()


@contextmanager
def writing(*paths: str | os.PathLike) -> Iterator[list[str]]:
    """New files beside some paths, which take their places once all of them are written.

    A link stays a link: the file that it names is replaced. A file that is there keeps its
    permissions; a new one has those of the umask. Nothing is left of a failure, or of a signal
    that ends the process; what a killed process could not remove is removed by the next one that
    writes in the same folder, a minute later or more.

    Args:
        paths: the files to write.

    Yields:
        The names of the files to fill, in the same order.

    Raises:
        FileError: naming the path and the reason.
    """
    made: list[str] = []
    with _cleaned_at_signals():
        try:
            with _named(paths[0]):
                targets = [_target(path) for path in paths]
                for target in targets:
                    made.append(_beside(target))
                yield list(made)
                for own, target in zip(made, targets, strict=True):
                    os.replace(own, target)
                    _unfinished.discard(own)
        finally:
            for own in made:
                if own in _unfinished:
                    Path(own).unlink(missing_ok=True)
                    _unfinished.discard(own)


def write_with(path: str | os.PathLike, write: Callable[[str], object]) -> Path:
    """Let `write` fill a new file, then move it to `path`; failure leaves nothing behind.

    Raises:
        FileError: naming the path and the reason.
    """
    with writing(path) as (temporary,):
        write(temporary)
    return Path(path)


def write_bytes(path: str | os.PathLike, content: bytes | memoryview) -> Path:
    """Write bytes whole or not at all; raises as `writing`."""
    return write_with(path, lambda temporary: Path(temporary).write_bytes(content))


def write_text(path: str | os.PathLike, text: str) -> Path:
    """Write a text file whole or not at all; raises as `writing`."""
    write_texts({path: text})
    return Path(path)


def write_texts(texts: Mapping[str | os.PathLike, str]) -> None:
    """Write text files that belong together, all or none; raises as `writing`."""
    with writing(*texts) as made:
        for temporary, text in zip(made, texts.values(), strict=True):
            Path(temporary).write_text(text, encoding="utf-8")


def check_writable(path: str | os.PathLike) -> None:
    """Raise `FileError` for a path that cannot be written, before any long work begins."""
    with _named(path):
        made = _beside(_target(path))
        Path(made).unlink()
        _unfinished.discard(made)


def same_file(first: str | os.PathLike, second: str | os.PathLike) -> bool:
    """Whether two paths are one file, by whatever links."""
    if os.path.realpath(first) == os.path.realpath(second):
        return True
    try:
        return os.path.samefile(first, second)
    except OSError:  # one of them does not exist
        return False


def reason_of(error: OSError) -> str:
    """Why a file could not be read or written, without the name of a temporary file."""
    return os.strerror(error.errno) if error.errno else str(error)


def _target(path: str | os.PathLike) -> Path:
    """The file that a path names, links followed; raises where it cannot be replaced."""
    target = Path(os.path.realpath(path))
    try:
        kind = target.stat().st_mode
    except FileNotFoundError:
        folder = target.parent if Path(path).is_symlink() else Path(path).parent
        if not folder.is_dir():
            raise FileError(f"cannot write {path}: the folder {folder} does not exist") from None
        return target
    if stat.S_ISDIR(kind):
        raise FileError(f"cannot write {path}: it is a folder")
    if not stat.S_ISREG(kind):
        raise FileError(f"cannot write {path}: it is a device, and not a file")
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return target


def _beside(target: Path) -> str:
    """A new empty file in the folder of the target, with the permissions that this will have."""
    _sweep(target.parent)
    own = f"{PREFIX}{HERE}-{os.getpid()}-"
    handle, made = tempfile.mkstemp(dir=target.parent, prefix=own)
    _unfinished.add(made)
    os.close(handle)
    os.chmod(made, stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask())
    return made


def _sweep(folder: Path) -> None:
    """Remove what processes of this machine left unfinished in a folder when they were killed.

    A file stays while its process runs (or another one with its number), and while it is new:
    whoever writes at the same time is not disturbed.
    """
    if os.name != "posix":
        return  # elsewhere, asking for a process may end it
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            own = OWN.fullmatch(entry.name)
            if own is None or _runs(int(own[1])):
                continue
            with suppress(OSError):  # it belongs to somebody else, or another removes it, too
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > STALE:
                    os.unlink(entry.path)


def _runs(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # of another user; a number that is none stays, too
    return True


def _umask() -> int:
    """The process's mask of permissions, which can be read only by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def _named(path: str | os.PathLike) -> Iterator[None]:
    """Say of whatever goes wrong which file could not be written: the user's, not our own."""
    try:
        yield
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"cannot write {path}: {reason_of(error)}") from error
    except UnicodeEncodeError as error:
        letter = error.object[error.start]
        raise FileError(
            f"cannot write {path}: {letter!r} is half of a character, which no text can hold"
        ) from error


@contextmanager
def _cleaned_at_signals() -> Iterator[None]:
    """Remove unfinished files when a signal ends the process, where nobody else handles it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can handle signals
        return
    numbers = [getattr(signal, name) for name in ENDINGS if hasattr(signal, name)]
    own = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in own:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in own:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: Any) -> None:
    for made in _unfinished:
        Path(made).unlink(missing_ok=True)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
