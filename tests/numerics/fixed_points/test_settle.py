"""Fixed points by implicit steps in time: those that Newton's method finds, the attractor that a
trajectory reaches, implicit derivatives.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.numerics.fixed_points.settle import Search, settled
from motifield.numerics.parameters.scalars import scalar
from motifield.numerics.system.autonomous import Autonomous


@pytest.fixture(scope="module")
def bistable(system_of, bistable_parameters):
    """docs/theory.md, section 5: J0 = .003, g = 2, I = 0 has the fixed points K = .2000, .8605,
    2.117 at tau = .02, and one at tau = 0.
    """
    system = system_of("1 + tanh(x - 3/2)", "MotifOnly")
    parameters = bistable_parameters
    model = Autonomous(system, 2)
    return system, parameters, model, jax.jit(lambda p, y: settled(model, p, y))


def test_the_attractor_is_that_of_the_trajectory(bistable):
    """From rest the lower state, from a high mean the upper one: those that `integrate` reaches
    from there.
    """
    system, parameters, model, find = bistable
    found = {}
    for K in (0.0, 0.6, 1.1, 4.0):
        start = {"mean": K, "kappa": [0.8 * K / 2, 0.2 * K / 2]}
        end = mf.integrate(system, parameters, 200.0, initial=start, saveat=1)["mean"].values[-1]
        state = system.rest(2)._replace(
            K=jnp.full(2, K),
            kappa=jnp.broadcast_to(jnp.array([0.8, 0.2]) * K / 2, system.rest(2).kappa.shape),
        )
        y, residual, _ = find(parameters, model.flat(state))
        np.testing.assert_allclose(model.state(y).K, end, atol=1e-6)
        assert residual < 1e-11
        found[K] = float(y[0])
    assert found[0.0] == pytest.approx(0.2000, abs=1e-4)
    assert found[4.0] == pytest.approx(2.117, abs=1e-3)
    assert len({round(v, 3) for v in found.values()}) == 2


def test_it_follows_a_branch_that_loses_its_partner(bistable):
    """From the upper state of tau = .02, at tau = 0 the only one is left, K = .15."""
    _, parameters, model, find = bistable
    upper, *_ = find(parameters, 2.0 * jnp.ones(model.size))
    y, residual, _ = find(
        parameters.replace(
            tau_con=0 * parameters.tau_con,
            tau_div=0 * parameters.tau_div,
            tau_chn=0 * parameters.tau_chn,
        ),
        upper,
    )
    assert float(y[0]) == pytest.approx(0.15, abs=5e-3)
    assert residual < 1e-11


@pytest.fixture(scope="module")
def kinked(two_populations, system_of):
    """Second moments, all motifs, a kink: the model, values of six parameters, the fixed point as
    a function of them, and its derivatives in forward mode.
    """
    model = Autonomous(system_of("Max(x - 1/4, 0)", "SecondMoment"), 2)
    names = ("mean[E,I]", "tau_chn[E,E,I]", "tau_con[E,E,E]", "input[I]", "g[I,E]", "N")
    scalars = [scalar(name, two_populations) for name in names]
    at = np.array([s.get(two_populations) for s in scalars])

    def of(values):
        own = two_populations
        for k, s in enumerate(scalars):
            own = s.set(own, values[k])
        return settled(model, own, jnp.zeros(model.size))[0]

    return model, at, of, jax.jit(jax.jacfwd(of))(jnp.asarray(at)).T


def test_against_fixed_point_and_finite_differences(kinked, two_populations):
    """Value as `fixed_point`, derivatives as central differences of it, also through vmap."""
    model, at, of, exact = kinked
    system = model.system
    point = mf.fixed_point(system, two_populations)
    assert point.converged
    steps = 1e-5 * np.diag(np.maximum(np.abs(at), 1e-2))
    here, *many = jax.jit(jax.vmap(of))(jnp.asarray([at, *(at + steps), *(at - steps)]))
    np.testing.assert_allclose(here, model.flat(point.state), atol=1e-10)
    up, down = np.split(np.array(many), 2)
    numeric = (up - down) / (2 * np.diag(steps))[:, None]
    np.testing.assert_allclose(exact, numeric, rtol=1e-5, atol=1e-7 * np.abs(numeric).max())


@pytest.mark.slow
def test_reverse_mode_is_forward_mode(kinked):
    """Quick in test_slowest_mode.py, which differentiates a function of such a point."""
    _, at, of, exact = kinked
    backward = jax.jit(jax.jacrev(of))(jnp.asarray(at)).T
    np.testing.assert_allclose(backward, exact, rtol=1e-9, atol=1e-12)


def test_no_fixed_point_is_no_small_residual(system_of, of_populations):
    """phi = Max(x, 0)^2 with strong excitation grows without bound; too few steps end anywhere."""
    system = system_of("Max(x, 0)**2", "MotifOnly")
    model = Autonomous(system, 2)
    strong = of_populations("EI", mean=[[0.01, -0.001]] * 2, g=0.1, input=2.0)
    _, residual, _ = jax.jit(lambda p, y: settled(model, p, y))(strong, jnp.zeros(model.size))
    assert not residual < 1e-9
    weak = strong.replace(mean=-0.001 * jnp.ones((2, 2)))
    for steps, reached in ((2, False), (150, True)):
        _, residual, _ = jax.jit(lambda p, y, n=steps: settled(model, p, y, Search(steps=n)))(
            weak, jnp.zeros(model.size)
        )
        assert bool(residual < 1e-9) is reached
