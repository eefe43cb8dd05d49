from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.chance import jaccard_knn_chance
from compute.metrics.jaccard_knn import JaccardKnn, jaccard_knn, overlap_weights
from compute.metrics.mutual_knn import MutualKnn
from tests.compute.metrics.lists import (
    check_item_values,
    check_limits,
    check_reordering,
    grid,
    permuted_grids,
    random_lists,
    related_lists,
)

FIXED = 5e-10  # half a step of 2**-30, of every item


def twin(rows: np.ndarray, columns: np.ndarray, k: int) -> np.ndarray:
    """The definition: for each item, neighbours in both of neighbours in either."""
    scores = np.zeros((len(rows), len(columns)))
    for i, j in itertools.product(range(len(rows)), range(len(columns))):
        for a, b in zip(rows[i, :, :k].tolist(), columns[j, :, :k].tolist(), strict=True):
            scores[i, j] += len({*a} & {*b}) / len({*a} | {*b}) / rows.shape[1]
    return scores


def on_torch(k: int, rows: np.ndarray, columns: np.ndarray, device: str = "cpu") -> np.ndarray:
    left, right = (
        torch.from_numpy(lists[:, :, :k].transpose(1, 0, 2).astype(np.int64)).to(device)
        for lists in (rows, columns)
    )
    return jaccard_knn(left, right, overlap_weights(k)).cpu().numpy()


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 25), st.integers(1, 4), st.integers(1, 4), st.integers(0, 10_000), st.data())
def test_both_paths_equal_the_definition(n: int, r: int, c: int, seed: int, data: st.DataObject) -> None:
    k_max = data.draw(st.integers(1, n - 1))
    k = data.draw(st.integers(1, k_max))
    rows, columns = random_lists(r, n, k_max, seed), random_lists(c, n, k_max, seed + 1)
    found = grid(JaccardKnn(k), rows, columns)[0]
    assert np.abs(found / JaccardKnn(k).scale(n) - twin(rows, columns, k)).max() < FIXED
    assert (on_torch(k, rows, columns) == found).all()


def test_many_items_for_few_entries_equal_the_definition() -> None:
    rows, columns = random_lists(3, 400, 4, 1), related_lists(2, 400, 4, 2)
    for left, right in ((rows, columns), (columns, columns)):
        scores = grid(JaccardKnn(4), left, right)[0] / JaccardKnn(4).scale(400)
        assert np.abs(scores - twin(left, right, 4)).max() < FIXED


def test_a_case_worked_by_hand() -> None:
    left = np.array([[[1, 2], [0, 2], [0, 3], [2, 1]]], np.uint8)
    right = np.array([[[1, 3], [2, 0], [1, 3], [0, 1]]], np.uint8)
    # 1/3, 2/2, 1/3, 1/3
    assert grid(JaccardKnn(2), left, right).item() / JaccardKnn(2).scale(4) == pytest.approx(0.5, abs=FIXED)


def test_it_is_no_function_of_the_mean_overlap() -> None:
    left = np.array([[[1, 2], [2, 3], [3, 4], [4, 0], [0, 1]]], np.uint8)
    even = np.array([[[1, 3], [2, 4], [3, 0], [4, 1], [2, 3]]], np.uint8)  # 1 1 1 1 0
    uneven = np.array([[[1, 2], [2, 3], [0, 1], [1, 2], [2, 3]]], np.uint8)  # 2 2 0 0 0
    mutual = [grid(MutualKnn(2), left, other).item() for other in (even, uneven)]
    jaccard = [grid(JaccardKnn(2), left, other).item() / 2**30 for other in (even, uneven)]
    assert mutual == [4, 4]
    assert jaccard == pytest.approx([4 / 3, 2], abs=5 * FIXED)


def test_weights_are_rounded_and_end_at_one() -> None:
    for k in (1, 2, 10, 100):
        exact = [2**30 * c / (2 * k - c) for c in range(k + 1)]  # far below 2**53
        assert np.abs(overlap_weights(k) - exact).max() <= 0.5
        assert overlap_weights(k)[[0, k]].tolist() == [0, 2**30]


def test_it_is_symmetric_and_one_for_a_layer_with_itself() -> None:
    lists = related_lists(5, 30, 8, 5)
    found = grid(JaccardKnn(8), lists, lists)[0]
    assert (found == found.T).all()
    assert (np.diag(found) == JaccardKnn(8).scale(30)).all()


def test_limits_items_and_order() -> None:
    lists = related_lists(6, 20, 7, 7)
    check_limits(JaccardKnn(5), lists)
    check_reordering(JaccardKnn(5), lists)
    check_item_values(JaccardKnn(5), lists, FIXED)


@pytest.mark.parametrize(("n", "k"), [(6, 2), (7, 3)])
def test_the_mean_over_all_permutations_is_the_closed_form(n: int, k: int) -> None:
    left, right = random_lists(1, n, k, 8), random_lists(1, n, k, 9)
    scores = [found.item() / JaccardKnn(k).scale(n) for found in permuted_grids(JaccardKnn(k), left, right)]
    assert jaccard_knn_chance(k, n) == pytest.approx(np.mean(scores), abs=FIXED)


def test_stored_lists_are_all_there_is() -> None:
    with pytest.raises(TypeError, match="no form of a layer"):
        JaccardKnn(2).layer_arrays(torch.zeros((4, 2), dtype=torch.float64), None)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("k", [50, 300])
def test_the_gpu_gives_the_sums_of_the_cpu(k: int) -> None:
    lists = random_lists(8, 400, 300, 10)
    assert (on_torch(k, lists, lists, "cuda") == grid(JaccardKnn(k), lists, lists)[0]).all()
