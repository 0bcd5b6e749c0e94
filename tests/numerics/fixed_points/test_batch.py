"""Sets of parameters at once against one at a time, the box, kinds, and reports of what may be
missing.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield import Motifs, Parameters, fixed_points, fixed_points_batch
from motifield.errors import ParameterError, SolverError
from motifield.numerics.fixed_points.newton import roots_from
from motifield.numerics.fixed_points.point import FixedPoint
from motifield.numerics.fixed_points.region import region_of, state_box, transfer_bounds
from motifield.numerics.parameters.scalars import scalar, stacked
from motifield.numerics.results import Numbers
from motifield.numerics.system.autonomous import Autonomous
from motifield.types import Code

ERF = "1 + erf((x - 3/2)/(4/5*sqrt(2)))"
NUMBERS = {
    "mean": [[0.003, -0.006], [0.0029, -0.0061]],
    "g": 0.2,
    "motifs": Motifs.shared(0.02),
    "input": [0.0, 0.05],
}


@pytest.fixture(scope="module")
def system(system_of):
    return system_of(ERF, "MotifOnly")


@pytest.fixture(scope="module")
def base(of_populations):
    return of_populations("EI", **NUMBERS)


@pytest.fixture(scope="module")
def values():
    return np.stack([np.linspace(0.1, 4, 12), np.linspace(0.4, 1.6, 12)], axis=1)


@pytest.fixture(scope="module")
def batch(base, values):
    return stacked([scalar("factor(motifs)", base), scalar("factor(mean)", base)], base, values)


@pytest.fixture(scope="module")
def found(system, batch):
    return fixed_points_batch(system, batch)


def test_sets_at_once_are_sets_one_by_one(found, system, batch):
    assert set(found["count"].values.tolist()) == {1, 3}
    assert np.all(found["status"] == "ok")
    assert np.all(found["index_sum"] == 1)
    for k in range(0, 12, 3):
        points = fixed_points(system, jax.tree.map(lambda v, k=k: v[k], batch))
        assert len(points) == found["count"].values[k]
        for j, point in enumerate(points):
            here = found.dataset.isel(set=k, point=j)
            for name in ("mean", "variance", "rate"):
                np.testing.assert_allclose(here[name], point.dataset[name], rtol=1e-8)
            assert bool(here["stable"]) == point.stable
            np.testing.assert_allclose(
                here["eigenvalues"].values.real, point.eigenvalues.real, atol=1e-6
            )
        assert np.all(np.isnan(found["mean"].values[k, len(points) :]))


def test_sets_from_their_neighbours_are_sets_by_themselves(system, base):
    """A grid across a cusp: 1 and 3 points, and a fold between neighbours."""
    axes = np.linspace(0.1, 4, 14), np.linspace(0.4, 1.6, 12)
    values = np.stack([v.ravel() for v in np.meshgrid(*axes, indexing="ij")], axis=1)
    order = np.random.default_rng(0).permutation(len(values))
    many = stacked([scalar("factor(motifs)", base), scalar("factor(mean)", base)], base, values)
    alone = fixed_points_batch(system, many)
    near = fixed_points_batch(system, many, places=values)
    assert set(alone["count"].values.tolist()) == {1, 3}
    for found in (near, alone):
        assert np.all(found["status"] == "ok")
    np.testing.assert_array_equal(near["count"], alone["count"])
    np.testing.assert_array_equal(near["stable"], alone["stable"])
    for name in ("mean", "rate", "variance"):
        np.testing.assert_allclose(near[name], alone[name], rtol=1e-7, atol=1e-9)
    shuffled = jax.tree.map(lambda v: v[order], many)
    again = fixed_points_batch(system, shuffled, places=1000 * values[order])
    np.testing.assert_array_equal(again["count"], alone["count"].values[order])
    with pytest.raises(ParameterError, match=r"places has shape \(3,\): it needs finite"):
        fixed_points_batch(system, many, places=[1, 2, 3])


def test_more_points_than_fit_are_said(system, batch, found):
    few = fixed_points_batch(system, batch, most=2)
    three = found["count"].values == 3
    assert np.all(few["overflow"].values == three)
    assert np.all(few["status"].values[three] == "more points than fit")
    assert few.status == f"{three.sum()} of 12 sets: more points than fit"
    assert few.status.code is Code.INCOMPLETE
    assert found.status.ok
    assert [row["fixed points"] for row in found.rows()] == found["count"].values.tolist()


def test_a_root_that_is_divided_out_is_not_found_again(system, base):
    """Starts beside a root end there; with the root divided out none does, and some find the
    others.
    """
    model, known = (
        Autonomous(system, 2),
        [np.asarray(Autonomous(system, 2).flat(p.state)) for p in fixed_points(system, base)],
    )
    limits = transfer_bounds(system, base)
    ends = tuple(
        map(jnp.asarray, (limits.low, limits.high, limits.least_slope, limits.largest_slope))
    )
    region = region_of(model, base, ends[:2], state_box(model, base, ends))
    starts = jnp.asarray(
        known[0][None, :] * (1 + 0.05 * np.random.default_rng(0).normal(size=(32, model.size)))
    )
    for divided in (False, True):
        root = jnp.asarray(known[0] if divided else np.full(model.size, np.nan))[None, :]
        found, residuals = jax.jit(
            lambda r: roots_from(model, base, region, starts, r, jnp.ones(model.size))
        )(root)
        good = np.asarray(residuals) < 1e-9
        at_root = np.max(np.abs(np.asarray(found) - known[0]), axis=1) < 1e-6
        assert np.sum(good & at_root) == (0 if divided else 32)
        assert not divided or np.any(good)


def test_a_batch_has_an_axis(system, base):
    with pytest.raises(ParameterError, match="leading axis"):
        fixed_points_batch(system, base)
    with pytest.raises(ParameterError, match="power of two"):
        fixed_points(system, base, starts=100)


def test_results_by_name(system, base):
    found = fixed_points(system, base)
    assert [p.kind for p in found] == ["stable node", "saddle", "stable node"]
    assert len(found.stable) == 2
    assert found.dataset["mean"].dims == ("point", "population")
    assert found.dataset["kind"].values.tolist() == ["stable node", "saddle", "stable node"]
    assert [row["kind"] for row in found.rows()] == [p.kind for p in found]
    plain = found.json()
    assert plain["evidence"]["index"] == 1
    assert plain["points"][1]["stable"] is False
    assert "1 expected" in str(found.evidence)
    assert sum(sum(own.values()) for own in found[0].leading.values()) == pytest.approx(1)


def test_a_missing_point_is_noticed(system, base, monkeypatch):
    """A search that loses the saddle must not say "ok"."""
    from motifield.numerics.fixed_points import search as module

    add = module._Search.add

    def lose(self, root, count):
        if not 0.7 < root.state[0] < 1.1:
            add(self, root, count)

    whole = fixed_points(system, base)
    assert any(0.7 < p.dataset["mean"].values[0] < 1.1 for p in whole)
    monkeypatch.setattr(module._Search, "add", lose)
    found = fixed_points(system, base)
    assert found.status.startswith("incomplete: the indices of the 2 points sum to 2")
    assert found.status.code is Code.INCOMPLETE


def nowhere():
    """N mean = 1 and more input than the threshold: dK/dt > 0 everywhere."""
    return Parameters.of(N=10, fractions=[1.0], mean=0.1, g=0.0, input=0.5)


@pytest.mark.slow
def test_no_fixed_point_raises(system_of):
    with pytest.raises(SolverError, match="none found: nothing bounds the fixed points"):
        fixed_points(system_of("Max(x - 1/4, 0)"), nowhere(), starts=2)
    found = fixed_points(system_of("Max(x - 1/4, 0)"), nowhere(), starts=2, throw=False)
    assert found.status.code is Code.NOT_CONVERGED
    assert len(found) == 0
    assert found.rows() == []


@pytest.mark.slow
def test_no_fixed_point_of_any_set_raises(system_of):
    base = nowhere()
    sets = stacked([scalar("input", base)], base, np.array([[0.5], [0.7]]))
    with pytest.raises(SolverError, match="2 of 2 sets: none found"):
        fixed_points_batch(system_of("Max(x - 1/4, 0)"), sets, starts=2)


def test_what_the_leading_mode_moves(base, system_of):
    """Without synaptic variability, and so with Delta = 0, every mode is one of the means."""
    narrow = base.replace(g=jnp.zeros((2, 2)))
    point = fixed_points(system_of(ERF, "MotifOnly"), narrow)[0]
    assert sum(point.leading["mean"].values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("eigenvalues", "kind"),
    [
        ([-1, -2], "stable node"),
        ([-1 + 1j, -1 - 1j], "stable focus"),
        ([1, -2], "saddle"),
        ([1, 2], "unstable node"),
        ([1 + 1j, 1 - 1j], "unstable focus"),
        ([0.5 + 1j, 0.5 - 1j, -1], "unstable focus"),
        ([1, 0.5, -1], "saddle"),
        ([1e-12, -1], "non-hyperbolic"),
    ],
)
def test_kinds(eigenvalues, kind):
    values = np.array(eigenvalues, dtype=complex)
    point = FixedPoint(Numbers({}, {}), None, 0.0, np.diag(values.real), values)
    assert point.kind == kind
    assert point.stable == (kind.startswith("stable"))


def test_bounds_of_transfer_functions(base):
    """Worked by hand: the slope of 1 + erf((x - a)/b) is at most 2/(b sqrt(pi)); a kink is no jump;
    a jump has no slope.
    """

    def of(text):
        return transfer_bounds(
            mf.compile(mf.derive(mf.Architecture(transfer=text), mf.MotifOnly())), base
        )

    erf = of(ERF)
    assert erf.are_finite
    np.testing.assert_allclose(erf.low, 0, atol=1e-12)
    np.testing.assert_allclose(erf.high, 2)
    assert np.all(
        (erf.largest_slope >= 2 / (0.8 * np.sqrt(2 * np.pi)))
        & (erf.largest_slope < 1.03 * 2 / (0.8 * np.sqrt(2 * np.pi)))
    )
    steep = of("1/(1 + exp(-3000*(x - 1/3)))")
    assert np.all((steep.largest_slope >= 750) & (steep.largest_slope < 800))
    assert not of("Max(x, 0)").are_finite
    assert not of("log(1 + exp(x))").are_finite
    assert not of("Heaviside(x)").are_finite


@pytest.mark.slow
def test_the_box_holds_fixed_points_of_filtered_systems(of_populations):
    """Filters of membranes and synapses with gains other than 1, and every part of the input."""
    architecture = mf.Architecture(
        ["E", "I"],
        transfer=ERF,
        membrane={"E": "2/((1 + s)*(1 + s/3))", "I": "1/(1 + s)"},
        synapse="3/(2 + 2*s)",
        inputs=["in-strength", "spread", "out-strength"],
    )
    system = mf.compile(mf.derive(architecture, mf.SecondMoment()))
    own = of_populations("EI", **NUMBERS, in_strength=0.1, spread=0.3, tau_inp=0.05)
    model, bounds = Autonomous(system, 2), transfer_bounds(system, own)
    low, high = jax.jit(state_box, static_argnums=0)(
        model, own, (bounds.low, bounds.high, bounds.least_slope, bounds.largest_slope)
    )
    means = np.array([name == "K" for name, _ in model.latents()])
    assert np.all(np.isfinite(low[means]) & np.isfinite(high[means]))
    found = fixed_points(system, own)
    assert found.status == "ok"
    for point in found:
        y = np.asarray(model.flat(point.state))
        assert np.all((y >= np.asarray(low) - 1e-9) & (y <= np.asarray(high) + 1e-9))
