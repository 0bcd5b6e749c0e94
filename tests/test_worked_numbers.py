"""The worked numbers of docs/theory.md, section 5 that are fixed points of the MotifOnly and
SecondMoment equations.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import root

from motifield import Motifs, Parameters, fixed_point, fixed_points

TANH = "1 + tanh(x - 3/2)"


# docs/theory.md, section 5: J0 = .001, g = 4, I = .5, tau = .1
@pytest.mark.parametrize(
    ("closure", "K", "Delta", "R"),
    [("MotifOnly", 1.9619, 5.2782, 1.1487), ("SecondMoment", 1.9548, 5.3164, None)],
)
def test_excitation_and_inhibition(closure, K, Delta, R, system_of, excitation_inhibition):
    found = fixed_point(system_of(TANH, closure), excitation_inhibition(0.001, 4, 0.1, 0.5))
    assert found.converged
    assert found.stable
    np.testing.assert_allclose(
        found.dataset["mean"], K, atol=6e-5
    )  # the same for E and I; four decimals are given
    np.testing.assert_allclose(found.dataset["variance"], Delta, atol=6e-5)
    if R is not None:
        np.testing.assert_allclose(found.dataset["rate"], R, atol=6e-5)


# docs/theory.md, section 5: J0 = .003, g = 2, I = 0, tau = .02 has K = .2000, .8605, 2.117
def test_chains_alone_make_it_bistable(system_of, excitation_inhibition):
    system, parameters = system_of(TANH, "MotifOnly"), excitation_inhibition(0.003, 2, 0.02, 0.0)
    low = fixed_point(system, parameters)
    high = fixed_point(system, parameters, {"mean": 3.0, "kappa": [1.6, 0.4]})
    middle = fixed_point(system, parameters, {"mean": 0.86, "kappa": [0.4, 0.1]}, settle=0)
    for found, K, tolerance, stable in (
        (low, 0.2000, 6e-5, True),
        (middle, 0.8605, 6e-5, False),
        (high, 2.117, 6e-4, True),
    ):
        assert found.converged
        np.testing.assert_allclose(found.dataset["mean"], K, atol=tolerance)
        assert found.stable is stable
    # from just beside the middle one the dynamics leave it, to either side
    for nudge, K in ((-0.02, 0.2000), (0.02, 2.117)):
        left = fixed_point(
            system,
            parameters,
            {
                "mean": middle.dataset["mean"].values + nudge,
                "kappa": middle.dataset["kappa"].values,
            },
        )
        np.testing.assert_allclose(left.dataset["mean"], K, atol=6e-4)


def test_no_more_than_three(system_of, excitation_inhibition):
    """docs/theory.md, section 5: three fixed points, and no other; every start leads to one of
    them, and their indices sum to 1.
    """
    found = fixed_points(system_of(TANH, "MotifOnly"), excitation_inhibition(0.003, 2, 0.02, 0.0))
    assert found.status == "ok"
    np.testing.assert_allclose(
        [p.dataset["mean"].values for p in found],
        np.tile([[0.2000], [0.8605], [2.117]], 2),
        atol=6e-4,
    )
    assert [p.kind for p in found] == ["stable node", "saddle", "stable node"]
    assert found.evidence.index == 1
    assert found.evidence.failed + sum(found.evidence.hits) == found.evidence.starts - 128 * (
        found.evidence.rounds - 1
    )


# docs/theory.md, section 2.2: (Jbar, g_I/E) = (.002, 1) and (.004, 2.5) are the same network, .8 J0
# (1 - g/4) being the same
def test_degenerate_pairs(system_of, excitation_inhibition):
    pair = [
        fixed_points(system_of(TANH, "MotifOnly"), excitation_inhibition(J0, g, 0.02, 0.3))
        for J0, g in ((0.002, 1), (0.004, 2.5))
    ]
    assert len(pair[0]) == len(pair[1]) >= 1
    for one, other in zip(*pair, strict=True):
        for name in ("mean", "variance", "rate"):
            np.testing.assert_allclose(
                one.dataset[name], other.dataset[name], rtol=1e-10, atol=1e-10
            )


# docs/theory.md, section 5: at tau = 0 there is only K = .15
def test_without_chains_there_is_one(system_of, excitation_inhibition):
    system, parameters = system_of(TANH, "MotifOnly"), excitation_inhibition(0.003, 2, 0.0, 0.0)
    for start in (None, {"mean": 3.0, "kappa": [1.6, 0.4]}, {"mean": -2.0}):
        found = fixed_point(system, parameters, start)
        np.testing.assert_allclose(found.dataset["mean"], 0.15, atol=6e-3)
        assert found.stable


# docs/theory.md, section 5: one population, tanh, N = 2000, N Jbar = -5, tau_con = tau_div =
# tau_chn, tau_rec = 0 (B = -2 tau_chn)
@pytest.mark.parametrize(
    ("N_tau", "g", "mean", "Delta"),
    [(8, 1.2, 0.3278, 1.0345), (8, 1.6, 0.7373, 3.2716), (10, 1.2, 0.5058, 1.6672)],
)
def test_one_population(N_tau, g, mean, Delta, system_of):
    tau = N_tau / 2000
    parameters = Parameters.of(
        N=2000, fractions=[1.0], mean=-5 / 2000, g=g, motifs=Motifs(tau, tau, tau, 0.0)
    )
    found = fixed_point(
        system_of("tanh(x)", "SecondMoment"),
        parameters,
        {"mean": 1.0, "kappa": 0.3, "rms_rate": 0.7},
    )
    assert found.converged
    assert found.dataset["mean"].item() == pytest.approx(mean, abs=1e-4)
    assert found.dataset["variance"].item() == pytest.approx(Delta, abs=1e-4)


# docs/theory.md, section 5: phi = 1 + erf((x - 1.5) / (.8 sqrt 2)), MotifOnly, the network with J0
# = .003, g = 2, I = 0: folds in tau
# (the starts are from a scan over K of the two conditions, one page of NumPy: K = 1.59, kappa =
# 1.07 and K = .27, kappa = .14)
@pytest.mark.parametrize(("fold", "K", "kappa"), [(0.00931048, 1.6, 1.07), (0.05996574, 0.3, 0.15)])
def test_folds(fold, K, kappa, system_of):
    """At a fold the field and the determinant of its Jacobian vanish together: K, kappa and tau
    solved for with SciPy.

    Both populations receive the same, so that they are one: N Jbar = 1000 * .003 * (.8 - .4) for
    all sources together.
    """
    system = system_of("1 + erf((x - 3/2)/(4/5*sqrt(2)))", "MotifOnly")
    base = Parameters.of(N=1000, fractions=[1.0], mean=0.0012, g=0.2, motifs=Motifs.shared(0.02))

    def field(y, tau):
        parameters = base.replace(
            tau_con=jnp.full((1, 1, 1), tau),
            tau_div=jnp.full((1, 1, 1), tau),
            tau_chn=jnp.full((1, 1, 1), tau),
            tau_rec=jnp.full((1, 1), 2 * tau),
        )
        return jnp.concatenate(system.vector_field(0.0, system.State(y[:1], y[1:2]), parameters))

    @jax.jit
    def conditions(z):
        return jnp.append(field(z[:2], z[2]), jnp.linalg.det(jax.jacfwd(field)(z[:2], z[2])))

    solved = root(
        lambda z: np.asarray(conditions(jnp.asarray(z))), [K, kappa, fold * 1.05], tol=1e-12
    )
    assert solved.success
    assert solved.x[2] == pytest.approx(fold, abs=1e-8)
