"""Mutual k-nearest neighbours between every layer of the rows and every layer of the columns."""

from __future__ import annotations

import torch
from torch import Tensor

ENTRIES_AT_ONCE = 2**27


def mutual_knn(rows: Tensor, columns: Tensor, *, k: int, row_marks: Tensor | None = None) -> Tensor:
    """Count the neighbours that every layer of the rows shares with every layer of the columns.

    Divide by `n * k` for the paper's score: unrelated layers average `k / (n - 1)`, identical ones give 1.
    This is the path for a GPU: the 0/1 matrices of a block of items are multiplied, exactly, since counts
    stay far below 2**24. On a CPU `inverted_lists.shared_neighbours` gives the same counts sooner.

    Args:
        rows: lists of `r` layers, `(r, n, k_max)`; item i is the same item as in `columns`.
        columns: lists of `c` layers, `(c, n, k_max)`.
        k: how many of the `k_max` nearest count, `1 <= k <= k_max < n`.
        row_marks: `(r, n, k)` of 0 and 1; only the entries of the rows that are marked count. None marks all.

    Returns:
        `(r, c)` int64 counts, each in `[0, n * k]`.

    Raises:
        ValueError: the item counts differ, or k is out of range.

    Source: Huh et al. 2024, arXiv 2405.07987, mutual nearest-neighbour metric.
    """
    check_lists(rows.shape, columns.shape, k)
    n = rows.shape[1]
    counts = torch.zeros((rows.shape[0], columns.shape[0]), dtype=torch.int64, device=rows.device)
    chunk = max(1, ENTRIES_AT_ONCE // (n * (rows.shape[0] + columns.shape[0])))
    for start in range(0, n, chunk):
        items = slice(start, min(start + chunk, n))
        marks = None if row_marks is None else row_marks[:, items]
        left = _membership(rows[:, items, :k], n, marks)  # (r, chunk * n)
        right = _membership(columns[:, items, :k], n)
        counts += _product(left, right).to(torch.int64)
    return counts


def check_lists(rows: tuple[int, ...], columns: tuple[int, ...], k: int) -> None:
    """Raise a ValueError unless lists of these shapes can be compared at k."""
    if rows[1] != columns[1]:
        raise ValueError(f"the rows have {rows[1]} items, the columns {columns[1]}")
    k_max = min(rows[2], columns[2])
    if not 1 <= k <= k_max:
        raise ValueError(f"k is {k}, expected 1 to {k_max}")


def _membership(lists: Tensor, n: int, which: Tensor | None = None) -> Tensor:
    """Return the 0/1 matrix of some items' neighbours, one flattened row per layer."""
    dtype = torch.bfloat16 if lists.is_cuda else torch.float32  # 0 and 1 are exact in both
    marks = torch.zeros((lists.shape[0], lists.shape[1], n), dtype=dtype, device=lists.device)
    places = lists.to(torch.int64)
    if which is None:
        marks.scatter_(2, places, 1.0)
    else:
        marks.scatter_(2, places, which.to(dtype))
    return marks.flatten(1)


def _product(left: Tensor, right: Tensor) -> Tensor:
    if left.is_cuda:  # a bfloat16 result would round counts above 256
        return torch.mm(left, right.T, out_dtype=torch.float32)
    return left @ right.T
