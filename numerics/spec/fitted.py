"""A fit as a spec: the parameters that it found, with its section [fit], to go on from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..fitting import Fit
from ..parameters import entry_names, read_mapping, scalar, write_parameters
from .fit import FitSpec


def save_fitted_spec(
    fit: Fit, source: str | Path, path: str | Path, section: FitSpec | None = None
) -> None:
    """Write the spec `source` with the best solution's numbers, to .toml or .json, whole or not at all.

    [parameters] are those that all conditions share, instead of those that were there, or of a [connectome]; values that belong to one condition
    stand in [fit.conditions], and what a factor of one condition multiplies stands there multiplied. section: [fit], by default that of the
    source; a fit of the new spec starts from the solution. `persistence` alone, which is no parameter, is not in it. Raises `SpecError` for other
    suffixes and for inputs given as code.
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
        earlier = conditions.get(
            name, {}
        )  # those that are set anew come last, in their order: a factor that was there would multiply them
        conditions[name] = {
            key: value for key, value in earlier.items() if key not in settings
        } | settings
    return made | ({"conditions": conditions} if conditions else {})


def _settings(fit: Fit) -> Mapping[str, dict[str, float]]:
    """By condition: its own numbers."""
    found: dict[str, dict[str, float]] = {}
    unknowns = fit.problem.coordinates.unknowns
    for condition in dict.fromkeys(own.condition for own in unknowns if own.condition is not None):
        parameters = fit.parameters(condition)
        for part in (
            part
            for own in unknowns
            if own.condition == condition
            for name in own.names
            for part in scalar(name, parameters).parts
        ):
            values = np.broadcast_to(np.asarray(part.read(parameters)), part.where.shape)
            numbers = zip(entry_names(part, parameters), values[part.where].tolist(), strict=True)
            found.setdefault(condition, {}).update(numbers)
    return found
