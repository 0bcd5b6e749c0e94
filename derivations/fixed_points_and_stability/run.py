"""All fixed points of an E/I network, and what the network does at them: stable, left by the means, or left by single neurons (chaos).

The network of spec.toml has three. Sampled networks are started at each; their eigenvalues are laid over the predicted outliers and bulk.
Then the part of the synapses that is not structured grows, motifs and means held: states vanish, and at last the bulk becomes unstable.
Writes `picture.png` and `derivation.tex` into the output folder; exit status 1 when theory and networks disagree.
"""

import argparse
import shutil
import sys
from pathlib import Path

import jax
import numpy as np
from matplotlib.figure import Figure

import motifield as mf
from motifield.numerics.parameters import scalar
from motifield.numerics.plots import draw

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
N, NETWORKS = 1500, 8
GROWTHS = np.array([1, 2, 3, 4, 4.5, 5, 6, 7, 8, 8.5, 9, 9.5, 10, 11, 12, 13, 14])
SAMPLED, SEEDS, MOVING = (6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 14.0), 4, 0.02


def less_structured(parameters: mf.Parameters, growth: float) -> mf.Parameters:
    """All g times `growth`, all motif coefficients over its square: the same means and motif covariances, a larger residual."""
    wider = scalar("factor(g)", parameters).set(parameters, growth)
    return scalar("factor(motifs)", wider).set(wider, 1 / growth**2)


def at_points(
    system: mf.types.System, parameters: mf.Parameters, points: mf.types.FixedPoints
) -> tuple[list[mf.types.Stability], list[list[mf.types.Spectrum]], bool]:
    """Stability at every point, spectra of the sampled networks that rest there, and whether the two agree."""
    answers, spectra, good = [], [], True
    networks = [
        mf.sample(parameters.rescaled(N), seed, dtype=np.float32) for seed in range(NETWORKS)
    ]
    for k, point in enumerate(points):
        answer = mf.stability(system, parameters, point)
        answers.append(answer)
        spectra.append([])
        print(
            f"point {k + 1}: {point.kind}, mean input {point.dataset['mean'].values.round(4)}; {answer.verdict}: {answer.meaning}",
            flush=True,
        )
        if not answer.stable:
            continue
        seen = [
            mf.spectrum(network, system, x=point.dataset["mean"].values, predicted=answer)
            for network in networks
        ]
        # a network of this size may lack a state that the limit of many neurons has
        spectra[-1] = [
            s
            for network, s in zip(networks, seen, strict=True)
            if nearest(points, means(network, s.x)) == k
        ]
        good &= len(spectra[-1]) >= NETWORKS - 1
        first = np.array([s.nearest()[0].real for s in spectra[-1]])
        edges = np.array([s.bulk_edge + 1 for s in spectra[-1]])
        error, wide = (v.std(ddof=1) / np.sqrt(len(v)) for v in (first, edges))
        predicted = answer.jacobian.outliers[0].real, answer.jacobian.edge + 1
        fine = (
            abs(first.mean() - predicted[0]) < 4 * error
            and abs(edges.mean() - predicted[1]) < 4 * wide
        )
        print(
            f"    {len(first)} networks of {N}: leading outlier {first.mean():.4f} ({error:.4f}), predicted {predicted[0]:.4f}; the bulk reaches "
            f"{edges.mean() - 1:.4f} ({wide:.4f}), predicted {predicted[1] - 1:.4f}: {'ok' if fine else 'MISSED'}",
            flush=True,
        )
        good &= fine
    return answers, spectra, good


def means(network: mf.Network, x: np.ndarray) -> np.ndarray:
    """Mean input of each population."""
    return np.array([x[network.members(p)].mean() for p in network.populations])


def nearest(points: mf.types.FixedPoints, mean: np.ndarray) -> int:
    """The fixed point that a network's mean inputs are nearest to."""
    return int(np.argmin([np.linalg.norm(mean - p.dataset["mean"].values) for p in points]))


def left(system: mf.types.System, parameters: mf.Parameters, points: mf.types.FixedPoints) -> bool:
    """Networks that are started on either side of the saddle come to the stable points on these sides."""
    low, saddle, high = (p.dataset["mean"].values for p in points)
    good = True
    for side, end in (("low", low), ("high", high)):
        ends = []
        for seed in range(NETWORKS):
            network = mf.sample(parameters.rescaled(N), seed, dtype=np.float32)
            run = mf.simulate(
                network,
                system.transfer,
                t1=60.0,
                saveat=[60.0],
                x0=saddle + 0.5 * (end - saddle),
                throw=True,
            )
            ends.append(run["mean"].values[-1])
        there = sum(bool(np.linalg.norm(e - end) < np.linalg.norm(e - saddle)) for e in ends)
        print(
            f"from halfway between saddle and the {side} point: {there} of {NETWORKS} networks come to that point",
            flush=True,
        )
        good &= there >= NETWORKS - 1
    return good


