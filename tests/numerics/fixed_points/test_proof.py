"""What is reported exists, what exists is reported, and what is undecided is called so: beside
folds, at branch points, on curves of fixed points, at kinks, in any units.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import erf

import motifield as mf
from motifield.numerics.fixed_points import proof as module
from motifield.numerics.fixed_points.proof import proof
from motifield.numerics.fixed_points.scales import state_scale
from motifield.numerics.system.autonomous import Autonomous
from motifield.types import Code

BELL = "erf(sqrt(pi)*x/2)"  # of slope 1 at 0: exp(-pi x^2 / 4)
# -input at the fold of x = 2 phi(x) + input, where 2 phi' = 1
FOLDS = {
    BELL: 2 * erf(np.sqrt(np.log(2))) - 2 * np.sqrt(np.log(2) / np.pi),
    "tanh(x)": 0.5328399753535520,  # sqrt(2) - artanh(sqrt(1/2))
}


def points_of(system_of, transfer, coupling, drive, closure="MotifOnly", **options):
    """All fixed points of one population without variance, N Jbar = coupling."""
    parameters = mf.Parameters.of(
        populations=["E"],
        N=1000,
        fractions=[1.0],
        mean=coupling / 1000,
        g=0.0,
        motifs=mf.Motifs(),
        input=drive,
    )
    system = system_of(transfer, closure, populations=("E",))
    return mf.fixed_points(system, parameters, throw=False, **options)


def means(found):
    return [float(p.dataset["mean"][0]) for p in found]


@pytest.fixture(scope="module")
def parabola(system_of):
    """Fixed points by input, x = x^2 + I; compiled once for all tests."""

    def at(drive):
        return points_of(system_of, "Max(x, 0)**2", 1.0, drive)

    assert len(at(0.2)) == 2
    return at


@pytest.mark.parametrize("distance", [1e-8, 1e-10, 1e-12])
def test_a_parabola_beside_its_fold(parabola, distance):
    """The solutions are 1/2 +- sqrt(1/4 - I), none beyond I = 1/4."""
    assert len(parabola(0.25 + distance)) == 0
    before = parabola(0.25 - distance)
    root = np.sqrt(distance)
    assert before.status == "ok"
    np.testing.assert_allclose(means(before), [0.5 - root, 0.5 + root], atol=1e-3 * root)
    assert [p.kind for p in before][1] != "stable node"


def test_at_the_fold_it_is_undecided(parabola, system_of):
    found = parabola(0.25)
    assert len(found) == 0
    assert found.status.code == Code.UNDECIDED
    assert "near mean E = 0.5 " in found.status
    assert found.evidence.undecided == 1
    point = mf.fixed_point(
        system_of("Max(x, 0)**2", "MotifOnly", populations=("E",)),
        found_parameters(0.25),
        {"mean": 0.5, "kappa": 0.25},
        settle=0.0,
    )
    assert point.status.code == Code.UNDECIDED
    assert not point.stable


def found_parameters(drive):
    return mf.Parameters.of(
        populations=["E"],
        N=1000,
        fractions=[1.0],
        mean=0.001,
        g=0.0,
        motifs=mf.Motifs(),
        input=drive,
    )


@pytest.mark.parametrize("transfer", [BELL, pytest.param("tanh(x)", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("distance", "count"), [(1e-10, 1), (-1e-10, 3)])
def test_a_saturating_function_beside_its_fold(system_of, distance, count, transfer):
    found = points_of(system_of, transfer, 2.0, -FOLDS[transfer] - distance)
    assert len(found) == count
    assert found.status == "ok"
    assert found.evidence.index == 1


@pytest.mark.parametrize(
    ("transfer", "coupling"),
    [
        ("Max(x, 0)**2", 1e10),
        pytest.param("10000000000*Max(x, 0)**2", 1.0, marks=pytest.mark.slow),
    ],
)
def test_a_parabola_in_tiny_units(system_of, transfer, coupling):
    """1e10 x^2 + 1e-11 = x: 1e-10 times the solutions of x^2 + 1/10 = x."""
    found = points_of(system_of, transfer, coupling, 1e-11)
    roots = 1e-10 * (0.5 + np.array([-1, 1]) * np.sqrt(0.15))
    assert found.status == "ok"
    np.testing.assert_allclose(means(found), roots, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("c", [1e-12, 1e-6, 1.0, 1e6, 1e12])
def test_units_do_not_matter(system_of, c):
    """x -> c x, phi -> c phi, I -> c I: the same points, c times as large."""
    parabola = points_of(system_of, f"{c!r}*Max(x/{c!r}, 0)**2", 1.0, 0.1 * c)
    assert parabola.status == "ok"
    np.testing.assert_allclose(
        np.array(means(parabola)) / c, [0.5 - np.sqrt(0.15), 0.5 + np.sqrt(0.15)], rtol=1e-9
    )
    sigmoid = points_of(system_of, f"{c!r}*erf(2*x/{c!r})", 1.0, 0.0)
    assert sigmoid.status == "ok"
    root = brentq(lambda x: erf(2 * x) - x, 0.5, 1.5, xtol=1e-15)
    np.testing.assert_allclose(np.array(means(sigmoid)) / c, [-root, 0.0, root], atol=1e-12)


@pytest.mark.parametrize("transfer", ["Max(x, 0)", pytest.param("x", marks=pytest.mark.slow)])
def test_curves_of_fixed_points_are_no_points(system_of, transfer):
    found = points_of(system_of, transfer, 1.0, 0.0)
    assert len(found) == 0
    assert found.status.code == Code.UNDECIDED
    assert found.status.startswith("continuum")


def test_silence_at_a_kink_is_a_point(system_of):
    found = points_of(system_of, "Max(x, 0)", 0.5, 0.0)
    assert found.status == "ok"
    assert means(found) == [0.0]
    assert found[0].stable


def test_a_kink_without_a_solution(system_of):
    """x = 2 max(x, 0) + I has no solution for I > 0, and two for I < 0."""
    assert len(points_of(system_of, "Max(x, 0)", 2.0, 1e-10)) == 0
    below = points_of(system_of, "Max(x, 0)", 2.0, -1e-10)
    np.testing.assert_allclose(means(below), [-1e-10, 1e-10], rtol=1e-9)


def test_beside_a_pitchfork(system_of):
    """x = (1 + e) erf(sqrt(pi) x / 2) has the solutions 0 and +-sqrt(12 e / pi) to lowest order."""
    e = 1e-9
    found = points_of(system_of, BELL, 1 + e, 0.0)
    assert len(found) == 3 or found.status.code == Code.UNDECIDED
    zero = np.abs(means(found)).min()
    assert zero < 1e-12
    root = np.sqrt(12 * e / np.pi)
    np.testing.assert_allclose(np.max(means(found)), root, rtol=1e-3)
    assert not any(p.stable for p in found if p.kind == "non-hyperbolic")


def test_a_box_is_small(system_of):
    """Where a search ends far from any solution nothing is proven, however wide the box."""
    system = system_of("1 + erf((x - 3/2)/(4/5*sqrt(2)))", "MotifOnly", populations=("E",))
    model = Autonomous(system, 1, jnp.zeros(()))
    parameters = found_parameters(0.0)
    scale = state_scale(model, parameters)
    for y in ([-3.3, 0.0], [3.0, 4.0], [40.0, 0.0]):
        found = proof(model, parameters, jnp.array(y), scale)
        inside = np.abs(model.field(found.state, parameters)).max() < 1e-12
        assert np.all(np.isfinite(found.radius)) == inside
        assert np.all(found.radius < 1e-6) == inside


def test_a_proven_point_is_polished_to_rounding(system_of):
    """Far from where the search begins, Newton's method has a long way to go."""
    parameters = mf.Parameters.of(
        populations=["E", "I"],
        N=2000,
        fractions=[0.5, 0.5],
        mean=np.array([[1.56974434, -2.42519591], [3.16136008, -3.65655977]]) / 1000,
        g=0.11687658360356892,
        motifs=mf.Motifs.shared(0.010368162134200987),
        input=[-1.78661912, -0.03017542],
    )
    system = system_of("Max(x, 0)**2/4", "MotifOnly", populations=("E", "I"))
    found = mf.fixed_points(system, parameters)
    assert sorted(round(v) for v in means(found)) == [-23, -2]
    assert max(p.residual for p in found) < 1e-11


