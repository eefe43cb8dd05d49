"""The null of a reduced score: permute every embedding's items, count again, and compare as integers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numba
import numpy as np
from numpy.typing import NDArray

from compute.reduction import offsets_of

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]
Lists = NDArray[np.unsignedinteger[Any]]
Count = Callable[[Lists, Lists], Integers]


@dataclass(frozen=True)
class Side:
    """The layers of the embeddings on one side of a block.

    Attributes:
        lists: (n, layers, k) neighbours, all layers stacked, laid out by `inverted_lists.by_item`.
        layer_counts: how many of these layers each embedding has.
    """

    lists: Lists
    layer_counts: Integers


@dataclass(frozen=True)
class Calibration:
    """What a null says about scores; arrays of one shape, in counts unless a score is meant.

    Attributes:
        null_mean: mean of the draws.
        null_sd: their standard deviation.
        tau: the threshold.
        p: (1 + draws as high) / (1 + draws).
        calibrated: (observed - tau) / (highest - tau), at least 0; NaN where tau is the highest.
    """

    null_mean: Reals
    null_sd: Reals
    tau: Integers
    p: Reals
    calibrated: Reals


def permuted(side: Side, orders: Sequence[Integers]) -> Lists:
    """Return the lists of a side after each embedding's items have changed their places.

    Permuting costs a look-up: item i of the result is item `order[i]`, and its neighbours are called by the
    places that they have now, inv[B[order]]. All layers of an embedding are permuted alike, or the maximum
    over layers would have another null (`test_null.py` shows that it fails).

    Args:
        side: n items.
        orders: a permutation of the items for each embedding.
    """
    order = np.stack(orders)
    inverse = np.empty(order.shape, side.lists.dtype)
    np.put_along_axis(inverse, order, np.arange(order.shape[1])[None, :], axis=1)
    moved = np.empty_like(side.lists)
    _permute(side.lists, offsets_of(side.layer_counts), order, inverse, moved)
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


def null_counts(
    rows: Side,
    columns: Side,
    orders: Callable[[int], tuple[Sequence[Integers], Sequence[Integers]]],
    draws: int,
    count: Count,
) -> NDArray[np.int32]:
    """Return the reduced count of every pair of a block in every draw.

    One draw serves every pair: each embedding is permuted once, by its own permutation, on both sides alike.

    Args:
        rows: one side; for the reducer `last` only its last layers.
        columns: the other side.
        orders: gives the permutations of a draw, for the rows and for the columns.
        draws: how many.
        count: the shared neighbours of all layers, (r, c), of two stacks of lists.

    Returns:
        (draws, rows, columns) maxima over the layers.
    """
    row_starts = offsets_of(rows.layer_counts)[:-1]
    column_starts = offsets_of(columns.layer_counts)[:-1]
    found = np.empty((draws, len(row_starts), len(column_starts)), np.int32)
    for draw in range(draws):
        row_orders, column_orders = orders(draw)
        grid = count(permuted(rows, row_orders), permuted(columns, column_orders))
        grid = np.maximum.reduceat(grid, column_starts, axis=1)
        found[draw] = np.maximum.reduceat(grid, row_starts, axis=0)
    return found


def tau_rank(draws: int, alpha: float) -> int:
    """Return which smallest of the draws and the observed count tau is: ceil((1 - alpha)(K + 1)), from 1."""
    return min(draws + 1, max(1, math.ceil((1 - alpha) * (draws + 1) - 1e-9)))


def calibrate(observed: Integers, draws: NDArray[np.integer], *, alpha: float, highest: int) -> Calibration:
    """Compare observed counts with their draws.

    Counts are compared as integers: rounding would break ties and move p by a step.

    Args:
        observed: counts, of any shape.
        draws: (K, ...) counts of the same pairs under permutation.
        alpha: level of tau.
        highest: the highest count that there can be, n * k.

    Source: Gröger, Wen, Brbić 2026, arXiv 2602.14486, with the aggregate over layers as the statistic.
    """
    count = len(draws)
    together = np.concatenate([draws, observed[None].astype(draws.dtype)])
    rank = tau_rank(count, alpha) - 1
    tau = np.partition(together, rank, axis=0)[rank].astype(np.int64)
    room = highest - tau
    with np.errstate(divide="ignore", invalid="ignore"):
        calibrated = np.where(room > 0, np.maximum(observed - tau, 0) / room, np.nan)
    return Calibration(
        null_mean=draws.mean(axis=0, dtype=np.float64),
        null_sd=draws.std(axis=0, ddof=1, dtype=np.float64),
        tau=tau,
        p=(1 + (draws >= observed).sum(axis=0)) / (count + 1),
        calibrated=calibrated,
    )


def draw_key(seed: int, draw: int, embedding_key: str) -> str:
    """Return the key of an embedding's permutation in a draw; nothing else decides it.

    A stream over the zoo instead would change every p when one checkpoint comes.
    """
    return f"null {seed} {draw} {embedding_key}"


Reducer = Literal["max", "last"]


def reduced_lists(lists: NDArray[np.unsignedinteger], reducer: Reducer) -> NDArray[np.unsignedinteger]:
    """Return the layers that a reducer looks at: all of them, or the last."""
    return lists if reducer == "max" else lists[-1:]
