"""Networks are drawn with the strengths, assortativity and patterns that were asked for."""

import dataclasses

import numpy as np
import pytest

from motifield import Motifs, Network, Parameters, measure, nearest_feasible, sample, violations
from motifield.errors import InfeasibleStatisticsError, ParameterError
from motifield.numerics.networks import assortativity
from motifield.numerics.parameters import residual_moments, unexplained_moments
from motifield.sampling import Dense, Sparse, marginals, matrix_free

NETWORKS = 20


def with_gamma(parameters, gamma):
    own = dataclasses.replace(parameters.strengths, gamma=np.asarray(gamma))
    return dataclasses.replace(parameters, strengths=own)


def of_strengths(parameters, **changes):
    own = dataclasses.replace(parameters.strengths, **changes)
    return dataclasses.replace(parameters, strengths=own)


def drawn_features(network):
    """Centred in each population, (N, F)."""
    values = np.stack(list(network.features.values()), axis=1)
    for p in range(network.P):
        values[network.members(p)] -= values[network.members(p)].mean(axis=0)
    return values


@pytest.fixture(scope="module")
def two(mixed_network):
    """Two populations, three components, a pattern; strong assortativity."""
    return mixed_network(2, 3, N=500, gamma=1.5, patterns=("m",))


@pytest.fixture(scope="module")
def networks(two):
    return [sample(two, seed) for seed in range(NETWORKS)]


def test_every_second_order_statistic_is_the_one_asked_for(two, networks, scores_of):
    scores = scores_of(two, [measure(network) for network in networks])
    assert sum(z.size for z in scores.values()) == 3 * 8 + 3 * 4
    assert {name: np.abs(z).max() for name, z in scores.items() if np.abs(z).max() > 4} == {}


def scores(found, asked):
    return (found.mean(0) - asked) / (found.std(0, ddof=1) / np.sqrt(len(found)))


def test_assortativity_of_the_drawn_features_is_the_one_asked_for(two, networks):
    found = np.array([assortativity(n, drawn_features(n)) for n in networks])
    asked = np.asarray(two.strengths.gamma)
    assert np.abs(scores(found, asked)).max() < 4
    wrong = asked.transpose(0, 1, 3, 2), asked.transpose(1, 0, 2, 3), -asked
    assert min(np.abs(scores(found, w)).max() for w in wrong) > 8


def test_the_moments_of_every_component_are_the_mixture_s(two, networks):
    """Means and covariances of (u, b, f) over all neurons, and third moments, which a Gaussian
    distribution of the same covariance has not.
    """
    own = two.strengths
    for p in range(2):
        values = np.concatenate(
            [
                np.concatenate(
                    [n.rows, n.columns, np.stack(list(n.features.values()), axis=1)], axis=1
                )[n.members(p)]
                for n in networks
            ]
        )
        scale = np.sqrt(np.diag(np.asarray(own.covariance)[p]))
        w, m, S = (np.asarray(v)[:, p] for v in (own.weight, own.means, own.covariances))
        third = np.einsum("m,md->d", w, m**3 + 3 * m * np.einsum("mdd->md", S)) / scale**3
        values = values / scale
        count = len(values)
        assert np.abs(values.mean(0)).max() < 4 / np.sqrt(count)
        product = values[:, :, None] * values[:, None, :]
        expected = np.asarray(own.covariance)[p] / np.outer(scale, scale)
        z = (product.mean(0) - expected) / (product.std(0) / np.sqrt(count))
        assert np.abs(z).max() < 4
        cubes = values**3
        z = (cubes.mean(0) - third) / (cubes.std(0) / np.sqrt(count))
        assert np.abs(z).max() < 4
        assert np.abs(third).max() > 0.3


def test_total_strengths_are_functions_of_strengths(two, networks):
    network, alpha = networks[0], np.asarray(two.fractions)
    np.testing.assert_allclose(network.features["in"], network.rows @ alpha, rtol=0, atol=1e-14)
    out = network.columns @ (alpha * float(two.N))
    np.testing.assert_allclose(network.features["out"], out, rtol=0, atol=1e-14)
    assert np.linalg.matrix_rank(np.c_[network.rows, network.features["m"]]) == 3


