"""Times at which a trajectory is given."""

import numpy as np

from motifield.numerics.system.output_times import dense_times


def test_times_are_dense_behind_the_start_and_jumps():
    """A transient of length 1 in 1000 time units is seen, as intervals of 5 would not."""
    ts = dense_times(0.0, 1000.0, [400.0, 2000.0], shortest=1.0)
    assert (ts[0], ts[-1]) == (0.0, 1000.0)
    assert np.all(np.diff(ts) > 0)
    assert set(np.linspace(0, 1000, 201)) <= set(ts)
    for edge in (0.0, 400.0):
        inside = (ts > edge) & (ts <= edge + 2)
        assert inside.sum() >= 12
        assert ts[inside][0] == edge + 0.1
    assert np.sum((ts > 600) & (ts < 700)) == 19


def test_edges_of_a_table_are_no_jumps():
    assert len(dense_times(0.0, 1.0, np.linspace(0, 1, 501), shortest=1e-3)) == 201


def test_short_intervals_are_dense_enough():
    np.testing.assert_array_equal(dense_times(0.0, 2.0, [], 1.0), np.linspace(0, 2, 201))
