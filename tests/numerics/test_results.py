"""What every verb returns: statuses, tables, files that can be read back."""

import json
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

import motifield as mf
from motifield.errors import FileError, SolverError, SpecError
from motifield.numerics.results import (
    OK,
    Code,
    Numbers,
    Result,
    Saved,
    Status,
    plain,
    raise_on_failure,
)


def made(status=OK, **variables):
    data = variables or {"rate": ("population", [0.25, np.nan])}
    coords = {"population": ["E", "I"]} if not variables else {}
    return Saved("two <rates>", status, xr.Dataset(data, coords=coords))


@dataclass(frozen=True, repr=False, eq=False)
class WithTable(Result):
    title: str
    status: Status
    dataset: xr.Dataset


def test_a_status_is_its_message_and_has_a_code():
    status = Status("stopped: 100 steps were not enough", Code.NOT_CONVERGED)
    assert status == "stopped: 100 steps were not enough" == status.message
    assert (status.code, status.ok, OK.ok) == (Code.NOT_CONVERGED, False, True)
    assert Status(status) is status
    assert pickle.loads(pickle.dumps(status)).code is Code.NOT_CONVERGED
    assert status.json() == {"status": str(status), "code": "not converged"}


@pytest.mark.parametrize(("message", "code"), [("diverged", None), ("ok", Code.DIVERGED)])
def test_a_message_goes_with_its_code(message, code):
    with pytest.raises(ValueError, match="does not go with the code"):
        Status(message, code)


def test_failures_raise_and_doubts_do_not():
    for code in Code:
        status = OK if code is Code.OK else Status("what happened", code)
        raise_on_failure(status, throw=False)
        if code in (Code.NOT_CONVERGED, Code.DIVERGED, Code.OUT_OF_RANGE):
            with pytest.raises(SolverError, match="what happened"):
                raise_on_failure(status)
        else:
            raise_on_failure(status)


def test_a_saved_result_is_read_back(tmp_path):
    result = made(Status("one is not finite", Code.INCOMPLETE))
    result.save(tmp_path / "a.nc")
    again = mf.load(tmp_path / "a.nc")
    assert (again.title, again.status, again.status.code) == (
        "two <rates>",
        "one is not finite",
        Code.INCOMPLETE,
    )
    xr.testing.assert_equal(again.dataset, result.dataset)
    np.testing.assert_array_equal(again["rate"], [0.25, np.nan])


def test_other_formats_hold_the_numbers(tmp_path):
    result = made(z=("mode", np.array([1 + 2j, 3 - 1j])))
    for suffix in (".nc", ".csv", ".json"):
        result.save(tmp_path / f"a{suffix}")
    assert mf.load(tmp_path / "a.nc")["z_imag"].values.tolist() == [2, -1]
    assert (tmp_path / "a.csv").read_text().splitlines()[0] == "mode,z_real,z_imag"
    held = json.loads((tmp_path / "a.json").read_text())
    assert held["data_vars"]["z_real"]["data"] == [1, 3]


def test_files_that_cannot_be_written_or_read(tmp_path):
    with pytest.raises(SpecError, match="the suffix must be one of .nc, .csv, .json"):
        made().save(tmp_path / "a.txt")
    with pytest.raises(FileError, match="the folder .* does not exist"):
        made().save(tmp_path / "nowhere" / "a.nc")
    with pytest.raises(SpecError, match="there is no file"):
        mf.load(tmp_path / "a.nc")
    (tmp_path / "b.nc").write_text("no netCDF")
    with pytest.raises(SpecError, match="is no netCDF file of a result"):
        mf.load(tmp_path / "b.nc")
    made().dataset.to_netcdf(tmp_path / "c.nc", engine="h5netcdf")
    with pytest.raises(SpecError, match=r"not one that a result's save\(\) wrote"):
        mf.load(tmp_path / "c.nc")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.nc", "c.nc"]


def test_what_a_result_shows():
    result = made()
    assert repr(result) == "two <rates>: ok\n  rate (population: 2)  0.25 to 0.25"
    long = made(**{f"v{k}": ("n", np.arange(3.0)) for k in range(40)})
    assert len(repr(long).splitlines()) == 18
    assert repr(long).endswith("...")
    assert "two &lt;rates&gt;" in result._repr_html_()
    assert result.table()["population"].tolist() == ["E", "I"]
    assert result.json() == {
        "status": "ok",
        "code": "ok",
        "rate": [0.25, None],
        "population": ["E", "I"],
    }


def test_a_printed_table_keeps_the_columns_that_a_point_has():
    names = [f"quantity {k}" for k in range(12)]
    wide = WithTable("wide", OK, xr.Dataset({name: ("n", [1.0]) for name in names}))
    assert all(name in repr(wide) for name in names)


def test_a_result_without_a_title_is_called_by_its_kind():
    unnamed = WithTable("", OK, xr.Dataset({"rate": ("n", [1.0])}))
    assert repr(unnamed).startswith("With table: ok\n")
    assert "<b>With table</b>" in unnamed._repr_html_()


def test_plain_data():
    given = {1: np.float64(0.5), "z": np.array([1 + 2j]), "t": (np.inf, True), "none": None}
    assert plain(given) == {"1": 0.5, "z": [[1.0, 2.0]], "t": [None, True], "none": None}


NUMBERS = Numbers(
    {
        "rate": (("time", "population"), np.array([[1.0, 2.0], [3.0, 4.0]]), {"meaning": "R"}),
        "kappa": (("time", "membrane", "population"), np.arange(8.0).reshape(2, 2, 2), {}),
    },
    {"time": np.array([0.0, 5.0]), "membrane": ["E", "I"], "population": ["E", "I"]},
    {"closure": "low-rank"},
    "ms",
)


def test_numbers_are_those_of_their_dataset():
    made = NUMBERS.dataset
    assert made is NUMBERS.dataset
    assert (made.attrs, made["time"].attrs) == (
        {"closure": "low-rank", "time_unit": "ms"},
        {"unit": "ms"},
    )
    assert made["rate"].attrs == {"meaning": "R"}
    again = Numbers.of(made)
    assert again.dataset is made
    assert again.time_unit == "ms"
    assert set(again) == set(NUMBERS) == set(map(str, made.variables))
    for name in NUMBERS:
        assert np.array_equal(NUMBERS[name], made[name].values)
        assert np.array_equal(again[name], made[name].values)
    assert "rate" in NUMBERS
    assert "time" not in NUMBERS


def test_rows_of_the_last_numbers_by_population():
    last = NUMBERS.last("time")
    assert set(last) == {"rate", "kappa", "membrane", "population"}
    assert last.by_population() == [
        {"population": "E", "rate": 3.0, "kappa E": 4.0, "kappa I": 6.0},
        {"population": "I", "rate": 4.0, "kappa E": 5.0, "kappa I": 7.0},
    ]
    assert last.by_population(["rate"]) == [
        {"population": "E", "rate": 3.0},
        {"population": "I", "rate": 4.0},
    ]
