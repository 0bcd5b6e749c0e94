"""How fast a sweep is: rates of the last blocks, times as people say them."""

import pytest

from motifield.numerics.sweeps import pace


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1:00 min"), (12120, "3:22 h")]
)
def test_times(seconds, said):
    assert pace.duration(seconds) == said


def test_the_rate_is_that_of_the_last_blocks(monkeypatch):
    clock = iter([0, 100, 101, 102, 103, 104])  # the first block compiles
    monkeypatch.setattr(pace.time, "monotonic", lambda: next(clock))
    said = []
    own = pace.Pace(lambda text, part: said.append((text, part)), 1000)
    own.begin(400)
    for _ in range(5):
        own.add(100)
    assert said[0] == ("400 of 1000 points", 0.4)
    assert said[1][0] == "500 of 1000 points, 1 points/s, 8:20 min left"
    assert said[-1] == ("900 of 1000 points, 100 points/s, 1 s left", 0.9)


def test_nothing_is_said_of_what_nothing_is_known():
    assert pace.rate_of([1.0], [5], 10) is None
    assert pace.rate_of([1.0, 1.0], [5, 9], 10) is None
    assert pace.rate_of([1.0, 2.0], [5, 5], 10) is None
    assert str(pace.rate_of([1.0, 5.0], [1, 2], 10)) == "0.25 points/s, 40 s left"
