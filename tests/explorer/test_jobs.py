"""Long work: one thing at a time, and the latest wish counts."""

import threading

import pytest

from motifield.errors import SolverError
from motifield.explorer.jobs import Failed, Job, Jobs


@pytest.fixture
def jobs():
    made = Jobs(patience=0.0)
    yield made
    made.close()


def collected(until):
    """A list of what is delivered, and an event when `until` came."""
    found, done = [], threading.Event()

    def deliver(name, result):
        found.append((name, result))
        if name == until:
            done.set()

    return found, done, deliver


def test_jobs_are_done_in_their_order(jobs):
    found, done, deliver = collected("b")
    jobs.wish("page", [Job("a", lambda say: 1), Job("b", lambda say: 2)], deliver)
    assert done.wait(10)
    assert found == [("a", 1), ("b", 2)]


def test_a_later_wish_ends_the_one_at_work(jobs):
    begun, wished = threading.Event(), threading.Event()
    first, _, deliver_first = collected("long")
    found, done, deliver = collected("new")

    def long(say):
        begun.set()
        assert wished.wait(10)
        say("still there", 0.5)
        return "old"

    jobs.wish("page", [Job("long", long), Job("next", lambda say: 0)], deliver_first)
    assert begun.wait(10)
    jobs.wish("page", [Job("new", lambda say: "new")], deliver)
    wished.set()
    assert done.wait(10)
    assert (first, found) == ([], [("new", "new")])


def test_what_does_not_listen_is_not_delivered(jobs):
    begun, wished = threading.Event(), threading.Event()
    first, _, deliver_first = collected("long")
    _, done, deliver = collected("new")

    def long(say):
        begun.set()
        assert wished.wait(10)
        return "old"

    jobs.wish("page", [Job("long", long)], deliver_first)
    assert begun.wait(10)
    jobs.wish("page", [Job("new", lambda say: "new")], deliver)
    wished.set()
    assert done.wait(10)
    assert first == []


def test_pages_do_not_cancel_one_another(jobs):
    found, done, deliver = collected("b")
    jobs.wish("one", [Job("a", lambda say: 1)], deliver)
    jobs.wish("two", [Job("b", lambda say: 2)], deliver)
    assert done.wait(10)
    assert found == [("a", 1), ("b", 2)]


def test_an_error_is_said_and_the_rest_goes_on(jobs, capsys):
    found, done, deliver = collected("c")

    def user(say):
        raise SolverError("there is no fixed point")

    def ours(say):
        raise ZeroDivisionError("division")

    wanted = [Job("a", user), Job("b", ours), Job("c", lambda say: 3)]
    jobs.wish("page", wanted, deliver)
    assert done.wait(10)
    assert found[0] == ("a", Failed("there is no fixed point"))
    assert found[1][1].text.startswith("it failed, see the terminal")
    assert found[2] == ("c", 3)
    assert "ZeroDivisionError" in capsys.readouterr().err
