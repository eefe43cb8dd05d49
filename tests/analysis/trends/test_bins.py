"""Bins of counts, and the mean over pairs with a standard error that holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.trends.bins import Bin, equal_width, from_edges, mean_over_pairs, place

NAN = float("nan")


def labels(bins: tuple[Bin, ...]) -> list[str]:
    return [one.label for one in bins]


def test_bins_of_equal_width_hold_every_count_once() -> None:
    assert labels(equal_width(19, 5)) == ["0-3", "4-7", "8-11", "12-15", "16-19"]
    assert labels(equal_width(4, 5)) == ["0", "1", "2", "3", "4"]
    assert labels(equal_width(19, 1)) == ["0-19"]
    for task_count in range(1, 25):
        for number in range(1, task_count + 2):
            bins = equal_width(task_count, number)
            held = [count for one in bins for count in range(one.low, one.high + 1)]
            assert held == list(range(task_count + 1))
            width = task_count / number
            assert all(index * width <= one.low for index, one in enumerate(bins))


def test_more_bins_than_counts_are_refused() -> None:
    for number in (0, 6):
        with pytest.raises(ValueError, match=f"1 to 5 bins, not {number}"):
            equal_width(4, number)


def test_edges_belong_to_the_bin_above_and_the_last_to_the_last() -> None:
    bins = from_edges([0, 5, 10, 19], 17)
    assert labels(bins) == ["0-4", "5-9", "10-19"]
    assert place(np.array([0, 4, 5, 9, 10, 17]), bins).tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("edges", [[0], [], [1, 19], [0, 5, 5, 19], [0, 9, 5, 19], [0, 5, 16]])
def test_edges_that_leave_a_count_outside_are_refused(edges: list[int]) -> None:
    with pytest.raises(ValueError, match="rise from 0 to 17"):
        from_edges(edges, 17)


def mean_by_definition(matrix: NDArray[np.float64], members: list[int]) -> tuple[float, int]:
    found = [matrix[i, j] for i in members for j in members if i < j and not math.isnan(matrix[i, j])]
    return (sum(found) / len(found) if found else NAN), len(found)


def jackknife_by_definition(matrix: NDArray[np.float64]) -> float:
    m = len(matrix)
    without = [mean_by_definition(matrix, [i for i in range(m) if i != left])[0] for left in range(m)]
    middle = sum(without) / m
    return math.sqrt((m - 1) / m * sum((value - middle) ** 2 for value in without))


def symmetric(generator: np.random.Generator, m: int) -> NDArray[np.float64]:
    upper = np.triu(generator.uniform(0, 1, (m, m)), 1)
    return upper + upper.T + np.diag([NAN] * m)


def test_mean_and_standard_errors_are_those_of_the_definition() -> None:
    generator = np.random.default_rng(0)
    for m in (3, 4, 9):
        matrix = symmetric(generator, m)
        found = mean_over_pairs(matrix)
        values = matrix[np.triu_indices(m, 1)]
        assert found.pairs == m * (m - 1) // 2
        assert found.value == pytest.approx(values.mean(), abs=1e-12)
        assert found.se == pytest.approx(jackknife_by_definition(matrix), abs=1e-12)
        assert found.se_prh == pytest.approx(np.std(values, ddof=1) / math.sqrt(len(values)), abs=1e-12)


def test_a_pair_that_is_not_known_is_left_out_of_mean_and_jackknife() -> None:
    matrix = symmetric(np.random.default_rng(1), 5)
    matrix[0, 1] = matrix[1, 0] = NAN
    found = mean_over_pairs(matrix)
    assert found.pairs == 9
    assert found.value == pytest.approx(mean_by_definition(matrix, list(range(5)))[0], abs=1e-12)
    assert found.se == pytest.approx(jackknife_by_definition(matrix), abs=1e-12)


def test_too_few_checkpoints_have_no_mean_or_no_standard_error() -> None:
    assert mean_over_pairs(np.full((0, 0), NAN)).value is None
    assert mean_over_pairs(np.full((1, 1), NAN)).value is None
    two = mean_over_pairs(np.array([[NAN, 0.5], [0.5, NAN]]))
    assert (two.value, two.se, two.se_prh, two.pairs) == (0.5, None, None, 1)


def test_a_deletion_that_leaves_no_pair_gives_no_standard_error() -> None:
    star = np.full((4, 4), NAN)
    star[0, 1:] = star[1:, 0] = [0.1, 0.2, 0.3]
    assert mean_over_pairs(star).se is None
    assert mean_over_pairs(star).value == pytest.approx(0.2)


def test_the_jackknife_is_near_the_truth_where_the_papers_error_is_far_too_small() -> None:
    """Checkpoints differ, and pairs that share one move together: sd / sqrt(pairs) does not see it."""
    generator = np.random.default_rng(7)
    m, repeats = 20, 1500
    means, jackknives, papers = [], [], []
    for _ in range(repeats):
        own = generator.normal(0.0, 0.029, m)
        noise = np.triu(generator.normal(0.0, 0.01, (m, m)), 1)
        matrix = 0.2 + own[:, None] + own[None, :] + noise + noise.T
        found = mean_over_pairs(matrix)
        assert found.value is not None and found.se is not None and found.se_prh is not None
        means.append(found.value)
        jackknives.append(found.se)
        papers.append(found.se_prh)
    truth = float(np.std(means))  # known to about 1 / sqrt(2 * 1500) = 1.8 %
    assert truth == pytest.approx(2 * 0.029 / math.sqrt(m), rel=0.06)
    assert math.sqrt(np.mean(np.square(jackknives))) == pytest.approx(truth, rel=0.06)
    assert math.sqrt(np.mean(np.square(papers))) < 0.3 * truth
