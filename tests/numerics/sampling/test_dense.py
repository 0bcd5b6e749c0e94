"""Dense networks with any marginals have the statistics that were asked for."""

import numpy as np
import pytest
from scipy import stats

from motifield import Motifs, Parameters, marginals, measure, sample
from motifield.errors import InfeasibleStatisticsError, ParameterError
from motifield.numerics.verification.ensemble import student_threshold
from motifield.sampling import Dense, Gaussian

CV = 0.6


@pytest.fixture(scope="module")
def gamma(signed_network):
    parameters = signed_network(2)
    return parameters, [
        sample(parameters, seed, sampler=Dense(marginals.Gamma())) for seed in range(20)
    ]


def test_every_statistic_is_the_one_asked_for(gamma, scores_of):
    """Within what 4 standard errors are when 20 networks tell their own."""
    parameters, networks = gamma
    scores = scores_of(parameters, [measure(n) for n in networks])
    assert {
        name: np.abs(z).max()
        for name, z in scores.items()
        if np.abs(z).max() > student_threshold(19)
    } == {}


def test_the_comparison_detects_wrong_tensors(gamma, least_score_of_wrong_tensors):
    parameters, networks = gamma
    assert least_score_of_wrong_tensors(parameters, [measure(n) for n in networks]) > 8


