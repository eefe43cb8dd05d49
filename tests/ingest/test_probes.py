"""Probes against scikit-learn's own classifier, their definitions, and labels that mean nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ingest.probes import Probed, balanced_accuracy, predict, probe, shuffles

Labels = NDArray[np.int64]


def planted(
    n: int, d: int, class_count: int, *, signal: float, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_], Labels]:
    """Return a layer in which each class has a centre, a split, and the classes."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(n) % class_count)
    centres = generator.standard_normal((class_count, d)) * signal
    layer = centres[labels] + generator.standard_normal((n, d)) * generator.uniform(0.1, 9, d)
    is_train = generator.permutation(np.arange(n)) < n // 2
    return layer.astype(np.float32), is_train, labels


def answers_of_sklearn(
    layer: NDArray[np.float32], is_train: NDArray[np.bool_], training_labels: Labels
) -> Labels:
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=1.0))
    model.fit(layer[is_train].astype(np.float64), training_labels)
    found: Labels = model.predict(layer[~is_train].astype(np.float64))
    return found


@pytest.mark.parametrize(
    ("n", "d"), [(200, 5), (200, 64), (200, 100), (200, 101), (120, 400), (40, 1), (60, 1500)]
)
def test_answers_of_all_tasks_at_once_are_those_of_a_ridge_classifier_each(n: int, d: int) -> None:
    layer, is_train, seven = planted(n, d, 7, signal=0.5, seed=n + d)
    layer[:, -1] = 2.5 if d > 1 else layer[:, -1]  # a constant column
    tasks = [seven, seven % 3, (seven == 2).astype(np.int64), (seven < 3).astype(np.int64)]
    training = [labels[is_train] for labels in tasks]
    order = np.random.default_rng(1).permutation(int(is_train.sum()))
    training += [labels[order] for labels in training]
    found = predict(layer, is_train, training)
    for labels, answers in zip(training, found, strict=True):
        assert np.array_equal(answers, answers_of_sklearn(layer, is_train, labels))


def test_a_column_that_is_constant_in_training_changes_nothing() -> None:
    layer, is_train, labels = planted(100, 6, 3, signal=1.0, seed=2)
    more = np.hstack([layer, np.where(is_train, 0.0, 50.0)[:, None]]).astype(np.float32)
    (without,), (with_it,) = (predict(one, is_train, [labels[is_train]]) for one in (layer, more))
    assert np.array_equal(without, with_it)


def test_probe_is_the_balanced_accuracy_of_those_answers() -> None:
    layer, is_train, labels = planted(150, 20, 4, signal=0.6, seed=3)
    orders = shuffles(75, seed=5)
    two = (labels == 1).astype(np.int64)
    for task, found in zip((labels, two), probe(layer, is_train, [labels, two], orders), strict=True):
        judged = task[~is_train]
        own = answers_of_sklearn(layer, is_train, task[is_train])
        shuffled = [
            balanced_accuracy_score(judged, answers_of_sklearn(layer, is_train, task[is_train][order]))
            for order in orders
        ]
        assert found.accuracy == pytest.approx(balanced_accuracy_score(judged, own), abs=1e-12)
        assert found.chance == pytest.approx(np.mean(shuffled), abs=1e-12)
        assert found.chance_sd == pytest.approx(np.std(shuffled, ddof=1), abs=1e-12)


def test_standard_error_by_hand() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1])
    answers = np.array([0, 0, 0, 1, 1, 0])  # recalls 3/4 and 1/2
    found = balanced_accuracy(labels, answers)
    assert found.value == pytest.approx(0.625)
    assert found.stderr == pytest.approx(math.sqrt(0.75 * 0.25 / 4 + 0.25 / 2) / 2)


