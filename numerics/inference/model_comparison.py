"""Which motifs do the targets need? The same fit with and without classes of motifs: information criteria and cross-validated errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array

from ...errors import ParameterError
from ..fitting import (
    LANES,
    Coordinates,
    Fit,
    FreeMotifs,
    Lanes,
    LevenbergMarquardt,
    Minima,
    MotifCoordinates,
    Problem,
    Solver,
    with_free_states,
)
from ..fixed_points import ANYWHERE, NEARBY, Search
from ..parameters import TENSORS, Parameters, entries_of, residual_moments
from ..targets import Targets, whitened, without
from .determined import TOLERANCE
from .information import Information

CRITERIA = ("AIC", "AICc", "BIC", "cross-validated")
NEEDS = {"tau_con": ("tau_chn",), "tau_div": ("tau_chn",)}
"""Without the first there are none of the others: chains lie within the bounds that convergence and divergence set."""
Folds = int | str | Mapping[str, Any] | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Fits of the same targets by several models; make it with `compare`.

    fits: by model; effective: numbers of parameters that the targets determine; folds: of each target in the fit, (n,), empty without
    cross-validation; held: squared standardised errors of predictions of each target by fits to the other folds, by model, (n,), nan where such
    a fit has no fixed point; status: by model "ok", or what is wrong with its fit or with those of its folds
    """

    fits: Mapping[str, Fit]
    effective: Mapping[str, float]
    folds: np.ndarray
    held: Mapping[str, np.ndarray]
    status: Mapping[str, str]

    def chi2(self, model: str) -> float:
        """The sum of squared standardised misfits of the targets in the fit, without priors."""
        losses = self.fits[model].losses()
        return float(
            sum(value for name, value in losses.items() if name not in ("priors", "stability"))
        )

    def criteria(self, model: str) -> dict[str, float]:
        """For Gaussian errors of known size, -2 log L = chi^2 and a constant; k effective parameters, n targets:

        AIC = chi^2 + 2 k, AICc = AIC + 2 k (k + 1) / (n - k - 1) (infinite for n <= k + 1), BIC = chi^2 + k log n; and the mean of `held`.
        All are nan where they would rest on a fit without a fixed point.
        """
        k, n, chi2 = (
            self.effective[model],
            int(self.fits[model].problem.fitted.sum()),
            self.chi2(model),
        )
        AIC = chi2 + 2 * k
        AICc = AIC + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else float("inf")
        held = float(np.mean(self.held[model])) if len(self.folds) else float("nan")
        return {
            "AIC": AIC,
            "AICc": AICc,
            "BIC": chi2 + k * float(np.log(n)),
            "cross-validated": held,
        }

    def best(self, criterion: str = "BIC") -> str:
        """The model with the smallest value. Raises `ParameterError` for another criterion, or where it has no finite value."""
        if criterion not in CRITERIA:
            raise ParameterError(
                f"there is no criterion {criterion!r}: there are {', '.join(CRITERIA)}"
            )
        values = {name: self.criteria(name)[criterion] for name in self.fits}
        finite = {name: value for name, value in values.items() if np.isfinite(value)}
        if not finite:
            raise ParameterError(
                f"{criterion} of no model is finite: there are too few targets, or no folds; others are {', '.join(CRITERIA)}"
            )
        return min(finite, key=lambda name: finite[name])

    def difference(self, model: str, other: str) -> tuple[float, float]:
        """Mean and standard error of the difference of `held`, target by target: model minus other; nan without folds."""
        if not len(self.folds):
            return float("nan"), float("nan")
        own = self.held[model] - self.held[other]
        return float(own.mean()), float(own.std(ddof=1) / np.sqrt(len(own)))

    def rows(self) -> list[dict[str, Any]]:
        """A row for each model: free coordinates, effective parameters, losses, criteria, and how well it predicts what it was not fitted to."""
        found = []
        for name, fit in self.fits.items():
            error = (
                float(self.held[name].std(ddof=1) / np.sqrt(len(self.folds)))
                if len(self.folds)
                else float("nan")
            )
            found.append(
                {
                    "model": name,
                    "coordinates": fit.problem.coordinates.size,
                    "parameters": self.effective[name],
                    "loss": fit.loss,
                    "chi2": self.chi2(name),
                    **self.criteria(name),
                    "its error": error,
                    "status": self.status[name],
                }
            )
        return found

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "models": self.rows(),
            "best": {
                c: self.best(c)
                for c in CRITERIA
                if any(np.isfinite(self.criteria(m)[c]) for m in self.fits)
            },
        }

    def dataset(self) -> xr.Dataset:
        """Criteria over model, and squared errors of held-out predictions over model and target."""
        names = list(self.fits)
        data: dict[str, Any] = {
            "criterion": (
                ("model", "name"),
                [[self.criteria(m)[c] for c in CRITERIA] for m in names],
            ),
            "parameters": ("model", [self.effective[m] for m in names]),
        }
        coords: dict[str, Any] = {"model": names, "name": list(CRITERIA)}
        if len(self.folds):
            data["held"] = (("model", "target"), [self.held[m] for m in names])
            coords |= {
                "target": list(self.fits[names[0]].problem.targets.fitted.labels),
                "fold": ("target", self.folds),
            }
        return xr.Dataset(data, coords=coords)


