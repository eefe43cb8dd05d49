from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.catalogue import METRICS
from compute.inverted_lists import shared_neighbours
from compute.metrics.mutual_knn import mutual_knn
from compute.neighbours import nearest_neighbours
from compute.recipe import parse_recipe, prepare


def random_lists(layers: int, n: int, k_max: int, seed: int) -> np.ndarray:
    """Neighbour lists of a random graph: k_max different others per item."""
    random = np.random.default_rng(seed)
    lists = np.empty((layers, n, k_max), np.uint16)
    for layer, item in itertools.product(range(layers), range(n)):
        others = np.delete(np.arange(n), item)
        lists[layer, item] = random.permutation(others)[:k_max]
    return lists


def twin(rows: np.ndarray, columns: np.ndarray, k: int) -> np.ndarray:
    """The definition: for each item, how many of the k nearest are the same in both layers."""
    counts = np.zeros((len(rows), len(columns)), np.int64)
    for i, j in itertools.product(range(len(rows)), range(len(columns))):
        for item in range(rows.shape[1]):
            counts[i, j] += len(set(rows[i, item, :k].tolist()) & set(columns[j, item, :k].tolist()))
    return counts


def gemm(rows: np.ndarray, columns: np.ndarray, k: int) -> np.ndarray:
    return mutual_knn(
        torch.from_numpy(rows.astype(np.int64)), torch.from_numpy(columns.astype(np.int64)), k=k
    ).numpy()


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 25), st.integers(1, 4), st.integers(1, 4), st.integers(0, 10_000), st.data())
def test_both_paths_equal_the_definition(n: int, r: int, c: int, seed: int, data: st.DataObject) -> None:
    k_max = data.draw(st.integers(1, n - 1))
    k = data.draw(st.integers(1, k_max))
    rows, columns = random_lists(r, n, k_max, seed), random_lists(c, n, k_max, seed + 1)
    expected = twin(rows, columns, k)
    assert (shared_neighbours(rows, columns, k=k) == expected).all()
    assert (gemm(rows, columns, k) == expected).all()


@pytest.mark.parametrize("n", [40, 400])  # many items for few entries are inverted in another way
def test_many_items_for_few_entries_equal_the_definition(n: int) -> None:
    rows, columns = random_lists(3, n, 4, seed=1), random_lists(2, n, 4, seed=2)
    assert shared_neighbours(rows, columns, k=3).tolist() == twin(rows, columns, 3).tolist()


def test_a_case_worked_by_hand() -> None:
    left = np.array([[[1, 2], [0, 2], [0, 3], [2, 1]]], np.uint8)
    right = np.array([[[1, 3], [2, 0], [1, 3], [0, 1]]], np.uint8)
    # shared: {1}, {0, 2}, {3}, {1}
    assert shared_neighbours(left, right, k=2).item() == 5
    # nearest only: 1 = 1, 0 != 2, 0 != 1, 2 != 0
    assert shared_neighbours(left, right, k=1).item() == 1


def test_a_layer_against_itself_scores_one() -> None:
    lists = random_lists(3, 30, 7, seed=1)
    assert (np.diag(shared_neighbours(lists, lists, k=7)) == 30 * 7).all()


def test_all_neighbours_of_all_items_are_shared() -> None:
    lists = random_lists(2, 9, 8, seed=2)
    assert (shared_neighbours(lists, lists, k=8) == 9 * 8).all()


def test_the_mean_over_all_permutations_is_k_over_n_minus_1() -> None:
    n, k = 6, 2
    left, right = random_lists(1, n, k, seed=3), random_lists(1, n, k, seed=4)
    total, count = 0, 0
    for permutation in itertools.permutations(range(n)):
        order = np.array(permutation)
        inverse = np.argsort(order)
        moved = inverse[right[0][order]][None].astype(np.uint16)
        total += int(shared_neighbours(left, moved, k=k).item())
        count += 1
    # exactly: total / (count * n * k) = k / (n - 1)
    assert total * (n - 1) == k * count * n * k


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_the_triangle_bound_holds_between_layers(seed: int) -> None:
    lists = random_lists(6, 20, 5, seed)
    score = shared_neighbours(lists, lists, k=5) / 100
    for a, b, c in itertools.product(range(6), repeat=3):
        assert score[a, c] >= score[a, b] + score[b, c] - 1 - 1e-12


def test_a_shared_reordering_of_items_changes_nothing() -> None:
    lists = random_lists(3, 25, 6, seed=5)
    order = np.random.default_rng(6).permutation(25)
    moved = np.argsort(order)[lists[:, order]].astype(np.uint16)
    assert (shared_neighbours(moved, moved, k=4) == shared_neighbours(lists, lists, k=4)).all()


def test_limits_leave_out_the_columns_beyond_them() -> None:
    lists = random_lists(4, 15, 5, seed=7)
    full = shared_neighbours(lists, lists, k=5)
    limits = np.array([0, 1, 2, 4])
    limited = shared_neighbours(lists, lists, k=5, column_limits=limits)
    keep = np.arange(4)[None, :] < limits[:, None]
    assert (limited == np.where(keep, full, 0)).all()


@pytest.mark.parametrize("k", [0, 6])
def test_k_out_of_range_is_refused(k: int) -> None:
    lists = random_lists(1, 10, 5, seed=8)
    with pytest.raises(ValueError, match="expected 1 to 5"):
        shared_neighbours(lists, lists, k=k)
    with pytest.raises(ValueError, match="expected 1 to 5"):
        gemm(lists, lists, k)


def test_different_items_are_refused() -> None:
    with pytest.raises(ValueError, match="the rows have 10 items, the columns 11"):
        shared_neighbours(random_lists(1, 10, 5, 0), random_lists(1, 11, 5, 0), k=3)


def test_numbers_change_only_with_the_version() -> None:
    """Pinned: when this fails, the code gives other numbers, and its version has to be raised."""
    random = np.random.default_rng(9)
    layers = [torch.from_numpy(random.choice([-1.0, 1.0], size=(60, 4))) for _ in range(4)]  # exact cosines
    recipe = parse_recipe("cosine")
    lists = np.stack(
        [
            nearest_neighbours(prepare(layer, recipe), tie_key=f"layer {i}", k_max=12).indices.numpy()
            for i, layer in enumerate(layers)
        ]
    )
    counts = shared_neighbours(lists, lists, k=10)
    digest = hashlib.sha256(lists.astype("<i8").tobytes() + counts.astype("<i8").tobytes()).hexdigest()
    assert (METRICS["mutual_knn"].version, digest[:16]) == (1, "f30b34df56ae8938")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_gpu_gives_the_counts_of_the_cpu() -> None:
    lists = random_lists(12, 400, 50, seed=10)
    on_gpu = torch.from_numpy(lists.astype(np.int64)).cuda()
    assert (mutual_knn(on_gpu, on_gpu, k=50).cpu().numpy() == shared_neighbours(lists, lists, k=50)).all()
