from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.chance import lcs_knn_chance
from compute.metrics.lcs_knn import LcsKnn, LcsKnnPrh
from tests.compute.metrics.lists import (
    check_item_values,
    check_limits,
    check_reordering,
    grid,
    permuted_grids,
    random_lists,
    related_lists,
)


def lcs(a: list[int], b: list[int]) -> int:
    """The definition: the table of all pairs of beginnings."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for p, q in itertools.product(range(len(a)), range(len(b))):
        if a[p] == b[q]:
            table[p + 1][q + 1] = table[p][q] + 1
        else:
            table[p + 1][q + 1] = max(table[p][q + 1], table[p + 1][q])
    return table[-1][-1]


def twin(rows: np.ndarray, columns: np.ndarray, k: int) -> np.ndarray:
    return np.array(
        [
            [
                sum(lcs(a, b) for a, b in zip(left[:, :k].tolist(), right[:, :k].tolist(), strict=True))
                for right in columns
            ]
            for left in rows
        ]
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 25), st.integers(1, 4), st.integers(1, 4), st.integers(0, 10_000), st.data())
def test_it_equals_the_definition(n: int, r: int, c: int, seed: int, data: st.DataObject) -> None:
    k_max = data.draw(st.integers(1, n - 1))
    k = data.draw(st.integers(1, k_max))
    rows, columns = random_lists(r, n, k_max, seed), random_lists(c, n, k_max, seed + 1)
    assert (grid(LcsKnn(k), rows, columns)[0] == twin(rows, columns, k)).all()


@pytest.mark.parametrize(("n", "k"), [(66, 63), (66, 64), (67, 65), (132, 130)])  # places fill 1 to 3 words
def test_long_lists_equal_the_definition(n: int, k: int) -> None:
    rows, columns = random_lists(1, n, k, 3), random_lists(1, n, k, 4)
    columns[0, : n // 2] = np.sort(columns[0, : n // 2], axis=1)
    rows[0, : n // 3] = np.sort(rows[0, : n // 3], axis=1)  # long subsequences too
    assert (grid(LcsKnn(k), rows, columns)[0] == twin(rows, columns, k)).all()


def test_a_case_worked_by_hand() -> None:
    left = np.array([[[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]], np.uint8)
    right = np.array([[[2, 1, 3], [0, 2, 3], [3, 1, 0], [2, 0, 1]]], np.uint8)
    # 1 3; 0 2 3; one of three; 0 1
    assert grid(LcsKnn(3), left, right).item() == 2 + 3 + 1 + 2
    # of the first two: one of two; 0 2; one of one; 0
    assert grid(LcsKnn(2), left, right).item() == 1 + 2 + 1 + 1


def test_many_items_for_few_entries_equal_the_definition() -> None:
    rows, columns = random_lists(3, 300, 4, 1), related_lists(2, 300, 4, 2)
    assert (grid(LcsKnn(4), rows, columns)[0] == twin(rows, columns, 4)).all()
    assert (grid(LcsKnn(4), columns, columns)[0] == twin(columns, columns, 4)).all()


def test_it_is_symmetric_and_one_for_a_layer_with_itself() -> None:
    lists = related_lists(5, 30, 8, 5)
    found = grid(LcsKnn(8), lists, lists)[0]
    assert (found == found.T).all()
    assert (np.diag(found) == LcsKnn(8).scale(30)).all()


def test_the_released_form_is_k_times_it() -> None:
    lists = related_lists(3, 30, 8, 6)
    assert (grid(LcsKnn(7), lists, lists) == grid(LcsKnnPrh(7), lists, lists)).all()
    assert LcsKnn(7).scale(30) == 7 * LcsKnnPrh(7).scale(30)


def test_a_reversed_list_of_all_others_has_one() -> None:
    n = 12
    lists = np.array([[m for m in range(n) if m != item] for item in range(n)], np.uint16)
    assert grid(LcsKnn(n - 1), lists[None], lists[None, :, ::-1]).item() == n


def test_limits_items_and_order() -> None:
    lists = related_lists(6, 20, 7, 7)
    check_limits(LcsKnn(5), lists)
    check_reordering(LcsKnn(5), lists)
    check_item_values(LcsKnn(5), lists, 1e-12)  # sums of 20 numbers
    check_item_values(LcsKnnPrh(7), lists, 1e-12)


@pytest.mark.parametrize(("n", "k"), [(6, 2), (6, 4), (7, 6)])
def test_the_mean_over_all_permutations_is_the_closed_form(n: int, k: int) -> None:
    left, right = random_lists(1, n, k, 8), random_lists(1, n, k, 9)
    grids = list(permuted_grids(LcsKnn(k), left, right))
    mean = Fraction(sum(int(found.item()) for found in grids), len(grids) * n * k)
    assert lcs_knn_chance(k, n) == pytest.approx(float(mean), rel=1e-13)  # float64 of an exact number
