"""Longest common subsequences of neighbour lists, between every layer of two sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compute.metrics.contract import Arrays, Integers, Reals, Side
from compute.metrics.neighbour_lists import OnNeighbourLists, two_layers


@dataclass(frozen=True)
class LcsKnn(OnNeighbourLists):
    """The mean over items of LCS(list_i(r), list_j(r)) / k, the lists ordered from the nearest on.

    In [0, 1], 1 for equal lists in equal order; symmetric; at most the mutual-kNN score. Since lists have
    no repeats, it is the longest increasing subsequence of the places of what is shared. Chance:
    `chance.lcs_knn_chance`. Rotation, scale and one order of items for both change nothing.

    The product of this metric is no matrix product: on any device it is computed on the CPU.

    Source: Huh et al. 2024, arXiv 2405.07987, appendix.
    """

    def scale(self, item_count: int) -> float:
        """Return n k."""
        return float(item_count * self.k)

    def grid(
        self, rows: Side, columns: Side, *, limits: Integers | None = None, device: str = "cpu"
    ) -> Integers:
        """Return the sums over items of all layer pairs, (1, r, c), as `LayerMetric.grid` has it."""
        from compute.ordered_lists import common_subsequences

        return common_subsequences(rows.arrays["lists"], columns.arrays["lists"], limits)[None]

    def item_values(self, left: Arrays, right: Arrays) -> Reals:
        """Return LCS / k of every item, (1, n)."""
        return self._lengths(left, right) / self.k

    def _lengths(self, left: Arrays, right: Arrays) -> Reals:
        from compute.ordered_lists import subsequence_per_item

        return subsequence_per_item(*two_layers(left, right, self.k))[None].astype(np.float64)


@dataclass(frozen=True)
class LcsKnnPrh(LcsKnn):
    """`LcsKnn` without the division by k: in [0, k].

    Source: Huh et al. 2024, arXiv 2405.07987, released code.
    """

    def scale(self, item_count: int) -> float:
        """Return n."""
        return float(item_count)

    def item_values(self, left: Arrays, right: Arrays) -> Reals:
        """Return the LCS of every item, (1, n)."""
        return self._lengths(left, right)
