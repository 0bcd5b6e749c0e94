"""Anchors and their neighbours: spread evenly, the same always, whatever the units of places."""

import numpy as np
import pytest

from motifield.numerics.fixed_points import neighbours as module
from motifield.numerics.fixed_points.neighbours import lattice_places, neighbours


def grid(*sizes):
    return np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1).astype(float)


def test_places_are_steps_whatever_the_units():
    values = np.stack([1e-9 * grid(4, 3)[:, 0] ** 3, 1e6 - grid(4, 3)[:, 1]], axis=1)
    expected = np.stack([grid(4, 3)[:, 0], 2 - grid(4, 3)[:, 1]], axis=1)
    np.testing.assert_array_equal(lattice_places(values), expected)


@pytest.mark.parametrize("sizes", [(64, 64), (20, 11), (9, 8, 7), (50,), (2,), (1,)])
def test_every_place_is_an_anchor_or_has_some_nearby(sizes):
    places = grid(*sizes)
    found = neighbours(places)
    every = np.concatenate([found.anchors, found.others])
    assert sorted(every.tolist()) == list(range(len(places)))
    assert len(found.anchors) == -(-len(places) // module.SHARE)
    distance = np.linalg.norm(places[found.nearest] - places[found.others][:, None], axis=2)
    for k, own in enumerate(found.others):
        from_all = np.linalg.norm(places[found.anchors] - places[own], axis=1)
        expected = np.sort(from_all)[: found.nearest.shape[1]]
        np.testing.assert_allclose(np.sort(distance[k]), expected)
    if len(sizes) == 2 and min(sizes) > 8:
        assert distance[:, 0].max() <= 4  # steps of the grid
    np.testing.assert_array_equal(neighbours(places).nearest, found.nearest)


def test_pairs_side_by_side_are_those_of_the_grid():
    places = grid(6, 5)
    pairs = {tuple(pair) for pair in neighbours(places).beside.tolist()}
    steps = np.abs(places[:, None] - places[None]).sum(axis=2)
    inner = np.all((places > 0) & (places < [5, 4]), axis=1)
    for a, b in np.argwhere(steps == 1):
        if a < b and (inner[a] or inner[b]):
            assert (a, b) in pairs


def test_many_places_are_anchored_in_groups(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 32)
    found = neighbours(grid(16, 16))
    assert 16 <= len(found.anchors) <= 32
    assert len(found.others) + len(found.anchors) == 256
    same = neighbours(np.zeros((40, 2)))  # all at one place
    assert len(same.anchors) >= 1
    assert len(same.others) + len(same.anchors) == 40
