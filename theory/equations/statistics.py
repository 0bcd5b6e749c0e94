"""Statistics of the parts of a synapse, J_ij = Jbar_pq + a_i^q + b_j^p + w_ij, as symbols."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from ..architecture import Architecture
from ..notation import (
    A,
    B,
    E,
    E_back,
    N,
    a,
    b,
    feature,
    feature_covariance,
    g,
    gamma,
    k,
    l,
    o,
    over_populations,
    t,
    tau_chn,
    tau_con,
    tau_div,
    tau_inp,
    tau_rec,
    w,
)


@dataclass(frozen=True)
class SynapseStatistics:
    """Which parts a synapse has, and their covariances, given which motifs are present.

    Args:
        motifs: Classes of motifs, as in `Architecture`.
        inputs: Parts of the external input, as in `Architecture`.
        has_features: Whether synapses know features of both neurons.

    Source: docs/theory.md, sections 1.2 and 6.1.
    """

    motifs: frozenset[str]
    inputs: frozenset[str] = frozenset()
    has_features: bool = False

    @classmethod
    def of(cls, architecture: Architecture) -> SynapseStatistics:
        """Those of an architecture."""
        return cls(architecture.motifs, architecture.inputs, bool(architecture.features))

    @property
    def has_rows(self) -> bool:
        return "convergent" in self.motifs

    @property
    def has_columns(self) -> bool:
        return "divergent" in self.motifs

    @property
    def has_reciprocal_residual(self) -> bool:
        """B differs from 0: reciprocal motifs are present, or chains that would make them."""
        return bool({"reciprocal", "chain"} & self.motifs)

    @property
    def returns(self) -> bool:
        """Whether w_ij and w_ji are correlated, by reciprocal motifs or what assortativity left."""
        return self.has_reciprocal_residual or self.has_features

    def parts(self, i, j, p, q) -> dict[str, sp.Expr]:
        """The terms of J_ij beside its mean, by name; assortativity is summed over k and l."""
        parts = {
            "rows": a[i, q] if self.has_rows else 0,
            "columns": b[j, p] if self.has_columns else 0,
            "assortativity": feature[i, k] * gamma[p, q, k, l] * feature[j, l]
            if self.has_features
            else 0,
            "residual": w[i, j],
        }
        return {name: part for name, part in parts.items() if part != 0}

    def given(self, p, q, r) -> dict[str, sp.Expr]:
        """The variance, and covariances of pairs of synapses by the motifs that are present.

        i in p, j in q, k in r.
        """
        every = {
            "variance": g[p, q] ** 2,
            "convergent": tau_con[p, q, r] * g[p, q] * g[p, r],
            "divergent": tau_div[q, p, r] * g[p, q] * g[r, q],
            "chain": tau_chn[p, q, r] * g[p, q] * g[q, r],
            "reciprocal": tau_rec[p, q] * g[p, q] * g[q, p],
        }
        return {
            name: value / N
            for name, value in every.items()
            if name == "variance" or name in self.motifs
        }

    def rows(self, p, q, r) -> sp.Expr:
        """Cov(a_i^q, a_i^r), i in p."""
        return tau_con[p, q, r] * g[p, q] * g[p, r] / N if self.has_rows else sp.Integer(0)

    def columns(self, p, q, r) -> sp.Expr:
        """Cov(b_j^p, b_j^r), j in q."""
        return tau_div[q, p, r] * g[p, q] * g[r, q] / N if self.has_columns else sp.Integer(0)

    def across(self, p, q, r) -> sp.Expr:
        """Cov(b_j^p, a_j^r), j in q: chains i <- j <- k with i in p, k in r."""
        return tau_chn[p, q, r] * g[p, q] * g[q, r] / N if "chain" in self.motifs else sp.Integer(0)

    def offset(self, p, q) -> sp.Expr:
        """Cov(b_j^p, xi_j), j in q."""
        return (
            tau_inp[p, q] * g[p, q] / sp.sqrt(N) if "out-strength" in self.inputs else sp.Integer(0)
        )

    def residual(self, p, q) -> sp.Expr:
        """Var(w_ij), i in p, j in q."""
        return (A[p, q] * g[p, q] ** 2 - (E[p, q] if self.has_features else 0)) / N

    def reciprocal(self, p, q) -> sp.Expr:
        """Cov(w_ij, w_ji), i in p, j in q."""
        back = B[p, q] * g[p, q] * g[q, p] if self.has_reciprocal_residual else sp.Integer(0)
        return (back - (E_back[p, q] if self.has_features else 0)) / N

    def of_parts(self, p, q, r) -> dict[str, sp.Expr]:
        """Covariances of the parts, those that are not 0.

        "rows": a_i^q, a_i^r; "columns": b_j^p, b_j^r; "across": b_j^p, a_j^r;
        "residual": w_ij, w_ij; "back": w_ij, w_ji.
        """
        every = {
            "rows": self.rows(p, q, r),
            "columns": self.columns(p, q, r),
            "across": self.across(p, q, r),
            "residual": self.residual(p, q),
            "back": self.reciprocal(p, q),
        }
        return {name: value for name, value in every.items() if value != 0}

    def definitions(self, p, q) -> dict[str, sp.Expr]:
        """A_pq and B_pq in the motif coefficients, and what assortativity explains of both."""
        left = sp.Integer(1)
        left -= tau_con[p, q, q] if self.has_rows else 0
        left -= tau_div[q, p, p] if self.has_columns else 0
        back = tau_rec[p, q] if "reciprocal" in self.motifs else sp.Integer(0)
        back -= tau_chn[p, q, p] + tau_chn[q, p, q] if "chain" in self.motifs else 0
        found = {"A": left, **({"B": back} if self.has_reciprocal_residual else {})}
        if not self.has_features:
            return found
        # N tr(Gamma_pq C_q Gamma_pq' C_p), and with Gamma_qp in place of the transpose
        around = N * gamma[p, q, k, l] * feature_covariance[q, l, t]
        around *= feature_covariance[p, o, k]
        found["E"] = over_populations(around * gamma[p, q, o, t], k, l, t, o)
        found["E_back"] = over_populations(around * gamma[q, p, t, o], k, l, t, o)
        return found
