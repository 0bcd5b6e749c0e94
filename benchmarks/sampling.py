"""Sampling of networks with all motifs, float32, against NumPy's standard normal numbers.

The other side makes a matrix of that size on one core; sampling uses all cores.

python benchmarks/sampling.py            # N = 8000
python benchmarks/sampling.py --large    # and one network of 40,000 neurons, dense, 6 GiB
"""

import resource
import time
from dataclasses import asdict

import numpy as np
from _networks import all_motifs
from _timing import compare, options, say

import motifield as mf

N, LARGE = 8000, 40_000


def main() -> None:
    more = "also sample 40,000 neurons and say how long it took and how much memory"
    size = {"type": int, "default": N, "help": f"neurons (default {N})"}
    given = options(__doc__, large={"action": "store_true", "help": more}, neurons=size)
    n, rng = given.neurons, np.random.default_rng(0)
    own = all_motifs(n)
    result = compare(
        f"dense N = {n}, all motifs, against standard_normal",
        lambda: mf.sample(own, 1, dtype=np.float32).weights,
        lambda: rng.standard_normal((n, n), dtype=np.float32),
        1.0,
        at_most=True,
        repeats=7,
    )
    if given.json:
        say(asdict(result), given.json)
    else:
        print(result)
    if given.large:
        start = time.perf_counter()
        network = mf.sample(all_motifs(LARGE), 1, dtype=np.float32)
        took = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        say({f"dense N = {network.N}, s": took, "peak memory, GiB": peak}, given.json)


if __name__ == "__main__":
    main()
