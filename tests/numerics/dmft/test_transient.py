"""Two-time dynamical mean-field theory: order of convergence, static limit, closed forms, and
sampled networks.
"""

import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError, SolverError
from motifield.numerics.plots import dmft as dmft_plots
from motifield.types import Code

ERF = "1 + erf(x - 1)"
N = 1000


def excitatory_inhibitory(scale=1.0, **others):
    con, div = (
        0.008 * np.array([[[1, a], [a, 1]], [[1, b], [b, 1]]]) for a, b in ((0.5, 0.7), (0.4, 0.6))
    )
    given = {
        "populations": ["E", "I"],
        "N": N,
        "fractions": [0.8, 0.2],
        "mean": [[0.001, -0.004], [0.0015, -0.003]],
        "g": scale * np.array([[0.5, 0.7], [0.6, 0.4]]),
        "motifs": mf.Motifs(
            con, div, 0.008 * np.array([[[0.4, 0.3], [0.2, 0.5]], [[0.3, 0.2], [0.4, 0.3]]]), 0.0
        ),
        "input": [0.5, 0.3],
    }
    return mf.without_reciprocity(mf.Parameters.of(**(given | others)))


@pytest.fixture(scope="module")
def system():
    return mf.compile(mf.derive(mf.Architecture(["E", "I"], ERF), mf.SecondMoment()))


@pytest.fixture(scope="module")
def solutions(system):
    return {
        dt: mf.dmft.transient(
            system,
            excitatory_inhibitory(),
            24.0 if dt == 0.2 else 4.0,
            dt=dt,
            initial={"mean": 0.3, "variance": 0.5},
        ).dataset
        for dt in (0.2, 0.1, 0.05)
    }


def test_errors_are_of_second_order(solutions):
    at = {
        dt: d.sel(time=[1.0, 3.0], time2=[1.0, 2.0], method="nearest")
        for dt, d in solutions.items()
    }
    for name in ("mean", "variance", "kappa", "covariance", "rate_covariance"):
        coarse, fine = (
            np.abs(at[a][name].values - at[b][name].values) for a, b in ((0.2, 0.1), (0.1, 0.05))
        )
        ratios = coarse / fine
        assert np.all((ratios > 3.0) & (ratios < 5.5)), (name, ratios)


def test_it_ends_at_the_fixed_point_of_the_second_moment_closure(system, solutions):
    """As exp(-t), up to the error of averages near rho = 1."""
    fixed = mf.fixed_point(system, excitatory_inhibitory()).dataset
    for name, tolerance in (("mean", 1e-6), ("variance", 1e-6), ("kappa", 1e-7), ("rate", 1e-7)):
        assert solutions[0.2][name].isel(time=-1).values == pytest.approx(
            fixed[name].values, abs=tolerance
        )


def test_covariances_are_symmetric_and_positive(solutions):
    d = solutions[0.1]
    for p in ("E", "I"):
        for name in ("covariance", "rate_covariance"):
            C = d[name].sel(population=p).values
            assert np.array_equal(C, C.T)
            assert np.linalg.eigvalsh(C)[0] > -1e-6 * np.linalg.eigvalsh(C)[-1]
        assert np.allclose(
            np.diag(d["covariance"].sel(population=p)), d["variance"].sel(population=p)
        )


def test_a_linear_network_has_a_closed_form():
    """phi(x) = x, g alone, random start of variance v: C(t, t') = v exp(-t - t') I_0(2 g sqrt(t
    t')) (series in g^2 of the double filter).
    """
    from scipy.special import i0

    system = mf.compile(mf.derive(mf.Architecture(["x"], "x"), mf.MotifOnly()))
    parameters = mf.Parameters.of(populations=["x"], N=N, fractions=[1.0], mean=0.0, g=0.9)
    d = mf.dmft.transient(system, parameters, 4.0, dt=0.04, initial={"variance": 2.0}).dataset
    t, s = d["time"].values[:, None], d["time"].values[None, :]
    assert d["covariance"].values[:, :, 0] == pytest.approx(
        2 * np.exp(-t - s) * i0(2 * 0.9 * np.sqrt(t * s)), abs=2e-4
    )


def test_white_noise_and_offsets_have_closed_forms(of_populations):
    """Without synapses: D (exp(-|t - t'|) - exp(-t - t')) + s^2 (1 - exp(-t))(1 - exp(-t')) + v
    exp(-t - t'), exactly at any dt.
    """
    system = mf.compile(
        mf.derive(mf.Architecture(["x"], "x", inputs=["noise", "spread"]), mf.MotifOnly())
    )
    parameters = of_populations(
        "x", N, mean=0.0, g=0.0, noise=0.7, spread=1.3, input=lambda t: jnp.full(1, t)
    )
    d = mf.dmft.transient(
        system, parameters, 3.0, dt=0.3, initial={"variance": 0.4, "mean": 2.0}
    ).dataset
    t, s = d["time"].values[:, None], d["time"].values[None, :]
    expected = (
        0.7 * (np.exp(-np.abs(t - s)) - np.exp(-t - s))
        + 1.69 * np.expm1(-t) * np.expm1(-s)
        + 0.4 * np.exp(-t - s)
    )
    assert d["covariance"].values[:, :, 0] == pytest.approx(expected, abs=1e-12)
    assert d["mean"].values[:, 0] == pytest.approx((t - 1 + 3 * np.exp(-t))[:, 0], abs=1e-8)
    assert d["frozen"].values[:, 0] == pytest.approx(1.69 * np.expm1(-t[:, 0]) ** 2, abs=1e-12)


