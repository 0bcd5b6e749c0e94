"""Strengths and features of neurons, and the offsets of their inputs, as they are drawn.

A neuron has a component of its population's mixture, by the components' weights, and (u, b, f) from
it. Source: `docs/theory.md`, sections 1.2 and 6.1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...errors import InfeasibleStatisticsError, ParameterError
from ..parameters import (
    Parameters,
    Strengths,
    linear_features,
    neuron_covariances,
    strength_covariances,
)

ROUNDING = 1e-12  # of the covariance of a neuron's strengths, which may be degenerate
SINGULAR = 1e-10  # of a component's correlations: features that follow from strengths
CLOSE = 1e-6  # relative, of moments that a file has rounded
LINEAR = ("in", "out")


class Neurons(NamedTuple):
    """What is drawn of each neuron.

    Args:
        a: a[i, q], (N, P).
        b: b[j, p], (N, P).
        features: f, (N, F).
        offsets: xi, (N,).
    """

    a: np.ndarray
    b: np.ndarray
    features: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, parameters: Parameters, rng: np.random.Generator) -> Neurons:
        """Drawn by a generator; offsets last, so that a seed's synapses do not depend on them.

        Raises:
            ParameterError: strengths of a given network.
            InfeasibleStatisticsError: offsets that cannot go with the strengths of a component.
        """
        if parameters.strengths is not None:
            return _from_components(parameters, parameters.strengths, rng)
        a, b = _gaussian(parameters, rng)
        offsets = _offsets(parameters, a, b, rng)
        return cls(a, b, np.zeros((len(a), 0)), offsets)


def blocks(sizes: tuple[int, ...]) -> list[slice]:
    """The neurons of each population."""
    stops = np.cumsum(sizes).tolist()
    return [slice(stop - n, stop) for stop, n in zip(stops, sizes, strict=True)]


def _gaussian(parameters: Parameters, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """a[i, q] and b[j, p], each (N, P)."""
    covariances = strength_covariances(parameters) / float(parameters.N) ** 2
    parts = []
    for n, covariance in zip(parameters.sizes, covariances, strict=True):
        root = _root(covariance)
        parts.append(rng.standard_normal((n, len(root))) @ root)
    both = np.concatenate(parts)
    return both[:, : parameters.P], both[:, parameters.P :]


def _root(covariance: np.ndarray, least: float = 0.0) -> np.ndarray:
    """The symmetric root, without directions of less than this part of the largest variance.

    It does not depend on the signs that LAPACK gives the eigenvectors: one seed, one network.
    """
    values, vectors = np.linalg.eigh(covariance)
    kept = np.maximum(values, 0)
    if least:
        kept = np.where(values > least * values[-1], kept, 0)
    return (vectors * np.sqrt(kept)) @ vectors.T


def _offsets(
    parameters: Parameters, a: np.ndarray, b: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """xi, (N,), from its conditional distribution given a and b."""
    own = rng.standard_normal(len(a))
    if not np.any(np.asarray(parameters.tau_inp) != 0):
        return own
    strengths = float(parameters.N) * np.hstack([a, b])
    for members, covariance in zip(
        blocks(parameters.sizes), neuron_covariances(parameters), strict=True
    ):
        across = covariance[:-1, -1]
        regression = np.linalg.pinv(covariance[:-1, :-1], rcond=ROUNDING, hermitian=True) @ across
        own[members] *= np.sqrt(max(covariance[-1, -1] - regression @ across, 0))
        own[members] += strengths[members] @ regression
    return own


def _from_components(parameters: Parameters, own: Strengths, rng: np.random.Generator) -> Neurons:
    if own.quenched:
        raise ParameterError(
            "these strengths are those of a given network's neurons, which are no ensemble to draw "
            "from: sample parameters with the strengths of an ensemble (quenched=False)"
        )
    P, N = parameters.P, float(parameters.N)
    weight = np.asarray(own.weight)
    component = [_components(weight[:, p], n, rng) for p, n in enumerate(parameters.sizes)]
    values = np.concatenate([_within(own, p, at, rng) for p, at in enumerate(component)])
    strengths, features = values[:, : 2 * P], _exact_totals(parameters, own, values)
    offsets = rng.standard_normal(len(values))
    if np.any(np.asarray(parameters.tau_inp) != 0):
        for p, members in enumerate(blocks(parameters.sizes)):
            offsets[members] = _correlated(
                parameters, own, p, component[p], strengths[members], offsets[members]
            )
    return Neurons(strengths[:, :P] / N, strengths[:, P:], features, offsets)


def _components(weight: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """The component of each of n neurons."""
    ends = np.cumsum(weight)
    there = np.flatnonzero(weight > 0)
    return there[np.searchsorted(ends[there][:-1], rng.random(n) * ends[-1], side="right")]


def _within(own: Strengths, p: int, component: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(u, b, f) of the neurons of population p, (n, D)."""
    means, covariances = np.asarray(own.means)[:, p], np.asarray(own.covariances)[:, p]
    z = rng.standard_normal((len(component), means.shape[1]))
    values = means[component]
    for m in np.unique(component):
        there = component == m
        S = covariances[m if len(covariances) > 1 else 0]
        scale = np.sqrt(np.maximum(np.diag(S), 0))
        unit = np.where(scale > 0, scale, 1.0)
        # in units of standard deviations: u is of order 1, b of order 1/N
        root = _root(S / np.outer(unit, unit), SINGULAR) * scale
        values[there] += z[there] @ root
    return values


