"""A given network whose neurons' patterns are known: theory with and without them."""

import numpy as np
import pytest

import motifield as mf
from motifield.errors import NetworkError
from motifield.verification import ablate

N = 400


def network(**known):
    """m n'/N with a mean of m, and independent synapses; the input has a part along m."""
    rng = np.random.default_rng(4)
    m, n = rng.normal(0.5, 1.0, N), rng.normal(size=N)
    n += 0.7 * m
    weights = 1.6 * np.outer(m, n) / N + 0.3 * rng.normal(size=(N, N)) / np.sqrt(N)
    return mf.Network.of(weights, np.zeros(N, int), ["E"], features={"m": m, "n": n} | known)


@pytest.fixture(scope="module")
def system():
    architecture = mf.Architecture(
        ["E"], "erf", strengths="empirical", patterns=["m", "n"], inputs=["pattern"]
    )
    return mf.compile(mf.derive(architecture, mf.SecondMoment()))


@pytest.mark.slow
def test_rows_without_patterns(system):
    given = {"input": 0.1, "pattern_input": {"m": 0.4}}
    found = ablate(system, network(), **given, t1=30.0)
    table = found.table().set_index("theory")
    assert {"without patterns", "Gaussian strengths", "second-order statistics alone"} <= {
        *table.index
    }
    assert "without assortativity" not in table.index
    assert table.loc["all motifs", "rate error"] < 0.02
    assert table.loc["all motifs", "SD error"] < 0.01
    assert table.loc["all motifs", "variance error"] < 0.06
    assert table.loc["without patterns", "variance error"] > 0.5
    assert table.loc["second-order statistics alone", "variance error"] > 0.5


def test_unknown_patterns(system):
    blind = mf.Network.of(network().weights, np.zeros(N, int), ["E"])
    with pytest.raises(NetworkError, match=r"values of the pattern 'm' are not known"):
        mf.verification.verify_network(system, blind, input=0.1, pattern_input={"m": 0.0}, t1=1.0)
