"""Priors: densities against SciPy's, physiology against Monte Carlo and sampled synapses, and the
tables that they come from.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.parameters.scalars import names, scalar

DATA = Path(__file__).parents[3] / "derivations/v1_four_classes/data"
POPULATIONS = ("E", "PV")
CONNECTED, PROBED = np.array([[13, 18], [22, 45]]), np.array([[215, 55], [55, 119]])
AMPLITUDE, SD, COUNT = (
    np.array([[0.26, 0.40], [0.38, 0.65]]),
    np.array([[0.27, 0.18], [0.40, 0.58]]),
    np.array([[10, 11], [18, 240]]),
)


def v1(**changes):
    given = {
        "connected": CONNECTED,
        "probed": PROBED,
        "amplitude": AMPLITUDE,
        "amplitude_sd": SD,
        "amplitude_n": COUNT,
        "excitatory": ["E"],
        "N": 1000.0,
    }
    return mf.priors.synaptic_priors(changes.pop("populations", POPULATIONS), **(given | changes))


# ---- two densities


@pytest.mark.parametrize(
    ("prior", "density", "values"),
    [
        (mf.priors.Normal(1.5, 0.4), stats.norm(1.5, 0.4).logpdf, [0.3, 1.5, 2.9]),
        (
            mf.priors.LogNormal(0.7, 0.6),
            lambda v: stats.norm(np.log(0.7), 0.6).logpdf(np.log(v)),
            [0.1, 0.7, 3.0],
        ),
        (
            mf.priors.LogNormal(0.7, 0.6, sign=-1),
            lambda v: stats.norm(np.log(0.7), 0.6).logpdf(np.log(-v)),
            [-0.1, -0.7, -3.0],
        ),
    ],
)
def test_half_the_square_of_the_residual_is_minus_the_log_density(prior, density, values):
    values = np.array(values)
    ours = -(np.asarray(prior.residual(jnp.asarray(values))) ** 2) / 2
    np.testing.assert_allclose(
        ours - ours[1], density(values) - density(values[1]), rtol=1e-12, atol=1e-12
    )
    signs = np.sign(np.asarray(prior.residual(jnp.asarray(values))))
    np.testing.assert_array_equal(signs, [-1, 0, 1])  # the larger in magnitude, the larger


def test_residuals_can_be_differentiated():
    slope = jax.jit(jax.grad(mf.priors.LogNormal(0.7, 0.6, sign=-1).residual))(jnp.asarray(-0.5))
    assert float(slope) == pytest.approx(1 / (-0.5 * 0.6), rel=1e-12)
    assert not np.isfinite(float(mf.priors.LogNormal(1.0, 1.0).residual(jnp.asarray(-1.0))))


@pytest.mark.parametrize(
    "prior",
    [
        mf.priors.Normal(1.5, 0.4),
        mf.priors.LogNormal(0.7, 0.6),
        mf.priors.LogNormal(0.7, 0.6, sign=-1),
    ],
)
@pytest.mark.parametrize("key", ["jax", "numpy"])
def test_samples_have_standard_normal_residuals_and_lie_in_the_interval(prior, key):
    values = prior.sample(jax.random.key(1) if key == "jax" else np.random.default_rng(1), 20_000)
    assert values.shape == (20_000,)
    assert stats.kstest(np.asarray(prior.residual(jnp.asarray(values))), "norm").pvalue > 1e-3
    low, high = prior.interval(0.8)
    assert low < high
    np.testing.assert_allclose(
        [np.mean(values < low), np.mean(values > high)], 0.1, atol=0.008
    )  # 4 standard errors


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: mf.priors.Normal(0.0, 0.0), "sd positive"),
        (lambda: mf.priors.Normal(float("nan"), 1.0), "must be finite"),
        (lambda: mf.priors.LogNormal(-1.0, 1.0), "the sign is apart"),
        (lambda: mf.priors.LogNormal(1.0, 0.0), "finite and positive"),
        (lambda: mf.priors.LogNormal(1.0, 1.0, sign=2), "the sign is 1 or -1"),
        (lambda: mf.priors.Normal(0.0, 1.0).interval(1.0), "level = 1.0"),
    ],
)
def test_priors_that_are_wrong(make, match):
    with pytest.raises(ParameterError, match=match):
        make()


# ---- physiology


def test_names_and_signs():
    priors = v1()
    assert set(priors) == {
        f"{name}[{p},{q}]" for name in ("mean", "g") for p in POPULATIONS for q in POPULATIONS
    }
    assert {name: prior.sign for name, prior in priors.items() if name.startswith("mean")} == {
        "mean[E,E]": 1,
        "mean[PV,E]": 1,
        "mean[E,PV]": -1,
        "mean[PV,PV]": -1,
    }
    assert all(prior.sign == 1 for name, prior in priors.items() if name.startswith("g"))


def test_probability_times_amplitude_against_monte_carlo():
    """The logarithm's mean and SD, 10^6 draws (0.1 % of a SD); for both directions between E and
    PV, which differ.
    """
    rng, priors = np.random.default_rng(8), v1()
    for p in range(2):
        for q in range(2):
            k, n, m, s, count = (a[p, q] for a in (CONNECTED, PROBED, AMPLITUDE, SD, COUNT))
            chance = rng.beta(k + 0.5, n - k + 0.5, 10**6)
            width = np.sqrt(np.log1p(s**2 / count / m**2))
            logs = np.log(chance * rng.lognormal(np.log(m) - width**2 / 2, width, 10**6))
            prior = priors[f"mean[{POPULATIONS[p]},{POPULATIONS[q]}]"]
            assert np.log(prior.median) == pytest.approx(logs.mean(), abs=4e-3 * logs.std())
            assert prior.sigma == pytest.approx(logs.std(), rel=5e-3)
            assert prior.median == pytest.approx(k / n * m, rel=0.08)  # row = target


def test_with_many_pairs_g_is_that_of_sampled_synapses():
    """10^6 pairs and amplitudes: what is left is the standard deviation of synapses, absent ones
    with them, against 2 10^6 sampled ones.
    """
    many, rng = 10**6, np.random.default_rng(4)
    priors = v1(
        connected=np.round(CONNECTED / PROBED * many),
        probed=np.full((2, 2), many),
        amplitude_n=np.full((2, 2), many),
    )
    for p in range(2):
        for q in range(2):
            chance = round(CONNECTED[p, q] / PROBED[p, q] * many) / many
            synapses = (rng.random(2 * 10**6) < chance) * rng.normal(
                AMPLITUDE[p, q], SD[p, q], 2 * 10**6
            )
            name = f"{POPULATIONS[p]},{POPULATIONS[q]}"
            assert priors[f"g[{name}]"].median == pytest.approx(
                np.sqrt(1000 * synapses.var()), rel=5e-3
            )
            assert priors[f"g[{name}]"].sigma < 3e-3
            assert priors[f"mean[{name}]"].median == pytest.approx(
                chance * AMPLITUDE[p, q], rel=2e-3
            )
            assert priors[f"mean[{name}]"].sigma < 5e-3


def test_the_width_of_g_by_the_delta_method():
    """log g = log(c (s^2 + (1 - c) m^2)) / 2 to first order in the errors of c, m and s, for pairs
    that are known to 5 % or so.
    """
    k, n, m, s, count = 800, 2000, 0.4, 0.3, 200
    full = lambda v: np.full((1, 1), v)  # noqa: E731
    prior = v1(
        populations=["E"],
        connected=full(k),
        probed=full(n),
        amplitude=full(m),
        amplitude_sd=full(s),
        amplitude_n=full(count),
    )["g[E,E]"]
    c = k / n
    v = c * (s**2 + (1 - c) * m**2)
    slopes = np.array([s**2 + (1 - 2 * c) * m**2, 2 * c * (1 - c) * m, 2 * c * s]) / (2 * v)
    errors = np.array([np.sqrt(c * (1 - c) / n), s / np.sqrt(count), s / np.sqrt(2 * (count - 1))])
    assert prior.sigma == pytest.approx(np.sqrt(np.sum((slopes * errors) ** 2)), rel=0.03)
    assert prior.median == pytest.approx(np.sqrt(1000 * v), rel=0.005)


def test_unit_and_number_of_neurons():
    plain, scaled, larger = v1(), v1(unit=2.0), v1(N=4000.0)
    for name, prior in plain.items():
        assert scaled[name].median == pytest.approx(2 * prior.median, rel=1e-12)
        assert larger[name].median == pytest.approx(
            (2 if name.startswith("g") else 1) * prior.median, rel=1e-12
        )
        assert scaled[name].sigma == pytest.approx(prior.sigma, rel=1e-12)


def test_no_synapse_found_leaves_a_wide_prior():
    """0 of 60: the probability's interval reaches from nearly none to a few per cent."""
    connected = CONNECTED.copy()
    connected[1, 1] = 0
    low, high = v1(connected=connected, probed=np.full((2, 2), 60))["mean[PV,PV]"].interval(0.95)
    assert -0.2 * 0.65 < low < -0.01 * 0.65
    assert -1e-3 < high < 0


