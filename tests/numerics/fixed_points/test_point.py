"""Fixed points: residual and eigenvalues against the equations by hand, unstable ones, and honest
reports.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield import Parameters, fixed_point
from motifield.errors import ParameterError, SolverError
from motifield.inputs import pulse
from motifield.types import Code

RELU, ERF = "Max(x - 1/4, 0)", "1 + erf(x - 1/2)"


@pytest.fixture(scope="module")
def found(two_populations, system_of):
    return fixed_point(system_of(ERF, "SecondMoment"), two_populations)


def test_the_residual_by_hand(found, two_populations, by_hand, functions):
    assert found.converged
    assert found.status == "ok"
    assert found.residual < 1e-11
    hand = by_hand(two_populations, [functions[ERF]] * 2, "SecondMoment")
    state = [found.dataset[n].values for n in ("mean", "kappa", "rms_rate")]
    assert np.abs(hand(0.0, *state)).max() < 1e-10
    np.testing.assert_allclose(found.dataset["variance"], hand.variance(*state[1:]), rtol=1e-12)
    R, _, C = hand.averages(state[0], hand.variance(*state[1:]))
    np.testing.assert_allclose(found.dataset["rate"], R, rtol=1e-10)
    np.testing.assert_allclose(
        state[1], R * np.asarray(two_populations.fractions), rtol=1e-9
    )  # kappa_q = alpha_q R_q
    np.testing.assert_allclose(state[2], np.sqrt(C), rtol=1e-9)


def test_eigenvalues_against_finite_differences_by_hand(found, two_populations, by_hand, functions):
    hand = by_hand(two_populations, [functions[ERF]] * 2, "SecondMoment")
    at, step = (
        np.concatenate([found.dataset[n].values for n in ("mean", "kappa", "rms_rate")]),
        1e-5,
    )
    columns = [
        (hand(0.0, *(at + e).reshape(3, 2)) - hand(0.0, *(at - e).reshape(3, 2))).ravel()
        / (2 * step)
        for e in step * np.eye(6)
    ]
    jacobian = np.stack(columns, axis=1)
    np.testing.assert_allclose(found.jacobian, jacobian, atol=1e-8)
    expected = np.linalg.eigvals(jacobian)
    np.testing.assert_allclose(
        found.eigenvalues, expected[np.lexsort((-expected.imag, -expected.real))], atol=1e-7
    )
    assert np.all(np.diff(found.eigenvalues.real) <= 0)
    assert found.stable == (expected.real.max() < 0)


def one(mean, input, N=10):
    return Parameters.of(N=N, fractions=[1.0], mean=mean, g=0.0, input=input)


def test_an_unstable_fixed_point_is_found_by_newton_alone(system_of):
    """phi = max(x - 1/4, 0), N mean = 3: dK/dt = 2 K - 3/4 above threshold; K = 3/8 is unstable
    with eigenvalue 2, kappa relaxes at -1.
    """
    found = fixed_point(system_of(RELU), one(0.3, 0.0), {"mean": 0.5, "kappa": 0.2}, settle=0)
    assert found.converged
    assert not found.stable
    assert found.dataset["mean"].item() == pytest.approx(0.375, abs=1e-12)
    np.testing.assert_allclose(found.eigenvalues, [2, -1], atol=1e-9)


def test_the_start_decides_when_it_settles(system_of):
    # the same network: from below K = 3/8 it falls silent, from above it runs away
    below = fixed_point(system_of(RELU), one(0.3, 0.0), {"mean": 0.35})
    assert below.dataset["mean"].item() == pytest.approx(0, abs=1e-9)
    assert below.stable
    above = fixed_point(system_of(RELU), one(0.3, 0.0), {"mean": 0.4}, throw=False)
    assert above.status.startswith("diverged")
    assert above.status.code is Code.DIVERGED
    assert not above.converged
    assert not above.stable
    with pytest.raises(SolverError, match="diverged"):
        fixed_point(system_of(RELU), one(0.3, 0.0), {"mean": 0.4})


def test_what_has_no_fixed_point_is_not_converged(system_of):
    """N mean = 1: dK/dt = I - 1/4 = .25 wherever the unit is active, and -K + .5 > .25 where it is
    not.
    """
    found = fixed_point(system_of(RELU), one(0.1, 0.5), {"mean": 1.0}, settle=0, throw=False)
    assert found.status.startswith(("not converged: the residual is", "diverged"))
    assert not found.converged
    with pytest.raises(SolverError):
        fixed_point(system_of(RELU), one(0.1, 0.5), {"mean": 1.0}, settle=0)


def test_the_input_is_held_at_its_value_then(system_of):
    parameters = Parameters.of(
        N=10, fractions=[1.0], mean=0.0, g=0.0, input=pulse(1.0, 2.0, [0.7], [0.1])
    )
    for time, expected in ((0.5, 0.1), (1.5, 0.8), (2.5, 0.1)):
        found = fixed_point(system_of(RELU), parameters, time=time, settle=0)
        assert found.dataset["mean"].item() == pytest.approx(expected, abs=1e-10)


def test_a_negative_variance_is_unphysical(system_of):
    """Convergent motifs that no network has, tau_con[a,a,b] < 0: Delta_a = N g^2 (tau_aa kappa_a^2
    + 2 tau_ab kappa_a kappa_b) is negative where b is active enough.
    """
    from motifield import Motifs

    convergent = np.zeros((2, 2, 2))
    convergent[0] = [[0.05, -0.1], [-0.1, 0.05]]
    parameters = Parameters.of(
        populations=["a", "b"],
        N=100,
        fractions=[0.5, 0.5],
        mean=0.0,
        g=[[0.3, 0.4], [0.0, 0.0]],
        motifs=Motifs(convergent),
        input=[1.0, 1.0],
        check=False,
    )
    system = system_of("x/3", "MotifOnly")
    found = fixed_point(system, parameters, settle=0, throw=False)
    assert found.status.startswith("unphysical: the variance of population a is negative")
    assert "tau_con[a,a,b] = -0.1 makes" in found.status
    assert "nearest_feasible(parameters)" in found.status
    assert found.status.code is Code.OUT_OF_RANGE
    assert not found.converged
    with pytest.raises(SolverError, match="unphysical"):
        fixed_point(system, parameters, settle=0)


def test_errors(two_populations, system_of):
    with pytest.raises(ParameterError, match="an initial state is a mapping"):
        fixed_point(system_of(ERF, "SecondMoment"), two_populations, {"volts": 1.0})
    with pytest.raises(ParameterError, match=r"motifield\.pure\.fixed_point"):
        jax.jit(lambda own: fixed_point(system_of(ERF, "SecondMoment"), own).residual)(
            two_populations
        )


def test_the_pure_function_differentiates(two_populations, system_of):
    """The slope of the rates along the mean synapses, by a central difference."""
    system = system_of(ERF, "MotifOnly")

    def rates(factor):
        own = eqx.tree_at(lambda p: p.mean, two_populations, two_populations.mean * factor)
        return mf.pure.rates(system, own, mf.pure.fixed_point(system, own))

    slope, at = jax.jit(jax.jacrev(rates))(1.0), jax.jit(rates)
    np.testing.assert_allclose(slope, (at(1 + 1e-5) - at(1 - 1e-5)) / 2e-5, rtol=1e-6)


@pytest.mark.slow
def test_the_pure_function_has_the_derivatives_of_the_implicit_function(
    found, two_populations, system_of
):
    """Value and derivatives against those of `response`; NaN where there is no fixed point."""
    system = system_of(ERF, "SecondMoment")

    def rates(own):
        return mf.pure.rates(system, own, mf.pure.fixed_point(system, own))

    np.testing.assert_allclose(rates(two_populations), found.dataset["rate"], rtol=1e-10)
    gradient = jax.jit(jax.jacrev(rates))(two_populations)
    exact = mf.response(system, two_populations, found).gradient["rate"]
    np.testing.assert_allclose(gradient.mean, exact.mean, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(gradient.input.value, exact.input.value, rtol=1e-8, atol=1e-12)
    nowhere = mf.pure.fixed_point(system_of(RELU), one(0.1, 0.5), {"mean": 1.0})
    assert np.all(np.isnan(nowhere.K))


def test_what_a_result_shows(found):
    assert "stable" in repr(found).splitlines()[0]
    assert len(repr(found).splitlines()) < 20
    assert found.table()["population"].tolist() == list(found.dataset["population"].values)
    assert found["rate"].dims == ("population",)


def test_eigenvalues_are_the_rates_of_return(found, two_populations, system_of):
    """A small displacement along the slowest eigenvector decays at its eigenvalue: the vector field
    there is lambda times it.
    """
    system = system_of(ERF, "SecondMoment")
    values, vectors = np.linalg.eig(found.jacobian)
    k = int(np.argmax(values.real))
    step = 1e-6 * vectors[:, k].real
    at = jnp.concatenate(found.state)
    field = jax.jit(
        lambda y: jnp.concatenate(
            system.vector_field(0.0, system.State(*y.reshape(3, 2)), two_populations)
        )
    )
    expected = found.jacobian @ step
    np.testing.assert_allclose(
        (field(at + step) - field(at - step)) / 2, expected, rtol=1e-5, atol=1e-12
    )
