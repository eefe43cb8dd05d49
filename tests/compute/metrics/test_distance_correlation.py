from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.metrics.distance_correlation import DistanceCorrelation, distance_correlation_of
from tests.compute.metrics.kernel_layers import engine_score, random_layer, rotation

SIZES = st.integers(4, 14)
WIDTHS = st.integers(1, 8)
SEEDS = st.integers(0, 10_000)


def centred(rows: np.ndarray) -> list[list[float]]:
    n = len(rows)
    table = [[math.dist(x, y) for y in rows] for x in rows]
    means = [sum(row) / n for row in table]
    grand = sum(means) / n
    return [[table[i][j] - means[i] - means[j] + grand for j in range(n)] for i in range(n)]


def covariance(left: list[list[float]], right: list[list[float]]) -> float:
    n = len(left)
    return sum(left[i][j] * right[i][j] for i, j in itertools.product(range(n), repeat=2)) / n**2


def twin(rows: np.ndarray, columns: np.ndarray) -> float:
    """The squared distance covariance over the root of the variances, and the root of that."""
    left, right = centred(rows), centred(columns)
    return (covariance(left, right) / (covariance(left, left) * covariance(right, right)) ** 0.5) ** 0.5


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, WIDTHS, SEEDS)
def test_it_equals_the_definition(n: int, d: int, e: int, seed: int) -> None:
    rows = random_layer(n, d, seed)
    columns = random_layer(n, e, seed + 1, like=rows)
    expected = twin(rows, columns)
    assert distance_correlation_of(rows, columns) == pytest.approx(expected, abs=1e-9)
    # float32 products, and the root doubles their error at a score of 1/4
    assert engine_score(DistanceCorrelation(), rows, columns) == pytest.approx(expected, abs=2e-6)


def test_a_case_worked_by_hand() -> None:
    # Two pairs of duplicates: the distances are 0 inside a pair and c across, centred -c/2 and c/2.
    rows, across = np.array([[0.0], [0], [3], [3]]), np.array([[0.0], [5], [0], [5]])
    assert distance_correlation_of(rows, 2 - 7 * rows) == pytest.approx(1, abs=1e-15)
    assert distance_correlation_of(rows, across) == pytest.approx(0, abs=1e-7)  # the root of rounding
    # One item at distance 4 of three: the means are 1, 1, 1, 3, and 1.5 in all; the centred distances are
    # -1/2 among the three, 3/2 from them to it, and -9/2 from it to itself. Those of `rows` are -3/2 inside
    # the pairs and 3/2 across. Products: (-3/2)(4 * -1/2) = 3 in the first pair, (-3/2)(-1/2 + 3 - 9/2) = 3
    # in the second, (3/2)(4 * -1/2 + 4 * 3/2) = 6 across. Squares: 16 * 9/4 = 36; 9/4 + 54/4 + 81/4 = 36.
    apart = np.array([[0.0], [0], [0], [4]])
    assert distance_correlation_of(rows, apart) == pytest.approx((12 / 36) ** 0.5, abs=1e-14)


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, SEEDS, st.floats(1e-3, 1e3))
def test_rotation_scale_shift_and_a_shared_order_change_nothing(
    n: int, d: int, seed: int, size: float
) -> None:
    rows, columns = random_layer(n, d, seed), random_layer(n, 3, seed + 1)
    changed = size * rows @ rotation(d, seed) + random_layer(1, d, seed + 2)
    order = np.random.default_rng(seed).permutation(n)
    score = distance_correlation_of(rows, columns)
    assert 0 <= score <= 1 + 1e-12
    assert distance_correlation_of(columns, rows) == pytest.approx(score, abs=1e-14)
    assert distance_correlation_of(rows, rows) == pytest.approx(1, abs=1e-14)
    assert distance_correlation_of(changed, columns) == pytest.approx(score, abs=1e-8)
    assert distance_correlation_of(rows[order], columns[order]) == pytest.approx(score, abs=1e-10)


def test_what_depends_without_correlation_is_seen() -> None:
    """A parabola has a linear correlation of 0; distances see it."""
    x = np.linspace(-1, 1, 101)[:, None]
    assert np.corrcoef(x[:, 0], x[:, 0] ** 2)[0, 1] == pytest.approx(0, abs=1e-12)
    assert distance_correlation_of(x, x**2) > 0.4


def test_products_that_rounding_makes_negative_are_zero() -> None:
    found = DistanceCorrelation().finished(np.array([[-1e-9, 0.25]]), None, None)
    assert found.tolist() == [[0, 0.5]]
