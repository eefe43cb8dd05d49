"""Distance correlation: the correlation of the doubly centred Euclidean distances, biased.

With D the n x n distances of the rows and H = I - 11'/n:

    distance_correlation(i, j) = sqrt(<H D_i H, H D_j H> / (|H D_i H| |H D_j H|))

Shapes: layers (n, d) and (n, e), n >= 4. Range: 0 to 1, and 1 for a layer with itself. Invariances: rotation,
scale and shift of the features, a shared order of the items. Unrelated layers are above 0, and the more so
the wider they are.

Source: Székely, Rizzo, Bakirov 2007, Annals of Statistics 35: the root of dCov^2 / sqrt(dVar^2 dVar^2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import DTypeLike

from compute.metrics.contract import Reals
from compute.metrics.kernels import squared_distances
from compute.metrics.triangles import Triangle, TriangleMetric, doubly_centred


@dataclass(frozen=True)
class DistanceCorrelation(TriangleMetric):
    """Distance correlation; see the module."""

    def triangle(self, rows: Reals, dtype: DTypeLike) -> Triangle:
        """Return H D H / |H D H| of a layer (n, d); distances are float64 whatever the precision.

        Raises:
            ValueError: n < 4, or all rows are equal.
        """
        distances, factor = squared_distances(rows)
        np.sqrt(distances, out=distances)
        unit = doubly_centred(distances.astype(dtype, copy=False))
        return replace(unit, norm=float(unit.norm * np.sqrt(factor)))

    def finished(self, products: Reals, row_norms: Reals | None, column_norms: Reals | None) -> Reals:
        """Return the square roots of inner products, which rounding alone makes negative."""
        return np.sqrt(np.maximum(products, 0))


def distance_correlation_of(rows: Reals, columns: Reals) -> float:
    """Return the distance correlation of two layers in float64, (n, d) and (n, e)."""
    return DistanceCorrelation().between(rows, columns)
