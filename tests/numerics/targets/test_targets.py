"""Measured rates: what rows make sense, files that give them back, and errors of statistics across
neurons against their known ones.
"""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.targets.table import QUANTITIES

DATA = Path(__file__).parents[3] / "derivations"
NAN = float("nan")
ROWS = [
    {
        "quantity": "rate_mean",
        "population": "E",
        "condition": "omission",
        "time": 0.5,
        "value": 2 / 3,
        "error": 0.1,
    },
    {
        "quantity": "rate_sd",
        "population": "E",
        "condition": "gratings",
        "value": 5.0,
        "error": 0.2,
        "weight": 0.5,
    },
    {
        "quantity": "rate_correlation",
        "population": "E",
        "condition": "spontaneous",
        "against": "gratings",
        "value": 0.65,
        "error": 0.02,
    },
    {
        "quantity": "rate_quantile",
        "population": "I",
        "condition": "gratings",
        "level": 0.9,
        "value": 12.0,
        "error": 1.0,
        "held_out": True,
    },
    {
        "quantity": "rate_change",
        "population": "I",
        "condition": "gratings",
        "against": "spontaneous",
        "value": -3.0,
        "error": 0.5,
    },
    {"quantity": "rate_mean", "population": "I", "value": None, "error": 0.3},
]


@pytest.fixture
def targets():
    return mf.Targets.of(ROWS)


def with_covariance(rows=ROWS):
    made = mf.Targets.of(rows)
    correlation = 0.3 + 0.7 * np.eye(len(made))
    return mf.Targets.of(rows, correlation * np.outer(made.error, made.error))


def same(a, b):
    """Whether two sets of targets are equal in every column, missing numbers included."""
    return repr(a.rows()) == repr(b.rows())


# ---- columns and labels


def test_labels_and_names(targets):
    assert targets.label(0) == "rate_mean E omission t=0.50"
    assert targets.label(1) == "rate_sd E gratings"
    assert targets.labels[2] == "rate_correlation E spontaneous-gratings"
    assert targets.labels[3] == "rate_quantile 0.9 I gratings"
    assert targets.labels[5] == "rate_mean I baseline"
    assert targets.populations == ("E", "I")
    assert targets.conditions == ("omission", "gratings", "spontaneous", "baseline")
    assert len(targets) == 6


def test_labels_of_different_times_differ():
    row = {"quantity": "rate_mean", "population": "E", "value": 1.0, "error": 1.0}
    labels = mf.Targets.of([row | {"time": t} for t in (0.5, 0.505, 0.5000001)]).labels
    assert len(set(labels)) == 3
    assert labels[1].endswith("t=0.505")


def test_columns(targets):
    np.testing.assert_array_equal(targets.weight, [1, 0.5, 1, 1, 1, 1])
    np.testing.assert_array_equal(np.isnan(targets.time), [False, True, True, True, True, True])
    np.testing.assert_array_equal(targets.held_out, [False, False, False, True, False, False])
    assert targets.against == ("", "", "gratings", "", "spontaneous", "")
    assert targets.covariance is None


def test_a_weight_alone_is_a_precision():
    made = mf.Targets.of(
        [{"quantity": "rate_mean", "population": "E", "value": 1.0, "weight": 25.0}]
    )
    assert made.error[0] == pytest.approx(0.2)
    assert made.weight[0] == 1.0  # counted once


def test_what_is_fitted_and_what_is_held(targets):
    assert targets.fitted.labels == (*targets.labels[:3], targets.labels[4])
    assert targets.held.labels == (targets.labels[3],)
    assert len(mf.Targets.of(ROWS[:2]).held) == 0
    own = with_covariance()
    np.testing.assert_array_equal(
        own.fitted.covariance, own.covariance[np.ix_([0, 1, 2, 4], [0, 1, 2, 4])]
    )
    np.testing.assert_array_equal(own.held.covariance, own.covariance[3:4, 3:4])


