"""Simulated networks against SciPy, and what is said when something goes wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sps
from scipy.integrate import solve_ivp

from motifield import Architecture, Network, filters, sample
from motifield.errors import NetworkError, ParameterError, SolverError
from motifield.inputs import Function, Steps, pulse
from motifield.numerics.simulation import integrate_network, network as simulation
from motifield.types import Units

SHIFT = np.array([0.5, -0.25])


def phi(x, p):
    """Differs by population, so that a mix-up shows."""
    return 1 + jnp.tanh((1 + p) * (x - SHIFT[p]))


def identity(x, p):
    """One function for several tests, which share what is compiled for it."""
    return x


def tanh(x, p):
    return jnp.tanh(x)


def phi_numpy(x, labels):
    return 1 + np.tanh((1 + labels) * (x - SHIFT[labels]))


@pytest.fixture(scope="module")
def network():
    """Populations are interleaved and their sizes differ."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([0, 1], [14, 9]))
    J = rng.normal(0.02, 0.25, (23, 23))
    J[rng.random(J.shape) < 0.5] = 0
    return Network.of(J, labels, ["E", "I"])


def reference(network, times, I, edges=(), x0=0.0):
    """SciPy, one segment between two edges at a time; DOP853 at 1e-11."""
    J, labels = np.asarray(network.weights), network.labels
    x, start, values = np.broadcast_to(np.asarray(x0, float), network.N), 0.0, []
    for stop in (*edges, times[-1]):
        wanted = times[(times >= start) & ((times < stop) | (stop == times[-1]))]
        drive = I((start + stop) / 2)[labels]
        solution = solve_ivp(
            lambda t, x, drive=drive: -x + J @ phi_numpy(x, labels) + drive,
            (start, stop),
            x,
            method="DOP853",
            t_eval=np.unique([*wanted, stop]),
            rtol=1e-11,
            atol=1e-12,
        )
        values.append(solution.y[:, : len(wanted)].T)
        x, start = solution.y[:, -1], stop
    return np.concatenate(values)


def moments(trajectory, network):
    r = phi_numpy(trajectory, network.labels)
    members = [network.members(p) for p in range(2)]
    pairs = {
        "mean": (trajectory, np.mean),
        "variance": (trajectory, np.var),
        "rate": (r, np.mean),
        "rate_sd": (r, np.std),
    }
    return {
        name: np.stack([f(values[:, m], axis=1) for m in members], 1)
        for name, (values, f) in pairs.items()
    }


def test_a_pulse_against_scipy(network):
    drive = pulse(1.3, 2.1, [2.0, -1.0], [0.1, 0.3])
    times = np.linspace(0, 5, 26)
    found = integrate_network(
        network, phi, input=drive, t1=5, saveat=times, rtol=1e-9, atol=1e-10, record="all"
    )
    expected = reference(network, times, lambda t: np.asarray(drive(t)), edges=(1.3, 2.1))
    assert found.status == "ok"
    assert found.t_end == 5
    np.testing.assert_allclose(found["trajectory"], expected, atol=2e-8)
    np.testing.assert_allclose(found["x"], expected[-1], atol=2e-8)
    np.testing.assert_allclose(found["r"], phi_numpy(expected[-1], network.labels), atol=2e-8)
    for name, value in moments(expected, network).items():
        np.testing.assert_allclose(found[name], value, atol=5e-8, err_msg=name)
    # the pulse matters: without it another trajectory
    assert (
        np.abs(
            found["mean"].sel(time=2, method="nearest") - moments(expected, network)["mean"][5]
        ).max()
        > 0.1
    )


def test_a_pulse_shorter_than_a_step_is_not_missed(network):
    """At rest the solver takes steps of order 1; a pulse of .001 and height 1000 adds 1 to
    every x.
    """
    quiet = Network.of(np.zeros((3, 3)), [0, 0, 0])
    found = integrate_network(
        quiet, identity, input=pulse(20, 20.001, 1000.0), t1=20.5, saveat=[19.9, 20.001, 20.5]
    )
    exact = 1000 * (1 - np.exp(-0.001))
    np.testing.assert_allclose(
        found["mean"].values[:, 0], [0, exact, exact * np.exp(-0.499)], rtol=1e-5, atol=1e-9
    )


def test_an_input_that_is_a_function_of_time():
    """dx/dt = -x + sin t from 0: x = (sin t - cos t + exp(-t)) / 2."""
    quiet = Network.of(np.zeros((2, 2)), [0, 0])
    found = integrate_network(
        quiet,
        identity,
        input=Function(lambda t: jnp.sin(t)[None]),
        t1=6,
        rtol=1e-9,
        atol=1e-10,
    )
    t = found["time"].values
    np.testing.assert_allclose(
        found["mean"][:, 0], (np.sin(t) - np.cos(t) + np.exp(-t)) / 2, atol=1e-8
    )


