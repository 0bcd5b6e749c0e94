"""Simulations of networks against the bare products with their matrix.

One state: the speed of `simulate` against as many products of J with the rates as its integrator
evaluates the network, N = 8000. 32 states at once: the time per state against that of one, over the
same steps.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from _networks import TRANSFERS, all_motifs
from _timing import compare, options, report

import motifield as mf

N, STATES, T1 = 8000, 32, 10.0


def products(J: jax.Array, r: jax.Array, count: int) -> jax.Array:
    """J @ r, so many times one after the other."""
    return jax.lax.fori_loop(0, count, lambda _, v: J @ (1e-3 * v), r)


def main() -> None:
    size = {"type": int, "default": N, "help": f"neurons (default {N})"}
    given = options(__doc__, neurons=size)
    n = given.neurons
    network = mf.sample(all_motifs(n), 1, dtype=np.float32)
    system = mf.compile(mf.derive(mf.Architecture(["E", "I"], TRANSFERS["tanh"])))
    starts = np.random.default_rng(0).uniform(-1, 2, (STATES, 2))
    simulate = partial(mf.simulate, system, network, t1=T1, saveat=np.linspace(0, T1, 11))

    def one() -> np.ndarray:
        return simulate(initial=starts[0])["x"].values

    def many() -> np.ndarray:
        return simulate(runs=[{"initial": own} for own in starts])["x"].values

    steps = simulate(initial=starts[0]).dataset.attrs
    # Tsit5 evaluates 6 times per step (the first is the last step's), once at the start, and twice
    # to choose the first step
    count = 6 * (steps["steps"] + steps["rejected"]) + 3
    J, r = jnp.asarray(network.weights), jnp.ones(n, jnp.float32)
    bare = jax.jit(lambda J, r: products(J, r, count))
    title = f"one state, N = {n}: speed, of {count} bare products"
    gain = {"at_most": False}
    speed = compare(title, one, lambda: bare(J, r), 0.8, repeats=7, **gain)
    title = f"{STATES} states at once: gain per state"
    each = compare(title, many, one, 5.0, repeats=5, per_call=(STATES, 1), **gain)
    notes = {"steps of one state": steps["steps"]}
    report(__doc__.splitlines()[0], ("ours", "other"), [speed, each], notes, given.json)


if __name__ == "__main__":
    main()
