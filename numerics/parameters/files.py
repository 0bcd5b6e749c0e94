"""Parameters as data in TOML or JSON files. Reading one never runs code."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

import numpy as np
import tomli_w
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    model_validator,
)

from ...errors import SpecError
from ...files import write_text
from ...numbers import brief, fault
from .tables import ARRAYS, FAMILIES, INPUTS, MOTIFS, NAMED_INPUTS, TENSORS

if TYPE_CHECKING:
    from .inputs import Input
    from .motifs import Motifs


def _number(value: Any) -> float | int:
    if reason := fault(value):
        raise ValueError(f"{brief(value)} {reason}")
    return value


Number = Annotated[float | int, BeforeValidator(_number)]
PerPopulation = Number | list[Number] | dict[str, Number]
Matrix = Number | list[list[Number]] | dict[str, PerPopulation]
Cube = Number | list[list[list[Number]]]

KIND = re.compile(r"float|int|str|bool|(list|dict|tuple|function-\w+)\[.*")
"""How pydantic names a member of a union where an error is; no entry of a file is called so."""


class Strict(BaseModel):
    """Unknown entries are errors, and so is what only could be turned into the right type."""

    model_config = ConfigDict(extra="forbid", strict=True)
    further: ClassVar[tuple[str, ...]] = ()
    """Entries that a table has beside its fields."""

    @classmethod
    def entries(cls) -> list[str]:
        """The names of what may stand in the table."""
        own = [f.alias or name for name, f in cls.model_fields.items() if not f.exclude]
        return [*own, *cls.further]


class MotifsSpec(Strict):
    """[parameters.motifs]: coefficients, `shared = tau`, or `by_population = [...]`.

    Args:
        convergent: tau_con[p, q, r], one number or nested lists.
        divergent: tau_div[q, p, r], likewise.
        chain: tau_chn[p, q, r], likewise.
        reciprocal: tau_rec[p, q], one number, or rows.
        shared: one number for convergent, divergent and chain motifs of all populations.
        by_population: one number for the motifs through each population.
        chain_sign: 1 or -1, the sign of the chains of `by_population`.
    """

    convergent: Cube = 0.0
    divergent: Cube = 0.0
    chain: Cube = 0.0
    reciprocal: Matrix = 0.0
    shared: Number | None = None
    by_population: list[Number] | None = None
    chain_sign: Annotated[Literal[1, -1], BeforeValidator(_number)] = 1

    @model_validator(mode="after")
    def _one_way(self) -> MotifsSpec:
        listed = bool(set(TENSORS) & self.model_fields_set)
        if listed + (self.shared is not None) + (self.by_population is not None) > 1:
            raise ValueError("give the motifs in one way: coefficients, shared, or by_population")
        return self

    def build(self) -> Motifs:
        from .motifs import Motifs

        if self.shared is not None:
            return Motifs.shared(self.shared)
        if self.by_population is not None:
            return Motifs.by_population(self.by_population, chain_sign=self.chain_sign)
        return Motifs(self.convergent, self.divergent, self.chain, self.reciprocal)


class StrengthsSpec(Strict):
    """[parameters.strengths]: components of each population in its order, features and gamma.

    Args:
        features: functions of a neuron's strengths that synapses know, as "in" and "out".
        gamma: assortativity, by target and source population, then by feature of target and source.
        quenched: whether components describe one given network, and not an ensemble.
        weights: of the components.
        means: of the components, a row each.
        covariances: of the components, a matrix each.
    """

    features: list[str] | None = None
    gamma: list[list[list[list[Number]]]] | None = None
    quenched: bool = False
    weights: list[list[Number]] | dict[str, list[Number]] | None = None
    means: list[list[list[Number]]] | dict[str, list[list[Number]]] | None = None
    covariances: list[Cube] | dict[str, Cube] | None = None

    def build(self) -> dict[str, Any]:
        """What `Parameters.of` takes."""
        return {name: v for name, v in self.model_dump().items() if v is not None}


class ParametersSpec(Strict):
    """[parameters]: the arguments of `Parameters.of`; matrices have a row per target.

    Args:
        populations: names, where [architecture] has none.
        N: total number of neurons.
        fractions: of the neurons, by population.
        mean: of a synapse, from the column's population onto the row's.
        g: standard deviation of a synapse times sqrt(N), likewise.
        motifs: correlations of pairs of synapses.
        input: external input, a number, one per population, or a course in time: { start, stop,
            amplitude, baseline }, { times, values, kind } or { times, signals, weights }.
        transfer: values of the parameters of transfer functions, by name.
        membrane: values of the parameters of the membranes' filters, by name.
        synapse: values of the parameters of the synapses' filters, by name.
        in_strength: input along the deviations of in-strengths, like input.
        spread: standard deviation of the inputs across neurons, like input.
        tau_inp: correlation of a neuron's input with the synapses that it makes.
        noise: half the intensity of the white noise of each neuron's input.
        strengths: how strengths are distributed, and assortativity.
        pattern_input: input along a pattern, by its name, like input.
        time_unit: name of the unit of all times.
    """

    populations: list[str] | None = None
    N: Number
    fractions: PerPopulation
    mean: Matrix
    g: Matrix
    motifs: MotifsSpec = MotifsSpec()
    input: Number | list[Number] | dict[str, Any] = 0.0
    transfer: dict[str, PerPopulation] = {}
    membrane: dict[str, PerPopulation] = {}
    synapse: dict[str, PerPopulation] = {}
    in_strength: Number | list[Number] | dict[str, Any] = 0.0
    spread: Number | list[Number] | dict[str, Any] = 0.0
    tau_inp: Matrix = 0.0
    noise: PerPopulation = 0.0
    strengths: StrengthsSpec | None = None
    pattern_input: dict[str, Number | list[Number] | dict[str, Any]] = {}
    time_unit: str = ""

    def arguments(self, populations: Any = None) -> dict[str, Any]:
        """What `Parameters.of` takes."""
        arrays = (name for name in ARRAYS if name not in MOTIFS)
        plain = (*arrays, *INPUTS, *NAMED_INPUTS, *FAMILIES)
        own = {name: getattr(self, name) for name in plain}
        return {
            "populations": self.populations or populations,
            "motifs": self.motifs.build(),
            "strengths": None if self.strengths is None else self.strengths.build(),
            "time_unit": self.time_unit,
            **own,
        }


def read_parameters(path: str | Path) -> dict[str, Any]:
    """Arguments of `Parameters.of` from a spec, or from a file with the table of parameters alone.

    Raises:
        SpecError: the file cannot be read, or is not of that kind.
    """
    data = read_mapping(path)
    if "connectome" in data:
        raise SpecError(f"{path} has a [connectome], whose parameters are measured: use load_spec")
    names = (
        data.get("architecture", {}).get("populations")
        if isinstance(data.get("architecture"), dict)
        else None
    )
    if "architecture" in data and "parameters" not in data:
        raise SpecError(f"{path} has no [parameters]")
    return validate(ParametersSpec, data.get("parameters", data), path).arguments(names)


def write_parameters(data: dict[str, Any], path: str | Path) -> None:
    """Write to .toml or .json, whole or not at all.

    Raises:
        SpecError: another suffix.
    """
    match Path(path).suffix:
        case ".json":
            write_text(path, json.dumps(data, indent=1) + "\n")
        case ".toml":
            write_text(path, tomli_w.dumps(data))
        case suffix:
            raise SpecError(
                f"cannot write parameters to {path}: the suffix is {suffix!r}, it must be .toml or "
                ".json"
            )


def parameter_data(parameters: Any) -> dict[str, Any]:
    """`Parameters` as plain data; motifs by class, and what is absent is left out.

    Raises:
        SpecError: an input that is code.
    """
    from .inputs import is_zero

    found = {
        "populations": list(parameters.populations),
        "N": float(parameters.N),
        **{name: _listed(parameters, name) for name in ("fractions", "mean", "g")},
        "input": input_data(parameters.input, parameters.populations),
        "motifs": {motif: _listed(parameters, name) for motif, name in TENSORS.items()},
    }
    for kind in FAMILIES:
        own = getattr(parameters, kind)
        found |= {kind: {name: np.asarray(v).tolist() for name, v in own.items()}} if own else {}
    for name in ("in_strength", "spread"):
        value = getattr(parameters, name)
        found |= {} if is_zero(value) else {name: input_data(value, parameters.populations)}
    for name in ("tau_inp", "noise"):
        if np.any(np.asarray(getattr(parameters, name)) != 0):
            found[name] = _listed(parameters, name)
    along = {k: v for k, v in parameters.pattern_input.items() if not is_zero(v)}
    if along:
        own = {name: input_data(v, parameters.populations) for name, v in along.items()}
        found["pattern_input"] = own
    if parameters.strengths is not None:
        found["strengths"] = parameters.strengths.data(parameters.populations)
    return found | ({"time_unit": parameters.time_unit} if parameters.time_unit else {})


def _listed(parameters: Any, name: str) -> Any:
    return np.asarray(getattr(parameters, name)).tolist()


def input_data(value: Input, populations: Sequence[str] = ()) -> Any:
    """An input as plain data.

    Args:
        value: the input.
        populations: names, for what each has of its own.

    Raises:
        SpecError: a function, which is code.
    """
    from .inputs import Constant, Input, Separate, Signals, Steps, Table

    match value:
        case Constant(value=array):
            return np.asarray(array).tolist()
        case Steps(times=times, values=values) | Table(times=times, values=values):
            return {
                "kind": "steps" if isinstance(value, Steps) else "table",
                "times": np.asarray(times).tolist(),
                "values": np.asarray(values).tolist(),
            }
        case Signals(times=times, signals=courses, weights=weights):
            return {
                "times": np.asarray(times).tolist(),
                "signals": {name: np.asarray(v).tolist() for name, v in courses.items()},
                "weights": {name: np.asarray(v).tolist() for name, v in weights.items()},
            }
        case Separate(parts=parts):
            own = (part.value.item() if isinstance(part, Constant) else part for part in parts)
            return {
                name: input_data(part) if isinstance(part, Input) else part
                for name, part in zip(populations, own, strict=True)
            }
    raise SpecError(
        "an input given as a Python function cannot be written to a file: use Steps, Table or "
        "Signals"
    )


def read_mapping(path: str | Path) -> dict[str, Any]:
    """The table that a TOML or JSON file holds.

    Raises:
        SpecError: the file cannot be read, or holds something else.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or error}"
        ) from None
    try:
        data = _from_json(text) if path.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecError(
            f"{path} is not valid {'JSON' if path.suffix == '.json' else 'TOML'}: {error}"
        ) from None
    if not isinstance(data, dict):
        raise SpecError(f"{path} must hold a table of entries, not a {type(data).__name__}")
    return data


