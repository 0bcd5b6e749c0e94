"""Folds of a bistable E/I network, and the jumps of sampled networks under a slowly ramped input.

The fixed points of spec.toml are followed in the input through both folds, once for the ensemble
and once for each sampled network, from the statistics measured on it. Every network is then driven
up and down along the same hysteresis loop. Writes `picture.png` and `derivation.tex` into the
output folder; exit status 1 when theory and networks disagree.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine

Floats = npt.NDArray[np.float64]
LOW, HIGH = -0.6, 0.6  # of the input
LEVEL = 0.6  # the rate between the states
DURATION = 800.0  # of one sweep
TIMES = np.linspace(0, 2 * DURATION, 1601)
SLOPE = (HIGH - LOW) / DURATION


def ramp() -> mf.inputs.Table:
    """The input of both populations, up and down again."""
    times = np.array([0.0, DURATION, 2 * DURATION])
    return mf.inputs.Table(times, np.array([[LOW] * 2, [HIGH] * 2, [LOW] * 2]))


def jumps(rate: Floats) -> tuple[float, float]:
    """The inputs at which the rate passes LEVEL, on the way up and on the way down."""
    up, down = _passes(rate - LEVEL, 0.0), _passes(LEVEL - rate, DURATION)
    return LOW + SLOPE * up, HIGH - SLOPE * (down - DURATION)


def _passes(above: Floats, after: float) -> float:
    """The first time after `after` at which a course turns positive."""
    k = int(np.flatnonzero((TIMES[:-1] >= after) & (above[:-1] < 0) & (above[1:] >= 0))[0])
    return float(np.interp(0.0, above[k : k + 2], TIMES[k : k + 2]))


def followed(system: mf.types.System, parameters: mf.Parameters) -> mf.continuation.Branches:
    """The branch of fixed points over the input."""
    rest = mf.fixed_point(system, parameters)
    return mf.continuation.follow(system, parameters, "input", bounds=(LOW, HIGH), initial=rest)


def folds(branches: mf.continuation.Branches) -> tuple[float, float]:
    """The inputs of the folds where the lower and the upper state end."""
    found = branches.of("fold")
    return (found[-1].value, found[0].value) if len(found) >= 2 else (np.nan, np.nan)


def networks(
    system: mf.types.System, parameters: mf.Parameters, N: int, count: int
) -> tuple[Floats, Floats, Floats]:
    """Jumps of sampled networks, folds of their measured statistics, courses of the rate of E."""
    seen, own, courses = [], [], []
    for seed in range(count):
        network = mf.sample(parameters.rescaled(N), seed, dtype=np.float32)
        options = {"t1": 2 * DURATION, "saveat": TIMES, "initial": LOW}
        run = mf.simulate(system, network, input=ramp(), **options)
        courses.append(run["rate"].sel(population="E").values)
        seen.append(jumps(courses[-1]))
        measured = mf.measure(network).parameters().replace(input=0.0)
        own.append(folds(followed(system, measured)))
        print(
            f"N = {N}, network {seed}: jumps at {seen[-1][0]:.4f} and {seen[-1][1]:.4f}, "
            f"folds of its own statistics at {own[-1][0]:.4f} and {own[-1][1]:.4f}",
            flush=True,
        )
    return np.array(seen), np.array(own), np.array(courses)


def agree(N: int, at: Floats, own: Floats) -> bool:
    """Whether jumps and folds differ by less than 3 standard errors; prints both."""
    widths, expected = at.std(axis=0, ddof=1), own.std(axis=0, ddof=1)
    error = np.sqrt(widths**2 + expected**2) / np.sqrt(len(at))
    fine = bool(np.all(np.abs(at.mean(axis=0) - own.mean(axis=0)) < 3 * error))
    together = [float(np.corrcoef(at[:, k], own[:, k])[0, 1]) for k in (0, 1)]
    print(
        f"N = {N}: jumps less the delay at {at.mean(axis=0).round(4)}, folds of the networks' own "
        f"statistics at {own.mean(axis=0).round(4)}, standard deviations {widths.round(4)} and "
        f"{expected.round(4)}, correlation {np.round(together, 3)}: {'ok' if fine else 'MISSED'}"
    )
    return fine


def draw_loops(ax: Axes, branches: mf.continuation.Branches, courses: Floats) -> None:
    """The diagram with the loops of networks."""
    up, down = LOW + SLOPE * TIMES, HIGH - SLOPE * (TIMES - DURATION)
    inputs = np.where(TIMES < DURATION, up, down)
    for k, rate in enumerate(courses):
        label = None if k else "sampled networks, ramped up and down"
        ax.plot(inputs, rate, color="C0", lw=0.6, alpha=0.5, label=label)
    (branch,) = branches
    rates = branch.dataset["rate"].sel(population="E").values
    for stable, name, style in ((True, "stable", "-"), (False, "unstable", (0, (3, 2)))):
        shown = np.where(branch.stable == stable, rates, np.nan)
        ax.plot(branch.values, shown, color="k", lw=1.6, ls=style, label=f"theory, {name}")
    for fold in branches.of("fold"):
        ax.plot(fold.value, fold.seen["rate"][0], "o", color="k", ms=5)
    ax.set(xlabel="input", ylabel="rate of E")


def draw_widths(ax: Axes, pairs: dict[int, tuple[Floats, Floats]]) -> None:
    """Standard deviations over networks of jumps and folds, over N."""
    sizes = np.array(list(pairs))
    for k, (name, mark) in enumerate((("up", "^"), ("down", "v"))):
        seen, expected = (
            np.array([pair[j][:, k].std(ddof=1) for pair in pairs.values()]) for j in (0, 1)
        )
        ax.loglog(sizes, seen, mark, color="C3", label=f"jump {name}")
        ax.loglog(sizes, expected, mark, mfc="none", mec="k", ms=9, label=f"fold, {name}")
        ax.loglog(sizes, expected.mean() * np.sqrt(np.mean(sizes) / sizes), color="k", lw=0.8)
    ax.set(xlabel="neurons", ylabel="standard deviation over networks")
    ax.set_xticks(sizes, [str(N) for N in sizes])
    ax.xaxis.minorticks_off()
    ax.legend(frameon=False, fontsize="small")


def picture(
    branches: mf.continuation.Branches, courses: Floats, pairs: dict[int, tuple[Floats, Floats]]
) -> Figure:
    """The loops of the largest networks, their jumps against their own folds, and widths over N."""
    figure = Figure(figsize=(10.5, 3.5), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
    draw_loops(left, branches, courses)
    for k, (N, (at, own)) in enumerate(pairs.items()):
        middle.plot(own.ravel(), at.ravel(), "o", ms=3.5, color=f"C{k}", label=f"{N} neurons")
    middle.axline((0, 0), slope=1, color="k", lw=0.8)
    middle.set(xlabel="folds of the network's own statistics")
    middle.set(ylabel="jumps, less the ramp's delay")
    middle.legend(frameon=False, fontsize="small")
    draw_widths(right, pairs)
    despine(left, middle, right)
    place = {"loc": "outside upper left", "ncols": 3, "frameon": False, "fontsize": "small"}
    figure.legend(*left.get_legend_handles_labels(), **place)
    return figure


def main() -> int:
    sizes = {"type": int, "nargs": "+", "default": [1000, 2000, 4000]}
    script = Script(
        __file__,
        __doc__,
        sizes={**sizes, "help": "neurons per network"},
        networks={"type": int, "default": 8, "help": "networks of each size"},
    )
    system, parameters = script.system, script.spec.parameters
    branches = followed(system, parameters)
    script.check(len(branches.of("fold")) == 2)
    driven = parameters.replace(input=ramp())
    theory = mf.integrate(system, driven, 2 * DURATION, saveat=TIMES, initial={"mean": LOW})
    up, down = folds(branches)
    delay = np.array(jumps(theory["rate"].sel(population="E").values)) - (up, down)
    print(
        f"folds of the ensemble at {up:.5f} (up) and {down:.5f} (down); "
        f"the ramp delays the jumps by {delay[0]:+.4f} and {delay[1]:+.4f}"
    )
    pairs, courses = {}, np.empty((0, len(TIMES)))
    for N in script.options.sizes:
        seen, own, courses = networks(system, parameters, N, script.options.networks)
        pairs[N] = (seen - delay, own)
        script.check(agree(N, *pairs[N]))
    script.save_picture(picture(branches, courses, pairs))
    script.save_derivation()
    return script.end(
        "jumps of sampled networks, less the ramp's delay, at the folds of their statistics within "
        "3 standard errors"
    )


if __name__ == "__main__":
    sys.exit(main())
