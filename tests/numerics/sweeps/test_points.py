"""The points of a sweep: grids, sides, samples, tables, and the blocks that cover them."""

import numpy as np
import pandas as pd
import pytest

from motifield import priors
from motifield.errors import ParameterError
from motifield.numerics.sweeps.points import block_shape, points_of


def test_a_grid_is_the_outer_product_and_its_last_axis_changes_fastest():
    points = points_of({"a": [1, 2], ("b", "c"): [(3, 4), (5, 6), (7, 8)]})
    assert points.names == ("a", "b", "c")
    assert dict(points.sizes) == {"a": 2, "b, c": 3}
    assert points.values.tolist() == [[a, b, b + 1] for a in (1, 2) for b in (3, 5, 7)]
    assert points.coords["c"][0] == "b, c"
    assert points.coords["c"][1].tolist() == [4, 6, 8]


def test_sides_and_tables_are_samples():
    points = points_of({"a": [1, 2, 3], "seed": [7, 8, 9]}, "zip")
    assert dict(points.sizes) == {"sample": 3}
    where = np.array([0, 2])
    assert points.parameters == ("a",)
    assert points.numbers(where).tolist() == [[1], [3]]
    assert points.seeds(where).tolist() == [7, 9]
    table = points_of(pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}))
    assert table.values.tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize("design", ["sobol", "latin", "random"])
def test_samples_fill_the_intervals_and_are_their_seed_s(design):
    def made(seed):
        return points_of({"a": (0, 1), "b": (-2, 2)}, design, 64, seed).values

    values = made(3)
    np.testing.assert_array_equal(values, made(3))
    assert not np.array_equal(values, made(4))
    assert values.shape == (64, 2)
    assert np.all((values > [0, -2]) & (values < [1, 2]))
    halves = np.histogram2d(*values.T, bins=2, range=[[0, 1], [-2, 2]])[0]
    if design == "sobol":  # 64 points: exactly 16 in every quarter
        assert np.all(halves == 16)
    if design == "latin":  # one in each 64th of both intervals
        assert np.all(np.sort((values[:, 1] + 2) * 16).astype(int) == np.arange(64))


def test_random_samples_come_from_priors():
    points = points_of({"a": priors.Normal(3.0, 0.1), "b": (0, 1)}, "random", 2000, 1)
    a = points.values[:, 0]
    assert abs(a.mean() - 3) < 4 * 0.1 / np.sqrt(2000)
    assert a.std() == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize(
    ("shape", "most", "expected"),
    [
        ((5, 7), 7, (2, 3)),
        ((5, 7), 20, (5, 4)),
        ((5, 7), 3, (1, 2)),
        ((5, 7), 100, (5, 7)),
        ((4, 3, 2), 7, (1, 2, 2)),
        ((1000, 1000), 4096, (63, 63)),
        ((100, 2, 3), 60, (10, 2, 3)),
        ((9,), 1, (1,)),
    ],
)
def test_blocks_cover_every_point_once(shape, most, expected):
    assert block_shape(shape, most) == expected
    over = {str(k): np.arange(n) for k, n in enumerate(shape)}
    points = points_of(over)
    found = [points.within(block) for block in points.blocks(most)]
    assert max(map(len, found)) <= most
    assert sorted(np.concatenate(found).tolist()) == list(range(points.count))


@pytest.mark.parametrize(
    ("over", "design", "count", "message"),
    [
        ({"a": [1]}, "square", None, "unknown design 'square'"),
        ({}, "grid", None, "over names what is varied"),
        ([1, 2], "grid", None, "over names what is varied"),
        ({"a": []}, "grid", None, "a: values are a list of numbers, with one at least"),
        ({"a": 3}, "grid", None, "a: values are a list of numbers"),
        ({"a": ["x"]}, "grid", None, "a: values are numbers"),
        ({"a": [1, np.nan]}, "grid", None, "a: a value is not finite"),
        ({("a", "b"): [(1, 2, 3)]}, "grid", None, "a, b: values are a list of 2 numbers each"),
        ({"a": [1], ("a", "b"): [(1, 2)]}, "grid", None, "'a' is varied twice"),
        ({"seed": [0.5]}, "grid", None, "seeds are whole numbers"),
        ({"a": [1, 2], "b": [1]}, "zip", None, "equally many: there are a: 2, b: 1"),
        ({"a": [1, 2]}, "grid", 5, "count = 5 is of samples"),
        ({"a": (0, 1)}, "sobol", None, "a sobol design needs the number of its points"),
        ({"a": (1, 0)}, "latin", 4, "a: samples lie between two ends"),
        ({"a": (0, 1, 5)}, "sobol", 4, "a: samples lie between two ends.*3 numbers"),
    ],
)
def test_what_are_no_points_is_refused(over, design, count, message):
    with pytest.raises(ParameterError, match=message):
        points_of(over, design, count)
