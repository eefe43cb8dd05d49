"""Two folds of the unordered pairs of items, and the score that is chosen on one and read on the other."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from compute.reduction import offsets_of
from registry.keyed import keyed_words

Integers = NDArray[np.int64]
FOLD_KEY = keyed_words("folds of the pairs of items", 1)[0]


def pair_folds(lists: NDArray[np.unsignedinteger[Any]]) -> NDArray[np.uint8]:
    """Return the fold, 0 or 1, of the pair {item, neighbour} at every place of neighbour lists.

    A pair has one fold whichever of the two is the item, whatever the layer. Folds of *items* would leave the
    cross-fitted score biased, because neighbour relations are reciprocal (`test_intervals.py` shows both).

    Args:
        lists: (..., n, k) positions of neighbours.

    Returns:
        (..., n, k) of 0 and 1: the highest bit of a SplitMix64 hash of the pair.
    """
    n = lists.shape[-2]
    item = np.arange(n, dtype=np.uint64)[:, None]
    neighbour = lists.astype(np.uint64)
    word = np.minimum(item, neighbour) * np.uint64(n) + np.maximum(item, neighbour)
    word = (word ^ FOLD_KEY) + np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    folds: NDArray[np.uint8] = (word >> np.uint64(63)).astype(np.uint8)
    return folds


def crossfit(
    counts: Integers,
    fold_counts: Integers,
    row_entries: Integers,
    column_entries: Integers,
    row_layer_counts: Integers,
    column_layer_counts: Integers,
    *,
    entries: int,
    reducer: Literal["max", "last"],
    cells: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return the cross-fitted score of every pair of embeddings.

    The layers are chosen on one fold and the score is read on the other, both ways, and averaged: unlike the
    maximum it is not raised by the choice. (The folds share the k places of every row, so that it comes out
    a little low where k / n is large: by 1.5 % of chance at n = 256, by nothing measurable at n = 512.)
    A fold's score is its shared neighbours divided by sqrt(entries of the left in the fold x entries of the
    right in the fold).

    Args:
        counts: (r, c) shared neighbours of stacked layers.
        fold_counts: (r, c) those of fold 1.
        row_entries: (r,) entries of each row layer in fold 1.
        column_entries: (c,) entries of each column layer in fold 1.
        row_layer_counts: how many layers each embedding of the rows has.
        column_layer_counts: how many layers each embedding of the columns has.
        entries: n * k, the entries of a layer in both folds.
        reducer: `last` chooses nothing: the mean of both folds at the last layers.
        cells: (r, c), which layer pairs can be chosen; None for all.

    Returns:
        (rows, columns) scores in 0..1.
    """
    ones = _fold_score(fold_counts, row_entries, column_entries)
    zeros = _fold_score(counts - fold_counts, entries - row_entries, entries - column_entries)
    if cells is not None and reducer == "max":
        ones, zeros = (np.where(cells, fold, -1) for fold in (ones, zeros))
    rows, columns = offsets_of(row_layer_counts), offsets_of(column_layer_counts)
    result = np.empty((len(row_layer_counts), len(column_layer_counts)))
    for i in range(len(row_layer_counts)):
        for j in range(len(column_layer_counts)):
            block = (slice(rows[i], rows[i + 1]), slice(columns[j], columns[j + 1]))
            zero, one = zeros[block], ones[block]
            if reducer == "last":
                result[i, j] = (zero[-1, -1] + one[-1, -1]) / 2
            else:
                result[i, j] = (one.flat[zero.argmax()] + zero.flat[one.argmax()]) / 2
    return result


def _fold_score(counts: Integers, row_entries: Integers, column_entries: Integers) -> NDArray[np.float64]:
    """Return a fold's scores; a layer without entries in the fold shares none, and scores 0."""
    scale = np.sqrt(np.outer(row_entries, column_entries).astype(np.float64))
    return np.divide(counts, scale, out=np.zeros(counts.shape), where=scale > 0)
