"""Residuals whitened by the standard errors or the covariance of the targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Array

from ...errors import ParameterError
from .. import linear
from .targets import Targets

SMALLEST = 1e-6
"""Smallest eigenvalue of the correlation matrix of the errors: below it, differences between
targets would count more than a thousand times what each of them does."""


def whitening(targets: Targets, fitted: np.ndarray, *, correlated: bool) -> np.ndarray:
    """What makes misfits of the fitted targets independent, of variance 1 / weight.

    Args:
        targets: measured numbers.
        fitted: which of them count, a mask.
        correlated: by their covariance C; otherwise by their standard errors.

    Returns:
        sqrt(weight) / error, (m,); if `correlated` the lower triangular W with W C W^T = 1, (m, m),
        times sqrt(weight).

    Raises:
        ParameterError: the covariance is not known, or some targets nearly follow from others.
    """
    if not correlated:
        return (np.sqrt(targets.weight) / targets.error)[fitted]
    if targets.covariance is None:
        raise ParameterError(
            "the covariance of the targets is not known: give it to Targets.of, make them from "
            "neurons, or leave out correlated"
        )
    covariance = targets.covariance[np.ix_(fitted, fitted)]
    _, values, vectors = linear.standardised(covariance)
    if values[0] < SMALLEST:
        names = [targets.label(k) for k in np.flatnonzero(fitted).tolist()]
        most = np.argsort(-np.abs(vectors[:, 0]))[:3]
        raise ParameterError(
            "errors of the targets nearly follow from each other (smallest eigenvalue of their "
            f"correlations {values[0]:.2g}): leave out some, such as one of "
            f"{', '.join(names[k] for k in most)}, or correlated"
        )
    return linear.whitening(covariance, SMALLEST) * np.sqrt(targets.weight)[fitted]


def whitened(whiten: Any, misfit: Array) -> Array:
    """Misfits times what `whitening` or `without` gave, (m,); pure."""
    return whiten * misfit if whiten.ndim == 1 else whiten @ misfit


def without(
    whiten: np.ndarray, targets: Targets, fitted: np.ndarray, left_out: np.ndarray
) -> np.ndarray:
    """What turns whitened misfits into those of the targets that are not left out.

    Args:
        whiten: of `whitening`.
        targets: measured numbers.
        fitted: which of them `whiten` is about, a mask.
        left_out: which of those are left out, (m,), a mask.

    Returns:
        (m,) or (m, m); rows of those that are left out are 0.
    """
    kept = (~left_out).astype(float)
    if whiten.ndim == 1:
        return kept
    those = fitted.copy()
    those[fitted] = ~left_out
    own = np.zeros_like(whiten)
    own[np.ix_(~left_out, ~left_out)] = whitening(targets, those, correlated=True)
    return own @ np.linalg.inv(whiten)
