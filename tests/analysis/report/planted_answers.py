"""What the questions of a report find in the registry of `test_queries.py`: a and b see, x reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.analysis.tiny import planted_counts
from tests.analysis.tiny_rows import ITEMS, MOMENT, K, key

Rows = list[tuple[Any, ...]]

PARAMETERS: dict[str, dict[str, Any]] = {
    "embeddings_of_dataset": {"dataset_id": 1},
    "layer_profile": {"target_id": 1, "checkpoint_id": 3},
    "mean_scores": {},
    "nearest_checkpoints": {"target_id": 1, "checkpoint_id": 2, "count": 1},
    "newest_run": {},
    "pairs_across_in_full": {"target_id": 1, "left_modality": "vision", "right_modality": "language"},
    "pairs_in_full": {"target_id": 1},
    "scores_of_checkpoint": {"checkpoint_id": 3},
    "zoo_checkpoints": {},
    "zoo_targets": {},
}

# By hand, from planted_counts: the best layers are (1, 1) with 8 and 3 of 12, and (1, 0) with 12 of 12.
A_X, A_B, X_B = 8 / 12, 12 / 12, 3 / 12
NO_NULL = (None, None, None, None, None, None, None)
NULL = (None, None, None, 0.4, A_X / 0.4, 0.05, None)  # interval, cross-fitted, chance, lift, p, calibrated


def pairs_in_full() -> Rows:
    return [
        (1, "a", 1, 3, "b", 3, A_B, *NO_NULL, "layer 0", "layer 1"),
        (1, "a", 1, 2, "x", 2, A_X, *NULL, "layer 1", "layer 1"),
        (2, "x", 2, 3, "b", 3, X_B, *NO_NULL, "layer 1", "layer 1"),
    ]


def pairs_across_in_full() -> Rows:
    return [
        (1, "a", 1, 2, "x", 2, A_X, *NULL, "layer 1", "layer 1"),
        (3, "b", 3, 2, "x", 2, X_B, *NO_NULL, "layer 1", "layer 1"),
    ]


def nearest_checkpoints() -> Rows:
    """Return the one checkpoint that is nearest to x: a sees, and nobody else reads."""
    return [("vision", "a", A_X, None, None, A_X / 0.4, 0.05, "layer 1", "layer 1")]


def layer_profile() -> Rows:
    """Return b's layers against x, its best partner of another modality, though a is nearer."""
    counts = planted_counts(2, 1)  # b is the row
    rows = []
    for layer in range(2):
        other = max(range(2), key=lambda column: counts[layer, column])
        score = counts[layer, other] / (ITEMS * K)
        rows.append((layer, f"layer {layer}", 3, "x", score, f"layer {other}", None, None, None, None))
    return rows


def zoo_checkpoints() -> Rows:
    rest = (None, "tiny", *(None,) * 8)
    return [
        (number, name, modality, "trained", "path", f"path:{name}", key("weights", name), *rest)
        for number, name, modality in ((1, "a", "vision"), (2, "x", "language"), (3, "b", "vision"))
    ]


def zoo_targets() -> Rows:
    dataset = (1, "six", "1", ITEMS, ["vision", "language"], None, None)
    rule = ("mutual_knn", '{"k":2}', "raw", "max", "all", True, 0.4, 500, 0.05, "items")
    return [(1, "main", *dataset, *rule, 3, 3, 0, 0)]


def embeddings_of_dataset() -> Rows:
    return [(number, "ready", number, 2, "mean") for number in (1, 2, 3)]


def scores_of_checkpoint() -> Rows:
    rest = ("balanced_accuracy",)
    end = (0.01, 0.1, True, None, "tests", "valid")
    return [("tiny-tasks", "one", *rest, 0.5, *end), ("tiny-tasks", "two", *rest, 0.75, *end)]


def mean_scores() -> Rows:
    return [(3, "tiny-tasks", "balanced_accuracy", 2, 0.625, 0.1)]


def newest_run() -> Rows:
    return [(1, "align", "done", "cpu", MOMENT)]


PLANTED: dict[str, Callable[[], Rows]] = {name: globals()[name] for name in PARAMETERS}
