"""Neighbour lists of any length, and who lists whom: the reverse of neighbour lists, on a CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Lists = NDArray[np.unsignedinteger[Any]]
Integers = NDArray[np.int64]

LAYERS_AT_ONCE = 16  # of int32 counts fill a line of cache; the counts of 1,024 items stay near the core


@dataclass(frozen=True)
class RaggedLists:
    """Lists of items, of any length, for every item and layer.

    Attributes:
        entries: all lists one after the other, item by item and then layer by layer.
        starts: (n * layers + 1,), where the list of item r and layer i begins: at r * layers + i.
        item_count: n.
        layer_count: how many layers.
    """

    entries: Lists
    starts: Integers
    item_count: int
    layer_count: int


def as_ragged(lists: Lists) -> RaggedLists:
    """Return lists of (n, layers, k), which are not copied, as lists of any length."""
    n, layers, k = lists.shape
    return RaggedLists(lists.reshape(-1), np.arange(n * layers + 1, dtype=np.int64) * k, n, layers)


def reverse_lists(lists: Lists) -> RaggedLists:
    """Return, for every item and layer, the items in whose lists it is.

    Args:
        lists: (n, layers, k).
    """
    n, layers, _ = lists.shape
    starts = np.zeros(n * layers + 1, np.int64)
    entries = np.empty(lists.size, lists.dtype)
    _in_degrees(lists, starts[1:].reshape(n, layers))
    np.cumsum(starts, out=starts)
    _reverse(lists, starts, entries)
    return RaggedLists(entries, starts, n, layers)


@numba.njit(parallel=True, cache=True, nogil=True)
def _in_degrees(lists: Lists, degrees: Integers) -> None:
    n, layers, k = lists.shape
    for part in numba.prange((layers + LAYERS_AT_ONCE - 1) // LAYERS_AT_ONCE):
        for m in range(n):
            for i in range(part * LAYERS_AT_ONCE, min(layers, (part + 1) * LAYERS_AT_ONCE)):
                for j in range(k):
                    degrees[lists[m, i, j], i] += 1


@numba.njit(parallel=True, cache=True, nogil=True)
def _reverse(lists: Lists, starts: Integers, entries: Lists) -> None:
    n, layers, k = lists.shape
    for part in numba.prange((layers + LAYERS_AT_ONCE - 1) // LAYERS_AT_ONCE):
        filled = np.zeros((n, LAYERS_AT_ONCE), np.int32)
        first = part * LAYERS_AT_ONCE
        for m in range(n):
            for i in range(first, min(layers, first + LAYERS_AT_ONCE)):
                for j in range(k):
                    item = np.int64(lists[m, i, j])
                    entries[starts[item * layers + i] + filled[item, i - first]] = m
                    filled[item, i - first] += 1
