"""Sampled networks have the statistics that were asked for."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import kstest, norm

from motifield import Motifs, Parameters, measure, sample
from motifield.errors import InfeasibleStatisticsError, NetworkError
from motifield.numerics.parameters import residual_moments
from motifield.numerics.sampling import field, neurons
from motifield.numerics.sampling.field import Field
from motifield.sampling import Dense, Gaussian, Sampler, Sparse, marginals

MOTIFS = ("convergent", "divergent", "chain", "reciprocal")


def asymmetric(N=600, **changes):
    """Two populations; all four motifs present and no two entries alike, except where the
    definition demands it.
    """
    con = np.array([[[0.03, 0.012], [0.012, 0.02]], [[0.05, -0.01], [-0.01, 0.06]]])
    div = np.array([[[0.04, 0.015], [0.015, 0.07]], [[0.025, -0.008], [-0.008, 0.045]]])
    chain = np.array([[[0.016, -0.011], [0.014, -0.021]], [[0.026, 0.017], [-0.009, 0.031]]])
    rec = np.array([[0.4, -0.25], [-0.25, 0.6]])
    values = {
        "populations": ["E", "I"],
        "N": N,
        "fractions": [0.6, 0.4],
        "mean": [[0.02, -0.05], [0.03, -0.01]],
        "g": [[0.5, 0.8], [1.1, 0.3]],
        "motifs": Motifs(con, div, chain, rec),
    }
    return Parameters.of(**(values | changes))


@pytest.fixture(scope="module")
def measured():
    return [measure(sample(asymmetric(), seed)) for seed in range(20)]


def test_every_statistic_is_the_one_asked_for(measured, scores_of):
    scores = scores_of(asymmetric(), measured)
    assert sum(z.size for z in scores.values()) == 3 * 8 + 3 * 4
    assert {name: np.abs(z).max() for name, z in scores.items() if np.abs(z).max() > 4} == {}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("chain", lambda t: t.transpose(2, 1, 0)),
        ("chain", lambda t: t.transpose(1, 0, 2)),
        ("chain", lambda t: -t),
        ("convergent", lambda t: t[::-1]),
        ("divergent", lambda t: t[::-1]),
        ("reciprocal", lambda t: t[::-1, ::-1]),
    ],
)
def test_the_comparison_detects_a_wrong_tensor(measured, scores_of, name, change):
    parameters = asymmetric()
    wrong = dict(zip(MOTIFS, map(np.asarray, parameters.motifs), strict=True))
    wrong[name] = change(wrong[name])
    # 8 standard errors: wrong by far, not by chance
    assert (
        np.abs(scores_of(asymmetric(motifs=Motifs(**wrong), check=False), measured)[name]).max() > 8
    )


def test_the_diagonal_has_the_mean_of_its_block_and_both_strengths_of_its_neuron():
    """Var J_ii = g^2 / N (1 + 2 tau_chn[p,p,p]): a_i and b_i are correlated where there are chains.
    150 networks of 600 have 54,000 of E.
    """
    parameters = asymmetric(mean=[[0.3, 0], [0, 0.2]], g=[[0.5, 0.8], [1.1, 0.9]])
    networks = [sample(parameters, seed) for seed in range(150)]
    for p in range(2):
        values = np.concatenate([np.diagonal(n.weights)[n.members(p)] for n in networks])
        variance = (
            float(parameters.g[p, p]) ** 2 / 600 * (1 + 2 * float(parameters.tau_chn[p, p, p]))
        )
        assert variance * 600 / float(parameters.g[p, p]) ** 2 > 1.025  # 4 standard errors
        assert abs(values.mean() - float(parameters.mean[p, p])) < 4 * np.sqrt(
            variance / len(values)
        )
        assert abs(values.var() / variance - 1) < 4 * np.sqrt(2 / len(values))


@pytest.mark.parametrize(("rec", "sign"), [(1.0, 1), (-1.0, -1)])
def test_full_reciprocity_gives_a_symmetric_or_antisymmetric_matrix(rec, sign, of_populations):
    parameters = of_populations(
        "EI", 30, fractions=[0.6, 0.4], mean=0.0, g=[[1, 2], [2, 3]], motifs=Motifs(reciprocal=rec)
    )
    J = np.array(sample(parameters, 3).weights)
    assert np.all(np.diagonal(J) != 0)
    np.fill_diagonal(J, 0)
    np.testing.assert_allclose(J, sign * J.T, atol=1e-14)
    assert np.abs(J[:18, 18:]).std() > 0.1


def test_a_singular_strength_covariance_is_sampled():
    """One hidden variable per neuron: rows and columns are the same variable, so the covariance has
    rank one.
    """
    parameters = Parameters.of(
        N=50,
        fractions=[1.0],
        mean=0.0,
        g=1.0,
        motifs=Motifs.homogeneous(convergent=0.5, divergent=0.5, chain=0.5, reciprocal=1.0),
    )
    J = sample(parameters, 0).weights
    a = J - J.mean()
    np.testing.assert_allclose(
        np.linalg.svd(a, compute_uv=False)[3:], 0, atol=1e-7
    )  # nothing but a_i + a_j is left
    np.testing.assert_allclose(J, J.T, atol=1e-14)


def test_zero_g_gives_constant_blocks(of_populations):
    parameters = of_populations(
        "EI", 30, fractions=[0.6, 0.4], mean=[[1, 2], [3, 4]], g=[[0, 0], [1, 0]]
    )
    J = sample(parameters, 0).weights
    assert (np.unique(J[:18, :18]), np.unique(J[:18, 18:]), np.unique(J[18:, 18:])) == (1, 2, 4)
    assert len(np.unique(J[18:, :18])) == 12 * 18


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_seed_gives_the_same_network(dtype):
    first, again, other = (sample(asymmetric(60), seed, dtype=dtype) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.weights, again.weights)
    assert not np.any(first.weights == other.weights)
    assert (first.weights.dtype, first.seed, first.sizes, first.populations) == (
        dtype,
        5,
        (36, 24),
        ("E", "I"),
    )
    assert np.all(np.diff(first.labels) >= 0)


SAMPLERS = {
    "gaussian": Gaussian(),
    "dense": Dense(marginals.Lognormal()),
    "sparse": Sparse(0.3, marginals.Gamma()),
    "sparse with motifs of weights": Sparse(
        0.4, marginals.Lognormal(), presence=Motifs(), zero_diagonal=True
    ),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_seed_is_one_network_in_both_precisions(name, monkeypatch, of_populations):
    """float32 is float64 rounded, bit by bit: synapses, in-strengths and offsets."""
    monkeypatch.setattr(field, "TILE", 37)
    motifs, mean = Motifs(0.02, 0.02, 0.005, 0.05), [[0.1, -0.2], [0.12, -0.15]]
    own = of_populations(
        "EI", 120, fractions=[0.6, 0.4], mean=mean, g=[[4.0, 5.0], [4.5, 4.2]], motifs=motifs
    )
    sampler = SAMPLERS[name]
    own = own if name == "gaussian" else sampler.nearest(own)
    whole, half = (sample(own, 5, sampler=sampler, dtype=dtype) for dtype in (float, np.float32))
    J, K = (n.weights.toarray() if n.sparse else n.weights for n in (whole, half))
    assert K.dtype == np.float32
    np.testing.assert_array_equal(J.astype(np.float32), K)
    assert np.any(J != K)
    for known in ("rows", "offsets"):
        np.testing.assert_array_equal(getattr(whole, known), getattr(half, known))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_number_of_threads_changes_nothing(dtype, monkeypatch):
    monkeypatch.setattr(field, "TILE", 17)
    one, two, five = (
        sample(asymmetric(100), 1, dtype=dtype, sampler=Gaussian(threads=n)).weights
        for n in (1, 2, 5)
    )
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, five)
    with pytest.raises(NetworkError, match="threads = 0"):
        sample(asymmetric(100), 1, sampler=Gaussian(threads=0))


def test_any_tile_can_be_drawn_again_alone(monkeypatch):
    monkeypatch.setattr(field, "TILE", 17)
    parameters = asymmetric(100)
    J, own = sample(parameters, 3).weights, Field.of(parameters, 3)
    for i, j in ((0, 0), (1, 4), (2, 5)):
        for (k, m), w in zip(((i, j), (j, i)), own.residual(i, j), strict=True):
            (p, rows), (q, columns) = own.tiles[k], own.tiles[m]
            in_row, in_column = own.strengths(k, m)
            np.testing.assert_allclose(
                J[rows, columns],
                float(parameters.mean[p, q]) + in_row + in_column + w,
                rtol=0,
                atol=1e-15,
            )


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 40), st.floats(0.05, 0.95), st.integers(0, 2**40))
def test_sizes_are_those_of_the_parameters(N, fraction, seed):
    parameters = Parameters.of(N=N, fractions=[fraction, 1 - fraction], mean=0.0, g=1.0)
    if min(parameters.sizes) == 0:
        with pytest.raises(NetworkError, match="has no neuron"):
            sample(parameters, seed)
    else:
        assert sample(parameters, seed).sizes == parameters.sizes


TAU_INP = np.array([[0.06, -0.075], [0.045, 0.085]])


@pytest.fixture(scope="module")
def heterogeneous():
    parameters = asymmetric(tau_inp=TAU_INP)
    return parameters, [sample(parameters, seed) for seed in range(20)]


def test_offsets_are_standard_normal_and_correlated_with_the_synapses_that_a_neuron_makes(
    heterogeneous,
):
    """Corr(xi_j, J_ij) = tau_inp[p, q]; by neuron, the mean of its synapses onto p is b_j^p and
    noise that does not see xi.
    """
    parameters, networks = heterogeneous
    g, found, squares = np.asarray(parameters.g), [], []
    for network in networks:
        members = [network.members(p) for p in range(2)]
        own = np.empty((2, 2))
        for p, q in np.ndindex(2, 2):
            out = network.weights[np.ix_(members[p], members[q])].mean(0) - float(
                parameters.mean[p, q]
            )
            own[p, q] = np.mean(out * network.offsets[members[q]]) * np.sqrt(600) / g[p, q]
        found.append(own)
        squares.append([np.mean(network.offsets[m] ** 2) for m in members])
    z = (np.mean(found, 0) - TAU_INP) / (np.std(found, 0, ddof=1) / np.sqrt(20))
    assert np.abs(z).max() < 4
    # squares of standard normal numbers have variance 2; 20 networks
    assert np.all(np.abs(np.mean(squares, 0) - 1) < 4 * np.sqrt(2 / (20 * np.array([360, 240]))))
    wrong = (np.mean(found, 0) - TAU_INP.T) / (np.std(found, 0, ddof=1) / np.sqrt(20))
    assert np.abs(wrong).max() > 8


def test_rows_have_the_convergent_covariance_and_do_not_see_the_offsets(heterogeneous):
    """<u^q u^r> = N g_pq g_pr tau_con[p,q,r], <u^q xi> = 0 though both go with b where there are
    chains.
    """
    parameters, networks = heterogeneous
    for p in range(2):
        u = np.concatenate([n.rows[n.members(p)] for n in networks])
        xi = np.concatenate([n.offsets[n.members(p)] for n in networks])
        g = np.asarray(parameters.g)[p]
        expected = 600 * np.outer(g, g) * np.asarray(parameters.tau_con)[p]
        error = np.sqrt((np.outer(expected.diagonal(), expected.diagonal()) + expected**2) / len(u))
        assert np.abs((u.T @ u / len(u) - expected) / error).max() < 4
        assert np.abs(u.T @ xi / len(u) / np.sqrt(expected.diagonal() / len(u))).max() < 4


def test_rows_are_those_of_the_synapses(heterogeneous):
    """N times a neuron's mean synapse from q is u^q and independent noise of variance
    N^2 A g^2 / (N N_q), and that from columns, which is common.
    """
    parameters, networks = heterogeneous
    network, A = networks[0], residual_moments(parameters)[0]
    for p, q in np.ndindex(2, 2):
        means = network.weights[np.ix_(network.members(p), network.members(q))].mean(1)
        left = 600 * (means - means.mean()) - (
            network.rows[network.members(p), q] - network.rows[network.members(p), q].mean()
        )
        expected = 600 / network.sizes[q] * A[p, q] * float(parameters.g[p, q]) ** 2
        assert abs(left.var() / expected - 1) < 4 * np.sqrt(2 / network.sizes[p])


def test_out_strengths_may_decide_the_offsets():
    """tau_inp^2 = tau_div is as far as it goes: xi is b in units of its standard deviation."""
    parameters = Parameters.of(
        N=400, fractions=[1.0], mean=0.0, g=0.5, motifs=Motifs(divergent=0.09), tau_inp=-0.3
    )
    rng = np.random.default_rng(1)
    _, b = neurons._gaussian(parameters, rng)
    xi = neurons._offsets(parameters, np.zeros((400, 1)), b, rng)
    np.testing.assert_allclose(xi, -b[:, 0] * np.sqrt(400) / (0.5 * 0.3), atol=1e-6)
    with pytest.raises(InfeasibleStatisticsError, match="tau_inp"):
        sample(parameters.replace(tau_inp=[[-0.31]]), 0)


def test_normal_numbers():
    """Moments, tails, neighbours and halves of a million numbers; the extremes that the
    bits allow.
    """
    z = field.normal(np.random.SFC64(7), (1001, 999)).astype(float).ravel()
    n = len(z)
    assert kstest(z, "norm").pvalue > 1e-3
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(z**power) - moment) < 4 * np.sqrt(variance / n)
    for k in (3.0, 4.0):
        tail = 2 * norm.sf(k)
        assert abs(np.mean(np.abs(z) > k) - tail) < 4 * np.sqrt(tail / n)
    half = n // 2
    for f in (z, z**2 - 1):
        for first, second in (
            (f[:-1], f[1:]),
            (f[:half], f[half : 2 * half]),
            (f[:half], f[half + 1 : 2 * half + 1]),
        ):
            assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(half)

    class Extreme:
        def __init__(self, value):
            self.value = value

        def random_raw(self, count):
            return np.full(count, self.value, np.uint64)

    for value, largest in ((0, 6.764), (2**64 - 1, 1e-3)):
        z = field.normal(Extreme(value), (2, 2))
        assert np.all(np.isfinite(z))
        assert np.abs(z).max() == pytest.approx(largest, abs=1.1e-3)


def test_a_seed_s_synapses_stay_what_they_are_and_do_not_depend_on_the_offsets():
    """Made when both precisions got the same numbers: a change changes every seed's network."""
    network = sample(asymmetric(60), 5)
    np.testing.assert_allclose(
        network.weights[[0, 3, 59], [0, 41, 7]],
        [-0.07900376937123468, -0.058225879133895056, -0.17627090326940997],
        rtol=1e-5,  # numbers of float32, whose last digit is the processor's
    )
    np.testing.assert_array_equal(sample(asymmetric(60, tau_inp=0.05), 5).weights, network.weights)
    assert (network.rows.shape, network.offsets.shape) == ((60, 2), (60,))
    np.testing.assert_array_equal(sample(asymmetric(60), 5).offsets, network.offsets)


