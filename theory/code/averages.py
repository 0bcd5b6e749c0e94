"""Gaussian averages in the generated code: closed forms where there are, else quadrature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from ...errors import NoClosedFormError
from ..architecture import TransferFunction
from ..averages import BivariateProbability, GatedProbability, TiltedProbability
from .functions import fixed_breaks
from .printer import jax_code

MU, DELTA = sp.Symbol("mu", real=True), sp.Symbol("Delta", nonnegative=True)
# nodes that are evaluated for numbers known when code is generated
FIXED_PLACES = (TiltedProbability, GatedProbability, BivariateProbability)


def closed_average(f: TransferFunction, power: int) -> sp.Expr | None:
    """<phi^power> over u = a x + b ~ N(mu, Delta) in nodes.

    None where it has no closed form for all values of the function's parameters.
    """
    if f.function is not None:
        return None
    try:
        form = f.average_of_u(MU, DELTA, power).closed_form(nodes=True)
    except (NoClosedFormError, TypeError):
        return None
    fixed = not any(
        a.free_symbols & set(f.defaults) for node in form.atoms(*FIXED_PLACES) for a in node.args
    )
    return form if fixed else None


@dataclass(frozen=True)
class AverageCode:
    """Code for the averages of one transfer function.

    Args:
        f: The function.
        name: By which the module knows it.
        defaults: By parameter, one value per population.
        tolerance: Of quadrature, relative to the function's size; None for the default of
            `numerics.averages`.
    """

    f: TransferFunction
    name: str
    defaults: dict[str, list[sp.Expr]]
    tolerance: float | None

    def of_rate_and_square(self, mean: str) -> tuple[str, str]:
        """<phi> and <phi^2>: closed forms where there are, else quadrature on the same panels.

        Args:
            mean: What the first is called in the module.
        """
        f = self.f
        if f.function is not None:
            pieces = f"[{self.name}]" + (
                f" * {len(f.breaks) + 1}, {f.breaks!r}" if f.breaks else ""
            )
            return (
                f"gaussian.Quadrature({pieces}, opaque=True{self.options()}{self.accuracy()})",
                f"{mean}.squared()",
            )
        closed, square = self.closed(1), self.closed(2)
        if closed is None or (
            square is None and f.parameters and f.affine.shape is None
        ):  # the panels that one finds serve both
            return self.at_defaults(mean) or (self.quadrature(), square or f"{mean}.squared()")
        return closed, square or f"{self.quadrature()}.squared()"

    def at_defaults(self, mean: str) -> tuple[str, str] | None:
        """<phi> and <phi^2> in closed form as long as no exponent is given, else quadrature.

        None where the default exponents are no integers, or make no closed form either.
        """
        names = [str(s) for s in self.f.exponents]
        each = list(zip(*(self.defaults[n] for n in names), strict=True))
        if not names or not all(value.is_integer for values in each for value in values):
            return None
        distinct = list(dict.fromkeys(each))
        codes = [self._with_exponents(values, each) for values in distinct]
        found = []
        for power in (1, 2):
            closed = [code.closed(power) for code in codes]
            if None in closed:
                return None
            one = closed[0]
            if len(distinct) > 1:
                index = tuple(distinct.index(values) for values in each)
                one = f"gaussian.by_population(({', '.join(map(str, closed))}), {index})"
            general = self.quadrature() if power == 1 else f"{mean}.general.squared()"
            found.append(f"gaussian.ClosedAtDefaults({one}, {general})")
        return found[0], found[1]

    def _with_exponents(self, values: tuple, each: list[tuple]) -> AverageCode:
        """Code for the populations whose exponents have these default values."""
        f = self.f.with_numbers(dict(zip(self.f.exponents, values, strict=True)))
        own = [k for k, of_population in enumerate(each) if of_population == values]
        defaults = {str(s): [self.defaults[str(s)][k] for k in own] for s in f.defaults}
        return AverageCode(f, self.name, defaults, self.tolerance)

    def closed(self, power: int) -> str | None:
        form = closed_average(self.f, power)
        if form is None:
            return None
        arguments = ", ".join(("mu", "Delta", *self.f.parameters))
        return f"gaussian.Closed(lambda {arguments}: {jax_code(form)}{self.options()})"

    def alone(self) -> str:
        """The quadrature of <phi>, whether or not it has a closed form."""
        return self.of_rate_and_square("")[0] if self.f.function is not None else self.quadrature()

    def quadrature(self) -> str:
        f, shape = self.f, ""
        if f.shape_pieces is not None and f.parameters:
            pieces = ", ".join(f"lambda x: {jax_code(piece)}" for piece in f.shape_pieces)
            shape = f", shape=[{pieces}]"
        if f.pieces.breaks:
            fixed_breaks(f)
            pieces = f"{self.name}_pieces, {self.name}_breaks"
            return f"gaussian.Quadrature({pieces}{self.options()}{shape}{self.accuracy()})"
        constant, varying = f.pieces.pieces[0].as_coeff_Add()
        offset = f", offset={jax_code(constant)}" if constant != 0 else ""
        arguments = ", ".join(("x", *f.parameters))
        piece = (
            f"lambda {arguments}: {jax_code(varying)}"
            if offset or not f.affine.is_identity
            else self.name
        )
        return f"gaussian.Quadrature([{piece}]{self.options()}{shape}{offset}{self.accuracy()})"

    def accuracy(self) -> str:
        return "" if self.tolerance is None else f", tolerance={float(self.tolerance)!r}"

    def options(self) -> str:
        """The parameters, and u = a x + b in terms of them."""
        values = ", ".join(
            f'"{name}": {values_code(values)}' for name, values in self.defaults.items()
        )
        text = f", parameters={{{values}}}" if values else ""
        if self.f.function is None and not self.f.affine.is_identity:
            a, b = jax_code(self.f.affine.a), jax_code(self.f.affine.b)
            text += f", inner=lambda {', '.join(self.f.parameters)}: ({a}, {b})"
        return text


def values_code(values: Sequence[sp.Expr], make: str = "jnp.array") -> str:
    """One number, or an array of one per population."""
    texts = [repr(float(v)) for v in values]
    if len(set(texts)) == 1:
        return texts[0]
    listed = f"[{', '.join(texts)}]"
    return f"{make}({listed})" if make else listed
