"""A line on the terminal while something is compiled that takes longer than a second."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

TEXT = "compiling ..."
AFTER = 1.0  # seconds
ERASED = "\r" + " " * len(TEXT) + "\r"
_state = {"wanted": False}


@contextmanager
def wanted(is_wanted: bool) -> Iterator[None]:
    """Show the line or not as long as this lasts; never where standard error is no terminal."""
    before = _state["wanted"]
    _state["wanted"] = is_wanted and sys.stderr is not None and sys.stderr.isatty()
    try:
        yield
    finally:
        _state["wanted"] = before


@contextmanager
def compiling() -> Iterator[None]:
    """Around work that compiles."""
    if not _state["wanted"]:
        yield
        return
    shown = threading.Event()

    def show() -> None:
        shown.set()
        sys.stderr.write(TEXT)
        sys.stderr.flush()

    timer = threading.Timer(AFTER, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if shown.is_set():
            sys.stderr.write(ERASED)
            sys.stderr.flush()
