"""How sure a score is: shared neighbours item by item, and the standard errors that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Lists = NDArray[np.unsignedinteger[Any]]
Z_95 = 1.959963984540054
RECIPROCAL = math.sqrt(
    2
)  # items are also each other's neighbours, so that their overlaps are not independent


@dataclass(frozen=True)
class Difference:
    """How much more one pair aligns than another, paired over the items.

    Attributes:
        value: first score minus second score.
        se: its standard error.
        p: two-sided, by the normal distribution.
    """

    value: float
    se: float
    p: float

    @property
    def ci_low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - Z_95 * self.se

    @property
    def ci_high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + Z_95 * self.se


def item_overlaps(left: Lists, right: Lists, *, k: int) -> NDArray[np.float64]:
    """Return, for each item, the share of its k neighbours that two layers have in common.

    Args:
        left: (n, k_max) neighbours of one layer.
        right: (n, k_max) neighbours of another on the same items.
        k: how many of the nearest count.

    Raises:
        ValueError: the item counts differ, or k is out of range.
    """
    if left.shape[0] != right.shape[0]:
        raise ValueError(f"one layer has {left.shape[0]} items, the other {right.shape[0]}")
    if not 1 <= k <= min(left.shape[1], right.shape[1]):
        raise ValueError(f"k is {k}, expected 1 to {min(left.shape[1], right.shape[1])}")
    shared: NDArray[np.int64] = _shared_per_item(left[:, :k].astype(np.int32), right[:, :k].astype(np.int32))
    return shared / k


def standard_error(overlaps: NDArray[np.float64]) -> float:
    """Return the standard error of a mean of per-item overlaps, sqrt(2) sd / sqrt(n).

    Without the factor 2 in the variance 95 % intervals are 21 to 27 % too narrow; a bootstrap of the items
    is biased. `test_intervals.py` measures the coverage.

    Raises:
        ValueError: there are fewer than two items.
    """
    if len(overlaps) < 2:
        raise ValueError("a standard error needs two items")
    return float(RECIPROCAL * overlaps.std(ddof=1) / math.sqrt(len(overlaps)))


def paired_difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> Difference:
    """Return the difference of two scores over the same items, from their per-item overlaps.

    Meant for two pairs that share a side, for example a trained and an untrained network against the same
    partner: what the items have in common cancels.

    Raises:
        ValueError: the item counts differ.
    """
    if first.shape != second.shape:
        raise ValueError(f"the first has {len(first)} items, the second {len(second)}")
    gained = first - second
    value, se = float(gained.mean()), standard_error(gained)
    if se == 0:
        return Difference(value, se, 1.0 if value == 0 else 0.0)
    return Difference(value, se, math.erfc(abs(value) / se / math.sqrt(2)))


@numba.njit(cache=True, nogil=True)
def _shared_per_item(left: NDArray[np.int32], right: NDArray[np.int32]) -> NDArray[np.int64]:
    n, k = left.shape
    shared = np.zeros(n, np.int64)
    seen = np.full(n, -1, np.int32)  # the last item that lists a neighbour on the left
    for item in range(n):
        for j in range(k):
            seen[left[item, j]] = item
        for j in range(k):
            shared[item] += seen[right[item, j]] == item
    return shared
