"""Motifs that make variances of currents negative: Delta_p = kappa' M_p kappa by hand."""

import numpy as np
import pytest

from motifield import Motifs, Parameters
from motifield.numerics.parameters import faulty_populations, negative_variance_text

CLOSURES = {
    "MotifOnly": {"residual": False, "varying": False},
    "LowRank": {"residual": True, "varying": False},
    "SecondMoment": {"residual": True, "varying": True},
}
ALL = pytest.mark.parametrize("closure", CLOSURES)


def parameters(names="a", con=0.0, div=0.0, N=3, **others):
    P = len(names)
    own = {"fractions": np.full(P, 1 / P), "mean": 0.0, "g": 1.0, "check": False} | others
    return Parameters.of(populations=list(names), N=N, motifs=Motifs(con, div), **own)


def faulty(closure, own, positive=None):
    return faulty_populations(own, **CLOSURES[closure], positive=positive)


@ALL
def test_three_neurons_whose_synapses_cancel(closure):
    """Each neuron has one excitatory and one inhibitory synapse: tau_con = -1, tau_div = 1/3."""
    own = parameters(con=-1.0, div=1 / 3)
    assert faulty(closure, own) == [0]
    text = negative_variance_text(own, 0, residual=CLOSURES[closure]["residual"])
    assert text.startswith("population a (3 neurons): tau_con[a,a,a] = -1 makes the variance")
    made = "3 * -1 + 1.67 = -1.33" if closure != "MotifOnly" else "tau_con = -3"
    assert made in text
    assert "shrink=True" in text
    assert "nearest_feasible(parameters)" in text


@ALL
def test_what_the_residual_gives_back_is_no_fault(closure):
    """N tau_con = -.3, and A = 1.1."""
    own = parameters(con=-0.1)
    assert faulty(closure, own) == ([0] if closure == "MotifOnly" else [])


@ALL
@pytest.mark.parametrize("other", [{"spread": 0.1}, {"noise": 0.1}], ids=str)
def test_inputs_that_differ_among_neurons_may_make_up_for_it(closure, other):
    assert faulty(closure, parameters(con=-1.0, **other)) == []


@ALL
def test_with_rates_of_one_sign_no_entry_needs_to_be_positive(closure):
    """M_a = [[-1, -2], [-2, -1]] is indefinite, and negative where both kappa are positive."""
    con = np.zeros((2, 2, 2))
    con[0] = [[-1, -2], [-2, -1]]
    own = parameters("ab", con, N=6, div=np.full((2, 2, 2), 0.5))
    assert faulty(closure, own) == []
    assert faulty(closure, own, [True, False]) == []
    assert faulty(closure, own, [True, True]) == [0]


def test_rates_that_vary_in_other_populations_may_make_up_for_it():
    """Onto a: Sigma + A g^2 / alpha = 2 g^2 (2 tau_con + 1 - tau_con - tau_div) < 0 by a little."""
    con, div = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    con[0, 1, 1], div[1, 0, 0] = -0.5, 0.55
    own = parameters("ab", con, div, N=4, g=[[0, 1], [0, 0]])
    assert faulty("LowRank", own) == [0]
    assert faulty("SecondMoment", own) == []  # b has no such fault, and its rates may vary


def test_small_populations_are_to_be_merged_with_another():
    con = np.zeros((3, 3, 3))
    con[2] = -0.9
    sizes = {"fractions": np.array([40, 5, 3]) / 48}
    own = parameters("abc", con, N=48, **sizes)
    assert faulty("SecondMoment", own, [True] * 3) == [2]
    text = negative_variance_text(own, 2, residual=True)
    assert "population c (3 neurons)" in text
    assert "smallest=6" in text  # b and c are below it


def test_feasible_statistics_are_no_fault():
    rng = np.random.default_rng(1)
    for _ in range(5):
        v = rng.normal(size=(3, 3))
        con = 0.05 * np.einsum("pq,pr->pqr", v, v)
        for closure in CLOSURES:
            assert faulty(closure, parameters("abc", con, N=60), [True] * 3) == []