def test_select(targets):
    assert targets.select(population="E").labels == targets.labels[:3]
    assert targets.select(condition=["omission", "spontaneous"]).labels == (
        targets.labels[0],
        targets.labels[2],
    )
    assert targets.select(time=0.5).labels == targets.labels[:1]
    assert len(targets.select(time=NAN)) == 5
    assert targets.select(population="I", held_out=True).labels == (targets.labels[3],)
    with pytest.raises(
        ParameterError, match="no target has population = 'PV' \\(there are E, I\\)"
    ):
        targets.select(population="PV")
    with pytest.raises(ParameterError, match="no column 'cell'"):
        targets.select(cell="E")
    with pytest.raises(ParameterError, match="column time holds numbers, not 'late'"):
        targets.select(time="late")


def test_hold_out(targets):
    held = targets.hold_out(condition="gratings", population="E")
    np.testing.assert_array_equal(held.held_out, [False, True, False, True, False, False])
    assert not targets.held_out[1]  # the given ones stay
    mask = np.array([True, False, False, False, False, False])
    np.testing.assert_array_equal(targets.hold_out(mask).held_out, mask | targets.held_out)
    with pytest.raises(ParameterError, match="nothing is left to fit: of 6 targets 6 are held out"):
        targets.hold_out(np.ones(6, bool))
    with pytest.raises(
        ParameterError, match="shape \\(2,\\) and type bool: it needs 6 truth values"
    ):
        targets.hold_out([True, False])
    with pytest.raises(ParameterError, match="type int"):
        targets.hold_out([0, 1, 2, 3, 4, 5])
    with pytest.raises(ParameterError, match="no target has population"):
        targets.hold_out(population="X")
    with pytest.raises(ParameterError, match="either a mask or values"):
        targets.hold_out()


# ---- files


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".json", ".nc"])
@pytest.mark.parametrize("covariance", [False, True])
def test_files_give_back_what_was_written(tmp_path, suffix, covariance):
    targets = with_covariance() if covariance else mf.Targets.of(ROWS)
    path = tmp_path / f"targets{suffix}"
    targets.save(path)
    again = mf.Targets.read(path)
    assert same(again, targets)
    if covariance:
        np.testing.assert_array_equal(again.covariance, targets.covariance)
    else:
        assert again.covariance is None


def test_rows_and_plain_data_give_back_targets(targets):
    assert same(mf.Targets.of(targets.rows()), targets)
    data = json.loads(json.dumps(targets.json(), allow_nan=False))
    assert same(mf.Targets.of(data["targets"]), targets)
    assert data["targets"][5]["value"] is None
    assert same(mf.Targets.from_dataset(targets.dataset), targets)


def test_a_json_list_of_rows(tmp_path, targets):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(ROWS))
    assert same(mf.Targets.read(path), targets)


def test_a_short_csv(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "\ufeffquantity,population, value ,error\nrate_mean,E,2,0.1\n\nrate_mean,1,3.5,1\n",
        encoding="utf-8",
    )
    made = mf.Targets.read(path)
    assert made.condition == ("baseline", "baseline")
    assert made.population == ("E", "1")
    np.testing.assert_array_equal(made.value, [2, 3.5])
    path.write_text("quantity,population,value,weight\nrate_mean,E,2,4\n")
    np.testing.assert_array_equal(mf.Targets.read(path).error, [0.5])


def test_the_dataset(targets):
    ds = targets.dataset
    assert ds["rate_sd"].sel(population="E", condition="gratings") == 5.0
    assert ds["rate_sd_error"].sel(population="E", condition="gratings") == 0.2
    assert (
        ds["rate_correlation"].sel(population="E", condition="spontaneous", against="gratings")
        == 0.65
    )
    assert ds["rate_quantile"].dims == ("population", "condition", "level")
    assert ds["rate_mean"].dims == ("population", "condition", "time")
    assert ds["rate_sd_weight"].sel(population="E", condition="gratings") == 0.5


