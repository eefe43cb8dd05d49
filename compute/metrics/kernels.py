"""The n x n kernels and distances of a layer, from features that are centred first."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from compute.metrics.contract import Reals

Floats = NDArray[np.floating[Any]]
Real = TypeVar("Real", bound=np.floating[Any])
FEWEST_ITEMS = 4
ENTRIES_AT_ONCE = 2**15  # of rows that are centred: in float64 they and a copy stay in the nearest caches


def centred_rows(rows: Reals) -> tuple[Reals, float]:
    """Return rows less their mean, and the root mean square of what they are then.

    Centring the features leaves every centred kernel as it is, and keeps its digits when all rows share a
    strong mean.

    Raises:
        ValueError: there are fewer than four rows, or all are equal.
    """
    if len(rows) < FEWEST_ITEMS:
        raise ValueError(f"{len(rows)} items, expected at least {FEWEST_ITEMS}")
    rows = np.asarray(rows, np.float64)
    centred = rows - rows[0]  # equal rows become 0 exactly, and their mean has no rounding
    centred -= centred.mean(axis=0)
    unit = _root_mean_square(centred)
    if unit <= 1e-15 * _root_mean_square(rows):
        raise ValueError("all rows are equal: the centred kernel is 0")
    return centred, unit


def centred_singles(rows: Reals) -> tuple[NDArray[np.float32], float]:
    """Return rows less their mean, (n, d) float32, over a factor, and the factor.

    They are centred in float64 some rows at a time, since copies of them all cost more than the arithmetic.
    The factor is the root mean square of the rows less the first one: at most sqrt(n + 1) times that of the
    centred rows, and enough to keep float32 from overflow.

    Raises:
        ValueError: there are fewer than four rows, or all are equal.
    """
    n, width = rows.shape
    if n < FEWEST_ITEMS:
        raise ValueError(f"{n} items, expected at least {FEWEST_ITEMS}")
    step = max(1, ENTRIES_AT_ONCE // width)
    pieces = [slice(start, start + step) for start in range(0, n, step)]
    total, square, whole = np.zeros(width), 0.0, 0.0
    for piece in pieces:
        moved = rows[piece] - rows[0].astype(np.float64)
        total += moved.sum(axis=0)
        square += _square_sum(moved)
        whole += _square_sum(rows[piece])
    unit, shift = float(np.sqrt(square / rows.size)), total / n
    singles, square = np.empty((n, width), np.float32), 0.0
    for piece in pieces:
        moved = rows[piece] - rows[0].astype(np.float64)  # equal rows become 0 exactly
        moved -= shift
        square += _square_sum(moved)
        np.divide(moved, unit or 1.0, out=singles[piece], casting="same_kind")
    if np.sqrt(square) <= 1e-15 * np.sqrt(whole):
        raise ValueError("all rows are equal: the centred kernel is 0")
    return singles, unit


def linear_kernel(rows: Reals, dtype: DTypeLike) -> tuple[Floats, float]:
    """Return the inner products of centred rows, (n, n), over a factor, and the factor.

    The factor, the mean square, keeps float32 from overflow.
    """
    centred, unit = centred_rows(rows)
    features = np.empty(centred.shape, dtype)
    np.multiply(centred, 1 / unit, out=features, casting="same_kind")
    return features @ features.T, unit**2


def squared_distances(rows: Reals) -> tuple[Reals, float]:
    """Return the squared Euclidean distances of all rows, (n, n) float64, over a factor, and the factor.

    They come from the inner products of centred rows: a distance below 1e-7 of the lengths of its rows is
    rounding, and counts as 0.
    """
    centred, unit = centred_rows(rows)
    centred /= unit
    kernel: Reals = centred @ centred.T
    squares = kernel.diagonal().copy()
    for i, row in enumerate(kernel):  # in place: there is no second n x n matrix
        lengths = squares + squares[i]
        row *= -2
        row += lengths
        row[row < 1e-14 * lengths] = 0
    np.fill_diagonal(kernel, 0)
    return kernel, unit**2


def upper(matrix: NDArray[Real]) -> NDArray[Real]:
    """Return the strict upper triangle of a matrix, row after row."""
    n = len(matrix)
    vector = np.empty(n * (n - 1) // 2, matrix.dtype)
    start = 0
    for i in range(n - 1):
        vector[start : start + n - 1 - i] = matrix[i, i + 1 :]
        start += n - 1 - i
    return vector


def _root_mean_square(rows: Reals) -> float:
    return float(np.sqrt(_square_sum(rows) / rows.size))


def _square_sum(rows: Reals) -> float:
    return float(np.einsum("ij,ij->", rows, rows, dtype=np.float64))
