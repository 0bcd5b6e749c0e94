"""Spec files: a network described in TOML or JSON. Reading one never runs code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from ...errors import ArchitectureError, MotifieldError, SpecError
from ..parameters import (
    TENSORS,
    Number,
    ParametersSpec,
    PerPopulation,
    Strict,
    read_mapping,
    validate,
)
from .connectome import ConnectomeSpec
from .fit import FitSpec

if TYPE_CHECKING:  # loads SymPy, and what numbers need when there are some
    from ...theory.architecture import Architecture
    from ...theory.equations import Closure
    from ..networks import Network
    from ..parameters import Parameters

FilterSpec = str | dict[str, Any] | list[str | dict[str, Any]]


class ArchitectureSpec(Strict):
    """[architecture]: the arguments of `Architecture`, and the name of a closure.

    Args:
        populations: names; omitted for a symbolic number of populations.
        transfer: transfer functions, one or by population.
        motifs: classes of motifs in the equations.
        membrane: filter of the neurons, one or by population.
        synapse: filter of the synapses, one or by source population.
        inputs: optional inputs in the equations.
        strengths: "gaussian", "mixture", "empirical", or { mixture = 4 }; of a connectome they are
            measured, with { mixture = "auto" } as many components as they ask for.
        assortativity: true, "quadratic", or names of functions of strengths.
        patterns: names of hidden variables of neurons.
        closure: name of a closure.
    """

    populations: list[str] | None = None
    transfer: str | dict[str, Any] | list[str | dict[str, Any]] = "rectified_linear"
    motifs: list[str] = Field(default=list(TENSORS))
    membrane: FilterSpec = "1/(1 + s)"
    synapse: FilterSpec = "1"
    inputs: list[str] = Field(default=[])
    strengths: str | dict[str, int | bool | str] = "gaussian"
    assortativity: bool | str | list[str] = False
    patterns: list[str] = Field(default=[])
    closure: str = "low-rank"

    def of_network(self) -> ArchitectureSpec:
        """The same for a given network, whose own strengths a mixture then describes."""
        from ..networks import COMPONENTS

        own = {"mixture": COMPONENTS} if self.strengths == "mixture" else self.strengths
        if not isinstance(own, dict):
            return self
        return self.model_copy(update={"strengths": {**own, "quenched": True}})

    def build(self, populations: Any) -> Architecture:
        """The architecture with these populations; None: a symbolic number."""
        from ...theory.architecture import Architecture

        return Architecture(
            populations,
            transfer=self.transfer,
            motifs=self.motifs,
            membrane=self.membrane,
            synapse=self.synapse,
            inputs=self.inputs,
            strengths=self.strengths,
            assortativity=self.assortativity,
            patterns=self.patterns,
        )


class IntegrateSpec(Strict):
    """[integrate]: options of `integrate`.

    Args:
        solver: "auto" finds systems that are stiff, for which "implicit" is.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        max_steps: after which the status is "not converged".
    """

    solver: Literal["auto", "explicit", "implicit"] = "auto"
    rtol: Number = Field(default=1e-8, gt=0)
    atol: Number = Field(default=1e-10, gt=0)
    max_steps: int = Field(default=100_000, gt=0)


class FileSpec(Strict):
    """A spec: a network, its numbers, and what is to be fitted.

    Args:
        title: what it describes; default: the name of the file.
        architecture: the structure of the equations.
        parameters: the numbers.
        connectome: a network in files, whose numbers are measured, instead of parameters.
        fit: what is unknown, and the targets.
        initial: initial state by name, as `mean`; numbers, or by population.
        t1: end time, in units of the unit's time constant.
        integrate: options of the solver.
        time_unit: name of the unit of all times, which results show.
    """

    title: str = ""
    architecture: ArchitectureSpec = ArchitectureSpec()
    parameters: ParametersSpec | None = None
    connectome: ConnectomeSpec | None = None
    fit: FitSpec | None = None
    initial: dict[str, PerPopulation] = Field(default={})
    t1: Number = Field(default=50.0, gt=0)
    integrate: IntegrateSpec = IntegrateSpec()
    time_unit: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> FileSpec:
        if self.parameters is not None and self.connectome is not None:
            raise ValueError("give [parameters] or [connectome], not both")
        return self


@dataclass(frozen=True, repr=False)
class Spec:
    """A description of a network, ready to derive and run; made by `load_spec`.

    Args:
        title: what it describes.
        architecture: the structure of the equations.
        closure: the closure of the equations.
        parameters: given, or measured on `network`; None in a spec without numbers.
        network: the connectome, where the spec names one.
        initial: initial state by name, as for `integrate`.
        t1: end time.
        fit: the section [fit]; None without one.
        integrate: the section [integrate], options of `integrate` by name.
        section: [architecture] as plain data, with the populations that it has here.
        shrink: whether motifs that are measured on the connectome are shrunken.
    """

    title: str
    architecture: Architecture
    closure: Closure
    parameters: Parameters | None
    network: Network | None
    initial: dict[str, Any]
    t1: float
    fit: FitSpec | None = None
    integrate: dict[str, Any] = field(default_factory=dict)
    section: dict[str, Any] = field(default_factory=dict)
    shrink: bool = False

    def numbers(self) -> Parameters:
        """The parameters.

        Raises:
            SpecError: the spec has none.
        """
        if self.parameters is None:
            raise SpecError(
                "the spec has neither [parameters] nor [connectome]: there are no numbers to "
                "run with"
            )
        return self.parameters

    def __repr__(self) -> str:
        names = self.architecture.populations
        populations = "a symbolic number of populations"
        if names:
            populations = f"populations {', '.join(map(str, names))}"
        numbers = "no numbers"
        if self.network is not None:
            numbers = f"a connectome of {self.network.N} neurons"
        elif self.parameters is not None:
            numbers = f"parameters, N = {float(self.parameters.N):g}"
        fit = "" if self.fit is None else ", a fit"
        return (
            f"Spec {self.title!r}: {populations}; closure {self.closure.name}; "
            f"{numbers}{fit}; t1 = {self.t1:g}"
        )


Known = Callable[[dict[str, Any]], Any]


def load_spec(
    path: str | Path,
    *,
    numbers: bool = True,
    known: Known | None = None,
    reading: Mapping[str, Any] | None = None,
) -> Spec:
    """Read a spec from a TOML or JSON file.

    Args:
        path: .toml or .json file; files that it names are found from its folder.
        numbers: False for the equations alone, which do not need them: the spec then has no
            parameters and no network, and loads without JAX, where it names its populations.
        known: gives the equations of a section [architecture] that was read before, from
            `Spec.section`, else None; their architecture and closure are then taken as they are.
        reading: options of `read_network`, its `labels` too, in place of those of [connectome].

    Returns:
        The architecture, closure, parameters and, where it names one, the connectome.

    Raises:
        SpecError: a missing, malformed or unknown entry, which is named.
        ArchitectureError: an unknown closure, or populations that do not fit the connectome.
        NetworkError: a connectome that cannot be read.
        ParameterError: numbers of the wrong shape.
    """
    file = validate(FileSpec, read_mapping(path), path)
    folder = Path(path).parent
    try:
        file = _read_by(file, reading or {})
        section, architecture, closure, parameters, network = _built(file, folder, numbers, known)
    except MotifieldError as error:
        raise type(error)(f"{path}: {error}") from None
    return Spec(
        file.title or Path(path).stem,
        architecture,
        closure,
        parameters,
        network,
        dict(file.initial),
        float(file.t1),
        None if file.fit is None else file.fit.within(folder),
        file.integrate.model_dump(),
        section,
        file.connectome is not None and file.connectome.shrink,
    )


def _read_by(file: FileSpec, reading: Mapping[str, Any]) -> FileSpec:
    """The file with these options in its section [connectome]."""
    if not reading:
        return file
    if file.connectome is None:
        raise SpecError(
            f"there is no [connectome], which {', '.join(sorted(reading))} would be about"
        )
    return file.model_copy(update={"connectome": file.connectome.read_by(reading)})


def _built(file: FileSpec, folder: Path, numbers: bool, known: Known | None) -> tuple:
    """Populations are those that are declared, or the connectome's, or the parameters'.

    Returns:
        The section [architecture], the architecture, the closure, the parameters, the network.
    """
    declared = file.architecture
    if not numbers and declared.populations is not None:
        return *_equations(declared, declared.populations, known), None, None
    if file.connectome is not None:
        network, declared = file.connectome.build(folder), declared.of_network()
        names = declared.populations or list(network.populations)
        if names != list(network.populations):
            raise ArchitectureError(
                f"the connectome has the populations {list(network.populations)}, "
                f"the architecture {names}"
            )
        from ..networks import measure, with_strengths

        equations = _equations(declared, names, known)
        measured = measure(network, shrink=file.connectome.shrink).parameters(
            input=file.connectome.input, time_unit=file.time_unit
        )
        return *equations, with_strengths(measured, network, equations[1]), network
    equations = _equations(declared, declared.populations, known)
    if file.parameters is None:
        return *equations, None, None
    from ..parameters import Parameters

    given = file.parameters.arguments(equations[1].populations)
    parameters = Parameters.of(**given | {"time_unit": file.time_unit or given["time_unit"]})
    if declared.populations is None:
        equations = _equations(declared, list(parameters.populations), known)
    return *equations, parameters, None


def _equations(
    declared: ArchitectureSpec, populations: list[str] | None, known: Known | None
) -> tuple[dict[str, Any], Architecture, Closure]:
    section = declared.model_dump() | {"populations": populations}
    found = None if known is None or populations is None else known(section)
    if found is not None:
        return section, found.architecture, found.closure
    return section, declared.build(populations), closure_of(declared.closure)


def equations_of(
    section: dict[str, Any], closure: str | None = None
) -> tuple[Architecture, Closure]:
    """The architecture and the closure of a section [architecture], as `Spec.section` has it.

    Args:
        section: its entries.
        closure: the name of another closure.
    """
    own = ArchitectureSpec(**section)
    return own.build(own.populations), closure_of(closure or own.closure)


def closure_of(name: str) -> Closure:
    """The closure of a name, as "second-moment".

    Raises:
        ArchitectureError: there is no such closure; the known ones are listed.
    """
    from ...theory.equations import CLOSURES

    if name not in CLOSURES:
        raise ArchitectureError(f"unknown closure {name!r}: known are {', '.join(CLOSURES)}")
    return CLOSURES[name]
