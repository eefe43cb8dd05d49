"""From the grid of layer pairs to one number per pair of embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class BestLayers:
    """The reduced count of each pair of embeddings and the layers that gave it; arrays of (rows, columns)."""

    count: Integers
    row_layer: Integers
    column_layer: Integers


def offsets_of(layer_counts: Integers) -> Integers:
    """Return where each embedding's layers begin when all are stacked; one longer than `layer_counts`."""
    return np.concatenate(([0], np.cumsum(layer_counts))).astype(np.int64)


def best_layers(
    grid: Integers,
    row_layer_counts: Integers,
    column_layer_counts: Integers,
    reducer: Literal["max", "last"] = "max",
) -> BestLayers:
    """Reduce a grid of stacked layers to one count per pair of embeddings.

    Of equal maxima the one with the lowest row layer and then the lowest column layer is taken, whatever
    block the pair was computed in.

    Args:
        grid: (r, c) counts, r and c being the sums of the layer counts.
        row_layer_counts: how many layers each embedding of the rows has.
        column_layer_counts: how many layers each embedding of the columns has.
        reducer: `max` over all layer pairs, or the pair of `last` layers.

    Raises:
        ValueError: the grid's shape is not the sum of the layer counts.
    """
    row_offsets, column_offsets = offsets_of(row_layer_counts), offsets_of(column_layer_counts)
    if grid.shape != (row_offsets[-1], column_offsets[-1]):
        raise ValueError(f"the grid is {grid.shape}, the layers are {(row_offsets[-1], column_offsets[-1])}")
    if reducer == "last":
        row_last, column_last = row_offsets[1:] - 1, column_offsets[1:] - 1
        count = grid[np.ix_(row_last, column_last)]
        rows, columns = np.broadcast_arrays(row_last[:, None], column_last[None, :])
    else:
        count, rows, columns = _maxima(grid, row_offsets, column_offsets)
    return BestLayers(count, rows - row_offsets[:-1, None], columns - column_offsets[None, :-1])


def _maxima(
    grid: Integers, row_offsets: Integers, column_offsets: Integers
) -> tuple[Integers, Integers, Integers]:
    """Return the maxima of the blocks and where they stand, by one integer that holds count and place."""
    size = grid.size
    place = np.arange(size, dtype=np.int64).reshape(grid.shape)
    keys = grid.astype(np.int64) * size + (size - 1 - place)
    keys = np.maximum.reduceat(keys, column_offsets[:-1], axis=1)
    keys = np.maximum.reduceat(keys, row_offsets[:-1], axis=0)
    count, rest = np.divmod(keys, size)
    rows, columns = np.divmod(size - 1 - rest, grid.shape[1])
    return count, rows, columns
