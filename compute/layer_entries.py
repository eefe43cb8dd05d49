"""The kernel of layers at their neighbours, found from both ends, on a CPU; and items that change places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from compute.reduction import offsets_of

Integers = NDArray[np.int64]
Lists = NDArray[np.unsignedinteger[Any]]
Values = NDArray[np.float32]

LAYERS_AT_ONCE = 16


class Entries(NamedTuple):
    """The kernel of layers at their neighbours, and the same entries found from the neighbour's end.

    Attributes:
        lists: (n, layers, k) neighbours.
        values: (n, layers, k) the kernel at these.
        returned: (n, layers, k) uint8, 1 where the item is a neighbour of its neighbour too.
        begins: (n * layers + 1,); the items that have m among their neighbours in layer i stand in `sources`
            from `begins[m * layers + i]`, ascending.
        sources: (n * layers * k,) these items.
        source_values: (n * layers * k,) the kernel there.
    """

    lists: Lists
    values: Values
    returned: NDArray[np.uint8]
    begins: Integers
    sources: Lists
    source_values: Values


def entries_of(lists: Lists, values: Values, returned: NDArray[np.uint8]) -> Entries:
    """Return entries, (n, layers, k), with the same found from the neighbour's end: as much memory again."""
    n, layers, _k = lists.shape
    begins = np.zeros(n * layers + 2, np.int64)
    sources, source_values = np.empty(lists.size, lists.dtype), np.empty(lists.size, np.float32)
    _turn_round(lists, values, begins, sources, source_values)
    return Entries(lists, values, returned, begins[:-1], sources, source_values)


@numba.njit(parallel=True, cache=True, nogil=True)
def _turn_round(
    lists: Lists, values: Values, begins: Integers, sources: Lists, source_values: Values
) -> None:
    """Sort entries by neighbour and layer: count two places ahead, fill one ahead, and places are right.

    Few layers at a time: what is written for them stays in the cache while the items go by.
    """
    n, layers, k = lists.shape
    blocks = (layers + LAYERS_AT_ONCE - 1) // LAYERS_AT_ONCE
    for block in numba.prange(blocks):
        for item in range(n):
            for i in range(block * LAYERS_AT_ONCE, min(layers, (block + 1) * LAYERS_AT_ONCE)):
                for e in range(k):
                    begins[np.int64(lists[item, i, e]) * layers + i + 2] += 1
    for place in range(2, len(begins)):
        begins[place] += begins[place - 1]
    for block in numba.prange(blocks):
        for item in range(n):
            for i in range(block * LAYERS_AT_ONCE, min(layers, (block + 1) * LAYERS_AT_ONCE)):
                for e in range(k):
                    cell = np.int64(lists[item, i, e]) * layers + i + 1
                    sources[begins[cell]] = item
                    source_values[begins[cell]] = values[item, i, e]
                    begins[cell] += 1


def renamed(lists: Lists, layer_counts: Integers, orders: Sequence[Integers]) -> Lists:
    """Return lists, (n, layers, k), after each embedding's items have changed places: i is `order[i]`."""
    order = np.stack(orders)
    inverse = np.empty(order.shape, lists.dtype)
    np.put_along_axis(inverse, order, np.arange(order.shape[1])[None, :], axis=1)
    result = np.empty_like(lists)
    _rename(lists, offsets_of(layer_counts), order, inverse, result)
    return result


def moved(values: NDArray[Any], layer_counts: Integers, orders: Sequence[Integers]) -> NDArray[Any]:
    """Return what stands beside lists, (n, layers, k), after the same change."""
    result = np.empty_like(values)
    _move(values, offsets_of(layer_counts), np.stack(orders), result)
    return result


@numba.njit(parallel=True, cache=True, nogil=True)
def _rename(lists: Lists, starts: Integers, order: Integers, inverse: Lists, result: Lists) -> None:
    n, _layers, k = lists.shape
    for item in numba.prange(n):
        for embedding in range(len(starts) - 1):
            source = order[embedding, item]
            for i in range(starts[embedding], starts[embedding + 1]):
                for e in range(k):
                    result[item, i, e] = inverse[embedding, lists[source, i, e]]


@numba.njit(parallel=True, cache=True, nogil=True)
def _move(values: NDArray[Any], starts: Integers, order: Integers, result: NDArray[Any]) -> None:
    n, _layers, k = values.shape
    for item in numba.prange(n):
        for embedding in range(len(starts) - 1):
            source = order[embedding, item]
            for i in range(starts[embedding], starts[embedding + 1]):
                for e in range(k):
                    result[item, i, e] = values[source, i, e]
