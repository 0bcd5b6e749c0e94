"""Branches, special points, limit cycles and curves: against AUTO, direct integration, and theory
of symmetric networks.
"""

import re

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
import xpplab

import motifield as mf
from motifield.errors import ParameterError, SolverError
from motifield.numerics.continuation.normal_form import lyapunov
from motifield.numerics.continuation.special_points import hopf_test, of_kind
from motifield.numerics.parameters.scalars import scalar
from motifield.numerics.plots.bifurcation import bifurcation_diagram
from motifield.numerics.system.exports import flat
from motifield.theory.code.to_xpp import xpp_ode

STEEP = "1 + erf((x - 1.5)/(0.8*sqrt(2)))"
COARSE = 0.06  # steps of a branch: special points are located from any
FOLDS = (0.00931048, 0.05996574)  # theory of this network: in the correlation tau of all motifs


def bistable_parameters(tau=0.02, j0=0.003):
    return mf.Parameters.of(
        populations=["E", "I"],
        N=1000,
        fractions=[0.8, 0.2],
        mean=[[j0, -2 * j0]] * 2,
        g=0.2,
        motifs=mf.Motifs.shared(tau),
    )


def followed(system, parameters, number, bounds):
    """System, parameters and the branches through their fixed point."""
    initial = mf.fixed_point(system, parameters)
    options = {"bounds": bounds, "initial": initial, "largest_step": COARSE}
    return system, parameters, mf.continuation.follow(system, parameters, number, **options)


@pytest.fixture(scope="module")
def bistable():
    """System, parameters and branches of the network that chains make bistable."""
    system = mf.compile(mf.derive(mf.Architecture(["E", "I"], STEEP), mf.MotifOnly()))
    return followed(system, bistable_parameters(), "factor(motifs)", (0.0, 5.0))


@pytest.fixture(scope="module")
def oscillating(oscillating_network):
    """System, parameters and branches of the network that oscillates when it is driven."""
    return followed(*oscillating_network, "input[E]", (-1.0, 3.0))


def cycles_of(oscillating, highest, **steps):
    system, parameters, branches = oscillating
    hopf = branches.of("Hopf")[0]
    return mf.continuation.limit_cycles(
        system, parameters, "input[E]", hopf, bounds=(-1.0, highest), **steps
    )


@pytest.fixture(scope="module")
def small_cycles(oscillating):
    """Cycles near the Hopf point, on a mesh that does for them."""
    return cycles_of(oscillating, 1.0, intervals=6, largest_step=0.6)


@pytest.fixture(scope="module")
def cycles(oscillating):
    """Cycles over all inputs."""
    return cycles_of(oscillating, 3.0, intervals=16)


def test_folds_in_the_strength_of_the_motifs(bistable):
    """The published folds to 1e-6, and those of AUTO on the exported equations with one tau for all
    motifs.
    """
    system, parameters, branches = bistable
    assert branches.status == "ok"
    folds = branches.of("fold")
    np.testing.assert_allclose([0.02 * f.value for f in folds], FOLDS, atol=1e-8)
    assert max(f.residual for f in folds) < 1e-12
    text = re.sub(
        r"par (t[chr]_\w+)=([\d.]+)",
        lambda m: f"{m[1]}={round(float(m[2]) / 0.02)}*tau",
        xpp_ode(system.mean_field, flat(system.mean_field, parameters)),
    )
    with xpplab.Model.from_text(text.replace("par nn", "par tau=0.005\npar nn", 1)) as model:
        steps = {"ds": 1e-3, "dsmax": 0.01, "dsmin": 1e-7, "nmax": 2000}
        accuracy = {"epsl": 1e-10, "epsu": 1e-10, "epss": 1e-9}
        diagram = model.auto.equilibria("tau", parmin=0, parmax=0.1, **steps, **accuracy)
        seen = sorted(p.value for p in diagram.special("LP"))
    np.testing.assert_allclose([0.02 * f.value for f in folds], seen, atol=1e-6)


