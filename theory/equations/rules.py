"""The rules that a derivation applies, functions from expressions to expressions.

The first paragraph of a rule's docstring says why it holds, and is printed in the derivation.
`holds` says how the equality of what goes in and what comes out can be tested: "algebra", exactly;
"sampled", by averages over random synapses and neurons.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from ..architecture import Architecture
from ..notation import (
    C,
    Filtered,
    G,
    Gamma,
    J,
    Jbar,
    K,
    Mean,
    N,
    OverNeurons,
    R,
    Rate,
    Synaptic,
    V,
    a,
    alpha,
    chi,
    drive,
    e,
    f,
    feature,
    field,
    i,
    in_strength,
    j,
    k,
    kappa,
    l,
    n,
    over_populations,
    p,
    q,
    r,
    rho,
    sources,
    spread,
    theta,
    u,
    x,
    xi,
    y,
    z,
)
from .statistics import SynapseStatistics


def holds(kind: str) -> Callable:
    """Mark a rule with the way in which its equality is tested."""

    def mark(rule):
        rule.holds = kind
        return rule

    return mark


class Latents:
    """The latent variables of an architecture.

    They are kappa_q where all neurons have the same filter, kappa_pq where that of p decides.
    """

    def __init__(self, architecture: Architecture):
        self.architecture = architecture
        self.by_target = len(architecture.distinct_filters("membrane")) > 1

    def along(self, base: sp.IndexedBase, target: sp.Symbol, source: sp.Symbol) -> sp.Expr:
        """A latent variable of the sources in one population, as neurons of another feel it."""
        return base[target, source] if self.by_target else base[source]

    def kappa(self, target: sp.Symbol, source: sp.Symbol) -> sp.Expr:
        return self.along(kappa, target, source)

    def rate(self, target: sp.Symbol, source: sp.Symbol) -> sp.Expr:
        """The filtered alpha R of the source: kappa, unless an external input is part of kappa."""
        return self.along(
            rho if "in-strength" in self.architecture.inputs else kappa, target, source
        )

    def passed(self, body: sp.Expr, source: sp.Symbol) -> sp.Expr:
        """What the synapses of a population make of something."""
        return Synaptic(body, source) if self.architecture.has_synapses else body

    def sent(self, source: sp.Symbol) -> sp.Expr:
        """alpha R of a population as its synapses pass it on."""
        return e[source] if self.architecture.has_synapses else alpha[source] * R[source]


def recurrent_input(latents: Latents) -> sp.Expr:
    """The recurrent input of neuron i."""
    return over_populations(latents.passed(OverNeurons(J[i, j] * Rate(q, x[j]), j, q), q), q)


def external_input(inputs: frozenset[str]) -> dict[str, sp.Expr]:
    """The external input of neuron i, without the white noise."""
    parts = {"drive": drive[p]}
    if "in-strength" in inputs:
        parts["in_strength"] = over_populations(in_strength[q] * u[i, q], q)
    if "spread" in inputs:
        parts["spread"] = spread[p] * xi[i]
    return parts


@holds("sampled")
def statistic(_: sp.Expr, value: sp.Expr) -> sp.Expr:
    """Given."""
    return value


@holds("algebra")
def decompose(field: sp.Expr, statistics: SynapseStatistics) -> dict[str, sp.Expr]:
    """Each synapse is its mean, a deviation of its target's row, a deviation of its source's
    column, and a residual: with Gaussian parts of the right covariances this has exactly the given
    first- and second-order statistics, at every $N$.
    """
    parts = {"mean": Jbar[p, q], **statistics.parts(i, j, p, q)}
    made = {name: field.xreplace({J[i, j]: part}) for name, part in parts.items()}
    if "assortativity" in made:
        made["assortativity"] = over_populations(made["assortativity"], k, l)
    return made


@holds("algebra")
def average_over_neurons(term: sp.Expr) -> sp.Expr:
    """A sum over the many neurons of a population is $N \\alpha_q$ times their average; factors
    without the summed neuron stay outside.
    """

    def rewrite(body, neuron, population):
        outside, inside = body.as_independent(neuron, as_Add=False)
        return N * alpha[population] * outside * Mean(inside, neuron, population)

    return term.replace(OverNeurons, rewrite)


@holds("sampled")
def name_averages(term: sp.Expr) -> sp.Expr:
    """The average rate of population $q$ is called $R_q$, its average gain $G_q$."""

    def rewrite(body, neuron, population):
        if body == Rate(population, x[neuron]):
            return R[population]
        if body == Rate(population, x[neuron], 1):
            return G[population]
        return Mean(body, neuron, population)

    return term.replace(Mean, rewrite)


@holds("algebra")
def name_synaptic_rate(term: sp.Expr) -> sp.Expr:
    """Synapses are linear: constants leave the filter, and $\\alpha_q R_q$ as the synapses of
    population $q$ pass it on is called $e_q$.
    """

    def rewrite(body, population):
        rest = body / (alpha[population] * R[population])
        return e[population] * rest if not rest.has(R) else Synaptic(body, population)

    return term.replace(Synaptic, rewrite)


@holds("algebra")
def scale_rows(term: sp.Expr) -> sp.Expr:
    """Row deviations are of order $1/N$: $u = N a$ is of order one."""
    return term.replace(
        lambda b: isinstance(b, sp.Indexed) and b.base == a, lambda b: u[b.indices] / N
    )


def current(neuron, population, statistics: SynapseStatistics, latents: Latents) -> sp.Expr:
    """The input current of a neuron: the latent variables, the offset of its external input, noise
    and the residual field.
    """
    total = K[population] + y[neuron]
    if statistics.has_rows:
        total += over_populations(latents.kappa(population, r) * u[neuron, r], r)
    if statistics.has_features:
        total += over_populations(theta[population, k] * feature[neuron, k], k)
    if "spread" in statistics.inputs:
        total += z[population] * xi[neuron]
    return total + (n[neuron] if "noise" in statistics.inputs else 0)


@holds("sampled")
def stein(term: sp.Expr) -> sp.Expr:
    """Stein's lemma: for jointly Gaussian $z$ and $x$, $\\langle z \\, \\phi(x) \\rangle =
    \\mathrm{Cov}(z, x) \\, \\langle \\phi'(x) \\rangle$ when $z$ has mean 0.
    """

    def rewrite(body, neuron, population):
        rate = Rate(population, x[neuron])
        deviation = body / rate
        if deviation == 1 or deviation.has(Rate):
            return Mean(body, neuron, population)
        return Covariance(deviation, x[neuron], neuron, population) * Mean(
            Rate(population, x[neuron], 1), neuron, population
        )

    return term.replace(Mean, rewrite)


@holds("sampled")
def stein_in_field(term: sp.Expr) -> sp.Expr:
    """Neuron $j$ feels its own rate, $x_j = h_j + \\Gamma_q \\phi_q(x_j)$: it is the field $h_j$
    that is normally distributed, and Stein's lemma holds for the rate as a function of it,
    $\\langle z \\, \\phi \\rangle = \\mathrm{Cov}(z, h) \\, \\langle d\\phi / dh \\rangle$ with
    $d\\phi / dh = \\phi' / (1 - \\Gamma_q \\phi')$; the average slope is called $\\chi_q$.
    """

    def rewrite(body, neuron, population):
        deviation = body / Rate(population, x[neuron])
        if deviation == 1 or deviation.has(Rate):
            return Mean(body, neuron, population)
        return Covariance(deviation, field[neuron], neuron, population) * chi[population]

    return term.replace(Mean, rewrite)


class Covariance(sp.Function):
    """Covariance over the neurons j of population q: `Covariance(z, x_j, j, q)`."""

    nargs = 4


@holds("sampled")
def covariance_with_columns(
    term: sp.Expr, statistics: SynapseStatistics, latents: Latents
) -> dict[str, sp.Expr]:
    """Out-strengths are correlated with what chain motifs, and offsets that depend on them,
    correlate them with, and with nothing else in the input current $x_j$.
    """

    def part(own: sp.IndexedBase) -> sp.Expr:
        def rewrite(deviation, target, neuron, population):
            index = deviation.indices[1]
            across = {
                u[neuron, r]: N * statistics.across(index, population, r),
                xi[neuron]: statistics.offset(index, population),
            }
            felt = sp.Add(
                *(t for t in current(neuron, population, statistics, latents).args if t.has(own))
            )
            return felt.xreplace(across).doit(deep=False)

        return term.replace(Covariance, rewrite)

    parts = {
        name: value
        for name, value in (("chain", part(u)), ("out_strength", part(xi)))
        if not is_zero(value)
    }
    return parts or {"chain": sp.Integer(0)}


def is_zero(term: sp.Expr) -> bool:
    """Whether a term under sums and synaptic filters vanishes."""
    while isinstance(term, (sp.Sum, Synaptic)):
        term = term.args[0]
    return term == 0


@holds("algebra")
def gather_sources(term: sp.Expr) -> sp.Expr:
    """Populations whose synapses have the same filter are summed before it; $f$ numbers these
    filters, and $m_{fq} = 1$ where population $q$ has the filter $f$, else 0.
    """
    inside = term.replace(Synaptic, lambda body, population: sources[f, population] * body)
    return over_populations(Synaptic(inside, f), f)


@holds("sampled")
def covariance_with_residual(
    term: sp.Expr, statistics: SynapseStatistics, latents: Latents
) -> sp.Expr:
    """Neuron $j$'s residual field contains the synapse $w_{ji}$ that goes back from $i$, times what
    the filters make of the rate of $i$.
    """

    def rewrite(deviation, target, neuron, population):
        covariance = statistics.reciprocal(p, population)
        return (
            covariance * Filtered(latents.passed(Rate(p, x[i]), p), population)
            if covariance != 0
            else sp.Integer(0)
        )

    return term.replace(Covariance, rewrite)


@holds("sampled")
def return_through_synapses(term: sp.Expr, statistics: SynapseStatistics) -> sp.Expr:
    """Neuron $j$'s field contains $w_{ji} \\phi_p(x_i)$, the synapse that goes back from $i$ times
    the rate of $i$ itself.
    """

    def rewrite(deviation, target, neuron, population):
        return statistics.reciprocal(p, population) * Rate(p, x[i])

    return term.replace(Covariance, rewrite)


@holds("algebra")
def collect_return(term: sp.Expr, sources: sp.Expr) -> sp.Expr:
    """What comes back is proportional to the neuron's own rate: it is no part of the mean, and the
    same factor $\\Gamma_p$ for all neurons of the population. Each solves its own equation.
    """
    return Gamma[p] * Rate(p, x[i])


@holds("sampled")
def uncorrelated_residual(term: sp.Expr) -> sp.Expr:
    """Nothing in $x_j$ is correlated with $w_{ij}$: the residual moves no mean, and adds to the
    variance alone.
    """
    return sp.Integer(0)


@holds("sampled")
def filtered_rate(term: sp.Expr, latents: Latents) -> sp.Expr:
    """On average over neuron $i$ of population $p$ the filtered rate is the filtered $\\alpha_p
    R_p$ divided by $\\alpha_p$.
    """
    return term.replace(Filtered, lambda body, target: latents.rate(target, p) / alpha[p])


@holds("algebra")
def collect_rows(term: sp.Expr, latents: Latents) -> sp.Expr:
    """What reaches a neuron along $u_i^q$ passes its own filter: its coefficient is the latent
    variable of the variability, which gives the neuron its own input current.
    """
    return over_populations(latents.kappa(p, q) * u[i, q], q)


@holds("sampled")
def latent_variance(
    ansatz: sp.Expr, statistics: SynapseStatistics, latents: Latents
) -> dict[str, sp.Expr]:
    """The parts of the input current are independent of each other: their variances add."""
    parts = {}
    if ansatz.has(u):
        covariance = N**2 * statistics.rows(p, q, r)
        parts["convergent"] = over_populations(
            covariance * latents.kappa(p, q) * latents.kappa(p, r), q, r
        )
    if ansatz.has(z):
        parts["spread"] = z[p] ** 2
    if ansatz.has(n):
        parts["noise"] = V[p]
    return parts


@holds("sampled")
def residual_variance(_: sp.Expr, statistics: SynapseStatistics) -> sp.Expr:
    """The residual field of neuron $i$ is a sum of many independent terms, Gaussian with the
    variance of $w$ times the second moment $C_q$ of the rates, summed over the neurons.
    """
    return over_populations(N * alpha[q] * statistics.residual(p, q) * C[q], q)
