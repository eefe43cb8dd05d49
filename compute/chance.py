"""What metrics give for unrelated embeddings, in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from compute.subsequences import LONGEST, mean_longest_rises

Excluded = Sequence[int] | NDArray[np.int64] | None


def mutual_knn_chance(k: int, item_count: int, excluded: Excluded = None) -> float:
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
    candidates = _candidates(k, item_count, excluded)
    return float(np.mean(k / candidates))


def jaccard_knn_chance(k: int, item_count: int, excluded: Excluded = None) -> float:
    """Return the mean jaccard-kNN score of one pair of unrelated layers.

    The mean of c / (2k - c), c being hypergeometric: how many of k marked among n - 1 candidates are drawn
    in k draws. Without exclusions it is exactly the mean over all permutations of the items (scores are in
    fixed point and within 5e-10 of it); with them it is as in `mutual_knn_chance`.

    Args:
        k: how many neighbours count.
        item_count: n.
        excluded: m_r, for each item how many others must not count; None for no exclusion.

    Raises:
        ValueError: an item has fewer than k candidates.
    """
    return _mean_over_overlaps(lambda c: c / (2 * k - c), k, item_count, excluded)


def lcs_knn_chance(k: int, item_count: int, excluded: Excluded = None) -> float | None:
    """Return the mean lcs-kNN score of one pair of unrelated layers; None for k above 100.

    Of two random lists that share c items, these stand in random orders, and the longest common subsequence
    is the longest increasing one of a random order of c things. c is hypergeometric. Without exclusions it
    is exactly the mean over all permutations of the items; with them it is as in `mutual_knn_chance`.

    Args:
        k: how many neighbours count.
        item_count: n.
        excluded: m_r, for each item how many others must not count; None for no exclusion.

    Raises:
        ValueError: an item has fewer than k candidates.
    """
    if k > LONGEST:
        return None
    means = mean_longest_rises(k)
    return _mean_over_overlaps(lambda c: means[c] / k, k, item_count, excluded)


def cycle_knn_chance(in_degree: NDArray[np.integer], k: int, item_count: int) -> float:
    """Return the mean cycle-kNN score from one layer to an unrelated one: exact over all permutations.

    From layer i to layer j an item counts if a neighbour that j gives it has it as a neighbour in i. Those
    that have it in i are as many as its in-degree there, and j's k are any of the n - 1 others: the score is
    1 - mean over r of C(n - 1 - indegree_r, k) / C(n - 1, k).

    Args:
        in_degree: (n,), how many lists of layer **i**, from which the direction leads, hold each item.
        k: how many neighbours count.
        item_count: n.
    """
    every = math.comb(item_count - 1, k)
    degrees, counts = np.unique(in_degree, return_counts=True)
    missed = sum(
        int(count) * math.comb(item_count - 1 - int(degree), k)
        for degree, count in zip(degrees, counts, strict=True)
    )
    return 1 - missed / (every * item_count)


def _mean_over_overlaps(value: Callable[[int], float], k: int, item_count: int, excluded: Excluded) -> float:
    """Return the mean of a function of the overlap of two random lists of k, over items and overlaps."""
    candidates, counts = np.unique(_candidates(k, item_count, excluded), return_counts=True)
    means = [
        math.fsum(
            value(c) * (math.comb(k, c) * math.comb(many - k, k - c) / math.comb(many, k))
            for c in range(k + 1)
        )
        for many in candidates.tolist()
    ]
    return float(np.average(means, weights=counts))


def _candidates(k: int, item_count: int, excluded: Excluded) -> NDArray[np.int64]:
    candidates = item_count - 1 - np.asarray([0] if excluded is None else excluded)
    if k > candidates.min():
        raise ValueError(f"k is {k}, and an item has {candidates.min()} candidates")
    return candidates
