"""Sparse networks: which synapses are present, and how strong, each with motifs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import norm

from ...errors import InfeasibleStatisticsError, ParameterError
from ..machine import in_threads
from ..parameters import Motifs, Parameters, by_population
from .copula import (
    NAMES,
    Copula,
    correlations,
    covariances,
    drawable,
    field_of,
    joint_presence,
    nearest_covariances,
    products,
    ratio,
)
from .dense import diagonal_deviations, unit_normal, with_covariances
from .field import Field
from .marginals import (
    EQUAL,
    Constant,
    Gaussian as GaussianWeights,
    Marginal,
    Quantiles,
    by_block,
    fit,
)
from .samplers import Drawn, TiledSampler, known_of
from .sparse_presence import PresentTiles
from .sparse_strengths import MixedTiles
from .sparse_tiles import SparseTiles, both_ways

PRESENCE = Motifs("a_con", "a_div", "a_chn", "a_rec")
STREAMS = {"presence": 2, "weight field": 3, "weights": 4}


class Blocks(NamedTuple):
    """Of the synapses J = S W by block, (P, P).

    Probability of S = 1, mean and standard deviation of the weights W of those present.
    """

    probability: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    quantiles: list[list[Quantiles]]


@dataclass(frozen=True, eq=False)
class Sparse(TiledSampler):
    """Sparse networks, in CSR, with exactly the given means, variances and motif correlations.

    J_ij = S_ij W_ij, i in p, j in q: S_ij is 1 with the probability c_pq, else 0, W_ij is the
    weight of a present synapse, from a family of marginals. The means, variances and motifs of
    `Parameters` are those of J, absent synapses included, so that

        mean = c <W>,        g^2 / N = c <W^2> - mean^2,
        Cov(J, J') = c c' [ a <W> <W'> + (1 + a) Cov(W, W') ],

    where both of two synapses are present with the probability c c' (1 + a), a for each motif (as
    in SONETs), and Cov(W, W') is that of two present ones. S is a Gaussian field above a threshold,
    W = F^-1(Phi(Z)) of a second field. No N x N matrix is ever made.

    Mean-field equations hold for such networks as far as second moments describe them. Presence
    multiplies what a neuron receives by what others send, so that chains also act through products
    of in- and out-strengths, by a fraction of about a of the chains, which no second moment
    contains; and strongly variable positive in-strengths are skewed. With a below about .1 networks
    are within the finite-size spread of the theory. To compare several N give the weights a
    coefficient of variation `cv` and leave the probability out: in-degrees then stay.

    With `parameters.strengths`, the presence of synapses carries strengths and assortativity, and
    weights of any marginal are independent: `sparse_presence`. Probabilities of pairs must then be
    between 0 and 1, which strengths much wider than the mean do not allow. Where the marginal is
    `marginals.Gaussian()` synapses are present independently, and the weights have them.

    Drawing raises `InfeasibleStatisticsError` where the weights have not the mean and variance, a
    motif is out of reach (with the range that is not), or no Gaussian field has the correlations;
    `nearest` gives the closest statistics that can be drawn.

    Args:
        probability: c, a number, (P, P) (row = target) or {target: {source: number}}. None: c
            follows from mean and variance, for weights whose coefficient of variation is given
            (`Constant`, `Histogram`, `Lognormal(cv=0.6)`): (1 + cv^2) / c = 1 + g^2 / (N mean^2).
            Then `Parameters.rescaled`, and so `verify`, keeps weights and in-degrees at every N
            (where c is small), while with a given c weights vary ever more as N grows, and
            in-strengths do not become Gaussian.
        marginal: of the weights: a family of `motifield.marginals`, or one per block,
            {target: {source: family}}.
        presence: a, indexed as in `Motifs`. None: what it takes to give J its motifs.
        weight_motifs: correlation coefficients of the weights of two present synapses. None: what
            it takes to give J its motifs if `presence` is given, else 0: weights are independent.
            If both are given they decide the motifs of J, which must be those of the parameters:
            `implied` gives parameters with these.
        zero_diagonal: no synapse of a neuron onto itself. Means and all else are then those of the
            synapses between different neurons.
        threads: how many draw, all cores unless given; their number changes nothing.
    """

    probability: Any = None
    marginal: Marginal | Any = field(default_factory=Constant)
    presence: Motifs | None = None
    weight_motifs: Motifs | None = None
    zero_diagonal: bool = False
    threads: int | None = None

    @property
    def draws_strengths(self) -> bool:
        """Where presence or Gaussian weights have all of the motifs."""
        return self.presence is None and self.weight_motifs is None

    def draw(self, parameters, seed, dtype, say):
        blocks = self._blocks(parameters)
        if parameters.strengths is not None:
            own, tiles = self._strong(parameters, blocks, seed)
            return Drawn(self._finished(own, tiles, dtype, say), *known_of(own, parameters))
        presence, strength = self._fields(parameters, blocks)
        field = Field.of(presence, _seed(seed, "presence"))
        onto_itself, thresholds = diagonal_deviations(presence), ndtri(blocks.probability)
        drawn = _Weights.of(strength, seed, blocks.quantiles)

        def tile(i: int, j: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
            found = []
            for (k, l), w in zip(both_ways(i, j), field.residual(i, j), strict=False):
                (p, _), (q, _) = field.tiles[k], field.tiles[l]
                present = unit_normal(field, k, l, w, onto_itself) > -thresholds[p, q]
                found.append(self._positions(present, k == l))
            return found, drawn.tile(i, j, found, field.tiles)

        return Drawn(self._finished(field, tile, dtype, say), offsets=field.offsets)

    def _strong(self, parameters: Parameters, blocks: Blocks, seed: int) -> tuple[Field, Any]:
        """The field of strengths and the tiles, where strengths have a distribution of their own.

        Gaussian weights carry them, else the presence of synapses.
        """
        if isinstance(self.marginal, GaussianWeights):
            mixed = MixedTiles.of(parameters, blocks.probability, seed, self._positions)
            return mixed.field, mixed.tile
        present = PresentTiles.of(parameters, blocks.mean, seed, self._positions)
        weights = _Weights.of(None, seed, blocks.quantiles)

        def tile(i: int, j: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
            found = present.tile(i, j)
            return found, weights.tile(i, j, found, present.field.tiles)

        return present.field, tile

    def _positions(self, present: np.ndarray, on_diagonal: bool) -> np.ndarray:
        if on_diagonal and self.zero_diagonal:
            np.fill_diagonal(present, False)
        return np.flatnonzero(present)

    def _finished(self, field: Field, tile: Any, dtype: np.dtype, say: Any) -> Any:
        """The matrix, from tile(i, j): positions and weights in the tiles (i, j) and (j, i)."""
        tiles = SparseTiles(field.tiles, dtype)

        def write(pair: tuple[int, int]) -> None:
            for (k, l), *found in zip(both_ways(*pair), *tile(*pair), strict=True):
                tiles.put(k, l, *found)

        for done in in_threads(write, list(field.pairs()), self.threads):
            say(0.95 * done)
        csr = tiles.csr()
        for done in in_threads(csr.fill, range(len(field.tiles)), self.threads):
            say(0.95 + 0.05 * done)
        return csr.matrix()

    def memory(self, parameters, dtype):
        sizes = np.asarray(parameters.sizes, dtype=float)
        synapses = float(sizes @ self._blocks(parameters).probability @ sizes)
        index = 4 if synapses < 2**31 else 8
        return (
            1.05 * synapses * (4 + index + 2 * dtype.itemsize)
            + sizes.sum() * 8 * 8 * (1 + parameters.P)
            + 2**27
        )

    def implied(self, parameters: Parameters) -> Parameters:
        """`parameters` with the motifs of `presence` and `weight_motifs`, 0 for one not given."""
        blocks = self._blocks(parameters)
        a, own = _full(self.presence or Motifs(), parameters.P), self._weight_covariances(blocks)
        return with_covariances(parameters, _total(blocks, a, own))

    def nearest(self, parameters: Parameters) -> Parameters:
        """The parameters with the nearest motifs that can be drawn.

        As given if they can be, else those of the nearest feasible Gaussian fields.
        """
        blocks = self._blocks(parameters)
        a, own = self._requests(parameters, blocks)
        together, copula = (
            joint_presence(blocks.probability),
            Copula.of(blocks.quantiles).covariance,
        )
        pairs = products(blocks.probability)
        a = ratio(nearest_covariances(parameters, together, _times(a, pairs)), pairs)
        return with_covariances(
            parameters, _total(blocks, a, nearest_covariances(parameters, copula, own))
        )

    def _blocks(self, parameters: Parameters) -> Blocks:
        """Raises `InfeasibleStatisticsError`, `ParameterError`."""
        names, mean = parameters.populations, np.asarray(parameters.mean)
        square = np.asarray(parameters.g) ** 2 / float(parameters.N) + mean**2
        families = by_block(self.marginal, names)
        given = None if self.probability is None else _matrix(self.probability, names)
        c, m, v = np.zeros((3, *mean.shape))
        for p, q in np.argwhere(square > 0):
            where = f"synapses {names[p]} <- {names[q]}"
            asked = None if given is None else float(given[p, q])
            c[p, q], m[p, q], v[p, q] = _weight_moments(
                mean[p, q], square[p, q], asked, families[p][q], where
            )
        return Blocks(c, m, np.sqrt(v), fit(families, names, m, v))

    def _weight_covariances(self, blocks: Blocks) -> Motifs:
        return _times(
            _full(self.weight_motifs or Motifs(), len(blocks.mean)), products(blocks.deviation)
        )

    def _requests(self, parameters: Parameters, blocks: Blocks) -> tuple[Motifs, Motifs]:
        """a, and the covariances of the weights of present synapses."""
        total = [
            np.divide(t, cc, out=np.zeros_like(t), where=cc > 0)
            for t, cc in zip(covariances(parameters), products(blocks.probability), strict=True)
        ]
        means = products(blocks.mean)
        if self.presence is None:
            own = self._weight_covariances(blocks)
            return self._presence_for(total, means, own, parameters), own
        a = _full(self.presence, parameters.P)
        if self.weight_motifs is None:
            return a, Motifs(
                *(
                    np.divide(t - x * mm, 1 + x, out=np.zeros_like(t), where=x > -1)
                    for t, x, mm in zip(total, a, means, strict=True)
                )
            )
        self._check_total(parameters)
        return a, self._weight_covariances(blocks)

    @staticmethod
    def _presence_for(
        total: Sequence[np.ndarray], means: Motifs, own: Motifs, parameters: Parameters
    ) -> Motifs:
        found = []
        for name, t, mm, w in zip(NAMES, total, means, own, strict=True):
            lacking, scale = t - w, mm + w
            if np.any((lacking != 0) & (scale == 0)):
                at = np.argwhere((lacking != 0) & (scale == 0))[0]
                where = ",".join(parameters.populations[k] for k in at)
                raise InfeasibleStatisticsError(
                    f"{name}[{where}]: weights of mean 0 have no motifs by their presence alone: "
                    "give presence=Motifs(), so that the weights have them"
                )
            found.append(np.divide(lacking, scale, out=np.zeros_like(t), where=scale != 0))
        return Motifs(*found)

    def _check_total(self, parameters: Parameters) -> None:
        for name, asked, made in zip(
            NAMES, parameters.motifs, self.implied(parameters).motifs, strict=True
        ):
            difference = np.abs(np.asarray(asked) - np.asarray(made))
            if difference.max() > EQUAL:
                at = np.unravel_index(int(difference.argmax()), difference.shape)
                where = ",".join(parameters.populations[k] for k in at)
                raise InfeasibleStatisticsError(
                    f"presence and weight_motifs together make {name}[{where}] = "
                    f"{float(made[at]):.6g}, the parameters have {float(asked[at]):.6g}: leave one "
                    "of them out, so that it makes up for the rest, or sample the sampler's "
                    "implied(parameters)"
                )

    def _fields(
        self, parameters: Parameters, blocks: Blocks
    ) -> tuple[Parameters, Parameters | None]:
        """Parameters of the fields of presence and of weights, None where these are independent."""
        a, own = self._requests(parameters, blocks)
        pairs, names = products(blocks.probability), parameters.populations
        deviations = np.asarray(parameters.g) / np.sqrt(float(parameters.N))
        alone = self.presence is None and self.weight_motifs is None
        # where presence alone makes the motifs, its range is stated as theirs
        units = _over(products(deviations), products(blocks.mean)) if alone else pairs
        together, both = joint_presence(blocks.probability), _times(a, pairs)
        rho = correlations(
            together,
            both,
            units,
            names,
            "present and absent synapses",
            NAMES if alone else PRESENCE,
        )
        slopes = blocks.mean * norm.pdf(ndtri(blocks.probability))
        presence = field_of(
            parameters,
            rho,
            np.divide(slopes, deviations, out=np.zeros_like(slopes), where=deviations > 0),
        )
        presence = drawable(presence, together, both, "the presence of these synapses")
        if not any(np.any(covariance != 0) for covariance in own):
            return presence, None
        weights = Copula.of(blocks.quantiles).covariance
        rho = correlations(
            weights,
            own,
            products(blocks.deviation),
            names,
            "weights of present synapses",
            Motifs(*(f"{name} of weights" for name in NAMES)),
        )
        strength = field_of(parameters.replace(tau_inp=np.zeros((parameters.P,) * 2)), rho)
        return presence, drawable(strength, weights, own, "the weights of these synapses")


class _Weights(NamedTuple):
    """Weights of present synapses: independent, or from a field where there is one."""

    field: Field | None
    onto_itself: np.ndarray
    seed: int
    quantiles: list[list[Quantiles]]

    @classmethod
    def of(
        cls, strength: Parameters | None, seed: int, quantiles: list[list[Quantiles]]
    ) -> _Weights:
        if strength is None:
            return cls(None, np.ones(0), _seed(seed, "weights"), quantiles)
        field = Field.of(strength, _seed(seed, "weight field"))
        return cls(field, diagonal_deviations(strength), 0, quantiles)

    def tile(
        self, i: int, j: int, positions: list[np.ndarray], tiles: Sequence[Any]
    ) -> list[np.ndarray]:
        """Of the tiles (i, j) and (j, i), the weights of the synapses at these positions."""
        if self.field is None:
            rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence([self.seed, i, j])))
            normal = [rng.standard_normal(len(at)) for at in positions]
        else:
            whole = self.field.residual(i, j)
            which = (i, j), (j, i)
            normal = [
                unit_normal(self.field, *pair, w, self.onto_itself).ravel()[at]
                for pair, w, at in zip(which, whole, positions, strict=False)
            ]
        (p, _), (q, _) = tiles[i], tiles[j]
        return [self.quantiles[p][q](normal[0]), *(self.quantiles[q][p](z) for z in normal[1:])]


def _weight_moments(
    mean: float, square: float, c: float | None, family: Marginal, where: str
) -> tuple[float, float, float]:
    """Probability, and mean and variance of the weights, of a block's synapses.

    mean, square: mean and mean square of all synapses, absent ones included.
    """
    own = family.squared_cv
    if own is not None:
        needed = mean**2 * (1 + own) / square
        if mean == 0 or needed > 1 + EQUAL or (c is not None and abs(c / needed - 1) > EQUAL):
            reason = (
                "their mean is 0"
                if mean == 0
                else f"weights of {type(family).__name__} have them with the probability "
                f"{needed:.6g} alone"
            )
            raise InfeasibleStatisticsError(
                f"{where} cannot have mean {mean:.6g} and variance {square - mean**2:.6g}: "
                f"{reason}: change g or mean, or take another family of weights"
            )
        c = min(needed, 1.0)
        return c, mean / c, own * (mean / c) ** 2
    if c is None:
        raise ParameterError(
            f"{where}: weights of {type(family).__name__} need a probability, or a coefficient of "
            "variation (cv=...) from which it follows"
        )
    least = mean**2 / square
    if not c > 0 or c < least * (1 - EQUAL):
        raise InfeasibleStatisticsError(
            f"{where}: with the probability {c:.6g} a mean of {mean:.6g} makes a variance above "
            f"{square - mean**2:.6g}: the probability must be at least {least:.6g}"
        )
    return c, mean / c, max(square / c - (mean / c) ** 2, 0.0)


def _matrix(probability: Any, names: Sequence[str]) -> np.ndarray:
    P = len(names)
    if isinstance(probability, Mapping):
        if set(probability) != set(names):
            raise ParameterError(
                f"probability has rows for {sorted(probability)}, the populations are {list(names)}"
            )
        probability = np.stack(
            [np.asarray(by_population(probability[p], names, f"probability[{p}]")) for p in names]
        )
    values = np.asarray(probability, dtype=float)
    if values.shape not in ((), (P, P)) or not np.all((values >= 0) & (values <= 1)):
        raise ParameterError(
            f"probability must be a number from 0 to 1 or an array of them of shape {(P, P)}, "
            f"row = target: {probability!r}"
        )
    return np.broadcast_to(values, (P, P))


def _full(motifs: Motifs, P: int) -> Motifs:
    try:
        return Motifs(
            *(
                np.broadcast_to(np.asarray(t, dtype=float), (P,) * n)
                for t, n in zip(motifs, (3, 3, 3, 2), strict=True)
            )
        )
    except ValueError:
        raise ParameterError(
            "motifs of presence and of weights are scalars or have the shapes of `Motifs` for "
            f"P = {P}"
        ) from None


def _total(blocks: Blocks, a: Motifs, own: Motifs) -> Motifs:
    """Covariances of J = S W."""
    factors = zip(products(blocks.probability), products(blocks.mean), a, own, strict=True)
    return Motifs(*(cc * (x * mm + (1 + x) * w) for cc, mm, x, w in factors))


def _times(values: Motifs, units: Motifs) -> Motifs:
    return Motifs(*(v * u for v, u in zip(values, units, strict=True)))


def _over(values: Motifs, units: Motifs) -> Motifs:
    """values / units, infinite where a unit is 0."""
    return Motifs(
        *(
            np.divide(v, u, out=np.full(np.shape(v), np.inf), where=u != 0)
            for v, u in zip(values, units, strict=True)
        )
    )


def _seed(seed: int, stream: str) -> int:
    """Of a part of the network."""
    return int(np.random.SeedSequence([seed, STREAMS[stream]]).generate_state(1, np.uint64)[0])
