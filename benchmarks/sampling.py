"""Sampling of networks with all motifs, float32, against NumPy's standard normal numbers for a matrix of that size, on all cores.

python benchmarks/sampling.py            # N = 8000
python benchmarks/sampling.py --large    # and one network of 40,000 neurons, dense, 6 GiB
"""

import argparse
import json
import resource
import time
from dataclasses import asdict

import numpy as np
from _timing import compare

import motifield as mf

N = 8000


def parameters(n: int) -> mf.Parameters:
    """E/I with all motifs."""
    return mf.Parameters.of(
        populations=["E", "I"],
        N=n,
        fractions=[0.8, 0.2],
        mean=np.array([[6, -12], [7, -8]]) / n,
        g=[[0.3, 0.4], [0.35, 0.3]],
        motifs=mf.Motifs(16 / n, 12 / n, 10 / n, 0.2),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--large",
        action="store_true",
        help="also sample 40,000 neurons and say how long it took and how much memory",
    )
    options = parser.parse_args()
    own, rng = parameters(N), np.random.default_rng(0)
    result = compare(
        f"dense N = {N}, all motifs, against standard_normal",
        lambda: mf.sample(own, 1, dtype=np.float32).weights,
        lambda: rng.standard_normal((N, N), dtype=np.float32),
        1.0,
        at_most=True,
        repeats=7,
    )
    print(json.dumps(asdict(result)) if options.json else result)
    if options.large:
        start = time.perf_counter()
        network = mf.sample(parameters(40_000), 1, dtype=np.float32)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"dense N = {network.N}: {time.perf_counter() - start:.1f} s, peak memory {peak:.1f} GiB"
        )


if __name__ == "__main__":
    main()
