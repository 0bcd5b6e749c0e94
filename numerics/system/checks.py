"""Whether a network's numbers fit the equations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...errors import (
    ArchitectureError,
    InfeasibleStatisticsError,
    MotifieldError,
    ParameterError,
)
from ..parameters import (
    FAMILIES,
    TENSORS,
    Parameters,
    are_faulty,
    faulty_populations,
    is_zero,
    negative_variance_text,
    require_batch,
    rows_of,
    set_of,
    vanishes,
)

OPTIONAL_INPUTS = {
    "in_strength": "in-strength",
    "pattern_input": "pattern",
    "spread": "spread",
    "tau_inp": "out-strength",
    "noise": "noise",
}
"""Parameters of inputs that only some architectures have, and the inputs that these name."""

# where transfer functions are tried: both signs, no round numbers, at which they may have a break
PLACES = np.linspace(-2.1, 2.3, 7)
# and where rates below 0 are looked for: on all scales that currents have
FAR = np.concatenate([-np.logspace(3, -3, 61), [0.0], np.logspace(-3, 3, 61)])


def check_populations(architecture, parameters: Parameters) -> None:
    """Raise `ParameterError` for parameters of other populations."""
    names = architecture.populations
    if names is not None and parameters.populations != names:
        raise ParameterError(
            f"the equations are for populations {list(names)}, the parameters for "
            f"{list(parameters.populations)}"
        )


def check_motifs(architecture, parameters: Parameters) -> None:
    """Raise `ParameterError` for motifs that the equations leave out."""
    for motif, tensor in TENSORS.items():
        there = bool(np.any(np.asarray(getattr(parameters, tensor)) != 0))
        if there and motif not in architecture.motifs:
            raise ParameterError(
                f"the parameters have {motif} motifs, the architecture has none: add {motif!r} to "
                "its motifs, or use parameters.replace to set them to 0"
            )


def check_inputs(architecture, parameters: Parameters) -> None:
    """Raise `ParameterError` for inputs that the equations leave out."""
    given = {
        "in_strength": not is_zero(parameters.in_strength),
        "pattern_input": not all(map(is_zero, parameters.pattern_input.values())),
        "spread": not is_zero(parameters.spread),
        "tau_inp": bool(np.any(np.asarray(parameters.tau_inp) != 0)),
        "noise": bool(np.any(np.asarray(parameters.noise) != 0)),
    }
    for name, present in given.items():
        if present and OPTIONAL_INPUTS[name] not in architecture.inputs:
            raise ParameterError(
                f"the parameters have {name}, the architecture has no such input: add "
                f"{OPTIONAL_INPUTS[name]!r} to its inputs"
            )
    patterns = architecture.patterns
    if unknown := [name for name in parameters.pattern_input if name not in patterns]:
        raise ParameterError(
            f"the parameters have a pattern_input along {unknown[0]!r}; the architecture has "
            f"{f'the patterns {list(patterns)}' if patterns else 'no patterns'}"
        )


def check_transfer(
    architecture, parameters: Parameters, values: Mapping[str, Any], transfer: Callable
) -> None:
    """Raise `ParameterError` for transfer functions with unknown, wrong or impossible values.

    Args:
        architecture: whose transfer functions they are.
        parameters: the network's numbers.
        values: of all parameters of transfer functions by name, given or default.
        transfer: phi_p(x) and its slope in NumPy, as a function of x, p and `parameters`.
    """
    known = architecture.transfer_parameters
    unknown = [name for name in parameters.transfer if name not in known]
    if unknown:
        raise ParameterError(
            f"the transfer functions have no parameter {unknown[0]!r}: they have "
            f"{list(known) or 'none'}"
        )
    each = [architecture.distinct_transfers[k] for k in architecture.transfer_index(parameters.P)]
    for p, f in enumerate(each):
        own = {
            symbol: float(np.broadcast_to(np.asarray(values[str(symbol)]), (parameters.P,))[p])
            for symbol in f.defaults
        }
        where = f"of the transfer function {f.name} of population {parameters.populations[p]}"
        for symbol, value in own.items():
            if symbol.is_positive and not value > 0:
                raise ParameterError(f"{symbol} = {value} {where} must be positive")
        found = transfer(PLACES, p, parameters)[0] if own else np.zeros(1)
        if not np.all(np.isfinite(found)):
            raise ParameterError(
                f"the parameters {where} make it infinite or undefined: "
                + ", ".join(f"{symbol} = {value}" for symbol, value in own.items())
            )


def check_strengths(architecture, parameters: Parameters) -> None:
    """Raise `ParameterError` where strengths and assortativity are not those of the equations."""
    own, features = parameters.strengths, architecture.features
    if not architecture.has_components:
        if own is not None:
            raise ParameterError(
                "the parameters have strengths or assortativity of their own, the architecture has "
                "none: give it strengths=Mixture() and assortativity, or leave them out"
            )
        return
    if own is None:
        raise ParameterError(
            f"the architecture has strengths {architecture.strengths.name!r} and the features "
            f"{list(features)}: the parameters need strengths, such as "
            "strengths={'gamma': ...} with weights, means and covariances of the components"
        )
    if own.features != features:
        raise ParameterError(
            f"the parameters have assortativity of the features {list(own.features)}, the "
            f"architecture of {list(features)}"
        )
    centred = bool(np.any(np.asarray(own.means) != 0)) or own.components > 1
    if centred and not architecture.strengths.has_centres:
        raise ParameterError(
            "the parameters have components of strengths, the architecture has Gaussian ones: give "
            "it strengths=Mixture()"
        )
    if own.quenched != architecture.strengths.is_quenched:
        theirs, others = ("a given network", "an ensemble")[:: 1 if own.quenched else -1]
        raise ParameterError(
            f"the parameters have the strengths of {theirs}, the architecture those of {others}: "
            "Empirical() and Mixture(quenched=True) are about given networks"
        )
    if np.any(np.asarray(own.covariances) != 0) and not architecture.strengths.has_widths:
        raise ParameterError(
            "the components of the parameters' strengths have widths, those of Empirical() have "
            "none: use Mixture()"
        )


def check_variances(mean_field, parameters: Parameters, transfer: Callable) -> None:
    """Raise `InfeasibleStatisticsError` for motifs that make the variance of currents negative.

    Args:
        mean_field: the equations.
        parameters: the network's numbers.
        transfer: as `check_transfer` takes it.
    """
    if mean_field.architecture.has_components:
        return  # whose strengths are a distribution, and the residual what they leave
    closure = mean_field.closure
    kind = residual_kind(closure)
    own = faulty_populations(parameters, **kind, positive=[True] * parameters.P)
    if not own:
        return
    found = [transfer(FAR, p, parameters)[0] for p in range(parameters.P)]
    positive = [not np.nanmin(rates) < 0 for rates in found]
    for p in faulty_populations(parameters, **kind, positive=positive):
        raise InfeasibleStatisticsError(
            "the equations cannot use these statistics: "
            + negative_variance_text(parameters, p, residual=closure.has_residual)
        )


def misfits(system: Any, batch: Parameters) -> np.ndarray:
    """Of each set of a batch, whether `system.check` refuses it, (n,).

    Sets with the same parameters of functions and filters, and with motifs and inputs where others
    have them, pass the same conditions: of these one is looked at.

    Args:
        system: the compiled equations.
        batch: parameters with a leading axis on every array, of numbers.
    """
    require_batch(batch)
    count = len(np.asarray(batch.N))
    inputs = [batch.in_strength, batch.spread, *batch.pattern_input.values()]
    own = batch.strengths
    arrays = [*batch.motifs, batch.tau_inp, batch.noise]
    arrays += [] if own is None else [own.means, own.covariances]
    there = [np.any(rows_of([v], count) != 0, axis=1) for v in arrays]
    there += [vanishes(v, (count,)) for v in inputs]
    values = [getattr(batch, family) for family in FAMILIES]
    rows = np.column_stack([rows_of(values, count), *there])
    _, first, back = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    kinds = [is_refused(system.check_kinds, set_of(batch, int(k))) for k in first]
    refused = np.array(kinds)[back.ravel()]
    if system.mean_field.architecture.has_components:
        return refused
    kind = residual_kind(system.mean_field.closure)
    faulty = are_faulty(batch, **kind, positive=[True] * len(batch.populations))
    for k in np.flatnonzero(faulty.any(axis=1) & ~refused):
        refused[k] = is_refused(system.check, set_of(batch, int(k)))
    return refused


def is_refused(check: Callable[[Parameters], None], parameters: Parameters) -> bool:
    """Whether a check raises an error."""
    try:
        check(parameters)
    except MotifieldError:
        return True
    return False


def residual_kind(closure: Any) -> dict[str, bool]:
    """What `are_faulty` needs to know of a closure."""
    return {"residual": closure.has_residual, "varying": closure.keeps_second_moment}


def refuse_components(system: Any, what: str, instead: str = "") -> None:
    """Raise `ArchitectureError` for equations with components of strengths, or assortativity.

    Args:
        system: the compiled equations.
        what: what is not derived for them.
        instead: what to use.
    """
    if system.mean_field.architecture.has_components:
        raise ArchitectureError(
            f"{what} is derived for Gaussian strengths without assortativity or patterns"
            f"{f': {instead}' if instead else ''}"
        )
