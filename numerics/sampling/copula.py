"""Gaussian fields that give synapses with other marginals the motifs that are asked for.

A synapse is x = F^-1(Phi(Z)) of a Gaussian field Z of unit variance. With the series
F^-1(Phi(z)) = sum_k c_k He_k(z) / sqrt(k!), two synapses whose fields have the correlation rho have
the covariance (Mehler's formula)

    Cov(x, x') = sum_{k >= 1} c_k c'_k rho^k,

which increases with rho from its value at -1 to that at 1; both ends are known exactly, and what a
finite sum lacks there is put into the next two powers. Its inverse gives the field's correlation
for every pair of synapses that shares a neuron. Present and absent synapses are a field above a
threshold, and their joint probabilities those of two normal variables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import jax
import numpy as np
from scipy.special import ndtri

from ...errors import InfeasibleStatisticsError, ParameterError
from ..averages import bivariate, legendre_panels
from ..parameters import (
    MOTIFS,
    Motifs,
    Parameters,
    nearest_feasible,
    residual_moments,
    violations,
)
from .marginals import Quantiles

ORDER = 256  # of the series: what it lacks, at rho near 1, goes into the next two powers
REACH, WIDTH, NODES = 10.0, 0.25, 12
"""Quadrature: standard deviations on either side, the widest panel, Gauss-Legendre points in each.

Beyond the reach the normal density is below 1e-22; a panel of .25 holds the polynomials' turns.
"""

HALVINGS = 60  # of [-1, 1], to the rounding of float64
SLACK = 1e-6
"""How far beyond the attainable range rounding may put a correlation."""

# Of quantiles against what they state, relative to the root mean square and its square: tables and
# heavy tails beyond the reach of the quadrature lose less.
MEAN_ERROR, VARIANCE_ERROR = 1e-4, 1e-3

NAMES = Motifs(*MOTIFS)
Curve = Callable[[np.ndarray], np.ndarray]
Pairs = Callable[[np.ndarray, np.ndarray], Curve]
"""Of two synapses, their covariance as a function of the correlation of their fields.

From the indices P p + q of their blocks, (n,); elementwise and increasing.
"""


@dataclass(frozen=True, eq=False)
class Copula:
    """The distributions of P x P blocks of synapses as series.

    terms: c_k, (P^2, ORDER); same, opposite: covariances of two blocks at rho = 1 and -1,
    (P^2, P^2).
    """

    terms: np.ndarray
    same: np.ndarray
    opposite: np.ndarray

    @classmethod
    def of(cls, quantiles: Sequence[Sequence[Quantiles]]) -> Copula:
        """From [p][q]; `ParameterError` where quantiles lack the moments that they state."""
        flat = [one for row in quantiles for one in row]
        z, weights = _nodes(flat)
        values = np.stack([one(z) for one in flat])
        polynomials = _hermite(z, ORDER)
        terms = (values * weights) @ polynomials.T
        same, opposite = (values * weights) @ values.T, (values * weights) @ values[:, ::-1].T
        means = np.outer(terms[:, 0], terms[:, 0])
        for k, one in enumerate(flat):
            found = terms[k, 0], same[k, k] - means[k, k]
            size = one.variance + one.mean**2
            if (
                abs(found[0] - one.mean) > MEAN_ERROR * np.sqrt(size)
                or abs(found[1] - one.variance) > VARIANCE_ERROR * size
            ):
                raise ParameterError(
                    f"quantiles that should have mean {one.mean:.6g} and variance "
                    f"{one.variance:.6g} have {found[0]:.6g} and {found[1]:.6g}, within "
                    f"{REACH:g} standard deviations of z"
                )
        return cls(terms, same - means, opposite - means)

    def covariance(self, left: np.ndarray, right: np.ndarray) -> Curve:
        """`Pairs`."""
        powers = (self.terms[left, 1:] * self.terms[right, 1:]).T
        odd, even = powers[0::2].sum(0), powers[1::2].sum(0)
        lacking = self.same[left, right] - even - odd, self.opposite[left, right] - even + odd
        # ORDER is an even power and the one after it odd
        series = [(lacking[0] - lacking[1]) / 2, (lacking[0] + lacking[1]) / 2, *powers[::-1]]
        return lambda rho: reduce(lambda total, term: total * rho + term, series) * rho

    @property
    def slopes(self) -> np.ndarray:
        """c_1 = Cov(x, Z) by block, (P^2,)."""
        return self.terms[:, 1]


def joint_presence(probability: np.ndarray) -> Pairs:
    """`Pairs` of presences, P(both) - c c', from their probabilities c by block, (P, P)."""
    c = np.asarray(probability, dtype=float).ravel()
    thresholds = np.clip(ndtri(c), -REACH, REACH)

    def covariance(left, right):
        certain = np.isin(c[left], (0.0, 1.0)) | np.isin(c[right], (0.0, 1.0))
        return lambda rho: np.where(
            certain,
            0.0,
            np.asarray(_bivariate(thresholds[left], thresholds[right], rho)) - c[left] * c[right],
        )

    return covariance


