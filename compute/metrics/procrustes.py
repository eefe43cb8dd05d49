"""Orthogonal Procrustes: how much of one layer is the other after the best rotation.

With X_i the features of a layer, centred and scaled to Frobenius norm 1:

    procrustes(i, j) = nuclear norm of X_i' X_j = max over rotations Q of trace(X_i Q X_j')

Before that each layer is projected to its `dimensions` leading principal components and scaled to norm 1
again, which loses nothing where it has no more. Shapes: layers (n, d) and (n, e), n >= 4. Range: 0 to 1, and
1 for a layer with itself. Invariances: rotation, shift and scale of the features, a shared order of items.
Unrelated layers are above 0, and the more so the wider they are.

Kin: the squared distance after the best rotation is 2 - 2 score; `scipy.spatial.procrustes`, which also finds
the best scale, gives the disparity 1 - score^2. The score is the Bures similarity (fidelity) of the centred
linear kernels, each of trace 1: `bures` in rsatoolbox.

Source: Schönemann 1966, Psychometrika 31; Williams et al. 2021, arXiv 2110.14739.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.metrics.bases import BasisMetric, centred_features, leading_eigenvectors, padded
from compute.metrics.contract import Integers, Reals


@dataclass(frozen=True)
class Procrustes(BasisMetric):
    """Orthogonal Procrustes; see the module.

    Attributes:
        dimensions: how many principal components are kept at most.
    """

    dimensions: int = 128

    def layer_arrays(self, rows: Tensor, lists: Tensor | None) -> dict[str, NDArray[Any]]:
        """Return `bases`, (n, r) float32 of norm 1 with columns of zeros behind, and `ranks`.

        Raises:
            ValueError: n < 4, or all rows are equal.
        """
        components = principal_components(rows, self.dimensions)
        width = min(self.dimensions, len(rows) - 1)
        return {"bases": padded(components, width), "ranks": np.array(components.shape[1])}

    def finished(self, norms: Reals, row_ranks: Integers, column_ranks: Integers, n: int) -> Reals:
        """Return the nuclear norms, at most 1."""
        return np.minimum(norms, 1)


def principal_components(rows: Tensor, dimensions: int) -> Tensor:
    """Return the leading principal components of features, (n, r) float64, together of norm 1.

    r is the smallest of `dimensions`, n - 1 and d. Features of no more columns are only centred and scaled:
    a rotation of them changes no score.

    Raises:
        ValueError: there are fewer than four rows, or all are equal.
    """
    centred = centred_features(rows)
    n, d = centred.shape
    kept = min(dimensions, n - 1, d)
    if kept == d:
        components = centred
    elif n < d:
        values, vectors = leading_eigenvectors(centred @ centred.T, kept)
        components = vectors * values.clamp(min=0).sqrt()
    else:
        components = centred @ leading_eigenvectors(centred.T @ centred, kept)[1]
    scaled: Tensor = components / components.norm()
    return scaled


def procrustes_of(rows: Reals, columns: Reals, *, dimensions: int = 128) -> float:
    """Return the Procrustes score of two layers in float64, (n, d) and (n, e)."""
    if len(rows) != len(columns):
        raise ValueError(f"the rows have {len(rows)} items, the columns {len(columns)}")
    left, right = (principal_components(torch.from_numpy(side), dimensions) for side in (rows, columns))
    return min(float(torch.linalg.svdvals(left.T @ right).sum()), 1.0)