def swing(
    system: mf.types.System, parameters: mf.Parameters, start: np.ndarray, seed: int
) -> float:
    """Standard deviation in time of the input of single neurons, over its standard deviation across neurons and time."""
    network = mf.sample(parameters.rescaled(N), seed, dtype=np.float32)
    times = np.linspace(100.0, 160.0, 121)
    x = mf.simulate(
        network, system.transfer, t1=160.0, saveat=times, x0=start, record="all", throw=True
    )["trajectory"]
    return float(np.sqrt(x.var("time").mean() / x.var()))


def growing(
    system: mf.types.System, parameters: mf.Parameters
) -> tuple[dict[str, np.ndarray], float, np.ndarray, bool]:
    """Growth rates at the stable points over the growth of the residual, where the bulk of the highest passes 0, and swings of networks."""
    rows: dict[str, list[tuple[float, float, float]]] = {"low": [], "high": []}
    for growth in GROWTHS:
        own = less_structured(parameters, growth)
        points = mf.fixed_points(system, own)
        stable = [p for p in points if p.stable]
        for name, point in zip(("high", "low"), stable[::-1], strict=False):
            answer = mf.stability(system, own, point)
            outlier = answer.jacobian.leading
            rows[name].append(
                (growth, np.nan if outlier is None else outlier.real, answer.jacobian.edge)
            )
    table = {name: np.array(v) for name, v in rows.items()}
    edge = table["high"]
    onset = float(np.interp(0.0, edge[:, 2], edge[:, 0]))
    print(
        f"the low point vanishes between growth {table['low'][-1, 0]:g} and {edge[len(table['low']), 0]:g}; the bulk at the high one passes 0 "
        f"at {onset:.3f}",
        flush=True,
    )
    swings, good = [], True
    for growth in SAMPLED:
        own = less_structured(parameters, growth)
        start = mf.fixed_points(system, own)[-1].dataset["mean"].values
        swings.append([swing(system, own, start, seed) for seed in range(SEEDS)])
        print(f"growth {growth:g}: swing of neurons in time {np.round(swings[-1], 4)}", flush=True)
        if abs(growth - onset) > 0.25 * onset:  # each network has an onset of its own
            good &= all((s > MOVING) == (growth > onset) for s in swings[-1])
    return table, onset, np.array(swings), good


def picture(
    answers: list[mf.types.Stability],
    spectra: list[list[mf.types.Spectrum]],
    table: dict[str, np.ndarray],
    onset: float,
    swings: np.ndarray,
) -> Figure:
    """Spectra at the stable points; growth rates over the growth of the residual; the swing of single neurons."""
    figure = Figure(figsize=(11.5, 6.4), layout="constrained")
    axes = figure.subplots(2, 2)
    for ax, k, name in ((axes[0, 0], 0, "low"), (axes[0, 1], -1, "high")):
        draw(ax, answers[k].jacobian, spectra[k], f"Jacobian at the {name} point")
        ax.axvline(0, color="0.3", lw=0.9, ls="--", zorder=0)
    for name, color in (("low", "C0"), ("high", "C1")):
        growth, outlier, edge = table[name].T
        axes[1, 0].plot(growth, outlier, "x-", color=color, label=f"leading outlier, {name} point")
        axes[1, 0].plot(growth, edge, ".-", color=color, label=f"edge of the bulk, {name} point")
    axes[1, 0].axhline(0, color="0.3", lw=0.9, ls="--")
    axes[1, 0].set(xlabel="growth of the residual", ylabel="growth rate (1 / time)")
    axes[1, 1].axvline(onset, color="C3", lw=1.4, label="bulk unstable: predicted")
    for seed in range(SEEDS):
        axes[1, 1].plot(
            SAMPLED,
            swings[:, seed],
            "o",
            ms=4,
            color="0.3",
            label=f"networks of {N}" if not seed else None,
        )
    axes[1, 1].set(
        xlabel="growth of the residual", ylabel="swing of neurons in time", ylim=(-0.02, None)
    )
    for ax in axes[1]:
        ax.legend(frameon=False, fontsize="small")
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
    spec = mf.load_spec(HERE / "spec.toml")
    equations = mf.derive(spec.architecture, spec.closure)
    system, parameters = mf.compile(equations), spec.parameters
    points = mf.fixed_points(system, parameters)
    print(f"{len(points)} fixed points, {points.status}; {points.evidence}", flush=True)
    answers, spectra, good = at_points(system, parameters, points)
    good &= len(points) == 3 and left(system, parameters, points)
    table, onset, swings, agree = growing(system, parameters)
    good &= agree
    picture(answers, spectra, table, onset, swings).savefig(options.out / "picture.png", dpi=110)
    if options.picture:
        shutil.copyfile(options.out / "picture.png", HERE / "picture.png")
    equations.derivation.write(str(options.out / "derivation.tex"))
    print(
        f"{'PASSED' if good else 'FAILED'}: outliers and edges of bulks within 4 standard errors at the stable points; the saddle is left to "
        "both sides; single neurons swing where the bulk is clearly unstable, and rest where it is clearly stable"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
