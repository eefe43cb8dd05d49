"""What all metrics on neighbour lists share: how lists are laid out, permuted, and made into 0/1 matrices."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.metrics.contract import Arrays, Integers, Reals, Side

Lists = NDArray[np.unsignedinteger[Any]]

ENTRIES_AT_ONCE = 2**27  # of 0/1 matrices and of their products
COMPARISONS_AT_ONCE = 2**22


@dataclass(frozen=True)
class OnNeighbourLists:
    """A metric on the k nearest neighbours of every item.

    A side holds `lists`, (n, layers, k), nearest first, of the narrowest of uint16 and uint32: item by item
    is the order of reading, and half the bytes are half the traffic.

    Attributes:
        k: how many neighbours count.
    """

    k: int

    is_exact = True
    directions = 1

    def layer_arrays(self, rows: Tensor, lists: Tensor | None) -> dict[str, NDArray[Any]]:
        """Raise a TypeError: stored neighbour lists are enough, and nothing else is stored."""
        raise TypeError("metrics on neighbour lists store no form of a layer")

    def stack(self, embeddings: Sequence[Arrays]) -> Side:
        """Return the lists of embeddings side by side, cut to k.

        Args:
            embeddings: of each `indices`, (layers, n, k_max).

        Raises:
            ValueError: the item counts differ, or k is out of range.
        """
        stored = [arrays["indices"] for arrays in embeddings]
        for lists in stored:
            check_lists(lists.shape, stored[0].shape, self.k)
        counts = np.array([len(lists) for lists in stored], np.int64)
        n, ends = stored[0].shape[1], np.cumsum(counts)
        side = np.empty((n, ends[-1], self.k), _width(n))
        for lists, end in zip(stored, ends, strict=True):
            side[:, end - len(lists) : end] = lists[:, :, : self.k].transpose(1, 0, 2)
        return Side({"lists": side}, counts, n)

    def permuted(self, side: Side, orders: Sequence[Integers]) -> Side:
        """Return the lists of a side after each embedding's items have changed places.

        Item i is the old `order[i]`, and a neighbour is called by where it is now: inv[lists[order]].

        Args:
            side: n items.
            orders: a permutation of the items for each embedding.
        """
        order = np.stack(orders)
        lists = side.arrays["lists"]
        inverse = np.empty(order.shape, lists.dtype)
        np.put_along_axis(inverse, order, np.arange(order.shape[1])[None, :], axis=1)
        starts = np.concatenate([[0], np.cumsum(side.layer_counts)])
        return Side({"lists": _moved(lists, starts, order, inverse)}, side.layer_counts, side.item_count)

    def pair_chance(self, left: Arrays, right: Arrays) -> Reals | None:
        """Return None: chance is one number for all pairs (`compute.chance`), or the null alone knows it."""
        return None


def by_item(lists: Lists, k: int) -> Lists:
    """Return lists of `(layers, n, k_max)` as contiguous `(n, layers, k)`: the order of reading.

    Of the narrowest unsigned type: numba checks signed positions for being negative, and half the bytes are
    half the traffic.
    """
    return np.ascontiguousarray(lists[:, :, :k].transpose(1, 0, 2).astype(_width(lists.shape[1])))


def check_lists(rows: tuple[int, ...], columns: tuple[int, ...], k: int) -> None:
    """Raise a ValueError unless lists of these shapes can be compared at k."""
    if rows[-2] != columns[-2]:
        raise ValueError(f"the rows have {rows[-2]} items, the columns {columns[-2]}")
    k_max = min(rows[-1], columns[-1])
    if not 1 <= k <= k_max:
        raise ValueError(f"k is {k}, expected 1 to {k_max}")


def two_layers(left: Arrays, right: Arrays, k: int) -> tuple[Lists, Lists]:
    """Return the lists of two layers, (n, k) each, of one unsigned type.

    Raises:
        ValueError: the item counts differ, or k is out of range.
    """
    first, second = left["indices"], right["indices"]
    check_lists(first.shape, second.shape, k)
    width = _width(len(first))
    return first[:, :k].astype(width), second[:, :k].astype(width)


def shared_per_item(left: Lists, right: Lists) -> Integers:
    """Return how many neighbours each item has in both of two layers of (n, k) lists, (n,)."""
    n, k = left.shape
    shared = np.empty(n, np.int64)
    for items in chunks(n, k * k, COMPARISONS_AT_ONCE):
        shared[items] = np.count_nonzero(left[items, :, None] == right[items, None, :], axis=(1, 2))
    return shared


def chunks(n: int, entries_per_item: int, entries: int = ENTRIES_AT_ONCE) -> Iterator[slice]:
    """Yield slices of n items that take at most `entries` entries each, and at least one item."""
    step = max(1, entries // entries_per_item)
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def on_device(side: Side, device: str) -> Tensor:
    """Return the lists of a side as a tensor, (n, layers, k) int64, on a device."""
    signed = np.int16 if side.item_count <= 2**15 else np.int32  # half the bytes are half the traffic
    return torch.from_numpy(side.arrays["lists"].astype(signed)).to(device).to(torch.int64)


def membership(lists: Tensor, n: int) -> Tensor:
    """Return the 0/1 matrices of some items' neighbours, (items, layers, n), of (items, layers, k) lists."""
    marks = torch.zeros((*lists.shape[:2], n), dtype=_exact_type(lists), device=lists.device)
    return marks.scatter_(2, lists, 1.0)


def overlaps(left: Tensor, right: Tensor) -> Tensor:
    """Return how many marks two stacks of 0/1 matrices share, (items, r, c) float32, exactly."""
    if left.is_cuda:  # a bfloat16 result would round counts above 256
        return torch.bmm(left, right.transpose(1, 2), out_dtype=torch.float32)
    return torch.bmm(left, right.transpose(1, 2))


def _exact_type(lists: Tensor) -> torch.dtype:
    return torch.bfloat16 if lists.is_cuda else torch.float32  # 0 and 1 are exact in both


def _moved(lists: Lists, starts: Integers, order: Integers, inverse: Lists) -> Lists:
    """Permute with numba where there is one, for a GPU machine may have torch and numpy alone."""
    try:
        from compute.permuting import moved_lists
    except ModuleNotFoundError:
        return moved_by_numpy(lists, starts, order, inverse)
    return moved_lists(lists, starts, order, inverse)


def moved_by_numpy(lists: Lists, starts: Integers, order: Integers, inverse: Lists) -> Lists:
    """Return what `permuting.moved_lists` does, without numba."""
    moved = np.empty_like(lists)
    for embedding, (start, stop) in enumerate(itertools.pairwise(starts)):
        moved[:, start:stop] = inverse[embedding][lists[order[embedding], start:stop]]
    return moved


def _width(n: int) -> type[np.uint16] | type[np.uint32]:
    return np.uint16 if n <= 2**16 else np.uint32
