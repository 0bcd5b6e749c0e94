"""Variances of input currents that solutions of the equations make negative."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...time_units import moment
from ..parameters import Parameters, current_scale, negative_variance_text
from ..results import OK, Code, Status

NEGLIGIBLE = 1e-6  # of the terms of Delta_p, which cancel up to the accuracy of a solution


def below_zero(
    mean_field: Any, parameters: Parameters, ts: np.ndarray, values: Mapping[str, np.ndarray]
) -> Status:
    """Whether the variances of a trajectory are some.

    A negative one at the last time is a failure. One at earlier times leaves open what the
    equations would do if it was none.

    Args:
        mean_field: the equations.
        parameters: the network's numbers.
        ts: the times.
        values: `variance` and `rate` over (time, population).
    """
    variance, own = values["variance"], np.asarray(parameters.fractions) * values["rate"]
    largest = np.maximum.accumulate(own**2)
    terms = largest @ current_scale(parameters).T + np.maximum.accumulate(np.abs(variance))
    negative = variance < -NEGLIGIBLE * terms
    if not negative.any():
        return OK
    at = len(ts) - 1 if negative[-1].any() else int(np.argmax(negative.any(axis=1)))
    p = int(np.argmin(np.where(negative[at], variance[at], 0)))
    where = f"of population {parameters.populations[p]} is negative ({variance[at, p]:.3g})"
    text = f"the variance {where} at {moment(float(ts[at]), parameters.time_unit)}"
    why = negative_why(mean_field, parameters, p, own[at])
    if negative[-1].any():
        return Status(f"unphysical: {text}; {why}", Code.OUT_OF_RANGE)
    text = f"undecided: {text} and at other times, though not at the end; {why}"
    return Status(text, Code.UNDECIDED)


def negative_why(mean_field: Any, parameters: Parameters, p: int, kappa: np.ndarray) -> str:
    """Why the variance of population p is negative at the values alpha R of kappa."""
    if not mean_field.architecture.has_components:
        residual = mean_field.closure.has_residual
        text = negative_variance_text(parameters, p, residual=residual, kappa=kappa)
        if text:
            return text
    return "the closure is outside its range"
