"""Outliers and bulk of connectivity and Jacobian: closed forms, the closures' own eigenvalues,
sampled networks.
"""

import jax
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError, SolverError
from motifield.numerics.distributions import cloud
from motifield.numerics.stability.bulk import Bulk
from motifield.numerics.stability.filters import worst
from motifield.numerics.stability.gains import bulk_gains
from motifield.numerics.stability.outliers import winding
from motifield.numerics.stability.verdict import _modes
from motifield.numerics.system import Units

ERF = "1 + erf(x - 1/2)"


def one(l0, g, chains, rec, N=1000):
    """One population: N Jbar = l0, N tau_chn = chains."""
    return mf.Parameters.of(
        N=N,
        fractions=[1.0],
        mean=l0 / N,
        g=g,
        motifs=mf.Motifs(abs(chains) / N, abs(chains) / N, chains / N, rec),
        input=0.3,
    )


@pytest.fixture(scope="module")
def system(system_of):
    return system_of(ERF, "SecondMoment")


@pytest.fixture(scope="module")
def cavity(system_of):
    return system_of(ERF, "Cavity")


@pytest.mark.parametrize("rec", [0.0, 0.6, -0.4, 1.0])
def test_the_bulk_of_one_population_is_an_ellipse(rec):
    """Semi-axes g (A +- B) / sqrt(A) (theory 2.2), A = 1 - tau_con - tau_div."""
    parameters = mf.Parameters.of(
        N=500, fractions=[1.0], mean=0, g=0.8, motifs=mf.Motifs(0.1, 0.05, 0.0, 0.85 * rec)
    )
    A, B = 0.85, 0.85 * rec
    curve = Bulk.of(parameters).boundary()
    np.testing.assert_allclose(curve.real.max(), 0.8 * (A + B) / np.sqrt(A), rtol=1e-9)
    np.testing.assert_allclose(curve.imag.max(), 0.8 * (A - B) / np.sqrt(A), rtol=1e-3, atol=1e-9)
    if rec < 1:
        on = (curve.real / (A + B)) ** 2 + (curve.imag / (A - B)) ** 2
        np.testing.assert_allclose(on, 0.64 / A, rtol=1e-9)


def test_the_bulk_of_three_populations_with_reciprocal_motifs():
    """The boundary against the extremes of the eigenvalues of sampled matrices, which scatter by 3
    %: their mean over six.
    """
    parameters = mf.Parameters.of(
        N=700,
        fractions=[0.5, 0.3, 0.2],
        mean=0,
        g=[[0.5, 0.9, 0.3], [0.4, 0.7, 1.1], [0.8, 0.2, 0.6]],
        motifs=mf.Motifs(0, 0, 0, [[0.5, -0.8, 0.3], [-0.8, 0.2, 0.6], [0.3, 0.6, -0.4]]),
    )
    bulk = Bulk.of(parameters)
    curve = bulk.boundary()
    seen = [np.linalg.eigvals(mf.sample(parameters, k, dtype=np.float32).weights) for k in range(6)]
    extremes = np.mean([[v.real.max(), v.imag.max()] for v in seen], axis=0)
    np.testing.assert_allclose(extremes, [curve.real.max(), curve.imag.max()], rtol=0.03)
    assert abs(curve.real.max() / curve.imag.max() - 1) > 0.1  # no disc
    assert abs(curve.real.max() / bulk.radius - 1) > 0.03
    level = bulk.outside(np.repeat(1.0001 * curve[:5, None], 3, axis=1))[1]
    np.testing.assert_allclose(level, 1, atol=2e-3)
    assert np.all(level < 1)


@pytest.mark.parametrize(("tau", "outlier"), [(0.02, 0.5243), (0.06, 1.1271), (0.1, 1.5606)])
def test_worked_outliers(tau, outlier, of_populations):
    """docs/theory.md, section 5; B = 0, and (N - 1) tau in place of N tau."""
    parameters = of_populations(
        "EI", mean=np.tile([0.001, -0.009], (2, 1)), g=0.2, motifs=mf.Motifs.shared(tau * 0.999)
    )
    found = mf.networks.connectivity_spectrum(parameters)
    both = np.concatenate([found.outliers, found.hidden])
    np.testing.assert_allclose(
        [both.real.max(), both.real.min()], [outlier, -1 - outlier], atol=6e-5
    )


