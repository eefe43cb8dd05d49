from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from compute.chance import cycle_knn_chance, jaccard_knn_chance, lcs_knn_chance, mutual_knn_chance
from compute.subsequences import mean_longest_rises

REL = 1e-13  # float64 of exact numbers


def longest_rise(order: tuple[int, ...]) -> int:
    """The definition: the longest of all that end at each place."""
    ends: list[int] = []
    for place, value in enumerate(order):
        ends.append(1 + max((ends[p] for p in range(place) if order[p] < value), default=0))
    return max(ends, default=0)


def partitions(total: int, largest: int) -> Iterator[list[int]]:
    if total == 0:
        yield []
    for first in range(min(total, largest), 0, -1):
        for rest in partitions(total - first, first):
            yield [first, *rest]


def by_hook_lengths(count: int) -> Fraction:
    """Robinson, Schensted: orders are pairs of tableaux of one shape, whose first row is the longest rise."""
    total = 0
    for shape in partitions(count, count):
        columns = [sum(row > place for row in shape) for place in range(shape[0])]
        hooks = math.prod(
            row - place + columns[place] - i - 1 for i, row in enumerate(shape) for place in range(row)
        )
        total += shape[0] * (math.factorial(count) // hooks) ** 2
    return Fraction(total, math.factorial(count))


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_mean_longest_rises_are_those_of_all_orders(count: int) -> None:
    orders = list(itertools.permutations(range(count)))
    expected = Fraction(sum(map(longest_rise, orders)), len(orders))
    assert mean_longest_rises(count)[count] == pytest.approx(float(expected), rel=REL)


def test_mean_longest_rises_are_those_of_the_hook_lengths() -> None:
    found = mean_longest_rises(24)
    assert found[0] == 0
    for count in (1, 10, 17, 24):
        assert found[count] == pytest.approx(float(by_hook_lengths(count)), rel=REL)


def test_long_orders_have_the_mean_that_draws_have() -> None:
    """At 100 there are too many shapes to add up. 2,000 draws have a standard error of 0.04."""
    random = np.random.default_rng(1)
    drawn = [longest_rise(tuple(random.permutation(100).tolist())) for _ in range(2000)]
    means = mean_longest_rises(100)
    assert means[100] == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / math.sqrt(2000))
    assert means[24] == pytest.approx(mean_longest_rises(24)[24], rel=REL)
    assert (np.diff(means) > 0).all()
    assert (np.diff(means, 2)[2:] < 0).all()  # every further thing adds less


@pytest.mark.parametrize("k", [1, 2, 3])
def test_chances_are_the_means_over_all_lists_of_an_item(k: int) -> None:
    n = 6
    first = tuple(range(1, k + 1))
    lists = list(itertools.permutations(range(1, n), k))
    shared = [len({*first} & {*other}) for other in lists]
    rises = [longest_rise(tuple(other.index(m) for m in first if m in other)) for other in lists]
    assert mutual_knn_chance(k, n) == pytest.approx(sum(shared) / (k * len(lists)), rel=REL)
    jaccard = sum(Fraction(c, 2 * k - c) for c in shared) / len(lists)
    assert jaccard_knn_chance(k, n) == pytest.approx(float(jaccard), rel=REL)
    assert lcs_knn_chance(k, n) == pytest.approx(sum(rises) / (k * len(lists)), rel=REL)


@pytest.mark.parametrize("chance", [mutual_knn_chance, jaccard_knn_chance, lcs_knn_chance])
def test_exclusions_leave_each_item_its_candidates(chance) -> None:  # type: ignore[no-untyped-def]
    excluded = [0, 3, 3, 5, 0, 1]
    expected = np.mean([chance(4, 30 - m) for m in excluded])
    assert chance(4, 30, excluded) == pytest.approx(expected, rel=REL)
    with pytest.raises(ValueError, match="k is 4, and an item has 3 candidates"):
        chance(4, 9, excluded)


def test_all_others_as_neighbours_leave_nothing_to_chance_but_the_order() -> None:
    assert mutual_knn_chance(8, 9) == 1
    assert jaccard_knn_chance(8, 9) == 1
    assert lcs_knn_chance(8, 9) == pytest.approx(mean_longest_rises(8)[8] / 8, rel=REL)
    assert cycle_knn_chance(np.full(9, 8), 8, 9) == 1


def test_items_that_nobody_lists_never_lead_back() -> None:
    # one item that all others list leads back in any case, the others never
    assert cycle_knn_chance(np.array([3, 0, 0, 0]), 1, 4) == pytest.approx(1 / 4, rel=REL)
    assert cycle_knn_chance(np.array([1, 1, 1, 1]), 1, 4) == pytest.approx(1 / 3, rel=REL)


def test_large_k_has_a_chance_up_to_100() -> None:
    chance = lcs_knn_chance(100, 1024)
    assert chance is not None
    assert mutual_knn_chance(100, 1024) / 3 < chance < mutual_knn_chance(100, 1024)
    assert lcs_knn_chance(101, 1024) is None
    with pytest.raises(ValueError, match="count is 101, expected 0 to 100"):
        mean_longest_rises(101)