def test_a_dataset_of_ones_own():
    """One dimension, coordinates that are scalar, NaN where nothing was measured."""
    ds = xr.Dataset(
        {"rate_mean": ("population", [1.0, NAN, 3.0]), "rate_mean_error": 0.5},
        coords={"population": ["E", "PV", "SST"], "condition": "dark"},
    )
    made = mf.Targets.from_dataset(ds)
    assert made.labels == ("rate_mean E dark", "rate_mean SST dark")
    np.testing.assert_array_equal(made.value, [1, 3])
    np.testing.assert_array_equal(made.error, [0.5, 0.5])
    turned = xr.Dataset(
        {
            "rate_sd": (("time", "population"), [[1.0, 2.0], [3.0, 4.0]]),
            "rate_sd_error": (("population", "time"), [[0.1, 0.3], [0.2, 0.4]]),
        },
        coords={"population": ["E", "I"], "time": [0.0, 1.0]},
    )
    made = mf.Targets.from_dataset(turned)
    np.testing.assert_allclose(made.error, made.value / 10)
    assert made.labels[1] == "rate_sd I baseline t=0.00"


@pytest.mark.parametrize(
    ("variables", "coords", "match"),
    [
        (
            {"speed": ("population", [1.0])},
            {"population": ["E"]},
            "has no quantity: its variables are rate_mean",
        ),
        (
            {"rate_mean": ("population", [1.0]), "extra": 1.0},
            {"population": ["E"]},
            "has a variable 'extra'",
        ),
        ({"rate_mean": ("neuron", [1.0])}, {"neuron": ["E"]}, "a dimension 'neuron'"),
        ({"rate_mean": ("population", [1.0])}, {}, "no coordinate for its dimension 'population'"),
        (
            {"rate_mean": ("population", [1.0])},
            {"population": ["E"]},
            "row 1, column error: the standard error is missing",
        ),
        (
            {"rate_mean": ("population", [1.0]), "rate_mean_error": 1.0},
            {"population": [3]},
            "column population: 3 is no text",
        ),
        (
            {
                "rate_mean": ("population", [1.0]),
                "rate_mean_error": 1.0,
                "covariance": (("a", "b"), [[1.0]]),
            },
            {"population": ["E"]},
            "no coordinate target",
        ),
        (
            {"rate_mean": ("population", [1.0]), "rate_mean_error": 1.0},
            {"population": ["E"], "target": ["rate_mean I baseline"]},
            "lists 'rate_mean I baseline'",
        ),
    ],
)
def test_datasets_that_are_wrong(variables, coords, match):
    with pytest.raises(ParameterError, match=match):
        mf.Targets.from_dataset(xr.Dataset(variables, coords=coords))


# ---- what is refused

GOOD = {"quantity": "rate_mean", "population": "E", "value": 1.0, "error": 0.1}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            {"quantity": "rate_median"},
            "row 2, column quantity: 'rate_median' is unknown; there are rate_mean, rate_sd",
        ),
        ({"quantity": ""}, "column quantity: '' is unknown"),
        ({"cell": "E"}, "row 2: there is no column 'cell'; there are quantity"),
        ({"population": 3}, "row 2, column population: 3 is no text"),
        ({"population": ""}, "row 2, column population: the name of a population is missing"),
        ({"error": 0.0}, "row 2, column error: 0 is no standard error"),
        ({"error": -1}, "row 2, column error: -1 is no standard error"),
        ({"error": NAN}, "row 2, column error: the standard error is missing"),
        ({"error": float("inf")}, "row 2, column error: inf is not finite"),
        ({"weight": 0}, "row 2, column weight: 0 must be positive"),
        ({"value": "abc"}, "row 2, column value: 'abc' is no number"),
        ({"value": True}, "row 2, column value: True is no number"),
        ({"time": [1]}, "row 2, column time: \\[1\\] is no number"),
        ({"held_out": "maybe"}, "row 2, column held_out: 'maybe' is neither true nor false"),
        (
            {"against": "b"},
            "row 2, column against: rate_mean is of one condition, but 'b' is given",
        ),
        (
            {"quantity": "rate_change"},
            "row 2, column against: rate_change needs a second condition",
        ),
        (
            {"quantity": "rate_correlation", "condition": "b", "against": "b"},
            "row 2, column against: 'b' is the condition itself",
        ),
        (
            {"quantity": "rate_correlation", "against": "b", "value": 1.01},
            "row 2, column value: 1.01 is no correlation",
        ),
        (
            {"quantity": "rate_sd", "value": -0.1},
            "row 2, column value: -0.1 is no standard deviation",
        ),
        ({"quantity": "rate_quantile"}, "row 2, column level: nan is no level"),
        ({"quantity": "rate_quantile", "level": 1.0}, "row 2, column level: 1 is no level"),
        ({"level": 0.5}, "row 2, column level: rate_mean has no level"),
        ({}, "row 2 is row 1 again, rate_mean E baseline"),
    ],
)
def test_rows_that_are_wrong(change, match):
    with pytest.raises(ParameterError, match=match):
        mf.Targets.of([GOOD, GOOD | change])


