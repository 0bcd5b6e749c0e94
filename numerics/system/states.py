"""States of the equations by the names that results have: from a state to a dataset, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...errors import ParameterError
from ...numbers import brief
from ..parameters import Parameters, by_population
from ..results import Numbers
from .autonomous import Autonomous
from .system import System

STATE_NAMES = {
    "K": "mean",
    "kappa": "kappa",
    "theta": "theta",
    "along": "synaptic_feature_current",
    "s": "rms_rate",
    "rho": "filtered_rate",
    "e": "synaptic_rate",
    "v": "synaptic_rms_rate",
    "current": "synaptic_current",
    "chi": "susceptibility",
    "z": "filtered_spread",
    "V": "noise_variance",
}
MEANINGS = {
    "mean": "mean input current K_p",
    "kappa": "latent variable of the variability, filtered alpha_q R_q",
    "theta": "latent variable of the variability along features theta_p",
    "synaptic_feature_current": "input along features after the synapses' filter",
    "rms_rate": "filtered root mean square rate s_q",
    "variance": "variance of the input current Delta_p",
    "rate": "mean rate R_p",
    "filtered_rate": "filtered alpha_q R_q",
    "synaptic_rate": "alpha_q R_q after the synapses' filter",
    "synaptic_rms_rate": "root mean square rate after the synapses' filter",
    "noise_variance": "variance in time that white noise makes",
    "synaptic_current": "mean input from columns and reciprocity after the synapses' filter",
    "filtered_spread": "filtered spread of the inputs",
    "susceptibility": "mean susceptibility chi_q, of the rates to their fields",
    "field_mean": "mean of the field h, the input current without the feedback of the own rate",
    "field_variance": "variance of the field h",
    "feedback": "Gamma_p of x = h + Gamma_p phi_p(x)",
    "validity": "smallest 1 - Gamma_p phi_p'(x) within nine standard deviations of h",
}
# variables with a value for every distinct filter, and of which kind the filter is
OF_FILTERS = {
    "kappa": "membrane",
    "filtered_rate": "membrane",
    "rms_rate": "membrane",
    "synaptic_current": "synapse",
    "synaptic_feature_current": "synapse",
}
OF_FEATURES = ("theta", "synaptic_feature_current")


def named(system: System, state: Any) -> dict[str, Any]:
    """The latent variables of a state by the names in results, without inner states of filters."""
    return {STATE_NAMES[name]: getattr(state, name) for name in system.states}


def numbers(
    system: System,
    values: Mapping[str, np.ndarray],
    populations: Sequence[str],
    coords: Mapping[str, Any],
    attrs: Mapping[str, Any],
    time_unit: str = "",
) -> Numbers:
    """Results over population and further coordinates.

    A variable that belongs to distinct filters has a dimension for these, `membrane` or `synapse`,
    one that belongs to features of neurons has `feature` as its last.

    Args:
        system: the compiled equations.
        values: arrays by name, of shape (*coords, P), (*coords, filters, P), or with a last axis of
            features.
        populations: names of the P populations.
        coords: the leading coordinates by name, such as times.
        attrs: attributes of the dataset; the closure is added.
        time_unit: the name of the unit of times.
    """
    architecture = system.mean_field.architecture
    data, labels = {}, {}
    for name, v in values.items():
        own = ("population", "feature") if name in OF_FEATURES else ("population",)
        dims = (*coords, *own)
        if name in OF_FEATURES:
            labels["feature"] = list(architecture.features)
        if np.ndim(v) > len(dims):
            kind = OF_FILTERS[name]
            dims = (*coords, kind, *own)
            of = architecture.filter_index(kind, len(populations))
            labels[kind] = [
                "+".join(p for p, k in zip(populations, of, strict=True) if k == n)
                for n in range(max(of) + 1)
            ]
        data[name] = (dims, v, {"meaning": MEANINGS[name]})
    everywhere = {**coords, **labels, "population": list(populations)}
    closure = system.mean_field.closure.name
    return Numbers(data, everywhere, {**attrs, "closure": closure}, time_unit)


def initial_state(system: System, parameters: Parameters, initial: Any = None) -> Any:
    """A state from None (rest), a state, or a mapping by name; what is not named starts at 0.

    Args:
        system: the compiled equations.
        parameters: the network's numbers; only its populations count here.
        initial: None, a `system.State`, or a mapping such as `{"mean": 0.3}` whose values are
            numbers, lists of one number per population, mappings by population, or JAX arrays,
            traced ones too.

    Raises:
        ParameterError: a name that the equations do not have, a value of the wrong shape, or one
            that follows others at once, where a membrane is 1.
    """
    state = given_state(system, parameters, initial)
    if isinstance(initial, dict) and system.mean_field.architecture.is_rate_form:
        _refuse_followers(system, parameters, state)
    return state


def _refuse_followers(system: System, parameters: Parameters, state: Any) -> None:
    model = Autonomous(system, parameters.P)
    y = model.flat(state)
    if isinstance(y, jax.core.Tracer):
        return
    for k in np.flatnonzero(~model.moving & (np.asarray(y) != 0)):
        name, index = model.latents()[k]
        raise ParameterError(
            f"initial {STATE_NAMES[name]} of population {parameters.populations[index[-1]]}: its "
            "membrane is 1, so this follows synapses and inputs at once and cannot be chosen; "
            "give the initial synaptic_rate, alpha times the rate r as the synapses pass it on"
        )


def given_state(system: System, parameters: Parameters, initial: Any) -> Any:
    """The state as it is given, for its rates alone: see `initial_state`."""
    if initial is None:
        return system.rest(parameters.P)
    if isinstance(initial, system.State):
        return initial
    known = {STATE_NAMES[name]: name for name in system.states}
    if not isinstance(initial, dict) or set(initial) - set(known):
        raise ParameterError(
            f"an initial state is a mapping with some of {list(known)}: {initial!r}"
        )
    rest = system.rest(parameters.P)
    names, features = parameters.populations, system.mean_field.architecture.features
    values = {
        known[k]: _of_features(v, names, features, k) if k in OF_FEATURES else _entry(v, names, k)
        for k, v in initial.items()
    }
    return rest._replace(
        **{name: jnp.broadcast_to(v, getattr(rest, name).shape) for name, v in values.items()}
    )


def _of_features(value: Any, populations: Sequence[str], features: Sequence[str], name: str) -> Any:
    """Numbers by population and feature."""
    shape = (len(populations), len(features))
    if not isinstance(value, jax.core.Tracer):
        try:
            value = jnp.asarray(np.asarray(value, dtype=float))
        except (TypeError, ValueError):
            raise ParameterError(f"initial {name} = {brief(value)} is not a number") from None
        if not np.all(np.isfinite(value)):
            raise ParameterError(f"initial {name} = {brief(value)} is not finite")
    if value.shape[-2:] not in (shape, ()):
        raise ParameterError(
            f"initial {name} has shape {value.shape}; it needs one number for each population and "
            f"feature, {shape}"
        )
    return value


def _entry(value: Any, populations: Sequence[str], name: str) -> jax.Array:
    if isinstance(value, jax.core.Tracer):  # has no numbers to check
        return jnp.broadcast_to(value, (len(populations),))
    return jnp.asarray(by_population(value, populations, f"initial {name}"))
