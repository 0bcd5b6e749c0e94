"""Does one connectivity explain mean and variability of V1 at every power of a laser?

The laser drives inhibition. Fits E and I at half of the powers and predicts the other half, both
ways round, against linear interpolation between the fitted powers; fits the lower powers and
extrapolates to the upper ones, against straight lines; compares the power at which inhibition turns
from falling to rising. Fits the half powers again with a margin of stability, by which networks of
so many neurons have the state, and simulates sampled ones. Writes `results.json` and `picture.png`
into the output folder.

Exit status 1 if predictions are worse than 1.25 times interpolation, both halves together and with
the margin, or than extrapolation by a line through the lower powers; if a turning point, without or
with the margin, is outside of its bootstrap interval; if the finite-size theory lets networks vary
by more than a tenth with the margin, any of them does not settle, they disagree with the fit, or
their mean rates lie elsewhere or vary otherwise than the finite-size theory says; or if it lets
them vary by less than a tenth without the margin, which then is not needed.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import finite
import jax.numpy as jnp
import model
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, print_table

HALVES = {
    "whole powers": ((0.0, 1.0, 2.0, 3.0, 4.0), (0.5, 1.5, 2.5, 3.5)),
    "half powers": ((0.0, 0.5, 1.5, 2.5, 3.5, 4.5), (1.0, 2.0, 3.0, 4.0)),
}
LOWER, UPPER = (0.0, 0.5, 1.0, 1.5, 2.0), (2.5, 3.0, 3.5, 4.0, 4.5)
FINE = tuple(np.round(np.arange(0.0, 2.01, 0.1), 1))
STARTS = 64
WORST_RATIO = 1.25
MARGINS = (True, 0.4, 0.6, model.MARGIN, 0.9)
SIZES = (4000, 16_000)
SHARED = 200  # networks of sampled neurons behind a share
LINE = "line through the lower powers"


def fitted(
    own: mf.types.System,
    table: pd.DataFrame,
    powers: Sequence[float],
    starts: int,
    stable: bool | float = True,
) -> mf.fitting.Fit:
    """A fit from random starts.

    States are free at first, since few of the starts have a state without laser.
    """
    problem = model.problem(own, model.targets(table, powers), stable)
    return mf.fitting.solve(problem, starts=starts, free_states=True)


def predicted(
    own: mf.types.System, table: pd.DataFrame, fit: mf.fitting.Fit, powers: Sequence[float]
) -> tuple[mf.Targets, np.ndarray]:
    """Targets and predictions of a fit at powers, on the branch of the nearest fitted power."""
    problem = model.problem(own, model.targets(table, powers))
    known = np.array([float(c) for c in fit.problem.conditions])
    nearest = [int(np.argmin(np.abs(known - float(c)))) for c in problem.conditions]
    states = jnp.asarray(fit.minima.states[0][nearest])
    return problem.targets, np.asarray(problem.outcome(jnp.asarray(fit.u), states).values)


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


def select(targets: mf.Targets, quantity: str, population: str) -> tuple[list[int], list[float]]:
    """Indices of a statistic among the targets, and its powers."""
    own = [
        k
        for k in range(len(targets))
        if targets.quantity[k] == quantity and targets.population[k] == population
    ]
    return own, [float(targets.condition[k]) for k in own]


Courses = dict[str, tuple[mf.Targets, np.ndarray]]


def draw_statistic(
    ax: Axes,
    fits: dict[str, mf.fitting.Fit],
    courses: Courses,
    statistic: tuple[str, str],
    colour: str,
) -> None:
    """One statistic over the power: fitted (filled) and predicted (open)."""
    for (name, fit), marker in zip(fits.items(), "os", strict=True):
        t = fit.problem.targets
        own, x = select(t, *statistic)
        ax.errorbar(x, t.value[own], t.error[own], fmt="none", color="0.6", lw=1)
        label = f"fitted: {name}"
        ax.plot(x, fit.predictions[own], marker, color=colour, ms=5, label=label)
        held, found = courses[name]
        there, x = select(held, *statistic)
        hollow = {"mfc": "white", "color": colour, "ms": 6, "label": "predicted from these"}
        ax.plot(x, found[there], marker, **hollow)


def picture(table: pd.DataFrame, fits: dict[str, mf.fitting.Fit], courses: Courses) -> Figure:
    """Means and standard deviations over the power: measured (lines), fitted, predicted."""
    figure = Figure(figsize=(9.6, 6.4), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True)
    names = {"rate_mean": "mean", "rate_sd": "standard deviation"}
    for row, quantity in zip(axes, model.QUANTITIES, strict=True):
        for ax, population, colour in zip(row, "EI", ("C3", "C0"), strict=True):
            seen = curve(table, quantity, population)
            ax.plot(seen.index, seen, color="0.6", lw=1, label="measured")
            draw_statistic(ax, fits, courses, (quantity, population), colour)
            ax.set_ylim(bottom=0)
            ax.set_title(f"{population}: {names[quantity]} of the rate (Hz)", fontsize="medium")
    axes[0, 1].legend(frameon=False, fontsize="small")
    for ax in axes[1]:
        ax.set_xlabel("laser power (relative)")
    return figure


class Study:
    """The data, the system, and what was found of them.

    Args:
        script: its options say how many starts and networks there are.
    """

    def __init__(self, script: Script):
        self.script, self.starts = script, script.options.starts
        self.table, self.system = model.rates(), model.system()
        self.results: dict[str, Any] = {}

    def halves(self) -> tuple[dict[str, mf.fitting.Fit], Courses]:
        """Fits of either half of the powers, and predictions of the other."""
        fits, courses, rows = {}, {}, []
        squares: dict[str, list[float]] = {"held out": [], "interpolation": []}
        for name, (powers, held) in HALVES.items():
            print(f"fitting {name}", flush=True)
            fit = fits[name] = fitted(self.system, self.table, powers, self.starts)
            measured, found = courses[name] = predicted(self.system, self.table, fit, held)
            sides = {
                "held out": found,
                "interpolation": interpolated(self.table, measured, powers),
            }
            misfit = rms(fit.predictions, fit.problem.targets)
            errors = {key: rms(values, measured) for key, values in sides.items()}
            rows.append({"fitted": name, "misfit": misfit, **errors})
            for key, values in sides.items():
                squares[key] += (((values - measured.value) / measured.error) ** 2).tolist()
        together = {key: float(np.sqrt(np.mean(values))) for key, values in squares.items()}
        rows.append({"fitted": "both together", "misfit": float("nan"), **together})
        print_table("Root mean square difference to what was measured, in standard errors", rows)
        ratio = together["held out"] / together["interpolation"]
        self.script.check(ratio <= WORST_RATIO)
        self.results |= {"halves": rows, "ratio": ratio}
        return fits, courses

    def extrapolation(self) -> None:
        """A fit of the lower powers at the upper ones, against straight lines."""
        print("extrapolation", flush=True)
        low = fitted(self.system, self.table, LOWER, self.starts)
        measured, found = predicted(self.system, self.table, low, UPPER)
        beyond = {
            "model": rms(found, measured),
            LINE: rms(straight(self.table, measured, LOWER), measured),
            "line through the last two": rms(straight(self.table, measured, LOWER[-2:]), measured),
        }
        powers = f"Powers {UPPER[0]} to {UPPER[-1]} from fits of 0 to {LOWER[-1]}"
        print_table(f"{powers}, in standard errors", [beyond])
        self.script.check(beyond["model"] < beyond[LINE])
        self.results["extrapolation"] = beyond

    def turning_point(self, fits: dict[str, mf.fitting.Fit]) -> None:
        """The power at which inhibition turns from falling to rising."""
        interval, rows = turning(self.table), []
        for name, fit in fits.items():
            t, values = predicted(self.system, self.table, fit, FINE)
            mean_I = values[select(t, "rate_mean", "I")[0]]
            lowest = float(FINE[int(np.argmin(mean_I))])
            rows.append(
                {
                    "fit": name,
                    "measured": float(curve(self.table, "rate_mean", "I").idxmin()),
                    "95 % from": interval[0],
                    "to": interval[1],
                    "model": lowest,
                    "falls at first": bool(mean_I[1] < mean_I[0]),
                }
            )
            self.script.check(interval[0] <= lowest <= interval[1])
        print_table("Power at which inhibition turns from falling to rising", rows)
        self.results["turning"] = rows

    def steady(self, stable: bool | float) -> tuple[mf.fitting.Fit, dict[str, Any]]:
        """The fit of half powers with a slowest decay, and how well it does."""
        powers, held = HALVES["half powers"]
        fit = fitted(self.system, self.table, powers, self.starts, stable)
        measured, found = predicted(self.system, self.table, fit, held)
        straight_on = rms(interpolated(self.table, measured, powers), measured)
        row = {
            "slowest decay": "free" if stable is True else f"{stable:g}",
            "loss": fit.loss,
            "misfit": rms(fit.predictions, fit.problem.targets),
            "held out": rms(found, measured),
            "interpolation": straight_on,
        }
        print(f"slowest decay {row['slowest decay']}: starts: {fit.agreement()}", flush=True)
        return fit, row

    def networks(self, steady: mf.fitting.Fit, row: dict[str, Any], best: mf.fitting.Fit) -> None:
        """Sampled networks against the fit whose states have a margin."""
        options, check = self.script.options, self.script.check
        print_table("With the margin, in standard errors", [row])
        check(row["held out"] <= WORST_RATIO * row["interpolation"])
        theory = finite.expected(self.system, steady, options.neurons)
        within = max(finite.largest(own, options.neurons) for own in theory.values())
        without = finite.largest(finite.dark(self.system, best), options.neurons)
        print(
            f"Networks of {options.neurons} vary by up to {within:.3f} of a mean rate, by the "
            f"theory; without the margin by {without:.3f}"
        )
        check(within <= finite.LARGEST_SPREAD < without)
        checked = mf.inference.confirm(steady, networks=options.networks, N=options.neurons, seed=0)
        kept = ("target", "theory", "networks", "z")
        rows = [{k: r[k] for k in kept if k in r} for r in checked.rows()]
        settled, sampled = len(checked.finite), options.networks
        print_table(
            f"{settled} of {sampled} networks of {options.neurons} settle; against this fit", rows
        )
        check(checked.passed and checked.drift < finite.RESTLESS)
        rates = finite.compared(checked, theory)
        print_table("Mean rates from network to network, as a part of these", rates)
        check(finite.agree(rates))
        self.results["networks"] = {
            "neurons": options.neurons,
            "sampled": sampled,
            "settle": settled,
            "fit": row,
            "values": steady.values,
            "spread": {"with the margin": within, "without": without},
            "rows": checked.rows(),
            "mean rates": rates,
        }

    def margins(self) -> None:
        """What a margin costs, and how many networks settle with it."""
        rows = []
        for stable in MARGINS:
            fit, row = self.steady(stable)
            own = finite.dark(self.system, fit)
            for neurons in SIZES:
                numbers = fit.parameters(model.name(0.0)).rescaled(neurons)
                row[f"spread, {neurons}"] = finite.largest(own, neurons)
                row[f"settle, {neurons}"] = finite.share(own, numbers, SHARED)
            rows.append(row)
        print_table("Margins of the slowest decay, half powers fitted", rows)
        self.results["margins"] = rows


def main() -> int:
    script = Script(
        __file__,
        __doc__,
        starts={"type": int, "default": STARTS, "help": f"random starts of each fit ({STARTS})"},
        networks={"type": int, "default": 6, "help": "sampled networks (0: none; default 6)"},
        neurons={"type": int, "default": 16_000, "help": "in each (default 16000: 4 GiB)"},
        margins={"action": "store_true", "help": "only the table of margins (half an hour)"},
    )
    study = Study(script)
    if script.options.margins:
        study.margins()
        return script.end()
    fits, courses = study.halves()
    study.extrapolation()
    best = fits["half powers"]
    print(
        f"stability: {best.stability()}; starts: {best.agreement()}; "
        f"closure: {best.closure_validity()}"
    )
    print(f"error / that of interpolation, both together: {study.results['ratio']:.3f}", flush=True)
    study.results |= {"values": best.values, "targets": best.rows()}
    if script.options.networks:
        steady, row = study.steady(model.MARGIN)
        study.networks(steady, row, best)
        study.turning_point({"half powers": best, "with the margin": steady})
    else:
        study.turning_point({"half powers": best})
    text = json.dumps(study.results, indent=1, default=float)
    (script.out / "results.json").write_text(text + "\n")
    script.save_picture(picture(study.table, fits, courses))
    return script.end()


if __name__ == "__main__":
    sys.exit(main())