def test_a_pair_of_conditions_is_one_target_either_way():
    row = GOOD | {"quantity": "rate_correlation", "condition": "a", "against": "b"}
    with pytest.raises(ParameterError, match="row 2 is row 1 again"):
        mf.Targets.of([row, row | {"condition": "b", "against": "a"}])
    assert len(mf.Targets.of([row, row | {"time": 1.0}, row | {"against": "c"}])) == 3


def test_names_that_make_labels_alike():
    row = GOOD | {"quantity": "rate_change"}
    with pytest.raises(
        ParameterError,
        match="rows 1 and 2 have the same label, rate_change E a-b-c: give a condition "
        "or population another name",
    ):
        mf.Targets.of(
            [row | {"condition": "a-b", "against": "c"}, row | {"condition": "a", "against": "b-c"}]
        )


def test_nothing_to_fit():
    with pytest.raises(ParameterError, match="nothing is left to fit: there are no rows"):
        mf.Targets.of([])
    with pytest.raises(ParameterError, match="nothing is left to fit: every value is missing"):
        mf.Targets.of([GOOD | {"value": NAN}])
    with pytest.raises(ParameterError, match="row 1 is 'rate_mean'"):
        mf.Targets.of(["rate_mean"])
    with pytest.raises(ParameterError, match="nothing is left to fit: of 1 targets 1 are held out"):
        _ = mf.Targets.of([GOOD | {"held_out": True}]).fitted


@pytest.mark.parametrize(
    ("covariance", "match"),
    [
        (np.eye(3), "covariance of 2 targets has shape \\(3, 3\\)"),
        ([[0.01, 0.02], [0.0, 0.01]], "symmetric and finite"),
        ([[0.01, NAN], [NAN, 0.01]], "symmetric and finite"),
        (
            [[0.01, 0.0], [0.0, 0.04]],
            "row 2, column error: 0.1 is not the root of its variance in the covariance, 0.04",
        ),
        ([[0.01, 0.02], [0.02, 0.01]], "negative eigenvalue, -0.01"),
    ],
)
def test_covariances_that_are_wrong(covariance, match):
    with pytest.raises(ParameterError, match=match):
        mf.Targets.of([GOOD, GOOD | {"population": "I"}], covariance)


