"""A fit as a spec: the parameters that it found, with its section [fit], to go on from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from .fit import Fit
from .fit_spec import FitSpec
from .parameter_file import read_mapping, write_parameters
from .unknowns import PERSISTENCE


def write_fitted_spec(fit: Fit, source: str | Path, path: str | Path, section: FitSpec | None = None) -> None:
    """Write the spec `source` with the best solution's numbers, to .toml or .json, whole or not at all.

    [parameters] are those that all conditions share, instead of those that were there, or of a [connectome]; values that belong to one condition
    stand in [fit.conditions]. section: [fit], by default that of the source; a fit of the new spec starts from the solution. `persistence`
    alone, which is no parameter, is not in it. Raises `SpecError` for other suffixes and for inputs given as code.
    """
    data = read_mapping(source)
    data.pop("connectome", None)
    data["parameters"] = fit.parameters().data()
    data["architecture"] = {**data.get("architecture", {}), "closure": fit.problem.system.mean_field.closure.name}
    own = section or FitSpec.model_validate(data.get("fit", {})).within(Path(source).parent)
    data["fit"] = _section(fit, own, Path(path).parent)
    write_parameters(data, path)


def _section(fit: Fit, section: FitSpec, folder: Path) -> dict[str, Any]:
    made = section.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)
    if section.targets is not None:
        made["targets"] = os.path.relpath(section.targets, folder)
    conditions: dict[str, dict[str, Any]] = {name: dict(given) for name, given in made.get("conditions", {}).items()}
    for name, settings in _settings(fit).items():
        conditions.setdefault(name, {}).update(settings)
    return made | ({"conditions": conditions} if conditions else {})


def _settings(fit: Fit) -> Mapping[str, dict[str, float]]:
    """By condition: its own numbers."""
    coordinates = fit.problem.coordinates
    found: dict[str, dict[str, float]] = {}
    values = np.asarray(coordinates.scalar_values(jnp.asarray(fit.u)))
    for own, value in zip(coordinates.unknowns, values, strict=True):
        if own.condition is not None:
            numbers = {name: float(value) for name in own.names if name.partition("[")[0].strip() != PERSISTENCE}
            found.setdefault(own.condition, {}).update(numbers)
    return found
