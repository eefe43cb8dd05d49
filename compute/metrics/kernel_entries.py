"""The kernel of a layer at the entries of its neighbour lists: made once, stacked with others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.metrics.contract import Arrays, Side

NUMBERS_AT_ONCE = 2**19  # what is gathered stays in the cache


def checked_lists(name: str, rows: Tensor, lists: Tensor | None, k: int) -> Tensor:
    """Return the first k places of the neighbour lists of a layer.

    Args:
        name: of the metric, for messages.
        rows: (n, d).
        lists: (n, k_max).
        k: how many count.

    Raises:
        ValueError: there are no lists, fewer than 4 items, or k is out of range.
    """
    n = len(rows)
    if n < 4:
        raise ValueError(f"{name} needs 4 items or more, found {n}")
    if lists is None:
        raise ValueError(f"{name} needs neighbour lists, found none")
    if not 1 <= k <= min(lists.shape[1], n - 1):
        raise ValueError(f"k of {name} is {k}, expected 1 to {min(lists.shape[1], n - 1)}")
    return lists[:, :k]


def kernel_at(rows: Tensor, lists: Tensor) -> Tensor:
    """Return the linear kernel at the entries of lists, (n, k), without the n x n matrix.

    Rounded to float32, as it is stored: a layer with itself gives 1 only if its norm is made of the same.

    Args:
        rows: (n, d) float64.
        lists: (n, k) places.

    Raises:
        ValueError: a value does not fit float32.
    """
    n, k = lists.shape
    values = torch.empty((n, k), dtype=torch.float32, device=rows.device)
    chunk = max(1, NUMBERS_AT_ONCE // max(1, k * rows.shape[1]))
    for start in range(0, n, chunk):
        items = slice(start, start + chunk)
        neighbours = rows[lists[items]]  # (chunk, k, d)
        values[items] = neighbours.mul_(rows[items].unsqueeze(1)).sum(dim=2).to(torch.float32)
    if not bool(torch.isfinite(values).all()):
        raise ValueError("the kernel of this layer has values that float32 cannot hold")
    return values


def returned_entries(lists: Tensor) -> Tensor:
    """Return for each entry of lists, (n, k), whether the item is a neighbour of its neighbour too."""
    n = len(lists)
    items = torch.arange(n, device=lists.device).unsqueeze(1)
    there, back = items * n + lists, lists * n + items
    return torch.isin(back, there)


def array_of(values: Tensor) -> NDArray[Any]:
    """Return a tensor as an array, wherever it was."""
    array: NDArray[Any] = values.cpu().numpy()
    return array


def narrow(lists: Tensor) -> NDArray[np.unsignedinteger[Any]]:
    """Return places among n items, (n, k), in the narrowest unsigned type that holds n - 1."""
    return array_of(lists).astype(np.min_scalar_type(len(lists) - 1))


def stacked(embeddings: Sequence[Arrays]) -> Side:
    """Return the stored arrays of embeddings as one side.

    Arrays of (layers, n, k) become (n, layers, k), the order of reading, lists in uint16 or uint32; arrays of
    (layers,) become one array of all layers.
    """
    n = embeddings[0]["lists"].shape[1]
    arrays = {}
    for name, stored in embeddings[0].items():
        parts = [np.asarray(embedding[name]) for embedding in embeddings]
        if stored.ndim == 3:
            arrays[name] = np.concatenate([part.transpose(1, 0, 2) for part in parts], axis=1)
            arrays[name] = np.ascontiguousarray(arrays[name])
        else:
            arrays[name] = np.concatenate(parts)
    arrays["lists"] = arrays["lists"].astype(np.uint16 if n <= 2**16 else np.uint32, copy=False)
    counts = np.array([len(embedding["lists"]) for embedding in embeddings], np.int64)
    return Side(arrays, counts, n)


def check_sides(rows: Side, columns: Side) -> None:
    """Raise a ValueError unless two sides are of the same items."""
    if rows.item_count != columns.item_count:
        raise ValueError(f"the rows have {rows.item_count} items, the columns {columns.item_count}")
