"""A network and its parameters as the arrays of a file, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from .reading import Reading

if TYPE_CHECKING:
    from ..parameters import Parameters

FORMAT = 3  # 1 had no inputs besides `input`, no filters and no noise; 2 had no strengths
PREFIX = "parameters."
STRENGTHS = "strengths."  # behind PREFIX
MEASURED = "measured."
READING = "reading"  # the report of reading, as JSON
INPUT_FIELDS = {
    "Constant": ("value",),
    "Steps": ("times", "values"),
    "Table": ("times", "values"),
}


@contextmanager
def reading(path: Any) -> Iterator[None]:
    """Say of whatever goes wrong with a file that it is no file of ours."""
    try:
        yield
    except NetworkError as error:
        if str(path) in str(error):
            raise
        raise NetworkError(f"{path}: {error}") from error
    except FileNotFoundError as error:
        raise NetworkError(f"there is no file {path}") from error
    except Exception as error:  # NumPy, h5py and zipfile raise many kinds on damaged files
        raise NetworkError(
            f"{path} is not a network written by Network.save, or it is damaged: {error}"
        ) from error


def arrays_of(
    weights: np.ndarray | sps.csr_array, parameters: Parameters | None, others: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """The arrays of the file; those of the parameters carry the prefix `parameters.`.

    Args:
        weights: the synapses.
        parameters: that the network was sampled from, if any.
        others: further arrays by name; those that are None are left out.
    """
    content: dict[str, Any] = {"format": FORMAT}
    content |= {name: value for name, value in others.items() if value is not None}
    if isinstance(weights, sps.csr_array):
        parts = ("data", "indices", "indptr", "shape")
        content |= {name: getattr(weights, name) for name in parts}
    else:
        content["weights"] = weights
    if parameters is not None:
        own = _parameter_arrays(parameters)
        content |= {f"{PREFIX}{name}": value for name, value in own.items()}
    return {name: np.asarray(array) for name, array in content.items()}


def feature_arrays(features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Features of neurons as arrays of a file: names, and values (N, F)."""
    if not features:
        return {}
    values = np.stack(list(features.values()), axis=1)
    return {"feature_names": np.array(list(features)), "features": values}


def features_in(content: Mapping[str, np.ndarray]) -> dict[str, np.ndarray] | None:
    """Features of neurons by name, of a file."""
    if "features" not in content:
        return None
    names = map(str, content["feature_names"])
    return dict(zip(names, content["features"].T, strict=True))


def reading_in(content: Mapping[str, np.ndarray]) -> Reading | None:
    """The report of reading in a file."""
    return Reading.from_json(json.loads(str(content[READING]))) if READING in content else None


def refuse_unknown_numbers(content: Mapping[str, np.ndarray]) -> None:
    """Raise `NetworkError` for NaN and infinity in the parameters and statistics of a file.

    Standard errors alone are not known where a population is too small, and a time may be infinite.
    """
    for name, array in content.items():
        if array.dtype.kind != "f" or not name.startswith((PREFIX, MEASURED)) or ".errors." in name:
            continue
        bad = array[np.isnan(array) if name.endswith(".times") else ~np.isfinite(array)]
        if len(bad):
            raise NetworkError(f"{name} holds {bad[0]}, which is no finite number")


def weights_in(path: Any, content: Mapping[str, np.ndarray]) -> Any:
    """The synapses of a file."""
    if int(content["format"]) > FORMAT:
        raise NetworkError(
            f"{path} was written by a newer motifield, in format {content['format']}: update "
            "motifield"
        )
    if "weights" in content:
        return content["weights"]
    entries = (content["data"], content["indices"], content["indptr"])
    weights = sps.csr_array(entries, shape=content["shape"])
    weights.check_format(full_check=True)
    return weights


def parameters_in(
    content: Mapping[str, np.ndarray], populations: tuple[str, ...]
) -> Parameters | None:
    """The parameters of a file; those that format 1 lacks have the defaults of `Parameters.of`."""
    own = {name: array for name, array in content.items() if name.startswith(PREFIX)}
    found = {name.removeprefix(PREFIX): array for name, array in own.items()}
    if not found:
        return None
    from ..parameters import (
        ARRAYS,
        FAMILIES,
        INPUTS,
        MOTIFS,
        NAMED_INPUTS,
        TENSORS,
        Motifs,
        Parameters,
    )

    values: dict[str, Any] = {
        name: found[name] for name in ARRAYS if name in found and name not in MOTIFS
    }
    for kind in FAMILIES:
        names = [name for name in found if name.startswith(f"{kind}.")]
        values[kind] = {name.removeprefix(f"{kind}."): found[name] for name in names}
    values |= {which: _input(which, found) for which in INPUTS if f"{which}.kind" in found}
    for kind in NAMED_INPUTS:
        names = [name for name in found if name.startswith(f"{kind}.") and name.endswith(".kind")]
        which = [name.removesuffix(".kind") for name in names]
        values[kind] = {name.removeprefix(f"{kind}."): _input(name, found) for name in which}
    values["N"] = float(found["N"])
    values["motifs"] = Motifs(**{motif: found[name] for motif, name in TENSORS.items()})
    if f"{STRENGTHS}features" in found:
        values["strengths"] = _strengths_in(found)
    return Parameters.of(populations=populations, **values, check=False)


def _parameter_arrays(own: Parameters) -> dict[str, Any]:
    from ..parameters import ARRAYS, FAMILIES, all_inputs

    found = {name: getattr(own, name) for name in ARRAYS}
    for kind in FAMILIES:
        found |= {f"{kind}.{name}": array for name, array in getattr(own, kind).items()}
    for which, drive in all_inputs(own).items():
        parts = _input_arrays(which, drive)
        found |= {f"{which}.{name}": array for name, array in parts.items()}
    if own.strengths is not None:
        for name in ("weight", "means", "covariances", "gamma", "quenched"):
            found[f"{STRENGTHS}{name}"] = getattr(own.strengths, name)
        found[f"{STRENGTHS}features"] = np.array(own.strengths.features, dtype=str)
    return found


def _strengths_in(found: Mapping[str, np.ndarray]) -> Any:
    import jax.numpy as jnp

    from ..parameters import Strengths

    names = ("weight", "means", "covariances", "gamma")
    own = {name: jnp.asarray(found[f"{STRENGTHS}{name}"]) for name in names}
    features = tuple(map(str, found[f"{STRENGTHS}features"]))
    return Strengths(features, **own, quenched=bool(found[f"{STRENGTHS}quenched"]))


def _input_arrays(which: str, drive: Any) -> dict[str, Any]:
    kind = type(drive).__name__
    if kind not in INPUT_FIELDS:
        raise NetworkError(
            f"the parameters' {which} is a {kind}, which a file cannot hold: use a constant, "
            "steps or a table, or save dataclasses.replace(network, parameters=None)"
        )
    return {"kind": kind, **{name: getattr(drive, name) for name in INPUT_FIELDS[kind]}}


def _input(which: str, found: Mapping[str, np.ndarray]) -> Any:
    import jax.numpy as jnp

    from ..parameters import inputs

    kind = str(found[f"{which}.kind"])
    values = (jnp.asarray(found[f"{which}.{name}"]) for name in INPUT_FIELDS[kind])
    return getattr(inputs, kind)(*values)