def compare(
    fit: Fit,
    models: Mapping[str, FreeMotifs] | None = None,
    *,
    folds: Folds = 5,
    starts: int = 8,
    solver: Solver | None = None,
    seed: int = 0,
    free_states: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> Comparison:
    """Fit the targets again with fewer free motifs, and see what is lost.

    models: by name what is free; coefficients that are free in `fit` and not in a model are 0 in it (and chains that then cannot be). By default
    "all", as in the fit; without each class in turn, "no chain", ...; and "none". Without convergence or divergence there are no chains
    folds: how targets are left out in turn: a number of random groups, "condition" (each condition at once), a mapping from labels of targets to
    groups, or None. Each group is predicted by a fit to all others. starts: for each of these fits, the fit's own minimum, as near as the model
    has it, on the branch of the fit, and random ones, from rest or with free_states as in `fit`; seed: of groups and starts. All fits of a model
    run side by side and are compiled once

    Effective parameters are tr[J (J^T J + priors)^+ J^T] at the minimum: directions that nothing determines, even to a factor of e^10, count nothing.
    Raises `ParameterError` for folds or models that cannot be.
    """
    say = progress or (lambda what, part: None)
    if starts < 1:
        raise ParameterError(f"starts = {starts} must be at least 1")
    chosen = dict(models) if models is not None else class_models(fit)
    if not chosen:
        raise ParameterError("there are no models to compare: name some, or free motifs in the fit")
    groups = fold_numbers(fit.problem.targets.fitted, folds, seed)
    method = LevenbergMarquardt() if solver is None else solver
    fits: dict[str, Fit] = {}
    effective: dict[str, float] = {}
    held: dict[str, np.ndarray] = {}
    status: dict[str, str] = {}
    for k, (name, motifs) in enumerate(chosen.items()):
        own = reduced_problem(fit, motifs)
        run = partial(_scaled, say, name, k / len(chosen), 1 / len(chosen))
        begin, at = _starts(fit, own, starts, seed, free_states, run)
        fits[name], others = _fits(own, begin, at, groups, method, run)
        held[name], status[name] = _held(own, others, groups), _status(fits[name], others)
        effective[name] = effective_parameters(fits[name])
    return Comparison(fits, effective, groups, held, status)


def free_motifs(fit: Fit) -> FreeMotifs:
    """What is free in a fit."""
    motifs = fit.problem.coordinates.motifs
    single = [label.split(" of ")[1] for label in motifs.labels if " of " in label]
    return FreeMotifs(tuple(single), tuple(label for label in motifs.labels if " of " not in label))


def class_models(fit: Fit) -> dict[str, FreeMotifs]:
    """The motifs of a fit, those without each class, and none."""
    whole = free_motifs(fit)
    there = {name.split("[")[0] for name in (*whole.free, *whole.tied)}
    found = {"all": whole}
    for word, family in TENSORS.items():
        if family in there:
            found[f"no {word}"] = _without(whole, (family, *NEEDS.get(family, ())))
    found["none"] = FreeMotifs()
    distinct: dict[FreeMotifs, str] = {}
    for name in ("none", *found):  # where two are the same, "none" says more
        distinct.setdefault(found[name], name)
    return {name: motifs for name, motifs in found.items() if distinct[motifs] == name}


def _without(motifs: FreeMotifs, families: Sequence[str]) -> FreeMotifs:
    def keep(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(n for n in names if n.split("[")[0] not in families)

    return FreeMotifs(keep(motifs.free), keep(motifs.tied))


def reduced_problem(fit: Fit, motifs: FreeMotifs) -> Problem:
    """The problem of a fit with other free motifs; what is no longer free is 0, and has no prior."""
    old, given = fit.problem, fit.problem.coordinates
    kept = MotifCoordinates.of(motifs, given.parameters).entries
    gone = tuple(entry for entry in given.motifs.entries if entry not in kept)
    base = without_entries(given.parameters, gone)
    of_unknowns = {own.label for own in given.unknowns if own.prior is not None}
    priors = {
        name: prior
        for name, prior in given.priors.items()
        if name not in of_unknowns and name not in gone
    }
    own = Coordinates(
        base, given.conditions, given.unknowns, MotifCoordinates.of(motifs, base), priors
    )
    return Problem(
        old.exact, own, old.targets, stable=old.stable, step=old.step, correlated=old.correlated
    )


def without_entries(parameters: Parameters, names: Sequence[str]) -> Parameters:
    """The parameters with these motif coefficients 0, and with them all that needs them; without tau_rec[p,q], chains alone reciprocate."""
    con, div, chn = (
        np.array(t) for t in (parameters.tau_con, parameters.tau_div, parameters.tau_chn)
    )
    B = np.array(residual_moments(parameters)[1])
    arrays = {"tau_con": con, "tau_div": div, "tau_chn": chn, "tau_rec": B}
    for name in names:
        family, where = entries_of(name, parameters)
        arrays[family][where] = 0.0
    into, out = np.einsum("qrr->qr", con) > 0, np.einsum("qpp->qp", div) > 0
    con *= into[:, :, None] & into[:, None, :]
    div *= out[:, :, None] & out[:, None, :]
    chn *= out.T[:, :, None] & into[None]
    around = np.einsum("pqp->pq", chn)
    return parameters.replace(tau_con=con, tau_div=div, tau_chn=chn, tau_rec=B + around + around.T)


def fold_numbers(targets: Targets, folds: Folds, seed: int = 0) -> np.ndarray:
    """The group of each target, from 0, (n,); empty for None. Raises `ParameterError`."""
    n = len(targets)
    if folds is None:
        return np.zeros(0, dtype=int)
    if isinstance(folds, int):
        if not 2 <= folds <= n:
            raise ParameterError(f"folds = {folds}: {n} targets can be left out in 2 to {n} groups")
        return np.random.default_rng(seed).permutation(np.arange(n) % folds)
    if isinstance(folds, str):
        if folds != "condition":
            raise ParameterError(
                f"folds = {folds!r} is unknown: give a number, 'condition', a mapping from labels of targets to groups, or None"
            )
        names: Sequence[Any] = targets.condition
    else:
        missing = [label for label in targets.labels if label not in folds]
        if missing:
            raise ParameterError(f"folds do not say where the target {missing[0]!r} belongs")
        names = [folds[label] for label in targets.labels]
    order = list(dict.fromkeys(names))
    if len(order) < 2:
        raise ParameterError(
            f"all targets are in one fold, {order[0]!r}: nothing would be left to fit"
        )
    return np.array([order.index(name) for name in names])


def effective_parameters(fit: Fit) -> float:
    """tr[J (J^T J + priors)^+ J^T], J the derivatives of the standardised targets at the minimum; nan without one."""
    J = np.asarray(fit.problem.jacobian(jnp.asarray(fit.u), jnp.asarray(fit.minima.states[0])))
    if not J.shape[1]:
        return 0.0
    if not np.all(np.isfinite(J)):
        return float("nan")
    data = J[: int(fit.problem.fitted.sum())]
    return float(np.sum((data @ Information.of(J, TOLERANCE).determined_covariance) * data))


def _starts(
    fit: Fit,
    problem: Problem,
    starts: int,
    seed: int,
    free_states: bool,
    progress: Callable[[str, float], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates, (starts, size), and from where their fixed points are looked for, (starts, C, n): the fit's minimum as near as the model has
    it, from the fit's fixed points; then random ones.
    """
    coordinates, known = problem.coordinates, len(problem.coordinates.unknowns)
    gone = tuple(
        e for e in fit.problem.coordinates.motifs.entries if e not in coordinates.motifs.entries
    )
    near = coordinates.motifs.coordinates(without_entries(fit.parameters(), gone))
    u = np.concatenate([fit.u[:known], near])[None]
    at = np.asarray(fit.minima.states[:1])
    if starts == 1:
        return u, at
    others = coordinates.random(np.random.default_rng(seed), starts - 1)
    rest = np.broadcast_to(np.asarray(problem.at_rest()), (starts - 1, *at.shape[1:]))
    if free_states:
        others, rest = with_free_states(
            problem,
            others,
            lanes=LANES,
            progress=lambda what, _: progress(f"states free: {what}", 0.0),
            checkpoint=None,
            key="",
        )
    return np.concatenate([u, others]), np.concatenate([at, rest])


def _fits(
    problem: Problem,
    begin: np.ndarray,
    at: np.ndarray,
    folds: np.ndarray,
    solver: Solver,
    progress: Callable[[str, float], None],
) -> tuple[Fit, list[Fit]]:
    """The fit to all targets, and those without each fold.

    Which fold is left out is one more coordinate, on which nothing depends smoothly: it stays, and one compiled step serves all of them.
    """
    count, size = int(folds.max(initial=-1)) + 1, int(problem.fitted.sum())
    outs = [np.zeros(size, dtype=bool), *(folds == k for k in range(count))]
    table = np.stack(
        [without(problem.whiten, problem.targets, problem.fitted, out) for out in outs]
    )

    def residuals(x: Array, states: Array, search: Search = NEARBY) -> tuple[Array, Array]:
        r, outcome = problem.residuals(x[:-1], states, reverse=solver.reverse, search=search)
        kept = jnp.asarray(table)[jnp.round(jax.lax.stop_gradient(x[-1])).astype(int)]
        return jnp.concatenate([whitened(kept, r[:size]), r[size:]]), outcome.states

    starts = np.concatenate(
        [np.column_stack([begin, np.full(len(begin), float(k))]) for k in range(count + 1)]
    )
    lanes = Lanes(
        partial(residuals, search=ANYWHERE),
        residuals,
        solver,
        starts,
        np.concatenate([at] * (count + 1)),
        lanes=LANES,
    )
    found = lanes.run(progress, None, "")
    parts = [
        Minima(*(value[k * len(begin) : (k + 1) * len(begin)] for value in found))
        for k in range(count + 1)
    ]
    whole, *others = [Fit(problem, part._replace(u=part.u[:, :-1]).sorted()) for part in parts]
    return whole, others


def _held(problem: Problem, others: Sequence[Fit], folds: np.ndarray) -> np.ndarray:
    """Squared standardised errors of predictions of each fold by the fit without it."""
    held, t = np.full(len(folds), np.nan), problem.targets
    for k, fit in enumerate(others):
        z = ((fit.predictions - t.value) / t.error)[problem.fitted]
        held[folds == k] = z[folds == k] ** 2
    return held


def _status(fit: Fit, others: Sequence[Fit]) -> str:
    found = np.array([np.isfinite(own.loss) for own in others], dtype=bool)
    ended = np.array([own.minima.converged[0] for own in others], dtype=bool)
    counts = {"have no fixed point": np.sum(~found), "have not converged": np.sum(found & ~ended)}
    wrong = [] if fit.status == "ok" else [fit.status]
    wrong += [f"{count} of {len(others)} folds {what}" for what, count in counts.items() if count]
    return "; ".join(wrong) or "ok"


def _scaled(
    say: Callable[[str, float], None], name: str, start: float, width: float, what: str, part: float
) -> None:
    say(f"{name}: {what}", start + width * part)
