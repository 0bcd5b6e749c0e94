"""What fits recover: random networks of 2 and 3 populations against their fits.

    python benchmarks/recovery.py [--quick] [--populations 2 3] [--parts exact coverage] [--json]

Exact targets, intervals with noise, open directions, sampled networks. True networks are random,
with rates .5 Max(x, 0)^2. Targets are mean and standard deviation of the rates of every population
in conditions with different inputs. Unknowns are mean and g of all synapses, the spread of the
inputs and, of E onto E, convergence, divergence and chains. Divergence alone is never determined
(it enters with the residual), these are:

    mean[p,q]      spread[p]      g[p,q] but for E onto E
    N g^2 tau_con      g^2 (1 - tau_con - tau_div)      N g^2 tau_chn       (E onto E)

All fits of as many populations share compiled code: which targets are fitted is a coordinate that
no step changes.
"""

from __future__ import annotations

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _timing import options, say
from scipy.stats import norm

import motifield as mf
from motifield.numerics.fitting import Lanes
from motifield.numerics.fixed_points import ANYWHERE, NEARBY, Search

NAMES = {2: ("E", "I"), 3: ("E", "P", "S")}
FRACTIONS = {2: (0.8, 0.2), 3: (0.8, 0.12, 0.08)}
N, CONDITIONS, NOISE = 4000, 8, 0.05
ZERO, UNSEEN = 1e-9, 1e-5
"""Relative to the largest: singular values that count as 0, and gradients along such directions."""
SOLVER = mf.fitting.LevenbergMarquardt(steps=160, rtol=1e-9, atol=1e-16, stall=1e-2)


def base_network(P: int) -> mf.Parameters:
    """The middle of all ground truths."""
    fractions = np.array(FRACTIONS[P])
    con = np.broadcast_to(np.eye(P), (P, P, P)) / N
    chain = np.zeros((P, P, P))
    chain[0, 0, 0] = 0.3 / N
    mean = np.where(np.arange(P) == 0, 0.3, -0.35) / (N * fractions) * np.ones((P, 1))
    return mf.Parameters.of(
        populations=NAMES[P],
        N=N,
        fractions=fractions,
        mean=mean,
        g=0.3,
        input=1.2,
        spread=0.3,
        motifs=mf.Motifs(con, con, chain, np.diag([2 * chain[0, 0, 0]] + [0.0] * (P - 1))),
    )


