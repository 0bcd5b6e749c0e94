"""From an architecture and a closure to mean-field equations, by rules that are recorded."""

from __future__ import annotations

from ...errors import ArchitectureError
from ..architecture import Architecture
from .closures import Closure, LowRank
from .components import DerivingComponents, refuse_strengths
from .deriving import Deriving
from .mean_field import MeanField


def equations(architecture: Architecture, closure: Closure | None = None) -> MeanField:
    """The mean-field equations of a network with correlated synapses, and the record of the rules.

    `derive` makes the record readable; see there.

    Args:
        architecture: Populations, transfer functions, filters, motifs and inputs.
        closure: What stands for the second moment of the rates; default `LowRank()`.

    Raises:
        ArchitectureError: The closure does not apply to the architecture.

    Source: after Zhang, Yu, Tao and Shao, arXiv:2606.27946; docs/theory.md, sections 1 and 2.
    """
    closure = LowRank() if closure is None else closure
    if not isinstance(closure, Closure):
        raise ArchitectureError(
            f"closure {closure!r} is not a closure object, such as LowRank() or SecondMoment()"
        )
    if "noise" in architecture.inputs and not closure.allows_noise:
        raise ArchitectureError(
            f"{type(closure).__name__} has no exact Gaussian closure with white noise: the second "
            "moment of the "
            "rates then mixes what neurons keep with what changes in time, which the residual "
            "field filters "
            "differently; use LowRank() or MotifOnly()"
        )
    if closure.is_static:
        _refuse_dynamics(architecture, closure)
    if architecture.has_components:
        refuse_strengths(architecture, closure)
        return DerivingComponents(architecture, closure).result()
    return Deriving(architecture, closure).result()


def _refuse_dynamics(architecture: Architecture, closure: Closure) -> None:
    """Raise `ArchitectureError` for what equations of fixed points alone leave out."""
    name = type(closure).__name__
    if not architecture.is_unit:
        raise ArchitectureError(
            f"{name} is of fixed points alone, which know of a filter its static gain only: leave "
            "the filters out of the "
            "architecture (and scale what they amplify)"
        )
    if architecture.inputs:
        raise ArchitectureError(
            f"{name} is derived for an input that is the same within a population, not for "
            f"{sorted(architecture.inputs)[0]!r}"
        )
    for function in architecture.distinct_transfers:
        if function.function is not None:
            continue
        if not function.is_continuous:
            raise ArchitectureError(
                f"{name} needs continuous transfer functions: {function.name} = "
                f"{function.expression} jumps, and "
                "x = h + Gamma phi(x) then has no or several solutions"
            )