@pytest.mark.parametrize(
    ("l0", "g", "chains", "rec"),
    [(2.0, 0.7, 0.0, 0.6), (1.0, 0.6, 6.0, 0.5), (-1.0, 0.5, 8.0, -0.5)],
)
def test_reciprocal_motifs_move_outliers(l0, g, chains, rec):
    """One population: z = l + g^2 B / l with l the outlier at B = 0 (1 = l0 X + g^2 N tau X^2, z =
    1/X + g^2 B X).
    """
    parameters = one(l0, g, chains, rec)
    B = rec - 2 * chains / 1000
    plain = np.roots([1, -l0, -(g**2) * chains])
    expected = np.sort([v + g**2 * B / v for v in plain if abs(v) > 1e-9])[::-1]
    found = mf.networks.connectivity_spectrum(parameters)
    np.testing.assert_allclose(found.outliers, expected, atol=1e-9)
    assert found.status == "ok"
    assert found.counted == len(expected)


@pytest.mark.slow
def test_which_reciprocal_term_networks_have():
    """l + g^2 B / l = .871 and not (l0 + sqrt(l0^2 + 4 g^2 (N tau + B))) / 2 = .956, which is right
    to first order in B only without chains.
    """
    parameters = one(-1.0, 0.5, 8.0, -0.5)
    seen = [
        np.linalg.eigvals(mf.sample(parameters, k, dtype=np.float32).weights).real.max()
        for k in range(24)
    ]
    error = np.std(seen, ddof=1) / np.sqrt(24)
    assert (
        abs(np.mean(seen) - mf.networks.connectivity_spectrum(parameters).outliers[0].real)
        < 3 * error
    )
    first_order = (-1 + np.sqrt(1 + (8 - 0.516))) / 2
    assert first_order - np.mean(seen) > 5 * error


@pytest.mark.slow
@pytest.mark.parametrize(("P", "seed"), [(2, 3), (3, 5)])
def test_second_moments_have_the_same_eigenvalues(P, seed, system, network_of):
    """B = 0: the network's outliers, found from the linearised field, are the 3P eigenvalues of the
    equations.
    """
    parameters = mf.without_reciprocity(network_of(P, seed))
    point = mf.fixed_point(system, parameters)
    found = mf.stability(system, parameters, point)
    both = np.concatenate([found.jacobian.outliers, found.jacobian.hidden])
    assert found.exact
    assert len(both) == 3 * P
    for value in both:
        assert np.abs(point.eigenvalues - value).min() < 1e-7
    for value in point.eigenvalues:
        assert np.abs(both - value).min() < 1e-7


def test_the_radius_is_that_of_the_mean_square_slopes(system, network_of, average_by_hand):
    """radius^2 = largest eigenvalue of alpha_q g_pq^2 A_pq <phi'^2>_q (theory 2.2), with averages
    by hand.
    """
    parameters = mf.without_reciprocity(network_of(2, 3))
    found = mf.stability(system, parameters)
    values = found.point.dataset
    squares = [
        average_by_hand(lambda x: 4 / np.pi * np.exp(-2 * (x - 0.5) ** 2), m, v)
        for m, v in zip(values["mean"].values, values["variance"].values, strict=True)
    ]
    alpha, g, con, div = (
        np.asarray(getattr(parameters, n)) for n in ("fractions", "g", "tau_con", "tau_div")
    )
    A = 1 - np.einsum("pqq->pq", con) - np.einsum("qpp->pq", div)
    expected = np.sqrt(np.abs(np.linalg.eigvals(alpha * g**2 * A * squares)).max())
    assert found.jacobian.radius == pytest.approx(expected, rel=1e-9)
    assert found.gain == pytest.approx(expected, rel=1e-9)
    assert found.jacobian.edge == pytest.approx(expected - 1, rel=1e-9)


