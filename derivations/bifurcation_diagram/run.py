"""Folds of a bistable E/I network, and the jumps of sampled networks whose input is ramped slowly up and down.

The fixed points of spec.toml are followed in the input through both folds, once for the ensemble and once for each sampled network, from the
statistics measured on it. Every network is then driven along the same hysteresis loop. Writes `picture.png` and `derivation.tex` into the
output folder; exit status 1 when theory and networks disagree.
"""

import argparse
import shutil
import sys
from pathlib import Path

import jax
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

import motifield as mf

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
BOUNDS, LEVEL, DURATION = (
    (-0.6, 0.6),
    0.6,
    800.0,
)  # of the input; the rate between the states; time of one sweep


def ramp() -> mf.inputs.Table:
    """The input of both populations, up and down again."""
    return mf.inputs.Table(
        np.array([0.0, DURATION, 2 * DURATION]),
        np.array([[BOUNDS[0]] * 2, [BOUNDS[1]] * 2, [BOUNDS[0]] * 2]),
    )


def jumps(times: npt.NDArray[np.float64], rate: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The inputs at which the rate passes LEVEL, on the way up and on the way down."""
    slope = (BOUNDS[1] - BOUNDS[0]) / DURATION
    up, down = _passes(times, rate - LEVEL, 0.0), _passes(times, LEVEL - rate, DURATION)
    return BOUNDS[0] + slope * up, BOUNDS[1] - slope * (down - DURATION)


def _passes(times: npt.NDArray[np.float64], above: npt.NDArray[np.float64], after: float) -> float:
    """The first time after `after` at which a course turns positive."""
    k = int(np.flatnonzero((times[:-1] >= after) & (above[:-1] < 0) & (above[1:] >= 0))[0])
    return float(np.interp(0.0, above[k : k + 2], times[k : k + 2]))


def folds(system: mf.types.System, parameters: mf.Parameters) -> tuple[float, float]:
    """The inputs of the folds where the lower and the upper state end."""
    branches = mf.continuation.follow(
        system, parameters, "input", bounds=BOUNDS, start=mf.fixed_point(system, parameters)
    )
    found = branches.of("fold")
    return (found[-1].value, found[0].value) if len(found) >= 2 else (np.nan, np.nan)


def networks(system: mf.types.System, parameters: mf.Parameters, N: int, count: int):
    """Jumps of sampled networks, the folds of their measured statistics, and their time courses of the rate of E."""
    seen, own, courses = [], [], []
    times = np.linspace(0, 2 * DURATION, 1601)
    for seed in range(count):
        network = mf.sample(parameters.rescaled(N), seed, dtype=np.float32)
        run = mf.simulate(
            network,
            system.transfer,
            input=ramp(),
            t1=2 * DURATION,
            saveat=times,
            x0=BOUNDS[0],
            throw=True,
        )
        rate = run["rate"].sel(population="E").values
        seen.append(jumps(times, rate))
        own.append(folds(system, mf.measure(network).parameters().replace(input=0.0)))
        courses.append(rate)
        print(
            f"N = {N}, network {seed}: jumps at {seen[-1][0]:.4f} and {seen[-1][1]:.4f}, folds of its own statistics at "
            f"{own[-1][0]:.4f} and {own[-1][1]:.4f}",
            flush=True,
        )
    return np.array(seen), np.array(own), np.array(courses)


def picture(
    branches: mf.continuation.Branches,
    courses,
    inputs,
    pairs: dict[int, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]],
) -> Figure:
    """The diagram with the loops of the largest networks; jumps against each network's own folds; and the widths over N."""
    figure = Figure(figsize=(10.5, 3.5), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
    for k, rate in enumerate(courses):
        left.plot(
            inputs,
            rate,
            color="C0",
            lw=0.6,
            alpha=0.5,
            label="sampled networks, ramped up and down" if k == 0 else None,
        )
    (branch,) = branches
    rates = branch.dataset["rate"].sel(population="E").values
    for stable, name in ((True, "theory, stable"), (False, "theory, unstable")):
        shown = np.where(branch.stable == stable, rates, np.nan)
        left.plot(
            branch.values, shown, color="k", lw=1.6, ls="-" if stable else (0, (3, 2)), label=name
        )
    for fold in branches.of("fold"):
        left.plot(fold.value, fold.seen["rate"][0], "o", color="k", ms=5)
    left.set(xlabel="input", ylabel="rate of E")
    sizes, colors = np.array(list(pairs)), [f"C{k}" for k in range(len(pairs))]
    for N, color in zip(sizes, colors, strict=True):
        at, own = pairs[int(N)]
        middle.plot(own.ravel(), at.ravel(), "o", ms=3.5, color=color, label=f"{N} neurons")
    middle.axline((0, 0), slope=1, color="k", lw=0.8)
    middle.set(
        xlabel="folds of the network's own statistics", ylabel="jumps, less the ramp's delay"
    )
    middle.legend(frameon=False, fontsize="small")
    for k, (name, mark) in enumerate((("up", "^"), ("down", "v"))):
        seen, expected = (
            np.array([pairs[int(N)][j][:, k].std(ddof=1) for N in sizes]) for j in (0, 1)
        )
        right.loglog(sizes, seen, mark, color="C3", label=f"jump {name}")
        right.loglog(sizes, expected, mark, mfc="none", mec="k", ms=9, label=f"fold, {name}")
        right.loglog(sizes, expected.mean() * np.sqrt(np.mean(sizes) / sizes), color="k", lw=0.8)
    right.set(xlabel="neurons", ylabel="standard deviation over networks")
    right.set_xticks(sizes, [str(N) for N in sizes])
    right.minorticks_off()
    right.legend(frameon=False, fontsize="small")
    for ax in (left, middle, right):
        ax.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *left.get_legend_handles_labels(),
        loc="outside upper left",
        ncols=3,
        frameon=False,
        fontsize="small",
    )
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
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1000, 2000, 4000], help="neurons per network"
    )
    parser.add_argument("--networks", type=int, default=8, help="networks of each size")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    spec = mf.load_spec(HERE / "spec.toml")
    equations = mf.derive(spec.architecture, spec.closure)
    system = mf.compile(equations)
    branches = mf.continuation.follow(
        system,
        spec.parameters,
        "input",
        bounds=BOUNDS,
        start=mf.fixed_point(system, spec.parameters),
    )
    up, down = (branches.of("fold")[-1].value, branches.of("fold")[0].value)
    times = np.linspace(0, 2 * DURATION, 1601)
    theory = mf.integrate(
        system,
        spec.parameters.replace(input=ramp()),
        2 * DURATION,
        saveat=times,
        initial={"mean": BOUNDS[0]},
        throw=True,
    )
    delay = np.array(jumps(times, theory["rate"].sel(population="E").values)) - (up, down)
    print(
        f"folds of the ensemble at {up:.5f} (up) and {down:.5f} (down); the ramp delays the jumps by {delay[0]:+.4f} and {delay[1]:+.4f}"
    )
    good, pairs, courses = len(branches.of("fold")) == 2, {}, np.empty((0, len(times)))
    for N in options.sizes:
        seen, own, courses = networks(system, spec.parameters, N, options.networks)
        at = seen - delay
        pairs[N] = (at, own)
        widths = at.std(axis=0, ddof=1)
        error = np.sqrt(widths**2 + own.std(axis=0, ddof=1) ** 2) / np.sqrt(len(at))
        apart = at.mean(axis=0) - own.mean(axis=0)
        follow = [float(np.corrcoef(at[:, k], own[:, k])[0, 1]) for k in (0, 1)]
        fine = bool(np.all(np.abs(apart) < 3 * error))
        good &= fine
        print(
            f"N = {N}: jumps less the delay at {at.mean(axis=0).round(4)}, folds of the networks' own statistics at {own.mean(axis=0).round(4)}, "
            f"standard deviations {widths.round(4)} and {own.std(axis=0, ddof=1).round(4)}, correlation {np.round(follow, 3)}: "
            f"{'ok' if fine else 'MISSED'}"
        )
    slope = (BOUNDS[1] - BOUNDS[0]) / DURATION
    inputs = np.where(
        times < DURATION, BOUNDS[0] + slope * times, BOUNDS[1] - slope * (times - DURATION)
    )
    picture(branches, courses, inputs, pairs).savefig(options.out / "picture.png", dpi=110)
    if options.picture:
        shutil.copyfile(options.out / "picture.png", HERE / "picture.png")
    equations.derivation.write(str(options.out / "derivation.tex"))
    print(
        f"{'PASSED' if good else 'FAILED'}: jumps of sampled networks, less the ramp's delay, at the folds of their statistics "
        "within 3 standard errors"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
