"""Transfer functions phi(x): a library, any SymPy expression of x and named parameters, or a JAX function."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sympy as sp

from ...errors import ExpressionError, NoClosedFormError
from ..averages import GaussianAverage
from ..expressions import (
    CONSTANTS,
    FUNCTIONS,
    Affine,
    Pieces,
    X,
    affine,
    derivative,
    parse,
    split,
)
from .siegert import SiegertRate

ROUNDING = 1e-12  # differences of sides of a break that are 0 in exact arithmetic are below it
_TAKEN = {"x", "mu", "Delta", "jax", "jnp", "math", "gaussian"} | set(CONSTANTS) | set(FUNCTIONS)


@dataclass(frozen=True)
class TransferFunction:
    """A static function from input current to rate, r = phi(x; parameters).

    name: used in the generated code and in tables
    expression: SymPy, in the symbol `x` and the symbols of the parameters
    defaults: the parameters by symbol, with their default values; they are parameters of the
    network, one value per population, differentiable (`Parameters.of(transfer={name: values})`).
    Two functions are the same when they differ in defaults only.
    function, breaks: a JAX function of (x, *parameters) instead of an expression, and where it
    bends or jumps
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
        for point in () if self.function else (-3, sp.Rational(-1, 3), sp.Rational(1, 3), 2):
            try:
                value = sp.N(self.with_defaults.subs(X, point))
            except OverflowError:
                value = sp.oo
            if not (value.is_real and value.is_finite):
                raise ExpressionError(
                    f"transfer function {self.name} = {self.with_defaults} is not a real number at "
                    f"x = {point}"
                )
        self._check_far()

    def _check_far(self) -> None:
        """Raise `ExpressionError` where the function is no real number farther out, as sqrt(x + 5) at -20."""
        if self.function or self.expression.has(SiegertRate):
            return
        value = sp.lambdify(
            X, self.with_defaults, "math"
        )  # overflows at once where exact arithmetic would not end
        for point in (-60.0, -20.0, -7.0, 7.0, 20.0, 60.0):
            try:
                is_real = not isinstance(value(point), complex)
            except ValueError as error:
                is_real = "domain" not in str(error)
            except (ArithmeticError, TypeError, NameError, AttributeError):
                continue
            if not is_real:
                raise ExpressionError(
                    f"transfer function {self.name} = {self.with_defaults} is not a real number at "
                    f"x = {point:g}: it must be one "
                    "everywhere, as with Max(x + 5, 0) in place of x + 5"
                )

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(str(symbol) for symbol in self.defaults)

    @property
    def with_defaults(self) -> sp.Expr:
        """The expression with the default values in place of the parameters."""
        return self.expression.subs(self.defaults)

    @cached_property
    def affine(self) -> Affine:
        """The function as one of u = a x + b that depends on its parameters as little as possible."""
        return affine(self.expression)

    @cached_property
    def pieces(self) -> Pieces:
        """The function of u between its breaks. Raises `ExpressionError` when their order depends on parameters of unknown sign."""
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
        """The pieces of phi without the parameters that only scale it and add to it; None when others are left."""
        return None if self.affine.shape is None else split(self.affine.shape).pieces

    @property
    def is_constant(self) -> bool:
        """Whether phi does not depend on x."""
        return not self.with_defaults.has(X)

    @property
    def is_continuous(self) -> bool:
        """Whether phi, with the default values of its parameters, jumps nowhere by more than rounding errors do."""
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
        """E phi^power as an average over u = a x + b ~ N(mean, variance), the variable of `affine`."""
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

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle \phi(x) = {sp.latex(self.expression)}$"


def expression(
    formula: str | sp.Expr, *, name: str = "phi", positive: Iterable[str] = (), **parameters: Any
) -> TransferFunction:
    """A transfer function from an expression of x and named parameters, given with their default values.

    `expression("k*Max(x - theta, 0)**2", k=0.04, theta=0.3)`. A text is parsed as data. `positive`:
    names of parameters that are always positive, where the function needs to know. Raises
    `ExpressionError`.
    """
    symbols = _symbols(parameters, positive)
    if isinstance(formula, str):
        made = parse(formula, {"x": X, **symbols})
    elif isinstance(formula, sp.Expr):
        by_name = {s: symbols[s.name] for s in formula.free_symbols if s.name in symbols}
        rest = formula.free_symbols - set(by_name)
        made = formula.xreplace(by_name | ({rest.pop(): X} if len(rest) == 1 else {}))
    else:
        raise ExpressionError(
            f"a transfer function is a text or a SymPy expression, not {type(formula).__name__}: "
            f"{formula!r}"
        )
    unused = [name for name, symbol in symbols.items() if symbol not in made.free_symbols]
    if unused:
        raise ExpressionError(f"{made} has no parameters {unused}")
    return TransferFunction(
        name, made, {symbols[n]: _exact(n, value) for n, value in parameters.items()}
    )


