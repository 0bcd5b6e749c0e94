"""Simulated networks with filters, heterogeneous inputs and noise, against equations written out by
hand and against exact moments.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sps
from scipy.integrate import solve_ivp
from scipy.linalg import solve_continuous_lyapunov

from motifield import Architecture, Motifs, Network, Parameters, sample
from motifield.errors import NetworkError, ParameterError
from motifield.inputs import pulse
from motifield.numerics.simulation import SimulationOptions, integrate_network
from motifield.numerics.simulation.noise import Noise
from motifield.numerics.system.units import Units
from motifield.theory.architecture import filters

TAU, STRENGTH, TAU_A, TAU_I, TAU_S, DELAY = 0.8, 1.5, 6.0, 0.4, 0.3, 1.5
ADAPTING = filters.adapting(tau=TAU, strength=STRENGTH, tau_a=TAU_A)
SHIFT = np.array([0.5, -0.25])
EDGES = (0.9, 1.3, 2.1)


def phi(x, p):
    return 1 + jnp.tanh((1 + p) * (x - SHIFT[p]))


def phi_numpy(x, labels):
    return 1 + np.tanh((1 + labels) * (x - SHIFT[labels]))


def units_of(membrane=filters.UNIT, synapse=filters.INSTANTANEOUS, P=1, noise=0.0):
    names = [str(k + 1) for k in range(P)]
    numbers = Parameters.of(
        populations=names, N=10 * P, fractions=[1 / P] * P, mean=0.0, g=0.0, noise=noise
    )
    return Units.of(Architecture(names, "tanh(x)", membrane=membrane, synapse=synapse), numbers)


@pytest.fixture(scope="module")
def units():
    """An adapting membrane with exponential synapses, and a plain one whose synapses have a
    gamma-distributed delay.
    """
    return units_of(
        {"1": ADAPTING, "2": filters.membrane(TAU_I)},
        {"1": filters.exponential(TAU_S), "2": filters.gamma_delay(DELAY, 3)},
        2,
    )


@pytest.fixture(scope="module")
def network():
    """Populations are interleaved and their sizes differ."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([0, 1], [18, 12]))
    return Network.of(
        rng.normal(0.02, 0.25, (30, 30)),
        labels,
        ["E", "I"],
        rows=rng.normal(0, 0.7, (30, 2)),
        offsets=rng.normal(size=30),
    )


INPUTS = {
    "input": pulse(1.3, 2.1, [2.0, -1.0], [0.1, 0.3]),
    "spread": {"times": [0.9, 3.0], "values": [0.2, [0.9, 0.5]], "kind": "table"},
    "in_strength": {"times": [0.9], "values": [[0.4, -0.3], [0.1, 0.8]]},
}


def by_hand(network, x0, times):
    """tau dx = -x - k a + input, tau_a da = -a + x for E; tau dx = -x + input for I; synapses: one
    stage, three stages.

    In the observer form the second state starts at 0: a(0) = tau x(0) / (k tau_a).
    """
    J, labels, N = np.asarray(network.weights), network.labels, network.N
    E = labels == 0
    tau = np.where(E, TAU, TAU_I)

    def change(t, y):
        x, a, s, d1, d2, d3 = y.reshape(6, N)
        r = phi_numpy(x, labels)
        step = np.array([2.1, -0.7]) if 1.3 <= t < 2.1 else np.array([0.1, 0.3])
        h = np.array([0.4, -0.3]) if t < 0.9 else np.array([0.1, 0.8])
        sigma = np.array([0.2, 0.2]) + np.clip((t - 0.9) / 2.1, 0, 1) * np.array([0.7, 0.3])
        u = (
            J @ np.where(E, s, d3)
            + step[labels]
            + network.rows @ h
            + sigma[labels] * network.offsets
        )
        stage = DELAY / 3
        parts = [(-x - np.where(E, STRENGTH, 0) * a + u) / tau, (-a + x) / TAU_A, (-s + r) / TAU_S]
        return np.concatenate([*parts, (r - d1) / stage, (d1 - d2) / stage, (d2 - d3) / stage])

    y = np.concatenate([x0, TAU / (STRENGTH * TAU_A) * x0, np.zeros(4 * N)])
    found, start = [], 0.0
    for stop in (*EDGES, 3.0, times[-1]):
        wanted = times[(times >= start) & ((times < stop) | (stop == times[-1]))]
        # a jump belongs to what follows
        solution = solve_ivp(
            lambda t, y, end=stop: change(min(t, np.nextafter(end, 0)), y),
            (start, stop),
            y,
            method="DOP853",
            t_eval=np.unique([*wanted, stop]),
            rtol=1e-11,
            atol=1e-12,
        )
        found.append(solution.y[:N, : len(wanted)].T)
        y, start = solution.y[:, -1], stop
    return np.concatenate(found)


