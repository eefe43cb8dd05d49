"""What a kernel or a matrix of distances must be before it is stored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ingest.layer_checks import Layers
from registry.errors import EmbeddingMismatch, InputError

TOLERANCE = 1e-6  # of the largest entry


def checked_matrices(
    layers: Mapping[str, Any],
    *,
    kind: Literal["kernel", "distances"],
    what: str,
    dataset: str,
    item_count: int,
) -> Layers:
    """Return symmetric float32 matrices, one per layer, if each compares the items of the data set.

    A condensed triangle, the n (n - 1) / 2 entries above the diagonal row by row, becomes a matrix; of a
    kernel it says nothing about the diagonal, and is refused. Distances may be negative, as unbiased
    estimates are.

    Args:
        layers: an (n, n) matrix or a triangle for each, in the order of depth.
        kind: whether larger entries mean more or less alike.
        what: the embedding, for sentences.
        dataset: the data set's name.
        item_count: how many items it has.

    Raises:
        InputError: there is no layer, or one is not symmetric, holds NaN or infinity, an item is at a
            distance from itself, or a kernel cannot be that of features.
        EmbeddingMismatch: a matrix is of another number of items.
    """
    if not layers:
        raise InputError(f"{what}: no layer was given", hint="give at least one (n, n) matrix")
    return {
        str(name): _checked(np.asarray(layer), kind, f"{what}, layer {name}", dataset, item_count)
        for name, layer in layers.items()
    }


def _checked(array: NDArray[Any], kind: str, where: str, dataset: str, n: int) -> NDArray[np.float32]:
    if array.dtype.kind not in "fiub":
        raise InputError(f"{where}: expected numbers, found {array.dtype}", hint="give a matrix of floats")
    matrix = _square(array, kind, where, dataset, n)
    finite = np.isfinite(matrix)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        value = "NaN" if np.isnan(matrix[row, column]) else "infinity"
        raise InputError(
            f"{where}: {value} at row {row}, column {column} ({int((~finite).sum())} such entries)",
            hint="leave out items that were not measured, in the data set too",
        )
    allowed = TOLERANCE * float(np.abs(matrix).max())
    difference = np.abs(matrix - matrix.T)
    if float(difference.max()) > allowed:
        row, column = np.unravel_index(int(difference.argmax()), difference.shape)
        raise InputError(
            f"{where}: not symmetric: {matrix[row, column]:.6g} at row {row}, column {column}, "
            f"{matrix[column, row]:.6g} at row {column}, column {row}",
            hint="give one number for each pair of items",
        )
    if kind == "distances" and float(np.abs(matrix.diagonal()).max()) > allowed:
        row = int(np.abs(matrix.diagonal()).argmax())
        raise InputError(
            f"{where}: item {row} is at the distance {matrix[row, row]:.6g} from itself, expected 0",
            hint="give distances, or similarities with --kind kernel",
        )
    if kind == "kernel":
        _require_kernel(matrix, allowed, where)
    return _float32((matrix + matrix.T) / 2, kind, where)


def _require_kernel(matrix: NDArray[np.float64], allowed: float, where: str) -> None:
    """Refuse what cannot be inner products of features, before or after their mean is taken away."""
    mean = matrix.mean(axis=0)
    squares = np.minimum(matrix.diagonal(), matrix.diagonal() - 2 * mean + matrix.mean())
    row = int(squares.argmin())
    if squares[row] < -allowed:
        raise InputError(
            f"{where}: no kernel of features: item {row} would have the squared length {squares[row]:.6g}",
            hint="give similarities like inner products, or distances with --kind distances",
        )


def _float32(matrix: NDArray[np.float64], kind: str, where: str) -> NDArray[np.float32]:
    if kind == "distances":
        np.fill_diagonal(matrix, 0.0)
    with np.errstate(over="ignore"):
        small = np.ascontiguousarray(matrix, dtype=np.float32)
    if not np.isfinite(small).all():
        raise InputError(f"{where}: an entry is too large for float32", hint="scale the matrix")
    return small


def _square(array: NDArray[Any], kind: str, where: str, dataset: str, n: int) -> NDArray[np.float64]:
    is_triangle = array.ndim == 1 or (array.ndim == 2 and min(array.shape) == 1 < max(array.shape))
    if is_triangle and kind == "kernel":
        raise InputError(
            f"{where}: a triangle says nothing about a kernel's diagonal", hint="give the whole (n, n) matrix"
        )
    if is_triangle:
        found = (1 + math.isqrt(1 + 8 * array.size)) // 2
        if array.size != n * (n - 1) // 2:
            raise EmbeddingMismatch(
                f"{where}: expected {n * (n - 1) // 2:,} entries for the {n} items of {dataset}, found "
                f"{array.size:,}" + (f", of {found} items" if found * (found - 1) // 2 == array.size else ""),
                hint="give the entries above the diagonal, row by row",
            )
        matrix = np.zeros((n, n))
        matrix[np.triu_indices(n, 1)] = array.ravel()
        return matrix + matrix.T
    if array.shape != (n, n):
        raise EmbeddingMismatch(
            f"{where}: expected {n} x {n}, row and column per item of {dataset}, found shape {array.shape}",
            hint="compare every item of the data set once with every other, in its order",
        )
    return array.astype(np.float64)
