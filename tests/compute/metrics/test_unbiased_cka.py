from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.metrics.unbiased_cka import UnbiasedCka, UnbiasedCkaPrh, unbiased_cka_of
from tests.compute.metrics.kernel_layers import engine_score, random_layer, rotation, side_of

# From five items on: the U-centred kernel of four has but two dimensions, and may be as good as 0.
SIZES = st.integers(5, 14)
WIDTHS = st.integers(2, 8)
SEEDS = st.integers(0, 10_000)


def off_diagonal(rows: np.ndarray) -> list[list[float]]:
    return [
        [
            0.0 if i == j else sum(float(a) * float(b) for a, b in zip(x, y, strict=True))
            for j, y in enumerate(rows)
        ]
        for i, x in enumerate(rows)
    ]


def hsic(left: list[list[float]], right: list[list[float]]) -> float:
    """The unbiased estimate, of kernels whose diagonals are 0, in the words of the released code."""
    m = len(left)
    items = range(m)
    both = sum(left[i][j] * right[i][j] for i, j in itertools.product(items, repeat=2))
    sums = sum(map(sum, left)) * sum(map(sum, right)) / ((m - 1) * (m - 2))
    product = sum(left[i][q] * right[q][j] for i, q, j in itertools.product(items, repeat=3))
    return (both + sums - 2 * product / (m - 2)) / (m * (m - 3))


def twin(rows: np.ndarray, columns: np.ndarray, epsilon: float = 0.0) -> float:
    left, right = off_diagonal(rows), off_diagonal(columns)
    return hsic(left, right) / ((hsic(left, left) * hsic(right, right)) ** 0.5 + epsilon)


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, WIDTHS, SEEDS)
def test_it_equals_the_definition(n: int, d: int, e: int, seed: int) -> None:
    rows = random_layer(n, d, seed)
    columns = random_layer(n, e, seed + 1, like=rows)
    expected = twin(rows, columns)
    assert unbiased_cka_of(rows, columns) == pytest.approx(
        expected, abs=1e-9
    )  # the twin's three terms cancel
    assert engine_score(UnbiasedCka(), rows, columns) == pytest.approx(expected, abs=1e-6)  # float32 products


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, SEEDS, st.sampled_from([1.0, 1e-2, 3e-3]))
def test_the_released_form_equals_its_definition(n: int, d: int, seed: int, size: float) -> None:
    rows, columns = random_layer(n, d, seed) * size, random_layer(n, d, seed + 1) * size
    expected = twin(rows, columns, 1e-6)
    assert UnbiasedCkaPrh().between(rows, columns) == pytest.approx(expected, abs=1e-9)
    assert engine_score(UnbiasedCkaPrh(), rows, columns) == pytest.approx(expected, abs=1e-6)


def test_a_case_worked_by_hand() -> None:
    # Rows -2, -1, 1, 2 have the products 2, -2, -4, -1, -2, 2 above the diagonal, so that r = -4, -1, -1, -4
    # and s = -10. U_ij = K_ij - (r_i + r_j) / 2 + s / 6 is (17, -7, -10, -10, -7, 17) / 6, row after row.
    # Rows -1, 1, -1, 1 have -1, 1, -1, -1, 1, -1; r is -1 for all, s = -4: U = (-2, 4, -2, -2, 4, -2) / 3.
    # The score is (-34 - 28 + 20) / sqrt((289 + 49 + 100) * (4 + 16 + 4)) = -42 / sqrt(10512).
    rows, columns = np.array([[-2.0], [-1], [1], [2]]), np.array([[-1.0], [1], [-1], [1]])
    assert unbiased_cka_of(rows, columns) == pytest.approx(-42 / 10512**0.5, abs=1e-14)


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, WIDTHS, SEEDS)
def test_it_is_symmetric_and_between_minus_one_and_one(n: int, d: int, e: int, seed: int) -> None:
    rows, columns = random_layer(n, d, seed), random_layer(n, e, seed + 1)
    score = unbiased_cka_of(rows, columns)
    assert abs(score) <= 1 + 1e-12
    assert unbiased_cka_of(columns, rows) == pytest.approx(score, abs=1e-14)
    assert unbiased_cka_of(rows, rows) == pytest.approx(1, abs=1e-14)


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, SEEDS, st.floats(1e-3, 1e3))
def test_rotation_scale_shift_and_a_shared_order_change_nothing(
    n: int, d: int, seed: int, size: float
) -> None:
    rows, columns = random_layer(n, d, seed), random_layer(n, 3, seed + 1)
    changed = size * rows @ rotation(d, seed) + random_layer(1, d, seed + 2)
    order = np.random.default_rng(seed).permutation(n)
    score = unbiased_cka_of(rows, columns)
    assert unbiased_cka_of(changed, columns) == pytest.approx(score, abs=1e-8)
    assert unbiased_cka_of(rows[order], columns[order]) == pytest.approx(score, abs=1e-12)


@pytest.mark.parametrize("n", [200, 1_024])  # stored as float32, and as float16
def test_a_strong_common_mean_leaves_a_layer_at_one_with_itself(n: int) -> None:
    """A mean of five times the noise, rows of length 1: the released code's float32 gives 0.657."""
    random = np.random.default_rng(1)
    rows = random.standard_normal((n, 768)) + 5 * random.standard_normal(768)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert unbiased_cka_of(rows, rows) == pytest.approx(1, abs=1e-12)
    assert engine_score(UnbiasedCka(), rows, rows) == pytest.approx(1, abs=1e-6)
    apart = side_of(UnbiasedCka(), [rows], [rows * 3])  # the same layer, made ready twice
    assert UnbiasedCka().grid(apart, apart)[0] == pytest.approx(np.ones((2, 2)), abs=1e-6)


def test_all_permutations_have_mean_zero_and_their_exact_variance() -> None:
    """2 / (n (n - 3)), over all 720 permutations of six items."""
    n, metric = 6, UnbiasedCka()
    left, right = side_of(metric, [random_layer(n, 3, 1)]), side_of(metric, [random_layer(n, 4, 2)])
    draws = np.array(
        [
            metric.grid(metric.permuted(left, [np.array(order)]), right)[0, 0, 0]
            for order in itertools.permutations(range(n))
        ]
    )
    assert draws.mean() == pytest.approx(0, abs=1e-7)  # float32 products
    assert (draws**2).mean() == pytest.approx(2 / (n * (n - 3)), rel=1e-6)
