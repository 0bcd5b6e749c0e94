"""Populations that a recording does not tell apart."""

import jax.numpy as jnp
import numpy as np
import pytest

from motifield.errors import ParameterError
from motifield.numerics.targets.pools import Pools


def test_a_pool_has_the_moments_of_its_neurons():
    """Against neurons put together: 300, 100 and 100 of them."""
    generator = np.random.default_rng(0)
    each = [
        generator.gamma(shape, scale, n)
        for shape, scale, n in ((2.0, 3.0, 300), (1.0, 9.0, 100), (5.0, 0.2, 100))
    ]
    mean, sd = np.array([v.mean() for v in each]), np.array([v.std() for v in each])
    pools = Pools.of(["A", "C+A", "B", "A + B+C"], ["A", "B", "C"])
    assert pools.names == ("A", "B", "C", "C+A", "A + B+C")
    means, sds = pools.extended(mean, sd, np.array([0.6, 0.2, 0.2]))
    both, all_of_them = np.concatenate([each[0], each[2]]), np.concatenate(each)
    np.testing.assert_allclose(means, [*mean, both.mean(), all_of_them.mean()], rtol=1e-12)
    np.testing.assert_allclose(sds, [*sd, both.std(), all_of_them.std()], rtol=1e-12)
    # at two times, one after the other
    over = pools.extended(
        jnp.asarray([mean, 2 * mean]), jnp.asarray([sd, 2 * sd]), jnp.asarray([0.6, 0.2, 0.2])
    )
    np.testing.assert_allclose(over, [[means, 2 * means], [sds, 2 * sds]], rtol=1e-12)


def test_other_names_are_refused():
    with pytest.raises(
        ParameterError, match=r"'A\+X'; the network has A, B, and pools of them such as 'A\+B'"
    ):
        Pools.of(["A+X"], ["A", "B"])
    with pytest.raises(ParameterError, match=r"'A\+A' has a population twice"):
        Pools.of(["A+A"], ["A", "B"])
