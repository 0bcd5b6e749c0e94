"""Pages in a real browser: nothing goes wrong or is fetched, pictures can be enlarged, and paper is
light.
"""

import re
import shutil
import time

import numpy as np
import pytest

from motifield.numerics.reports.page import write_page
from motifield.numerics.reports.parts import Formulas, Lines, Picture, Rows, Section, Verdict

CHROMIUM = shutil.which("chromium") or "chromium"
FLAGS = ["--no-sandbox", "--disable-gpu"]
CAPTION = "A <cloud> & a curve"
pytestmark = pytest.mark.skipif(not shutil.which(CHROMIUM), reason="there is no Chromium")


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        own = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield own
        own.close()


@pytest.fixture(scope="module")
def path(cloud, tmp_path_factory):
    """A page with every kind of part, wider and longer than a screen."""
    row = {f"a long name of column {k}": np.pi * k for k in range(30)}
    matrix = "<math display='block'><mi>x</mi></math>"
    formulas = {"closure": "none", "statement": [], "lines": [matrix], "transfers": [matrix]}
    sections = [
        Section("", [Verdict("passed", "Passed", "p = .5"), Picture(cloud(20_000), CAPTION)]),
        Section("Numbers", [Rows([row] * 60, "All"), Rows([row])]),
        Section("Others", [Picture(cloud(5), "Five"), Formulas(formulas)]),
        Section("How this was made", [Lines("g = 0.2 # " + 300 * "x")]),
    ]
    own = tmp_path_factory.mktemp("page") / "page.html"
    write_page(own, title="A page", sections=sections, introduction="Why.")
    return own


class Opened:
    """A page with all that it asked for and said."""

    def __init__(self, browser, path, **settings):
        self.page = browser.new_page(**settings)
        self.requests, self.said = [], []
        self.page.on("request", lambda own: self.requests.append(own.url))
        self.page.on("console", lambda own: self.said.append(own.text))
        self.page.on("pageerror", lambda own: self.said.append(str(own)))
        self.page.goto(path.as_uri())
        self.plot = self.page.locator(".plot").first

    def view(self):
        """Left, top, width and height of what the first picture shows."""
        text = self.plot.locator("svg").get_attribute("viewBox")
        return np.array([float(v) for v in text.split()])

    def until(self, condition):
        """Wait for a condition of the page; it allows no text as code, as waiting otherwise is."""
        end = time.monotonic() + 30
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, condition
            self.page.wait_for_timeout(20)

    def colours(self):
        """Brightness of the text and of the ground beneath, from 0 to 255."""
        script = """() => {
          const own = getComputedStyle(document.body), canvas = document.createElement("canvas")
          const pen = canvas.getContext("2d", { willReadFrequently: true })
          return [own.color, own.backgroundColor].map(colour => {
            pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1)
            return pen.getImageData(0, 0, 1, 1).data[0]
          })
        }"""
        return self.page.evaluate(script)


@pytest.fixture
def opened(browser, path):
    """Opens the page; nothing may be fetched or go wrong until the test ends."""
    pages = []

    def go(**settings):
        pages.append(Opened(browser, path, **settings))
        return pages[-1]

    yield go
    for own in pages:
        assert own.said == []
        assert {url.partition(":")[0] for url in own.requests} <= {"file", "data"}
        assert len([url for url in own.requests if url.startswith("file")]) == 1
        own.page.close()


def test_it_is_small_and_whole(path, opened):
    assert path.stat().st_size < 5e6
    own = opened()
    assert own.page.title() == "A page"
    assert own.page.locator("svg").first.get_attribute("aria-label") == CAPTION
    assert own.page.locator("svg image").count() == 1
    box = own.plot.locator("svg").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(4 / 3, rel=0.01)


@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_is_wider_than_the_screen(opened, width):
    own = opened(viewport={"width": width, "height": 800})
    assert own.page.evaluate("document.documentElement.scrollWidth") == width