def test_a_short_pulse_of_a_function_is_not_missed():
    """As the pulse above, which code does not say where it jumps; the other population has none."""
    quiet = Network.of(np.zeros((2, 2)), [0, 1])
    own = {"1": lambda t: jnp.where((t >= 2.0) & (t < 2.001), 1000.0, 0.0), "2": 0.5}
    with pytest.warns(UserWarning, match=r"jumps=\[2, 2\.001\]"):
        found = integrate_network(quiet, identity, input=own, t1=2.5, rtol=1e-9, atol=1e-10)
    pulse = 1000 * -np.expm1(-0.001) * np.exp(-0.499)
    np.testing.assert_allclose(found["mean"][-1], [pulse, -0.5 * np.expm1(-2.5)], rtol=1e-6)


@pytest.mark.parametrize("large", [False, True])
def test_sparse_and_dense_agree(network, large, monkeypatch):
    monkeypatch.setattr(simulation, "DENSE_NEURONS", 0 if large else 5000)
    monkeypatch.setattr(simulation, "DENSE_FRACTION", 1.0)
    sparse = Network.of(sps.csr_array(network.weights), network.labels, network.populations)
    order = np.argsort(network.labels, kind="stable")
    assert (
        isinstance(simulation._matrix(sparse.weights, order, np.dtype(float)), jax.Array)
        is not large
    )
    options = {"input": 0.3, "t1": 4.0, "rtol": 1e-9, "atol": 1e-10}
    np.testing.assert_allclose(
        integrate_network(sparse, phi, **options)["x"],
        integrate_network(network, phi, **options)["x"],
        atol=1e-8,
    )


def test_float32_synapses_are_good_to_single_precision(network):
    exact = integrate_network(network, phi, input=0.3, t1=4, rtol=1e-9, atol=1e-10)
    single = integrate_network(network, phi, input=0.3, t1=4, dtype=np.float32)
    assert single.status == "ok"
    np.testing.assert_allclose(single["x"], exact["x"], atol=3e-5)
    assert np.abs(single["x"] - exact["x"]).max() > 0


@pytest.mark.parametrize("x0", [0.7, [0.2, -0.4], {"I": -0.4, "E": 0.2}, np.linspace(-1, 1, 23)])
def test_initial_values(network, x0):
    found = integrate_network(
        network,
        phi,
        input=0.0,
        t1=1,
        initial=x0,
        saveat=[0, 1],
        record=[3, 0, 22],
        rtol=1e-9,
        atol=1e-10,
    )
    start = (
        np.array([0.2, -0.4])[network.labels]
        if np.size(x0) < 23 and not np.isscalar(x0)
        else np.broadcast_to(x0, 23)
    )
    np.testing.assert_allclose(found["trajectory"][0], start[[3, 0, 22]])
    np.testing.assert_array_equal(found["recorded"], [3, 0, 22])
    np.testing.assert_allclose(
        found["x"],
        reference(network, np.array([0.0, 1.0]), lambda t: np.zeros(2), x0=start)[-1],
        atol=1e-8,
    )


def test_the_neurons_keep_the_network_s_order(network):
    found = integrate_network(network, phi, input=[5.0, -5.0], t1=30)
    assert list(found["label"].values) == [network.populations[k] for k in network.labels]
    assert (
        found["x"].values[network.labels == 0].min() > found["x"].values[network.labels == 1].max()
    )


def test_times_to_record(network):
    spaced = integrate_network(network, phi, t1=1.0, dt_save=0.1)
    np.testing.assert_allclose(spaced["time"], np.linspace(0, 1, 11))
    assert integrate_network(network, phi, t1=2.0)["time"].size == 201
    assert "trajectory" not in spaced.dataset


def test_code_is_compiled_once_per_shape(network):
    traced = []

    def counting(x, p):
        traced.append(p)
        return jnp.tanh(x)

    integrate_network(network, counting, input=0.1, t1=1)
    count = len(traced)
    assert count > 0
    integrate_network(network, counting, input=0.2, t1=2, initial=0.5)
    integrate_network(network.scaled(0.5), counting, input=0.3, t1=1)
    assert len(traced) == count


def test_progress_is_reported(network):
    seen = []
    integrate_network(network, phi, input=0.1, t1=20, progress=lambda *report: seen.append(report))
    jax.effects_barrier()
    assert {text for text, _ in seen} == {"simulating"}
    seen = [part for _, part in seen]
    assert len(seen) > 3
    assert seen[-1] == 1
    assert max(seen) <= 1


