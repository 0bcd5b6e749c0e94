"""Comparison of models with and without classes of motifs, by the targets that they explain.

By information criteria and cross-validated errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...errors import ParameterError
from ..fitting import LANES, Fit, FreeMotifs, LevenbergMarquardt, Problem, Solver, with_free_states
from ..results import Result, Status, incomplete
from .cross_validation import Folds, fits_without_folds, fold_numbers, held_errors
from .determined import TOLERANCE
from .information import Information
from .reduced_models import class_models, reduced_problem, without_entries

CRITERIA = ("AIC", "AICc", "BIC", "cross-validated")
ROUNDING = 1e-9  # of a number of parameters that is a sum of eigenvalues, relative


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    """Fits of the same targets by several models; make it with `compare`.

    Attributes:
        fits: by model.
        effective: numbers of parameters that the targets determine, by model.
        folds: of each target in the fit, (n,), empty without cross-validation.
        held: squared standardised errors of predictions of each target by fits to the other folds,
            by model, (n,), nan where such a fit has no fixed point.
        statuses: by model "ok", or what is wrong with its fit or with those of its folds.
    """

    fits: Mapping[str, Fit]
    effective: Mapping[str, float]
    folds: np.ndarray
    held: Mapping[str, np.ndarray]
    statuses: Mapping[str, str]

    @property
    def title(self) -> str:
        """How many models are compared."""
        return f"Comparison of {len(self.fits)} models"

    @property
    def status(self) -> Status:
        """ "ok", or the models of which a fit, or that of a fold, has not come to an end."""
        wrong = [f"{name}: {text}" for name, text in self.statuses.items() if text != "ok"]
        return incomplete(wrong)

    def chi2(self, model: str) -> float:
        """The sum of squared standardised misfits of the targets in the fit, without priors."""
        parts = self.fits[model].losses().items()
        return float(sum(loss for name, loss in parts if name not in ("priors", "stability")))

    def criteria(self, model: str) -> dict[str, float]:
        """Information criteria, and the cross-validated error.

        For Gaussian errors of known size, -2 log L = chi^2 and a constant. With k effective
        parameters and n targets, AIC = chi^2 + 2 k, AICc = AIC + 2 k (k + 1) / (n - k - 1)
        (infinite for n <= k + 1), BIC = chi^2 + k log n; the error is the mean of `held`. All are
        nan where they would rest on a fit without a fixed point.
        """
        k, chi2 = self.effective[model], self.chi2(model)
        n = int(self.fits[model].problem.fitted.sum())
        AIC = chi2 + 2 * k
        spare = n - k - 1
        AICc = AIC + 2 * k * (k + 1) / spare if spare > ROUNDING * n else float("inf")
        held = float(np.mean(self.held[model])) if len(self.folds) else float("nan")
        return {
            "AIC": AIC,
            "AICc": AICc,
            "BIC": chi2 + k * float(np.log(n)),
            "cross-validated": held,
        }

    def best(self, criterion: str = "BIC") -> str:
        """The model with the smallest value of a criterion.

        Args:
            criterion: "AIC", "AICc", "BIC" or "cross-validated".

        Raises:
            ParameterError: another criterion, or one that is finite for no model.
        """
        if criterion not in CRITERIA:
            raise ParameterError(
                f"there is no criterion {criterion!r}: there are {', '.join(CRITERIA)}"
            )
        values = {name: self.criteria(name)[criterion] for name in self.fits}
        finite = {name: value for name, value in values.items() if np.isfinite(value)}
        if not finite:
            raise ParameterError(
                f"{criterion} of no model is finite: there are too few targets, or no folds; "
                f"others are {', '.join(CRITERIA)}"
            )
        return min(finite, key=lambda name: finite[name])

    def difference(self, model: str, other: str) -> tuple[float, float]:
        """Mean and standard error of the difference of `held`, model minus other.

        Target by target; nan without folds.
        """
        if not len(self.folds):
            return float("nan"), float("nan")
        own = self.held[model] - self.held[other]
        return float(own.mean()), float(own.std(ddof=1) / np.sqrt(len(own)))

    def rows(self) -> list[dict[str, Any]]:
        """A row for each model: coordinates, effective parameters, losses, criteria, status."""
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
                    "status": self.statuses[name],
                }
            )
        return found

    def json(self) -> dict[str, Any]:
        """Plain data."""
        values = [self.criteria(m) for m in self.fits]
        finite = [c for c in CRITERIA if any(np.isfinite(own[c]) for own in values)]
        return {
            **self.status.json(),
            "models": self.rows(),
            "best": {c: self.best(c) for c in finite},
        }

    @property
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
    """Fits of the targets with fewer free motifs, and what is lost by them.

    Effective parameters are tr[J (J^T J + priors)^+ J^T] at the minimum: directions that nothing
    determines, even to a factor of e^10, count nothing. All fits of a model run side by side and
    are compiled once.

    Args:
        fit: with free motifs.
        models: by name what is free; coefficients that are free in `fit` and not in a model are 0
            in it (and chains that then cannot be). By default "all", as in the fit; without each
            class in turn, "no chain", ...; and "none".
        folds: how targets are left out in turn, each group predicted by a fit to all others: a
            number of random groups, "condition" (each condition at once), a mapping from labels of
            targets to groups, or None.
        starts: for each of these fits: the fit's own minimum, as near as the model has it, on the
            branch of the fit, and random ones.
        solver: by default Levenberg and Marquardt's method.
        seed: of groups and starts.
        free_states: for random starts, as in `fit`; otherwise they begin at rest.
        progress: called with a text and the part that is done.

    Raises:
        ParameterError: folds or models that cannot be.
    """
    say = progress or (lambda text, part: None)
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
    statuses: dict[str, str] = {}
    for k, (name, motifs) in enumerate(chosen.items()):
        own = reduced_problem(fit, motifs)
        run = partial(_part, say, name, k / len(chosen), 1 / len(chosen))
        begin, at = _starts(fit, own, starts, seed, free_states, run)
        fits[name], others = fits_without_folds(own, begin, at, groups, method, run)
        held[name], statuses[name] = held_errors(own, others, groups), _status(fits[name], others)
        effective[name] = effective_parameters(fits[name])
    return Comparison(fits, effective, groups, held, statuses)


def effective_parameters(fit: Fit) -> float:
    """tr[J (J^T J + priors)^+ J^T] at the minimum; nan without one.

    J are the derivatives of the standardised targets.
    """
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
    """Coordinates, (starts, size), and where their fixed points are looked for, (starts, C, n).

    First the fit's minimum as near as the model has it, from the fit's fixed points; then random
    ones.
    """
    coordinates, known = problem.coordinates, len(problem.coordinates.unknowns)
    kept = coordinates.motifs.entries
    gone = tuple(e for e in fit.problem.coordinates.motifs.entries if e not in kept)
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
            progress=lambda text, _: progress(f"states free: {text}", 0.0),
            checkpoint=None,
            key="",
        )
    return np.concatenate([u, others]), np.concatenate([at, rest])


def _status(fit: Fit, others: Sequence[Fit]) -> str:
    found = np.array([np.isfinite(own.loss) for own in others], dtype=bool)
    ended = np.array([own.minima.converged[0] for own in others], dtype=bool)
    counts = {"have no fixed point": np.sum(~found), "have not converged": np.sum(found & ~ended)}
    wrong = [] if fit.status.ok else [str(fit.status)]
    wrong += [f"{count} of {len(others)} folds {what}" for what, count in counts.items() if count]
    return "; ".join(wrong) or "ok"


def _part(
    say: Callable[[str, float], None], name: str, start: float, width: float, text: str, part: float
) -> None:
    say(f"{name}: {text}", start + width * part)