HEADER = "quantity,population,value,error"


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("t.csv", "quantity,population,value\nrate_mean,E,1\n", "no column 'error'"),
        ("t.csv", "quantity,population,error\nrate_mean,E,1\n", "no column 'value'"),
        ("t.csv", "", "no column 'quantity'"),
        ("t.csv", f"{HEADER},value\nrate_mean,E,1,1,1\n", "'value' is there twice"),
        (
            "t.csv",
            f"{HEADER}\nrate_mean,E,1,1\nrate_sd,E,1\n",
            "row 2 has 3 cells, the header has 4",
        ),
        (
            "t.csv",
            f"{HEADER}\nrate_mean,E,abc,1\n",
            "t.csv: row 1, column value: 'abc' is no number",
        ),
        ("t.csv", f"{HEADER},layer\nrate_mean,E,1,1,4\n", "row 1: there is no column 'layer'"),
        ("t.csv", f'{HEADER}\n"rate_mean,E,1,1\n', "cannot be read as CSV"),
        (
            "t.csv",
            f"{HEADER},covariance 1,covariance 2\nrate_mean,E,1,1,1,0\n",
            "1 rows and 2 columns of their covariance",
        ),
        (
            "t.csv",
            f"{HEADER},covariance 1\nrate_mean,E,1,1,x\n",
            "cell of the covariance is no number",
        ),
        ("t.csv", b"quantity,population,value,error\nrate_mean,\xff,1,1\n", "not text in UTF-8"),
        ("t.csv.gz", b"no gzip", "cannot read"),
        ("t.csv.gz", gzip.compress(b"quantity", mtime=0)[:-6], "cannot read"),
        ("t.json", "[{", "not valid JSON"),
        ("t.json", '{"rows": []}', "must hold a list of rows"),
        ("t.json", '{"targets": [], "covariance": [["a"]]}', "covariance is no matrix of numbers"),
        ("t.json", "[1]", "row 1 is 1"),
        ("t.nc", b"nothing", "cannot be read as netCDF"),
        ("t.txt", "", "that end in .csv, .csv.gz, .json, .nc"),
    ],
)
def test_files_that_are_wrong(tmp_path, name, content, match):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ParameterError, match=match):
        mf.Targets.read(path)


def test_files_that_are_not_there(tmp_path, targets):
    for suffix in (".csv", ".json", ".nc"):
        with pytest.raises(ParameterError, match="there is no file"):
            mf.Targets.read(tmp_path / f"absent{suffix}")
        with pytest.raises(ParameterError, match="cannot be written"):
            targets.save(tmp_path / f"absent/targets{suffix}")
    with pytest.raises(ParameterError, match="that end in"):
        targets.save(tmp_path / "targets.txt")


# ---- single neurons


def test_errors_of_normal_data_are_the_known_ones():
    """SE of a mean = sd / sqrt(n), of the sd = sd / sqrt(2 (n - 1)), of a correlation
    = (1 - r^2) / sqrt(n), of a median = 1.2533 sd / sqrt(n); 4000 resamples leave 1.1 % of noise,
    and this sample of 2000 neurons 2 % (of its fourth moments).
    """
    rng, n, r = np.random.default_rng(5), 2000, 0.6
    x, z = rng.standard_normal((2, n))
    table = {"type": ["E"] * n, "a": 3 + 2 * x, "b": 1 + 3 * (r * x + np.sqrt(1 - r**2) * z)}
    made = mf.Targets.from_neurons(
        table,
        population="type",
        conditions={"A": "a", "B": "b"},
        quantities=list(QUANTITIES),
        levels=[0.5],
        bootstrap=4000,
    )
    own = {label: (v, e) for label, v, e in zip(made.labels, made.value, made.error, strict=True)}
    a, b = table["a"], table["b"]
    known = {
        "rate_mean E A": (a.mean(), a.std(ddof=1) / np.sqrt(n)),
        "rate_mean E B": (b.mean(), b.std(ddof=1) / np.sqrt(n)),
        "rate_sd E A": (a.std(ddof=1), 2 / np.sqrt(2 * (n - 1))),
        "rate_sd E B": (b.std(ddof=1), 3 / np.sqrt(2 * (n - 1))),
        "rate_correlation E A-B": (np.corrcoef(a, b)[0, 1], (1 - r**2) / np.sqrt(n)),
        "rate_change E B-A": ((b - a).mean(), (b - a).std(ddof=1) / np.sqrt(n)),
    }
    for label, (value, error) in known.items():
        assert own[label] == (pytest.approx(value, rel=1e-12), pytest.approx(error, rel=0.05)), (
            label
        )
    assert own["rate_quantile 0.5 E B"][0] == np.median(b)
    assert own["rate_quantile 0.5 E A"][1] == pytest.approx(
        1.2533 * 2 / np.sqrt(n), rel=0.12
    )  # its error depends on the density at the median
    order = [made.labels.index(f"rate_mean E {c}") for c in "AB"]
    correlation = made.covariance[order[0], order[1]] / made.error[order].prod()
    assert correlation == pytest.approx(r, abs=0.05)  # that of the neurons: pairs are kept
    np.testing.assert_allclose(np.diag(made.covariance), made.error**2, rtol=1e-12)