_bivariate = jax.jit(bivariate)


def pair_blocks(P: int) -> Motifs:
    """Of each motif the blocks P p + q of its two synapses, indexed as in `Motifs`."""
    p, q, r = np.indices((P, P, P))
    s, t = np.indices((P, P))
    # a divergent motif is indexed [q, p, r]
    return Motifs(
        (P * p + q, P * p + r),
        (P * q + p, P * r + p),
        (P * p + q, P * q + r),
        (P * s + t, P * t + s),
    )


def products(values: np.ndarray) -> Motifs:
    """Of each motif the product of two synapses' values, from those of the blocks, (P, P)."""
    flat = np.asarray(values, dtype=float).ravel()
    return Motifs(*(flat[left] * flat[right] for left, right in pair_blocks(len(values))))


def covariances(parameters: Parameters) -> Motifs:
    """The covariances of the synapses, tau g g' / N."""
    units = products(np.asarray(parameters.g) / np.sqrt(float(parameters.N)))
    return Motifs(
        *(np.asarray(tau) * unit for tau, unit in zip(parameters.motifs, units, strict=True))
    )


def correlations(
    covariance: Pairs,
    wanted: Motifs,
    units: Motifs,
    populations: Sequence[str],
    what: str,
    names: Motifs = NAMES,
) -> Motifs:
    """The correlations of the fields that give the covariances `wanted`; 0 where these are.

    units: what a covariance is divided by to be the coefficient that `names` name, as the error
    states it; what: the synapses, for the error. Raises `InfeasibleStatisticsError` with the
    attainable range where a covariance is outside it.
    """
    for name, target, unit, (left, right) in zip(
        names, wanted, units, pair_blocks(len(populations)), strict=True
    ):
        there = target != 0
        if not np.any(there):
            continue
        curve, asked = covariance(left[there], right[there]), target[there]
        low, high = (curve(np.full(len(asked), end)) for end in (-1.0, 1.0))
        excess = np.maximum(low - asked, asked - high) - SLACK * np.maximum(
            np.abs(low), np.abs(high)
        )
        if np.any(excess > 0):
            worst = int(np.argmax(excess / np.abs(asked)))
            where = ",".join(populations[k] for k in np.argwhere(there)[worst])
            raise InfeasibleStatisticsError(
                _unreachable(
                    f"{name}[{where}]",
                    what,
                    asked[worst],
                    low[worst],
                    high[worst],
                    unit[there][worst],
                )
            )
    return nearest_correlations(covariance, wanted)


def nearest_correlations(covariance: Pairs, wanted: Motifs) -> Motifs:
    """`correlations`, and -1 or 1 where a covariance is outside the attainable range."""
    found = []
    for target, (left, right) in zip(wanted, pair_blocks(len(wanted.reciprocal)), strict=True):
        rho, there = np.zeros(target.shape), target != 0
        if np.any(there):
            rho[there] = _bisect(covariance(left[there], right[there]), target[there])
        found.append(rho)
    return Motifs(*found)


def _unreachable(name: str, what: str, asked: float, low: float, high: float, unit: float) -> str:
    if unit == 0 or not np.isfinite(unit):
        return (
            f"{name}: {what} of these blocks are all equal or have mean 0, but a covariance of "
            f"{asked:.3g} is asked for: set it to 0"
        )
    ends = sorted((low / unit, high / unit))
    return (
        f"{name} = {asked / unit:.4g} cannot be reached: {what} of these means and variances reach "
        f"{ends[0]:.4g} to {ends[1]:.4g}"
    )


