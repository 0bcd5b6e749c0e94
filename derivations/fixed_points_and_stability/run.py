"""All fixed points of an E/I network, and how the network leaves them: not, by means, or by chaos.

The network of spec.toml has three. Sampled networks are started at each; their eigenvalues are laid
over the predicted outliers and bulk. Then the part of the synapses that is not structured grows,
motifs and means held: states vanish, and at last the bulk becomes unstable. Writes `picture.png`
and `derivation.tex` into the output folder; exit status 1 when theory and networks disagree.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import motifield as mf
from motifield.numerics.plots import draw

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine

N, NETWORKS = 1500, 8
GROWTHS = np.array([1, 2, 3, 4, 4.5, 5, 6, 7, 8, 8.5, 9, 9.5, 10, 11, 12, 13, 14])
SAMPLED, SEEDS, MOVING = (6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 14.0), 4, 0.02
# each network has an onset of its own; so near to the predicted one, none of them counts
UNCLEAR = 0.25


def less_structured(parameters: mf.Parameters, growth: float) -> mf.Parameters:
    """A larger residual at the same means and motif covariances.

    All g times `growth`, all motif coefficients over its square.
    """
    wider = mf.scalar("factor(g)", parameters).set(parameters, growth)
    return mf.scalar("factor(motifs)", wider).set(wider, 1 / growth**2)


def resting(
    system: mf.types.System,
    networks: list[mf.Network],
    points: mf.types.FixedPoints,
    k: int,
    answer,
) -> list[mf.types.Spectrum]:
    """Spectra of the networks that rest at point k.

    A network of this size may lack a state that the limit of many neurons has.
    """
    initial, found = points[k].dataset["mean"].values, []
    for network in networks:
        seen = mf.spectrum(system, network, initial=initial, predicted=answer)
        if nearest(points, means(network, seen.x)) == k:
            found.append(seen)
    return found


def spectra_agree(spectra: list[mf.types.Spectrum], answer: mf.types.Stability) -> bool:
    """Whether outlier and edge of the bulk are within 4 standard errors; prints both."""
    first = np.array([s.nearest()[0].real for s in spectra])
    edges = np.array([s.bulk_edge + 1 for s in spectra])
    error, wide = (v.std(ddof=1) / np.sqrt(len(v)) for v in (first, edges))
    outlier, edge = answer.jacobian.outliers[0].real, answer.jacobian.edge + 1
    fine = abs(first.mean() - outlier) < 4 * error and abs(edges.mean() - edge) < 4 * wide
    print(
        f"    {len(first)} networks of {N}: leading outlier {first.mean():.4f} ({error:.4f}), "
        f"predicted {outlier:.4f}; the bulk reaches {edges.mean() - 1:.4f} ({wide:.4f}), "
        f"predicted {edge - 1:.4f}: {'ok' if fine else 'MISSED'}",
        flush=True,
    )
    return fine


def at_points(
    script: Script, points: mf.types.FixedPoints
) -> tuple[list[mf.types.Stability], list[list[mf.types.Spectrum]]]:
    """Stability at every point, and spectra of the sampled networks that rest there."""
    system, parameters = script.system, script.spec.parameters
    answers, spectra = [], []
    networks = [
        mf.sample(parameters.rescaled(N), seed, dtype=np.float32) for seed in range(NETWORKS)
    ]
    for k, point in enumerate(points):
        answer = mf.stability(system, parameters, point)
        answers.append(answer)
        print(
            f"point {k + 1}: {point.kind}, mean input {point.dataset['mean'].values.round(4)}; "
            f"{answer.verdict}: {answer.meaning}",
            flush=True,
        )
        spectra.append(resting(system, networks, points, k, answer) if answer.stable else [])
        if answer.stable:
            script.check(len(spectra[-1]) >= NETWORKS - 1)
            script.check(spectra_agree(spectra[-1], answer))
    return answers, spectra


def means(network: mf.Network, x: np.ndarray) -> np.ndarray:
    """Mean input of each population."""
    return np.array([x[network.members(p)].mean() for p in network.populations])


def nearest(points: mf.types.FixedPoints, mean: np.ndarray) -> int:
    """The fixed point that a network's mean inputs are nearest to."""
    return int(np.argmin([np.linalg.norm(mean - p.dataset["mean"].values) for p in points]))


def left(system: mf.types.System, parameters: mf.Parameters, points: mf.types.FixedPoints) -> bool:
    """Whether networks started on either side of the saddle go to the stable point of that side."""
    low, saddle, high = (p.dataset["mean"].values for p in points)
    good = True
    for side, end in (("low", low), ("high", high)):
        ends, initial = [], saddle + 0.5 * (end - saddle)
        for seed in range(NETWORKS):
            network = mf.sample(parameters.rescaled(N), seed, dtype=np.float32)
            run = mf.simulate(system, network, t1=60.0, saveat=[60.0], initial=initial)
            ends.append(run["mean"].values[-1])
        there = sum(bool(np.linalg.norm(e - end) < np.linalg.norm(e - saddle)) for e in ends)
        print(
            f"from halfway between saddle and the {side} point: {there} of {NETWORKS} networks "
            "come to that point",
            flush=True,
        )
        good &= there >= NETWORKS - 1
    return good


