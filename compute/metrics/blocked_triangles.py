"""Linear kernels in float32, made block of rows after block of rows: the path for a CPU.

Only what is above the diagonal is computed, about half of the kernel, and each block is centred while it is
in the cache: there is no n x n matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from compute.metrics.contract import Reals
from compute.metrics.kernels import centred_rows

BLOCK_ROWS = 128  # of a kernel: more compute more below the diagonal, fewer are slower

Singles = NDArray[np.float32]


@dataclass(frozen=True)
class CentredKernel:
    """The centred linear kernel of a layer, over a factor.

    Attributes:
        upper: (n (n - 1) / 2,), the entries above the diagonal, row after row.
        diagonal: (n,), or None where it is 0.
        size: the norm of the kernel before centring.
        factor: the mean square of the centred features.
    """

    upper: Singles
    diagonal: Singles | None
    size: float
    factor: float


def centred_kernel(rows: Reals, *, is_unbiased: bool) -> CentredKernel:
    """Return the centred linear kernel of a layer.

    The features are centred before, so that the rows of their kernel sum to 0 but for the rounding of
    float32: double centring leaves it as it is, and U-centring moves it by the squares on its diagonal only.

    Args:
        rows: (n, d).
        is_unbiased: U-centred and without a diagonal, instead of doubly centred.

    Raises:
        ValueError: there are fewer than four rows, or all are equal.
    """
    centred, unit = centred_rows(rows)
    n = len(centred)
    features = np.empty(centred.shape, np.float32)
    np.multiply(centred, 1 / unit, out=features, casting="same_kind")
    squares = np.einsum("ij,ij->i", features, features)
    sums = -squares.astype(np.float64) / (n - 2)  # as `triangles.unbiased_centred` has them
    shift = (sums - sums.sum() / (n - 1) / 2).astype(np.float32)
    upper = np.empty(n * (n - 1) // 2, np.float32)
    place, size = 0, 0.0
    for first, block in _blocks(features):
        size += 2 * _square_sum(block) - _square_sum(block[:, : len(block)])
        if is_unbiased:
            block -= shift[first:]
            block -= shift[first : first + len(block), None]
        for i, row in enumerate(block):
            stop = place + len(row) - 1 - i
            upper[place:stop] = row[i + 1 :]
            place = stop
    return CentredKernel(upper, None if is_unbiased else squares, float(np.sqrt(size)), unit**2)


def _blocks(features: Singles) -> Iterator[tuple[int, Singles]]:
    """Yield some rows of the kernel at a time, from their first diagonal entry on, in the same memory."""
    n = len(features)
    rows, memory = torch.from_numpy(features), torch.empty(BLOCK_ROWS * n)
    for first in range(0, n, BLOCK_ROWS):
        here, others = rows[first : first + BLOCK_ROWS], rows[first:]
        block = memory[: len(here) * len(others)].view(len(here), len(others))
        torch.mm(here, others.T, out=block)
        yield first, block.numpy()


def _square_sum(block: Singles) -> float:
    return float(np.einsum("ij,ij->i", block, block).sum(dtype=np.float64))
