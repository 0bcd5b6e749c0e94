"""Trajectories against SciPy and against solutions known exactly; what goes wrong is said."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.stats import norm

from motifield import (
    Architecture,
    MotifOnly,
    Motifs,
    Parameters,
    compile,
    derive,
    filters,
    integrate,
    load,
    pure,
)
from motifield.errors import ParameterError, SolverError
from motifield.inputs import pulse
from motifield.numerics.results import Code

RELU = "Max(x - 1/4, 0)"


def leaky(input, *, N=10, P=2, mean=0.0):
    """Without motifs and variance: dK/dt = -K + N alpha mean phi(K) + I."""
    return Parameters.of(N=N, fractions=np.full(P, 1 / P), mean=mean, g=0.0, input=input)


def test_against_scipy(two_populations, system_of, by_hand, functions):
    system = system_of(RELU, "SecondMoment")
    parameters = two_populations.replace(input=[0.8, 0.5])
    found = integrate(system, parameters, 8.0, saveat=[0.0, 0.5, 2.0, 5.0, 8.0])
    hand = by_hand(parameters, [functions[RELU]] * 2, "SecondMoment")
    exact = solve_ivp(
        lambda t, y: hand(t, *y.reshape(3, 2)).ravel(),
        (0, 8),
        np.zeros(6),
        t_eval=found["time"].values,
        rtol=1e-10,
        atol=1e-12,
    )
    for name, values in zip(("mean", "kappa", "rms_rate"), exact.y.reshape(3, 2, -1), strict=True):
        np.testing.assert_allclose(found[name].values, values.T, rtol=1e-6, atol=1e-8)
    Delta = np.stack([hand.variance(y[1], y[2]) for y in exact.y.T.reshape(-1, 3, 2)])
    np.testing.assert_allclose(found["variance"].values, Delta, rtol=1e-6, atol=1e-8)
    assert found.status == "ok"
    assert np.abs(found["mean"].values[-1]).min() > 0.1  # not a comparison of zeros


def test_a_short_pulse_is_not_missed(system_of):
    """A pulse of width w and height a moves K by a (1 - exp(-w)), which then decays: exact for a
    leaky unit.
    """
    start, width, height = 17.3, 1e-3, [500.0, -200.0]
    ts = np.array([0.0, 17.0, start + width, 18.0, 25.0])
    found = integrate(system_of(RELU), leaky(pulse(start, start + width, height)), 25.0, saveat=ts)
    after = (
        np.where(ts >= start + width, np.exp(-(ts - start - width)), 0.0)[:, None]
        * np.array(height)
        * -np.expm1(-width)
    )
    np.testing.assert_allclose(found["mean"].values, after, rtol=1e-7, atol=1e-9)


def test_a_short_pulse_of_a_function_is_found_and_named(system_of):
    """The same, with the pulse as code that does not say where it jumps."""
    start, width, height = 17.3, 1e-3, 500.0

    def code(t):
        return jnp.where((t >= start) & (t < start + width), height, 0.0) * jnp.ones(2)

    with pytest.warns(UserWarning, match=r"jumps=\[17\.3, 17\.301\]"):
        found = integrate(system_of(RELU), leaky(code), 25.0, saveat=[0.0, 18.0])
    exact = height * -np.expm1(-width) * np.exp(-(18 - start - width))
    np.testing.assert_allclose(found["mean"].values[1], exact, rtol=1e-7)


def test_steps_and_tables_exactly(system_of):
    # I = 1 from t = 2: K = 1 - exp(-(t - 2)); a ramp I = t: K = t - 1 + exp(-t), from t = 3 on
    # constant
    ts = np.linspace(0, 5, 11)
    step = integrate(system_of(RELU), leaky({"times": [2.0], "values": [0.0, 0.2]}), 5.0, saveat=ts)
    np.testing.assert_allclose(
        step["mean"].values[:, 0], 0.2 * np.where(ts > 2, -np.expm1(-(ts - 2)), 0), atol=1e-9
    )
    ramp = integrate(
        system_of(RELU),
        leaky({"times": [0.0, 3.0], "values": [0.0, 3.0], "kind": "table"}),
        5.0,
        saveat=ts,
    )
    up = np.where(ts <= 3, ts - 1 + np.exp(-ts), 3 + (2 + np.exp(-3) - 3) * np.exp(-(ts - 3)))
    np.testing.assert_allclose(ramp["mean"].values[:, 1], up, rtol=1e-7, atol=1e-9)


def test_a_diverging_solution_says_when(system_of):
    """phi = max(x - 1/4, 0), N mean = 3: K - 3/8 grows as exp(2 t) and passes 1e12 at
    t = log(1e12 / (K0 - 3/8)) / 2.
    """
    parameters = leaky(0.0, P=1, mean=0.3)
    ts = np.arange(0.0, 31.0)
    found = integrate(
        system_of(RELU), parameters, 30.0, saveat=ts, initial={"mean": 1.375}, throw=False
    )
    bound = int(np.log(1e12) / 2)  # 13.8
    said = re.fullmatch(
        "diverged at t = (.*): a state exceeds 1e[+]12, or changes without bound; the last finite "
        f"value is at t = {bound}",
        found.status,
    )
    assert float(said[1]) == pytest.approx(np.log(1e12) / 2, abs=0.1)  # the end of a step
    assert found.status.code is Code.DIVERGED
    values = found["mean"].values[:, 0]
    np.testing.assert_allclose(values[: bound + 1], 0.375 + np.exp(2 * ts[: bound + 1]), rtol=1e-6)
    for name in ("mean", "kappa", "variance", "rate"):
        assert np.all(np.isnan(found[name].values[bound + 1 :]))
    with pytest.raises(SolverError, match="diverged"):
        integrate(system_of(RELU), parameters, 30.0, saveat=ts, initial={"mean": 1.375})


def test_a_blow_up_ends_where_steps_shrink_to_nothing(system_of):
    """dK/dt = -K + K^3 + 1, larger than K^3: at the blow-up T, K = 1 / sqrt(2 (T - t)), so that no
    step that time resolves reaches 1e12.
    """
    cubic, parameters = system_of("Max(x, 0)**3"), leaky(1.0, N=1, P=1, mean=1.0)
    found = integrate(cubic, parameters, 9.0, saveat=9, throw=False)
    exact = quad(lambda K: 1 / (K**3 - K + 1), 0, np.inf, epsabs=1e-12)[0]
    said = re.match("diverged at t = ([^:]*): ", found.status)
    assert float(said[1]) == pytest.approx(exact, abs=1e-5)
    assert found.dataset.attrs["steps"] < 1000


@pytest.fixture(scope="module")
def stiff():
    """Leaky units, K = I (1 - exp(-t / tau)), of which one is faster by a factor of 5000."""
    units = {name: filters.membrane(tau=tau) for name, tau in (("E", 1), ("I", 2e-4))}
    system = compile(derive(Architecture(["E", "I"], RELU, membrane=units), MotifOnly()))
    return system, Parameters.of(
        populations=["E", "I"], N=2, fractions=[0.5, 0.5], mean=0, g=0, input=1
    )


@pytest.mark.parametrize("solver", ["auto", "explicit"])
def test_a_stiff_system_is_integrated_by_implicit_steps(stiff, solver):
    found = integrate(*stiff, 4.0, saveat=4, solver=solver)
    exact = -np.expm1(-found["time"].values[:, None] / np.array([1, 2e-4]))
    np.testing.assert_allclose(found["mean"], exact, atol=1e-7)
    few = found.dataset.attrs["steps"] < 1000
    assert (found.dataset.attrs["solver"], few) == (
        ("implicit", True) if solver == "auto" else ("explicit", False)
    )


def test_a_system_that_is_too_stiff_for_explicit_steps_is_said_to_be(stiff):
    short = integrate(*stiff, 4.0, saveat=4, solver="explicit", max_steps=1000, throw=False)
    assert re.search('the system is stiff, .* 5e[+]03: use solver="implicit"', short.status)
    with pytest.raises(ParameterError, match="'fast' is unknown: use one of auto, explicit"):
        integrate(*stiff, 4.0, solver="fast")


def test_too_few_steps_are_said(system_of):
    found = integrate(
        system_of(RELU), leaky([1.0, 1.0]), 50.0, max_steps=5, saveat=[0.0, 50.0], throw=False
    )
    assert found.status.code is Code.NOT_CONVERGED
    assert found.status.startswith(
        "stopped: 5 explicit steps were not enough; the last finite value is at t = 0"
    )
    with pytest.raises(SolverError, match="5 explicit steps"):
        integrate(system_of(RELU), leaky([1.0, 1.0]), 50.0, max_steps=5, saveat=[0.0, 50.0])


def test_names_and_times(two_populations, system_of):
    found = integrate(system_of(RELU, "SecondMoment"), two_populations, 5.0, t0=1.0, saveat=4)
    assert set(found.dataset) == {"mean", "kappa", "rms_rate", "variance", "rate"}
    assert list(found["population"].values) == ["E", "I"]
    np.testing.assert_allclose(found["time"], np.linspace(1, 5, 5))
    assert found.dataset.attrs["closure"] == "second-moment"


def test_the_start_is_a_state_a_mapping_or_rest(two_populations, system_of):
    system = system_of(RELU)
    state = system.State(jnp.array([0.1, 0.2]), jnp.array([0.3, 0.3]))
    runs = [
        integrate(system, two_populations, 1.0, saveat=4, initial=s)
        for s in (state, {"mean": {"I": 0.2, "E": 0.1}, "kappa": 0.3}, None)
    ]
    np.testing.assert_array_equal(runs[0]["mean"], runs[1]["mean"])
    np.testing.assert_array_equal(runs[0]["mean"].values[0], [0.1, 0.2])
    assert not np.any(runs[2]["mean"].values[0])


def test_a_pure_trajectory_has_a_gradient(two_populations, system_of):
    """d K(3) / d g_EI through the adaptive solver, against a central difference."""
    system, ts = system_of(RELU), jnp.array([0.0, 3.0])
    parameters = two_populations.replace(input=[0.8, 0.5])

    def last(v):
        p = parameters.replace(g=parameters.g.at[0, 1].set(v))
        return pure.trajectory(system, p, ts)["mean"][-1, 0]

    both = jax.jit(jax.value_and_grad(last))
    (low, _), (_, slope), (high, _) = (both(v) for v in (0.5199, 0.52, 0.5201))
    assert float(slope) == pytest.approx(float(high - low) / 2e-4, rel=1e-5)
    assert abs(float(slope)) > 1e-3


def test_a_trajectory_is_a_result(two_populations, system_of, tmp_path):
    found = integrate(system_of(RELU), two_populations, 5.0, saveat=4)
    assert len(str(found).splitlines()) < 20
    last = found.dataset.isel(time=-1)
    assert f"{float(last['mean'][0]):.5g}" in str(found)
    rows = found.table()
    assert len(rows) == 5 * 2
    assert rows["rate"].iloc[-1] == float(last["rate"][-1])
    found.save(tmp_path / "run.nc")
    again = load(tmp_path / "run.nc")
    np.testing.assert_array_equal(again["variance"], found["variance"])
    assert again.title == found.title


def test_a_pure_trajectory_is_that_of_integrate(two_populations, system_of):
    """For two inputs at once; the tolerance of a step is shared by both, hence 1e-7."""
    system, ts = system_of(RELU), jnp.array([0.0, 1.0, 3.0])
    drives = jnp.array([[0.8, 0.5], [0.7, 0.9]])

    def course(drive):
        p = two_populations.replace(input=drive)
        return pure.trajectory(system, p, ts, initial={"mean": 0.5 * drive})

    many = jax.jit(jax.vmap(course))(drives)
    for k, drive in enumerate(np.asarray(drives)):
        p, start = two_populations.replace(input=drive), {"mean": 0.5 * drive}
        found = integrate(system, p, 3.0, saveat=[0.0, 1.0, 3.0], initial=start)
        assert set(many) == set(found.dataset)
        for name, values in many.items():
            np.testing.assert_allclose(values[k], found[name], rtol=1e-7)


def test_pure_rates(two_populations, system_of):
    """Those of a trajectory's last state; d<phi>/dmu = <phi'> = <Heaviside> = Phi at
    no threshold.
    """
    system = system_of("Max(x, 0)")
    run = integrate(system, two_populations, 5.0, saveat=1)
    last = run.dataset.isel(time=-1)
    state = {"mean": last["mean"].values, "kappa": last["kappa"].values}
    rates = pure.rates(system, two_populations, state)
    np.testing.assert_allclose(rates, last["rate"], rtol=1e-12)

    def total(K):
        return pure.rates(system, two_populations, {**state, "mean": K}).sum()

    z = last["mean"].values / np.sqrt(last["variance"].values)
    slopes = jax.grad(total)(jnp.asarray(state["mean"]))
    np.testing.assert_allclose(slopes, norm.cdf(z), rtol=1e-10)
    many = jax.vmap(lambda K: pure.rates(system, two_populations, {**state, "mean": K}))
    np.testing.assert_allclose(many(jnp.stack([state["mean"], 2 * state["mean"]]))[0], rates)


def test_a_traced_call_is_told_of_the_pure_function(two_populations, system_of):
    system = system_of(RELU)

    def last(v):
        return integrate(system, two_populations.replace(input=v), 1.0)["rate"][-1].sum()

    for traced in (jax.grad(last), jax.jit(last), lambda v: jax.vmap(last)(v[None])):
        with pytest.raises(ParameterError, match=r"there use motifield\.pure\.trajectory"):
            traced(jnp.array([0.1, 0.2]))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"t1": 0.0}, "finite t0 < t1: t0 = 0.0, t1 = 0.0"),
        ({"t1": float("nan")}, "finite t0 < t1"),
        ({"t1": 1.0, "saveat": [0.0, 2.0]}, "increasing times between 0 and 1"),
        ({"t1": 1.0, "saveat": [0.5, 0.5]}, "increasing times"),
        ({"t1": 1.0, "saveat": []}, "increasing times"),
        ({"t1": 1.0, "saveat": [[0.0, 1.0]]}, "increasing times"),
        ({"t1": 1.0, "saveat": 0}, "saveat = 0: at least one interval"),
        ({"t1": 1.0, "initial": {"voltage": 1.0}}, r"some of \['mean', 'kappa'\]"),
        ({"t1": 1.0, "initial": {"rms_rate": 1.0}}, r"some of \['mean', 'kappa'\]"),
        ({"t1": 1.0, "initial": [1.0, 2.0]}, "an initial state is a mapping"),
        ({"t1": 1.0, "initial": {"mean": [1.0, 2.0, 3.0]}}, r"initial mean has shape \(3,\)"),
    ],
)
def test_errors(options, match, two_populations, system_of):
    with pytest.raises(ParameterError, match=match):
        integrate(system_of(RELU), two_populations, **options)


def test_the_equations_do_not_depend_on_who_makes_the_motifs(system_of):
    """Statistics given as covariances or as coefficients integrate alike."""
    tau = Motifs.shared(0.02)
    direct = Parameters.of(N=100, fractions=[0.5, 0.5], mean=0.005, g=0.4, motifs=tau, input=0.9)
    v = 0.4**2 / 100
    other = Parameters.from_covariances(
        N=100,
        fractions=[0.5, 0.5],
        mean=0.005,
        variance=v,
        convergent=0.02 * v,
        divergent=0.02 * v,
        chain=0.02 * v,
        reciprocal=0.04 * v,
        input=0.9,
    )
    runs = [integrate(system_of(RELU), p, 5.0, saveat=4)["mean"].values for p in (direct, other)]
    np.testing.assert_allclose(*runs, rtol=1e-12)


def test_the_rate_form_is_a_membrane_with_the_time_constant_of_the_rates():
    """2 dr/dt = -r + phi(w r + I) by SciPy: x = w r + I has the membrane 1/(1 + 2 s)."""
    units = derive(Architecture(["E"], RELU, membrane=filters.membrane(tau=2)), MotifOnly())
    w, drive = -1.5, 0.7
    found = integrate(
        compile(units),
        Parameters.of(populations=["E"], N=1, fractions=[1.0], mean=w, g=0, input=drive),
        6.0,
        saveat=6,
        initial={"mean": drive},
    )
    exact = solve_ivp(
        lambda t, r: (-r + np.maximum(w * r + drive - 0.25, 0)) / 2,
        *((0, 6), [0.0]),
        t_eval=found["time"].values,
        rtol=1e-10,
        atol=1e-12,
    )
    np.testing.assert_allclose(found["mean"].values[:, 0], w * exact.y[0] + drive, rtol=1e-6)


def test_the_unit_of_time_is_on_the_axis(system_of, tmp_path):
    named = Parameters.of(N=2, fractions=[0.5, 0.5], mean=0, g=0, input=1, time_unit="seconds")
    found = integrate(system_of(RELU), named, 8.0)
    assert found["time"].attrs == {"unit": "seconds"}
    found.save(tmp_path / "course.nc")
    again = load(tmp_path / "course.nc")
    np.testing.assert_array_equal(again["time"], found["time"])
    assert again.plot().axes[0].get_xlabel() == "time (seconds)"
