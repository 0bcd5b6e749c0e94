"""A sparse matrix from its tiles.

First the synapses of each tile, then all of them in their final place, row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import scipy.sparse as sps

from .field import Tile

POSITION = np.uint32


class SparseTiles:
    """Synapses by tile (i, j), neurons of tile j onto neurons of tile i.

    They are put in any order and by any thread. A synapse takes 4 bytes and its weight until `rows`
    has been called for its row of tiles, which are then given up.
    """

    def __init__(self, tiles: Sequence[Tile], dtype: np.dtype) -> None:
        self.tiles, self.dtype = tiles, dtype
        self._stored: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def put(self, i: int, j: int, positions: np.ndarray, values: np.ndarray) -> None:
        """positions: in the flattened tile, increasing."""
        self._stored[i, j] = positions.astype(POSITION), values.astype(self.dtype, copy=False)

    def csr(self) -> CSR:
        """The matrix with room for all, to be filled row by row of tiles by `CSR.fill`."""
        counts: np.ndarray = np.zeros(self.tiles[-1].rows.stop, np.int64)
        for (i, j), (positions, _) in self._stored.items():
            tile = self.tiles[i]
            counts[tile.rows] += np.bincount(
                positions // POSITION(_width(self.tiles[j])), minlength=_width(tile)
            )
        return CSR(self, np.concatenate([[0], np.cumsum(counts)]))

    def take(self, i: int) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
        """Tile by tile of row i, which are forgotten: first column, width, positions, values."""
        for j, other in enumerate(self.tiles):
            yield other.rows.start, _width(other), *self._stored.pop((i, j))


class CSR:
    """The arrays of a CSR matrix, with indices of 32 bits where they suffice."""

    def __init__(self, source: SparseTiles, starts: np.ndarray) -> None:
        self.source, size = source, int(starts[-1])
        index = np.int32 if max(size, len(starts)) < 2**31 else np.int64
        self.starts = starts.astype(index)
        self.columns, self.values = np.empty(size, index), np.empty(size, source.dtype)

    def fill(self, i: int) -> None:
        """Put row i of tiles in its place."""
        rows = self.source.tiles[i].rows
        free = self.starts[rows].astype(np.int64)
        for first, width, positions, values in self.source.take(i):
            row, column = np.divmod(positions, POSITION(width))
            counts = np.bincount(row, minlength=len(free))
            # where it goes: behind what its row has already, in the order of columns
            place = np.arange(len(row)) + np.repeat(free - (np.cumsum(counts) - counts), counts)
            self.columns[place] = column + POSITION(first)
            self.values[place] = values
            free += counts

    def matrix(self) -> sps.csr_array:
        """Of N x N, with sorted columns."""
        N = len(self.starts) - 1
        made = sps.csr_array((self.values, self.columns, self.starts), shape=(N, N), copy=False)
        made.has_sorted_indices = made.has_canonical_format = True
        return made


def both_ways(i: int, j: int) -> tuple[tuple[int, int], ...]:
    """The tiles of a pair: (i, j) and (j, i), or one where they are the same."""
    return ((i, j),) if i == j else ((i, j), (j, i))


def _width(tile: Tile) -> int:
    return tile.rows.stop - tile.rows.start
