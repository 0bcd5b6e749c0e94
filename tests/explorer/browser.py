"""A real browser on a page that a command of its own serves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or "chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 300.0  # seconds: a machine that does other things compiles for minutes
LOADED = "window.Bokeh && Bokeh.documents.length > 0 && Bokeh.documents[0].roots().length > 0"
MODELS = """
window.models = () => [...Bokeh.documents[0].all_models]
window.slider = title => models().find(m => m.type.endsWith("Slider") && m.title === title)
window.counter = () => models().find(m => m.css_classes?.includes("moves"))
window.counted = () => Number(counter().text)
window.titles = () => models().filter(m => m.type === "Title").map(m => m.text)
window.busy = () => models().some(m => typeof m.text === "string" && m.text.includes("computing"))
window.rendered = () => new Promise(done =>
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))
"""


class Served:
    """A server in a process of its own.

    Args:
        process: the command.
        address: of the page.
    """

    def __init__(self, process: subprocess.Popen, address: str):
        self.process, self.address = process, address

    def stop(self) -> int:
        """Interrupt it, as Ctrl-C does; its exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@contextmanager
def served(spec: Path, *options: str, folder: Path, cache: str = "") -> Iterator[Served]:
    """`motifield explore` on a spec, until the block ends.

    Args:
        spec: the file.
        options: of the command.
        folder: where what it says is written.
        cache: where it keeps what it compiles; "" for where it does.
    """
    command = [sys.executable, "-m", "motifield", "explore", str(spec), "--no-browser", *options]
    said = folder / "said.txt"
    with said.open("w") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    try:
        end = time.monotonic() + PATIENCE
        while "open http" not in (text := said.read_text()):
            assert process.poll() is None, text
            assert time.monotonic() < end, text
            time.sleep(0.1)
        yield Served(process, text.split("open ")[1].split()[0])
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@contextmanager
def chromium(profile: Path) -> Iterator[Any]:
    """A browser with a profile of its own that ends with the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch_persistent_context(
            str(profile),
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            viewport={"width": 1280, "height": 950},
        )
        browser.set_default_timeout(1000 * PATIENCE)
        yield browser
        browser.close()


class Tab:
    """A page in a tab, with all that it asked for and said.

    Args:
        browser: of `chromium`.
        address: of the page.
    """

    def __init__(self, browser: Any, address: str):
        self.page = browser.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._heard)
        self.page.goto(address)
        self.page.wait_for_function(LOADED)
        self.page.evaluate(MODELS)

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def move(self, title: str, value: float) -> float:
        """Set a slider; milliseconds until what follows it is drawn."""
        script = """async ([title, value]) => {
          const own = slider(title), before = counted(), start = performance.now()
          if (own.value === value) throw new Error(`${title} stands at ${value} already`)
          own.value = value
          while (counted() <= before) {
            await new Promise(done => setTimeout(done, 0))
            if (performance.now() - start > 60000) throw new Error(`no answer to ${title}`)
          }
          return await rendered() - start
        }"""
        return float(self.page.evaluate(script, [title, value]))

    def value(self, title: str) -> float:
        """Where a slider stands."""
        return float(self.page.evaluate("title => slider(title).value", title))

    def shows(self, text: str) -> None:
        """Wait until the page shows a text."""
        self.page.get_by_text(text).first.wait_for()

    def click(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name).first.click()

    def data(self, title: str) -> list[float]:
        """All finite numbers of the sources of a picture, to compare with later ones."""
        script = """title => {
          const figure = models().find(m => m.type === "Figure" && m.title.text.startsWith(title))
          const found = []
          for (const r of figure.renderers) for (const v of Object.values(r.data_source.data))
            for (const x of v) if (typeof x === "number" && isFinite(x)) found.push(x)
          return found
        }"""
        return list(self.page.evaluate(script, title))

    def settle(self) -> None:
        """Wait until nothing is computed any more."""
        self.page.wait_for_function("!busy()")
