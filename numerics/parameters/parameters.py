"""The numbers of a network: sizes, first- and second-order synaptic statistics, inputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ParameterError
from ...late import xr
from ...listed import html_table
from ...numbers import brief
from ..precision import require_x64
from .arrays import (
    by_population,
    checked_arrays,
    coefficients_of,
    matrix,
    named_values,
    population_names,
    shown,
    traced_per_population,
)
from .feasibility import check_feasible, synaptic_units
from .files import parameter_data, read_parameters, write_parameters
from .inputs import Input, as_input, named_inputs
from .motifs import Motifs
from .reals import real
from .shapes import PerPair, PerPopulation, PerTriple
from .strengths import Strengths, check_strengths, strengths_of, unchecked_strengths
from .tables import ARRAYS, DIMS, FAMILIES, INPUTS, MOTIFS, NAMED_INPUTS


class Parameters(eqx.Module):
    """A network's numbers, as a JAX pytree. Make one with `of`, `from_covariances` or `load`.

    The network is tau dx_i/dt = -x_i + sum_j J_ij phi_q(x_j) + I_i(t), or with other filters than
    that, i in population p and j in q. J_ij is the synapse from j onto i.

    Args:
        populations: names of the P populations.
        N: total number of neurons.
        fractions: (P,), N_p / N.
        mean: (P, P), mean of a synapse from population q onto population p (row = target), in
            units of input current per rate.
        g: (P, P), standard deviation of a synapse times sqrt(N), in the same units.
        tau_con: (P, P, P), correlation of J_ij and J_ik, indexed as in `Motifs`.
        tau_div: (P, P, P), correlation of J_ij and J_kj.
        tau_chn: (P, P, P), correlation of J_ij and J_jk.
        tau_rec: (P, P), correlation of J_ij and J_ji.
        input: I_p(t), the external input current.
        transfer: parameters of the transfer functions by name, each (P,); those left out have the
            default of the architecture.
        membrane: parameters of the membranes' filters, likewise; times in the unit of time.
        synapse: parameters of the synapses' filters, likewise.
        in_strength: h_q(t), the part of the inputs along the deviations u_i^q of the in-strengths
            from population q.
        spread: sigma_p(t), standard deviation across neurons of the part sigma_p xi_i of the
            inputs, xi_i standard normal; in units of input current.
        tau_inp: (P, P), correlation of xi_j with the synapses J_ij that j in q makes onto p.
        noise: (P,), D_p, half the intensity of the white noise in the input of each neuron.
        strengths: how in- and out-strengths are distributed, and assortativity; None where
            strengths are Gaussian and synapses know nothing of their neurons.
        pattern_input: h_m(t) by the name of the pattern m, the parts of the inputs along the
            patterns of neurons; each of shape (P,).
        time_unit: the unit of all times, such as "ms", which results and pictures name; it changes
            no number.
    """

    populations: tuple[str, ...] = eqx.field(static=True)
    N: Float[Array, ""]
    fractions: PerPopulation
    mean: PerPair
    g: PerPair
    tau_con: PerTriple
    tau_div: PerTriple
    tau_chn: PerTriple
    tau_rec: PerPair
    input: Input
    transfer: dict[str, PerPopulation]
    membrane: dict[str, PerPopulation]
    synapse: dict[str, PerPopulation]
    in_strength: Input
    spread: Input
    tau_inp: PerPair
    noise: PerPopulation
    strengths: Strengths | None = None
    pattern_input: dict[str, Input] = eqx.field(default_factory=dict)
    time_unit: str = eqx.field(static=True, default="")

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
        strengths: Any = None,
        pattern_input: Mapping[str, Any] | None = None,
        time_unit: str = "",
        check: bool = True,
    ) -> Parameters:
        """Validated parameters from numbers, arrays or mappings by population name.

        Args:
            populations: names; by default those in `fractions`, or "1", "2", ...
            N, fractions, noise: as in `Parameters`; (P,) or a mapping by population.
            mean, g, tau_inp: (P, P), a number, or a mapping `{target: {source: value}}`.
            motifs: correlation coefficients of pairs of synapses; none by default.
            input, in_strength, spread: what `motifield.inputs` has, or a number, one number per
                population, a function of time, or a mapping; none by default.
            transfer, membrane, synapse: values by name of parameter, numbers or by population.
            strengths: `Strengths`, or a mapping with `gamma`, `features`, `weights`, `means` and
                `covariances`, as `strengths_of` takes it; none by default.
            pattern_input: by the name of a pattern, what `input` may be; none by default.
            time_unit: name of the unit of all times; not said by default.
            check: whether the motif statistics must be those of some network; False is for
                statistics measured on a given one.

        Raises:
            ParameterError: wrong shapes, signs or values.
            InfeasibleStatisticsError: statistics that no network has.
        """
        require_x64()
        names = population_names(populations, fractions, mean)
        numbers = {"N": N, "fractions": fractions, "mean": mean, "g": g, "noise": noise}
        arrays = checked_arrays(names, motifs=motifs or Motifs(), tau_inp=tau_inp, **numbers)
        statistics: dict[str, Any] = {name: _array(v) for name, v in arrays.items()}
        made = cls(
            names,
            **statistics,
            **_families(names, transfer=transfer, membrane=membrane, synapse=synapse),
            input=as_input(input, names),
            in_strength=as_input(in_strength, names, "in_strength"),
            spread=as_input(spread, names, "spread"),
            pattern_input=named_inputs(pattern_input, names, "pattern_input"),
            time_unit=_unit(time_unit),
        )
        return _checked(made, strengths, check)

    @classmethod
    def from_covariances(
        cls,
        *,
        populations: Sequence[str] | None = None,
        N: float,
        fractions: Any,
        mean: Any,
        variance: Any,
        convergent: Any = 0.0,
        divergent: Any = 0.0,
        chain: Any = 0.0,
        reciprocal: Any = 0.0,
        **others: Any,
    ) -> Parameters:
        """Parameters from raw covariances of pairs of synapses.

        tau = covariance / sqrt(variance * variance'), and 0 where a variance is 0.

        Args:
            populations, N, fractions, mean: as `of` takes them.
            variance: (P, P), variance of a synapse, g^2 / N.
            convergent, divergent, chain, reciprocal: covariances, indexed as in `Motifs`.
            others: as `of` takes them.

        Raises:
            ParameterError: as `of`, and for a negative variance, or a covariance where it is 0.
        """
        names = population_names(populations, fractions, mean)
        v, N = matrix(variance, names, "variance"), real(N, "N")
        if N < 1:
            raise ParameterError(f"N = {N:g} must be a number of neurons, at least 1")
        if np.any(v < 0):
            raise ParameterError(f"a variance is negative: {v.tolist()}")
        motifs = coefficients_of(Motifs(convergent, divergent, chain, reciprocal), v, names)
        g = np.sqrt(N) * np.sqrt(v)
        own = {"populations": names, "N": N, "fractions": fractions, "mean": mean}
        return cls.of(**own, g=g, motifs=motifs, **others)

    @classmethod
    def load(cls, path: str | Path) -> Parameters:
        """Read a .toml or .json file: a whole spec, or the table of parameters alone.

        Raises:
            SpecError: the file is not there, or is not of that kind.
            ParameterError: as `of`.
        """
        return cls.of(**read_parameters(path))

    def save(self, path: str | Path) -> None:
        """Write to a .toml or .json file, whole or not at all.

        Raises:
            SpecError: another suffix, or an input that is code.
        """
        write_parameters(self.data(), path)

    def data(self) -> dict[str, Any]:
        """Plain data, as the table [parameters] of a spec holds them.

        Raises:
            SpecError: an input that is code.
        """
        return parameter_data(self)

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
        return Motifs(*(getattr(self, name) for name in MOTIFS))

    def rescaled(self, N: int) -> Parameters:
        """The network of N neurons with the same mean-field limit.

        N Jbar, g, N tau (convergent, divergent, chain), tau_rec and N tau_inp^2 are kept.
        Fractions become the realised ones, N_p / N. Source: `docs/theory.md`, section 2.2.

        Raises:
            ParameterError: fewer neurons than populations.
            InfeasibleStatisticsError: motifs that a network of this size cannot have.
        """
        if not self.P <= real(N, "N"):
            raise ParameterError(f"{N} neurons cannot fill {self.P} populations")
        s = float(self.N) / N
        sizes = np.asarray(eqx.tree_at(lambda p: p.N, self, jnp.asarray(float(N))).sizes)
        if np.any(sizes == 0):
            raise ParameterError(
                f"N = {N} leaves population {self.populations[int(np.argmin(sizes))]} empty: use "
                "more neurons"
            )
        con, div, chn, rec = self.motifs
        kept = (*FAMILIES, *INPUTS, *NAMED_INPUTS, "g", "noise", "time_unit")
        others = {name: getattr(self, name) for name in kept}
        return Parameters.of(
            populations=self.populations,
            N=N,
            fractions=sizes / N,
            mean=self.mean * s,
            motifs=Motifs(con * s, div * s, chn * s, rec),
            tau_inp=self.tau_inp * np.sqrt(s),
            strengths=None if self.strengths is None else self.strengths.rescaled(s),
            **others,
        )

    def with_strengths(self, strengths: Any) -> Parameters:
        """A copy with another distribution of strengths, and other assortativity.

        Args:
            strengths: as `of` takes them; None for Gaussian strengths without assortativity.

        Raises:
            ParameterError: wrong shapes, signs or names.
            InfeasibleStatisticsError: components whose moments are not those of the motifs.
        """
        own = strengths_of(
            strengths,
            self.populations,
            N=float(self.N),
            fractions=self.fractions,
            covariances=synaptic_units(self),
        )
        return dataclasses.replace(self, strengths=own)

    def without_motifs(self) -> Parameters:
        """The same means and variances with all synapses independent."""
        zero = {name: jnp.zeros_like(getattr(self, name)) for name in (*MOTIFS, "tau_inp")}
        own = None if self.strengths is None else self.strengths.without()
        return dataclasses.replace(self.replace(**zero), strengths=own)

    def replace(self, **values: Any) -> Parameters:
        """A copy with some fields replaced; not validated, so that it works under jit and grad.

        Args:
            values: new values by field: arrays of the same shape, inputs as `of` takes them, of
                `pattern_input` those of the patterns that change, and for `transfer`, `membrane`
                and `synapse` those parameters that change, each a number or numbers by population;
                `time_unit`; `strengths`, of which a mapping is validated, as `with_strengths` does.

        Raises:
            ParameterError: an unknown field, or another shape.
            InfeasibleStatisticsError: `strengths` whose moments are not those of the motifs.
        """
        if "strengths" in values:
            own = values.pop("strengths")
            changed = self.replace(**values)
            if own is None or isinstance(own, Strengths):
                return dataclasses.replace(changed, strengths=own)
            return changed.with_strengths(own)
        if "time_unit" in values:
            unit = _unit(values.pop("time_unit"))
            return dataclasses.replace(self.replace(**values), time_unit=unit)
        if "pattern_input" in values:
            own = named_inputs(values.pop("pattern_input"), self.populations, "pattern_input")
            changed = dataclasses.replace(self, pattern_input=self.pattern_input | own)
            return changed.replace(**values)
        families = {kind: values.pop(kind) for kind in FAMILIES if kind in values}
        changed = self._with_arrays(values) if values else self
        if not families:
            return changed
        merged: dict[str, Any] = {
            kind: {
                **getattr(self, kind),
                **{
                    name: traced_per_population(v, self.populations, name)
                    for name, v in named_values(kind, given).items()
                },
            }
            for kind, given in families.items()
        }
        return dataclasses.replace(changed, **merged)

    def _with_arrays(self, values: dict[str, Any]) -> Parameters:
        unknown = set(values) - {*ARRAYS, *INPUTS}
        if unknown:
            known = (*ARRAYS, *INPUTS, *NAMED_INPUTS, *FAMILIES, "strengths", "time_unit")
            raise ParameterError(
                f"unknown parameters {sorted(unknown)}: a copy may have other {', '.join(known)}; "
                "for other populations make new ones, Parameters.of(...)"
            )
        for name in values:
            if name in INPUTS:
                values[name] = as_input(values[name], self.populations, name)
                continue
            try:
                values[name] = jnp.asarray(values[name], dtype=float)
            except (TypeError, ValueError, OverflowError):
                raise ParameterError(
                    f"{name} = {brief(values[name])} is not an array of numbers"
                ) from None
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
        """The statistics over named dimensions, with names of populations as coordinates."""
        dims = {name: axes for name, axes in DIMS.items() if axes}
        values = {name: getattr(self, name) for name in dims}
        own = {f"{kind}_{name}": v for kind in FAMILIES for name, v in getattr(self, kind).items()}
        dims |= dict.fromkeys(own, ("population",))
        values |= own
        used = {d for ds in dims.values() for d in ds}
        return xr.Dataset(
            {k: (d, np.asarray(values[k])) for k, d in dims.items()},
            coords={name: list(self.populations) for name in used},
            attrs={"N": float(self.N)},
        )

    def rows(self) -> list[dict[str, str]]:
        """What a repr shows, as mappings of `name` and `value`; what is 0 is left out."""
        values = {name: shown(getattr(self, name)) for name in ARRAYS}
        values |= {name: shown(getattr(self, name)) for name in INPUTS}
        values |= {
            f"{kind}.{name}": shown(v)
            for kind in FAMILIES
            for name, v in getattr(self, kind).items()
        }
        values |= {f"pattern_input.{name}": shown(v) for name, v in self.pattern_input.items()}
        always, absent = ("N", "fractions", "mean", "g", "input"), ("0", "Constant(value=0)")
        return [
            {"name": k, "value": v} for k, v in values.items() if k in always or v not in absent
        ]

    def __repr__(self) -> str:
        lines = [f"  {row['name']}: {row['value']}" for row in self.rows()]
        return "\n".join([f"Parameters of populations {', '.join(self.populations)}", *lines[:18]])

    def _repr_html_(self) -> str:
        names = escape(", ".join(self.populations))
        table = html_table((row["name"], row["value"]) for row in self.rows())
        return f"<p><b>Parameters</b> of populations {names}</p>{table}"


def all_inputs(parameters: Parameters) -> dict[str, Input]:
    """Every external input by its name: `input`, `in_strength`, ..., `pattern_input.m`."""
    found = {name: getattr(parameters, name) for name in INPUTS}
    for kind in NAMED_INPUTS:
        found |= {f"{kind}.{name}": v for name, v in getattr(parameters, kind).items()}
    return found


def with_all_inputs(parameters: Parameters, change: Callable[[Input, str], Input]) -> Parameters:
    """The parameters with every external input replaced by what is made of it and its name."""
    plain: dict[str, Any] = {}
    for name, own in all_inputs(parameters).items():
        kind, _, pattern = name.partition(".")
        if pattern:
            plain.setdefault(kind, {})[pattern] = change(own, name)
        else:
            plain[name] = change(own, name)
    return parameters.replace(**plain)


def _checked(made: Parameters, strengths: Any, check: bool) -> Parameters:
    """The parameters with these strengths, as `Parameters.of` takes them."""
    if strengths is None:
        if check:
            check_feasible(made)
        return made
    covariances = synaptic_units(made)
    own = unchecked_strengths(
        strengths, made.populations, N=made.N, fractions=made.fractions, covariances=covariances
    )
    made = dataclasses.replace(made, strengths=own)
    # it says more than what the components lack, and comes first; the statistics of a given
    # network need not be those of an ensemble
    if check and not own.quenched:
        check_feasible(made)
    check_strengths(own, made.populations, covariances)
    return made


def _unit(name: Any) -> str:
    """The name of a unit of time, one word that can be printed."""
    if not isinstance(name, str) or not name.isprintable() or name != "".join(name.split()):
        raise ParameterError(
            f"time_unit = {brief(name)} is not the name of a unit, such as 'ms' or 's'"
        )
    return name


def _families(names: Sequence[str], **given: Any) -> dict[str, Any]:
    """Parameters of functions and filters by kind and name, each of shape (P,)."""
    return {
        kind: {
            str(name): jnp.asarray(by_population(v, names, f"{kind} {name}"))
            for name, v in named_values(kind, own).items()
        }
        for kind, own in given.items()
    }


def _array(value: Any) -> Any:
    return value if isinstance(value, jax.core.Tracer) else jnp.asarray(np.asarray(value, float))