def test_populations_are_independent_and_the_seed_decides():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"type": np.repeat(["E", "I"], 40), "a": rng.gamma(2, 2, 80)})
    made = mf.Targets.from_neurons(table, population="type", conditions={"A": "a"}, bootstrap=200)
    assert made.labels == (
        "rate_mean E A",
        "rate_sd E A",
        "rate_mean I A",
        "rate_sd I A",
    )  # one condition: nothing to correlate
    np.testing.assert_array_equal(made.covariance[:2, 2:], 0)
    assert made.covariance[0, 1] > 0  # skewed rates
    again = mf.Targets.from_neurons(table, population="type", conditions={"A": "a"}, bootstrap=200)
    other = mf.Targets.from_neurons(
        table, population="type", conditions={"A": "a"}, bootstrap=200, seed=1
    )
    np.testing.assert_array_equal(again.error, made.error)
    assert not np.any(other.error == made.error)
    np.testing.assert_array_equal(other.value, made.value)


def test_missing_rates_and_pairs():
    """Means of what is there; correlation and change of the neurons that have both."""
    rng = np.random.default_rng(2)
    a, b, c = rng.gamma(2, 2, (3, 60))
    a[:10], b[5:20] = NAN, NAN
    both = np.isfinite(a) & np.isfinite(b)
    table = {"type": ["E"] * 60, "a": a, "b": b, "c": c}
    made = mf.Targets.from_neurons(
        table,
        population="type",
        conditions={"A": "a", "B": "b", "C": "c"},
        quantities=list(QUANTITIES),
        levels=(0.25, 0.9),
        bootstrap=50,
    )
    own = dict(zip(made.labels, made.value, strict=True))
    assert own["rate_mean E A"] == pytest.approx(np.nanmean(a))
    assert own["rate_sd E B"] == pytest.approx(np.nanstd(b, ddof=1))
    assert own["rate_quantile 0.9 E B"] == pytest.approx(np.nanquantile(b, 0.9))
    assert own["rate_quantile 0.25 E C"] == pytest.approx(np.quantile(c, 0.25))
    assert own["rate_correlation E A-B"] == pytest.approx(np.corrcoef(a[both], b[both])[0, 1])
    assert own["rate_change E B-A"] == pytest.approx((b - a)[both].mean())
    assert {"rate_change E C-A", "rate_correlation E A-C", "rate_correlation E B-C"} <= set(own)
    assert "rate_change E C-B" not in own
    chosen = mf.Targets.from_neurons(
        table,
        population="type",
        conditions={"A": "a", "B": "b", "C": "c"},
        quantities=["rate_change"],
        pairs=[("C", "B")],
        bootstrap=50,
    )
    assert chosen.labels == ("rate_change E C-B",)


def test_a_paired_error_is_that_of_the_differences():
    rng = np.random.default_rng(3)
    common = 10 * rng.standard_normal(300)
    table = {"type": ["E"] * 300, "a": common, "b": common + 1 + 0.1 * rng.standard_normal(300)}
    made = mf.Targets.from_neurons(
        table, population="type", conditions={"A": "a", "B": "b"}, quantities=["rate_change"]
    )
    assert made.error[0] == pytest.approx(0.1 / np.sqrt(300), rel=0.1)
    assert made.value[0] == pytest.approx(1, abs=0.03)