def test_filters_and_heterogeneous_inputs_against_scipy(network, units):
    times, x0, record = np.linspace(0, 6, 31), np.linspace(-0.5, 0.7, 30), [7, 0, 29]
    found = integrate_network(
        network,
        phi,
        units=units,
        **INPUTS,
        t1=6,
        saveat=times,
        initial=x0,
        rtol=1e-9,
        atol=1e-10,
        record=record,
    )
    expected = by_hand(network, x0, times)
    assert found.status == "ok"
    for p in range(2):
        own = expected[:, network.members(p)]
        np.testing.assert_allclose(found["mean"][:, p], own.mean(1), rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found["variance"][:, p], own.var(1), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found["x"], expected[-1], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found["trajectory"], expected[:, record], rtol=1e-5, atol=1e-7)


def test_plain_units_change_nothing(network):
    options = {"input": INPUTS["input"], "t1": 4.0}
    np.testing.assert_array_equal(
        integrate_network(network, phi, units=Units(), **options)["x"],
        integrate_network(network, phi, **options)["x"],
    )


def test_heterogeneous_inputs_of_plain_units(network):
    """Without synapses x_i = (I_p + sum_q h_q u_iq + sigma_p xi_i) (1 - exp(-t))."""
    quiet = Network.of(
        np.zeros((30, 30)), network.labels, ["E", "I"], rows=network.rows, offsets=network.offsets
    )
    found = integrate_network(
        quiet,
        phi,
        input=[0.5, 0.2],
        in_strength={"E": 0.3, "I": -0.6},
        spread=[0.1, 2.0],
        t1=2,
        rtol=1e-9,
        atol=1e-10,
    )
    expected = (
        np.array([0.5, 0.2])[network.labels]
        + network.rows @ [0.3, -0.6]
        + np.array([0.1, 2.0])[network.labels] * network.offsets
    )
    np.testing.assert_allclose(found["x"], expected * (1 - np.exp(-2)), atol=1e-8)


@pytest.mark.parametrize("sparse", [False, True])
def test_rows_that_are_not_known_are_measured(network, sparse):
    weights = np.where(np.abs(network.weights) > 0.2, network.weights, 0)
    other = Network.of(sps.csr_array(weights) if sparse else weights, network.labels, ["E", "I"])
    sums = np.stack([weights[:, network.members(q)].sum(1) for q in range(2)], 1)
    for p in range(2):
        sums[network.members(p)] -= sums[network.members(p)].mean(0)
    np.testing.assert_allclose(other.in_strengths(), 30 * sums / np.array([18, 12]), atol=1e-12)
    found = integrate_network(other, lambda x, p: 0 * x, in_strength=[0.2, 0.7], t1=40)
    np.testing.assert_allclose(found["x"], other.in_strengths() @ [0.2, 0.7], atol=1e-4)
    np.testing.assert_array_equal(network.in_strengths(), network.rows)


def test_offsets_that_are_not_known_are_drawn_from_the_seed():
    first, again, other = (
        integrate_network(quiet_network(900), identity, spread=2.0, t1=20, seed=seed)["x"]
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first, other)[0, 1]) < 4 / 30
    # the standard error of a variance is sqrt(2 / 900) of it
    assert abs(np.var(first) / 4 - 1) < 4 * np.sqrt(2 / 900)


