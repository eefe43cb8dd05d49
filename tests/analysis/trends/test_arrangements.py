"""Arrangements: all where they are few, keyed random ones where they are many."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from analysis.trends.arrangements import keyed_orders, orders, p_value, splits


def test_few_orders_are_all_of_them() -> None:
    found = orders(4, key="a")
    assert found.is_exact
    assert found.count == 24
    assert sorted(map(tuple, found.rows.tolist())) == sorted(permutations(range(4)))


def test_few_splits_are_all_different_ones() -> None:
    labels = np.array([1, 0, -1, 1, 0, -1])
    found = splits(labels, key="a")
    expected = set(permutations(labels.tolist()))
    assert found.is_exact
    assert found.count == len(expected) == 90
    assert set(map(tuple, found.rows.tolist())) == expected


def test_many_arrangements_are_drawn_and_keep_their_labels() -> None:
    labels = np.array([1] * 10 + [-1] * 10 + [0] * 5)
    found = splits(labels, key="a")
    assert (found.is_exact, found.rows.shape, found.count) == (False, (999, 25), 1000)
    assert (np.sort(found.rows, axis=1) == np.sort(labels)).all()
    assert not orders(7, key="a").is_exact


def test_draws_depend_on_the_key_alone() -> None:
    first = keyed_orders(9, key="trend", draws=5)
    assert (first == keyed_orders(9, key="trend", draws=5)).all()
    assert (first != keyed_orders(9, key="other", draws=5)).any()
    assert (np.sort(first, axis=1) == np.arange(9)).all()
    assert first[0].tolist() == [
        1,
        4,
        2,
        5,
        3,
        0,
        8,
        7,
        6,
    ]  # raw words of Philox do not change between versions of numpy


def test_orders_are_uniform() -> None:
    drawn = keyed_orders(3, key="uniform", draws=6000)
    counts = np.unique(drawn, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5  # chi-square with 5 degrees of freedom, p = .001


def test_p_counts_what_was_found_among_the_arrangements() -> None:
    assert p_value(0.5, np.array([0.1, 0.5, 0.7]), is_exact=False) == 3 / 4
    assert p_value(0.5, np.array([0.1, 0.5, 0.7]), is_exact=True) == 2 / 3
    assert p_value(9.0, np.zeros(999), is_exact=False) == 1 / 1000


def test_a_tie_up_to_rounding_and_a_draw_without_value_count_against_the_finding() -> None:
    assert p_value(0.3, np.array([0.1 + 0.2 - 1e-14, 0.0, 0.0]), is_exact=False) == pytest.approx(2 / 4)
    assert p_value(0.3, np.array([np.nan, 0.0, 0.0]), is_exact=False) == pytest.approx(2 / 4)