def test_moments_rounded_in_a_file_give_the_same_functions(mixed_network):
    own = mixed_network(1, 2)
    covariances = np.asarray(own.strengths.covariances, np.float32).astype(float)
    rounded = of_strengths(own, covariances=covariances)
    network = sample(rounded, 1)
    np.testing.assert_allclose(
        network.features["in"], network.rows[:, 0], rtol=0, atol=1e-12 * network.rows.std()
    )


def test_fractions_that_become_those_of_whole_neurons_keep_features_functions(mixed_network):
    network = sample(mixed_network(3, 2, N=500).rescaled(97), 1)
    both = np.c_[network.rows, network.features["in"]]
    assert np.linalg.svd(both, compute_uv=False)[-1] < 1e-12 * np.abs(both).max()


def test_a_seed_is_the_same_network_in_both_precisions_and_in_any_number_of_threads(two):
    from motifield.sampling import Gaussian

    one = sample(two, 3)
    np.testing.assert_array_equal(
        sample(two, 3, dtype=np.float32).weights, one.weights.astype(np.float32)
    )
    np.testing.assert_array_equal(sample(two, 3, sampler=Gaussian(threads=1)).weights, one.weights)


def test_gaussian_strengths_without_assortativity_are_drawn_as_before(two_populations):
    """The same moments, and the very numbers where no strengths are given."""
    before = sample(two_populations, 5)
    assert before.columns is None
    assert before.features is None
    own = Parameters.of(
        **{
            name: getattr(two_populations, name)
            for name in ("populations", "fractions", "mean", "g", "motifs")
        },
        N=300,
        strengths={},
    )
    network = sample(own, 5)
    assert network.features is None
    assert network.columns.shape == (300, 2)
    # residuals and their mixing are the same numbers: the difference is of strengths alone
    difference = np.asarray(network.weights) - before.weights
    assert np.linalg.matrix_rank(difference, tol=1e-8) <= 8


