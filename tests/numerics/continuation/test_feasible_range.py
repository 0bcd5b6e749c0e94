"""Ranges of a parameter at which the statistics can be."""

import pytest

from motifield.numerics.continuation import Feasible


@pytest.mark.parametrize(
    ("inside", "ranges"),
    [
        (lambda v: True, [(-1, 3)]),
        (lambda v: False, []),
        (lambda v: v < 0.7, [(-1, 0.7)]),
        (lambda v: v > 0.7, [(0.7, 3)]),
        (lambda v: abs(v) > 0.5, [(-1, -0.5), (0.5, 3)]),
        (lambda v: 0.2 < v < 2.1, [(0.2, 2.1)]),
    ],
)
def test_ranges_end_where_the_condition_does(inside, ranges):
    found = Feasible(lambda v: "" if inside(v) else "too large", -1.0, 3.0)
    assert len(found.ranges) == len(ranges)
    for own, given in zip(found.ranges, ranges, strict=True):
        assert own == pytest.approx(given, abs=1e-10)
    assert found(1.0) == inside(1.0)


def test_the_reason_is_that_of_the_side_beyond_a_border():
    found = Feasible(lambda v: "too large" if v > 1 else "", 0.0, 2.0)
    assert found.reason(found.border(0.4, 0.6)) == "too large"
