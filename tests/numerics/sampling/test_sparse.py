"""Sparse networks: presence and weights have the statistics that were asked for."""

import numpy as np
import pytest
import scipy.sparse as sps
from scipy import stats

import motifield as mf
from motifield import Motifs, Parameters, marginals, measure, sample
from motifield.errors import InfeasibleStatisticsError, NetworkError, ParameterError
from motifield.numerics import machine
from motifield.numerics.sampling import sparse as sparse_sampling
from motifield.numerics.sampling.copula import covariances
from motifield.numerics.simulation import integrate_network
from motifield.numerics.verification.chi_squared import student_threshold
from motifield.sampling import Sparse

C = np.array([[0.3, 0.2, 0.25], [0.35, 0.4, 0.3], [0.2, 0.3, 0.35]])
CV = 0.6
HISTOGRAM = ([0.0, 0.5, 1.0, 2.0, 3.0], [2, 6, 5, 1])
# presence with all motifs, weaker than what it must leave to the weights
PRESENCE, WEIGHTS = Motifs(0.02, 0.015, 0.006, 0.1), Motifs(0.04, 0.03, 0.02, 0.3)


def part_of_presence(parameters, part):
    """a such that presence alone makes a part of the covariances: part * tau * s s' /
    (mean mean').
    """
    ratio = np.asarray(parameters.g) / np.sqrt(float(parameters.N)) / np.asarray(parameters.mean)
    pairs = (
        ratio[:, :, None] * ratio[:, None, :],
        ratio.T[:, :, None] * ratio.T[:, None, :],
        ratio[:, :, None] * ratio[None, :, :],
        ratio * ratio.T,
    )
    return Motifs(
        *(part * np.asarray(t) * r for t, r in zip(parameters.motifs, pairs, strict=True))
    )


@pytest.fixture(scope="module")
def lognormal(signed_network):
    parameters = signed_network(2, cv=CV, c=C[:2, :2])
    return parameters, [
        sample(parameters, seed, sampler=Sparse(C[:2, :2], marginals.Lognormal()))
        for seed in range(20)
    ]


def beyond(scores):
    """Statistics further off than what 4 standard errors are when 20 networks tell their own."""
    return {
        name: np.abs(z).max()
        for name, z in scores.items()
        if np.abs(z).max() > student_threshold(19)
    }


def test_every_statistic_is_the_one_asked_for(lognormal, scores_of):
    parameters, networks = lognormal
    assert beyond(scores_of(parameters, [measure(n) for n in networks])) == {}


def test_the_comparison_detects_wrong_tensors(lognormal, least_score_of_wrong_tensors):
    parameters, networks = lognormal
    assert least_score_of_wrong_tensors(parameters, [measure(n) for n in networks]) > 8


