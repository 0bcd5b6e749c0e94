"""Verbs by name: their numbers at every point against single calls, and what is kept of them."""

import math

import numpy as np
import pytest

import motifield as mf
from motifield.numerics.sweeps.verbs import VERBS, OneByOne


@pytest.fixture(scope="module")
def system():
    return mf.compile(mf.derive(mf.Architecture(["p"], "erf"), mf.LowRank()))


@pytest.fixture(scope="module")
def parameters():
    numbers = {"N": 40, "fractions": [1.0], "mean": [[0.004]], "input": 0.3, "g": 0.5}
    return mf.Parameters.of(populations=["p"], **numbers)


def at(parameters, name, value):
    return mf.scalar(name, parameters).set(parameters, value)


def test_dynamical_mean_field_theory(system, parameters):
    """phi = erf(x) has the slope 2/sqrt(pi) at 0: chaos beyond g = sqrt(pi)/2."""
    silent, options = at(parameters, "input", 0.0), {"lags": 64, "window": 30.0}
    silent = at(silent, "mean", 0.0)
    found = mf.sweep(system, silent, {"g": [0.5, 1.2]}, "dmft", **options)
    assert found.status.ok
    np.testing.assert_allclose(found["radius"], [2 * g / np.sqrt(np.pi) for g in (0.5, 1.2)])
    assert found["is_fluctuating"].values.tolist() == [0, 1]
    one = mf.dmft.stationary(system, at(silent, "g", 1.2), **options)
    for name in ("variance", "fluctuating", "correlation_time"):
        np.testing.assert_allclose(found[name][1], one[name])
    assert float(found["exponent"][1]) == one.exponent > 0
    assert "lag" not in found.dataset.dims


def test_distributions_of_rates(system, parameters):
    spread = at(parameters, "g", 0.5)
    found = mf.sweep(system, spread, {"input": [0.3, 0.6]}, "rates", levels=[0.5])
    for k, drive in enumerate((0.3, 0.6)):
        own = at(spread, "input", drive)
        point = mf.fixed_point(system, own)
        np.testing.assert_allclose(found["rate"][k], point.numbers["rate"])
        (cloud,) = mf.distributions.within(system, own, point.state)
        np.testing.assert_allclose(found["rate_sd"][k], mf.distributions.rate_sd([cloud]))
        # the median rate is that of the median current
        assert float(found["rate_quantile"][k, 0, 0]) == pytest.approx(
            math.erf(point.numbers["mean"][0]), abs=1e-3
        )
    wrong = mf.sweep(system, spread, {"input": [0.3]}, "rates", levels=[1.0])
    assert "levels of quantiles lie between 0 and 1" in str(wrong["status"].values[0])


@pytest.mark.slow  # every fit is compiled
def test_a_fit_at_every_point_and_of_every_seed(system, parameters):
    """The input that makes a rate, at two strengths of the mean: x = erf^-1(.4) - 40 mean .4."""
    row = {"quantity": "rate_mean", "population": "p", "value": 0.4, "error": 0.01}
    targets = mf.Targets.of([{**row, "condition": "rest"}])
    unknowns = [mf.fitting.Unknown("input", low=0.0, high=1.0)]
    quiet, over = at(parameters, "g", 0.0), {"mean": [0.0, 0.004], "seed": [0, 1]}
    given = {"targets": targets, "unknowns": unknowns, "starts": 1, "from_given": False}
    found = mf.sweep(system, quiet, over, "fit", design="zip", **given)
    assert found.status.ok
    wanted = 0.3708071585935579 - np.array([0.0, 0.004]) * 40 * 0.4  # scipy.special.erfinv(0.4)
    np.testing.assert_allclose(found["input"], wanted, atol=1e-6)
    assert float(found["loss"].max()) < 1e-10
    assert {"input", "loss", "converged"} <= set(found.rows()[0])


def test_courses_are_kept_where_one_asks_for_all_of_a_result(system, parameters):
    whole = mf.sweep(
        system, parameters, {"g": [0.2, 0.5]}, t1=2.0, saveat=4, reduce=mf.sweeps.whole
    )
    own = mf.integrate(system, at(parameters, "g", 0.5), 2.0, saveat=4)
    assert whole["rate"].dims == ("g", "time", "population")
    assert whole["time"].values.tolist() == own["time"].values.tolist()
    np.testing.assert_allclose(whole["rate"][1], own["rate"], rtol=1e-7)


def test_networks_of_several_sizes(system, parameters):
    found = mf.sweep(system, parameters, {"N": [20, 40], "seed": [0, 1]}, "simulate", t1=1.0)
    assert found.status.ok
    one = mf.simulate(system, mf.sample(at(parameters, "N", 20.0), 1), t1=1.0, seed=1)
    np.testing.assert_allclose(found["rate"][0, 1], one["rate"].isel(time=-1))
    assert set(found.dataset.dims) == {"N", "seed", "population"}


def test_every_name_is_a_verb_that_says_what_it_calls():
    assert all(callable(verb.run) for verb in VERBS.values())
    late = [verb.run.__wrapped__ for verb in VERBS.values() if isinstance(verb, OneByOne)]
    assert len(set(late)) == len(late) == 7