def test_standard_error_is_the_spread_over_new_items() -> None:
    generator = np.random.default_rng(4)
    labels = np.repeat([0, 1, 2], [200, 50, 25])
    recall = np.array([0.9, 0.6, 0.3])
    draws = []
    for _ in range(2000):
        right = generator.random(len(labels)) < recall[labels]
        draws.append(balanced_accuracy(labels, np.where(right, labels, (labels + 1) % 3)))
    spread = np.std([draw.value for draw in draws])
    assert np.mean([draw.stderr for draw in draws]) == pytest.approx(spread, rel=0.06)  # 2000 draws: 1.6 %


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    class_count=st.integers(2, 6),
    d=st.sampled_from([3, 30, 300]),
)
def test_a_probe_on_shuffled_labels_is_within_three_standard_errors_of_the_shuffled_mean(
    seed: int, class_count: int, d: int
) -> None:
    """One more shuffle is a draw of the same kind; the error is that of its distance to their mean."""
    layer, is_train, labels = planted(240, d, class_count, signal=1.0, seed=seed)
    orders = shuffles(120, seed=seed, shuffle_count=21)
    shuffled = labels.copy()
    shuffled[is_train] = labels[is_train][orders[20]]
    (one,) = probe(layer, is_train, [shuffled], orders[:20])
    (many,) = probe(layer, is_train, [labels], orders[:20])
    spread = max(many.chance_sd, one.chance_sd) * math.sqrt(1 + 1 / 20)
    assert abs(one.accuracy - many.chance) <= 3 * spread
    assert abs(one.accuracy - 1 / class_count) <= 3 * math.hypot(one.stderr, many.chance_sd)


def test_a_signal_is_far_from_the_shuffled_mean() -> None:
    layer, is_train, labels = planted(240, 30, 3, signal=6.0, seed=9)
    (found,) = probe(layer, is_train, [labels], shuffles(120, seed=0))
    assert found.accuracy > 0.9
    assert abs(found.chance - 1 / 3) < 3 * found.chance_sd


def test_chance_of_many_shuffles_is_that_of_a_guess() -> None:
    layer, is_train, labels = planted(300, 40, 2, signal=2.0, seed=6)
    (found,) = probe(layer, is_train, [labels], shuffles(150, seed=1, shuffle_count=400))
    assert abs(found.chance - 0.5) < 3 * found.chance_sd / math.sqrt(400)


def test_a_constant_layer_reaches_a_guess_without_an_error() -> None:
    """As an untrained network may give one: every answer is the same class."""
    _, is_train, labels = planted(90, 4, 3, signal=1.0, seed=10)
    (found,) = probe(np.full((90, 4), 3.0, np.float32), is_train, [labels], shuffles(45, seed=0))
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.chance == pytest.approx(1 / 3)
    assert (found.stderr, found.chance_sd) == (0, pytest.approx(0))


def test_a_task_is_probed_the_same_whatever_stands_beside_it() -> None:
    layer, is_train, labels = planted(100, 150, 4, signal=0.5, seed=7)
    two = (labels == 3).astype(np.int64)
    orders = shuffles(50, seed=0)
    together = probe(layer, is_train, [labels, two], orders)
    alone: list[Probed] = [probe(layer, is_train, [task], orders)[0] for task in (labels, two)]
    assert together == alone


def test_shuffles_are_those_of_their_seed() -> None:
    first, second = shuffles(30, seed=1), shuffles(30, seed=2)
    assert len(first) == 20
    assert len({tuple(order) for order in [*first, *second]}) == 40
    assert all(np.array_equal(a, b) for a, b in zip(first, shuffles(30, seed=1), strict=True))
    assert all(sorted(order) == list(range(30)) for order in first)


def test_arguments_outside_the_contract_are_refused() -> None:
    layer, is_train, labels = planted(40, 4, 2, signal=1.0, seed=8)
    orders = shuffles(20, seed=0)
    missing = labels.copy()
    missing[~is_train] = 0
    broken = layer.copy()
    broken[3, 1] = np.nan
    for arguments, message in (
        ((layer[0], is_train, [labels], orders), "cannot be split"),
        ((layer, is_train[:-1], [labels], orders), "cannot be split"),
        ((broken, is_train, [labels], orders), "must be finite"),
        ((layer, is_train, [labels], orders[:1]), "at least two permutations"),
        ((layer, is_train, [labels], shuffles(19, seed=0)), "permutations of the training rows"),
        ((layer, is_train, [labels[:-1]], orders), "a class for every row"),
        ((layer, is_train, [missing], orders), "every class needs a row in both parts"),
        ((layer, is_train, [np.zeros_like(labels)], orders), "a task two classes"),
        ((layer, np.ones_like(is_train), [labels], shuffles(40, seed=0)), "rows in both parts"),
    ):
        with pytest.raises(ValueError, match=message):
            probe(*arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="to be judged on"):
        balanced_accuracy(np.array([1, 1]), np.array([1, 1]))
