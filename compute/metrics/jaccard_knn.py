"""Neighbours in common, of all neighbours of either, between every layer of two sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from compute.metrics.contract import Arrays, Integers, Reals, Side
from compute.metrics.neighbour_lists import (
    OnNeighbourLists,
    chunks,
    membership,
    on_device,
    overlaps,
    shared_per_item,
    two_layers,
)

ONE = 2**30  # sums of fixed-point numbers do not depend on their order


@dataclass(frozen=True)
class JaccardKnn(OnNeighbourLists):
    """The mean over items of c / (2k - c), where c neighbours are in both layers' lists of the item.

    In [0, 1], 1 for equal sets of neighbours; symmetric. It is no function of the mean overlap: it counts
    the items apart. Entries of a grid are fixed-point: round(2**30 c / (2k - c)) per item, so that a score is
    within 5e-10 of the definition and 1 exactly for equal sets. Chance: `chance.jaccard_knn_chance`.
    Rotation, scale and one order of items for both change nothing.

    Source: Jaccard 1912, of neighbourhoods.
    """

    def scale(self, item_count: int) -> float:
        """Return n 2**30."""
        return float(item_count * ONE)

    def grid(
        self, rows: Side, columns: Side, *, limits: Integers | None = None, device: str = "cpu"
    ) -> Integers:
        """Return the sums over items of all layer pairs, (1, r, c), as `LayerMetric.grid` has it."""
        weights = overlap_weights(self.k)
        if device == "cpu":
            from compute.overlap_weights import weighed_overlaps
            from compute.reverse_lists import as_ragged

            left, right = (as_ragged(side.arrays["lists"]) for side in (rows, columns))
            return weighed_overlaps(left, right, weights, limits)[None]
        first, second = (on_device(side, device) for side in (rows, columns))
        counts: Integers = jaccard_knn(first, second, weights).cpu().numpy()
        return counts[None]

    def item_values(self, left: Arrays, right: Arrays) -> Reals:
        """Return c / (2k - c) of every item, (1, n)."""
        shared = shared_per_item(*two_layers(left, right, self.k))
        return np.asarray(shared / (2 * self.k - shared))[None]


def overlap_weights(k: int) -> Integers:
    """Return round(2**30 c / (2k - c)) for c = 0 ... k shared neighbours; the last is 2**30."""
    return np.array([(2 * ONE * c + (2 * k - c)) // (2 * (2 * k - c)) for c in range(k + 1)], np.int64)


def jaccard_knn(rows: Tensor, columns: Tensor, weights: Integers) -> Tensor:
    """Return the sum over items of the weight of the overlap, for all layer pairs: the path for a GPU.

    The overlaps of each item are one product of 0/1 matrices, exactly.

    Args:
        rows: (n, r, k) int64 lists of r layers.
        columns: (n, c, k) int64 lists of c layers.
        weights: (k + 1,) of 0 ... k shared neighbours.

    Returns:
        (r, c) int64.
    """
    n, r, c = len(rows), rows.shape[1], columns.shape[1]
    table = torch.from_numpy(weights).to(rows.device)
    total = torch.zeros((r, c), dtype=torch.int64, device=rows.device)
    for items in chunks(n, n * (r + c) + 4 * r * c):  # a weight takes four times a mark
        shared = overlaps(membership(rows[items], n), membership(columns[items], n))  # (items, r, c)
        total += table[shared.to(torch.int32)].sum(dim=0)
    return total
