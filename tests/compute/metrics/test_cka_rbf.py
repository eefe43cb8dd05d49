from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.metrics.cka import cka_of
from compute.metrics.cka_rbf import CkaRbf, CkaRbfPrh, cka_rbf_of
from tests.compute.metrics.kernel_layers import engine_score, random_layer, rotation
from tests.compute.metrics.test_cka import hsic

SIZES = st.integers(4, 14)
WIDTHS = st.integers(1, 8)
SEEDS = st.integers(0, 10_000)
SIGMAS = st.floats(0.2, 5)


def distances(rows: np.ndarray) -> list[list[float]]:
    return [[math.dist(x, y) for y in rows] for x in rows]


def gaussian(rows: np.ndarray, sigma: float, unit: str) -> list[list[float]]:
    table = distances(rows)
    n = len(table)
    if unit == "median":
        apart = sorted(table[i][j] for i in range(n) for j in range(i))
        middle = len(apart) // 2
        sigma *= apart[middle] if len(apart) % 2 else (apart[middle - 1] + apart[middle]) / 2
    return [[math.exp(-(d**2) / (2 * sigma**2)) for d in row] for row in table]


def twin(rows: np.ndarray, columns: np.ndarray, sigma: float, unit: str, epsilon: float = 0.0) -> float:
    left, right = gaussian(rows, sigma, unit), gaussian(columns, sigma, unit)
    return hsic(left, right) / ((hsic(left, left) * hsic(right, right)) ** 0.5 + epsilon)


@settings(deadline=None, max_examples=40)
@given(SIZES, WIDTHS, SEEDS, SIGMAS, st.sampled_from(["median", "absolute"]))
def test_it_equals_the_definition(n: int, d: int, seed: int, sigma: float, unit: str) -> None:
    rows = random_layer(n, d, seed)
    columns = random_layer(n, d + 1, seed + 1, like=rows)
    expected = twin(rows, columns, sigma, unit)
    metric = CkaRbf(sigma, unit)  # type: ignore[arg-type]
    assert metric.between(rows, columns) == pytest.approx(expected, abs=1e-10)
    assert engine_score(metric, rows, columns) == pytest.approx(expected, abs=1e-6)  # float32 products


@settings(deadline=None, max_examples=20)
@given(SIZES, WIDTHS, SEEDS, st.floats(0.5, 30))
def test_the_released_form_equals_its_definition(n: int, d: int, seed: int, sigma: float) -> None:
    """A wide kernel is nearly constant, and 1e-6 becomes a part of the denominator."""
    rows, columns = random_layer(n, d, seed), random_layer(n, d, seed + 1)
    expected = twin(rows, columns, sigma, "absolute", 1e-6)
    assert CkaRbfPrh(sigma).between(rows, columns) == pytest.approx(
        expected, abs=1e-7
    )  # the twin sums what is 1 nearly everywhere
    assert engine_score(CkaRbfPrh(sigma), rows, columns) == pytest.approx(expected, abs=1e-6)


def test_a_case_worked_by_hand() -> None:
    # Two pairs of duplicates against two other pairs: kernels of 1 inside a pair and q across.
    # Both centred kernels are (1 - q) / 2 times a pattern of +-1, and the patterns are orthogonal.
    rows, columns = np.array([[0.0], [0], [3], [3]]), np.array([[0.0], [5], [0], [5]])
    assert cka_rbf_of(rows, columns, sigma=2, unit="absolute") == pytest.approx(0, abs=1e-15)
    assert cka_rbf_of(rows, 7 * rows, sigma=2, unit="absolute") == pytest.approx(1, abs=1e-15)
    # |HKH| = 4 (1 - q) / 2 with q = exp(-9 / 8)
    norm = CkaRbf(2, "absolute").triangle(rows, np.float64).norm
    assert norm == pytest.approx(2 * (1 - math.exp(-9 / 8)), abs=1e-14)


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, SEEDS, SIGMAS, st.floats(1e-3, 1e3))
def test_rotation_shift_order_and_with_the_median_scale_change_nothing(
    n: int, d: int, seed: int, sigma: float, size: float
) -> None:
    rows, columns = random_layer(n, d, seed), random_layer(n, 3, seed + 1)
    changed = rows @ rotation(d, seed) + random_layer(1, d, seed + 2)
    order = np.random.default_rng(seed).permutation(n)
    score = cka_rbf_of(rows, columns, sigma=sigma)
    assert -1e-12 <= score <= 1 + 1e-12
    assert cka_rbf_of(columns, rows, sigma=sigma) == pytest.approx(score, abs=1e-14)
    assert cka_rbf_of(size * changed, columns, sigma=sigma) == pytest.approx(score, abs=1e-9)
    assert cka_rbf_of(rows[order], columns[order], sigma=sigma) == pytest.approx(score, abs=1e-12)
    in_its_units = cka_rbf_of(rows, columns, sigma=sigma, unit="absolute")
    assert cka_rbf_of(changed, columns, sigma=sigma, unit="absolute") == pytest.approx(in_its_units, abs=1e-9)


def test_a_wide_kernel_is_linear_and_a_narrow_one_tells_items_apart_only() -> None:
    rows, columns = random_layer(30, 4, 1), random_layer(30, 6, 2)
    # 1 - exp(-d^2 / 2 s^2) is d^2 / 2 s^2 (1 - O(s^-2)), and centring leaves the inner products of it
    assert cka_rbf_of(rows, columns, sigma=1e6) == pytest.approx(cka_of(rows, columns), abs=1e-9)
    assert cka_rbf_of(rows, columns, sigma=1e-3) == pytest.approx(1, abs=1e-12)


def test_a_median_of_zero_is_refused_and_an_absolute_sigma_is_not() -> None:
    rows = np.repeat(random_layer(2, 3, 1), [19, 1], axis=0)
    with pytest.raises(ValueError, match=r"the median distance of the items is 0.*absolute sigma"):
        CkaRbf().layer_arrays(torch.from_numpy(rows), None)
    CkaRbf(1.0, "absolute").layer_arrays(torch.from_numpy(rows), None)
    CkaRbfPrh().layer_arrays(torch.from_numpy(rows), None)
