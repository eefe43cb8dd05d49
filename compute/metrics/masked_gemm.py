"""Sums over the neighbours that two layers share, for all layer pairs, as products of matrices on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.metrics.contract import Arrays, Integers, Reals

LAYERS_AT_ONCE = 2048
ENTRIES_AT_ONCE = 2**26
NUMBERS_AT_ONCE = 2**27
# Values are scaled to at most this: their float16 halves are far from overflow and from subnormals.
LARGEST = 2.0**12


@dataclass(frozen=True)
class _Layers:
    """Some layers on the device: lists (n, layers, k) int64, values and returned values float32, scaled.

    `back` holds the places of all entries in the order of their neighbours, and `begins` (n + 1,) where those
    of each neighbour begin; both are empty where they are not wanted.
    """

    lists: Tensor
    values: Tensor
    returned: Tensor
    back: Tensor
    begins: Tensor
    factors: Reals


@dataclass(frozen=True)
class _Dense:
    """A block of items: 0/1 marks and the two halves of the values, (items, layers, n) float16."""

    marks: Tensor
    high: Tensor
    low: Tensor


def masked_sums(
    rows: Arrays, columns: Arrays, *, directions: int, limits: Integers | None = None, device: str
) -> tuple[Reals, Reals, Reals]:
    """Return what `masked_kernels.masked_sums` does, to about 1e-6 of the largest term.

    Each float32 value is the sum of two float16 numbers, to 2**-22 of itself; the products of a 0/1 matrix
    with either are exact, and are added in float32 for a block of items, in float64 over blocks.

    Args:
        rows: `lists`, `values` and `returned` of r layers, (n, r, k).
        columns: the same of c layers.
        directions: 2 gives both of sum(K~ L~) and sum(L~ K~), 1 their mean.
        limits: tiles of layers that lie beyond them are left out.
        device: a torch device.
    """
    shape = rows["lists"].shape[1], columns["lists"].shape[1]
    first, second, third = np.zeros(shape), np.zeros(shape), np.zeros((directions, *shape))
    for upper, lower in _tiles(rows["lists"].shape, columns["lists"].shape, limits):
        left, right = _layers(rows, upper, device), _layers(columns, lower, device)
        one, of_rows, of_columns, forward, backward = (part.cpu().numpy() for part in _tile(left, right))
        factors = left.factors[:, None] * right.factors[None, :]
        first[upper, lower] = one * factors
        second[upper, lower] = of_rows * of_columns * factors
        both = np.stack([forward, backward]) * factors
        third[:, upper, lower] = both if directions == 2 else both.mean(axis=0, keepdims=True)
    return first, second, third


def shared_products(rows: Arrays, columns: Arrays, *, limits: Integers | None = None, device: str) -> Reals:
    """Return what `masked_kernels.shared_products` does, (r, c), of `lists` and `values`."""
    shape = rows["lists"].shape[1], columns["lists"].shape[1]
    total = np.zeros(shape)
    for upper, lower in _tiles(rows["lists"].shape, columns["lists"].shape, limits):
        left, right = (
            _layers(side, which, device, backwards=False) for side, which in ((rows, upper), (columns, lower))
        )
        product = torch.zeros((left.lists.shape[1], right.lists.shape[1]), dtype=torch.float64, device=device)
        for items in _blocks(left, right):
            product += _product_of_values(
                _at_items(left, items, left.values), _at_items(right, items, right.values)
            )
        total[upper, lower] = product.cpu().numpy() * left.factors[:, None] * right.factors[None, :]
    return total


def _tile(left: _Layers, right: _Layers) -> Tensor:
    """Return the five sums of a tile of layer pairs, (5, r, c) float64."""
    sums = torch.zeros(
        (5, left.lists.shape[1], right.lists.shape[1]), dtype=torch.float64, device=left.lists.device
    )
    for items in _blocks(left, right):
        sums[0] += _product_of_values(
            _at_items(left, items, left.returned), _at_items(right, items, right.returned)
        )
        mine, other = _at_items(left, items, left.values), _at_items(right, items, right.values)
        of_rows, of_columns = _sums_of_items(mine, other)  # (items, r, c) each
        sums[1] += of_rows.sum(dim=0)
        sums[2] += of_columns.sum(dim=0)
        down_rows, down_columns = _sums_of_items(_at_neighbours(left, items), _at_neighbours(right, items))
        sums[3] += (down_rows * of_columns).sum(dim=0)
        sums[4] += (down_columns * of_rows).sum(dim=0)
    return sums


def _tiles(
    rows: tuple[int, ...], columns: tuple[int, ...], limits: Integers | None
) -> Iterator[tuple[slice, slice]]:
    """Cut the layer pairs of lists, (n, layers, k), into tiles whose lists take bounded memory."""
    n, row_count, k = rows
    width = min(LAYERS_AT_ONCE, max(64, ENTRIES_AT_ONCE // (n * k)))
    for start in range(0, row_count, width):
        upper = slice(start, min(start + width, row_count))
        end = columns[1] if limits is None else min(columns[1], int(limits[upper].max()))
        for begin in range(0, end, width):
            yield upper, slice(begin, min(begin + width, columns[1]))


def _layers(side: Arrays, which: slice, device: str, *, backwards: bool = True) -> _Layers:
    lists = torch.from_numpy(side["lists"][:, which].astype(np.int64)).to(device)
    values = side["values"][:, which]
    factors = _factors(values)
    scaled = torch.from_numpy(values / factors[:, None].astype(np.float32)).to(device)
    returned, back, begins = scaled, lists.new_empty(0), lists.new_empty(0)
    if backwards:
        returned = scaled * torch.from_numpy(side["returned"][:, which].astype(np.float32)).to(device)
        ordered, back = lists.flatten().sort()
        begins = torch.searchsorted(ordered, torch.arange(len(lists) + 1, device=device))
    return _Layers(lists, scaled, returned, back, begins, factors)


def _factors(values: NDArray[Any]) -> Reals:
    """Return a power of two for each layer that brings its largest value below LARGEST: no digit is lost."""
    largest = np.abs(values).max(axis=(0, 2)).astype(np.float64)
    _, exponents = np.frexp(largest / LARGEST)
    factors: Reals = np.ldexp(1.0, exponents)
    return factors


def _blocks(left: _Layers, right: _Layers) -> Iterator[slice]:
    """Cut the items into blocks whose dense matrices and products take bounded memory."""
    n, r, c = len(left.lists), left.lists.shape[1], right.lists.shape[1]
    chunk = max(1, NUMBERS_AT_ONCE // (n * (r + c) + r * c))
    for start in range(0, n, chunk):
        yield slice(start, min(start + chunk, n))


def _at_items(layers: _Layers, items: slice, values: Tensor) -> _Dense:
    """Return the rows of a block of items."""
    places = layers.lists[items]
    blank = torch.zeros((*places.shape[:2], len(layers.lists)), dtype=torch.float16, device=places.device)
    high, low = _halves(values[items])
    return _Dense(
        blank.scatter(2, places, 1.0), blank.scatter(2, places, high), blank.scatter(2, places, low)
    )


def _at_neighbours(layers: _Layers, items: slice) -> _Dense:
    """Return the columns of a block of items: at [m, i, r] what row r of layer i holds at m."""
    n, count, k = layers.lists.shape
    chosen = layers.back[int(layers.begins[items.start]) : int(layers.begins[items.stop])]
    m = layers.lists.flatten()[chosen] - items.start
    places = (m * count + chosen // k % count) * n + chosen // (k * count)
    size = (items.stop - items.start) * count * n
    blank = torch.zeros(size, dtype=torch.float16, device=places.device)
    high, low = _halves(layers.values.flatten()[chosen])
    shape = (items.stop - items.start, count, n)
    filled = (blank.scatter(0, places, part) for part in (torch.ones_like(high), high, low))
    return _Dense(*(part.view(shape) for part in filled))


def _halves(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return two float16 numbers whose sum is each value, but for its last one or two bits."""
    high = values.to(torch.float16)
    return high, (values - high.to(torch.float32)).to(torch.float16)


def _sums_of_items(left: _Dense, right: _Dense) -> tuple[Tensor, Tensor]:
    """Return for each item the sums of the left and of the right values where both have marks."""
    of_left = _batched(left.high, right.marks) + _batched(left.low, right.marks)
    return of_left, _batched(left.marks, right.high) + _batched(left.marks, right.low)


def _product_of_values(left: _Dense, right: _Dense) -> Tensor:
    """Return the sum of the products of values, (r, c), without the product of both low halves (2**-22)."""
    return (
        _batched(left.high, right.high) + _batched(left.high, right.low) + _batched(left.low, right.high)
    ).sum(dim=0)


def _batched(left: Tensor, right: Tensor) -> Tensor:
    """Return left @ right' for each item in float32."""
    if left.is_cuda:
        return torch.bmm(left, right.mT, out_dtype=torch.float32)
    return torch.bmm(left.to(torch.float32), right.mT.to(torch.float32))  # float16 is slow there