def test_stability_and_states_along_the_branch(bistable):
    """Between the folds there are three states, the middle one unstable; beyond them one."""
    system, _, branches = bistable
    assert len(branches) == 1
    for value, stable in ((0.2, [True]), (1.0, [True, False, True]), (4.0, [True])):
        points = branches.at(value)
        assert [p.stable for p in points] == stable
        assert max(p.residual for p in points) < 1e-10
    (branch,) = branches
    unstable = branch.values[~branch.stable]
    assert unstable.min() * 0.02 > FOLDS[0] - 1e-12
    assert unstable.max() * 0.02 < FOLDS[1] + 1e-12
    np.testing.assert_allclose(branch.values[[0, -1]], [0, 5], atol=1e-12)
    assert branch.ended == ("bounds", "bounds")
    k = int(np.argmin(np.abs(branch.values - 0.3)))
    own = mf.fixed_point(system, branches.along.at([branch.values[k]]))
    np.testing.assert_allclose(branch.dataset["eigenvalues"][k].values, own.eigenvalues, atol=1e-7)


def test_a_start_on_a_known_branch_makes_no_second_one(bistable):
    system, parameters, branches = bistable
    again = mf.continuation.follow(
        system, parameters, "factor(motifs)", bounds=(0.0, 5.0), initial=branches.at(1.0)
    )
    assert len(again) == 1
    np.testing.assert_allclose(
        [f.value for f in again.of("fold")], [f.value for f in branches.of("fold")], rtol=1e-8
    )


def test_results_as_plain_data(bistable):
    import json

    branches = bistable[2]
    data = json.loads(json.dumps(branches.json()))
    assert data["vary"] == "factor(motifs)"
    assert [row["kind"] for row in data["special"]] == ["fold", "fold"]
    assert branches.dataset.sizes["step"] == sum(len(b.values) for b in branches)


@pytest.mark.parametrize(
    ("name", "bounds", "message"),
    [
        ("factor(motifs)", (2.0, 3.0), "outside of the bounds"),
        ("nothing", (0.0, 1.0), "there is no parameter"),
        ("factor(motifs)", (3.0, 0.0), "two increasing numbers"),
        ("factor(motifs)", (0.0, np.inf), "two increasing numbers"),
    ],
)
def test_bad_requests(bistable, name, bounds, message):
    system, parameters, branches = bistable
    with pytest.raises(ParameterError, match=message):
        mf.continuation.follow(system, parameters, name, bounds=bounds, initial=branches.at(1.0))


def test_requests_that_do_not_fit(bistable):
    system, parameters, branches = bistable
    with pytest.raises(ParameterError, match="outside of the bounds"):
        branches.at(7.0)
    with pytest.raises(ParameterError, match="a located Hopf point"):
        mf.continuation.limit_cycles(
            system, parameters, "factor(motifs)", branches.of("fold")[0], bounds=(0.0, 5.0)
        )
    with pytest.raises(ParameterError, match="two different numbers"):
        mf.continuation.bifurcation_curves(
            system, parameters, ("N", "N"), bounds=((1, 2000), (1, 2000))
        )
    with pytest.raises(SolverError, match="no fixed point"):
        mf.continuation.follow(system, parameters, "factor(motifs)", bounds=(0.0, 5.0), initial=[])


def exported(oscillating):
    system, parameters, _ = oscillating
    return xpplab.Model.from_text(xpp_ode(system.mean_field, flat(system.mean_field, parameters)))


class Planar(eqx.Module):
    """x' = -w y + s x r^2 + b x y, y' = w x + s y r^2: for b = 0 the normal form, with first
    Lyapunov coefficient 2 s / w.
    """

    s: float
    b: float
    w: float

    def field(self, z, _):
        x, y = z
        r = x * x + y * y
        return jnp.stack(
            [-self.w * y + self.s * x * r + self.b * x * y, self.w * x + self.s * y * r]
        )


@pytest.mark.parametrize("s", [-1.0, 0.7])
def test_lyapunov_coefficient_of_the_normal_form(s):
    """Also with a quadratic term b x y, which alone leaves the coefficient as it is: Guckenheimer
    and Holmes, eq. 3.4.11, gives
    16 a = f_xxx + f_xyy + g_xxy + g_yyy + (f_xy (f_xx + f_yy) - g_xy (g_xx + g_yy) - f_xx g_xx +
    f_yy g_yy) / w.
    """
    q, zero = jnp.asarray(np.array([1.0, -1.0j]) / np.sqrt(2)), jnp.zeros(2)
    for b in (0.0, 0.9):
        assert float(
            lyapunov(Planar(s, b, 1.5), zero, jnp.zeros(1), q, q, jnp.asarray(1.5))
        ) == pytest.approx(2 * s / 1.5, rel=1e-12)


