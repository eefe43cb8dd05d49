"""Mutual k-nearest neighbours between every layer of the rows and every layer of the columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from compute.metrics.contract import Arrays, Integers, Reals, Side
from compute.metrics.neighbour_lists import (
    ENTRIES_AT_ONCE,
    OnNeighbourLists,
    check_lists,
    on_device,
    shared_per_item,
    two_layers,
)

FEW_LAYERS = 16  # with at least as many times as many columns: what one more checkpoint has with a zoo


@dataclass(frozen=True)
class MutualKnn(OnNeighbourLists):
    """The share of nearest neighbours that two layers have in common, <A_i, A_j> / (n k).

    A_i is the 0/1 matrix that marks the k nearest others of every item. In [0, 1], 1 for equal sets of
    neighbours; symmetric; unrelated layers average k / (n - 1), and 1 minus it is a metric between layers.
    Rotation, scale and one order of items for both change nothing, nor does what keeps the order of
    similarities.

    Source: Huh et al. 2024, arXiv 2405.07987, mutual nearest-neighbour metric.
    """

    def scale(self, item_count: int) -> float:
        """Return n k."""
        return float(item_count * self.k)

    def grid(
        self, rows: Side, columns: Side, *, limits: Integers | None = None, device: str = "cpu"
    ) -> Integers:
        """Return the shared neighbours of all layer pairs, (1, r, c), as `LayerMetric.grid` has it."""
        if device == "cpu":
            from compute.inverted_lists import shared_by_item

            return shared_by_item(rows.arrays["lists"], columns.arrays["lists"], limits)[None]
        left, right = (on_device(side, device).transpose(0, 1) for side in (rows, columns))
        counts: Integers = mutual_knn(left, right, k=self.k).cpu().numpy()
        return counts[None]

    def permuted_grid(
        self,
        rows: Side,
        columns: Side,
        row_orders: Sequence[Integers],
        column_orders: Sequence[Integers],
        *,
        limits: Integers | None = None,
        device: str = "cpu",
    ) -> Integers:
        """Return the grid of both sides after their items have changed places, as `permuted` does it.

        A few layers of the rows with many of the columns are counted without laying those out.
        """
        moved = self.permuted(rows, row_orders)
        row_count, column_count = (int(side.layer_counts.sum()) for side in (rows, columns))
        is_few = row_count <= FEW_LAYERS and column_count >= FEW_LAYERS * row_count and self.k < FEW_LAYERS
        if device != "cpu" or not is_few:
            return self.grid(moved, self.permuted(columns, column_orders), limits=limits, device=device)
        from compute.few_layers import shared_with_permuted

        lists, order = columns.arrays["lists"], np.stack(column_orders)
        inverse = np.empty(order.shape, lists.dtype)
        np.put_along_axis(inverse, order, np.arange(order.shape[1])[None, :], axis=1)
        starts = np.concatenate([[0], np.cumsum(columns.layer_counts)])
        return shared_with_permuted(moved.arrays["lists"], lists, starts, order, inverse)[None]

    def item_values(self, left: Arrays, right: Arrays) -> Reals:
        """Return the share of each item's neighbours that two layers have in common, (1, n)."""
        return np.asarray(shared_per_item(*two_layers(left, right, self.k)) / self.k)[None]


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
