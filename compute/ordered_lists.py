"""Common subsequences and edits of ordered lists without repeats, for all layer pairs on a CPU.

Only what two lists share costs anything: the entries that a row list has in common with all column lists
come from inverted lists, in the order of the row list, each with its place in the column list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from compute.inverted_lists import clear, invert, limits_of

Lists = NDArray[np.unsignedinteger[Any]]
Integers = NDArray[np.int64]

PLACE_BITS = 32  # a holder is a column and, in its low bits, a place in that column's list
PLACE_MASK = 2**PLACE_BITS - 1
WORD_BITS = 64


def common_subsequences(rows: Lists, columns: Lists, limits: Integers | None = None) -> Integers:
    """Return the sum over items of the lengths of the longest common subsequences of two lists, (r, c).

    Args:
        rows: (n, r, k) lists of r layers.
        columns: (n, c, k) lists of c layers.
        limits: (r,); row layer i is compared with the first `limits[i]` column layers only, and the others
            keep 0. None compares with all.
    """
    return _summed(_subsequences, rows, columns, limits)


def edits_saved(rows: Lists, columns: Lists, limits: Integers | None = None) -> Integers:
    """Return the sum over items of k minus the Levenshtein distance of two lists, (r, c).

    Args:
        rows: (n, r, k) lists of r layers.
        columns: (n, c, k) lists of c layers.
        limits: as in `common_subsequences`.
    """
    return _summed(_edits, rows, columns, limits)


def subsequence_per_item(left: Lists, right: Lists) -> Integers:
    """Return the length of the longest common subsequence of each item's lists in two layers, (n, k) each."""
    lengths, _ = _per_item(left, right)
    return lengths


def edits_saved_per_item(left: Lists, right: Lists) -> Integers:
    """Return k minus the Levenshtein distance of each item's lists in two layers, (n, k) each."""
    _, saved = _per_item(left, right)
    return saved


def _summed(kernel: Callable[..., None], rows: Lists, columns: Lists, limits: Integers | None) -> Integers:
    shape = rows.shape[1], columns.shape[1]
    workers = max(1, min(numba.get_num_threads(), len(rows)))
    grids = np.zeros((workers, *shape), np.int32)
    kernel(rows, columns, limits_of(*shape, limits), grids)
    total: Integers = grids.sum(axis=0, dtype=np.int64)
    return total


