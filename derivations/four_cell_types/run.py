"""Four cell types of mouse V1 with measured synapses: the spread of rates, and a drive to VIP.

Convergence makes the spread. Theory (lines, bars) against sampled networks and, for the spread of
the rates, against measured neurons. Writes `picture.png`.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine

COLORS = {"E": "C3", "PV": "C0", "SST": "C1", "VIP": "C2"}
# drives in mV, and how many neurons the networks have
DRIVES = {0.0: (1000, 2000), 5.0: (2000,), 10.0: (2000,)}
NETWORKS = 5
DOTS = {"ms": 4, "capsize": 3}


def driven(par: mf.Parameters, drive: float) -> mf.Parameters:
    """VIP cells receive `drive` mV more."""
    return par.replace(input=np.add(par.input(0.0), [0, 0, 0, drive]))


def without_vip_to_e(par: mf.Parameters) -> mf.Parameters:
    """No synapses from VIP onto E."""
    mean = np.asarray(par.mean).copy()
    mean[0, 3] = 0.0
    return par.replace(mean=mean)


def rate_sd(point, k: float = 0.04) -> np.ndarray:
    """Standard deviation of the rates k Max(x, 0)**2 at the mean and variance of each x."""
    m, v = point["mean"].values, point["variance"].values
    square = mf.average("(k*Max(x, 0)**2)**2", m, v, parameters={"k": k}).values
    return np.sqrt(square - point["rate"].values ** 2)


def draw_rates(ax: Axes, drives, rates, without, checks) -> None:
    """Rates relative to those without drive, over the drive to VIP."""
    for k, (p, color) in enumerate(COLORS.items()):
        ax.plot(drives, rates[:, k] / rates[0, k], color, label=p)
        for drive, check in checks.items():
            seen = check.dataset.isel(size=-1).sel(population=p, quantity="rate")
            mean, error = seen.network / rates[0, k], seen.error / rates[0, k]
            ax.errorbar(drive, mean, error, fmt="o", color=color, **DOTS)
    ax.plot(drives, without / without[0], "C3--", label="E, no VIP to E")
    ax.plot([], [], "ok", ms=4, label=f"{NETWORKS} networks, N = 2000")
    ax.set(xlabel="drive to VIP (mV)", ylabel="rate / rate without drive", ylim=(0, 3.4))
    ax.legend(frameon=False, ncols=2, loc="upper left")


def draw_spreads(ax: Axes, spreads, check: mf.verification.Verification, measured) -> None:
    """Standard deviations of the rates: theory, networks and measured units."""
    places, seen = np.arange(4), check.networks["rate_sd"].isel(size=-1, time=-1)
    bars = {
        "theory, no motifs": ("0.75", spreads[0]),
        "theory, convergent motifs": ("C4", spreads[1]),
    }
    for n, (label, (color, values)) in enumerate(bars.items()):
        ax.bar(places + 0.25 * (n - 1), values, 0.24, color=color, label=label)
    error = seen.std("network", ddof=1) / NETWORKS**0.5
    label = f"{NETWORKS} networks, N = 2000"
    ax.errorbar(places, seen.mean("network"), error, fmt="ok", label=label, **DOTS)
    hatched = {"color": "w", "edgecolor": "k", "hatch": "///"}
    ax.bar(places + 0.25, measured["rate_sd_Hz"], 0.24, label="measured units", **hatched)
    ax.set(ylabel="SD of the rates across neurons (Hz)", ylim=(0, 12))
    names = zip(COLORS, measured["units"], strict=True)
    ax.set_xticks(places, [f"{p}\n{n} units" for p, n in names])
    ax.legend(frameon=False, ncols=2, loc="upper left")


def main() -> int:
    script = Script(__file__, __doc__)
    system, par, title = script.system, script.spec.numbers(), script.spec.title
    measured, drives = pd.read_csv(script.here / "data/rates.csv"), np.linspace(0, 10, 11)
    points = [mf.fixed_point(system, driven(par, d)) for d in drives]
    rates = np.array([p.dataset["rate"].values for p in points])
    plain = mf.fixed_point(system, par.without_motifs())
    spreads = rate_sd(plain.dataset), rate_sd(points[0].dataset)
    silent = (mf.fixed_point(system, driven(without_vip_to_e(par), d)) for d in drives)
    without = np.array([p.dataset["rate"].values[0] for p in silent])
    print(
        f"fixed point {'stable' if points[0].stable else 'unstable'}; "
        f"rates {rates[0].round(2)} Hz (E, PV, SST, VIP), "
        f"measured {measured['rate_Hz'].values.round(2)}\n"
        f"SD of rates {spreads[1].round(2)}, without motifs {spreads[0].round(2)}, "
        f"measured {measured['rate_sd_Hz'].values.round(2)}\n"
        f"VIP + 10 mV: rates {rates[-1].round(2)}; without synapses VIP -> E, E goes from "
        f"{without[0]:.2f} to {without[-1]:.2f} Hz"
    )
    options = {"networks": NETWORKS, "seed": 1, "t1": 20.0, "title": title}
    checks = {
        d: mf.verify(system, driven(par, d), sizes=sizes, **options) for d, sizes in DRIVES.items()
    }
    for d, check in checks.items():
        seen = check.dataset.isel(size=-1).sel(quantity="rate")
        print(
            f"VIP + {d:g} mV: theory {seen.theory.values.round(2)}, "
            f"networks {seen.network.values.round(2)} +- {seen.error.values.round(2)}"
        )
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_rates(left, drives, rates, without, checks)
    draw_spreads(right, spreads, checks[0.0], measured)
    despine(left, right)
    script.save_picture(figure)
    return script.end(checks[0.0].criterion, checks[0.0].passed)


if __name__ == "__main__":
    sys.exit(main())
