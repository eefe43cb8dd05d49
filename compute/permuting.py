"""Neighbour lists after their items have changed places, on a CPU."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Lists = NDArray[np.unsignedinteger[Any]]
Integers = NDArray[np.int64]


def moved_lists(lists: Lists, starts: Integers, order: Integers, inverse: Lists) -> Lists:
    """Return the lists of embeddings that are permuted each by its own permutation, (n, layers, k).

    Args:
        lists: (n, layers, k).
        starts: (embeddings + 1,), where each embedding's layers begin.
        order: (embeddings, n), item i is the old `order[i]`.
        inverse: (embeddings, n), of the lists' type: where an old item is now.
    """
    moved = np.empty_like(lists)
    _permute(lists, starts, order, inverse, moved)
    return moved


@numba.njit(parallel=True, cache=True, nogil=True)
def _permute(lists: Lists, starts: Integers, order: Integers, inverse: Lists, moved: Lists) -> None:
    n, layers, k = lists.shape
    entries, result = lists.reshape(n, layers * k), moved.reshape(n, layers * k)
    for item in numba.prange(n):
        for embedding in range(len(starts) - 1):
            source, place = order[embedding, item], inverse[embedding]
            for entry in range(starts[embedding] * k, starts[embedding + 1] * k):
                result[item, entry] = place[entries[source, entry]]
