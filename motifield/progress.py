"""A bar for the progress of a call, in a notebook or on a terminal.

mf.sweep(system, par, over, progress=mf.progress.bar())
"""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

WIDTH, SECONDS = 30, 0.1
"""Characters of a bar on a terminal, and between two of its pictures."""


class Bar:
    """What verbs take as `progress`: called with a text and the part that is done, it shows both.

    Where there is neither a notebook nor a terminal, as in a log, it shows nothing.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown = 0.0

    def __call__(self, text: str, part: float) -> None:
        done = part >= 1
        if not done and time.monotonic() - self._shown < SECONDS:
            return
        self._shown = time.monotonic()
        if in_notebook():
            self._in_notebook(text, part)
        elif sys.stderr is not None and sys.stderr.isatty():
            filled = round(WIDTH * min(max(part, 0.0), 1.0))
            line = f"\r{'=' * filled:{WIDTH}} {text:.60}\x1b[K"
            sys.stderr.write(line + "\n" * done)
            sys.stderr.flush()
        if done:
            self._handle = None

    def _in_notebook(self, text: str, part: float) -> None:
        from IPython.display import HTML, display

        shown = HTML(f"<progress value='{part:.4f}' max='1'></progress> {escape(text)}")
        if self._handle is None:
            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)


def bar() -> Bar:
    """A new bar, for the argument `progress` of any verb."""
    return Bar()


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook; IPython on a terminal is none."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")
