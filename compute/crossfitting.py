"""Mutual-kNN counts and, from the same pass, the scores whose layers were chosen on other pairs of items."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from compute.folds import crossfit, pair_folds
from compute.inverted_lists import shared_in_folds
from compute.metrics.contract import Side
from compute.metrics.mutual_knn import mutual_knn
from compute.reduction import Flags, Reducer

Integers = NDArray[np.int64]


def grid_and_crossfit(
    rows: Side,
    columns: Side,
    *,
    limits: Integers | None = None,
    reducer: Reducer = "max",
    cells: Flags | None = None,
    device: str = "cpu",
) -> tuple[Integers, NDArray[np.float64]]:
    """Return the counts of shared neighbours, (1, r, c), and the cross-fitted score of every pair.

    Args:
        rows: one side, of `mutual_knn`.
        columns: the other.
        limits: as in `LayerMetric.grid`.
        reducer: over the layer pairs of a pair.
        cells: (r, c), which layer pairs count; None for all.
        device: a torch device; `cpu` takes the inverted lists.
    """
    left, right = (side.arrays["lists"].transpose(1, 0, 2) for side in (rows, columns))  # (layers, n, k)
    k = left.shape[2]
    row_folds, column_folds = pair_folds(left), pair_folds(right)
    if device == "cpu":
        grid, in_fold = shared_in_folds(left, right, row_folds, k=k, column_limits=limits)
    else:
        here, there = _on(device, left), _on(device, right)
        marks = torch.from_numpy(row_folds).to(device)
        grid = mutual_knn(here, there, k=k).cpu().numpy()
        in_fold = mutual_knn(here, there, k=k, row_marks=marks).cpu().numpy()
    fitted = crossfit(
        grid,
        in_fold,
        row_folds.sum(axis=(1, 2), dtype=np.int64),
        column_folds.sum(axis=(1, 2), dtype=np.int64),
        rows.layer_counts,
        columns.layer_counts,
        entries=rows.item_count * k,
        reducer=reducer,
        cells=cells,
    )
    return grid[None], fitted


def _on(device: str, lists: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(lists).astype(np.int32)).to(device)
