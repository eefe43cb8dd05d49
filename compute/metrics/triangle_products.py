"""The inner products of all triangles of two sides, gathered through their permutations piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.metrics.contract import Integers, Reals, Side

COLUMNS_AT_ONCE = 65_536  # float32 sums longer than this lose digits
COLUMNS_AT_ONCE_ON_A_CPU = 4_096  # few layers are multiplied term by term: 3e-6 at 65,536, 4e-8 here
GATHERED_AT_ONCE = 2**25  # entries of both sides: the longer the stretch, the seldomer a layer is read anew
ROWS_AT_ONCE = 32  # with limits, rows are multiplied in groups that share the furthest limit

Stretches = Callable[[int, int], Tensor]


def inner_products(rows: Side, columns: Side, *, limits: Integers | None, device: str) -> Reals:
    """Return the inner products of all layers of two sides, as stored, (r, c) float64.

    Products are float32 over pieces of the triangles, summed in float64; on CUDA float16 triangles are
    multiplied as they are, with float32 sums.

    Args:
        rows: one side: `triangles` (r, P); `diagonals` (r, n) if the metric has them; and `orders`
            (embeddings, n) if it is permuted.
        columns: the other, likewise.
        limits: (r,), row layer i is multiplied with the first `limits[i]` columns at least; None means all.
        device: a torch device.
    """
    r, entries = rows.arrays["triangles"].shape
    c = len(columns.arrays["triangles"])
    at_once = max(COLUMNS_AT_ONCE, GATHERED_AT_ONCE // (r + c))
    is_one = _are_the_same(rows, columns)
    left_stretches = _stretches(rows, device)
    right_stretches = left_stretches if is_one else _stretches(columns, device)
    total = torch.zeros((r, c), dtype=torch.float64, device=device)
    for start in range(0, entries, at_once):
        stop = min(start + at_once, entries)
        left = left_stretches(start, stop)
        add_products(total, left, left if is_one else right_stretches(start, stop), limits)
    if "diagonals" in rows.arrays:
        left = _diagonals(rows).to(device)
        add_products(total, left, left if is_one else _diagonals(columns).to(device), limits)
    return total.cpu().numpy()


def add_products(total: Tensor, left: Tensor, right: Tensor, limits: Integers | None = None) -> None:
    """Add left right' to the wanted parts of sums, chunk after chunk.

    Args:
        total: (r, c) float64, on the device of the triangles.
        left: (r, P) float16 or float32.
        right: (c, P), of the same type.
        limits: as in `inner_products`.
    """
    r, c = total.shape
    chunk = COLUMNS_AT_ONCE if left.is_cuda else COLUMNS_AT_ONCE_ON_A_CPU
    kept = left.dtype if left.is_cuda else torch.float32
    for start in range(0, left.shape[1], chunk):
        left_piece = left[:, start : start + chunk].to(kept)
        right_piece = left_piece if right is left else right[:, start : start + chunk].to(kept)
        for first, last, end in _groups(r, c, limits):
            total[first:last, :end] += product(left_piece[first:last], right_piece[:end])


def product(left: Tensor, right: Tensor) -> Tensor:
    """Return left right' with float32 sums, (r, c) float32, of pieces (r, p) and (c, p) of one type."""
    if left.is_cuda and left.dtype == torch.float16:
        return torch.mm(left, right.T, out_dtype=torch.float32)
    return left.to(torch.float32) @ right.to(torch.float32).T


def gathered(triangles: Tensor, starts: Integers, orders: Integers, begin: int, stop: int) -> Tensor:
    """Return entries begin to stop of permuted triangles, (L, stop - begin): the path for a GPU.

    Args:
        triangles: (L, P).
        starts: (embeddings + 1,) where each embedding's layers begin.
        orders: (embeddings, n); item i of the result is item `orders[e, i]`.
        begin: the first entry.
        stop: the one behind the last.
    """
    n = orders.shape[1]
    items, others = (torch.from_numpy(part).to(triangles.device) for part in _places(begin, stop, n))
    moved = torch.empty((len(triangles), stop - begin), dtype=triangles.dtype, device=triangles.device)
    for embedding, order in enumerate(torch.from_numpy(orders).to(triangles.device)):
        layers = slice(int(starts[embedding]), int(starts[embedding + 1]))
        low = torch.minimum(order[items], order[others])
        high = torch.maximum(order[items], order[others])
        moved[layers] = triangles[layers].index_select(1, low * (2 * n - low - 1) // 2 + high - low - 1)
    return moved


def _places(begin: int, stop: int, n: int) -> tuple[Integers, Integers]:
    """Return the items i < j of entries begin to stop of a triangle."""
    entries = np.arange(begin, stop)
    rows = np.arange(n - 1)
    firsts = rows * (2 * n - rows - 1) // 2  # the entry at which row i begins
    items = np.searchsorted(firsts, entries, side="right") - 1
    return items, entries - firsts[items] + items + 1


def _groups(r: int, c: int, limits: Integers | None) -> Iterator[tuple[int, int, int]]:
    """Yield (first row, last row, columns) of products that cover what is wanted."""
    if limits is None:
        yield 0, r, c
        return
    for first in range(0, r, ROWS_AT_ONCE):
        last = min(first + ROWS_AT_ONCE, r)
        yield first, last, int(limits[first:last].max())


def _are_the_same(rows: Side, columns: Side) -> bool:
    same = rows.arrays["triangles"] is columns.arrays["triangles"]
    return same and np.array_equal(rows.arrays.get("orders", ()), columns.arrays.get("orders", ()))


def _diagonals(side: Side) -> Tensor:
    """Return the diagonals of a side, (L, n), through its permutations."""
    diagonals, orders = side.arrays["diagonals"], side.arrays.get("orders")
    if orders is not None:
        order = np.repeat(orders, side.layer_counts, axis=0)
        diagonals = np.take_along_axis(diagonals, order, axis=1)
    return torch.from_numpy(diagonals)


def _stretches(side: Side, device: str) -> Stretches:
    """Return what gives entries begin to stop of a side's triangles, (L, stop - begin), on a device."""
    triangles, orders = side.arrays["triangles"], side.arrays.get("orders")
    if orders is None:
        return lambda begin, stop: torch.from_numpy(triangles[:, begin:stop]).to(device)
    starts = np.concatenate(([0], np.cumsum(side.layer_counts))).astype(np.int64)
    if device != "cpu":
        uploaded = torch.from_numpy(triangles).to(device)
        return lambda begin, stop: gathered(uploaded, starts, orders, begin, stop)
    from compute.triangle_gather import gather  # numba, on this path only

    def stretch(begin: int, stop: int) -> Tensor:
        moved = np.empty((len(triangles), stop - begin), triangles.dtype)
        gather(_bits(triangles), starts, orders, begin, _bits(moved))
        return torch.from_numpy(moved)

    return stretch


def _bits(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as unsigned integers of its width: numba knows no float16."""
    return array.view(f"u{array.dtype.itemsize}")
