"""The numbers of a network: sizes, first- and second-order synaptic statistics, inputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from ...errors import ParameterError
from ..precision import require_x64
from .feasibility import check_feasible
from .files import input_data, read_parameters, write_parameters
from .inputs import Input, as_input, by_population, is_zero
from .motifs import Motifs

FAMILIES = ("transfer", "membrane", "synapse")
INPUTS = ("input", "in_strength", "spread")
ARRAYS = (
    "N",
    "fractions",
    "mean",
    "g",
    "tau_con",
    "tau_div",
    "tau_chn",
    "tau_rec",
    "tau_inp",
    "noise",
)


class Parameters(eqx.Module):
    """A network's numbers, as a JAX pytree. Make one with `Parameters.of`, `from_covariances` or `load`.

    N: total number of neurons; fractions[p] = N_p / N
    mean[p, q]: mean of a synapse from population q onto population p (row = target)
    g[p, q]: its standard deviation times sqrt(N)
    tau_con, tau_div, tau_chn, tau_rec: correlation coefficients, indexed as in `Motifs`
    input: `I_p(t)`
    transfer, membrane, synapse: parameters of the transfer functions and of the filters by name, shape (P,); those left out have the default
    of the architecture
    in_strength: `h_q(t)`, the part of the inputs along the deviations u_i^q of the in-strengths from population q
    spread: `sigma_p(t)`, the standard deviation across neurons of the part sigma_p xi_i of the inputs, xi_i standard normal
    tau_inp[p, q]: correlation of xi_j with the synapses J_ij that j in q makes onto p
    noise[p]: D_p, half the intensity of the white noise in the input of each neuron
    """

    populations: tuple[str, ...] = eqx.field(static=True)
    N: Float[Array, ""]
    fractions: Float[Array, " P"]
    mean: Float[Array, "P P"]
    g: Float[Array, "P P"]
    tau_con: Float[Array, "P P P"]
    tau_div: Float[Array, "P P P"]
    tau_chn: Float[Array, "P P P"]
    tau_rec: Float[Array, "P P"]
    input: Input
    transfer: dict[str, Float[Array, " P"]]
    membrane: dict[str, Float[Array, " P"]]
    synapse: dict[str, Float[Array, " P"]]
    in_strength: Input
    spread: Input
    tau_inp: Float[Array, "P P"]
    noise: Float[Array, " P"]

    @classmethod
    def of(
        cls,
        *,
        populations: Sequence[str] | None = None,
        N: float,
        fractions: Any,
        mean: Any,
        g: Any,
        motifs: Motifs | None = None,
        input: Any = 0.0,
        transfer: Mapping[str, Any] | None = None,
        membrane: Mapping[str, Any] | None = None,
        synapse: Mapping[str, Any] | None = None,
        in_strength: Any = 0.0,
        spread: Any = 0.0,
        tau_inp: Any = 0.0,
        noise: Any = 0.0,
        check: bool = True,
    ) -> Parameters:
        """Validated parameters from plain arrays, scalars or mappings by population name.

        `mean`, `g` and `tau_inp` are (P, P) arrays, row = target, scalars, or mappings `{target: {source: value}}`; `transfer`, `membrane` and
        `synapse` map names of parameters to a scalar, an array of shape (P,) or a mapping by population; `in_strength` and `spread` are
        given like `input`. `check=False` skips
        only the feasibility of the motif statistics, for statistics measured on a given network. Raises `ParameterError`
        for wrong shapes, signs or values, `InfeasibleStatisticsError` for statistics that no network has.
        """
        require_x64()
        names = _names(populations, fractions, mean)
        P = len(names)
        alpha = by_population(fractions, names, "fractions")
        if np.any(alpha <= 0) or abs(alpha.sum() - 1) > 1e-9:
            raise ParameterError(
                f"fractions must be positive and sum to 1: {dict(zip(names, alpha.tolist(), strict=True))}"
            )
        if not (np.isfinite(N) and N >= 1):
            raise ParameterError(f"N = {N} must be a number of neurons, at least 1")
        motifs = motifs or Motifs()
        con = _tensor(motifs.convergent, (P, P, P), "tau_con", names)
        div = _tensor(motifs.divergent, (P, P, P), "tau_div", names)
        rec = _tensor(motifs.reciprocal, (P, P), "tau_rec", names)
        for array, axes, name, what in (
            (con, (0, 2, 1), "tau_con[p,q,r]", "q and r"),
            (div, (0, 2, 1), "tau_div[q,p,r]", "p and r"),
            (rec, (1, 0), "tau_rec[p,q]", "p and q"),
        ):
            if not np.allclose(array, array.transpose(axes), rtol=1e-9, atol=1e-14):
                raise ParameterError(
                    f"{name} must be symmetric in {what}; largest difference "
                    f"{np.abs(array - array.transpose(axes)).max():.3g}"
                )
        strength = _matrix(g, names, "g")
        if np.any(strength < 0):
            raise ParameterError(
                f"g is a standard deviation and must not be negative: {strength.tolist()}"
            )
        chain = _tensor(motifs.chain, (P, P, P), "tau_chn", names)
        arrays = {
            "N": N,
            "fractions": alpha,
            "mean": _matrix(mean, names, "mean"),
            "g": strength,
            "tau_con": con,
            "tau_div": div,
            "tau_chn": chain,
            "tau_rec": rec,
        }
        intensity = by_population(noise, names, "noise")
        if np.any(intensity < 0):
            raise ParameterError(
                f"noise is half an intensity and must not be negative: {dict(zip(names, intensity.tolist(), strict=True))}"
            )
        arrays |= {"noise": intensity, "tau_inp": _matrix(tau_inp, names, "tau_inp")}
        own = {
            kind: {
                str(n): jnp.asarray(by_population(v, names, f"{kind} {n}"))
                for n, v in _by_name(kind, given).items()
            }
            for kind, given in (
                ("transfer", transfer),
                ("membrane", membrane),
                ("synapse", synapse),
            )
        }
        numbers: dict[str, Any] = {
            name: jnp.asarray(v, dtype=float) for name, v in arrays.items()
        } | own
        made = cls(
            names,
            **numbers,
            input=as_input(input, names),
            in_strength=as_input(in_strength, names),
            spread=as_input(spread, names),
        )
        if check:
            check_feasible(made)
        return made

    @classmethod
    def from_covariances(
        cls,
        *,
        populations=None,
        N,
        fractions,
        mean,
        variance,
        convergent=0.0,
        divergent=0.0,
        chain=0.0,
        reciprocal=0.0,
        input: Any = 0.0,
        check: bool = True,
        **others: Any,
    ) -> Parameters:
        """Parameters from raw covariances per pair of synapses, indexed as in `Motifs`; `variance` is (P, P), per synapse; others as in `of`.

        tau = covariance / sqrt(variance * variance'), and 0 where a variance is 0 (an empty block has no covariance).
        """
        names = _names(populations, fractions, mean)
        P = len(names)
        v = _matrix(variance, names, "variance")
        if np.any(v < 0):
            raise ParameterError(f"a variance is negative: {v.tolist()}")
        s = np.sqrt(v)
        scales = (
            s[:, :, None] * s[:, None, :],
            (s.T)[:, :, None] * (s.T)[:, None, :],
            s[:, :, None] * s[None, :, :],
            s * s.T,
        )
        tau = []
        for covariance, scale, name in zip(
            (convergent, divergent, chain, reciprocal),
            scales,
            ("convergent", "divergent", "chain", "reciprocal"),
            strict=True,
        ):
            c = _tensor(covariance, scale.shape, name, names)
            if np.any((scale == 0) & (c != 0)) and np.ndim(covariance) > 0:
                raise ParameterError(
                    f"{name}: a covariance is not 0 where a synapse's variance is 0"
                )
            tau.append(np.divide(c, scale, out=np.zeros((P,) * scale.ndim), where=scale > 0))
        return cls.of(
            populations=names,
            N=N,
            fractions=fractions,
            mean=mean,
            g=np.sqrt(N) * s,
            motifs=Motifs(*tau),
            input=input,
            check=check,
            **others,
        )

    @classmethod
    def load(cls, path: str | Path) -> Parameters:
        """Read a TOML or JSON file: a whole spec, or the table of parameters alone. Raises `SpecError`, `ParameterError`."""
        return cls.of(**read_parameters(path))

    def save(self, path: str | Path) -> None:
        """Write to a .toml or .json file, whole or not at all. Raises `SpecError` for other suffixes and for inputs given as code."""
        write_parameters(self.data(), path)

    def data(self) -> dict[str, Any]:
        """Plain data, as a spec has them in [parameters]. Raises `SpecError` for inputs given as code."""
        return {
            "populations": list(self.populations),
            "N": float(self.N),
            **{
                name: np.asarray(getattr(self, name)).tolist()
                for name in ("fractions", "mean", "g")
            },
            "input": input_data(self.input),
            "motifs": {name: np.asarray(t).tolist() for name, t in self.motifs._asdict().items()},
            **{
                kind: {name: np.asarray(v).tolist() for name, v in own.items()}
                for kind in FAMILIES
                if (own := getattr(self, kind))
            },
            **{
                name: input_data(value)
                for name in ("in_strength", "spread")
                if not is_zero(value := getattr(self, name))
            },
            **{
                name: np.asarray(value).tolist()
                for name in ("tau_inp", "noise")
                if bool(jnp.any((value := getattr(self, name)) != 0))
            },
        }

    @property
    def P(self) -> int:
        """Number of populations."""
        return len(self.populations)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons per population: the integers nearest to N * fractions that sum to N."""
        exact = np.asarray(self.fractions) * round(float(self.N))
        sizes = np.floor(exact).astype(int)
        order = np.argsort(sizes - exact, kind="stable")
        sizes[order[: round(float(self.N)) - sizes.sum()]] += 1
        return tuple(int(n) for n in sizes)

    @property
    def motifs(self) -> Motifs:
        """The four tensors of correlation coefficients."""
        return Motifs(self.tau_con, self.tau_div, self.tau_chn, self.tau_rec)

    def rescaled(self, N: int) -> Parameters:
        """The network of N neurons with the same mean-field limit: N Jbar, g, N tau (con, div, chn), tau_rec and N tau_inp^2 are kept.

        Fractions become the realised ones, N_p / N.
        """
        if N < self.P:
            raise ParameterError(f"{N} neurons cannot fill {self.P} populations")
        s = float(self.N) / N
        sizes = np.asarray(eqx.tree_at(lambda p: p.N, self, jnp.asarray(float(N))).sizes)
        if np.any(sizes == 0):
            raise ParameterError(
                f"N = {N} leaves population {self.populations[int(np.argmin(sizes))]} empty: use more neurons"
            )
        motifs = Motifs(self.tau_con * s, self.tau_div * s, self.tau_chn * s, self.tau_rec)
        others = {name: getattr(self, name) for name in (*FAMILIES, *INPUTS, "noise")}
        return Parameters.of(
            populations=self.populations,
            N=N,
            fractions=sizes / N,
            mean=self.mean * s,
            g=self.g,
            motifs=motifs,
            tau_inp=self.tau_inp * np.sqrt(s),
            **others,
        )

    def without_motifs(self) -> Parameters:
        """The same means and variances with all synapses independent."""
        zero = {
            name: jnp.zeros_like(getattr(self, name))
            for name in ("tau_con", "tau_div", "tau_chn", "tau_rec", "tau_inp")
        }
        return self.replace(**zero)

    def replace(self, **values: Any) -> Parameters:
        """A copy with some fields replaced (arrays of the same shape; not validated, so that it works under jit and grad).

        `transfer`, `membrane` and `synapse` replace the parameters they name and leave the others.
        """
        families = {kind: values.pop(kind) for kind in FAMILIES if kind in values}
        if families:
            changed = self.replace(**values) if values else self
            new = {
                kind: {
                    name: _per_population(v, self.P, name)
                    for name, v in _by_name(kind, given).items()
                }
                for kind, given in families.items()
            }
            merged: dict[str, Any] = {
                kind: {**getattr(self, kind), **own} for kind, own in new.items()
            }
            return dataclasses.replace(changed, **merged)
        unknown = set(values) - {*ARRAYS, *INPUTS}
        if unknown:
            raise ParameterError(f"unknown parameters {sorted(unknown)}")
        for name in set(values) & set(INPUTS):
            values[name] = as_input(values[name], self.populations)
        for name in set(values) - set(INPUTS):
            values[name] = jnp.asarray(values[name], dtype=float)
            if values[name].shape != getattr(self, name).shape:
                raise ParameterError(
                    f"{name} has shape {values[name].shape}, it needs {getattr(self, name).shape}"
                )
        return eqx.tree_at(
            lambda p: [getattr(p, name) for name in values],
            self,
            list(values.values()),
            is_leaf=lambda v: isinstance(v, Input),
        )

    def dataset(self) -> xr.Dataset:
        """The statistics by population name."""
        names = list(self.populations)
        dims = {
            "fractions": ("population",),
            "mean": ("target", "source"),
            "g": ("target", "source"),
            "tau_con": ("target", "source", "source2"),
            "tau_div": ("source", "target", "target2"),
            "tau_chn": ("target", "middle", "source"),
            "tau_rec": ("target", "source"),
            "tau_inp": ("target", "source"),
            "noise": ("population",),
        }
        values = {name: getattr(self, name) for name in dims}
        own = {f"{kind}_{name}": v for kind in FAMILIES for name, v in getattr(self, kind).items()}
        dims |= dict.fromkeys(own, ("population",))
        values |= own
        used = {d for ds in dims.values() for d in ds}
        return xr.Dataset(
            {k: (d, np.asarray(values[k])) for k, d in dims.items()},
            coords=dict.fromkeys(used, names),
            attrs={"N": float(self.N)},
        )


def _by_name(kind: str, given: Any) -> Mapping[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        what = "transfer functions" if kind == "transfer" else f"{kind} filters"
        raise ParameterError(
            f"{kind} maps names of parameters of the {what} to values, such as {{'gain': 2.0}}: {given!r}"
        )
    return given or {}


def _per_population(value: Any, P: int, name: str) -> Array:
    try:
        return jnp.broadcast_to(jnp.asarray(value, dtype=float), (P,))
    except (TypeError, ValueError):
        raise ParameterError(f"{name} must be a number or {P} numbers, not {value!r}") from None


def _names(populations: Sequence[str] | None, fractions: Any, mean: Any) -> tuple[str, ...]:
    if populations is None:
        if isinstance(fractions, Mapping):
            populations = list(fractions)
        else:
            populations = [
                str(k + 1)
                for k in range(
                    max(
                        np.size(fractions),
                        1 if isinstance(mean, Mapping) else len(np.atleast_1d(mean)),
                    )
                )
            ]
    names = tuple(str(p) for p in populations)
    if not names or len(set(names)) != len(names):
        raise ParameterError(f"population names must be given once each: {list(names)}")
    return names


def _matrix(value: Any, names: Sequence[str], what: str) -> np.ndarray:
    """A finite (P, P) array, row = target, from an array, a scalar, or a mapping {target: {source: value}}."""
    if isinstance(value, Mapping):
        if set(value) != set(names):
            raise ParameterError(
                f"{what} has rows for {sorted(value)}, the populations are {list(names)}"
            )
        value = np.stack([by_population(value[p], names, f"{what}[{p}]") for p in names])
    return _tensor(value, (len(names), len(names)), what, names)


def _tensor(value: Any, shape: tuple[int, ...], what: str, names: Sequence[str]) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{what} is not an array of numbers: {value!r}") from error
    if array.shape not in ((), shape):
        raise ParameterError(
            f"{what} has shape {array.shape}; for populations {list(names)} it needs {shape} or a scalar"
        )
    if not np.all(np.isfinite(array)):
        where = tuple(int(k) for k in np.argwhere(~np.isfinite(np.broadcast_to(array, shape)))[0])
        raise ParameterError(f"{what}[{','.join(names[k] for k in where)}] is not finite")
    return np.broadcast_to(array, shape).copy()
