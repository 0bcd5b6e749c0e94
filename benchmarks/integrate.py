"""Trajectories against SciPy's LSODA: the E/I network of section 5 of the theory, t = 0 to 20, rtol = 1e-6, compile time excluded."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from _timing import compare, report, seconds
from scipy.integrate import odeint, solve_ivp
from scipy.special import erf

import motifield as mf
from motifield.numerics.system import trajectory

RTOL, ATOL, MANY = 1e-6, 1e-8, 1000
TS = np.linspace(0, 20, 21)
TRANSFERS = {"erf": "1 + erf((x - 3/2) / (4/5 * sqrt(2)))", "tanh": "1 + tanh(x - 3/2)"}
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(
    160
)  # 80 are not enough: 4e-4 from the solution
WEIGHTS = WEIGHTS / math.sqrt(2 * math.pi)
PARAMETERS = mf.Parameters.of(
    populations=["E", "I"],
    N=1000,
    fractions=[0.8, 0.2],
    mean=[[0.001, -0.004]] * 2,
    g=0.2,
    motifs=mf.Motifs.shared(0.1),
    input=0.5,
)


def erf_averages(mu, Delta):
    """<1 + erf((x - 3/2) / (.8 sqrt 2))> and the average of its slope, in NumPy."""
    width = np.sqrt(0.64 + Delta)
    z = (mu - 1.5) / width
    return 1 + erf(z / math.sqrt(2)), math.sqrt(2 / math.pi) * np.exp(-0.5 * z * z) / width


def tanh_averages(mu, Delta):
    """<1 + tanh(x - 3/2)> and the average of its slope, with 160 Gauss-Hermite nodes, in NumPy."""
    t = np.tanh((mu - 1.5)[:, None] + np.sqrt(Delta)[:, None] * NODES)
    return 1 + t @ WEIGHTS, (1 - t * t) @ WEIGHTS


def by_hand(averages):
    """dy/dt of y = (K, kappa) for `PARAMETERS`, closure LowRank, coefficients computed once, in NumPy."""
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


def benchmark(name: str, averages) -> tuple[list, dict]:
    """One trajectory and many at once, against both interfaces of LSODA."""
    system = mf.compile(mf.derive(mf.Architecture(["E", "I"], TRANSFERS[name]), mf.LowRank()))
    field, rest, ts = by_hand(averages), system.rest(2), jnp.asarray(TS)
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
    results = []
    for side, other in (("odeint", fast), ("solve_ivp", plain)):
        results.append(
            compare(
                f"{name}, one trajectory, {side}", single, other, 20, at_most=False, calls=(10, 3)
            )
        )
        results.append(
            compare(
                f"{name}, {MANY} at once, {side}",
                batch,
                other,
                80,
                at_most=False,
                repeats=7,
                calls=(1, 3),
                per_call=(MANY, 1),
            )
        )
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
    hand = seconds(lambda: field(0.0, np.ones(4)), 1000)
    return {
        f"{name}: steps of Tsit5, six field evaluations each": steps,
        f"{name}: one field evaluation": f"{1e6 * each:.2f} us ({1e6 * hand:.1f} us in NumPy), {100 * share:.0f} % of the trajectory",
        f"{name}: the rest, per step": f"{1e6 * max(total - 6 * steps * each, 0) / steps:.2f} us",
        f"{name}: mf.integrate, with checks, dataset, Delta and R": f"{1e6 * seconds(high_level, 10):.0f} us",
    }


def main() -> None:
    results, notes = [], {}
    for name, averages in {"erf": erf_averages, "tanh": tanh_averages}.items():
        rows, limits = benchmark(name, averages)
        results += rows
        notes |= limits
    report("LSODA / ours, time per trajectory", ("ours", "LSODA"), results, notes)


if __name__ == "__main__":
    main()
