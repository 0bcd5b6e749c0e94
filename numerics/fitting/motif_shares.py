"""Shares and correlations of given motifs: what coordinates of motifs start from.

Numbers in a dict are c[q, r] and d[p, q], the shares of a synapse's variance that go with its
target and its source; correlations of in- and out-strengths, sources[q, r, s], targets[q, p, o] and
chains[p, q, r].
"""

from __future__ import annotations

import numpy as np

from ..parameters import Parameters, residual_moments

SMALLEST_SHARE = 1e-9
"""Where a coefficient that is free is 0, its coordinate starts as if it were this: far below any
share that changes a rate, and far above rounding."""
NULL = 1e-7  # singular values of a correlation matrix below this, relative, are rounding


def correlations(parameters: Parameters) -> dict[str, np.ndarray]:
    """Shares, and the correlations of in- and out-strengths."""
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


def fixed_values(parameters: Parameters) -> dict[str, np.ndarray]:
    """Values of what is not free: shares, L and X of the covariances, correlations of pairs."""
    found = correlations(parameters)
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


def coordinate_values(parameters: Parameters) -> dict[str, np.ndarray]:
    """The coordinates of given parameters, free or not."""
    fixed = fixed_values(parameters)
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


def _roots(found: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Lower triangular L, L L^T = correlations of in-strengths; X, X L^T = those of chains."""
    L = np.stack([_root(matrix) for matrix in found["sources"]])
    X = [found["chains"][:, q] @ np.linalg.pinv(L[q].T, rcond=NULL) for q in range(len(L))]
    return L, np.stack(X, axis=1)


def _root(matrix: np.ndarray) -> np.ndarray:
    """Lower triangular, also of a singular matrix: several in-strengths may be one variable."""
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