def test_a_change_of_sign_of_sums_of_eigenvalues():
    """A pair that crosses the imaginary axis, and two real ones of sum 0; not one real eigenvalue
    that crosses.
    """
    assert (
        hopf_test(np.array([-0.1 + 1j, -0.1 - 1j, -2]))
        * hopf_test(np.array([0.1 + 1j, 0.1 - 1j, -2]))
        < 0
    )
    assert hopf_test(np.array([0.5, -0.6, -2])) * hopf_test(np.array([0.5, -0.4, -2])) < 0
    assert hopf_test(np.array([0.1, -0.6, -2])) * hopf_test(np.array([-0.1, -0.6, -2])) > 0


def test_hopf_point(oscillating):
    """Eigenvalues +- i omega there; the same place in AUTO; supercritical, as the cycles that leave
    it are stable.
    """
    system, _, branches = oscillating
    (point,) = branches.of("Hopf")
    own = mf.fixed_point(system, branches.along.at([point.value]), point.state, settle=0.0)
    np.testing.assert_allclose(
        own.eigenvalues[:2],
        [1j * point.info["frequency"], -1j * point.info["frequency"]],
        atol=1e-9,
    )
    assert point.info["criticality"] == "supercritical"
    with exported(oscillating) as model:
        (seen,) = model.auto.equilibria(
            "i_e",
            ds=0.02,
            dsmax=0.05,
            parmin=-1,
            parmax=3,
            nmax=500,
            epsl=1e-9,
            epsu=1e-9,
            epss=1e-8,
        ).special("HB")
        assert point.value == pytest.approx(seen.value, abs=1e-5)


@pytest.mark.slow
def test_limit_cycles_against_integration(oscillating, cycles):
    """Period and amplitude of a cycle in the middle of the branch; near the Hopf point the
    amplitude grows as a square root.
    """
    system, _, branches = oscillating
    data = cycles.dataset
    assert cycles.status == "ok"
    assert cycles.ended == "bounds"
    assert cycles.stable.all()
    assert (
        float(data["unit_error"].max()) < 5e-3
    )  # of relaxation-like cycles at the end; 24 intervals have less
    k = int(np.argmin(np.abs(data["value"].values - 1.2)))
    assert float(data["unit_error"][k]) < 1e-5
    parameters = branches.along.at([float(data["value"][k])])
    run = mf.integrate(
        system,
        parameters,
        40.0,
        initial=branches.along.model.state(jnp.asarray(cycles.states[k, 0])),
        saveat=8000,
    )
    mean, t = run["mean"].values[2000:, 0], run["time"].values[2000:]
    level = mean.mean()
    up = np.flatnonzero((mean[:-1] < level) & (mean[1:] >= level))
    crossing = t[up] + (level - mean[up]) / (mean[up + 1] - mean[up]) * (t[1] - t[0])
    assert np.diff(crossing).mean() == pytest.approx(float(data["period"][k]), rel=1e-5)
    assert float(data["mean_max"][k, 0] - data["mean_min"][k, 0]) == pytest.approx(
        np.ptp(mean), rel=1e-3
    )
    first = slice(0, 4)
    size = np.ptp(data["mean"].values[first, :, 0], axis=1) ** 2
    slope = size / (data["value"].values[first] - cycles.hopf.value)
    np.testing.assert_allclose(slope, slope[0], rtol=0.05)


def same_as_auto(oscillating, cycles, highest):
    """Periods of the same cycles in AUTO."""
    with exported(oscillating) as model:
        steady = model.auto.equilibria("i_e", ds=0.02, dsmax=0.05, parmin=-1, parmax=3, nmax=500)
        orbits = model.auto.continue_from(
            steady.first("HB"),
            "periodic",
            ds=0.02,
            dsmax=0.2,
            nmax=300,
            ntst=40,
            parmax=highest + 0.1,
        )
        found = [(p.value, p.period) for p in orbits if p.period and 0.75 < p.value < highest]
    seen = np.array(found)
    data = cycles.dataset
    assert len(seen) > 3
    assert data["value"].values.max() > seen[:, 0].max()
    ours = np.interp(seen[:, 0], data["value"].values, data["period"].values)
    np.testing.assert_allclose(ours, seen[:, 1], rtol=2e-4)


