"""Spec files: a network described in TOML or JSON. Reading one never runs code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, model_validator

from ...errors import ArchitectureError, MotifieldError, NetworkError, SpecError
from ...theory.architecture import MOTIFS, Architecture
from ...theory.equations import CLOSURES, Closure
from ..networks import (
    Network,
    ReadOptions,
    measure,
    read_edges,
    read_network,
    spectral_radius,
)
from ..parameters import (
    Number,
    Parameters,
    ParametersSpec,
    PerPopulation,
    Strict,
    read_mapping,
    validate,
)
from .fit import FitSpec

FilterSpec = str | dict[str, Any] | list[str | dict[str, Any]]


class ArchitectureSpec(Strict):
    """[architecture]: `populations` (omit for a symbolic number), `transfer`, `motifs`, `membrane`, `synapse`, `inputs`, `closure`."""

    populations: list[str] | None = None
    transfer: str | dict[str, Any] | list[str | dict[str, Any]] = "rectified_linear"
    motifs: list[str] = Field(default=list(MOTIFS))
    membrane: FilterSpec = "1/(1 + s)"
    synapse: FilterSpec = "1"
    inputs: list[str] = Field(default=[])
    closure: str = "low-rank"


class ConnectomeSpec(Strict):
    """[connectome]: tables of `edges` and `nodes`, or any `network` that `read_network` reads.

    `labels` go with a network. All `ReadOptions` are entries, too. `spectral_radius` is that to
    scale the weights to, and `input` the external input.
    """

    model_config = ConfigDict(extra="allow")

    edges: str | None = None
    nodes: str | None = None
    network: str | None = None
    labels: str | None = None
    spectral_radius: Number | None = Field(default=None, gt=0)
    input: Number | list[Number] | dict[str, Any] = 0.0

    @model_validator(mode="after")
    def _one_form(self) -> ConnectomeSpec:
        if (self.edges is None) == (self.network is None):
            raise ValueError("give edges (and nodes), or network (and labels)")
        other = TABLE_ENTRIES if self.edges is None else MATRIX_ENTRIES
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        if wrong := sorted(other & (given | set(self.model_extra or {}))):
            form = "edges" if self.edges is None else "network"
            raise ValueError(f"{', '.join(wrong)} go with {form}")
        try:
            self.options()
        except (NetworkError, TypeError) as error:
            raise ValueError(str(error)) from None
        return self

    def options(self) -> ReadOptions:
        """How the files are read."""
        return ReadOptions.of(None, self.model_extra or {})

    def build(self, folder: Path) -> Network:
        def there(name: str | None) -> Path | None:
            return None if name is None else folder / name

        if self.edges is not None:
            network = read_edges(folder / self.edges, there(self.nodes), self.options())
        else:
            network = read_network(folder / str(self.network), there(self.labels), self.options())
        if self.spectral_radius is None:
            return network
        return network.scaled(self.spectral_radius / spectral_radius(network))


TABLE_ENTRIES = {"edges", "nodes", "pre", "post", "weight", "id", "label", "where", "unknown"}
MATRIX_ENTRIES = {"network", "labels", "kind", "rows"}


class FileSpec(Strict):
    """A whole file."""

    title: str = ""
    architecture: ArchitectureSpec = ArchitectureSpec()
    parameters: ParametersSpec | None = None
    connectome: ConnectomeSpec | None = None
    fit: FitSpec | None = None
    initial: dict[str, PerPopulation] = Field(default={})
    t1: Number = Field(default=50.0, gt=0)

    @model_validator(mode="after")
    def _one_source(self) -> FileSpec:
        if self.parameters is not None and self.connectome is not None:
            raise ValueError("give [parameters] or [connectome], not both")
        return self


@dataclass(frozen=True)
class Spec:
    """A description of a network, ready to derive and run.

    parameters: given, or measured on `network` when the spec names a connectome; None in a spec that only declares an architecture
    fit: what is unknown, None without a section [fit]
    """

    title: str
    architecture: Architecture
    closure: Closure
    parameters: Parameters | None
    network: Network | None
    initial: dict[str, Any]
    t1: float
    fit: FitSpec | None = None

    def numbers(self) -> Parameters:
        """The parameters; raises `SpecError` when the spec has none."""
        if self.parameters is None:
            raise SpecError(
                "the spec has neither [parameters] nor [connectome]: there are no numbers to run with"
            )
        return self.parameters


def load_spec(path: str | Path) -> Spec:
    """Read a TOML or JSON spec. Raises `SpecError` for a missing, malformed or unknown entry, naming it."""
    data = read_mapping(path)
    file = validate(FileSpec, data, path)
    try:
        network = file.connectome.build(Path(path).parent) if file.connectome else None
        names = file.architecture.populations or (list(network.populations) if network else None)
        if network is not None and names != list(network.populations):
            raise ArchitectureError(
                f"the connectome has the populations {list(network.populations)}, the architecture {names}"
            )
        declared = file.architecture
        parts = {
            name: getattr(declared, name)
            for name in ("transfer", "motifs", "membrane", "synapse", "inputs")
        }
        architecture = Architecture(names, **parts)
        parameters = (
            Parameters.of(**file.parameters.arguments(architecture.populations))
            if file.parameters
            else None
        )
        if network is not None and file.connectome is not None:
            parameters = measure(network).parameters(input=file.connectome.input)
        if names is None and parameters is not None:
            architecture = Architecture(parameters.populations, **parts)
        closure = closure_of(file.architecture.closure)
    except MotifieldError as error:
        raise type(error)(f"{path}: {error}") from None
    unknown = None if file.fit is None else file.fit.within(Path(path).parent)
    return Spec(
        file.title or Path(path).stem,
        architecture,
        closure,
        parameters,
        network,
        dict(file.initial),
        float(file.t1),
        unknown,
    )


def closure_of(name: str) -> Closure:
    """The closure of that name. Raises `ArchitectureError`, listing the known ones."""
    if name not in CLOSURES:
        raise ArchitectureError(f"unknown closure {name!r}: known are {', '.join(CLOSURES)}")
    return CLOSURES[name]
