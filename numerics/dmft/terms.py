"""The dynamical mean-field equations, which networks they are for, and their initial states.

    x_i(t) = K_p(t) + sum_q kappa_q(t) u_i^q + z_p(t) xi_i + eta_i(t),
    (1 + d/dt) eta = residual field + white noise,

i in p; the in-strengths u_i^q (covariance Sigma_p) and the offset xi_i of the input are frozen, eta
has the covariance that the residual synapses give it:

    (1 + d/dt)(1 + d/dt') C^eta_p(t, t') = sum_q M_pq < phi_q(t) phi_q(t') > + 2 D_p delta(t - t'),
    M_pq = alpha_q g_pq^2 A_pq.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ParameterError
from ..parameters import Parameters, by_population, residual_moments
from ..precision import require_x64
from ..system import System, Units, refuse_components

LARGEST_B = 1e-9  # rounding of tau_rec - tau_chn - tau_chn


def require_dmft(system: System, parameters: Parameters) -> None:
    """Raise `ParameterError` for networks whose limit is not this.

    Those with reciprocal residual synapses, and those of units with other filters.
    """
    require_x64()
    system.check(parameters)
    refuse_components(system, "dynamical mean-field theory")
    names, (_, B) = parameters.populations, residual_moments(parameters)
    B = np.where(np.asarray(parameters.g) * np.asarray(parameters.g).T > 0, B, 0.0)
    p, q = np.unravel_index(np.argmax(np.abs(B)), B.shape)
    if np.abs(B[p, q]) > LARGEST_B:
        raise ParameterError(
            "dynamical mean-field theory here is for residual synapses without reciprocity, "
            f"B[{names[p]},{names[q]}] = {B[p, q]:.4g}: with it neurons feel their own past. "
            "without_reciprocity(parameters) sets tau_rec[p,q] = tau_chn[p,q,p] + tau_chn[q,p,q], "
            "which makes B = 0"
        )
    units = Units.of(system.mean_field.architecture, parameters)
    quiet = Units(units.membrane, units.synapse)
    if not quiet.is_plain:
        raise ParameterError(
            "dynamical mean-field theory here is for units dx/dt = -x + input, without synaptic "
            "filters; this architecture has other ones: compile it with the membrane 1/(1 + s) and "
            "measure time in units of its time constant"
        )


def as_state(initial: Any, parameters: Parameters, known: tuple[str, ...]) -> dict[str, np.ndarray]:
    """One number per population for each known name, 0 where it is not given."""
    given = dict(initial or {})
    if set(given) - set(known):
        raise ParameterError(
            f"an initial state is a mapping with some of {list(known)}: {initial!r}"
        )
    found = {
        name: by_population(given.get(name, 0.0), parameters.populations, f"initial {name}")
        for name in known
    }
    if "variance" in found and found["variance"].min() < 0:
        raise ParameterError(
            f"initial variance = {found['variance'].tolist()} must not be negative"
        )
    return found
