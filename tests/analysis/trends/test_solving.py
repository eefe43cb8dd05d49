"""Which tasks count, and who solves them."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.trends.solving import chance_of_tasks, solved

NAN = float("nan")


def by_definition(
    values: list[list[float]], chance: list[float], reference: list[int], share: float
) -> list[int]:
    """Return how many tasks each row solves, with loops."""
    counts = [0] * len(values)
    for task in range(len(chance)):
        best = max(values[row][task] for row in reference)
        if chance[task] >= share * best:
            continue
        for row in range(len(values)):
            counts[row] += values[row][task] >= share * best
    return counts


def test_a_task_is_solved_from_the_share_of_the_best_on() -> None:
    values = np.array([[0.5, 1.0], [0.4, 0.79], [0.39999, 0.8]])
    found = solved(values, np.array([0.1, 0.1]), reference=[0, 1, 2], solved_at=0.8)
    assert found.is_solved.tolist() == [[True, True], [True, False], [False, True]]
    assert found.counts.tolist() == [2, 1, 1]
    np.testing.assert_allclose(found.accuracy, [0.75, 0.595, 0.599995])


def test_counts_are_those_of_the_definition() -> None:
    generator = np.random.default_rng(3)
    for share in (0.5, 0.8, 1.0):
        values = generator.uniform(0.2, 1.0, (9, 7))
        chance = generator.uniform(0.1, 0.9, 7)
        reference = [1, 4, 5]
        found = solved(values, chance, reference=reference, solved_at=share)
        assert found.counts.tolist() == by_definition(values.tolist(), chance.tolist(), reference, share)


def test_a_task_whose_chance_counts_as_solving_is_left_out_of_counts_and_accuracy() -> None:
    values = np.array([[0.6, 1.0], [0.5, 0.2]])
    found = solved(values, np.array([0.48, 0.1]), reference=[0, 1], solved_at=0.8)
    assert found.is_counted.tolist() == [False, True]
    assert found.counts.tolist() == [1, 0]
    assert found.accuracy.tolist() == [1.0, 0.2]


def test_a_task_of_unknown_chance_counts() -> None:
    found = solved(np.array([[0.6], [0.1]]), np.array([NAN]), reference=[0], solved_at=0.8)
    assert found.is_counted.tolist() == [True]


def test_a_pinned_reference_is_the_measure_even_where_others_are_better() -> None:
    values = np.array([[0.5], [1.0], [0.41]])
    assert solved(values, np.array([0.1]), reference=[0], solved_at=0.8).counts.tolist() == [1, 1, 1]
    assert solved(values, np.array([0.1]), reference=[1], solved_at=0.8).counts.tolist() == [0, 1, 0]


def test_a_missing_value_is_refused_and_not_taken_for_unsolved() -> None:
    with pytest.raises(ValueError, match="leave it out"):
        solved(np.array([[NAN], [0.5]]), np.array([0.1]), reference=[1], solved_at=0.8)
    with pytest.raises(ValueError, match="reference set is empty"):
        solved(np.array([[0.5]]), np.array([0.1]), reference=[], solved_at=0.8)
    with pytest.raises(ValueError, match=r"at most 1, not 1\.2"):
        solved(np.array([[0.5]]), np.array([0.1]), reference=[0], solved_at=1.2)


def test_chance_is_the_larger_of_what_is_known_and_what_was_measured() -> None:
    known = np.array([0.5, 0.5, NAN, NAN])
    measured = np.array([[0.4, 0.6, 0.2, NAN], [0.5, 0.7, NAN, NAN]])
    np.testing.assert_allclose(chance_of_tasks(known, measured), [0.5, 0.65, 0.2, NAN])
