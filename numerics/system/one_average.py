"""The Gaussian average of one function at given means and variances, through the code that is generated for networks."""

from __future__ import annotations

import builtins
import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
import xarray as xr
from jaxtyping import Array, Float

from ...errors import ExpressionError, NoClosedFormError, ParameterError
from ...theory.architecture import LIBRARY, TransferFunction, transfer
from ...theory.code import RUNTIME, AverageCode, function_code, names_of
from .. import averages as gaussian
from ..averages import TOLERANCE
from ..precision import require_x64

MU, DELTA = sp.Symbol("mu", real=True), sp.Symbol("Delta", nonnegative=True)
HIGHEST_ORDER = 4
SHOWN = (0.0, 1.0, 4.0, 16.0)  # variances
FAR, POINTS = 100.0, 401


@dataclass(frozen=True)
class _Generated:
    """Generated code for one function, loaded.

    average: by closed form where there is one; check: by quadrature, and how it is built, because closed forms do without it
    """

    function: TransferFunction
    average: gaussian.Average
    check: Callable[[], gaussian.Average]

    def __call__(self, order: int, mu: Array, Delta: Array, values: Mapping[str, Any]) -> Array:
        return self.compiled(order)(mu, Delta, self.prepare(self.average, values))

    def prepare(self, average: gaussian.Average, values: Mapping[str, Any]) -> gaussian.Prepared:
        """With the values of the parameters that are left in the code."""
        return average.prepare(
            {name: value for name, value in values.items() if name in average.parameters}
        )

    @cached_property
    def compiled(self) -> Callable[[int], Callable]:
        return lru_cache(maxsize=HIGHEST_ORDER + 1)(
            lambda order: jax.jit(self.average.derivative(order))
        )

    @cached_property
    def reference(self) -> gaussian.Average:
        """What the error is measured by: quadrature for a closed form, else finer quadrature."""
        if isinstance(self.average, gaussian.Closed):
            return self.check()
        assert isinstance(self.average, gaussian.Quadrature)
        return self.average.finer()


@dataclass(frozen=True, eq=False)
class Averaged:
    """Gaussian averages <f^(order)>(mu, variance), and how they were computed.

    function: f, with the values of its parameters; values: float64, of the common shape of mean, variance and parameters;
    closed_form: the formula for order 0, in the symbols mu and Delta, or None; reason: why there is none, or why quadrature was used
    nevertheless
    """

    function: TransferFunction
    mu: np.ndarray
    variance: np.ndarray
    order: int
    values: np.ndarray
    closed_form: sp.Expr | None
    reason: str
    _generated: _Generated
    _parameters: Mapping[str, Any]
    _tolerance: float

    @property
    def is_closed(self) -> bool:
        """Whether the values come from the closed form; otherwise from quadrature."""
        return isinstance(self._generated.average, gaussian.Closed)

    @cached_property
    def average(self) -> gaussian.Average:
        """The average as an elementwise JAX function of (mu, variance), with derivatives to any order, for jit, vmap and grad.

        Other values of the parameters: `average(mu, variance, average.prepare({"gain": 2.0}))`; for these it may be quadrature where
        the values come from a closed form that only their numbers make. Where the order of the function's breaks depends on its
        parameters they are fixed numbers, and `average.parameters` is empty.
        """
        try:
            general = _generated(self.function, self._tolerance).average
        except ExpressionError:
            return self._generated.average
        made = copy.copy(general)
        made.parameters = {
            name: self._parameters.get(name, value) for name, value in general.parameters.items()
        }
        return made

    @property
    def latex(self) -> str | None:
        """The closed form as LaTeX."""
        return None if self.closed_form is None else _latex(self.closed_form)

    @cached_property
    def error(self) -> np.ndarray:
        """An estimate of the absolute error of each value, computed when it is first asked for; not less than rounding.

        Of a closed form: its difference to quadrature of the same function, nan where quadrature cannot be had. Of quadrature: the
        difference to nodes twice as dense.
        """
        rounding = np.finfo(float).eps * np.abs(self.values)
        if self.function.is_constant:
            return rounding
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                reference = self._generated.reference
                prepared = self._generated.prepare(reference, self._parameters)
                other = jax.jit(reference.derivative(self.order))(
                    jnp.asarray(self.mu), jnp.asarray(self.variance), prepared
                )
        except ExpressionError:
            return np.full_like(self.values, np.nan)
        return np.maximum(np.abs(self.values - np.asarray(other)), rounding)

    def derivative(self, order: int = 1) -> Averaged:
        """The average of the function's next derivatives, at the same places: d<f>/dmu = <f'>, d<f>/dvariance = <f''>/2."""
        order += self.order
        return _averaged(
            self._generated,
            self.function,
            self.mu,
            self.variance,
            order,
            self._parameters,
            self._tolerance,
        )


