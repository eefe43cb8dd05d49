"""Sums over the neighbours that two layers share, of all layer pairs, on a CPU: inverted lists of values."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from compute.layer_entries import Entries, Integers, Lists, Values

Reals = NDArray[np.float64]
Places = NDArray[np.uint32]  # unsigned: numba checks signed places for being negative

UNUSED = 2**32 - 1
BATCH = 8


class Held(NamedTuple):
    """Entries of some items, sorted: whose each is, its value, and the value again where returned, else 0."""

    layer: NDArray[np.uint32]
    value: Values
    returned: Values


def masked_sums(
    rows: Entries, columns: Entries, *, directions: int, limits: Integers | None = None
) -> tuple[Reals, Reals, Reals]:
    """Return the sums of which unbiased HSIC of masked kernels consists, of all layer pairs.

    With K~ and L~ the kernels of row layer i and column layer j on the neighbours that both have:
    sum(K~ o L~'), sum(K~) sum(L~), and sum(K~ L~). Nothing n x n is made; a worker holds 3 + directions
    matrices of (r, c) doubles.

    Args:
        rows: entries of r layers.
        columns: entries of c layers, of the same items.
        directions: 2 gives sum(K~ L~) and sum(L~ K~); 1 gives their mean, as the first.
        limits: (r,); row layer i is wanted with the first `limits[i]` columns only. None wants all.

    Returns:
        (r, c), (r, c) and (directions, r, c); 0 beyond the limits.
    """
    n, row_count, _ = rows.lists.shape
    column_count = columns.lists.shape[1]
    workers = max(1, min(numba.get_num_threads(), n))
    sums = np.zeros((workers, row_count, 3 + directions, column_count))
    _add_masked(rows, columns, _limits(row_count, column_count, limits), sums)
    first, of_rows, of_columns, *third = sums.sum(axis=0).transpose(1, 0, 2)
    return first, of_rows * of_columns, np.stack(third) / (3 - directions)


def shared_products(
    row_lists: Lists, row_values: Values, lists: Lists, values: Values, *, limits: Integers | None = None
) -> Reals:
    """Return the sum of the products of two kernels over the neighbours that both layers have, (r, c).

    Args:
        row_lists: (n, r, k) neighbours.
        row_values: (n, r, k) the kernel at these.
        lists: (n, c, k) neighbours of the columns.
        values: (n, c, k) the kernel at these.
        limits: as in `masked_sums`.
    """
    n, row_count, _ = row_lists.shape
    sums = np.zeros((max(1, min(numba.get_num_threads(), n)), row_count, lists.shape[1]))
    _add_products(row_lists, row_values, lists, values, _limits(row_count, lists.shape[1], limits), sums)
    total: Reals = sums.sum(axis=0)
    return total


def _limits(rows: int, columns: int, given: Integers | None) -> Integers:
    wanted = np.full(rows, columns, np.int64) if given is None else given
    return np.minimum(wanted, columns, dtype=np.int64)


@numba.njit(parallel=True, cache=True, nogil=True)
def _add_masked(rows: Entries, columns: Entries, limits: Integers, sums: Reals) -> None:
    """Add to `(workers, r, 3 + directions, c)` sums; worker w takes batch w, w + workers, ... of items.

    A row of the sums stays in the cache for all items of a batch: it would be fetched for each otherwise.
    """
    n, row_count, _k = rows.lists.shape
    column_count, size = columns.lists.shape[1], columns.lists.shape[1] * columns.lists.shape[2]
    workers = sums.shape[0]
    for worker in numba.prange(workers):
        begin, end = np.full((BATCH, n), UNUSED, np.uint32), np.zeros((BATCH, n), np.uint32)
        begin_back, end_back = np.full((BATCH, n), UNUSED, np.uint32), np.zeros((BATCH, n), np.uint32)
        sums_of_item = np.empty((2, column_count))
        held = _held(BATCH * size)
        held_back = _held(0)
        for start in range(worker * BATCH, n, workers * BATCH):
            stop = min(start + BATCH, n)
            first = columns.begins[start * column_count]
            needed = columns.begins[stop * column_count] - first
            if needed > len(held_back.layer):
                held_back = _held(needed)
            for m in range(start, stop):
                b = m - start
                _invert_lists(
                    columns.lists[m], columns.values[m], columns.returned[m], b * size, begin[b], end[b], held
                )
                cells = columns.begins[m * column_count : (m + 1) * column_count + 1]
                _invert_sources(columns, cells, first, begin_back[b], end_back[b], held_back)
            for i in range(row_count):
                for m in range(start, stop):
                    b, mine, limit = m - start, sums[worker, i], limits[i]
                    _add_row(rows, m, i, limit, begin[b], end[b], held, sums_of_item, mine)
                    _add_back(rows, m, i, limit, begin_back[b], end_back[b], held_back, sums_of_item, mine)
            for m in range(start, stop):
                b = m - start
                _forget(columns.lists[m].ravel(), begin[b], end[b])
                low, high = columns.begins[m * column_count], columns.begins[(m + 1) * column_count]
                _forget(columns.sources[low:high], begin_back[b], end_back[b])


@numba.njit(cache=True, nogil=True, inline="always")
def _add_row(
    rows: Entries,
    m: int,
    i: int,
    limit: int,
    begin: Places,
    end: Places,
    held: Held,
    of_item: Reals,
    sums: Reals,
) -> None:
    """Add what item m gives to the first three sums of row layer i; its sums over the row go to `of_item`."""
    of_row, of_column = of_item
    of_row[:limit] = 0.0
    of_column[:limit] = 0.0
    first, row_sum, column_sum = sums[0], sums[1], sums[2]
    for e in range(rows.lists.shape[2]):
        s = rows.lists[m, i, e]
        mine = np.float64(rows.values[m, i, e])
        mine_returned = mine * rows.returned[m, i, e]
        for place in range(begin[s], end[s]):
            j = held.layer[place]
            if j >= limit:
                break
            of_row[j] += mine
            of_column[j] += held.value[place]
            first[j] += mine_returned * held.returned[place]
    for j in range(limit):
        row_sum[j] += of_row[j]
        column_sum[j] += of_column[j]


@numba.njit(cache=True, nogil=True, inline="always")
def _add_back(
    rows: Entries,
    m: int,
    i: int,
    limit: int,
    begin: Places,
    end: Places,
    held: Held,
    of_item: Reals,
    sums: Reals,
) -> None:
    """Add what item m gives to sum(K~ L~): the sum of K~ over its column times the sum of L~ over its row."""
    of_row, of_column = of_item
    forward, backward = sums[3], sums[len(sums) - 1]
    cell = m * rows.lists.shape[1] + i
    for entry in range(rows.begins[cell], rows.begins[cell + 1]):
        r = rows.sources[entry]
        mine = np.float64(rows.source_values[entry])
        for place in range(begin[r], end[r]):
            j = held.layer[place]
            if j >= limit:
                break
            forward[j] += mine * of_column[j]
            backward[j] += held.value[place] * of_row[j]


@numba.njit(parallel=True, cache=True, nogil=True)
def _add_products(
    row_lists: Lists, row_values: Values, lists: Lists, values: Values, limits: Integers, sums: Reals
) -> None:
    """Add to `(workers, r, c)` sums of products; worker w takes item w, w + workers, ..."""
    n, row_count, k = row_lists.shape
    workers, size = sums.shape[0], lists.shape[1] * lists.shape[2]
    for worker in numba.prange(workers):
        begin, end, held = np.full(n, UNUSED, np.uint32), np.zeros(n, np.uint32), _held(size)
        all_returned = np.ones(lists.shape[1:], np.uint8)
        for m in range(worker, n, workers):
            _invert_lists(lists[m], values[m], all_returned, 0, begin, end, held)
            for i in range(row_count):
                limit, mine = limits[i], sums[worker, i]
                for e in range(k):
                    s = row_lists[m, i, e]
                    factor = np.float64(row_values[m, i, e])
                    for place in range(begin[s], end[s]):
                        j = held.layer[place]
                        if j >= limit:
                            break
                        mine[j] += factor * held.value[place]
            _forget(lists[m].ravel(), begin, end)


@numba.njit(cache=True, nogil=True)
def _held(size: int) -> Held:
    return Held(np.empty(size, np.uint32), np.empty(size, np.float32), np.empty(size, np.float32))


@numba.njit(cache=True, nogil=True)
def _invert_lists(
    listed: Lists,
    values: Values,
    returned: NDArray[np.uint8],
    used: int,
    begin: Places,
    end: Places,
    held: Held,
) -> None:
    """Sort the entries of an item, (c, k), by neighbour into `held` from place `used` on, layers ascending.

    It takes time that does not depend on n: `begin` is UNUSED and `end` is 0 when it is called.
    """
    layers, k = listed.shape
    for i in range(layers):
        for e in range(k):
            end[listed[i, e]] += 1
    for i in range(layers):
        for e in range(k):
            s = listed[i, e]
            if begin[s] == UNUSED:  # seen for the first time: `end` becomes where its next entry goes
                begin[s] = used
                used += end[s]
                end[s] = begin[s]
            held.layer[end[s]] = i
            held.value[end[s]] = values[i, e]
            held.returned[end[s]] = values[i, e] * returned[i, e]
            end[s] += 1


@numba.njit(cache=True, nogil=True)
def _invert_sources(
    columns: Entries, cells: Integers, first: int, begin: Places, end: Places, held: Held
) -> None:
    """Sort the entries that have an item as neighbour by whose they are, entry `first` being place 0."""
    used = cells[0] - first
    for entry in range(cells[0], cells[-1]):
        end[columns.sources[entry]] += 1
    for i in range(len(cells) - 1):
        for entry in range(cells[i], cells[i + 1]):
            r = columns.sources[entry]
            if begin[r] == UNUSED:
                begin[r] = used
                used += end[r]
                end[r] = begin[r]
            held.layer[end[r]] = i
            held.value[end[r]] = columns.source_values[entry]
            end[r] += 1


@numba.njit(cache=True, nogil=True)
def _forget(keys: Lists, begin: Places, end: Places) -> None:
    for entry in range(len(keys)):
        begin[keys[entry]] = UNUSED
        end[keys[entry]] = 0
