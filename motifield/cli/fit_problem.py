"""The fit that a command line asks for: section [fit] of the spec, changed by options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ..errors import ParameterError, SpecError
from .fit_results import Extra
from .model import Model
from .options import option


@dataclass(frozen=True)
class Changes:
    """Options that stand in for entries of section [fit]."""

    targets: Annotated[
        Path | None,
        option(
            "--targets",
            help="Measured values with errors: .csv, .json or .nc; default: the file the spec "
            "names.",
        ),
    ] = None
    starts: Annotated[
        int | None,
        option(
            "--starts",
            min=1,
            help="Number of random starts; default: the spec's, or 32 if it names none.",
        ),
    ] = None
    seed: Annotated[
        int | None,
        option("--seed", min=0, help="Seed of the random starts; default: the spec's, or 0."),
    ] = None
    steps: Annotated[
        int | None,
        option(
            "--steps",
            min=1,
            help="Most steps of each start; default: the spec's, or the solver's.",
        ),
    ] = None
    motifs: Annotated[
        str | None,
        option(
            "--motifs",
            help="Classes of motifs that are free, instead of the spec's: convergent, divergent, "
            "chain, reciprocal separated by commas, or none.",
        ),
    ] = None

    def of(self, loaded: Any) -> Any:
        """A spec's section [fit] with these entries."""
        from ..numerics.fitting import FreeMotifs
        from ..numerics.spec import FitSpec

        targets = None if self.targets is None else str(self.targets)
        given = {"targets": targets, "starts": self.starts, "seed": self.seed, "steps": self.steps}
        changes: dict[str, Any] = {name: v for name, v in given.items() if v is not None}
        if self.motifs is not None:
            names = self.motifs.split(",") if self.motifs.strip() != "none" else []
            classes = [name.strip() for name in names]
            FreeMotifs.classes(*classes)  # raises for an unknown one
            changes |= {"motif_classes": classes, "free_motifs": [], "tied_motifs": []}
        section = FitSpec() if loaded.fit is None else loaded.fit
        return section.model_copy(update=changes)


def problem_of(
    model: Model, section: Any, held_out: Sequence[str], extra: Extra
) -> tuple[Any, dict[str, Any]]:
    """The problem, and how it is searched.

    Raises:
        SpecError: nothing is unknown, or the models of `--compare` would be the same.
        ParameterError: an option names a target or number that the fit does not have.
    """
    system, parameters = model.system, model.parameters
    arguments = section.arguments(parameters)
    arguments["targets"] = held_out_of(arguments["targets"], held_out)
    if not (section.motifs().free or section.motifs().tied):
        if extra.compare:
            raise SpecError(
                f"{model.spec}: --compare fits without each class of free motifs, "
                "and none is free: free some, there or by --motifs"
            )
        if not arguments["unknowns"]:
            raise SpecError(
                f"{model.spec}: nothing is unknown: name numbers in [[fit.unknown]] or [fit.dale], "
                "or free motifs, there or by --motifs"
            )
    if extra.posterior is not None:
        from ..numerics.inference import require_blackjax

        require_blackjax()
    from ..numerics.fitting import Problem

    search = {name: arguments.pop(name) for name in ("solver", "starts", "seed", "free_states")}
    problem = Problem.of(system, parameters, **arguments)
    for name in extra.profile or []:
        if name not in problem.coordinates.names:
            raise ParameterError(
                f"--profile {name}: the fit has no such number; "
                f"it has {', '.join(problem.coordinates.names)}"
            )
    return problem, search


def held_out_of(targets: Any, texts: Sequence[str]) -> Any:
    """The targets, with those of `--held-out` held out."""
    for text in texts:
        quantity, _, condition = (part.strip() for part in text.partition("/"))
        pairs = (("quantity", quantity), ("condition", condition))
        columns = {name: value for name, value in pairs if value not in ("", "*")}
        if not columns:
            raise SpecError(
                f"--held-out {text!r} is not QUANTITY, QUANTITY/CONDITION or */CONDITION"
            )
        try:
            targets = targets.hold_out(**columns)
        except ParameterError as error:
            raise ParameterError(f"--held-out {text!r}: {error}") from None
    return targets
