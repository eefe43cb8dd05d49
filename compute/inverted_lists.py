"""Shared neighbours of many layers on a CPU: for each item, who holds each neighbour."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from compute.metrics.mutual_knn import check_lists

Lists = NDArray[np.unsignedinteger[Any]]


def shared_neighbours(
    rows: NDArray[np.unsignedinteger[Any]],
    columns: NDArray[np.unsignedinteger[Any]],
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
    rows: NDArray[np.unsignedinteger[Any]],
    columns: NDArray[np.unsignedinteger[Any]],
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


def by_item(lists: NDArray[np.unsignedinteger[Any]], k: int) -> Lists:
    """Return lists of `(layers, n, k_max)` as contiguous `(n, layers, k)`: the order of reading.

    Of the narrowest unsigned type: numba checks signed positions for being negative, and half the bytes are
    half the traffic.
    """
    narrow = np.uint16 if lists.shape[1] <= 2**16 else np.uint32
    return np.ascontiguousarray(lists[:, :, :k].transpose(1, 0, 2).astype(narrow))


def shared_by_item(
    rows: Lists, columns: Lists, column_limits: NDArray[np.int64] | None = None
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
    rows: Lists,
    columns: Lists,
    limits: NDArray[np.int64],
    weights: NDArray[np.int64] | None,
    counts: NDArray[np.signedinteger[Any]],
) -> None:
    """Add 1, or the entry's weight, to `(workers, r, c)` counts; worker w takes item w, w + workers, ..."""
    n, row_count, k = rows.shape
    column_count = columns.shape[1]
    workers = counts.shape[0]
    is_dense = n <= 4 * column_count * k
    for worker in numba.prange(workers):
        begin = np.zeros(n + 1, np.int32)  # where the columns that hold neighbour m begin in `holders`
        end = np.zeros(n + 1, np.int32)  # and where they end
        holders = np.empty(column_count * k, np.int32)  # column numbers, ascending for each neighbour
        mine = counts[worker]
        for item in range(worker, n, workers):
            listed = columns[item]
            if is_dense:
                _invert_dense(listed, begin, end, holders)
            else:
                _invert_sparse(listed, begin, end, holders)
            for i in range(row_count):
                limit, counted = limits[i], mine[i]
                for j in range(k):
                    m = rows[item, i, j]
                    weight = 1 if weights is None else weights[item, i, j]
                    for position in range(begin[m], end[m]):
                        column = holders[position]
                        if column >= limit:
                            break
                        counted[column] += weight
            if not is_dense:
                for i in range(column_count):
                    for j in range(k):
                        begin[listed[i, j]] = 0
                        end[listed[i, j]] = 0


@numba.njit(cache=True, nogil=True)
def _invert_dense(
    listed: Lists, begin: NDArray[np.int32], end: NDArray[np.int32], holders: NDArray[np.int32]
) -> None:
    """Sort the columns of an item, (c, k), by the neighbours that they hold: O(n) and two passes."""
    column_count, k = listed.shape
    n = len(begin) - 1
    begin[:] = 0
    for i in range(column_count):
        for j in range(k):
            begin[listed[i, j] + np.uint32(1)] += 1
    for m in range(n):
        begin[m + 1] += begin[m]
        end[m] = begin[m]
    for i in range(column_count):
        for j in range(k):
            m = listed[i, j]
            holders[end[m]] = i
            end[m] += 1


@numba.njit(cache=True, nogil=True)
def _invert_sparse(
    listed: Lists, begin: NDArray[np.int32], end: NDArray[np.int32], holders: NDArray[np.int32]
) -> None:
    """Do the same where n is far above the entries, in time that does not depend on n.

    `begin` and `end` are zero when it is called; a first pass counts in `end`, below zero once reserved.
    """
    column_count, k = listed.shape
    for i in range(column_count):
        for j in range(k):
            end[listed[i, j]] += 1
    used = 0
    for i in range(column_count):
        for j in range(k):
            m = listed[i, j]
            if end[m] > 0:  # the first time that m is seen: reserve its places
                begin[m] = used
                used += end[m]
                end[m] = -1 - begin[m]  # below zero: where the next of its columns goes, turned round
    for i in range(column_count):
        for j in range(k):
            m = listed[i, j]
            holders[-1 - end[m]] = i
            end[m] -= 1
    for i in range(column_count):
        for j in range(k):
            m = listed[i, j]
            if end[m] < 0:
                end[m] = -1 - end[m]
