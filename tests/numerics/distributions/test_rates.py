"""Distributions of rates: against quadrature and integrals over pairs of currents by brute force,
and sampled networks.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.distributions.currents import cloud
from motifield.numerics.distributions.rates import RateDistribution
from motifield.numerics.fixed_points.settle import settled
from motifield.numerics.linear import bulk_radius_square
from motifield.numerics.parameters.couplings import Couplings
from motifield.numerics.simulation import integrate_network
from motifield.numerics.stability.bulk import Bulk
from motifield.numerics.system.autonomous import Autonomous

PHI = (lambda x: 0.5 * np.maximum(x - 0.1, 0) ** 2, lambda x: 1 + np.tanh(x - 0.5))
Z = np.linspace(-8.5, 8.5, 341)
W = norm.pdf(Z) / norm.pdf(Z).sum()


MEANS = (np.array([0.6, 0.2]), np.array([1.1, 0.5]))
OMEGA = np.array([0.7, 1.0])


def frozen_by_hand(p, kappa, kappa2, omega, q):
    """sum_qr Sigma_p[q,r] kappa_q kappa'_r + omega_p z_p z'_p, and alpha_q g_pq^2 A_pq, with
    explicit loops.
    """
    con, div, g, alpha = (np.asarray(v) for v in (p.tau_con, p.tau_div, p.g, p.fractions))
    frozen = omega * np.asarray(p.spread(0.0)) * np.asarray(q.spread(0.0))
    for i in range(2):
        for j in range(2):
            for k in range(2):
                frozen[i] += 4000 * g[i, j] * g[i, k] * con[i, j, k] * kappa[j] * kappa2[k]
    return frozen, np.array(
        [
            [alpha[j] * g[i, j] ** 2 * (1 - con[i, j, j] - div[j, i, i]) for j in range(2)]
            for i in range(2)
        ]
    )


@pytest.fixture(scope="module")
def parts(of_populations):
    """By closure: the distribution, parameters in two conditions, statistics in both, the
    correlation. Mean currents are chosen, variances are those that the closure makes of them.
    """
    transfer = {"E": mf.transfer.power_law(exponent=2.0, gain=0.5), "I": "1 + tanh(x - 1/2)"}
    motifs = mf.Motifs(
        convergent=[[[0.004, 0.001], [0.001, 0.003]], [[0.002, 0], [0, 0.001]]], divergent=0.003
    )
    threshold = {"threshold": [0.1, 0.1]}
    numbers = {"mean": 0.0, "g": [[0.25, 0.5], [0.35, 0.6]], "spread": [0.4, 0.2]}
    one = of_populations("EI", 4000, motifs=motifs, transfer=threshold, **numbers)
    two = one.replace(spread=mf.inputs.Constant(jnp.array([0.3, 0.25])))
    found = {}
    for closure in (mf.SecondMoment(), mf.LowRank(), mf.MotifOnly()):
        system = mf.compile(
            mf.derive(mf.Architecture(["E", "I"], transfer, inputs=["spread"]), closure)
        )
        distribution, name = RateDistribution(system, one), type(closure).__name__
        own = (system.complete(one), system.complete(two))
        of, variances = jax.jit(distribution), []
        for p, mean in zip(own, MEANS, strict=True):
            v = np.full(2, 0.3)
            for _ in range(150 if name == "SecondMoment" else 30):
                s = of(jnp.asarray(mean), jnp.asarray(v), p)
                kappa, sd = np.asarray(p.fractions * s.rate_mean), np.asarray(s.rate_sd)
                frozen, M = frozen_by_hand(p, kappa, kappa, np.ones(2), p)
                v = (
                    frozen
                    + {
                        "SecondMoment": M @ np.asarray(sd**2 + s.rate_mean**2),
                        "LowRank": M @ np.asarray(s.rate_mean**2),
                        "MotifOnly": 0.0,
                    }[name]
                )
            variances.append(v)
        statistics = [
            of(jnp.asarray(m), jnp.asarray(v), p)
            for m, v, p in zip(MEANS, variances, own, strict=True)
        ]
        correlation = jax.jit(distribution.correlation)
        found[name] = (
            distribution,
            own,
            statistics,
            correlation(
                (statistics[0], own[0], 0.0), (statistics[1], own[1], 0.0), jnp.asarray(OMEGA)
            ),
            correlation((statistics[0], own[0], 0.0), (statistics[0], own[0], 0.0), jnp.ones(2)),
        )
    return found


def test_moments_and_slopes_by_quadrature(parts, average_by_hand):
    _, _, statistics, *_ = parts["SecondMoment"]
    for s in statistics:
        for p, (phi, kinks) in enumerate(zip(PHI, ((0.1,), ()), strict=True)):
            m, v = float(s.mean[p]), float(s.variance[p])
            mean, square = (
                average_by_hand(lambda x, phi=phi, n=n: phi(x) ** n, m, v, kinks) for n in (1, 2)
            )
            slope = average_by_hand(
                (lambda x: np.maximum(x - 0.1, 0) ** 2)
                if p == 0
                else (lambda x: np.cosh(x - 0.5) ** -4),
                m,
                v,
                kinks,
            )
            assert float(s.rate_mean[p]) == pytest.approx(mean, rel=1e-9)
            assert float(s.rate_sd[p]) == pytest.approx(np.sqrt(square - mean**2), rel=1e-8)
            assert float(s.slope_square[p]) == pytest.approx(slope, rel=1e-8)


def pair_average(phi, first, second, p, covariance):
    """< phi(x) phi(x') > of two jointly normal currents, on a grid."""
    s, t = np.sqrt(first.variance[p]), np.sqrt(second.variance[p])
    rho = covariance / (s * t)
    x = first.mean[p] + s * Z[:, None]
    y = second.mean[p] + t * (rho * Z[:, None] + np.sqrt(1 - rho**2) * Z[None])
    return float(W @ (phi(np.asarray(x)) * phi(np.asarray(y))) @ W)


@pytest.mark.parametrize("closure", ["SecondMoment", "LowRank", "MotifOnly"])
def test_correlations_between_conditions(parts, closure):
    """Cov_p = sum_qr Sigma_p[q,r] kappa_q kappa'_r + omega_p z_p z'_p +
    sum_q alpha_q g_pq^2 A_pq S_q by explicit loops, S_q by the closure.
    """
    _, (p1, p2), (a, b), correlation, _ = parts[closure]
    kappa, kappa2 = (np.asarray(p1.fractions) * np.asarray(s.rate_mean) for s in (a, b))
    frozen, M = frozen_by_hand(p1, kappa, kappa2, OMEGA, p2)
    means = np.asarray(a.rate_mean) * np.asarray(b.rate_mean)
    covariance = frozen
    for _ in range(200 if closure == "SecondMoment" else 1):
        joint = np.array([pair_average(PHI[p], a, b, p, covariance[p]) for p in range(2)])
        before, covariance = (
            covariance,
            frozen + {"SecondMoment": M @ joint, "LowRank": M @ means, "MotifOnly": 0.0}[closure],
        )
        if np.allclose(before, covariance, rtol=1e-12):
            break
    joint = np.array([pair_average(PHI[p], a, b, p, covariance[p]) for p in range(2)])
    expected = (joint - means) / (np.asarray(a.rate_sd) * np.asarray(b.rate_sd))
    np.testing.assert_allclose(correlation, expected, rtol=1e-5)
    assert np.all((0.3 < expected) & (expected < 0.999))  # or it could not fail


def test_a_condition_correlates_with_itself_fully(parts):
    """The closure's own variance is the covariance of a condition with itself."""
    for name, (*_, itself) in parts.items():
        np.testing.assert_allclose(itself, 1.0, rtol=1e-7, err_msg=name)


def test_each_condition_has_the_spread_of_its_time(parts):
    """A spread that steps to 0 at time 0: what counts is the moment before, of which the statistics
    are.
    """
    distribution, (p, _), (a, _), _, own = parts["MotifOnly"]
    later = p.replace(spread=mf.inputs.pulse(0.0, 1.0, -p.spread(0.0), p.spread(0.0)))
    np.testing.assert_allclose(later.spread(0.5), 0.0)
    before, mixed = (
        distribution.correlation((a, later, -1e-12), (a, later, t), jnp.ones(2))
        for t in (-1e-12, 0.5)
    )
    np.testing.assert_allclose(before, own, rtol=1e-12)
    assert np.all(mixed < before - 0.1)


def test_quantiles(parts):
    """Rates at quantiles of the currents, as a sample of currents has them."""
    distribution, (p, _), (a, _), *_ = parts["SecondMoment"]
    levels = np.array([0.1, 0.5, 0.95])
    found = distribution.quantiles(a.currents, p, norm.ppf(levels))
    for k in range(2):
        x = norm.rvs(float(a.mean[k]), float(np.sqrt(a.variance[k])), size=400_000, random_state=5)
        np.testing.assert_allclose(found[k], np.quantile(PHI[k](x), levels), rtol=0.01, atol=2e-3)


def test_a_function_that_falls_has_no_quantiles_of_currents():
    system = mf.compile(mf.derive(mf.Architecture(transfer="exp(-x**2)")))
    one = mf.Parameters.of(populations=["E"], N=100, fractions=[1.0], mean=0.0, g=0.1)
    with pytest.raises(ParameterError, match="does not fall; that of population E does"):
        RateDistribution(system, one).require_rising(one)


def test_a_function_that_jumps_is_refused():
    system = mf.compile(mf.derive(mf.Architecture(transfer="Heaviside(x)")))
    one = mf.Parameters.of(populations=["E"], N=100, fractions=[1.0], mean=0.0, g=0.1)
    with pytest.raises(ParameterError, match="jumps"):
        RateDistribution(system, one)


def test_bulk_radius(parts):
    """The largest eigenvalue of alpha_q g_pq^2 A_pq <phi_q'^2>, also where blocks are empty; and
    its derivative.
    """
    _, (p, _), (a, _), *_ = parts["SecondMoment"]
    for own in (
        p,
        p.replace(g=p.g.at[0, 1].set(0.0)),
        p.replace(g=jnp.array([[0.0, 3.0], [2.0, 0.0]])),
    ):
        A = 1 - np.einsum("pqq->pq", own.tau_con) - np.einsum("qpp->pq", own.tau_div)
        M = np.asarray(own.fractions)[None] * np.asarray(own.g) ** 2 * A
        exact = np.abs(np.linalg.eigvals(M * np.asarray(a.slope_square)[None])).max()
        residual = Couplings.of(own).residual
        assert float(bulk_radius_square(residual, a.slope_square)) == pytest.approx(exact, rel=1e-9)
        slope = jax.grad(bulk_radius_square, 1)(residual, a.slope_square)
        for q in range(2):
            h = 1e-6 * np.eye(2)[q]
            near = [
                np.abs(np.linalg.eigvals(M * (np.asarray(a.slope_square) + sign * h)[None])).max()
                for sign in (1, -1)
            ]
            assert float(slope[q]) == pytest.approx((near[0] - near[1]) / 2e-6, rel=1e-5, abs=1e-8)


def test_bulk_radius_is_that_of_the_bulk(parts):
    distribution, (p, _), (a, _), *_ = parts["SecondMoment"]
    clouds = [
        cloud(distribution.system, p, k, float(a.mean[k]), float(a.variance[k])) for k in range(2)
    ]
    assert Bulk.of(p, clouds).radius ** 2 == pytest.approx(
        float(bulk_radius_square(Couplings.of(p).residual, a.slope_square)), rel=1e-6
    )


def sampled(one, two, levels, seed):
    """Mean and SD of both, correlations and quantiles of the rates of one network at rest."""
    network = mf.sample(one, seed=seed)
    runs = [
        {"input": np.asarray(p.input.value), "spread": np.asarray(p.spread.value)}
        for p in (one, two)
    ]
    end = integrate_network(
        network,
        lambda x, p: 0.5 * jnp.maximum(x, 0.0) ** 2,
        t1=40.0,
        saveat=[40.0],
        runs=runs,
        seed=seed,
    )
    rates = np.asarray(end["r"])
    of = [rates[:, network.members(p)] for p in ("E", "I")]
    moments = [
        v for k in range(2) for v in (*(r[k].mean() for r in of), *(r[k].std(ddof=1) for r in of))
    ]
    return [
        *moments,
        *(np.corrcoef(r)[0, 1] for r in of),
        *(q for r in of for q in np.quantile(r[0], levels)),
    ]


@pytest.mark.slow
def test_sampled_networks(of_populations):
    """Mean, SD, correlation and quantiles of twelve networks of 4000 neurons without reciprocity,
    in standard errors of their mean: one network is up to a sixth away, in small quantiles more.
    """
    transfer = mf.transfer.power_law(exponent=2.0, gain=0.5)
    system = mf.compile(
        mf.derive(mf.Architecture(["E", "I"], transfer, inputs=["spread"]), mf.SecondMoment())
    )
    motifs = mf.Motifs(convergent=0.002, divergent=0.002)
    mean, g = [[0.0004, -0.002], [0.0006, -0.002]], [[0.3, 0.6]] * 2
    one = of_populations(
        "EI", 4000, mean=mean, g=g, motifs=motifs, input=[1.2, 1.0], spread=[0.3, 0.2]
    )
    two = one.replace(input=mf.inputs.Constant(jnp.array([1.4, 1.1])))
    model, distribution = Autonomous(system, 2), RateDistribution(system, one)
    statistics = []
    for own in (one, two):
        y, residual, _ = settled(model, own, jnp.zeros(model.size))
        assert residual < 1e-9
        seen = model.observables(y, own)
        statistics.append(distribution(seen["mean"], seen["variance"], own))
    levels = (0.25, 0.5, 0.9)
    quantiles = distribution.quantiles(statistics[0].currents, one, norm.ppf(levels))
    correlation = distribution.correlation(
        (statistics[0], one, 0.0), (statistics[1], two, 0.0), jnp.ones(2)
    )
    theory = np.concatenate(
        [
            np.ravel(v)
            for v in (
                *(v for s in statistics for v in (s.rate_mean, s.rate_sd)),
                correlation,
                quantiles,
            )
        ]
    )
    found = np.array([sampled(one, two, levels, seed) for seed in range(12)])
    error = found.std(0, ddof=1) / np.sqrt(12)
    z = (found.mean(0) - theory) / (error + 0.002 * np.abs(theory))
    assert np.abs(z).max() < 4, z
    np.testing.assert_allclose(found.mean(0), theory, rtol=0.05, atol=0.02)
