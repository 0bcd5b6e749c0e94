"""Classes of neurons with similar strengths, and how many of them a population needs.

Source: docs/theory.md, section 6.3.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ...errors import ParameterError
from .network import Network

AUTO = "auto"  # as many classes as the criterion asks for
MOST = 8  # classes that are compared; more change the larva's variances by less than a percent
STARTS = 10  # of k-means, whose end depends on its start
NARROWEST = 0.01  # of the population's standard deviation, so that equal neurons are no infinity
VARYING = 1e-10  # of the variance of standardised strengths, below which a direction has none


class ComponentNumbers(NamedTuple):
    """How many components describe the strengths of each population; `component_numbers` says it.

    Args:
        numbers: of components, (P,).
        criterion: the Bayesian information criterion of 1, 2, ... components, (P, MOST); the least
            decides. NaN where there are too few neurons for so many.
    """

    numbers: tuple[int, ...]
    criterion: np.ndarray


def component_numbers(network: Network, *, seed: int = 0) -> ComponentNumbers:
    """As many components as the strengths of a network's neurons ask for.

    The neurons fall into k = 1, 2, ... classes (`strength_classes`), and their total in- and
    out-strengths y have the density of a mixture with the share, mean and covariance of each
    class, d the number of dimensions in which strengths vary,

        BIC_k = -2 sum_i log sum_m pi_m N(y_i | m_m, S_m) + [k (1 + d + d (d + 1)/2) - 1] log n.

    k grows as long as there are more neurons than parameters.

    Args:
        network: whose synapses are stored.
        seed: of the clusters.

    Returns:
        For each population the k of the least criterion, and the criterion of every k.

    Raises:
        NetworkError: the synapses are not stored.

    Source: G. Schwarz, Annals of Statistics 6, 461 (1978).
    """
    found = np.full((network.P, MOST), np.nan)
    roots, sums = _root_strengths(network), _strengths(network.matrix)
    for p in range(network.P):
        members = network.members(p)
        values, own = _standardised(sums[members]), _scaled(roots[members])
        n, d = values.shape
        per = 1 + d + d * (d + 1) // 2
        for k in range(1, min(MOST, max(1, n // per), len(np.unique(own, axis=0))) + 1):
            likelihood = _log_likelihood(values, _clusters(own, k, seed))
            found[p, k - 1] = -2 * likelihood + (k * per - 1) * np.log(n)
    return ComponentNumbers(tuple(int(k) + 1 for k in np.nanargmin(found, axis=1)), found)


def strength_classes(network: Network, k: int | str, *, seed: int = 0) -> np.ndarray:
    """Classes of similar strength within each population: k-means on square roots of strengths.

    Args:
        network: whose synapses are stored.
        k: classes of each population, fewer where it has fewer different neurons; "auto", as many
            as `component_numbers` finds.
        seed: of the starts.

    Returns:
        The class of each neuron within its population, (N,), from 0, by rising in-strength.

    Raises:
        ParameterError: no number of classes.
    """
    if k != AUTO and (isinstance(k, bool) or not isinstance(k, int) or k < 1):
        raise ParameterError(
            f"the number of classes must be an integer, at least 1, or {AUTO!r}, not {k!r}"
        )
    numbers: Any = component_numbers(network, seed=seed).numbers if k == AUTO else [k] * network.P
    roots, found = _root_strengths(network), np.zeros(network.N, dtype=int)
    for p in range(network.P):
        members = network.members(p)
        found[members] = _clusters(_scaled(roots[members]), numbers[p], seed)
    return found


def split_by_strength(network: Network, k: int | str, *, seed: int = 0) -> Network:
    """The same network with every population split into k classes of similar strength.

    Second-order theory with k P populations describes skewed strengths without further equations;
    motifs between classes become means. `joined` puts classes together again.

    Args:
        network: whose synapses are stored.
        k: classes of each population, or "auto", as `strength_classes` takes it.
        seed: of the clusters.

    Returns:
        A network whose populations are called "E/1", "E/2", ..., by rising strength; empty classes
        are left out.

    Raises:
        ParameterError: no number of classes.

    Source: docs/theory.md, section 6.3.
    """
    classes = strength_classes(network, k, seed=seed)
    pairs = [(p, c) for p in range(network.P) for c in np.unique(classes[network.members(p)])]
    index = {pair: n for n, pair in enumerate(pairs)}
    labels = np.array([index[p, c] for p, c in zip(network.labels, classes, strict=True)])
    names = tuple(f"{network.populations[p]}/{c + 1}" for p, c in pairs)
    unknown = dict.fromkeys(("seed", "parameters", "rows", "columns", "features"))
    return replace(network, populations=names, labels=labels, **unknown)


def _strengths(W: Any) -> np.ndarray:
    """Total in- and out-strength of each neuron, (N, 2)."""
    return np.stack([np.asarray(W.sum(axis=a)).ravel() for a in (1, 0)], axis=1)


def _root_strengths(network: Network) -> np.ndarray:
    """Square roots of the same, without the signs of synapses."""
    return np.sqrt(_strengths(np.abs(network.matrix)))


def _scaled(values: np.ndarray) -> np.ndarray:
    """In units of standard deviations, where they vary."""
    spread = values.std(axis=0)
    return values / np.where(spread > 0, spread, 1.0)


def _standardised(values: np.ndarray) -> np.ndarray:
    """Coordinates of mean 0 and covariance 1 in the directions in which neurons differ, (n, d)."""
    deviations = _scaled(values - values.mean(axis=0))
    squares, axes = np.linalg.eigh(deviations.T @ deviations / len(values))
    there = squares > VARYING
    return deviations @ axes[:, there] / np.sqrt(squares[there])


def _log_likelihood(values: np.ndarray, labels: np.ndarray) -> float:
    """Of standardised strengths, in a mixture with the shares and moments of the classes."""
    from scipy.special import logsumexp

    logs = []
    for c in np.unique(labels):
        own = values[labels == c]
        centre = own.mean(axis=0)
        squares, axes = np.linalg.eigh((own - centre).T @ (own - centre) / len(own))
        squares = np.maximum(squares, NARROWEST**2)
        distances = ((values - centre) @ axes) ** 2 / squares
        norm = np.log(2 * np.pi * squares).sum()
        logs.append(np.log(len(own) / len(values)) - (distances.sum(axis=1) + norm) / 2)
    return float(logsumexp(logs, axis=0).sum())


def _clusters(values: np.ndarray, k: int, seed: int) -> np.ndarray:
    """The best of several runs of k-means, numbered by the first coordinate."""
    from scipy.cluster.vq import kmeans2

    k = min(k, len(np.unique(values, axis=0)))
    best, labels = np.inf, np.zeros(len(values), dtype=int)
    for run in range(STARTS if k > 1 else 0):
        rng = np.random.default_rng([seed, run])
        centres, own = kmeans2(values, k, minit="++", rng=rng)
        error = float(((values - centres[own]) ** 2).sum())
        if error < best:
            best, labels = error, own
    there = np.unique(labels)
    order = np.argsort([values[labels == c, 0].mean() for c in there])
    rank = np.zeros(there.max() + 1, dtype=int)
    rank[there[order]] = np.arange(len(there))
    return rank[labels]
