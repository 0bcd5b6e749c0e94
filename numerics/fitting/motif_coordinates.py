"""Coordinates of synaptic correlations in which every point is a network that can exist: for fits, which must not leave what is feasible.

For a neuron of population q the covariance of its strengths (a^1..a^P, b^1..b^P) is positive semidefinite if and only if

    tau_con[q,r,s] = sqrt(c_qr c_qs) (L_q L_q^T)[r,s]      tau_chn[p,q,r] = sqrt(d_pq c_qr) (X_q L_q^T)[p,r]
    tau_div[q,p,o] = sqrt(d_pq d_oq) (1 if o = p, else (X_q X_q^T)[p,o])

with rows of L_q of length 1 and rows of X_q of length at most 1 (the divergence between different targets has no effect on the equations and
takes the value of least rank). c_pq, d_pq and A_pq = 1 - c_pq - d_pq are the shares of a synapse's variance that go with its target, its source
and neither; tau_rec[p,q] = B_pq + tau_chn[p,q,p] + tau_chn[q,p,q] with |B_pq| <= sqrt(A_pq A_qp).

Coordinates are real numbers: log(c/A), log(d/A); a vector v for each row x = v / sqrt(1 + |v|^2) of X_q, and (v, 1) / sqrt(1 + |v|^2) for L_q;
artanh(B / sqrt(A A')).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ParameterError
from ..parameters import MOTIFS, Parameters, entries_of, residual_moments

SMALLEST_SHARE = 1e-9
"""Where a coefficient that is free is 0, its coordinate starts as if it were this."""
CLASSES = {
    "convergent": "tau_con",
    "divergent": "tau_div",
    "chain": "tau_chn",
    "reciprocal": "tau_rec",
}
SIZES = (0.1, 20.0)
"""N tau_con and N tau_div of random starts, uniform in the logarithm."""


@dataclass(frozen=True)
class FreeMotifs:
    """Which motif coefficients a fit may change, all others keep their values, or their correlation where a share beside them changes.

    free: names as in `vary`, with wildcards: "tau_con", "tau_con[E,E,E]", "tau_chn[E,*,E]", "tau_rec". `tau_con` alone includes the correlations
    between in-strengths from different sources, tau_con[q,r,s] with r != s; `tau_div` is always that of one target, tau_div[q,p,p].
    tied: names whose entries all share one coordinate: equal shares, or equal correlations.
    """

    free: tuple[str, ...] = ()
    tied: tuple[str, ...] = ()

    @classmethod
    def classes(cls, *names: str, tied: bool = False) -> FreeMotifs:
        """Whole classes: "convergent", "divergent", "chain", "reciprocal"; chains come with the convergence and divergence that they need.

        Raises `ParameterError` for another name.
        """
        unknown = [n for n in names if n not in CLASSES]
        if unknown:
            raise ParameterError(
                f"there is no motif {unknown[0]!r}: there are {', '.join(CLASSES)}"
            )
        needed = dict.fromkeys(
            CLASSES[n] for n in (*(("convergent", "divergent") if "chain" in names else ()), *names)
        )
        if tied:
            return cls(tied=tuple(f"{n}[*,*,*]" if n != "tau_rec" else n for n in needed))
        return cls(tuple(needed))


@dataclass(frozen=True)
class MotifCoordinates:
    """Free coordinates, numbered from 0, and the values of all others; make it with `MotifCoordinates.of`.

    Arrays of numbers have -1 where an entry is fixed: convergent[q, r] and divergent[p, q] of shares, across[q, r, s] with s < r of L,
    chains[p, q, r] of X, pairs[p, q] of B. `entries` are the coefficients that change, by name.
    """

    labels: tuple[str, ...]
    entries: tuple[str, ...]
    numbers: dict[str, np.ndarray]
    fixed: dict[str, np.ndarray]

    @classmethod
    def of(cls, motifs: FreeMotifs, parameters: Parameters) -> MotifCoordinates:
        """Raises `ParameterError` for names that are no motifs, and for chains that can only be 0."""
        return _Numbering(motifs, parameters).made()

    def __len__(self) -> int:
        return len(self.labels)

    def tensors(self, u: Float[Array, " k"]) -> dict[str, Array]:
        """`tau_con`, `tau_div`, `tau_chn`, `tau_rec` at the coordinates; pure, for jit, vmap and grad."""
        u = jnp.asarray(u)
        c, d = self._shares(u)
        L, X = self._factors(u)
        con, chn = jnp.einsum("qrk,qsk->qrs", L, L), jnp.einsum("pqk,qrk->pqr", X, L)
        div = jnp.einsum("pqk,oqk->qpo", X, X)
        own = jnp.eye(len(c), dtype=bool)
        div = (
            jnp.where(own[None], 1.0, div)
            if self._chains_move
            else jnp.asarray(self.fixed["targets"])
        )
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
        found = _values(parameters)
        u = np.zeros(len(self))
        for name, numbers in self.numbers.items():
            own = numbers >= 0
            u[numbers[own]] = found[name][own]
        return u

    def random(self, generator: np.random.Generator, n: int, N: float) -> np.ndarray:
        """Coordinates of n random starts, (n, k): N tau_con and N tau_div between .1 and 20, correlations of either sign."""
        drawn = generator.normal(0.0, 0.7, (n, len(self)))
        low, high = np.log(np.array(SIZES) / N)
        shares = np.unique(
            np.concatenate(
                [self.numbers[k][self.numbers[k] >= 0] for k in ("convergent", "divergent")]
            )
        )
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
        padded = jnp.concatenate([u, jnp.zeros(1)])
        free = [self.numbers[k] >= 0 for k in ("convergent", "divergent")]
        weights = [
            jnp.where(f, jnp.exp(padded[self.numbers[k]]), 0.0)
            for f, k in zip(free, ("convergent", "divergent"), strict=True)
        ]
        kept = [
            jnp.where(f, 0.0, self.fixed[k])
            for f, k in zip(free, ("convergent", "divergent"), strict=True)
        ]
        scale = (1 - kept[0] - kept[1]) / (1 + weights[0] + weights[1])
        return kept[0] + weights[0] * scale, kept[1] + weights[1] * scale

    def _factors(self, u: Array) -> tuple[Array, Array]:
        """L[q, r, k] and X[p, q, k]."""
        L = jnp.asarray(self.fixed["sources"])
        correlated = np.any(self.numbers["across"] >= 0, axis=(1, 2), keepdims=True)
        if correlated.any():
            v = self._at(u, "across")
            L = jnp.where(
                correlated,
                (v + jnp.eye(v.shape[-1])[None])
                / jnp.sqrt(1 + jnp.sum(v**2, axis=-1, keepdims=True)),
                L,
            )
        v = self._at(u, "chains")
        moved = v / jnp.sqrt(1 + jnp.sum(v**2, axis=-1, keepdims=True))
        rows = np.any(self.numbers["chains"] >= 0, axis=-1, keepdims=True)
        return L, jnp.where(rows, moved, self.fixed["rows"])


class _Numbering:
    """Which coordinates there are."""

    def __init__(self, motifs: FreeMotifs, parameters: Parameters):
        self.parameters, self.P = parameters, parameters.P
        self.labels: list[str] = []
        self.entries: list[str] = []
        shapes = {"convergent": 2, "divergent": 2, "across": 3, "chains": 3, "pairs": 2}
        self.numbers = {name: np.full((self.P,) * rank, -1) for name, rank in shapes.items()}
        self.there = np.asarray(parameters.g) > 0
        for tied, names in ((True, motifs.tied), (False, motifs.free)):
            for name in names:
                family, where = entries_of(name, parameters)
                if family not in MOTIFS:
                    raise ParameterError(
                        f"{name!r} is no motif coefficient: free motifs are named {', '.join(MOTIFS)}, "
                        "with indices where not all are"
                    )
                getattr(self, f"_{family}")(where, name if tied else None)

    def made(self) -> MotifCoordinates:
        values = _values(self.parameters)
        self._check(values)
        return MotifCoordinates(
            tuple(self.labels),
            tuple(dict.fromkeys(self.entries)),
            self.numbers,
            _fixed(self.parameters),
        )

    def _number(self, kind: str, index: tuple[int, ...], entry: str, tied: str | None) -> None:
        if self.numbers[kind][index] >= 0:
            return
        label = tied if tied is not None else f"{kind} of {entry}"
        if label not in self.labels:
            self.labels.append(label)
        self.numbers[kind][index] = self.labels.index(label)
        self.entries.append(entry)

    def _name(self, family: str, *index: int) -> str:
        return f"{family}[{','.join(self.parameters.populations[k] for k in index)}]"

    def _tau_con(self, where: np.ndarray, tied: str | None) -> None:
        for q, r, s in np.argwhere(where):
            if r == s and self.there[q, r]:
                self._number("convergent", (q, r), self._name("tau_con", q, r, r), tied)
            elif r > s and self.there[q, r] and self.there[q, s] and tied is None:
                self._number("across", (q, r, s), self._name("tau_con", q, s, r), tied)

    def _tau_div(self, where: np.ndarray, tied: str | None) -> None:
        for q, p, o in np.argwhere(where):
            if p == o and self.there[p, q]:
                self._number("divergent", (p, q), self._name("tau_div", q, p, p), tied)

    def _tau_chn(self, where: np.ndarray, tied: str | None) -> None:
        for p, q, r in np.argwhere(where):
            if self.there[p, q] and self.there[q, r]:
                self._number("chains", (p, q, r), self._name("tau_chn", p, q, r), tied)

    def _tau_rec(self, where: np.ndarray, tied: str | None) -> None:
        for p, q in np.argwhere(where):
            if p <= q and self.there[p, q] and self.there[q, p]:
                for index in ((p, q), (q, p)):
                    self._number("pairs", index, self._name("tau_rec", p, q), tied)

    def _check(self, values: dict[str, np.ndarray]) -> None:
        numbers, small = self.numbers, np.log(2 * SMALLEST_SHARE)
        for p, q, r in np.argwhere(numbers["chains"] >= 0):
            for kind, index, what in (
                ("convergent", (q, r), self._name("tau_con", q, r, r)),
                ("divergent", (p, q), self._name("tau_div", q, p, p)),
            ):
                if numbers[kind][index] < 0 and values[kind][index] < small:
                    raise ParameterError(
                        f"{self._name('tau_chn', p, q, r)} can only be 0: {what} is 0 and not free; free it too, or give it a value"
                    )
            if np.any(
                (numbers["chains"][p, q] < 0) & (np.abs(values["chains"][p, q]) > SMALLEST_SHARE)
            ):
                a, b = self.parameters.populations[p], self.parameters.populations[q]
                raise ParameterError(
                    f"chains through {b} onto {a} share a bound, and some that are not 0 are not free: free tau_chn[{a},{b},*]"
                )
        sources = _fixed(self.parameters)["sources"]
        for q in range(self.P):
            free = numbers["chains"][:, q] >= 0
            diagonal = np.allclose(sources[q], np.eye(self.P)) and not np.any(
                numbers["across"][q] >= 0
            )
            partly = [
                p
                for p in range(self.P)
                if 0 < free[p].sum() < self.there[q].sum() and self.there[p, q]
            ]
            if partly and not diagonal:
                a, b = self.parameters.populations[partly[0]], self.parameters.populations[q]
                raise ParameterError(
                    f"in-strengths of population {b} from different sources are correlated, so its chains onto {a} change together: "
                    f"free tau_chn[{a},{b},*], or free only tau_con of equal sources, as tau_con[{b},{a},{a}]"
                )


def _size(share: Array) -> Array:
    """The root of a share; 0, with derivatives 0, where the share is 0."""
    there = share > 0
    return jnp.where(there, jnp.sqrt(jnp.where(there, share, 1.0)), 0.0)


def _correlations(parameters: Parameters) -> dict[str, np.ndarray]:
    """Shares, and the correlations of in- and out-strengths: sources[q, r, s], targets[q, p, o], chains[p, q, r]."""
    con, div, chn = (
        np.asarray(t) for t in (parameters.tau_con, parameters.tau_div, parameters.tau_chn)
    )
    c, d = np.einsum("qrr->qr", con), np.einsum("qpp->pq", div)
    own = np.eye(parameters.P, dtype=bool)

    def ratio(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return np.divide(values, scale, out=np.zeros_like(values), where=scale > 0)

    return {
        "c": c,
        "d": d,
        "chains": ratio(chn, np.sqrt(d[:, :, None] * c[None])),
        "sources": np.where(own, 1.0, ratio(con, np.sqrt(c[:, :, None] * c[:, None, :]))),
        "targets": np.where(own, 1.0, ratio(div, np.sqrt(d.T[:, :, None] * d.T[:, None, :]))),
    }


def _fixed(parameters: Parameters) -> dict[str, np.ndarray]:
    """What coordinates that are not free stand at."""
    found = _correlations(parameters)
    A, B = residual_moments(parameters)
    A = np.maximum(A, 0.0)
    scale = np.sqrt(A * A.T)
    sources, rows = _roots(found)
    return {
        "convergent": found["c"],
        "divergent": found["d"],
        "sources": sources,
        "rows": rows,
        "targets": found["targets"],
        "pairs": np.clip(np.divide(B, scale, out=np.zeros_like(B), where=scale > 0), -1.0, 1.0),
        "across": _slopes(sources),
        "chains": np.zeros_like(found["chains"]),
    }


def _roots(found: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Lower triangular L with L L^T = correlations of in-strengths, and X with X L^T = those of chains."""
    L = np.stack([_root(matrix) for matrix in found["sources"]])
    X = np.stack(
        [found["chains"][:, q] @ np.linalg.pinv(L[q].T, rcond=1e-7) for q in range(len(L))], axis=1
    )
    return L, X


