"""What a network is made of, without numbers: cell types, transfer functions, synaptic motifs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from ..errors import ArchitectureError
from . import transfer as transfers
from .transfer import TransferFunction

MOTIFS = ("convergent", "divergent", "chain", "reciprocal")


@dataclass(frozen=True, init=False)
class Architecture:
    """A class of networks: dx_i/dt = -x_i + sum_j J_ij phi_q(x_j) + I_p(t).

    populations: names, or None for a symbolic number P of populations (the equations are the same; the generated code then
    runs for any P)
    transfer: one transfer function for all populations, or one per population (a list, or a mapping by name): a
    `TransferFunction`, a SymPy expression of x, a text (parsed as data), or a mapping with its parameters
    motifs: which pairs of synapses are correlated, of "convergent", "divergent", "chain", "reciprocal"; all by default

    Raises `ArchitectureError` for unknown or missing names, and for chains without both convergence and divergence, which no
    network has; `ExpressionError` for a transfer function that is not one.
    """

    populations: tuple[str, ...] | None
    transfer: tuple[TransferFunction, ...]
    motifs: frozenset[str]

    def __init__(self, populations: Sequence[str] | None = None, transfer: Any = "rectified_linear",
                 motifs: Sequence[str] = MOTIFS):  # fmt: skip
        names = None if populations is None else tuple(str(name) for name in populations)
        if isinstance(populations, str) or (names is not None and (not names or len(set(names)) != len(names))):
            raise ArchitectureError(f"populations must be a list of different names, or None for a symbolic P: {populations!r}")
        unknown = set(motifs) - set(MOTIFS)
        if isinstance(motifs, str) or unknown:
            raise ArchitectureError(f"unknown motifs {sorted(unknown) if unknown else motifs!r}: known are {list(MOTIFS)}")
        if "chain" in motifs and not {"convergent", "divergent"} <= set(motifs):
            raise ArchitectureError("chains need convergent and divergent motifs: |tau_chn| <= sqrt(tau_con tau_div)")
        object.__setattr__(self, "populations", names)
        object.__setattr__(self, "transfer", _transfers(transfer, names))
        object.__setattr__(self, "motifs", frozenset(motifs))

    @property
    def transfer_parameters(self) -> dict[str, tuple[sp.Expr, ...]]:
        """Parameters of the transfer functions by name, with the default for each population: one for all where there is one function.

        A population whose function lacks a parameter has 0 there.
        """
        names = dict.fromkeys(name for f in self.transfer for name in f.parameters)
        return {
            name: tuple({str(s): v for s, v in f.defaults.items()}.get(name, sp.Integer(0)) for f in self.transfer) for name in names
        }

    @property
    def distinct_transfers(self) -> tuple[TransferFunction, ...]:
        """The different transfer functions, in order of first use; default values of parameters make no difference."""
        return tuple(dict.fromkeys(self.transfer))

    def transfer_index(self, P: int) -> tuple[int, ...]:
        """For each of P populations the position of its transfer function among the distinct ones."""
        if self.populations is None or len(self.transfer) == 1:
            return (0,) * P
        distinct = self.distinct_transfers
        return tuple(distinct.index(f) for f in self.transfer)


def _transfers(given: Any, names: tuple[str, ...] | None) -> tuple[TransferFunction, ...]:
    if isinstance(given, Mapping) and not {"function", "expression"} & set(given):
        if names is None or set(given) != set(names):
            raise ArchitectureError(f"transfer functions are given for {sorted(given)}, the populations are {names}")
        found = [transfers.of(given[name], f"phi_{name}") for name in names]
    elif isinstance(given, Sequence) and not isinstance(given, str):
        if len(given) != 1 and (names is None or len(given) != len(names)):
            raise ArchitectureError(f"{len(given)} transfer functions are given for the populations {names}")
        found = [
            transfers.of(f, f"phi_{n}" if len(given) > 1 else "phi") for f, n in zip(given, names or ("",), strict=len(given) > 1)
        ]
    else:
        found = [transfers.of(given)]
    forms = {_form(f): f.name for f in reversed(found)}
    named = [replace(f, name=forms[_form(f)]) for f in found]
    same = len({(_form(f), *f.defaults.items()) for f in named}) == 1
    return (named[0],) if same else tuple(named)


def _form(f: TransferFunction) -> tuple:
    """What makes two functions the same, their names and default values aside."""
    return (f.expression, f.function, f.breaks)
