"""What a network is made of, without numbers: cell types, transfer functions, synaptic motifs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from ...errors import ArchitectureError
from ...listed import Listed
from ...names import names_fault
from ...numbers import brief
from . import filters, transfer as transfers
from .filters import Filter
from .function import TransferFunction
from .strengths import GAUSSIAN, Strengths, features_of, strengths_of

# classes of motifs, and the tensor that holds the correlation coefficients of each
MOTIFS = {
    "convergent": "tau_con",
    "divergent": "tau_div",
    "chain": "tau_chn",
    "reciprocal": "tau_rec",
}
INPUTS = ("in-strength", "pattern", "spread", "out-strength", "noise")


@dataclass(frozen=True, init=False, repr=False)
class Architecture(Listed):
    """A class of random networks, without numbers: what is connected, and by which laws.

        x_i = M_p[ sum_j J_ij S_q[phi_q(x_j)] + I_i ],   i in population p, j in population q,

    with linear filters M (membranes) and S (synapses). With the defaults, M_p(s) = 1/(1 + s) and
    S_q = 1, this is dx_i/dt = -x_i + sum_j J_ij phi_q(x_j) + I_p(t). With M_p = 1 and S_q(s) =
    1/(1 + tau_q s) it is the rate form, x_i = sum_j J_ij r_j + I_p(t) and
    tau_q dr_j/dt = -r_j + phi_q(x_j).

    Args:
        populations: Their names, or None for a symbolic number P of populations: the equations are
            the same, and the generated code runs for any P.
        transfer: One transfer function for all populations, or one per population (a list, or a
            mapping by name): a `TransferFunction`, a SymPy expression of x, a text (parsed as
            data), or a mapping with its parameters.
        motifs: Which pairs of synapses are correlated, of "convergent", "divergent", "chain" and
            "reciprocal"; all by default.
        membrane: The filter M_p from a neuron's input to x_i, one for all or one per population: a
            `Filter` from `motifield.filters`, a rational function of s as text, or a mapping with
            its parameters. Populations with equal filters share their latent variables. It may be
            1 where all synapses have filters: x_i then follows their output and its external
            input at once.
        synapse: The filter S_q of the synapses that population q makes, likewise; none by default.
        inputs: What the external input I_i has besides I_p(t): "in-strength", a part h_q u_i^q
            along the deviations of the in-strengths; "pattern", a part along each of the
            `patterns`; "spread", a part s_p xi_i, xi standard normal across neurons;
            "out-strength", a correlation of xi_i with the synapses that i makes; "noise", white
            noise in time, independent for each neuron.
        strengths: How in- and out-strengths are distributed within a population: `Gaussian()`,
            `Mixture(...)` or `Empirical()`, of `motifield.strengths`.
        assortativity: Which functions f of both neurons' strengths a synapse knows, by a part
            f_i' Gamma_pq f_j: True for the two total strengths, "quadratic" for these, their
            squares and product, or a list of names.
        patterns: Names of hidden variables of neurons, which synapses know as they do strengths: a
            low-rank structure m n'/N is patterns m and n with Gamma[m, n] = 1/N.

    Raises:
        ArchitectureError: Names are unknown or missing; chains come without both convergence and
            divergence, which no network has; or a unit is not a linear filter followed by a static
            function.
        ExpressionError: A transfer function or a filter is no valid expression.

    Source: docs/theory.md, section 1 (motifs) and section 2.3 (filters).
    """

    populations: tuple[str, ...] | None
    transfer: tuple[TransferFunction, ...]
    motifs: frozenset[str]
    membrane: tuple[Filter, ...]
    synapse: tuple[Filter, ...]
    inputs: frozenset[str]
    strengths: Strengths
    assortativity: tuple[str, ...]
    patterns: tuple[str, ...]

    def __init__(
        self,
        populations: Sequence[str] | None = None,
        transfer: Any = "rectified_linear",
        motifs: Sequence[str] = tuple(MOTIFS),
        *,
        membrane: Any = filters.UNIT,
        synapse: Any = filters.INSTANTANEOUS,
        inputs: Sequence[str] = (),
        strengths: Any = GAUSSIAN,
        assortativity: Any = False,
        patterns: Sequence[str] = (),
    ):
        names = _names(populations)
        known, given = _known(motifs, tuple(MOTIFS), "motifs"), _known(inputs, INPUTS, "inputs")
        functions, hidden = features_of(assortativity, patterns)
        _check_needs(motifs, inputs, hidden)
        object.__setattr__(self, "populations", names)
        object.__setattr__(self, "transfer", _transfers(transfer, names))
        object.__setattr__(self, "motifs", known)
        object.__setattr__(self, "membrane", _filters(membrane, names, "membrane"))
        object.__setattr__(self, "synapse", _filters(synapse, names, "synapse"))
        object.__setattr__(self, "inputs", given)
        object.__setattr__(self, "strengths", strengths_of(strengths))
        object.__setattr__(self, "assortativity", functions)
        object.__setattr__(self, "patterns", hidden)
        for f in self.membrane:
            if not (f.is_identity or f.is_strictly_proper):
                raise ArchitectureError(
                    f"the membrane {f.name} = {f.expression} lets a jump of its input through: it "
                    "must be 1, or decay like 1/s"
                )
        if self.is_rate_form:
            _check_rate_form(self)
        if self.has_synapses and any(f.is_identity for f in self.synapse):
            raise ArchitectureError(
                "some populations have a synaptic filter and others have none: give these a fast "
                "one, such as "
                "exponential(tau=0.1), or put the filter into the membrane of the targets"
            )
        for f in self.synapse:
            if not (f.is_identity or f.is_strictly_proper):
                raise ArchitectureError(
                    f"the synapse {f.name} = {f.expression} lets a jump of its input through: it "
                    "must be 1, or decay like 1/s"
                )

    @property
    def has_synapses(self) -> bool:
        """Whether some synapse has a filter of its own."""
        return not all(f.is_identity for f in self.synapse)

    @property
    def is_rate_form(self) -> bool:
        """Whether some x_i = sum_j J_ij S_q[phi_q(x_j)] + I_i has no membrane of its own."""
        return any(f.is_identity for f in self.membrane)

    def without_membrane(self, P: int) -> tuple[bool, ...]:
        """Of which populations the membrane is 1."""
        of = self.filter_index("membrane", P)
        return tuple(self.distinct_filters("membrane")[k].is_identity for k in of)

    def replaced(self, **changes: Any) -> Architecture:
        """The same architecture with other arguments, as the constructor takes them."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "motifs"}
        own["transfer"] = own["transfer"] if len(own["transfer"]) > 1 else own["transfer"][0]
        for kind in ("membrane", "synapse"):
            names = self.populations or ()
            each = dict(zip(names, own[kind], strict=False))
            own[kind] = each if len(own[kind]) > 1 else own[kind][0]
        own |= {"motifs": tuple(self.motifs), "inputs": tuple(self.inputs)}
        return Architecture(**(own | changes))

    def described(self) -> tuple[str, dict[str, str]]:
        """The title, and what it has; defaults that nobody asks about are left out."""
        names = self.populations
        found = {
            "transfer": _by_population([str(f) for f in self.transfer], names),
            "motifs": ", ".join(name for name in MOTIFS if name in self.motifs) or "none",
            "membrane": _by_population([str(f.with_defaults) for f in self.membrane], names),
            "synapse": _by_population([str(f.with_defaults) for f in self.synapse], names),
            "inputs": ", ".join(name for name in INPUTS if name in self.inputs),
            "strengths": "" if self.strengths == GAUSSIAN else self.strengths.name,
            "assortativity": ", ".join(self.assortativity),
            "patterns": ", ".join(self.patterns),
        }
        whole = f"populations {', '.join(names)}" if names else "any number of populations"
        return f"Architecture of {whole}", {name: value for name, value in found.items() if value}

    @property
    def features(self) -> tuple[str, ...]:
        """Names of what synapses know of both neurons: functions of strengths, then patterns."""
        return self.assortativity + self.patterns

    @property
    def has_components(self) -> bool:
        """Whether averages are taken over components of the distribution of strengths."""
        return self.strengths.has_centres or bool(self.features)

    @property
    def is_unit(self) -> bool:
        """Whether dx_i/dt = -x_i + input holds for all neurons."""
        return not self.has_synapses and all(
            f.expression == filters.UNIT.expression for f in self.membrane
        )

    def filter_index(self, kind: str, P: int) -> tuple[int, ...]:
        """The position of each population's filter among the distinct ones.

        Args:
            kind: "membrane" or "synapse".
            P: Number of populations.
        """
        own = getattr(self, kind)
        distinct = [_filter_form(f) for f in self.distinct_filters(kind)]
        return (0,) * P if len(own) == 1 else tuple(distinct.index(_filter_form(f)) for f in own)

    def distinct_filters(self, kind: str) -> tuple[Filter, ...]:
        """The different filters of a kind, in order of first use.

        Filters are equal when their form and their default values are.
        """
        return tuple({_filter_form(f): f for f in reversed(getattr(self, kind))}.values())[::-1]

    @property
    def transfer_parameters(self) -> dict[str, tuple[sp.Expr, ...]]:
        """Parameters of the transfer functions by name, with the default for each population.

        There is one value for all where there is one function. A population whose function lacks a
        parameter has 0 there.
        """
        names = dict.fromkeys(name for f in self.transfer for name in f.parameters)
        return {
            name: tuple(
                {str(s): v for s, v in f.defaults.items()}.get(name, sp.Integer(0))
                for f in self.transfer
            )
            for name in names
        }

    @property
    def distinct_transfers(self) -> tuple[TransferFunction, ...]:
        """The different transfer functions, in order of first use.

        Default values of parameters make no difference.
        """
        return tuple(dict.fromkeys(self.transfer))

    def transfer_index(self, P: int) -> tuple[int, ...]:
        """The position of each population's transfer function among the distinct ones."""
        if self.populations is None or len(self.transfer) == 1:
            return (0,) * P
        distinct = self.distinct_transfers
        return tuple(distinct.index(f) for f in self.transfer)