class Laboratory:
    """All fits of P populations."""

    def __init__(self, P: int):
        self.P, self.base = P, base_network(P)
        self.system = mf.compile(
            mf.derive(
                mf.Architecture(
                    NAMES[P], mf.transfer.power_law(exponent=2.0, gain=0.5), inputs=["spread"]
                ),
                mf.SecondMoment(),
            )
        )
        inputs = np.random.default_rng(P).uniform(0.6, 2.4, (CONDITIONS, P))
        self.conditions = {
            f"c{k}": {f"input[{p}]": float(v) for p, v in zip(NAMES[P], row, strict=True)}
            for k, row in enumerate(inputs)
        }
        count = 2 * P * CONDITIONS
        self.problem = self.problem_of(np.ones(count), np.ones(count))
        self.given = self.problem.coordinates.given()
        rest = self.problem.at_rest()
        self.predict = jax.jit(jax.vmap(lambda u: self.problem.outcome(u, rest)))
        self.slopes = jax.jit(jax.vmap(jax.jacfwd(lambda u, s: self.problem.outcome(u, s).values)))
        self.numbers = jax.jit(jax.vmap(self.log_determined))
        self.number_slopes = jax.jit(jax.vmap(jax.jacfwd(self.log_determined)))

    def problem_of(self, values: np.ndarray, errors: np.ndarray) -> mf.fitting.Problem:
        """With targets of these values."""
        names = NAMES[self.P]
        kinds = [
            {"quantity": q, "population": p, "condition": c}
            for c in self.conditions
            for p in names
            for q in ("rate_mean", "rate_sd")
        ]
        rows = [
            {**k, "value": float(v), "error": float(e)}
            for k, v, e in zip(kinds, values, errors, strict=True)
        ]
        unknowns = [
            *mf.fitting.dale({p: 1 if p == "E" else -1 for p in names}, self.base),
            *(mf.fitting.Unknown(f"g[{p},{q}]", low=0) for p in names for q in names),
            *(mf.fitting.Unknown(f"spread[{p}]", low=0) for p in names),
        ]
        motifs = mf.fitting.FreeMotifs(("tau_con[E,E,E]", "tau_div[E,E,E]", "tau_chn[E,E,E]"))
        return mf.fitting.Problem.of(
            self.system,
            self.base,
            mf.Targets.of(rows),
            unknowns,
            motifs=motifs,
            conditions=self.conditions,
            stable=False,
        )

    def log_determined(self, u: Any) -> Any:
        """Logarithms of the sizes of the determined numbers.

        Of chains, which may have either sign, log(1 + correlation / 2).
        """
        own = self.problem.coordinates.common(u)
        off = ~np.eye(self.P, dtype=bool)
        off[1:] |= np.eye(self.P, dtype=bool)[1:]
        square, con, div, chain = (
            own.g[0, 0] ** 2,
            own.tau_con[0, 0, 0],
            own.tau_div[0, 0, 0],
            own.tau_chn[0, 0, 0],
        )
        return jnp.concatenate(
            [
                jnp.log(jnp.abs(own.mean)).ravel(),
                jnp.log(own.spread(0.0)),
                jnp.log(own.g)[off],
                jnp.log(
                    jnp.stack([N * square * con, square * (1 - con - div), 1 + N * square * chain])
                ),
            ]
        )

    def truths(self, n: int, seed: int = 0) -> np.ndarray:
        """Random networks whose conditions all have a fixed point that the bulk leaves stable."""
        rng, kept = np.random.default_rng(seed), []
        while len(kept) < n:
            found = self.given + rng.normal(0, 0.3, (32, len(self.given)))
            outcome = self.predict(jnp.asarray(found))
            good = (outcome.residuals < 1e-9) & (outcome.radius_square < 0.6)
            kept += list(found[np.all(good, axis=1) & np.all(outcome.values < 3.0, axis=1)])
        return np.array(kept[:n])

    def fitted(
        self, values: np.ndarray, errors: np.ndarray, starts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The best of each row's minima: coordinates, states, loss.

        Args:
            values: targets, (rows, targets).
            errors: their standard errors.
            starts: (rows, starts of each, coordinates).
        """
        y, precision = jnp.asarray(values), 1 / jnp.asarray(errors)
        rows, each, _ = starts.shape
        tagged = np.concatenate(
            [starts, np.broadcast_to(np.arange(rows, dtype=float)[:, None, None], (rows, each, 1))],
            axis=2,
        )

        def residuals(v: Any, states: Any, search: Search = NEARBY) -> tuple[Any, Any]:
            row = v[-1].astype(int)
            outcome = self.problem.outcome(v[:-1], states, search=search)
            r = (outcome.values - y[row]) * precision[row]
            return jnp.where(jnp.all(outcome.residuals < 1e-9), r, jnp.nan), outcome.states

        rest = np.broadcast_to(
            np.asarray(self.problem.at_rest()), (rows * each, *self.problem.at_rest().shape)
        )
        lanes = Lanes(
            lambda v, s: residuals(v, s, ANYWHERE),
            residuals,
            SOLVER,
            tagged.reshape(rows * each, -1),
            rest,
            lanes=64,
        )
        found = lanes.run(lambda what, part: None, None, "")
        loss = np.where(np.isfinite(found.loss), found.loss, np.inf).reshape(rows, each)
        best = np.arange(rows) * each + loss.argmin(axis=1)
        return found.u[best, :-1], found.states[best], loss.min(axis=1)

    def nearby(self, rng: np.random.Generator, rows: int, each: int) -> np.ndarray:
        """Starts around the base, not around the truths, where there are fixed points."""
        kept: list[np.ndarray] = []
        while len(kept) < rows * each:
            found = self.given + rng.normal(0, 0.25, (32, len(self.given)))
            kept += list(
                found[np.all(np.asarray(self.predict(jnp.asarray(found)).residuals) < 1e-9, axis=1)]
            )
        return np.array(kept[: rows * each]).reshape(rows, each, -1)

    def errors(
        self, u: np.ndarray, states: np.ndarray, errors: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Standard errors of the determined numbers, and spectra of the Jacobians.

        Errors, (rows, k), are infinite where a number is open; spectra are the singular values that
        are not 0.
        """
        jacobians = (
            np.asarray(self.slopes(jnp.asarray(u), jnp.asarray(states))) / errors[:, :, None]
        )
        sizes, spectra = [], []
        for J, gradients in zip(
            jacobians, np.asarray(self.number_slopes(jnp.asarray(u))), strict=True
        ):
            _, values, directions = np.linalg.svd(J, full_matrices=True)
            rank = int(np.sum(values > ZERO * values[0]))
            along = gradients @ directions.T
            open_part = np.linalg.norm(along[:, rank:], axis=1) > UNSEEN * np.linalg.norm(
                gradients, axis=1
            )
            sizes.append(
                np.where(open_part, np.inf, np.linalg.norm(along[:, :rank] / values[:rank], axis=1))
            )
            spectra.append(values[:rank])
        return np.array(sizes), spectra


def exact_targets(lab: Laboratory, n: int, each: int) -> dict[str, Any]:
    """Random networks from targets without noise."""
    truths = lab.truths(n)
    values = np.asarray(lab.predict(jnp.asarray(truths)).values)
    errors = NOISE * np.abs(values)
    u, states, loss = lab.fitted(values, errors, lab.nearby(np.random.default_rng(1), n, each))
    sizes, spectra = lab.errors(u, states, errors)
    determined = np.isfinite(sizes)
    wrong = np.abs(
        np.asarray(lab.numbers(jnp.asarray(u))) - np.asarray(lab.numbers(jnp.asarray(truths)))
    )
    worst = np.where(determined, wrong, 0.0).max(axis=1)
    return {
        "networks": n,
        "recovered to 1e-4": int(np.sum(worst < 1e-4)),
        "worst of each": worst.tolist(),
        "losses": loss.tolist(),
        "ranks": [len(own) for own in spectra],
        "unknowns": len(lab.given),
        "determined numbers": determined.sum(axis=1).tolist(),
        "smallest singular value": float(min(own[-1] for own in spectra)),
    }


def coverage(lab: Laboratory, rows: int) -> dict[str, Any]:
    """95 % intervals from the local covariance, with noise of 5 % on every target."""
    truth = lab.truths(1, seed=5)[0]
    exact = np.asarray(lab.predict(jnp.asarray(truth[None])).values)[0]
    errors = np.broadcast_to(NOISE * np.abs(exact), (rows, len(exact)))
    rng = np.random.default_rng(2)
    values = exact + errors * rng.normal(size=errors.shape)
    starts = truth + rng.normal(0, 0.1, (rows, 2, len(truth)))
    u, states, loss = lab.fitted(values, errors, starts)
    sizes, spectra = lab.errors(u, states, errors)
    z = (
        np.asarray(lab.numbers(jnp.asarray(u))) - np.asarray(lab.numbers(jnp.asarray(truth[None])))
    ) / sizes
    known = np.isfinite(sizes)
    inside = np.abs(z) < norm.isf(0.025)
    freedom = len(exact) - np.mean([len(own) for own in spectra])
    sharp = known & (sizes < 0.5)
    return {
        "intervals": int(known.sum()),
        "covered": float(inside[known].mean()),
        "with an error below .5": int(sharp.sum()),
        "covered of these": float(inside[sharp].mean()),
        "mean loss": float(loss.mean()),
        "degrees of freedom": float(freedom),
        "by number": inside.mean(axis=0).tolist(),
        "median errors": np.median(sizes, axis=0).tolist(),
    }


def flatness(lab: Laboratory) -> dict[str, Any]:
    """Changes of the loss along the directions that are reported as open.

    They are followed on the curve that keeps every prediction.
    """
    truth = lab.truths(1, seed=7)[0]
    values = np.asarray(lab.predict(jnp.asarray(truth[None])).values)[0]
    fit = mf.fitting.solve(
        lab.problem_of(values, NOISE * np.abs(values)),
        initial=truth[None] + 0.01,
        starts=1,
        solver=SOLVER,
    )
    own = mf.inference.identifiability(fit)
    changes = [float(np.abs(own.flat(k, 0.5)["loss_change"]).max()) for k in range(len(own.open))]
    return {
        "open directions": own.json()["open"],
        "largest changes of the loss": changes,
        "loss": fit.loss,
    }


def sampled(lab: Laboratory, networks: int) -> dict[str, Any]:
    """Targets are means over sampled networks of 4000 neurons; errors are theirs."""
    truth = lab.truths(1, seed=9)[0]
    own = lab.problem.coordinates.common(jnp.asarray(truth))
    spread = np.asarray(own.spread(0.0))
    runs = [
        {"input": [values[f"input[{p}]"] for p in NAMES[lab.P]], "spread": spread}
        for values in lab.conditions.values()
    ]
    rows = []
    for seed in range(networks):
        network = mf.sample(own, seed=seed)
        more = {"t1": 30.0, "saveat": [30.0], "runs": runs, "seed": seed}
        end = mf.simulate(lab.system, network, **more)
        both = (np.asarray(end[name])[:, -1] for name in ("rate", "rate_sd"))
        rows.append(np.stack(list(both), axis=-1).ravel())
    found = np.array(rows)
    errors = found.std(axis=0, ddof=1) / np.sqrt(networks)
    exact = np.asarray(lab.predict(jnp.asarray(truth[None])).values)[0]
    starts = truth + np.random.default_rng(3).normal(0, 0.1, (1, 8, len(truth)))
    u, states, loss = lab.fitted(found.mean(axis=0)[None], errors[None], starts)
    (sizes,), spectra = lab.errors(u, states, errors[None])
    z = (
        np.asarray(lab.numbers(jnp.asarray(u))) - np.asarray(lab.numbers(jnp.asarray(truth[None])))
    )[0] / sizes
    of_targets = (found.mean(axis=0) - exact) / errors
    return {
        "networks": networks,
        "z of targets": of_targets.tolist(),
        "z of numbers": z.tolist(),
        "errors": sizes.tolist(),
        "loss": float(loss[0]),
        "degrees of freedom": len(exact) - len(spectra[0]),
    }


def parts_of(lab: Laboratory, quick: bool) -> dict[str, Any]:
    """What can be asked of P populations, by name."""
    rows = 36 if lab.P == 2 else 16
    return {
        "exact": lambda: exact_targets(lab, 2 if quick else 10, 2 if quick else 4),
        "coverage": lambda: coverage(lab, 6 if quick else rows),
        "flat": lambda: flatness(lab),
        "sampled": lambda: sampled(lab, 3 if quick else 10),
    }


def main() -> None:
    names = ["exact", "coverage", "flat", "sampled"]
    given = options(
        __doc__,
        quick={"action": "store_true", "help": "a few networks of each kind"},
        populations={"type": int, "nargs": "+", "default": [2, 3], "help": "numbers of them"},
        parts={"nargs": "+", "default": names, "choices": names, "help": "what to do"},
    )
    for P in given.populations:
        parts = parts_of(Laboratory(P), given.quick)
        for name in given.parts:
            begin = time.perf_counter()
            found = parts[name]() | {"seconds": round(time.perf_counter() - begin, 1)}
            say({"part": name, "P": P, **found}, given.json)


if __name__ == "__main__":
    main()
