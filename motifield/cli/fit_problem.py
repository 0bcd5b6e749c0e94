"""The fit that a command line asks for: section [fit] of the spec, changed by options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ParameterError, SpecError
from .fit_results import Extra


def section_of(loaded: Any, targets: Path | None, motifs: str | None, **numbers: int | None) -> Any:
    """The spec's section [fit], with the entries that the command line gives instead."""
    from ..numerics.fitting import FreeMotifs
    from ..numerics.spec import FitSpec

    given = {"targets": None if targets is None else str(targets), **numbers}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if motifs is not None:
        classes = [] if motifs.strip() == "none" else [name.strip() for name in motifs.split(",")]
        FreeMotifs.classes(*classes)  # raises for an unknown one
        changes |= {"motif_classes": classes, "free_motifs": [], "tied_motifs": []}
    section = FitSpec() if loaded.fit is None else loaded.fit
    return section.model_copy(update=changes)


def problem_of(
    spec: Path,
    system: Any,
    parameters: Any,
    section: Any,
    held_out: Sequence[str],
    extra: Extra,
) -> tuple[Any, dict[str, Any]]:
    """The problem, and how it is searched.

    Raises:
        SpecError: nothing is unknown, or the models of `--compare` would be the same.
        ParameterError: an option names a target or number that the fit does not have.
    """
    arguments = section.arguments(parameters)
    arguments["targets"] = held_out_of(arguments["targets"], held_out)
    if not (section.motifs().free or section.motifs().tied):
        if extra.compare:
            raise SpecError(
                f"{spec}: --compare fits without each class of free motifs, and none is free: "
                "free some, there or by --motifs"
            )
        if not arguments["unknowns"]:
            raise SpecError(
                f"{spec}: nothing is unknown: name numbers in [[fit.unknown]] or [fit.dale], "
                "or free motifs, there or by --motifs"
            )
    if extra.posterior:
        from ..numerics.inference import require_blackjax

        require_blackjax()
    from ..numerics.fitting import Problem

    search = {name: arguments.pop(name) for name in ("solver", "starts", "seed", "free_states")}
    problem = Problem.of(system, parameters, **arguments)
    for name in extra.profiles:
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
