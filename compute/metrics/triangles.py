"""What the metrics on kernels share: a layer's centred kernel as a vector, stored, permuted and multiplied.

A symmetric matrix is its strict upper triangle, row after row, times sqrt(2), and its diagonal where the
metric needs that: the inner products of these vectors are the Frobenius products of the matrices. Both
together have length 1, so that the inner product is the metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from compute.metrics.blocked_triangles import centred_kernel
from compute.metrics.contract import Arrays, Integers, Reals, Side
from compute.metrics.kernels import Floats, linear_kernel, upper
from compute.metrics.triangle_products import inner_products

HALF_FROM = 1_024
HALF_SCALE = 2.0**15  # entries are at most 1, and mostly near n**-1: this keeps them from the subnormals


@dataclass(frozen=True)
class Triangle:
    """A symmetric matrix of Frobenius norm 1, and the norm that it had.

    Attributes:
        upper: (n (n - 1) / 2,), the entries above the diagonal times sqrt(2).
        diagonal: (n,), or None where it is 0.
        norm: of the matrix before, in the units of the metric.
    """

    upper: Floats
    diagonal: Floats | None
    norm: float

    def times(self, other: Triangle) -> float:
        """Return the Frobenius product with another triangle."""
        product = float(self.upper @ other.upper)
        if self.diagonal is not None and other.diagonal is not None:
            product += float(self.diagonal @ other.diagonal)
        return product


class TriangleMetric:
    """A metric that is the inner product of two triangles, or a function of it.

    A subclass is a frozen dataclass of its parameters that says how a layer becomes a triangle, and may say
    what becomes of the products.
    """

    is_exact = False
    directions = 1
    keeps_norms = False

    def triangle(self, rows: Reals, dtype: DTypeLike) -> Triangle:
        """Return a layer as a triangle of some precision.

        Args:
            rows: (n, d).
            dtype: float32 or float64.

        Raises:
            ValueError: the metric is not defined for this layer.
        """
        raise NotImplementedError

    def finished(self, products: Reals, row_norms: Reals | None, column_norms: Reals | None) -> Reals:
        """Return the scores of inner products of unit triangles, (r, c).

        Args:
            products: (r, c), in [-1, 1].
            row_norms: (r,) norms of the rows' kernels, where the metric keeps them.
            column_norms: (c,), likewise.
        """
        return products

    def between(self, rows: Reals, columns: Reals) -> float:
        """Return the metric of two layers in float64 throughout, (n, d) and (n, e)."""
        if len(rows) != len(columns):
            raise ValueError(f"the rows have {len(rows)} items, the columns {len(columns)}")
        left, right = self.triangle(rows, np.float64), self.triangle(columns, np.float64)
        product = np.array([[left.times(right)]])
        norms = (np.array([side.norm]) if self.keeps_norms else None for side in (left, right))
        return float(self.finished(product, *norms)[0, 0])

    def scale(self, item_count: int) -> float:
        """Return 1: the entries of a grid are scores."""
        return 1.0

    def layer_arrays(self, rows: Tensor, lists: Tensor | None) -> dict[str, NDArray[Any]]:
        """Return a layer's `triangles` (P,), `diagonals` (n,) if it has one, `lengths`, and `norms` if kept.

        The kernel is built in float32 where it is stored as float16, and in float64 otherwise.
        """
        features = rows.detach().cpu().numpy()
        is_half = len(features) >= HALF_FROM
        triangle = self.triangle(features, np.float32 if is_half else np.float64)
        arrays = stored(triangle, is_half=is_half)
        return {**arrays, "norms": np.array(triangle.norm)} if self.keeps_norms else arrays

    def stack(self, embeddings: Sequence[Arrays]) -> Side:
        """Return embeddings side by side: the arrays of `layer_arrays`, with an axis of layers before."""
        names = embeddings[0].keys()
        arrays = {name: np.concatenate([one[name] for one in embeddings]) for name in names}
        counts = np.array([len(one["triangles"]) for one in embeddings], np.int64)
        return Side(arrays, counts, item_count(arrays["triangles"].shape[1]))

    def permuted(self, side: Side, orders: Sequence[Integers]) -> Side:
        """Return a side after each embedding's items have changed places: item i is the old `order[i]`.

        Nothing moves yet: triangles are gathered through the orders piece by piece as they are multiplied.
        """
        order = np.stack(orders).astype(np.int64)
        if "orders" in side.arrays:
            order = np.take_along_axis(side.arrays["orders"], order, axis=1)
        return Side({**side.arrays, "orders": order}, side.layer_counts, side.item_count)

    def grid(
        self, rows: Side, columns: Side, *, limits: Integers | None = None, device: str = "cpu"
    ) -> Reals:
        """Return the metric of all layer pairs, (1, row layers, column layers) float64."""
        if rows.item_count != columns.item_count:
            raise ValueError(f"the rows have {rows.item_count} items, the columns {columns.item_count}")
        products = inner_products(rows, columns, limits=limits, device=device)
        products /= np.outer(rows.arrays["lengths"], columns.arrays["lengths"])
        return self.finished(products, rows.arrays.get("norms"), columns.arrays.get("norms"))[None]

    def item_values(self, left: Arrays, right: Arrays) -> Reals | None:
        """Return None: the score is no mean over items."""
        return None


def with_epsilon(products: Reals, row_norms: Reals | None, column_norms: Reals | None) -> Reals:
    """Return what the released code of Huh et al. makes of normalised products: x p / (p + 1e-6).

    Args:
        products: (r, c) x, HSIC over p.
        row_norms: (r,) square roots of the rows' HSIC with themselves.
        column_norms: (c,) of the columns; p is their product.
    """
    if row_norms is None or column_norms is None:
        raise ValueError("the released form needs the norms of the kernels")
    norms = np.outer(row_norms, column_norms)
    return products * (norms / (norms + 1e-6))


def item_count(entries: int) -> int:
    """Return the n of n (n - 1) / 2 entries."""
    return int(np.sqrt(2 * entries)) + 1


def doubly_centred(kernel: Floats) -> Triangle:
    """Return HKH / |HKH| of a symmetric kernel, with its diagonal; the kernel becomes HKH.

    Raises:
        ValueError: HKH is 0.
    """
    size = _size(kernel)
    means = kernel.mean(axis=1, dtype=np.float64)
    shift = (means - means.mean() / 2).astype(kernel.dtype)
    kernel -= shift
    kernel -= shift[:, None]
    return _unit(upper(kernel), kernel.diagonal(), size)


def unbiased_centred(kernel: Floats) -> Triangle:
    """Return U(K) / |U(K)| of a symmetric kernel, without its diagonal, which is 0; the kernel is changed.

    U(K) is K less r_i / (n - 2) and r_j / (n - 2), plus s / ((n - 1)(n - 2)), off the diagonal: r are the
    sums of the rows without the diagonal, s is their sum. <U(K), U(L)> is n (n - 3) times the unbiased HSIC.

    Raises:
        ValueError: U(K) is 0.
    """
    n, size = len(kernel), _size(kernel)
    np.fill_diagonal(kernel, 0)
    sums = kernel.sum(axis=1, dtype=np.float64) / (n - 2)
    shift = (sums - sums.sum() / (n - 1) / 2).astype(kernel.dtype)
    kernel -= shift
    kernel -= shift[:, None]
    return _unit(upper(kernel), None, size)


def linear_triangle(rows: Reals, dtype: DTypeLike, *, is_unbiased: bool) -> Triangle:
    """Return the centred linear kernel of a layer (n, d) as a triangle of some precision.

    Args:
        rows: (n, d).
        dtype: float32 or float64.
        is_unbiased: U-centred and without a diagonal, instead of doubly centred.

    Raises:
        ValueError: n < 4, or the centred kernel is 0.
    """
    if np.dtype(dtype) == np.float32:
        made = centred_kernel(rows, is_unbiased=is_unbiased)
        unit, factor = _unit(made.upper, made.diagonal, made.size), made.factor
    else:
        kernel, factor = linear_kernel(rows, dtype)
        unit = unbiased_centred(kernel) if is_unbiased else doubly_centred(kernel)
    return replace(unit, norm=unit.norm * factor)


def hollow(entries: Floats) -> Triangle:
    """Return the entries above the diagonal of a matrix, whose diagonal is 0, as a triangle."""
    length = np.sqrt(_square_sum(entries))
    return Triangle(entries / length, None, float(length * np.sqrt(2)))


def stored(triangle: Triangle, *, is_half: bool) -> dict[str, NDArray[Any]]:
    """Return a triangle as it is stored, with its length after rounding.

    As float32, or as float16 times a power of two. The diagonal is float32 in any case: its entries are few,
    large and much alike, and their rounding would not average out.
    """
    factor = HALF_SCALE if is_half else 1.0
    upper = torch.from_numpy(triangle.upper).mul(factor).to(torch.float16 if is_half else torch.float32)
    arrays = {"triangles": upper.numpy()}
    square = _square_sum(upper.to(torch.float32).numpy())
    if triangle.diagonal is not None:
        arrays["diagonals"] = (triangle.diagonal * factor).astype(np.float32)
        square += _square_sum(arrays["diagonals"])
    return {**arrays, "lengths": np.array(np.sqrt(square))}


def _unit(entries: Floats, diagonal: Floats | None, size: float) -> Triangle:
    """Return a triangle, scaling the entries in place; `size` is the norm before centring."""
    square = 2 * _square_sum(entries)
    if diagonal is not None:
        square += _square_sum(diagonal)
    norm = float(np.sqrt(square))
    if norm <= 8 * np.finfo(entries.dtype).eps * np.sqrt(item_count(len(entries))) * size:
        raise ValueError("the centred kernel is 0: all pairs of items are equally similar")
    entries *= np.sqrt(2) / norm
    return Triangle(entries, None if diagonal is None else diagonal / norm, norm)


def _size(kernel: Floats) -> float:
    return float(np.sqrt(np.einsum("i,i->", kernel.ravel(), kernel.ravel())))


def _square_sum(vector: Floats) -> float:
    """Return the sum of squares, in float64 over pieces that float32 adds up without loss."""
    whole = len(vector) // 1024 * 1024
    pieces = vector[:whole].reshape(-1, 1024)
    rest = vector[whole:].astype(np.float64)
    return float(np.einsum("ij,ij->i", pieces, pieces).sum(dtype=np.float64) + rest @ rest)
