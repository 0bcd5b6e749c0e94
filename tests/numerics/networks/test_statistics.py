"""Measured statistics against sums over every pair of synapses, written out."""

import json
from itertools import product

import numpy as np
import pytest
import scipy.sparse as sps

import motifield.numerics.networks.sums as module
from motifield import Motifs, Network, Parameters, measure, sample
from motifield.errors import InfeasibleStatisticsError


def by_hand(J, labels, P):
    """Every statistic from its definition: loops over all pairs of synapses among distinct neurons.
    Slow on purpose.
    """
    N = len(J)
    members = [np.flatnonzero(labels == p) for p in range(P)]

    def average(terms):
        values = list(terms)
        return np.mean(values) if values else 0.0

    mean = np.array(
        [[J[np.ix_(members[p], members[q])].mean() for q in range(P)] for p in range(P)]
    )
    m = np.array(
        [
            [average(J[i, j] for i in members[p] for j in members[q] if i != j) for q in range(P)]
            for p in range(P)
        ]
    )
    dev = J - m[np.ix_(labels, labels)]

    def pairs(p, q, term):
        return average(term(i, j) for i, j in product(members[p], members[q]) if i != j)

    def triples(p, q, r, term):
        return average(
            term(i, j, k)
            for i, j, k in product(members[p], members[q], members[r])
            if len({i, j, k}) == 3
        )

    two, three = list(product(range(P), repeat=2)), list(product(range(P), repeat=3))
    assert sum(map(len, members)) == N
    return {
        "mean": mean,
        "variance": np.reshape([pairs(p, q, lambda i, j: dev[i, j] ** 2) for p, q in two], (P, P)),
        "convergent": np.reshape(
            [triples(p, q, r, lambda i, j, k: dev[i, j] * dev[i, k]) for p, q, r in three],
            (P, P, P),
        ),
        "divergent": np.reshape(
            [triples(q, p, r, lambda j, i, k: dev[i, j] * dev[k, j]) for q, p, r in three],
            (P, P, P),
        ),
        "chain": np.reshape(
            [triples(p, q, r, lambda i, j, k: dev[i, j] * dev[j, k]) for p, q, r in three],
            (P, P, P),
        ),
        "reciprocal": np.reshape(
            [pairs(p, q, lambda i, j: dev[i, j] * dev[j, i]) for p, q in two], (P, P)
        ),
    }


