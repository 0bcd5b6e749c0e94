"""Which parts of the network explain the recordings?

Each is removed in turn and everything else fitted again; each cycle is held out in turn.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from masked import Fitter, Runs
from network import CHAINS, SIGNS, Model
from recordings import BEFORE, CYCLE, IMAGE_SETS, UNIT, cycle_of, signals, start_of, targets

import motifield as mf

FITTED = range(4, 7)
"""Cycles of the fits: an ordinary one, the omission, the one after it."""
STEP, LANES, SEED = 0.5, 9, 0
GONE = -25.0
"""log(share) of a convergence or divergence that is removed."""
UNIFORM = tuple(f"input.{s}[{p}]" for s in ("familiar", "image") for p in SIGNS)
ALONG = tuple(f"in_strength.{s}[Pyr]" for s in ("familiar", "image"))
ALL_CHAINS = tuple(f"chains of {name}" for name in CHAINS.values())
MOTIFS = ("convergent", "divergent", "chains")
VARIANTS: dict[str, tuple[str, ...]] = {
    "mechanism": UNIFORM,
    **{f"mechanism, no {name}": (*UNIFORM, f"chains of {entry}") for name, entry in CHAINS.items()},
    "mechanism, no chains": (*UNIFORM, *ALL_CHAINS),
    "motifs, no familiar signal": (*UNIFORM, *ALONG),
    "no motifs, no familiar signal": (*UNIFORM, *ALONG, *MOTIFS),
    "no motifs, uniform familiar signal": (*ALONG, *MOTIFS),
    "everything": (),
}
"""Coordinates that are removed.

The mechanism has motifs, and familiarity along the deviations of the in-strengths from Pyr alone.
"""
CHALLENGED = ("mechanism", "no motifs, no familiar signal", "no motifs, uniform familiar signal")
"""Fitted also with layer 4 held, and with VIP cells that adapt."""
PRECISE = 0.1
"""Relative error of VIP's mean rates in hypothetical precise recordings; .2 Hz are added."""


