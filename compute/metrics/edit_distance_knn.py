"""How few edits turn one neighbour list into the other, between every layer of two sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compute.metrics.contract import Arrays, Integers, Reals, Side
from compute.metrics.neighbour_lists import OnNeighbourLists, two_layers


@dataclass(frozen=True)
class EditDistanceKnn(OnNeighbourLists):
    """1 - the mean over items of Levenshtein(list_i(r), list_j(r)) / k, lists ordered from the nearest on.

    Insertions, deletions and substitutions cost 1 each. In [0, 1], 1 for equal lists in equal order;
    symmetric; at most the mutual-kNN score. Lists that share nothing are k edits apart, exactly, and so are
    those whose shared entries lie too far apart to be worth a shift. No closed form of its chance is known
    here: the null gives it, one value for all pairs. Rotation, scale and one order of items for both change
    nothing.

    The product of this metric is no matrix product: on any device it is computed on the CPU.

    Source: Huh et al. 2024, arXiv 2405.07987, released code; Levenshtein 1966.
    """

    def scale(self, item_count: int) -> float:
        """Return n k."""
        return float(item_count * self.k)

    def grid(
        self, rows: Side, columns: Side, *, limits: Integers | None = None, device: str = "cpu"
    ) -> Integers:
        """Return k minus the distance, summed over items, (1, r, c), as `LayerMetric.grid` has it."""
        from compute.ordered_lists import edits_saved

        return edits_saved(rows.arrays["lists"], columns.arrays["lists"], limits)[None]

    def item_values(self, left: Arrays, right: Arrays) -> Reals:
        """Return 1 - distance / k of every item, (1, n)."""
        from compute.ordered_lists import edits_saved_per_item

        saved = edits_saved_per_item(*two_layers(left, right, self.k))
        return np.asarray(saved / self.k, np.float64)[None]
