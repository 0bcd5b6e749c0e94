"""The rules that a derivation applies: each a function from expressions to expressions, which says in its docstring why it holds."""

from __future__ import annotations

import sympy as sp

from .notation import (
    C,
    Filtered,
    G,
    J,
    Jbar,
    K,
    Mean,
    N,
    OverNeurons,
    R,
    Rate,
    a,
    alpha,
    i,
    j,
    kappa,
    over_populations,
    p,
    q,
    r,
    u,
    x,
    y,
)  # fmt: skip
from .statistics import SynapseStatistics


def synaptic_input() -> sp.Expr:
    """The recurrent input of neuron i."""
    return over_populations(OverNeurons(J[i, j] * Rate(q, x[j]), j, q), q)


def decompose(field: sp.Expr, statistics: SynapseStatistics) -> dict[str, sp.Expr]:
    """Each synapse is its mean, a deviation of its target's row, a deviation of its source's column, and a residual: with
    Gaussian parts of the right covariances this has exactly the given first- and second-order statistics, at every N.
    """
    parts = {"mean": Jbar[p, q], **statistics.parts(i, j, p, q)}
    return {name: field.xreplace({J[i, j]: part}) for name, part in parts.items()}


def average_over_neurons(term: sp.Expr) -> sp.Expr:
    """A sum over the many neurons of a population is N alpha_q times their average; factors without the summed neuron stay
    outside.
    """

    def rewrite(body, neuron, population):
        outside, inside = body.as_independent(neuron, as_Add=False)
        return N * alpha[population] * outside * Mean(inside, neuron, population)

    return term.replace(OverNeurons, rewrite)


def name_averages(term: sp.Expr) -> sp.Expr:
    """The average rate of population q is called R_q, its average gain G_q."""

    def rewrite(body, neuron, population):
        if body == Rate(population, x[neuron]):
            return R[population]
        if body == Rate(population, x[neuron], 1):
            return G[population]
        return Mean(body, neuron, population)

    return term.replace(Mean, rewrite)


def scale_rows(term: sp.Expr) -> sp.Expr:
    """Row deviations are of order 1/N: u = N a is of order one."""
    return term.replace(lambda e: isinstance(e, sp.Indexed) and e.base == a, lambda e: u[e.indices] / N)


def current(neuron, population, statistics: SynapseStatistics) -> sp.Expr:
    """x_j = K_q + sum_r kappa_r u_j^r + y_j: the latent variables and the residual field of a neuron."""
    rows = over_populations(kappa[r] * u[neuron, r], r) if statistics.has_rows else sp.Integer(0)
    return K[population] + rows + y[neuron]


def stein(term: sp.Expr) -> sp.Expr:
    """Stein's lemma: for jointly Gaussian z and x, < z phi(x) > = Cov(z, x) < phi'(x) >."""

    def rewrite(body, neuron, population):
        rate = Rate(population, x[neuron])
        z = body / rate
        if z == 1 or z.has(Rate):
            return Mean(body, neuron, population)
        return Covariance(z, x[neuron], neuron, population) * Mean(Rate(population, x[neuron], 1), neuron, population)

    return term.replace(Mean, rewrite)


class Covariance(sp.Function):
    """Covariance over the neurons j of population q: `Covariance(z, x_j, j, q)`."""

    nargs = 4


def covariance_with_columns(term: sp.Expr, statistics: SynapseStatistics) -> sp.Expr:
    """A neuron's out-strength is correlated with its own in-strengths: this is what a chain motif is.

    Cov_q(b^p, x) = sum_r kappa_r Cov(b^p, u^r), and u = N a.
    """

    def rewrite(z, target, neuron, population):
        index, ansatz = z.indices[1], current(neuron, population, statistics)
        linear = {u[neuron, r]: N * statistics.across(index, population, r), K[population]: 0, y[neuron]: 0}
        return ansatz.xreplace({key: sp.sympify(value) for key, value in linear.items()}).doit(deep=False)

    return term.replace(Covariance, rewrite)


def covariance_with_residual(term: sp.Expr, statistics: SynapseStatistics) -> sp.Expr:
    """Neuron j's residual field contains the synapse w_ji that goes back from i, times the filtered rate of i.

    Cov(w_ij, x_j) = Cov(w_ij, w_ji) (1 + d/dt)^{-1} phi_p(x_i).
    """

    def rewrite(z, target, neuron, population):
        covariance = statistics.reciprocal(p, population)
        return covariance * Filtered(Rate(p, x[i])) if covariance != 0 else sp.Integer(0)

    return term.replace(Covariance, rewrite)


def filtered_rate(term: sp.Expr) -> sp.Expr:
    """On average over neuron i of population p the filtered rate is kappa_p / alpha_p, since kappa_p filters alpha_p R_p."""
    return term.replace(Filtered, lambda body: kappa[body.args[0]] / alpha[body.args[0]])


def row_equation(term: sp.Expr) -> sp.Expr:
    """A neuron's input along u_i^q passes the neuron's own filter: its coefficient drives kappa_q."""
    return term.args[0].coeff(u[i, q]) if isinstance(term, sp.Sum) else sp.Integer(0)


def latent_variance(ansatz: sp.Expr, statistics: SynapseStatistics) -> dict[str, sp.Expr]:
    """The variance of x_i = K_p + sum_q kappa_q u_i^q + y_i within a population: rows and residual field are independent."""
    parts = {}
    if ansatz.has(u):
        covariance = N**2 * statistics.rows(p, q, r)
        parts["convergent"] = over_populations(covariance * kappa[q] * kappa[r], q, r)
    return parts


def residual_variance(_: sp.Expr, statistics: SynapseStatistics) -> sp.Expr:
    """The residual field of neuron i is a sum of many independent terms, Gaussian with the variance of w times the second
    moment C_q of the rates, summed over the neurons.
    """
    return over_populations(N * alpha[q] * statistics.residual(p, q) * C[q], q)
