"""Trajectories against SciPy's LSODA, with the same equations written by hand in NumPy.

The E/I network of docs/theory.md, section 5, t = 0 to 20, rtol = 1e-6, compile time excluded.
"""

import jax
import jax.numpy as jnp
import numpy as np
from _networks import AVERAGES, TRANSFERS, one_hidden_variable
from _timing import compare, options, report, seconds
from scipy.integrate import odeint, solve_ivp

import motifield as mf
from motifield.numerics.system import trajectory

RTOL, ATOL, MANY = 1e-6, 1e-8, 1000
TS = np.linspace(0, 20, 21)
PARAMETERS = one_hidden_variable([[0.001, -0.004]] * 2, 0.1, 0.5)


def by_hand(averages):
    """dy/dt of y = (K, kappa) for `PARAMETERS`, closure LowRank, in NumPy.

    Coefficients are computed once.
    """
    N, alpha, J, g, con, div, chn, rec, drive = (
        np.asarray(v)
        for v in (
            PARAMETERS.N,
            PARAMETERS.fractions,
            PARAMETERS.mean,
            PARAMETERS.g,
            *PARAMETERS.motifs,
            PARAMETERS.input(0.0),
        )
    )
    A = 1 - np.einsum("pqq->pq", con) - np.einsum("qpp->pq", div)
    B = rec - np.einsum("pqp->pq", chn) - np.einsum("qpq->pq", chn)
    coupling, residual, reciprocal = (
        N * alpha * J,
        g**2 * A / alpha,
        alpha * g * g.T * B / alpha[:, None],
    )
    chain = N * np.einsum("q,pq,qr,pqr->pqr", alpha, g, g, chn)
    convergent = N * np.einsum("pq,pr,pqr->pqr", g, g, con)

    def field(t, y):
        K, kappa = y[:2], y[2:]
        R, G = averages(K, convergent @ kappa @ kappa + residual @ kappa**2)
        return np.concatenate(
            [
                -K + coupling @ R + (chain @ kappa) @ G + kappa * (reciprocal @ G) + drive,
                -kappa + alpha * R,
            ]
        )

    return field


def benchmark(name: str) -> tuple[list, dict]:
    """One trajectory and many at once, against both interfaces of LSODA."""
    system = mf.compile(mf.derive(mf.Architecture(["E", "I"], TRANSFERS[name]), mf.LowRank()))
    field, rest, ts = by_hand(AVERAGES[name]), system.rest(2), jnp.asarray(TS)
    sets = jax.vmap(lambda scale: PARAMETERS.replace(mean=scale * PARAMETERS.mean))(
        jnp.linspace(0.8, 1.2, MANY)
    )

    def solve(par):
        return trajectory(system, par, rest, ts, rtol=RTOL, atol=ATOL)

    one, many = jax.jit(solve), jax.jit(jax.vmap(solve))

    def fast():
        return odeint(field, np.zeros(4), TS, rtol=RTOL, atol=ATOL, tfirst=True)

    def plain():
        return solve_ivp(
            field, (0, 20), np.zeros(4), method="LSODA", t_eval=TS, rtol=RTOL, atol=ATOL
        ).y.T

    states, _, steps = one(PARAMETERS)
    ours = np.concatenate(states, axis=1)
    errors = [float(np.max(np.abs(ours - other()))) for other in (fast, plain)]
    if max(errors) > 1e-5:
        raise SystemExit(f"{name}: the solutions differ by {max(errors):.2g}")
    single, batch = lambda: one(PARAMETERS), lambda: many(sets)
    alone = {"at_most": False, "calls": (10, 3)}
    together = {"at_most": False, "calls": (1, 3), "per_call": (MANY, 1), "repeats": 7}
    results = []
    for side, other in (("odeint", fast), ("solve_ivp", plain)):
        results += [
            compare(f"{name}, one trajectory, {side}", single, other, 20, **alone),
            compare(f"{name}, {MANY} at once, {side}", batch, other, 80, **together),
        ]
    notes = {f"{name}: largest difference from LSODA": f"{max(errors):.1e}"}
    return results, notes | _limits(name, system, single, int(steps), field)


def _limits(name, system, single, steps, field) -> dict:
    """Where the time of one trajectory goes."""
    coefficients, drive = system.coefficients(PARAMETERS), PARAMETERS.input(0.0)

    @jax.jit
    def evaluations(state):
        def once(_, s):
            return jax.tree.map(
                lambda v, d: v + 1e-6 * d, s, system.module.vector_field(s, drive, coefficients)
            )

        return jax.lax.fori_loop(0, 1000, once, state)

    def high_level():
        return mf.integrate(system, PARAMETERS, 20.0, saveat=TS, rtol=RTOL, atol=ATOL)

    rest = system.rest(2)
    for warm in (lambda: evaluations(rest), high_level):
        jax.block_until_ready(warm())
    each, total = seconds(lambda: evaluations(rest), 5) / 1000, seconds(single, 10)
    share = 6 * steps * each / total
    hand, rest_of = seconds(lambda: field(0.0, np.ones(4)), 1000), total - 6 * steps * each
    return {
        f"{name}: steps of Tsit5, six field evaluations each": steps,
        f"{name}: one field evaluation, us": f"{1e6 * each:.2f}",
        f"{name}: the same in NumPy, us": f"{1e6 * hand:.1f}",
        f"{name}: field evaluations, % of the trajectory": f"{100 * share:.0f}",
        f"{name}: the rest, us per step": f"{1e6 * max(rest_of, 0) / steps:.2f}",
        f"{name}: mf.integrate with its dataset, us": f"{1e6 * seconds(high_level, 10):.0f}",
    }


def main() -> None:
    given = options(__doc__)
    results, notes = [], {}
    for name in TRANSFERS:
        rows, limits = benchmark(name)
        results += rows
        notes |= limits
    report("LSODA / ours, time per trajectory", ("ours", "LSODA"), results, notes, given.json)


if __name__ == "__main__":
    main()
