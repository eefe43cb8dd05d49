from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from compute.metrics.cknna import Cknna, CknnaPrh
from compute.metrics.cknna_paper import CknnaPaper
from tests.compute.metrics.masked import (
    METRICS,
    Metric,
    embedding,
    nearest,
    related_layers,
    side_of,
    unit_rows,
)


def twin_hsic(left: Tensor, right: Tensor, k: int) -> float:
    """The definition: masked kernels as dictionaries of their entries, and all sums by loops."""
    n = len(left)
    near_left, near_right = nearest(left, k).tolist(), nearest(right, k).tolist()
    masked_left, masked_right = {}, {}
    for r in range(n):
        for m in set(near_left[r]) & set(near_right[r]):
            masked_left[r, m] = float(left[r] @ left[m])
            masked_right[r, m] = float(right[r] @ right[m])
    back = sum(value * masked_right.get((m, r), 0.0) for (r, m), value in masked_left.items())
    product = sum(
        one * other
        for (_r, m), one in masked_left.items()
        for (s, _t), other in masked_right.items()
        if m == s
    )
    sums = sum(masked_left.values()) * sum(masked_right.values())
    return (back + sums / ((n - 1) * (n - 2)) - 2 * product / (n - 2)) / (n * (n - 3))


def is_well_conditioned(rows: Tensor, k: int) -> bool:
    """Whether little cancels in a layer's norm; stored values are rounded to 6e-8 of themselves."""
    n = len(rows)
    near = nearest(rows, k)
    size = float((rows @ rows.T).gather(1, near).square().sum()) / (n * (n - 3))
    return twin_hsic(rows, rows, k) > 0.05 * size


@settings(deadline=None, max_examples=30)
@given(st.integers(4, 17), st.integers(1, 3), st.integers(1, 3), st.integers(0, 10_000), st.data())
def test_the_grid_equals_the_definition(n: int, r: int, c: int, seed: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, n - 1))
    layers = related_layers(r + c, n, 4, seed)
    assume(all(is_well_conditioned(rows, k) for rows in layers))
    left, right = layers[:r], layers[r:]
    both, prh = (
        metric.grid(side_of(metric, left), side_of(metric, right)) for metric in (Cknna(k), CknnaPrh(k))
    )
    for i, j in itertools.product(range(r), range(c)):
        one, other = twin_hsic(left[i], right[j], k), twin_hsic(right[j], left[i], k)
        norm = math.sqrt(twin_hsic(left[i], left[i], k) * twin_hsic(right[j], right[j], k))
        # 6e-8 in every value, and at most 20 times that after the cancelling
        assert both[0, i, j] == pytest.approx((one + other) / 2 / norm, abs=1e-5)
        assert prh[:, i, j] == pytest.approx([one / (norm + 1e-6), other / (norm + 1e-6)], abs=1e-5)


def test_a_case_worked_by_hand() -> None:
    left = torch.tensor([[1.0, 0], [1, 1], [0, 1], [2, 0], [0, 2]], dtype=torch.float64)
    right = torch.ones((5, 1), dtype=torch.float64)
    near_left = torch.tensor([[1, 3], [3, 4], [4, 1], [0, 1], [1, 2]])
    near_right = torch.tensor([[3, 2], [3, 0], [4, 0], [0, 4], [2, 3]])
    # left with itself: 32 + 18 * 18 / 12 - 2 * 68 / 3, over 5 * 2
    # right with itself: 8 + 10 * 10 / 12 - 2 * 20 / 3
    # shared are 0-3, 1-3, 2-4, 3-0, 4-2; kernels 2 and 1 there: 8 + 10 * 5 / 12 - 2 * 10 / 3
    metric = Cknna(2)
    rows = metric.stack([embedding(metric, [left], [near_left])])
    columns = metric.stack([embedding(metric, [right], [near_right])])
    assert rows.arrays["self_hsic"].tolist() == pytest.approx([41 / 30])
    assert columns.arrays["self_hsic"].tolist() == pytest.approx([0.3])
    assert metric.grid(rows, columns).item() == pytest.approx(0.55 / math.sqrt(41 / 30 * 0.3), abs=1e-12)


