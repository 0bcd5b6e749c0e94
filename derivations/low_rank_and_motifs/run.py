"""A rank-one structure whose patterns have mean 0, in a network with all four motifs.

The equations without motifs are those of Mastrogiuseppe and Ostojic (2018), solved here by
themselves; with motifs, theory against sampled networks of three sizes, and over the overlap of the
patterns. Writes `picture.png`.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.progress import track
from scipy.optimize import brentq

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine, print_table

SIZES, NETWORKS = (1000, 2000, 4000), 6
QUANTITIES = ("overlap with m", "mean", "variance")
OVERLAPS, DRAWN = np.linspace(0.6, 2.3, 18), (0.8, 1.4, 2.0)
ERRORS = 4.0  # standard errors that are allowed


def published(par: mf.Parameters) -> tuple[float, float]:
    """Overlap and variance without motifs and input, for erf: 1 = <m n> <phi'>,
    Delta = <m^2> overlap^2 + g^2 <phi^2>.
    """
    C = np.asarray(par.strengths.feature_covariance)[0]
    g = np.sqrt(float(par.g[0, 0]) ** 2 - C[0, 0] * C[1, 1] / float(par.N))

    def gain(v: float) -> float:
        return 2 / np.sqrt(np.pi * (1 + 2 * v))

    variance = brentq(lambda v: C[0, 1] * gain(v) - 1, 1e-6, 100)
    square = 2 / np.pi * np.arcsin(2 * variance / (1 + 2 * variance))
    return np.sqrt((variance - g**2 * square) / C[0, 0]), variance


def alone(par: mf.Parameters) -> mf.Parameters:
    """Without motifs, mean and input."""
    return par.without_motifs().with_strengths(by_itself(par)).replace(input=0.0, mean=[[0.0]])


def by_itself(par: mf.Parameters) -> mf.strengths.Strengths:
    return par.strengths.without("convergent", "divergent")


def with_overlap(par: mf.Parameters, overlap: float) -> mf.Parameters:
    """The network with another <m n>."""
    covariances = np.array(par.strengths.covariances)
    covariances[..., 2, 3] = covariances[..., 3, 2] = overlap
    own = par.strengths.data(par.populations)
    return par.with_strengths({**own, "covariances": {par.populations[0]: covariances[:, 0]}})


def at_rest(system: mf.types.System, par: mf.Parameters, seed: int) -> list[float]:
    """What a sampled network comes to from x = m."""
    network = mf.sample(par, seed, dtype=np.float32)
    m, n = (network.features[name] for name in ("m", "n"))
    run = mf.simulate(system, network, t1=40.0, saveat=[40.0], initial=m).dataset
    last, rates = run.isel(time=-1), run["r"].values
    return [float(np.mean(n * rates)), float(last["mean"][0]), float(last["variance"][0])]


def predicted(system: mf.types.System, par: mf.Parameters, start: dict) -> list[float]:
    point = mf.fixed_point(system, par, start).dataset
    theta = float(point["theta"].sel(feature="m").values[0])
    return [theta, *(float(point[name][0]) for name in ("mean", "variance"))]


def compared(script: Script) -> list[dict]:
    """Theory against networks of several sizes, the difference extrapolated in 1/N."""
    system, par, start = script.system, script.spec.numbers(), script.spec.initial
    runs = [(N, seed) for N in SIZES for seed in range(NETWORKS)]
    seen = {
        (N, seed): at_rest(system, par.rescaled(N), seed)
        for N, seed in track(runs, "networks", transient=True)
    }
    values = np.array([[seen[N, s] for s in range(NETWORKS)] for N in SIZES])
    theory = np.array([predicted(system, par.rescaled(N), start) for N in SIZES])
    sizes = np.array(SIZES, dtype=float)
    pooled = (values.var(axis=1, ddof=1) * sizes[:, None]).mean(axis=0)
    rows = []
    for k, name in enumerate(QUANTITIES):
        weights = np.sqrt(sizes * NETWORKS / pooled[k])
        design = np.stack([np.ones(len(SIZES)), 1 / sizes], axis=1) * weights[:, None]
        difference = (values[:, :, k].mean(axis=1) - theory[:, k]) * weights
        limit = np.linalg.lstsq(design, difference, rcond=None)[0][0]
        error = np.sqrt(np.linalg.inv(design.T @ design)[0, 0])
        row = {"quantity": name, "theory": float(theory[-1, k])}
        row |= {f"N = {N}": float(v) for N, v in zip(SIZES, values[:, :, k].mean(1), strict=True)}
        row |= {"limit": float(limit), "+-": float(error)}
        rows.append(row | {"agrees": script.check(abs(limit) <= ERRORS * error, "yes", "NO")})
    return rows


def picture(script: Script) -> Figure:
    """Overlap with m and variance over <m n>: with motifs, without, and networks."""
    system, par = script.system, script.spec.numbers()
    figure = Figure(figsize=(8, 3.3), layout="constrained")
    axes = figure.subplots(1, 2)
    lines = {"with motifs": (par, "C3"), "without motifs, mean and input": (alone(par), "0.6")}
    for label, (own, color) in lines.items():
        start, found = {"theta": 2.0, "rms_rate": 0.8}, []
        for overlap in OVERLAPS[::-1]:
            found.append(predicted(system, with_overlap(own, overlap), start))
            start = {"theta": max(found[-1][0], 0.05), "rms_rate": 0.7}
        found = np.array(found)[::-1]
        for ax, k in zip(axes, (0, 2), strict=True):
            ax.plot(OVERLAPS, found[:, k], color, label=label)
    for overlap in DRAWN:
        own = with_overlap(par, overlap)
        values = np.array([np.abs(at_rest(system, own, seed)) for seed in range(4)])
        for ax, k in zip(axes, (0, 2), strict=True):
            error = values[:, k].std(ddof=1) / 2
            label = "4 networks, N = 2000" if overlap == DRAWN[0] else None
            ax.errorbar(overlap, values[:, k].mean(), error, fmt="o", color="C3", ms=4, label=label)
    axes[0].set(ylabel=r"activity along the pattern, $\theta_m$")
    axes[1].set(ylabel=r"variance of the input across neurons $\Delta$")
    for ax in axes:
        ax.set_xlabel(r"overlap of the patterns $\langle m n \rangle$")
    axes[0].legend(frameon=False)
    despine(*axes)
    return figure


def main() -> int:
    script = Script(__file__, __doc__)
    par = script.spec.numbers()
    ours = predicted(script.system, alone(par), script.spec.initial)
    expected = published(par)
    script.check(np.allclose([ours[0], ours[2]], expected, rtol=1e-8))
    print(
        f"without motifs: overlap {ours[0]:.6f}, variance {ours[2]:.6f}; the equations of "
        f"Mastrogiuseppe and Ostojic {expected[0]:.6f}, {expected[1]:.6f}"
    )
    rows = compared(script)
    print_table("theory, means over networks, and their difference for N to infinity", rows, 4)
    script.save_picture(picture(script))
    return script.end(f"the published equations, and networks within {ERRORS:g} standard errors")


if __name__ == "__main__":
    sys.exit(main())