def test_synapses_have_their_distribution_on_the_diagonal_too(gamma):
    """Kolmogorov-Smirnov against SciPy; 5000 synapses, of which the diagonal is a part, tell 2 % of
    one from another.
    """
    parameters, networks = gamma
    mean, variance = np.asarray(parameters.mean), np.asarray(parameters.g) ** 2 / 450
    for p, q in np.ndindex(2, 2):
        blocks = [n.weights[np.ix_(n.members(p), n.members(q))] for n in networks]
        law = stats.gamma(mean[p, q] ** 2 / variance[p, q], scale=variance[p, q] / abs(mean[p, q]))
        some = np.concatenate([b.ravel()[:: b.size // 250][:250] for b in blocks])
        assert np.all(np.sign(some) == np.sign(mean[p, q]))
        assert stats.kstest(np.abs(some), law.cdf).pvalue > 1e-3
        if p == q:
            diagonal = np.concatenate([np.diagonal(b) for b in blocks])
            assert stats.kstest(np.abs(diagonal), law.cdf).pvalue > 1e-3


def test_the_diagonal_has_unit_variance_where_chains_are_strong():
    """One hidden variable for rows and columns: without correction the field's variance on the
    diagonal would be 1.6.
    """
    parameters = Parameters.of(N=400, fractions=[1.0], mean=1.0, g=20.0, motifs=Motifs.shared(0.3))
    z = [
        np.diagonal(np.log(sample(parameters, seed, sampler=Dense(marginals.Lognormal())).weights))
        for seed in range(20)
    ]
    assert np.var(z) == pytest.approx(np.log(2), rel=4 * np.sqrt(2 / 8000))


def test_gaussian_marginals_are_the_gaussian_sampler(signed_network):
    # with one g, for the root of a covariance does not commute with scaling
    parameters = signed_network(2, N=60).replace(g=np.full((2, 2), 0.4))
    other = {p: {q: marginals.Gaussian() for q in "AB"} for p in "AB"}
    first = sample(parameters, 4, sampler=Gaussian()).weights.copy()
    second = sample(parameters, 4, sampler=Dense(other)).weights.copy()
    np.fill_diagonal(first, 0)
    np.fill_diagonal(second, 0)
    np.testing.assert_allclose(first, second, atol=1e-9)


def test_threads_change_nothing_and_the_diagonal_can_be_zero(signed_network):
    parameters = signed_network(2, N=1400)
    one, two = (
        sample(parameters, 1, sampler=Dense(marginals.Lognormal(), threads=n), dtype=np.float32)
        for n in (1, 3)
    )
    np.testing.assert_array_equal(one.weights, two.weights)
    assert one.weights.dtype == np.float32
    without = sample(
        parameters, 1, sampler=Dense(marginals.Lognormal(), zero_diagonal=True), dtype=np.float32
    )
    assert np.all(np.diagonal(without.weights) == 0)
    np.testing.assert_array_equal(
        without.weights - np.diag(np.diagonal(without.weights)),
        one.weights - np.diag(np.diagonal(one.weights)),
    )
    assert one.rows is None


def test_families_by_block(signed_network):
    parameters = signed_network(2, N=200)
    families = {
        "A": {"A": marginals.Lognormal(), "B": marginals.Gamma()},
        "B": {"A": marginals.TruncatedGaussian(), "B": marginals.Gaussian()},
    }
    J = sample(parameters, 0, sampler=Dense(families)).weights
    n = parameters.sizes[0]
    assert np.all(J[:, :n] > 0)
    assert np.all(J[:n, n:] < 0)
    assert np.any(J[n:, n:] > 0)


def test_offsets_go_with_the_synapses_that_a_neuron_makes():
    """Corr(xi_j, J_ij) = tau_inp, through the first coefficient of the lognormal's series:
    Cov(J, Z) = s |mean|, s^2 = log(1.48).
    """
    parameters = Parameters.of(
        N=300, fractions=[1.0], mean=-0.5, g=6.0, motifs=Motifs(divergent=0.1), tau_inp=0.2
    )
    _, field = Dense(marginals.Lognormal())._field(parameters)
    assert float(field.tau_inp[0, 0]) == pytest.approx(
        0.2 * np.sqrt(0.12) / (0.5 * np.sqrt(np.log(1.48)))
    )
    found = []
    for seed in range(20):
        network = sample(parameters, seed, sampler=Dense(marginals.Lognormal()))
        onto = network.weights.mean(0) + 0.5
        found.append(np.mean(onto * network.offsets) / (6 / np.sqrt(300)))
    assert abs(np.mean(found) - 0.2) < student_threshold(19) * np.std(found, ddof=1) / np.sqrt(20)
    assert np.std(found, ddof=1) / np.sqrt(20) < 0.01


def test_out_of_reach():
    parameters = Parameters.of(
        N=100, fractions=[1.0], mean=1.0, g=10.0, motifs=Motifs(reciprocal=-0.6)
    )
    sampler = Dense(marginals.Lognormal())
    with pytest.raises(
        InfeasibleStatisticsError,
        match=r"tau_rec\[1,1\] = -0.6 cannot be reached: synapses .* reach -0.5 to 1$",
    ):
        sample(parameters, 0, sampler=sampler)
    # at the end of the range the field's own correlation is -1
    assert float(sampler.nearest(parameters).tau_rec[0, 0]) == pytest.approx(-0.5, abs=1e-6)
    with pytest.raises(ParameterError, match=r"a marginal is one of"):
        sample(parameters, 0, sampler=Dense("lognormal"))


def test_the_nearest_statistics_can_be_drawn_and_are_near(signed_network, of_populations):
    """A hidden variable that widens positive and negative synapses alike is out of reach of fields,
    by little where it is weak.
    """
    parameters = of_populations(
        "EI", 500, mean=[[0.01, -0.016]] * 2, g=0.5, motifs=Motifs.shared(0.004)
    )
    sampler = Dense(marginals.Lognormal())
    with pytest.raises(
        InfeasibleStatisticsError,
        match=r"(?s)no Gaussian field gives these synapses.*nearest\(parameters\)",
    ):
        sample(parameters, 0, sampler=sampler)
    near = sampler.nearest(parameters)
    sample(near, 0, sampler=sampler)
    for x, y in zip(near.motifs, parameters.motifs, strict=True):
        np.testing.assert_allclose(x, y, rtol=0.2)
    feasible = signed_network(2)
    for x, y in zip(sampler.nearest(feasible).motifs, feasible.motifs, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


FAMILIES = ["gaussian", "lognormal", "gamma", "truncated", "histogram", "shifted"]


@pytest.mark.slow
@pytest.mark.parametrize("P", [1, 2, 3])
@pytest.mark.parametrize("family", FAMILIES, indirect=True)
def test_every_family_and_number_of_populations(family, P, signed_network, scores_of):
    cv = CV if family.squared_cv is None else np.sqrt(family.squared_cv)
    parameters = signed_network(P, seed=10 + P, cv=cv)
    found = [measure(sample(parameters, seed, sampler=Dense(family))) for seed in range(20)]
    scores = scores_of(parameters, found)
    assert {
        k: np.abs(z).max() for k, z in scores.items() if np.abs(z).max() > student_threshold(19)
    } == {}
