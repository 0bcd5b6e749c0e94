"""Responses of fixed points: finite differences, direct integration, sampled networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError, SolverError
from motifield.numerics.fixed_points.responses import solved_near
from motifield.numerics.parameters.scalars import names, scalar
from motifield.numerics.system.autonomous import Autonomous, held

RELU = "Max(x - 1/4, 0)"  # of which <phi^2> compiles in half the time of that of erf


@pytest.fixture(scope="module")
def system(system_of):
    return system_of(RELU, "SecondMoment")


@pytest.fixture(scope="module")
def answer(system, two_populations):
    return mf.response(system, two_populations)


@pytest.fixture(scope="module")
def observed(system, answer):
    """Observables of the fixed point near the given one, by Newton's method on other parameters."""
    model = Autonomous(system, 2)
    start = model.flat(answer.point.state)
    return jax.jit(lambda par: model.observables(solved_near(model, par, start), par))


def test_every_derivative_against_finite_differences(answer, observed):
    """Central differences; the parameters that the equations do not depend on are not listed, and
    change nothing.
    """
    table = answer.sensitivity()
    par, listed = answer.parameters, set(table["parameter"].values)
    for name in names(par):
        own = scalar(name, par)
        value = own.get(par)
        step = 1e-4 * max(abs(value), 1e-2)
        up, down = observed(own.set(par, value + step)), observed(own.set(par, value - step))
        for what in ("mean", "variance", "rate"):
            slope = (np.asarray(up[what]) - np.asarray(down[what])) / (2 * step)
            ours = answer.derivative(name)[what]
            scale = 1e-6 * (1 + np.abs(slope).max())
            np.testing.assert_allclose(
                ours, slope, rtol=1e-5, atol=scale, err_msg=f"{what} by {name}"
            )
            if name not in listed:
                np.testing.assert_array_equal(ours, 0)


def test_factors_and_stars(answer, observed):
    """A factor moves all that it names; a name with * adds its entries' derivatives."""
    par, step = answer.parameters, 1e-5
    for name in ("factor(tau_chn)", "factor(motifs)", "factor(mean[*,I], g)"):
        own = scalar(name, par)
        up, down = observed(own.set(par, 1 + step)), observed(own.set(par, 1 - step))
        slope = (np.asarray(up["rate"]) - np.asarray(down["rate"])) / (2 * step)
        np.testing.assert_allclose(
            answer.derivative(name)["rate"], slope, rtol=1e-6, atol=1e-8, err_msg=name
        )
    entries = sum(answer.derivative(f"mean[{p},I]")["rate"] for p in par.populations)
    np.testing.assert_allclose(answer.derivative("mean[*,I]")["rate"], entries, rtol=1e-12)
    classes = answer.motifs()["rate"]
    np.testing.assert_allclose(
        classes.sum("motif"), answer.derivative("factor(motifs)")["rate"], atol=1e-12
    )


def test_second_derivatives_are_those_of_the_implicit_function(system, answer):
    """d2R/dI2, by differentiating twice, against differences of the first derivative."""
    model, par = Autonomous(system, 2), answer.parameters
    start = model.flat(answer.point.state)

    def rate(level):
        return jnp.sum(
            model.observables(
                solved_near(model, par.replace(input=par.input.value + level), start), par
            )["rate"]
        )

    second = float(jax.jit(jax.grad(jax.grad(rate)))(0.0))
    slopes = [
        float(
            np.sum(
                mf.response(system, par.replace(input=par.input.value + s)).derivative("input")[
                    "rate"
                ]
            )
        )
        for s in (1e-4, -1e-4)
    ]
    assert second == pytest.approx((slopes[0] - slopes[1]) / 2e-4, rel=1e-4, abs=1e-6)