def test_runaway_activity_is_reported():
    """dx/dt = -x + 3 x from 1: x = exp(2 t) passes 1e12 at t = 13.8."""
    unstable = Network.of([[3.0]], [0])
    found = integrate_network(unstable, identity, t1=50, initial=1.0, throw=False)
    assert found.status.code == "diverged"
    assert found.status.startswith("diverged: |x| exceeds 1e+12 at t = 1")
    assert 13.8 < found.t_end < 16
    before = found["time"] < 13.8
    np.testing.assert_allclose(
        found["mean"][before, 0], np.exp(2 * found["time"][before]), rtol=1e-3
    )
    assert np.all(np.isnan(found["mean"][found["time"] > found.t_end]))
    with pytest.raises(SolverError, match="simulation of 1 neurons diverged"):
        integrate_network(unstable, identity, t1=50, initial=1.0)


def test_blow_up_in_finite_time_is_reported():
    """dx/dt = -x + x^2 from 2: x = 1 / (1 - exp(t) / 2) is infinite at t = log 2."""
    found = integrate_network(
        Network.of([[1.0]], [0]), lambda x, p: x**2, t1=5, initial=2.0, throw=False
    )
    assert found.status.startswith("diverged")
    assert found.t_end == pytest.approx(np.log(2), abs=1e-3)


def test_a_rate_that_is_not_finite_is_reported():
    """x = 1 - t / 100 or so at first, NaN below 1/2: the solver must not try for ever."""
    found = integrate_network(
        Network.of([[1.0]], [0]),
        lambda x, p: jnp.where(x > 0.5, 0.0, jnp.nan),
        t1=5,
        initial=1.0,
        throw=False,
    )
    assert found.status.startswith("diverged: no step is small enough at t = 0.69")
    assert np.isnan(found["mean"][-1, 0])
    assert found["x"][0] == pytest.approx(0.5, abs=1e-3)


def test_running_out_of_steps_is_reported(network):
    found = integrate_network(network, phi, input=0.1, t1=20, max_steps=5, throw=False)
    assert found.status.code == "not converged"
    assert found.status.startswith("stopped: max_steps was reached at t = ")
    with pytest.raises(SolverError, match="max_steps"):
        integrate_network(network, phi, input=0.1, t1=20, max_steps=5)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"t1": 0.0}, "t1 = 0.0 must be a positive time"),
        ({"t1": np.nan}, "t1 = nan must be"),
        ({"saveat": [0, 2]}, "saveat must be increasing times from 0 to t1 = 1"),
        ({"saveat": [0.5, 0.5]}, "saveat must be increasing"),
        ({"saveat": []}, "saveat must be increasing"),
        ({"dt_save": 2.0}, "dt_save = 2.0 must be positive and at most"),
        ({"dt_save": 0.1, "saveat": [1]}, "give one of them"),
        ({"rtol": -1.0}, "tolerances must be"),
        ({"initial": [1.0, 2.0, 3.0]}, r"initial has shape \(3,\)"),
        ({"initial": np.where(np.arange(23) == 4, np.nan, 0)}, "initial of neuron 4 is not finite"),
        ({"record": "everything"}, "record = 'everything' is unknown"),
        ({"record": [23]}, "indices of neurons from 0 to 22"),
        ({"record": [-1]}, "indices of neurons from 0 to 22"),
        ({"input": [1.0, 2.0, 3.0]}, r"input has shape \(3,\)"),
    ],
)
def test_bad_options_are_refused(network, options, match):
    with pytest.raises(ParameterError, match=match):
        integrate_network(network, phi, **({"t1": 1.0} | options))


def test_other_dtypes_are_refused(network):
    with pytest.raises(NetworkError, match="dtype int64"):
        integrate_network(network, phi, t1=1.0, dtype=int)


RUNS = (
    {"input": 0.2, "initial": 1.0},
    {"input": Steps(jnp.array([1.5]), jnp.array([[0.1, 0.3], [-0.4, 0.2]]))},
    {"initial": [2.0, -1.0]},
)


EXACT = {"rtol": 1e-9, "atol": 1e-11}


def units_of(parameters):
    """An adapting membrane and a plain one, with synapses of one stage and of two."""
    architecture = Architecture(
        ["E", "I"],
        "tanh(x)",
        membrane={"E": filters.adapting(1.0, 0.5, 3.0), "I": filters.membrane(0.5)},
        synapse={"E": filters.exponential(0.3), "I": filters.gamma_delay(0.4, 2)},
    )
    return Units.of(architecture, parameters)


