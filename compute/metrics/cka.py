"""Centred kernel alignment (CKA) with a linear kernel, biased.

With H = I - 11'/n and K = X X':

    cka(i, j) = <H K_i H, H K_j H> / (|H K_i H| |H K_j H|)

Shapes: layers (n, d) and (n, e), n >= 4. Range: 0 to 1, and 1 for a layer with itself. Invariances: rotation,
scale and shift of the features, a shared order of the items. Unrelated layers are far above 0 where the
features are many: about sqrt(d e / ((n + d)(n + e))) for independent Gaussians.

Source: Kornblith et al. 2019, arXiv 1905.00414. `cka_prh` is the released code of Huh et al. 2024, arXiv
2405.07987: trace(K H L H) / (sqrt(trace(K H K H) trace(L H L H)) + 1e-6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from compute.metrics.contract import Reals
from compute.metrics.device_triangles import linear_arrays
from compute.metrics.triangles import Triangle, TriangleMetric, linear_triangle, with_epsilon


@dataclass(frozen=True)
class Cka(TriangleMetric):
    """Linear CKA; see the module."""

    keeps_norms = True

    def triangle(self, rows: Reals, dtype: DTypeLike) -> Triangle:
        """Return H K H / |H K H|, and |H K H|, of a layer (n, d).

        Raises:
            ValueError: n < 4, or all rows are equal.
        """
        return linear_triangle(rows, dtype, is_unbiased=False)

    def layer_arrays(self, rows: Tensor, lists: Tensor | None) -> dict[str, NDArray[Any]]:
        """Return the layer made ready, on a GPU where the rows are on one."""
        return linear_arrays(rows, is_unbiased=False) if rows.is_cuda else super().layer_arrays(rows, lists)


@dataclass(frozen=True)
class CkaPrh(Cka):
    """Linear CKA with the released code's epsilon; see the module."""

    def finished(self, products: Reals, row_norms: Reals | None, column_norms: Reals | None) -> Reals:
        """Return the released code's scores of inner products."""
        return with_epsilon(products, row_norms, column_norms)


def cka_of(rows: Reals, columns: Reals) -> float:
    """Return the linear CKA of two layers in float64, (n, d) and (n, e)."""
    return Cka().between(rows, columns)