def test_tables_by_name_and_missing_amplitudes():
    frames = [
        pd.DataFrame(a, index=POPULATIONS, columns=POPULATIONS).loc[["PV", "E"], ["PV", "E"]]
        for a in (CONNECTED, PROBED, AMPLITUDE, SD, COUNT)
    ]
    keys = ("connected", "probed", "amplitude", "amplitude_sd", "amplitude_n")
    assert v1(**dict(zip(keys, frames, strict=True))) == v1()
    amplitude = AMPLITUDE.copy()
    amplitude[0, 1] = np.nan
    with pytest.raises(ParameterError, match="the amplitude from PV onto E is missing"):
        v1(amplitude=amplitude)
    assert v1(amplitude=amplitude, default=(0.40, 0.18, 11)) == v1()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"connected": CONNECTED + 100}, "from PV onto E, connected = 118 of probed = 55"),
        ({"connected": CONNECTED + 0.5}, "from E onto E, connected = 13.5"),
        (
            {"amplitude": -AMPLITUDE},
            "the amplitude from E onto E, -0.26 with SD 0.27 of 10 synapses: amplitudes "
            "are magnitudes",
        ),
        (
            {"amplitude_n": np.array([[1, 1], [9, 9]])},
            "the amplitude from E onto E is missing, or of fewer than 2",
        ),
        ({"amplitude": AMPLITUDE[:1]}, "amplitude has shape \\(1, 2\\)"),
        ({"amplitude": [["a", "b"], ["c", "d"]]}, "amplitude holds something that is no number"),
        (
            {"probed": pd.DataFrame(PROBED, index=["E", "I"], columns=["E", "I"])},
            "probed has no row or no column 'PV'",
        ),
        ({"excitatory": ["I"]}, "excitatory is a list of populations, of E, PV"),
        ({"excitatory": "E"}, "excitatory is a list"),
        ({"N": 0.0}, "N = 0.0 must be positive"),
        ({"unit": -1.0}, "unit = -1.0 must be positive"),
    ],
)
def test_physiology_that_is_wrong(changes, match):
    with pytest.raises(ParameterError, match=match):
        v1(**changes)


