"""Statistics of a layer against their definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import skew

from compute.layer_stats import (
    duplicate_rows,
    effective_rank,
    in_degree_skew,
    layer_statistics,
    mean_cosine,
)
from compute.neighbours import nearest_neighbours
from compute.recipe import parse_recipe, prepare
from compute.versions import LAYER_STATS_VERSION

COSINE, CENTRED = parse_recipe("cosine"), parse_recipe("centre,cosine")


def prepared(layer: np.ndarray, recipe: object = COSINE) -> torch.Tensor:
    return prepare(torch.from_numpy(layer), recipe)  # type: ignore[arg-type]


def twin_rank(rows: np.ndarray) -> float:
    """exp of the entropy of the singular values of the centred rows, from the SVD itself."""
    values = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


@pytest.mark.parametrize(("n", "d"), [(30, 8), (8, 30), (12, 12), (40, 1)])
@pytest.mark.parametrize("recipe", [COSINE, CENTRED])
def test_effective_rank_equals_the_definition(n: int, d: int, recipe: object) -> None:
    """Singular values through a Gram matrix in float64 keep 7 to 8 digits; 1e-6 leaves room."""
    rows = prepared(np.random.default_rng(n + d).normal(size=(n, d)) + 0.5, recipe)
    assert effective_rank(rows) == pytest.approx(twin_rank(rows.double().numpy()), rel=1e-6)


def test_effective_rank_counts_even_dimensions() -> None:
    even = np.concatenate([np.eye(6), -np.eye(6)])
    assert effective_rank(prepared(even)) == pytest.approx(6, abs=1e-9)
    assert effective_rank(
        prepared(np.array([[1.0, 0, 0], [-1, 0, 0], [1, 0, 0], [-1, 0, 0]]))
    ) == pytest.approx(1)


def test_rounding_is_no_dimension() -> None:
    random = np.random.default_rng(1)
    line = np.repeat(random.choice([-1.0, 1.0], size=(200, 1)), 300, axis=1) * random.normal(size=300)
    assert effective_rank(prepared(line)) == pytest.approx(1, abs=1e-3)


def test_rows_that_are_all_equal_have_rank_zero() -> None:
    same = np.tile(np.random.default_rng(2).normal(size=7), (50, 1))
    found = layer_statistics(prepared(same), nearest_neighbours(prepared(same), tie_key="a", k_max=12))
    assert (found.effective_rank, found.duplicate_rows, found.tied_rows, found.k) == (0.0, 50, 50, 10)
    assert found.mean_cosine == pytest.approx(1, abs=1e-6)


@given(st.integers(2, 12), st.integers(1, 5), st.integers(0, 2**20))
@settings(max_examples=40, deadline=None)
def test_mean_cosine_equals_the_mean_over_pairs(n: int, d: int, seed: int) -> None:
    """Rows are float32 and sums float64: 1e-9 is far above rounding."""
    layer = np.random.default_rng(seed).integers(-2, 3, size=(n, d)).astype(np.float64)
    rows = prepared(layer)
    exact = rows.double().numpy()
    expected = np.mean([exact[i] @ exact[j] for i, j in itertools.permutations(range(n), 2)])
    assert mean_cosine(rows) == pytest.approx(expected, abs=1e-9)


def test_mean_cosine_of_centred_even_rows_is_its_least() -> None:
    even = np.concatenate([np.eye(3), -np.eye(3)])
    assert mean_cosine(prepared(even, CENTRED)) == pytest.approx(-1 / 5, abs=1e-9)


def test_duplicates_are_items_with_a_row_of_another() -> None:
    layer = np.array([[1.0, 2], [2, 4], [3, 1], [0, 0], [-0.0, 0], [3, 1], [3, 1.0001]])
    # rows 0 and 1 point the same way, 2 and 5 are equal, 3 and 4 are zeros of either sign
    assert duplicate_rows(prepared(layer)) == 6


@given(st.integers(3, 30), st.integers(0, 2**20))
@settings(max_examples=40, deadline=None)
def test_skew_equals_scipys(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    k = int(random.integers(1, n - 1))
    indices = np.stack([random.choice(np.delete(np.arange(n), i), size=k, replace=False) for i in range(n)])
    counts = np.bincount(indices.ravel(), minlength=n)
    found = in_degree_skew(torch.from_numpy(indices))
    if (counts == counts[0]).all():
        assert found is None
    else:
        assert found == pytest.approx(skew(counts), abs=1e-9)


def test_skew_of_equal_degrees_is_not_a_number_and_not_stored_as_one() -> None:
    assert in_degree_skew(torch.tensor([[1, 2], [2, 0], [0, 1]])) is None
    hub = torch.tensor([[3], [3], [3], [0]])  # degrees 1, 0, 0, 3: deviations 0, -1, -1, 2
    assert in_degree_skew(hub) == pytest.approx((6 / 4) / (6 / 4) ** 1.5)


def test_fewer_neighbours_than_ten_are_counted_as_they_are() -> None:
    rows = prepared(np.random.default_rng(3).choice([-1.0, 1.0], size=(30, 4)))
    lists = nearest_neighbours(rows, tie_key="b", k_max=4)
    found = layer_statistics(rows, lists)
    assert (found.k, found.tied_rows) == (4, int(lists.tied_rows[3]))
    assert found.in_degree_skew == pytest.approx(skew(np.bincount(lists.indices.flatten(), minlength=30)))


def test_numbers_change_only_with_the_version() -> None:
    """Pinned; the floats to 1e-6, which libraries may move them by. When this fails, raise the version."""
    rows = prepared(np.random.default_rng(5).choice([-1.0, 1.0], size=(30, 4)))  # exact cosines
    found = layer_statistics(rows, nearest_neighbours(rows, tie_key="c", k_max=20))
    assert LAYER_STATS_VERSION == 1
    assert (found.k, found.tied_rows, found.duplicate_rows) == (10, 24, 25)
    floats = (found.mean_cosine, found.effective_rank, found.in_degree_skew)
    assert floats == pytest.approx((-0.0264368, 3.9163987, 0.8806623), abs=1e-6)