def jax_function(
    function: Callable, *, name: str = "", breaks: Sequence[float] = (), **parameters: Any
) -> TransferFunction:
    """A transfer function that is code: an elementwise JAX function of (x, *parameters), which only quadrature can average.

    breaks: where it is not smooth, increasing; a kink that is not declared costs accuracy.
    parameters: default values, in the order of the function's arguments.
    """
    try:
        places = tuple(float(b) for b in breaks)
    except (TypeError, ValueError):
        places = (0.0, 0.0)
    if not callable(function) or list(places) != sorted(set(places)):
        raise ExpressionError(
            "jax_function needs a function of (x, *parameters), and breaks that increase"
        )
    name = name or getattr(function, "__name__", "phi")
    symbols = _symbols(parameters, ())
    body = sp.Function(name if name.isidentifier() else "phi")(X, *symbols.values())
    defaults = {symbols[n]: _exact(n, value) for n, value in parameters.items()}
    return TransferFunction(name, body, defaults, function, places)


def _symbols(names: Iterable[str], positive: Iterable[str]) -> dict[str, sp.Symbol]:
    for name in names:
        if (
            not (name.isidentifier() and name.isascii())
            or keyword.iskeyword(name)
            or name in _TAKEN
            or name.startswith("_")
        ):
            raise ExpressionError(f"a parameter of a transfer function cannot be called {name!r}")
    unknown = set(positive) - set(names)
    if unknown:
        raise ExpressionError(f"positive names {sorted(unknown)}, which are no parameters")
    return {
        name: sp.Symbol(name, positive=True)
        if name in set(positive)
        else sp.Symbol(name, real=True)
        for name in names
    }


def _exact(name: str, value: Any) -> sp.Expr:
    """A number as SymPy has it, decimals as the fractions they are written as."""
    try:
        number = (
            value
            if isinstance(value, sp.Expr)
            else sp.Integer(value)
            if isinstance(value, int)
            else sp.Rational(repr(float(value)))
        )
    except (TypeError, ValueError):
        number = sp.nan
    if not (number.is_number and number.is_real and number.is_finite):
        raise ExpressionError(f"{name} = {value!r} is not a finite number")
    return number


def rectified_linear(gain: Any = 1, threshold: Any = 0) -> TransferFunction:
    """gain * max(x - threshold, 0)"""
    return expression(
        "gain*Max(x - threshold, 0)", gain=gain, threshold=threshold, name="rectified_linear"
    )


def rectified_power(n: int = 2, gain: Any = 1, threshold: Any = 0) -> TransferFunction:
    """gain * max(x - threshold, 0)**n, with a fixed integer n = 1, 2, 3, ...; for any exponent see power_law"""
    if isinstance(n, bool) or int(n) != n or n < 1:
        raise ExpressionError(
            f"rectified_power needs an integer power of at least 1, not {n}; power_law takes any "
            "exponent"
        )
    return expression(
        f"gain*Max(x - threshold, 0)**{int(n)}",
        gain=gain,
        threshold=threshold,
        name="rectified_power",
    )


def power_law(exponent: Any = 2, gain: Any = 1, threshold: Any = 0) -> TransferFunction:
    """gain * max(x - threshold, 0)**exponent, with any positive exponent"""
    formula = "gain*Max(x - threshold, 0)**exponent"
    return expression(
        formula,
        positive=["exponent"],
        gain=gain,
        threshold=threshold,
        exponent=exponent,
        name="power_law",
    )


def softplus(gain: Any = 1, threshold: Any = 0) -> TransferFunction:
    """log(1 + exp(gain * (x - threshold))) / gain"""
    return expression(
        "log(1 + exp(gain*(x - threshold)))/gain", gain=gain, threshold=threshold, name="softplus"
    )


