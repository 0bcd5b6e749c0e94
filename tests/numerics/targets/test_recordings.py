"""Tables of neurons in the dress that people give them, and rows that are trials of neurons."""

import gzip

import numpy as np
import pandas as pd
import pytest

import motifield as mf
from motifield.errors import ParameterError

RATES = pd.DataFrame(
    {
        "id": ["n1", "n2", "n3", "n4", "n5", "n6"],
        "cell type": ["E", "E", "E", "I", "I", "I"],
        "rate": [1.5, 2.25, 4.0, 10.0, 1200.5, 30.25],
    }
)
ASKED = {"population": "cell type", "conditions": {"A": "rate"}, "bootstrap": 50}


def text(separator=",", decimal=".", quote=""):
    rows = [["id", "cell type", "rate"], *RATES.astype(str).values.tolist()]
    rows = [[*row[:2], row[2].replace(".", decimal)] for row in rows]
    return "\n".join(separator.join(f"{quote}{c}{quote}" for c in row) for row in rows) + "\n"


def gzipped(path):
    path.write_bytes(gzip.compress(text().encode()))


DRESSES = {
    "a.csv": lambda path: path.write_text(text()),
    "a.tsv": lambda path: path.write_text(text("\t")),
    "a.txt": lambda path: path.write_text(text(" | ")),
    "semicolons.csv": lambda path: path.write_text(text(";", ",")),
    "quoted.csv": lambda path: path.write_text(text(quote='"')),
    "blanks.CSV": lambda path: path.write_text(text(" , ")),
    "bom.csv": lambda path: path.write_bytes(b"\xef\xbb\xbf" + text().encode()),
    "utf16.csv": lambda path: path.write_bytes(text().encode("utf-16")),
    "crlf.csv": lambda path: path.write_bytes(text().replace("\n", "\r\n").encode()),
    "comment.csv": lambda path: path.write_text("# recorded in 2020\n" + text()),
    "a.csv.gz": gzipped,
    "a.parquet": RATES.to_parquet,
    "a.xlsx": lambda path: RATES.to_excel(path, index=False),
}


@pytest.mark.parametrize("name", DRESSES)
def test_a_table_of_neurons_in_another_dress(name, tmp_path):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    if name.endswith("xlsx"):
        pytest.importorskip("openpyxl")
    DRESSES[name](tmp_path / name)
    known = mf.Targets.from_neurons(RATES, **ASKED)
    found = mf.Targets.from_neurons(tmp_path / name, **ASKED)
    assert found.labels == known.labels
    np.testing.assert_array_equal(found.value, known.value)
    np.testing.assert_array_equal(found.covariance, known.covariance)


