"""Pairs against pairs: joint permutation of checkpoints, and what permuting pairs would find."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.trends.mantel import Joining, mantel

NAN = float("nan")


def pairs_of(m: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(m) for j in range(i + 1, m)]


def by_definition(matrix: NDArray[np.float64], competence: list[float], joining: Joining) -> float:
    known = [(i, j) for i, j in pairs_of(len(matrix)) if not np.isnan(matrix[i, j])]
    join = min if joining == "min" else lambda a, b: (a + b) / 2
    predictor = [join(competence[i], competence[j]) for i, j in known]
    return float(np.corrcoef(predictor, [matrix[i, j] for i, j in known])[0, 1])


def random_matrix(generator: np.random.Generator, m: int, own: float) -> NDArray[np.float64]:
    effect = generator.normal(0.0, own, m)
    noise = np.triu(generator.normal(0.0, 1.0, (m, m)), 1)
    matrix: NDArray[np.float64] = effect[:, None] + effect[None, :] + noise + noise.T
    return matrix


@pytest.mark.parametrize("joining", ["min", "mean"])
def test_r_and_exact_p_are_those_of_the_definition(joining: Joining) -> None:
    generator = np.random.default_rng(4)
    matrix = random_matrix(generator, 5, 1.0)
    matrix[1, 2] = matrix[2, 1] = NAN
    competence = generator.uniform(0, 1, 5)
    found = mantel(matrix, competence, joining=joining, key="k")
    assert found is not None
    r = by_definition(matrix, competence.tolist(), joining)
    every = [by_definition(matrix, list(order), joining) for order in permutations(competence.tolist())]
    assert found.r == pytest.approx(r, abs=1e-12)
    assert (found.is_exact, found.arrangements) == (True, 120)
    assert found.p == sum(value >= r - 1e-9 for value in every) / 120


def test_pairs_that_follow_the_weaker_of_both_correlate_fully_with_it() -> None:
    competence = np.arange(10.0)
    matrix = np.minimum(competence[:, None], competence[None, :])
    found = mantel(matrix, competence, joining="min", key="k")
    assert found is not None
    assert found.r == pytest.approx(1.0)
    assert (found.p, found.arrangements, found.is_exact) == (1 / 1000, 1000, False)


def test_equal_competences_and_too_few_pairs_are_not_judged() -> None:
    matrix = random_matrix(np.random.default_rng(0), 6, 1.0)
    assert mantel(matrix, np.ones(6), joining="min", key="k") is None
    assert mantel(np.ones((6, 6)), np.arange(6.0), joining="min", key="k") is None
    assert mantel(matrix[:2, :2], np.arange(2.0), joining="min", key="k") is None


def test_joint_permutation_keeps_its_level_where_permuting_pairs_finds_far_too_much() -> None:
    """Checkpoints differ, competence says nothing: about 5 % of p <= .05, and several times that by pairs."""
    generator = np.random.default_rng(9)
    m, repeats = 12, 80
    rows, columns = np.triu_indices(m, 1)
    joint = by_pairs = 0
    for number in range(repeats):
        matrix, competence = random_matrix(generator, m, 1.5), generator.uniform(0, 1, m)
        found = mantel(matrix, competence, joining="mean", key=str(number))
        assert found is not None
        joint += found.p <= 0.05
        predictor, values = (competence[rows] + competence[columns]) / 2, matrix[rows, columns]
        drawn = [np.corrcoef(generator.permutation(predictor), values)[0, 1] for _ in range(199)]
        by_pairs += (1 + sum(value >= found.r for value in drawn)) / 200 <= 0.05
    assert joint <= repeats * 0.125  # three standard errors above 5 %
    assert by_pairs >= repeats * 0.15