def test_corners_of_a_box_tell_what_its_faces_tell(system_of, of_populations, monkeypatch):
    """Of many states Jacobians are taken at corners alone, the same however many states there are:
    beside the fold of x = N mean (1 + erf(x - 1)) + I, before it, and beyond it.
    """
    sides = module._sides(40)
    assert sides.shape == (module.FEW_SIDES, 40)
    assert np.all(np.abs(sides) == 1)
    np.testing.assert_array_equal(sides[: len(sides) // 2], -sides[len(sides) // 2 :])
    np.testing.assert_array_equal(module._sides(2), [[1, 0], [0, 1], [-1, 0], [0, -1]])
    base = of_populations("EI", mean=0.0, g=0.2, motifs=mf.Motifs.shared(0.01), input=0.0)
    model = Autonomous(system_of("1 + erf(x - 1)", "MotifOnly"), 2)
    slope = np.sqrt(np.pi) / 2 * np.exp(0.25)  # of x / N mean where 1 + erf has this slope: x = 1/2
    fold = 0.5 / slope - 1 - erf(-0.5)
    distance = np.array([-1e-2, -1e-6, -1e-12, 1e-12, 1e-6, 1e-2])

    def proofs(drive):
        own = base.replace(
            input=drive * slope, mean=np.full((2, 2), slope / 1000), g=np.zeros((2, 2))
        )
        y = jnp.array([0.4, 0.4, 0.2, 0.2])
        return proof(model, own, y, jnp.ones(4)).radius

    found = []
    for most in (8, 0):
        monkeypatch.setattr(module, "MOST_SIDES", most)
        found.append(np.asarray(jax.jit(jax.vmap(lambda d: proofs(d)))(fold - distance)))
    np.testing.assert_array_equal(*np.isfinite(found))
    there = np.isfinite(found[0]).all(axis=1)
    assert there.any()
    assert not there.all()
    np.testing.assert_allclose(found[0][there], found[1][there], rtol=0.5)
