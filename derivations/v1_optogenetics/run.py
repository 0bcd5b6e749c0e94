"""Does one connectivity explain mean and variability of V1 under every power of a laser that drives inhibition?

Fits E and I at half of the powers and predicts the other half, both ways round, against linear interpolation between the fitted powers; fits the
lower powers and extrapolates to the upper ones, against straight lines; compares the power at which inhibition turns from falling to rising; and
simulates sampled networks with the fitted statistics. Writes `results.json` and `picture.png` into the output folder. Exit status 1 if predictions
are worse than 1.25 times interpolation, both halves together, or than extrapolation by a line through the lower powers; if the turning point is
outside of its bootstrap interval; or if networks disagree with the fit, or not all of them settle.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

import motifield as mf
from motifield.numerics.fitting import solve

sys.path.insert(0, str(Path(__file__).parent))
import model

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
HALVES = {
    "whole powers": ((0.0, 1.0, 2.0, 3.0, 4.0), (0.5, 1.5, 2.5, 3.5)),
    "half powers": ((0.0, 0.5, 1.5, 2.5, 3.5, 4.5), (1.0, 2.0, 3.0, 4.0)),
}
LOWER, UPPER = (0.0, 0.5, 1.0, 1.5, 2.0), (2.5, 3.0, 3.5, 4.0, 4.5)
FINE = tuple(np.round(np.arange(0.0, 2.01, 0.1), 1))
STARTS = 64
WORST_RATIO = 1.25


def fitted(
    own: mf.types.System,
    table: pd.DataFrame,
    powers: Sequence[float],
    starts: int,
    stable: bool | float = True,
) -> mf.fitting.Fit:
    """From random starts, with free states at first, since few of them have a state without laser."""
    return solve(
        model.problem(own, model.targets(table, powers), stable), starts=starts, free_states=True
    )


def predicted(
    own: mf.types.System, table: pd.DataFrame, fit: mf.fitting.Fit, powers: Sequence[float]
) -> tuple[mf.Targets, np.ndarray]:
    """What was measured at powers, and what a fit says there, on the branch of the nearest fitted power."""
    problem = model.problem(own, model.targets(table, powers))
    known = np.array([float(c) for c in fit.problem.conditions])
    nearest = [int(np.argmin(np.abs(known - float(c)))) for c in problem.conditions]
    return problem.targets, np.asarray(
        problem.outcome(jnp.asarray(fit.u), jnp.asarray(fit.minima.states[0][nearest])).values
    )


def rms(prediction: np.ndarray, measured: mf.Targets) -> float:
    """Root mean square difference in standard errors."""
    return float(np.sqrt(np.mean(((prediction - measured.value) / measured.error) ** 2)))


def curve(table: pd.DataFrame, quantity: str, population: str) -> pd.Series:
    """A measured statistic over all powers."""
    rows = table.loc[population]
    return rows.mean() if quantity == "rate_mean" else rows.std(ddof=1)


def interpolated(table: pd.DataFrame, measured: mf.Targets, powers: Sequence[float]) -> np.ndarray:
    """Linear between the fitted powers on both sides."""
    found = []
    for k in range(len(measured)):
        seen = curve(table, measured.quantity[k], measured.population[k])
        found.append(np.interp(float(measured.condition[k]), powers, seen.loc[list(powers)]))
    return np.array(found)


def straight(table: pd.DataFrame, measured: mf.Targets, powers: Sequence[float]) -> np.ndarray:
    """The line through the statistics at some powers (least squares), at others."""
    found = []
    for k in range(len(measured)):
        seen = curve(table, measured.quantity[k], measured.population[k]).loc[list(powers)]
        found.append(np.polyval(np.polyfit(powers, seen, 1), float(measured.condition[k])))
    return np.array(found)


def turning(table: pd.DataFrame, resamples: int = 1000) -> tuple[float, float]:
    """The 95 % bootstrap interval of the power at which the mean rate of I is lowest."""
    rows, powers = table.loc["I"].to_numpy(), np.array(table.columns)
    generator = np.random.default_rng(0)
    lowest = [
        powers[np.argmin(rows[generator.integers(len(rows), size=len(rows))].mean(axis=0))]
        for _ in range(resamples)
    ]
    return tuple(np.quantile(lowest, [0.025, 0.975]).tolist())


def picture(
    table: pd.DataFrame,
    fits: dict[str, mf.fitting.Fit],
    courses: dict[str, tuple[mf.Targets, np.ndarray]],
) -> Figure:
    """Means and standard deviations over the power: measured (lines with errors), fitted (filled) and predicted (open)."""
    figure = Figure(figsize=(9.6, 6.4), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True)
    for row, quantity in zip(axes, model.QUANTITIES, strict=True):
        for ax, population, colour in zip(row, "EI", ("C3", "C0"), strict=True):
            seen = curve(table, quantity, population)
            ax.plot(seen.index, seen, color="0.6", lw=1, label="measured")
            for (name, fit), marker in zip(fits.items(), "os", strict=True):
                t = fit.problem.targets
                own = [
                    k
                    for k in range(len(t))
                    if t.quantity[k] == quantity and t.population[k] == population
                ]
                x = [float(t.condition[k]) for k in own]
                ax.errorbar(x, t.value[own], t.error[own], fmt="none", color="0.6", lw=1)
                ax.plot(
                    x, fit.predictions[own], marker, color=colour, ms=5, label=f"fitted: {name}"
                )
                held, found = courses[name]
                there = [
                    k
                    for k in range(len(held))
                    if held.quantity[k] == quantity and held.population[k] == population
                ]
                x = [float(held.condition[k]) for k in there]
                ax.plot(
                    x,
                    found[there],
                    marker,
                    mfc="white",
                    color=colour,
                    ms=6,
                    label="predicted from these",
                )
            ax.set_ylim(bottom=0)
            ax.set_title(
                f"{population}: {'mean' if quantity == 'rate_mean' else 'standard deviation'} of the rate (Hz)",
                fontsize="medium",
            )
    axes[0, 1].legend(frameon=False, fontsize="small")
    for ax in axes[1]:
        ax.set_xlabel("laser power (relative)")
    return figure


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--starts", type=int, default=STARTS, help=f"random starts of each fit (default {STARTS})"
    )
    parser.add_argument(
        "--networks", type=int, default=4, help="sampled networks (0: none; default 4)"
    )
    parser.add_argument(
        "--neurons",
        type=int,
        default=16_000,
        help="neurons in each (default 16000, which takes 4 GiB)",
    )
    parser.add_argument("--picture", action="store_true", help="replace the picture of the page")
    options = parser.parse_args()
    out, console = HERE / "out", Console()
    out.mkdir(exist_ok=True)
    table, own = model.rates(), model.system()
    fits, courses, summary, squares = {}, {}, [], {"model": [], "interpolation": []}
    for name, (powers, held) in HALVES.items():
        console.print(f"fitting {name}")
        fits[name] = fitted(own, table, powers, options.starts)
        measured, found = courses[name] = predicted(own, table, fits[name], held)
        between = interpolated(table, measured, powers)
        summary.append(
            {
                "fitted": name,
                "misfit": rms(fits[name].predictions, fits[name].problem.targets),
                "held out": rms(found, measured),
                "interpolation": rms(between, measured),
            }
        )
        for key, values in (("model", found), ("interpolation", between)):
            squares[key] += (((values - measured.value) / measured.error) ** 2).tolist()
    together = {key: float(np.sqrt(np.mean(values))) for key, values in squares.items()}
    ratio = together["model"] / together["interpolation"]
    summary.append(
        {
            "fitted": "both together",
            "misfit": float("nan"),
            "held out": together["model"],
            "interpolation": together["interpolation"],
        }
    )
    show(console, "Root mean square difference to what was measured, in standard errors", summary)

    console.print("extrapolation")
    low = fitted(own, table, LOWER, options.starts)
    measured, found = predicted(own, table, low, UPPER)
    beyond = {
        "model": rms(found, measured),
        "line through the lower powers": rms(straight(table, measured, LOWER), measured),
        "line through the last two": rms(straight(table, measured, LOWER[-2:]), measured),
    }
    show(
        console,
        f"Powers {UPPER[0]} to {UPPER[-1]} from fits of 0 to {LOWER[-1]}, in standard errors",
        [beyond],
    )

    best = fits["half powers"]
    t, values = predicted(own, table, best, FINE)
    mean_I = np.array(
        [
            values[k]
            for k in range(len(t))
            if t.quantity[k] == "rate_mean" and t.population[k] == "I"
        ]
    )
    interval, lowest = turning(table), float(FINE[int(np.argmin(mean_I))])
    show(
        console,
        "Power at which inhibition turns from falling to rising",
        [
            {
                "measured": float(curve(table, "rate_mean", "I").idxmin()),
                "95 % from": interval[0],
                "to": interval[1],
                "model": lowest,
                "falls at first": bool(mean_I[1] < mean_I[0]),
            }
        ],
    )
    console.print(
        f"stability: {best.stability()}; starts: {best.agreement()}; closure: {best.closure_validity()}"
    )

    console.print(f"error / that of interpolation, both together: {ratio:.3f}")
    passed = (
        ratio <= WORST_RATIO
        and beyond["model"] < beyond["line through the lower powers"]
        and interval[0] <= lowest <= interval[1]
    )
    results = {
        "halves": summary,
        "ratio": ratio,
        "extrapolation": beyond,
        "turning": {"interval": interval, "model": lowest},
        "values": best.values,
        "targets": best.rows(),
    }
    if options.networks:
        console.print(
            f"fitting half powers, a slowest decay of {model.MARGIN} of that without synapses"
        )
        steady = fitted(own, table, HALVES["half powers"][0], options.starts, model.MARGIN)
        console.print(
            f"loss {steady.loss:.4g}, without that {best.loss:.4g}; starts: {steady.agreement()}"
        )
        checked = mf.inference.confirm(steady, networks=options.networks, N=options.neurons, seed=0)
        rows = [
            {k: row[k] for k in ("target", "theory", "networks", "z") if k in row}
            for row in checked.rows()
        ]
        settle = f"{len(checked.finite)} of {options.networks} sampled networks of {options.neurons} settle"
        show(console, f"{settle}; against this fit", rows)
        results["networks"] = {
            "neurons": options.neurons,
            "sampled": options.networks,
            "settle": len(checked.finite),
            "rows": checked.rows(),
        }
        passed = passed and checked.passed
    (out / "results.json").write_text(json.dumps(results, indent=1, default=float) + "\n")
    picture(table, fits, courses).savefig(out / "picture.png", dpi=110)
    if options.picture:
        shutil.copy(out / "picture.png", HERE / "picture.png")
    console.print("passed" if passed else "failed")
    return 0 if passed else 1


def show(console: Console, title: str, rows: Sequence[dict]) -> None:
    grid = Table(title=title, title_justify="left")
    for key in rows[0]:
        grid.add_column(str(key), justify="left" if isinstance(rows[0][key], str) else "right")
    for row in rows:
        grid.add_row(*(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()))
    console.print(grid)


if __name__ == "__main__":
    sys.exit(main())
