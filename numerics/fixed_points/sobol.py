"""Points that fill a unit cube evenly: a Sobol sequence, scrambled at random.

The numbers are those of `scipy.stats.qmc.Sobol`, whose package takes longer to load than a search
takes; it serves the dimensions that are not in the table here. Source: Joe and Kuo, SIAM J. Sci.
Comput. 30 (2008) 2635, and Matousek, J. Complexity 14 (1998) 527.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

BITS = 30
WORD = np.uint32
POLYNOMIALS = (1, 3, 7, 11, 13, 19, 25, 37, 41, 47, 55, 59, 61, 67, 91, 97, 103, 109, 115, 131, 137)
"""Primitive polynomials modulo 2, one for each dimension, as their coefficients' bits."""
FIRST = (
    (1,),
    (1,),
    (1, 3),
    (1, 3, 1),
    (1, 1, 1),
    (1, 1, 3, 3),
    (1, 3, 5, 13),
    (1, 1, 5, 5, 17),
    (1, 1, 5, 5, 5),
    (1, 1, 7, 11, 19),
    (1, 1, 5, 1, 1),
    (1, 1, 1, 3, 11),
    (1, 3, 5, 5, 31),
    (1, 3, 3, 9, 7, 49),
    (1, 1, 1, 15, 21, 21),
    (1, 3, 1, 13, 27, 49),
    (1, 1, 1, 15, 7, 5),
    (1, 3, 1, 15, 13, 25),
    (1, 1, 5, 5, 19, 61),
    (1, 3, 7, 11, 23, 15, 103),
    (1, 3, 7, 13, 13, 15, 69),
)
"""The first direction numbers of each dimension, from which the polynomial makes the others."""


def sobol(dimensions: int, seed: int) -> Callable[[int], np.ndarray]:
    """A function that returns the next n points of a sequence, (n, dimensions).

    Args:
        dimensions: of the cube.
        seed: of the scrambling.
    """
    if dimensions > len(FIRST):
        from scipy.stats import qmc

        return qmc.Sobol(dimensions, rng=seed).random
    return _Sequence(dimensions, seed).next


class _Sequence:
    """Points so far, and the direction numbers after scrambling, (dimensions, bits)."""

    def __init__(self, dimensions: int, seed: int):
        rng, self.count = np.random.default_rng(seed).spawn(1)[0], 0  # as SciPy does
        size = (dimensions, BITS)
        powers = 2 ** np.arange(BITS, dtype=WORD)
        self.shift = rng.integers(2, size=size, dtype=WORD) @ powers
        lower = np.tril(rng.integers(2, size=(*size, BITS), dtype=WORD))
        lower[:, np.arange(BITS), np.arange(BITS)] = 1
        own = np.stack([_directions(k) for k in range(dimensions)])
        # the bits of each number, the highest first, which the triangular matrix mixes
        bits = (own[:, None, :] >> np.arange(BITS - 1, -1, -1, dtype=WORD)[:, None]) & WORD(1)
        self.directions = np.einsum("dbj,b->dj", lower @ bits % 2, powers[::-1])

    def next(self, n: int) -> np.ndarray:
        index = np.arange(self.count, self.count + n, dtype=WORD)
        gray, found = index ^ (index >> WORD(1)), np.tile(self.shift, (n, 1))
        for b in range(BITS):
            is_set = (gray >> WORD(b)) & WORD(1)
            found ^= is_set[:, None] * self.directions[:, b]
        self.count += n
        return found * 2.0**-BITS


def _directions(k: int) -> np.ndarray:
    """Direction numbers of a dimension, (bits,)."""
    polynomial, degree = POLYNOMIALS[k], len(FIRST[k])
    found = list(FIRST[k]) if k else [1] * BITS
    for j in range(len(found), BITS):
        value = found[j - degree]
        for i in range(degree):
            if polynomial >> (degree - 1 - i) & 1:
                value ^= found[j - 1 - i] << (i + 1)
        found.append(value)
    return np.array([v << (BITS - 1 - j) for j, v in enumerate(found)], dtype=WORD)
