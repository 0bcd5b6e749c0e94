"""Numbers for all that a derivation speaks of: a random stationary state of the theory.

Written from the theory's text (docs/theory.md, sections 1, 2 and 6), not from the derivation's
code, so that the one tests the other. Filters stand still: what they make of a constant is a random
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
from ..notation import COUNTS, kappa
from . import strengths
from .normal import NODES, WEIGHTS

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
        narrow = limit == "narrow"
        self._shape(mean_field.architecture, correlated)
        # nothing but features gives neurons their own inputs: without a push theta would be 0
        self.is_led = self.F > 0 and not narrow and "convergent" not in self.motifs
        self._draw_synapses(rng, narrow)
        self._draw_motifs(rng, mean_field.architecture, limit)
        self._draw_filters(rng, plain or self.is_static)
        self._draw_inputs(rng, narrow)
        self._draw_neuron(rng)
        self._settle()

    def _shape(self, architecture: Any, correlated: bool) -> None:
        """Populations, motifs, inputs, and which filters are equal."""
        counts = [len(architecture.distinct_filters(kind)) for kind in ("membrane", "synapse")]
        names = architecture.populations
        self.P = P = len(names) if names and max(counts) > 1 else MOST_POPULATIONS
        self.inputs, self.F = architecture.inputs, len(architecture.features)
        self.distribution: strengths.Distribution | None = None
        self.quenched = architecture.strengths.is_quenched
        self.motifs = frozenset(notation.PAIRS) if correlated else architecture.motifs
        self.has_synapses, self.by_target = architecture.has_synapses, counts[0] > 1
        self.membrane_of = np.array(architecture.filter_index("membrane", P))
        self.synapse_of = np.array(architecture.filter_index("synapse", P))
        self.passes = np.array(architecture.without_membrane(P))

    def _draw_synapses(self, rng: np.random.Generator, narrow: bool) -> None:
        """Sizes of the populations, means and standard deviations of the synapses."""
        P = self.P
        self.N = 40.0 * P / 3  # few neurons: what is of order 1/N must be right, too
        if self.is_led:  # a weaker Gamma then suffices, which leaves a residual
            self.N *= 15
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
        self.own_features = rng.uniform(0.5, 1, (self.P, self.F)) * (
            rng.choice([-1, 1], (self.P, self.F))
        )
        self.own_rows = rows * float("convergent" in self.motifs)
        self.own_rate = rng.uniform(0.6, 1.2, shape)
        if self.is_static:  # of one neuron, whoever feels it
            self.own_rate = np.broadcast_to(self.own_rate[:, :1], shape)

    def count(self, index: sp.Symbol) -> int:
        """How many values an index has."""
        if str(index) == "f":
            return self.synapse_of.max() + 1
        if index in COUNTS:
            return len(self.weight) if str(index) == "m" else self.F
        return self.P

    def _draw_motifs(self, rng: np.random.Generator, architecture: Any, limit: str) -> None:
        """Motifs, components of strengths and assortativity; what the architecture lacks is 0."""
        P = self.P
        self.gamma, self.theta = np.zeros((P, P, self.F, self.F)), np.zeros((P, self.F))
        self.weight, self.residual_share = np.ones((1, P)), 1.0
        if not architecture.has_components:
            self._draw_covariances(rng, 1e6 if limit == "dominated" else 1.0)
        else:
            self._draw_components(rng, architecture)
            self.residual_share = 1e-7 if limit == "dominated" else 1.0
            self.theta = rng.choice([-1, 1], (P, self.F)) * rng.uniform(0.2, 0.4, (P, self.F))
        correlation = rng.uniform(0.2, 0.5, (P, P)) * rng.choice([-1, 1], (P, P))
        self._draw_reciprocity(correlation * (0.4 if self.is_static else 1.0))

    def _draw_components(self, rng: np.random.Generator, architecture: Any) -> None:
        """A distribution of strengths and features, the motifs that it makes, and Gamma."""
        P = self.P
        drawn = strengths.draw(rng, architecture, self.motifs, P)
        u, b = slice(0, P), slice(P, 2 * P)
        total = drawn.total
        share = np.einsum("pqq->pq", total[:, u, u]) + np.einsum("qpp->pq", total[:, b, b])
        units = np.ones((P, 2 * P + self.F + 1))
        units[:, : 2 * P] = np.sqrt(min(1.0, 0.7 / max(share.max(), 1e-12)))
        drawn = drawn.scaled(units)
        total = drawn.total
        self.con, self.div = total[:, u, u], total[:, b, b]
        self.chn, self.offset = total[:, b, u].transpose(1, 0, 2), total[:, b, -1].T
        self.A = 1 - np.einsum("pqq->pq", self.con) - np.einsum("qpp->pq", self.div)
        physical = np.ones_like(units)
        physical[:, u], physical[:, b] = self.g, self.g.T
        physical[:, : 2 * P] *= np.sqrt(self.N)
        self.distribution = drawn.scaled(physical)
        self.weight = self.distribution.weight
        self.features = self.distribution.arrays(self.N)["feature_covariance"]
        self.led = strengths.draw_inputs(rng, architecture, P)
        if self.F:
            residual = self.A * self.g**2
            self.gamma = strengths.draw_gamma(rng, self.N, residual, self.features)

    def _draw_covariances(self, rng: np.random.Generator, strength: float) -> None:
        """Covariances of random factors, no two alike."""
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

    def _draw_reciprocity(self, correlation: np.ndarray) -> None:
        """Reciprocal motifs that leave a residual with this correlation."""
        there = {name: float(name in self.motifs) for name in ("reciprocal", "chain")}
        around = np.einsum("pqp->pq", self.chn)
        left = np.triu(correlation) + np.triu(correlation, 1).T
        left *= np.sqrt(np.maximum(self.A * self.A.T, 0))
        self.rec = (left + around + around.T) * there["reciprocal"]
        self.B = (self.rec - around - around.T) * max(there.values())
        self._explain()

    def _explain(self) -> None:
        """What assortativity explains of a synapse, and what it leaves: N Var w, N Cov(w, w')."""
        self.E, self.E_back = np.zeros((2, self.P, self.P))
        if self.F:
            self.E, self.E_back = strengths.explained_by(self.gamma, self.N, self.features)
        self.left = self.A * self.g**2 - self.E
        if self.residual_share != 1:
            self.left = self.residual_share * self.g**2
            self.A = (self.left + self.E) / self.g**2
        self.back = self.B * self.g * self.g.T - self.E_back

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
        """E f(x) over the components of population q."""
        return float(self.weight[:, q] @ self.averages(q, function))

    def averages(self, q: int, function: Any) -> np.ndarray:
        """E f(x), x = K_q + shift_mq + sqrt(width_mq) z, or what feels its own rate besides."""
        fields = (self.K[q] + self.shift[:, q])[:, None] + np.sqrt(self.width[:, q])[
            :, None
        ] * NODES
        return function(self.felt(q, fields)) @ WEIGHTS

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
        values = [self._averaged(q) for q in each]
        self.of_components = {f"{n}_c": np.array([v[n] for v in values]).T for n in values[0]}
        self.whole = {
            name.removesuffix("_c"): np.einsum("mq,mq->q", self.weight, own)
            for name, own in self.of_components.items()
        }
        self.R, self.G, self.C = (self.whole[name] for name in "RGC")

    def _averaged(self, q: int) -> dict[str, np.ndarray]:
        """Averages over each component of population q, and what they become by derivatives."""

        def phi(x: np.ndarray, order: int = 0) -> np.ndarray:
            return self.phi(q, x, order)

        return {
            "R": self.averages(q, phi),
            "G": self.averages(q, lambda x: phi(x, 1)),
            "H": self.averages(q, lambda x: phi(x, 2)),
            "T": self.averages(q, lambda x: phi(x, 3)),
            "C": self.averages(q, lambda x: phi(x) ** 2),
            "C1": self.averages(q, lambda x: 2 * phi(x) * phi(x, 1)),
            "C2": self.averages(q, lambda x: phi(x, 1) ** 2 + phi(x) * phi(x, 2)),
        }

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
        self.shift, self.width = np.zeros_like(self.weight), np.ones_like(self.weight)
        self.Gamma, self.chi = np.zeros(self.P), np.zeros(self.P)
        for _ in range(400):
            self.update()
            self.e, self.v = self.S * self.alpha * self.R, self.S * np.sqrt(self.C)
            self.kappa, self.rho = self.M[:, None] * (self.e + self.h), self.M[:, None] * self.e
            self.s, self.z = self.M[:, None] * self.v, self.M * self.sigma
            self._follow_features()
            shift, width = self._moments()
            off = max(np.abs(shift - self.shift).max(), np.abs(width / self.width - 1).max())
            self.shift = 0.5 * (self.shift + shift)
            self.width = 0.5 * (self.width + width)
            if off < 2e-15:
                break
        self.shift, self.width = shift, width
        self.update()
        self.later = self._later()
        total = self.N * self.mean @ self.e + self.later.sum(0)
        self.I = self.K / self.M - total

    @property
    def Delta(self) -> np.ndarray:
        """The variance over whole populations."""
        return np.einsum("mp,mp->p", self.weight, self.width + self.shift**2)

    def _follow_features(self) -> None:
        """theta that belongs to Gamma; or Gamma that belongs to theta, so that it is not 0."""
        if not self.F:
            return
        sent = (self.S * self.N * self.alpha)[:, None] * self.covariances_with_rates()[1]
        reached = np.einsum("pqkl,ql->pk", self.gamma, sent)
        if not self.is_led:
            self.theta = self.M[:, None] * (reached + self.led)
            return
        missing = self.theta / self.M[:, None] - reached - self.led
        room = self.g**2
        more = np.einsum("pk,pq,ql->pqkl", missing, room, sent)
        total = np.einsum("pq,ql->p", room, sent**2)
        self.gamma = self.gamma + more / total[:, None, None, None]
        self._explain()

    def covariances_with_rates(self) -> tuple[np.ndarray, np.ndarray]:
        """beta_pq = Cov_q(b^p, phi) and eta_ql = Cov_q(f_l, phi), by Stein inside components."""
        own, P = self.distribution, self.P
        if own is None:
            return np.zeros((P, P)), np.zeros((P, 0))
        c = np.concatenate([self.kappa, np.zeros((P, P)), self.theta, self.z[:, None]], axis=1)
        R, G = self.of_components["R_c"], self.of_components["G_c"]
        found = np.einsum("mq,mqi,mq->qi", self.weight, own.means, R)
        found += np.einsum("mq,mqij,qj,mq->qi", self.weight, own.covariances, c, G)
        return found[:, P : 2 * P].T / self.N, found[:, 2 * P : -1]

    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean input current less K_p and variance of each component, [m, p]."""
        seconds = self._second_moment(self.rho, self.s)
        self.residual = np.einsum("pq,q,pq->p", self.left, self.alpha, seconds)
        rest = self.residual + self.z**2 + self.V
        if self.distribution is None:
            g, own = self.g, self.kappa
            rows = self.N * np.einsum("pq,pr,pqr,pq,pr->p", g, g, self.con, own, own)
            return np.zeros((1, self.P)), (rows + rest)[None]
        c = np.concatenate([self.kappa, np.zeros_like(self.kappa), self.theta], axis=1)
        means, within = self.distribution.means, self.distribution.covariances
        width = np.einsum("mpij,pi,pj->mp", within[:, :, :-1, :-1], c, c)
        return np.einsum("mpi,pi->mp", means[:, :, :-1], c), width + rest

    def _second_moment(self, rho, s) -> np.ndarray:
        """What stands for the second moment of the rates of q in the field of p."""
        # residuals of given strengths sum to 0 and act on deviations of the rates
        mean = (rho / self.alpha) ** 2 if self.quenched else 0.0
        if self.second is None:
            return s**2 - mean
        places = {
            kappa: rho,
            notation.s: s,
            notation.R: self.R[None, :],
            notation.C: self.C[None, :],
            notation.alpha: self.alpha[None, :],
        }
        found = {base[notation.q]: v for base, v in places.items()}
        value = sp.lambdify(list(found), self.second, "numpy")(*found.values())
        return value * np.ones((self.P, self.P)) - mean * (self.second != 0)

    def _later(self) -> np.ndarray:
        """c_fp: what reaches the mean through chains, offsets and reciprocity, by filter."""
        classes = np.zeros((self.synapse_of.max() + 1, self.P))
        beta, _ = self.covariances_with_rates()
        for p in range(self.P):
            for q in range(self.P):
                reached = self.N * beta[p, q]
                slope = self.chi[q] if self.is_static else self.G[q]
                if self.distribution is None:
                    reached += slope * sum(
                        self.N * self.g[p, q] * self.g[q, r] * self.chn[p, q, r] * self.kappa[q, r]
                        for r in range(self.P)
                    )
                    own_offset = self.offset[p, q] * self.z[q]
                    reached += slope * np.sqrt(self.N) * self.g[p, q] * own_offset
                if not (self.is_static or self.quenched):
                    reached += slope * self.back[p, q] * self.rho[q, p] / self.alpha[p]
                classes[self.synapse_of[q], p] += self.S[q] * self.alpha[q] * reached
        return classes

    def _along(self) -> np.ndarray:
        """c_fpk: what reaches population p along its feature k, by filter."""
        _, eta = self.covariances_with_rates()
        sent = (self.S * self.N * self.alpha)[:, None] * eta
        each = np.einsum("pqkl,ql->qpk", self.gamma, sent)
        return np.einsum("fq,qpk->fpk", self.sources, each)

    @property
    def sources(self) -> np.ndarray:
        """1 where a population's synapses have the filter [f, q], else 0."""
        return (self.synapse_of[None, :] == np.arange(self.synapse_of.max() + 1)[:, None]) * 1.0

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
            **{"tau_con": self.con, "tau_div": self.div, "tau_chn": self.chn},
            **{"tau_rec": self.rec, "tau_inp": self.offset},
            "noise": self.D,
            **{"drive": self.I, "in_strength": self.h, "spread": self.sigma},
            "SOURCES": self.sources,
            **{"A": self.A, "B": self.B},
            "K": self.K,
            "kappa": one(self.kappa),
            "rho": one(self.rho),
            "s": one(self.s),
            "e": self.e,
            "v": self.v,
            "current": self.later,
            **{"z": self.z, "V": self.V, "Delta": self.Delta},
            **self.whole,
            **{"chi": self.chi, "susceptibility": self.chi, "Gamma": self.Gamma},
            **self._of_components(),
        }

    def _of_components(self) -> dict[str, np.ndarray]:
        """Values of what there is with components of strengths only."""
        if self.distribution is None:
            return {}
        beta, eta = self.covariances_with_rates()
        return {
            **self.distribution.arrays(self.N),
            **self.of_components,
            **{"gamma": self.gamma, "E": self.E, "E_back": self.E_back},
            "pattern_input": self.led,
            **{"theta": self.theta, "along": self._along(), "beta": beta, "eta": eta},
            **{"shift": self.shift, "Delta_c": self.width},
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
        other.kappa, other.rho, other.s = whole("kappa"), rho, whole("s")
        other.z, other.V = values.get("z", self.z), values.get("V", self.V)
        other.theta = values.get("theta", self.theta)
        other.shift, other.width = other._moments()
        other.update()
        other.arrays = {**other.arrays, **values}
        return other
