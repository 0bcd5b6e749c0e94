"""Four cell types of mouse V1 with measured synapses: the spread of rates that convergence makes, and what driving VIP cells does.

Theory (lines, bars) against sampled networks and, for the spread of the rates, against measured neurons. Writes `picture.png`.
"""

import argparse
import shutil
import sys
from pathlib import Path

import jax
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import motifield as mf

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
COLORS = {"E": "C3", "PV": "C0", "SST": "C1", "VIP": "C2"}
DRIVES, NETWORKS = (
    {0.0: (1000, 2000), 5.0: (2000,), 10.0: (2000,)},
    5,
)  # mV, and how many neurons the networks have


def driven(par: mf.Parameters, drive: float) -> mf.Parameters:
    """VIP cells receive `drive` mV more."""
    return par.replace(input=np.add(par.input(0.0), [0, 0, 0, drive]))


def rate_sd(point, k: float = 0.04) -> np.ndarray:
    """Standard deviation of the rates k Max(x, 0)**2 of x with the mean and variance of each population."""
    m, v = point["mean"].values, point["variance"].values
    square = mf.average("(k*Max(x, 0)**2)**2", m, v, parameters={"k": k}).values
    return np.sqrt(square - point["rate"].values ** 2)


def picture(drives, rates, without, spreads, checks, measured) -> Figure:
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, (p, color) in enumerate(COLORS.items()):
        left.plot(drives, rates[:, k] / rates[0, k], color, label=p)
        for drive, check in checks.items():
            seen = check.summary.isel(size=-1).sel(population=p, quantity="rate")
            left.errorbar(
                drive,
                seen.network / rates[0, k],
                seen.error / rates[0, k],
                fmt="o",
                ms=4,
                capsize=3,
                color=color,
            )
    left.plot(drives, without / without[0], "C3--", label="E, no VIP to E")
    left.plot([], [], "ok", ms=4, label=f"{NETWORKS} networks, N = 2000")
    left.set(xlabel="drive to VIP (mV)", ylabel="rate / rate without drive", ylim=(0, 3.4))
    left.legend(frameon=False, ncols=2, loc="upper left")
    places, seen = np.arange(4), checks[0.0].networks["rate_sd"].isel(size=-1, time=-1)
    bars = {
        "theory, no motifs": ("0.75", spreads[0]),
        "theory, convergent motifs": ("C4", spreads[1]),
    }
    for n, (label, (color, values)) in enumerate(bars.items()):
        right.bar(places + 0.25 * (n - 1), values, 0.24, color=color, label=label)
    error = seen.std("network", ddof=1) / NETWORKS**0.5
    right.errorbar(
        places,
        seen.mean("network"),
        error,
        fmt="ok",
        ms=4,
        capsize=3,
        label=f"{NETWORKS} networks, N = 2000",
    )
    right.bar(
        places + 0.25,
        measured["rate_sd_Hz"],
        0.24,
        color="w",
        edgecolor="k",
        hatch="///",
        label="measured units",
    )
    right.set(ylabel="SD of the rates across neurons (Hz)", ylim=(0, 12))
    right.set_xticks(
        places, [f"{p}\n{n} units" for p, n in zip(COLORS, measured["units"], strict=True)]
    )
    right.legend(frameon=False, ncols=2, loc="upper left")
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out",
        type=Path,
        default=HERE / "out",
        help="folder to write to (default: out/ beside the script)",
    )
    parser.add_argument(
        "--picture", action="store_true", help="also replace the picture of the page"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    spec, measured = mf.load_spec(HERE / "spec.toml"), pd.read_csv(HERE / "data/rates.csv")
    system, par = mf.compile(mf.derive(spec.architecture, spec.closure)), spec.numbers()
    drives = np.linspace(0, 10, 11)
    points = [mf.fixed_point(system, driven(par, d), throw=True) for d in drives]
    rates = np.array([p.dataset["rate"].values for p in points])
    plain = mf.fixed_point(system, par.without_motifs(), throw=True)
    spreads = rate_sd(plain.dataset), rate_sd(points[0].dataset)
    silent = par.replace(
        mean=np.asarray(par.mean) * np.where(np.eye(4)[0][:, None] * np.eye(4)[3], 0, 1)
    )
    without = [
        mf.fixed_point(system, driven(silent, d), throw=True).dataset["rate"].values[0]
        for d in drives
    ]
    print(
        f"fixed point {'stable' if points[0].stable else 'unstable'}; rates {rates[0].round(2)} Hz (E, PV, SST, VIP), measured "
        f"{measured['rate_Hz'].values.round(2)}\nSD of rates {spreads[1].round(2)}, without motifs {spreads[0].round(2)}, measured "
        f"{measured['rate_sd_Hz'].values.round(2)}\nVIP + 10 mV: rates {rates[-1].round(2)}; without synapses VIP -> E, E goes from "
        f"{without[0]:.2f} to {without[-1]:.2f} Hz"
    )
    checks = {
        d: mf.verify(
            system,
            driven(par, d),
            sizes=sizes,
            networks=NETWORKS,
            seed=1,
            t1=20.0,
            title=spec.title,
        )
        for d, sizes in DRIVES.items()
    }
    for d, check in checks.items():
        seen = check.summary.isel(size=-1).sel(quantity="rate")
        print(
            f"VIP + {d:g} mV: theory {seen.theory.values.round(2)}, networks {seen.network.values.round(2)} +- {seen.error.values.round(2)}"
        )
    picture(drives, rates, np.array(without), spreads, checks, measured).savefig(
        options.out / "picture.png", dpi=110
    )
    if options.picture:
        shutil.copyfile(options.out / "picture.png", HERE / "picture.png")
    result = checks[0.0]
    print(f"{'PASSED' if result.passed else 'FAILED'}: {result.criterion}")
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
