"""Representational similarity analysis: the rank correlation of two layers' dissimilarities.

The representational dissimilarity matrix (RDM) of a layer holds 1 less the Pearson correlation of two rows,
or their Euclidean distance, for each pair of items:

    rsa(i, j) = Spearman(triangle of RDM_i, triangle of RDM_j)

ties having the mean of their ranks. Shapes: layers (n, d) and (n, e), n >= 4. Range: -1 to 1, and 1 for a
layer with itself; 0 on average over permutations, exactly. Invariances: scale of the features, a shared order
of the items; adding a number to all features of an item where the RDM is `correlation`, rotation and shift
where it is `euclidean`. Dissimilarities that agree to 1e-12 are ties: how a sum is rounded depends on where
an item stands, and would otherwise decide their order.

Source: Kriegeskorte, Mur, Bandettini 2008, Frontiers in Systems Neuroscience 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from compute.metrics.contract import Reals
from compute.metrics.kernels import FEWEST_ITEMS, squared_distances, upper
from compute.metrics.triangles import Triangle, TriangleMetric, hollow

Rdm = Literal["correlation", "euclidean"]


@dataclass(frozen=True)
class Rsa(TriangleMetric):
    """RSA by rank correlation; see the module.

    Attributes:
        rdm: the dissimilarity of two rows, `correlation` or `euclidean`.
    """

    rdm: Rdm = "correlation"

    def triangle(self, rows: Reals, dtype: DTypeLike) -> Triangle:
        """Return the z-scored ranks of a layer's dissimilarities, over their norm.

        Raises:
            ValueError: n < 4, a row is constant (`correlation`), or all pairs are equally dissimilar.
        """
        order = _one_less_correlation(rows) if self.rdm == "correlation" else _relative_squares(rows)
        ranks = mean_ranks(np.rint(order * 1e12))
        ranks -= (len(ranks) + 1) / 2
        if not ranks.any():
            raise ValueError("all pairs of items are equally dissimilar: their ranks have no correlation")
        return hollow(ranks.astype(dtype))


def rsa_of(rows: Reals, columns: Reals, *, rdm: Rdm = "correlation") -> float:
    """Return the RSA of two layers in float64, (n, d) and (n, e)."""
    return Rsa(rdm).between(rows, columns)


def mean_ranks(values: Reals) -> Reals:
    """Return ranks from 1, equal values having the mean of theirs."""
    order = np.argsort(values)
    in_order = values[order]
    firsts = np.flatnonzero(np.concatenate(([True], in_order[1:] != in_order[:-1])))
    del in_order  # of n (n - 1) / 2 values, like all that follows
    counts = np.diff(np.append(firsts, len(values)))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(firsts + (counts + 1) / 2, counts)
    return ranks


def _one_less_correlation(rows: Reals) -> Reals:
    """Return 1 less the Pearson correlation of every pair of rows."""
    if len(rows) < FEWEST_ITEMS:
        raise ValueError(f"{len(rows)} items, expected at least {FEWEST_ITEMS}")
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    scaled = rows / np.where(largest > 0, largest, 1)
    centred = scaled - scaled.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    constant = int((lengths <= 1e-13 * np.sqrt(rows.shape[1])).sum())  # what rounding leaves of equal numbers
    if constant:
        raise ValueError(
            f"{constant} of {len(rows)} rows are constant: they have no correlation; use the euclidean RDM"
        )
    centred /= lengths
    dissimilarities: Reals = 1 - upper(centred @ centred.T)
    return dissimilarities


def _relative_squares(rows: Reals) -> Reals:
    """Return the squared distance of every pair of rows over the mean one; ranked as the distances are."""
    squares, _ = squared_distances(rows)
    entries = upper(squares)
    entries /= entries.mean()
    return entries
