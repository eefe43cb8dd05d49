"""From the grid of layer pairs to one number per pair of embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Reducer = Literal["max", "last"]


@dataclass(frozen=True)
class BestLayers:
    """The reduced entry of each pair of embeddings and the layers that gave it; arrays of (rows, columns)."""

    value: NDArray[Any]
    row_layer: Integers
    column_layer: Integers


def offsets_of(layer_counts: Integers) -> Integers:
    """Return where each embedding's layers begin when all are stacked; one longer than `layer_counts`."""
    return np.concatenate(([0], np.cumsum(layer_counts))).astype(np.int64)


def compared_cells(row_layer_counts: Integers, column_layer_counts: Integers) -> Flags:
    """Return which layer pairs are compared where each embedding's last layer is all of its layers at once.

    That one is compared with its like only (Huh et al. 2024, appendix): (all row layers, all column layers).
    """
    row_is_all, column_is_all = (_is_last(counts) for counts in (row_layer_counts, column_layer_counts))
    cells: Flags = row_is_all[:, None] == column_is_all[None, :]
    return cells


def layer_pair_counts(
    row_layer_counts: Integers, column_layer_counts: Integers, *, is_concatenated: bool = False
) -> Integers:
    """Return how many layer pairs are compared for each pair of embeddings, (rows, columns)."""
    if is_concatenated:
        return np.outer(row_layer_counts - 1, column_layer_counts - 1) + 1
    return np.outer(row_layer_counts, column_layer_counts)


def _is_last(layer_counts: Integers) -> Flags:
    last = np.zeros(int(layer_counts.sum()), np.bool_)
    last[offsets_of(layer_counts)[1:] - 1] = True
    return last


def best_layers(
    grid: NDArray[Any],
    row_layer_counts: Integers,
    column_layer_counts: Integers,
    reducer: Reducer = "max",
    *,
    cells: Flags | None = None,
) -> BestLayers:
    """Reduce a grid of stacked layers to one entry per pair of embeddings.

    Of equal maxima the one with the lowest row layer and then the lowest column layer is taken, whatever
    block the pair was computed in. The maximum begins at the lowest entry, not at 0: it may be negative.

    Args:
        grid: (r, c) entries, r and c being the sums of the layer counts.
        row_layer_counts: how many layers each embedding of the rows has.
        column_layer_counts: how many layers each embedding of the columns has.
        reducer: `max` over all layer pairs, or the pair of `last` layers.
        cells: (r, c), which layer pairs count (`compared_cells`); None for all.

    Raises:
        ValueError: the grid's shape is not the sum of the layer counts.
    """
    row_offsets, column_offsets = offsets_of(row_layer_counts), offsets_of(column_layer_counts)
    if grid.shape != (row_offsets[-1], column_offsets[-1]):
        raise ValueError(f"the grid is {grid.shape}, the layers are {(row_offsets[-1], column_offsets[-1])}")
    if reducer == "last":
        row_last, column_last = row_offsets[1:] - 1, column_offsets[1:] - 1
        value = grid[np.ix_(row_last, column_last)]
        rows, columns = np.broadcast_arrays(row_last[:, None], column_last[None, :])
    else:
        chosen = grid if cells is None else np.where(cells, grid, lowest(grid))
        value = maxima(chosen, row_layer_counts, column_layer_counts)
        rows, columns = _first_places(chosen, value, row_layer_counts, column_layer_counts)
    return BestLayers(value, rows - row_offsets[:-1, None], columns - column_offsets[None, :-1])


def maxima(grid: NDArray[Any], row_layer_counts: Integers, column_layer_counts: Integers) -> NDArray[Any]:
    """Return the maximum over the layer pairs of each pair of embeddings; the last two axes are the grid."""
    row_starts, column_starts = offsets_of(row_layer_counts)[:-1], offsets_of(column_layer_counts)[:-1]
    largest: NDArray[Any] = np.maximum.reduceat(
        np.maximum.reduceat(grid, column_starts, axis=-1), row_starts, axis=-2
    )
    return largest


def lowest(grid: NDArray[Any]) -> Any:
    """Return what is below every entry of a grid: counts begin at 0."""
    return -1 if np.issubdtype(grid.dtype, np.integer) else -np.inf


def _first_places(
    grid: NDArray[Any], value: NDArray[Any], row_layer_counts: Integers, column_layer_counts: Integers
) -> tuple[Integers, Integers]:
    spread = np.repeat(np.repeat(value, row_layer_counts, axis=0), column_layer_counts, axis=1)
    place = np.arange(grid.size, dtype=np.int64).reshape(grid.shape)
    places = np.where(grid == spread, place, grid.size)
    row_starts, column_starts = offsets_of(row_layer_counts)[:-1], offsets_of(column_layer_counts)[:-1]
    first = np.minimum.reduceat(np.minimum.reduceat(places, column_starts, axis=1), row_starts, axis=0)
    rows, columns = np.divmod(first, grid.shape[1])
    return rows, columns