def test_present_synapses_have_their_probability_sign_and_distribution(lognormal):
    parameters, networks = lognormal
    for p, q in np.ndindex(2, 2):
        blocks = [n.weights[n.members(p)][:, n.members(q)] for n in networks]
        share = [b.nnz / np.prod(b.shape) for b in blocks]
        assert abs(np.mean(share) - C[p, q]) < student_threshold(19) * np.std(
            share, ddof=1
        ) / np.sqrt(20)
        some = np.concatenate([b.data[:: b.nnz // 250] for b in blocks])
        assert np.all(some * (1 - 2 * q) > 0)
        mean = abs(float(parameters.mean[p, q])) / C[p, q]
        s = np.sqrt(np.log1p(CV**2))
        assert (
            stats.kstest(np.abs(some), stats.lognorm(s, scale=mean * np.exp(-s * s / 2)).cdf).pvalue
            > 1e-3
        )
        if p == q:
            diagonal = np.concatenate([b.diagonal() for b in blocks]) != 0
            assert abs(diagonal.mean() - C[p, q]) < 4 * np.sqrt(
                C[p, q] * (1 - C[p, q]) / len(diagonal)
            )


@pytest.mark.slow
def test_presence_motifs_are_those_of_sonets(signed_network, scores_of):
    """P(both) = c c' (1 + a) counted in the networks; the weights make what is left of tau."""
    parameters = signed_network(2, cv=CV, c=C[:2, :2], N=240)
    a = part_of_presence(parameters, 0.6)
    sampler = Sparse(C[:2, :2], marginals.Gamma(), presence=a)
    networks = [sample(parameters, seed, sampler=sampler) for seed in range(20)]
    assert beyond(scores_of(parameters, [measure(n) for n in networks])) == {}
    c = C[:2, :2]
    units = (
        c[:, :, None] * c[:, None, :],
        c.T[:, :, None] * c.T[:, None, :],
        c[:, :, None] * c[None, :, :],
        c * c.T,
    )
    for kind, value, unit in zip(
        ("convergent", "divergent", "chain", "reciprocal"), a, units, strict=True
    ):
        there = [
            mf.Network.of((n.weights != 0).astype(float), n.labels, n.populations) for n in networks
        ]
        found = np.stack([getattr(measure(n), kind) for n in there])
        z = (found.mean(0) - value * unit) / (found.std(0, ddof=1) / np.sqrt(20))
        assert np.abs(z).max() < student_threshold(19), kind
        assert np.abs(z + 2 * value * unit / (found.std(0, ddof=1) / np.sqrt(20))).max() > 8, kind


def test_weights_have_motifs_of_their_own_and_presence_makes_the_rest(signed_network, scores_of):
    """Correlations of the weights of two present synapses: by reciprocal pairs, which can be
    listed.
    """
    parameters = signed_network(1, cv=CV, c=0.4, N=250)
    networks = [
        sample(parameters, seed, sampler=Sparse(0.4, marginals.Gamma(), weight_motifs=WEIGHTS))
        for seed in range(20)
    ]
    assert beyond(scores_of(parameters, [measure(n) for n in networks])) == {}
    mean = float(parameters.mean[0, 0]) / 0.4
    found = []
    for network in networks:
        W = network.weights.toarray()
        upper, lower = W[np.triu_indices(250, 1)], W.T[np.triu_indices(250, 1)]
        both = (upper != 0) & (lower != 0)
        found.append(np.mean((upper[both] - mean) * (lower[both] - mean)) / (CV * mean) ** 2)
    assert abs(np.mean(found) - 0.3) < student_threshold(19) * np.std(found, ddof=1) / np.sqrt(20)
    assert np.std(found, ddof=1) / np.sqrt(20) < 0.01


def test_both_requests_decide_the_motifs(signed_network, scores_of):
    parameters = signed_network(1, cv=CV, c=0.4, N=250)
    sampler = Sparse(0.4, marginals.Lognormal(), presence=PRESENCE, weight_motifs=WEIGHTS)
    with pytest.raises(
        InfeasibleStatisticsError,
        match=r"presence and weight_motifs together make "
        r"tau_con\[A,A,A\] = .* implied\(parameters\)",
    ):
        sample(parameters, 0, sampler=sampler)
    implied = sampler.implied(parameters)
    # Cov = c^2 [a m^2 + (1 + a) r s^2], s = CV m, over the variance c m^2 (CV^2 + 1 - c)
    by_hand = [
        0.4 * (a + (1 + a) * r * CV**2) / (CV**2 + 0.6)
        for a, r in zip(PRESENCE, WEIGHTS, strict=True)
    ]
    np.testing.assert_allclose([float(t.ravel()[0]) for t in implied.motifs], by_hand, rtol=1e-9)
    assert (
        beyond(
            scores_of(
                implied, [measure(sample(implied, seed, sampler=sampler)) for seed in range(20)]
            )
        )
        == {}
    )


@pytest.mark.parametrize("part", [None, 0.6])
def test_requests_add_up_to_the_covariances_asked_for(part, signed_network):
    """c c' [a m m' + (1 + a) Cov(W, W')] of what is drawn is tau g g' / N, to rounding."""
    parameters = signed_network(3, cv=CV, c=C)
    if part is None:
        sampler = Sparse(C, marginals.Gamma(), weight_motifs=WEIGHTS)
    else:
        sampler = Sparse(C, marginals.Gamma(), presence=part_of_presence(parameters, part))
    blocks = sampler._blocks(parameters)
    a, own = sampler._requests(parameters, blocks)
    for x, y in zip(sparse_sampling._total(blocks, a, own), covariances(parameters), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-18)
    assert all(np.any(t != 0) for t in (*a, *own))


@pytest.fixture(scope="module")
def two_tiles(signed_network):
    """More neurons than a tile in both populations."""
    return signed_network(2, N=1400, cv=CV, c=0.1), Sparse(0.1, marginals.Lognormal())


def test_one_seed_one_network(two_tiles):
    parameters, sampler = two_tiles
    network = sample(parameters, 5, sampler=sampler, dtype=np.float32)
    for threads in (1, 3):
        again = sample(
            parameters,
            5,
            sampler=Sparse(0.1, marginals.Lognormal(), threads=threads),
            dtype=np.float32,
        )
        assert (again.weights != network.weights).nnz == 0
    double = sample(parameters, 5, sampler=sampler)
    np.testing.assert_array_equal(double.weights.indices, network.weights.indices)
    np.testing.assert_allclose(double.weights.data, network.weights.data, rtol=1e-5)
    assert (sample(parameters, 6, sampler=sampler).weights != double.weights).nnz > 0
    assert (
        len(np.unique(double.weights.data)) == double.weights.nnz
    )  # no two tiles with the same numbers


def test_the_matrix_is_a_proper_csr(two_tiles):
    parameters, sampler = two_tiles
    W = sample(parameters, 5, sampler=sampler, dtype=np.float32).weights
    assert isinstance(W, sps.csr_array)
    assert (W.dtype, W.indices.dtype) == (np.float32, np.int32)
    W.check_format(full_check=True)
    rows = np.repeat(np.arange(1400), np.diff(W.indptr))
    assert np.all(np.diff(rows * 1400 + W.indices) > 0)  # sorted, and no synapse twice
    without = sample(
        parameters,
        5,
        sampler=Sparse(0.1, marginals.Lognormal(), zero_diagonal=True),
        dtype=np.float32,
    ).weights
    assert np.all(without.diagonal() == 0)
    assert without.nnz == W.nnz - np.count_nonzero(W.diagonal())
    away = W.indices != rows
    np.testing.assert_array_equal(without.indices, W.indices[away])


def test_full_reciprocity_of_presence(signed_network):
    """a = (1 - c) / c is as far as it goes: both or neither."""
    parameters = signed_network(1, cv=0.0, c=0.2, N=700).replace(
        tau_con=np.zeros((1, 1, 1)),
        tau_div=np.zeros((1, 1, 1)),
        tau_chn=np.zeros((1, 1, 1)),
        tau_rec=np.ones((1, 1)),
    )
    W = sample(parameters, 0, sampler=Sparse()).weights
    assert 0.15 < W.nnz / 700**2 < 0.25
    assert (W != W.T).nnz == 0
    np.testing.assert_allclose(W.data, float(parameters.mean[0, 0]) / 0.2)


def test_constant_and_measured_weights_decide_the_probability(signed_network):
    mean, variance = 0.06, 0.03
    parameters = Parameters.of(N=300, fractions=[1.0], mean=mean, g=np.sqrt(300 * variance))
    c = mean**2 / (variance + mean**2)
    W = sample(parameters, 0, sampler=Sparse()).weights
    assert abs(W.nnz / 300**2 - c) < 4 * np.sqrt(c / 300**2)
    np.testing.assert_allclose(W.data, mean / c)
    measured = marginals.Histogram(*HISTOGRAM)
    W = sample(parameters, 0, sampler=Sparse(None, measured)).weights
    assert abs(W.nnz / 300**2 - c * (1 + measured.squared_cv)) < 4 * np.sqrt(c / 300**2)
    with pytest.raises(
        InfeasibleStatisticsError,
        match=rf"1 <- 1 cannot have .* weights of Constant have them "
        rf"with the probability {c:.6g} alone",
    ):
        sample(parameters, 0, sampler=Sparse(0.2))
    with pytest.raises(
        ParameterError,
        match=r"weights of Lognormal need a probability, or a coefficient of variation",
    ):
        sample(parameters, 0, sampler=Sparse(None, marginals.Lognormal()))


def test_weights_of_known_variation_keep_their_in_degree_at_every_size(signed_network):
    """(1 + cv^2) / c - 1 = g^2 / (N mean^2), and N mean and g do not change with N:
    1.25 / 0.2 - 1 = 5.25 at N = 500, 21 at 2000.
    """
    parameters = signed_network(1, cv=0.5, c=0.2, N=500).without_motifs()
    for N, c in ((500, 0.2), (2000, 1.25 / 22)):
        W = sample(
            parameters.rescaled(N), 0, sampler=Sparse(None, marginals.Lognormal(cv=0.5))
        ).weights
        assert abs(W.nnz / N**2 / c - 1) < 0.05
        assert np.std(W.data) / np.mean(W.data) == pytest.approx(0.5, rel=0.02)


def test_blocks_without_synapses_and_probabilities_by_name(of_populations):
    parameters = of_populations(
        "EI", 300, fractions=[0.5, 0.5], mean=[[0.02, 0.0], [0.02, -0.03]], g=[[0.9, 0], [1.3, 1.2]]
    )
    probability = {"E": {"E": 0.2, "I": 0.1}, "I": {"E": 0.1, "I": 0.3}}
    W = sample(parameters, 0, sampler=Sparse(probability, marginals.Gamma())).weights
    counts = [[W[i : i + 150][:, j : j + 150].nnz / 150**2 for j in (0, 150)] for i in (0, 150)]
    np.testing.assert_allclose(counts, [[0.2, 0], [0.1, 0.3]], atol=0.015)
    for wrong in ({"E": {"E": 1, "I": 1}}, 1.5, -0.1, [0.1, 0.2], np.nan):
        with pytest.raises(ParameterError, match="probability"):
            sample(parameters, 0, sampler=Sparse(wrong, marginals.Gamma()))


def test_out_of_reach(signed_network):
    parameters = Parameters.of(
        N=300, fractions=[1.0], mean=0.01, g=0.5, motifs=Motifs(reciprocal=-0.3)
    )
    # a from -1 to (1 - c) / c, and tau = a mean^2 / variance
    unit = 0.01**2 / (0.5**2 / 300)
    with pytest.raises(
        InfeasibleStatisticsError,
        match=rf"tau_rec\[1,1\] = -0.3 .* present and absent synapses "
        rf".* reach {-unit:.4g} to {4 * unit:.4g}$",
    ):
        sample(parameters, 0, sampler=Sparse(0.2, marginals.Lognormal()))
    assert float(
        Sparse(0.2, marginals.Lognormal()).nearest(parameters).tau_rec[0, 0]
    ) == pytest.approx(-unit, rel=1e-4)
    least = 1 / (1 + 1 / unit)
    with pytest.raises(
        InfeasibleStatisticsError,
        match=rf"with the probability 0.05 a mean of 0.01 .* must be at least {least:.6g}",
    ):
        sample(parameters, 0, sampler=Sparse(0.05, marginals.Lognormal()))
    with pytest.raises(
        InfeasibleStatisticsError, match=r"a_rec\[1,1\] = -2 cannot be reached: .* reach -1 to 4"
    ):
        sample(
            parameters,
            0,
            sampler=Sparse(0.2, marginals.Lognormal(), presence=Motifs(reciprocal=-2)),
        )
    with pytest.raises(
        InfeasibleStatisticsError,
        match=r"tau_rec of weights\[1,1\] = .* cannot be reached: weights of present synapses",
    ):
        sample(parameters, 0, sampler=Sparse(0.2, marginals.Lognormal(), presence=Motifs()))
    with pytest.raises(
        InfeasibleStatisticsError,
        match=r"tau_rec\[1,1\]: weights of mean 0 have no motifs by their presence alone",
    ):
        sample(
            parameters.replace(mean=np.zeros((1, 1))), 0, sampler=Sparse(0.2, marginals.Gaussian())
        )
    with pytest.raises(ParameterError, match=r"shapes of `Motifs` for P = 1"):
        sample(
            parameters,
            0,
            sampler=Sparse(
                0.2, marginals.Lognormal(), presence=Motifs(convergent=np.zeros((2, 2, 2)))
            ),
        )


def test_the_nearest_statistics_can_be_drawn(signed_network, of_populations):
    parameters = of_populations(
        "EI", 500, mean=[[0.005, -0.008]] * 2, g=0.5, motifs=Motifs.shared(0.01)
    )
    for sampler in (
        Sparse(0.3, marginals.Lognormal()),
        Sparse(0.3, marginals.Lognormal(), presence=Motifs()),
    ):
        with pytest.raises(InfeasibleStatisticsError, match="nearest"):
            sample(parameters, 0, sampler=sampler)
        near = sampler.nearest(parameters)
        sample(near, 0, sampler=sampler)
        for x, y in zip(near.motifs, parameters.motifs, strict=True):
            np.testing.assert_allclose(x, y, rtol=0.5)
    feasible = signed_network(2, cv=CV, c=C[:2, :2])
    for x, y in zip(
        Sparse(C[:2, :2], marginals.Gamma()).nearest(feasible).motifs, feasible.motifs, strict=True
    ):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("tau", [0.1, 0.3])
@pytest.mark.parametrize("g", [0.2, 1.0])
@pytest.mark.parametrize(
    "sampler",
    [
        Sparse(0.2, marginals.Gaussian()),
        Sparse(0.2, marginals.Lognormal()),
        Sparse(0.2, marginals.Gamma(), presence=Motifs()),
    ],
    ids=["gaussian", "lognormal", "weights"],
)
def test_the_nearest_of_statistics_far_away_can_be_drawn(of_populations, sampler, g, tau):
    """At the ends of their ranges covariances hardly depend on the fields: what one made another
    was refused.
    """
    parameters = of_populations(
        "EI", 200, mean=[[0.001, -0.004]] * 2, g=g, motifs=Motifs.shared(tau)
    )
    near = sampler.nearest(parameters)
    sample(near, 0, sampler=sampler)
    for x, y in zip(sampler.nearest(near).motifs, near.motifs, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-6)


def test_offsets_go_with_the_synapses_that_a_neuron_makes():
    parameters = Parameters.of(
        N=400, fractions=[1.0], mean=-0.02, g=1.1, motifs=Motifs(divergent=0.02), tau_inp=0.08
    )
    found = []
    for seed in range(20):
        network = sample(parameters, seed, sampler=Sparse(0.3, marginals.Gamma()))
        onto = np.asarray(network.weights.sum(axis=0)) / 400 + 0.02
        found.append(np.mean(onto * network.offsets) / (1.1 / np.sqrt(400)))
    assert abs(np.mean(found) - 0.08) < student_threshold(19) * np.std(found, ddof=1) / np.sqrt(20)
    assert np.std(found, ddof=1) / np.sqrt(20) < 0.005


def test_memory_is_that_of_the_synapses(two_tiles, monkeypatch):
    parameters, sampler = two_tiles
    large = parameters.rescaled(100_000).replace(mean=parameters.mean * 1400 / 1e5, g=parameters.g)
    sparse = Sparse(0.005, marginals.Lognormal()).memory(
        large.replace(mean=large.mean * 0.05), np.dtype(np.float32)
    )
    assert 0.9 * 16 * 5e7 < sparse < 1.5 * 16 * 5e7
    monkeypatch.setattr(machine, "available_memory", lambda: 2**20)
    with pytest.raises(NetworkError, match=r"1400 neurons in float32 needs .* are free"):
        sample(parameters, 0, sampler=sampler, dtype=np.float32)


def test_progress_and_simulation(two_tiles):
    parameters, sampler = two_tiles
    told = []
    network = sample(
        parameters,
        0,
        sampler=sampler,
        dtype=np.float32,
        progress=lambda what, fraction: told.append(fraction),
    )
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    course = integrate_network(network, lambda x, q: 1 / (1 + x**2), t1=0.1)
    assert np.all(np.isfinite(course["mean"]))


FAMILIES = ["gaussian", "lognormal", "gamma", "truncated", "histogram", "shifted"]


@pytest.mark.slow
@pytest.mark.parametrize("P", [1, 2, 3])
@pytest.mark.parametrize("family", ["constant", *FAMILIES], indirect=True)
def test_presence_of_every_family_and_number_of_populations(family, P, signed_network, scores_of):
    """Motifs by presence alone."""
    c = C[:P, :P]
    cv = CV if family.squared_cv is None else np.sqrt(family.squared_cv)
    parameters = signed_network(P, seed=10 + P, cv=cv, c=c)
    alone = Sparse(c if family.squared_cv is None else None, family)
    assert (
        beyond(
            scores_of(
                parameters, [measure(sample(parameters, seed, sampler=alone)) for seed in range(20)]
            )
        )
        == {}
    )


@pytest.mark.slow
@pytest.mark.parametrize("P", [1, 2, 3])
@pytest.mark.parametrize("family", FAMILIES, indirect=True)
def test_every_family_with_motifs_of_its_own(family, P, signed_network, scores_of):
    """A part of the motifs by presence, the rest by the weights."""
    c = C[:P, :P]
    cv = CV if family.squared_cv is None else np.sqrt(family.squared_cv)
    parameters = signed_network(P, seed=10 + P, cv=cv, c=c, strength=0.01)
    sampler = Sparse(
        c if family.squared_cv is None else None, family, presence=part_of_presence(parameters, 0.6)
    )
    assert (
        beyond(
            scores_of(
                parameters,
                [measure(sample(parameters, seed, sampler=sampler)) for seed in range(20)],
            )
        )
        == {}
    )


@pytest.mark.slow
def test_sparse_networks_follow_the_theory_within_their_finite_size_spread(of_populations):
    """E/I, connection probability .1 at N = 2000, lognormal weights, chains, three N: mean,
    variance and rate as `verify` predicts them.
    """
    N, c, cv = 2000, 0.1, 0.6
    mean = np.array([[4.0, -12.0], [4.0, -12.0]]) / N
    g = np.sqrt(N * ((mean**2 / c) * (1 + cv**2) - mean**2))
    sign = np.sign(mean)
    con, div = (
        5 / N * np.einsum("pq,pr->pqr", sign, sign),
        5 / N * np.einsum("pq,rq->qpr", sign, sign),
    )
    chain = 2 / N * np.einsum("pq,qr->pqr", sign, sign)
    around = np.einsum("pqp->pq", chain)
    parameters = of_populations(
        "EI", N, mean=mean, g=g, motifs=mf.Motifs(con, div, chain, around + around.T), input=0.3
    )
    system = mf.compile(
        mf.derive(mf.Architecture(["E", "I"], "1 + tanh(x - 1)"), mf.SecondMoment())
    )
    sampler = mf.sampling.Sparse(None, mf.marginals.Lognormal(cv=cv))
    assert mf.sample(parameters, 1, sampler=sampler).weights.nnz / N**2 == pytest.approx(c, rel=0.1)
    found = mf.verify(
        system, parameters, sizes=[1000, 2000, 4000], networks=12, sampler=sampler, t1=40.0
    )
    assert found.passed, found.criterion
    assert np.abs([row["z"] for row in found.rows()]).max() < 4
    assert np.abs([row["spread_z"] for row in found.rows()]).max() < 4
