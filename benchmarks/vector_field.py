"""The generated vector field against the same equations written by hand in JAX.

Both evaluate 1000 parameter sets at once.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from _timing import compare, options, report

import motifield as mf

P, SETS = 8, 1000
TRANSFERS = {
    "erf, closed form": "1 + erf((x - 3/2) / (4/5 * sqrt(2)))",
    "tanh, a table": "tanh(x - 3/2)",
    # 1 + tanh is also a factor of the slope: XLA stores it as an array of its own
    "1 + tanh, a table": "1 + tanh(x - 3/2)",
}
ALPHA = np.arange(2, P + 2) / np.arange(2, P + 2).sum()


def parameters(key: jax.Array) -> mf.Parameters:
    """Random means and strengths around one feasible network, stacked."""
    base = mf.Parameters.of(
        N=1000, fractions=ALPHA, mean=0.001, g=0.2, motifs=mf.Motifs.shared(0.02), input=0.5
    )
    keys = jax.random.split(key, SETS)

    def one(k):
        a, b = jax.random.split(k)
        return base.replace(
            mean=0.003 * jax.random.normal(a, (P, P)), g=0.2 + 0.1 * jax.random.uniform(b, (P, P))
        )

    return jax.vmap(one)(keys)


def by_hand(averages: Callable) -> Callable:
    """The equations of docs/theory.md, section 2, closure LowRank, from the same parameters."""

    def field(K, kappa, par):
        N, alpha, g = par.N, par.fractions, par.g
        A = 1 - jnp.einsum("pqq->pq", par.tau_con) - jnp.einsum("qpp->pq", par.tau_div)
        B = par.tau_rec - jnp.einsum("pqp->pq", par.tau_chn) - jnp.einsum("qpq->pq", par.tau_chn)
        gk = g * kappa
        Delta = N * jnp.einsum("pqr,pq,pr->p", par.tau_con, gk, gk) + (A * gk**2) @ (1 / alpha)
        R, G = averages(K, Delta)
        chain = N * jnp.einsum("pq,pqr,qr->pq", g, par.tau_chn, gk) @ (alpha * G)
        reciprocal = kappa / alpha * ((g * g.T * B) @ (alpha * G))
        return -K + N * par.mean @ (alpha * R) + chain + reciprocal + par.input(
            0.0
        ), -kappa + alpha * R

    return field


def erf_averages(mu, Delta):
    """<1 + erf((x - 3/2) / (.8 sqrt 2))> and the average of its slope."""
    width = jnp.sqrt(0.64 + Delta)
    z = (mu - 1.5) / width
    return 1 + jax.lax.erf(z / math.sqrt(2)), math.sqrt(2 / math.pi) * jnp.exp(-0.5 * z * z) / width


def tanh_averages(offset: float, nodes: int = 107) -> Callable:
    """<offset + tanh(x - 3/2)> and the average of its slope, by the trapezoidal rule.

    As few nodes as are right to 1e-10 for these variances.
    """
    z = np.linspace(-7.57, 7.57, nodes)
    weights = np.exp(-0.5 * z**2) / np.exp(-0.5 * z**2).sum()

    def averages(mu, Delta):
        t = jnp.tanh(mu[:, None] + jnp.sqrt(Delta)[:, None] * z - 1.5)
        return offset + jnp.sum(weights * t, axis=1), jnp.sum(weights * (1 - t * t), axis=1)

    return averages


def largest_difference(ours, other) -> float:
    """Over all variables, parameter sets and populations."""
    return max(float(jnp.max(jnp.abs(x - y))) for x, y in zip(ours, other, strict=True))


def main() -> None:
    given = options(__doc__)
    a, b, c = jax.random.split(jax.random.key(0), 3)
    sets = parameters(a)
    K, kappa = jax.random.normal(b, (SETS, P)), 0.3 * jax.random.uniform(c, (SETS, P))
    what = f"LowRank, all motifs, P = {P}, {SETS} parameter sets and states per call"
    results, notes = [], {"equations": what}
    for name, text in TRANSFERS.items():
        system, closed = (
            mf.compile(mf.derive(mf.Architecture(None, text), mf.LowRank())),
            name.startswith("erf"),
        )
        averages: Callable = erf_averages
        if not closed:
            averages = tanh_averages(float(name.startswith("1 +")))
        state = system.State(K, kappa)
        ours = jax.jit(jax.vmap(lambda s, p, system=system: system.vector_field(0.0, s, p)))
        other = jax.jit(jax.vmap(by_hand(averages)))
        error = largest_difference(ours(state, sets), other(K, kappa, sets))
        if error > 1e-10:
            raise SystemExit(f"{name}: the two fields differ by {error:.2g}")
        result = compare(
            name,
            lambda f=ours, s=state: f(s, sets),
            lambda f=other: f(K, kappa, sets),
            1.1,
            at_most=True,
            repeats=41,
            calls=(40, 40) if closed else (4, 4),
        )
        results.append(result)
        notes[f"{name}, largest difference"] = f"{error:.1e}"
    title = "Generated vector field / written by hand"
    report(title, ("generated", "by hand"), results, notes, given.json)


if __name__ == "__main__":
    main()
