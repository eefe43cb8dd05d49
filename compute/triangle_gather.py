"""Permuted triangles on a CPU: entries read through the order of the items."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Bits = NDArray[np.unsignedinteger[Any]]


@numba.njit(parallel=True, cache=True, nogil=True)
def gather(triangles: Bits, starts: Integers, orders: Integers, begin: int, moved: Bits) -> None:
    """Fill `moved` with entries of permuted triangles, as `triangle_products.gathered` returns them.

    Args:
        triangles: (L, P), their bits as unsigned integers.
        starts: (embeddings + 1,) where each embedding's layers begin.
        orders: (embeddings, n); item i of the result is item `orders[e, i]`.
        begin: the first entry.
        moved: (L, entries) to be filled.
    """
    count = moved.shape[1]
    for embedding in numba.prange(len(orders)):
        source = np.empty(count, np.uint32)  # n <= 65,536 items have fewer than 2**31 pairs
        _sources(orders[embedding], begin, source)
        for layer in range(starts[embedding], starts[embedding + 1]):
            old, new = triangles[layer], moved[layer]
            for entry in range(count):
                new[entry] = old[source[entry]]


@numba.njit(cache=True, nogil=True)
def _sources(order: Integers, begin: int, source: NDArray[np.uint32]) -> None:
    """Fill in where entries from `begin` on stood in the triangle before the items changed places."""
    n = len(order)
    i, first = 0, 0
    while first + n - 1 - i <= begin:
        first += n - 1 - i
        i += 1
    j = i + 1 + begin - first
    for place in range(len(source)):
        low, high = min(order[i], order[j]), max(order[i], order[j])
        source[place] = low * (2 * n - low - 1) // 2 + high - low - 1
        j += 1
        if j == n:
            i += 1
            j = i + 1
