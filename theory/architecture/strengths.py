"""How the strengths of neurons are distributed, and which functions of them synapses know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import ArchitectureError
from ...names import names_fault
from ...numbers import brief

TOTALS = ("in", "out")
"""The deviations of a neuron's total in-strength, sum_q alpha_q u_i^q, and out-strength."""
PRODUCT = re.compile(r"(in|out)(\^[1-9])?(\*(in|out)(\^[1-9])?)*")
"""Powers and products of these; the mark * of other names is that of names of entries."""
QUADRATIC = (*TOTALS, "in^2", "in*out", "out^2")
"""These two, and their squares and product, each less its mean."""


@dataclass(frozen=True)
class Strengths:
    """How the deviations (u, b) of in- and out-strengths are distributed within a population.

    Their mean is 0 and their covariance that of convergent, chain and divergent motifs, whatever
    the distribution. Source: docs/theory.md, section 6.1.
    """

    @property
    def name(self) -> str:
        """The name used on the command line and in files."""
        return type(self).__name__.lower()

    @property
    def has_centres(self) -> bool:
        """Whether components of the distribution have means of their own."""
        return True

    @property
    def has_widths(self) -> bool:
        """Whether strengths vary within a component."""
        return True

    @property
    def is_quenched(self) -> bool:
        """Whether the strengths are those of the neurons of a given network.

        Sums of its finite rows and columns hold what the residual synapses add to them: the
        residual then acts on deviations of the rates from their mean alone, and what reciprocal
        pairs bring back is in the covariance of strengths.
        """
        return False


@dataclass(frozen=True)
class Gaussian(Strengths):
    """Jointly normal strengths: one component. The default."""

    @property
    def has_centres(self) -> bool:
        return False


@dataclass(frozen=True)
class Mixture(Strengths):
    """A mixture of normal components, as skewed as their means and covariances make it.

    The equations are the same for any number of components, which are data.

    Args:
        components: how many each population has where they are measured, "auto" for as many as its
            strengths ask for; None leaves it to the numbers.
        quenched: whether the components describe the strengths of the neurons of a given network,
            as `measure_strengths` does, not those of an ensemble.
    """

    components: int | str | None = None
    quenched: bool = False

    def __post_init__(self) -> None:
        n = self.components
        if n in (None, "auto"):
            return
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ArchitectureError(
                f"a mixture has a number of components, at least 1, or 'auto', not {brief(n)}"
            )

    @property
    def is_quenched(self) -> bool:
        return self.quenched


@dataclass(frozen=True)
class Empirical(Strengths):
    """The strengths of the neurons of a given network: a component of no width for each of them."""

    @property
    def has_widths(self) -> bool:
        return False

    @property
    def is_quenched(self) -> bool:
        return True


GAUSSIAN = Gaussian()
KINDS = {"gaussian": Gaussian, "mixture": Mixture, "empirical": Empirical}


def strengths_of(given: Any) -> Strengths:
    """A distribution from one, or from what a file says of it.

    Args:
        given: `Gaussian()`, `Mixture(...)`, `Empirical()`; or "gaussian", "mixture", "empirical",
            {"mixture": 4} and {"mixture": 4, "quenched": True}.

    Raises:
        ArchitectureError: something else.
    """
    if isinstance(given, Strengths):
        return given
    if isinstance(given, str) and given in KINDS:
        return KINDS[given]()
    if isinstance(given, Mapping) and "mixture" in given and set(given) <= {"mixture", "quenched"}:
        return Mixture(given["mixture"], bool(given.get("quenched", False)))
    raise ArchitectureError(
        f"strengths are Gaussian(), Mixture(components) or Empirical() (in a file {list(KINDS)} or "
        f"{{mixture = 4}}), not {brief(given)}"
    )


def features_of(assortativity: Any, patterns: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the functions f of strengths that synapses know, and of the hidden patterns.

    Args:
        assortativity: False or none; True, the two total strengths; "quadratic", these with their
            squares and product; or a list of names: "in" and "out", powers and products of them
            such as "in^2*out", or other names, whose values the numbers give.
        patterns: names of hidden variables of neurons.

    Raises:
        ArchitectureError: something else, or a name that occurs twice.
    """
    if assortativity is True:
        functions: tuple[str, ...] = TOTALS
    elif assortativity is False or assortativity is None:
        functions = ()
    elif assortativity == "quadratic":
        functions = QUADRATIC
    else:
        functions = _listed(assortativity, "assortativity", "feature")
    hidden = _listed(patterns, "patterns", "pattern")
    if clash := [n for n in hidden if n in functions]:
        raise ArchitectureError(f"{clash[0]!r} is a function of strengths and a pattern")
    return functions, hidden


def _listed(given: Any, what: str, of: str) -> tuple[str, ...]:
    is_list = isinstance(given, (Sequence, Iterable)) and not isinstance(given, (str, Mapping))
    names = tuple(map(str, given)) if is_list else ()
    reason = "" if is_list else "no list of names"
    others = [n for n in names if of == "pattern" or not PRODUCT.fullmatch(n)]
    for repeated in (n for n in names if names.count(n) > 1):
        reason = f"the {of} name {brief(repeated)} is given twice: give each once"
    if not reason and others:
        reason = names_fault(others, of)
    if reason:
        raise ArchitectureError(f"{what} = {brief(given)}: {reason}")
    return names
