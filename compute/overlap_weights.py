"""Sums over items of a weight of the overlap of two lists, for all layer pairs on a CPU."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from compute.inverted_lists import clear, invert, limits_of
from compute.reverse_lists import RaggedLists

Lists = NDArray[np.unsignedinteger[Any]]
Integers = NDArray[np.int64]


def weighed_overlaps(
    rows: RaggedLists, columns: RaggedLists, weights: Integers, limits: Integers | None = None
) -> Integers:
    """Return the sum over items of the weight of how many entries two lists share, (r, c).

    Args:
        rows: lists of r layers.
        columns: lists of c layers, of the same items.
        weights: of 0, 1, 2, ... shared entries, as many as there can be; that of 0 is 0.
        limits: (r,); row layer i is compared with the first `limits[i]` column layers only, and the others
            keep 0. None compares with all.
    """
    shape = rows.layer_count, columns.layer_count
    steps = np.diff(weights)
    workers = max(1, min(numba.get_num_threads(), rows.item_count))
    grids = np.zeros((workers, *shape), np.int64)
    _weigh(
        rows.entries, rows.starts, columns.entries, columns.starts, limits_of(*shape, limits), steps, grids
    )
    for grid in grids[1:]:
        grids[0] += grid
    total: Integers = grids[0]
    return total


@numba.njit(parallel=True, cache=True, nogil=True)
def _weigh(
    row_entries: Lists,
    row_starts: Integers,
    column_entries: Lists,
    column_starts: Integers,
    limits: Integers,
    steps: Integers,
    grids: NDArray[np.int64],
) -> None:
    """Add to (workers, r, c) grids; with its c-th shared entry a pair of lists gains `steps[c]`."""
    workers, row_count, column_count = grids.shape
    n = (len(row_starts) - 1) // row_count
    is_dense = n * n <= 4 * len(column_entries)
    most = 0
    for item in range(n):
        most = max(most, column_starts[(item + 1) * column_count] - column_starts[item * column_count])
    for worker in numba.prange(workers):
        begin, end = np.zeros(n + 1, np.int32), np.zeros(n + 1, np.int32)
        owners, holders = np.empty(most, np.int32), np.empty(most, np.int32)
        shared = np.zeros(column_count, np.uint16)
        for item in range(worker, n, workers):
            first = column_starts[item * column_count]
            for column in range(column_count):
                place = item * column_count + column
                owners[column_starts[place] - first : column_starts[place + 1] - first] = column
            entries = column_entries[first : column_starts[(item + 1) * column_count]]
            invert(entries, owners, is_dense, begin, end, holders)
            for i in range(row_count):
                place = item * row_count + i
                listed = row_entries[row_starts[place] : row_starts[place + 1]]
                _add(listed, limits[i], steps, begin, end, holders, shared, grids[worker, i])
            clear(entries, is_dense, begin, end)


@numba.njit(cache=True, nogil=True)
def _add(
    listed: Lists,
    limit: int,
    steps: Integers,
    begin: NDArray[np.int32],
    end: NDArray[np.int32],
    holders: NDArray[np.int32],
    shared: NDArray[np.uint16],
    grid: Integers,
) -> None:
    shared[:limit] = 0
    for m in listed:
        for position in range(begin[m], end[m]):
            column = holders[position]
            if column >= limit:
                break
            before = shared[column]
            grid[column] += steps[before]
            shared[column] = before + 1
