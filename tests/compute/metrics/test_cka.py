from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.metrics.cka import Cka, CkaPrh, cka_of
from tests.compute.metrics.kernel_layers import engine_score, random_layer, rotation, side_of

SIZES = st.integers(4, 14)
WIDTHS = st.integers(1, 8)
SEEDS = st.integers(0, 10_000)


def hsic(left: list[list[float]], right: list[list[float]]) -> float:
    """trace(K H L H), one sum after the other: of K_ij times the centred L_ij."""
    n = len(left)
    means = [sum(row) / n for row in right]
    grand = sum(means) / n
    return sum(
        left[i][j] * (right[i][j] - means[i] - means[j] + grand)
        for i, j in itertools.product(range(n), repeat=2)
    )


def linear(rows: np.ndarray) -> list[list[float]]:
    return [[sum(float(a) * float(b) for a, b in zip(x, y, strict=True)) for y in rows] for x in rows]


def twin(rows: np.ndarray, columns: np.ndarray, epsilon: float = 0.0) -> float:
    """The definition, and with an epsilon the released code."""
    left, right = linear(rows), linear(columns)
    return hsic(left, right) / ((hsic(left, left) * hsic(right, right)) ** 0.5 + epsilon)


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, WIDTHS, SEEDS)
def test_it_equals_the_definition(n: int, d: int, e: int, seed: int) -> None:
    rows = random_layer(n, d, seed)
    columns = random_layer(n, e, seed + 1, like=rows)
    expected = twin(rows, columns)
    assert cka_of(rows, columns) == pytest.approx(
        expected, abs=1e-10
    )  # sums of 16 digits with a mean in them
    assert engine_score(Cka(), rows, columns) == pytest.approx(expected, abs=1e-6)  # float32 products


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, SEEDS, st.sampled_from([1.0, 1e-2, 3e-3]))
def test_the_released_form_equals_its_definition(n: int, d: int, seed: int, size: float) -> None:
    """With rows so small that 1e-6 is a part of the denominator."""
    rows, columns = random_layer(n, d, seed) * size, random_layer(n, d, seed + 1) * size
    expected = twin(rows, columns, 1e-6)
    assert CkaPrh().between(rows, columns) == pytest.approx(expected, abs=1e-10)
    assert engine_score(CkaPrh(), rows, columns) == pytest.approx(expected, abs=1e-6)


def test_a_case_worked_by_hand() -> None:
    # Centred: -2, -1, 1, 2 and -1, 1, -1, 1. With one feature each, CKA is the squared correlation:
    # (2 - 1 - 1 + 2)^2 / (10 * 4) = 0.1
    rows, columns = np.array([[0.0], [1], [3], [4]]), np.array([[0.0], [2], [0], [2]])
    assert cka_of(rows, columns) == pytest.approx(0.1, abs=1e-15)
    # trace(KHKH) = 10^2 and 4^2, so that p = 40, of which the released code has 40 + 1e-6
    assert CkaPrh().between(rows, columns) == pytest.approx(0.1 * 40 / (40 + 1e-6), abs=1e-15)


def test_the_released_form_of_a_layer_with_itself_is_below_one() -> None:
    rows = random_layer(20, 3, 1) * 1e-3
    square = hsic(linear(rows), linear(rows))
    side = side_of(CkaPrh(), [rows])
    assert CkaPrh().grid(side, side)[0, 0, 0] == pytest.approx(square / (square + 1e-6), abs=1e-6)
    assert Cka().grid(side, side)[0, 0, 0] == pytest.approx(1, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, WIDTHS, SEEDS)
def test_it_is_symmetric_and_between_zero_and_one(n: int, d: int, e: int, seed: int) -> None:
    rows, columns = random_layer(n, d, seed), random_layer(n, e, seed + 1)
    score = cka_of(rows, columns)
    assert -1e-12 <= score <= 1 + 1e-12
    assert cka_of(columns, rows) == pytest.approx(score, abs=1e-14)
    assert cka_of(rows, rows) == pytest.approx(1, abs=1e-14)


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, SEEDS, st.floats(1e-3, 1e3))
def test_rotation_scale_shift_and_a_shared_order_change_nothing(
    n: int, d: int, seed: int, size: float
) -> None:
    rows, columns = random_layer(n, d, seed), random_layer(n, 3, seed + 1)
    changed = size * rows @ rotation(d, seed) + random_layer(1, d, seed + 2)
    order = np.random.default_rng(seed).permutation(n)
    score = cka_of(rows, columns)
    assert cka_of(changed, columns) == pytest.approx(score, abs=1e-9)
    assert cka_of(rows[order], columns[order]) == pytest.approx(score, abs=1e-12)


def test_independent_gaussians_are_where_their_widths_put_them() -> None:
    """sqrt(dx dy / ((n + dx)(n + dy))), which is the limit of large n, to a twentieth."""
    random = np.random.default_rng(1)
    for n, d, e in ((128, 1024, 1024), (300, 100, 50)):
        score = cka_of(random.standard_normal((n, d)), random.standard_normal((n, e)))
        assert score == pytest.approx((d * e / ((n + d) * (n + e))) ** 0.5, rel=0.05)


def test_a_strong_common_mean_leaves_the_score_as_it_is() -> None:
    rows, columns = random_layer(1_050, 30, 1), random_layer(1_050, 30, 2)
    moved = rows + 1e4
    assert engine_score(Cka(), moved, columns) == pytest.approx(cka_of(rows, columns), abs=3e-6)
