"""The class; what counts is tested in `tests/compute/test_mutual_knn.py`."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.metrics.contract import LayerMetric
from compute.metrics.cycle_knn import CycleKnn
from compute.metrics.jaccard_knn import JaccardKnn
from compute.metrics.mutual_knn import MutualKnn
from compute.metrics.neighbour_lists import moved_by_numpy
from compute.permuting import moved_lists
from tests.compute.metrics.lists import (
    check_item_values,
    check_limits,
    check_reordering,
    grid,
    random_lists,
    related_lists,
    side,
)


def twin(rows: np.ndarray, columns: np.ndarray, k: int) -> np.ndarray:
    """The definition: for each item, how many of the k nearest are the same in both layers."""
    counts = np.zeros((len(rows), len(columns)), np.int64)
    for i, j in itertools.product(range(len(rows)), range(len(columns))):
        for item in range(rows.shape[1]):
            counts[i, j] += len(set(rows[i, item, :k].tolist()) & set(columns[j, item, :k].tolist()))
    return counts


def moved(lists: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The definition: item i is what was item order[i]; a neighbour is called by where it is now."""
    place = {int(item): position for position, item in enumerate(order)}
    return np.array([[place[int(m)] for m in lists[item]] for item in order])


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 25), st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(0, 10_000))
def test_a_side_of_several_embeddings_equals_the_definition(n: int, layers: list[int], seed: int) -> None:
    k = min(3, n - 1)
    embeddings = [random_lists(count, n, n - 1, seed + i).astype(np.uint8) for i, count in enumerate(layers)]
    columns = random_lists(2, n, k, seed + 9)
    metric = MutualKnn(k)
    rows = side(metric, *embeddings)
    assert rows.layer_counts.tolist() == layers
    assert rows.item_count == n
    found = metric.grid(rows, side(metric, columns))
    assert found.shape == (metric.directions, sum(layers), 2)
    assert (found[0] == twin(np.concatenate(embeddings), columns, k)).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 25), st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(0, 10_000))
def test_permuted_lists_are_those_of_permuted_items(n: int, layers: list[int], seed: int) -> None:
    metric, random = MutualKnn(2), np.random.default_rng(seed)
    embeddings = [random_lists(count, n, 2, seed + i) for i, count in enumerate(layers)]
    orders = [random.permutation(n) for _ in layers]
    found = metric.permuted(side(metric, *embeddings), orders).arrays["lists"].transpose(1, 0, 2)
    expected = [
        moved(layer, order) for lists, order in zip(embeddings, orders, strict=True) for layer in lists
    ]
    assert (found == np.array(expected)).all()


def test_numpy_permutes_as_numba_does() -> None:
    lists, order = (
        random_lists(5, 30, 4, 1).transpose(1, 0, 2).copy(),
        np.random.default_rng(2).permutation(30),
    )
    orders, starts = np.stack([order, order[::-1]]), np.array([0, 2, 5])
    inverse = np.argsort(orders, axis=1).astype(np.uint16)
    expected = moved_lists(lists, starts, orders, inverse)
    assert (moved_by_numpy(lists, starts, orders, inverse) == expected).all()


def test_limits_items_and_order() -> None:
    lists = related_lists(6, 20, 7, 7)
    check_limits(MutualKnn(5), lists)
    check_reordering(MutualKnn(5), lists)
    check_item_values(MutualKnn(5), lists, 1e-12)  # sums of 20 numbers


def test_it_is_symmetric_and_one_for_a_layer_with_itself() -> None:
    lists = related_lists(5, 30, 8, 5)
    found = grid(MutualKnn(8), lists, lists)[0]
    assert (found == found.T).all()
    assert (np.diag(found) == MutualKnn(8).scale(30)).all()


@pytest.mark.parametrize("k", [0, 6])
def test_k_out_of_range_is_refused(k: int) -> None:
    lists = random_lists(1, 10, 5, 8)
    with pytest.raises(ValueError, match="expected 1 to 5"):
        side(MutualKnn(k), lists)
    with pytest.raises(ValueError, match="expected 1 to 5"):
        MutualKnn(k).item_values({"indices": lists[0]}, {"indices": lists[0]})


def test_embeddings_of_other_items_are_refused() -> None:
    with pytest.raises(ValueError, match="the rows have 11 items, the columns 10"):
        side(MutualKnn(3), random_lists(1, 10, 5, 0), random_lists(1, 11, 5, 0))


def test_it_has_no_form_and_no_chance_of_its_own() -> None:
    metric, lists = MutualKnn(3), random_lists(1, 10, 5, 0)
    assert metric.is_exact
    assert metric.pair_chance({"indices": lists[0]}, {"indices": lists[0]}) is None
    with pytest.raises(TypeError, match="no form of a layer"):
        metric.layer_arrays(torch.zeros((4, 2), dtype=torch.float64), None)


@pytest.mark.parametrize("module", ["compute.permuting"])
def test_sides_are_made_and_permuted_without_numba(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    metric, lists = MutualKnn(3), random_lists(2, 10, 5, 0)
    orders = [np.random.default_rng(1).permutation(10)]
    expected = metric.permuted(side(metric, lists), orders).arrays["lists"]
    monkeypatch.setitem(sys.modules, module, None)
    assert (metric.permuted(side(metric, lists), orders).arrays["lists"] == expected).all()


@pytest.mark.parametrize("metric", [MutualKnn(5), JaccardKnn(5), CycleKnn(5)])
def test_other_devices_take_the_path_for_a_gpu_and_give_the_same(metric: LayerMetric) -> None:
    rows = side(metric, related_lists(4, 30, 6, 5), random_lists(2, 30, 7, 6))
    columns = side(metric, related_lists(3, 30, 6, 7))
    found = metric.grid(rows, columns, device="cpu:0")  # another name of the CPU, so that torch computes
    assert found.dtype == np.int64
    assert (found == metric.grid(rows, columns)).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_gpu_gives_the_counts_of_the_cpu() -> None:
    metric = MutualKnn(50)
    rows = side(metric, random_lists(12, 400, 50, 10))
    assert (metric.grid(rows, rows, device="cuda") == metric.grid(rows, rows)).all()
