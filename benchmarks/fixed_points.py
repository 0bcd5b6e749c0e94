"""All fixed points of 10,000 networks with eigenvalues, P = 2, against a SciPy loop.

Both search from the same number of starts; compile time is excluded. Mean coupling and motifs of
the E/I network of docs/theory.md, section 5 are scaled at random, so that there are one to three
fixed points. A sample of the networks is searched again with `fixed_points`, deflation and all: the
two must agree.
"""

import time

import jax
import numpy as np
from _networks import AVERAGES, TRANSFERS, one_hidden_variable
from _timing import options, say
from scipy.optimize import root

import motifield as mf

TARGET = 20.0  # s, for 10,000 networks with erf
STARTS = 32
PARAMETERS = one_hidden_variable([[0.003, -0.006], [0.0029, -0.0061]], 0.02, [0.0, 0.05])


def scipy_search(parameters, averages, rng) -> int:
    """Number of fixed points that SciPy finds from the same number of starts.

    Their eigenvalues are those of finite differences of the field.
    """
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


def networks(sets: int, rng: np.random.Generator) -> mf.Parameters:
    """Many sets of parameters, stacked."""
    values = np.stack([rng.uniform(0, 4, sets), rng.uniform(0.2, 2, sets)], axis=1)
    scalars = [mf.scalar(n, PARAMETERS) for n in ("factor(motifs)", "factor(mean)")]
    return mf.stacked(scalars, PARAMETERS, values)


def differing(system: mf.types.System, batch: mf.Parameters, data, chosen: np.ndarray) -> int:
    """How many of the chosen networks have other fixed points by `fixed_points`."""
    wrong = 0
    for k in chosen:
        points = mf.fixed_points(system, jax.tree.map(lambda v, k=k: v[k], batch))
        mean = np.stack([p.dataset["mean"].values for p in points])
        found = data["mean"].values[k, : len(points)]
        same = len(points) == int(data["count"][k])
        wrong += not (same and np.allclose(mean, found, rtol=1e-6, atol=1e-8))
    return wrong


def benchmark(name: str, sets: int, loops: int, checked: int) -> dict:
    """Times of the batch and of the SciPy loop (extrapolated), and agreement on a sample."""
    system = mf.compile(mf.derive(mf.Architecture(transfer=TRANSFERS[name]), mf.MotifOnly()))
    rng = np.random.default_rng(0)
    batch = networks(sets, rng)
    mf.fixed_points_batch(system, batch, starts=STARTS)
    start = time.perf_counter()
    data = mf.fixed_points_batch(system, batch, starts=STARTS)
    ours = time.perf_counter() - start
    each = (jax.tree.map(lambda v, k=k: v[k], batch) for k in range(loops))
    start = time.perf_counter()
    theirs = np.array([scipy_search(own, AVERAGES[name], rng) for own in each])
    loop = (time.perf_counter() - start) / loops * sets
    chosen = rng.choice(sets, checked, replace=False)
    counts = (v.tolist() for v in np.unique(data["count"], return_counts=True))
    return {
        "transfer": name,
        "sets": sets,
        "seconds": ours,
        "seconds of a SciPy loop": loop,
        "ratio": loop / ours,
        "seconds allowed": TARGET if (name, sets) == ("erf", 10_000) else None,
        "networks by number of points": dict(zip(*counts, strict=True)),
        "not ok": int(np.sum(data["status"].values != "ok")),
        "scipy found fewer, of": [int(np.sum(theirs < data["count"].values[:loops])), loops],
        "differ from fixed_points, of": [differing(system, batch, data, chosen), checked],
    }


def main() -> None:
    size = {"type": int, "default": 10_000, "help": "networks (default 10,000)"}
    given = options(__doc__, sets=size)
    few = min(200, given.sets)
    results = [
        benchmark("erf", given.sets, min(40, given.sets), few),
        benchmark("tanh", max(given.sets // 10, 10), 10, max(few // 10, 1)),
    ]
    for result in results:
        say(result, given.json)
    if any(r["differ from fixed_points, of"][0] for r in results):
        raise SystemExit("the batch and fixed_points differ")


if __name__ == "__main__":
    main()
