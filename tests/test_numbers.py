"""Numbers of things in words."""

import pytest

from motifield.numbers import counted


@pytest.mark.parametrize(
    ("count", "words", "text"),
    [
        (0, ("target",), "0 targets"),
        (1, ("population",), "1 population"),
        (13, ("population",), "13 populations"),
        (1, ("branch", "branches"), "1 branch"),
        (2, ("branch", "branches"), "2 branches"),
    ],
)
def test_one_thing_has_no_plural(count, words, text):
    assert counted(count, *words) == text
