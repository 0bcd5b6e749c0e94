"""The symbols of the theory, once: how they are indexed, printed and described."""

from __future__ import annotations

from typing import NamedTuple

import sympy as sp


class Quantity(NamedTuple):
    """A named quantity: its symbol in SymPy, LaTeX, the populations that index it, and what it is."""

    name: str
    latex: str
    indices: str
    meaning: str

    @property
    def base(self) -> sp.IndexedBase:
        return sp.IndexedBase(self.name)


N = sp.Symbol("N", positive=True)
P = sp.Symbol("P", integer=True, positive=True)
p, q, r = sp.symbols("p q r", integer=True)
i, j, k = sp.symbols("i j k", integer=True)

_QUANTITIES = [
    Quantity("fractions", r"\alpha", "p", "fraction of neurons in population p, N_p / N"),
    Quantity("mean", r"\bar{J}", "pq", "mean of a synapse from population q onto population p"),
    Quantity("g", "g", "pq", "standard deviation of that synapse times the square root of N"),
    Quantity("tau_con", r"\tau^{\mathrm{con}}", "pqr", "correlation of J_ij and J_ik (convergent), i in p, j in q, k in r"),
    Quantity("tau_div", r"\tau^{\mathrm{div}}", "qpr", "correlation of J_ij and J_kj (divergent), j in q, i in p, k in r"),
    Quantity("tau_chn", r"\tau^{\mathrm{chn}}", "pqr", "correlation of J_ij and J_jk (chain), i in p, j in q, k in r"),
    Quantity("tau_rec", r"\tau^{\mathrm{rec}}", "pq", "correlation of J_ij and J_ji (reciprocal), i in p, j in q"),
    Quantity("drive", "I", "p", "external input to population p"),
    Quantity("A", "A", "pq", "share of a synapse's variance left after rows and columns"),
    Quantity("B", "B", "pq", "reciprocal correlation left after rows and columns"),
    Quantity("K", "K", "p", "mean input current of population p"),
    Quantity("kappa", r"\kappa", "q", "latent variable of within-population variability, the filtered alpha_q R_q"),
    Quantity("s", "s", "q", "filtered root mean square rate of population q"),
    Quantity("Delta", r"\Delta", "p", "variance of the input current within population p"),
    Quantity("R", "R", "q", "mean rate of population q"),
    Quantity("G", "G", "q", "mean gain of population q, the average slope of its transfer function"),
    Quantity("C", "C", "q", "second moment of the rates of population q"),
    Quantity("x", "x", "i", "input current of neuron i"),
    Quantity("J", "J", "ij", "synapse from neuron j onto neuron i"),
    Quantity("a", "a", "iq", "deviation of neuron i's in-strength from population q, per synapse"),
    Quantity("b", "b", "jp", "deviation of neuron j's out-strength to population p, per synapse"),
    Quantity("w", "w", "ij", "residual of a synapse after mean, row and column"),
    Quantity("u", "u", "iq", "N a_i^q"),
    Quantity("y", "y", "i", "filtered residual field of neuron i, the field of w"),
]
QUANTITIES = {quantity.name: quantity for quantity in _QUANTITIES}

(alpha, Jbar, g, tau_con, tau_div, tau_chn, tau_rec, drive, A, B, K, kappa, s, Delta, R, G, C, x, J, a, b, w, u, y) = (
    quantity.base for quantity in _QUANTITIES
)

STATES = ("K", "kappa", "s")
PARAMETERS = ("fractions", "mean", "g", "tau_con", "tau_div", "tau_chn", "tau_rec")
AVERAGES = ("R", "G", "C")


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
    """Average over the neurons j of population q, and over the synapses drawn onto them: `Mean(body, j, q)`."""

    nargs = 3


class Filtered(sp.Function):
    """The unit's response to an input, (1 + d/dt)^{-1}: `Filtered(body)`."""

    nargs = 1


def over_populations(body: sp.Expr, *indices: sp.Symbol) -> sp.Expr:
    """A sum over populations, kept as it is written."""
    return sp.Sum(body, *((index, 1, P) for index in indices)) if indices else body
