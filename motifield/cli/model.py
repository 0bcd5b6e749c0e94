"""The equations and numbers that a command works on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .loading import spec_of
from .options import ClosureName, Settings, SpecFile
from .parsing import per_population, setting


@dataclass(frozen=True)
class Model:
    """A spec with the closure and the parameters of the command line, read where it is needed."""

    spec: SpecFile
    closure: ClosureName = None
    settings: Settings = None

    @cached_property
    def loaded(self) -> Any:
        """The spec."""
        return spec_of(self.spec, known=self._known, reading=self.__dict__.get("_reading"))

    def read_by(self, given: dict[str, Any]) -> Model:
        """The same, whose connectome is read with these options."""
        made = Model(self.spec, self.closure, self.settings)
        made.__dict__["_reading"] = given  # no field: every field is an option of commands
        return made

    @property
    def title(self) -> str:
        """The spec's title."""
        return self.loaded.title

    @property
    def initial(self) -> Any:
        """The spec's initial state; None: rest."""
        return self.loaded.initial or None

    @cached_property
    def system(self) -> Any:
        """The compiled equations, with the spec's closure or that of `--closure`."""
        kept = self._kept(self.loaded.section)
        return kept.found() or kept.made()

    def _kept(self, section: dict[str, Any]) -> Any:
        """Its equations, where a command before has kept them."""
        from ..numerics.system import KeptEquations

        def derive() -> Any:
            from ..numerics.spec import equations_of
            from ..theory.derivation import derive as derived

            return derived(*equations_of(section, self.closure))

        closure = self.closure or section["closure"]
        return KeptEquations(section | {"closure": closure}, derive)

    def _known(self, section: dict[str, Any]) -> Any:
        found = self._kept(section).found()
        return None if found is None else found.mean_field

    @cached_property
    def parameters(self) -> Any:
        """The spec's parameters with the changes of `--set`.

        Raises:
            ParameterError: no network has the changed statistics.
        """
        parameters = self.system.complete(self.loaded.numbers(), self.settings or ())
        from ..numerics.parameters import check_feasible, check_numbers, scalar

        for text in self.settings or []:
            name, value = setting(text)
            parameters = scalar(name, parameters).set(parameters, value)
        if self.settings:
            check_numbers(parameters)
            if self.loaded.network is None:
                check_feasible(parameters)
        return parameters

    def point(self, start: str | None) -> Any:
        """The fixed point reached from `--start`, else from the spec's initial state or rest."""
        system, parameters, first = self.system, self.parameters, self.initial
        from ..numerics.fixed_points import fixed_point

        if start is not None:
            first = {"mean": per_population("--start", start)}
        return fixed_point(system, parameters, first, throw=True)

    def end(self, t1: float | None) -> float:
        """The end time of `--t1`, else the spec's."""
        return self.loaded.t1 if t1 is None else t1
