"""Equations with filters and inputs against the same equations written out by hand and solved by
SciPy.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import erf

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics import linear

ERF = "1 + erf(x - 1/2)"
FILTERED = {
    "membrane": {"E": mf.filters.membrane(1.0), "I": mf.filters.adapting(0.7, 0.6, 4.0)},
    "synapse": {"E": mf.filters.exponential(0.4), "I": mf.filters.exponential(1.5)},
    "inputs": ["spread", "in-strength", "out-strength", "noise"],
}


@pytest.fixture(scope="module")
def numbers(two_populations):
    return two_populations.replace(
        spread=[0.3, 0.2],
        in_strength=[0.1, -0.2],
        tau_inp=np.array([[0.05, 0.02], [0.03, -0.04]]),
        noise=[0.1, 0.05],
    )


TAU, TAU_X, STRENGTH, TAU_A = 1.0, 0.7, 0.6, 4.0  # of the membranes; I adapts
SYN = np.array([0.4, 1.5])  # time constants of the synapses


def membrane(p, x, a, u):
    """E: tau dx/dt = -x + u. I: adaptation as it is written down, tau dx/dt = -x - b a + u,
    tau_a da/dt = x - a.
    """
    return ((u - x) / TAU, 0 * a) if p == 0 else ((u - x - STRENGTH * a) / TAU_X, (x - a) / TAU_A)


def split(y):
    """K, kappa, rho, e, c, z and the covariances of x and a, from one vector."""
    return (
        y[:4].reshape(2, 2),
        y[4:12].reshape(2, 2, 2),
        y[12:20].reshape(2, 2, 2),
        y[20:22],
        y[22:26].reshape(2, 2),
        y[26:30].reshape(2, 2),
        y[30:].reshape(2, 3),
    )


def noisy(p, V, D):
    """Changes of the variance of x, the covariance of x and a, and the variance of a under white
    noise in the input.
    """
    vx, vxa, va = V
    if p == 0:
        return 2 * (D / TAU - vx) / TAU, 0, 0
    return (
        (-2 * vx - 2 * STRENGTH * vxa + 2 * D / TAU_X) / TAU_X,
        (-vxa - STRENGTH * va) / TAU_X + (vx - vxa) / TAU_A,
        2 * (vxa - va) / TAU_A,
    )


def by_hand(par, t1):
    """K, kappa[target, source] and Delta at t1 under LowRank, from rest: a state for every neuron
    filter, loops over populations.
    """
    N, al, J, g = (np.asarray(getattr(par, n)) for n in ("N", "fractions", "mean", "g"))
    con, div, chn, rec, inp = (
        np.asarray(getattr(par, f"tau_{n}")) for n in ("con", "div", "chn", "rec", "inp")
    )
    I, h, sig, D = (
        np.asarray(v) for v in (par.input(0.0), par.in_strength(0.0), par.spread(0.0), par.noise)
    )
    A = 1 - np.einsum("pqq->pq", con) - np.einsum("qpp->pq", div)
    B = rec - np.einsum("pqp->pq", chn) - np.einsum("qpq->pq", chn)

    def variance(kappa, rho, z, V):
        Delta = z**2 + V
        for p in range(2):
            for q in range(2):
                Delta[p] += A[p, q] * g[p, q] ** 2 * rho[p, q] ** 2 / al[q]
                for r in range(2):
                    Delta[p] += N * g[p, q] * g[p, r] * con[p, q, r] * kappa[p, q] * kappa[p, r]
        return Delta

    def field(t, y):
        K, kap, rho, e, c, z, V = split(y)  # c[q, p]: through the synapses of q onto p
        Delta = variance(kap[0], rho[0], z[0], V[:, 0])
        width = np.sqrt(1 + 2 * Delta)
        R, G = (
            1 + erf((K[0] - 0.5) / width),
            2 / np.sqrt(np.pi) / width * np.exp(-(((K[0] - 0.5) / width) ** 2)),
        )
        dK, dkap, drho, de, dc, dz, dV = (np.zeros_like(v) for v in (K, kap, rho, e, c, z, V))
        for p in range(2):
            total = I[p] + c[:, p].sum() + sum(N * J[p, q] * e[q] for q in range(2))
            dK[0, p], dK[1, p] = membrane(p, K[0, p], K[1, p], total)
            dz[0, p], dz[1, p] = membrane(p, z[0, p], z[1, p], sig[p])
            de[p] = (al[p] * R[p] - e[p]) / SYN[p]
            for q in range(2):
                dkap[0, p, q], dkap[1, p, q] = membrane(p, kap[0, p, q], kap[1, p, q], e[q] + h[q])
                drho[0, p, q], drho[1, p, q] = membrane(p, rho[0, p, q], rho[1, p, q], e[q])
                through = sum(N * g[p, q] * g[q, r] * chn[p, q, r] * kap[0, q, r] for r in range(2))
                through += (
                    g[p, q] * g[q, p] * B[p, q] * rho[0, q, p] / al[p]
                    + np.sqrt(N) * g[p, q] * inp[p, q] * z[0, q]
                )
                dc[q, p] = (al[q] * G[q] * through - c[q, p]) / SYN[q]
            dV[p] = noisy(p, V[p], D[p])
        return np.concatenate([v.ravel() for v in (dK, dkap, drho, de, dc, dz, dV)])

    y = solve_ivp(field, (0, t1), np.zeros(36), rtol=1e-10, atol=1e-12, method="DOP853").y[:, -1]
    K, kap, rho, _, _, z, V = split(y)
    return K[0], kap[0], variance(kap[0], rho[0], z[0], V[:, 0]), V[:, 0]


@pytest.fixture(scope="module")
def system():
    return mf.compile(mf.derive(mf.Architecture(["E", "I"], ERF, **FILTERED), mf.LowRank()))


@pytest.mark.parametrize("t1", [0.7, 6.0])
def test_filters_and_all_inputs(system, numbers, t1):
    K, kappa, Delta, V = by_hand(numbers, t1)
    run = mf.integrate(system, numbers, t1, rtol=1e-10, atol=1e-12)
    last = run.dataset.isel(time=-1)
    for name, expected in (
        ("mean", K),
        ("kappa", kappa),
        ("variance", Delta),
        ("noise_variance", V),
    ):
        np.testing.assert_allclose(last[name], expected, rtol=2e-7, atol=1e-9, err_msg=name)
    assert last["kappa"].dims == ("membrane", "population")
    assert list(last["membrane"].values) == ["E", "I"]


@pytest.mark.slow
def test_the_fixed_point_does_not_depend_on_time_constants(numbers):
    plain = numbers.replace(
        spread=0.0, in_strength=0.0, tau_inp=np.zeros((2, 2)), noise=np.zeros(2)
    )
    unit = mf.fixed_point(
        mf.compile(mf.derive(mf.Architecture(["E", "I"], ERF))), plain, throw=True
    )
    slow = mf.compile(
        mf.derive(
            mf.Architecture(
                ["E", "I"],
                ERF,
                membrane={"E": mf.filters.membrane(1), "I": mf.filters.membrane(0.4)},
                synapse=mf.filters.exponential(0.6) * mf.filters.gamma_delay(0.5, 2),
            )
        )
    )
    found = mf.fixed_point(slow, plain, throw=True)
    for name in ("mean", "variance", "rate"):
        np.testing.assert_allclose(found.dataset[name], unit.dataset[name], rtol=1e-9)
    # K: 2; kappa: 2 x 2; e, its inner states: 2, 4; current: 2, 4
    assert len(found.eigenvalues) == 2 + 4 + 2 + 4 + 2 + 4


@pytest.mark.slow
def test_time_constants_are_parameters(system, numbers):
    """Differentiable: the gradient of a trajectory with respect to a time constant is its
    difference quotient.
    """
    from motifield.numerics.system.trajectories import trajectory

    @jax.jit
    def end(tau):
        par = numbers.replace(membrane={"tau": tau})
        return trajectory(
            system, par, system.rest(2), jnp.array([0.0, 2.0]), rtol=1e-10, atol=1e-12
        )[0].K[-1, 1]

    tau = jnp.array([1.0, 0.7])
    gradient = jax.jit(jax.grad(end))(tau)
    for k in range(2):
        step = jnp.zeros(2).at[k].set(1e-4)
        assert float(gradient[k]) == pytest.approx(
            float(end(tau + step) - end(tau - step)) / 2e-4, rel=1e-5
        )


def test_parameters_that_do_not_fit(system, numbers):
    with pytest.raises(ParameterError, match="add 'noise' to its inputs"):
        mf.integrate(
            mf.compile(mf.derive(mf.Architecture(["E", "I"], ERF))),
            numbers.replace(spread=0.0, in_strength=0.0, tau_inp=np.zeros((2, 2))),
        )
    with pytest.raises(ParameterError, match="tau"):
        mf.integrate(system, numbers.replace(membrane={"tau": [-1.0, 0.7]}))
    with pytest.raises(ParameterError, match="rise"):
        mf.integrate(system, numbers.replace(synapse={"rise": 1.0}))


def response(above, below, t):
    """Step response of a filter by the observer form, from its states."""
    filters = linear.observer(above, below, 1, len(below) - 1)
    order = len(below) - 1

    @jax.jit
    def field(y):
        if order == 1:
            return linear.low_pass(y, jnp.ones(1), filters)
        return jnp.concatenate(linear.respond(y[:1], y[1:], jnp.ones(1), filters, order))

    return solve_ivp(
        lambda _, y: np.asarray(field(y)), (0, t), np.zeros(order), rtol=1e-9, atol=1e-11
    ).y[0, -1]


@pytest.mark.parametrize("order", [1, 2, 5])
def test_observer_form(order):
    """1 / (1 + s d / n)^n answers a step with the distribution function of a gamma variable of mean
    d.
    """
    from scipy.stats import gamma

    below = np.polynomial.polynomial.polypow([1, 2.0 / order], order)
    for t in (0.7, 3.0):
        assert response([1.0], list(below), t) == pytest.approx(
            gamma.cdf(t, order, scale=2.0 / order), abs=1e-7
        )


def test_filters_of_different_orders_side_by_side():
    low, high = (
        linear.observer([0.5], [1, 2.0], 2, 3),
        linear.observer([1.0, 0.3], [1, 2.0, 1.5, 0.4], 2, 3),
    )
    both = linear.select([low, high], (0, 1))
    np.testing.assert_allclose(both.gain((1, 3)), [0.5, 1.0])
    z, inner = jnp.array([0.3, -0.2]), jnp.array([0.4, 0.1])
    d, d_inner = linear.respond(z, inner, jnp.array([1.0, 2.0]), both, (1, 3))
    alone, rest = linear.respond(z[1:], inner, jnp.array([2.0]), high.at(np.array([1])), 3)
    np.testing.assert_allclose(d, [(0.5 - 0.3) / 2, float(alone[0])])
    np.testing.assert_allclose(d_inner, rest)