def random_network(sizes, sparse, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    J = rng.normal(rng.normal(size=(len(sizes),) * 2)[np.ix_(labels, labels)], 1.0) + rng.normal(
        size=len(labels)
    )
    if sparse:
        J *= rng.random(J.shape) < 0.4
    return Network.of(sps.csr_array(J) if sparse else J, labels), J


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("sizes", [(7,), (6, 9), (5, 4, 7), (1, 6), (2, 1, 5), (2,)])
def test_against_every_pair_of_synapses(sizes, sparse):
    network, J = random_network(sizes, sparse)
    found = measure(network)
    for name, expected in by_hand(J, network.labels, len(sizes)).items():
        np.testing.assert_allclose(
            getattr(found, name), expected, rtol=1e-10, atol=1e-12, err_msg=name
        )


def test_blocks_of_rows_do_not_change_the_result(monkeypatch):
    network, _ = random_network((9, 8), False)
    whole = measure(network)
    monkeypatch.setattr(module, "ROWS", 5)
    for name in ("mean", "variance", "convergent", "divergent", "chain", "reciprocal"):
        np.testing.assert_allclose(
            getattr(measure(network), name), getattr(whole, name), rtol=1e-12, atol=1e-14
        )


def test_one_neuron_has_a_mean_and_nothing_else():
    found = measure(Network.of([[2.0]], [0]))
    assert found.mean == 2.0
    for name in ("variance", "convergent", "divergent", "chain", "reciprocal"):
        assert np.all(getattr(found, name) == 0), name


def test_constant_blocks_have_no_motifs():
    """Sums of 0.1 round in binary, and what rounding leaves must not become a correlation
    coefficient.
    """
    labels = np.repeat([0, 1], [40, 30])
    J = np.full((70, 70), 0.1)
    J[:40, 40:] = np.random.default_rng(0).normal(size=(40, 30))
    found = measure(Network.of(J, labels))
    assert found.variance[0, 0] == found.variance[1, 1] == found.variance[1, 0] == 0
    assert found.variance[0, 1] > 0.9
    tau = found.tau
    assert np.all(tau.chain == 0)
    assert np.all(tau.reciprocal == 0)
    assert (
        np.count_nonzero(tau.convergent) == np.count_nonzero(tau.divergent) == 1
    )  # those of J_EI with itself


def test_a_large_sparse_matrix_stays_sparse():
    """200 000 neurons: an N x N array would need 300 GiB."""
    rng, N = np.random.default_rng(0), 200_000
    i, j = rng.integers(N, size=(2, 400_000))
    weights = sps.coo_array((np.ones(len(i)), (i, j)), shape=(N, N)).tocsr()
    found = measure(Network.of(weights, np.arange(N) % 2))
    np.testing.assert_allclose(found.mean.sum(), 4 * weights.sum() / N**2, rtol=1e-12)


def test_precision_does_not_suffer_from_float32_weights():
    parameters = Parameters.of(
        N=300, fractions=[0.5, 0.5], mean=0.1, g=1.0, motifs=Motifs.shared(0.02)
    )
    single = sample(parameters, 1, dtype=np.float32)
    double = Network.of(np.asarray(single.weights, np.float64), single.labels)
    for name in ("variance", "convergent", "chain"):
        np.testing.assert_allclose(
            getattr(measure(single), name), getattr(measure(double), name), rtol=1e-12
        )


def test_parameters_carry_the_measured_statistics():
    network, _ = random_network((12, 18), True, seed=4)
    found = measure(network)
    parameters = found.parameters(input=[0.5, 1.5])
    N, s = 30, np.sqrt(found.variance)
    np.testing.assert_allclose(parameters.fractions, [0.4, 0.6])
    np.testing.assert_allclose(parameters.mean, found.mean)
    np.testing.assert_allclose(parameters.g, np.sqrt(N) * s)
    np.testing.assert_allclose(parameters.input(0.0), [0.5, 1.5])
    np.testing.assert_allclose(
        parameters.tau_chn * (s[:, :, None] * s[None, :, :]), found.chain, atol=1e-15
    )
    for given, tau in zip(parameters.motifs, found.tau, strict=True):
        np.testing.assert_allclose(given, tau, atol=1e-14)
    np.testing.assert_allclose(
        found.tau.divergent[0, 0, 1], found.divergent[0, 0, 1] / (s[0, 0] * s[1, 0])
    )


def test_infeasible_measured_statistics_are_an_error_only_on_request():
    J = np.zeros((6, 6))
    J[1, 0], J[2, 1], J[3, 2], J[0, 4] = 1, -1, 1, 2
    found = measure(Network.of(J, np.zeros(6, int)))
    found.parameters()
    with pytest.raises(InfeasibleStatisticsError, match="no network has these"):
        found.parameters(check=True)


def test_by_name_and_as_json():
    network, _ = random_network((3, 4), False)
    found = measure(network)
    table = found.dataset
    assert table.chain.sel(target="1", middle="2", source="1") == found.chain[0, 1, 0]
    assert table.divergent.sel(source="2", target="1", target2="2") == found.divergent[1, 0, 1]
    assert table["size"].sel(population="2") == 4
    plain = json.loads(json.dumps(found.json()))
    assert (plain["sizes"], plain["populations"]) == ([3, 4], ["1", "2"])
    np.testing.assert_array_equal(plain["covariances"]["convergent"], found.convergent)
    np.testing.assert_array_equal(plain["coefficients"]["convergent"], found.tau.convergent)
