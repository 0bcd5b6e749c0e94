"""Units of an NWB file: rates counted from spikes, in times and in trials."""

import datetime
import sys

import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError

TYPES = ("E", "E", "E", "E", "I", "I", "I", "")


@pytest.fixture(scope="module")
def spikes():
    """Of eight units in 20 s, at rates of 2, 3, ... Hz."""
    rng = np.random.default_rng(0)
    return [np.sort(rng.uniform(0, 20, 20 * (k + 2))) for k in range(len(TYPES))]


@pytest.fixture(scope="module")
def path(spikes, tmp_path_factory):
    pynwb = pytest.importorskip("pynwb")
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    session = pynwb.NWBFile("made up", "1", start)
    session.add_unit_column("cell_type", "its type")
    session.add_unit_column("snr", "of its spikes")
    for k, times in enumerate(spikes):
        session.add_unit(
            spike_times=times,
            cell_type=TYPES[k],
            snr=float(k),
            obs_intervals=[[0.0, 20.0 if k else 13.5]],
        )
    session.add_trial_column("stimulus", "what was shown")
    for k in range(8):
        start, stimulus = 2.0 * k, ("gratings", "gray")[k % 2]
        session.add_trial(start_time=start, stop_time=start + 1, stimulus=stimulus)
    path = tmp_path_factory.mktemp("nwb") / "session.nwb"
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(session)
    return path


CONDITIONS = {"whole": (0.0, 20.0), "gratings": "stimulus=gratings", "ratio": "snr"}
ASKED = {"population": "cell_type", "quantities": ["rate_mean"], "select": {"E": "E", "I": "I"}}


def counted(times, windows):
    return [np.mean((times >= a) & (times < b)) * len(times) / (b - a) for a, b in windows]


def test_rates_are_counted_in_times_and_trials(path, spikes):
    made = mf.Targets.from_neurons(path, **ASKED, conditions=CONDITIONS)
    own = {(row["population"], row["condition"]): row["value"] for row in made.rows()}
    shown = [(4.0 * k, 4.0 * k + 1) for k in range(4)]
    rates = [np.mean(counted(times, shown)) for times in spikes[:7]]
    # the first unit was observed until 13.5 s, so that the whole and no trial but the last are lost
    assert own["E", "whole"] == pytest.approx((3 + 4 + 5) / 3)
    assert own["I", "whole"] == pytest.approx((6 + 7 + 8) / 3)
    assert own["E", "gratings"] == pytest.approx(np.mean(rates[:4]))
    assert own["I", "gratings"] == pytest.approx(np.mean(rates[4:7]))
    assert own["E", "ratio"] == 1.5


def test_errors_of_trials(path, spikes):
    made = mf.Targets.from_neurons(
        path, **ASKED, conditions={"g": "stimulus=gratings"}, errors="trials", bootstrap=20_000
    )
    shown = [(4.0 * k, 4.0 * k + 1) for k in range(4)]
    each = [np.std(counted(times, shown), ddof=1) / 2 for times in spikes[4:7]]
    error = made.select(population="I").error.item()
    assert error == pytest.approx(np.sqrt(np.sum(np.square(each))) / 3, rel=0.03)


def test_units_are_filtered_by_name(path):
    made = mf.Targets.from_neurons(
        path, **ASKED, conditions={"ratio": "snr"}, where="snr>=1", least=3
    )
    assert made.select(population="E").value.item() == 2


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"conditions": {"A": "stimulus=noise"}}, "trials: no trial has stimulus in"),
        ({"conditions": {"A": "colour=red"}}, "trials has no column 'colour'"),
        ({"conditions": {"A": (5.0, 1.0)}}, r"\(5.0, 1.0\) is not \(start, stop\) in seconds"),
        ({"conditions": {"A": "firing_rate"}, "part": "epochs"}, "no table 'epochs'"),
        ({"population": "area"}, "no column 'area': its columns are id, "),
        ({"unit": "id"}, "an NWB file has a row per unit"),
    ],
)
def test_what_is_not_there_is_named(path, options, match):
    given = {**ASKED, "conditions": {"whole": (0.0, 20.0)}} | options
    with pytest.raises(ParameterError, match=match):
        mf.Targets.from_neurons(path, **given)


def test_files_that_are_no_such_files(path, tmp_path):
    given = {**ASKED, "conditions": {"whole": (0.0, 20.0)}}
    (tmp_path / "text.nwb").write_text("no HDF5")
    with pytest.raises(ParameterError, match="cannot be read as an NWB file"):
        mf.Targets.from_neurons(tmp_path / "text.nwb", **given)
    with pytest.raises(ParameterError, match="there is no file"):
        mf.Targets.from_neurons(tmp_path / "absent.nwb", **given)


def test_without_pynwb_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pynwb", None)
    (tmp_path / "a.nwb").write_bytes(b"")
    with pytest.raises(ParameterError, match=r"pip install 'motifield\[nwb\]'"):
        mf.Targets.from_neurons(tmp_path / "a.nwb", population="x", conditions={"A": "a"})
