"""Top against bottom: the difference, its p over checkpoints, and what it hangs on."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.trends.contrasts import contrast, difference_of_means

NAN = float("nan")


def by_definition(matrix: NDArray[np.float64], signs: list[int]) -> float:
    means = []
    for side in (1, -1):
        members = [i for i, sign in enumerate(signs) if sign == side]
        pairs = [matrix[i, j] for i in members for j in members if i < j and not math.isnan(matrix[i, j])]
        means.append(sum(pairs) / len(pairs) if pairs else NAN)
    return means[0] - means[1]


def symmetric(generator: np.random.Generator, m: int, own: float = 0.0) -> NDArray[np.float64]:
    effect = generator.normal(0.0, own, m) if own else np.zeros(m)
    noise = np.triu(generator.normal(0.0, 0.05, (m, m)), 1)
    matrix: NDArray[np.float64] = 0.2 + effect[:, None] + effect[None, :] + noise + noise.T
    return matrix


def test_the_difference_is_that_of_the_definition() -> None:
    generator = np.random.default_rng(2)
    for _ in range(10):
        matrix = symmetric(generator, 8)
        matrix[0, 3] = matrix[3, 0] = NAN
        signs = generator.permutation([1, 1, 1, -1, -1, -1, 0, 0])
        expected = by_definition(matrix, signs.tolist())
        assert difference_of_means(matrix, signs) == pytest.approx(expected, abs=1e-12)


def test_a_side_without_a_pair_has_no_difference() -> None:
    matrix = symmetric(np.random.default_rng(0), 4)
    assert difference_of_means(matrix, np.array([1, 1, -1, 0])) is None
    assert contrast(matrix, np.array([1, 1, -1, 0]), list("abcd"), key="k") is None


def test_p_of_few_checkpoints_is_the_share_of_all_arrangements() -> None:
    generator = np.random.default_rng(5)
    matrix = symmetric(generator, 6, own=0.1)
    signs = np.array([1, 1, 0, 0, -1, -1])
    found = contrast(matrix, signs, list("abcdef"), key="k")
    assert found is not None
    every = [by_definition(matrix, list(labels)) for labels in set(permutations(signs.tolist()))]
    assert found.is_exact
    assert found.arrangements == len(every) == 90
    assert found.p == sum(value >= found.difference - 1e-9 for value in every) / 90


def test_a_planted_difference_is_found_with_the_least_p() -> None:
    matrix = symmetric(np.random.default_rng(1), 24)
    matrix[:8, :8] += 0.5
    signs = np.array([1] * 8 + [0] * 8 + [-1] * 8)
    found = contrast(matrix, signs, [f"family {i // 2}" for i in range(24)], key="k")
    assert found is not None
    assert found.difference == pytest.approx(0.5, abs=0.05)
    assert (found.p, found.arrangements, found.is_exact) == (1 / 1000, 1000, False)
    values = [value for value in found.without.values() if value is not None]
    assert len(values) == 12
    assert 0.4 < min(values) <= max(values) < 0.6


def test_a_difference_that_one_family_makes_is_gone_without_it() -> None:
    matrix = np.full((7, 7), 0.1)
    matrix[:2, :2] = 0.9  # two siblings that align with each other
    signs = np.array([1, 1, 1, 1, -1, -1, -1])
    families = ["siblings", "siblings", "c", "d", "e", "f", "g"]
    found = contrast(matrix, signs, families, key="k")
    assert found is not None
    assert found.difference == pytest.approx(0.8 / 6)
    assert found.without["siblings"] == pytest.approx(0.0)
    assert found.without["c"] == pytest.approx(0.8 / 3)


def test_a_family_that_is_all_of_the_top_leaves_nothing() -> None:
    matrix = np.full((5, 5), 0.1)
    found = contrast(matrix, np.array([1, 1, -1, -1, -1]), ["a", "a", "b", "c", "d"], key="k")
    assert found is not None
    assert found.without["a"] is None
    assert found.without["b"] == 0.0


def test_p_keeps_its_level_though_pairs_share_checkpoints() -> None:
    """Checkpoints differ, bins say nothing: p <= .05 in 5 %, with three standard errors 1.7 to 8.3 %."""
    generator = np.random.default_rng(11)
    signs = np.array([1] * 5 + [0] * 4 + [-1] * 5)
    hits = 0
    for number in range(400):
        found = contrast(symmetric(generator, 14, own=0.1), signs, ["a"] * 14, key=str(number))
        assert found is not None
        hits += found.p <= 0.05
    assert 400 * 0.017 <= hits <= 400 * 0.083
