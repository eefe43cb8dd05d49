"""Shared neighbours of many layers on a CPU: for each item, who holds each neighbour."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from compute.metrics.mutual_knn import check_lists


def shared_neighbours(
    rows: NDArray[np.unsignedinteger],
    columns: NDArray[np.unsignedinteger],
    *,
    k: int,
    column_limits: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Count the neighbours that layers of the rows share with layers of the columns, as `mutual_knn` does.

    Args:
        rows: lists of `r` layers, `(r, n, k_max)`.
        columns: lists of `c` layers, `(c, n, k_max)`.
        k: how many of the nearest count.
        column_limits: `(r,)`; row layer i is compared with the first `column_limits[i]` columns only, which
            halves the work where rows and columns are the same layers. None compares with all.

    Returns:
        `(r, c)` int64 counts; 0 beyond the limits.

    Raises:
        ValueError: the item counts differ, or k is out of range.
    """
    check_lists(rows.shape, columns.shape, k)
    n = rows.shape[1]
    limits = np.full(len(rows), len(columns), np.int64) if column_limits is None else column_limits
    by_item_rows = np.ascontiguousarray(rows[:, :, :k].transpose(1, 0, 2).astype(np.int32))
    by_item_columns = np.ascontiguousarray(columns[:, :, :k].transpose(1, 0, 2).astype(np.int32))
    workers = max(1, min(numba.get_num_threads(), n))
    partial: NDArray[np.int32] = _count(by_item_rows, by_item_columns, limits, workers)
    counts: NDArray[np.int64] = partial.sum(axis=0, dtype=np.int64)
    return counts


@numba.njit(parallel=True, cache=True, nogil=True)
def _count(
    rows: NDArray[np.int32], columns: NDArray[np.int32], limits: NDArray[np.int64], workers: int
) -> NDArray[np.int32]:
    """Return `(workers, r, c)` counts; worker w takes the items w, w + workers, ..."""
    n, row_count, k = rows.shape
    column_count = columns.shape[1]
    counts = np.zeros((workers, row_count, column_count), np.int32)
    for worker in numba.prange(workers):
        held = np.zeros(n, np.int32)  # how many columns hold neighbour m of this item
        start = np.zeros(n, np.int32)  # where their numbers begin in `holders`
        holders = np.empty(column_count * k, np.int32)
        mine = counts[worker]
        for item in range(worker, n, workers):
            listed = columns[item]
            _invert(listed, held, start, holders)
            for i in range(row_count):
                limit = limits[i]
                for j in range(k):
                    m = rows[item, i, j]
                    for position in range(start[m], start[m] + held[m]):
                        column = holders[position]
                        if column >= limit:
                            break  # holders stand in ascending order
                        mine[i, column] += 1
            for i in range(column_count):
                for j in range(k):
                    held[listed[i, j]] = 0
    return counts


@numba.njit(cache=True, nogil=True)
def _invert(
    listed: NDArray[np.int32], held: NDArray[np.int32], start: NDArray[np.int32], holders: NDArray[np.int32]
) -> None:
    """Turn the lists of an item, (c, k), into the ascending column numbers that hold each neighbour."""
    column_count, k = listed.shape
    for i in range(column_count):
        for j in range(k):
            held[listed[i, j]] += 1
    used = 0
    for i in range(column_count):
        for j in range(k):
            m = listed[i, j]
            if held[m] > 0:  # the first time that m is seen: reserve its places, and mark it as seen
                start[m] = used
                used += held[m]
                held[m] = -held[m]
    for i in range(column_count):
        for j in range(k):
            m = listed[i, j]
            holders[start[m]] = i
            start[m] += 1
    for i in range(column_count):
        for j in range(k):
            m = listed[i, j]
            if held[m] < 0:
                held[m] = -held[m]
                start[m] -= held[m]