@pytest.mark.parametrize("filtered", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_runs_at_once_are_runs_one_by_one(two_populations, filtered):
    """Inputs of several kinds, initial states and filters; recorded neurons, moments, ends."""
    network = sample(two_populations.rescaled(80), 2)
    units = units_of(two_populations) if filtered else None
    common = {
        "units": units,
        "input": -0.1,
        "t1": 3.0,
        "saveat": [1.0, 2.0, 3.0],
        "record": [3, 70],
        **EXACT,
    }

    def rates(x, p):
        """Every neuron with its own threshold, so that a rate taken along the wrong axis shows."""
        return jnp.tanh(x - jnp.linspace(0.0, 1.0, x.shape[0]))

    together = integrate_network(network, rates, runs=RUNS, **common)
    assert together["mean"].dims == ("run", "time", "population")
    for k, own in enumerate(RUNS):
        alone = integrate_network(network, rates, **(common | own))
        for name in alone.dataset.data_vars:
            np.testing.assert_allclose(
                together[name].isel(run=k), alone[name], rtol=1e-6, atol=1e-8
            )


@pytest.mark.parametrize("filtered", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_simulation_goes_on_from_its_end(two_populations, filtered):
    network = sample(two_populations.rescaled(80), 2)
    units = units_of(two_populations) if filtered else None
    steps = Steps(jnp.array([2.5]), jnp.array([[0.1, 0.3], [-0.4, 0.2]]))
    common = {"units": units, "input": steps, **EXACT}
    whole = integrate_network(network, tanh, t1=4.0, saveat=[1.0, 3.0, 4.0], initial=0.7, **common)
    first = integrate_network(network, tanh, t1=2.0, saveat=[0.5, 1.0, 2.0], initial=0.7, **common)
    rest = integrate_network(network, tanh, t1=4.0, saveat=[2.5, 3.0, 4.0], resume=first, **common)
    np.testing.assert_allclose(rest["x"], whole["x"], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(rest["mean"][1:], whole["mean"][1:], rtol=1e-7, atol=1e-9)
    assert rest.t_end == 4.0
    with pytest.raises(ParameterError, match="both say where to begin"):
        integrate_network(network, identity, t1=4.0, resume=first, initial=1.0, **common)
    with pytest.raises(ParameterError, match="must be a time after 2"):
        integrate_network(network, identity, t1=1.0, resume=first, **common)


@pytest.mark.slow
def test_runs_have_noise_of_their_own(two_populations):
    """Units without synapses: variance D / tau across neurons in each run, and no correlation
    between runs.
    """
    silent = Network.of(np.zeros((4000, 4000), np.float32), np.repeat([0, 1], 2000), ["E", "I"])
    units = Units.of(
        Architecture(
            ["E", "I"],
            "x",
            inputs=["noise"],
            membrane={"E": filters.membrane(1.0), "I": filters.membrane(0.5)},
        ),
        two_populations.replace(noise=[0.3, 0.8]),
    )
    x = integrate_network(
        silent, identity, units=units, t1=6.0, saveat=[6.0], runs=[{}, {"input": 0.5}]
    )["x"].values
    for p, (D, tau) in enumerate(((0.3, 1.0), (0.8, 0.5))):
        own = x[:, silent.labels == p]
        np.testing.assert_allclose(own.var(axis=1), D / tau, rtol=4 * np.sqrt(2 / 2000))
        np.testing.assert_allclose(own.mean(axis=1), [0, 0.5], atol=4 * np.sqrt(D / tau / 2000))
        assert abs(np.corrcoef(own)[0, 1]) < 4 / np.sqrt(2000)


def test_in_strengths_are_measured_once_for_all_runs(two_populations, monkeypatch):
    network = sample(two_populations.rescaled(60), 2)
    plain, calls = Network.of(network.weights, network.labels, network.populations), []
    measured = Network.in_strengths
    monkeypatch.setattr(Network, "in_strengths", lambda self: calls.append(1) or measured(self))
    together = integrate_network(
        plain,
        tanh,
        t1=1.0,
        runs=[{"in_strength": 0.2}, {"in_strength": [0.1, -0.3]}, {}],
    )
    assert len(calls) == 1
    alone = integrate_network(plain, tanh, t1=1.0, in_strength=[0.1, -0.3])
    np.testing.assert_allclose(together["x"][1], alone["x"], rtol=1e-4, atol=1e-5)


def test_bad_runs(two_populations):
    network = sample(two_populations.rescaled(80), 2)
    with pytest.raises(ParameterError, match="no 'seed' of its own"):
        integrate_network(network, identity, t1=1.0, runs=[{"seed": 1}])
    with pytest.raises(ParameterError, match="runs is empty"):
        integrate_network(network, identity, t1=1.0, runs=[])
