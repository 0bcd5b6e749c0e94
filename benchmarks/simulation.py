"""Simulations of networks against the bare products of their matrix that they need: one state, and 32 states at once.

One state: the product of J with the rates as often as the integrator evaluates the network. 32 states: time per state against that of one,
over the same steps.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from _timing import compare, report

import motifield as mf
from motifield.numerics.simulation import integrate_network

N, STATES, T1 = 8000, 32, 10.0


def products(J: jax.Array, r: jax.Array, count: int) -> jax.Array:
    """J @ r, so many times one after the other."""
    return jax.lax.fori_loop(0, count, lambda _, v: J @ (1e-3 * v), r)


def main() -> None:
    n = N
    own = mf.Parameters.of(
        populations=["E", "I"],
        N=n,
        fractions=[0.8, 0.2],
        mean=np.array([[6, -12], [7, -8]]) / n,
        g=[[0.3, 0.4], [0.35, 0.3]],
        motifs=mf.Motifs(16 / n, 12 / n, 10 / n, 0.2),
    )
    network = mf.sample(own, 1, dtype=np.float32)
    phi = jax.tree_util.Partial(lambda x, p: 1 + jnp.tanh(x - 1.5))
    starts = np.random.default_rng(0).uniform(-1, 2, (STATES, 2))
    saved = np.linspace(0, T1, 11)
    integrate = functools.partial(integrate_network, network, phi, input=0.5, t1=T1, saveat=saved)

    def one() -> np.ndarray:
        return integrate(initial=starts[0])["x"].values

    def many() -> np.ndarray:
        return integrate(runs=[{"initial": own} for own in starts])["x"].values

    steps = integrate(initial=starts[0]).dataset.attrs
    # Tsit5 evaluates 6 times per step (the first is the last step's), once at the start, twice to choose the first step
    count = 6 * (steps["steps"] + steps["rejected"]) + 3
    J, r = jnp.asarray(network.weights), jnp.ones(n, jnp.float32)
    bare = jax.jit(lambda J, r: products(J, r, count))
    speed = compare(
        f"one state, N = {n}: speed, of {count} bare products",
        one,
        lambda: bare(J, r),
        0.8,
        at_most=False,
        repeats=7,
    )
    each = compare(
        f"{STATES} states at once: gain per state",
        many,
        one,
        5.0,
        at_most=False,
        repeats=5,
        per_call=(STATES, 1),
    )
    report(
        __doc__.splitlines()[0],
        ("ours", "other"),
        [speed, each],
        {"steps of one state": steps["steps"]},
    )


if __name__ == "__main__":
    main()