@pytest.mark.slow
def test_the_cavity_solution_is_linearised_exactly(cavity, network_of):
    """At s = 0 det(1 - T) is the determinant of the cavity equations, y = f(y): both vanish at a
    fold.
    """
    parameters = network_of(2, 3)
    point = mf.fixed_point(cavity, parameters)
    found = mf.stability(cavity, parameters, point)
    assert found.exact
    bulk = Bulk.of(parameters, mf.numerics.stability.clouds(cavity, parameters, point))
    modes = _modes(
        bulk, mf.types.Units.of(cavity.mean_field.architecture, parameters), parameters, 0.0
    )
    own, level = modes.determinant(np.ones((1, 2)))
    assert level[0] < 1
    assert own[0].real == pytest.approx(np.linalg.det(-point.jacobian), rel=1e-6)
    assert bulk.is_reciprocal


@pytest.mark.slow
def test_reciprocity_needs_the_cavity(system, cavity, network_of):
    """Around a Gaussian x the outliers are near, and said to be approximate."""
    parameters = network_of(2, 3)
    gaussian, exact = (mf.stability(s, parameters) for s in (system, cavity))
    assert not gaussian.exact
    assert "Cavity" in gaussian.basis
    assert gaussian.status == exact.status == "ok"
    assert (
        len(gaussian.jacobian.outliers)
        == len(exact.jacobian.outliers)
        == exact.jacobian.counted
        == 2
    )
    np.testing.assert_allclose(gaussian.jacobian.outliers, exact.jacobian.outliers, atol=0.02)
    assert abs(gaussian.jacobian.outliers[0] - exact.jacobian.outliers[0]) > 1e-6


@pytest.fixture(scope="module")
def filtered():
    """Membranes with adaptation of strength b, 1/(1 + tau s) at b = 0."""
    membrane = {
        "expression": "(1 + T*s)/((1 + tau*s)*(1 + T*s) + b)",
        "T": 4.0,
        "tau": 1.0,
        "b": 0.0,
    }
    return mf.compile(
        mf.derive(mf.Architecture(transfer=ERF, membrane=membrane), mf.SecondMoment())
    )


@pytest.mark.slow
def test_slower_units_only_rescale_time(system, filtered, network_of):
    """M = 1 / (1 + 2 s) in every population, B != 0: s is half that of the unit filter, by the code
    for filters.
    """
    parameters = network_of(2, 3)
    plain = mf.stability(system, parameters)
    found = mf.stability(filtered, parameters.replace(membrane={"T": 1.0, "tau": 2.0, "b": 0.0}))
    np.testing.assert_allclose(found.jacobian.outliers, plain.jacobian.outliers / 2, atol=1e-7)
    assert found.jacobian.edge == pytest.approx(plain.jacobian.edge / 2, abs=1e-5)
    assert found.gain == pytest.approx(plain.gain, rel=1e-6)
    assert (found.verdict, found.status) == ("stable", "ok")
    assert found.jacobian.counted == 0


def test_resonant_filters(filtered, network_of):
    """Adaptation, B = 0: the network's outliers are eigenvalues of the equations; the bulk is
    amplified most where |M| is largest.
    """
    parameters = mf.without_reciprocity(network_of(2, 3)).replace(
        membrane={"T": 4.0, "tau": 1.0, "b": 3.0}
    )
    point = mf.fixed_point(filtered, parameters)
    found = mf.stability(filtered, parameters, point)
    omega = np.linspace(0, 3, 3001)
    gains = np.abs((1 + 4j * omega) / ((1 + 1j * omega) * (1 + 4j * omega) + 3))
    assert found.critical_frequency == pytest.approx(omega[np.argmax(gains)], abs=2e-3)
    assert found.critical_frequency > 0.5
    assert found.gain == pytest.approx(found.jacobian.radius * gains.max(), rel=1e-5)
    assert len(found.jacobian.outliers)
    for value in found.jacobian.outliers:
        assert np.abs(point.eigenvalues - value).min() < 1e-6
    assert (found.status, found.jacobian.counted) == ("ok", 0)


