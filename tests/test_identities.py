"""The consistency identities of docs/theory.md, section 2.2 that need neither the cavity closure
nor the bulk.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import root

from motifield import Motifs, Parameters, fixed_point, integrate, sample

CLOSURES = ("MotifOnly", "LowRank", "SecondMoment")
ERF, RELU = "1 + erf(x - 1/2)", "Max(x - 1/4, 0)"


def sort(eigenvalues):
    return eigenvalues[np.lexsort((np.round(eigenvalues.imag, 9), np.round(eigenvalues.real, 9)))]


def statistics(P, seed):
    """Random statistics with B = 0; not checked for feasibility, since the identity does not need
    it.
    """
    rng = np.random.default_rng(seed)
    chain = rng.normal(size=(P, P, P)) * 0.03
    around = np.einsum("pqp->pq", chain)
    fractions = rng.uniform(0.5, 1.5, P)
    return Parameters.of(
        N=400,
        fractions=fractions / fractions.sum(),
        mean=rng.normal(size=(P, P)) / 300,
        g=rng.uniform(0.2, 1, (P, P)),
        motifs=Motifs(0.02, 0.02, chain, around + around.T),
        input=0.3,
        check=False,
    )


@pytest.mark.parametrize("P", [1, 2, 3, 4])
def test_linearised_eigenvalues_are_the_outliers(P, system_of):
    """det(lambda^2 - lambda Jm - C) = 0 with gain g0 = 1/3: the quadratic eigenvalue problem
    through its companion matrix.
    """
    parameters, g0 = statistics(P, seed=P), 1 / 3
    alpha, mean, g, chain = (
        np.asarray(getattr(parameters, n)) for n in ("fractions", "mean", "g", "tau_chn")
    )
    N = float(parameters.N)
    Jm, C = np.zeros((P, P)), np.zeros((P, P))
    for p in range(P):
        for q in range(P):
            Jm[p, q] = N * alpha[q] * mean[p, q] * g0
            for r in range(P):
                C[p, r] += N * g[p, q] * alpha[q] * g[q, r] * alpha[r] * chain[p, q, r] * g0**2
    outliers = np.linalg.eigvals(np.block([[Jm, C], [np.eye(P), np.zeros((P, P))]]))
    for value in outliers:  # the companion matrix solves the quadratic problem
        assert abs(np.linalg.det(value**2 * np.eye(P) - value * Jm - C)) < 1e-10
    found = fixed_point(system_of("x/3", "MotifOnly"), parameters, settle=0)
    np.testing.assert_allclose(sort(found.eigenvalues), sort(outliers - 1), atol=1e-10)


@pytest.mark.parametrize(
    ("mean", "g", "tau_chn", "tau_rec"),
    [(-0.5, 0.8, 0.004, 0.3), (0.9, 0.5, -0.01, -0.2), (0.2, 1.1, 0.002, 0.0)],
)
def test_one_population_with_all_motifs(mean, g, tau_chn, tau_rec, system_of):
    """lambda = (l0 +- sqrt(l0^2 + 4 g^2 (N tau_chn + B))) / 2 with l0 = N Jbar and
    B = tau_rec - 2 tau_chn.
    """
    N = 200
    parameters = Parameters.of(
        N=N,
        fractions=[1.0],
        mean=mean / N,
        g=g,
        motifs=Motifs(0.02, 0.02, tau_chn, tau_rec),
        input=0.1,
    )
    found = fixed_point(system_of("x", "MotifOnly"), parameters, settle=0)
    B = tau_rec - 2 * tau_chn
    half = np.sqrt(complex(mean**2 + 4 * g**2 * (N * tau_chn + B)))
    np.testing.assert_allclose(
        sort(found.eigenvalues),
        sort(np.array([(mean + half) / 2, (mean - half) / 2]) - 1),
        atol=1e-10,
    )


# docs/theory.md, section 5: N = 1000 (800/200), rank-one mean with lambda0 = -1, sigma = .2, one
# hidden variable, tau: lambda+
SPECTRUM = [(0.02, 0.5243), (0.06, 1.1271), (0.1, 1.5606)]


def rank_one(tau, N=1000):
    # lambda0 = N J0 (.8 - .2 * 9) = -1
    return Parameters.of(
        populations=["E", "I"],
        N=N,
        fractions=[0.8, 0.2],
        mean=np.tile([1 / N, -9 / N], (2, 1)),
        g=0.2,
        motifs=Motifs.shared(tau),
    )


@pytest.mark.parametrize(("tau", "outlier"), SPECTRUM)
def test_outliers_of_the_worked_network(tau, outlier, system_of):
    found = 1 + fixed_point(system_of("x", "MotifOnly"), rank_one(tau), settle=0).eigenvalues
    # the equations have N tau where the matrix has (N - 1) tau: a difference in the fourth digit,
    # as docs/theory.md, section 2.2 says
    np.testing.assert_allclose(
        [found[0].real, found.real.min()], [outlier, -1 - outlier], atol=1e-3
    )
    exact = (
        1
        + fixed_point(system_of("x", "MotifOnly"), rank_one(tau * 999 / 1000), settle=0).eigenvalues
    )
    np.testing.assert_allclose(
        [exact[0].real, exact.real.min()], [outlier, -1 - outlier], atol=6e-5
    )
    np.testing.assert_allclose(
        np.sort(np.abs(found))[:2], 0, atol=1e-6
    )  # rank one: the other two are 0, a defective pair


def test_outliers_of_sampled_matrices():
    """tau = .06: over networks the extreme real eigenvalues have the predicted means, 1.1271 and
    -2.1271.
    """
    extremes = []
    for seed in range(8):
        eigenvalues = np.linalg.eigvals(sample(rank_one(0.06, N=300).rescaled(300), seed).weights)
        extremes.append([eigenvalues.real.max(), eigenvalues.real.min()])
    mean, sem = np.mean(extremes, axis=0), np.std(extremes, axis=0, ddof=1) / np.sqrt(8)
    N_tau = 300 * 0.06 * 299 / 300
    half = np.sqrt(1 + 4 * 0.2**2 * N_tau)
    predicted = [(-1 + half) / 2, (-1 - half) / 2]
    assert np.all(sem < 0.1)
    assert np.all(np.abs(mean - predicted) < 4 * sem), (mean, predicted, sem)


@pytest.mark.slow
def test_without_motifs_it_is_kadmon_and_sompolinsky(
    network_of, system_of, average_by_hand, functions
):
    """K_p = sum N alpha_q Jbar_pq <phi_q> + I_p, Delta_p = sum g_pq^2 alpha_q <phi_q^2>, solved
    with SciPy.
    """
    parameters = network_of(2, seed=4).without_motifs()
    alpha, mean, g = (np.asarray(getattr(parameters, n)) for n in ("fractions", "mean", "g"))
    N, drive = float(parameters.N), np.asarray(parameters.input(0.0))
    f = functions[ERF][0]

    def equations(y):
        K, Delta = y[:2], np.abs(y[2:])
        R = [average_by_hand(f, *v) for v in zip(K, Delta, strict=True)]
        C = [average_by_hand(lambda x: f(x) ** 2, *v) for v in zip(K, Delta, strict=True)]
        return np.concatenate(
            [K - N * mean @ (alpha * R) - drive, Delta - g**2 @ (alpha * np.array(C))]
        )

    found = fixed_point(system_of(ERF, "SecondMoment"), parameters)
    assert found.converged
    hand = root(
        equations,
        np.concatenate([found.dataset["mean"], found.dataset["variance"]]) * 1.2 + 0.05,
        tol=1e-13,
    )
    assert hand.success
    np.testing.assert_allclose(
        np.concatenate([found.dataset["mean"], found.dataset["variance"]]), hand.x, rtol=1e-9
    )
    assert found.dataset["variance"].min() > 0.05


def split(parameters, which, share):
    """The same network with one population given as two of `share` and `1 - share` of
    its neurons.
    """
    P = parameters.P
    index = np.array([*range(P), which])
    fractions = np.asarray(parameters.fractions)[index]
    fractions[which], fractions[P] = fractions[which] * share, fractions[which] * (1 - share)
    pick = {
        name: np.asarray(getattr(parameters, name))[
            np.ix_(*[index] * getattr(parameters, name).ndim)
        ]
        for name in ("mean", "g", "tau_con", "tau_div", "tau_chn", "tau_rec")
    }
    motifs = Motifs(*(pick[n] for n in ("tau_con", "tau_div", "tau_chn", "tau_rec")))
    made = Parameters.of(
        N=float(parameters.N),
        fractions=fractions,
        mean=pick["mean"],
        g=pick["g"],
        motifs=motifs,
        input=np.asarray(parameters.input(0.0))[index],
    )
    return made, index, fractions / np.asarray(parameters.fractions)[index]


@eqx.filter_jit
def compiled_field(system, parameters, state):
    return *system.vector_field(0.0, state, parameters), system.variance(state, parameters)


def field(system, parameters, state):
    return [np.asarray(v) for v in compiled_field(system, parameters, state)]


@pytest.mark.parametrize("closure", CLOSURES)
@pytest.mark.parametrize("which", [0, 1])
def test_splitting_a_population_changes_nothing(which, closure, two_populations, system_of):
    system = system_of(RELU, closure)
    halves, index, shares = split(two_populations, which, 0.3)
    rng = np.random.default_rng(1)
    state = {n: rng.uniform(0.2, 1, 2) for n in system.states}
    scale = {"K": 1, "kappa": shares, "s": 1}  # kappa_q = alpha_q R_q is shared out
    whole = field(
        system, two_populations, system.State(**{n: jnp.asarray(v) for n, v in state.items()})
    )
    parts = field(
        system,
        halves,
        system.State(**{n: jnp.asarray(v[index] * scale[n]) for n, v in state.items()}),
    )
    for name, a, b in zip((*system.states, "Delta"), whole, parts, strict=True):
        np.testing.assert_allclose(b, a[index] * scale.get(name, 1), rtol=1e-12)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_relabelling_permutes_everything(seed, data, network_of, system_of):
    P = 3
    order = np.array(data.draw(st.permutations(range(P))))
    system = system_of(RELU, data.draw(st.sampled_from(CLOSURES)))
    parameters = network_of(P, seed)
    moved = jax.tree.map(lambda v: v if v.ndim == 0 else v[np.ix_(*[order] * v.ndim)], parameters)
    rng = np.random.default_rng(seed)
    state = [rng.uniform(0.2, 1, P) for _ in system.states]
    before = field(system, parameters, system.State(*map(jnp.asarray, state)))
    after = field(system, moved, system.State(*(jnp.asarray(v[order]) for v in state)))
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(b, a[order], rtol=1e-11, atol=1e-13)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), N=st.integers(2000, 10**6))
def test_only_scaled_quantities_enter(seed, N, network_of, system_of):
    """N Jbar, g and N tau (con, div, chn) kept, tau_rec kept: MotifOnly without B is the same at
    any N.
    """
    system, parameters = system_of(RELU, "MotifOnly"), network_of(3, seed)
    around = jnp.einsum("pqp->pq", parameters.tau_chn)
    s = float(parameters.N) / N
    given_network = parameters.replace(tau_rec=around + around.T)
    other = given_network.replace(
        N=float(N),
        mean=parameters.mean * s,
        tau_con=parameters.tau_con * s,
        tau_div=parameters.tau_div * s,
        tau_chn=parameters.tau_chn * s,
        tau_rec=(around + around.T) * s,
    )
    state = system.State(jnp.array([0.3, 0.5, 0.9]), jnp.array([0.2, 0.4, 0.1]))
    for a, b in zip(field(system, given_network, state), field(system, other, state), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_the_same_network_twice(system_of, excitation_inhibition):
    """(Jbar = .002, g_I/E = 1) and (.004, 2.5): N sum_q alpha_q Jbar_q = 1.2 in both
    (docs/theory.md, section 2.2).
    """
    a, b = (excitation_inhibition(J0, g, 0.02, input=0.4) for J0, g in ((0.002, 1), (0.004, 2.5)))
    runs = [integrate(system_of(RELU, "SecondMoment"), p, 10.0, saveat=5) for p in (a, b)]
    for name in ("mean", "variance", "rate", "kappa"):
        np.testing.assert_allclose(runs[0][name], runs[1][name], rtol=1e-7, atol=1e-9)
    assert np.abs(runs[0]["mean"].values[-1]).min() > 0.3


def test_convergence_widens_and_chains_move_the_mean(two_populations, system_of):
    """docs/theory.md, section 2: what each motif acts on."""
    system = system_of(RELU, "MotifOnly")
    state = system.State(jnp.array([0.3, 0.5]), jnp.array([0.4, 0.2]))
    base = field(system, two_populations, state)

    def without(*names):
        return field(
            system,
            two_populations.replace(
                **{n: jnp.zeros_like(getattr(two_populations, n)) for n in names}
            ),
            state,
        )

    no_con, no_chn, no_div = without("tau_con"), without("tau_chn"), without("tau_div")
    assert np.all(no_con[2] == 0)
    np.testing.assert_array_equal(no_chn[2], base[2])
    assert np.abs(no_chn[0] - base[0]).min() > 1e-3
    for a, b in zip(no_div, base, strict=True):
        np.testing.assert_array_equal(a, b)
