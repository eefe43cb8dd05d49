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
    return shared_by_item(by_item(rows, k), by_item(columns, k), column_limits)


def shared_in_folds(
    rows: NDArray[np.unsignedinteger],
    columns: NDArray[np.unsignedinteger],
    row_folds: NDArray[np.uint8],
    *,
    k: int,
    column_limits: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count as `shared_neighbours` does, and beside it those that lie in fold 1 (`folds.pair_folds`).

    Args:
        rows: lists of `r` layers, `(r, n, k_max)`.
        columns: lists of `c` layers, `(c, n, k_max)`.
        row_folds: `(r, n, k)`, the fold of every entry of the rows.
        k: how many of the nearest count.
        column_limits: as in `shared_neighbours`.

    Returns:
        Two `(r, c)` arrays: all counts, and those of fold 1.

    Raises:
        ValueError: the item counts differ, or k is out of range.
    """
    check_lists(rows.shape, columns.shape, k)
    # One sum holds both counts: n * k < 2**31 in the low half, those of fold 1 in the high half.
    weights = 1 + (row_folds.transpose(1, 0, 2).astype(np.int64) << 32)
    limits = _limits(len(rows), len(columns), column_limits)
    left, right = by_item(rows, k), by_item(columns, k)
    workers = max(1, min(numba.get_num_threads(), left.shape[0]))
    counts = np.zeros((workers, len(rows), len(columns)), np.int64)
    _count(left, right, limits, np.ascontiguousarray(weights), counts)
    both = counts.sum(axis=0)
    return both & 0xFFFFFFFF, both >> 32


def by_item(lists: NDArray[np.unsignedinteger], k: int) -> NDArray[np.int32]:
    """Return lists of `(layers, n, k_max)` as contiguous `(n, layers, k)`: the order of reading."""
    return np.ascontiguousarray(lists[:, :, :k].transpose(1, 0, 2).astype(np.int32))


def shared_by_item(
    rows: NDArray[np.int32], columns: NDArray[np.int32], column_limits: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Return what `shared_neighbours` does, of lists that `by_item` has laid out."""
    workers = max(1, min(numba.get_num_threads(), rows.shape[0]))
    counts = np.zeros((workers, rows.shape[1], columns.shape[1]), np.int32)
    _count(rows, columns, _limits(rows.shape[1], columns.shape[1], column_limits), None, counts)
    total: NDArray[np.int64] = counts.sum(axis=0, dtype=np.int64)
    return total


def _limits(rows: int, columns: int, given: NDArray[np.int64] | None) -> NDArray[np.int64]:
    return np.full(rows, columns, np.int64) if given is None else given


@numba.njit(parallel=True, cache=True, nogil=True)
def _count(
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    limits: NDArray[np.int64],
    weights: NDArray[np.int64] | None,
    counts: NDArray[np.signedinteger],
) -> None:
    """Add 1, or the entry's weight, to `(workers, r, c)` counts; worker w takes item w, w + workers, ..."""
    n, row_count, k = rows.shape
    column_count = columns.shape[1]
    workers = counts.shape[0]
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
                    weight = 1 if weights is None else weights[item, i, j]
                    for position in range(start[m], start[m] + held[m]):
                        column = holders[position]
                        if column >= limit:
                            break  # holders stand in ascending order
                        mine[i, column] += weight
            for i in range(column_count):
                for j in range(k):
                    held[listed[i, j]] = 0


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