# ---- its tables

CLASSES = {"E": "l23pyr", "PV": "l23pv", "SST": "l23sst", "VIP": "l23vip"}
TYPES = {"E": "l23_pyr", "PV": "pvalb", "SST": "sst", "VIP": "vip"}


def test_the_tables_of_v1():
    """Some cells of the files, by eye: 18 of 55 pairs from PV cells onto excitatory ones, 22 of 55
    the other way.
    """
    connected, probed = mf.fitting.read_connections(
        DATA / "connection_counts_mouseV1_r2.0pre4.csv", CLASSES
    )
    assert (connected.loc["E", "PV"], probed.loc["E", "PV"]) == (18, 55)
    assert (connected.loc["PV", "E"], probed.loc["PV", "E"]) == (22, 55)
    amplitude, sd, n = mf.fitting.read_amplitudes(
        DATA / "psp_characterization.csv", TYPES, instead={("E", "VIP"): ("l23_pyr", "all_int")}
    )
    assert (amplitude.loc["E", "PV"], n.loc["E", "PV"]) == (pytest.approx(0.404899, abs=1e-6), 11)
    assert (amplitude.loc["PV", "E"], sd.loc["PV", "E"]) == (
        pytest.approx(0.378410, abs=1e-6),
        pytest.approx(0.401983, abs=1e-6),
    )
    assert (amplitude.loc["E", "VIP"], n.loc["E", "VIP"]) == (pytest.approx(0.310226, abs=1e-6), 30)
    active, _, _ = mf.fitting.read_amplitudes(
        DATA / "psp_characterization.csv", TYPES, state="90th"
    )
    assert active.loc["SST", "E"] == pytest.approx(1.658527, abs=1e-6)
    assert np.isnan(active.loc["E", "VIP"])
    priors = mf.priors.synaptic_priors(
        list(CLASSES), connected, probed, amplitude, sd, n, excitatory=["E"], N=1000
    )
    assert len(priors) == 32
    assert priors["mean[VIP,PV]"].sigma > 2  # 0 of 60 pairs