def swing(
    system: mf.types.System, parameters: mf.Parameters, initial: np.ndarray, seed: int
) -> float:
    """Standard deviation of single neurons' inputs in time, over that across neurons and time."""
    network = mf.sample(parameters.rescaled(N), seed, dtype=np.float32)
    times = np.linspace(100.0, 160.0, 121)
    run = mf.simulate(system, network, t1=160.0, saveat=times, initial=initial, record="all")
    x = run["trajectory"]
    return float(np.sqrt(x.var("time").mean() / x.var()))


def growing(
    system: mf.types.System, parameters: mf.Parameters
) -> tuple[dict[str, np.ndarray], float]:
    """Growth rates (outlier, bulk) at the stable points over the growth of the residual.

    Also the growth at which the bulk of the highest point passes 0.
    """
    rows: dict[str, list[tuple[float, float, float]]] = {"low": [], "high": []}
    for growth in GROWTHS:
        own = less_structured(parameters, growth)
        stable = [p for p in mf.fixed_points(system, own) if p.stable]
        for name, point in zip(("high", "low"), stable[::-1], strict=False):
            jacobian = mf.stability(system, own, point).jacobian
            outlier = np.nan if jacobian.leading is None else jacobian.leading.real
            rows[name].append((growth, outlier, jacobian.edge))
    table = {name: np.array(v) for name, v in rows.items()}
    edge = table["high"]
    onset = float(np.interp(0.0, edge[:, 2], edge[:, 0]))
    print(
        f"the low point vanishes between growth {table['low'][-1, 0]:g} and "
        f"{edge[len(table['low']), 0]:g}; the bulk at the high one passes 0 at {onset:.3f}",
        flush=True,
    )
    return table, onset


def swings_of(script: Script, onset: float) -> np.ndarray:
    """Swings of networks, (growth, seed), checked against the predicted onset."""
    system, swings = script.system, []
    for growth in SAMPLED:
        own = less_structured(script.spec.parameters, growth)
        initial = mf.fixed_points(system, own)[-1].dataset["mean"].values
        swings.append([swing(system, own, initial, seed) for seed in range(SEEDS)])
        print(f"growth {growth:g}: swing of neurons in time {np.round(swings[-1], 4)}", flush=True)
        if abs(growth - onset) > UNCLEAR * onset:
            script.check(all((s > MOVING) == (growth > onset) for s in swings[-1]))
    return np.array(swings)


def draw_growth(left: Axes, right: Axes, table, onset: float, swings: np.ndarray) -> None:
    """Growth rates and the swing of single neurons, over the growth of the residual."""
    for name, color in (("low", "C0"), ("high", "C1")):
        growth, outlier, edge = table[name].T
        left.plot(growth, outlier, "x-", color=color, label=f"leading outlier, {name} point")
        left.plot(growth, edge, ".-", color=color, label=f"edge of the bulk, {name} point")
    left.axhline(0, color="0.3", lw=0.9, ls="--")
    left.set(xlabel="growth of the residual", ylabel="growth rate (1 / time)")
    right.axvline(onset, color="C3", lw=1.4, label="bulk unstable: predicted")
    for seed in range(SEEDS):
        label = f"networks of {N}" if not seed else None
        right.plot(SAMPLED, swings[:, seed], "o", ms=4, color="0.3", label=label)
    right.set(xlabel="growth of the residual", ylabel="swing of neurons in time")
    right.set_ylim(-0.02, None)
    for ax in (left, right):
        ax.legend(frameon=False, fontsize="small")
    despine(left, right)


def main() -> int:
    script = Script(__file__, __doc__)
    system, parameters = script.system, script.spec.parameters
    points = mf.fixed_points(system, parameters)
    print(f"{len(points)} fixed points, {points.status}; {points.evidence}", flush=True)
    answers, spectra = at_points(script, points)
    script.check(len(points) == 3 and left(system, parameters, points))
    table, onset = growing(system, parameters)
    swings = swings_of(script, onset)
    figure = Figure(figsize=(11.5, 6.4), layout="constrained")
    axes = figure.subplots(2, 2)
    for ax, k, name in ((axes[0, 0], 0, "low"), (axes[0, 1], -1, "high")):
        draw(ax, answers[k].jacobian, spectra[k], f"Jacobian at the {name} point")
        ax.axvline(0, color="0.3", lw=0.9, ls="--", zorder=0)
    draw_growth(*axes[1], table, onset, swings)
    script.save_picture(figure)
    script.save_derivation()
    return script.end(
        "outliers and edges of bulks within 4 standard errors at the stable points; the saddle is "
        "left to both sides; single neurons swing where the bulk is clearly unstable, and rest "
        "where it is clearly stable"
    )


if __name__ == "__main__":
    sys.exit(main())
