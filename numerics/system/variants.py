"""The same equations with another distribution of strengths."""

from __future__ import annotations

from typing import Any

from ...theory.equations import CLOSURES, equations
from .system import System, compile


def without_components(system: System) -> System:
    """The equations of Gaussian strengths without assortativity, patterns and inputs along them."""
    own = system.mean_field
    inputs = tuple(own.architecture.inputs - {"pattern"})
    nothing = {"strengths": "gaussian", "assortativity": False, "patterns": (), "inputs": inputs}
    made = own.architecture.replaced(**nothing)
    return compile(equations(made, CLOSURES[own.closure.name]))


def with_strength_kind(system: System, strengths: Any, assortativity: Any) -> System:
    """The equations of the same architecture and closure with other strengths, compiled.

    Args:
        system: the compiled equations.
        strengths: as `Architecture` takes them, or as files say it: "gaussian", {"mixture": 4}.
        assortativity: as `Architecture` takes it.

    Raises:
        ArchitectureError: strengths that the closure does not go with.
    """
    own = system.mean_field
    made = own.architecture.replaced(strengths=strengths, assortativity=assortativity)
    return compile(equations(made, CLOSURES[own.closure.name]))