def test_several_classes_are_pooled(tmp_path):
    rng = np.random.default_rng(0)
    samples = {"a": rng.gamma(2, 1, 7), "b": 3 + rng.gamma(2, 1, 12)}
    rows = [f"{pre},x,{v.mean()},{v.std(ddof=1)},{len(v)}" for pre, v in samples.items()]
    path = tmp_path / "psp.csv"
    path.write_text("\n".join(["pre,post,mean_rest,std_rest,N_rest", *rows, "c,x,[],[],0"]) + "\n")
    labels = {"S": ["a", "b", "c"], "X": "x"}
    # only synapses onto x are in the file: the others are taken from there, to have a whole table
    there = {(t, s): ("x", "a") for t in labels for s in labels if (t, s) != ("X", "S")}
    mean, sd, n = mf.fitting.read_amplitudes(
        path, labels, state="rest", instead=there, separator=","
    )
    both = np.concatenate(list(samples.values()))
    assert (mean.loc["X", "S"], sd.loc["X", "S"], n.loc["X", "S"]) == (
        pytest.approx(both.mean()),
        pytest.approx(both.std(ddof=1)),
        19,
    )
    layers = {"E": ["l23pyr", "l4pyr"], "PV": "l23pv"}
    connected, probed = mf.fitting.read_connections(
        DATA / "connection_counts_mouseV1_r2.0pre4.csv", layers
    )
    assert (connected.loc["E", "E"], probed.loc["E", "E"]) == (13 + 2 + 1 + 49, 215 + 41 + 39 + 475)
    assert (connected.loc["PV", "E"], probed.loc["PV", "E"]) == (22 + 4, 55 + 16)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("pre,post,n_connected\na,a,1\n", "no column 'n_probed'"),
        (
            "pre,post,n_connected,n_probed\na,a,1,2\na,a,1,2\n",
            "row 2: synapses from a onto a are there twice",
        ),
        (
            "pre,post,n_connected,n_probed\na,a,one,2\n",
            "row 1, column n_connected: 'one' is no number",
        ),
        ("pre,post,n_connected,n_probed\na,a,1,2\n", "no row from b onto a; its classes are a"),
        ("", "is empty"),
    ],
)
def test_tables_that_are_wrong(tmp_path, text, match):
    path = tmp_path / "counts.csv"
    path.write_text(text)
    with pytest.raises(ParameterError, match=match):
        mf.fitting.read_connections(path, {"A": "a", "B": "b"})
    with pytest.raises(ParameterError, match="there is no file"):
        mf.fitting.read_connections(tmp_path / "absent.csv", {"A": "a"})


# ---- a connectome


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(6)
    labels = np.repeat([0, 1], [50, 30])
    weights = rng.normal(
        np.array([[0.1, -0.3], [0.2, -0.1]])[labels][:, labels],
        np.array([[0.5, 0.6], [0.7, 0.8]])[labels][:, labels],
    )
    weights[:50, 50:] = 0  # no synapses from I onto E
    return mf.measure(mf.Network.of(weights, np.array(["E", "I"])[labels]), errors=True)


def test_priors_of_a_connectome(measured):
    priors = mf.priors.measured_priors(measured)
    parameters, errors = measured.parameters(), measured.errors
    for name, prior in priors.items():
        assert prior.mean == pytest.approx(scalar(name, parameters).get(parameters), rel=1e-9), name
    assert priors["mean[I,E]"].sd == errors.mean[1, 0]
    assert priors["tau_chn[I,E,E]"].sd == errors.tau.chain[1, 0, 0]
    assert priors["tau_con[I,E,I]"].sd == errors.tau.convergent[1, 0, 1]
    h = errors.variance[1, 0]  # g as a function of the variance, one error up and down
    assert priors["g[I,E]"].sd == pytest.approx(
        (np.sqrt(80 * (measured.variance[1, 0] + h)) - np.sqrt(80 * (measured.variance[1, 0] - h)))
        / 2,
        rel=1e-2,
    )


def test_which_entries_of_a_connectome_have_priors(measured):
    """Every number of the statistics once, but for those of the empty block."""
    priors, parameters = mf.priors.measured_priors(measured), measured.parameters()
    families = ("mean", "g", "tau_con", "tau_div", "tau_chn", "tau_rec")
    every = {name for name in names(parameters) if name.split("[")[0] in families}
    assert set(priors) < every
    empty = {"mean[E,I]", "g[E,I]", "tau_rec[E,I]", "tau_rec[I,E]"}
    assert not empty & set(priors)
    assert {
        "tau_con[E,E,E]",
        "tau_con[I,E,I]",
        "tau_div[I,I,I]",
        "tau_chn[I,E,E]",
        "tau_rec[I,I]",
    } <= set(priors)
    with pytest.raises(ParameterError, match="no standard errors: use measure"):
        mf.priors.measured_priors(mf.measure(mf.Network.of(np.eye(4), ["E"] * 4)))