def average(
    function: Any,
    mu: Float[Any, "*n"],
    variance: Float[Any, "*n"],
    order: int = 0,
    *,
    parameters: Mapping[str, Any] | None = None,
    tolerance: float = TOLERANCE,
) -> Averaged:
    """<f^(order)> = E f^(order)(mu + sqrt(variance) z), z standard normal: by a closed form where there is one, else by quadrature.

    For numbers that are known; under jit, vmap or grad use `average(...).average`, which is the same as a JAX function.

    function: an expression of x and of named parameters, a library name as "softplus", a SymPy expression, or a `TransferFunction`
    mu, variance: numbers or arrays that broadcast with each other; at variance 0 the average is the function itself
    order: of the derivative of f that is averaged; 1 is also the derivative of the average with respect to mu, and half of 2 the one
    with respect to the variance
    parameters: the function's parameters by name; numbers, or arrays that broadcast with mu
    tolerance: of quadrature, relative to the function's size; 1e-13 to .01

    Raises `ExpressionError` for what is no function, or one whose average is not finite; `ParameterError` for a variance below 0, an
    unknown parameter, an order or a tolerance out of range.

    `average("k*Max(x - theta, 0)**2", 0.3, [1.0, 2.0], parameters={"k": 0.04, "theta": 0.3}).values`
    """
    require_x64()
    mu, variance = _numbers("mu", mu), _numbers("variance", variance)
    if np.any(variance < 0):
        raise ParameterError(f"variance = {variance.min():g} is negative")
    if not 1e-13 <= tolerance <= 1e-2:
        raise ParameterError(f"tolerance = {tolerance:g} must be between 1e-13 and 0.01")
    given = {name: _numbers(name, value) for name, value in (parameters or {}).items()}
    f = _function(
        function, {name: value.flat[0] if value.size else 0 for name, value in given.items()}
    )
    values = {
        name: given.get(name, np.asarray(float(f.defaults[s])))
        for name, s in zip(f.parameters, f.defaults, strict=True)
    }
    try:
        shape = np.broadcast_shapes(mu.shape, variance.shape, *(v.shape for v in values.values()))
    except ValueError:
        shapes = {
            "mu": mu.shape,
            "variance": variance.shape,
            **{name: v.shape for name, v in values.items() if v.shape},
        }
        raise ParameterError(
            "do not broadcast: " + ", ".join(f"{name} has shape {s}" for name, s in shapes.items())
        ) from None
    made = _of(f, float(tolerance), all(v.ndim == 0 for v in values.values()))
    return _averaged(
        made,
        f,
        np.broadcast_to(mu, shape),
        np.broadcast_to(variance, shape),
        order,
        values,
        float(tolerance),
    )


def _averaged(
    made: _Generated,
    f: TransferFunction,
    mu: np.ndarray,
    variance: np.ndarray,
    order: int,
    values: Mapping,
    tolerance: float,
) -> Averaged:
    if order not in range(HIGHEST_ORDER + 1):
        raise ParameterError(f"order = {order} must be an integer from 0 to {HIGHEST_ORDER}")
    found = np.asarray(made(order, jnp.asarray(mu), jnp.asarray(variance), values))
    return Averaged(f, mu, variance, order, found, *_closed_form(f, made), made, values, tolerance)


def curves(
    function: Any,
    variances: Sequence[float] = SHOWN,
    span: tuple[float, float] | None = None,
    *,
    parameters: Mapping[str, float] | None = None,
    tolerance: float = TOLERANCE,
) -> xr.Dataset:
    """The average over the mean, for some variances, and the function itself: a Dataset to draw with `plots.averages`.

    span: smallest and largest mean; default: where the function bends, and two standard deviations more
    """
    widest = float(np.sqrt(max([v for v in variances if v > 0], default=0.0)))
    if span is None:
        wide = np.linspace(-FAR, FAR, 20001)
        at = average(function, wide, 0.0, parameters=parameters, tolerance=tolerance).values
        low, high = _features(wide, at)
        span = (low - 2 * widest, high + 2 * widest)
    if not (np.all(np.isfinite(span)) and span[0] < span[1]):
        raise ParameterError(
            f"the range of means must be two increasing numbers, not {span[0]:g}, {span[1]:g}"
        )
    mu = np.linspace(*span, POINTS)
    rows = np.reshape([*variances, 0.0], (-1, 1))
    found = average(function, mu, rows, parameters=parameters, tolerance=tolerance)
    f = found.function
    return xr.Dataset(
        {"average": (("variance", "mu"), found.values[:-1]), "function": ("mu", found.values[-1])},
        coords={"variance": list(variances), "mu": mu},
        attrs={
            "name": f.name,
            "expression": str(f.with_defaults),
            "latex": _latex(f.with_defaults),
        },
    )