def released(left: Tensor, right: Tensor, k: int) -> float:
    """The released definition on whole matrices, in float64."""
    n = len(left)
    kernels = left @ left.T, right @ right.T
    marks = [
        torch.zeros_like(kernel).scatter(1, kernel.clone().fill_diagonal_(-torch.inf).topk(k, dim=1)[1], 1.0)
        for kernel in kernels
    ]

    def similarity(i: int, j: int) -> Tensor:
        mask = marks[i] * marks[j]
        one, other = mask * kernels[i], mask * kernels[j]
        hsic = (one * other.T).sum() + one.sum() * other.sum() / ((n - 1) * (n - 2))
        return (hsic - 2 * (one @ other).sum() / (n - 2)) / (n * (n - 3))

    return float(similarity(0, 1) / (torch.sqrt(similarity(0, 0) * similarity(1, 1)) + 1e-6))


def test_prh_equals_the_released_definition_both_ways() -> None:
    layers = related_layers(4, 83, 12, seed=5)
    grid = CknnaPrh(7).grid(side_of(CknnaPrh(7), layers[:2]), side_of(CknnaPrh(7), layers[2:]))
    expected = [[[released(a, b, 7) for b in layers[2:]] for a in layers[:2]]]
    expected += [[[released(b, a, 7) for b in layers[2:]] for a in layers[:2]]]
    assert np.abs(grid - np.array(expected)).max() < 1e-7  # float32 values, hundreds of them
    assert np.abs(grid[0] - grid[1]).max() > 1e-6  # the directions do differ


def unbiased_cka(left: Tensor, right: Tensor) -> float:
    """By the U-centred kernels, whose inner product is unbiased HSIC."""
    n = len(left)
    centred = []
    for rows in (left, right):
        kernel = (rows @ rows.T).fill_diagonal_(0.0)
        sums = kernel.sum(dim=0)
        kernel = kernel - (sums[:, None] + sums[None, :]) / (n - 2) + kernel.sum() / ((n - 1) * (n - 2))
        centred.append(kernel.fill_diagonal_(0.0))
    return float((centred[0] * centred[1]).sum() / (centred[0].norm() * centred[1].norm()))


@pytest.mark.parametrize(("seed", "d"), [(1, 5), (2, 64)])
def test_all_neighbours_give_unbiased_cka(seed: int, d: int) -> None:
    left, right = related_layers(2, 40, d, seed)
    metric = Cknna(39)
    grid = metric.grid(side_of(metric, [left]), side_of(metric, [right]))
    assert grid.item() == pytest.approx(unbiased_cka(left, right), abs=1e-6)


@pytest.mark.parametrize("kind", [Cknna, CknnaPaper])
@pytest.mark.parametrize("k", [10, 199])
def test_a_layer_with_a_strong_common_mean_is_one_with_itself(kind: type[Metric], k: int) -> None:
    metric = kind(k)
    side = side_of(metric, [unit_rows(200, 64, seed, mean=5.0) for seed in range(3)])
    assert np.abs(np.diag(metric.grid(side, side)[0]) - 1).max() < 1e-6


def test_the_released_epsilon_keeps_a_layer_with_itself_below_one() -> None:
    side = side_of(CknnaPrh(10), [unit_rows(200, 64, seed=1)])
    assert CknnaPrh(10).grid(side, side)[0].item() < 1 - 1e-4


@pytest.mark.parametrize("kind", METRICS)
def test_exchanged_sides_exchange_the_directions(kind: type[Metric]) -> None:
    metric = kind(5)
    layers = related_layers(5, 50, 8, seed=3)
    left, right = side_of(metric, layers[:2]), side_of(metric, layers[2:])
    swapped = metric.grid(right, left)[::-1].transpose(0, 2, 1)
    assert np.abs(metric.grid(left, right) - swapped).max() < 1e-12


@pytest.mark.parametrize("kind", METRICS)
def test_rotation_and_a_shared_order_of_items_change_nothing(kind: type[Metric]) -> None:
    metric = kind(6)
    left, right = related_layers(2, 45, 8, seed=9)
    rotation, _ = torch.linalg.qr(unit_rows(8, 8, seed=1))
    order = torch.randperm(45, generator=torch.Generator().manual_seed(2))
    plain = metric.grid(side_of(metric, [left]), side_of(metric, [right]))
    changed = metric.grid(side_of(metric, [(left @ rotation)[order]]), side_of(metric, [right[order]]))
    assert np.abs(plain - changed).max() < 1e-6  # values in float32


@pytest.mark.parametrize("kind", [Cknna, CknnaPaper])
def test_the_scale_of_a_layer_changes_nothing(kind: type[Metric]) -> None:
    metric = kind(6)
    left, right = related_layers(2, 45, 8, seed=9)
    plain = metric.grid(side_of(metric, [left]), side_of(metric, [right]))
    scaled = metric.grid(side_of(metric, [3000.0 * left]), side_of(metric, [right]))
    assert np.abs(plain - scaled).max() < 1e-6


