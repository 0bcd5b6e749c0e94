"""Strengths of a network's neurons, their distribution, and what synapses know of them.

With u_i^q = N a_i^q and b_j^p the deviations of rows and columns, per synapse, and f_i functions of
neuron i's own strengths, centred within its population, the synapses of a pair of populations are

    J_ij = Jbar_pq + a_i^q + b_j^p + f_i' Gamma_pq f_j + w_ij,
    Gamma_pq = Cov_p(f)^-1 < f_i J_ij f_j' > Cov_q(f)^-1.

The time they take is proportional to the number of synapses. Source: docs/theory.md, section 6.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...errors import NetworkError, ParameterError
from ..parameters import Parameters, Strengths, padded
from .classes import strength_classes
from .given_rows import of_given_rows
from .network import Network

TOTALS = ("in", "out")
COMPONENTS = 4  # of a population: variances of real networks then err by some percent
FACTOR = re.compile(r"(in|out)(?:\^([1-9]))?")
SINGULAR = 1e-10  # of a feature's variance, below which it follows from the others


class NeuronStrengths(NamedTuple):
    """Deviations of strengths and features of every neuron; `neuron_strengths` measures them.

    Args:
        rows: u_i^q, (N, P), in units of input current per rate.
        columns: b_j^p per synapse, (N, P), of order 1/N.
        features: f, (N, F), with mean 0 in every population.
        names: of the features.
        slopes: derivatives of the features by the total in- and out-strength, (N, F, 2); 0 of
            patterns.
    """

    rows: np.ndarray
    columns: np.ndarray
    features: np.ndarray
    names: tuple[str, ...]
    slopes: np.ndarray

    @property
    def together(self) -> np.ndarray:
        """(N, 2P + F), of (u, b, f)."""
        return np.concatenate([self.rows, self.columns, self.features], axis=1)


def neuron_strengths(
    network: Network, features: Sequence[str] = (), patterns: Mapping[str, Any] | None = None
) -> NeuronStrengths:
    """Deviations of every neuron's in- and out-strengths from the mean of its population.

    Args:
        network: whose synapses are stored.
        features: names of functions of strengths: "in" and "out", the total strengths
            sum_q alpha_q u^q and sum_p N alpha_p b^p, their powers and products, such as "in^2" or
            "in*out"; or names of `patterns`.
        patterns: hidden variables of the neurons, (N,) each.

    Raises:
        NetworkError: the synapses are not stored, or a pattern has another shape.
        ParameterError: an unknown feature.
    """
    N, W, labels = network.N, network.matrix, network.labels
    sizes = np.asarray(network.sizes, dtype=float)
    Z = np.eye(network.P)[labels]
    rows, columns = np.asarray(W @ Z, dtype=float), np.asarray(W.T @ Z, dtype=float)
    rows, columns = centred(rows / sizes, labels) * N, centred(columns / sizes, labels)
    totals = {"in": rows @ sizes / N, "out": columns @ sizes}
    known = {name: _pattern(name, v, N) for name, v in (patterns or {}).items()}
    values, slopes = np.zeros((N, len(features))), np.zeros((N, len(features), 2))
    for k, name in enumerate(features):
        if name in known:
            values[:, k] = known[name]
        else:
            values[:, k], slopes[:, k, 0], slopes[:, k, 1] = _product(name, totals)
    return NeuronStrengths(rows, columns, centred(values, labels), tuple(features), slopes)


def _pattern(name: str, values: Any, N: int) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.shape != (N,) or not np.isfinite(array).all():
        raise NetworkError(
            f"the pattern {name!r} has shape {array.shape}; it needs a finite number for each of "
            f"{N} neurons"
        )
    return array


def _product(name: str, totals: Mapping[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """A product of powers of the totals, and its derivatives by both."""
    powers = {"in": 0, "out": 0}
    for text in name.replace(" ", "").split("*"):
        factor = FACTOR.fullmatch(text)
        if factor is None:
            raise ParameterError(
                f"unknown feature {name!r}: use products of powers of in and out, such as 'in', "
                "'out', 'in^2' or 'in*out', or the name of a pattern whose values are given"
            )
        powers[factor[1]] += int(factor[2] or 1)
    (x, n), (y, m) = ((totals[which], powers[which]) for which in ("in", "out"))
    return x**n * y**m, n * x ** max(n - 1, 0) * y**m, m * x**n * y ** max(m - 1, 0)


def centred(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Deviations from the mean of each population."""
    counts = np.bincount(labels)
    sums = np.array([np.bincount(labels, v) for v in values.T]).reshape(-1, len(counts))
    return values - (sums / counts).T[labels]


