"""Fits with components of strengths: predictions against other ways to them, and recovery."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf
from scipy.stats import norm

import motifield as mf
from motifield.distributions import rate_quantiles, rate_sd, within
from motifield.errors import ParameterError
from motifield.numerics.distributions import Currents
from motifield.numerics.fitting.motif_coordinates import FreeMotifs
from motifield.numerics.fitting.problem import Problem
from motifield.numerics.parameters import explained_share
from motifield.strengths import Mixture, motifs_of_strengths

N, LEVELS = 400, (0.1, 0.5, 0.9)
Z, W = np.polynomial.hermite_e.hermegauss(60)
W = W / W.sum()


def numbers(gamma, quenched=False):
    """Two components, of (u, b) and of in and out, with a residual of g^2 A."""
    w, m = np.array([0.3, 0.7]), np.array([[0.7, 0.5 / N], [-0.3, -0.5 / N * 3 / 7]])
    S = np.array([[[0.2, 0.1 / N], [0.1 / N, 0.2 / N**2]], np.diag([0.05, 0.1 / N**2])])
    strengths = {"features": ["in", "out"], "gamma": np.reshape(gamma, (1, 1, 2, 2)) / N}
    strengths |= {"weights": [w], "means": [m], "covariances": [S], "quenched": quenched}
    motifs = motifs_of_strengths(strengths, N=N, g=0.6)
    own = {"populations": ["E"], "N": N, "fractions": [1.0], "mean": -1 / N, "g": 0.6}
    return mf.Parameters.of(**own, motifs=motifs, strengths=strengths, input=0.4)


def compiled(quenched=False):
    strengths = Mixture(2, quenched=quenched)
    given = {"populations": ["E"], "transfer": "1 + erf(x)", "strengths": strengths}
    return mf.compile(mf.derive(mf.Architecture(**given, assortativity=True), mf.SecondMoment()))


@pytest.fixture(scope="module")
def system():
    return compiled()


@pytest.fixture(scope="module")
def par():
    return numbers([3.0, -2.0, 1.5, 4.0])


CONDITIONS = {"low": {}, "high": {"input[E]": 0.9}}


def targets(values=None):
    """All quantities in two conditions; their values, or 0."""
    kinds = [("rate_mean", c, {}) for c in CONDITIONS] + [("rate_sd", c, {}) for c in CONDITIONS]
    kinds += [("rate_quantile", "low", {"level": v}) for v in LEVELS]
    kinds += [("rate_correlation", "high", {"against": "low"})]
    about = {"population": "E", "error": 1e-3}
    values = np.zeros(len(kinds)) if values is None else values
    return mf.Targets.of(
        [
            {"quantity": q, "condition": c, "value": float(v), **about, **more}
            for (q, c, more), v in zip(kinds, values, strict=True)
        ]
    )


def predicted(system, par, names=("gamma[E,E,in,in]",), **how):
    how = {"conditions": CONDITIONS, "stable": False, **how}
    problem = Problem.of(system, par, targets(), names, **how)
    u = jnp.asarray(problem.coordinates.given())
    return problem, u, problem.compiled(u, problem.at_rest())[1]


@pytest.fixture(scope="module")
def predictions(system, par):
    return predicted(system, par)


def points(system, par):
    return [mf.fixed_point(system, par.replace(input=v)) for v in (0.4, 0.9)]


def test_moments_and_quantiles(system, par, predictions):
    """Against nodes and weights of the distributions at the fixed points."""
    found = np.asarray(predictions[2].values)
    both = points(system, par)
    clouds = [within(system, par, p.state) for p in both]
    expected = [float(p.dataset["rate"][0]) for p in both] + [float(rate_sd(c)[0]) for c in clouds]
    np.testing.assert_allclose(found[:4], expected, rtol=1e-7)
    assert (
        np.abs(found[4:7] - rate_quantiles(clouds[0], LEVELS)[0]).max() < 2e-3
    )  # read between nodes


def correlation_by_hand(system, par, both, quenched):
    """<phi phi'> over pairs of currents in each component, with loops: docs/theory.md, 6.2."""
    s, found = par.strengths, []
    c = [np.r_[np.asarray(p.state.kappa), 0.0, np.asarray(p.state.theta)[0]] for p in both]
    mean, V = [], []
    for k, p in enumerate(both):
        mean.append([float(p.state.K[0]) + m @ c[k] for m in np.asarray(s.means)[:, 0]])
        V.append(np.asarray(system.module.components(p.state, system.coefficients(par))[1])[:, 0])
    R = [float(p.dataset["rate"][0]) for p in both]
    C = np.asarray(s.feature_covariance[0])
    G = np.asarray(s.gamma[0, 0])
    A = 1 - float(par.tau_con[0, 0, 0]) - float(par.tau_div[0, 0, 0])
    residual = 0.36 * A - N * np.trace(G @ C @ G.T @ C)
    beside = 0.0
    for _ in range(100):
        joint = 0.0
        for m in range(2):
            own = c[0] @ np.asarray(s.covariances)[m, 0] @ c[1] + beside
            rho = own / np.sqrt(V[0][m] * V[1][m])
            x = mean[0][m] + np.sqrt(V[0][m]) * Z[:, None]
            y = mean[1][m] + np.sqrt(V[1][m]) * (rho * Z[:, None] + np.sqrt(1 - rho**2) * Z[None])
            joint += float(s.weight[m, 0]) * np.sum(np.outer(W, W) * (1 + erf(x)) * (1 + erf(y)))
        beside = residual * (joint - R[0] * R[1] * quenched)
    sd = [rate_sd(within(system, par, p.state))[0] for p in both]
    found = (joint - R[0] * R[1]) / (sd[0] * sd[1])
    return found


