"""Python text for JAX from SymPy expressions of one variable, in numerically stable form."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from sympy.printing.numpy import JaxPrinter

from ..averages import NODES

LARGEST_INTEGER = 2**53  # from there on floats are as exact, and integers overflow


class Softplus(sp.Function):
    """log(1 + exp(u)), without overflow."""

    nargs = 1


class Sigmoid(sp.Function):
    """1 / (1 + exp(-u)), without overflow."""

    nargs = 1


class Flat(sp.Function):
    """The same as its argument, with a slope of 0 where the chain rule makes 0 times infinity.

    It does in 1 / cosh(800).
    """

    nargs = 1


class ExpM1(sp.Function):
    """exp(u) - 1, which keeps its digits around u = 0."""

    nargs = 1


class UpperErf(sp.Function):
    """erfc(u) = 1 - erf(u), also where u is negative; SymPy writes erfc(-u) as 2 - erfc(u)."""

    nargs = 1


class InverseRoot(sp.Function):
    """1 / sqrt(u): a factor, where JAX differentiates a quotient into slower code."""

    nargs = 1


def stable(expression: sp.Expr) -> sp.Expr:
    """The expression in functions that neither overflow nor lose digits.

    Logarithms and reciprocals of c + d exp(u) become softplus and sigmoid, 1 / sqrt(u) a factor.
    """

    def rewrite(e: sp.Expr):
        if isinstance(e, sp.log) and (found := _plus_exponential(e.args[0])):
            return Softplus(found[1]) + (sp.log(found[0]) if found[0] != 1 else 0)
        if isinstance(e, sp.Pow) and e.exp.is_negative and (found := _plus_exponential(e.base)):
            return (Sigmoid(-found[1]) / found[0]) ** (-e.exp)
        return None

    def is_inverse_root(e: sp.Expr) -> bool:
        return isinstance(e, sp.Pow) and e.exp == -sp.Rational(1, 2) and not e.base.is_number

    written = expression.replace(lambda e: rewrite(e) is not None, rewrite).replace(
        is_inverse_root, lambda e: InverseRoot(e.base)
    )
    return written.replace(lambda e: isinstance(e, sp.Mul) and e.has(Sigmoid), _absorb)


def _plus_exponential(e: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """(c, u) where e = c (1 + exp(u)), c > 0."""
    if not (
        isinstance(e, sp.Add) and len(e.args) == 2 and e.args[0].is_number and e.args[0].is_positive
    ):
        return None
    c, (factor, grows) = e.args[0], e.args[1].as_independent(sp.exp, as_Add=False)
    if not (isinstance(grows, sp.exp) and factor.is_number and factor.is_positive):
        return None
    return c, grows.args[0] + sp.log(factor / c)


def _absorb(product: sp.Mul) -> sp.Expr:
    """exp(u) sigmoid(-u) = sigmoid(u), which has no infinity times zero in it."""
    factors = list(product.args)
    for f in product.args:
        for g in product.args:
            if isinstance(f, sp.exp) and isinstance(g, Sigmoid) and f in factors and g in factors:
                left = sp.expand(f.args[0] + g.args[0])
                if left.is_number:
                    factors.remove(f)
                    factors[factors.index(g)] = Sigmoid(-g.args[0])
                    factors.append(sp.exp(left))
    return sp.Mul(*factors)


def _flattened(e: sp.Expr) -> sp.Expr:
    """Functions of what overflows, as `Flat`."""
    if not e.args or not e.has(sp.exp, ExpM1, sp.cosh, sp.sinh, sp.Pow):
        return e
    made = e.func(*(_flattened(a) if isinstance(a, sp.Expr) else a for a in e.args))
    inner = e.args[:1] if isinstance(e, sp.Pow) and e.exp.is_number else e.args
    saturates = (isinstance(e, sp.Function) and not isinstance(e, NODES)) or (
        isinstance(e, sp.Pow) and not (e.exp.is_Integer and e.exp > 0)
    )
    return Flat(made) if saturates and any(map(_overflows, inner)) and len(e.free_symbols) else made


def _precise(e: sp.Expr) -> sp.Expr:
    """exp(u) - 1 and 1 + erf(u) as functions that keep their digits where these are small."""

    def small(e: sp.Expr):
        """(c, f) where e = c f - c or, for an odd f, c + c f."""
        if not (isinstance(e, sp.Add) and len(e.args) == 2 and e.args[0].is_number):
            return None
        factor, f = e.args[1].as_independent(sp.exp, sp.erf, as_Add=False)
        if isinstance(f, sp.exp) and factor == -e.args[0]:
            return factor * ExpM1(f.args[0])
        if isinstance(f, sp.erf) and factor in (e.args[0], -e.args[0]):
            return e.args[0] * UpperErf(f.args[0] if factor == -e.args[0] else -f.args[0])
        return None

    return e.replace(lambda e: small(e) is not None, small)


def _overflows(e: sp.Expr) -> bool:
    """Whether there is an exponential of anything in it that varies."""
    grows = (
        isinstance(n, (sp.exp, ExpM1, sp.cosh, sp.sinh))
        or (isinstance(n, sp.Pow) and n.exp.free_symbols)
        for n in sp.preorder_traversal(e)
    )
    return bool(e.free_symbols) and any(grows)


class Printer(JaxPrinter):
    """JAX with plain names; numbers are printed as float64 literals or exact ratios."""

    helpers = "gaussian."  # where the functions are that the nodes of closed forms become
    # fmt: off
    NODES: Mapping[str, str] = {
        "Probability": "probability", "ScaledDensity": "scaled_density", "ScaledCDF": "scaled_cdf",
        "TiltedProbability": "tilted_probability", "BivariateProbability": "bivariate",
        "GatedProbability": "gated_probability", "SiegertRate": "siegert_rate",
        "SiegertDifference": "siegert_difference", "SiegertReset": "siegert_reset",
    }
    FUNCTIONS: Mapping[str, str] = {
        "erf": "jax.scipy.special.erf", "erfc": "jax.scipy.special.erfc",
        "UpperErf": "jax.scipy.special.erfc", "ExpM1": "jnp.expm1", "Sigmoid": "jax.nn.sigmoid",
        "Softplus": "jax.nn.softplus", "InverseRoot": "jax.lax.rsqrt",
    }
    # fmt: on

    def _print_Rational(self, expr):
        if max(abs(expr.p), expr.q) >= LARGEST_INTEGER:
            return repr(float(expr))
        return f"{expr.p}/{expr.q}" if expr.q != 1 else str(expr.p)

    _print_Integer = _print_Rational

    def _print_Infinity(self, expr):
        return "math.inf"

    def _print_NegativeInfinity(self, expr):
        return "-math.inf"

    def _print_Pow(self, expr, rational=False):
        if expr.exp == -1:
            return f"1/{self.parenthesize(expr.base, 60)}"
        return super()._print_Pow(expr, rational=rational)

    def _print_Function(self, expr):
        name = type(expr).__name__
        if name in self.NODES:
            return self._call(self.NODES[name], expr.args)
        if name in self.FUNCTIONS:
            return f"{self.FUNCTIONS[name]}({', '.join(map(self._print, expr.args))})"
        return super()._print_Function(expr)

    # SymPy has printers of its own for these, which come before that of all functions
    _print_erf = _print_erfc = _print_Function

    def _call(self, name, args):
        return f"{self.helpers}{name}({', '.join(self._print(a) for a in args)})"

    def _print_Flat(self, expr):
        names = ", ".join(sorted(map(str, expr.free_symbols)))
        return f"{self.helpers}flat(lambda {names}: {self._print(expr.args[0])}, {names})"

    def _print_NormalCDF(self, expr):
        return f"(0.5*jax.scipy.special.erfc({self._print(-expr.args[0] / sp.sqrt(2).evalf(20))}))"

    def _print_DensityMoment(self, expr):
        k, *rest = expr.args
        return self._call("density", (*rest, k))


def prepared(expression: sp.Expr) -> sp.Expr:
    """An expression as code has it, in any language: stable, irrational numbers with 17 digits."""
    made = stable(expression)
    return made.xreplace({e: sp.N(e, 17) for e in _irrational(made)})


def jax_code(expression: sp.Expr) -> str:
    """One line of Python that evaluates the expression.

    It needs `jax`, `jnp`, `math` and `gaussian` in scope.
    """
    return (
        Printer({"fully_qualified_modules": True, "precision": 17})
        .doprint(_flattened(_precise(prepared(expression))))
        .replace("jax.numpy.", "jnp.")
    )


def _irrational(expression: sp.Expr):
    """The largest subexpressions that are numbers but not rational."""
    if expression.is_number and not expression.is_Rational:
        if not expression.has(*NODES) and expression.is_finite:
            yield expression
    else:
        for argument in expression.args:
            if isinstance(argument, sp.Expr):
                yield from _irrational(argument)