def assortativity(network: Network, features: np.ndarray) -> np.ndarray:
    """Gamma_pq, what synapses gain per feature of the target and of the source.

    Args:
        network: whose synapses are stored.
        features: of every neuron, centred in its population, (N, F).

    Returns:
        (P, P, F, F); 0 where features do not vary.
    """
    P, F = network.P, features.shape[1]
    members = [network.members(p) for p in range(P)]
    inverse = [inverse_covariance(features[m]) for m in members]
    spread = np.zeros((network.N, P * F))
    for q, own in enumerate(members):
        spread[own, q * F : (q + 1) * F] = features[own]
    felt = np.asarray(network.matrix @ spread, dtype=float).reshape(network.N, P, F)
    gamma = np.zeros((P, P, F, F))
    for p, q in np.ndindex(P, P):
        both = np.einsum("ik,il->kl", features[members[p]], felt[members[p], q])
        mean = both / (len(members[p]) * len(members[q]))
        gamma[p, q] = inverse[p] @ mean @ inverse[q]
    return gamma


def inverse_covariance(values: np.ndarray) -> np.ndarray:
    """Of centred features, (n, F); 0 in directions in which they do not vary."""
    covariance = values.T @ values / len(values)
    scale = np.sqrt(np.diag(covariance))
    scale = np.where(scale > 0, scale, 1.0)
    return np.linalg.pinv(covariance / np.outer(scale, scale), SINGULAR, True) / np.outer(
        scale, scale
    )


def measure_strengths(
    network: Network,
    components: int | str | None = None,
    *,
    features: Sequence[str] = TOTALS,
    patterns: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Strengths:
    """The distribution of a network's strengths, and its assortativity: (u, b, f) and Gamma.

    Args:
        network: whose synapses are stored.
        components: how many describe a population: its neurons fall into clusters of similar total
            strengths (k-means on their square roots), each a component with their mean and
            covariance. "auto": as many as the Bayesian information criterion asks for, in each
            population by itself (`component_numbers`). None: each neuron is a component without a
            width.
        features: names of the functions f of strengths, or of patterns, as `neuron_strengths` has
            them; () for none.
        patterns: hidden variables of the neurons, (N,) each.
        seed: of the clusters.

    Returns:
        Quenched strengths, for `Empirical()` or `Mixture(quenched=True)`.

    Raises:
        NetworkError: the synapses are not stored.
        ParameterError: an unknown feature, or no number of components.
    """
    own = neuron_strengths(network, features, patterns)
    labels = None if components is None else strength_classes(network, components, seed=seed)
    values, parts = own.together, []
    D = values.shape[1]
    for p in range(network.P):
        members = network.members(p)
        if labels is None:
            weights, width = np.full(len(members), 1 / len(members)), np.zeros((1, D, D))
            parts.append((weights, values[members], width))
            continue
        classes = [members[labels[members] == k] for k in np.unique(labels[members])]
        means = np.stack([values[c].mean(axis=0) for c in classes])
        widths = np.stack([np.cov(values[c].T, ddof=0).reshape(D, D) for c in classes])
        parts.append((np.array([len(c) for c in classes]) / len(members), means, widths))
    return padded(parts, own.names, assortativity(network, own.features), quenched=True)


def with_strengths(parameters: Parameters, network: Network, architecture: Any) -> Parameters:
    """Parameters with a network's own strengths and assortativity, where equations need them.

    Args:
        parameters: with the statistics measured on the network.
        network: whose synapses are stored.
        architecture: of the equations: its `strengths`, `assortativity` and `patterns`.

    Returns:
        Parameters with quenched strengths for `Empirical()` and `Mixture(quenched=True)`, of four
        components where it says no number, with "auto" of as many as they ask for; with Gaussian
        ones and their assortativity for `Gaussian()`; the same parameters for equations that need
        neither. With quenched strengths variances, convergence and divergence are those of the
        network's own rows and columns, as `of_given_rows` has them.

    Raises:
        NetworkError: patterns, whose values the network does not know (`Network.features`), or a
            mixture of an ensemble.
        ParameterError: an unknown feature.
    """
    if not architecture.has_components:
        return parameters
    known, names, kind = network.features or {}, architecture.features, architecture.strengths
    if lacking := [name for name in architecture.patterns if name not in known]:
        raise NetworkError(
            f"the network does not say what the patterns {lacking} of its neurons are: give their "
            "values, Network.of(..., features={name: values})"
        )
    patterns = {name: known[name] for name in architecture.patterns}
    if kind.is_quenched:
        count: int | str | None = (kind.components or COMPONENTS) if kind.has_widths else None
        own: Any = measure_strengths(network, count, features=names, patterns=patterns)
        rows, columns, *_ = neuron_strengths(network)
        parameters = of_given_rows(parameters, network, rows, columns)
    elif kind.has_centres or patterns:
        raise NetworkError(
            "a mixture and patterns of an ensemble are not measured on one network: use "
            "Mixture(quenched=True), or Empirical()"
        )
    else:
        features = neuron_strengths(network, names, patterns).features
        own = {"features": list(names), "gamma": assortativity(network, features)}
    return parameters.with_strengths(own)
