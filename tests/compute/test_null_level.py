"""Whether p is what it says: a thousand pairs that have nothing in common, and fewer for every metric."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch
from numpy.typing import NDArray

from benchmarks.levels import ITEMS, LAYERS, Embeddings, levels, random_walk, ranked, subject_of
from compute.catalogue import METRICS, metric_info
from compute.metrics.mutual_knn import MutualKnn
from compute.null import calibrate, draw_key, null_draws
from compute.schemes import all_items
from tests.compute.test_null import lists_of

torch.set_num_threads(1)
PAIRS, N, K, WIDTH, DRAWS = 1000, 128, 16, 24, 99
WRONG_PAIRS = 300  # enough for a null that is far off
FEW_PAIRS, FEW_WRONG_PAIRS, FEW_DRAWS = 200, 100, 19  # of every metric


def pairs() -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    random = np.random.default_rng(20260511)
    for _ in range(PAIRS):
        left, right = (lists_of(random_walk(random, N, WIDTH, step=0.4), K) for _ in range(2))
        yield left, right


def p_value(
    number: int, left: NDArray[np.int64], right: NDArray[np.int64], layer_counts: NDArray[np.int64]
) -> float:
    """p of the best layer pair, where each group of layers has a permutation of its own."""
    scheme = all_items(N)
    metric = MutualKnn(k=K)
    sides = [
        replace(metric.stack([{"indices": lists}]), layer_counts=layer_counts) for lists in (left, right)
    ]

    def orders(draw: int) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
        return tuple(  # type: ignore[return-value]
            [
                scheme.order(draw_key(0, draw, f"{number} {side} {group}"))
                for group in range(len(layer_counts))
            ]
            for side in ("left", "right")
        )

    counts = null_draws(metric, sides[0], sides[1], orders, DRAWS).max(axis=(1, 2, 3))
    observed = metric.grid(*sides).max()
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


# Edit distances of neighbouring layers are the least alike, so that the wrong null is the least wrong for
# them: a hundred pairs are few (KS p 3e-7 with 400).
WEAK = {"edit_distance_knn": 0.02}


# One width for each metric, narrower than the items, as wide, or wider: `benchmarks/null_level.py` has all,
# of a thousand pairs. A permutation per layer is as wrong for neighbour lists as for kernels and bases.
@pytest.mark.slow
@pytest.mark.parametrize("values", ITEMS)
@pytest.mark.parametrize("turn", range(3))
def test_p_is_level_for_every_metric_and_a_permutation_per_layer_is_not(values: str, turn: int) -> None:
    names = [name for name in METRICS if metric_info(name).values == values][turn::3]
    n = ITEMS[values]
    width = (n // 3, n, 3 * n)[turn]
    found = list(levels(names, n, width, pairs=FEW_PAIRS, wrong_pairs=FEW_WRONG_PAIRS, draws=FEW_DRAWS))
    assert [level.metric for level in found if level.null == "right"] == names
    for level in found:
        if level.null == "right":
            assert level.is_level, level
            assert level.ks > 0.0005, level  # at the seeds that are fixed; by chance once in a hundred
        else:
            assert level.share < level.expected, level
            assert level.ks < WEAK.get(level.metric, 1e-6), level


def test_a_pair_has_the_p_of_its_draws_counted_one_by_one() -> None:
    random, n, k, draws = np.random.default_rng(5), 16, 4, 19
    subject = replace(subject_of("mutual_knn", n), parameters={"k": k}, metric=MutualKnn(k=k))
    lists = np.stack([lists_of(random_walk(random, n, 6), k) for _ in range(6)])
    orders = np.array([[[random.permutation(n)] for _ in lists] for _ in range(draws)])
    ranks = ranked(subject, Embeddings(lists, {}), orders)

    def best(left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
        return max(
            sum(len(set(a) & set(b)) for a, b in zip(i.tolist(), j.tolist(), strict=True))
            for i in left
            for j in right
        )

    def moved(lists: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.argsort(order)[lists[:, order]]

    for pair in range(3):
        left, right = lists[2 * pair], lists[2 * pair + 1]
        drawn = [
            best(moved(left, orders[draw, 2 * pair, 0]), moved(right, orders[draw, 2 * pair + 1, 0]))
            for draw in range(draws)
        ]
        score = best(left, right)
        assert ranks.p[pair] == (1 + sum(one >= score for one in drawn)) / 20
        assert (ranks.above[pair], ranks.tied[pair]) == (
            sum(one > score for one in drawn),
            sum(one == score for one in drawn),
        )
