"""Points of a Sobol sequence are those of SciPy, which is not loaded for them."""

import numpy as np
import pytest
from scipy.stats import qmc

from motifield.numerics.fixed_points.sobol import FIRST, POLYNOMIALS, sobol


@pytest.mark.parametrize("dimensions", [1, 3, 9, len(FIRST), len(FIRST) + 2])
def test_points_are_those_of_scipy(dimensions):
    own, other = sobol(dimensions, 3), qmc.Sobol(dimensions, rng=3)
    for n in (32, 32, 64):
        assert np.array_equal(own(n), other.random(n))


def test_polynomials_have_the_degree_of_their_numbers():
    degrees = [max(p.bit_length() - 1, 1) for p in POLYNOMIALS]
    assert degrees == [len(numbers) for numbers in FIRST]
