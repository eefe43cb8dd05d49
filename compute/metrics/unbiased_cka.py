"""Centred kernel alignment with the unbiased estimate of HSIC, linear kernel.

With K = X X', U(K) its U-centred form (diagonal 0, rows that sum to 0):

    unbiased_cka(i, j) = <U(K_i), U(K_j)> / (|U(K_i)| |U(K_j)|)

Shapes: layers (n, d) and (n, e), n >= 4. Range: -1 to 1, and 1 for a layer with itself; unrelated layers
give 0 on average, with variance 2 / (n (n - 3)) over permutations, exactly. Invariances: rotation, scale and
shift of the features, a shared order of the items. The features are centred before the kernel is built: it
changes nothing but the digits that are left where all rows share a strong mean.

Source: Song et al. 2012, JMLR 13; Nguyen et al. 2021, arXiv 2010.15327. `unbiased_cka_prh` is the released
code of Huh et al. 2024, arXiv 2405.07987, HSIC_u(K, L) / (sqrt(HSIC_u(K, K) HSIC_u(L, L)) + 1e-6), without
the rounding of its float32.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from compute.metrics.contract import Reals
from compute.metrics.device_triangles import linear_arrays
from compute.metrics.triangles import Triangle, TriangleMetric, linear_triangle, with_epsilon


@dataclass(frozen=True)
class UnbiasedCka(TriangleMetric):
    """Unbiased linear CKA; see the module."""

    keeps_norms = True

    def triangle(self, rows: Reals, dtype: DTypeLike) -> Triangle:
        """Return U(K) / |U(K)|, and the root of the unbiased HSIC of a layer (n, d) with itself.

        Raises:
            ValueError: n < 4, all rows are equal, or all pairs of rows are equally similar.
        """
        unit, n = linear_triangle(rows, dtype, is_unbiased=True), len(rows)
        return replace(unit, norm=float(unit.norm / np.sqrt(n * (n - 3))))

    def layer_arrays(self, rows: Tensor, lists: Tensor | None) -> dict[str, NDArray[Any]]:
        """Return the layer made ready, on a GPU where the rows are on one."""
        return linear_arrays(rows, is_unbiased=True) if rows.is_cuda else super().layer_arrays(rows, lists)


@dataclass(frozen=True)
class UnbiasedCkaPrh(UnbiasedCka):
    """Unbiased linear CKA with the released code's epsilon; see the module."""

    def finished(self, products: Reals, row_norms: Reals | None, column_norms: Reals | None) -> Reals:
        """Return the released code's scores of inner products."""
        return with_epsilon(products, row_norms, column_norms)


def unbiased_cka_of(rows: Reals, columns: Reals) -> float:
    """Return the unbiased linear CKA of two layers in float64, (n, d) and (n, e)."""
    return UnbiasedCka().between(rows, columns)
