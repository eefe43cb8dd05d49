"""Targets: what ought to exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import null, select, update
from sqlalchemy.orm import Session

from compute.catalogue import highest_score, metric_info
from compute.exclusions import Excluded, excluded_by
from compute.schemes import scheme_of
from compute.target_chance import chance_of
from compute.target_rules import (
    DEFAULT_DRAWS,
    FEWEST_DRAWS,
    NullRule,
    TargetRule,
    canonical_rule,
    check_rule,
    default_name,
)
from registry.clock import now
from registry.errors import ConflictError, UsageError
from registry.handle import Registry
from registry.keys import content_key
from registry.lookup import find_dataset
from registry.tables import Dataset, Extraction, Metric, Slot, Target, TargetExtraction

__all__ = [
    "DEFAULT_DRAWS",
    "FEWEST_DRAWS",
    "AddedTarget",
    "NullRule",
    "TargetRule",
    "add_target",
    "default_name",
]


@dataclass(frozen=True)
class AddedTarget:
    """What `add_target` did.

    `added`; `unchanged` where the same target was there with as many draws or more; `draws raised` where it
    was there with fewer: its nulls are due again, its scores are not.
    """

    target_id: int
    name: str
    outcome: Literal["added", "unchanged", "draws raised"]


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
        UsageError: the metric, a parameter or the recipe is unknown, they do not fit each other or the data
            set, the recipe's exclusions leave too little, or two extractions have the same modality.
        ConflictError: another target has the name.
        NotFoundError: no such data set, or it has no such exclusion.
    """
    rule = canonical_rule(rule)
    with registry.read() as session:
        row = find_dataset(session, dataset)
        check_rule(rule, row)
        scheme_of(registry.store, row, rule.null.scheme)  # refuses one that cannot be drawn
        excluded = _excluded(session, registry, row, rule)
    highest = highest_score(rule.metric, rule.parameters)
    chance = chance_of(rule.metric, rule.parameters, row.item_count, excluded.degrees)
    with registry.write() as session:
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
                **({"exclusions": list(excluded.content_keys)} if excluded.content_keys else {}),
                **rule.null.identity,
            },
        )
        known = session.scalar(select(Target).where(Target.content_key == key))
        if known is not None:
            return AddedTarget(known.id, known.name, _raise_draws(session, known, rule.null.draws))
        target = Target(
            content_key=key,
            name=_free_name(session, name or default_name(row.name, rule)),
            dataset_id=row.id,
            metric_id=metric.id,
            recipe=rule.recipe,
            reducer=rule.reducer,
            pairs=rule.pairs,
            created_at=now(),
            draws=rule.null.draws,
            alpha=rule.null.alpha,
            seed=rule.null.seed,
            null_scheme=rule.null.scheme,
            chance=chance.mean,
            chance_sd=chance.sd,
            highest=null() if highest is None else highest,  # None would let the column's default in
        )
        session.add(target)
        session.flush()
        session.add_all(
            TargetExtraction(target_id=target.id, extraction_id=extraction.id, modality=extraction.modality)
            for extraction in extractions
        )
        return AddedTarget(target.id, target.name, "added")


def _raise_draws(session: Session, target: Target, draws: int) -> Literal["unchanged", "draws raised"]:
    """Ask for more draws: every null of the target is due again."""
    if draws <= target.draws:
        return "unchanged"
    target.draws = draws
    session.execute(update(Slot).where(Slot.target_id == target.id).values(null_through=0))
    return "draws raised"


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
    info, parameters = metric_info(rule.metric), dict(rule.parameters)
    identity = {"name": info.name, "parameters": parameters, "code_version": info.version}
    key = content_key("metric", identity)
    metric = session.scalar(select(Metric).where(Metric.content_key == key))
    if metric is None:
        metric = Metric(
            content_key=key,
            name=info.name,
            parameters=parameters,
            is_symmetric=info.is_symmetric,
            code_version=info.version,
        )
        session.add(metric)
        session.flush()
    return metric


def _excluded(session: Session, registry: Registry, dataset: Dataset, rule: TargetRule) -> Excluded:
    """Return what the recipe excludes; a metric without neighbours has a recipe without exclusions."""
    k = rule.parameters.get("k")
    return Excluded() if k is None else excluded_by(session, registry.store, dataset, rule.recipe, int(k))


def _free_name(session: Session, name: str) -> str:
    if session.scalar(select(Target.id).where(Target.name == name)) is not None:
        raise ConflictError(f"another target is called '{name}'", hint="give this one its own --name")
    return name
