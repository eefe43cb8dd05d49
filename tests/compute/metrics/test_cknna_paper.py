from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from compute.metrics.cknna import Cknna
from compute.metrics.cknna_paper import CknnaPaper
from tests.compute.metrics.masked import embedding, nearest, related_layers, side_of


def twin_paper(left: Tensor, right: Tensor, k: int) -> float:
    """The definition: whole centred kernels, and the sum over the neighbours that both have."""
    n = len(left)
    centring = torch.eye(n, dtype=torch.float64) - 1 / n
    kernel_left, kernel_right = (centring @ rows @ rows.T @ centring for rows in (left, right))
    near_left, near_right = nearest(left, k).tolist(), nearest(right, k).tolist()
    return sum(
        float(kernel_left[r, m] * kernel_right[r, m])
        for r in range(n)
        for m in set(near_left[r]) & set(near_right[r])
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(4, 17), st.integers(1, 3), st.integers(1, 3), st.integers(0, 10_000), st.data())
def test_the_grid_equals_the_definition(n: int, r: int, c: int, seed: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, n - 1))
    layers = related_layers(r + c, n, 4, seed)
    left, right = layers[:r], layers[r:]
    grid = CknnaPaper(k).grid(side_of(CknnaPaper(k), left), side_of(CknnaPaper(k), right))
    for i, j in itertools.product(range(r), range(c)):
        norm = math.sqrt(twin_paper(left[i], left[i], k) * twin_paper(right[j], right[j], k))
        # values are stored in float32
        assert grid[0, i, j] == pytest.approx(twin_paper(left[i], right[j], k) / norm, abs=1e-6)
        assert -1 - 1e-12 < grid[0, i, j] < 1 + 1e-12


def test_the_paper_s_form_worked_by_hand() -> None:
    left = torch.tensor([[2.0], [1], [0], [-1], [-2]], dtype=torch.float64)  # centred already
    right = torch.tensor([[3.0], [0], [3], [0], [9]], dtype=torch.float64)  # centred: 0, -3, 0, -3, 6
    near_left = torch.tensor([[1], [0], [1], [4], [3]])
    near_right = torch.tensor([[2], [3], [0], [4], [3]])
    # kernels at the neighbours 2 2 0 2 2 and 0 9 0 -18 -18; shared are 3-4 and 4-3
    metric = CknnaPaper(1)
    rows = metric.stack([embedding(metric, [left], [near_left])])
    columns = metric.stack([embedding(metric, [right], [near_right])])
    expected = 2 * 2 * -18 / math.sqrt(4 * 4 * (81 + 2 * 18 * 18))
    assert metric.grid(rows, columns).item() == pytest.approx(expected, abs=1e-12)


def test_centring_first_or_masking_first_is_not_the_same() -> None:
    left, right = related_layers(2, 300, 16, seed=4)
    code, paper = (
        metric.grid(side_of(metric, [left]), side_of(metric, [right])).item()
        for metric in (Cknna(10), CknnaPaper(10))
    )
    assert 0.001 < paper - code < 0.05


def test_the_mean_of_the_paper_s_form_over_all_permutations_has_a_formula() -> None:
    metric = CknnaPaper(2)
    left, right = (side_of(metric, [rows]) for rows in related_layers(2, 6, 4, seed=6))
    orders = (np.array(order) for order in itertools.permutations(range(6)))
    mean = np.mean([metric.grid(left, metric.permuted(right, [order])) for order in orders])
    # an entry meets every place off the diagonal equally often
    sums = [float(side.arrays["values"].astype(float).sum()) for side in (left, right)]
    norms = [float(side.arrays["self_product"][0]) for side in (left, right)]
    assert mean == pytest.approx(math.prod(sums) / (6 * 5) / math.sqrt(math.prod(norms)), abs=1e-12)
