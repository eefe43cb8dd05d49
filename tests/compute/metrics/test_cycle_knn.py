from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.chance import cycle_knn_chance
from compute.metrics import neighbour_lists
from compute.metrics.cycle_knn import CycleKnn, cycle_knn
from tests.compute.metrics.lists import (
    check_item_values,
    check_limits,
    check_reordering,
    grid,
    permuted_grids,
    random_lists,
    related_lists,
)


def leading_back(i: np.ndarray, j: np.ndarray, k: int) -> int:
    """The definition, from layer i to layer j: some neighbour in j has the item as a neighbour in i."""
    return sum(any(r in i[m, :k].tolist() for m in j[r, :k].tolist()) for r in range(len(i)))


def as_released(i: np.ndarray, j: np.ndarray, k: int) -> int:
    """The released code's words: `knn_A[knn_B]`, A being i and B being j, compared with the item."""
    found = i[:, :k][j[:, :k]]  # (n, k, k)
    return int((found == np.arange(len(i)).reshape(-1, 1, 1)).reshape(len(i), -1).max(axis=1).sum())


def twin(rows: np.ndarray, columns: np.ndarray, k: int) -> np.ndarray:
    return np.array(
        [
            [[leading_back(i, j, k) for j in columns] for i in rows],
            [[leading_back(j, i, k) for j in columns] for i in rows],
        ]
    )


def on_torch(k: int, rows: np.ndarray, columns: np.ndarray, device: str = "cpu") -> np.ndarray:
    left, right = (
        torch.from_numpy(lists[:, :, :k].transpose(1, 0, 2).astype(np.int64)).to(device)
        for lists in (rows, columns)
    )
    return cycle_knn(left, right).cpu().numpy()


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 25), st.integers(1, 4), st.integers(1, 4), st.integers(0, 10_000), st.data())
def test_both_paths_equal_the_definition(n: int, r: int, c: int, seed: int, data: st.DataObject) -> None:
    k_max = data.draw(st.integers(1, n - 1))
    k = data.draw(st.integers(1, k_max))
    rows, columns = random_lists(r, n, k_max, seed), random_lists(c, n, k_max, seed + 1)
    expected = twin(rows, columns, k)
    assert (grid(CycleKnn(k), rows, columns) == expected).all()
    assert (on_torch(k, rows, columns) == expected).all()
    assert expected[0, 0, 0] == as_released(rows[0], columns[0], k)


def test_small_parts_of_the_items_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = random_lists(3, 20, 4, 1)
    expected = twin(lists, lists, 4)
    monkeypatch.setattr(neighbour_lists.chunks, "__defaults__", (1000,))  # three items at once
    assert (on_torch(4, lists, lists) == expected).all()


def test_many_items_for_few_entries_equal_the_definition() -> None:
    rows, columns = random_lists(2, 240, 3, 1), related_lists(18, 240, 3, 2)  # part of a block of layers
    assert (grid(CycleKnn(3), rows, columns) == twin(rows, columns, 3)).all()
    assert (grid(CycleKnn(3), columns, rows) == twin(columns, rows, 3)).all()


def test_a_case_worked_by_hand() -> None:
    left = np.array([[[1], [2], [0], [0]]], np.uint8)
    right = np.array([[[2], [0], [1], [1]]], np.uint8)
    # left[right]: left of 2 is 0, of 0 is 1, of 1 is 2, of 1 is 2: items 0, 1 and 2 lead back
    # right[left]: right of 1 is 0, of 2 is 1, of 0 is 2, of 0 is 2: the same
    assert grid(CycleKnn(1), left, right).ravel().tolist() == [3, 3]
    other = np.array([[[3], [0], [0], [0]]], np.uint8)
    # left[other]: of 3 is 0, of 0 is 1, of 0 is 1, of 0 is 1: items 0 and 1
    # other[left]: of 1 is 0, of 2 is 0, of 0 is 3, of 0 is 3: items 0 and 3
    assert grid(CycleKnn(1), left, other).ravel().tolist() == [2, 2]


def test_it_is_not_symmetric_and_both_directions_are_there() -> None:
    lists = related_lists(5, 30, 4, 5)
    there, back = grid(CycleKnn(4), lists, lists)
    assert (there != there.T).any()
    assert (back == there.T).all()


def test_all_others_as_neighbours_lead_back() -> None:
    lists = random_lists(2, 9, 8, 2)
    assert (grid(CycleKnn(8), lists, lists) == 9).all()


def test_limits_items_and_order() -> None:
    lists = related_lists(6, 20, 5, 7)
    check_limits(CycleKnn(3), lists)
    check_reordering(CycleKnn(3), lists)
    check_item_values(CycleKnn(3), lists, 1e-12)  # sums of 20 numbers


@pytest.mark.parametrize(("n", "k"), [(6, 2), (6, 3), (7, 3)])
def test_the_mean_over_all_permutations_is_the_closed_form_of_the_layer_it_leaves(n: int, k: int) -> None:
    left, right = random_lists(1, n, k, 8), related_lists(1, n, k, 10)
    right[0, :, 0] = np.where(np.arange(n) == 0, right[0, :, 0], 0)  # everybody lists item 0
    for item in range(1, n):
        right[0, item] = [0, *[m for m in range(1, n) if m != item][: k - 1]]
    metric = CycleKnn(k)
    total, draws = np.zeros(2, np.int64), 0
    for found in permuted_grids(metric, left, right):
        total += found[:, 0, 0]
        draws += 1
    means = [float(Fraction(int(part), draws * n)) for part in total]
    chance = metric.pair_chance({"indices": left[0]}, {"indices": right[0]})
    assert chance is not None
    assert chance == pytest.approx(means, rel=1e-13)  # float64 of exact numbers
    degrees = [np.bincount(lists[0].ravel(), minlength=n) for lists in (left, right)]
    assert [cycle_knn_chance(degree, k, n) for degree in degrees] == pytest.approx(means, rel=1e-13)
    assert abs(means[0] - means[1]) > 1e-3  # so that the test tells the layers apart


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_gpu_gives_the_counts_of_the_cpu() -> None:
    lists = random_lists(8, 400, 20, 10)
    assert (on_torch(20, lists, lists, "cuda") == grid(CycleKnn(20), lists, lists)).all()