def _features(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Where most of the curvature of a function is, or (-4, 4) when it is everywhere or goes on rising exponentially. Of one that rises
    as a power of x: the curvature on a scale that is logarithmic where it is large.
    """
    with np.errstate(all="ignore"):
        sizes = [float(np.max(np.abs(y[np.abs(x) <= reach]))) for reach in (2.0, FAR / 2, FAR)]
        if 3 * sizes[1] < sizes[2] < 1e9 * (1 + sizes[0]):
            y = np.arcsinh(y / (sizes[0] or 1.0))
        bend = np.abs(np.diff(y, 2))
    total = np.cumsum(bend)
    if not (np.isfinite(total[-1]) and total[-1] > 1e-9 * np.max(np.abs(y))):
        return -4.0, 4.0
    low, high = (float(x[1 + np.searchsorted(total, part * total[-1])]) for part in (0.25, 0.75))
    if max(-low, high) > 0.9 * FAR:
        return -4.0, 4.0
    pad = max(high - low, 0.5)
    return low - pad, high + pad


def _latex(e: sp.Expr) -> str:
    """LaTeX in which a name of several letters is not a product."""
    plain = [s for s in e.free_symbols if len(s.name) > 1 and sp.latex(s) == s.name]
    return sp.latex(e, symbol_names={s: rf"\mathrm{{{s.name}}}" for s in plain})


def _numbers(name: str, value: Any) -> np.ndarray:
    try:
        found = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} = {value!r} is not a number or an array of numbers") from None
    if not np.all(np.isfinite(found)):
        raise ParameterError(f"{name} must be finite, not {found[~np.isfinite(found)].flat[0]}")
    return found


def _function(function: Any, parameters: Mapping[str, Any]) -> TransferFunction:
    """The function, with these values of its parameters."""
    exact = {name: int(v) if float(v).is_integer() else float(v) for name, v in parameters.items()}
    if isinstance(function, TransferFunction):
        values = {
            s: sp.Rational(repr(exact[str(s)])) if str(s) in exact else v
            for s, v in function.defaults.items()
        }
        f = replace(function, defaults=values)
    elif isinstance(function, Mapping):
        f = transfer.of({**function, **exact})
    elif isinstance(function, str) and function in LIBRARY:
        f = transfer.of({"function": function, **exact})
    else:
        f = transfer.of({"expression": function, **exact})
    fixed = {"n"} if f.name == "rectified_power" else set()
    unknown = [name for name in exact if name not in {*f.parameters, *fixed}]
    if unknown:
        raise ParameterError(
            f"{f.name} has no parameter {unknown[0]!r}: it has {', '.join(f.parameters) or 'none'}"
        )
    return f


def _of(f: TransferFunction, tolerance: float, numbers: bool) -> _Generated:
    """With the parameters as arguments; where more than scale and offset depends on them, their numbers may make a closed form."""
    if not f.parameters or f.function is not None or not numbers or f.affine.shape is not None:
        return _generated(f, tolerance)
    try:
        if _averages(f, tolerance).closed(1) is not None:
            return _generated(f, tolerance)
    except ExpressionError:
        pass
    return _generated(transfer.expression(f.with_defaults, name=f.name), tolerance)


def _averages(f: TransferFunction, tolerance: float) -> AverageCode:
    (name,) = names_of([f])
    return AverageCode(f, name, {str(s): [value] for s, value in f.defaults.items()}, tolerance)


@lru_cache(maxsize=64)
def _generated(f: TransferFunction, tolerance: float) -> _Generated:
    made = _averages(f, tolerance)
    closed = None if f.function is not None else made.closed(1)
    module = ModuleType(f"motifield_average_of_{made.name}")
    module.__dict__[made.name] = f.function
    lines = ["import math", "import jax", "import jax.numpy as jnp", RUNTIME, ""]
    source = "\n".join([*lines, *function_code(made.name, f)])
    exec(builtins.compile(source, f"<{module.__name__}>", "exec"), module.__dict__)

    def load(text: str) -> gaussian.Average:
        return eval(text, module.__dict__)

    def quadrature() -> gaussian.Average:
        return load(made.quadrature() if f.function is None else made.of_rate_and_square("")[0])

    return _Generated(f, quadrature() if closed is None else load(closed), quadrature)


@lru_cache(maxsize=64)
def _closed_form(f: TransferFunction, made: _Generated) -> tuple[sp.Expr | None, str]:
    """The formula in mu and Delta, and why there is none, or why it was not used."""
    g = made.function
    if g.function is not None:
        return None, f"{g.name} is code, which has no closed form"
    a, b = g.affine.a, g.affine.b
    try:
        form = g.average_of_u(a * MU + b, a**2 * DELTA).closed_form()
    except NoClosedFormError as error:
        return None, str(error)
    if isinstance(made.average, gaussian.Closed):
        return form, ""
    try:
        g.average_of_u(MU, DELTA).closed_form(nodes=True)
    except NoClosedFormError as error:
        return form, str(error)
    return form, "the closed form cannot be evaluated for parameters that vary"
