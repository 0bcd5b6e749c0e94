"""Fixed points of networks whose neurons feel their own rate through reciprocal synapses
(docs/theory.md, section 2.1, Cavity).
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest

import motifield as mf
from motifield.errors import ArchitectureError, ParameterError, SolverError, SpecError
from motifield.numerics import averages as gaussian
from motifield.numerics.averages.feedback import Feedback
from motifield.theory.checks.checks import check

PLACES = np.array(
    [[0.7, 2.0, 0.5], [0.7, 2.0, -0.8], [1.0, 1e-3, 0.6], [-2.0, 4.0, 0.85], [0.3, 0.5, 0.0]]
)
_x, _w = np.polynomial.legendre.leggauss(24)
_edges = np.linspace(-9, 9, 801)
_half = np.diff(_edges)[:, None] / 2
Z = ((_edges[1:] + _edges[:-1])[:, None] / 2 + _half * _x).ravel()
W = (_half * _w).ravel() * np.exp(-(Z**2) / 2) / math.sqrt(2 * math.pi)
SMOOTH = {
    "tanh": (
        gaussian.Quadrature([lambda x: jnp.tanh(x - 1.5)], offset=1.0),
        lambda x: 1 + np.tanh(x - 1.5),
        lambda x: 1 / np.cosh(x - 1.5) ** 2,
    ),
    "softplus": (
        gaussian.Quadrature([lambda x: jnp.logaddexp(x, 0.0)]),
        lambda x: np.logaddexp(x, 0),
        lambda x: 1 / (1 + np.exp(-x)),
    ),
}
STEEP = "1 + erf((x - 1)/(4/5))"
NEAR = {"mean": 1.0, "kappa": 0.5, "rms_rate": 1.0}


def bisected(f, h, Gamma):
    low, high = h - 100.0, h + 100.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        above = middle - Gamma * f(middle) > h
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return 0.5 * (low + high)


@pytest.mark.parametrize("name", SMOOTH)
def test_averages_against_solving_every_neuron_s_equation(name):
    average, f, df = SMOOTH[name]
    found = np.array(jax.jit(Feedback(average).__call__)(*map(jnp.asarray, PLACES.T)))
    for k, (mu, Delta, Gamma) in enumerate(PLACES):
        x = bisected(f, mu + np.sqrt(Delta) * Z, Gamma)
        expected = [W @ f(x), W @ (df(x) / (1 - Gamma * df(x))), W @ f(x) ** 2]
        np.testing.assert_allclose(found[:, k], expected, rtol=1e-9, err_msg=str(PLACES[k]))


def test_averages_of_a_kinked_function_in_closed_form():
    """phi = Max(x, 0): x = h / (1 - Gamma) for h > 0, so that the averages are the plain ones of h,
    scaled.
    """
    relu = gaussian.Quadrature([lambda x: 0.0 * x, lambda x: x], (0.0,))
    R, chi, C = Feedback(relu)(*map(jnp.asarray, PLACES.T))
    mu, Delta, Gamma = PLACES.T
    sd = np.sqrt(Delta)
    above = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in mu / sd])
    density = np.exp(-(mu**2) / (2 * Delta)) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(R, (mu * above + sd * density) / (1 - Gamma), rtol=1e-9)
    np.testing.assert_allclose(chi, above / (1 - Gamma), rtol=1e-9)
    np.testing.assert_allclose(
        C, ((mu**2 + Delta) * above + mu * sd * density) / (1 - Gamma) ** 2, rtol=1e-9
    )


def test_derivatives_and_a_variance_of_zero():
    average, f, df = SMOOTH["tanh"]
    values = jax.jit(lambda v: jnp.stack(Feedback(average)(v[0], v[1], v[2])))
    at, step = np.array([0.7, 2.0, 0.5]), 1e-4
    differences = np.stack(
        [
            (values(jnp.asarray(at + d)) - values(jnp.asarray(at - d))) / (2 * step)
            for d in step * np.eye(3)
        ],
        axis=1,
    )
    np.testing.assert_allclose(jax.jacfwd(values)(jnp.asarray(at)), differences, atol=1e-7)
    x = bisected(f, np.array([0.4]), 0.5)[0]
    np.testing.assert_allclose(
        values(jnp.array([0.4, 0.0, 0.5])), [f(x), df(x) / (1 - 0.5 * df(x)), f(x) ** 2], atol=1e-9
    )
    R, G = average.derivatives(jnp.array(0.3), jnp.array(0.5))
    np.testing.assert_allclose(values(jnp.array([0.3, 0.5, 0.0]))[:2], [R, G], rtol=1e-12)


def network(B, g=0.9, P=1, **others):
    """P populations of the same kind, without rows and columns."""
    return mf.Parameters.of(
        N=1000,
        fractions=[1 / P] * P,
        mean=np.full((P, P), 4e-4),
        g=g,
        motifs=mf.Motifs(reciprocal=B),
        input=0.6,
        **others,
    )


@pytest.fixture(scope="module")
def erf():
    return mf.compile(mf.derive(mf.Architecture(transfer=STEEP), mf.Cavity()))


def test_a_linear_network_has_a_closed_form():
    """phi = c x + d: chi = c / (1 - Gamma c), Gamma = g^2 B chi, x normal."""
    c, d, B = 0.6, 0.5, 0.5
    par = network(B)
    point = mf.fixed_point(
        mf.compile(mf.derive(mf.Architecture(transfer=f"{c}*x + {d}"), mf.Cavity())),
        par,
        NEAR,
        settle=0.0,
    )
    v = 0.9**2 * B
    chi = (1 - math.sqrt(1 - 4 * v * c * c)) / (2 * v * c)
    assert point.status == "ok"
    assert float(point.dataset["susceptibility"][0]) == pytest.approx(chi, rel=1e-9)
    Gamma = v * chi
    # x = (0.4 R + 0.6 + h' + Gamma d) / (1 - Gamma c), R = c <x> + d, Var h' = g^2 <phi^2>
    mean = (0.4 * d + 0.6 + Gamma * d) / (1 - Gamma * c - 0.4 * c)
    R, k = c * mean + d, (1 - Gamma * c) ** 2
    variance = 0.9**2 * R**2 / (k - 0.9**2 * c**2)
    np.testing.assert_allclose(
        [point.dataset[n][0] for n in ("mean", "variance", "rate")], [mean, variance, R], rtol=1e-9
    )


@pytest.mark.slow
def test_without_reciprocity_it_is_the_second_moment(erf):
    par = network(0.0, P=2)
    plain = mf.fixed_point(
        mf.compile(mf.derive(mf.Architecture(transfer=STEEP), mf.SecondMoment())),
        par,
        NEAR,
        settle=0.0,
    )
    point = mf.fixed_point(erf, par, NEAR, settle=0.0)
    with pytest.raises(ParameterError, match="closure Cavity"):
        mf.distributions.cavity_distribution(erf, par, plain)
    for name in ("mean", "variance", "kappa", "rate", "rms_rate"):
        np.testing.assert_allclose(
            point.dataset[name], plain.dataset[name], atol=1e-9, err_msg=name
        )
    np.testing.assert_allclose(point.dataset["validity"], 1)


def test_the_distribution_of_the_input_currents_is_one_and_has_their_mean_and_variance(erf):
    point = mf.fixed_point(erf, network(0.5, P=2), NEAR, settle=0.0)
    assert (point.status, point.stable, point.kind) == ("ok", None, "static")
    mean, variance = (float(point.dataset[n][0]) for n in ("mean", "variance"))
    sd = math.sqrt(variance)
    found = mf.distributions.cavity_distribution(
        erf, network(0.5, P=2), point, np.linspace(mean - 9 * sd, mean + 9 * sd, 4001)
    )
    p, x = found["density"].isel(population=0), found["x"]
    moments = [
        float((p * f).integrate("x"))
        for f in (1 + 0 * x, x, (x - mean) ** 2, found["rate"].isel(population=0), (x - mean) ** 3)
    ]
    np.testing.assert_allclose(
        moments[:4], [1, mean, variance, float(point.dataset["rate"][0])], atol=1e-6
    )
    assert abs(moments[4]) > 0.02 * sd**3
    np.testing.assert_allclose(
        found["cumulative"].differentiate("x").values[1:-1, 0], p.values[1:-1], atol=1e-4
    )


def test_what_holds_at_fixed_points_alone_refuses_the_rest(erf, tmp_path):
    with pytest.raises(ArchitectureError, match="no trajectory"):
        mf.integrate(erf, network(0.5))
    for analyse in (
        lambda: mf.continuation.follow(erf, network(0.5), "input", bounds=(-1, 1)),
        lambda: mf.continuation.limit_cycles(erf, network(0.5), "input", None, bounds=(-1, 1)),
        lambda: mf.continuation.bifurcation_curves(
            erf, network(0.5), ("input", "g"), bounds=((-1, 1), (0, 2))
        ),
        lambda: mf.continuation.phase_diagram(
            erf, network(0.5), ("input", "g"), bounds=((-1, 1), (0, 2))
        ),
    ):
        with pytest.raises(ArchitectureError, match="is of fixed points alone"):
            analyse()
    with pytest.raises(SpecError, match="fixed points alone"):
        mf.export.save(erf.mean_field, network(0.5), tmp_path / "x.ode")
    for given, reason in (
        ({"inputs": ["spread"]}, "not for 'spread'"),
        ({"membrane": "1/(1 + 2*s)"}, "filters"),
        ({"transfer": "Heaviside(x)"}, "jumps"),
    ):
        with pytest.raises(ArchitectureError, match=reason):
            mf.derive(mf.Architecture(**given), mf.Cavity())
    with pytest.raises(ArchitectureError, match="not written out"):
        erf.mean_field.explicit(1)


@pytest.mark.slow
def test_the_response_is_that_of_the_input_currents(erf):
    """d(mean of x)/dI and d(rate)/dI against differences between fixed points; the mean of x is not
    the field's.
    """
    par, step = network(0.5), 1e-4
    up, down = (
        mf.fixed_point(erf, par.replace(input=par.input.value + s), throw=True).dataset
        for s in (step, -step)
    )
    answer = mf.response(erf, par)
    with pytest.raises(ArchitectureError, match="no frequency response"):
        answer.frequency(1.0)
    found = answer.dataset
    for what in ("mean", "variance", "rate"):
        np.testing.assert_allclose(
            found[what].values[:, 0], (up[what] - down[what]) / (2 * step), rtol=1e-5, err_msg=what
        )
    assert (
        abs(
            float(found["mean"][0, 0])
            - float((up["field_mean"] - down["field_mean"])[0]) / (2 * step)
        )
        > 1e-2
    )


def test_the_steps_that_are_new_hold():
    mean_field = mf.derive(mf.Architecture(), mf.Cavity())
    new = [
        e
        for e in mean_field.derivation.equalities()
        if e.rule in ("return_through_synapses", "collect_return") or "Gamma" in e.title
    ]
    assert len(new) == 3
    assert check(mean_field, new).passed


def test_every_equality_of_the_derivation_holds():
    report = mf.derive(mf.Architecture(), mf.Cavity()).derivation.check()
    assert report.passed, str(report)


@pytest.mark.slow
def test_sampled_networks_of_strong_reciprocity():
    """Four networks of 4000 neurons: `Cavity` is within 4 standard errors, their currents follow
    its distribution and no normal one; closures that put the return into the mean are off.
    """
    par = network(0.8, g=1.1).replace(mean=[[-1e-3]]).rescaled(4000)
    architecture = mf.Architecture(transfer="1 + tanh(x - 1)")
    systems = {
        c: mf.compile(mf.derive(architecture, c))
        for c in (mf.Cavity(), mf.SecondMoment(), mf.LowRank())
    }
    points = {c: mf.fixed_point(s, par, settle=20.0) for c, s in systems.items()}
    assert all(p.status == "ok" for p in points.values())
    phi = systems[mf.Cavity()].transfer
    currents = []
    for seed in range(4):
        J = np.asarray(mf.sample(par, seed, dtype=np.float32).weights)
        x = np.zeros(4000, np.float32)
        for _ in range(400):
            x += np.float32(0.25) * (J @ np.asarray(phi(jnp.asarray(x), 0)) + np.float32(0.6) - x)
        currents.append(x)
    found = np.array([[x.mean(), x.var()] for x in currents])
    error = found.std(axis=0, ddof=1) / 2
    expected = {
        type(c).__name__: np.array([p.dataset[n][0] for n in ("mean", "variance")])
        for c, p in points.items()
    }
    z = {name: (found.mean(axis=0) - e) / error for name, e in expected.items()}
    assert np.abs(z["Cavity"]).max() < 4, z
    assert min(np.abs(z[name]).max() for name in ("SecondMoment", "LowRank")) > 8, z
    own = mf.distributions.cavity_distribution(
        systems[mf.Cavity()], par, points[mf.Cavity()], np.linspace(-8, 8, 3201)
    )
    centred = (
        np.concatenate([x - x.mean() for x in currents]) + expected["Cavity"][0]
    )  # networks differ in their mean more than neurons tell
    distance = kstest(centred, lambda v: np.interp(v, own["x"], own["cumulative"][:, 0])).statistic
    normal = kstest((centred - centred.mean()) / centred.std(), "norm").statistic
    assert distance < 1.63 / np.sqrt(len(centred)) < normal / 2


@pytest.mark.slow
def test_where_a_neuron_has_several_solutions_the_result_says_so(erf):
    par = network(0.99, g=3.0, P=2)
    start = {"mean": 1.0, "kappa": 0.5, "rms_rate": 1.4, "susceptibility": 0.15}
    with pytest.raises(SolverError, match="a neuron's own equation has several solutions"):
        mf.fixed_point(erf, par, start, settle=20.0)
    point = mf.fixed_point(erf, par, start, settle=20.0, throw=False)
    assert point.status.startswith("invalid: 1 - Gamma phi' falls to -")
    assert not point.converged
    assert float(point.dataset["validity"].min()) < 0
    with pytest.raises(ParameterError, match="several solutions"):
        mf.distributions.cavity_distribution(erf, par, point)
