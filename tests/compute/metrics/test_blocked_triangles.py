from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from compute.metrics.blocked_triangles import centred_kernel
from compute.metrics.cka import Cka
from compute.metrics.contract import Reals
from compute.metrics.unbiased_cka import UnbiasedCka


def random_layer(n: int, d: int, seed: int, *, mean: float = 0.0) -> Reals:
    return np.random.default_rng(seed).normal(size=(n, d)) + mean


def twin(rows: Reals, *, is_unbiased: bool) -> Reals:
    """The definition, in float64: H K H, or U(K) by its four cases."""
    n = len(rows)
    rows = rows - rows.mean(axis=0)
    kernel = rows @ rows.T
    if not is_unbiased:
        centring = np.eye(n) - 1 / n
        return np.asarray(centring @ kernel @ centring)
    np.fill_diagonal(kernel, 0)
    sums = kernel.sum(axis=1)
    centred = kernel - sums[:, None] / (n - 2) - sums / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0)
    return np.asarray(centred)


@pytest.mark.parametrize("is_unbiased", [False, True])
@pytest.mark.parametrize(
    ("n", "d", "mean"), [(4, 3, 0), (127, 9, 0), (128, 40, 0), (129, 40, 50), (300, 2, 5)]
)
def test_the_kernel_is_the_definition(n: int, d: int, mean: float, is_unbiased: bool) -> None:
    rows = random_layer(n, d, n, mean=mean)
    expected = twin(rows, is_unbiased=is_unbiased)
    made = centred_kernel(rows, is_unbiased=is_unbiased)
    # float32 of inner products: their rounding is of the longest rows' squares
    atol = 1e-6 * float(np.abs(expected).max() + (rows - rows.mean(axis=0)).var() * d)
    assert made.upper * made.factor == pytest.approx(expected[np.triu_indices(n, 1)], abs=atol)
    if made.diagonal is None:
        assert is_unbiased
    else:
        assert made.diagonal * made.factor == pytest.approx(expected.diagonal(), abs=atol)


def test_the_size_is_the_norm_before_centring() -> None:
    rows = random_layer(200, 7, 1)
    centred = rows - rows.mean(axis=0)
    made = centred_kernel(rows, is_unbiased=True)
    assert made.size * made.factor == pytest.approx(np.linalg.norm(centred @ centred.T), rel=1e-5)


@pytest.mark.parametrize("metric", [Cka(), UnbiasedCka()], ids=["cka", "unbiased_cka"])
def test_a_layer_under_a_strong_common_mean_is_like_itself(metric: Cka | UnbiasedCka) -> None:
    """To 1e-6, with rows of length 1 and a mean five times as long; the error against float64 is alike."""
    rows = random_layer(1_024, 256, 3) / 16
    other = rows + random_layer(1_024, 256, 4) / 16
    layers = [rows, rows + random_layer(1, 256, 5) / 16 * 5, other]
    made = [metric.layer_arrays(torch.from_numpy(layer), None) for layer in layers]
    side = metric.stack([{name: np.stack([one[name] for one in made]) for name in made[0]}])
    found = metric.grid(side, side)[0]
    assert found.diagonal() == pytest.approx(np.ones(3), abs=1e-6)
    assert found[0, 1] == pytest.approx(1, abs=1e-6)
    assert found[2, 0] == pytest.approx(metric.between(other, rows), abs=1.3e-6)


@pytest.mark.parametrize("metric", [Cka(), UnbiasedCka()], ids=["cka", "unbiased_cka"])
def test_the_norm_is_that_of_float64(metric: Cka | UnbiasedCka) -> None:
    rows = random_layer(300, 20, 6, mean=2)
    single, double = (metric.triangle(rows, dtype) for dtype in (np.float32, np.float64))
    assert single.norm == pytest.approx(double.norm, rel=1e-6)  # a mean of many roundings of 6e-8


def test_equal_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="all rows are equal"):
        centred_kernel(np.full((200, 3), 7.1), is_unbiased=False)


def test_no_compiler_is_needed_to_import_it() -> None:
    code = "import sys, compute.metrics.unbiased_cka; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
