"""What fits recover: random networks from exact targets, intervals with noise, open directions,
sampled networks; as in benchmarks/recovery.py.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recovery():
    path = Path(__file__).parents[3] / "benchmarks" / "recovery.py"
    spec = importlib.util.spec_from_file_location("recovery", path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as place:
        place.syspath_prepend(path.parent)  # it imports what all benchmarks share
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def laboratory(recovery):
    return recovery.Laboratory(2)


def test_what_exact_targets_determine_is_recovered(recovery, laboratory):
    """Four random networks of two populations: 12 of 13 numbers, to 1e-4."""
    found = recovery.exact_targets(laboratory, 4, 4)
    assert found["recovered to 1e-4"] == 4, found
    assert found["ranks"] == [12] * 4
    assert found["determined numbers"] == [12] * 4


def test_intervals_cover(recovery, laboratory):
    """95 % intervals with noise of 5 %: of 432, at least 88 % and at most 99 % hold the truth, and
    the loss is as large as noise makes it.
    """
    found = recovery.coverage(laboratory, 36)
    assert found["intervals"] == 432
    assert 0.88 <= found["covered"] <= 0.99, found
    assert found["mean loss"] == pytest.approx(
        found["degrees of freedom"], abs=4 * np.sqrt(2 * found["degrees of freedom"] / 36)
    )


def test_open_directions_are_flat(recovery, laboratory):
    found = recovery.flatness(laboratory)
    assert len(found["open directions"]) == 1
    assert max(found["largest changes of the loss"]) < 1e-8


def test_sampled_networks_are_recovered_within_their_errors(recovery, laboratory):
    found = recovery.sampled(laboratory, 8)
    z = np.array(found["z of numbers"])
    assert np.sum(np.abs(z) < 2) >= 9
    assert np.abs(z).max() < 5
