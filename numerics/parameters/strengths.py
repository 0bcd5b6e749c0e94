"""The distribution of neurons' strengths as a mixture of components, and assortativity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import InfeasibleStatisticsError, ParameterError
from .reals import reals

TOTALS = ("in", "out")
CLOSE = 1e-6  # relative, of moments that were computed by another program or rounded in a file
SUM = 1e-9  # by which weights may miss 1, from divisions


class Strengths(eqx.Module):
    """Components of (u, b, f) within each population, and what synapses know of f.

        J_ij = Jbar_pq + a_i^q + b_j^p + f_i' Gamma_pq f_j + w_ij,   u = N a,

    f being features of neurons: functions of their own strengths, or hidden patterns. Components
    lie along the first axis, populations along the second; where populations have different
    numbers of them, the others have weight 0.

    Args:
        features: names of the F features.
        weight: (M, P), of component m in population p; they sum to 1 over m.
        means: (M, P, D), of (u^1..u^P, b^1..b^P, f_1..f_F), D = 2P + F. u is in units of input
            current per rate, b per synapse, of order 1/N.
        covariances: (M, P, D, D), within a component; (1, P, D, D) where all have the same.
        gamma: (P, P, F, F), Gamma_pq per synapse, of order 1/N: rows are features of the target,
            columns of the source.
        quenched: whether they are the strengths of a given network's neurons, whose finite rows
            and columns hold what residual synapses add to them.

    Source: docs/theory.md, section 6.1.
    """

    features: tuple[str, ...] = eqx.field(static=True)
    weight: Float[Array, "M P"]
    means: Float[Array, "M P D"]
    covariances: Float[Array, "M_or_1 P D D"]
    gamma: Float[Array, "P P F F"]
    quenched: bool = eqx.field(static=True, default=False)

    @property
    def P(self) -> int:
        """Number of populations."""
        return self.weight.shape[1]

    @property
    def components(self) -> int:
        """Largest number of components of a population."""
        return self.weight.shape[0]

    @property
    def mean_in(self) -> Array:
        """(M, P, P), mean of u^r in component m of population q, [m, q, r]."""
        return self.means[:, :, : self.P]

    @property
    def mean_out(self) -> Array:
        """(M, P, P), mean of b^p in component m of population q, [m, q, p]."""
        return self.means[:, :, self.P : 2 * self.P]

    @property
    def mean_feature(self) -> Array:
        """(M, P, F), mean of the features."""
        return self.means[:, :, 2 * self.P :]

    @property
    def cov_in(self) -> Array:
        """(M, P, P, P), Cov(u^q, u^r) in component m of population p, [m, p, q, r]."""
        return self._block(0, 0)

    @property
    def cov_in_feature(self) -> Array:
        """(M, P, P, F), Cov(u^q, f_k)."""
        return self._block(0, 2)

    @property
    def cov_features(self) -> Array:
        """(M, P, F, F), Cov(f_k, f_l)."""
        return self._block(2, 2)

    @property
    def cov_out_in(self) -> Array:
        """(M, P, P, P), Cov(b^p, u^r) in component m of population q, [m, q, p, r]."""
        return self._block(1, 0)

    @property
    def cov_out_feature(self) -> Array:
        """(M, P, P, F), Cov(b^p, f_k)."""
        return self._block(1, 2)

    def _block(self, row: int, column: int) -> Array:
        P, D = self.P, self.means.shape[2]
        parts = (slice(P), slice(P, 2 * P), slice(2 * P, D))
        own = self.covariances[:, :, parts[row], parts[column]]
        return jnp.broadcast_to(own, (self.components, *own.shape[1:]))

    @property
    def covariance(self) -> Array:
        """(P, D, D), covariance of (u, b, f) over whole populations; pure."""
        between = jnp.einsum("mp,mpi,mpj->pij", self.weight, self.means, self.means)
        if self.covariances.shape[0] == 1:
            return between + self.covariances[0]
        return between + jnp.einsum("mp,mpij->pij", self.weight, self.covariances)

    @property
    def feature_covariance(self) -> Array:
        """(P, F, F), Cov_p(f); pure."""
        return self.covariance[:, 2 * self.P :, 2 * self.P :]

    def _in_units(self, unit: np.ndarray) -> tuple[Array, Array]:
        """Means and covariances where every entry of (u, b, f) is multiplied by its unit."""
        means = self.means * unit[None, None]
        return means, self.covariances * (unit[:, None] * unit)[None, None]

    def without(self, *parts: str) -> Strengths:
        """Strengths that lack some parts, of the same form.

        Args:
            parts: "convergent", in-strengths that vary; "divergent" or "chain", out-strengths that
                vary with anything; "assortativity". None: all of them.
        """
        P, keep = self.P, np.ones(self.means.shape[2])
        if not parts or "convergent" in parts:
            keep[:P] = 0
        if not parts or {"divergent", "chain"} & set(parts):
            keep[P : 2 * P] = 0
        gone = not parts or "assortativity" in parts
        return Strengths(
            self.features,
            self.weight,
            *self._in_units(keep),
            self.gamma * 0 if gone else self.gamma,
            self.quenched,
        )

    def without_features(self, names: Sequence[str]) -> Strengths:
        """Strengths of which synapses do not know these features; of the same form."""
        known = np.array([name not in names for name in self.features], dtype=float)
        return eqx.tree_at(
            lambda own: own.gamma, self, self.gamma * np.outer(known, known)[None, None]
        )

    def data(self, populations: Sequence[str]) -> dict[str, Any]:
        """Plain data, as the table [parameters.strengths] of a spec holds them."""
        weight, means, widths = (np.asarray(v) for v in (self.weight, self.means, self.covariances))
        own = {name: weight[:, p] > 0 for p, name in enumerate(populations)}

        def listed(values: np.ndarray) -> dict[str, Any]:
            each = zip(own.items(), range(self.P), strict=True)
            shared = slice(1) if len(values) < len(weight) else None
            return {n: values[k if shared is None else shared, p].tolist() for (n, k), p in each}

        return {
            "features": list(self.features),
            "gamma": np.asarray(self.gamma).tolist(),
            "quenched": self.quenched,
            "weights": listed(weight),
            "means": listed(means),
            "covariances": listed(widths),
        }

    def rescaled(self, s: Any) -> Strengths:
        """For a network of N / s neurons with the same limit: b and Gamma per synapse change."""
        unit = np.ones(self.means.shape[2])
        unit[self.P : 2 * self.P] = s
        return Strengths(
            self.features,
            self.weight,
            self.means * unit[None, None],
            self.covariances * np.outer(unit, unit)[None, None],
            self.gamma * s,
            self.quenched,
        )


def explained(parameters: Any, xp: Any = jnp) -> tuple[Any, Any]:
    """What assortativity explains of synapses' variances and of reciprocal covariances, times N.

    Args:
        parameters: `Parameters` with strengths.
        xp: NumPy or JAX.

    Returns:
        N tr(Gamma_pq C_q Gamma_pq' C_p) and N tr(Gamma_pq C_q Gamma_qp C_p), C_p = Cov_p(f), (P, P)
        each. Source: `docs/theory.md`, section 6.1.
    """
    own, C = parameters.strengths.gamma, parameters.strengths.feature_covariance
    around = xp.einsum("pqkl,qlt,pok->pqot", own, C, C)
    both = xp.einsum("pqot,pqot->pq", around, own), xp.einsum("pqot,qpto->pq", around, own)
    return parameters.N * both[0], parameters.N * both[1]


def linear_features(N: float, fractions: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The matrix (F, 2P) of features that are total strengths, on (u, b).

    f_in = sum_q alpha_q u^q and f_out = sum_p N alpha_p b^p.

    Raises:
        ParameterError: another feature, whose moments must be given.
    """
    zero = np.zeros_like(fractions)
    rows = {"in": [*fractions, *zero], "out": [*zero, *N * fractions]}
    missing = [name for name in names if name not in rows]
    if missing:
        raise ParameterError(
            f"the feature {missing[0]!r} is no linear function of strengths: give the components' "
            "means and covariances with its own entries, after those of u and b"
        )
    return np.array([rows[name] for name in names]).reshape(len(names), 2 * len(fractions))


def strengths_of(
    given: Any, names: Sequence[str], *, N: float, fractions: Any, covariances: np.ndarray
) -> Strengths | None:
    """Validated strengths from what a user gives.

    Args:
        given: None, or as `unchecked_strengths` takes it.
        names: of the populations.
        N, fractions: number of neurons, (P,).
        covariances: (P, 2P, 2P), of (u, b) by the motifs.

    Raises:
        ParameterError: wrong shapes, signs or names.
        InfeasibleStatisticsError: components whose moments are not those of the motifs.
    """
    if given is None:
        return None
    made = unchecked_strengths(given, names, N=N, fractions=fractions, covariances=covariances)
    check_strengths(made, names, covariances)
    return made


def unchecked_strengths(
    given: Any, names: Sequence[str], *, N: Any, fractions: Any, covariances: np.ndarray
) -> Strengths:
    """Strengths from what a user gives, of which only the shapes are certain.

    Args:
        given: `Strengths`, or a mapping with some of `features` (names; default "in" and
            "out" where there is a gamma), `gamma` (P, P, F, F), and the components of each
            population, by name or in their order: `weights` (M_p,), `means` (M_p, 2P) and
            `covariances` (M_p, 2P, 2P) of (u, b), or with the features' own entries after these.
            Left out, strengths are Gaussian.
        names: of the populations.
        N, fractions: number of neurons, (P,).
        covariances: (P, 2P, 2P), of (u, b) by the motifs.

    Raises:
        ParameterError: wrong shapes or names.
    """
    if isinstance(given, Mapping):
        return _from_mapping(given, names, float(N), np.asarray(fractions), covariances)
    if not isinstance(given, Strengths):
        raise ParameterError(f"strengths must be a mapping or Strengths, not {type(given)}")
    if given.P != len(names):
        raise ParameterError(f"strengths of {given.P} populations, for {list(names)}")
    return given


KNOWN = ("features", "gamma", "weights", "means", "covariances", "quenched")


def _from_mapping(given, names, N, fractions, covariances) -> Strengths:
    unknown = [key for key in given if key not in KNOWN]
    if unknown:
        raise ParameterError(f"strengths have no entry {unknown[0]!r}: they have {list(KNOWN)}")
    P, has_gamma = len(names), given.get("gamma") is not None
    features = tuple(map(str, given.get("features", TOTALS if has_gamma else ())))
    F = len(features)
    gamma = reals(given["gamma"], "gamma", names) if has_gamma else np.zeros((P, P, F, F))
    if gamma.size == 0 and F == 0:  # nested lists in a file do not keep the shape of nothing
        gamma = np.zeros((P, P, 0, 0))
    if gamma.shape != (P, P, F, F):
        raise ParameterError(
            f"gamma has shape {gamma.shape}; for {P} populations and the features {list(features)} "
            f"it needs {(P, P, F, F)}"
        )
    if "weights" not in given:
        parts: list[tuple[Any, ...]] = [
            (np.ones(1), np.zeros((1, 2 * P)), c[None]) for c in covariances
        ]
    else:
        parts = components_of(given, names)
    whole = [_with_features(own, names[k], N, fractions, features) for k, own in enumerate(parts)]
    return padded(whole, features, gamma, bool(given.get("quenched", False)))


def components_of(given: Mapping, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Weights, means and covariances of every population's components."""
    listed = (_by_population(given, key, names) for key in ("weights", "means", "covariances"))
    return [_component(names[k], *own) for k, own in enumerate(zip(*listed, strict=True))]


def _by_population(given: Mapping, key: str, names: Sequence[str]) -> list[Any]:
    value = given.get(key)
    if value is None:
        raise ParameterError(f"strengths with weights need {key}, too")
    if isinstance(value, Mapping):
        if set(value) != set(names):
            raise ParameterError(f"{key} of strengths name {sorted(value)}, not {list(names)}")
        return [value[name] for name in names]
    if len(value) != len(names):
        raise ParameterError(f"{key} of strengths need one entry per population, {list(names)}")
    return list(value)


def _component(name: str, weights, means, covariances) -> tuple[np.ndarray, ...]:
    w, m, S = (
        reals(v, f"{key} of population {name}")
        for key, v in (("weights", weights), ("means", means), ("covariances", covariances))
    )
    if w.ndim != 1 or m.ndim != 2 or S.ndim != 3:
        raise ParameterError(
            f"strengths of population {name}: weights, means and covariances have shapes "
            f"{w.shape}, {m.shape}, {S.shape}; they need (M,), (M, D), (M, D, D)"
        )
    M, D = m.shape
    if w.shape != (M,) or S.shape not in ((M, D, D), (1, D, D)):
        raise ParameterError(
            f"strengths of population {name}: {len(w)} weights, means of shape {m.shape} and "
            f"covariances of shape {S.shape} do not fit each other"
        )
    return w, m, S


def _with_features(own, name: str, N: float, fractions, features) -> tuple[np.ndarray, ...]:
    """Components with the features' entries: given ones, or those of total strengths."""
    w, m, S = own
    two = 2 * len(fractions)
    if m.shape[1] == two + len(features):
        return own
    if m.shape[1] != two:
        raise ParameterError(
            f"means of population {name} have {m.shape[1]} entries each; they need {two}, of "
            f"(u, b), or {two + len(features)}, with the features {list(features)}"
        )
    T = np.vstack([np.eye(two), linear_features(N, fractions, features)])
    return w, m @ T.T, T @ S @ T.T


def padded(
    parts: Sequence[tuple], features: tuple[str, ...], gamma: Any, quenched: bool = False
) -> Strengths:
    """Components of all populations side by side; missing ones have weight 0."""
    M = max(len(w) for w, _, _ in parts)

    shared = all(len(S) == 1 and not np.any(S) for _, _, S in parts)  # none has a width
    widths = 1 if shared else M
    if not shared:
        parts = [(w, m, np.broadcast_to(S, (len(w), *np.shape(S)[1:]))) for w, m, S in parts]

    def filled(values: Any, count: int) -> np.ndarray:
        rest = np.zeros((count - len(values), *np.shape(values)[1:]))
        return np.concatenate([values, rest])

    weight, means, covariances = (
        jnp.asarray(np.stack([filled(part[k], n) for part in parts], axis=1))
        for k, n in enumerate((M, M, widths))
    )
    return Strengths(features, weight, means, covariances, jnp.asarray(gamma), quenched)


def check_strengths(own: Strengths, names: Sequence[str], covariances: np.ndarray) -> None:
    """Raise where weights, means or covariances are not those of a distribution of the motifs."""
    if isinstance(own.weight, jax.core.Tracer):
        return
    weight, means = np.asarray(own.weight), np.asarray(own.means)
    total = np.asarray(own.covariance)
    for p, name in enumerate(names):
        if np.any(weight[:, p] < 0) or abs(weight[:, p].sum() - 1) > SUM:
            raise ParameterError(
                f"weights of the strengths of population {name} must be positive and sum to 1: "
                f"they sum to {weight[:, p].sum():.10g}"
            )
        scale = np.sqrt(np.maximum(np.diag(total[p]), 0))
        off = np.abs(weight[:, p] @ means[:, p])
        if np.any(off > CLOSE * np.maximum(scale, 1e-300)):
            raise ParameterError(
                f"strengths of population {name} are deviations: their mean over components must "
                f"be 0, it is {off.max() / max(scale[off.argmax()], 1e-300):.3g} standard "
                "deviations"
            )
        two = 2 * own.P
        own_scale = np.sqrt(np.maximum(np.diag(covariances[p]), 0))  # measured ones can be negative
        size = np.outer(own_scale, own_scale)
        size = np.maximum(size, np.outer(scale[:two], scale[:two]))
        _check_widths(own, p, name)
        if own.quenched:  # finite rows add to what the motifs make
            continue
        wrong = np.abs(total[p, :two, :two] - covariances[p]) > CLOSE * size
        if wrong.any():
            i, j = np.argwhere(wrong)[0]
            raise InfeasibleStatisticsError(
                f"the components of the strengths of population {name} give the covariance "
                f"{total[p, i, j]:.6g} of {_entry(names, i)} and {_entry(names, j)}, the motifs "
                f"{covariances[p][i, j]:.6g}: use the motifs of mf.strengths.motifs_of_strengths, "
                "or scale the components"
            )


def _check_widths(own: Strengths, p: int, name: str) -> None:
    for S in np.asarray(own.covariances[:, p]):
        scale = np.sqrt(np.maximum(np.diag(S), 1e-300))
        lowest = np.linalg.eigvalsh(S / np.outer(scale, scale)).min(initial=0.0)
        if not np.allclose(S, S.T, rtol=CLOSE, atol=0) or lowest < -CLOSE:
            raise ParameterError(
                f"a covariance within a component of population {name} is not symmetric and "
                "positive semidefinite"
            )


def _entry(names: Sequence[str], i: int) -> str:
    P = len(names)
    return f"u[{names[i]}]" if i < P else f"b[{names[i - P]}]"