@pytest.mark.parametrize("quenched", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_correlations_between_conditions(system, par, predictions, quenched):
    values = predictions[2].values
    if quenched:
        system, par = compiled(True), numbers([3.0, -2.0, 1.5, 4.0], True)
        values = predicted(system, par)[2].values
    by_hand = correlation_by_hand(system, par, points(system, par), quenched)
    assert float(values[7]) == pytest.approx(by_hand, abs=1e-5)
    assert 0.5 < by_hand < 0.999


@pytest.mark.slow
def test_derivatives(predictions):
    """By gamma, against central differences: of quantiles, too."""
    problem, u, _ = predictions

    def values(u):
        return problem.outcome(u).values

    slope = jax.jit(jax.jacfwd(values))(u)[:, 0]
    step = jnp.asarray([1e-4])
    by_hand = (jax.jit(values)(u + step) - jax.jit(values)(u - step)) / 2e-4
    np.testing.assert_allclose(slope, by_hand, rtol=2e-5, atol=1e-8)
    assert np.all(np.abs(slope) > 1e-5)


@pytest.mark.slow
def test_elements_of_gamma_are_recovered(system, par):
    """Two of them, from means and SDs in two conditions, from starts away from them."""
    true = np.asarray(predicted(system, par)[2].values)
    rows = targets(true)
    other = numbers([2.0, -2.0, 1.5, 3.0])
    unknown = ["gamma[E,E,in,in]", "gamma[E,E,out,out]"]
    found = mf.fit(system, other, rows, unknown, conditions=CONDITIONS, starts=2, stable=False)
    own = [found.values[name] for name in unknown]
    np.testing.assert_allclose(own, [3 / N, 4 / N], rtol=1e-4)


def test_weights_move_components_and_motifs(par):
    changed = mf.scalar("weight[E,2]", par).set(par, 0.6)
    s = changed.strengths
    assert np.abs(jnp.einsum("mp,mpi->pi", s.weight, s.means)).max() < 1e-15
    motifs = motifs_of_strengths(s, N=N, g=0.6)
    for name, own in zip(("convergent", "divergent", "chain"), motifs, strict=False):
        tensor = getattr(
            changed, {"convergent": "tau_con", "divergent": "tau_div"}.get(name, "tau_chn")
        )
        np.testing.assert_allclose(tensor, own, rtol=1e-12)
    changed.with_strengths(s)  # components of these motifs
    same = mf.scalar("weight[E,2]", par).set(par, 0.7)
    np.testing.assert_allclose(same.tau_con, par.tau_con, rtol=1e-12)


@pytest.mark.parametrize("name", ["g[E,E]", "N", "factor(tau_chn)", "factor(motifs)", "tau_con"])
def test_what_components_fix(par, name):
    with pytest.raises(ParameterError, match="components of strengths have the covariances"):
        mf.scalar(name, par)
    assert not [n for n in mf.numerics.parameters.names(par) if n.startswith(("g[", "tau_c"))]


def test_free_motifs_are_refused(system, par):
    with pytest.raises(ParameterError, match="'tau_con' is free, but coefficients of motifs"):
        predicted(system, par, motifs=FreeMotifs(("tau_con",)))


def test_gamma_that_explains_too_much_is_penalised(par, predictions):
    """The last residual of each condition, where Gamma is as large as no network has it."""
    problem, _, outcome = predictions
    share = float(explained_share(par))
    assert 0 < share < 1
    assert problem.coordinates.moves_strengths
    for more, is_fine in ((0.0, True), (1000.0, False)):
        u = jnp.asarray([float(problem.coordinates.given()[0]) + more])
        residuals = np.asarray(problem._residuals(u, outcome))[-2:]
        assert (residuals == 0).all() if is_fine else (residuals > 1).all()


def test_quantiles_of_mixtures():
    """Phi of each component at the quantile adds up to the level."""
    currents = Currents(
        jnp.array([[0.2, 1.0], [0.8, 0.0]]),
        jnp.array([[3.0, 0.5], [-1.0, 9.0]]),
        jnp.array([[0.5, 2.0], [2.0, 1e-3]]),
    )
    normal = jnp.asarray(norm.ppf(LEVELS))
    x = np.asarray(currents.quantiles(normal))
    first = 0.2 * norm.cdf((x[0] - 3) / np.sqrt(0.5)) + 0.8 * norm.cdf((x[0] + 1) / np.sqrt(2))
    np.testing.assert_allclose(first, LEVELS, rtol=1e-12)
    np.testing.assert_allclose(x[1], 0.5 + np.sqrt(2) * norm.ppf(LEVELS), rtol=1e-12)

    def moved(step):
        """All means together: the quantiles move as much."""
        return currents._replace(means=currents.means + step).quantiles(normal)

    np.testing.assert_allclose(jax.jacfwd(moved)(0.0), 1.0, rtol=1e-10)
