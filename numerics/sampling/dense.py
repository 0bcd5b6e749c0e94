"""Dense networks whose synapses have any marginal distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..parameters import Motifs, Parameters
from .copula import (
    Copula,
    correlations,
    covariances,
    drawable,
    field_of,
    nearest_covariances,
    products,
    ratio,
)
from .field import Field, aligned
from .marginals import Marginal, Quantiles, by_block, fit
from .samplers import Drawn, TiledSampler


@dataclass(frozen=True, eq=False)
class Dense(TiledSampler):
    """Synapses with given marginals and exactly the given means, variances and motif correlations.

    J_ij = F_pq^-1(Phi(Z_ij)), i in p, j in q: Z is a Gaussian field of unit variance, whose
    correlations are those that give J the motifs of the parameters. The offset of a neuron's input
    is standard normal, and its correlation with the neuron's synapses is tau_inp.

    Drawing raises `InfeasibleStatisticsError` where a family has not the mean and variance, a motif
    is out of its reach (with the range that is not), or no Gaussian field has the correlations;
    `nearest` gives the closest statistics that can be drawn.

    Args:
        marginal: a family of `motifield.marginals`, or one per block, {target: {source: family}}.
        zero_diagonal: no synapse of a neuron onto itself. Means and all else are then those of the
            synapses between different neurons.
        threads: how many draw, all cores unless given; their number changes nothing.
    """

    marginal: Marginal | Any
    zero_diagonal: bool = False
    threads: int | None = None

    def draw(self, parameters, seed, dtype, say):
        quantiles, normal = self._field(parameters)
        field, onto_itself = Field.of(normal, seed), diagonal_deviations(normal)
        J = aligned(field.N, dtype)

        def place(i: int, j: int, w: np.ndarray) -> None:
            (p, rows), (q, columns) = field.tiles[i], field.tiles[j]
            J[rows, columns] = quantiles[p][q](unit_normal(field, i, j, w, onto_itself))

        self.tile_by_tile(field, place, say)
        if self.zero_diagonal:
            np.fill_diagonal(J, 0)
        return Drawn(J, offsets=field.offsets)

    def nearest(self, parameters: Parameters) -> Parameters:
        """The parameters with the nearest motifs that can be drawn.

        As given if they can be, else those of the nearest feasible Gaussian field.
        """
        quantiles = self._quantiles(parameters)
        copula = Copula.of(quantiles)
        wanted = covariances(parameters)
        return with_covariances(
            parameters, nearest_covariances(parameters, copula.covariance, wanted)
        )

    def _quantiles(self, parameters: Parameters) -> list[list[Quantiles]]:
        names, variance = (
            parameters.populations,
            np.asarray(parameters.g) ** 2 / float(parameters.N),
        )
        return fit(by_block(self.marginal, names), names, np.asarray(parameters.mean), variance)

    def _field(self, parameters: Parameters) -> tuple[list[list[Quantiles]], Parameters]:
        quantiles, deviations = (
            self._quantiles(parameters),
            np.asarray(parameters.g) / np.sqrt(float(parameters.N)),
        )
        copula, units = Copula.of(quantiles), products(deviations)
        wanted = covariances(parameters)
        rho = correlations(copula.covariance, wanted, units, parameters.populations, "synapses")
        slopes = copula.slopes.reshape(deviations.shape)
        normal = field_of(
            parameters,
            rho,
            np.divide(slopes, deviations, out=np.zeros_like(slopes), where=deviations > 0),
        )
        return quantiles, drawable(normal, copula.covariance, wanted, "these synapses")


def unit_normal(field: Field, i: int, j: int, w: np.ndarray, onto_itself: np.ndarray) -> np.ndarray:
    """Z of the tile (i, j) from its residual, in place; onto_itself: `diagonal_deviations`."""
    in_row, in_column = field.strengths(i, j)
    w += in_row
    w += in_column
    if i == j:
        diagonal = np.arange(len(w))
        w[diagonal, diagonal] /= w.dtype.type(onto_itself[field.tiles[i].population])
    return w


def diagonal_deviations(normal: Parameters) -> np.ndarray:
    """By population, the deviation of a field of unit variance on its diagonal, (P,).

    There a_i and b_i belong to one neuron.
    """
    return np.sqrt(np.maximum(1 + 2 * np.einsum("ppp->p", np.asarray(normal.tau_chn)), 1e-12))


def with_covariances(parameters: Parameters, motifs: Motifs) -> Parameters:
    """`parameters` with these covariances of their synapses for motifs."""
    tau = ratio(motifs, products(np.asarray(parameters.g) / np.sqrt(float(parameters.N))))
    return parameters.replace(
        tau_con=tau.convergent, tau_div=tau.divergent, tau_chn=tau.chain, tau_rec=tau.reciprocal
    )
