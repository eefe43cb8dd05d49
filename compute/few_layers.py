"""Shared neighbours of a few layers with many that are permuted, without laying the permuted ones out.

One more checkpoint in a large zoo has a null of this shape: in every draw all columns change places, and each
of their entries is looked at once. Moving them first and inverting them then costs twice as much.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Lists = NDArray[np.unsignedinteger[Any]]
Integers = NDArray[np.int64]
MOST_LAYERS = 16  # four bits each hold what a layer shares of one item
MOST_NEIGHBOURS = 15


def shared_with_permuted(
    rows: Lists, columns: Lists, starts: Integers, order: Integers, inverse: Lists
) -> Integers:
    """Count the neighbours that every layer of the rows shares with every permuted layer of the columns.

    Args:
        rows: (n, r, k) lists that have been permuted, r up to `MOST_LAYERS` and k up to `MOST_NEIGHBOURS`.
        columns: (n, c, k) lists that have not.
        starts: (embeddings + 1,), where each embedding of the columns begins.
        order: (embeddings, n), item i of an embedding is the old `order[i]`.
        inverse: (embeddings, n), of the lists' type: where an old item is now.

    Returns:
        (r, c) int64 counts.
    """
    n = rows.shape[0]
    workers = max(1, min(numba.get_num_threads(), n))
    counts = np.zeros((workers, columns.shape[1], rows.shape[1]), np.int32)
    _count(rows, columns, starts, order, inverse, counts)
    total: Integers = counts.sum(axis=0, dtype=np.int64).T
    return total


@numba.njit(parallel=True, cache=True, nogil=True)
def _count(
    rows: Lists,
    columns: Lists,
    starts: Integers,
    order: Integers,
    inverse: Lists,
    counts: NDArray[np.int32],
) -> None:
    """Add 1 to `(workers, c, r)` counts for every shared entry; worker w takes item w, w + workers, ..."""
    n, row_count, k = rows.shape
    workers = counts.shape[0]
    entries = columns.reshape(n, columns.shape[1] * k)
    for worker in numba.prange(workers):
        holders = np.zeros(n, np.uint64)  # by neighbour, four bits of 1 for each row layer that has it
        mine = counts[worker]
        for item in range(worker, n, workers):
            for i in range(row_count):
                for j in range(k):
                    holders[rows[item, i, j]] |= np.uint64(1) << np.uint64(4 * i)
            for embedding in range(len(starts) - 1):
                listed, place = entries[order[embedding, item]], inverse[embedding]
                for column in range(starts[embedding], starts[embedding + 1]):
                    found = np.uint64(0)
                    for entry in range(column * k, column * k + k):
                        found += holders[place[listed[entry]]]
                    for i in range(row_count):
                        mine[column, i] += np.int32((found >> np.uint64(4 * i)) & np.uint64(15))
            for i in range(row_count):
                for j in range(k):
                    holders[rows[item, i, j]] = 0