def test_another_sampler_can_be_given():
    class Constant(Sampler):
        def weights(self, parameters, rng, dtype):
            return np.full((sum(parameters.sizes),) * 2, 3.0, dtype)

    network = sample(asymmetric(10), 0, sampler=Constant())
    assert np.all(network.weights == 3)
    assert network.sizes == (6, 4)
    assert network.rows is network.offsets is None


def test_infeasible_statistics_are_refused():
    impossible = Motifs.homogeneous(chain=0.1)
    with pytest.raises(InfeasibleStatisticsError, match=r"tau_chn\[E,E,E\]"):
        sample(asymmetric(motifs=impossible, check=False), 0)


@pytest.mark.parametrize("seed", [-1, 1.5, None, "1"])
def test_seeds_are_non_negative_integers(seed):
    with pytest.raises(NetworkError, match=r"seed = .* must be an integer"):
        sample(asymmetric(10), seed)


def test_too_large_a_network_is_refused_before_it_is_allocated():
    with pytest.raises(
        NetworkError,
        match=r"a network of 10000000 neurons in float64 needs 7.6e\+05 GiB, .* use fewer neurons",
    ):
        sample(asymmetric(10_000_000, motifs=Motifs()), 0)


def test_other_dtypes_are_refused():
    with pytest.raises(NetworkError, match="dtype int64 cannot hold"):
        sample(asymmetric(10), 0, dtype=int)