def _root(matrix: np.ndarray) -> np.ndarray:
    """Lower triangular, also where the matrix is singular: in-strengths from several sources may be one variable."""
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(matrix)
        upper = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0))).T)[1]
        return np.asarray((upper * np.where(np.diag(upper) < 0, -1.0, 1.0)[:, None]).T)


def _slopes(L: np.ndarray) -> np.ndarray:
    """v of rows (v, 1) / sqrt(1 + |v|^2)."""
    diagonal = np.maximum(np.einsum("qrr->qr", L), np.sqrt(SMALLEST_SHARE))[:, :, None]
    return np.tril(L / diagonal, -1)


def _values(parameters: Parameters) -> dict[str, np.ndarray]:
    """The coordinates of given parameters, free or not."""
    fixed = _fixed(parameters)
    c, d = (np.maximum(fixed[k], SMALLEST_SHARE) for k in ("convergent", "divergent"))
    A = np.maximum(1 - fixed["convergent"] - fixed["divergent"], SMALLEST_SHARE)
    X = fixed["rows"]
    left = np.sqrt(np.maximum(1 - np.sum(X**2, axis=-1, keepdims=True), SMALLEST_SHARE))
    return {
        "convergent": np.log(c / A),
        "divergent": np.log(d / A),
        "chains": X / left,
        "across": fixed["across"],
        "pairs": np.arctanh(np.clip(fixed["pairs"], -1 + SMALLEST_SHARE, 1 - SMALLEST_SHARE)),
    }


def motif_names(free: Sequence[str]) -> str:
    """The classes that names belong to, for people."""
    classes = {value: key for key, value in CLASSES.items()}
    return ", ".join(dict.fromkeys(classes[n.split("[")[0]] for n in free)) or "none"
