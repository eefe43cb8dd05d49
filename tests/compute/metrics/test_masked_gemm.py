from __future__ import annotations

import numpy as np
import pytest
import torch

from compute.layer_entries import entries_of
from compute.masked_kernels import masked_sums, shared_products
from compute.metrics import masked_gemm
from compute.metrics.cknna_paper import CknnaPaper
from compute.metrics.contract import Side
from tests.compute.metrics.masked import METRICS, Metric, related_layers, side_of


def by_gemm(metric: Metric, rows: Side, columns: Side, device: str) -> tuple[np.ndarray, ...]:
    if isinstance(metric, CknnaPaper):
        return (masked_gemm.shared_products(rows.arrays, columns.arrays, device=device),)
    return masked_gemm.masked_sums(rows.arrays, columns.arrays, directions=metric.directions, device=device)


def by_lists(metric: Metric, rows: Side, columns: Side) -> tuple[np.ndarray, ...]:
    names = ("lists", "values") if isinstance(metric, CknnaPaper) else ("lists", "values", "returned")
    left, right = ([side.arrays[name] for name in names] for side in (rows, columns))
    if isinstance(metric, CknnaPaper):
        return (shared_products(*left, *right),)
    return masked_sums(entries_of(*left), entries_of(*right), directions=metric.directions)


@pytest.mark.parametrize("scale", [1.0, 1e-5, 1e4])
@pytest.mark.parametrize("kind", METRICS)
def test_products_of_matrices_give_the_sums_of_the_lists(
    kind: type[Metric], scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masked_gemm, "LAYERS_AT_ONCE", 2)  # tiles and blocks of items that do not fit
    monkeypatch.setattr(masked_gemm, "NUMBERS_AT_ONCE", 1500)
    metric = kind(5)
    layers = [scale * rows for rows in related_layers(8, 37, 8, seed=8)]
    rows, columns = side_of(metric, layers[:3]), side_of(metric, layers[3:])
    for found, wanted in zip(
        by_gemm(metric, rows, columns, "cpu"), by_lists(metric, rows, columns), strict=True
    ):
        assert found.shape == wanted.shape
        # both halves together hold 22 bits; a sum in float32 keeps 24
        assert np.abs(found - wanted).max() < 1e-6 * np.abs(wanted).max()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("kind", METRICS)
def test_a_gpu_gives_the_same_scores(kind: type[Metric]) -> None:
    metric = kind(10)
    layers = related_layers(6, 300, 32, seed=8)
    rows, columns = side_of(metric, layers[:3]), side_of(metric, layers[3:])
    assert np.abs(metric.grid(rows, columns, device="cuda") - metric.grid(rows, columns)).max() < 1e-5
