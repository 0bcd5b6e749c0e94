"""Python text for JAX from SymPy expressions of one variable, in numerically stable form."""

from __future__ import annotations

import sympy as sp
from sympy.printing.numpy import JaxPrinter

from .probabilities import NODES


class Softplus(sp.Function):
    """log(1 + exp(u)), without overflow."""

    nargs = 1


class Sigmoid(sp.Function):
    """1 / (1 + exp(-u)), without overflow."""

    nargs = 1


class InverseRoot(sp.Function):
    """1 / sqrt(u): a factor, where JAX differentiates a quotient into slower code."""

    nargs = 1


def stable(expression: sp.Expr) -> sp.Expr:
    """Write logarithms and reciprocals of 1 + exp(u) as softplus and sigmoid, which neither overflow nor lose digits, and 1 / sqrt(u)
    as a factor.
    """

    def exponent(e: sp.Expr):
        """u where e = 1 + exp(u)."""
        if isinstance(e, sp.Add) and len(e.args) == 2 and e.args[0] == 1 and isinstance(e.args[1], sp.exp):
            return e.args[1].args[0]
        return None

    def rewrite(e: sp.Expr):
        if isinstance(e, sp.log) and exponent(e.args[0]) is not None:
            return Softplus(exponent(e.args[0]))
        if isinstance(e, sp.Pow) and exponent(e.base) is not None and e.exp.is_negative:
            return Sigmoid(-exponent(e.base)) ** (-e.exp)
        return None

    def is_inverse_root(e: sp.Expr) -> bool:
        return isinstance(e, sp.Pow) and e.exp == -sp.Rational(1, 2) and not e.base.is_number

    written = expression.replace(lambda e: rewrite(e) is not None, rewrite).replace(is_inverse_root, lambda e: InverseRoot(e.base))
    return written.replace(lambda e: isinstance(e, sp.Mul) and e.has(Sigmoid), _absorb)


def _absorb(product: sp.Mul) -> sp.Expr:
    """exp(u) sigmoid(-u) = sigmoid(u), which has no infinity times zero in it."""
    factors = list(product.args)
    for f in product.args:
        opposite = Sigmoid(-f.args[0]) if isinstance(f, sp.exp) else None
        if opposite in factors:
            factors.remove(f)
            factors[factors.index(opposite)] = Sigmoid(f.args[0])
    return sp.Mul(*factors)


class _Printer(JaxPrinter):
    """JAX with plain names; numbers are printed as float64 literals or exact ratios."""

    def _print_Rational(self, expr):
        return f"{expr.p}/{expr.q}" if expr.q != 1 else str(expr.p)

    def _print_Infinity(self, expr):
        return "math.inf"

    def _print_NegativeInfinity(self, expr):
        return "-math.inf"

    def _print_Pow(self, expr, rational=False):
        if expr.exp == -1:
            return f"1/{self.parenthesize(expr.base, 60)}"
        return super()._print_Pow(expr, rational=rational)

    def _print_erf(self, expr):
        return f"jax.scipy.special.erf({self._print(expr.args[0])})"

    def _print_erfc(self, expr):
        return f"jax.scipy.special.erfc({self._print(expr.args[0])})"

    def _print_Softplus(self, expr):
        return f"jax.nn.softplus({self._print(expr.args[0])})"

    def _print_InverseRoot(self, expr):
        return f"jax.lax.rsqrt({self._print(expr.args[0])})"

    def _print_Sigmoid(self, expr):
        return f"jax.nn.sigmoid({self._print(expr.args[0])})"

    def _call(self, name, args):
        return f"gaussian.{name}({', '.join(self._print(a) for a in args)})"

    def _print_Probability(self, expr):
        return self._call("probability", expr.args)

    def _print_ScaledDensity(self, expr):
        return self._call("scaled_density", expr.args)

    def _print_NormalCDF(self, expr):
        return f"(0.5*jax.scipy.special.erfc({self._print(-expr.args[0] / sp.sqrt(2).evalf(20))}))"

    def _print_ScaledCDF(self, expr):
        return self._call("scaled_cdf", expr.args)

    def _print_TiltedProbability(self, expr):
        return self._call("tilted_probability", expr.args)

    def _print_BivariateProbability(self, expr):
        return self._call("bivariate", expr.args)

    def _print_GatedProbability(self, expr):
        return self._call("gated_probability", expr.args)

    def _print_SiegertRate(self, expr):
        return self._call("siegert_rate", expr.args)

    def _print_SiegertDifference(self, expr):
        return self._call("siegert_difference", expr.args)

    def _print_SiegertReset(self, expr):
        return self._call("siegert_reset", expr.args)

    def _print_DensityMoment(self, expr):
        k, *rest = expr.args
        return self._call("density", (*rest, k))


def jax_code(expression: sp.Expr) -> str:
    """One line of Python that evaluates the expression with `jax`, `jnp`, `math` and `gaussian` in scope."""
    numbers = {e: sp.N(e, 17) for e in _irrational(expression)}
    printer = _Printer({"fully_qualified_modules": True, "precision": 17})
    return printer.doprint(stable(expression).xreplace(numbers)).replace("jax.numpy.", "jnp.")


def _irrational(expression: sp.Expr):
    """The largest subexpressions that are numbers but not rational."""
    if expression.is_number and not expression.is_Rational:
        if not expression.has(*NODES) and expression.is_finite:
            yield expression
    else:
        for argument in expression.args:
            if isinstance(argument, sp.Expr):
                yield from _irrational(argument)
