"""What is not derived for components of strengths says so, and what to use."""

import numpy as np
import pytest

import motifield as mf
from motifield.errors import ArchitectureError, NetworkError, ParameterError


@pytest.fixture(scope="module")
def pair(system_of):
    """Equations with assortativity, and numbers of Gaussian strengths."""
    system = system_of("erf", "SecondMoment", populations=("a",), assortativity=True)
    numbers = {"populations": ["a"], "N": 500, "fractions": [1.0], "mean": 0.002, "g": 0.4}
    motifs = mf.Motifs(0.002, 0.002, 0.001, 0.002)
    gamma = np.full((1, 1, 2, 2), 1e-5).tolist()
    return system, mf.Parameters.of(**numbers, motifs=motifs, input=0.3, strengths={"gamma": gamma})


REFUSED = {
    "dynamical mean-field theory": lambda s, p: mf.dmft.transient(s, p, t1=1.0),
    "spread over finite networks": lambda s, p: mf.verification.finite_size(s, p),
}


@pytest.mark.parametrize("what", REFUSED)
def test_verbs_for_gaussian_strengths_alone(pair, what):
    with pytest.raises(ArchitectureError, match=f"{what}.*Gaussian strengths without assortativ"):
        REFUSED[what](*pair)


@pytest.mark.parametrize(
    ("closure", "changes", "said"),
    [
        (mf.Cavity(), {"assortativity": True}, "Cavity is derived for Gaussian strengths"),
        (mf.LowRank(), {"strengths": "empirical"}, "LowRank"),
        (mf.SecondMoment(), {"strengths": {"mixture": 0}}, "at least 1"),
        (mf.SecondMoment(), {"strengths": "skewed"}, "strengths are Gaussian"),
        (mf.SecondMoment(), {"strengths": "mixture", "motifs": []}, "vary only with convergent"),
        (mf.SecondMoment(), {"assortativity": True, "motifs": []}, "needs convergent and diver"),
        (mf.SecondMoment(), {"assortativity": "in"}, "no list of names"),
        (mf.SecondMoment(), {"assortativity": True, "patterns": ["in"]}, "and a pattern"),
    ],
)
def test_architectures(closure, changes, said):
    with pytest.raises(ArchitectureError, match=said):
        mf.derive(mf.Architecture(["a"], "erf", **changes), closure)


def test_numbers_that_do_not_fit_the_equations(pair, system_of):
    system, numbers = pair
    with pytest.raises(ParameterError, match="the parameters need strengths"):
        system.check(numbers.with_strengths(None))
    with pytest.raises(ParameterError, match="the architecture has none"):
        system_of("erf", "SecondMoment", populations=("a",)).check(numbers)
    others = {"features": ["in"], "gamma": [[[[1e-5]]]]}
    with pytest.raises(ParameterError, match=r"features \['in'\], the architecture"):
        system.check(numbers.with_strengths(others))


def test_a_network_does_not_have_everything(pair):
    network = mf.Network.of(np.random.default_rng(0).normal(size=(30, 30)) / 30, ["a"] * 30)
    numbers = mf.measure(network).parameters(input=0.1)
    for changes, said in (
        ({"patterns": ["m"]}, "does not say what the patterns"),
        ({"strengths": "mixture"}, r"Mixture\(quenched=True\)"),
    ):
        architecture = mf.Architecture(["a"], "erf", **changes)
        with pytest.raises(NetworkError, match=said):
            mf.strengths.with_strengths(numbers, network, architecture)
