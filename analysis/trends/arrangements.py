"""Other ways in which checkpoints could have got their labels: all of them, or keyed random ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from registry.keyed import keyed_words

DRAWS = 999
# Sums of the same numbers in another order differ by rounding; such draws are ties.
TOLERANCE = 1e-12

Orders = NDArray[np.int64]


@dataclass(frozen=True)
class Arrangements:
    """Arrangements that a test compares with the one that was found.

    Attributes:
        rows: `(N, n)`; all that exist, the one that was found among them, where `is_exact`.
        is_exact: whether these are all.
    """

    rows: Orders
    is_exact: bool

    @property
    def count(self) -> int:
        """Return how many are compared, the one that was found included."""
        return len(self.rows) + (0 if self.is_exact else 1)


def p_value(found: float, others: NDArray[np.float64], *, is_exact: bool) -> float:
    """Return the share of arrangements that give at least what was found.

    p = (1 + #{draw >= found}) / (1 + N) over N random draws; over all arrangements, of which the one that was
    found is one, # / N, which is the same formula. A draw that has no value counts as reaching it.
    """
    reached = int((~(others < found - TOLERANCE)).sum())
    return reached / len(others) if is_exact else (1 + reached) / (1 + len(others))


def orders(count: int, *, key: str, draws: int = DRAWS) -> Arrangements:
    """Return orders of `count` positions: all if there are at most `draws` + 1, else keyed random ones."""
    if math.factorial(min(count, 20)) <= draws + 1:
        return Arrangements(np.array(list(permutations(range(count))), dtype=np.int64), is_exact=True)
    return Arrangements(keyed_orders(count, key=key, draws=draws), is_exact=False)


def splits(labels: Orders, *, key: str, draws: int = DRAWS) -> Arrangements:
    """Return rearranged labels 1, -1 and 0: every different one if they are few, else keyed random ones.

    Args:
        labels: `(n,)` 1 for one side, -1 for the other, 0 for neither.
        key: what the random ones depend on, and nothing else.
        draws: how many random ones; up to one more, all are enumerated instead.
    """
    count, ups, downs = len(labels), int((labels == 1).sum()), int((labels == -1).sum())
    if math.comb(count, ups) * math.comb(count - ups, downs) <= draws + 1:
        return Arrangements(_all_splits(count, ups, downs), is_exact=True)
    return Arrangements(labels[keyed_orders(count, key=key, draws=draws)], is_exact=False)


def keyed_orders(count: int, *, key: str, draws: int) -> Orders:
    """Return `(draws, count)` permutations that depend on the key alone.

    Each sorts raw Philox words, not a generator's `permutation`, whose stream numpy does not promise to keep.
    """
    words = keyed_words(key, draws * count).reshape(draws, count)
    return np.argsort(words, axis=1, kind="stable")


def _all_splits(count: int, ups: int, downs: int) -> Orders:
    rows = []
    for up in combinations(range(count), ups):
        rest = [position for position in range(count) if position not in up]
        for down in combinations(rest, downs):
            row = np.zeros(count, dtype=np.int64)
            row[list(up)], row[list(down)] = 1, -1
            rows.append(row)
    return np.array(rows)