def _from_json(text: str) -> Any:
    """Raises `ValueError` also where an entry occurs twice, as TOML does."""

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"the entry {brief(twice)} occurs twice")
        return found

    data = json.loads(text, object_pairs_hook=table)
    json.dumps(data, ensure_ascii=False).encode()  # halves of characters cannot be written again
    return data


def validate(model: type[BaseModel], data: dict[str, Any], path: str | Path) -> Any:
    """The data as `model`.

    Raises:
        SpecError: names every missing, malformed or unknown entry.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        seen: dict[str, str] = {}
        for e in error.errors():
            where = ".".join(
                str(k) for k in e["loc"] if not (isinstance(k, str) and KIND.fullmatch(k))
            )
            unknown = e["type"] == "extra_forbidden"
            seen.setdefault(where, unknown_entry(model, e["loc"]) if unknown else e["msg"])
        # of a table that could also be a number, what is wrong inside it is said
        deepest = [w for w in seen if not any(other.startswith(f"{w}.") for other in seen)]
        known = {"Field required": "missing"}
        lines = [
            f"{where or 'file'}: {known.get(m, m.removeprefix('Value error, '))}"
            for where, m in ((w, seen[w]) for w in deepest)
        ]
        between = " " if len(lines) == 1 else "\n  "
        raise SpecError(f"{path} is not a valid spec:{between}" + between.join(lines)) from None


def unknown_entry(model: type[BaseModel], place: Sequence[str | int]) -> str:
    """That a table has no such entry, and which it has: those that look alike, else all."""
    *above, name = place
    tables = [model]
    for part in above:
        inside = [table.model_fields[str(part)] for table in tables if part in table.model_fields]
        tables = [own for field in inside for own in tables_in(field.annotation)] or tables
        tables = [own for own in tables if own.__name__ == part] or tables  # a member of a union
    entries = [name for table in tables for name in _entries(table)]
    alike = get_close_matches(str(name), entries)
    alike += [entry for entry in entries if str(name) in entry or entry in str(name)]
    names = list(dict.fromkeys(alike or entries))
    return f"unknown entry; there {'is' if len(names) == 1 else 'are'} {', '.join(names)}"


def _entries(table: type[BaseModel]) -> list[str]:
    return table.entries() if issubclass(table, Strict) else list(table.model_fields)


def tables_in(annotation: Any) -> list[type[BaseModel]]:
    """The tables that an annotation allows."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [own for part in get_args(annotation) for own in tables_in(part)]
