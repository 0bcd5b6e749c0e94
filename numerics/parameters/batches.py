"""Many sets of parameters with a leading axis on every array."""

from __future__ import annotations

from typing import Any, TypeVar

import jax
import numpy as np

from ...errors import ParameterError

B = TypeVar("B")


def require_batch(batch: Any) -> None:
    """Raise `ParameterError` for parameters without a leading axis, as `stacked` makes it."""
    if np.ndim(batch.N) != 1:
        raise ParameterError(
            "a batch of parameters has a leading axis on every array: make it with stacked"
        )


def set_of(batch: B, k: int) -> B:
    """One of the parameter sets of a batch."""
    return jax.tree.map(lambda v: v[k], batch)


def rows_of(parts: Any, count: int) -> np.ndarray:
    """All numbers of some parts of a batch, a row for each of its sets."""
    each = [np.asarray(v).reshape(count, -1) for v in jax.tree.leaves(parts)]
    return np.concatenate(each, axis=1, dtype=float) if each else np.zeros((count, 0))
