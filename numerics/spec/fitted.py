"""A fit as a spec: the parameters that it found, with its section [fit]."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..parameters import entry_names, read_mapping, scalar, write_parameters
from .fit import FitSpec

if TYPE_CHECKING:
    from ..fitting import Fit


def save_fitted_spec(
    fit: Fit, source: str | Path, path: str | Path, section: FitSpec | None = None
) -> None:
    """Write a spec with the numbers of the best solution, to run or to fit further.

    [parameters] become those that all conditions share, in place of those of the source or of its
    [connectome]. Values that belong to one condition stand in [fit.conditions], multiplied by the
    factor of that condition, where there is one. A fit of the new spec starts from the solution.
    `persistence` alone, which is no parameter, is not in it.

    Args:
        fit: of `fit`.
        source: the spec that was fitted.
        path: .toml or .json file, written whole or not at all.
        section: the section [fit]; by default that of the source.

    Raises:
        SpecError: another suffix, or inputs that are given as code.
    """
    data = read_mapping(source)
    data.pop("connectome", None)
    data["parameters"] = fit.parameters().data()
    data["architecture"] = {
        **data.get("architecture", {}),
        "closure": fit.problem.system.mean_field.closure.name,
    }
    own = section or FitSpec.model_validate(data.get("fit", {})).within(Path(source).parent)
    data["fit"] = _section(fit, own, Path(path).parent)
    write_parameters(data, path)


def _section(fit: Fit, section: FitSpec, folder: Path) -> dict[str, Any]:
    made = section.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)
    if section.targets is not None:
        made["targets"] = os.path.relpath(section.targets, folder)
    conditions: dict[str, dict[str, Any]] = {
        name: dict(given) for name, given in made.get("conditions", {}).items()
    }
    for name, settings in _settings(fit).items():
        # those that are set anew come last: a factor that was there would multiply them
        earlier = conditions.get(name, {})
        kept = {key: value for key, value in earlier.items() if key not in settings}
        conditions[name] = kept | settings
    return made | ({"conditions": conditions} if conditions else {})


def _settings(fit: Fit) -> Mapping[str, dict[str, float]]:
    """By condition: its own numbers."""
    found: dict[str, dict[str, float]] = {}
    for own in fit.problem.coordinates.unknowns:
        if own.condition is None:
            continue
        parameters = fit.parameters(own.condition)
        for part in (part for name in own.names for part in scalar(name, parameters).parts):
            values = np.broadcast_to(np.asarray(part.read(parameters)), part.where.shape)
            numbers = zip(entry_names(part, parameters), values[part.where].tolist(), strict=True)
            found.setdefault(own.condition, {}).update(numbers)
    return found