def logistic(gain: Any = 1, threshold: Any = 0, maximum: Any = 1) -> TransferFunction:
    """maximum / (1 + exp(-gain * (x - threshold)))"""
    return expression(
        "maximum/(1 + exp(-gain*(x - threshold)))",
        gain=gain,
        threshold=threshold,
        maximum=maximum,
        name="logistic",
    )


def tanh(gain: Any = 1, threshold: Any = 0, offset: Any = 0) -> TransferFunction:
    """offset + tanh(gain * (x - threshold))"""
    return expression(
        "offset + tanh(gain*(x - threshold))",
        gain=gain,
        threshold=threshold,
        offset=offset,
        name="tanh",
    )


def erf(gain: Any = 1, threshold: Any = 0, offset: Any = 0) -> TransferFunction:
    """offset + erf(gain * (x - threshold))"""
    return expression(
        "offset + erf(gain*(x - threshold))",
        gain=gain,
        threshold=threshold,
        offset=offset,
        name="erf",
    )


def exponential(gain: Any = 1, scale: Any = 1) -> TransferFunction:
    """scale * exp(gain * x)"""
    return expression("scale*exp(gain*x)", gain=gain, scale=scale, name="exponential")


def naka_rushton(exponent: Any = 2, half: Any = 1, maximum: Any = 1) -> TransferFunction:
    """maximum * max(x, 0)**exponent / (max(x, 0)**exponent + half**exponent)"""
    formula = "Piecewise((maximum - maximum/(1 + (x/half)**exponent), x/half > 0), (0, True))"
    return expression(
        formula,
        positive=["exponent", "half"],
        exponent=exponent,
        half=half,
        maximum=maximum,
        name="naka_rushton",
    )


def siegert(
    tau_m: Any = 20, tau_ref: Any = 2, V_th: Any = 20, V_r: Any = 10, sigma: Any = 5
) -> TransferFunction:
    """1 / (tau_ref + tau_m * sqrt(pi) * integral of exp(u**2) * (1 + erf(u)) from (V_r - x)/sigma to (V_th - x)/sigma)

    The rate of a leaky integrate-and-fire neuron with white noise (Siegert 1951; Ricciardi 1977):
    x, V_th, V_r and sigma in mV, tau_m and tau_ref in ms, the rate per ms.
    """
    parameters = {"tau_m": tau_m, "tau_ref": tau_ref, "V_th": V_th, "V_r": V_r, "sigma": sigma}
    symbols = _symbols(parameters, ["tau_m", "sigma"])
    values = {symbols[name]: _exact(name, value) for name, value in parameters.items()}
    if not (values[symbols["V_th"]] > values[symbols["V_r"]] and values[symbols["tau_ref"]] >= 0):
        raise ExpressionError("siegert needs V_th > V_r and tau_ref >= 0")
    return TransferFunction("siegert", SiegertRate(X, *symbols.values()), values)


LIBRARY = {
    f.__name__: f
    for f in (
        rectified_linear,
        rectified_power,
        power_law,
        softplus,
        logistic,
        tanh,
        erf,
        exponential,
        naka_rushton,
        siegert,
    )
}


def of(value: Any, name: str = "phi") -> TransferFunction:
    """A transfer function from itself, a SymPy expression of one symbol, a text, or a mapping.

    A text is the name of a library function or an expression in x, parsed as data. A mapping is
    `{"function": name, **parameters}` or `{"expression": text, **parameters}`. Raises
    `ExpressionError`.
    """
    if isinstance(value, TransferFunction):
        return value
    if isinstance(value, Mapping):
        options = dict(value)
        if "expression" in options and "function" not in options:
            formula = options.pop("expression")
            try:
                return expression(formula, **{"name": name, **options})
            except TypeError as error:
                raise ExpressionError(f"transfer function {formula!r}: {error}") from None
        function = options.pop("function", None)
        if function not in LIBRARY:
            raise ExpressionError(
                f"unknown transfer function {function!r}: known are {', '.join(LIBRARY)}, or any "
                "expression in x"
            )
        try:
            return LIBRARY[function](**options)
        except (TypeError, ValueError) as error:
            formula = str(LIBRARY[function].__doc__).splitlines()[0]
            raise ExpressionError(
                f"transfer function {function}: {error}; its formula is {formula}"
            ) from None
    if isinstance(value, str) and value in LIBRARY:
        return LIBRARY[value]()
    return expression(value, name=name)
