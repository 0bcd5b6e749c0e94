"""Transfer functions phi(x): a library, expressions of x with parameters, or JAX functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ExpressionError
from ...numbers import brief
from .formulas import expression, jax_function
from .function import TransferFunction
from .known_functions import (
    LIBRARY,
    erf,
    exponential,
    logistic,
    naka_rushton,
    power_law,
    rectified_linear,
    rectified_power,
    siegert,
    softplus,
    tanh,
)

__all__ = [
    "LIBRARY",
    "TransferFunction",
    "erf",
    "exponential",
    "expression",
    "jax_function",
    "logistic",
    "naka_rushton",
    "of",
    "power_law",
    "rectified_linear",
    "rectified_power",
    "siegert",
    "softplus",
    "tanh",
]


def of(value: Any, name: str = "phi") -> TransferFunction:
    """A transfer function from whatever describes one.

    Args:
        value: A `TransferFunction`; a SymPy expression of one symbol; a text, the name of a
            library function or an expression in x, parsed as data; or a mapping
            `{"function": name, **parameters}` or `{"expression": text, **parameters}`.
        name: Of a function that has none.

    Raises:
        ExpressionError: The name is unknown, or the text is no valid expression.
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
                raise ExpressionError(f"transfer function {brief(formula)}: {error}") from None
        function = options.pop("function", None)
        if not isinstance(function, str) or function not in LIBRARY:
            raise ExpressionError(
                f"unknown transfer function {brief(function)}: known are {', '.join(LIBRARY)}, or "
                "any expression in x"
            )
        try:
            return LIBRARY[function](**options)
        except (TypeError, ValueError) as error:  # an ExpressionError is a ValueError
            formula = str(LIBRARY[function].__doc__).splitlines()[0]
            raise ExpressionError(
                f"transfer function {function}: {error}; its formula is {formula}"
            ) from None
    if isinstance(value, str) and value in LIBRARY:
        return LIBRARY[value]()
    return expression(value, name=name)