def fixed_point_by_hand(parameters, h, sigma):
    """docs/theory.md, section 2 for one population without residual reciprocity: K, Delta and kappa
    at rest.
    """
    N, g, con, chn, inp = (
        float(np.asarray(v).ravel()[0])
        for v in (
            parameters.N,
            parameters.g,
            parameters.tau_con,
            parameters.tau_chn,
            parameters.tau_inp,
        )
    )
    div, drive, mean = (
        float(np.asarray(v).ravel()[0])
        for v in (parameters.tau_div, parameters.input(0.0), parameters.mean)
    )
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    K = kappa = Delta = 0.0
    for _ in range(400):
        x = K + np.sqrt(Delta) * nodes
        R, G, C = (
            weights @ v / weights.sum()
            for v in (1 + np.tanh(x), np.cosh(x) ** -2, (1 + np.tanh(x)) ** 2)
        )
        K += 0.2 * (
            N * mean * R + G * (N * g**2 * chn * kappa + np.sqrt(N) * g * inp * sigma) + drive - K
        )
        kappa += 0.2 * (R + h - kappa)
        Delta += 0.2 * (N * g**2 * con * kappa**2 + (1 - con - div) * g**2 * C + sigma**2 - Delta)
    return K, Delta


def test_sampled_networks_with_heterogeneous_inputs_have_the_mean_field_s_fixed_point():
    """Chains, inputs along the in-strengths, a spread, and its correlation with the out-strengths;
    without any of the last three the mean or the variance is wrong by more than is allowed here.
    Eight networks; their bias is of order 1/N.
    """
    N, h, sigma = 1200, -0.5, 0.6
    motifs = Motifs.homogeneous(convergent=0.01, divergent=0.02, chain=0.008, reciprocal=0.016)
    parameters = Parameters.of(
        N=N, fractions=[1.0], mean=-1.0 / N, g=0.25, motifs=motifs, input=0.4, tau_inp=0.1
    )
    seen = []
    for seed in range(8):
        network = sample(parameters, seed, dtype=np.float32)
        end = integrate_network(
            network,
            tanh_rate,
            input=0.4,
            in_strength=h,
            spread=sigma,
            t1=25,
            saveat=[25.0],
            throw=True,
        ).dataset.isel(time=-1)
        seen.append([float(end["mean"][0]), float(end["variance"][0])])
    error = np.std(seen, 0, ddof=1) / np.sqrt(8)
    expected = np.array(fixed_point_by_hand(parameters, h, sigma))
    allowed = 4 * error + 5 / N
    assert np.all(np.abs(np.mean(seen, 0) - expected) < allowed)
    without = [
        (parameters, 0.0, sigma),
        (parameters, h, 0.0),
        (parameters.replace(tau_inp=[[0.0]]), h, sigma),
    ]
    for case in without:
        assert np.any(np.abs(np.array(fixed_point_by_hand(*case)) - expected) > 2 * allowed)


def tanh_rate(x, p):
    return 1 + jnp.tanh(x)


# ---- noise


def quiet_network(n):
    return Network.of(np.zeros((n, n)), np.zeros(n, int))


def identity(x, p):
    return x


def samples(network, units, spacing, count, lag=0.0, **options):
    """x at `count` times, after ten spacings, over (time, neuron); with a lag, at pairs
    of times.
    """
    times = spacing * np.arange(10, 10 + count)
    times = np.sort([*times, *times + lag]) if lag else times
    run = integrate_network(
        network, identity, units=units, t1=times[-1], saveat=times, record="all", **options
    )
    assert run.status == "ok"
    return run["trajectory"].values


