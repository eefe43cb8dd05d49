"""The path for a GPU, run on a CPU: the same torch functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from compute.metrics.cka import Cka
from compute.metrics.device_triangles import linear_arrays, linear_triangles, scores
from compute.metrics.unbiased_cka import UnbiasedCka
from tests.compute.metrics.kernel_layers import random_layer, side_of

METRICS = [(Cka(), False), (UnbiasedCka(), True)]


@pytest.mark.parametrize(("metric", "is_unbiased"), METRICS)
@pytest.mark.parametrize("n", [4, 30, 1_024])
def test_a_layer_is_stored_as_on_a_cpu(metric: Cka | UnbiasedCka, is_unbiased: bool, n: int) -> None:
    rows = torch.from_numpy(random_layer(n, 20, 1) * 3)
    found, expected = linear_arrays(rows, is_unbiased=is_unbiased), metric.layer_arrays(rows, None)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        # sums in another order; and float16 may round to the other neighbour, of 11 bits
        tolerance, size = 1e-3 if array.dtype == np.float16 else 1e-6, float(np.abs(array).max())
        np.testing.assert_allclose(found[name], array, rtol=tolerance, atol=1e-6 * size)


@pytest.mark.parametrize(("metric", "is_unbiased"), METRICS)
@pytest.mark.parametrize("n", [50, 1_100])
def test_all_pairs_score_as_on_a_cpu(metric: Cka | UnbiasedCka, is_unbiased: bool, n: int) -> None:
    layers = [random_layer(n, 30, seed) for seed in range(4)]
    made = linear_triangles(torch.from_numpy(np.stack(layers)), is_unbiased=is_unbiased)
    side = side_of(metric, layers)
    assert scores(made, made).numpy() == pytest.approx(metric.grid(side, side)[0], abs=2e-6)


@pytest.mark.parametrize("is_unbiased", [False, True])
def test_layers_without_a_kernel_are_refused(is_unbiased: bool) -> None:
    good = torch.from_numpy(random_layer(9, 9, 1))
    for bad in (torch.full((9, 9), 0.1, dtype=torch.float64), torch.zeros((9, 9), dtype=torch.float64)):
        with pytest.raises(ValueError, match="all rows are equal"):
            linear_triangles(torch.stack([good, bad]), is_unbiased=is_unbiased)
    with pytest.raises(ValueError, match="3 items, expected at least 4"):
        linear_triangles(good[None, :3], is_unbiased=is_unbiased)


def test_layers_whose_pairs_are_all_alike_are_refused() -> None:
    with pytest.raises(ValueError, match="equally similar"):
        linear_triangles(torch.eye(12, dtype=torch.float64)[None], is_unbiased=True)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("metric", "is_unbiased"), METRICS)
def test_a_gpu_scores_as_a_cpu(metric: Cka | UnbiasedCka, is_unbiased: bool) -> None:
    layers = [random_layer(1_100, 30, seed) for seed in range(4)]
    made = linear_triangles(torch.from_numpy(np.stack(layers)).cuda(), is_unbiased=is_unbiased)
    side = side_of(metric, layers)
    assert scores(made, made).cpu().numpy() == pytest.approx(metric.grid(side, side)[0], abs=1e-5)
