"""Information in a Jacobian: directions that are determined, and how precisely."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

WEAKEST = 10.0
"""Standard errors above this, of log|v| or in units of v, determine nothing: a factor of e^10."""
UNSEEN = 1e-6
"""A number can change unseen when this part of its gradient, or more, lies in directions that
change no prediction: far above rounding, far below a coupling that matters."""
SMALLEST = 1e-300  # in place of a largest singular value 0


class Information:
    """Singular values of a Jacobian, (m, n); make it with `Information.of`.

    Attributes:
        singular_values: (n,), decreasing.
        directions: rows that belong to them, (n, n).
        rank: number of directions with standard errors below 10, which are determined.
        exact: number of directions that change anything at all.
        floor: below which singular values count as 0.
    """

    def __init__(
        self,
        singular_values: np.ndarray,
        directions: np.ndarray,
        rank: int,
        exact: int,
        floor: float,
    ):
        self.singular_values, self.directions = singular_values, directions
        self.rank, self.exact, self.floor = rank, exact, floor

    @classmethod
    def of(cls, jacobian: Float[np.ndarray, "m n"], tolerance: float) -> Information:
        """Singular values below `tolerance`, relative to the largest, count as 0."""
        _, found, rows = np.linalg.svd(jacobian, full_matrices=True)
        values = np.zeros(jacobian.shape[1])
        values[: len(found)] = found
        floor = tolerance * max(float(values.max(initial=0.0)), SMALLEST)
        return cls(
            values,
            rows,
            int(np.sum(values > max(floor, 1 / WEAKEST))),
            int(np.sum(values > floor)),
            floor,
        )

    @property
    def seen(self) -> np.ndarray:
        """A basis of what is determined, (rank, n)."""
        return self.directions[: self.rank]

    @property
    def unseen(self) -> np.ndarray:
        """A basis of the directions that change no prediction, (n - exact, n)."""
        return self.directions[self.exact :]

    @property
    def covariance(self) -> np.ndarray:
        """(J^T J)^-1, (n, n), very large in directions that are open."""
        return (
            self.directions.T / np.maximum(self.singular_values, self.floor) ** 2
        ) @ self.directions

    @property
    def determined_covariance(self) -> np.ndarray:
        """The covariance of the determined directions alone, (n, n)."""
        return (self.seen.T / self.singular_values[: self.rank] ** 2) @ self.seen

    def errors(self, gradients: Float[np.ndarray, "k n"]) -> np.ndarray:
        """Standard errors of numbers of order 1, or of logarithms, (k,).

        Infinite where they are above 10.

        Args:
            gradients: of the numbers, with respect to the columns of the Jacobian.
        """
        found = self.spread(gradients)
        return np.where(found <= WEAKEST, found, np.inf)

    def spread(self, gradients: Float[np.ndarray, "k n"]) -> np.ndarray:
        """Standard errors of anything with these gradients, (k,).

        Infinite where it changes along a direction that changes no prediction.
        """
        found = np.linalg.norm(
            (gradients @ self.directions.T) / np.maximum(self.singular_values, self.floor), axis=1
        )
        open_part = np.linalg.norm(gradients @ self.unseen.T, axis=1)
        return np.where(
            open_part < UNSEEN * np.linalg.norm(gradients, axis=1),
            found,
            np.where(open_part > 0, np.inf, 0.0),
        )
