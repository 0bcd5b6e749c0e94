"""The section [fit] of a spec: what is unknown, the conditions, and how to search.

Reading it never runs code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, model_validator

from ...errors import ParameterError, SpecError
from ..parameters import INPUTS, TENSORS, Number, Strict
from .unknowns import PriorSpec, UnknownSpec

if TYPE_CHECKING:  # what fits need loads when there is one
    from ..fitting import FreeMotifs, Prior, Solver, Unknown
    from ..parameters import Parameters
    from ..targets import Targets

FIRST_ORDER = "first-order"
SOLVERS = ("levenberg-marquardt", FIRST_ORDER)
MANY = 10**9  # starts and steps: what nobody waits for
Setting = Number | list[Number] | dict[str, Any]


class FitSpec(Strict):
    """[fit]: what is unknown, what the targets are, and how to search.

    Args:
        targets: file of targets.
        starts: number of random starts.
        seed: of the starts.
        free_states: let states be unknowns beside the parameters.
        stable: penalise solutions close to instability, as in `fit`.
        step: longest step of time courses.
        correlated: use the covariance of the targets for the misfit.
        solver: "levenberg-marquardt" or "first-order".
        steps: most steps of each start; default: the solver's.
        learning_rate: of Adam, the first-order solver.
        free_motifs: motif coefficients that are free.
        tied_motifs: motif coefficients whose entries share one number.
        motif_classes: classes that are free, instead of these two.
        dale: sign of the synapses of each source population, which makes every mean that is not
            0 unknown.
        unknown: further unknowns, which replace those of `dale` that they name.
        priors: by name of a parameter.
        conditions: by name: what differs in that condition, numbers or whole inputs.
    """

    targets: str | None = None
    starts: int = Field(default=32, ge=1, le=MANY)
    seed: int = Field(default=0, ge=0, lt=2**63)
    free_states: bool = False
    stable: bool | Number = True
    step: Number = Field(default=0.1, gt=0)
    correlated: bool = False
    solver: str = "levenberg-marquardt"
    steps: int | None = Field(default=None, ge=1, le=MANY)
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
        self._solver_exists()
        self._motifs_are_given_once()
        self._priors_are_given_once()
        self._settings_are_numbers()
        return self

    def _solver_exists(self) -> None:
        if self.solver not in SOLVERS:
            raise ValueError(
                f"the solver {self.solver!r} is unknown: there are {', '.join(SOLVERS)}"
            )
        if self.learning_rate is not None and self.solver != FIRST_ORDER:
            raise ValueError(
                f"the solver {self.solver!r} has no learning_rate: "
                "give it with solver = 'first-order'"
            )

    def _motifs_are_given_once(self) -> None:
        if self.motif_classes is not None and (self.free_motifs or self.tied_motifs):
            raise ValueError("give motif_classes, or free_motifs and tied_motifs, not both")
        strange = [name for name in self.motif_classes or [] if name not in TENSORS]
        if strange:
            raise ValueError(f"there is no motif {strange[0]!r}: there are {', '.join(TENSORS)}")

    def _priors_are_given_once(self) -> None:
        labels = [own.build().label for own in self.unknown if own.prior is not None]
        twice = [label for label in labels if label in self.priors]
        if twice:
            raise ValueError(
                f"{twice[0]} has two priors, in [[fit.unknown]] and in [fit.priors]: give it one"
            )

    def _settings_are_numbers(self) -> None:
        for condition, settings in self.conditions.items():
            more = [name for name, v in settings.items() if not isinstance(v, (int, float))]
            wrong = [name for name in more if name not in INPUTS]
            if wrong:
                raise ValueError(
                    f"in conditions.{condition}, {wrong[0]} must be a number; "
                    f"only whole inputs ({', '.join(INPUTS)}) may be more"
                )

    def within(self, folder: Path) -> FitSpec:
        """The same, its file of targets found from this folder."""
        if self.targets is None:
            return self
        return self.model_copy(update={"targets": str(folder / self.targets)})

    def motifs(self) -> FreeMotifs:
        """The motif coefficients that are free."""
        from ..fitting import FreeMotifs

        if self.motif_classes is not None:
            return FreeMotifs.classes(*self.motif_classes)
        return FreeMotifs(tuple(self.free_motifs), tuple(self.tied_motifs))

    def method(self) -> Solver:
        """The solver with its settings."""
        from ..fitting import FirstOrder, LevenbergMarquardt

        kinds: dict[str, type[Solver]] = dict(
            zip(SOLVERS, (LevenbergMarquardt, FirstOrder), strict=True)
        )
        given: dict[str, Any] = {} if self.steps is None else {"steps": self.steps}
        if self.learning_rate is not None:
            import optax

            given["optimiser"] = optax.adam(float(self.learning_rate))
        return kinds[self.solver](**given)

    def unknowns(self, parameters: Parameters) -> tuple[list[Unknown], dict[str, Prior]]:
        """The unknowns with their priors, and the priors of other parameters.

        Raises:
            ParameterError: [fit.dale] names a population that the network does not have.
        """
        from ..fitting import dale
        from ..parameters import entries_of

        strange = [name for name in self.dale if name not in parameters.populations]
        if strange:
            raise ParameterError(
                f"[fit.dale] gives a sign to the population {strange[0]!r}; "
                f"the network has {', '.join(parameters.populations)}"
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
        """The arguments of `fit` beside the system and these parameters.

        Args:
            parameters: the known numbers, and where the search begins.
            targets: instead of the file that the section names.

        Raises:
            SpecError: there are no targets, or a condition has none.
            ParameterError: an entry names what the parameters do not have.
        """
        from ..targets import Targets

        if targets is None and self.targets is None:
            raise SpecError(
                "there are no targets: name their file in the section [fit] of the spec, "
                "as targets = 'rates.csv'"
            )
        own = Targets.read(str(self.targets)) if targets is None else targets
        idle = [name for name in self.conditions if name not in own.conditions]
        if idle:
            raise SpecError(
                f"[fit.conditions] has {idle[0]!r}, of which there are no targets: "
                f"they are of {', '.join(own.conditions)}"
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


def _means(unknowns: Sequence[Unknown], parameters: Parameters) -> np.ndarray:
    """Which entries of mean are named."""
    from ..parameters import entries_of

    taken = np.zeros((parameters.P, parameters.P), dtype=bool)
    for own in unknowns:
        for name in own.names:
            if name.partition("[")[0].strip() == "mean":
                taken |= entries_of(name, parameters)[1]
    return taken