def test_buttons(opened):
    own = opened()
    whole = own.view()
    own.page.get_by_role("button", name="Enlarge").first.click()
    np.testing.assert_allclose(own.view()[2:], whole[2:] / 1.25)
    own.page.get_by_role("button", name="Reduce").first.click()
    np.testing.assert_allclose(own.view(), whole, atol=1e-9)
    own.page.get_by_role("button", name="Reduce").first.click()
    np.testing.assert_allclose(own.view(), whole, atol=1e-9)  # there is nothing beside it
    for _ in range(40):
        own.page.get_by_role("button", name="Enlarge").first.click()
    np.testing.assert_allclose(own.view()[2:], whole[2:] / 60)
    own.page.get_by_role("button", name="Show all").first.click()
    np.testing.assert_allclose(own.view(), whole)


def test_keys(opened):
    """The picture is reached by Tab; what is seen moves and stays inside of the drawing."""
    own = opened()
    whole = own.view()
    for _ in range(20):
        own.page.keyboard.press("Tab")
        if own.page.evaluate("document.activeElement.className") == "plot":
            break
    own.page.keyboard.press("+")
    x, y, width, height = own.view()
    assert (width, height) == pytest.approx(whole[2:] / 1.25)
    own.page.keyboard.press("ArrowRight")
    own.page.keyboard.press("ArrowUp")
    assert own.view()[0] > x
    assert own.view()[1] < y
    for _ in range(20):
        own.page.keyboard.press("ArrowRight")
    assert own.view()[0] + own.view()[2] == pytest.approx(whole[2])
    own.page.keyboard.press("0")
    np.testing.assert_allclose(own.view(), whole)


def test_the_wheel_scrolls_the_page_until_a_picture_is_chosen(opened):
    own = opened(viewport={"width": 1000, "height": 700})
    whole, box = own.view(), own.plot.locator("svg").bounding_box()
    at = box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"]
    own.page.mouse.move(*at)
    own.page.mouse.wheel(0, 100)
    own.until("scrollY > 50")
    np.testing.assert_allclose(own.view(), whole)
    own.page.mouse.wheel(0, -1000)
    own.until("scrollY === 0")
    own.page.mouse.click(*at)
    own.page.mouse.wheel(0, -100)
    own.until("document.querySelector('.plot').classList.contains('enlarged')")
    x, y, width, height = own.view()
    # the point beneath the mouse stays
    assert x + 0.25 * width == pytest.approx(0.25 * whole[2], abs=0.5)
    assert y + 0.25 * height == pytest.approx(0.25 * whole[3], abs=0.5)
    assert own.page.evaluate("scrollY") == 0


def test_dragging(opened):
    own = opened()
    own.page.get_by_role("button", name="Enlarge").first.click()
    (x, y, width, _), box = own.view(), own.plot.locator("svg").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    own.page.mouse.move(*middle)
    own.page.mouse.down()
    own.page.mouse.move(middle[0] - 20, middle[1] + 10, steps=3)
    own.page.mouse.up()
    own.page.mouse.move(middle[0] + 90, middle[1], steps=2)  # no longer
    scale = width / box["width"]
    assert own.view()[:2] == pytest.approx([x + 20 * scale, y - 10 * scale], abs=1e-6)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_read_on_its_ground(opened, scheme):
    text, ground = opened(color_scheme=scheme).colours()
    assert (ground > 200) == (scheme == "light")
    assert abs(ground - text) > 128


def test_paper(opened):
    """Light in a dark room too, without what paper cannot do, nothing cut off at its edge."""
    own = opened(color_scheme="dark", viewport={"width": 700, "height": 1000})
    own.page.emulate_media(media="print")
    assert own.colours() == [0, 255]
    assert not own.page.locator(".tools").first.is_visible()
    assert not own.page.locator("nav").is_visible()
    breaks = "[...document.querySelectorAll('section')].map(s => getComputedStyle(s).breakBefore)"
    assert own.page.evaluate(breaks) == ["auto", "auto", "page", "page"]
    pdf = own.page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type ?/Page\b", pdf)) >= 3
