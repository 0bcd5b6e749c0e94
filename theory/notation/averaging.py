"""Sums and averages over neurons, rates and filters, as they stand in a derivation."""

from __future__ import annotations

import sympy as sp

from .symbols import count


class Rate(sp.Function):
    """phi_q(x): `Rate(q, x)`; its n-th derivative is `Rate(q, x, n)`."""

    @classmethod
    def eval(cls, *args):
        return cls(*args[:2]) if len(args) == 3 and args[2] == 0 else None

    @property
    def order(self) -> int:
        return int(self.args[2]) if len(self.args) == 3 else 0

    def fdiff(self, argindex=2):
        if argindex != 2:
            raise sp.function.ArgumentIndexError(self, argindex)
        return Rate(*self.args[:2], self.order + 1)


class OverNeurons(sp.Function):
    """Sum over the neurons j of population q: `OverNeurons(body, j, q)`."""

    nargs = 3


class Mean(sp.Function):
    """Average over the neurons j of population q, and over the synapses drawn onto them.

    `Mean(body, j, q)`.
    """

    nargs = 3


class Variance(sp.Function):
    """Variance over the neurons i of population p: `Variance(body, i, p)`."""

    nargs = 3


class PairCovariance(sp.Function):
    """Covariance of two synapses that share neurons, i in p, j in q, k in r.

    `PairCovariance(motif, p, q, r)`; the motif "variance" is J_ij with itself.
    """

    nargs = 4


class Filtered(sp.Function):
    """What the membrane of population p makes of an input, M_p[body]: `Filtered(body, p)`."""

    nargs = 2


class Synaptic(sp.Function):
    """What the synapses of population q make of what its neurons send, S_q[body].

    `Synaptic(body, q)`.
    """

    nargs = 2


def over_populations(body: sp.Expr, *indices: sp.Symbol) -> sp.Expr:
    """A sum over populations, components or features, kept as it is written."""
    return sp.Sum(body, *((index, 1, count(index)) for index in indices)) if indices else body
