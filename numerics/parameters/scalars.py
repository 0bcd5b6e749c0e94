"""Every scalar parameter by name, to follow, to vary, to differentiate with respect to.

tau_chn[E,E,I]          one entry; where a definition demands symmetry, its partner follows
mean[*,I], input        every entry that matches gets the same value
transfer.gain[E]        a parameter of the transfer functions, of `membrane` or `synapse` filters
input.image[E]          the weight of a signal in an input made of several (`inputs.Signals`)
pattern_input.m[E]      the input along the pattern m
gamma[E,I,in,out]       assortativity, of two populations and of features of target and source
weight[E,2]             the weight of a component of the strengths, numbered from 1
factor(tau_chn)         a common factor of all chains, 1 as given; also factor(motifs) and
                        factor(mean[E,*], input)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...errors import ParameterError
from .inputs import Constant, Signals
from .parameters import Parameters
from .strength_motifs import with_weights
from .tables import FAMILIES, INPUTS, MOTIFS, NAMED_INPUTS, PARTNER, RANKS

STRENGTHS = ("gamma", "weight")
FIXED_BY_COMPONENTS = ("N", "g", "tau_con", "tau_div", "tau_chn")
"""What components of strengths, which are in units of input current, make the covariances of."""
EQUAL = 1e-12  # entries that differ by less than this part of the largest have one value

ENTRY = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(?:\[([^\]]*)\])?\s*")


@dataclass(frozen=True)
class Part:
    """Some entries of one array.

    Args:
        name: of the array; `family.name` for parameters of functions and filters.
        where: of the array's shape, True for the entries.
    """

    name: str
    where: np.ndarray

    def read(self, parameters: Parameters) -> Any:
        """The whole array."""
        family, _, own = self.name.partition(".")
        if self.name in STRENGTHS:
            return getattr(parameters.strengths, self.name)
        if own and family in INPUTS:
            return getattr(parameters, family).weights[own]
        if family in NAMED_INPUTS:
            return getattr(parameters, family)[own].value
        if own:
            return getattr(parameters, family)[own]
        value = getattr(parameters, self.name)
        return value.value if self.name in INPUTS else value

    def write(self, parameters: Parameters, array: Any) -> Parameters:
        """The parameters with another array there; pure, for jit, vmap and grad."""
        family, _, own = self.name.partition(".")
        if self.name in STRENGTHS:
            return eqx.tree_at(lambda p: getattr(p.strengths, self.name), parameters, array)
        if own and family in INPUTS:
            return eqx.tree_at(lambda p: getattr(p, family).weights[own], parameters, array)
        if family in NAMED_INPUTS:
            return eqx.tree_at(lambda p: getattr(p, family)[own].value, parameters, array)
        if own:
            return eqx.tree_at(lambda p: getattr(p, family)[own], parameters, array)
        if self.name in INPUTS:
            return eqx.tree_at(lambda p: getattr(p, self.name).value, parameters, array)
        return eqx.tree_at(lambda p: getattr(p, self.name), parameters, array)


@dataclass(frozen=True)
class Scalar:
    """A scalar parameter that can be read and set; make one with `scalar`.

    Args:
        name: as it was given.
        parts: the entries that it stands for.
        is_factor: whether it multiplies them.
    """

    name: str
    parts: tuple[Part, ...]
    is_factor: bool

    def get(self, parameters: Parameters) -> float:
        """Its value; 1 for a factor.

        Raises:
            ParameterError: the entries that it stands for differ.
        """
        if self.is_factor:
            return 1.0
        values = np.concatenate(
            [
                np.broadcast_to(np.asarray(part.read(parameters)), part.where.shape)[part.where]
                for part in self.parts
            ]
        )
        if np.ptp(values) > EQUAL * np.abs(values).max():
            raise ParameterError(
                f"{self.name} stands for {len(values)} entries with different values "
                f"({values.min():.4g} to {values.max():.4g}): name one, or vary factor({self.name})"
            )
        return float(values[0])

    def set(self, parameters: Parameters, value: Any) -> Parameters:
        """The parameters with this value; pure, for jit, vmap and grad.

        Not validated, like `Parameters.replace`. Of fractions, and of weights of components, the
        others keep their proportions; components are then centred again, and the coefficients of
        motifs follow (`with_weights`).
        """
        for part in self.parts:
            array = part.read(parameters)
            changed = (
                array * value
                if self.is_factor
                else jnp.broadcast_to(jnp.asarray(value, dtype=array.dtype), array.shape)
            )
            array = jnp.where(part.where, changed, array)
            if part.name in ("fractions", "weight"):  # the others keep their proportions
                rest = jnp.where(part.where, 0.0, array)
                free = 1 - jnp.sum(jnp.where(part.where, array, 0.0), axis=0)
                left = jnp.sum(rest, axis=0)
                share = free / jnp.where(left > 0, left, 1.0)
                array = jnp.where(part.where, array, rest * jnp.broadcast_to(share, rest.shape))
            if part.name == "weight":
                parameters = with_weights(parameters, array)
            else:
                parameters = part.write(parameters, array)
        return parameters


def scalar(name: str | Scalar, parameters: Parameters) -> Scalar:
    """The scalar parameter with a given name, to read and to set.

    Names are `tau_chn[E,E,I]` for an entry (its partner by symmetry follows), `mean[*,I]` or
    `input` for all entries that match, `transfer.gain[E]` for parameters of functions and filters,
    `input.image[E]` for the weight of a signal, and `factor(tau_chn)` or `factor(motifs)` for a
    common factor, 1 as given.

    Args:
        name: the name; a `Scalar` is returned as it is.
        parameters: the network's numbers. Parameters of functions and filters must be part of
            them: `system.complete(parameters)` writes out the defaults.

    Returns:
        The scalar, with `get(parameters)` and `set(parameters, value)`.

    Raises:
        ParameterError: a name that is not there, or that means several numbers.

    Example:
        ``chain = mf.scalar("tau_chn[E,E,I]", parameters)`` and then
        ``chain.set(parameters, 1.1 * chain.get(parameters))``.
    """
    if isinstance(name, Scalar):
        return name
    text = name.strip()
    factor = re.fullmatch(r"factor\((.*)\)", text, re.DOTALL)
    inside = text if factor is None else factor.group(1)
    parts: list[Part] = []
    for entry in re.split(r",(?![^\[]*\])", inside):
        parts += _parts(entry, name, parameters)
    if factor is None and len(parts) > 1:
        raise ParameterError(f"{name!r} names several parameters: vary factor({inside}) instead")
    if factor is None and parts[0].name == "fractions" and parts[0].where.all():
        raise ParameterError(
            f"{name!r}: fractions sum to 1; name one population, as "
            f"fractions[{parameters.populations[0]}]"
        )
    return Scalar(text, tuple(parts), factor is not None)


def names(parameters: Parameters) -> list[str]:
    """Names of all scalar parameters, entry by entry; of equal partners one."""
    found = ["N"]
    fixed = ("N",) if parameters.P > 1 else ("N", "fractions")  # of one population it is 1
    arrays = [
        *(n for n in RANKS if n not in (*fixed, *_fixed_by_strengths(parameters))),
        *(f"{family}.{own}" for family in FAMILIES for own in getattr(parameters, family)),
        *(f"{family}.{own}" for family in NAMED_INPUTS for own in constants(parameters, family)),
    ]
    arrays += [
        f"{name}.{own}"
        for name in INPUTS
        if isinstance(given := getattr(parameters, name), Signals)
        for own in given.weights
    ]
    arrays += [] if parameters.strengths is None else STRENGTHS
    for array in arrays:
        if array in INPUTS and not isinstance(getattr(parameters, array), Constant):
            continue
        every = np.ones([len(axis) for axis in _axes(array, parameters)][:: _order(array)], bool)
        found += entry_names(Part(array, every), parameters)
    return found


def _fixed_by_strengths(parameters: Parameters) -> tuple[str, ...]:
    """Arrays that cannot change alone; fractions define total strengths."""
    own = parameters.strengths
    if own is None:
        return ()
    return (*FIXED_BY_COMPONENTS, *(["fractions"] if {"in", "out"} & set(own.features) else []))


def constants(parameters: Parameters, kind: str) -> list[str]:
    """Names of the patterns along which an input is constant."""
    return [name for name, v in getattr(parameters, kind).items() if isinstance(v, Constant)]


def _axes(name: str, parameters: Parameters) -> list[Sequence[str]]:
    """What indexes an array, by names, in the order in which a name has them."""
    populations: Sequence[str] = parameters.populations
    own = parameters.strengths
    if name == "weight" and own is not None:
        return [populations, [str(k + 1) for k in range(own.components)]]
    if name == "gamma" and own is not None:
        return [populations, populations, own.features, own.features]
    return [populations] * RANKS.get(name, 1)


def _order(name: str) -> int:
    """-1 where an array has the axes of its name from the last to the first."""
    return -1 if name == "weight" else 1


def entry_names(part: Part, parameters: Parameters) -> list[str]:
    """The names of its entries one by one; equal partners once."""
    if part.where.ndim == 0:
        return [part.name]
    found, axes, order = [], _axes(part.name, parameters), _order(part.name)
    for index in map(tuple, np.argwhere(part.where).tolist()):
        partner = (
            tuple(index[axis] for axis in PARTNER[part.name]) if part.name in PARTNER else index
        )
        if partner >= index:
            pairs = zip(axes, index[::order], strict=True)
            found.append(f"{part.name}[{','.join(axis[k] for axis, k in pairs)}]")
    return found


def _parts(entry: str, whole: str | Scalar, parameters: Parameters) -> list[Part]:
    match = ENTRY.fullmatch(entry)
    if match is None:
        raise ParameterError(
            f"{whole!r} is not the name of a parameter, such as tau_chn[E,E,I], input[E], N or "
            "factor(tau_chn)"
        )
    name, index = match.groups()
    if name in ("motifs", *_fixed_by_strengths(parameters)) and parameters.strengths is not None:
        raise ParameterError(
            f"{whole!r}: the components of strengths have the covariances that N, g and motifs "
            f"make, and would not follow {name}: vary gamma, weight, mean, tau_rec or inputs, or "
            "make parameters with other strengths, Parameters.of(...)"
        )
    if name == "motifs":
        if index is not None:
            raise ParameterError(
                f"{whole!r}: motifs are four tensors; index one of {', '.join(MOTIFS)}"
            )
        return [Part(motif, _where(motif, None, whole, parameters)) for motif in MOTIFS]
    family, _, own = name.partition(".")
    if own and family in INPUTS:
        known = list(getattr(getattr(parameters, family), "weights", ()))
        if own not in known:
            raise ParameterError(
                f"{whole!r}: {family} has no signal {own!r}; "
                + (f"it has {', '.join(known)}" if known else "it is not made of signals")
            )
        return [Part(name, _where(name, index, whole, parameters))]
    if family in NAMED_INPUTS:
        known = constants(parameters, family)
        if own not in known:
            raise ParameterError(
                f"{whole!r}: there is no constant {family} along {own!r}; there is "
                + (f"one along {', '.join(known)}" if known else "none along any pattern")
            )
        return [Part(name, _where(name, index, whole, parameters))]
    if own and own not in (getattr(parameters, family) if family in FAMILIES else ()):
        have = [f"{kind}.{key}" for kind in FAMILIES for key in getattr(parameters, kind)]
        raise ParameterError(
            f"{whole!r}: there is no parameter {name} here; of functions and filters there are "
            f"{have or 'none written out'} (system.complete(parameters) writes out the defaults)"
        )
    if name in STRENGTHS and parameters.strengths is not None:
        return [Part(name, _where(name, index, whole, parameters))]
    if not own and name not in RANKS:
        raise ParameterError(
            f"{whole!r}: there is no parameter {name!r}; there are {', '.join(RANKS)}, "
            "transfer.NAME, membrane.NAME, synapse.NAME and, as a factor, motifs"
        )
    if name in INPUTS and not isinstance(getattr(parameters, name), Constant):
        raise ParameterError(
            f"{whole!r}: {name} varies in time here; only a constant one is a number"
        )
    return [Part(name, _where(name, index, whole, parameters))]


def _where(name: str, index: str | None, whole: str | Scalar, parameters: Parameters) -> np.ndarray:
    axes = _axes(name, parameters)
    where = np.zeros([len(axis) for axis in axes], dtype=bool)
    given = ["*"] * len(axes) if index is None else [part.strip() for part in index.split(",")]
    if len(given) != len(axes):
        raise ParameterError(
            f"{whole!r}: {name} has {len(axes)} indices, as "
            f"{name}[{','.join(axis[0] for axis in axes)}]; {len(given)} are given"
        )
    for k, axis in zip(given, axes, strict=True):
        if k != "*" and k not in axis:
            what = "population" if axis == parameters.populations else "index"
            raise ParameterError(
                f"{whole!r}: there is no {what} {k!r}; there are {', '.join(axis)}, and * for "
                "every one"
            )
    pairs = zip(given, axes, strict=True)
    where[tuple(slice(None) if k == "*" else list(axis).index(k) for k, axis in pairs)] = True
    if name in PARTNER:
        where = where | where.transpose(PARTNER[name])
    return where.T if _order(name) < 0 else where


def entries_of(name: str, parameters: Parameters) -> tuple[str, np.ndarray]:
    """The array that a name with indices or wildcards means, and True where its entries are.

    Raises:
        ParameterError: a name that is not there, or that means several arrays.
    """
    part, *others = _parts(name, name, parameters)
    if others:
        raise ParameterError(f"{name!r} names several arrays: name one of {', '.join(RANKS)}")
    return part.name, part.where


def stacked(scalars: Sequence[Scalar], parameters: Parameters, values: Any) -> Parameters:
    """Parameters with a leading axis, one set for each row of values, for `jax.vmap`.

    Args:
        scalars: from `scalar`.
        parameters: the network's numbers, which all others keep.
        values: (n, number of scalars).

    Returns:
        Parameters whose arrays have a first axis of length n.

    Example:
        Fixed points for a hundred inputs to E::

            drive = mf.scalar("input[E]", parameters)
            many = mf.stacked([drive], parameters, np.linspace(0, 1, 100)[:, None])
            mf.fixed_points_batch(system, many)
    """

    def one(row):
        made = parameters
        for k, own in enumerate(scalars):
            made = own.set(made, row[k])
        return made

    return jax.vmap(one)(jnp.asarray(values))
