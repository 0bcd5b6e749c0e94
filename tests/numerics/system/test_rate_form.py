"""Units without a membrane: tau dr/dt = -r + phi(x) with x = sum_j J_ij r_j + I."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

import motifield as mf
from motifield.errors import ArchitectureError, ParameterError
from motifield.numerics.simulation import input_offsets
from motifield.numerics.system import Autonomous

PHI = "1 + erf((x - 1)/sqrt(2))"
MEAN = {"E": {"E": 0.002, "I": -0.008}, "I": {"E": 0.003, "I": -0.004}}
TAU = {"E": 1.0, "I": 0.4}


def architecture(membrane="1", synapse=None, inputs=(), transfer=PHI):
    synapse = (
        {k: {"function": "exponential", "tau": v} for k, v in TAU.items()}
        if (synapse is None)
        else synapse
    )
    return mf.Architecture(
        ["E", "I"], transfer, membrane=membrane, synapse=synapse, inputs=list(inputs)
    )


def system(**options):
    return mf.compile(mf.derive(architecture(**options), mf.SecondMoment()))


def parameters(N=400, **changes):
    given = {"g": 0.2, "input": {"E": 0.8, "I": 0.4}, "motifs": mf.Motifs.shared(0.02)}
    own = {"N": N, "fractions": {"E": 0.8, "I": 0.2}, "mean": MEAN} | given | changes
    return mf.Parameters.of(**own)


def oscillating(t):
    return jnp.stack([0.8 + 0.6 * jnp.sin(2.0 * t), 0.4 - 0.3 * jnp.sin(2.0 * t)])


def rate_loop(network, tau, times, drive, offsets=0.0, start=0.0, dt=0.02):
    """Independent of the package: the classic Runge-Kutta method on tau dr/dt = -r + phi(W r + I).

    Returns x and phi(x) of all neurons at the times, multiples of dt.
    """
    W, label = np.asarray(network.matrix), network.labels
    tau, r = tau[label], np.broadcast_to(start, label.shape).astype(float)

    def current(t, r):
        return W @ r + np.asarray(drive(t))[label] + offsets

    def slope(t, r):
        return (-r + 1 + erf((current(t, r) - 1) / np.sqrt(2))) / tau

    found = []
    for n in range(round(times[-1] / dt) + 1):
        t = n * dt
        if np.isclose(times, t).any():
            found.append(current(t, r))
        a = slope(t, r)
        b = slope(t + dt / 2, r + dt / 2 * a)
        c = slope(t + dt / 2, r + dt / 2 * b)
        r = r + dt / 6 * (a + 2 * b + 2 * c + slope(t + dt, r + dt * c))
    return np.array(found)


TIMES = np.array([0.0, 0.5, 1.0, 2.0, 4.0])


def test_simulated_networks_follow_the_rate_equations():
    """Neuron by neuron, under a time-dependent input and offsets, from r = .3 and .1."""
    own = parameters(80, input=oscillating, spread=0.3)
    network = mf.sample(own, seed=3)
    made = system(inputs=["spread"])
    how = {"t1": 4.0, "saveat": TIMES, "initial": {"E": 0.3, "I": 0.1}, "record": range(80)}
    run = mf.simulate(made, network, own, **how, rtol=1e-9, atol=1e-11)
    xi = input_offsets(network)
    tau = np.array([TAU["E"], TAU["I"]])
    start = np.array([0.3, 0.1])[network.labels]
    by_hand = rate_loop(network, tau, TIMES, oscillating, 0.3 * xi, start, dt=0.01)
    np.testing.assert_allclose(run.dataset["trajectory"], by_hand, atol=1e-6)
    np.testing.assert_allclose(run.dataset["x"], by_hand[-1], atol=1e-6)


def test_a_simulation_goes_on_from_its_rates():
    own = parameters(40)
    network = mf.sample(own, seed=3)
    how = {"rtol": 1e-9, "atol": 1e-11}
    whole = mf.simulate(system(), network, own, t1=2.0, **how)
    half = mf.simulate(system(), network, own, t1=1.0, **how)
    on = mf.simulate(system(), network, own, t1=2.0, resume=half, **how)
    np.testing.assert_allclose(on.dataset["x"], whole.dataset["x"], atol=1e-6)


def test_sampled_networks_in_rate_form_follow_the_theory():
    """Two time constants, a time-dependent input; networks by the loop above."""
    own = parameters(600, input=oscillating, g=0.1)
    solution = mf.integrate(system(), own, 4.0, saveat=TIMES)
    tau, seen = np.array([TAU["E"], TAU["I"]]), []
    for seed in range(5):
        network = mf.sample(own, seed=seed)
        x = rate_loop(network, tau, TIMES, oscillating, dt=0.05)
        parts = [x[:, network.labels == p] for p in (0, 1)]
        r = [1 + erf((v - 1) / np.sqrt(2)) for v in parts]
        seen.append(
            [
                [f(v) for v in values]
                for f, values in (
                    (lambda v: v.mean(1), parts),
                    (lambda v: v.var(1), parts),
                    (lambda v: v.mean(1), r),
                )
            ]
        )
    seen = np.array(seen)
    error = seen.std(0, ddof=1) / np.sqrt(len(seen))
    for k, name in enumerate(("mean", "variance", "rate")):
        left = np.abs(seen.mean(0)[k].T - solution.dataset[name].values)
        assert np.all(left <= 4 * error[k].T + 0.01), (name, left, error[k].T)
    # at once: the mean follows the input at t = 0, where all rates r are 0
    np.testing.assert_allclose(solution.dataset["mean"][0], oscillating(0.0), atol=1e-12)


def test_the_equivalent_form_under_a_time_dependent_input():
    """With equal synapses x = J r + I obeys tau dx/dt = -x + J phi(x) + I + tau dI/dt."""
    every = ["spread", "in-strength", "out-strength"]
    own = parameters(
        input=oscillating, spread=[0.3, 0.2], in_strength=[0.1, -0.2], tau_inp=[[0.05, 0.02]] * 2
    )
    rate = system(synapse="1/(1 + s/2)", inputs=every)
    current = system(membrane="1/(1 + s/2)", synapse="1", inputs=every)
    moved = own.replace(input=lambda t: oscillating(t) + jnp.array([0.6, -0.3]) * jnp.cos(2.0 * t))
    a = mf.integrate(rate, own, 4.0, saveat=TIMES)
    start = {"mean": oscillating(0.0), "kappa": [0.1, -0.2], "filtered_spread": [0.3, 0.2]}
    b = mf.integrate(current, moved, 4.0, saveat=TIMES, initial=start)
    for name in ("mean", "variance", "rate", "kappa", "filtered_rate", "rms_rate"):
        np.testing.assert_allclose(a.dataset[name], b.dataset[name], atol=1e-6)


def test_the_dynamics_are_those_of_the_equivalent_form_in_other_variables():
    """At any state: K = N Jbar e + currents + I, kappa = e; the same eigenvalues."""
    own = parameters()
    rate, current = system(synapse="1/(1 + s/2)"), system(membrane="1/(1 + s/2)", synapse="1")
    a, b = (Autonomous(s, 2) for s in (rate, current))
    rest = rate.rest(2)._replace(
        e=jnp.array([0.3, 0.1]), v=jnp.array([0.5, 0.6]), current=jnp.array([[0.2, -0.1]])
    )
    y = a.follow(a.flat(rest), own)
    now = a.state(y)
    z = b.flat(current.State(K=now.K, kappa=now.kappa, s=now.s))
    np.testing.assert_allclose(a.observables(y, own)["rate"], b.observables(z, own)["rate"])
    first, second = np.asarray(a.jacobian(y, own)), np.asarray(b.jacobian(z, own))
    values, vectors = a.modes(first)
    assert a.moving.sum() == len(second) == 6
    expected = np.linalg.eigvals(second)
    np.testing.assert_allclose(np.sort_complex(values), np.sort_complex(expected), atol=1e-8)
    np.testing.assert_allclose(
        np.sort_complex(values), np.sort_complex(np.linalg.eigvals(a.of_states(first))), atol=1e-10
    )
    # the modes of what follows are modes of the equivalent form, whose states these are
    followed = vectors[[k for k, (n, _) in enumerate(a.latents()) if n in ("K", "kappa", "s")]]
    assert np.linalg.matrix_rank(followed) == 6
    np.testing.assert_allclose(second @ followed, followed * values, atol=1e-8)


def test_jumps_of_the_input_reach_the_mean_at_once():
    own = parameters(input=mf.inputs.pulse(1.0, 2.0, 0.5))
    ts = np.array([0.0, 0.999999, 1.0, 1.000001, 3.0])
    mean = mf.integrate(system(), own, 3.0, saveat=ts).dataset["mean"].values
    assert np.all(np.abs(mean[3] - mean[1] - 0.5) < 1e-4)
    assert np.all(np.abs(mean[2] - mean[3]) < 1e-4)


@pytest.mark.slow
def test_fixed_points_are_those_of_the_equivalent_form():
    rate, current = system(synapse="1/(1 + s)"), system(membrane="1/(1 + s)", synapse="1")
    a, b = (mf.fixed_points(s, parameters()) for s in (rate, current))
    assert len(a.points) == len(b.points) == 1
    for name in ("mean", "variance", "rate", "kappa"):
        np.testing.assert_allclose(a.points[0].dataset[name], b.points[0].dataset[name], rtol=1e-8)
    # every eigenvalue of the equivalent form, and none of what has no dynamics
    left, right = (np.sort_complex(p.points[0].eigenvalues) for p in (a, b))
    assert len(left) == len(right)
    np.testing.assert_allclose(left, right, atol=1e-6)


@pytest.mark.slow
def test_two_time_constants_keep_the_fixed_points_and_change_the_growth():
    """Eigenvalues of the equations are outliers of the linearised network, by another route."""
    own = parameters()
    made = system()
    point = mf.fixed_point(made, own)
    other = mf.fixed_point(system(membrane="1/(1 + s)", synapse="1"), own)
    np.testing.assert_allclose(point.dataset["mean"], other.dataset["mean"], rtol=1e-8)
    found = mf.stability(made, own, point)
    assert found.stable
    assert point.stable
    distance = np.abs(found.jacobian.outliers[:, None] - point.eigenvalues[None, :]).min(axis=1)
    assert np.all(distance < 1e-6)


@pytest.mark.slow
def test_the_linear_response_has_the_input_at_once():
    """x = h + I: K of the equivalent form times 1 + i omega tau."""
    own, omega = parameters(), [0.0, 0.7, 30.0]
    rate, current = system(synapse="1/(1 + s/2)"), system(membrane="1/(1 + s/2)", synapse="1")
    a, b = (mf.response(s, own).frequency(omega) for s in (rate, current))
    factor = 1 + 0.5j * np.array(omega)[:, None, None]
    for name in ("mean", "variance", "rate"):
        np.testing.assert_allclose(a[name], factor * b[name].values, rtol=1e-6, atol=1e-9)


def test_one_population_alone_may_have_no_membrane():
    """Its mean follows at once, that of the other through its own membrane."""
    mixed = system(membrane={"E": "1", "I": "1/(1 + s/5)"})
    own = parameters(80, input=oscillating)
    solution = mf.integrate(mixed, own, 2.0, saveat=[0.0, 2.0])
    np.testing.assert_allclose(solution.dataset["mean"][0], [0.8, 0.0], atol=1e-12)
    run = mf.simulate(mixed, mf.sample(own, seed=1), own, t1=1.0)
    assert run.status.ok
    np.testing.assert_allclose(run.dataset["mean"][0], [0.8, 0.0], atol=1e-12)


@pytest.mark.slow
def test_one_population_without_a_membrane_has_the_same_fixed_points():
    mixed = system(membrane={"E": "1", "I": "1/(1 + s/5)"})
    point = mf.fixed_point(mixed, parameters())
    other = mf.fixed_point(system(membrane="1/(1 + s)", synapse="1"), parameters())
    np.testing.assert_allclose(point.dataset["mean"], other.dataset["mean"], rtol=1e-8)
    assert point.stable


def test_what_follows_at_once_has_no_initial_value():
    with pytest.raises(ParameterError, match="population E: its membrane is 1.*synaptic_rate"):
        mf.integrate(system(), parameters(), 1.0, initial={"mean": 0.3})
    start = {"synaptic_rate": {"E": 0.8, "I": 0.2}}
    first = mf.integrate(system(), parameters(), 1.0, initial=start).dataset["mean"][0].values
    r = np.array([1.0, 1.0])  # alpha r is given
    mean = 400 * np.array([[0.002, -0.008], [0.003, -0.004]]) * [0.8, 0.2]
    np.testing.assert_allclose(first, mean @ r + [0.8, 0.4], rtol=1e-10)


def test_code_of_other_architectures_has_no_part_of_it():
    plain = system(membrane="1/(1 + s)")
    assert "follow" not in plain.source
    assert "now." not in plain.source
    assert "def follow(state, drive, c):" in system().source


def test_exports_without_follow_are_refused(tmp_path):
    equations = mf.derive(architecture(), mf.LowRank())
    for name in ("a.np.py", "a.jl", "a.ode"):
        with pytest.raises(ArchitectureError, match="cannot have the membrane 1: save the JAX"):
            mf.export.save(equations, parameters(), tmp_path / name)
    assert not list(tmp_path.iterdir())
