"""All fixed points of many networks with eigenvalues, P = 2, against a SciPy loop with the same starts; compile time excluded.

Mean coupling and motifs of the E/I network of section 5 of the theory are scaled at random, so that there are one to three fixed points. A
sample of the sets is searched again with `fixed_points`, deflation and all: the two must agree.
"""

import argparse
import json
import math
import time

import jax
import numpy as np
from scipy.optimize import root
from scipy.special import erf

jax.config.update("jax_enable_x64", True)

import motifield as mf  # noqa: E402
from motifield.numerics.fixed_points import fixed_points_batch  # noqa: E402
from motifield.numerics.parameters import scalar, stacked  # noqa: E402

TARGET = 20.0
STARTS = 32
TRANSFERS = {"erf": "1 + erf((x - 3/2) / (4/5 * sqrt(2)))", "tanh": "1 + tanh(x - 3/2)"}
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(160)
WEIGHTS = WEIGHTS / math.sqrt(2 * math.pi)
PARAMETERS = mf.Parameters.of(
    populations=["E", "I"],
    N=1000,
    fractions=[0.8, 0.2],
    mean=[[0.003, -0.006], [0.0029, -0.0061]],
    g=0.2,
    motifs=mf.Motifs.shared(0.02),
    input=[0.0, 0.05],
)


def erf_averages(mu, Delta):
    """<phi> and <phi'> in NumPy."""
    width = np.sqrt(0.64 + Delta)
    z = (mu - 1.5) / width
    return 1 + erf(z / math.sqrt(2)), math.sqrt(2 / math.pi) * np.exp(-0.5 * z * z) / width


def tanh_averages(mu, Delta):
    """The same with 160 Gauss-Hermite nodes."""
    t = np.tanh((mu - 1.5)[:, None] + np.sqrt(np.maximum(Delta, 0))[:, None] * NODES)
    return 1 + t @ WEIGHTS, (1 - t * t) @ WEIGHTS


def scipy_search(parameters, averages, rng) -> int:
    """Number of fixed points that SciPy finds from the same number of starts, and their eigenvalues by finite differences of the field."""
    N, alpha, J, g, con, _, chn, _ = (
        np.asarray(v)
        for v in (
            parameters.N,
            parameters.fractions,
            parameters.mean,
            parameters.g,
            *parameters.motifs,
        )
    )
    coupling, chain = N * alpha * J, N * np.einsum("q,pq,qr,pqr->pqr", alpha, g, g, chn)
    convergent, drive = (
        N * np.einsum("pq,pr,pqr->pqr", g, g, con),
        np.asarray(parameters.input(0.0)),
    )

    def field(y):
        K, kappa = y[:2], y[2:]
        R, G = averages(K, convergent @ kappa @ kappa)
        return np.concatenate([-K + coupling @ R + (chain @ kappa) @ G + drive, -kappa + alpha * R])

    found: list[np.ndarray] = []
    for _ in range(STARTS):
        solved = root(field, np.concatenate([rng.uniform(-3, 7, 2), alpha * rng.uniform(0, 2, 2)]))
        if solved.success and not any(np.abs(solved.x - other).max() < 1e-5 for other in found):
            found.append(solved.x)
    for y in found:
        np.linalg.eigvals(
            np.stack([(field(y + e) - field(y - e)) / 2e-6 for e in 1e-6 * np.eye(4)], axis=1)
        )
    return len(found)


def benchmark(name: str, averages, sets: int, loops: int, checked: int) -> dict:
    """Time of the batch, of the SciPy loop (extrapolated), and agreement with `fixed_points` on a sample."""
    system = mf.compile(mf.derive(mf.Architecture(transfer=TRANSFERS[name]), mf.MotifOnly()))
    rng = np.random.default_rng(0)
    values = np.stack([rng.uniform(0, 4, sets), rng.uniform(0.2, 2, sets)], axis=1)
    scalars = [scalar(n, PARAMETERS) for n in ("factor(motifs)", "factor(mean)")]
    batch = stacked(scalars, PARAMETERS, values)
    fixed_points_batch(system, batch, starts=STARTS)
    start = time.perf_counter()
    data = fixed_points_batch(system, batch, starts=STARTS)
    ours = time.perf_counter() - start
    start = time.perf_counter()
    theirs = [
        scipy_search(jax.tree.map(lambda v, k=k: v[k], batch), averages, rng) for k in range(loops)
    ]
    loop = (time.perf_counter() - start) / loops * sets
    wrong = 0
    for k in rng.choice(sets, checked, replace=False):
        points = mf.fixed_points(system, jax.tree.map(lambda v, k=k: v[k], batch))
        mean = np.stack([p.dataset["mean"].values for p in points])
        same = len(points) == int(data["count"][k]) and np.allclose(
            mean, data["mean"].values[k, : len(points)], rtol=1e-6, atol=1e-8
        )
        wrong += not same
    counts = dict(
        zip(*(v.tolist() for v in np.unique(data["count"], return_counts=True)), strict=True)
    )
    return {
        "name": name,
        "sets": sets,
        "ours": ours,
        "scipy": loop,
        "ratio": loop / ours,
        "target": TARGET if name == "erf" else None,
        "counts": counts,
        "not ok": int(np.sum(data["status"].values != "ok")),
        "scipy found fewer, of": [
            int(np.sum(np.array(theirs) < data["count"].values[:loops])),
            loops,
        ],
        "differ from fixed_points, of": [wrong, checked],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--sets", type=int, default=10_000)
    options = parser.parse_args()
    results = [
        benchmark("erf", erf_averages, options.sets, 40, 200),
        benchmark("tanh", tanh_averages, options.sets // 10, 10, 20),
    ]
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for r in results:
        verdict = (
            ""
            if r["target"] is None
            else f"  target {r['target']:g} s for 10,000: {'met' if r['ours'] <= r['target'] else 'MISSED'}"
        )
        print(
            f"{r['name']}: {r['sets']} sets in {r['ours']:.1f} s; a SciPy loop {r['scipy']:.0f} s, {r['ratio']:.0f} times as long{verdict}"
        )
        print(
            "\n".join(
                f"  {k}: {r[k]}"
                for k in (
                    "counts",
                    "not ok",
                    "scipy found fewer, of",
                    "differ from fixed_points, of",
                )
            )
        )
    if any(r["differ from fixed_points, of"][0] for r in results):
        raise SystemExit("the batch and fixed_points differ")


if __name__ == "__main__":
    main()
