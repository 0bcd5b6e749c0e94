"""Which parameter sets of many are searched by themselves, and which start from those nearby."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

SHARE = 16  # sets for one anchor: spacing 4 on a square grid
LARGEST = 4096  # sets among which anchors are spread at once: the work grows with the square


@dataclass(frozen=True)
class Neighbours:
    """Anchors, and the sets that start from what was found there.

    Args:
        anchors: sets that are searched by themselves, (a,).
        others: the other sets, (o,).
        nearest: the anchors nearest to each of these, (o, m).
        beside: pairs of sets that lie next to each other, (e, 2).
    """

    anchors: np.ndarray
    others: np.ndarray
    nearest: np.ndarray
    beside: np.ndarray


def lattice_places(values: np.ndarray) -> np.ndarray:
    """Where sets of parameters lie, in steps along each: the ranks of their values, (n, K).

    On a grid these are steps of the grid, whatever the units of the parameters.
    """
    columns = [np.unique(column, return_inverse=True)[1] for column in np.asarray(values).T]
    return np.stack([c.ravel() for c in columns], axis=1).astype(float)


def neighbours(places: np.ndarray) -> Neighbours:
    """Anchors spread evenly over the places, and the nearest ones to each other place.

    They depend on the places alone, so that a set has the same result wherever it is computed.

    Args:
        places: of the sets, (n, K).
    """
    from scipy.spatial import cKDTree  # loads long, and no single search needs it

    count, corners = len(places), places.shape[1] + 1
    anchors = np.unique(np.concatenate([_spread(places, own) for own in _groups(places)]))
    others = np.setdiff1d(np.arange(count), anchors)
    near = min(corners, len(anchors))
    _, nearest = cKDTree(places[anchors]).query(places[others], k=np.arange(1, near + 1))
    _, next_to = cKDTree(places).query(places, k=np.arange(1, min(2 * corners - 1, count) + 1))
    first = np.repeat(np.arange(count), next_to.shape[1])
    pairs = np.sort(np.stack([first, next_to.ravel()], axis=1), axis=1)
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    return Neighbours(anchors, others, anchors[nearest].reshape(len(others), near), pairs)


def _groups(places: np.ndarray) -> Iterator[np.ndarray]:
    """Places that lie together, few enough each."""
    waiting = [np.arange(len(places))]
    while waiting:
        own = waiting.pop()
        if len(own) <= LARGEST:
            yield own
            continue
        widest = int(np.argmax(np.ptp(places[own], axis=0)))
        order = own[np.argsort(places[own, widest], kind="stable")]
        waiting += [order[: len(order) // 2], order[len(order) // 2 :]]


def _spread(places: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Some of a group, each as far as can be from those before; the first ones are at its ends."""
    found = [0]
    distance = np.sum((places[own] - places[own[0]]) ** 2, axis=1)
    for _ in range(-(-len(own) // SHARE) - 1):
        found.append(int(np.argmax(distance)))
        apart = np.sum((places[own] - places[own[found[-1]]]) ** 2, axis=1)
        distance = np.minimum(distance, apart)
    return own[found]
