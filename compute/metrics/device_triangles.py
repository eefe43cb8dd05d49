"""Triangles of linear kernels, made and multiplied on the device of the features: the path for a GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.metrics.kernels import FEWEST_ITEMS
from compute.metrics.triangle_products import add_products
from compute.metrics.triangles import HALF_FROM, HALF_SCALE


@dataclass(frozen=True)
class DeviceTriangles:
    """The triangles of some layers on a device, as `TriangleMetric.layer_arrays` stores them.

    Attributes:
        triangles: (L, P) float16 or float32.
        diagonals: (L, n) float32, or None where they are 0.
        lengths: (L,) float64, of both together after rounding.
        norms: (L,) float64, of the centred kernels.
    """

    triangles: Tensor
    diagonals: Tensor | None
    lengths: Tensor
    norms: Tensor


def linear_triangles(features: Tensor, *, is_unbiased: bool) -> DeviceTriangles:
    """Return the centred linear kernels of layers, as `Cka` or `UnbiasedCka` make them one by one.

    Args:
        features: (L, n, d), of one width.
        is_unbiased: U-centred and without a diagonal, instead of doubly centred.

    Raises:
        ValueError: n < 4, or the centred kernel of a layer is 0.
    """
    n = features.shape[1]
    if n < FEWEST_ITEMS:
        raise ValueError(f"{n} items, expected at least {FEWEST_ITEMS}")
    kernels, squares = _kernels(features)
    sizes = torch.linalg.vector_norm(kernels, dim=(1, 2), dtype=torch.float64)
    if is_unbiased:
        kernels.diagonal(dim1=1, dim2=2).zero_()
        sums = kernels.sum(dim=2, dtype=torch.float64) / (n - 2)
        shift = (sums - sums.sum(dim=1, keepdim=True) / (n - 1) / 2).to(kernels.dtype)
    else:
        means = kernels.mean(dim=2, dtype=torch.float64)
        shift = (means - means.mean(dim=1, keepdim=True) / 2).to(kernels.dtype)
    kernels -= shift.unsqueeze(1)
    kernels -= shift.unsqueeze(2)
    items, others = torch.triu_indices(n, n, 1, device=kernels.device)
    above = kernels.flatten(1).index_select(1, items * n + others)  # (L, P)
    diagonals = None if is_unbiased else kernels.diagonal(dim1=1, dim2=2)
    norms = _lengths(above, diagonals, 2.0)
    if bool((norms <= 8 * torch.finfo(above.dtype).eps * n**0.5 * sizes).any()):
        raise ValueError("the centred kernel is 0: all pairs of items are equally similar")
    released = norms * squares / ((n * (n - 3)) ** 0.5 if is_unbiased else 1)
    return _rounded(above, diagonals, norms, released)


def scores(left: DeviceTriangles, right: DeviceTriangles) -> Tensor:
    """Return the inner products of all layers over their lengths, (r, c) float64: (unbiased) CKA."""
    shape = (len(left.triangles), len(right.triangles))
    total = torch.zeros(shape, dtype=torch.float64, device=left.triangles.device)
    add_products(total, left.triangles, right.triangles)
    if left.diagonals is not None and right.diagonals is not None:
        add_products(total, left.diagonals, right.diagonals)
    total /= torch.outer(left.lengths, right.lengths)
    return total


def linear_arrays(rows: Tensor, *, is_unbiased: bool) -> dict[str, NDArray[Any]]:
    """Return what `TriangleMetric.layer_arrays` does of one layer, (n, d), made on the layer's device."""
    made = linear_triangles(rows.unsqueeze(0), is_unbiased=is_unbiased)
    arrays = {"triangles": made.triangles, "lengths": made.lengths, "norms": made.norms}
    if made.diagonals is not None:
        arrays["diagonals"] = made.diagonals
    return {name: np.asarray(array[0].cpu().numpy()) for name, array in arrays.items()}


def _kernels(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the kernels of centred features over their mean squares, (L, n, n), and these, (L,).

    In float32 where they will be stored as float16, and in float64 otherwise.
    """
    centred = features.to(torch.float64)
    sizes = centred.square().mean(dim=(1, 2))
    centred = centred - centred[:, :1]  # equal rows become 0 exactly
    centred -= centred.mean(dim=1, keepdim=True)
    squares = centred.square().mean(dim=(1, 2))
    if bool((squares <= 1e-30 * sizes).any()):
        raise ValueError("all rows are equal: the centred kernel is 0")
    centred /= squares.sqrt()[:, None, None]
    rows = centred.to(torch.float32 if features.shape[1] >= HALF_FROM else torch.float64)
    return torch.bmm(rows, rows.mT), squares


def _rounded(above: Tensor, diagonals: Tensor | None, norms: Tensor, released: Tensor) -> DeviceTriangles:
    """Return triangles as they are stored, of length 1 but for their rounding and a power of two."""
    is_half = above.dtype == torch.float32
    factors = ((HALF_SCALE if is_half else 1.0) / norms).unsqueeze(1)
    triangles = (above * (factors * 2**0.5).to(above.dtype)).to(torch.float16 if is_half else torch.float32)
    kept = None if diagonals is None else (diagonals * factors).to(torch.float32)
    return DeviceTriangles(triangles, kept, _lengths(triangles, kept, 1.0), released)


def _lengths(above: Tensor, diagonals: Tensor | None, weight: float) -> Tensor:
    """Return the root of the weighted squares above the diagonals and the squares on them, (L,) float64."""
    square = weight * torch.linalg.vector_norm(above, dim=1, dtype=torch.float64) ** 2
    if diagonals is not None:
        square = square + torch.linalg.vector_norm(diagonals, dim=1, dtype=torch.float64) ** 2
    length: Tensor = square.sqrt()
    return length
