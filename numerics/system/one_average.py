"""The Gaussian average of one function, by the code that is generated for networks."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
import xarray as xr
from jaxtyping import Float

from ...errors import ExpressionError, ParameterError
from ...theory.architecture import TransferFunction
from .. import averages as gaussian
from ..averages import TOLERANCE
from ..precision import require_x64
from ..results import Settled
from ..tangents import refuse_tracers
from .generated import (
    HIGHEST_ORDER,
    Generated,
    closed_form_of,
    function_of,
    generated,
    generated_for,
)

# below the first rounding decides; above the second, the nodes are too few for an error estimate
TOLERANCES = (1e-13, 1e-2)


@dataclass(frozen=True, eq=False, repr=False)
class Averaged(Settled):
    """Gaussian averages <f^(order)>(mu, variance), and how they were computed.

    Args:
        function: f, with the values of its parameters.
        mu: means, of the common shape of mean, variance and parameters.
        variance: variances, of that shape.
        order: of the derivative of f that is averaged.
        values: the averages, float64, of that shape.
        closed_form: the formula for order 0, in the symbols mu and Delta, or None.
        reason: why there is none, or why quadrature was used nevertheless.
    """

    function: TransferFunction
    mu: np.ndarray
    variance: np.ndarray
    order: int
    values: np.ndarray
    closed_form: sp.Expr | None
    reason: str
    _generated: Generated
    _parameters: Mapping[str, Any]
    _tolerance: float

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        what = "<f" + "'" * self.order + ">"
        how = "closed form" if self.is_closed else "quadrature"
        return f"Gaussian average {what} of f(x) = {self.function.expression}, {how}"

    @cached_property
    def dataset(self) -> xr.Dataset:
        """`mean`, `variance`, `average` and parameters that are arrays, over `axis_0`, ..."""
        dims = tuple(f"axis_{k}" for k in range(self.values.ndim))
        own = {name: np.asarray(v) for name, v in self._parameters.items()}
        found = {"mean": self.mu, "variance": self.variance, "average": self.values}
        found |= {k: np.broadcast_to(v, self.values.shape) for k, v in own.items() if v.ndim}
        attrs = {k: float(v) for k, v in own.items() if not v.ndim}
        data = {name: (dims, v) for name, v in found.items()}
        return xr.Dataset(data, attrs={**attrs, "order": self.order, "tolerance": self._tolerance})

    def rows(self) -> list[dict[str, Any]]:
        """A row for each value: mean, variance, and average."""
        columns = {
            str(name): v.values.ravel().tolist() for name, v in self.dataset.data_vars.items()
        }
        each = zip(*columns.values(), strict=True)
        return [dict(zip(columns, values, strict=True)) for values in each]

    @property
    def is_closed(self) -> bool:
        """Whether the values come from the closed form; otherwise from quadrature."""
        return isinstance(self._generated.average, gaussian.Closed)

    @cached_property
    def average(self) -> gaussian.Average:
        """The average as an elementwise JAX function of (mu, variance), for jit, vmap and grad.

        It has derivatives to any order. For other values of the parameters call
        `average(mu, variance, average.prepare({"gain": 2.0}))`; for these it may be quadrature
        where the values come from a closed form that only their numbers make. Where the order of
        the function's breaks depends on its parameters they are fixed numbers, and
        `average.parameters` is empty.
        """
        try:
            general = generated(self.function, self._tolerance).average
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
        return None if self.closed_form is None else latex_of(self.closed_form)

    @cached_property
    def error(self) -> np.ndarray:
        """An estimate of the absolute error of each value, at least rounding.

        Of a closed form it is the difference to quadrature of the same function, nan where that
        cannot be had; of quadrature, the difference to nodes twice as dense. Computed when it is
        first asked for.
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
        """The average of the function's next derivative, at the same places.

        d<f>/dmu = <f'> and d<f>/dvariance = <f''>/2.

        Args:
            order: how many derivatives more.
        """
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
    """Average a function of a normal variable, by a closed form where there is one.

    <f^(order)> = E f^(order)(mu + sqrt(variance) z), z standard normal; else by quadrature. This is
    for numbers that are known: under jit, vmap or grad use `average(...).average`, the same as a
    JAX function.

    Args:
        function: an expression of x and of named parameters, a library name such as "softplus", a
            SymPy expression, or a `TransferFunction`.
        mu: means, a number or an array.
        variance: variances that broadcast with the means; at 0 the average is the function itself.
        order: of the derivative of f that is averaged, 0 to 4; 1 is also the derivative of the
            average with respect to mu, and half of 2 the one with respect to the variance.
        parameters: the function's parameters by name, numbers or arrays that broadcast with mu.
        tolerance: of quadrature, relative to the function's size, 1e-13 to .01.

    Returns:
        The values, with closed form, error estimate and derivatives.

    Raises:
        ExpressionError: what is no function, or one whose average is not finite.
        ParameterError: a variance below 0, an unknown parameter, an order or a tolerance out of
            range, shapes that do not broadcast, or a call under jit, vmap or grad.

    Example:
        ``mf.average("k*Max(x - theta, 0)**2", 0.3, [1.0, 2.0],
        parameters={"k": 0.04, "theta": 0.3}).values``
    """
    refuse_tracers((mu, variance, parameters), "average", "average(...).average")
    require_x64()
    mu, variance = _numbers("mu", mu), _numbers("variance", variance)
    if np.any(variance < 0):
        raise ParameterError(f"variance = {variance.min():g} is negative")
    if not TOLERANCES[0] <= tolerance <= TOLERANCES[1]:
        raise ParameterError(f"tolerance = {tolerance:g} must be between 1e-13 and 0.01")
    given = {name: _numbers(name, value) for name, value in (parameters or {}).items()}
    f = function_of(
        function, {name: value.flat[0] if value.size else 0 for name, value in given.items()}
    )
    values = {
        name: given.get(name, np.asarray(float(f.defaults[s])))
        for name, s in zip(f.parameters, f.defaults, strict=True)
    }
    shape = _common_shape({"mu": mu, "variance": variance}, values)
    made = generated_for(f, float(tolerance), all(v.ndim == 0 for v in values.values()))
    at = np.broadcast_to(mu, shape), np.broadcast_to(variance, shape)
    return _averaged(made, f, *at, order, values, float(tolerance))


def _common_shape(
    places: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray]
) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*(v.shape for v in (*places.values(), *values.values())))
    except ValueError:
        shapes = {name: v.shape for name, v in places.items()}
        shapes |= {name: v.shape for name, v in values.items() if v.shape}
        raise ParameterError(
            "do not broadcast: " + ", ".join(f"{name} has shape {s}" for name, s in shapes.items())
        ) from None


def _averaged(
    made: Generated,
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
    return Averaged(
        f, mu, variance, order, found, *closed_form_of(f, made), made, values, tolerance
    )


def latex_of(e: sp.Expr) -> str:
    """LaTeX in which a name of several letters is not a product."""
    plain = [s for s in e.free_symbols if len(s.name) > 1 and sp.latex(s) == s.name]
    return sp.latex(e, symbol_names={s: rf"\mathrm{{{s.name}}}" for s in plain})


def _numbers(name: str, value: Any) -> np.ndarray:
    try:
        found = np.asarray(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise ParameterError(f"{name} = {value!r} is not a number or an array of numbers") from None
    if not np.all(np.isfinite(found)):
        raise ParameterError(f"{name} must be finite, not {found[~np.isfinite(found)].flat[0]}")
    return found