def test_a_jump_of_the_input_on_the_grid_keeps_the_order(system):
    at = {
        dt: mf.dmft.transient(
            system, excitatory_inhibitory(input=mf.inputs.pulse(0.4, 1.2, 1.0)), 1.6, dt=dt
        ).dataset
        for dt in (0.2, 0.1, 0.05)
    }
    last = {dt: d.isel(time=-1) for dt, d in at.items()}
    for name in ("mean", "variance"):
        ratios = (last[0.2][name] - last[0.1][name]) / (last[0.1][name] - last[0.05][name])
        assert np.all((ratios > 3) & (ratios < 5.5)), ratios.values


def test_populations_can_be_split_and_relabelled(solutions):
    """I in two halves with the same statistics changes nothing."""
    par = excitatory_inhibitory()
    index = np.array([0, 1, 1])
    three = mf.Parameters.of(
        populations=["E", "I1", "I2"],
        N=N,
        fractions=[0.8, 0.1, 0.1],
        mean=np.asarray(par.mean)[np.ix_(index, index)],
        g=np.asarray(par.g)[np.ix_(index, index)],
        motifs=mf.Motifs(*(np.asarray(t)[np.ix_(*(index,) * np.ndim(t))] for t in par.motifs)),
        input=[0.5, 0.3, 0.3],
    )
    d = mf.dmft.transient(
        mf.compile(mf.derive(mf.Architecture(["E", "I1", "I2"], ERF), mf.MotifOnly())),
        three,
        24.0,
        dt=0.2,
        initial={"mean": 0.3, "variance": 0.5},
    )
    for name in ("mean", "covariance"):
        assert np.allclose(d[name].values[..., [0, 1]], solutions[0.2][name].values, atol=1e-10)
        assert np.array_equal(d[name].values[..., 1], d[name].values[..., 2])


def test_transients_of_sampled_networks(system):
    """Means and variances of eight networks at times of a transient, within 4 standard errors of
    one network (N = 1500), widened for 8.
    """
    parameters = mf.without_reciprocity(excitatory_inhibitory(2.0).rescaled(1500))
    times, spread = [0.5, 1.0, 2.0, 4.0], 1.0
    d = mf.dmft.transient(
        system, parameters, 4.0, dt=0.05, initial={"mean": 0.3, "variance": spread}
    ).dataset.sel(time=times, method="nearest")
    seen = []
    for seed in range(8):
        x0 = 0.3 + np.sqrt(spread) * np.random.default_rng(100 + seed).standard_normal(1500)
        network = mf.sample(parameters, seed, dtype=np.float32)
        seen.append(mf.simulate(system, network, t1=4.0, saveat=times, initial=x0))
    for name in ("mean", "variance", "rate"):
        values = np.array([run[name].values for run in seen])
        z = (values.mean(0) - d[name].values) / (values.std(0, ddof=1) / np.sqrt(8))
        assert np.all(np.abs(z) < 7.4), (
            name,
            z,
        )  # as improbable as 4 known standard errors with 7 degrees of freedom


def test_refusals(system, two_populations):
    with pytest.raises(
        ParameterError, match=r"without reciprocity, B\[I,I\] = 0\.554.*without_reciprocity"
    ):
        mf.dmft.transient(
            mf.compile(mf.derive(mf.Architecture(["E", "I"], ERF), mf.MotifOnly())), two_populations
        )
    good = excitatory_inhibitory()
    with pytest.raises(ParameterError, match="0 < dt <= t1"):
        mf.dmft.transient(system, good, 1.0, dt=2.0)
    with pytest.raises(ParameterError, match="GiB for correlations of all pairs of times"):
        mf.dmft.transient(system, good, 1e6, dt=0.01)
    with pytest.raises(ParameterError, match="initial variance"):
        mf.dmft.transient(system, good, initial={"variance": -1.0})
    with pytest.raises(ParameterError, match="with some of"):
        mf.dmft.transient(system, good, initial={"rms_rate": 1.0})
    slow = mf.compile(
        mf.derive(mf.Architecture(["E", "I"], ERF, membrane="1/(1 + 2*s)"), mf.MotifOnly())
    )
    with pytest.raises(ParameterError, match=r"units dx/dt = -x \+ input"):
        mf.dmft.transient(slow, good)


def test_a_divergence_is_reported():
    system = mf.compile(mf.derive(mf.Architecture(["x"], "x"), mf.MotifOnly()))
    parameters = mf.Parameters.of(populations=["x"], N=N, fractions=[1.0], mean=20.0 / N, g=0.1)
    d = mf.dmft.transient(system, parameters, 4.0, dt=0.04, initial={"mean": 1.0}, throw=False)
    assert d.status.code is Code.DIVERGED
    assert d.status.startswith(
        "diverged: the last finite value is at t = 0.96"
    )  # g^2 exp(38 t) / 20^2 passes 1e12 at 1.01
    with pytest.raises(SolverError, match="diverged"):
        mf.dmft.transient(system, parameters, 4.0, dt=0.04, initial={"mean": 1.0})


def test_pictures(solutions, system):
    closure = mf.integrate(system, excitatory_inhibitory(), 16.0, initial={"mean": 0.3})
    figure = dmft_plots.dmft_courses(solutions[0.1], {"SecondMoment": closure})
    assert [ax.get_ylabel() for ax in figure.axes] == list(dmft_plots.QUANTITIES.values())
    assert len(figure.axes[0].lines) == 4
    assert len(dmft_plots.covariance_image(solutions[0.1]).axes) == 4  # images and their scales
