"""How the command line ends: with a status, and one line where something went wrong."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer

from ..errors import MotifieldError

BAD_INPUT = 2
INTERRUPTED = 128 + signal.SIGINT
CLOSED = 141  # 128 + SIGPIPE, as of other programs whose reader has left; Windows has no SIGPIPE
UNWRITTEN = (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT)
EXHAUSTED = "RESOURCE_EXHAUSTED"  # how JAX says that memory is


class Interrupted(BaseException):
    """The user has pressed Ctrl-C."""


def status_of(command: Callable[[], Any]) -> int:
    """Run a command line, say in one line what went wrong, and return its exit status.

    0 done, 1 a check failed, 2 bad input or a file that cannot be read or written, 130 interrupted,
    141 the standard output is closed.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that a terminal lacks is its number
            stream.reconfigure(errors="backslashreplace")
    with _interrupts() as interrupted:
        try:
            status = _run(command)
        except Exception:
            # libraries wrap what a callback raises in errors of their own
            if not interrupted:
                raise
            status = INTERRUPTED
        if status == INTERRUPTED:
            _say("interrupted")
    return _flushed(status)


def _run(command: Callable[[], Any]) -> int:
    try:
        command()
    except SystemExit as stop:
        if _reader_left(stop):
            return CLOSED
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Interrupted:
        return INTERRUPTED
    except BrokenPipeError:
        return CLOSED
    except MotifieldError as error:
        _say(f"error: {error}")
    except OSError as error:
        _say(f"error: {_place(error)}{error.strerror or error}")
    except MemoryError as error:
        _say(_exhausted(error))
    except RuntimeError as error:
        if EXHAUSTED not in str(error):
            raise
        _say(_exhausted(error))
    else:
        return 0
    return BAD_INPUT


def _reader_left(stop: BaseException | None) -> bool:
    """Whether an exit is typer's or rich's answer to a standard output that is closed."""
    while stop is not None and not isinstance(stop, BrokenPipeError):
        stop = stop.__context__
    return stop is not None


def _place(error: OSError) -> str:
    """What could not be read or written; whoever writes a file names it, so the rest is output."""
    if error.filename is not None:
        return f"{error.filename}: "
    return "the standard output cannot be written: " if error.errno in UNWRITTEN else ""


def _exhausted(error: Exception) -> str:
    text = " ".join(str(error).split())
    return (
        f"error: there is not enough memory{': ' * bool(text)}{text}: ask for fewer neurons, "
        "populations or points, or use a machine with more"
    )


def _say(text: str) -> None:
    with suppress(OSError):  # nobody reads
        typer.echo(text, err=True)


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Ctrl-C raises `Interrupted`, and is noted; a second one ends the process at once."""
    seen: list[int] = []

    def note(number: int, frame: Any) -> None:
        if seen:
            os._exit(INTERRUPTED)
        seen.append(number)
        raise Interrupted

    if threading.current_thread() is not threading.main_thread():
        yield seen  # only the main thread can handle signals
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def _flushed(status: int) -> int:
    """The status, after the standard output took everything, or another one if it did not."""
    if sys.stdout is None:
        return status
    try:
        sys.stdout.flush()
    except OSError as error:
        # the interpreter would try again, and complain, as it ends
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return CLOSED if status == 0 else status
        if status == 0:
            _say(f"error: {_place(error)}{error.strerror or error}")
        return status or BAD_INPUT
    return status
