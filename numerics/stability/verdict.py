"""Stability of the network at a fixed point, not only of its mean-field equations."""

from __future__ import annotations

import numpy as np

from ...errors import ParameterError
from ..distributions import breaks, cloud, within
from ..fixed_points import FixedPoint, check_point, fixed_point
from ..parameters import Parameters
from ..precision import require_x64
from ..system import System, Units, held_inputs
from ..tangents import refuse_tracers
from .bulk import Bulk
from .components import component_outliers, connectivity_modes
from .filters import filtered, filtered_equations, transmission, worst
from .modes import Modes
from .outliers import Found, outliers
from .predictions import Spectral, Stability


def connectivity_spectrum(parameters: Parameters) -> Spectral:
    """The predicted spectrum of the synapses J_ij themselves: no transfer function, no fixed point.

    Args:
        parameters: the network's numbers.

    Returns:
        Outliers and bulk, for N -> infinity. Source: `docs/theory.md`, section 2.2.
    """
    modes = Modes.of_connectivity(parameters)
    boundary = modes.bulk.boundary()
    if parameters.strengths is None:
        found = outliers(modes, boundary)
    else:
        found = component_outliers(modes.bulk, connectivity_modes(parameters))
    return _spectral(found, boundary, modes.bulk.radius, float(boundary.real.max()), 0.0)


def stability(
    system: System, parameters: Parameters, point: FixedPoint | None = None, *, time: float = 0.0
) -> Stability:
    """Outliers and bulk of the spectrum of the network linearised at a fixed point.

    And of its connectivity, both for N -> infinity. The bulk is the residual's, outliers are modes
    of means and in-strengths. Both take the distribution of x in each population from the point:
    N(K, Delta), or the field's and x = h + Gamma phi(x) of the cavity closure. They are exact where
    that is: at `SecondMoment` points without reciprocal residual (B = 0), at `Cavity` points with
    it. An eigenvalue of the equations that falls inside of the bulk is not one of the network.

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers.
        point: a fixed point of any closure of these; by default the one reached from rest.
        time: when the inputs are held.

    Returns:
        Both spectra with a verdict in words.

    Raises:
        SolverError: the point is no fixed point of these parameters.
        ParameterError: white noise (there is no fixed point to linearise at), a transfer function
            that jumps, or a call under jit, vmap or grad.

    Source: `docs/theory.md`, section 2.2; Sommers et al., Phys Rev Lett 1988; Kuczala and Sharpee,
    Phys Rev E 2016.
    """
    refuse_tracers((parameters, time), "stability", "motifield.pure.fixed_point")
    require_x64()
    system.check(parameters)
    _refuse_noise_and_jumps(system, parameters)
    has_components = system.mean_field.architecture.has_components
    if point is None:
        point = fixed_point(system, parameters, time=time)
    else:
        check_point(system, parameters, point, time)
    units = Units.of(system.mean_field.architecture, parameters)
    own = within(system, parameters, point.state) if has_components else None
    bulk = Bulk.of(parameters, own or clouds(system, parameters, point))
    exact, basis = _basis(system, bulk)
    if units.is_plain:
        boundary = bulk.boundary()
        edge = float(boundary.real.max())
        starts = point.eigenvalues + 1
        found = (
            component_outliers(bulk, starts)
            if has_components
            else outliers(_modes(bulk, units, parameters, time), boundary, list(starts))
        )
        gain, omega = (bulk.radius, 0.0) if not bulk.is_reciprocal else worst(bulk, units, 0.0)
        jacobian = _spectral(found, boundary, bulk.radius, edge, -1.0)
    elif has_components:
        jacobian, gain, omega = filtered_equations(bulk, units, point.eigenvalues)
    else:
        jacobian, gain, omega = filtered(_modes(bulk, units, parameters, time), units, point)
    return Stability(
        parameters, point, connectivity_spectrum(parameters), jacobian, gain, omega, exact, basis
    )


def _refuse_noise_and_jumps(system: System, parameters: Parameters) -> None:
    """Raise `ParameterError` where there is no fixed point, or no slope, to linearise at."""
    if np.any(np.asarray(parameters.noise) > 0):
        raise ParameterError(
            "with white noise x never rests, and there is no fixed point to linearise at: set "
            "noise to 0, or look at the equations' own eigenvalues, fixed_point(...).eigenvalues"
        )
    for p in range(parameters.P):
        breaks(system, parameters, p)


def clouds(system: System, parameters: Parameters, point: FixedPoint) -> tuple:
    """How x is distributed in each population at the point."""
    values = point.numbers
    mean, variance = (
        values[f"field_{name}" if "feedback" in values else name] for name in ("mean", "variance")
    )
    feedback = values["feedback"] if "feedback" in values else np.zeros(parameters.P)
    return tuple(
        cloud(system, parameters, p, mean[p], variance[p], float(feedback[p]))
        for p in range(parameters.P)
    )


def _modes(bulk: Bulk, units: Units, parameters: Parameters, time: float) -> Modes:
    static = np.array([transmission(units, 0j, p) for p in range(parameters.P)]).real
    rates = np.array([c.average(c.rates) for c in bulk.clouds])
    _, along, spread = (np.asarray(v) for v in held_inputs(parameters, time))
    return Modes.at(bulk, parameters, rates, static[:, 0], static[:, 1], along, spread)


def _basis(system: System, bulk: Bulk) -> tuple[bool, str]:
    closure = system.mean_field.closure.name
    if closure == "cavity":
        return True, "the cavity solution, linearised in time: exact for large N"
    if system.mean_field.architecture.has_components and bulk.is_reciprocal:
        return False, (
            "components of strengths with reciprocal residuals (B != 0), which the equations take "
            "as a feedback of means alone"
        )
    if bulk.is_reciprocal:
        return False, (
            f"exact around x ~ N(K, Delta), which the {closure} closure assumes and reciprocal "
            "residuals (B != 0) change: a point of the Cavity closure makes it exact"
        )
    if closure == "second-moment":
        return True, "second moments, B = 0: exact for large N"
    return False, (
        f"exact around x ~ N(K, Delta), whose Delta the {closure} closure approximates: a point of "
        "SecondMoment makes it exact"
    )


def _spectral(
    found: Found, boundary: np.ndarray, radius: float, edge: float, shift: float
) -> Spectral:
    return Spectral(
        found.values + shift,
        found.hidden + shift,
        boundary + shift,
        radius,
        edge + shift,
        found.counted,
        found.status,
    )
