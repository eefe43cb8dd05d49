"""What a target's metric gives for unrelated embeddings, where one closed form holds for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.chance import jaccard_knn_chance, lcs_knn_chance, mutual_knn_chance


@dataclass(frozen=True)
class Chance:
    """Mean and standard deviation of one layer pair over unrelated embeddings; None where none is known."""

    mean: float | None = None
    sd: float | None = None


def chance_of(
    metric: str, parameters: Mapping[str, Any], item_count: int, excluded: NDArray[np.int64] | None = None
) -> Chance:
    """Return the chance of a metric, exact over all permutations of the items.

    Args:
        metric: its name.
        parameters: all of them.
        item_count: n, at least 4.
        excluded: (n,) for each item how many others must not count; None for no exclusion.
    """
    if "k" in parameters:
        return Chance(_on_neighbours(metric, int(parameters["k"]), item_count, excluded))
    if metric == "unbiased_cka":
        return Chance(0.0, sqrt(2 / (item_count * (item_count - 3))))
    if metric in ("unbiased_cka_prh", "rsa"):
        return Chance(0.0)
    return Chance()


def _on_neighbours(metric: str, k: int, item_count: int, excluded: NDArray[np.int64] | None) -> float | None:
    """Return the mean of a metric on neighbours, where all pairs of embeddings have the same."""
    if metric == "mutual_knn":
        return mutual_knn_chance(k, item_count, excluded)
    if metric == "jaccard_knn":
        return jaccard_knn_chance(k, item_count, excluded)
    if metric == "lcs_knn":
        return lcs_knn_chance(k, item_count, excluded)
    if metric == "lcs_knn_prh":
        share = lcs_knn_chance(k, item_count, excluded)
        return None if share is None else k * share
    return None
