"""The page as a local server that nothing outside of this machine can reach."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn
from bokeh.events import ConnectionLost
from bokeh.models import CustomJS

from ..errors import FileError, MotifieldError
from .jobs import Jobs
from .later import first_shown
from .links import state_of
from .moves import Moved
from .page import Page
from .subject import Subject

HOST = "127.0.0.1"
STOPPED = """
if (document.getElementById("stopped") === null) {
  const own = document.createElement("div")
  own.id = "stopped"
  own.textContent = "The server has stopped: what is shown stays as it is."
  own.style.cssText = "position:fixed;top:0;left:0;right:0;padding:8px 16px;z-index:9999;"
    + "background:#7a1212;color:white;font-family:sans-serif;text-align:center"
  document.body.appendChild(own)
}
"""


def free_port(port: int) -> int:
    """The port, or a free one for 0.

    Raises:
        FileError: another program listens there.
    """
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind((HOST, port))
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise FileError(
                f"cannot listen on port {port} of {HOST}: {why}; give another --port, or none"
            ) from None
        return int(own.getsockname()[1])


def serve(
    subject: Subject,
    *,
    port: int = 0,
    browser: bool = True,
    save_to: Path | None = None,
    ready: Callable[[str], None] = print,
) -> None:
    """Serve the page until the process is interrupted.

    Args:
        subject: what is explored.
        port: where, 0 for any that is free.
        browser: whether a browser is opened.
        save_to: the file that a button writes.
        ready: called with the address once everything is compiled that a move needs.

    Raises:
        FileError: another program listens on the port.
    """
    port = free_port(port)
    address = f"http://{HOST}:{port}/"
    first = first_shown(subject)
    jobs = Jobs()
    server = pn.io.server.get_server(
        {"/": lambda: _session(subject, first, jobs, save_to)},
        port=port,
        address=HOST,
        websocket_origin=[f"{HOST}:{port}", f"localhost:{port}"],
        title=subject.title or "motifield",
        show=False,
        start=False,
        verbose=False,
    )
    try:
        server.start()
        ready(address)
        if browser:
            webbrowser.open(address)
        server.io_loop.start()
    finally:
        jobs.close()
        server.stop()


def _session(subject: Subject, first: Moved, jobs: Jobs, save_to: Path | None) -> Any:
    """The page of one visitor, at the state of its link."""
    document: Any = pn.state.curdoc
    note, state = "", None
    told = {k: v[0].decode() for k, v in pn.state.session_args.items()}
    try:
        state = state_of(told, subject.sliders)
    except MotifieldError as error:
        note = str(error)

    def schedule(function: Callable[[], None]) -> None:
        document.add_next_tick_callback(function)

    page = Page(
        subject,
        first,
        jobs,
        schedule,
        state=state,
        save_to=save_to,
        note=note,
        location=pn.state.location,
    )
    document.js_on_event(ConnectionLost, CustomJS(code=STOPPED))
    pn.state.on_session_destroyed(lambda context: jobs.forget(page))
    return page.view()
