"""Averages from tables of Hermite expansions, where tables serve and where they do not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import motifield as mf
from motifield import Parameters, keeping
from motifield.numerics.averages import Quadrature, tables
from motifield.numerics.fixed_points import search
from motifield.numerics.system import replaced


def closed(mu, Delta):
    """<erf>; its derivatives are those of the formula."""
    return jax.lax.erf(mu / jnp.sqrt(1 + 2 * Delta))


def places(scale, count, seed):
    """Means and variances over all of a table: small, middle and large variances."""
    rng = np.random.default_rng(seed)
    parts = (
        rng.uniform(0, 0.01, count),
        rng.uniform(0, 0.1, count),
        10 ** rng.uniform(-1, 2.5, count),
    )
    mu = scale * rng.uniform(-23.8, 24.0, 3 * count)
    return jnp.asarray(mu), jnp.asarray(scale**2 * np.concatenate(parts))


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    ("tolerance", "errors"),
    [(1e-11, (1e-12, 2e-12, 3e-11, 2e-9)), (1e-5, (1e-6, 1e-5, 1e-4, 1e-3))],
)
def test_averages_and_three_derivatives(tolerance, errors, fast, monkeypatch):
    """By sums that are written out and by sums in a loop, which compile faster."""
    monkeypatch.setattr(tables, "compiles_fast", lambda: fast)
    table = Quadrature([jax.lax.erf], tolerance=tolerance).grid.tables[0]
    mu, Delta = places(table.scale, 300, seed=1)
    found = jax.jit(lambda m, v: table.averages((0, 1, 2, 3), m, v, table.coefficients))(mu, Delta)
    expected = closed
    for values, error in zip(found, errors, strict=True):
        exact = jax.vmap(expected)(mu, Delta)
        assert float(jnp.max(jnp.abs(values - exact) / (1 + jnp.abs(exact)))) < error
        expected = jax.grad(expected)


def test_the_average_of_the_square_and_of_one_scaled_and_shifted():
    """<(c + a erf)^2> from the tables of erf and its square: by many nodes."""
    average = Quadrature(
        [lambda x, a, c: c + a * jax.lax.erf(x)],
        parameters={"a": 3.0, "c": -0.4},
        shape=[jax.lax.erf],
    )
    mu, Delta = jnp.array([-1.2, 0.1, 2.0]), jnp.array([0.0, 0.3, 4.0])
    z = np.linspace(-9.0, 9.0, 2001)
    w = np.exp(-0.5 * z**2)
    x = np.asarray(mu)[:, None] + np.sqrt(np.asarray(Delta))[:, None] * z
    f = -0.4 + 3.0 * (2 * stats.norm.cdf(np.sqrt(2) * x) - 1)
    for own, power in ((average, 1), (average.squared(), 2)):
        np.testing.assert_allclose(own(mu, Delta), f**power @ w / w.sum(), rtol=1e-10)
    # the slope in the amplitude, 2 <(c + a erf) erf>
    slope = jax.grad(lambda a: average.squared()(mu[1], Delta[1], average.prepare({"a": a})))(3.0)
    exact = (2 * f * (f + 0.4) / 3.0)[1] @ w / w.sum()
    assert float(slope) == pytest.approx(exact, rel=1e-10)


def test_beyond_a_table_and_in_its_gaps_it_is_quadrature():
    """A spike that is narrow beside the table's scale makes a gap."""

    def spiked(x):
        return jax.lax.erf(x) + jnp.exp(-(((x - 5) / 0.003) ** 2))

    average = Quadrature([spiked])
    (table, _), within = average.grid.tables, average.within_table()
    mu = jnp.array([5.0, 5.0, 1.0, 24.5 * table.scale, 0.3])
    Delta = jnp.array([1e-5, 0.5, 0.01, 1.0, 400.0 * table.scale**2])
    width = 0.003**2 + 2 * Delta
    spike = 0.003 * jnp.exp(-((mu - 5) ** 2) / width) / jnp.sqrt(width)
    np.testing.assert_allclose(average(mu, Delta), closed(mu, Delta) + spike, rtol=1e-9, atol=1e-12)
    is_there = np.isfinite(within(mu, Delta))
    np.testing.assert_array_equal(is_there, [False, True, True, False, False])


def test_a_few_entries_beyond_a_table_do_not_make_the_others_quadrature(monkeypatch):
    """Entries are taken in blocks; more than one block is needed here."""
    average = Quadrature([jax.lax.erf])
    (table, _) = average.grid.tables
    mu = np.linspace(-3, 3, 500)
    beyond = np.arange(500) % 5 == 2
    mu[beyond] += 25 * table.scale
    mu, Delta = jnp.asarray(mu), jnp.where(beyond, 3.0, 0.7)
    counted = []
    by_quadrature = Quadrature._by_quadrature

    def counting(self, orders, edges, at, *rest):
        jax.debug.callback(lambda: counted.append(len(at)))
        return by_quadrature(self, orders, edges, at, *rest)

    monkeypatch.setattr(Quadrature, "_by_quadrature", counting)
    found = average.derivatives(mu, Delta)
    jax.effects_barrier()
    assert sum(counted) < 200  # 100 are beyond
    np.testing.assert_allclose(found[0], closed(mu, Delta), rtol=1e-11, atol=1e-12)
    slope = jax.vmap(jax.grad(closed))(mu, Delta)
    np.testing.assert_allclose(found[1], slope, rtol=1e-9, atol=1e-12)