@numba.njit(cache=True, nogil=True)
def _owners(layers: int, k: int) -> Integers:
    owners = np.empty(layers * k, np.int64)
    for entry in range(layers * k):
        owners[entry] = ((entry // k) << PLACE_BITS) | (entry % k)
    return owners


@numba.njit(parallel=True, cache=True, nogil=True)
def _subsequences(rows: Lists, columns: Lists, limits: Integers, grids: NDArray[np.int32]) -> None:
    """Add to (workers, r, c) grids, for every pair one at each entry that makes a subsequence longer."""
    n, row_count, k = rows.shape
    column_count = columns.shape[1]
    listed = columns.reshape(n, column_count * k)
    workers = grids.shape[0]
    owners = _owners(column_count, k)
    is_dense = n <= 4 * len(owners)
    for worker in numba.prange(workers):
        begin, end = np.zeros(n + 1, np.int32), np.zeros(n + 1, np.int32)
        holders = np.empty_like(owners)
        tails = np.zeros((column_count, (k + WORD_BITS - 1) // WORD_BITS), np.uint64)
        for item in range(worker, n, workers):
            invert(listed[item], owners, is_dense, begin, end, holders)
            for i in range(row_count):
                limit, grid = limits[i], grids[worker, i]
                tails[:limit] = 0
                for m in rows[item, i]:
                    for position in range(begin[m], end[m]):
                        column = holders[position] >> PLACE_BITS
                        if column >= limit:
                            break
                        grid[column] += _extend(tails, column, holders[position] & PLACE_MASK)
            clear(listed[item], is_dense, begin, end)


@numba.njit(cache=True, nogil=True)
def _extend(tails: NDArray[np.uint64], column: int, place: int) -> int:
    """Return 1 if an entry that a column holds at a place makes its longest increasing subsequence longer.

    Bits are the places at which subsequences of length 1, 2, ... can end: the new one takes the seat of the
    next higher, if there is one.
    """
    word = place // WORD_BITS
    bit = np.uint64(1) << np.uint64(place % WORD_BITS)
    held = tails[column, word]
    above = held & ~(bit | (bit - np.uint64(1)))
    tails[column, word] = (held | bit) ^ (above & (~above + np.uint64(1)))
    if above:
        return 0
    for later in range(word + 1, tails.shape[1]):
        held = tails[column, later]
        if held:
            tails[column, later] = held & (held - np.uint64(1))
            return 0
    return 1


@numba.njit(parallel=True, cache=True, nogil=True)
def _edits(rows: Lists, columns: Lists, limits: Integers, grids: NDArray[np.int32]) -> None:
    """Add to (workers, r, c) grids the edits that every pair of lists saves."""
    n, row_count, k = rows.shape
    column_count = columns.shape[1]
    listed = columns.reshape(n, column_count * k)
    workers = grids.shape[0]
    owners = _owners(column_count, k)
    is_dense = n <= 4 * len(owners)
    for worker in numba.prange(workers):
        begin, end = np.zeros(n + 1, np.int32), np.zeros(n + 1, np.int32)
        holders = np.empty_like(owners)
        shared, most = np.zeros(column_count, np.int32), np.zeros(column_count, np.int32)
        chains = np.empty((k, 3, column_count), np.int32)
        for item in range(worker, n, workers):
            invert(listed[item], owners, is_dense, begin, end, holders)
            for i in range(row_count):
                limit, grid = limits[i], grids[worker, i]
                shared[:limit] = 0
                most[:limit] = 0
                for q in range(k):
                    m = rows[item, i, q]
                    for position in range(begin[m], end[m]):
                        column = holders[position] >> PLACE_BITS
                        if column >= limit:
                            break
                        saved = _chain(chains, shared, column, q, holders[position] & PLACE_MASK)
                        before = most[column]
                        grid[column] += max(saved - before, 0)
                        most[column] = max(saved, before)
            clear(listed[item], is_dense, begin, end)


@numba.njit(cache=True, nogil=True)
def _chain(chains: NDArray[np.int32], shared: NDArray[np.int32], column: int, q: int, place: int) -> int:
    """Return what the best alignment saves that ends with an entry at `q` in one list, `place` in the other.

    An alignment is a chain of shared entries that rises in both lists. Between two of them it costs the
    longer of both gaps: the mean of the gaps plus half of what the shift between the lists changes. So a
    chain of c entries saves c minus half the changes of the shift, from 0 over the chain's shifts to 0, of
    the k edits that no chain at all costs.

    Args:
        chains: (k, 3, c), of entries shared so far, in the order of q: the place, the shift, and twice
            what the best chain that ends there saves, with no way back to shift 0.
        shared: (c,), how many there are that may still be worth something.
        column: which column layer.
        q: where the entry is in the row list.
        place: where it is in the column list.
    """
    count, shift = shared[column], q - place
    gain = -abs(shift)
    for before in range(count):
        if chains[before, 0, column] < place:
            gain = max(gain, chains[before, 2, column] - abs(shift - chains[before, 1, column]))
    gain += 2
    chains[count, 0, column] = place
    chains[count, 1, column] = shift
    chains[count, 2, column] = gain
    saved = (gain - abs(shift)) // 2
    # What cannot save anything even if all that is left were shared is not kept.
    shared[column] = count + (saved + len(chains) - 1 - max(q, place) > 0)
    return saved


@numba.njit(cache=True, nogil=True)
def _per_item(left: Lists, right: Lists) -> tuple[Integers, Integers]:
    n, k = left.shape
    lengths, saved = np.zeros(n, np.int64), np.zeros(n, np.int64)
    place_of = np.full(n, -1, np.int32)
    chains, shared = np.empty((k, 3, 1), np.int32), np.zeros(1, np.int32)
    tails = np.zeros((1, (k + WORD_BITS - 1) // WORD_BITS), np.uint64)
    for item in range(n):
        shared[:] = 0
        tails[:] = 0
        for place in range(k):
            place_of[right[item, place]] = place
        for q in range(k):
            place = place_of[left[item, q]]
            if place >= 0:
                lengths[item] += _extend(tails, 0, place)
                saved[item] = max(saved[item], _chain(chains, shared, 0, q, place))
        for m in right[item]:
            place_of[m] = -1
    return lengths, saved
