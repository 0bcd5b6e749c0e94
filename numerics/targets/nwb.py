"""Neurons of an NWB file: its table of units, and rates from their spikes in times or trials."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import NetworkError, ParameterError
from ..tables import needed
from .neuron_tables import NeuronTable
from .recordings import Columns, Recording, averaged

SUFFIX = ".nwb"
SPIKES, OBSERVED = "spike_times", "obs_intervals"
TRIALS = "trials"

Windows = np.ndarray
"""Beginnings and ends, (n, 2), in seconds."""


def nwb_recording(
    path: str | os.PathLike,
    columns: Columns,
    conditions: Mapping[str, Any],
    where: Any,
    part: str | None = None,
) -> Recording:
    """The units of a file and their rates.

    A condition is a column of the units' table, times (start, stop) or several of them, or a filter
    of the table of trials such as "stimulus=gratings". Trials in which a unit was not observed are
    left out.

    Args:
        path: the file.
        columns: `population` and `select` are of the units' table.
        conditions: by name.
        where: filters of units.
        part: the table of trials, if that is not `trials`.

    Raises:
        ParameterError: the file cannot be read, or has no such units, columns or trials.
    """
    if columns.unit is not None or columns.condition is not None:
        raise ParameterError(
            f"{path}: unit, condition and rate are columns of other tables: an NWB file has a row "
            "per unit, and conditions are times or filters of its trials"
        )
    try:
        pynwb = needed("pynwb", str(path))
    except NetworkError as error:
        raise ParameterError(str(error)) from None
    if not os.path.isfile(path):
        raise ParameterError(f"there is no file {path}")
    try:
        io = pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True)
    except Exception as error:  # pynwb, hdmf and h5py raise many kinds on foreign files
        raise ParameterError(f"{path} cannot be read as an NWB file: {error}") from None
    with io:
        try:
            session = io.read()
        except Exception as error:
            raise ParameterError(f"{path} cannot be read as an NWB file: {error}") from None
        return _recording(str(path), session, columns, conditions, where, part)


def _recording(
    path: str,
    session: Any,
    columns: Columns,
    conditions: Mapping[str, Any],
    where: Any,
    part: str | None,
) -> Recording:
    units = session.units
    if units is None or len(units) == 0:
        raise ParameterError(f"{path} has no units")
    plain = [name for name in units.colnames if np.ndim(units[name].data) == 1]
    plain = [name for name in plain if not name.endswith("_index") and not _ragged(units[name])]
    import pandas as pd

    cells = {name: np.asarray(units[name].data[:]) for name in plain}
    frame = pd.DataFrame({"id": np.asarray(units.id[:]), **cells})
    table = NeuronTable(frame, path).kept(where)
    rows = table.frame.index.to_numpy()
    rates, errors = {}, {}
    for name, own in conditions.items():
        if isinstance(own, str) and own in frame.columns:
            rates[name] = table.rates(own, f"condition {name!r}")
            errors[name] = np.full(len(rows), np.nan)
            continue
        windows = _windows(path, session, name, own, part)
        rates[name], errors[name] = _rates(path, units, rows, windows)
    ids = [str(value) for value in table.frame["id"]]
    return Recording(path, ids, table.labels(columns.population, columns.select), rates, errors)


def _ragged(column: Any) -> bool:
    """Whether rows have lists, which another column divides."""
    return type(column).__name__ == "VectorIndex"


def _windows(path: str, session: Any, name: str, own: Any, part: str | None) -> Windows:
    """The times of a condition."""
    if not isinstance(own, str):
        windows = np.atleast_2d(np.asarray(own, dtype=float))
        if windows.ndim != 2 or windows.shape[1] != 2 or not np.all(windows[:, 1] > windows[:, 0]):
            raise ParameterError(
                f"{path}, condition {name!r}: {own!r} is not (start, stop) in seconds, or several"
            )
        return windows
    tables = dict(session.intervals or {})
    if (part or TRIALS) not in tables:
        raise ParameterError(
            f"{path}, condition {name!r}: {own!r} is no column of its units, and the file has no "
            f"table {part or TRIALS!r}: its tables of times are {', '.join(tables) or 'none'}"
        )
    frame = tables[part or TRIALS].to_dataframe().reset_index()
    trials = NeuronTable(frame, f"{path}, {part or TRIALS}", row_is="trial").kept(own)
    return trials.frame[["start_time", "stop_time"]].to_numpy(dtype=float)


def _rates(
    path: str, units: Any, rows: Sequence[int], windows: Windows
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes per second of units in windows: mean and standard error over these."""
    if SPIKES not in units.colnames:
        raise ParameterError(f"{path}: its units have no spike times: conditions are columns")
    observed = OBSERVED in units.colnames
    every = np.full((len(rows), len(windows)), np.nan)
    for k, row in enumerate(rows):
        spikes = np.sort(np.asarray(units[SPIKES][int(row)], dtype=float))
        edges = np.searchsorted(spikes, windows)  # from start on, before stop
        every[k] = (edges[:, 1] - edges[:, 0]) / (windows[:, 1] - windows[:, 0])
        if observed:
            seen = np.atleast_2d(np.asarray(units[OBSERVED][int(row)], dtype=float))
            inside = (windows[:, :1] >= seen[:, 0]) & (windows[:, 1:] <= seen[:, 1])
            every[k, ~inside.any(axis=1)] = np.nan
    which = np.repeat(np.arange(len(rows)), len(windows))
    return averaged(which, len(rows), every.ravel())
