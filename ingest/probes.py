"""Linear probes: what a linear classifier can read from one layer, and what it reads from shuffled labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from registry.keyed import keyed_order

ALPHA = 1.0
SHUFFLE_COUNT = 20

Classes = NDArray[np.int64]


@dataclass(frozen=True)
class Balanced:
    """A balanced accuracy, the mean over classes of the share that is recognised, and its standard error."""

    value: float
    stderr: float


@dataclass(frozen=True)
class Probed:
    """What a probe reaches on one task; `chance` and `chance_sd` are of shuffled labels."""

    accuracy: float
    stderr: float
    chance: float
    chance_sd: float


def shuffles(count: int, *, seed: int, shuffle_count: int = SHUFFLE_COUNT) -> list[NDArray[np.int64]]:
    """Return permutations of `count` training rows that depend on the seed and their number alone."""
    return [keyed_order(f"probe:{seed}:shuffle:{number}", count) for number in range(shuffle_count)]


def probe(
    layer: NDArray[Any],
    is_train: NDArray[np.bool_],
    tasks: Sequence[Classes],
    orders: Sequence[NDArray[np.int64]],
    *,
    alpha: float = ALPHA,
) -> list[Probed]:
    """Return what a ridge classifier reaches on every task, with one factorisation for all of them.

    Chance is the same measurement on answers that mean nothing: the labels of the *training* rows are
    permuted among these rows. The rows that are judged keep their labels, so that every class stands in both
    parts as often as before; a shuffle of all labels would leave small classes without a judged row.

    Args:
        layer: `(n, d)`.
        is_train: `(n,)`, the rows that the classifier is fitted on; it is judged on the others.
        tasks: for each task the class of every row, `(n,)`, 0 up to the number of classes; each class has
            a row in both parts.
        orders: permutations of the training rows, at least two, the same ones for every task.
        alpha: the ridge penalty.

    Raises:
        ValueError: shapes differ, the layer is not finite, or a class is missing from a part.
    """
    _check(layer, is_train, tasks, orders)
    drawn = [labels[is_train][order] for labels in tasks for order in [np.arange(is_train.sum()), *orders]]
    answers = predict(layer, is_train, drawn, alpha=alpha)
    each = len(orders) + 1
    results = []
    for number, labels in enumerate(tasks):
        own, *shuffled = [
            balanced_accuracy(labels[~is_train], answer)
            for answer in answers[number * each : (number + 1) * each]
        ]
        values = np.array([one.value for one in shuffled])
        results.append(Probed(own.value, own.stderr, float(values.mean()), float(values.std(ddof=1))))
    return results


def predict(
    layer: NDArray[Any],
    is_train: NDArray[np.bool_],
    training_labels: Sequence[Classes],
    *,
    alpha: float = ALPHA,
) -> list[Classes]:
    """Return the class of every row that is not for training, for each labelling of the training rows.

    Columns are standardised with the mean and the standard deviation of the training rows; a column that is
    constant there is only shifted, and its weight is 0. Classes are coded as scikit-learn's `RidgeClassifier`
    codes them, -1 and +1, in one column for two classes and in one for each class otherwise. All columns are
    targets of one ridge regression: `test_probes.py` shows that its answers are `RidgeClassifier`'s, task by
    task.

    Args:
        layer: `(n, d)`.
        is_train: `(n,)`.
        training_labels: for each labelling the class of every training row, in order.
        alpha: the ridge penalty.
    """
    scaler = StandardScaler().fit(layer[is_train].astype(np.float64))
    codes = [_coded(labels) for labels in training_labels]
    ridge = Ridge(alpha=alpha).fit(scaler.transform(layer[is_train].astype(np.float64)), np.hstack(codes))
    judged = scaler.transform(layer[~is_train].astype(np.float64))
    decisions = ridge.predict(judged).reshape(len(judged), -1)  # (m, columns of all labellings)
    ends = np.cumsum([code.shape[1] for code in codes])
    return [_decided(part) for part in np.split(decisions, ends[:-1], axis=1)]


def balanced_accuracy(labels: Classes, answers: Classes) -> Balanced:
    """Return the balanced accuracy of answers to labels 0 up to the number of classes, each of which occurs.

    The standard error treats the rows of each class as independent: sqrt(sum over classes of
    r (1 - r) / n) / C. It is 0 where every class is recognised always or never, which says that the rows are
    few, not that the value is certain.

    Raises:
        ValueError: a class does not occur.
    """
    counts = np.bincount(labels)
    if len(counts) == 0 or counts.min() == 0:
        raise ValueError("every class needs a row to be judged on")
    recalls = np.bincount(labels, weights=labels == answers, minlength=len(counts)) / counts
    variance = float(np.sum(recalls * (1 - recalls) / counts))
    return Balanced(float(recalls.mean()), math.sqrt(variance) / len(counts))


def _coded(labels: Classes) -> NDArray[np.float64]:
    count = int(labels.max()) + 1
    if count == 2:
        return np.where(labels == 1, 1.0, -1.0)[:, None]
    return np.where(labels[:, None] == np.arange(count), 1.0, -1.0)


def _decided(decisions: NDArray[np.float64]) -> Classes:
    if decisions.shape[1] == 1:
        return np.asarray(decisions[:, 0] > 0, dtype=np.int64)
    best: Classes = decisions.argmax(axis=1)
    return best


def _check(
    layer: NDArray[Any],
    is_train: NDArray[np.bool_],
    tasks: Sequence[Classes],
    orders: Sequence[NDArray[np.int64]],
) -> None:
    if layer.ndim != 2 or is_train.shape != layer.shape[:1]:
        raise ValueError(f"a layer of shape {layer.shape} cannot be split by {is_train.shape}")
    if not np.isfinite(layer).all():
        raise ValueError("a layer must be finite")
    if len(orders) < 2 or any(len(order) != is_train.sum() for order in orders):
        raise ValueError("chance needs at least two permutations of the training rows")
    for labels in tasks:
        if labels.shape != is_train.shape or is_train.all() or not is_train.any():
            raise ValueError("a task needs a class for every row, and rows in both parts")
        parts = labels[is_train], labels[~is_train]
        everyone = np.arange(labels.max() + 1)
        if len(everyone) < 2 or any(not np.isin(everyone, part).all() for part in parts):
            raise ValueError("every class needs a row in both parts, and a task two classes")
