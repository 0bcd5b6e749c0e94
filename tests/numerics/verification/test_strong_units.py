"""Filters, noise and reciprocity that is left over, together with mixtures and assortativity.

Whole sampled networks against the equations, as `test_sampled_strengths` does it for plain units.
"""

import numpy as np
import pytest

import motifield as mf
from motifield.theory.architecture import Mixture

TRANSFER = "1 + erf(x - 1)"
GAMMA = np.array([[-0.87, -2.34], [3.48, -0.99]])
TIMES = np.linspace(0.5, 8.0, 10)
SEEN = ("mean", "variance", "rate")


def compiled(P, closure=None, **units):
    names = [str(k + 1) for k in range(P)]
    given = {"strengths": Mixture(), "assortativity": True, **units}
    return mf.compile(
        mf.derive(mf.Architecture(names, TRANSFER, **given), closure or mf.SecondMoment())
    )


def course(system, own, times=TIMES):
    data = mf.integrate(system, own, times[-1], saveat=times).dataset.sel(time=times)
    return np.stack([data[name].values for name in SEEN], axis=-1)


def networks(system, own, counts, times=TIMES):
    """{N: (networks, times, P, 3)}."""

    def run(N, seed):
        network = mf.sample(own.rescaled(N), seed, dtype=np.float32)
        data = mf.simulate(system, network, t1=times[-1], saveat=times, seed=seed).dataset
        return np.stack([data.sel(time=times)[name].values for name in SEEN], axis=-1)

    return {N: np.array([run(N, seed) for seed in range(n)]) for N, n in counts.items()}


def scores(found, expected):
    """The difference at N to infinity over its standard error: see `test_sampled_strengths`."""
    (n, a), (m, b) = found.items()
    spread = n * a.var(axis=0, ddof=1) * (len(a) - 1) + m * b.var(axis=0, ddof=1) * (len(b) - 1)
    pooled = spread / (len(a) + len(b) - 2)
    first, second = (v.mean(axis=0) - expected for v in (a, b))
    limit = (m * second - n * first) / (m - n)
    error = np.sqrt(pooled * (m / len(b) + n / len(a))) / (m - n)
    return limit / error


def turned(own, change):
    gamma = change(np.asarray(own.strengths.gamma))
    strengths = {"features": list(own.strengths.features), "gamma": gamma}
    s = own.strengths
    strengths |= {
        "weights": [np.asarray(s.weight)[:, p] for p in range(own.P)],
        "means": [np.asarray(s.means)[:, p] for p in range(own.P)],
        "covariances": [np.asarray(s.covariances)[:, p] for p in range(own.P)],
    }
    return own.with_strengths(strengths)


@pytest.mark.slow
def test_filters(mixed_network):
    """Two membranes and two synapses: theta has the filter of its own population, what it is driven
    by that of each source.
    """
    units = {
        "membrane": {"1": mf.filters.adapting(1.0, 0.5, 4.0), "2": mf.filters.membrane(0.5)},
        "synapse": {"1": mf.filters.exponential(0.3), "2": mf.filters.exponential(1.5)},
    }
    system = compiled(2, **units)
    own = mixed_network(2, 2, N=1000, seed=4, size=0.7, g=(0.2, 0.3), gamma=GAMMA, input=[0.6, 0.4])
    found = networks(system, own, {1000: 16, 2000: 8})
    z = scores(found, course(system, own))
    assert np.abs(z).max() < 4.5, np.abs(z).max(axis=0)  # of 60 numbers
    wrong = turned(own, lambda gamma: gamma.transpose(0, 1, 3, 2))
    assert np.abs(scores(found, course(system, wrong))).max() > 8


@pytest.mark.slow
def test_noise(mixed_network):
    """Its variance in time is part of every component's width, through the membrane's filter.

    What LowRank leaves out of the residual is a twentieth of the noise at most, and within errors.
    """
    system = compiled(1, mf.LowRank(), inputs=["noise"], membrane=mf.filters.membrane(0.7))
    own = mixed_network(
        1, 2, N=1000, seed=3, size=0.6, g=(0.1, 0.12), gamma=GAMMA, input=0.5, noise=0.15
    )
    times = np.linspace(1.0, 6.0, 6)
    found = networks(system, own, {1000: 16, 2000: 8}, times)
    z = scores(found, course(system, own, times))
    assert np.abs(z).max() < 4, z
    still = own.replace(noise=np.zeros(1))
    assert np.abs(scores(found, course(system, still, times))).max() > 8


@pytest.mark.slow
def test_reciprocity_that_is_left_over(mixed_network):
    """What w_ji brings back moves the mean: the difference between B and -B, of the same neurons.

    SecondMoment is exact for B = 0 alone, and takes what comes back as the mean over a population:
    a tenth of the difference is allowed for that.
    """
    system = compiled(1)
    own = mixed_network(1, 2, N=1000, seed=3, size=0.6, g=(0.7, 0.75), gamma=0.5 * GAMMA, input=0.5)
    rec = np.asarray(own.tau_rec)
    both = [own.replace(tau_rec=rec + sign * 0.25) for sign in (1, -1)]
    times = np.array([30.0])
    found = [networks(system, p, {1000: 24, 2000: 12}, times) for p in both]
    moved = {N: found[0][N][:, 0, 0, [0, 2]] - found[1][N][:, 0, 0, [0, 2]] for N in (1000, 2000)}
    expected = np.subtract(*(course(system, p, times)[0, 0, [0, 2]] for p in both))
    for share, is_right in ((1.0, True), (0.0, False), (-1.0, False)):
        z = np.abs([scores(moved, expected * share * (1 + off)) for off in (-0.1, 0, 0.1)])
        assert (z.min(axis=0) < 4).all() if is_right else (z > 8).all(), z