def test_limit_cycles_against_auto(oscillating, small_cycles):
    assert small_cycles.stable.all()
    same_as_auto(oscillating, small_cycles, 1.0)


@pytest.mark.slow
def test_large_limit_cycles_against_auto(oscillating, cycles):
    same_as_auto(oscillating, cycles, 1.9)


@pytest.mark.slow
def test_curves_of_hopf_points_end_at_a_bogdanov_takens_point(oscillating):
    """There the Jacobian has a double zero, and a curve of folds passes."""
    system, parameters, branches = oscillating
    curves = mf.continuation.bifurcation_curves(
        system,
        parameters,
        ("input[E]", "factor(mean[I,E])"),
        bounds=((-1.0, 3.0), (0.0, 3.0)),
        special=branches,
    )
    (point,) = curves.of("Bogdanov-Takens")
    assert {c.kind for c in curves.curves} == {"fold", "Hopf"}
    own = scalar("factor(mean[I,E])", parameters).set(
        scalar("input[E]", parameters).set(parameters, point.value[0]), point.value[1]
    )
    model = branches.along.model
    eigenvalues = np.linalg.eigvals(np.asarray(model.jacobian(model.flat(point.state), own)))
    assert np.sort(np.abs(eigenvalues))[1] < 1e-6  # a square root of the error
    assert np.sort(np.abs(eigenvalues))[2] > 0.1
    hopf = next(c for c in curves.curves if c.kind == "Hopf").dataset
    at = int(np.argmin(np.abs(hopf["first"].values - 1.5)))
    here = mf.fixed_point(
        system,
        scalar("factor(mean[I,E])", own).set(
            scalar("input[E]", parameters).set(parameters, hopf["first"].values[at]),
            hopf["second"].values[at],
        ),
        settle=300.0,
    )
    assert abs(here.eigenvalues[0].real) < 1e-3
    assert here.eigenvalues[0].imag == pytest.approx(float(hopf["frequency"][at]), abs=1e-3)


@pytest.fixture(scope="module")
def symmetric(bistable, of_populations):
    """Two populations that inhibit each other, alike in everything: the difference of the two is a
    state of its own below a pitchfork.
    """
    system = bistable[0]
    mean = [[0.002, -0.005], [-0.005, 0.002]]
    parameters = of_populations(
        "EI", fractions=[0.5, 0.5], mean=mean, g=0.2, motifs=mf.Motifs.shared(0.02), input=3.0
    )
    return followed(system, parameters, "factor(motifs)", (-0.5, 5.0))


def test_branch_points_lead_to_other_branches(symmetric):
    """The start has one population silent; its branch crosses the symmetric one at a pitchfork,
    where the odd mode has eigenvalue 0.
    """
    _, _, branches = symmetric
    (point,) = branches.of("branch point")
    assert len(branches) == 3
    np.testing.assert_allclose(point.seen["rate"][0], point.seen["rate"][1], rtol=1e-9)
    model = branches.along.model
    jacobian = np.asarray(model.jacobian(model.flat(point.state), branches.along.at([point.value])))
    odd = np.kron(np.eye(2), [1, -1]) / np.sqrt(2)
    even = np.kron(np.eye(2), [1, 1]) / np.sqrt(2)
    np.testing.assert_allclose(odd @ jacobian @ even.T, 0, atol=1e-9)
    assert abs(np.linalg.det(odd @ jacobian @ odd.T)) < 1e-9
    states = branches.at(2.0)
    assert [p.stable for p in states].count(True) == 2
    rates = np.array([p.dataset["rate"].values for p in states if p.stable])
    np.testing.assert_allclose(rates[0], rates[1][::-1], rtol=1e-8)
    assert len(branches.of("fold")) == 2
    assert branches.of("fold")[0].value == pytest.approx(branches.of("fold")[1].value, rel=1e-10)


def test_branch_points_in_auto(symmetric):
    system, parameters, branches = symmetric
    text = xpp_ode(system.mean_field, flat(system.mean_field, parameters))
    text = re.sub(
        r"par (t[chr]_\w+)=([\d.]+)", lambda m: f"{m[1]}={round(float(m[2]) / 0.02)}*tau", text
    ).replace("par nn", "par tau=0.095\npar nn", 1)
    with xpplab.Model.from_text(text) as model:
        diagram = model.auto.equilibria(
            "tau",
            ds=-1e-4,
            dsmax=0.002,
            parmin=0.08,
            parmax=0.1,
            nmax=2000,
            epsl=1e-9,
            epsu=1e-9,
            epss=1e-8,
        )
        (seen,) = {round(p.value, 7) for p in diagram.special("BP")}
    assert 0.02 * branches.of("branch point")[0].value == pytest.approx(seen, abs=1e-6)


