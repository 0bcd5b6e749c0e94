"""Numbers for all that a derivation speaks of: a random stationary state of the theory.

Written from the theory's text (docs/theory.md, sections 1 and 2), not from the derivation's code,
so that the one tests the other. Filters stand still: what they make of a constant is a random
factor each.
"""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from .. import notation
from ..equations import MeanField
from ..notation import kappa


def _normal_rule(
    panels: int = 48, points: int = 16, reach: float = 8.5
) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for averages over a standard normal variable."""
    t, w = np.polynomial.legendre.leggauss(points)
    edges = np.linspace(-reach, reach, panels + 1)
    half = np.diff(edges)[:, None] / 2
    z = (edges[:-1, None] + half * (1 + t)).ravel()
    weights = (half * w).ravel() * np.exp(-(z**2) / 2)
    return z, weights / weights.sum()


NODES, WEIGHTS = _normal_rule()
MOST_POPULATIONS = 3  # p, q and r then take different values


class World:
    """One random network in the mean: parameters, latent variables and averages, as arrays.

    Args:
        mean_field: The equations that are tested.
        seed: Of the random numbers.
        closed: Whether the residual's variance is that of the closure, not of the residual field.
        limit: "narrow", the variability vanishes; "dominated", the motifs outweigh the residual;
            "always", neither.
        plain: Whether filters pass constants unchanged.
        correlated: Whether all motifs are there, whatever the architecture has.
    """

    Gamma: np.ndarray

    def __init__(
        self,
        mean_field: MeanField,
        seed: int = 0,
        *,
        closed: bool = False,
        limit: str = "always",
        plain: bool = False,
        correlated: bool = False,
    ):
        self.is_static = mean_field.is_static
        self.second = mean_field.closure.second_moment() if closed else None
        rng = np.random.default_rng(seed)
        self._shape(mean_field.architecture, correlated)
        narrow = limit == "narrow"
        self._draw_synapses(rng, narrow)
        self._draw_motifs(rng, 1e6 if limit == "dominated" else 1.0)
        self._draw_filters(rng, plain or self.is_static)
        self._draw_inputs(rng, narrow)
        self._draw_neuron(rng)
        self._settle()

    def _shape(self, architecture: Any, correlated: bool) -> None:
        """Populations, motifs, inputs, and which filters are equal."""
        counts = [len(architecture.distinct_filters(kind)) for kind in ("membrane", "synapse")]
        names = architecture.populations
        self.P = P = len(names) if names and max(counts) > 1 else MOST_POPULATIONS
        self.inputs = architecture.inputs
        self.motifs = frozenset(notation.PAIRS) if correlated else architecture.motifs
        self.has_synapses, self.by_target = architecture.has_synapses, counts[0] > 1
        self.membrane_of = np.array(architecture.filter_index("membrane", P))
        self.synapse_of = np.array(architecture.filter_index("synapse", P))
        self.passes = np.array(architecture.without_membrane(P))

    def _draw_synapses(self, rng: np.random.Generator, narrow: bool) -> None:
        """Sizes of the populations, means and standard deviations of the synapses."""
        P = self.P
        self.N = 40.0 * P / 3  # few neurons: what is of order 1/N must be right, too
        alpha = rng.uniform(0.6, 1.4, P)
        self.sizes = np.maximum(np.round(self.N * alpha / alpha.sum()), 8)
        self.N = float(self.sizes.sum())
        self.alpha = self.sizes / self.N
        self.mean = rng.normal(size=(P, P)) / self.N
        weak = rng.random((P, P)) < 0.5
        size = np.where(weak, rng.uniform(0.4, 0.7, (P, P)), rng.uniform(1.3, 1.8, (P, P)))
        self.g = size * (1e-4 if narrow else 1.0)

    def _draw_inputs(self, rng: np.random.Generator, narrow: bool) -> None:
        """Transfer functions, mean input currents, and the parts of the external input."""
        P = self.P
        self.gain, self.place = rng.uniform(0.7, 1.6, P), rng.uniform(-0.4, 0.6, P)
        self.height = rng.uniform(0.6, 1.5, P)
        self.K = rng.uniform(-0.4, 0.8, P)
        self.h = rng.uniform(0.1, 0.4, P) * ("in-strength" in self.inputs)
        sigma = rng.uniform(0.7, 1.2, P) * ("spread" in self.inputs)
        self.sigma = sigma * (1e-4 if narrow else 1.0)
        self.D = rng.uniform(0.3, 0.6, P) * ("noise" in self.inputs) * (1e-8 if narrow else 1.0)
        self.V = self.D * rng.uniform(0.7, 1.3, P)

    def _draw_neuron(self, rng: np.random.Generator) -> None:
        """One neuron i of each population.

        a_i^q, and how far its filtered rate, as others feel it, is from the average.
        """
        shape = (self.P, self.P)
        signs = rng.choice([-1, 1], shape)
        rows = signs * rng.uniform(0.5, 1, shape) / self.N
        self.own_rows = rows * float("convergent" in self.motifs)
        self.own_rate = rng.uniform(0.6, 1.2, shape)
        if self.is_static:  # of one neuron, whoever feels it
            self.own_rate = np.broadcast_to(self.own_rate[:, :1], shape)

    def _draw_motifs(self, rng: np.random.Generator, strength: float) -> None:
        """Covariances of random factors, no two alike; what the architecture lacks is 0."""
        P = self.P
        factors = rng.normal(size=(P, 2 * P + 1, 2 * P + 2)) + 0.7
        for own in factors:  # offsets are independent of the rows
            own[-1] -= np.linalg.lstsq(own[:P].T, own[-1], rcond=None)[0] @ own[:P]
        blocks = np.einsum("qia,qja->qij", factors, factors) * 0.06 / (2 * P)
        shares = np.einsum("pqq->pq", blocks[:, :P, :P]) + np.einsum(
            "qpp->pq", blocks[:, P:-1, P:-1]
        )
        blocks *= min(1.0, 0.7 / shares.max())
        self.offset = np.zeros((P, P))
        if "out-strength" in self.inputs:
            scale = np.sqrt(blocks[:, -1, -1])
            self.offset = (
                blocks[:, P:-1, -1] / scale[:, None]
            ).T  # tau_inp[p, q]: the offset in units of its standard deviation
        con, div, chain = (
            blocks[:, :P, :P],
            blocks[:, P:-1, P:-1],
            blocks[:, P:-1, :P].transpose(1, 0, 2),
        )
        there = {name: float(name in self.motifs) for name in notation.PAIRS}
        self.con, self.div, self.chn = (
            con * there["convergent"] * strength,
            div * there["divergent"],
            chain * there["chain"],
        )
        self.A = (
            1 - np.einsum("pqq->pq", self.con) * (strength == 1) - np.einsum("qpp->pq", self.div)
        )
        around = np.einsum("pqp->pq", self.chn)
        left = (
            rng.uniform(0.2, 0.5, (P, P))
            * rng.choice([-1, 1], (P, P))
            * (0.4 if self.is_static else 1.0)
        )
        left = (np.triu(left) + np.triu(left, 1).T) * np.sqrt(np.maximum(self.A * self.A.T, 0))
        self.rec = (left + around + around.T) * there["reciprocal"]
        self.B = (
            (self.rec - around - around.T)
            if there["reciprocal"] or there["chain"]
            else np.zeros((P, P))
        )

    def _draw_filters(self, rng: np.random.Generator, plain: bool) -> None:
        """The answers of the filters to a constant."""
        apart = np.linspace(0.6, 1.4, self.P)
        factors = [
            np.ones(self.P) if plain else rng.permutation(apart * rng.uniform(0.9, 1.1, self.P))
            for _ in range(2)
        ]
        self.M, self.S_class = (
            np.where(self.passes, 1.0, factors[0][self.membrane_of]),
            factors[1] if self.has_synapses else np.ones(self.P),
        )
        self.S = self.S_class[self.synapse_of]

    # ---- the stationary state

    def phi(self, q: int, x: Any, order: int = 0) -> Any:
        """A smooth nonlinear transfer function and its derivatives, up to the third."""
        t = np.tanh(self.gain[q] * (x - self.place[q]))
        slope = 1 - t * t
        value = (1 + t, slope, -2 * t * slope, slope * (6 * t * t - 2))[order]
        return self.height[q] * self.gain[q] ** order * value

    def average(self, q: int, function: Any) -> float:
        """E f(x), x = K_q + sqrt(Delta_q) z, or what feels its own rate besides."""
        return float(WEIGHTS @ function(self.felt(q, self.K[q] + np.sqrt(self.Delta[q]) * NODES)))

    def felt(self, q: int, h: np.ndarray) -> np.ndarray:
        """The solution of x = h + Gamma_q phi_q(x); h itself where nothing returns."""
        if not self.is_static:
            return h
        x = h.copy()
        for _ in range(60):
            step = (x - h - self.Gamma[q] * self.phi(q, x)) / (
                1 - self.Gamma[q] * self.phi(q, x, 1)
            )
            x = x - np.clip(step, -1, 1)
            if np.max(np.abs(step)) < 1e-14:
                break
        return x

    def update(self) -> None:
        """Averages at the present K and Delta."""
        each = range(self.P)
        if self.is_static:
            self._return()
        self.R, self.G, self.H, self.T = (
            np.array([self.average(q, lambda x, q=q, n=n: self.phi(q, x, n)) for q in each])
            for n in range(4)
        )
        self.C = np.array([self.average(q, lambda x, q=q: self.phi(q, x) ** 2) for q in each])
        self.C1 = np.array(
            [self.average(q, lambda x, q=q: 2 * self.phi(q, x) * self.phi(q, x, 1)) for q in each]
        )
        self.C2 = np.array(
            [
                self.average(
                    q, lambda x, q=q: self.phi(q, x, 1) ** 2 + self.phi(q, x) * self.phi(q, x, 2)
                )
                for q in each
            ]
        )

    def _return(self) -> None:
        """Gamma and the susceptibility that belong to each other at the present K and Delta."""
        for _ in range(200):
            self.chi = np.array(
                [
                    self.average(
                        q,
                        lambda x, q=q: self.phi(q, x, 1) / (1 - self.Gamma[q] * self.phi(q, x, 1)),
                    )
                    for q in range(self.P)
                ]
            )
            new = np.einsum("q,pq,qp,pq,q->p", self.alpha, self.g, self.g, self.B, self.chi)
            step, self.Gamma = new - self.Gamma, new
            if np.all(np.abs(step) <= 1e-16 + 1e-14 * np.abs(new)):
                break

    def _settle(self) -> None:
        """Latent variables that belong to the averages, and averages to them, until they agree."""
        self.Delta, self.Gamma, self.chi = np.ones(self.P), np.zeros(self.P), np.zeros(self.P)
        for _ in range(200):
            self.update()
            self.e, self.v = self.S * self.alpha * self.R, self.S * np.sqrt(self.C)
            self.kappa, self.rho = self.M[:, None] * (self.e + self.h), self.M[:, None] * self.e
            self.s, self.z = self.M[:, None] * self.v, self.M * self.sigma
            new = self._variance(self.kappa, self.rho, self.s, self.z, self.V)
            if np.allclose(new, self.Delta, rtol=1e-14, atol=0):
                break
            self.Delta = 0.5 * (self.Delta + new)
        self.update()
        self.later = self._later()
        total = self.N * self.mean @ self.e + self.later.sum(0)
        self.I = self.K / self.M - total

    def _variance(self, kappa, rho, s, z, V) -> np.ndarray:
        """Delta_p from latent variables [target, source]."""
        rows = self.N * np.einsum("pq,pr,pqr,pq,pr->p", self.g, self.g, self.con, kappa, kappa)
        self.residual = np.einsum(
            "pq,pq,q,pq->p", self.A, self.g**2, self.alpha, self._second_moment(rho, s)
        )
        return rows + self.residual + z**2 + V

    def _second_moment(self, rho, s) -> np.ndarray:
        """What stands for the second moment of the rates of q in the field of p."""
        if self.second is None:
            return s**2
        places = {
            kappa: rho,
            notation.s: s,
            notation.R: self.R[None, :],
            notation.C: self.C[None, :],
            notation.alpha: self.alpha[None, :],
        }
        found = {base[notation.q]: v for base, v in places.items()}
        return sp.lambdify(list(found), self.second, "numpy")(*found.values()) * np.ones(
            (self.P, self.P)
        )

    def _later(self) -> np.ndarray:
        """c_fp: what reaches the mean through chains, offsets and reciprocity, by filter."""
        classes = np.zeros((self.synapse_of.max() + 1, self.P))
        for p in range(self.P):
            for q in range(self.P):
                through = sum(
                    self.N * self.g[p, q] * self.g[q, r] * self.chn[p, q, r] * self.kappa[q, r]
                    for r in range(self.P)
                )
                through += np.sqrt(self.N) * self.g[p, q] * self.offset[p, q] * self.z[q]
                if not self.is_static:
                    through += (
                        self.g[p, q] * self.g[q, p] * self.B[p, q] * self.rho[q, p] / self.alpha[p]
                    )
                slope = self.chi[q] if self.is_static else self.G[q]
                classes[self.synapse_of[q], p] += self.S[q] * self.alpha[q] * slope * through
        return classes

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Values by the names of the symbols."""
        lead = np.array(
            [np.flatnonzero(self.membrane_of == c)[0] for c in range(self.membrane_of.max() + 1)]
        )
        one = (lambda v: v) if self.by_target else (lambda v: v[lead[0]])
        return {
            "fractions": self.alpha,
            "mean": self.mean,
            "g": self.g,
            "tau_con": self.con,
            "tau_div": self.div,
            "tau_chn": self.chn,
            "tau_rec": self.rec,
            "tau_inp": self.offset,
            "noise": self.D,
            "drive": self.I,
            "in_strength": self.h,
            "spread": self.sigma,
            "SOURCES": (self.synapse_of[None, :] == np.arange(self.synapse_of.max() + 1)[:, None])
            * 1.0,
            "A": self.A,
            "B": self.B,
            "K": self.K,
            "kappa": one(self.kappa),
            "rho": one(self.rho),
            "s": one(self.s),
            "e": self.e,
            "v": self.v,
            "current": self.later,
            "z": self.z,
            "V": self.V,
            "Delta": self.Delta,
            "R": self.R,
            "G": self.G,
            "C": self.C,
            "H": self.H,
            "T": self.T,
            "C1": self.C1,
            "C2": self.C2,
            "chi": self.chi,
            "susceptibility": self.chi,
            "Gamma": self.Gamma,
        }

    def moved(self, directions: dict[str, np.ndarray], step: float) -> World:
        """The same away from the stationary state.

        Args:
            directions: By the names of states, along which they are moved.
            step: How far; variances and averages follow.
        """
        other = copy.copy(self)
        other.__dict__.pop("arrays", None)
        values = {name: self.arrays[name] + step * d for name, d in directions.items()}

        def whole(name):
            """[target, source]"""
            v = values.get(name, self.arrays[name])
            return v if self.by_target else np.broadcast_to(v, (self.P, self.P))

        other.K = values["K"]
        rho = whole("rho" if "rho" in values else "kappa")
        other.Delta = other._variance(
            whole("kappa"), rho, whole("s"), values.get("z", self.z), values.get("V", self.V)
        )
        other.update()
        averages = {
            name: getattr(other, name) for name in ("Delta", "R", "G", "H", "T", "C", "C1", "C2")
        }
        other.arrays = {**self.arrays, **averages, **values}
        return other