def _bisect(curve: Curve, wanted: np.ndarray) -> np.ndarray:
    """Elementwise on [-1, 1]. SciPy's own compresses its arrays: JAX would compile anew."""
    low, high = np.full(len(wanted), -1.0), np.full(len(wanted), 1.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = curve(middle) > wanted
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2


def field_of(parameters: Parameters, rho: Motifs, slopes: np.ndarray | None = None) -> Parameters:
    """`Parameters` of a field of unit variance and mean 0 with the correlations `rho`; not checked.

    slopes: Cov(x, Z) in units of the standard deviation of x, (P, P), which the correlations
    tau_inp with the offsets of the inputs are divided by.
    """
    tau_inp = np.asarray(parameters.tau_inp)
    own = (
        np.zeros_like(tau_inp)
        if slopes is None
        else np.divide(tau_inp, slopes, out=np.zeros_like(tau_inp), where=slopes != 0)
    )
    N = float(parameters.N)
    return Parameters.of(
        populations=parameters.populations,
        N=N,
        fractions=parameters.fractions,
        mean=0.0,
        g=np.sqrt(N),
        motifs=rho,
        tau_inp=own,
        check=False,
    )


def drawable(field: Parameters, covariance: Pairs, wanted: Motifs, what: str) -> Parameters:
    """A field that exists and whose synapses have the covariances `wanted`.

    Raises:
        InfeasibleStatisticsError: no Gaussian field has these correlations.
    """
    found = _equivalent(field, covariance, wanted)
    if found is None:
        broken = violations(field)
        lines = "\n  ".join(map(str, broken[:6])) + (
            f"\n  and {len(broken) - 6} more" if len(broken) > 6 else ""
        )
        raise InfeasibleStatisticsError(
            f"no Gaussian field gives {what} these motifs; its own coefficients would break:\n  "
            f"{lines}\nlower the chains or reciprocity, or raise convergence and divergence; the "
            "sampler's nearest(parameters) gives the closest motifs that it reaches"
        )
    return found


def nearest_covariances(parameters: Parameters, covariance: Pairs, wanted: Motifs) -> Motifs:
    """The covariances of the nearest field that exists; `wanted` where one has them."""
    field = field_of(parameters, nearest_correlations(covariance, wanted))
    found = _equivalent(field, covariance, wanted) or nearest_feasible(field)
    return motif_covariances(covariance, found.motifs)


def _equivalent(field: Parameters, covariance: Pairs, wanted: Motifs) -> Parameters | None:
    """A field that exists and gives the same covariances; None if there is none.

    Near an end of its range a covariance hardly depends on the field's correlation, and many
    fields give it. Where the given one cannot exist, one with other reciprocity is tried, then the
    nearest one.
    """
    if not violations(field):
        return field
    near = _reciprocity_within_bounds(field)
    if not violations(near) and _agree(covariance, near.motifs, wanted):
        return near
    near = nearest_feasible(near)
    return near if not violations(near) and _agree(covariance, near.motifs, wanted) else None


def _reciprocity_within_bounds(field: Parameters) -> Parameters:
    """The field with the nearest tau_rec for which |B| <= sqrt(A A')."""
    A, B = residual_moments(field)
    bound = np.sqrt(np.maximum(A, 0.0) * np.maximum(A.T, 0.0))
    return field.replace(tau_rec=np.asarray(field.tau_rec) - B + np.clip(B, -bound, bound))


def _agree(covariance: Pairs, rho: Motifs, wanted: Motifs) -> bool:
    """Whether a field's synapses have these covariances, up to `SLACK` of their range."""
    ones = Motifs(*(np.ones(np.shape(r)) for r in rho))
    low, high = (
        motif_covariances(covariance, Motifs(*(end * one for one in ones))) for end in (-1.0, 1.0)
    )
    made = motif_covariances(covariance, rho)
    return all(
        np.all(np.abs(m - w) <= SLACK * np.maximum(np.abs(a), np.abs(b)))
        for m, w, a, b in zip(made, wanted, low, high, strict=True)
    )


def motif_covariances(covariance: Pairs, rho: Motifs) -> Motifs:
    """The inverse of `correlations`."""
    pairs = pair_blocks(len(np.asarray(rho.reciprocal)))
    return Motifs(
        *(
            covariance(left.ravel(), right.ravel())(np.asarray(r).ravel()).reshape(np.shape(r))
            for r, (left, right) in zip(rho, pairs, strict=True)
        )
    )


def ratio(values: Motifs, units: Motifs) -> Motifs:
    """values / units, 0 where a unit is 0."""
    return Motifs(
        *(
            np.divide(v, u, out=np.zeros_like(v), where=u != 0)
            for v, u in zip(values, units, strict=True)
        )
    )


def _nodes(quantiles: Sequence[Quantiles]) -> tuple[np.ndarray, np.ndarray]:
    """Points symmetric about 0, and weights with the normal density.

    Panels end at all breaks and their mirror images.
    """
    breaks = np.array([z for one in quantiles for z in one.breaks if abs(z) < REACH])
    edges = np.unique(
        np.concatenate([np.arange(-REACH, REACH + WIDTH / 2, WIDTH), breaks, -breaks])
    )
    z, weights = (v.ravel() for v in legendre_panels(edges, NODES))
    return z, weights * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def _hermite(z: np.ndarray, order: int) -> np.ndarray:
    """He_k(z) / sqrt(k!), k < order."""
    made = [np.ones_like(z), z]
    for k in range(2, order):
        made.append((z * made[-1] - np.sqrt(k - 1) * made[-2]) / np.sqrt(k))
    return np.stack(made)
