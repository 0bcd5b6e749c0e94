"""The command `explore`: what it serves, and what it refuses before it compiles anything."""

import socket
import sys

import pytest

import motifield as mf
from motifield.explorer.specs import toml_of


@pytest.fixture
def page(monkeypatch):
    """What the command would serve."""
    calls = []

    def serve(subject, **options):
        calls.append((subject, options))
        options["ready"]("http://127.0.0.1:1/")

    monkeypatch.setattr("motifield.explorer.serving.serve", serve)
    return calls


def test_it_serves_the_network_with_its_sliders(call, pair, page, tmp_path):
    file = tmp_path / "b.toml"
    options = ("--slider", "input[E]=0,2", "--set", "input[E]=1", "--port", "0", "--save", file)
    code, out, err = call("explore", pair, *options, "--no-browser")
    assert code == 0, err
    assert out == "open http://127.0.0.1:1/ (Ctrl-C to stop)\n"
    ((subject, given),) = page
    assert [(own.name, own.low, own.high, own.start) for own in subject.sliders] == [
        ("input[E]", 0.0, 2.0, 1.0)
    ]
    assert (given["port"], given["browser"], given["save_to"]) == (0, False, file)
    assert (subject.title, subject.t1) == ("pair", 12.0)


def test_the_spec_of_what_is_shown_reads_as_the_network(call, pair, page, tmp_path):
    assert call("explore", pair, "--closure", "low-rank", "--no-browser")[0] == 0
    subject = page[0][0]
    names = [own.name for own in subject.sliders]
    values = [own.start for own in subject.sliders]
    values[names.index("input[E]")], values[names.index("factor(motifs)")] = 1.25, 0.5
    file = tmp_path / "shown.toml"
    file.write_text(toml_of(subject, values))
    again, first = mf.load_spec(file), mf.load_spec(pair)
    assert (again.title, again.t1) == ("pair", 12.0)
    assert again.closure == mf.LowRank()
    assert again.parameters.input(0.0).tolist() == [1.25, 0.5]
    assert again.parameters.tau_chn == pytest.approx(0.5 * first.parameters.tau_chn)
    assert again.parameters.mean == pytest.approx(first.parameters.mean)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--slider", "input"), "--slider 'input' is not NAME=LO,HI"),
        (("--slider", "input=0"), "must be two different numbers"),
        (("--slider", "inpt=0,1"), "there is no parameter 'inpt'"),
        (("--slider", "input=1,2"), "without 0.5, which the network has"),
        (("--slider", "input=0,1", "--slider", "input[E]=0,1"), "set the same numbers"),
        (("--closure", "cavity"), "fixed points alone"),
        (("--save", "a.json"), "the suffix must be .toml"),
        (("--save", "no/a.toml"), "the folder no does not exist"),
        (("--save", "{spec}"), "would write over it"),
    ],
)
def test_bad_input_is_refused(refused, pair, page, options, message):
    refused(("explore", pair, *options, "--no-browser"), message, spec=pair)
    assert page == []


def test_a_port_that_is_taken_is_said_before_anything_is_compiled(refused, pair):
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        own.listen()
        port = own.getsockname()[1]
        refused(("explore", pair, "--no-browser", "--port", port), f"cannot listen on port {port}")


def test_without_panel_it_says_what_to_install(refused, pair, monkeypatch):
    monkeypatch.setitem(sys.modules, "panel", None)
    refused(("explore", pair), r"pip install 'motifield\[explore\]'")