def test_limits_of_variances_and_statistics_are_marked(symmetric):
    """Without motifs the variance of this closure is 0, and negative, as no variance is, for
    negative correlations.
    """
    branches = symmetric[2]
    for kind in ("negative variance", "infeasible"):
        assert len(branches.of(kind)) == 3
        np.testing.assert_allclose([s.value for s in branches.of(kind)], 0, atol=1e-9)
    for branch in branches:
        np.testing.assert_array_equal(branch.dataset["feasible"], branch.values > -1e-9)
        np.testing.assert_array_equal(branch.dataset["physical"], branch.values > -1e-9)


def test_pictures(bistable, symmetric):
    """Solid where stable, dashed where not, marks at special points."""
    figure = bifurcation_diagram(bistable[2], show=("rate",), populations=["E"])
    lines = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 1]
    assert [line.get_linestyle() for line in lines] == ["-", "--", "-"]
    marks = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 1]
    np.testing.assert_allclose(
        sorted(float(m.get_xdata()[0]) for m in marks), [f.value for f in bistable[2].of("fold")]
    )
    assert len(bifurcation_diagram(symmetric[2]).axes) == 3
    with pytest.raises(ParameterError, match="cannot be drawn"):
        bifurcation_diagram(bistable[2], show=("spin",))


@pytest.fixture(scope="module")
def rectified():
    """One population of threshold-linear units: its bulk turns unstable at g = sqrt 2."""
    system = mf.compile(mf.derive(mf.Architecture(["E"], "Max(x, 0)"), mf.SecondMoment()))
    parameters = mf.Parameters.of(
        populations=["E"], N=1000, fractions=[1.0], mean=-0.002, g=1.3, input=1.0
    )
    return system, parameters


@pytest.mark.slow
def test_a_branch_says_where_the_bulk_is_unstable(rectified):
    """Half of the units are above threshold at K = 0: g^2 / 2 = 1, closed form."""
    _, _, branches = followed(*rectified, "factor(g)", (0.9, 1.2))
    (onset,) = branches.special
    assert onset.kind == "bulk instability"
    assert 1.3 * onset.value == pytest.approx(np.sqrt(2), abs=1e-8)
    (branch,) = branches
    assert branch.stable.all()
    assert np.array_equal(branch.bulk_unstable, branch.values > onset.value)
    assert np.array_equal(branches.json()["branches"][0]["bulk_unstable"], branch.bulk_unstable)
    figure = bifurcation_diagram(branches)
    legends = [made for ax in figure.axes if (made := ax.get_legend())]
    texts = [t.get_text() for made in legends for t in made.get_texts()]
    assert {"stable equations, unstable bulk: chaos", "bulk turns unstable"} <= set(texts)
    styles = {line.get_linestyle() for line in figure.axes[0].lines if len(line.get_xdata()) > 1}
    assert len(styles) == 2


@pytest.mark.slow
def test_a_grid_says_where_the_bulk_is_unstable(rectified):
    plane = ("factor(g)", "input")
    bounds = ((0.9, 1.2), (0.5, 1.0))
    diagram = mf.continuation.phase_diagram(
        *rectified, plane, bounds=bounds, grid=(2, 2), curves=False, starts=2
    )
    assert diagram["attractors"].values.tolist() == [[1, 1], [1, 1]]
    assert diagram["bulk_unstable"].values.tolist() == [[0, 0], [1, 1]]
    assert [row["bulk unstable"] for row in diagram.rows()] == [0, 1]
    texts = [t.get_text() for t in diagram.plot().axes[0].get_legend().get_texts()]
    assert "stable equations, unstable bulk: chaos" in texts


def test_special_points_of_a_kind_that_does_not_exist_are_refused():
    with pytest.raises(ParameterError, match="'hopf': fold, Hopf, branch point"):
        of_kind([], "hopf")
    assert of_kind([], "Hopf") == []
