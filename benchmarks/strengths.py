"""Strengths of any distribution: what measuring, deriving and integrating with them cost."""

import numpy as np
from _timing import compare, options, report

import motifield as mf
from motifield.strengths import Empirical, Mixture

NEURONS = 2130
TRANSFER = "1/(1 + exp(-2*(x - 1)))"


def network() -> mf.Network:
    """One population of skewed strengths that synapses know, a tenth of all synapses present."""
    rng = np.random.default_rng(1)
    strong = rng.lognormal(0, 0.4, (NEURONS, 2))
    chance = np.clip(0.1 * strong[:, :1] * strong[:, 1], 0, 1)
    weights = (rng.random((NEURONS, NEURONS)) < chance) * rng.lognormal(
        -3.5, 0.8, (NEURONS, NEURONS)
    )
    import scipy.sparse as sps

    return mf.Network.of(sps.csr_array(weights), ["all"] * NEURONS)


def equations(strengths, assortativity) -> mf.types.System:
    """Derived and generated afresh."""
    architecture = mf.Architecture(
        ["all"], TRANSFER, strengths=strengths, assortativity=assortativity
    )
    return mf.compile(mf.derive(architecture, mf.SecondMoment()))


def main() -> None:
    given = options(__doc__)
    net = network()
    results = [
        compare(
            "Gamma and the neurons' strengths / measure",
            lambda: mf.networks.measure_strengths(net),
            lambda: mf.measure(net),
            3,
            at_most=True,
        ),
        compare(
            "derive + generate, mixture / Gaussian",
            lambda: equations(Mixture(), False),
            lambda: equations("gaussian", False),
            1.3,
            at_most=True,
        ),
    ]
    numbers = mf.measure(net).parameters(input=0.8)
    many = numbers.with_strengths(mf.networks.measure_strengths(net))
    one = numbers.with_strengths(mf.networks.measure_strengths(net, 1))
    systems = equations(Empirical(), True), equations(Mixture(1, quenched=True), True)
    results.append(
        compare(
            f"a trajectory, {NEURONS} components / one",
            lambda: mf.integrate(systems[0], many, 50.0, saveat=[50.0]).dataset,
            lambda: mf.integrate(systems[1], one, 50.0, saveat=[50.0]).dataset,
            60,
            at_most=True,
        )
    )
    report("Strengths and assortativity", ("with", "without"), results, {}, given.json)


if __name__ == "__main__":
    main()
