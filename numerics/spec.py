"""Spec files: a network described in TOML or JSON. Reading one never runs code."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import ArchitectureError, MotifieldError, SpecError
from ..files import write_text
from ..theory.architecture import MOTIFS, Architecture
from ..theory.closures import CLOSURES, Closure
from .edges import read_edges
from .inputs import Constant, Input, Steps, Table
from .measure import measure
from .network import Network
from .parameters import Motifs, Parameters

Number = float | int
PerPopulation = Number | list[Number] | dict[str, Number]
Matrix = Number | list[list[Number]] | dict[str, PerPopulation]
Cube = Number | list[list[list[Number]]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ArchitectureSpec(_Strict):
    """[architecture]: `populations` (omit for a symbolic number), `transfer`, `motifs`, `closure`."""

    populations: list[str] | None = None
    transfer: str | dict[str, Any] | list[str | dict[str, Any]] = "rectified_linear"
    motifs: list[str] = Field(default=list(MOTIFS))
    closure: str = "low-rank"


class MotifsSpec(_Strict):
    """[parameters.motifs]: coefficients, or `shared = tau`, or `by_population = [...]` with `chain_sign`."""

    convergent: Cube = 0.0
    divergent: Cube = 0.0
    chain: Cube = 0.0
    reciprocal: Matrix = 0.0
    shared: Number | None = None
    by_population: list[Number] | None = None
    chain_sign: Literal[1, -1] = 1

    @model_validator(mode="after")
    def _one_way(self) -> MotifsSpec:
        listed = bool({"convergent", "divergent", "chain", "reciprocal"} & self.model_fields_set)
        if listed + (self.shared is not None) + (self.by_population is not None) > 1:
            raise ValueError("give the motifs in one way: coefficients, shared, or by_population")
        return self

    def build(self) -> Motifs:
        if self.shared is not None:
            return Motifs.shared(self.shared)
        if self.by_population is not None:
            return Motifs.by_population(self.by_population, chain_sign=self.chain_sign)
        return Motifs(self.convergent, self.divergent, self.chain, self.reciprocal)


class ParametersSpec(_Strict):
    """[parameters]: `N`, `fractions`, `mean`, `g`, `motifs`, `input`; matrices have a row per target."""

    populations: list[str] | None = None
    N: Number
    fractions: PerPopulation
    mean: Matrix
    g: Matrix
    motifs: MotifsSpec = MotifsSpec()
    input: Number | list[Number] | dict[str, Any] = 0.0

    def build(self, populations: tuple[str, ...] | None) -> Parameters:
        return Parameters.of(populations=self.populations or populations, N=self.N, fractions=self.fractions, mean=self.mean,
                             g=self.g, motifs=self.motifs.build(), input=self.input)  # fmt: skip


class ConnectomeSpec(_Strict):
    """[connectome]: tables of edges and neurons (see `read_edges`), `spectral_radius` to scale to, `input`."""

    edges: str
    nodes: str | None = None
    pre: int | str = 0
    post: int | str = 1
    weight: int | str | None = 2
    id: int | str = "id"
    label: str | int | None = None
    where: dict[str, Any] = {}
    smallest: int = 1
    other: str = "other"
    duplicates: Literal["refuse", "sum"] = "refuse"
    unknown: Literal["refuse", "drop"] = "refuse"
    self_synapses: Literal["keep", "drop"] = "keep"
    spectral_radius: Number | None = Field(default=None, gt=0)
    input: Number | list[Number] | dict[str, Any] = 0.0

    def build(self, folder: Path) -> Network:
        options = self.model_dump(exclude={"edges", "nodes", "spectral_radius", "input"})
        nodes = None if self.nodes is None else folder / self.nodes
        network = read_edges(folder / self.edges, nodes, **{**options, "where": self.where or None})
        return network if self.spectral_radius is None else network.scaled(self.spectral_radius / spectral_radius(network))


class FileSpec(_Strict):
    """A whole file."""

    title: str = ""
    architecture: ArchitectureSpec = ArchitectureSpec()
    parameters: ParametersSpec | None = None
    connectome: ConnectomeSpec | None = None
    initial: dict[str, PerPopulation] = {}
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
    """

    title: str
    architecture: Architecture
    closure: Closure
    parameters: Parameters | None
    network: Network | None
    initial: dict[str, Any]
    t1: float

    def numbers(self) -> Parameters:
        """The parameters; raises `SpecError` when the spec has none."""
        if self.parameters is None:
            raise SpecError("the spec has neither [parameters] nor [connectome]: there are no numbers to run with")
        return self.parameters