def _exact_totals(parameters: Parameters, own: Strengths, values: np.ndarray) -> np.ndarray:
    """Features, of which those with the moments of total strengths are these to the last digit.

    Moments may have been rounded in a file; and where fractions were rounded to whole neurons,
    "in" is the total of others than these, which the singular covariance keeps.
    """
    two = 2 * parameters.P
    features = values[:, two:].copy()
    for k, name in enumerate(own.features):
        if name in LINEAR:
            sizes = float(parameters.N), np.asarray(parameters.fractions)
            along = linear_features(*sizes, (name,))[0]
            if all(_is_total(whole, two, k, along) for whole in np.asarray(own.covariance)):
                features[:, k] = values[:, :two] @ along
    return features


def _is_total(whole: np.ndarray, two: int, k: int, along: np.ndarray) -> bool:
    """Whether the covariance of (u, b, f) makes feature k the sum of (u, b) along a vector."""
    across = whole[:two, :two] @ along
    expected = np.append(across, across @ along)
    given = np.append(whole[:two, two + k], whole[two + k, two + k])
    size = np.sqrt(np.append(np.diag(whole)[:two], expected[-1]) * expected[-1])
    return bool(np.all(np.abs(given - expected) <= CLOSE * size))


def _correlated(
    parameters: Parameters,
    own: Strengths,
    p: int,
    component: np.ndarray,
    strengths: np.ndarray,
    offsets: np.ndarray,
) -> np.ndarray:
    """Offsets of unit variance whose covariance with b is the same within every component."""
    P, N = parameters.P, float(parameters.N)
    across = neuron_covariances(parameters)[p, :-1, -1] / np.repeat([1.0, N], P)
    means, covariances = np.asarray(own.means)[:, p], np.asarray(own.covariances)[:, p]
    found = offsets.copy()
    for m in np.unique(component):
        there = component == m
        S = covariances[m if len(covariances) > 1 else 0][: 2 * P, : 2 * P]
        scale = np.sqrt(np.maximum(np.diag(S), 0))
        unit = np.where(scale > 0, scale, 1.0)
        inverse = np.linalg.pinv(S / np.outer(unit, unit), rcond=SINGULAR, hermitian=True)
        regression = inverse @ (across / unit) / unit
        share = float(regression @ across)
        if share > 1 + CLOSE or np.any((scale == 0) & (across != 0)):
            raise InfeasibleStatisticsError(
                f"tau_inp: in component {m + 1} of population {parameters.populations[p]} "
                "out-strengths vary too little for this covariance with the inputs' offsets: "
                "lower tau_inp, or widen the component"
            )
        found[there] *= np.sqrt(max(1 - share, 0.0))
        found[there] += (strengths[there] - means[m, : 2 * P]) @ regression
    return found