def test_verdicts(system):
    parameters = mf.Parameters.of(
        N=1000, fractions=[1.0], mean=0.0012, g=0.2, input=-0.7
    )  # low, high, and x = 1/2 between them

    def near(own, mean, rate, rms_rate):
        """By Newton's method alone, which is compiled once."""
        start = {"mean": mean, "kappa": rate, "rms_rate": rms_rate}
        return mf.fixed_point(system, own, start, settle=0.0, throw=True)

    found = mf.stability(system, parameters, near(parameters, 0.5, 1.0, 1.0))
    assert found.verdict == "outlier unstable"
    assert found.margin < 0 < found.leading.real
    assert "population means" in found.meaning
    chaotic = mf.Parameters.of(N=1000, fractions=[1.0], mean=0.0, g=4.0)
    found = mf.stability(system, chaotic, near(chaotic, 0.0, 0.93, 1.37))
    assert found.verdict == "bulk unstable"
    assert found.gain > 1
    assert "chaos" in found.meaning
    assert not found.stable
    inhibited = mf.Parameters.of(N=1000, fractions=[1.0], mean=-0.003, g=1.0, input=3.0)
    both = mf.stability(system, inhibited, near(inhibited, 0.6, 0.8, 1.0))
    assert both.stable
    assert both.margin > 0


def test_tables(system, network_of):
    found = mf.stability(system, mf.without_reciprocity(network_of(2, 3)))
    rows, plain = found.rows(), found.json()
    assert {row["spectrum"] for row in rows} == {"connectivity", "jacobian"}
    edges = [row["real"] for row in rows if row["what"] == "edge of the bulk"]
    assert edges == [found.connectivity.edge, found.jacobian.edge]
    assert plain["jacobian"]["outliers"] == [[v.real, v.imag] for v in found.jacobian.outliers]
    assert plain["verdict"] == "stable"


def test_refusals(system, network_of):
    parameters = network_of(2, 3)
    point = mf.fixed_point(system, parameters)
    with pytest.raises(SolverError, match="not a fixed point of these parameters"):
        mf.stability(system, parameters.replace(g=1.3 * parameters.g), point)
    step = mf.compile(mf.derive(mf.Architecture(transfer="Heaviside(x - 1/2)"), mf.SecondMoment()))
    with pytest.raises(ParameterError, match="jumps at x = 0.5"):
        mf.stability(step, parameters)
    noisy = mf.compile(mf.derive(mf.Architecture(transfer=ERF, inputs=["noise"]), mf.LowRank()))
    with pytest.raises(ParameterError, match="white noise"):
        mf.stability(noisy, parameters.replace(noise=[0.1, 0.1]))


def test_the_argument_principle():
    """Zeros outside of the unit circle of a function that is 1 at infinity."""
    for zeros in ([], [2.0], [1.5j, -1.5j, 3.0], [0.5, 2.0]):

        def values(u, zeros=zeros):
            z = np.exp(2j * np.pi * u)
            return (
                np.prod([(z - a) / (z - 0.1) for a in zeros], axis=0) if zeros else np.ones_like(z)
            )

        assert winding(values) == sum(abs(a) > 1 for a in zeros)


def test_the_bulk_of_kinked_functions(system_of):
    """phi = max(x - 1/4, 0): <phi'^2> is the fraction of neurons above the threshold."""
    relu = system_of("Max(x - 1/4, 0)", "MotifOnly")
    parameters, K, Delta = one(0.0, 0.9, 0.0, 0.0), 0.6, 0.3
    above = float(jax.scipy.stats.norm.cdf((K - 0.25) / np.sqrt(Delta)))
    bulk = Bulk.of(parameters, (cloud(relu, parameters, 0, K, Delta),))
    assert worst(bulk, Units(), 0.0)[0] == pytest.approx(0.9 * np.sqrt(above), rel=1e-9)


