from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.metrics.edit_distance_knn import EditDistanceKnn
from compute.metrics.lcs_knn import LcsKnn
from tests.compute.metrics.lists import (
    check_item_values,
    check_limits,
    check_reordering,
    grid,
    random_lists,
    related_lists,
)


def levenshtein(a: list[int], b: list[int]) -> int:
    """The definition: the table of all pairs of beginnings."""
    table = [[p + q if p * q == 0 else 0 for q in range(len(b) + 1)] for p in range(len(a) + 1)]
    for p, q in itertools.product(range(1, len(a) + 1), range(1, len(b) + 1)):
        table[p][q] = min(
            table[p - 1][q] + 1, table[p][q - 1] + 1, table[p - 1][q - 1] + (a[p - 1] != b[q - 1])
        )
    return table[-1][-1]


def twin(rows: np.ndarray, columns: np.ndarray, k: int) -> np.ndarray:
    return np.array(
        [
            [
                sum(k - levenshtein(a, b) for a, b in zip(x[:, :k].tolist(), y[:, :k].tolist(), strict=True))
                for y in columns
            ]
            for x in rows
        ]
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 25), st.integers(1, 4), st.integers(1, 4), st.integers(0, 10_000), st.data())
def test_it_equals_the_definition(n: int, r: int, c: int, seed: int, data: st.DataObject) -> None:
    k_max = data.draw(st.integers(1, n - 1))
    k = data.draw(st.integers(1, k_max))
    rows = related_lists(r, n, k_max, seed)
    columns = np.concatenate([related_lists(c, n, k_max, seed), random_lists(1, n, k_max, seed + 1)])
    assert (grid(EditDistanceKnn(k), rows, columns)[0] == twin(rows, columns, k)).all()


def test_all_orders_of_five_equal_the_definition() -> None:
    start = [1, 2, 3, 4, 5]
    orders = [list(order) for order in itertools.permutations(start)]
    # Item 0 has the order in question, the others have one list in all layers.
    rest = [[m for m in range(7) if m != item][:5] for item in range(1, 7)]
    rows, columns = (
        np.array([[start, *rest]], np.uint8),
        np.array([[order, *rest] for order in orders], np.uint8),
    )
    expected = [30 + 5 - levenshtein(start, order) for order in orders]
    assert grid(EditDistanceKnn(5), rows, columns)[0, 0].tolist() == expected


@pytest.mark.parametrize(("n", "k"), [(66, 64), (67, 65)])
def test_long_lists_equal_the_definition(n: int, k: int) -> None:
    lists = np.concatenate([random_lists(1, n, k, 3), related_lists(2, n, k, 4, change=0.1)])
    assert (grid(EditDistanceKnn(k), lists[1:2], lists)[0] == twin(lists[1:2], lists, k)).all()


def test_a_case_worked_by_hand() -> None:
    left = np.array([[[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]], np.uint8)
    right = np.array([[[2, 1, 3], [0, 2, 3], [1, 3, 0], [2, 0, 1]]], np.uint8)
    # two substitutions; none; 0 deleted and inserted; 2 likewise
    assert grid(EditDistanceKnn(3), left, right).item() == 12 - (2 + 0 + 2 + 2)
    # of the first two: 12 -> 21 by two; none; 01 -> 13 by two; 01 -> 20 by two
    assert grid(EditDistanceKnn(2), left, right).item() == 8 - (2 + 0 + 2 + 2)


def test_many_items_for_few_entries_equal_the_definition() -> None:
    rows, columns = random_lists(3, 300, 4, 1), related_lists(2, 300, 4, 2)
    assert (grid(EditDistanceKnn(4), rows, columns)[0] == twin(rows, columns, 4)).all()


def test_it_is_symmetric_and_one_for_a_layer_with_itself() -> None:
    lists = related_lists(5, 30, 8, 5)
    found = grid(EditDistanceKnn(8), lists, lists)[0]
    assert (found == found.T).all()
    assert (np.diag(found) == EditDistanceKnn(8).scale(30)).all()


def test_it_is_at_most_the_common_subsequence() -> None:
    lists = related_lists(5, 30, 8, 6)
    assert (grid(EditDistanceKnn(8), lists, lists) <= grid(LcsKnn(8), lists, lists)).all()


def test_lists_that_share_nothing_are_k_apart() -> None:
    lists = np.array([[(item + 1 + j) % 9 for j in range(3)] for item in range(9)], np.uint8)
    others = np.array([[(item + 4 + j) % 9 for j in range(3)] for item in range(9)], np.uint8)
    assert grid(EditDistanceKnn(3), lists[None], others[None]).item() == 0


def test_limits_items_and_order() -> None:
    lists = related_lists(6, 20, 7, 7)
    check_limits(EditDistanceKnn(5), lists)
    check_reordering(EditDistanceKnn(5), lists)
    check_item_values(EditDistanceKnn(5), lists, 1e-12)  # sums of 20 numbers


def test_distances_between_layers_keep_the_triangle() -> None:
    lists = related_lists(6, 20, 7, 8)
    distance = 20 * 7 - grid(EditDistanceKnn(7), lists, lists)[0]
    for a, b, c in itertools.product(range(6), repeat=3):
        assert distance[a, c] <= distance[a, b] + distance[b, c]
