"""Closures: what the residual field of the synapses adds to the variance within a population.

The residual field has variance sum_q g_pq^2 alpha_q A_pq C_q, with C_q the second moment of the
rates. A closure says what stands for C_q, and which state it adds for that. To add one, subclass
`Closure`. Source: docs/theory.md, section 2.1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import sympy as sp

from ..notation import C, alpha, chi, kappa, q, s, susceptibility


@dataclass(frozen=True)
class Closure(ABC):
    """What stands for the second moment of the rates in the residual's variance."""

    @property
    def name(self) -> str:
        """The name used on the command line and in results."""
        return "".join(
            "-" + c.lower() if c.isupper() and n else c.lower()
            for n, c in enumerate(type(self).__name__)
        )

    @property
    def kind(self) -> str:
        """The name of its class, as `SecondMoment`."""
        return type(self).__name__

    @property
    def allows_noise(self) -> bool:
        """Whether it also holds when white noise drives the units."""
        return not self.extra_equations()

    @property
    def is_static(self) -> bool:
        """Whether the equations hold at fixed points alone.

        Time then has no meaning, and what relaxes is a way to solve them.
        """
        return False

    @property
    def has_residual(self) -> bool:
        """Whether the residual field contributes to the variance at all."""
        return self.second_moment() != 0

    @property
    def keeps_second_moment(self) -> bool:
        """Whether a state stands for C_q, so that rates that vary within a population count.

        Otherwise their mean alone does.
        """
        return C in {
            e.base
            for _, target in self.extra_equations().values()
            for e in target.atoms(sp.Indexed)
        }

    @property
    def exact_when(self) -> str | None:
        """The limit in which it is exact, for the test of a derivation.

        "narrow": the variability vanishes; "dominated": the motifs outweigh the residual;
        "always": at every fixed point; None if no limit is known.
        """
        return None

    @abstractmethod
    def second_moment(self) -> sp.Expr:
        """What replaces C_q, in the states of population q; 0 drops the residual."""

    def extra_equations(self) -> dict[str, tuple[sp.Expr, sp.Expr]]:
        """Further states: name -> (state, what it relaxes to)."""
        return {}

    @property
    @abstractmethod
    def statement(self) -> str:
        """The approximation in words, and when it is exact."""


@dataclass(frozen=True)
class MotifOnly(Closure):
    """The residual is dropped: 2P variables.

    Exact when N tau -> infinity, so that motifs dominate the variability. Source: docs/theory.md,
    section 2.1.
    """

    @property
    def exact_when(self) -> str:
        return "dominated"

    def second_moment(self) -> sp.Expr:
        return sp.Integer(0)

    @property
    def statement(self) -> str:
        return (
            "The residual field is neglected: exact when $N \\tau$ is large, so that the motifs "
            "dominate the variability."
        )


@dataclass(frozen=True)
class LowRank(Closure):
    """The residual acts on the mean rates, as the sums of its rows: 2P variables, the default.

    Exact when rates vary little within a population, Var(phi) << <phi>^2. The name says that of
    the residual only its row sums count, which multiply mean rates: a matrix of rank P. It is no
    theory of low-rank connectivity: a structure m n'/N whose vectors have mean 0 (Mastrogiuseppe
    and Ostojic 2018) is expressed by the patterns of an architecture alone. Source:
    docs/theory.md, sections 2.1 and 6.5.
    """

    @property
    def exact_when(self) -> str:
        return "narrow"

    def second_moment(self) -> sp.Expr:
        return (kappa[q] / alpha[q]) ** 2

    @property
    def statement(self) -> str:
        return (
            "The residual acts on the mean rates, as the sums of its rows: $C_q$ is the squared "
            "filtered mean rate. Exact when "
            "rates vary little within a population."
        )


class _RootMeanSquare(Closure):
    """A state s_q is the root mean square rate, so that C_q is right at every fixed point."""

    @property
    def exact_when(self) -> str:
        return "always"

    def second_moment(self) -> sp.Expr:
        return s[q] ** 2


@dataclass(frozen=True)
class SecondMoment(_RootMeanSquare):
    """The residual's variance follows the root mean square rate s_q: 3P variables.

    Exact at every fixed point if B = 0. Source: docs/theory.md, section 2.1.
    """

    def extra_equations(self) -> dict[str, tuple[sp.Expr, sp.Expr]]:
        return {"s": (s[q], sp.sqrt(C[q]))}

    @property
    def statement(self) -> str:
        return (
            "$C_q$ is the square of $s_q$, which follows the root mean square rate through the "
            "unit's filter. Exact at every fixed "
            "point, and for its linear stability in the mean sector, if $B = 0$."
        )


@dataclass(frozen=True)
class Cavity(_RootMeanSquare):
    """Neurons feel what their own rate makes of the others, at fixed points: 4P unknowns.

    With reciprocal synapses x = h + Gamma_p phi_p(x), h normal, x not; s_q and the susceptibility
    chi_q are added. Exact at every fixed point where 1 - Gamma phi' > 0, for any B. Source:
    docs/theory.md, section 2.1.
    """

    @property
    def is_static(self) -> bool:
        return True

    def extra_equations(self) -> dict[str, tuple[sp.Expr, sp.Expr]]:
        return {"s": (s[q], sp.sqrt(C[q])), "chi": (chi[q], susceptibility[q])}

    @property
    def statement(self) -> str:
        return (
            "$C_q$ is the square of $s_q$, the root mean square rate. Exact at every fixed point "
            "at which $1 - \\Gamma_p \\phi_p'(x) > 0$ in the "
            "whole population: elsewhere a neuron's own equation has several solutions."
        )


CLOSURES = {closure.name: closure for closure in (MotifOnly(), LowRank(), SecondMoment(), Cavity())}