@dataclass(frozen=True, eq=False)
class Study:
    """The problem, its compiled derivatives, and the cycle of each target."""

    problem: mf.fitting.Problem
    fitter: Fitter
    cycles: np.ndarray

    @classmethod
    def of(
        cls,
        data: Any,
        *,
        cycles: range = FITTED,
        held_layer4: bool = False,
        adapting: bool = False,
        lanes: int = LANES,
    ) -> "Study":
        """The problem for some cycles.

        Args:
            data: the recordings, `recordings.table`.
            cycles: whose targets are fitted.
            held_layer4: whether layer 4 keeps its rate of before during the omission.
            adapting: whether VIP cells adapt.
            lanes: fits under one compiled step.
        """
        times, courses = signals(data, cycles)
        if held_layer4:
            courses = {name: held(times, own, cycles) for name, own in courses.items()}
        wanted = targets(data, cycles)
        problem = Model.of(times, courses, adapting).problem(wanted, STEP)
        return cls(problem, Fitter(problem, lanes), cycle_of(wanted, cycles))

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the coordinates."""
        return self.problem.coordinates.labels

    def free(self, variant: str) -> np.ndarray:
        """Which coordinates a variant fits."""
        removed = VARIANTS[variant]
        return np.array(
            [
                not any(label == name or label.startswith(f"{name} of") for name in removed)
                for label in self.labels
            ]
        )

    def without(self, variant: str, u: np.ndarray) -> np.ndarray:
        """Coordinates with what a variant lacks removed."""
        gone = np.array(
            [
                GONE if label.startswith(("convergent", "divergent")) else 0.0
                for label in self.labels
            ]
        )
        return np.where(self.free(variant), u, gone)

    def starts(self, n: int, count: int) -> np.ndarray:
        """The best n of `count` random starts."""
        u = self.problem.coordinates.random(np.random.default_rng(SEED), count)
        loss = np.sum(self.fitter.look(u)[0] ** 2, axis=1)
        return u[np.argsort(np.where(np.isfinite(loss), loss, np.inf))[:n]]

    def runs(self, variant: str, u: np.ndarray, weights: np.ndarray | None = None) -> Runs:
        """Fits of a variant, ready to begin; priors of what the variant lacks have no weight."""
        rows = np.stack([self.without(variant, row) for row in np.atleast_2d(u)])
        free = {
            name: bool(f)
            for label, f in zip(self.labels, self.free(variant), strict=True)
            for name in (label, label.partition(" of ")[2])
        }
        priors = [float(free[name]) for name in self.problem.coordinates.priors]
        own = np.concatenate(
            [
                np.ones(len(self.problem.targets)) if weights is None else weights,
                priors,
                np.ones(len(self.problem.conditions)),
            ]
        )
        return Runs(
            rows,
            np.repeat(self.free(variant)[None], len(rows), axis=0),
            np.repeat(own[None], len(rows), axis=0),
        )

    def fit_all(
        self, groups: dict[str, Runs], steps: int, say: Callable[[str], None]
    ) -> dict[str, Runs]:
        """Groups of fits side by side; of each group sorted by loss, best first."""
        found, at, results = self.fitter.fit(Runs.joined(list(groups.values())), steps, say), 0, {}
        for name, runs in groups.items():
            own = found[slice(at, at + len(runs))]
            at += len(runs)
            results[name] = own[np.argsort(np.where(np.isfinite(own.loss), own.loss, np.inf))]
        return results

    def precise(self) -> np.ndarray:
        """Weights of the targets as if recordings of VIP had an error of 10 %."""
        t = self.problem.targets
        vip = (np.array(t.population) == "VIP") & (np.array(t.quantity) == "rate_mean")
        return np.where(vip, t.error**2 / (0.04 + (PRECISE * t.value) ** 2), 1.0)

    def misfit(self, predictions: np.ndarray, rows: np.ndarray) -> dict[str, float]:
        """Mean squared standardised misfit of mean rates by population and of all; that of SDs."""
        t = self.problem.targets
        square = ((predictions - t.value) / t.error) ** 2
        mean = (np.array(t.quantity) == "rate_mean") & rows
        found = {p: float(np.mean(square[mean & (np.array(t.population) == p)])) for p in SIGNS}
        return {
            "all": float(np.mean(square[mean])),
            **found,
            "SD": float(np.mean(square[rows & ~mean & (np.array(t.quantity) == "rate_sd")])),
        }

    def data_loss(self, runs: Runs) -> float:
        """Sum of squares of the targets at the best of some fits, without priors."""
        t = self.problem.targets
        return float(
            np.sum(runs.weights[0, : len(t)] * ((runs.predictions[0] - t.value) / t.error) ** 2)
        )

    def null(self) -> np.ndarray:
        """Predictions that novelty changes nothing: the mean of both image sets."""
        t = self.problem.targets
        place = {
            (q, p, c, round(float(s), 6)): k
            for k, (q, p, c, s) in enumerate(
                zip(t.quantity, t.population, t.condition, t.time, strict=True)
            )
        }
        both = [
            [t.value[place[q, p, c, round(float(s), 6)]] for c in IMAGE_SETS]
            for q, p, s in zip(t.quantity, t.population, t.time, strict=True)
        ]
        return np.mean(both, axis=1)

    def rise(
        self, values: np.ndarray, first: int, population: str = "VIP"
    ) -> dict[str, list[float]]:
        """Mean rate in the .25 s before the omission and in its last .25 s (.5 to .75 s)."""
        t, found = self.problem.targets, {}
        seconds = t.time * UNIT - BEFORE + start_of(first)
        for name in IMAGE_SETS:
            own = (
                (np.array(t.population) == population)
                & (np.array(t.condition) == name)
                & (np.array(t.quantity) == "rate_mean")
            )
            windows = [own & (seconds > a) & (seconds < a + 0.25) for a in (-0.25, 0.5)]
            found[name] = [float(np.mean(values[w])) for w in windows]
        return found


def held(times: np.ndarray, courses: dict[str, np.ndarray], cycles: range) -> dict[str, np.ndarray]:
    """Layer 4's rate kept during the omission at its mean over the .1 s before."""
    seconds = times * UNIT - BEFORE + start_of(cycles[0])
    before = np.mean(courses["layer4"][(seconds > -0.1) & (seconds < 0)])
    return {
        **courses,
        "layer4": np.where((seconds > 0) & (seconds < CYCLE), before, courses["layer4"]),
    }


class Report:
    """What fits found, as plain data, written to a file after every part."""

    def __init__(self, path: Path, say: Callable[[str], None]):
        self.path, self.say = path, say
        self.parts: dict[str, Any] = {}

    @classmethod
    def read(cls, path: Path, say: Callable[[str], None]) -> "Report":
        """One to add to."""
        found = cls(path, say)
        found.parts = json.loads(path.read_text())
        return found

    def add(
        self,
        part: str,
        own: Study,
        groups: dict[str, Runs],
        steps: int,
        rows: Callable[[str], np.ndarray] | None = None,
    ) -> dict[str, Runs]:
        """Fit groups; keep the best of each with its misfit to the targets of `rows`, or all."""
        found = own.fit_all(groups, steps, self.say)
        chosen = rows or (lambda name: np.ones(len(own.cycles), dtype=bool))
        self.parts[part] = {
            name: {
                "u": runs.u[0].tolist(),
                "losses": runs.loss.round(3).tolist(),
                "data": own.data_loss(runs),
                "misfit": own.misfit(runs.predictions[0], chosen(name)),
                "rise": own.rise(runs.predictions[0], FITTED[0]),
            }
            for name, runs in found.items()
        }
        self.path.write_text(json.dumps(self.parts, indent=1) + "\n")
        return found

    def best(self, part: str, name: str) -> np.ndarray:
        """Coordinates of a fit."""
        return np.array(self.parts[part][name]["u"])