@pytest.mark.parametrize("missing", ["", "NaN", "NA", "n/a", "null", "[]", " "])
def test_missing_rates_by_their_names(missing, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"type,rate\nE,1\nE,{missing}\nE,3\nE,5\n")
    made = mf.Targets.from_neurons(path, population="type", conditions={"A": "rate"})
    assert made.select(quantity="rate_mean").value.item() == 3


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("type,rate\nE,1\nE,two\nE,3\n", "row 2, column rate: 'two' is no number"),
        ('type,rate\nE,"1,234"\nE,"2,345"\nE,"3,456"\n', "the commas in column rate may be"),
        ("type,rate\nE,1\n,2\nE,3\nE,4\n", r"1 neurons have no type.*\(row 2 is the first\)"),
        ("type,rate\nE,1\nNA,2\nE,3\nE,4\n", r"1 neurons have no type"),
        ("type,rate,rate\nE,1,1\nE,2,2\n", "two columns 'rate'"),
    ],
)
def test_tables_that_are_refused_say_where(content, match, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(ParameterError, match=match):
        mf.Targets.from_neurons(path, population="type", conditions={"A": "rate"})


def test_a_decimal_sign_that_is_given_decides(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('type,rate\nE,"1,234"\nE,"2,345"\nE,"3,456"\n')
    for decimal, mean in ((",", 2.345), (".", 2345.0)):
        made = mf.Targets.from_neurons(
            path, population="type", conditions={"A": "rate"}, decimal=decimal
        )
        assert made.value[0] == pytest.approx(mean, rel=1e-12)
    with pytest.raises(TypeError, match="no option 'decimals'"):
        mf.Targets.from_neurons(path, population="type", conditions={"A": "rate"}, decimals=",")


def test_filters_are_those_of_networks():
    made = mf.Targets.from_neurons(RATES, **ASKED, where="rate>=1.5")
    assert made.populations == ("E", "I")
    made = mf.Targets.from_neurons(RATES, **ASKED, where=["rate<100", "cell type=E|PV"])
    assert made.populations == ("E",)
    with pytest.raises(ParameterError, match="no neuron has rate>2000"):
        mf.Targets.from_neurons(RATES, **ASKED, where="rate>2000")
    with pytest.raises(ParameterError, match="is no filter"):
        mf.Targets.from_neurons(RATES, **ASKED, where="rate")


# ---- trials


@pytest.fixture(scope="module")
def trials():
    """4 neurons of E and 3 of I with 5 trials in two conditions, one trial of them missing."""
    rng = np.random.default_rng(3)
    names, types = [f"u{k}" for k in range(7)], ["E"] * 4 + ["I"] * 3
    rows = [
        {"neuron": n, "type": t, "stimulus": s, "hz": 10 + 3 * (s == "b") + rng.normal()}
        for n, t in zip(names, types, strict=True)
        for s in "ab"
        for _ in range(5)
    ]
    table = pd.DataFrame(rows)
    table.loc[3, "hz"] = np.nan
    return table.sample(frac=1, random_state=1)


LONG = {
    "population": "type",
    "unit": "neuron",
    "condition": "stimulus",
    "rate": "hz",
    "conditions": {"A": "a", "B": ["b"]},
}


def test_trials_are_averaged_per_neuron(trials):
    means = trials.groupby(["neuron", "type", "stimulus"])["hz"].mean().unstack().reset_index()
    wide = {"population": "type", "conditions": {"A": "a", "B": "b"}}
    order = trials["neuron"].drop_duplicates().tolist()
    means = means.set_index("neuron").loc[order].reset_index()
    known, found = mf.Targets.from_neurons(means, **wide), mf.Targets.from_neurons(trials, **LONG)
    assert found.labels == known.labels
    np.testing.assert_allclose(found.value, known.value, rtol=1e-12)
    np.testing.assert_allclose(found.error, known.error, rtol=1e-9)


def test_a_column_of_rates_per_condition_may_have_rows_for_trials():
    table = {"id": [1, 1.0, 2, 2, 3, 3], "type": ["E"] * 6, "a": [1, 3, 2, 4, 5, np.nan]}
    made = mf.Targets.from_neurons(table, population="type", conditions={"A": "a"}, unit="id")
    assert made.value[0] == pytest.approx((2 + 3 + 5) / 3)


def test_errors_of_trials_are_those_of_the_neurons_that_are_there(trials):
    """Of the mean: sqrt(sum s_i^2) / n, s_i = sd_i / sqrt(trials of i)."""
    made = mf.Targets.from_neurons(
        trials, **LONG, errors="trials", quantities=["rate_mean"], bootstrap=20_000
    )
    one = trials.groupby(["type", "neuron", "stimulus"])["hz"].agg(["std", "count"])
    squares = (one["std"] ** 2 / one["count"]).groupby(["type", "stimulus"]).sum()
    for row in made.rows():
        own = (row["population"], row["condition"].lower())
        n = {"E": 4, "I": 3}[row["population"]]
        assert row["error"] == pytest.approx(np.sqrt(squares[own]) / n, rel=0.03)


@pytest.mark.parametrize(
    ("change", "options", "match"),
    [
        ({}, {"unit": None}, "several rows of a neuron: name the column of its id, with unit"),
        ({}, {"rate": None}, "condition and rate go together"),
        ({}, {"conditions": {"C": "c"}}, "no row has stimulus in \\['c'\\]; its values are"),
        ({}, {"errors": "trial"}, "errors = 'trial' is unknown: use 'neurons' or 'trials'"),
        ({"type": {0: "I"}}, {}, "neuron u0 is of (E|I) in row [0-9]+ and of (E|I) in row [0-9]+"),
        ({"neuron": {0: None}}, {}, "row [0-9]+ has no neuron"),
        (
            {"hz": dict.fromkeys(range(4), np.nan)},
            {"errors": "trials"},
            "neuron u0 of E has a single trial in 'A', and 0 others",
        ),
    ],
)
def test_trials_that_are_wrong(trials, change, options, match):
    table = trials.astype(object)
    for name, cells in change.items():
        for row, value in cells.items():
            table.loc[row, name] = value
    with pytest.raises(ParameterError, match=match):
        mf.Targets.from_neurons(table, **LONG | options)


def test_errors_of_trials_need_trials():
    with pytest.raises(ParameterError, match="neuron row 1 of E has a single trial in 'A'"):
        mf.Targets.from_neurons(RATES, **ASKED, errors="trials")
