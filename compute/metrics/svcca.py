"""Singular vector canonical correlation analysis (SVCCA), with exact singular vectors.

With Z_i the standardised features of a layer (each column less its mean, over its standard deviation; columns
that are constant are left out) and U_i its r_i leading left singular vectors, r_i the smaller of `dimensions`
and its rank:

    svcca(i, j) = sum of the singular values of U_i' U_j / min(r_i, r_j)

They are the canonical correlations of the two subspaces. Shapes: layers (n, d) and (n, e), n >= 4. Range: 0
to 1, and 1 for a layer with itself. Invariances: shift and scale of each feature, a shared order of items;
rotation changes the standardised features, and with them the score. Unrelated layers are above 0, by about
the root of dimensions / n.

Two subspaces with r_i + r_j >= n - 1 meet whatever they are, for centred features have n - 1 dimensions: such
a pair is refused, and no other.

Source: Raghu et al. 2017, arXiv 1706.05806. The released code of Huh et al. 2024, arXiv 2405.07987, finds the
vectors at random: two runs differ by up to 0.12, so that there is no variant to reproduce it.
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

EPS = torch.finfo(torch.float64).eps


@dataclass(frozen=True)
class Svcca(BasisMetric):
    """SVCCA; see the module.

    Attributes:
        dimensions: how many leading singular vectors are kept at most.
    """

    dimensions: int = 10

    def layer_arrays(self, rows: Tensor, lists: Tensor | None) -> dict[str, NDArray[Any]]:
        """Return `bases`, (n, r) float32 with columns of zeros beyond the rank, and the rank as `ranks`.

        Raises:
            ValueError: n < 4, or all rows are equal.
        """
        vectors = leading_directions(rows, self.dimensions)
        width = min(self.dimensions, len(rows) - 1)
        return {"bases": padded(vectors, width), "ranks": np.array(vectors.shape[1])}

    def check_ranks(self, row_ranks: Integers, column_ranks: Integers, limits: Integers, n: int) -> None:
        """Raise a ValueError if two subspaces that are compared have at least n - 1 dimensions together."""
        wanted = np.arange(len(column_ranks)) < limits[:, None]
        degenerate = wanted & (row_ranks[:, None] + column_ranks >= n - 1)
        if degenerate.any():
            i, j = np.argwhere(degenerate)[0]
            left, right = row_ranks[i], column_ranks[j]
            raise ValueError(
                f"svcca of row layer {i} (rank {left}) and column layer {j} (rank {right}): {left} + {right} "
                f"dimensions, expected together fewer than {n - 1}: subspaces of {n} items meet otherwise, "
                "whatever they are; take fewer dimensions or more items"
            )

    def finished(self, norms: Reals, row_ranks: Integers, column_ranks: Integers, n: int) -> Reals:
        """Return the mean canonical correlations."""
        scores: Reals = np.minimum(norms / np.minimum.outer(row_ranks, column_ranks), 1)
        return scores


def leading_directions(rows: Tensor, dimensions: int) -> Tensor:
    """Return the leading left singular vectors of standardised features, (n, r) float64, orthonormal.

    They come from the smaller Gram matrix; eigenvalues below its rounding error are no direction.

    Raises:
        ValueError: there are fewer than four rows, or all are equal.
    """
    centred = centred_features(rows)
    deviations = centred.norm(dim=0) / len(rows) ** 0.5
    varies = deviations > 1e-13  # in units of the largest entry: what rounding leaves of a constant
    standardised = centred[:, varies] / deviations[varies]
    n, d = standardised.shape
    is_wide = n < d
    gram = standardised @ standardised.T if is_wide else standardised.T @ standardised
    values, vectors = leading_eigenvectors(gram, min(dimensions, n, d))
    rank = int((values > values[0] * max(n, d) * EPS).sum())
    vectors = vectors[:, :rank] if is_wide else standardised @ vectors[:, :rank]
    directions: Tensor = torch.linalg.qr(vectors).Q  # rounding, and lengths where they are not wide
    return directions


def svcca_of(rows: Reals, columns: Reals, *, dimensions: int = 10) -> float:
    """Return the SVCCA of two layers in float64, (n, d) and (n, e).

    Raises:
        ValueError: as in `Svcca`.
    """
    left, right = (leading_directions(torch.from_numpy(side), dimensions) for side in (rows, columns))
    metric, ranks = Svcca(dimensions), (np.array([left.shape[1]]), np.array([right.shape[1]]))
    metric.check_ranks(*ranks, np.array([1]), len(rows))
    norm = torch.linalg.svdvals(left.T @ right).sum().reshape(1, 1).numpy()
    return float(metric.finished(norm, *ranks, len(rows))[0, 0])