def test_the_matrix_free_network_has_the_same_neurons_and_assortativity(two):
    network, stored = matrix_free(two, 3, dtype=np.float64, tile=512), sample(two, 3)
    for name in ("rows", "columns"):
        np.testing.assert_array_equal(getattr(network, name), getattr(stored, name))
    f = np.stack(list(stored.features.values()), axis=1)
    made, labels = network.weights, stored.labels
    expected = np.asarray(two.mean)[labels][:, labels] + stored.rows[:, labels] / 500
    expected += stored.columns[:, labels].T
    expected += np.einsum(
        "ik,ijkl,jl->ij", f, np.asarray(two.strengths.gamma)[labels][:, labels], f
    )
    without_residual = dataclasses.replace(made, scale=0 * made.scale)
    some = np.eye(500)[:, ::50]
    np.testing.assert_allclose(without_residual @ some, expected[:, ::50], rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def sparse_networks(two):
    own = two.replace(mean=4 * np.asarray(two.mean), tau_rec=np.asarray(two.tau_rec) + 0.05)
    sampler = Sparse([[0.3, 0.2], [0.15, 0.25]], marginals.Gaussian())
    return own, [sample(own, seed, sampler=sampler) for seed in range(NETWORKS)]


def test_sparse_networks_have_every_statistic_and_gamma(sparse_networks, scores_of):
    own, networks = sparse_networks
    z = scores_of(own, [measure(network) for network in networks])
    assert {name: np.abs(s).max() for name, s in z.items() if np.abs(s).max() > 4} == {}
    share = [np.mean([n.weights[n.members(p)].nnz for n in networks]) for p in range(2)]
    size = np.array(own.sizes, dtype=float)
    expected = size * (np.array([[0.3, 0.2], [0.15, 0.25]]) @ size)
    assert np.abs(share / expected - 1).max() < 0.01
    found = np.array([assortativity(n, drawn_features(n)) for n in networks])
    asked = np.asarray(own.strengths.gamma)
    assert np.abs(scores(found, asked)).max() < 4
    assert np.abs(scores(found, asked.transpose(0, 1, 3, 2))).max() > 8


def test_sparse_networks_of_a_seed_are_rounded_and_have_no_self_synapses_where_asked(two):
    sampler = Sparse(0.3, marginals.Gaussian(), zero_diagonal=True)
    one, other = (sample(two, 2, sampler=sampler, dtype=t) for t in (np.float64, np.float32))
    np.testing.assert_array_equal(one.weights.astype(np.float32).toarray(), other.weights.toarray())
    assert not one.weights.diagonal().any()
    np.testing.assert_array_equal(one.features["m"], sample(two, 2).features["m"])


def test_too_few_synapses_for_their_strengths_are_refused(two):
    """A residual correlation of .3 both ways needs synapses of which .3 are present."""
    own = two.replace(tau_rec=np.asarray(two.tau_rec) + np.diag([0.3, 0.0]))
    with pytest.raises(
        InfeasibleStatisticsError, match=r"1 <- 1: strengths.*0\.25.* about 0\.30\d* at least"
    ):
        sample(own, 1, sampler=Sparse(0.25, marginals.Gaussian()))
    assert sample(own, 1, sampler=Sparse(0.31, marginals.Gaussian())).sparse


ONLY_MOTIFS = [
    Sparse(0.2, presence=Motifs()),
    Sparse(0.2, marginals.Gaussian(), weight_motifs=Motifs()),
    Dense(marginals.Gamma()),
]


@pytest.mark.parametrize("sampler", ONLY_MOTIFS)
def test_samplers_of_other_marginals_refuse_them(two, sampler):
    name = type(sampler).__name__
    with pytest.raises(ParameterError, match=f"{name} with these options draws Gaussian strengths"):
        sample(two, 1, sampler=sampler)


@pytest.fixture(scope="module")
def present_networks(mixed_network):
    """Lognormal weights, of which presence has strengths, assortativity and reciprocity."""
    mean = np.array([[5.0, -5.0], [6.0, -6.0]]) / 400
    own = mixed_network(2, 2, N=400, size=0.35, g=(0.8, 0.9), gamma=3.0, mean=mean)
    # pairs are present together more often, by a tenth of c
    sampler = Sparse(0.2, marginals.Lognormal())
    more = 0.02 * 400 * (mean * mean.T / 0.04) / np.asarray(own.g * own.g.T)
    own = own.replace(tau_rec=np.asarray(own.tau_rec) + more)
    return own, [sample(own, seed, sampler=sampler) for seed in range(NETWORKS)]


def test_presence_has_every_statistic_and_gamma(present_networks, scores_of):
    own, networks = present_networks
    z = scores_of(own, [measure(network) for network in networks])
    assert {name: np.abs(s).max() for name, s in z.items() if np.abs(s).max() > 4} == {}
    share = np.mean([n.weights.nnz for n in networks]) / 400**2
    assert abs(share / 0.2 - 1) < 0.01
    assert all(
        np.all(n.weights.data * np.where(n.labels[n.weights.indices], -1, 1) > 0) for n in networks
    )
    found = np.array([assortativity(n, drawn_features(n)) for n in networks])
    asked = np.asarray(own.strengths.gamma)
    assert np.abs(scores(found, asked)).max() < 4
    assert np.abs(scores(found, asked.transpose(0, 1, 3, 2))).max() > 8


def test_strengths_that_presence_cannot_carry_are_refused(two, present_networks):
    """With what their probabilities would be; synapses of mean 0 have none."""
    own, _ = present_networks
    sampler = Sparse(0.2, marginals.Lognormal())
    wide = own.replace(mean=np.asarray(own.mean) / 4)
    with pytest.raises(InfeasibleStatisticsError, match=r"(?s)from -\d.* of the pairs are not"):
        sample(wide, 1, sampler=Sparse(0.02, marginals.Lognormal()))
    with pytest.raises(InfeasibleStatisticsError, match="together as often as reciprocal"):
        sample(own.replace(tau_rec=np.asarray(own.tau_rec) - 0.3), 1, sampler=sampler)
    one = own.replace(mean=np.asarray(own.mean) * np.array([[1.0, 0.0], [1.0, 1.0]]))
    plain, normal = marginals.Lognormal(), marginals.Gaussian()
    each = {"1": {"1": plain, "2": normal}, "2": {"1": plain, "2": plain}}
    with pytest.raises(InfeasibleStatisticsError, match=r"1 <- 2: weights of mean 0"):
        sample(one, 1, sampler=Sparse(0.2, each))


def test_strengths_of_a_given_network_are_no_ensemble(two):
    with pytest.raises(ParameterError, match="given network's neurons.*no ensemble"):
        sample(of_strengths(two, quenched=True), 1)


def test_assortativity_that_explains_more_than_there_is_names_the_pair(two):
    gamma = np.array(two.strengths.gamma)
    gamma[0, 1] *= 60
    with pytest.raises(
        InfeasibleStatisticsError, match="(?s)1 <- 2: assortativity explains.*lower gamma"
    ):
        sample(with_gamma(two, gamma), 1)


def test_parameters_are_checked_when_they_are_made(two, mixed_network):
    assert violations(two) == []
    with pytest.raises(InfeasibleStatisticsError, match="assortativity explains"):
        mixed_network(2, 3, N=500, gamma=90.0)


def test_the_nearest_feasible_assortativity_is_that_of_the_bound_where_it_fails(two):
    gamma = np.array(two.strengths.gamma)
    gamma[0, 1] *= 60
    near = nearest_feasible(with_gamma(two, gamma))
    found = np.asarray(near.strengths.gamma)
    np.testing.assert_array_equal(found[1], gamma[1])
    assert np.ptp(found[0, 1] / gamma[0, 1]) < 1e-12
    A, _ = unexplained_moments(near)
    assert 0 <= A[0, 1] < 1e-8
    assert sample(near, 1).N == 500
    assert nearest_feasible(two) is two


def test_reciprocity_that_assortativity_leaves_no_room_for_is_scaled_back(two):
    """Gamma makes pairs alike by itself, and its variance is no longer there to make them so."""
    A, _ = residual_moments(two)
    rec = np.asarray(two.tau_rec) + 0.98 * np.sqrt(A * A.T)
    gamma = np.array(two.strengths.gamma)
    gamma[0, 0] *= 12
    alike = with_gamma(two.replace(tau_rec=rec), gamma)
    assert violations(with_gamma(two.replace(tau_rec=rec), 0 * gamma)) == []
    broken = violations(alike)
    assert [v.populations for v in broken] == [("1", "1")]
    assert "without what assortativity explains" in broken[0].condition
    near = nearest_feasible(alike)
    np.testing.assert_array_equal(near.strengths.gamma, gamma)
    A, B = unexplained_moments(near)
    assert np.abs(B[0, 0]) == pytest.approx(A[0, 0], rel=1e-6)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_a_file_keeps_strengths_and_features(two, networks, suffix, tmp_path):
    path = networks[0].save(tmp_path / f"network{suffix}")
    read = Network.load(path)
    for name in ("rows", "columns"):
        np.testing.assert_array_equal(getattr(read, name), getattr(networks[0], name))
    assert list(read.features) == ["in", "out", "m"]
    np.testing.assert_array_equal(read.features["m"], networks[0].features["m"])
    own, before = read.parameters.strengths, two.strengths
    assert (own.features, own.quenched) == (before.features, before.quenched)
    for name in ("weight", "means", "covariances", "gamma"):
        np.testing.assert_array_equal(getattr(own, name), getattr(before, name))
    # the same network again
    np.testing.assert_array_equal(sample(read.parameters, 0).weights, networks[0].weights)


def test_a_scaled_network_keeps_what_its_synapses_know(two, networks):
    twice = networks[0].scaled(2.0)
    np.testing.assert_array_equal(twice.columns, 2 * networks[0].columns)
    np.testing.assert_allclose(
        assortativity(twice, drawn_features(twice)),
        2 * assortativity(networks[0], drawn_features(networks[0])),
    )


def test_offsets_go_with_out_strengths_within_every_component(mixed_network):
    """Cov(b^p, xi) is what tau_inp says, and xi has variance 1 and mean 0 in components whose
    out-strengths have others.
    """
    own = mixed_network(1, 2, N=400, gamma=0.0)
    own = own.replace(tau_inp=[[0.3 * float(own.tau_div[0, 0, 0]) ** 0.5]])
    found = [sample(own, seed) for seed in range(NETWORKS)]
    xi = np.array([n.offsets for n in found])
    b = np.array([n.columns[:, 0] for n in found])
    asked = float(own.tau_inp[0, 0] * own.g[0, 0]) / np.sqrt(400)
    for values, wanted in ((xi, 0.0), (xi**2, 1.0), (b * xi, asked)):
        error = values.std() / np.sqrt(values.size)
        assert abs(values.mean() - wanted) < 4 * error
    assert asked > 10 * (b * xi).std() / np.sqrt(xi.size)
    narrow = of_strengths(own, covariances=np.asarray(own.strengths.covariances) * 1e-4)
    with pytest.raises(InfeasibleStatisticsError, match="vary too little"):
        sample(narrow, 1)
