"""Standard errors, paired differences and cross-fitted scores: definitions by hand, and simulations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from compute.folds import crossfit, pair_folds
from compute.intervals import Z_95, item_overlaps, paired_difference, standard_error
from compute.inverted_lists import shared_in_folds, shared_neighbours
from compute.metrics.mutual_knn import mutual_knn
from tests.compute.test_null import lists_of, random_lists, shared

torch.set_num_threads(1)
Integers = NDArray[np.int64]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(4, 12), k=st.integers(1, 3))
def test_overlaps_are_those_of_sets(seed: int, n: int, k: int) -> None:
    left, right = random_lists(np.random.default_rng(seed), 2, n, 3)
    expected = [len(set(a[:k]) & set(b[:k])) / k for a, b in zip(left.tolist(), right.tolist(), strict=True)]
    assert item_overlaps(left, right, k=k).tolist() == expected
    assert item_overlaps(left, right, k=k).mean() == pytest.approx(
        shared_neighbours(left[None], right[None], k=k)[0, 0] / (n * k)
    )


def test_standard_error_by_hand() -> None:
    assert standard_error(np.array([0.0, 1.0, 0.0, 1.0])) == pytest.approx(math.sqrt(2 * (1 / 3) / 4))
    with pytest.raises(ValueError, match="two items"):
        standard_error(np.array([0.5]))


def test_paired_difference_by_hand() -> None:
    found = paired_difference(np.array([0.5, 0.7, 0.6, 0.8]), np.array([0.4, 0.4, 0.5, 0.3]))
    assert found.value == pytest.approx(0.25)
    assert found.se == pytest.approx(math.sqrt(2) * np.std([0.1, 0.3, 0.1, 0.5], ddof=1) / 2)
    assert found.p == pytest.approx(math.erfc(0.25 / found.se / math.sqrt(2)))
    assert (found.ci_low, found.ci_high) == pytest.approx((0.25 - Z_95 * found.se, 0.25 + Z_95 * found.se))


def test_a_pair_paired_with_itself_differs_by_nothing() -> None:
    overlaps = np.array([0.1, 0.9, 0.4])
    found = paired_difference(overlaps, overlaps)
    assert (found.value, found.se, found.p) == (0, 0, 1)


def test_a_pair_of_items_has_one_fold_whoever_lists_whom() -> None:
    n = 50
    everyone = np.array([[m for m in range(n) if m != item] for item in range(n)])
    folds = np.full((n, n), -1)
    np.put_along_axis(folds, everyone, pair_folds(everyone).astype(np.int64), axis=1)
    assert (folds == folds.T).all()
    ones = folds[np.triu_indices(n, 1)].mean()
    assert abs(ones - 0.5) < 3 * 0.5 / math.sqrt(n * (n - 1) / 2)


def test_folds_do_not_change_between_versions() -> None:
    lists = np.array([[1, 2, 3], [2, 3, 0], [3, 0, 1], [0, 1, 2]])
    assert pair_folds(lists).tolist() == [[0, 0, 1], [1, 1, 0], [1, 0, 1], [1, 1, 1]]


def fold_counts(left: Integers, right: Integers) -> tuple[int, int]:
    """The definition: shared neighbours of each fold, through a set of pairs."""
    marks = pair_folds(left)
    found = [0, 0]
    for item, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        for place, m in enumerate(a):
            if m in b:
                found[int(marks[item, place])] += 1
    return found[0], found[1]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_counts_of_both_folds_add_up(seed: int, rows: int, columns: int) -> None:
    random = np.random.default_rng(seed)
    left, right = random_lists(random, rows, 12, 4), random_lists(random, columns, 12, 4)
    counts, ones = shared_in_folds(left, right, pair_folds(left), k=4)
    assert counts.tolist() == shared_neighbours(left, right, k=4).tolist()
    for i, j in itertools.product(range(rows), range(columns)):
        zero, one = fold_counts(left[i], right[j])
        assert (counts[i, j] - ones[i, j], ones[i, j]) == (zero, one)
    product = mutual_knn(
        torch.from_numpy(left), torch.from_numpy(right), k=4, row_marks=torch.from_numpy(pair_folds(left))
    )
    assert product.tolist() == ones.tolist()


@pytest.mark.parametrize("reducer", ["max", "last"])
def test_crossfit_is_its_definition(reducer: str) -> None:
    random = np.random.default_rng(3)
    left, right = random_lists(random, 3, 20, 5), random_lists(random, 2, 20, 5)
    counts, ones = shared_in_folds(left, right, pair_folds(left), k=5)
    row, column = (pair_folds(side).sum(axis=(1, 2), dtype=np.int64) for side in (left, right))
    found = crossfit(
        counts, ones, row, column, np.array([3]), np.array([2]), entries=100, reducer=reducer  # type: ignore[arg-type]
    )  # fmt: skip
    score: list[dict[tuple[int, int], float]] = [{}, {}]
    for i, j in itertools.product(range(3), range(2)):
        for fold, count in enumerate(fold_counts(left[i], right[j])):
            mine = (pair_folds(left[i]) == fold).sum(), (pair_folds(right[j]) == fold).sum()
            score[fold][i, j] = count / math.sqrt(mine[0] * mine[1])
    chosen = [(2, 1)] * 2 if reducer == "last" else [max(s, key=s.__getitem__) for s in score]
    assert found[0, 0] == pytest.approx((score[1][chosen[0]] + score[0][chosen[1]]) / 2)


@pytest.mark.slow
def test_intervals_cover_a_known_alignment() -> None:
    """2,400 pairs of layers at six strengths; the truth is the mean over the pairs of a strength."""
    random = np.random.default_rng(11)
    n, d, k, repeats = 200, 10, 10, 400
    covered, narrow = [], []
    for strength in (0.0, 0.5, 1.0, 1.5, 2.5, 4.0):
        found = []
        for _ in range(repeats):
            signal = random.normal(size=(n, d))
            sides = (strength * signal + random.normal(size=(n, d)) for _ in range(2))
            left, right = (lists_of(side[None], k)[0] for side in sides)
            overlaps = item_overlaps(left, right, k=k)
            found.append((overlaps.mean(), standard_error(overlaps)))
        score, se = np.array(found).T
        truth = score.mean()
        covered.append((abs(score - truth) <= Z_95 * se).mean())
        narrow.append((abs(score - truth) <= Z_95 * se / math.sqrt(2)).mean())
    print("coverage", np.round(covered, 3), "without the factor 2", np.round(narrow, 3))
    assert 0.93 <= np.mean(covered) <= 0.97, covered
    assert np.mean(narrow) < 0.90, narrow


def by_items(left: Integers, right: Integers, k: int) -> float:
    """The split that does not work: choose the layers on half of the items, read on the others."""
    overlaps = np.array([[item_overlaps(a, b, k=k) for b in right] for a in left])
    half = np.arange(overlaps.shape[2]) % 2 == 0
    one, other = overlaps[:, :, half].mean(axis=2), overlaps[:, :, ~half].mean(axis=2)
    return float((other.flat[one.argmax()] + one.flat[other.argmax()]) / 2)


@pytest.mark.slow
def test_crossfit_of_unrelated_embeddings_is_chance_and_the_maximum_is_not() -> None:
    random = np.random.default_rng(5)
    n, layers, d, k, repeats = 512, 12, 16, 10, 120
    found = np.empty((repeats, 3))
    for repeat in range(repeats):
        left, right = (lists_of(random.normal(size=(layers, n, d)), k) for _ in range(2))
        counts, ones = shared_in_folds(left, right, pair_folds(left), k=k)
        row, column = (pair_folds(side).sum(axis=(1, 2), dtype=np.int64) for side in (left, right))
        twelve = np.array([layers])
        fitted = crossfit(counts, ones, row, column, twelve, twelve, entries=n * k, reducer="max")[0, 0]
        found[repeat] = fitted, counts.max() / (n * k), by_items(left, right, k)
    mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / math.sqrt(repeats)
    distance = (mean - k / (n - 1)) / error
    print(
        "chance", k / (n - 1), "crossfit, maximum, split by items:", mean, "standard errors away:", distance
    )
    assert abs(distance[0]) <= 3
    assert distance[1] > 10
    assert distance[2] > 3


def test_the_score_of_a_layer_with_itself_is_one_in_both_folds() -> None:
    lists = random_lists(np.random.default_rng(0), 1, 30, 5)
    counts, ones = shared_in_folds(lists, lists, pair_folds(lists), k=5)
    entries = pair_folds(lists).sum(axis=(1, 2), dtype=np.int64)
    one = np.array([1])
    assert crossfit(counts, ones, entries, entries, one, one, entries=150, reducer="max")[0, 0] == 1
    assert shared(lists[0], lists[0]) == 150
