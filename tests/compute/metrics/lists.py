"""Small neighbour lists for tests, and what a test does with a metric on them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from compute.metrics.contract import Grid, LayerMetric, Side

Integers = NDArray[np.int64]


def random_lists(layers: int, n: int, k_max: int, seed: int) -> NDArray[np.uint16]:
    """Neighbour lists of random graphs, (layers, n, k_max): k_max different others per item."""
    random = np.random.default_rng(seed)
    lists = np.empty((layers, n, k_max), np.uint16)
    for layer, item in itertools.product(range(layers), range(n)):
        lists[layer, item] = random.permutation([m for m in range(n) if m != item])[:k_max]
    return lists


def related_lists(layers: int, n: int, k_max: int, seed: int, change: float = 0.3) -> NDArray[np.uint16]:
    """Lists of layers that are alike: each entry of one layer is another item with a chance of `change`."""
    random = np.random.default_rng(seed)
    first = random_lists(1, n, k_max, seed)[0]
    lists = np.repeat(first[None], layers, axis=0)
    for layer, item in itertools.product(range(layers), range(n)):
        row = lists[layer, item]
        for place in range(k_max):
            if random.random() < change:
                others = [m for m in range(n) if m != item and m not in row]
                swap = int(random.integers(k_max))
                if others and random.random() < 0.5:
                    row[place] = random.choice(others)
                else:
                    row[place], row[swap] = row[swap], row[place]
    return lists


def side(metric: LayerMetric, *embeddings: NDArray[np.unsignedinteger]) -> Side:
    return metric.stack([{"indices": lists} for lists in embeddings])


def grid(
    metric: LayerMetric,
    rows: NDArray[np.unsignedinteger],
    columns: NDArray[np.unsignedinteger],
    limits: Integers | None = None,
) -> Grid:
    found = metric.grid(side(metric, rows), side(metric, columns), limits=limits)
    assert found.dtype == np.int64
    return found


def permuted_grids(
    metric: LayerMetric, left: NDArray[np.uint16], right: NDArray[np.uint16]
) -> Iterator[Grid]:
    """The grid of two layers under every permutation of the items of the second."""
    rows, columns = side(metric, left), side(metric, right)
    for order in itertools.permutations(range(left.shape[1])):
        yield metric.grid(rows, metric.permuted(columns, [np.array(order)]))


def check_limits(metric: LayerMetric, lists: NDArray[np.uint16]) -> None:
    """Raise unless limits leave what is wanted as it is."""
    limits = np.arange(len(lists)) // 2
    keep = np.arange(len(lists))[None, :] < limits[:, None]
    full, limited = grid(metric, lists, lists), grid(metric, lists, lists, limits)
    assert (limited[:, keep] == full[:, keep]).all()


def check_item_values(metric: LayerMetric, lists: NDArray[np.uint16], tolerance: float) -> None:
    """Raise unless the mean of what items add is the score, in every direction."""
    scores = grid(metric, lists, lists) / metric.scale(lists.shape[1])
    for i, j in itertools.product(range(len(lists)), repeat=2):
        values = metric.item_values({"indices": lists[i]}, {"indices": lists[j]})
        assert values is not None
        assert values.dtype == np.float64
        assert values.shape == (metric.directions, lists.shape[1])
        assert np.abs(values.mean(axis=1) - scores[:, i, j]).max() < tolerance


def check_reordering(metric: LayerMetric, lists: NDArray[np.uint16]) -> None:
    """Raise unless one new order of the items for all layers changes nothing."""
    order = np.random.default_rng(6).permutation(lists.shape[1])
    before = side(metric, lists[:1], lists[1:])
    after = metric.permuted(before, [order, order])
    assert (metric.grid(after, after) == metric.grid(before, before)).all()
