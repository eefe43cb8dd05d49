"""Shared neighbours of many layers on a CPU: for each item, who holds each neighbour."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from compute.metrics.neighbour_lists import by_item, check_lists

__all__ = [
    "by_item",
    "clear",
    "invert",
    "limits_of",
    "shared_by_item",
    "shared_in_folds",
    "shared_neighbours",
]

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
    limits = limits_of(len(rows), len(columns), column_limits)
    left, right = by_item(rows, k), by_item(columns, k)
    workers = max(1, min(numba.get_num_threads(), left.shape[0]))
    counts = np.zeros((workers, len(rows), len(columns)), np.int64)
    _count(left, right, limits, np.ascontiguousarray(weights), counts)
    both = counts.sum(axis=0)
    return both & 0xFFFFFFFF, both >> 32


def shared_by_item(
    rows: Lists, columns: Lists, column_limits: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Return what `shared_neighbours` does, of lists that `by_item` has laid out."""
    workers = max(1, min(numba.get_num_threads(), rows.shape[0]))
    counts = np.zeros((workers, rows.shape[1], columns.shape[1]), np.int32)
    _count(rows, columns, limits_of(rows.shape[1], columns.shape[1], column_limits), None, counts)
    total: NDArray[np.int64] = counts.sum(axis=0, dtype=np.int64)
    return total


def limits_of(rows: int, columns: int, given: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return how many of the columns each of the rows is compared with: all, unless limits are given."""
    return np.full(rows, columns, np.int64) if given is None else np.asarray(given, np.int64)


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
    entries = columns.reshape(n, column_count * k)
    workers = counts.shape[0]
    is_dense = n <= 4 * column_count * k
    owners = np.empty(column_count * k, np.int32)
    for entry in range(column_count * k):
        owners[entry] = entry // k
    for worker in numba.prange(workers):
        begin = np.zeros(n + 1, np.int32)  # where the columns that hold neighbour m begin in `holders`
        end = np.zeros(n + 1, np.int32)  # and where they end
        holders = np.empty(column_count * k, np.int32)  # column numbers, ascending for each neighbour
        mine = counts[worker]
        for item in range(worker, n, workers):
            invert(entries[item], owners, is_dense, begin, end, holders)
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
            clear(entries[item], is_dense, begin, end)


@numba.njit(cache=True, nogil=True)
def invert(
    entries: Lists,
    owners: NDArray[np.signedinteger[Any]],
    is_dense: bool,
    begin: NDArray[np.int32],
    end: NDArray[np.int32],
    holders: NDArray[np.signedinteger[Any]],
) -> None:
    """Sort what owns the entries of an item by the neighbours that the entries are, in their order.

    Args:
        entries: neighbours.
        owners: of each entry, what is to be found under its neighbour.
        is_dense: whether n is not far above the number of entries; else no step takes n.
        begin: (n + 1,), becomes where the owners of neighbour m begin in `holders`.
        end: (n + 1,), becomes where they end; both are zero before unless dense (`clear`).
        holders: as many as there are entries, becomes the owners.
    """
    if is_dense:
        _invert_dense(entries, owners, begin, end, holders)
    else:
        _invert_sparse(entries, owners, begin, end, holders)


@numba.njit(cache=True, nogil=True)
def clear(entries: Lists, is_dense: bool, begin: NDArray[np.int32], end: NDArray[np.int32]) -> None:
    """Make `begin` and `end` ready for the next item."""
    if not is_dense:
        for m in entries:
            begin[m] = 0
            end[m] = 0


@numba.njit(cache=True, nogil=True)
def _invert_dense(
    entries: Lists,
    owners: NDArray[np.signedinteger[Any]],
    begin: NDArray[np.int32],
    end: NDArray[np.int32],
    holders: NDArray[np.signedinteger[Any]],
) -> None:
    """Sort by counting: O(n) and two passes."""
    n = len(begin) - 1
    begin[:] = 0
    for m in entries:
        begin[m + np.uint32(1)] += 1
    for m in range(n):
        begin[m + 1] += begin[m]
        end[m] = begin[m]
    for entry, m in enumerate(entries):
        holders[end[m]] = owners[entry]
        end[m] += 1


@numba.njit(cache=True, nogil=True)
def _invert_sparse(
    entries: Lists,
    owners: NDArray[np.signedinteger[Any]],
    begin: NDArray[np.int32],
    end: NDArray[np.int32],
    holders: NDArray[np.signedinteger[Any]],
) -> None:
    """Do the same where n is far above the entries, in time that does not depend on n.

    A first pass counts in `end`, below zero once reserved.
    """
    for m in entries:
        end[m] += 1
    used = 0
    for m in entries:
        if end[m] > 0:  # the first time that m is seen: reserve its places
            begin[m] = used
            used += end[m]
            end[m] = -1 - begin[m]  # below zero: where the next of its owners goes, turned round
    for entry, m in enumerate(entries):
        holders[-1 - end[m]] = owners[entry]
        end[m] -= 1
    for m in entries:
        if end[m] < 0:
            end[m] = -1 - end[m]