@pytest.mark.parametrize("kind", METRICS)
def test_a_permuted_side_is_that_of_permuted_rows(kind: type[Metric]) -> None:
    metric = kind(4)
    random = np.random.default_rng(1)
    stored, expected, orders = [], [], []
    for seed, count in ((1, 2), (2, 1), (3, 3)):
        layers = related_layers(count, 30, 6, seed)
        order = random.permutation(30)
        place = torch.from_numpy(np.argsort(order))
        lists = [nearest(rows, 4) for rows in layers]
        stored.append(embedding(metric, layers, lists))
        moved = [rows[order] for rows in layers]
        expected.append(embedding(metric, moved, [place[found[order]] for found in lists]))
        orders.append(order)
    found, wanted = metric.permuted(metric.stack(stored), orders), metric.stack(expected)
    assert found.layer_counts.tolist() == [2, 1, 3]
    for name, array in wanted.arrays.items():
        assert found.arrays[name] == pytest.approx(array, abs=1e-7)  # sums in another order


@pytest.mark.parametrize("kind", [Cknna, CknnaPrh])
def test_permutations_give_a_mean_between_zero_and_the_share_of_neighbours(kind: type[Metric]) -> None:
    metric = kind(8)
    layers = related_layers(2, 60, 32, seed=6)
    left, right = side_of(metric, layers[:1]), side_of(metric, layers[1:])
    random = np.random.default_rng(2)
    draws = [metric.grid(left, metric.permuted(right, [random.permutation(60)]))[0, 0, 0] for _ in range(300)]
    assert 0 < np.mean(draws) < 8 / 59 < metric.grid(left, right)[0, 0, 0]


@pytest.mark.parametrize("kind", METRICS)
def test_limits_leave_what_is_wanted(kind: type[Metric]) -> None:
    metric = kind(5)
    side = side_of(metric, related_layers(5, 33, 8, seed=8))
    whole, limited = metric.grid(side, side), metric.grid(side, side, limits=np.array([1, 0, 3, 4, 5]))
    wanted = np.arange(5) < np.array([1, 0, 3, 4, 5])[:, None]
    assert np.array_equal(whole[:, wanted], limited[:, wanted])


def test_layers_that_have_no_score_are_refused() -> None:
    rows = unit_rows(6, 3, seed=1)
    with pytest.raises(ValueError, match="cknna needs 4 items or more, found 3"):
        Cknna(2).layer_arrays(rows[:3], nearest(rows[:3], 2))
    with pytest.raises(ValueError, match="k of cknna_prh is 6, expected 1 to 5"):
        CknnaPrh(6).layer_arrays(rows, nearest(rows, 5))
    with pytest.raises(ValueError, match="cknna_paper needs neighbour lists"):
        CknnaPaper(2).layer_arrays(rows, None)
    same = torch.full((6, 3), 1 / math.sqrt(3), dtype=torch.float64)
    everyone = torch.tensor([[m for m in range(6) if m != r] for r in range(6)])
    for metric in (Cknna(5), CknnaPaper(5)):
        with pytest.raises(ValueError, match="is not defined for this layer"):
            metric.layer_arrays(same, everyone)
    around = (torch.arange(6)[:, None] + torch.tensor([1])) % 6  # nobody is a neighbour of a neighbour
    with pytest.raises(ValueError, match="HSIC with itself on its nearest neighbours is -"):
        Cknna(1).layer_arrays(same, around)
    with pytest.raises(ValueError, match="float32"):
        Cknna(2).layer_arrays(1e30 * rows, nearest(rows, 2))


def test_sides_of_different_items_are_refused() -> None:
    metric = Cknna(2)
    with pytest.raises(ValueError, match="the rows have 6 items, the columns 7"):
        metric.grid(side_of(metric, [unit_rows(6, 3, seed=1)]), side_of(metric, [unit_rows(7, 3, seed=1)]))


@pytest.mark.parametrize("kind", METRICS)
def test_scores_are_not_means_over_items(kind: type[Metric]) -> None:
    metric = kind(2)
    stored = metric.layer_arrays(unit_rows(6, 3, seed=1), nearest(unit_rows(6, 3, seed=1), 2))
    assert metric.item_values(stored, stored) is None
    assert metric.scale(6) == 1.0