def _by_population(each: Sequence[str], names: tuple[str, ...] | None) -> str:
    """One value for all, or each with its population."""
    if len(set(each)) == 1:
        return each[0]
    return "; ".join(f"{name}: {value}" for name, value in zip(names or (), each, strict=True))


def _check_rate_form(architecture: Architecture) -> None:
    """Raise `ArchitectureError` for a membrane 1 whose x is not given by states and inputs."""
    if not architecture.has_synapses:
        raise ArchitectureError(
            "the membrane 1 and the synapse 1 make a loop without a state, x = J phi(x) + I: give "
            "the synapses filters, such as 1/(1 + tau*s) for tau dr/dt = -r + phi(J r + I)"
        )
    if "noise" in architecture.inputs:
        raise ArchitectureError(
            "white noise through the membrane 1 would give x an infinite variance: give the "
            "membrane a filter, such as 1/(1 + tau*s), or leave out the input 'noise'"
        )


def _check_needs(motifs: Sequence[str], inputs: Sequence[str], patterns: Sequence[str]) -> None:
    """Refuse motifs and inputs without what they stand on."""
    if "chain" in motifs and not {"convergent", "divergent"} <= set(motifs):
        raise ArchitectureError(
            "chains need convergent and divergent motifs: |tau_chn| <= sqrt(tau_con tau_div)"
        )
    if "out-strength" in inputs and not ("divergent" in motifs and "spread" in inputs):
        raise ArchitectureError(
            "an input correlated with the out-strength needs divergent motifs, which are the "
            "variability of out-strengths, and the input 'spread'"
        )
    if "in-strength" in inputs and "convergent" not in motifs:
        raise ArchitectureError(
            "an input along the in-strengths needs convergent motifs, which are the variability "
            "of in-strengths"
        )
    if "pattern" in inputs and not patterns:
        raise ArchitectureError(
            "an input along patterns needs the patterns' names: patterns=['m'], or leave out the "
            "input 'pattern'"
        )


