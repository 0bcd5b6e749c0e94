"""Eigenvalues outside of the bulk: modes that a whole population, or its in-strengths, take part in.

The network linearised at a fixed point, d_j = phi'(x_j), for perturbations ~ e^{st} of the transmitted activity, delta_j, under the field
dh_i = dm_p + sum_r u_i^r dkappa_r + eta_i + dgamma_p phi(x_i),  delta_i = dh_i / (z_p - Gamma_p d_i),  z_p = 1 / (M_p(s) S_p(s))  (1 + s
of the unit filter), closes on four numbers per population:

    dm_p     = sum_q N alpha_q Jbar_pq <d delta>_q + sum_q alpha_q [ sum_r N g_pq g_qr tau_chn[p,q,r] X_q dkappa_r + beta_pq D_q ]
    dkappa_q = alpha_q <d delta>_q
    e_p      = sum_q g_pq^2 alpha_q A_pq <phi d delta>_q            covariance of the residual's perturbation eta with its field
    dgamma_p = sum_q alpha_q g_pq g_qp B_pq D_q                     change of what a neuron's rate brings back to it

D_q = < d/dh [d / (z - Gamma d)] dh >_q changes the susceptibility; beta_pq = N Cov(b^p, h) over population q. In-strengths, out-strengths and
fields are jointly normal, so that all averages are moments of d / (z - Gamma d) over the field. An eigenvalue outside of the bulk is a
zero of det(1 - T(s)), T the 4P x 4P matrix above. This is the cavity solution linearised in time: exact for large N at its fixed points,
with or without reciprocal motifs; at B = 0 the zeros are the 3P eigenvalues of the equations closed by second moments. The connectivity
itself has d = 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..parameters import Couplings, Parameters, neuron_covariances
from .bulk import Bulk

CLEARANCE = 1.01
"""How far outside of the bulk's boundary, as a factor, outliers are counted."""
MOST_POINTS = 6000
MOST_INSIDE = 4
"""Newton steps in a row inside of the bulk after which a start is given up."""


