"""Targets: what ought to exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from compute.versions import METRIC_VERSIONS
from registry.clock import now
from registry.errors import ConflictError, UsageError
from registry.handle import Registry
from registry.keys import content_key
from registry.lookup import find_dataset, nearest
from registry.tables import Dataset, Extraction, Metric, Target, TargetExtraction

RECIPES = ("cosine", "centre,cosine")


@dataclass(frozen=True)
class TargetRule:
    """Everything that identifies a target beside its data set and its extractions."""

    metric: str = "mutual_knn"
    k: int = 10
    recipe: str = "cosine"
    reducer: Literal["max", "last"] = "max"
    pairs: Literal["all", "across"] = "all"


@dataclass(frozen=True)
class AddedTarget:
    """What `add_target` did: `added`, or `unchanged` where the same target was there."""

    target_id: int
    name: str
    outcome: Literal["added", "unchanged"]


def add_target(
    registry: Registry,
    dataset: str | None,
    extraction_ids: Sequence[int],
    rule: TargetRule,
    *,
    name: str | None = None,
) -> AddedTarget:
    """Register a target, or find the one that is the same.

    Args:
        registry: where.
        dataset: the data set's name; None where there is only one.
        extraction_ids: one extraction for each modality whose embeddings take part.
        rule: metric, parameters, recipe, reducer and scope.
        name: what users call it; made of the data set and the rule where it is None.

    Raises:
        UsageError: the metric or the recipe is unknown, k does not fit the data set, or two extractions have
            the same modality.
        ConflictError: another target has the name.
        NotFoundError: no such data set.
    """
    with registry.write() as session:
        row = find_dataset(session, dataset)
        _check_rule(rule, row)
        extractions = _extractions(session, extraction_ids)
        metric = _metric(session, rule)
        key = content_key(
            "target",
            {
                "dataset": row.content_key,
                "metric": metric.content_key,
                "recipe": rule.recipe,
                "reducer": rule.reducer,
                "pairs": rule.pairs,
                "extractions": sorted(extraction.content_key for extraction in extractions),
            },
        )
        known = session.scalar(select(Target).where(Target.content_key == key))
        if known is not None:
            return AddedTarget(known.id, known.name, "unchanged")
        target = Target(
            content_key=key,
            name=_free_name(session, name or default_name(row.name, rule)),
            dataset_id=row.id,
            metric_id=metric.id,
            recipe=rule.recipe,
            reducer=rule.reducer,
            pairs=rule.pairs,
            created_at=now(),
        )
        session.add(target)
        session.flush()
        session.add_all(
            TargetExtraction(target_id=target.id, extraction_id=extraction.id, modality=extraction.modality)
            for extraction in extractions
        )
        return AddedTarget(target.id, target.name, "added")


def default_name(dataset: str, rule: TargetRule) -> str:
    """Return the name of a target that was given none."""
    parts = [rule.metric.replace("_", "-"), f"k{rule.k}"]
    parts += [] if rule.recipe == "cosine" else [rule.recipe.replace(",", "-")]
    parts += [] if rule.reducer == "max" else [rule.reducer]
    parts += [] if rule.pairs == "all" else [rule.pairs]
    return f"{dataset}/{'-'.join(parts)}"


def _check_rule(rule: TargetRule, dataset: Dataset) -> None:
    if rule.metric not in METRIC_VERSIONS:
        known = f"known: {', '.join(METRIC_VERSIONS)}"
        raise UsageError(f"no metric '{rule.metric}'", hint=nearest(rule.metric, METRIC_VERSIONS) or known)
    if rule.recipe not in RECIPES:
        known = f"known: {'; '.join(RECIPES)}"
        raise UsageError(f"no recipe '{rule.recipe}'", hint=nearest(rule.recipe, RECIPES) or known)
    if not 1 <= rule.k < dataset.item_count:
        raise UsageError(
            f"k is {rule.k}, expected 1 to {dataset.item_count - 1}: data set {dataset.name} has "
            f"{dataset.item_count} items",
            hint="give a smaller --k",
        )


def _extractions(session: Session, ids: Sequence[int]) -> list[Extraction]:
    found = list(session.scalars(select(Extraction).where(Extraction.id.in_(ids)).order_by(Extraction.id)))
    modalities = [extraction.modality for extraction in found]
    if not found or len(set(modalities)) < len(modalities):
        raise UsageError(
            f"a target takes one extraction per modality, found {modalities or 'none'}",
            hint="'cavewall embed list' shows the extractions that are in use",
        )
    return found


def _metric(session: Session, rule: TargetRule) -> Metric:
    identity = {
        "name": rule.metric,
        "parameters": {"k": rule.k},
        "code_version": METRIC_VERSIONS[rule.metric],
    }
    key = content_key("metric", identity)
    metric = session.scalar(select(Metric).where(Metric.content_key == key))
    if metric is None:
        metric = Metric(
            content_key=key,
            name=rule.metric,
            parameters={"k": rule.k},
            is_symmetric=True,
            code_version=METRIC_VERSIONS[rule.metric],
        )
        session.add(metric)
        session.flush()
    return metric


def _free_name(session: Session, name: str) -> str:
    if session.scalar(select(Target.id).where(Target.name == name)) is not None:
        raise ConflictError(f"another target is called '{name}'", hint="give this one its own --name")
    return name
