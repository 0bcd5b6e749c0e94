"""Networks so small that their motifs are those of no ensemble, and errors that are no numbers."""

import numpy as np
import pytest
import xarray as xr

from motifield import measure, simulate
from motifield.errors import InfeasibleStatisticsError
from motifield.networks import Network
from motifield.numerics.verification.ablation import _variant
from motifield.numerics.verification.differences import relative_errors
from motifield.numerics.verification.quenched import _errors
from motifield.types import Code
from motifield.verification import ablate, verify_network

REFUSED = r"population a \(3 neurons\): tau_con\[a,a,a\] = -1 makes the variance"


@pytest.fixture(scope="module")
def three():
    """Three neurons, each with a synapse of 1 and one of -1."""
    return Network.of([[0, 1, -1], [1, 0, -1], [1, -1, 0]], ["a"] * 3)


@pytest.fixture(scope="module")
def system(system_of):
    return system_of("1 + tanh(x)", "LowRank", populations=("a",))


@pytest.mark.parametrize("verb", [verify_network, ablate])
def test_motifs_that_equations_cannot_use_are_named_and_shrinkage_helps(verb, system, three):
    with pytest.raises(InfeasibleStatisticsError, match=REFUSED):
        verb(system, three, input=0.5, t1=2.0, throw=False)
    found = verb(system, three, input=0.5, t1=2.0, shrink=True)
    assert found.parameters.tau_con.item() == pytest.approx(0, abs=1e-8)


def test_the_network_itself_can_be_simulated(system, three):
    """Its rows sum to 0, so that x = .5 (1 - exp(-t)) in every neuron."""
    found = simulate(system, three, input=0.5, t1=2.0)
    assert found["mean"][-1].item() == pytest.approx(0.5 * (1 - np.exp(-2)), abs=1e-5)


def test_a_variant_that_cannot_use_them_is_named_in_its_status(system, three):
    own = measure(three).parameters(input=0.5)
    known = xr.Dataset({"rate": ("population", [1.0])})
    found = _variant(system, own, known, {"t1": 2.0, "throw": False})
    assert found.status.code is Code.OUT_OF_RANGE
    assert "tau_con[a,a,a] = -1" in found.status
    assert np.isnan(found.last["rate"].item())


def test_relative_errors_of_silent_populations():
    found = relative_errors(np.array([1.1, 0.0, 0.1, np.nan]), np.array([1.0, 0.0, 0.0, 1.0]))
    np.testing.assert_allclose(found[0], 0.1)
    assert found[1] == 0
    assert np.isinf(found[2])
    assert np.isnan(found[3])


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_population_without_an_error_is_not_left_out_of_the_mean(lost):
    def course(rates):
        return xr.Dataset(
            {"rate": (("time", "population"), [rates])},
            coords={"time": [1.0], "population": ["a", "b"]},
        )

    errors, text = _errors(course([1.1, lost]), course([1.0, 2.0]), course([1.0, 2.0]), 0.1)
    assert not errors["with motifs"] <= 0.1
    assert errors["without motifs"] == 0
    assert text.endswith("it is no number for b")
    errors, text = _errors(*[course([1.1, 0.0])] * 3, 0.1)
    assert errors["with motifs"] == 0  # the second population is silent in both
    assert "no number" not in text
