"""Whether an item's neighbours' neighbours lead back to it, between every layer of two sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from compute.metrics.contract import Arrays, Integers, Reals, Side
from compute.metrics.neighbour_lists import (
    COMPARISONS_AT_ONCE,
    Lists,
    OnNeighbourLists,
    chunks,
    membership,
    on_device,
    overlaps,
    two_layers,
)


@dataclass(frozen=True)
class CycleKnn(OnNeighbourLists):
    """The share of items r for which some m in list_j(r) has r in list_i(m), from layer i to layer j.

    In [0, 1]; **not symmetric**, so that grids have both directions; a layer with itself need not give 1.
    The items m with r in list_i(m) are r's reverse list: r counts if that and list_j(r) share anything.
    Chance depends on how often layer i lists each item: `pair_chance`. Rotation, scale and one order of
    items for both change nothing.

    Source: Huh et al. 2024, arXiv 2405.07987, released code: `knn_A[knn_B]`, A being i and B being j.
    """

    directions = 2

    def scale(self, item_count: int) -> float:
        """Return n."""
        return float(item_count)

    def grid(
        self, rows: Side, columns: Side, *, limits: Integers | None = None, device: str = "cpu"
    ) -> Integers:
        """Return how many items lead back, (2, r, c), as `LayerMetric.grid` has it."""
        if device == "cpu":
            return _on_cpu(rows.arrays["lists"], columns.arrays["lists"], limits)
        counts: Integers = cycle_knn(*(on_device(side, device) for side in (rows, columns))).cpu().numpy()
        return counts

    def item_values(self, left: Arrays, right: Arrays) -> Reals:
        """Return which items lead back, 0 or 1, (2, n): first from the left layer to the right one."""
        first, second = two_layers(left, right, self.k)
        return np.stack([_leads_back(first, second), _leads_back(second, first)]).astype(np.float64)

    def pair_chance(self, left: Arrays, right: Arrays) -> Reals:
        """Return the mean over all permutations of the items, (2,): first from left to right."""
        from compute.chance import cycle_knn_chance

        both = two_layers(left, right, self.k)
        n = len(both[0])
        degrees = (np.bincount(lists.ravel(), minlength=n) for lists in both)
        return np.array([cycle_knn_chance(degree, self.k, n) for degree in degrees])


def cycle_knn(rows: Tensor, columns: Tensor) -> Tensor:
    """Return how many items lead back, for all layer pairs both ways: the path for a GPU.

    Args:
        rows: (n, r, k) int64 lists of r layers.
        columns: (n, c, k) int64 lists of c layers.

    Returns:
        (2, r, c) int64.
    """
    n, r, c = len(rows), rows.shape[1], columns.shape[1]
    total = torch.zeros((2, r, c), dtype=torch.int64, device=rows.device)
    size = 2 * n * (r + c) + 2 * r * c
    row_parts, column_parts = (_reverse_parts(lists, list(chunks(n, size))) for lists in (rows, columns))
    for items, row_reverse, column_reverse in zip(chunks(n, size), row_parts, column_parts, strict=True):
        total[0] += (overlaps(row_reverse, membership(columns[items], n)) > 0).sum(dim=0)
        total[1] += (overlaps(membership(rows[items], n), column_reverse) > 0).sum(dim=0)
    return total


def _reverse_parts(lists: Tensor, parts: list[slice]) -> Iterator[Tensor]:
    """Yield, for parts of the items, the 0/1 matrices of who lists them: (items, layers, n)."""
    n, layers, k = lists.shape
    listed, order = lists.reshape(-1).sort()
    who, layer = order.div(layers * k, rounding_mode="floor"), order.div(k, rounding_mode="floor") % layers
    edges = torch.tensor([part.start for part in parts] + [n], device=lists.device)
    places = torch.searchsorted(listed, edges).tolist()
    like = membership(lists[:0], n)
    for part, start, stop in zip(parts, places[:-1], places[1:], strict=True):
        marks = like.new_zeros((part.stop - part.start, layers, n))
        marks[listed[start:stop] - part.start, layer[start:stop], who[start:stop]] = 1.0
        yield marks


def _on_cpu(rows: Lists, columns: Lists, limits: Integers | None) -> Integers:
    from compute.overlap_weights import weighed_overlaps
    from compute.reverse_lists import as_ragged, reverse_lists

    once = np.minimum(np.arange(rows.shape[2] + 1), 1)  # any overlap is one, for lists hold k at most
    forward = weighed_overlaps(reverse_lists(rows), as_ragged(columns), once, limits)
    backward = weighed_overlaps(as_ragged(rows), reverse_lists(columns), once, limits)
    return np.stack([forward, backward])


def _leads_back(listing: Lists, listed: Lists) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return for which items r some m in `listed[r]` has r in `listing[m]`, (n,)."""
    n, k = listed.shape
    leads = np.empty(n, np.bool_)
    for items in chunks(n, k * k, COMPARISONS_AT_ONCE):
        own = np.arange(items.start, items.stop)[:, None, None]
        leads[items] = (listing[listed[items]] == own).any(axis=(1, 2))
    return leads
