"""What a report knows of targets, checkpoints and pairs: the rows of its questions, typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

Row = TypeVar("Row")

KINDS = {
    "trained": "trained",
    "training": "training run",
    "untrained": "untrained",
    "baseline": "raw input",
}
EXCLUDE = "exclude:"
ALL_LAYERS = "all layers"  # what the questions call the layer that is all of them at once


@dataclass(frozen=True)
class TargetFacts:
    """A row of `zoo_targets.sql`."""

    target_id: int
    name: str
    dataset_id: int
    dataset: str
    revision: str
    item_count: int
    modalities: list[str]
    licence: str | None
    credit: str | None
    metric: str
    parameters: str
    recipe: str
    reducer: str
    pairs: str
    is_symmetric: bool
    chance: float | None
    draws: int
    alpha: float
    null_scheme: str
    pair_count: int
    fresh_count: int
    calibrated_count: int
    blocked_count: int

    @property
    def k(self) -> int | None:
        """Return how many neighbours the metric compares, None where it compares none."""
        value = json.loads(self.parameters).get("k")
        return None if value is None else int(value)

    @property
    def exclusions(self) -> tuple[str, ...]:
        """Return the relations whose items must not count as neighbours."""
        steps = (step.strip() for step in self.recipe.split(","))
        return tuple(step.removeprefix(EXCLUDE) for step in steps if step.startswith(EXCLUDE))

    @property
    def family(self) -> tuple[int, str, str]:
        """Return what it shares with the targets whose scores can be compared with its own."""
        return self.dataset_id, self.metric, self.parameters

    @property
    def reduced(self) -> str:
        """Return which pair of layers gives a score."""
        return "best pair of layers" if self.reducer == "max" else "last layers"

    @property
    def measure(self) -> str:
        """Return the metric in words, with its parameters."""
        if self.metric == "mutual_knn":
            return f"mutual k-nearest neighbours, k = {self.k}"
        return self.short_measure

    @property
    def short_measure(self) -> str:
        """Return the metric's name, with its parameters."""
        parameters = ", ".join(f"{name} = {value}" for name, value in json.loads(self.parameters).items())
        return self.metric + (f", {parameters}" if parameters else "")


@dataclass(frozen=True)
class CheckpointFacts:
    """A row of `zoo_checkpoints.sql`."""

    checkpoint_id: int
    name: str
    modality: str
    kind: str
    source: str
    reference: str
    revision: str | None
    family: str | None
    architecture: str
    objective: str | None
    training_data: str | None
    parameter_count: int | None
    series: str | None
    step: int | None
    tokens_seen: int | None
    seed: int | None
    licence: str | None


@dataclass(frozen=True)
class PairFacts:
    """A row of `pairs_in_full.sql` or of `pairs_across_in_full.sql`."""

    left_id: int
    left_name: str
    left_embedding_id: int
    right_id: int
    right_name: str
    right_embedding_id: int
    score: float
    ci_low: float | None
    ci_high: float | None
    score_crossfit: float | None
    null_mean: float | None
    lift: float | None
    p: float | None
    calibrated: float | None
    left_layer: str
    right_layer: str


def typed(kind: type[Row], rows: list[dict[str, Any]]) -> list[Row]:
    """Return rows as the dataclass whose fields are their columns."""
    return [kind(**row) for row in rows]


def untyped(row: Any) -> Mapping[str, Any]:
    """Return the fields of a dataclass by name, one level deep."""
    return {field.name: getattr(row, field.name) for field in fields(row)}


def main_targets(targets: list[TargetFacts]) -> list[list[TargetFacts]]:
    """Return the targets in families whose scores can be compared, each with its main one first.

    The main one is the earliest that excludes nothing, or the earliest of all.
    """
    families: dict[tuple[int, str, str], list[TargetFacts]] = {}
    for target in targets:
        families.setdefault(target.family, []).append(target)
    return [
        sorted(family, key=lambda target: (len(target.exclusions), target.target_id))
        for family in families.values()
    ]


def rule_titles(family: list[TargetFacts]) -> dict[int, str]:
    """Return what tells the targets of a family apart, in words, by their id."""
    titles = {target.target_id: _rule(target) for target in family}
    if len(set(titles.values())) < len(family):
        return {target.target_id: target.name for target in family}
    return titles


def _rule(target: TargetFacts) -> str:
    if not target.exclusions:
        return "all neighbours"
    return f"without neighbours related by {' or '.join(target.exclusions)}"