def test_a_variance_that_rounding_made_negative_has_its_average():
    """Where strengths of single neurons leave no variance, it is a difference of equal numbers."""
    table = Quadrature([jnp.tanh]).grid.tables[0]
    mu, Delta = jnp.linspace(-3, 3, 7), jnp.full(7, -1e-13)
    values, slopes = table.averages((0, 1), mu, Delta, jnp.asarray(table.coefficients))
    np.testing.assert_allclose(values, np.tanh(mu), rtol=0, atol=1e-11)
    np.testing.assert_allclose(slopes, 1 / np.cosh(mu) ** 2, rtol=0, atol=1e-10)


def test_what_is_no_number_and_what_is_negative_is_outside():
    table = Quadrature([jnp.tanh]).grid.tables[0]
    places = [
        (np.nan, 1.0),
        (0.0, np.nan),
        (np.inf, 1.0),
        (-np.inf, 1.0),
        (0.0, np.inf),
        (0.0, -1.0),
    ]
    mu, Delta = (jnp.array(v) for v in zip(*places, strict=True))
    for values in table.averages((0, 1), mu, Delta, jnp.asarray(table.coefficients)):
        assert np.isnan(values).all()


@pytest.mark.parametrize("phi", [jnp.tanh, jax.nn.softplus, jax.nn.sigmoid, jnp.arctan])
def test_tables_of_smooth_functions_and_their_squares_have_no_gaps(phi):
    assert not Quadrature([phi]).grid.has_gaps


def test_functions_that_are_not_smooth_have_no_table():
    assert Quadrature([lambda x: jnp.maximum(x, 0.0) ** 1.5], [0.0]).grid.tables is None
    assert Quadrature([lambda x: 0 * x, lambda x: x**1.5], [0.0]).grid.tables is None


def test_equal_functions_share_a_table_and_others_do_not():
    made = [Quadrature([f]).grid.tables[0] for f in (jnp.tanh, jnp.tanh, lambda x: 2 * jnp.tanh(x))]
    one, same, other = (table.coefficients for table in made)
    assert one is same
    assert one is not other


def test_where_tables_end_trajectories_and_fixed_points_go_on():
    """dK/dt = -K + 300 with softplus' rates of K = 300, far beyond the table."""
    system = mf.compile(mf.derive(mf.Architecture(transfer="softplus"), mf.MotifOnly()))
    parameters = mf.Parameters.of(N=100, fractions=[1.0], mean=0.0, g=0.1, input=300.0)
    quick = replaced.within_tables(system)
    assert quick is not system
    assert not np.isfinite(quick.rates(quick.rest(1)._replace(K=jnp.array([300.0])), parameters))
    last = mf.integrate(system, parameters, 60.0).dataset.isel(time=-1)
    point = mf.fixed_point(system, parameters).dataset
    for found in (last, point):
        assert float(found["rate"][0]) == pytest.approx(300.0, abs=1e-6)


def test_without_a_table_equations_stay_as_they_are():
    system = mf.compile(mf.derive(mf.Architecture(transfer="erf"), mf.MotifOnly()))
    assert replaced.within_tables(system) is system


def test_the_search_for_fixed_points_uses_tables_where_they_reach(monkeypatch):
    """tanh: three points for N Jbar = 2; for N Jbar = 60 two of them are beyond the table."""
    system = mf.compile(mf.derive(mf.Architecture(transfer="tanh"), mf.MotifOnly()))
    seen = []

    def watched(*given):
        seen.append(replaced.tables_reach(*given))
        return seen[-1]

    monkeypatch.setattr(search, "tables_reach", watched)
    for strength, reached in ((0.02, True), (0.6, False)):
        parameters = mf.Parameters.of(N=100, fractions=[1.0], mean=strength, g=0.1, input=0.0)
        points = mf.fixed_points(system, parameters)
        assert points.status == "ok"
        assert len(points) == 3
        assert seen[-1] == reached
        assert all(p.dataset.attrs["residual"] < 1e-9 for p in points)


def test_kept_programs_have_tables_as_arguments(system_of, tmp_path, monkeypatch):
    """Of the average, its square and their derivatives, for two transfer functions."""
    system = system_of(("1 + tanh(x)", "1/(1 + exp(-x))"), "SecondMoment")
    par = Parameters.of(
        populations=["A", "B"], N=400, fractions=[0.5, 0.5], mean=-0.002, g=0.3, input=0.5
    )
    state = system.rest(2)._replace(K=jnp.array([0.3, -0.8]), s=jnp.array([0.5, 0.7]))

    def slopes(system, parameters, state):
        def field(K):
            change = system.vector_field(0.0, state._replace(K=K), parameters)
            return jax.tree.leaves(change)

        return {"field": jnp.stack(field(state.K)), "slopes": jnp.stack(jax.jacfwd(field)(state.K))}

    expected = keeping.kept(slopes)(system, par, state)
    monkeypatch.setenv(keeping.FOLDER, str(tmp_path))
    for _ in range(2):
        found = keeping.kept(slopes)(system, par, state)
        for name, values in expected.items():
            assert np.allclose(found[name], values, rtol=1e-13, atol=1e-15)
    size = {path: path.stat().st_size for path in tmp_path.iterdir()}
    assert sum(s for p, s in size.items() if p.suffix == keeping.SUFFIX) < 300_000
    assert len([p for p in size if p.suffix == keeping.ARRAY]) == 4
