"""Centred kernel alignment with a Gaussian kernel, biased.

    cka_rbf = cka of K = exp(-d^2 / (2 s^2)), d the Euclidean distance of two rows

s is sigma, or sigma times the median distance of two different items of that layer. Shapes: layers (n, d)
and (n, e), n >= 4. Range: 0 to 1, and 1 for a layer with itself. Invariances: rotation and shift of the
features, a shared order of the items; scale where the unit is the median. A wide kernel tends to linear CKA.

Source: Kornblith et al. 2019, arXiv 1905.00414. `cka_rbf_prh` is the released code of Huh et al. 2024, arXiv
2405.07987, with its 1e-6 in the denominator and sigma as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from compute.metrics.contract import Reals
from compute.metrics.kernels import squared_distances, upper
from compute.metrics.triangles import Triangle, TriangleMetric, doubly_centred, with_epsilon


@dataclass(frozen=True)
class CkaRbf(TriangleMetric):
    """CKA with a Gaussian kernel; see the module.

    Attributes:
        sigma: width of the kernel, in units.
        unit: `median`, the layer's median distance, or `absolute`, 1.
    """

    sigma: float = 1.0
    unit: Literal["median", "absolute"] = "median"
    keeps_norms = True

    def triangle(self, rows: Reals, dtype: DTypeLike) -> Triangle:
        """Return H K H / |H K H|, and |H K H|, of a layer (n, d).

        Raises:
            ValueError: n < 4, all rows are equal, or the unit is a median distance of 0.
        """
        return _gaussian(rows, dtype, self.sigma, is_absolute=self.unit == "absolute")


@dataclass(frozen=True)
class CkaRbfPrh(TriangleMetric):
    """CKA with a Gaussian kernel and the released code's epsilon; see the module.

    Attributes:
        sigma: width of the kernel.
    """

    sigma: float = 1.0
    keeps_norms = True

    def triangle(self, rows: Reals, dtype: DTypeLike) -> Triangle:
        """Return H K H / |H K H|, and |H K H|, of a layer (n, d).

        Raises:
            ValueError: n < 4, or all rows are equal.
        """
        return _gaussian(rows, dtype, self.sigma, is_absolute=True)

    def finished(self, products: Reals, row_norms: Reals | None, column_norms: Reals | None) -> Reals:
        """Return the released code's scores of inner products."""
        return with_epsilon(products, row_norms, column_norms)


def cka_rbf_of(
    rows: Reals, columns: Reals, *, sigma: float = 1.0, unit: Literal["median", "absolute"] = "median"
) -> float:
    """Return the Gaussian CKA of two layers in float64, (n, d) and (n, e)."""
    return CkaRbf(sigma, unit).between(rows, columns)


def _gaussian(rows: Reals, dtype: DTypeLike, sigma: float, *, is_absolute: bool) -> Triangle:
    kernel, factor = squared_distances(rows)
    square = sigma**2 / factor if is_absolute else sigma**2 * _median_square(kernel)
    kernel *= -1 / (2 * square)
    # K - 1 has the centred form of K, and keeps its digits where a wide kernel is 1 nearly everywhere.
    np.expm1(kernel, out=kernel)
    return doubly_centred(kernel.astype(dtype, copy=False))


def _median_square(squares: Reals) -> float:
    """Return the square of the median distance of two different items."""
    entries = upper(squares)
    middle = len(entries) // 2
    entries.partition((middle - 1, middle))
    low, high = np.sqrt(entries[middle - 1 + len(entries) % 2]), np.sqrt(entries[middle])
    median = float(low + high) / 2
    if median == 0:
        raise ValueError(
            "the median distance of the items is 0, since most are duplicates: give an absolute sigma"
        )
    return median**2
