"""Which connectivity explains the rates of V1's four classes?

Twenty statistics of single units, fitted with synapses as they were measured. Prints what the fit
says of targets, priors, motifs, transfer functions, layers and networks, and writes `results.json`
and `picture.png`. Exit status 1 when a target is missed by more than 2 standard errors, a state is
unstable, a mean leaves its prior, or networks disagree.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import model
import numpy as np
from picture import picture

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script

STARTS, FEW, NETWORKS, DRAWS = 256, 4, 10, 300
WITHIN = 2.0  # standard errors
CLASSES = ("convergent", "divergent", "chain", "reciprocal")
LOW = ("rate_quantile 0.1 ", "rate_quantile 0.25 ")


def fitted(
    name: str = model.CHOSEN,
    *,
    spread: bool = True,
    motifs: mf.fitting.FreeMotifs | None = None,
    starts: int = 1,
    checkpoint: Path | None = None,
) -> mf.fitting.Fit:
    """A fit of the pooled targets."""
    known, transfer, targets = model.priors(), model.TRANSFERS[name], model.targets()
    own = model.Model.of(transfer, targets, known)
    base = own.parameters if spread else own.parameters.replace(spread=0.0)
    more = model.convergence_priors(known) if motifs else {}
    base = model.with_convergence(base, more) if motifs else base
    unknowns = model.unknowns(known, transfer, spread=spread)
    problem = mf.fitting.Problem.of(
        own.system, base, targets, unknowns, motifs=motifs, conditions=own.conditions(), priors=more
    )
    return mf.fitting.solve(problem, solver=model.SOLVER, starts=starts, checkpoint=checkpoint)


def summary(fit: mf.fitting.Fit) -> dict[str, Any]:
    """Losses, misfits, and the errors of predicted quantiles."""
    rows = [row for row in fit.rows() if not row["held out"]]
    groups = (
        LOW,
        tuple(name for level in model.LEVELS if (name := f"rate_quantile {level:g} ") not in LOW),
    )
    low, high = (
        np.mean(
            [r["z"] ** 2 for r in fit.rows() if r["held out"] and r["target"].startswith(names)]
        )
        for names in groups
    )
    return {
        "loss": fit.loss,
        "losses": fit.losses(),
        "largest misfit": max(abs(r["z"]) for r in rows),
        "held out": fit.held_out_loss(),
        "held out, low": low,
        "held out, high": high,
        "agreement": fit.agreement(),
        "values": fit.values,
        "rows": fit.rows(),
    }


def checked(fit: mf.fitting.Fit) -> dict[str, Any]:
    """The summary, with distances from the priors and the verdicts on stability."""
    return {**summary(fit), "prior misfits": prior_misfits(fit), "verdicts": fit.stability()}


def sources(fit: mf.fitting.Fit, u: np.ndarray) -> np.ndarray:
    """Contributions to the variance of the spontaneous inputs, (3, P).

    Those of convergence, of independent synapses and of the external inputs' spread.
    """
    targets, problem = fit.problem.targets, fit.problem
    values = problem.predicted(u, fit.minima.states[0])
    own = problem.coordinates.of_condition(jnp.asarray(u), "spontaneous")
    rate, sd = (
        np.array([values[targets.labels.index(f"{q} {p} spontaneous")] for p in model.POPULATIONS])
        for q in ("rate_mean", "rate_sd")
    )
    alpha, g, con = (np.asarray(v) for v in (own.fractions, own.g, own.tau_con))
    kappa = alpha * rate
    convergent = model.N * np.einsum("pq,pr,pqr,q,r->p", g, g, con, kappa, kappa)
    apart = 1 - np.einsum("pqq->pq", con)
    return np.array(
        [convergent, (apart * g**2) @ (alpha * (rate**2 + sd**2)), np.asarray(own.spread(0.0)) ** 2]
    )


def anatomy(fit: mf.fitting.Fit) -> np.ndarray:
    """SD of the inputs, in mV, from the reconstructed spread of the numbers of synapses, (2, P).

    |cv_p sum_q N mean_pq kappa_q| where all sources share one factor,
    sqrt(sum_q (cv_p N mean_pq kappa_q)^2) where their factors are independent.
    """
    rows = {row["target"]: row["fit"] for row in fit.rows()}
    kappa = model.fractions() * np.array(
        [rows[f"rate_mean {p} spontaneous"] for p in model.POPULATIONS]
    )
    parts = model.N * np.asarray(fit.parameters().mean) * kappa
    return model.in_degree_cv() * np.array(
        [np.abs(parts.sum(axis=1)), np.sqrt(np.sum(parts**2, axis=1))]
    )


def ensemble(fit: mf.fitting.Fit) -> dict[str, Any]:
    """What targets and priors leave open: sources of variability, and intervals of all unknowns.

    Both are from draws of the normal distribution with the local covariance.
    """
    J = np.asarray(fit.problem.jacobian(jnp.asarray(fit.u), jnp.asarray(fit.minima.states[0])))
    draws = np.random.default_rng(0).multivariate_normal(
        fit.u, np.linalg.pinv(J.T @ J), DRAWS, method="eigh"
    )
    parts = np.array([sources(fit, u) for u in draws])
    parts = parts[np.all(np.isfinite(parts), axis=(1, 2))]
    low, high = np.quantile([list(fit.named(u).values()) for u in draws], [0.025, 0.975], axis=0)
    return {
        "sources": parts.tolist(),
        "best": sources(fit, fit.u).tolist(),
        "anatomy": anatomy(fit).tolist(),
        "intervals": dict(
            zip(fit.values, zip(low.tolist(), high.tolist(), strict=True), strict=True)
        ),
    }


def determined(fit: mf.fitting.Fit) -> dict[str, Any]:
    """What the targets determine, and how well held-out quantiles are known beforehand."""
    found = mf.inference.identifiability(fit)
    rows = found.held_out_rows()
    alone = [name for name, known in found.is_determined().items() if known]
    low, high = (
        float(np.mean([r["z"] ** 2 for r in rows if r["target"].startswith(LOW) is part]))
        for part in (True, False)
    )
    return {
        "combinations": found.data.rank,
        "of": len(found.names),
        "text": found.text(),
        "determined alone": alone,
        "predictions": rows,
        "held out, low": low,
        "held out, high": high,
    }


def classes(fit: mf.fitting.Fit) -> dict[str, Any]:
    """The same targets with all motifs free, without each class of motifs, and without any."""
    old = fit.problem.coordinates
    problem = mf.fitting.Problem.of(
        fit.problem.exact,
        fit.parameters(),
        fit.problem.targets,
        old.unknowns,
        motifs=mf.fitting.FreeMotifs.classes(*CLASSES),
        conditions=model.Model.of(
            model.TRANSFERS[model.CHOSEN], fit.problem.targets, model.priors()
        ).conditions(),
        priors=model.convergence_priors(model.priors()),
    )
    whole = mf.fitting.solve(problem, solver=model.SOLVER, starts=FEW)
    found = mf.inference.compare(whole, folds=None, starts=2, solver=model.SOLVER)
    return {
        **found.json(),
        "combinations": mf.inference.identifiability(whole).data.rank,
        "of": len(whole.u),
    }


def prior_misfits(fit: mf.fitting.Fit) -> dict[str, float]:
    """Distance of each unknown from its prior, in standard deviations of the prior."""
    return {
        name: float(prior.residual(fit.values[name]))
        for name, prior in fit.problem.coordinates.priors.items()
    }


def layers(fit: mf.fitting.Fit) -> dict[str, Any]:
    """Mean squared misfit of each layer's means and SDs (E, PV, SST).

    By the pooled fit, and with new inputs at the same synapses and spread.
    """
    targets = model.layer_targets()
    pooled = {row["target"]: row["fit"] for row in fit.rows()}
    before = np.array(
        [
            (pooled[model.without_layer(targets.label(k))] - targets.value[k]) / targets.error[k]
            for k in range(len(targets))
        ]
    )
    names = [f"{layer} {condition}" for layer in model.LAYERS for condition in model.CONDITIONS]
    inputs = {name: np.asarray(fit.parameters(name.split(" ")[1]).input(0.0)) for name in names}
    conditions = {
        name: {f"input[{p}]": v for p, v in zip(model.POPULATIONS, own, strict=True)}
        for name, own in inputs.items()
    }
    unknowns = [
        mf.fitting.Unknown(f"input[{p}]", condition=name)
        for name in names
        for p in ("E", "PV", "SST")
    ]
    after = mf.fit(
        fit.problem.exact,
        fit.parameters(),
        targets,
        unknowns,
        conditions=conditions,
        starts=1,
        throw=False,  # the status is among the results
    )
    z = np.array([row["z"] for row in after.rows()])
    own = np.array(
        [
            next(layer for layer in model.LAYERS if layer in targets.label(k))
            for k in range(len(targets))
        ]
    )
    sd = np.array([q == "rate_sd" for q in targets.quantity])
    table = {
        layer: {
            "pooled": float(np.mean(before[own == layer] ** 2)),
            "inputs": float(np.mean(z[own == layer] ** 2)),
            "inputs, means": float(np.mean(z[(own == layer) & ~sd] ** 2)),
            "inputs, SDs": float(np.mean(z[(own == layer) & sd] ** 2)),
        }
        for layer in model.LAYERS
    }
    return {
        "table": table,
        "status": after.status,
        "rows": after.rows(),
        "z pooled": before.tolist(),
    }


def networks(fit: mf.fitting.Fit) -> dict[str, Any]:
    """Ten networks of 4000 neurons against the fit."""
    found = mf.inference.confirm(fit, networks=NETWORKS, N=model.N, settle=30.0)
    kinds = [row["target"].startswith(("rate_mean", "rate_sd")) for row in found.rows()]
    return {**found.json(), "moments agree": bool(np.all(found.agrees[kinds]))}


def main() -> int:
    script = Script(
        __file__,
        __doc__,
        starts={"type": int, "default": STARTS, "help": f"starts of the ensemble ({STARTS})"},
        resume={"action": "store_true", "help": "keep what an earlier run left in the folder"},
    )
    resume, convergent = script.options.resume, model.CONVERGENCE
    results, checkpoint = Results(script.out / "results.json", resume), script.out / "fit.npz"
    if not resume:
        checkpoint.unlink(missing_ok=True)
    fit = fitted(motifs=convergent, starts=script.options.starts, checkpoint=checkpoint)
    for name, compute in {
        "fit": checked,
        "ensemble": ensemble,
        "determined": determined,
        "classes": classes,
        "layers": layers,
        "networks": networks,
    }.items():
        results.stage(name, lambda compute=compute: compute(fit))
    without = {"spread": False, "motifs": convergent, "starts": FEW}
    results.stage("no spread", lambda: summary(fitted("power law", **without)))
    for name in model.TRANSFERS:
        results.stage(f"transfer: {name}", lambda name=name: summary(fitted(name)))
    script.save_picture(picture(results.found))
    return verdict(script, results.found)


class Results:
    """Results by stage, in a file; with `resume`, stages that the file holds are kept."""

    def __init__(self, path: Path, resume: bool):
        self.path = path
        self.found: dict[str, Any] = (
            json.loads(path.read_text()) if resume and path.exists() else {}
        )

    def stage(self, name: str, compute: Callable[[], Any]) -> None:
        """Compute one, and write all."""
        if name not in self.found:
            self.found[name] = compute()
            self.path.write_text(json.dumps(self.found, indent=1, default=float))
        print(f"{name}: {_brief(self.found[name])}", flush=True)


def _brief(found: dict[str, Any]) -> str:
    keys = (
        "loss",
        "largest misfit",
        "held out",
        "held out, low",
        "held out, high",
        "agreement",
        "verdicts",
        "criterion",
        "combinations",
        "of",
        "determined alone",
        "models",
        "table",
        "anatomy",
    )
    return ", ".join(
        f"{k} {found[k]:.3g}" if isinstance(found[k], float) else f"{k} {found[k]}"
        for k in keys
        if k in found
    )


def verdict(script: Script, found: dict[str, Any]) -> int:
    """Print the checks; the exit status."""
    fit = found["fit"]
    means = max(abs(z) for name, z in fit["prior misfits"].items() if name.startswith("mean"))
    checks = {
        f"all targets within {WITHIN:g} standard errors": fit["largest misfit"] <= WITHIN,
        "stable in both conditions": set(fit["verdicts"].values()) == {"stable"},
        "mean synapses within 2 SD of their priors": means <= 2,
        "networks have the predicted means and SDs": found["networks"]["moments agree"],
    }
    for name, passed in checks.items():
        print(f"{script.check(passed, 'PASSED', 'FAILED')}: {name}")
    return script.end()


if __name__ == "__main__":
    sys.exit(main())
