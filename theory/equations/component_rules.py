"""The rules for strengths that have components, and for what synapses know of both neurons.

As in `rules`, the first paragraph of a docstring is printed in the derivation.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from ..notation import (
    C,
    G_c,
    Mean,
    N,
    PairCovariance,
    R,
    R_c,
    Rate,
    V,
    alpha,
    b,
    beta,
    cov_features,
    cov_in,
    cov_in_feature,
    cov_out_feature,
    cov_out_in,
    eta,
    feature,
    feature_covariance,
    k,
    l,
    m,
    mean_feature,
    mean_in,
    mean_out,
    n,
    over_populations,
    p,
    q,
    r,
    shift,
    theta,
    weight,
    x,
    z,
)
from .rules import Latents, holds
from .statistics import SynapseStatistics


class Widths:
    """What of the strengths' distribution is not 0: centres and widths of its components."""

    def __init__(self, architecture):
        own = architecture.strengths
        self.centres, self.widths = own.has_centres, own.has_widths
        self.rows = "convergent" in architecture.motifs
        self.columns = "divergent" in architecture.motifs
        self.features = bool(architecture.features)
        # components may each have what cancels in their sum, which is the chain motif
        self.chains = "chain" in architecture.motifs
        self.across = self.centres or self.chains

    def moments(self) -> dict[str, tuple[sp.Expr, sp.Expr]]:
        """Covariances over a whole population, and what components make of them, by name."""
        found: dict[str, tuple[sp.Expr, sp.Expr]] = {}
        if self.rows:
            pair = N**2 * PairCovariance(sp.Symbol("rows"), p, q, r)
            own = cov_in[m, p, q, r], mean_in[m, p, q] * mean_in[m, p, r]
            found["in-strengths"] = pair, self._together(p, *own)
        if self.chains:
            pair = N * PairCovariance(sp.Symbol("across"), p, q, r)
            own = cov_out_in[m, q, p, r], mean_out[m, q, p] * mean_in[m, q, r]
            found["out- and in-strengths"] = pair, self._together(q, *own)
        if self.features:
            own = cov_features[m, p, k, l], mean_feature[m, p, k] * mean_feature[m, p, l]
            found["features"] = feature_covariance[p, k, l], self._together(p, *own)
        return found

    def _together(self, population: sp.Symbol, inside: sp.Expr, between: sp.Expr) -> sp.Expr:
        whole = sp.Add(inside * int(self.widths), between * int(self.centres))
        return over_populations(weight[m, population] * whole, m)

    def shift(self, latents: Latents) -> dict[str, sp.Expr]:
        """The mean input current of a component less K_p."""
        found = {}
        if self.centres and self.rows:
            found["centres"] = over_populations(latents.kappa(p, q) * mean_in[m, p, q], q)
        if self.centres and self.features:
            found["feature_centres"] = over_populations(theta[p, k] * mean_feature[m, p, k], k)
        return found

    def variance(self, latents: Latents) -> dict[str, sp.Expr]:
        """The variance of the input current within a component, without the residual field."""
        if not self.widths:
            return {}
        found = {}
        if self.rows:
            along = latents.kappa(p, q) * latents.kappa(p, r)
            found["convergent"] = over_populations(cov_in[m, p, q, r] * along, q, r)
        if self.features:
            both = cov_features[m, p, k, l] * theta[p, k] * theta[p, l]
            found["assorted"] = over_populations(both, k, l)
        if self.rows and self.features:
            crossed = 2 * cov_in_feature[m, p, q, k] * latents.kappa(p, q) * theta[p, k]
            found["crossed"] = over_populations(crossed, q, k)
        return found

    def covariance_with_columns(self, latents: Latents) -> dict[str, sp.Expr]:
        """Cov(b_j^p, phi(x_j)) over the neurons j of population q."""
        if not self.columns:
            return {}
        found = {}
        if self.centres:
            centred = weight[m, q] * mean_out[m, q, p] * R_c[m, q]
            found["column_centres"] = over_populations(centred, m)
        if self.widths and self.rows and self.across:
            along = cov_out_in[m, q, p, r] * latents.kappa(q, r)
            found["column_strengths"] = over_populations(weight[m, q] * along * G_c[m, q], m, r)
        if self.widths and self.features:
            along = cov_out_feature[m, q, p, k] * theta[q, k]
            found["column_features"] = over_populations(weight[m, q] * along * G_c[m, q], m, k)
        return found

    def covariance_with_features(self, latents: Latents) -> dict[str, sp.Expr]:
        """Cov(f_jl, phi(x_j)) over the neurons j of population q."""
        found = {}
        if self.centres:
            centred = weight[m, q] * mean_feature[m, q, l] * R_c[m, q]
            found["centred"] = over_populations(centred, m)
        if self.widths and self.rows:
            along = cov_in_feature[m, q, r, l] * latents.kappa(q, r)
            found["with_strengths"] = over_populations(weight[m, q] * along * G_c[m, q], m, r)
        if self.widths:
            along = cov_features[m, q, l, k] * theta[q, k]
            found["with_features"] = over_populations(weight[m, q] * along * G_c[m, q], m, k)
        return found


