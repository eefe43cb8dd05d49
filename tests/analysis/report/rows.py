"""Rows of a report's questions, complete and unremarkable, to change where a test needs it."""

from __future__ import annotations

from typing import Any

from analysis.report.facts import CheckpointFacts, PairFacts, TargetFacts

TARGET = {
    "target_id": 1, "name": "six/main", "dataset_id": 1, "dataset": "six", "revision": "1", "item_count": 6,
    "modalities": ["vision", "language"], "licence": None, "credit": "us", "metric": "mutual_knn",
    "parameters": '{"k": 2}', "recipe": "raw", "reducer": "max", "pairs": "all", "is_symmetric": True,
    "chance": 0.4, "draws": 19, "alpha": 0.05, "null_scheme": "items", "pair_count": 10, "fresh_count": 10,
    "calibrated_count": 10, "blocked_count": 0,
}  # fmt: skip


def target(**changed: Any) -> TargetFacts:
    """Return a target's row."""
    return TargetFacts(**(TARGET | changed))


def checkpoint(
    identifier: int, name: str, modality: str = "vision", kind: str = "trained", **changed: Any
) -> CheckpointFacts:
    """Return a checkpoint's row."""
    row: dict[str, Any] = {
        "checkpoint_id": identifier, "name": name, "modality": modality, "kind": kind, "source": "path",
        "reference": f"path:{name}", "revision": "abc", "family": None, "architecture": "tiny",
        "objective": None, "training_data": None, "parameter_count": None, "series": None, "step": None,
        "tokens_seen": None, "seed": None, "licence": None,
    }  # fmt: skip
    return CheckpointFacts(**(row | changed))


def pair(left: CheckpointFacts, right: CheckpointFacts, score: float, **changed: Any) -> PairFacts:
    """Return a pair's row, with a null."""
    row: dict[str, Any] = {
        "left_id": left.checkpoint_id, "left_name": left.name, "left_embedding_id": left.checkpoint_id,
        "right_id": right.checkpoint_id, "right_name": right.name, "right_embedding_id": right.checkpoint_id,
        "score": score, "ci_low": score - 0.02, "ci_high": score + 0.02, "score_crossfit": score - 0.01,
        "null_mean": 0.4, "lift": score / 0.4, "p": 0.05, "calibrated": 0.1, "left_layer": "layer 0",
        "right_layer": "layer 1",
    }  # fmt: skip
    return PairFacts(**(row | changed))
