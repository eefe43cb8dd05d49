"""What metrics give for unrelated embeddings, in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def mutual_knn_chance(
    k: int, item_count: int, excluded: Sequence[int] | NDArray[np.int64] | None = None
) -> float:
    """Return the mean mutual-kNN score of one pair of unrelated layers.

    Without exclusions it is k / (n - 1), exactly the mean over all permutations of the items. With them every
    item r has n - 1 - m_r candidates, and the mean over items of k / (n - 1 - m_r) is a little above the
    mean over permutations, which move the exclusions too.

    Args:
        k: how many neighbours count.
        item_count: n.
        excluded: m_r, for each item how many others must not count; None for no exclusion.

    Raises:
        ValueError: an item has fewer than k candidates.
    """
    candidates = item_count - 1 - np.asarray([0] if excluded is None else excluded)
    if k > candidates.min():
        raise ValueError(f"k is {k}, and an item has {candidates.min()} candidates")
    return float(np.mean(k / candidates))