def test_noise_in_units_without_synapses_has_variance_D_over_tau():
    """Samples 5 tau apart, correlated by exp(-5): 20000 independent ones, and the variance's
    standard error is 1 %.
    """
    tau, D = 0.7, 0.3
    pairs = samples(
        quiet_network(400), units_of(filters.membrane(tau), noise=D), 5 * tau, 50, lag=tau, seed=1
    )
    x, later = pairs[::2], pairs[1::2]
    assert abs(np.var(x) / (D / tau) - 1) < 4 * np.sqrt(2 / x.size) + (1 / 80) ** 2
    assert abs(np.mean(x)) < 4 * np.sqrt(D / tau / x.size)
    assert abs(np.corrcoef(x.ravel(), later.ravel())[0, 1] - np.exp(-1)) < 4 * (
        1 - np.exp(-2)
    ) / np.sqrt(x.size)


def test_the_error_of_a_step_is_the_stated_one():
    """Heun's method with h = dt / tau: x' = (1 - h + h^2/2) x + sqrt(2 D h) (1 - h/2) z, a
    stationary variance to write down.
    """
    h = 0.5
    exact = 2 * h * (1 - h / 2) ** 2 / (1 - (1 - h + h**2 / 2) ** 2)
    assert exact == pytest.approx(1 - (h / 2) ** 2, abs=0.02)
    x = samples(quiet_network(400), units_of(noise=1.0), 5.0, 80, dt=h, seed=1)
    assert abs(np.var(x) / exact - 1) < 4 * np.sqrt(2 / x.size)


@pytest.mark.slow
def test_noise_through_a_filter_of_second_order_has_lyapunov_s_variance():
    D = 0.3
    A = np.array([[-1 / TAU, -STRENGTH / TAU], [1 / TAU_A, -1 / TAU_A]])
    expected = solve_continuous_lyapunov(A, -np.diag([2 * D / TAU**2, 0]))[0, 0]
    assert expected < 0.95 * D / TAU
    x = samples(quiet_network(400), units_of(ADAPTING, noise=D), 30.0, 50, seed=1)
    assert abs(np.var(x) / expected - 1) < 4 * np.sqrt(2 / x.size) + 1e-3


def test_noise_in_a_linear_network_has_lyapunov_s_covariance():
    """dx = (-1 + J) x dt + sqrt(2 D_p) dW: the variances of both populations, only one of which has
    noise of its own.
    """
    rng = np.random.default_rng(2)
    J = rng.normal(0, 0.6 / np.sqrt(12), (12, 12))
    labels = rng.permutation(np.repeat([0, 1], 6))
    D = np.array([0.4, 0.0])
    expected = solve_continuous_lyapunov(-np.eye(12) + J, -np.diag(2 * D[labels]))
    copies = Network.of(np.kron(np.eye(20), J), np.tile(labels, 20))
    x = samples(copies, units_of(P=2, noise=D), 8.0, 75, seed=5).reshape(-1, 12)
    variance = expected.diagonal()
    error = np.sqrt((np.outer(variance, variance) + expected**2) / len(x))
    assert np.abs((np.cov(x.T) - expected) / error).max() < 4.5  # of 78 numbers
    assert variance[labels == 1].max() < variance[labels == 0].min()


def test_neurons_and_steps_have_independent_noise():
    """Without a membrane's memory: differences of x over steps short against tau."""
    x = integrate_network(
        quiet_network(50),
        identity,
        units=units_of(noise=0.5),
        t1=1,
        dt_save=1e-3,
        dt=1e-3,
        record="all",
        seed=1,
    )["trajectory"]
    increments = np.diff(x.values, axis=0) / np.sqrt(1e-3)
    assert abs(increments.var() - 1) < 4 * np.sqrt(2 / 50_000) + 2e-3
    across = np.corrcoef(increments.T)
    assert np.abs(across - np.eye(50)).max() < 5 / np.sqrt(1000)
    later = [np.mean(increments[k:] * increments[:-k]) for k in (1, 2, 7)]
    assert np.abs(later).max() < 4 / np.sqrt(50_000) + 1e-3


def test_noise_differs_from_step_to_step_late_in_a_long_run():
    """In float32, times from 10^6 on are the same for 62 steps of .001."""
    grid = 1e6 + 1e-3 * np.arange(100)
    noise = Noise.of(units_of(noise=1.0), (3,), (3,), grid, 0)
    values = np.array(
        [noise.contr(a, b) for a, b in zip(noise.grid[:-1], noise.grid[1:], strict=True)]
    )
    assert len(np.unique(values)) == values.size


