"""Rates in V1 around an omitted image, in bins with errors, and layer 4's rate as an input.

The data are described in data/README.md.
"""

from pathlib import Path

import numpy as np
import pandas as pd

import motifield as mf

HERE = Path(__file__).parent
CLASSES = {"Exc": "Pyr", "PV": "PV", "SST": "SST", "VIP": "VIP"}
IMAGE_SETS = ("familiar", "novel")
UNIT = 0.020
"""Seconds per unit of time of the equations."""
CYCLE, IMAGE, BIN = 0.750, 0.250, 0.050
"""Seconds from one image to the next, of an image, of a bin.

Traces were smoothed, so that neighbouring bins of 10 ms carry the same information.
"""
BEFORE = 0.250
"""Seconds of grey before the first cycle, from whose input the network starts at rest."""
FLOOR, SHARE = 0.05, 0.05
"""Errors of a model of this kind: .05 Hz and 5 % of a rate, added in quadrature to the data's."""
SPREAD_OF = ("Pyr", "PV")
"""Classes with more than 30 units, whose standard deviation across units is fitted as well."""


def table() -> pd.DataFrame:
    """The rates, in bins of 10 ms."""
    return pd.read_csv(HERE / "data/v1_rates_10ms.csv.gz")


def start_of(cycle: int) -> float:
    """Onset of a cycle in seconds; the image left out is the fifth's."""
    return (cycle - 5) * CYCLE


def targets(data: pd.DataFrame, cycles: range) -> mf.Targets:
    """Means of all classes, and SDs of those with many units, in bins of 50 ms.

    Time is in units of the equations and starts `BEFORE` the first cycle.
    """
    rows = []
    begin, end = start_of(cycles[0]), start_of(cycles[-1]) + CYCLE
    own = data[(data["layer"] == "L2/3") & data["time_from_omission_s"].between(begin, end)]
    own = own.assign(bin=np.floor((own["time_from_omission_s"] - begin) / BIN + 1e-9).astype(int))
    for (image_set, name, k), part in own.groupby(["image_set", "cell_class", "bin"]):
        mean, sd, sem, n = (
            part[c].mean()
            for c in ("rate_hz_mean", "rate_hz_sd", "rate_hz_sem", "n_from_sd_over_sem")
        )
        at = {
            "population": CLASSES[name],
            "condition": image_set,
            "time": (BEFORE + (k + 0.5) * BIN) / UNIT,
        }
        rows.append(
            {
                "quantity": "rate_mean",
                "value": mean,
                "error": float(np.sqrt(sem**2 + FLOOR**2 + (SHARE * mean) ** 2)),
                **at,
            }
        )
        if CLASSES[name] in SPREAD_OF:
            error = np.sqrt(sd**2 / (2 * (n - 1)) + FLOOR**2 + (SHARE * sd) ** 2)
            rows.append({"quantity": "rate_sd", "value": sd, "error": float(error), **at})
    return mf.Targets.of(rows)


def cycle_of(targets: mf.Targets, cycles: range) -> np.ndarray:
    """Which cycle each target belongs to."""
    return cycles[0] + np.floor((targets.time * UNIT - BEFORE) / CYCLE + 1e-9).astype(int)


def signals(
    data: pd.DataFrame, cycles: range
) -> tuple[np.ndarray, dict[str, dict[str, np.ndarray]]]:
    """Times and, by image set, the signals that drive layer 2/3.

    They are layer 4's rate in Hz, a constant, and familiarity, always and during images.
    """
    begin, end = start_of(cycles[0]) - BEFORE, start_of(cycles[-1]) + CYCLE
    found = {}
    for name in IMAGE_SETS:
        own = data[(data["layer"] == "L4") & (data["image_set"] == name)].sort_values(
            "time_from_omission_s"
        )
        seconds = own["time_from_omission_s"].to_numpy()
        inside = (seconds > begin) & (seconds < end)
        familiar = float(name == "familiar")
        shown = own["image_on"].to_numpy()[inside] * familiar
        found[name] = {
            "layer4": own["rate_hz_mean"].to_numpy()[inside],
            "one": np.ones(inside.sum()),
            "familiar": np.full(inside.sum(), familiar),
            "image": shown,
        }
    return (seconds[inside] - begin) / UNIT, found
