"""Coordinates of synaptic motifs in which every point is a network that can exist.

A fit that moves in them cannot leave what is feasible. For a neuron of population q the covariance
of its strengths (a^1..a^P, b^1..b^P) is positive semidefinite if and only if

    tau_con[q,r,s] = sqrt(c_qr c_qs) (L_q L_q^T)[r,s]
    tau_chn[p,q,r] = sqrt(d_pq c_qr) (X_q L_q^T)[p,r]
    tau_div[q,p,o] = sqrt(d_pq d_oq) (1 if o = p, else (X_q X_q^T)[p,o])

with rows of L_q of length 1 and rows of X_q of length at most 1. The divergence between different
targets has no effect on the equations and takes the value of least rank. c_pq, d_pq and
A_pq = 1 - c_pq - d_pq are the shares of a synapse's variance that go with its target, its source
and neither; tau_rec[p,q] = B_pq + tau_chn[p,q,p] + tau_chn[q,p,q] with |B_pq| <= sqrt(A_pq A_qp).

Coordinates are real numbers: log(c/A), log(d/A); a vector v for each row x = v / sqrt(1 + |v|^2) of
X_q, and (v, 1) / sqrt(1 + |v|^2) for L_q; artanh(B / sqrt(A A')).

Source: `docs/theory.md`, section 1.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ParameterError
from ..parameters import TENSORS, Parameters
from .motif_numbering import Numbering
from .motif_shares import coordinate_values, fixed_values

SIZES = (0.1, 20.0)
"""N tau_con and N tau_div of random starts, uniform in the logarithm. N tau is what matters
(`docs/theory.md`, section 1.1): from motifs too weak to be seen to ones that outweigh the rest."""
SPREAD = 0.7  # standard deviation of other coordinates: most of the range of a correlation


@dataclass(frozen=True)
class FreeMotifs:
    """Motif coefficients that a fit may change; all others keep their values.

    Others keep their correlation instead, where a share beside them changes.

    Args:
        free: names, with wildcards: "tau_con", "tau_con[E,E,E]", "tau_chn[E,*,E]", "tau_rec".
            `tau_con` alone includes the correlations between in-strengths from different sources,
            tau_con[q,r,s] with r != s; `tau_div` is always that of one target, tau_div[q,p,p].
        tied: names whose entries all share one coordinate: equal shares, or equal correlations.
    """

    free: tuple[str, ...] = ()
    tied: tuple[str, ...] = ()

    @classmethod
    def classes(cls, *names: str, tied: bool = False) -> FreeMotifs:
        """Whole classes; chains come with the convergence and divergence that they need.

        Args:
            names: of "convergent", "divergent", "chain", "reciprocal".
            tied: whether all entries of a class share one coordinate.

        Raises:
            ParameterError: another name.
        """
        unknown = [n for n in names if n not in TENSORS]
        if unknown:
            raise ParameterError(
                f"there is no motif {unknown[0]!r}: there are {', '.join(TENSORS)}"
            )
        first = ("convergent", "divergent") if "chain" in names else ()
        needed = dict.fromkeys(TENSORS[n] for n in (*first, *names))
        if tied:
            return cls(tied=tuple(f"{n}[*,*,*]" if n != "tau_rec" else n for n in needed))
        return cls(tuple(needed))


@dataclass(frozen=True)
class MotifCoordinates:
    """Free coordinates, numbered from 0, and the values of all others.

    Make it with `MotifCoordinates.of`.

    Attributes:
        labels: of the coordinates.
        entries: the coefficients that change, by name.
        numbers: of the coordinate at each entry, -1 where it is fixed: convergent[q, r] and
            divergent[p, q] of shares, across[q, r, s] with s < r of L, chains[p, q, r] of X,
            pairs[p, q] of B.
        fixed: the values of what is not free.
    """

    labels: tuple[str, ...]
    entries: tuple[str, ...]
    numbers: dict[str, np.ndarray]
    fixed: dict[str, np.ndarray]

    @classmethod
    def of(cls, motifs: FreeMotifs, parameters: Parameters) -> MotifCoordinates:
        """The coordinates that free motifs have around given parameters.

        Raises:
            ParameterError: a name is no motif coefficient, chains can only be 0, or components of
                strengths fix the coefficients.
        """
        if parameters.strengths is not None and (motifs.free or motifs.tied):
            raise ParameterError(
                f"{(*motifs.free, *motifs.tied)[0]!r} is free, but coefficients of motifs are what "
                "the components of strengths, which stay, make of them: gamma and weight may be "
                "unknown instead; or fit equations without strengths"
            )
        found = Numbering(motifs.free, motifs.tied, parameters)
        entries = tuple(dict.fromkeys(found.entries))
        return cls(tuple(found.labels), entries, found.numbers, fixed_values(parameters))

    def __len__(self) -> int:
        return len(self.labels)

    def tensors(self, u: Float[Array, " k"]) -> dict[str, Array]:
        """`tau_con`, `tau_div`, `tau_chn`, `tau_rec` at the coordinates; pure."""
        u = jnp.asarray(u)
        c, d = self._shares(u)
        L, X = self._factors(u)
        con, chn = jnp.einsum("qrk,qsk->qrs", L, L), jnp.einsum("pqk,qrk->pqr", X, L)
        div = jnp.einsum("pqk,oqk->qpo", X, X)
        own = jnp.eye(len(c), dtype=bool)
        if self._chains_move:
            div = jnp.where(own[None], 1.0, div)
        else:
            div = jnp.asarray(self.fixed["targets"])
        con = jnp.where(own[None], 1.0, con)
        A = 1 - c - d
        B = self._at(u, "pairs", jnp.tanh) * jnp.sqrt(A * A.T)
        out, into = _size(d), _size(c)
        chn = out[:, :, None] * into[None] * chn
        around = jnp.einsum("pqp->pq", chn)
        return {
            "tau_con": into[:, :, None] * into[:, None, :] * con,
            "tau_chn": chn,
            "tau_rec": B + around + around.T,
            "tau_div": out.T[:, :, None] * out.T[:, None, :] * div,
        }

    def set(self, parameters: Parameters, u: Float[Array, " k"]) -> Parameters:
        """The parameters with these motifs; pure, for jit, vmap and grad."""
        return parameters.replace(**self.tensors(u))

    def coordinates(self, parameters: Parameters) -> np.ndarray:
        """Those of given parameters; where a free coefficient is 0, of a very small one."""
        found = coordinate_values(parameters)
        u = np.zeros(len(self))
        for name, numbers in self.numbers.items():
            own = numbers >= 0
            u[numbers[own]] = found[name][own]
        return u

    def random(self, generator: np.random.Generator, n: int, N: float) -> np.ndarray:
        """Coordinates of n random starts, (n, k).

        N tau_con and N tau_div are between .1 and 20, correlations of either sign.
        """
        drawn = generator.normal(0.0, SPREAD, (n, len(self)))
        low, high = np.log(np.array(SIZES) / N)
        both = [self.numbers[k][self.numbers[k] >= 0] for k in ("convergent", "divergent")]
        shares = np.unique(np.concatenate(both))
        drawn[:, shares] = generator.uniform(low, high, (n, len(shares)))
        return drawn

    @property
    def _chains_move(self) -> bool:
        return bool(np.any(self.numbers["chains"] >= 0) or np.any(self.numbers["across"] >= 0))

    def _at(self, u: Array, name: str, change: Any = None) -> Array:
        """Coordinates where they are free, given values elsewhere."""
        numbers = self.numbers[name]
        padded = jnp.concatenate([u, jnp.zeros(1)])  # -1 reads the last one
        values = padded[numbers]
        return jnp.where(
            numbers >= 0, values if change is None else change(values), self.fixed[name]
        )

    def _shares(self, u: Array) -> tuple[Array, Array]:
        padded, names = jnp.concatenate([u, jnp.zeros(1)]), ("convergent", "divergent")
        free = [self.numbers[k] >= 0 for k in names]
        weights = [
            jnp.where(f, jnp.exp(padded[self.numbers[k]]), 0.0)
            for f, k in zip(free, names, strict=True)
        ]
        kept = [jnp.where(f, 0.0, self.fixed[k]) for f, k in zip(free, names, strict=True)]
        scale = (1 - kept[0] - kept[1]) / (1 + weights[0] + weights[1])
        return kept[0] + weights[0] * scale, kept[1] + weights[1] * scale

    def _factors(self, u: Array) -> tuple[Array, Array]:
        """L[q, r, k] and X[p, q, k]."""
        L = jnp.asarray(self.fixed["sources"])
        correlated = np.any(self.numbers["across"] >= 0, axis=(1, 2), keepdims=True)
        if correlated.any():
            v = self._at(u, "across")
            L = jnp.where(correlated, _shortened(v + jnp.eye(v.shape[-1])[None], v), L)
        v = self._at(u, "chains")
        rows = np.any(self.numbers["chains"] >= 0, axis=-1, keepdims=True)
        return L, jnp.where(rows, _shortened(v, v), self.fixed["rows"])


def _shortened(rows: Array, v: Array) -> Array:
    """Rows divided by sqrt(1 + |v|^2)."""
    return rows / jnp.sqrt(1 + jnp.sum(v**2, axis=-1, keepdims=True))


def _size(share: Array) -> Array:
    """The root of a share; 0, with derivatives 0, where the share is 0."""
    there = share > 0
    return jnp.where(there, jnp.sqrt(jnp.where(there, share, 1.0)), 0.0)
