"""Tables of synapses, cells and rates of mouse V1, layer 2/3, from the raw files.

`python make.py RAW_FOLDER` writes them beside this script.

RAW_FOLDER holds the files that README.md names.
"""

import argparse
import shutil
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

HERE = Path(__file__).parent
POPULATIONS = ("E", "PV", "SST", "VIP")
IN_COUNTS = dict(zip(POPULATIONS, ("l23pyr", "l23pv", "l23sst", "l23vip"), strict=True))
IN_PSPS = dict(zip(POPULATIONS, ("l23_pyr", "pvalb", "sst", "vip"), strict=True))
IN_CELLS = dict(zip(POPULATIONS, ("e23Cux2", "i23Pvalb", "i23Sst", "i23Vip"), strict=True))
IN_RATES = dict(zip(POPULATIONS, ("L2/3 Exc", "L2/3 PV", "L2/3 SST", "L2/3 VIP"), strict=True))
INSTEAD = {"vip__to__l23_pyr": "all_int__to__l23_pyr"}  # three pairs, no amplitude given
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def synapses(raw: Path) -> pd.DataFrame:
    """Probability of a synapse with its 95 % interval, and signed amplitude at rest.

    One row per ordered pair of classes.
    """
    counts = pd.read_csv(raw / "connection_counts_mouseV1_r2.0pre4.csv").set_index(["pre", "post"])
    psps = pd.read_csv(raw / "psp_characterization.csv", sep=" ", na_values="[]").set_index(
        "connection"
    )
    rows = []
    for target in POPULATIONS:
        for source in POPULATIONS:
            connected, tested = map(
                int, counts.loc[(IN_COUNTS[source], IN_COUNTS[target]), ["n_connected", "n_probed"]]
            )
            interval = binomtest(connected, tested).proportion_ci(method="exact")
            name = f"{IN_PSPS[source]}__to__{IN_PSPS[target]}"
            name = INSTEAD.get(name, name)
            psp = psps.loc[name]
            rows.append(
                {
                    "target": target,
                    "source": source,
                    "probability": connected / tested,
                    "probability_low": interval.low,
                    "probability_high": interval.high,
                    "tested": tested,
                    "connected": connected,
                    "psp_mV": psp["mean_resting"] * (1 if source == "E" else -1),
                    "psp_sd_mV": psp["std_resting"],
                    "n_psp": int(psp["N_resting"]),
                    "psp_row": name,
                }
            )
    return pd.DataFrame(rows)


def cells(raw: Path) -> pd.DataFrame:
    """Fraction of each class among the neurons of the layer, and relative spread of in-degrees."""
    table = (
        _first_sheet(raw / "V1model_seed_file.xlsx")
        .set_index("pop_name")
        .loc[[IN_CELLS[p] for p in POPULATIONS]]
    )
    density, shape = (
        table[column].astype(float).to_numpy()
        for column in ("Areal density (#/mm^2)", "nsyn_lognorm_shape")
    )
    return pd.DataFrame(
        {
            "population": POPULATIONS,
            "fraction": density / density.sum(),
            "density_per_mm2": density,
            "in_degree_cv": np.sqrt(np.expm1(shape**2)),
            "source": [f"V1model_seed_file.xlsx, {row}" for row in table.index],
        }
    )


def rates(raw: Path) -> pd.DataFrame:
    """Mean and SD across units of the spontaneous rate and of the rate in drifting gratings."""
    units = pd.read_csv(raw / "OSI_DSI_neuropixels_v4.csv", sep=" ").groupby("cell_type")
    rows = []
    for population, name in IN_RATES.items():
        own = units.get_group(name)
        spontaneous, gratings = own["firing_rate_sp"].dropna(), own["Ave_Rate(Hz)"].dropna()
        rows.append(
            {
                "population": population,
                "units": len(spontaneous),
                "rate_Hz": spontaneous.mean(),
                "rate_sd_Hz": spontaneous.std(),
                "gratings_Hz": gratings.mean(),
                "gratings_sd_Hz": gratings.std(),
                "cell_type": name,
            }
        )
    return pd.DataFrame(rows)


def _first_sheet(path: Path) -> pd.DataFrame:
    """The rectangle below the header row, as text; empty cells are empty strings."""
    with zipfile.ZipFile(path) as book:
        shared = [
            "".join(t.text or "" for t in item.iter(f"{SHEET}t"))
            for item in _xml(book, "xl/sharedStrings.xml")
        ]
        grid: dict[int, dict[str, str]] = {}
        for cell in _xml(book, "xl/worksheets/sheet1.xml").iter(f"{SHEET}c"):
            value = cell.find(f"{SHEET}v")
            if value is not None and value.text:
                reference = cell.attrib["r"]
                column = reference.rstrip("0123456789")
                text = shared[int(value.text)] if cell.get("t") == "s" else value.text
                grid.setdefault(int(reference[len(column) :]), {})[column] = text
    header = grid.pop(min(grid))
    return pd.DataFrame(
        [[row.get(column, "") for column in header] for row in grid.values()],
        columns=list(header.values()),
    )


def _xml(book: zipfile.ZipFile, member: str) -> ElementTree.Element:
    return ElementTree.fromstring(book.read(member))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", type=Path, help="folder of the raw files")
    raw = parser.parse_args().raw
    for name, table in (("synapses", synapses(raw)), ("cells", cells(raw)), ("rates", rates(raw))):
        table.to_csv(HERE / f"{name}.csv", index=False, float_format="%.6g")
    shutil.copyfile(raw / "LICENSE-BSD-3.txt", HERE / "LICENSE")


if __name__ == "__main__":
    main()