@holds("sampled")
def moments_of_components(_: sp.Expr, total: sp.Expr) -> sp.Expr:
    """Covariances over the population are what components have inside, and what their means add."""
    return total


@holds("sampled")
def name_out_strengths(term: sp.Expr) -> sp.Expr:
    """The covariance of out-strengths with rates is called $\\beta_{pq}$."""
    return _named(term, b, lambda population, index: beta[index, population])


@holds("sampled")
def name_features(term: sp.Expr) -> sp.Expr:
    """The covariance of feature $l$ with the rates of population $q$ is called $\\eta_{ql}$."""
    return _named(term, feature, lambda population, index: eta[population, index])


def _named(term: sp.Expr, base: sp.IndexedBase, name: Callable[..., sp.Expr]) -> sp.Expr:
    """The average of a deviation times the rate by its name."""

    def rewrite(body, neuron, population):
        deviation = body / Rate(population, x[neuron])
        if isinstance(deviation, sp.Indexed) and deviation.base == base:
            return name(population, deviation.indices[1])
        return Mean(body, neuron, population)

    return term.replace(Mean, rewrite)


@holds("sampled")
def stein_in_components(_: sp.Expr, parts: dict[str, sp.Expr]) -> dict[str, sp.Expr]:
    """The population falls into components of weights $\\pi_{mq}$, in each of which neurons are
    jointly Gaussian. The covariance with the rates is the weighted sum over components
    of the component's mean times its mean rate and, by Stein's lemma inside each component, of the
    covariance with the input current times the mean gain.
    """
    return parts


@holds("sampled")
def deviations_of_components(_: sp.Expr, parts: dict[str, sp.Expr]) -> dict[str, sp.Expr]:
    """Components have no width: the covariance with the rates is the weighted sum over them of the
    component's own deviation times its mean rate.
    """
    return parts


@holds("sampled")
def average_over_components(_: sp.Expr, total: sp.Expr) -> sp.Expr:
    """An average over a population is the weighted average over its components, inside each of
    which the input current is normally distributed with mean $K_q + \\mu_{mq}$ and variance
    $\\Delta_{mq}$.
    """
    return total


@holds("sampled")
def average_over_component(_: sp.Expr, total: sp.Expr) -> sp.Expr:
    """An average over a population is that over its component, in which the input current is
    normally distributed with mean $K_q$ and variance $\\Delta_{mq}$.
    """
    return total


@holds("algebra")
def collect_features(term: sp.Expr) -> sp.Expr:
    """What reaches a neuron along its feature $k$ passes its own filter: its coefficient is a
    latent variable of the variability, too.
    """
    return over_populations(theta[p, k] * feature[_neuron(term), k], k)


@holds("sampled")
def residual_in_strengths(term: sp.Expr) -> sp.Expr:
    """The strengths are those of given neurons, and rows and columns of the residual sum to 0:
    what comes back to neuron $i$ through $w_{ji}$ is the deviation of its rate from the mean, which
    averages out over the population. The rest of what reciprocal pairs of synapses bring back is in
    the covariance of strengths already.
    """
    return sp.Integer(0)


@holds("sampled")
def residual_variance_in_strengths(_: sp.Expr, statistics: SynapseStatistics) -> sp.Expr:
    """The residual field of neuron $i$ is a sum of many independent terms. Since its synapses sum
    to 0 over the neurons of a population, it acts on deviations of the rates from their mean, whose
    second moment is $C_q - R_q^2$.
    """
    return over_populations(N * alpha[q] * statistics.residual(p, q) * (C[q] - R[q] ** 2), q)


def _neuron(term: sp.Expr) -> sp.Symbol:
    (own,) = {e.indices[0] for e in term.atoms(sp.Indexed) if e.base == feature}
    return own


@holds("sampled")
def variance_over_components(
    ansatz: sp.Expr, shifts: dict[str, sp.Expr], variances: dict[str, sp.Expr]
) -> dict[str, sp.Expr]:
    """The variance over a population is the average variance within its components, and the
    variance of their means; parts of the current that are independent of these add theirs.
    """
    inside = {name: over_populations(weight[m, p] * v, m) for name, v in variances.items()}
    if shifts:
        inside["between"] = over_populations(weight[m, p] * shift[m, p] ** 2, m)
    return inside | independent_parts(ansatz)


def independent_parts(ansatz: sp.Expr) -> dict[str, sp.Expr]:
    """The variances of offsets of the external input, and of white noise."""
    parts = {}
    if ansatz.has(z):
        parts["spread"] = z[p] ** 2
    if ansatz.has(n):
        parts["noise"] = V[p]
    return parts
