"""The line that says that something is compiled."""

import io
import time

import pytest

from motifield import waiting


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def written(monkeypatch):
    def during(stream, seconds, is_wanted=True):
        monkeypatch.setattr("sys.stderr", stream)
        monkeypatch.setattr(waiting, "AFTER", 0.05)
        with waiting.wanted(is_wanted), waiting.compiling():
            time.sleep(seconds)
        return stream.getvalue()

    return during


def test_on_a_terminal_it_is_there_for_a_while(written):
    assert written(Terminal(), 0.2) == waiting.TEXT + waiting.ERASED


def test_nothing_is_said_of_what_is_short_or_where_there_is_no_terminal(written):
    assert written(Terminal(), 0) == ""
    assert written(io.StringIO(), 0.2) == ""
    assert written(Terminal(), 0.2, is_wanted=False) == ""


def test_an_error_takes_it_away(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(waiting, "AFTER", 0.0)
    with pytest.raises(KeyError), waiting.wanted(True), waiting.compiling():
        {time.sleep(0.1): 1}["missing"]
    assert stream.getvalue().endswith(waiting.ERASED)