@pytest.mark.slow
def test_the_verdict_on_kinked_functions(system_of, of_populations):
    """The same at a fixed point."""
    relu = system_of("Max(x - 1/4, 0)", "SecondMoment")
    motifs = mf.Motifs(0.002, 0.002, 0.001, 0.002)
    parameters = of_populations("E", mean=-0.001, g=0.9, motifs=motifs, input=0.8)
    found = mf.stability(relu, parameters)
    K, Delta = (float(found.point.dataset[n][0]) for n in ("mean", "variance"))
    above = float(jax.scipy.stats.norm.cdf((K - 0.25) / np.sqrt(Delta)))
    assert found.jacobian.radius == pytest.approx(0.9 * np.sqrt(0.996 * above), rel=1e-9)


@pytest.mark.parametrize("rec", [0.0, 0.6])
def test_gains_of_many_points_are_those_of_each(system, rec):
    """With reciprocal residuals on few nodes and frequencies, against all of them."""
    parameters = one(0.0, 0.9, 0.0, rec)
    own = mf.scalar("factor(g)", parameters)
    values, mean, variance = [0.5, 1.2], np.array([[0.3], [0.6]]), np.array([[0.4], [0.2]])
    each = []
    for v, m, w in zip(values, mean[:, 0], variance[:, 0], strict=True):
        made = own.set(parameters, v)
        each.append(worst(Bulk.of(made, (cloud(system, made, 0, m, w),)), Units(), 0.0)[0])
    batch = mf.stacked([own], parameters, np.array(values)[:, None])
    gains = bulk_gains(system, batch, mean, variance)
    assert gains[0] == pytest.approx(each[0], rel=1e-7)
    assert gains[0] < 1 < min(gains[1], each[1])


def test_gains_of_steep_and_of_jumping_functions(system_of):
    """<phi'^2> of Phi(k x) at mean 0 is k^2 / (2 pi sqrt(1 + 2 k^2 Delta)): closed form."""
    parameters, k = one(0.0, 0.5, 0.0, 0.0), 50.0
    batch = mf.stacked([mf.scalar("input", parameters)], parameters, np.zeros((1, 1)))
    zero, two = np.zeros((1, 1)), np.full((1, 1), 2.0)
    steep = system_of(f"1/2 + erf({k}*x/sqrt(2))/2", "MotifOnly")
    square = k**2 / (2 * np.pi * np.sqrt(1 + 2 * k**2 * 2.0))
    gain = bulk_gains(steep, batch, zero, two)
    assert gain == pytest.approx([0.5 * np.sqrt(square)], rel=1e-7)
    assert bulk_gains(system_of("Heaviside(x)", "MotifOnly"), batch, zero, two) == [np.inf]


@pytest.mark.slow
def test_components_with_filters():
    """One Gaussian component without assortativity is the plain theory, whose outliers are zeros of
    a determinant: all of them that are outside of the bulk, its edge and its gain.
    """
    units = {
        "membrane": {"E": mf.filters.adapting(1.0, 0.6, 5.0), "I": mf.filters.membrane(0.5)},
        "synapse": {"E": mf.filters.exponential(0.2), "I": mf.filters.exponential(0.6)},
    }
    motifs = mf.Motifs(0.003, 0.003, 0.002)
    motifs = motifs._replace(reciprocal=0.004)  # B = 0
    numbers = {"N": 1000, "fractions": [0.8, 0.2], "g": 0.4, "input": [0.3, 0.2]}
    numbers |= {"mean": [[0.003, -0.006], [0.002, -0.004]], "populations": ["E", "I"]}
    given = {"gamma": np.zeros((2, 2, 2, 2)).tolist()}
    plain = mf.Parameters.of(**numbers, motifs=motifs)
    strong = mf.Parameters.of(**numbers, motifs=motifs, strengths=given)

    def of(own, **more):
        architecture = mf.Architecture(["E", "I"], ERF, **units, **more)
        return mf.stability(mf.compile(mf.derive(architecture, mf.SecondMoment())), own)

    found = of(plain), of(strong, assortativity=True)
    a, b = (f.jacobian for f in found)
    assert len(a.outliers) == 5
    np.testing.assert_allclose(np.sort_complex(a.outliers), np.sort_complex(b.outliers), rtol=1e-6)
    assert a.edge == pytest.approx(b.edge, rel=1e-6)
    assert found[0].gain == pytest.approx(found[1].gain, rel=1e-6)
