"""How often `verify` rejects: a true theory at its level, and one whose chains are too small by a fifth.

python benchmarks/calibration.py                 # true theories, 200 repeats each, about 4 minutes on two cores
python benchmarks/calibration.py --wrong 10      # and 10 repeats of the wrong one, N = 4000, 20 networks, about 4 minutes
"""

import argparse
import json
from collections.abc import Sequence

import jax
import numpy as np

import motifield as mf
from motifield.numerics.sampling import Gaussian, Sampler

jax.config.update("jax_enable_x64", True)
LEVEL = 0.05


def one(n: int) -> tuple[str, mf.Parameters]:
    motifs = mf.Motifs.homogeneous(convergent=4 / n, divergent=4 / n, chain=2.4 / n)
    return "tanh(x)", mf.without_reciprocity(
        mf.Parameters.of(
            populations=["all"],
            N=n,
            fractions=[1.0],
            mean=-0.8 / n,
            g=0.6,
            motifs=motifs,
            input=0.3,
        )
    )


def two(n: int) -> tuple[str, mf.Parameters]:
    motifs = mf.Motifs.homogeneous(convergent=30 / n, divergent=30 / n, chain=27 / n)
    return "1 + erf(x - 1)", mf.without_reciprocity(
        mf.Parameters.of(
            populations=["E", "I"],
            N=n,
            fractions=[0.7, 0.3],
            mean=np.array([[1.2, -1.8], [1.8, -1.2]]) / n,
            g=0.35,
            motifs=motifs,
            input=[0.8, 0.6],
        )
    )


class Stronger(Sampler):
    """Networks whose chains are stronger than their parameters say, by a quarter: the theory's are too small by a fifth."""

    def weights(self, parameters, rng, dtype):
        return Gaussian().weights(
            mf.without_reciprocity(parameters.replace(tau_chn=1.25 * parameters.tau_chn)),
            rng,
            dtype,
        )


def rejections(
    what: str,
    transfer: str,
    own: mf.Parameters,
    sizes: Sequence[int],
    networks: int,
    repeats: int,
    t1: float,
    **options,
) -> dict:
    system = mf.compile(
        mf.derive(mf.Architecture(list(own.populations), transfer), mf.SecondMoment())
    )
    verdicts = [
        mf.verify(
            system, own, sizes=sizes, networks=networks, t1=t1, level=LEVEL, seed=seed, **options
        ).verdict
        for seed in range(repeats)
    ]
    rates = {
        name: float(np.mean([getattr(v, name) < LEVEL for v in verdicts]))
        for name in ("p_value", "p_mean", "p_spread")
    }
    return {
        "case": f"{what}, N = {', '.join(map(str, sizes))}, {networks} networks",
        "repeats": repeats,
        "rejected": rates,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--wrong", type=int, default=0, help="repeats of the wrong theory")
    options = parser.parse_args()
    cases = [
        ("two populations", *two(400), [400], 4, 15.0),
        ("two populations", *two(300), [300], 8, 15.0),
        ("one population", *one(400), [400], 5, 25.0),
        ("one population", *one(600), [600], 10, 25.0),
    ]
    results = (rejections(*case[:5], options.repeats, case[5]) for case in cases if options.repeats)
    for result in results:
        say(result, options.json)
    if options.wrong:
        transfer, own = two(4000)
        weaker = mf.without_reciprocity(own.replace(tau_chn=0.8 * own.tau_chn))
        say(
            rejections(
                "chains too small by a fifth",
                transfer,
                weaker,
                [4000],
                20,
                options.wrong,
                15.0,
                sampler=Stronger(),
            ),
            options.json,
        )


def say(result: dict, as_json: bool) -> None:
    rates = ", ".join(f"{name} {rate:.3f}" for name, rate in result["rejected"].items())
    print(
        json.dumps(result)
        if as_json
        else f"{result['case']}: rejected at level {LEVEL} in {result['repeats']} repeats by {rates}",
        flush=True,
    )


if __name__ == "__main__":
    main()
