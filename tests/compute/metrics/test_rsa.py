from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from compute.metrics.rsa import Rsa, mean_ranks, rsa_of
from tests.compute.metrics.kernel_layers import engine_score, random_layer, rotation, side_of

SIZES = st.integers(4, 12)
WIDTHS = st.integers(3, 8)
SEEDS = st.integers(0, 10_000)
RDMS = st.sampled_from(["correlation", "euclidean"])


def pearson(x: list[float], y: list[float]) -> float:
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    above = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return above / math.sqrt(sum((a - mean_x) ** 2 for a in x) * sum((b - mean_y) ** 2 for b in y))


def dissimilarities(rows: np.ndarray, rdm: str) -> list[float]:
    """Of all pairs; equal to twelve digits is equal."""
    found = []
    for i, x in enumerate(rows.tolist()):
        for y in rows[i + 1 :].tolist():
            found.append(round(1 - pearson(x, y) if rdm == "correlation" else math.dist(x, y), 11))
    return found


def ranks(values: list[float]) -> list[float]:
    """How many are smaller, and half of how many others are equal."""
    return [sum(w < v for w in values) + (sum(w == v for w in values) - 1) / 2 for v in values]


def twin(rows: np.ndarray, columns: np.ndarray, rdm: str) -> float:
    return pearson(ranks(dissimilarities(rows, rdm)), ranks(dissimilarities(columns, rdm)))


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, WIDTHS, SEEDS, RDMS)
def test_it_equals_the_definition(n: int, d: int, e: int, seed: int, rdm: str) -> None:
    rows = random_layer(n, d, seed)
    columns = random_layer(n, e, seed + 1, like=rows)
    metric = Rsa(rdm)  # type: ignore[arg-type]
    expected = twin(rows, columns, rdm)
    assert metric.between(rows, columns) == pytest.approx(expected, abs=1e-12)
    assert engine_score(metric, rows, columns) == pytest.approx(expected, abs=1e-6)  # float32 products


@settings(deadline=None, max_examples=30)
@given(SIZES, SEEDS, RDMS)
def test_ties_share_the_mean_of_their_ranks(n: int, seed: int, rdm: str) -> None:
    """Rows of a few small integers, none constant: most dissimilarities are equal to others."""
    random = np.random.default_rng(seed)
    rows = np.concatenate([np.tile([0.0, 1.0], (n, 1)), random.integers(0, 2, (n, 3))], axis=1)
    columns = np.concatenate([np.tile([0.0, 1.0], (n, 1)), random.integers(0, 2, (n, 3))], axis=1)
    if min(len(set(dissimilarities(layer, rdm))) for layer in (rows, columns)) == 1:
        return
    metric = Rsa(rdm)  # type: ignore[arg-type]
    assert metric.between(rows, columns) == pytest.approx(twin(rows, columns, rdm), abs=1e-12)
    order = random.permutation(n)
    moved = metric.between(rows[order], columns[order])
    assert moved == pytest.approx(metric.between(rows, columns), abs=1e-12)


def test_it_is_scipys_spearman() -> None:
    rows, columns = random_layer(80, 30, 1), random_layer(80, 20, 2)
    above = np.triu_indices(80, 1)
    left, right = (1 - np.corrcoef(layer)[above] for layer in (rows, columns))
    assert rsa_of(rows, columns) == pytest.approx(spearmanr(left, right).statistic, abs=1e-13)


def test_ranks_are_scipys() -> None:
    values = np.random.default_rng(1).integers(0, 40, 500).astype(float)
    assert mean_ranks(values).tolist() == rankdata(values).tolist()


def test_a_case_worked_by_hand() -> None:
    # Points on a line; distances of 12, 13, 14, 23, 24, 34: 1, 3, 7, 2, 6, 4 and 1, 2, 4, 3, 5, 2.
    rows, columns = np.array([[0.0], [1], [3], [7]]), np.array([[1.0], [2], [-1], [-3]])
    # Ranks 1, 3, 6, 2, 5, 4 and 1, 2.5, 5, 4, 6, 2.5. Less 3.5 they have the products 6.25 + 0.5 + 3.75
    # - 0.75 + 3.75 - 0.5 = 13, and the squares 17.5 and 6.25 + 1 + 2.25 + 0.25 + 6.25 + 1 = 17.
    assert rsa_of(rows, columns, rdm="euclidean") == pytest.approx(13 / math.sqrt(17.5 * 17), abs=1e-14)


@settings(deadline=None, max_examples=30)
@given(SIZES, WIDTHS, SEEDS, st.floats(1e-3, 1e3))
def test_what_changes_nothing(n: int, d: int, seed: int, size: float) -> None:
    rows, columns = random_layer(n, d, seed), random_layer(n, 4, seed + 1)
    order = np.random.default_rng(seed).permutation(n)
    lifted = size * rows + np.random.default_rng(seed).standard_normal((n, 1))
    turned = size * rows @ rotation(d, seed) + random_layer(1, d, seed + 2)
    for metric, changed in ((Rsa(), lifted), (Rsa("euclidean"), turned)):
        score = metric.between(rows, columns)
        assert abs(score) <= 1 + 1e-12
        assert metric.between(columns, rows) == pytest.approx(score, abs=1e-14)
        assert metric.between(rows, rows) == pytest.approx(1, abs=1e-14)
        assert metric.between(rows[order], columns[order]) == pytest.approx(score, abs=1e-12)
        assert metric.between(changed, columns) == pytest.approx(score, abs=1e-12)


def test_permutations_average_to_zero() -> None:
    """To six standard errors of the mean."""
    n, metric, draws = 30, Rsa(), 400
    left, right = side_of(metric, [random_layer(n, 5, 1)]), side_of(metric, [random_layer(n, 5, 2)])
    random = np.random.default_rng(3)
    found = np.array(
        [metric.grid(metric.permuted(left, [random.permutation(n)]), right)[0, 0, 0] for _ in range(draws)]
    )
    assert abs(found.mean()) < 6 * found.std() / math.sqrt(draws)


def test_constant_rows_are_refused_by_their_number() -> None:
    rows = random_layer(10, 4, 1)
    rows[[2, 5, 7]] = [[0.1], [0.0], [3e5]]
    with pytest.raises(ValueError, match="3 of 10 rows are constant: they have no correlation"):
        Rsa().layer_arrays(torch.from_numpy(rows), None)
    Rsa("euclidean").layer_arrays(torch.from_numpy(rows), None)


def test_dissimilarities_without_order_are_refused() -> None:
    with pytest.raises(ValueError, match="equally dissimilar"):
        Rsa().layer_arrays(torch.eye(9, dtype=torch.float64), None)
