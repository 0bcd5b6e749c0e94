"""The section [fit] of a spec: what is unknown, under which conditions, and how to search. Reading it never runs code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optax
from pydantic import ConfigDict, Field, model_validator

from ...errors import MotifieldError, ParameterError, SpecError
from ..fitting import (
    FirstOrder,
    FreeMotifs,
    LevenbergMarquardt,
    LogNormal,
    Normal,
    Prior,
    Solver,
    Unknown,
    dale,
)
from ..parameters import INPUTS, TENSORS, Number, Parameters, Strict, entries_of
from ..targets import Targets

SOLVERS: dict[str, type[Solver]] = {
    "levenberg-marquardt": LevenbergMarquardt,
    "first-order": FirstOrder,
}


Setting = Number | list[Number] | dict[str, Any]


class PriorSpec(Strict):
    """`{ normal = [mean, sd] }` or `{ log-normal = [median, sigma] }`; a negative median is that of a negative number."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, populate_by_name=True)
    normal: tuple[Number, Number] | None = None
    log_normal: tuple[Number, Number] | None = Field(default=None, alias="log-normal")

    @model_validator(mode="after")
    def _valid(self) -> PriorSpec:
        if (self.normal is None) == (self.log_normal is None):
            raise ValueError("give normal = [mean, sd] or log-normal = [median, sigma]")
        return _checked(self)

    def build(self) -> Prior:
        if self.normal is not None:
            return Normal(*map(float, self.normal))
        assert self.log_normal is not None
        median, sigma = map(float, self.log_normal)
        return LogNormal(abs(median), sigma, -1 if median < 0 else 1)


class UnknownSpec(Strict):
    """[[fit.unknown]]: `name`, or `names` that share a value; `condition`, `low`, `high`, `start`, `prior`."""

    name: str | None = None
    names: list[str] | None = None
    condition: str | None = None
    low: Number | None = None
    high: Number | None = None
    start: tuple[Number, Number] | None = None
    prior: PriorSpec | None = None

    @model_validator(mode="after")
    def _valid(self) -> UnknownSpec:
        if (self.name is None) == (not self.names):
            raise ValueError("give name, or names that share one value")
        return _checked(self)

    def build(self) -> Unknown:
        names: Any = self.name if self.name is not None else tuple(self.names or ())
        low = -np.inf if self.low is None else float(self.low)
        high = np.inf if self.high is None else float(self.high)
        start = None if self.start is None else (float(self.start[0]), float(self.start[1]))
        return Unknown(
            names,
            self.condition,
            low,
            high,
            None if self.prior is None else self.prior.build(),
            start,
        )