def test_noise_is_the_seed_s_and_a_little_of_it_changes_little(network, units):
    """Heun's method in steps of .01 against Runge-Kutta: filters, inputs and jumps are those of the
    path without noise.
    """
    options = {**INPUTS, "t1": 4, "initial": 0.3, "record": "all"}
    quiet = integrate_network(network, phi, units=units, **options, rtol=1e-9, atol=1e-10)[
        "trajectory"
    ]
    little, first, again, other = (
        integrate_network(
            network,
            phi,
            units=Units(units.membrane, units.synapse, jnp.asarray([D, D / 5])),
            **options,
            dt=0.01,
            seed=seed,
        )["trajectory"]
        for D, seed in ((1e-16, 1), (0.1, 1), (0.1, 1), (0.1, 2))
    )
    assert np.abs(little - quiet).max() < 5e-4
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - quiet).max() > 0.1
    assert np.abs(first - other).max() > 0.1


def test_a_pulse_shorter_than_a_step_is_not_missed_with_noise():
    found = integrate_network(
        quiet_network(3),
        identity,
        units=units_of(noise=1e-16),
        input=pulse(20, 20.001, 1000.0),
        t1=20.5,
        saveat=[19.9, 20.001, 20.5],
    )
    exact = 1000 * (1 - np.exp(-0.001))
    np.testing.assert_allclose(
        found["mean"].values[:, 0], [0, exact, exact * np.exp(-0.499)], rtol=1e-4, atol=1e-6
    )


def test_steps_end_at_recorded_times_and_on_both_sides_of_jumps():
    options = SimulationOptions(dt=0.1, max_steps=100)
    grid = options.grid(np.array([0.25, 1.0]), np.array([0.5]), 0.0, 1.0, 1.0)
    assert {0.0, 0.25, np.nextafter(0.5, 0), 0.5, 1.0} <= set(grid)
    assert np.all(np.diff(grid) > 0)
    assert np.diff(grid).max() < 0.1 + 1e-12
    assert len(options.grid(np.array([1.0]), np.array([]), 0.0, 1.0, 1.0)) == 11


def test_runaway_activity_with_noise_is_reported():
    found = integrate_network(
        Network.of([[3.0]], [0]),
        identity,
        units=units_of(noise=0.1),
        t1=50,
        initial=1.0,
        throw=False,
    )
    assert found.status.startswith("diverged: |x| exceeds 1e+12 at t = 1")
    assert np.isnan(found["mean"][-1, 0])


def test_code_is_compiled_once_for_units_of_one_form(network, units):
    traced = []

    def counting(x, p):
        traced.append(p)
        return jnp.tanh(x)

    integrate_network(network, counting, units=units, in_strength=0.1, t1=1)
    count = len(traced)
    faster = jax.tree.map(lambda v: 0.9 * v, units)
    integrate_network(network, counting, units=faster, in_strength=0.2, t1=2)
    assert len(traced) == count


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        (
            {"units": units_of(noise=0.1, P=3)},
            ParameterError,
            "the units are those of 3 populations, the network has 2",
        ),
        (
            {"units": units_of(noise=0.1), "dt": 0.0},
            ParameterError,
            "dt = 0.0 must be a positive time",
        ),
        (
            {"units": units_of(noise=0.1), "dt": 1e-7},
            ParameterError,
            "noise needs 10000[0-9]* steps of at most dt = 1e-07 until t1 = 1, max_steps = 100000",
        ),
        ({"seed": -1}, NetworkError, "seed = -1 must be an integer"),
        ({"in_strength": [1.0, 2.0, 3.0]}, ParameterError, r"shape \(3,\)"),
        ({"spread": {"E": 1.0}}, ParameterError, r"names \['E'\]"),
    ],
)
def test_bad_options_are_refused(network, options, error, match):
    with pytest.raises(error, match=match):
        integrate_network(network, phi, **({"t1": 1.0} | options))