def test_which_neurons_and_which_populations():
    table = pd.DataFrame(
        {
            "type": ["L2 E"] * 5 + ["L2 I"] * 4 + ["L5 E"] * 6 + [None] * 2,
            "deep": ["no"] * 9 + ["yes"] * 6 + ["no"] * 2,
            "a": np.arange(17.0),
        }
    )
    by_rule = mf.Targets.from_neurons(
        table,
        population="type",
        conditions={"A": "a"},
        select=lambda name: name[-1],
        quantities=["rate_mean"],
    )
    assert by_rule.populations == ("E", "I")
    np.testing.assert_allclose(
        by_rule.value, [(0 + 1 + 2 + 3 + 4 + 9 + 10 + 11 + 12 + 13 + 14) / 11, 6.5]
    )
    by_table = mf.Targets.from_neurons(
        table,
        population="type",
        conditions={"A": "a"},
        select={"L2 I": "I", "L2 E": "E", "L5 E": None},
        quantities=["rate_mean"],
    )
    assert by_table.populations == ("I", "E")
    np.testing.assert_allclose(by_table.value, [6.5, 2.0])
    kept = mf.Targets.from_neurons(
        table,
        population="type",
        conditions={"A": "a"},
        where={"deep": "yes"},
        quantities=["rate_mean"],
    )
    assert kept.labels == ("rate_mean L5 E A",)
    by_row = mf.Targets.from_neurons(
        table,
        population=lambda row: "late" if row["a"] > 9 else None,
        conditions={"A": "a"},
        quantities=["rate_mean"],
    )
    np.testing.assert_allclose(by_row.value, [13])
    with pytest.raises(ParameterError, match="2 neurons have no type: leave them out"):
        mf.Targets.from_neurons(table, population="type", conditions={"A": "a"})
    with pytest.raises(ParameterError, match="no neuron is of population PV"):
        mf.Targets.from_neurons(
            table, population="type", conditions={"A": "a"}, select={"L2 E": "E", "pvalb": "PV"}
        )
    with pytest.raises(
        ParameterError,
        match="no neuron has deep in \\['maybe'\\]; its values are \\['no', 'yes'\\]",
    ):
        mf.Targets.from_neurons(
            table, population="type", conditions={"A": "a"}, where={"deep": "maybe"}
        )


@pytest.mark.parametrize(
    ("change", "options", "match"),
    [
        ({}, {"least": 6}, "population E has 5 neurons with a rate in 'A', fewer than least = 6"),
        ({"a": [1.0, 2.0, NAN, NAN, NAN]}, {}, "population E has 2 neurons with a rate in 'A'"),
        ({"a": [1.0] * 5}, {"quantities": ["rate_sd"]}, "rate_sd E A of 5 neurons has no error"),
        ({"a": [1, 2, "x", 4, 5]}, {}, "condition 'A': row 3, column a: 'x' is no number"),
        ({"a": [1.0, 2.0, 3.0, 4.0, float("inf")]}, {}, "row 5, column a: inf is not finite"),
        ({"a": [1.0, 2.0]}, {}, "columns of one length"),
        ({}, {"conditions": {"A": "z"}}, "no column 'z': its columns are type, a"),
        ({}, {"conditions": {}}, "conditions map names"),
        ({}, {"conditions": "a"}, "conditions map names"),
        ({}, {"population": "class"}, "no column 'class'"),
        ({}, {"quantities": ["rate_median"]}, "some of rate_mean"),
        ({}, {"quantities": []}, "some of rate_mean"),
        ({}, {"quantities": ["rate_quantile"]}, "rate_quantile needs levels"),
        ({}, {"levels": [1.5]}, "levels of quantiles lie between 0 and 1: \\[1.5\\]"),
        ({}, {"bootstrap": 1}, "bootstrap = 1"),
        ({}, {"least": 2}, "least = 2"),
        (
            {},
            {"pairs": [("A", "B")]},
            "\\('A', 'B'\\) is no pair of two different conditions; there are A",
        ),
        (
            {},
            {"quantities": ["rate_correlation"]},
            "nothing to compute: with the condition A there are no pairs",
        ),
    ],
)
def test_tables_of_neurons_that_are_wrong(change, options, match):
    table = {"type": ["E"] * 5, "a": [1.0, 2.0, 4.0, 8.0, 16.0]} | change
    with pytest.raises(ParameterError, match=match):
        mf.Targets.from_neurons(
            table, **{"population": "type", "conditions": {"A": "a"}, "bootstrap": 40} | options
        )