def study(
    data: Any, out: Path, say: Callable[[str], None], *, starts: int = 9, steps: int = 30
) -> None:
    """Everything that takes long, written to `out`."""
    own, report = Study.of(data), Report(out, say)
    report.parts |= {
        "labels": list(own.labels),
        "seed": SEED,
        "random starts": 25 * starts,
        "fitted starts": starts,
        "steps": steps,
    }
    random = own.starts(starts, 25 * starts)
    tried = report.add(
        "starts", own, {name: own.runs(name, random) for name in ("everything", "mechanism")}, steps
    )
    first = {name: runs.u for name, runs in tried.items()}
    begin = {
        True: [*first["mechanism"][:2], first["everything"][0]],
        False: [*first["everything"][:2], first["mechanism"][0]],
    }
    fits = report.add(
        "fits",
        own,
        {name: own.runs(name, np.array(begin["mechanism" in name])) for name in VARIANTS},
        steps,
    )
    after(data, own, report, {name: runs.u[0] for name, runs in fits.items()}, steps)


def after(data: Any, own: Study, report: Report, found: dict[str, np.ndarray], steps: int) -> None:
    """What follows the first fits.

    Each variant again from another's minimum, held-out cycles, and VIP as if it were known well.
    """
    again = own.fit_all(
        {name: own.runs(name, transplant(own, name, found)) for name in VARIANTS}, steps, report.say
    )
    fits = report.add(
        "fits",
        own,
        {name: own.runs(name, np.array([found[name], again[name].u[0]])) for name in VARIANTS},
        1,
    )
    report.add(
        "folds",
        own,
        folds(own, {name: runs.u[:1] for name, runs in fits.items()}),
        steps // 2,
        held_out(own),
    )
    report.add(
        "precise",
        own,
        {name: own.runs(name, runs.u[:1], own.precise()) for name, runs in fits.items()},
        steps,
    )
    kept = Study.of(data, held_layer4=True)
    groups = {name: kept.runs(name, fits[name].u[:1]) for name in CHALLENGED}
    groups |= {
        f"{name} (precise)": kept.runs(name, report.best("precise", name), kept.precise())
        for name in CHALLENGED
    }
    report.add("layer 4 held", kept, groups, steps)
    adaptation(data, report, steps)


def transplant(own: Study, variant: str, found: dict[str, np.ndarray]) -> np.ndarray:
    """The minimum of another variant with the smallest loss as a start of this one."""
    others = [u for name, u in found.items() if name != variant]
    runs = own.runs(variant, np.array(others))
    loss = np.sum(runs.weights * own.fitter.look(runs.u)[0] ** 2, axis=1)
    return runs.u[np.argmin(np.where(np.isfinite(loss), loss, np.inf))]


def adaptation(data: Any, report: Report, steps: int) -> None:
    """The same with VIP cells that adapt, weakly and strongly at the start."""
    own = Study.of(data, adapting=True)

    def begin(part: str, name: str) -> np.ndarray:
        given = dict(zip(report.parts["labels"], report.best(part, name), strict=True))
        return np.array(
            [
                [
                    {"membrane.strength[VIP]": np.log(s), "membrane.tau_a[VIP]": np.log(20.0)}.get(
                        label, given.get(label, np.nan)
                    )
                    for label in own.labels
                ]
                for s in (0.1, 1.0)
            ]
        )

    report.parts["labels, adapting"] = list(own.labels)
    fits = report.add(
        "adapting", own, {name: own.runs(name, begin("fits", name)) for name in CHALLENGED}, steps
    )
    report.add(
        "adapting, folds",
        own,
        folds(own, {name: runs.u[:1] for name, runs in fits.items()}),
        steps,
        held_out(own),
    )
    report.add(
        "adapting, precise",
        own,
        {name: own.runs(name, begin("precise", name), own.precise()) for name in CHALLENGED},
        steps,
    )


def folds(own: Study, u: dict[str, np.ndarray]) -> dict[str, Runs]:
    """Each cycle held out in turn, by variant."""
    return {
        f"{name} | {k}": own.runs(name, rows, (own.cycles != k).astype(float))
        for name, rows in u.items()
        for k in FITTED
    }


def held_out(own: Study) -> Callable[[str], np.ndarray]:
    """The targets that a fold leaves out."""
    return lambda name: own.cycles == int(name.split(" | ")[1])