def test_frequency_response_against_integration(system, answer):
    """A drive of .001 cos(omega t): the rates' Fourier component after the transient."""
    par, omega, size = answer.parameters, 1.3, 1e-3
    base = np.asarray(par.input.value)
    period = 2 * np.pi / omega
    times = np.linspace(8 * period, 10 * period, 129)[:-1]
    driven = par.replace(
        input=mf.inputs.Function(
            lambda t: jnp.asarray(base) + jnp.array([size, 0.0]) * jnp.cos(omega * t)
        )
    )
    start = {name: answer.point.dataset[name].values for name in ("mean", "kappa", "rms_rate")}
    run = mf.integrate(
        system, driven, 10 * period, saveat=times, initial=start, rtol=1e-10, atol=1e-12
    )
    rate = run["rate"].sel(time=times).values
    component = (
        2
        * np.mean((rate - rate.mean(axis=0)) * np.exp(-1j * omega * times)[:, None], axis=0)
        / size
    )
    expected = answer.frequency(omega)["rate"].isel(omega=0, driven=0).values
    np.testing.assert_allclose(component, expected, rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(
        answer.frequency(0.0)["rate"].isel(omega=0), answer.dataset["rate"], atol=1e-10
    )


@pytest.fixture(scope="module")
def inhibition_stabilised(of_populations):
    """E alone is unstable (its gain times coupling exceeds 1), and inhibition holds it."""
    mean = [[0.004, -0.016], [0.004, -0.012]]
    return of_populations("EI", mean=mean, g=0.15, motifs=mf.Motifs.shared(0.01), input=[0.6, 0.1])


def test_the_paradoxical_effect(system_of, inhibition_stabilised):
    """Driving inhibition lowers it where excitation alone would be unstable, theory and sampled
    networks alike.
    """
    system, par = system_of("1 + erf(x - 1/2)", "LowRank"), inhibition_stabilised
    answer = mf.response(system, par)
    assert answer.paradoxical == ("I",)
    assert answer.inhibitory == ("I",)
    assert answer.dataset["rate"].sel(population="I", driven="I") < -0.01
    slopes = []
    for seed in range(4):
        network = mf.sample(par, seed)
        ends = [
            mf.simulate(system, network, input=[0.6, 0.1 + step], t1=30.0, saveat=[30.0])[
                "rate"
            ].values[-1, 1]
            for step in (0.05, -0.05)
        ]
        slopes.append((ends[0] - ends[1]) / 0.1)
    assert max(slopes) < 0
    assert np.mean(slopes) == pytest.approx(
        float(answer.dataset["rate"].sel(population="I", driven="I")), rel=0.25
    )


def test_tables(answer, two_populations):
    rows, plain = answer.rows(), answer.json()
    names = list(two_populations.populations)
    assert [row["population"] for row in rows] == names
    assert rows[0][f"drive {names[1]}"] == plain["matrix"]["rate"][0][1]
    one = plain["sensitivity"][f"input[{names[0]}]"]["rate"]
    np.testing.assert_allclose(one, answer.dataset["rate"].sel(driven=names[0]))
    row = answer.sensitivity([f"g[{names[0]},{names[1]}]"])
    np.testing.assert_allclose(row["without"][0], -row["value"].values[0] * row["rate"][0])


def test_refusals(system, two_populations, answer):
    with pytest.raises(SolverError, match="not a fixed point of these parameters"):
        mf.response(system, two_populations.replace(g=1.5 * two_populations.g), answer.point)
    with pytest.raises(ParameterError, match="no parameter 'tau'"):
        answer.derivative("tau[E]")
    with pytest.raises(ParameterError, match="finite angular frequencies"):
        answer.frequency(np.nan)


def test_inputs_are_held(two_populations):
    pulsed = two_populations.replace(input=mf.inputs.pulse(1.0, 2.0, 0.5))
    np.testing.assert_allclose(held(pulsed, 1.5).input.value, 0.5)
    np.testing.assert_allclose(held(pulsed, 0.0).input.value, 0.0)