@dataclass(frozen=True)
class Modes:
    """The linear problem above; numbers by population as there.

    coupling[p, q]: N alpha_q Jbar_pq; chains[p, q, r]: alpha_q N g_pq g_qr tau_chn[p, q, r]; out[p, q]: alpha_q beta_pq; along[q, r]:
    Cov(u^r, h) over population q; fractions: alpha; membrane, synapse: static gains of the filters
    """

    bulk: Bulk
    coupling: np.ndarray
    chains: np.ndarray
    out: np.ndarray
    along: np.ndarray
    fractions: np.ndarray
    membrane: np.ndarray
    synapse: np.ndarray

    @classmethod
    def of_connectivity(cls, parameters: Parameters) -> Modes:
        """Of the synapses themselves."""
        P, own = parameters.P, Couplings.of(parameters)
        return cls(
            Bulk.of(parameters),
            np.asarray(own.mean),
            np.asarray(own.chain),
            np.zeros((P, P)),
            np.zeros((P, P)),
            np.asarray(parameters.fractions),
            np.ones(P),
            np.ones(P),
        )

    @classmethod
    def at(
        cls,
        bulk: Bulk,
        parameters: Parameters,
        rates: np.ndarray,
        membrane: np.ndarray,
        synapse: np.ndarray,
        along: np.ndarray,
        spread: np.ndarray,
    ) -> Modes:
        """At a fixed point with mean rates (P,); along, spread: h_q and sigma_p of the inputs, (P,)."""
        P, alpha = parameters.P, np.asarray(parameters.fractions)
        own = Couplings.of(parameters)
        covariances = neuron_covariances(parameters)
        kappa = alpha * synapse * rates + along
        rows = membrane[:, None] * np.einsum("qrs,s->qr", covariances[:, :P, :P], kappa)
        columns = (
            np.einsum("qps,s->pq", covariances[:, P:-1, :P], kappa)
            + covariances[:, P:-1, -1].T * spread
        )
        return cls(
            bulk,
            np.asarray(own.mean),
            np.asarray(own.chain),
            alpha * membrane * columns,
            rows,
            alpha,
            membrane,
            synapse,
        )

    @property
    def P(self) -> int:
        """Number of populations."""
        return len(self.fractions)

    def matrix(self, z: np.ndarray, X: np.ndarray) -> np.ndarray:
        """T, (..., 4P, 4P), for (dm, dkappa, e, dgamma)."""
        P, B = self.P, self.bulk
        gains = B.gains(z, X @ B.pairs.T)

        def mean(weight: Callable) -> np.ndarray:
            return np.stack(
                [c.average(v * weight(c)) for c, v in zip(B.clouds, gains, strict=True)], axis=-1
            )

        a0, a1, a2 = (
            mean(lambda c: 1.0),
            mean(lambda c: c.t),
            mean(lambda c: c.t**2 - 1 / c.variance),
        )
        p0, p1, p2 = (
            mean(lambda c: c.rates),
            mean(lambda c: c.rates * c.t),
            mean(lambda c: c.rates**2),
        )
        one, none = np.eye(P), np.zeros((*z.shape[:-1], P, P))

        def row(of_mean: np.ndarray, of_field: np.ndarray, of_rate: np.ndarray) -> np.ndarray:
            """A population's average, in terms of the unknowns."""
            parts = (
                of_mean[..., None] * one,
                of_field[..., None] * self.along,
                of_field[..., None] * one,
                (of_rate * self.synapse)[..., None] * one,
            )
            return np.concatenate(np.broadcast_arrays(*parts), axis=-1)

        sent, squared, changed = row(a0, a1, p0), row(p0, p1, p2), row(a1, a2, p1)
        chains = np.concatenate(
            [none, np.einsum("pqr,...q->...pr", self.chains, X), none, none], axis=-1
        )
        return np.concatenate(
            [
                self.coupling @ sent + chains + self.out @ changed,
                self.fractions[:, None] * sent,
                (self.membrane[:, None] * B.variance * self.synapse) @ squared,
                (B.pairs * self.membrane) @ changed,
            ],
            axis=-2,
        )

    def determinant(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """det(1 - T), (...), at z of shape (..., P); and the level of the bulk there, below 1 outside of it."""
        X, level = self.bulk.outside(z)
        known = np.isfinite(X).all(-1)
        T = self.matrix(z, np.where(known[..., None], X, 0))
        return np.where(known, np.linalg.det(np.eye(4 * self.P) - T), np.nan), level

    def without_pairs(self) -> np.ndarray:
        """The zeros z of det(1 - T) if B = 0, for equal z in every population: T is T(1) / z; those that vanish left out."""
        plain = Bulk(self.bulk.clouds, self.bulk.variance, np.zeros_like(self.bulk.pairs))
        at = np.ones(self.P, dtype=complex)
        found = np.linalg.eigvals(Modes(plain, *self._numbers()).matrix(at, plain.response(at)))
        return found[np.abs(found) > 1e-7 * max(np.abs(found).max(), 1e-300)]

    def _numbers(self) -> tuple:
        return (
            self.coupling,
            self.chains,
            self.out,
            self.along,
            self.fractions,
            self.membrane,
            self.synapse,
        )


@dataclass(frozen=True)
class Found:
    """values: eigenvalues outside of the bulk, by descending real part; hidden: those predicted inside of it, which no spectrum shows, known if
    B = 0 only; counted: how many there are by the argument principle, None where it was not needed or cannot tell
    """

    values: np.ndarray
    hidden: np.ndarray
    counted: int | None

    @property
    def status(self) -> str:
        """ "ok", or what is missing."""
        if self.counted is None or self.counted == len(self.values):
            return "ok"
        return f"incomplete: the argument principle counts {self.counted} outliers, {len(self.values)} were found"


def outliers(modes: Modes, boundary: np.ndarray, starts: Sequence[complex] = ()) -> Found:
    """All eigenvalues z outside of the bulk, for equal z in every population (the unit filter: z = 1 + s).

    If B = 0, by one eigenvalue problem. Else zeros of det(1 - T(z)) by Newton's method with deflation, until there are as many as the
    winding of the determinant along the boundary says.
    """
    plain = modes.without_pairs()
    if not modes.bulk.is_reciprocal:
        seen = np.abs(plain) > modes.bulk.radius
        return Found(ordered(plain[seen]), ordered(plain[~seen]), None)

    def function(z):
        return modes.determinant(
            np.repeat(np.asarray(z, dtype=complex)[..., None], modes.P, axis=-1)
        )

    largest = max(np.abs(plain).max(initial=0), modes.bulk.extent)
    count = winding(lambda u: function(_around(boundary, u, CLEARANCE))[0])
    ring = [f * b for f in (1.05, 1.3, 2.0) for b in boundary[: len(boundary) // 2 + 1 : 12]]
    found = roots(function, [*plain, *starts, *ring], count, largest)
    near = contains(_around(boundary, np.linspace(0, 1, 4 * len(boundary)), CLEARANCE), found)
    return Found(ordered(found), np.array([]), None if count is None else count + int(np.sum(near)))


def _around(boundary: np.ndarray, u: np.ndarray, factor: float) -> np.ndarray:
    """A point of the enlarged boundary for u from 0 to 1."""
    size = max(np.abs(boundary).max(), 1e-6)
    place = u * (len(boundary) - 1)
    inner = np.interp(place, np.arange(len(boundary)), boundary.real) + 1j * np.interp(
        place, np.arange(len(boundary)), boundary.imag
    )
    return factor * inner + (factor - 1) * size * np.exp(2j * np.pi * u)


def contains(boundary: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Whether points lie inside of a closed curve that surrounds its mean in order of angle; all complex."""
    centre = boundary[:-1].mean()
    angle, size = np.angle(boundary - centre), np.abs(boundary - centre)
    order = np.argsort(angle)
    return np.abs(z - centre) <= np.interp(
        np.angle(z - centre), angle[order], size[order], period=2 * np.pi
    )


def winding(values: Callable[[np.ndarray], np.ndarray]) -> int | None:
    """Zeros of an analytic function outside of a closed curve, given its values along it, u from 0 to 1; it is 1 at infinity. None where the
    function is not known along the whole curve or turns too fast.
    """
    points = 401
    while points <= MOST_POINTS:
        f = values(np.linspace(0, 1, points))
        if not np.all(np.isfinite(f)):
            return None
        turns = np.angle(f[1:] / f[:-1])
        if np.abs(turns).max() < 1.0:
            return -round(float(turns.sum() / (2 * np.pi)))
        points = 2 * points - 1
    return None


def roots(
    function: Callable, starts: Sequence[complex], count: int | None, scale: float
) -> np.ndarray:
    """Zeros where the level is below 1: function(z) -> (values, levels). Newton's method on f / prod (z - found); conjugates come along.

    Stops when `count` are found, or with the starts.
    """
    found: list[complex] = []
    for start in starts:
        if count is not None and len(found) >= count:
            break
        z = _newton(function, complex(start) * (1 + 1e-7) + 1e-9j * scale, found, scale)
        if z is None:
            continue
        z = z.real if abs(z.imag) < 1e-8 * scale else z
        found.append(z)
        if z.imag:
            found.append(z.conjugate())
    return np.array(found, dtype=complex)


def _newton(
    function: Callable, z: complex, known: Sequence[complex], scale: float
) -> complex | None:
    h, inside = 1e-5 * scale, 0
    for _ in range(60):
        f, levels = function(np.array([z, z + h, z - h, z + 1j * h, z - 1j * h]))
        if not np.all(np.isfinite(f)) or abs(z) > 50 * scale:
            return None
        inside = inside + 1 if levels[0] >= 1 else 0
        if inside > MOST_INSIDE:
            return None
        slope = ((f[1] - f[2]) - 1j * (f[3] - f[4])) / (4 * h)
        pull = slope / f[0] - sum(1 / (z - k) for k in known) if f[0] else np.inf
        step = -1 / pull if pull else scale
        step *= min(1.0, 0.3 * scale / abs(step)) if step else 1.0
        z = z + step
        if abs(step) < 1e-11 * scale:
            value, level = function(np.array([z]))
            new = all(abs(z - k) > 1e-7 * scale for k in known)
            return (
                z
                if level[0] < 1 and abs(value[0]) < 1e-6 * max(1.0, abs(slope) * scale) and new
                else None
            )
    return None


def ordered(values: np.ndarray) -> np.ndarray:
    """By descending real part, conjugates with the positive imaginary part first; imaginary parts that are rounding errors are 0."""
    values = np.where(np.abs(values.imag) > 1e-14 * np.abs(values), values, values.real)
    return values[np.lexsort((-np.round(values.imag, 10), -np.round(values.real, 10)))]
