"""Sparse lognormal networks with strong chains: right second-order statistics are not enough."""

import numpy as np
import pytest

import motifield as mf

N, PROBABILITY = 2000, 0.1
SIGNS = np.array([1.0, -1.0])


def parameters(a):
    """Presence motifs (a, a, a, 2a), docs/theory.md, section 6.4; weights of mean 1.2 and -2.4 in
    all, with the coefficient of variation 1: g^2 / N = mean^2 (2 / p - 1), tau = a over that.
    """
    mean = np.tile([1.2 / (0.8 * N), -2.4 / (0.2 * N)], (2, 1))
    spread = 2 / PROBABILITY - 1
    tau, pair, one = a / spread, np.outer(SIGNS, SIGNS), np.ones((2, 2, 2))
    motifs = mf.Motifs(tau * pair * one, tau * one, tau * pair * one, 2 * tau * pair)
    return mf.Parameters.of(
        populations=["E", "I"],
        N=N,
        fractions=[0.8, 0.2],
        mean=mean,
        g=np.sqrt(N * spread) * np.abs(mean),
        motifs=motifs,
        input=0.8,
    )


@pytest.fixture(scope="module")
def systems():
    kinds = {"quadratic": ("empirical", "quadratic"), "second order": ("gaussian", False)}
    transfer, found = "1/(1 + exp(-2*(x - 1)))", {}
    for name, (strengths, features) in kinds.items():
        kind = {"strengths": strengths, "assortativity": features}
        units = mf.Architecture(["E", "I"], transfer, **kind)
        found[name] = mf.compile(mf.derive(units, mf.SecondMoment()))
    return found


def errors(system, network):
    """Of rates, variances and SDs, relative, mean over populations."""
    found = mf.verification.verify_network(system, network, t1=30.0)
    last = found.dataset.isel(time=-1)
    each = (last["rate"], last["variance"], found.spread["rate_sd"])
    pairs = [(v.sel(source="theory"), v.sel(source="network")) for v in each]
    return [float((np.abs(own - seen) / seen).mean()) for own, seen in pairs]


@pytest.mark.slow
@pytest.mark.parametrize("a", [0.1, 0.3, 0.6])
def test_quadratic_features_explain_them(systems, a):
    sampler = mf.sampling.Sparse(PROBABILITY, mf.marginals.Lognormal())
    network = mf.sample(parameters(a), 1, sampler=sampler)
    assert max(errors(systems["quadratic"], network)) <= 0.01
    assert min(errors(systems["second order"], network)[1:]) > 0.06
