"""The n x n kernels and distances of a layer, from features that are centred first."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from compute.metrics.contract import Reals

Floats = NDArray[np.floating[Any]]
Real = TypeVar("Real", bound=np.floating[Any])
FEWEST_ITEMS = 4


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
    shift = centred.mean(axis=0)
    centred -= shift
    unit = _root_mean_square(centred)
    mean = rows[:1] + shift
    if unit <= 1e-15 * np.hypot(unit, _root_mean_square(mean)):  # the root mean square of the rows
        raise ValueError("all rows are equal: the centred kernel is 0")
    return centred, unit


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
    return float(np.sqrt(np.einsum("ij,ij->", rows, rows) / rows.size))
