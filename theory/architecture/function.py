"""A static transfer function, from input current to rate, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp

from ...errors import ExpressionError, NoClosedFormError
from ..averages import GaussianAverage
from ..expressions import Affine, Pieces, X, affine, derivative, split, tame
from .realness import check_real

ROUNDING = 1e-12  # differences of sides of a break that are 0 in exact arithmetic are below it


@dataclass(frozen=True)
class TransferFunction:
    """A static function from input current to rate, r = phi(x; parameters).

    Two functions are equal when they differ in the default values of their parameters only.

    Args:
        name: Used in the generated code and in tables.
        expression: SymPy, in the symbol `x` and the symbols of the parameters.
        defaults: The parameters by symbol, with their default values. They are parameters of the
            network, one value per population, differentiable:
            `Parameters.of(transfer={name: values})`.
        function: A JAX function of (x, *parameters) instead of an expression.
        breaks: Where that function bends or jumps, increasing.

    Raises:
        ExpressionError: The expression has unknown symbols, or is not a real number everywhere.
    """

    name: str
    expression: sp.Expr
    defaults: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict, compare=False)
    function: Callable | None = None
    breaks: tuple[float, ...] = ()

    def __post_init__(self):
        extra = self.expression.free_symbols - {X} - set(self.defaults)
        if extra:
            raise ExpressionError(
                f"transfer function {self.name}: unknown symbols {sorted(map(str, extra))}; the "
                "variable is x, "
                "parameters are given with a default value"
            )
        for parameter, value in self.defaults.items():
            if parameter.is_positive and not value > 0:
                raise ExpressionError(
                    f"transfer function {self.name}: its {parameter} must be positive, not {value}"
                )
        if not self.function:
            check_real(self.name, self.expression, self.defaults)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(str(symbol) for symbol in self.defaults)

    @property
    def with_defaults(self) -> sp.Expr:
        """The expression with the default values in place of the parameters."""
        return self.with_values(self.defaults)

    def with_values(self, values: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
        """The expression with numbers in place of some of its parameters."""
        powers = self.expression.atoms(sp.Pow)
        above = {symbol for power in powers for symbol in power.exp.free_symbols}
        return self.expression.subs({s: tame(v) if s in above else v for s, v in values.items()})

    @cached_property
    def affine(self) -> Affine:
        """The function as one of u = a x + b, which depends on parameters as little as possible."""
        return affine(self.expression)

    @cached_property
    def pieces(self) -> Pieces:
        """The function of u between its breaks.

        Raises:
            ExpressionError: The order of the breaks depends on parameters of unknown sign.
        """
        try:
            return split(self.affine.outer)
        except ExpressionError as error:
            if not self.defaults:
                raise
            raise ExpressionError(
                f"transfer function {self.name} = {self.expression}: {error}, or declare with "
                "positive=[...] which of its "
                "parameters are always positive"
            ) from None

    @cached_property
    def shape_pieces(self) -> tuple[sp.Expr, ...] | None:
        """The pieces of phi without parameters that only scale it and add to it.

        None when other parameters are left.
        """
        return None if self.affine.shape is None else split(self.affine.shape).pieces

    @property
    def exponents(self) -> tuple[sp.Symbol, ...]:
        """The parameters that are exponents of x: as integers they may make a closed form."""
        powers = [power for power in self.expression.atoms(sp.Pow) if power.base.has(X)]
        found = {s for power in powers for s in power.exp.free_symbols}
        return tuple(symbol for symbol in self.defaults if symbol in found)

    def with_numbers(self, values: Mapping[sp.Symbol, sp.Expr]) -> TransferFunction:
        """The function with numbers in place of some of its parameters."""
        rest = {symbol: v for symbol, v in self.defaults.items() if symbol not in values}
        return replace(self, expression=self.with_values(values), defaults=rest)

    @property
    def is_constant(self) -> bool:
        """Whether phi does not depend on x."""
        return not self.with_defaults.has(X)

    @property
    def is_continuous(self) -> bool:
        """Whether phi, with the default values of its parameters, has no jump."""
        return all(abs(sp.N(jump.subs(self.defaults))) <= ROUNDING for _, jump in self.pieces.jumps)

    def derivative(self, order: int) -> sp.Expr:
        """d^order phi / dx^order, with a delta function where a Piecewise jumps."""
        found = self.expression
        for _ in range(order):
            try:
                found = (
                    split(found).derivative().expression()
                    if found.has(sp.Piecewise)
                    else sp.diff(found, X)
                )
            except ExpressionError:  # the order of its breaks depends on parameters
                found = derivative(found)
        return found

    def average(
        self, mean: sp.Expr, variance: sp.Expr, order: int = 0, power: int = 1
    ) -> GaussianAverage:
        """E phi^(order)(x)^power over x ~ N(mean, variance), as a symbol.

        Args:
            mean: Mean of the input current, a symbol or a number.
            variance: Its variance.
            order: Of the derivative of phi with respect to x.
            power: Of that derivative; 2 gives the second moment of the rates.

        Returns:
            The average; its `closed_form()` is the formula where there is one.
        """
        inner = sp.diff(self.expression, X, order) if order else self.expression
        return GaussianAverage(inner**power, mean, variance)

    def average_of_u(self, mean: sp.Expr, variance: sp.Expr, power: int = 1) -> GaussianAverage:
        """E phi^power as an average over u = a x + b ~ N(mean, variance).

        u is the variable of `affine`, and mean and variance are those of u.
        """
        return GaussianAverage(self.affine.outer**power, mean, variance)

    @cached_property
    def is_closed(self) -> bool:
        """Whether its Gaussian average has a closed form."""
        if self.function is not None:
            return False
        try:
            mean, variance = sp.Symbol("m", real=True), sp.Symbol("v", positive=True)
            self.average_of_u(mean, variance).closed_form(nodes=True)
        except NoClosedFormError:
            return False
        return True

    def __str__(self) -> str:
        values = ", ".join(f"{symbol} = {value}" for symbol, value in self.defaults.items())
        return f"{self.name}: {self.expression}" + (f" ({values})" if values else "")

    def latex(self) -> str:
        """The expression; parameters whose names are words in roman."""
        words = [s for s in self.defaults if len(str(s)) > 1 and sp.latex(s) == str(s)]
        return sp.latex(self.expression, symbol_names={s: rf"\mathrm{{{s}}}" for s in words})

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle \phi(x) = {self.latex()}$"
