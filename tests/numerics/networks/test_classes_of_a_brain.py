"""Strength classes of a larva's brain, put together again, against the brain itself."""

from pathlib import Path

import numpy as np
import pytest

import motifield as mf

LARVA = Path(__file__).parents[3] / "derivations" / "larva_brain" / "spec.toml"
# docs/theory.md, section 6.4, one population: errors of rates, variances and SDs of rates in %
EXPECTED = {
    4: {0.2: (0.1, 2.5, 4.4), 0.5: (0.3, 5.7, 2.3), 1.0: (0.7, 7.7, 4.6)},
    8: {0.2: (0.1, 1.3, 1.1), 0.5: (0.1, 3.6, 0.2), 1.0: (0.0, 1.8, 0.9)},
}
WITHIN = 0.3  # points; k-means ends elsewhere with other starts


def at_rest(network):
    """Mean rate, variance of inputs and SD of rates of the simulated brain, by small steps."""
    W, x = network.matrix, np.zeros(network.N)
    for _ in range(3000):
        x += 0.2 * (-x + W @ (1 / (1 + np.exp(-2 * (x - 1)))) + 0.8)
    r = 1 / (1 + np.exp(-2 * (x - 1)))
    return np.array([r.mean(), x.var(), r.std()])


@pytest.mark.slow
@pytest.mark.parametrize("k", EXPECTED)
def test_classes_of_the_larva(k):
    spec = mf.load_spec(LARVA)
    brain = mf.Network.of(spec.network.weights, ["all"] * spec.network.N)
    split = mf.networks.split_by_strength(brain, k)
    assert split.P == k
    architecture = mf.Architecture(split.populations, spec.architecture.transfer)
    system = mf.compile(mf.derive(architecture, mf.SecondMoment()))
    for coupling, expected in EXPECTED[k].items():
        numbers = mf.measure(split.scaled(coupling)).parameters(input=0.8)
        point = mf.fixed_point(system, numbers, {"mean": 1.0})
        found = mf.strengths.joined(system, numbers, point.state)
        assert list(found["population"].values) == ["all"]
        seen = at_rest(brain.scaled(coupling))
        own = np.array([found[name][0] for name in ("rate", "variance", "rate_sd")])
        errors = 100 * np.abs(own - seen) / seen
        np.testing.assert_allclose(errors, expected, atol=WITHIN)
