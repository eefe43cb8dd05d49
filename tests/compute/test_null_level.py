"""Whether p is what it says, over a thousand pairs that have nothing in common."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.stats
import torch
from numpy.typing import NDArray

from compute.inverted_lists import by_item, shared_by_item
from compute.null import Side, calibrate, draw_key, null_counts
from compute.schemes import all_items
from tests.compute.test_null import lists_of

torch.set_num_threads(1)
PAIRS, LAYERS, N, K, WIDTH, DRAWS = 1000, 12, 128, 16, 24, 99
WRONG_PAIRS = 300  # enough for a null that is far off


def random_walk(random: np.random.Generator) -> NDArray[np.float64]:
    """Twelve layers, each a small step from the one before: as correlated as those of a network."""
    steps = random.normal(size=(LAYERS, N, WIDTH))
    steps[1:] *= 0.4
    return np.cumsum(steps, axis=0)


def pairs() -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    random = np.random.default_rng(20260511)
    for _ in range(PAIRS):
        left, right = (by_item(lists_of(random_walk(random), K), K) for _ in range(2))
        yield left, right


def p_value(
    number: int, left: NDArray[np.int32], right: NDArray[np.int32], layer_counts: NDArray[np.int64]
) -> float:
    """p of the best layer pair, where each group of layers has a permutation of its own."""
    scheme = all_items(N)
    sides = [Side(lists, layer_counts) for lists in (left, right)]

    def orders(draw: int) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
        return tuple(  # type: ignore[return-value]
            [
                scheme.order(draw_key(0, draw, f"{number} {side} {group}"))
                for group in range(len(layer_counts))
            ]
            for side in ("left", "right")
        )

    counts = null_counts(sides[0], sides[1], orders, DRAWS, shared_by_item).max(axis=(1, 2))
    observed = shared_by_item(left, right).max()
    return float(calibrate(np.array([observed]), counts[:, None], alpha=0.05, highest=N * K).p[0])


def is_level(p: NDArray[np.float64]) -> tuple[bool, str]:
    """Whether p values follow their discrete uniform, and what was found."""
    spread = p - np.random.default_rng(0).uniform(size=len(p)) / (DRAWS + 1)  # uniform if p is
    test = scipy.stats.kstest(spread, "uniform").pvalue
    expected = math.floor(0.05 * (DRAWS + 1)) / (DRAWS + 1)
    share = float((p <= 0.05).mean())
    error = math.sqrt(expected * (1 - expected) / len(p))
    found = f"KS p {test:.3f}, {share:.3f} of p at most .05 ({expected:.3f} +- {error:.3f})"
    return bool(test > 0.01 and abs(share - expected) <= 3 * error), found


@pytest.mark.slow
def test_p_is_uniform_for_unrelated_embeddings_and_a_wrong_null_is_not() -> None:
    together, apart = np.array([LAYERS]), np.ones(LAYERS, np.int64)
    right, wrong = np.empty(PAIRS), np.empty(WRONG_PAIRS)
    for number, (one, other) in enumerate(pairs()):
        right[number] = p_value(number, one, other, together)
        if number < WRONG_PAIRS:
            wrong[number] = p_value(number, one, other, apart)
    passed, found = is_level(right)
    print(found)
    assert passed, found
    passed, found = is_level(wrong)
    print(found)
    assert not passed, found
