"""How often `verify` rejects a true theory, against its level, and a wrong one.

The wrong theory has chains that are too small by a fifth.

python benchmarks/calibration.py              # true theories, 200 repeats each
python benchmarks/calibration.py --wrong 10   # and 10 of the wrong one, N = 4000, 20 networks

Either takes about 4 minutes on two cores.
"""

from collections.abc import Sequence

import numpy as np
from _timing import options, say

import motifield as mf

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


class Stronger(mf.sampling.Sampler):
    """Networks whose chains are stronger than their parameters say, by a quarter.

    The chains of the theory are then too small by a fifth.
    """

    def weights(self, parameters, rng, dtype):
        return mf.sampling.Gaussian().weights(
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
    given = options(
        __doc__,
        repeats={"type": int, "default": 200, "help": "of each true theory (default 200)"},
        wrong={"type": int, "default": 0, "help": "repeats of the wrong theory"},
    )
    cases = [
        ("two populations", *two(400), [400], 4, 15.0),
        ("two populations", *two(300), [300], 8, 15.0),
        ("one population", *one(400), [400], 5, 25.0),
        ("one population", *one(600), [600], 10, 25.0),
    ]
    for *case, t1 in cases if given.repeats else ():
        say(rejections(*case, given.repeats, t1), given.json)
    if given.wrong:
        transfer, own = two(4000)
        weaker = mf.without_reciprocity(own.replace(tau_chn=0.8 * own.tau_chn))
        case = ("chains too small by a fifth", transfer, weaker, [4000], 20)
        say(rejections(*case, given.wrong, 15.0, sampler=Stronger()), given.json)


if __name__ == "__main__":
    main()