class FitSpec(Strict):
    """[fit]: `targets`, `starts`, `seed`, `free_states`, `stable`, `step`, `correlated`, `solver`, `steps`, `learning_rate`, `free_motifs`,
    `tied_motifs` or `motif_classes`.

    steps: at most, of each start; learning_rate: of Adam, the first-order solver.
    [fit.dale] maps populations to the sign of their synapses, which makes every mean that is not 0 unknown; [[fit.unknown]] names others, and
    replaces those of [fit.dale] that it names as well; [fit.priors] maps names to priors; [fit.conditions.NAME] maps names to what differs in that
    condition, numbers or whole inputs.
    """

    targets: str | None = None
    starts: int = Field(default=32, ge=1)
    seed: int = Field(default=0, ge=0)
    free_states: bool = False
    stable: bool | Number = True
    step: Number = Field(default=0.1, gt=0)
    correlated: bool = False
    solver: str = "levenberg-marquardt"
    steps: int | None = Field(default=None, ge=1)
    learning_rate: Number | None = Field(default=None, gt=0)
    free_motifs: list[str] = Field(default=[])
    tied_motifs: list[str] = Field(default=[])
    motif_classes: list[str] | None = None
    dale: dict[str, int] = Field(default={})
    unknown: list[UnknownSpec] = Field(default=[])
    priors: dict[str, PriorSpec] = Field(default={})
    conditions: dict[str, dict[str, Setting]] = Field(default={})

    @model_validator(mode="after")
    def _valid(self) -> FitSpec:
        if self.solver not in SOLVERS:
            raise ValueError(
                f"the solver {self.solver!r} is unknown: there are {', '.join(SOLVERS)}"
            )
        if self.learning_rate is not None and SOLVERS[self.solver] is not FirstOrder:
            raise ValueError(
                f"the solver {self.solver!r} has no learning_rate: give it with solver = 'first-order'"
            )
        if self.motif_classes is not None and (self.free_motifs or self.tied_motifs):
            raise ValueError("give motif_classes, or free_motifs and tied_motifs, not both")
        strange = [name for name in self.motif_classes or [] if name not in TENSORS]
        if strange:
            raise ValueError(f"there is no motif {strange[0]!r}: there are {', '.join(TENSORS)}")
        twice = [
            label
            for own in self.unknown
            if own.prior is not None and (label := own.build().label) in self.priors
        ]
        if twice:
            raise ValueError(
                f"{twice[0]} has two priors, in [[fit.unknown]] and in [fit.priors]: give it one"
            )
        for condition, settings in self.conditions.items():
            wrong = [
                name
                for name, value in settings.items()
                if not isinstance(value, (int, float)) and name not in INPUTS
            ]
            if wrong:
                raise ValueError(
                    f"in conditions.{condition}, {wrong[0]} must be a number; only whole inputs ({', '.join(INPUTS)}) may be more"
                )
        return self

    def within(self, folder: Path) -> FitSpec:
        """The same, its file of targets found from this folder."""
        return (
            self
            if self.targets is None
            else self.model_copy(update={"targets": str(folder / self.targets)})
        )

    def motifs(self) -> FreeMotifs:
        """The motif coefficients that are free."""
        if self.motif_classes is not None:
            return FreeMotifs.classes(*self.motif_classes)
        return FreeMotifs(tuple(self.free_motifs), tuple(self.tied_motifs))

    def method(self) -> Solver:
        """The solver with its settings."""
        given: dict[str, Any] = {} if self.steps is None else {"steps": self.steps}
        if self.learning_rate is not None:
            given["optimiser"] = optax.adam(float(self.learning_rate))
        return SOLVERS[self.solver](**given)

    def unknowns(self, parameters: Parameters) -> tuple[list[Unknown], dict[str, Prior]]:
        """The unknowns, with their priors, and the priors of other parameters. Raises `ParameterError`."""
        strange = [name for name in self.dale if name not in parameters.populations]
        if strange:
            raise ParameterError(
                f"[fit.dale] gives a sign to the population {strange[0]!r}; the network has {', '.join(parameters.populations)}"
            )
        priors = {name: prior.build() for name, prior in self.priors.items()}
        named = [
            own if own.prior is not None else replace(own, prior=priors.get(own.label))
            for own in (given.build() for given in self.unknown)
        ]
        found = dale(self.dale, parameters, prior=priors) if self.dale else []
        taken = _means([own for own in named if own.condition is None], parameters)
        found = [
            own for own in found if not np.any(taken & entries_of(own.names[0], parameters)[1])
        ]
        used = {own.label for own in (*found, *named)}
        return [*found, *named], {name: prior for name, prior in priors.items() if name not in used}

    def arguments(self, parameters: Parameters, targets: Targets | None = None) -> dict[str, Any]:
        """What `fit` takes beside the system and these parameters; targets: instead of those of the section.

        Raises `SpecError` without targets and for conditions that have none, `ParameterError` for what does not fit the parameters.
        """
        if targets is None and self.targets is None:
            raise SpecError(
                "there are no targets: name their file in the section [fit] of the spec, as targets = 'rates.csv'"
            )
        own = Targets.read(str(self.targets)) if targets is None else targets
        idle = [name for name in self.conditions if name not in own.conditions]
        if idle:
            raise SpecError(
                f"[fit.conditions] has {idle[0]!r}, of which there are no targets: they are of {', '.join(own.conditions)}"
            )
        unknowns, priors = self.unknowns(parameters)
        conditions = {name: self.conditions.get(name, {}) for name in own.conditions}
        return {
            "targets": own,
            "unknowns": unknowns,
            "priors": priors,
            "motifs": self.motifs(),
            "conditions": conditions,
            "solver": self.method(),
            "starts": self.starts,
            "seed": self.seed,
            "free_states": self.free_states,
            "stable": self.stable,
            "step": float(self.step),
            "correlated": self.correlated,
        }


def _checked(own: Any) -> Any:
    """Builds it once, so that what makes no sense is an error of the file."""
    try:
        own.build()
    except MotifieldError as error:
        raise ValueError(str(error)) from None
    return own


def _means(unknowns: Sequence[Unknown], parameters: Parameters) -> np.ndarray:
    """Which entries of mean are named."""
    taken = np.zeros((parameters.P, parameters.P), dtype=bool)
    for own in unknowns:
        for name in own.names:
            if name.partition("[")[0].strip() == "mean":
                taken |= entries_of(name, parameters)[1]
    return taken
