"""In which units misfits count: standard errors, or the directions in which errors are independent."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Array

from ...errors import ParameterError
from .targets import Targets

SMALLEST = 1e-6
"""Of the correlation matrix of the errors: below it, differences between targets would count more than a thousand times what each of them does."""


def whitening(targets: Targets, fitted: np.ndarray, *, correlated: bool) -> np.ndarray:
    """What turns misfits of the fitted targets into independent ones of variance 1 / weight: sqrt(weight) / error, (m,), or if `correlated` the lower
    triangular W with W C W^T = 1, (m, m), C their covariance.

    Raises `ParameterError` where the covariance is not known, or where some targets nearly follow from others.
    """
    precision = (np.sqrt(targets.weight) / targets.error)[fitted]
    if not correlated:
        return precision
    if targets.covariance is None:
        raise ParameterError(
            "the covariance of the targets is not known: give it to Targets.of, make them from neurons, or leave out correlated"
        )
    error = targets.error[fitted]
    correlation = targets.covariance[np.ix_(fitted, fitted)] / np.outer(error, error)
    values, vectors = np.linalg.eigh(correlation)
    if values[0] < SMALLEST:
        names = [targets.label(k) for k in np.flatnonzero(fitted).tolist()]
        most = np.argsort(-np.abs(vectors[:, 0]))[:3]
        raise ParameterError(
            f"errors of the targets nearly follow from each other (smallest eigenvalue of their correlations {values[0]:.2g}): "
            f"leave out some, such as one of {', '.join(names[k] for k in most)}, or correlated"
        )
    return np.linalg.inv(np.linalg.cholesky(correlation)) * precision


def whitened(whiten: Any, misfit: Array) -> Array:
    """Misfits times what `whitening` or `without` gave, (m,); pure."""
    return whiten * misfit if whiten.ndim == 1 else whiten @ misfit


def without(
    whiten: np.ndarray, targets: Targets, fitted: np.ndarray, left_out: np.ndarray
) -> np.ndarray:
    """What turns the misfits that `whiten` has made independent into those of the targets that are not left out, (m,) or (m, m); rows of those that
    are left out are 0.
    """
    kept = (~left_out).astype(float)
    if whiten.ndim == 1:
        return kept
    those = fitted.copy()
    those[fitted] = ~left_out
    own = np.zeros_like(whiten)
    own[np.ix_(~left_out, ~left_out)] = whitening(targets, those, correlated=True)
    return own @ np.linalg.inv(whiten)