def _names(populations: Any) -> tuple[str, ...] | None:
    if populations is None:
        return None
    is_list = isinstance(populations, Iterable) and not isinstance(populations, (str, Mapping))
    names = tuple(map(str, populations)) if is_list else ()
    if reason := names_fault(names) if is_list else "they are no list":
        raise ArchitectureError(
            "populations must be a list of different names, or None for a symbolic P: "
            f"{brief(populations)}: {reason}"
        )
    return names


def _transfers(given: Any, names: tuple[str, ...] | None) -> tuple[TransferFunction, ...]:
    if isinstance(given, Mapping) and not {"function", "expression"} & set(given):
        if names is None or set(given) != set(names):
            raise ArchitectureError(
                f"transfer functions are given for {sorted(map(str, given))}, the populations are "
                f"{names}"
            )
        found = [transfers.of(given[name], f"phi_{name}") for name in names]
    elif isinstance(given, Sequence) and not isinstance(given, str):
        if len(given) != 1 and (names is None or len(given) != len(names)):
            raise ArchitectureError(
                f"{len(given)} transfer functions are given for the populations {names}"
            )
        found = [
            transfers.of(f, f"phi_{n}" if len(given) > 1 else "phi")
            for f, n in zip(given, names or ("",), strict=len(given) > 1)
        ]
    else:
        found = [transfers.of(given)]
    forms = {_form(f): f.name for f in reversed(found)}
    named = [replace(f, name=forms[_form(f)]) for f in found]
    same = len({(_form(f), *f.defaults.items()) for f in named}) == 1
    return (named[0],) if same else tuple(named)


def _filters(given: Any, names: tuple[str, ...] | None, kind: str) -> tuple[Filter, ...]:
    if isinstance(given, Mapping) and not {"function", "expression"} & set(given):
        if names is None or set(given) != set(names):
            raise ArchitectureError(
                f"{kind} filters are given for {sorted(map(str, given))}, the populations are "
                f"{names}"
            )
        found = [filters.of(given[name]) for name in names]
    else:
        found = [filters.of(given)]
    return (found[0],) if len({_filter_form(f) for f in found}) == 1 else tuple(found)


def _filter_form(f: Filter) -> tuple:
    return (f.expression, *sorted((str(s), v) for s, v in f.defaults.items()))


def _known(given: Any, known: tuple[str, ...], what: str) -> frozenset[str]:
    is_list = isinstance(given, Iterable) and not isinstance(given, str)
    unknown = [name for name in given if name not in known] if is_list else given
    if unknown or not is_list:
        raise ArchitectureError(f"unknown {what} {brief(unknown)}: known are {list(known)}")
    return frozenset(given)


def _form(f: TransferFunction) -> tuple:
    """What makes two functions the same, their names and default values aside."""
    return (f.expression, f.function, f.breaks)
