"""The page in a real browser: Debian's Chromium, without a screen."""

import importlib.util
import shutil
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import motifield as mf


def _driver():
    """The module beside this file, which the benchmark uses as well."""
    place = importlib.util.spec_from_file_location("browser", Path(__file__).parent / "browser.py")
    made = importlib.util.module_from_spec(place)
    sys.modules["browser"] = made
    place.loader.exec_module(made)
    return made


drive = _driver()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which(drive.CHROMIUM), reason="there is no Chromium"),
]
SPEC = """
title = "pair"
t1 = 10.0
[architecture]
populations = ["E", "I"]
transfer = "erf"
closure = "motif-only"
[parameters]
N = 200
fractions = [0.5, 0.5]
mean = [[0.004, -0.006], [0.006, -0.004]]
g = 0.3
input = 0.5
motifs = { shared = 0.2 }
"""
SLIDERS = ("--slider", "factor(motifs)=0,5", "--slider", "input[E]=0,2")
PICTURES = ("Time course", "Bifurcation diagram", "Spectrum", "Rates")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("explorer")


@pytest.fixture(scope="module")
def server(folder):
    spec = folder / "pair.toml"
    spec.write_text(SPEC)
    options = (*SLIDERS, "--save", str(folder / "saved.toml"))
    with drive.served(spec, *options, folder=folder, cache=str(folder / "cache")) as own:
        yield own


@pytest.fixture(scope="module")
def browser(folder):
    with drive.chromium(folder / "profile") as own:
        yield own


@pytest.fixture
def tab(browser, server):
    made = drive.Tab(browser, server.address)
    made.settle()
    yield made
    assert made.errors == []
    made.page.close()


def test_it_loads_with_four_pictures_and_equations_and_asks_nobody_else(tab, server):
    for title in PICTURES:
        assert tab.data(title), title
    assert tab.page.locator("math").count() > 5
    tab.shows("stable node")
    hosts = {urlsplit(url).netloc for url in tab.requests if not url.startswith(("blob:", "data:"))}
    assert hosts == {urlsplit(server.address).netloc}
    assert urlsplit(server.address).hostname == "127.0.0.1"


def test_a_move_changes_every_picture_at_once_and_the_link(tab):
    before = {title: tab.data(title) for title in PICTURES}
    tab.move("input[E]", 0.9)
    for title in PICTURES:
        assert tab.data(title) != before[title], title
    tab.page.wait_for_url(lambda url: "input%5BE%5D=0.9" in url)


def test_an_infeasible_position_says_over_which_range_there_are_networks(tab):
    before = tab.data("Spectrum")
    tab.move("factor(motifs)", 4.0)
    tab.shows("no network has these synaptic statistics")
    tab.shows("factor(motifs): feasible from 0 to 2.5")
    assert tab.data("Spectrum") == before
    tab.move("factor(motifs)", 1.5)
    tab.page.get_by_text("no network has these").first.wait_for(state="hidden")
    assert tab.data("Spectrum") != before


def test_a_sampled_network_lies_over_the_theory_until_something_moves(tab):
    before = {title: len(tab.data(title)) for title in PICTURES}
    tab.click("Sample a network")
    tab.shows("network of 200 neurons, seed 0")
    assert len(tab.data("Spectrum")) == before["Spectrum"] + 2 * 200
    assert len(tab.data("Time course")) > before["Time course"]
    tab.move("input[E]", 0.7)
    assert len(tab.data("Spectrum")) < before["Spectrum"] + 2 * 200


def test_what_is_shown_is_saved_as_a_spec(tab, folder):
    tab.move("input[E]", 1.25)
    tab.click("Save to")
    tab.shows("saved to")
    spec = mf.load_spec(folder / "saved.toml")
    assert spec.parameters.input(0.0).tolist() == [1.25, 0.5]
    assert spec.closure == mf.MotifOnly()
    with tab.page.expect_download() as waited:
        tab.page.get_by_text("Download this network").first.click()
    text = Path(waited.value.path()).read_text()
    assert tomllib.loads(text) == tomllib.loads((folder / "saved.toml").read_text())


def test_a_link_opens_a_second_tab_of_its_own(tab, browser, server):
    link = f"{server.address}?input%5BE%5D=1.5&shown=variance&along=input%5BE%5D"
    other = drive.Tab(browser, link)
    assert (other.value("input[E]"), tab.value("input[E]")) == (1.5, 0.5)
    other.move("input[E]", 1.75)
    assert tab.value("input[E]") == 0.5
    assert other.errors == []
    other.page.close()


def test_a_link_to_what_is_not_there_says_so_and_shows_the_start(tab, browser, server):
    other = drive.Tab(browser, f"{server.address}?inpt=1")
    other.shows("the link sets 'inpt', which is no slider here")
    assert other.value("input[E]") == 0.5
    other.page.close()


def test_a_page_says_that_its_server_has_stopped(browser, server):
    tab = drive.Tab(browser, server.address)
    tab.settle()
    assert server.stop() == 0  # Ctrl-C is how it ends
    tab.shows("The server has stopped")
    tab.page.close()