def load_spec(path: str | Path) -> Spec:
    """Read a TOML or JSON spec. Raises `SpecError` for a missing, malformed or unknown entry, naming it."""
    data = _read(path)
    file = _validate(FileSpec, data, path)
    try:
        network = file.connectome.build(Path(path).parent) if file.connectome else None
        names = file.architecture.populations or (list(network.populations) if network else None)
        if network is not None and names != list(network.populations):
            raise ArchitectureError(f"the connectome has the populations {list(network.populations)}, the architecture {names}")
        architecture = Architecture(names, file.architecture.transfer, file.architecture.motifs)
        parameters = file.parameters.build(architecture.populations) if file.parameters else None
        if network is not None and file.connectome is not None:
            parameters = measure(network).parameters(input=file.connectome.input)
        if names is None and parameters is not None:
            architecture = Architecture(parameters.populations, file.architecture.transfer, file.architecture.motifs)
        closure = closure_of(file.architecture.closure)
    except MotifieldError as error:
        raise type(error)(f"{path}: {error}") from None
    return Spec(file.title or Path(path).stem, architecture, closure, parameters, network, dict(file.initial), float(file.t1))


def closure_of(name: str) -> Closure:
    """The closure of that name. Raises `ArchitectureError`, listing the known ones."""
    if name not in CLOSURES:
        raise ArchitectureError(f"unknown closure {name!r}: known are {', '.join(CLOSURES)}")
    return CLOSURES[name]


def load_parameters(path: str | Path) -> Parameters:
    """Parameters from a TOML or JSON file: a whole spec, or the [parameters] table alone. Raises `SpecError`."""
    data = _read(path)
    if "parameters" in data or "architecture" in data or "connectome" in data:
        return load_spec(path).numbers()
    try:
        return _validate(ParametersSpec, data, path).build(None)
    except MotifieldError as error:
        raise type(error)(str(error) if str(path) in str(error) else f"{path}: {error}") from None


def save_parameters(parameters: Parameters, path: str | Path) -> None:
    """Write parameters to .toml or .json, whole or not at all. Raises `SpecError` for other suffixes and for inputs given as code."""
    data = {
        "populations": list(parameters.populations), "N": float(parameters.N),
        **{name: np.asarray(getattr(parameters, name)).tolist() for name in ("fractions", "mean", "g")},
        "input": _input_data(parameters.input),
        "motifs": {name: np.asarray(t).tolist() for name, t in parameters.motifs._asdict().items()},
    }  # fmt: skip
    match Path(path).suffix:
        case ".json":
            write_text(path, json.dumps(data, indent=1) + "\n")
        case ".toml":
            write_text(path, tomli_w.dumps(data))
        case suffix:
            raise SpecError(f"cannot write parameters to {path}: the suffix is {suffix!r}, it must be .toml or .json")


def _input_data(value: Input) -> Any:
    match value:
        case Constant(value=array):
            return np.asarray(array).tolist()
        case Steps(times=times, values=values) | Table(times=times, values=values):
            return {"kind": "steps" if isinstance(value, Steps) else "table", "times": np.asarray(times).tolist(),
                    "values": np.asarray(values).tolist()}  # fmt: skip
    raise SpecError("an input given as a Python function cannot be written to a file: use Steps or Table")


def spectral_radius(network: Network) -> float:
    """Largest absolute eigenvalue of the weights (ARPACK, from a fixed start)."""
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import eigs

    weights = network.weights
    if network.N < 50:
        dense = weights.toarray() if isinstance(weights, csr_array) else weights
        return float(np.abs(np.linalg.eigvals(dense)).max())
    values = eigs(weights.astype(float), k=1, which="LM", v0=np.ones(network.N), tol=1e-10, return_eigenvectors=False)
    return float(np.abs(values).max())


def _read(path: str | Path) -> dict[str, Any]:
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{path} is not valid {'JSON' if path.suffix == '.json' else 'TOML'}: {error}") from None
    if not isinstance(data, dict):
        raise SpecError(f"{path} must hold a table of entries, not a {type(data).__name__}")
    return data


def _validate(model: type[BaseModel], data: dict[str, Any], path: str | Path) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        seen: dict[str, str] = {}
        for e in error.errors():
            where = ".".join(str(k) for k in e["loc"] if not (isinstance(k, str) and ("[" in k or k in ("float", "int", "str"))))
            seen.setdefault(where, e["msg"])
        known = {"Extra inputs are not permitted": "unknown entry", "Field required": "missing"}
        lines = "\n  ".join(f"{where or 'file'}: {known.get(m, m.removeprefix('Value error, '))}" for where, m in seen.items())
        raise SpecError(f"{path} is not a valid spec:\n  {lines}") from None
