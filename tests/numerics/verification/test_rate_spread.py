"""SDs and quantiles of rates of theory and networks, in tables and in pictures."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

import motifield as mf
from motifield.numerics.plots.rate_spreads import MOST_SHOWN, rate_spreads
from motifield.numerics.plots.verification import ensemble_scatter, network_scatter
from motifield.numerics.verification.rate_spread import network_spread

PARAMETERS = {
    **{"fractions": [0.6, 0.4], "mean": [[0.002, -0.003], [0.003, -0.002]], "g": 0.5},
    **{"input": [0.8, 0.6], "motifs": mf.Motifs.shared(0.02)},
}


@pytest.fixture(scope="module")
def system(system_of):
    return system_of("1 + erf(x - 1)", "SecondMoment")


@pytest.fixture(scope="module")
def parameters():
    return mf.Parameters.of(N=500, **PARAMETERS)


@pytest.fixture(scope="module")
def ensemble(system, parameters):
    return mf.verify(system, parameters, sizes=[250, 500], networks=6, t1=10.0)


@pytest.fixture(scope="module")
def single(system, parameters):
    network = mf.sample(parameters, 3)
    return mf.verification.verify_network(system, network, t1=10.0)


def test_ensembles_have_rates_as_the_theory_spreads_them(ensemble):
    """SDs and quantiles within 4 standard errors, and 2 %, which O(1/N) explains; without motifs
    the SD is half of it.
    """
    rows = ensemble.spread_rows()
    assert len(rows) == 2 * 2 * 4
    assert json.loads(json.dumps(ensemble.json()))["spread"] == rows
    sds = [row for row in rows if row["quantity"] == "rate_sd"]
    seen = ensemble.networks["rate_sd"].isel(time=-1)
    for row in sds:
        own = seen.sel(size=row["N"], population=row["population"])
        assert row["network"] == pytest.approx(float(own.mean()))
        assert row["error"] == pytest.approx(float(own.std(ddof=1)) / np.sqrt(6))
    for row in rows:
        assert abs(row["theory"] - row["network"]) <= 4 * row["error"] + 0.02


def test_quantiles_of_a_network(parameters):
    network = mf.sample(parameters, 0)
    rates = np.random.default_rng(0).random(network.N)
    seen = xr.Dataset({"r": ("neuron", rates)})
    found = network_spread(network, seen)
    own = rates[network.members(1)]
    np.testing.assert_allclose(found["rate_sd"][1], own.std())
    np.testing.assert_allclose(found["rate_quantile"][1], np.quantile(own, [0.1, 0.5, 0.9]))
    seen["r"][network.members(1)[0]] = np.nan  # of a network that runs away, nothing is known
    assert np.isnan(network_spread(network, seen)["rate_quantile"]).all()


def heights(ax):
    return [bar.get_height() for bar in ax.patches]


def test_the_picture_of_ensembles(ensemble):
    rates, deviations = rate_spreads(ensemble).axes
    largest = ensemble.spread.isel(size=-1)
    expected = [largest["rate_sd"].sel(source=s) for s in ("network", "theory")]
    np.testing.assert_allclose(heights(deviations), np.concatenate(expected))
    quantiles = largest["rate_quantile"].sel(source="network")
    np.testing.assert_allclose(heights(rates)[:2], quantiles[:, 2] - quantiles[:, 0])
    labels = [text.get_text() for text in deviations.get_legend().get_texts()]
    assert labels == ["6 networks, N = 500", "theory"]
    points = ensemble_scatter(ensemble).axes[3].lines[0]
    np.testing.assert_allclose(np.unique(points.get_xdata()), np.sort(expected[1]))


def test_the_picture_of_one_network(single):
    rates, deviations = rate_spreads(single).axes
    sources = ("network", "theory", "without motifs")
    expected = [single.spread["rate_sd"].sel(source=s) for s in sources]
    np.testing.assert_allclose(heights(deviations), np.concatenate(expected))
    means = [line.get_ydata() for line in rates.lines if line.get_marker() == "o"]
    last = single.dataset["rate"].isel(time=-1)
    np.testing.assert_allclose(means, [last.sel(source=s) for s in sources])
    with_motifs = network_scatter(single).axes[3].lines[0]
    np.testing.assert_allclose(with_motifs.get_ydata(), expected[1])


def test_of_many_populations_the_first_ones_are_drawn(single):
    names = [f"p{k}" for k in range(MOST_SHOWN + 3)]

    def wide(data):
        return data.isel(population=[0] * len(names)).assign_coords(population=names)

    parts = ("theory", "without_motifs", "network")
    own = {name: wide(getattr(single, name)[["mean", "variance", "rate"]]) for name in parts}
    found = dataclasses.replace(single, **own, spread=wide(single.spread))
    rates, deviations = rate_spreads(found).axes
    assert len(rates.get_xticks()) == MOST_SHOWN
    title = deviations.get_legend().get_title().get_text()
    assert title == f"first {MOST_SHOWN} of {len(names)}"