def test_tables_in_files(tmp_path):
    path = tmp_path / "neurons.tsv"
    path.write_text("type\ta\nE x\t1\nE x\t2.5\nE x\t\nE x\t4\n")
    made = mf.Targets.from_neurons(path, population="type", conditions={"A": "a"}, bootstrap=100)
    assert made.labels[0] == "rate_mean E x A"
    assert made.value[0] == 2.5
    with pytest.raises(ParameterError, match="there is no file"):
        mf.Targets.from_neurons(tmp_path / "absent.csv", population="type", conditions={"A": "a"})
    path.write_text("type\ta\nE\t1\t2\nE\t1\t3\n")
    with pytest.raises(ParameterError, match="its header has 2 columns, the rows have 3"):
        mf.Targets.from_neurons(path, population="type", conditions={"A": "a"})
    with pytest.raises(ParameterError, match="not a int"):
        mf.Targets.from_neurons(3, population="type", conditions={"A": "a"})


def test_too_few_different_neurons_in_a_resample():
    """Of three neurons, every ninth resample is one neuron three times, which has no correlation;
    the others give the error.
    """
    table = {"type": ["E"] * 3, "a": [1.0, 2.0, 4.0], "b": [2.0, 1.0, 5.0]}
    made = mf.Targets.from_neurons(
        table, population="type", conditions={"A": "a", "B": "b"}, bootstrap=300
    )
    assert np.all(np.isfinite(made.error))


# ---- the neurons of mouse V1


def classes(name):
    return {"Exc": "E", "PV": "PV", "SST": "SST", "VIP": "VIP"}.get(name.split()[-1])


def test_single_units_of_v1():
    """Means, standard deviations and correlations of the summary table (four digits) of the same
    units.
    """
    folder = DATA / "v1_four_classes/data"
    made = mf.Targets.from_neurons(
        folder / "OSI_DSI_neuropixels_v4.csv",
        population="cell_type",
        separator=" ",
        select=classes,
        conditions={"spontaneous": "firing_rate_sp", "gratings": "Ave_Rate(Hz)"},
        bootstrap=200,
    )
    summary = pd.read_csv(folder / "summary.csv").query("layer == 'all'").set_index("cls")
    assert len(made) == 20
    for name, own in zip(("E", "PV", "SST", "VIP"), ("Exc", "PV", "SST", "VIP"), strict=True):
        expected = summary.loc[
            own, ["sp_mean", "dg_mean", "sp_sd", "dg_sd", "corr_sp_dg"]
        ].to_numpy(dtype=float)
        found = made.select(population=name)
        np.testing.assert_allclose(found.value, expected, atol=6e-5)
        np.testing.assert_allclose(
            found.error[:2], expected[2:4] / np.sqrt(summary.loc[own, "n"]), rtol=0.2
        )


def test_optogenetics_of_v1():
    """Numbers of the data's page: inhibitory cells fall when driven, and rise when driven more."""
    table = pd.read_csv(DATA / "v1_optogenetics/data/rates.csv.gz")
    wide = table.pivot(
        index=["neuron", "is_inhibitory"], columns="power", values="rate"
    ).reset_index()
    made = mf.Targets.from_neurons(
        wide,
        population="is_inhibitory",
        select={0: "E", 1: "I"},
        conditions={"off": 0.0, "on": 1.0, "most": 4.9},
        quantities=["rate_mean", "rate_sd", "rate_change"],
        bootstrap=200,
    )
    own = dict(zip(made.labels, made.value.round(2), strict=True))
    assert (own["rate_mean E off"], own["rate_sd E off"], own["rate_mean E on"]) == (
        5.28,
        7.28,
        1.68,
    )
    assert (
        own["rate_mean I off"],
        own["rate_sd I off"],
        own["rate_mean I on"],
        own["rate_mean I most"],
    ) == (9.36, 9.78, 2.84, 7.16)
    assert own["rate_change I on-off"] == pytest.approx(2.84 - 9.36, abs=0.011)
