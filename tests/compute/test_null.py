"""The null against its definition, against another implementation, and against what it promises."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from calibrated_similarity import calibrate as other_calibrate
from calibrated_similarity import calibrate_layers as other_calibrate_layers
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from compute.engine import Block, Rule, null_block
from compute.metrics.mutual_knn import MutualKnn
from compute.neighbours import nearest_neighbours
from compute.null import calibrate, draw_key, null_draws, tau_rank
from compute.recipe import parse_recipe, prepare
from compute.schemes import all_items
from registry.keys import sha256_of_bytes

torch.set_num_threads(1)
Integers = NDArray[np.int64]


def lists_of(features: NDArray[np.floating], k: int) -> Integers:
    """(layers, n, d) features -> (layers, n, k) neighbours, as the engine makes them."""
    rule = parse_recipe("cosine")
    return np.stack(
        [
            nearest_neighbours(
                prepare(torch.from_numpy(layer), rule), tie_key=sha256_of_bytes(layer.tobytes()), k_max=k
            ).indices.numpy()
            for layer in features
        ]
    )


def shared(left: Integers, right: Integers) -> int:
    return sum(len(set(a) & set(b)) for a, b in zip(left.tolist(), right.tolist(), strict=True))


def moved(lists: Integers, order: Integers) -> Integers:
    """The definition: item i is what was item order[i]; a neighbour is called by where it is now."""
    place = {int(item): position for position, item in enumerate(order)}
    return np.array([[place[int(m)] for m in lists[item]] for item in order])


def random_lists(random: np.random.Generator, layers: int, n: int, k: int) -> Integers:
    return np.array(
        [
            [random.permutation([m for m in range(n) if m != item])[:k] for item in range(n)]
            for _ in range(layers)
        ]
    )


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(5, 12),
    layers=st.lists(st.integers(1, 3), min_size=1, max_size=3),
)
def test_permuted_lists_are_those_of_permuted_items(seed: int, n: int, layers: list[int]) -> None:
    random = np.random.default_rng(seed)
    lists = random_lists(random, sum(layers), n, 3)
    orders = [random.permutation(n) for _ in layers]
    starts = np.cumsum([0, *layers])
    metric = MutualKnn(k=3)
    side = metric.stack([{"indices": lists[a:b]} for a, b in itertools.pairwise(starts)])
    found = metric.permuted(side, orders).arrays["lists"].transpose(1, 0, 2)
    owner = np.repeat(np.arange(len(layers)), layers)
    for layer, result in enumerate(found):
        assert result.tolist() == moved(lists[layer], orders[owner[layer]]).tolist()


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])  # `cpu:0` takes the path of a GPU
@pytest.mark.parametrize("reducer", ["max", "last"])
def test_draws_of_a_block_are_those_of_the_definition(device: str, reducer: str) -> None:
    random = np.random.default_rng(1)
    n, k, draws = 30, 4, 6
    lists = {slot: random_lists(random, layers, n, k) for slot, layers in ((0, 2), (1, 3), (2, 1))}
    scheme = all_items(n)

    def order(slot: int, draw: int) -> Integers:
        return scheme.order(draw_key(0, draw, f"embedding {slot}"))

    wanted = np.array([[True, False], [True, True]])
    block = Block((1, 2), (0, 1), wanted, wanted)
    rule = Rule(MutualKnn(k=k), reducer=reducer, device=device)
    found = null_block(block, lambda slot: {"indices": lists[slot]}, order, rule, draws=draws)[:, 0]
    for draw, (i, j) in itertools.product(range(draws), [(0, 0), (1, 0), (1, 1)]):
        row, column = block.rows[i], block.columns[j]
        counts = [
            [shared(moved(a, order(row, draw)), moved(b, order(column, draw))) for b in lists[column]]
            for a in lists[row]
        ]
        assert found[draw, i, j] == (counts[-1][-1] if reducer == "last" else max(map(max, counts)))


@pytest.mark.parametrize(("row_layers", "column_layers"), [(2, [20, 13, 1]), (1, [16]), (3, [2, 2])])
def test_few_layers_with_many_are_counted_as_all_others_are(
    row_layers: int, column_layers: list[int]
) -> None:
    random, n, k = np.random.default_rng(3), 25, 4
    metric = MutualKnn(k=k)
    rows = metric.stack([{"indices": random_lists(random, row_layers, n, k)}])
    columns = metric.stack([{"indices": random_lists(random, count, n, k)} for count in column_layers])
    orders = [random.permutation(n)], [random.permutation(n) for _ in column_layers]
    found = metric.permuted_grid(rows, columns, *orders)
    expected = metric.grid(metric.permuted(rows, orders[0]), metric.permuted(columns, orders[1]))
    assert found.dtype == np.int64 and found.tolist() == expected.tolist()


@pytest.mark.parametrize("layers", [(1, 1), (3, 4)])
@pytest.mark.parametrize(
    ("shared_signal", "draws", "alpha"), [(0.0, 99, 0.05), (0.6, 99, 0.05), (0.3, 40, 0.1)]
)
def test_calibration_equals_that_of_the_authors(
    layers: tuple[int, int], shared_signal: float, draws: int, alpha: float
) -> None:
    """Given the same permutations: theirs moves one side only, and gets ours as the left side sees them."""
    random = np.random.default_rng(7)
    n, d, k = 60, 8, 5
    signal = random.normal(size=(n, d))
    left, right = (
        np.stack([shared_signal * signal + random.normal(size=(n, d)) for _ in range(count)])
        for count in layers
    )
    scheme = all_items(n)
    pairs = [
        (scheme.order(draw_key(0, draw, "left")), scheme.order(draw_key(0, draw, "right")))
        for draw in range(draws)
    ]
    relative = iter([b[np.argsort(a)] for a, b in pairs])

    def similarity(x: torch.Tensor, y: torch.Tensor) -> float:
        one, other = (lists_of(side.numpy()[None], k)[0] for side in (x, y))
        return shared(one, other) / (n * k)

    def permutation(_n: int, _device: torch.device) -> torch.Tensor:
        return torch.from_numpy(next(relative))

    if layers == (1, 1):
        theirs = other_calibrate(
            torch.from_numpy(left[0]),
            torch.from_numpy(right[0]),
            similarity,
            K=draws,
            alpha=alpha,
            perm_fn=permutation,
        )
    else:
        theirs = other_calibrate_layers(
            list(torch.from_numpy(left)), list(torch.from_numpy(right)), similarity, K=draws, alpha=alpha,
            perm_fn=permutation,
        )  # fmt: skip
    metric = MutualKnn(k=k)
    sides = [metric.stack([{"indices": lists_of(side, k)}]) for side in (left, right)]
    counts = null_draws(metric, *sides, lambda draw: ([pairs[draw][0]], [pairs[draw][1]]), draws)
    observed = metric.grid(*sides).max(keepdims=True)
    ours = calibrate(observed.reshape(1, 1), counts[:, 0], alpha=alpha, highest=n * k)
    assert float(theirs[0]) == pytest.approx(ours.calibrated[0, 0], abs=1e-6)
    assert float(theirs[1]) == pytest.approx(ours.p[0, 0], abs=1e-6)
    assert float(theirs[2]) == pytest.approx(ours.tau[0, 0] / (n * k), abs=1e-6)


def test_calibration_by_hand() -> None:
    draws = np.array(
        [[3], [1], [4], [1], [5], [9], [2], [6], [5], [3], [5], [8], [9], [7], [9], [3], [2], [3], [8]]
    )
    found = calibrate(np.array([8]), draws, alpha=0.25, highest=10)
    assert found.p[0] == (1 + 5) / 20  # 9, 8, 9, 9, 8
    assert found.tau[0] == 8  # the 15th smallest of twenty
    assert found.calibrated[0] == 0
    assert found.null_mean[0] == pytest.approx(draws.mean())
    assert found.null_sd[0] == pytest.approx(np.std(draws, ddof=1))


def test_calibrated_of_a_metric_without_a_bound_is_what_lies_above_the_threshold() -> None:
    draws = np.linspace(-0.1, 0.2, 19)[:, None]
    found = calibrate(np.array([0.75]), draws, alpha=0.05, highest=None)
    assert found.tau[0] == pytest.approx(0.2)
    assert found.calibrated[0] == pytest.approx(0.55)
    assert found.p[0] == 1 / 20


def test_calibrated_is_undefined_where_the_threshold_is_the_highest_score() -> None:
    found = calibrate(np.array([10]), np.full((19, 1), 10), alpha=0.05, highest=10)
    assert found.p[0] == 1
    assert np.isnan(found.calibrated[0])


@pytest.mark.parametrize(
    ("draws", "alpha", "rank"), [(19, 0.05, 19), (99, 0.05, 95), (499, 0.05, 475), (500, 0.05, 476)]
)
def test_rank_of_tau(draws: int, alpha: float, rank: int) -> None:
    assert tau_rank(draws, alpha) == rank
