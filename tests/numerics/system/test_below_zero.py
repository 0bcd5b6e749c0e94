"""Variances that motifs make negative are said, before or behind an integration, never returned."""

import numpy as np
import pytest

from motifield import Motifs, Parameters, fixed_points, integrate, stability
from motifield.errors import InfeasibleStatisticsError, SolverError
from motifield.types import Code

TANH = "1 + tanh(x)"


@pytest.fixture(scope="module")
def cancelling():
    """The statistics of three neurons with one synapse of 1 and one of -1 each."""
    motifs = Motifs(-1.0, 1 / 3, -1 / 3, 1 / 3)
    return Parameters.of(
        N=3, fractions=[1.0], mean=0.0, g=np.sqrt(3), motifs=motifs, input=0.5, check=False
    )


@pytest.mark.parametrize("closure", ["MotifOnly", "LowRank", "SecondMoment"])
def test_statistics_that_equations_cannot_use_are_refused_before(system_of, cancelling, closure):
    system = system_of(TANH, closure)
    what = r"cannot use these statistics: population 1 \(3 neurons\): tau_con\[1,1,1\] = -1"
    for verb in (lambda *a: integrate(*a, 5.0, throw=False), fixed_points, stability):
        with pytest.raises(InfeasibleStatisticsError, match=what):
            verb(system, cancelling)


def pair(**others):
    """Delta_a = N g^2 (.05 kappa_a^2 - .2 kappa_a kappa_b + .05 kappa_b^2)."""
    con = np.zeros((2, 2, 2))
    con[0] = [[0.05, -0.1], [-0.1, 0.05]]
    own = {"populations": ["a", "b"], "fractions": [0.5, 0.5], "mean": 0.0, "check": False}
    return Parameters.of(N=100, g=[[0.3, 0.3], [0, 0]], motifs=Motifs(con), **own, **others)


def test_a_variance_that_is_negative_at_the_end_is_unphysical(system_of):
    system, own = system_of("x/3", "MotifOnly"), pair(input=1.0)
    found = integrate(system, own, 10.0, throw=False)
    assert found.status.code is Code.OUT_OF_RANGE
    assert found.status.startswith("unphysical: the variance of population a is negative")
    assert "tau_con[a,a,b] = -0.1" in found.status
    assert float(found["variance"][-1, 0]) < 0
    with pytest.raises(SolverError, match="unphysical"):
        integrate(system, own, 10.0)


def test_one_that_is_negative_in_between_is_noted(system_of):
    """b is active at the start alone, so that Delta_a ends at .05 N g^2 kappa_a^2."""
    found = integrate(
        system_of("x/3", "MotifOnly"), pair(input=[1.0, 0.0]), 20.0, initial={"mean": [0.0, 20.0]}
    )
    assert found.status.code is Code.UNDECIDED
    assert "the variance of population a is negative" in found.status
    assert float(found["variance"][-1, 0]) > 0
