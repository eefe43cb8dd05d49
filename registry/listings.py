"""What exists, as plain rows for people and programs: read-only, in a stable order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from registry.tables import (
    Checkpoint,
    Dataset,
    Embedding,
    Extraction,
    Family,
    Metric,
    Name,
    Series,
    Tag,
    Target,
    TargetExtraction,
)


@dataclass(frozen=True)
class CheckpointLine:
    """A checkpoint as lists show it; `is_floating` says that its revision could not be resolved."""

    name: str
    reference: str
    resolved: str | None
    is_floating: bool
    source: str
    modality: str
    architecture: str
    parameter_count: int | None
    family: str | None
    series: str | None
    step: int | None
    embeddings: int
    registered_at: datetime
    retired_at: datetime | None
    retired_reason: str | None
    tags: list[str]


@dataclass(frozen=True)
class DatasetLine:
    """A data set as lists show it."""

    name: str
    item_count: int
    modalities: list[str]
    pairing: str
    revision: str
    embeddings: int
    licence: str | None
    order_fingerprint: str
    set_fingerprint: str
    parent: str | None
    created_at: datetime


@dataclass(frozen=True)
class EmbeddingLine:
    """An embedding as lists show it; `extraction` is the start of its rule's content key."""

    embedding_id: int
    checkpoint: str
    dataset: str
    modality: str
    pooling: str
    extraction: str
    layer_count: int
    widest: int
    dtype: str
    status: str
    device: str
    created_at: datetime


@dataclass(frozen=True)
class TargetLine:
    """A target as lists show it; `extractions` has one rule for each modality, by the start of its key.

    `chance` is what one layer pair of unrelated embeddings scores, where there is a closed form for it.
    """

    name: str
    dataset: str
    metric: str
    parameters: dict[str, Any]
    recipe: str
    reducer: str
    pairs: str
    extractions: dict[str, str]
    draws: int
    alpha: float
    seed: int
    null_scheme: str
    chance: float | None
    created_at: datetime


SHORT_KEY = 12
IS_NAMED = (Name.checkpoint_id == Checkpoint.id) & Name.ended_at.is_(None)


def list_checkpoints(
    session: Session,
    *,
    checkpoint_ids: Sequence[int] | None = None,
    tags: Sequence[str] = (),
    with_retired: bool = False,
    limit: int | None = None,
) -> list[CheckpointLine]:
    """Return checkpoints in the order in which they were registered, those that have all of some tags."""
    counted = (
        select(Embedding.checkpoint_id, func.count().label("embeddings"))
        .where(Embedding.status == "ready")
        .group_by(Embedding.checkpoint_id)
        .subquery()
    )
    statement = (
        select(Checkpoint, Name.name, Family.name, Series.name, counted.c.embeddings)
        .outerjoin(Name, IS_NAMED)
        .outerjoin(Family, Family.id == Checkpoint.family_id)
        .outerjoin(Series, Series.id == Checkpoint.series_id)
        .outerjoin(counted, counted.c.checkpoint_id == Checkpoint.id)
        .order_by(Checkpoint.id, Name.id)
    )
    if checkpoint_ids is not None:
        statement = statement.where(Checkpoint.id.in_(checkpoint_ids))
    for tag in tags:
        statement = statement.where(Checkpoint.id.in_(select(Tag.checkpoint_id).where(Tag.tag == tag)))
    if not with_retired:
        statement = statement.where(Checkpoint.retired_at.is_(None))
    tagged = tags_of(session)
    return [
        _checkpoint_line(row, name, family, series, embeddings, tagged.get(row.id, []))
        for row, name, family, series, embeddings in session.execute(statement.limit(limit))
    ]


def tags_of(session: Session, checkpoint_ids: Sequence[int] | None = None) -> dict[int, list[str]]:
    """Return the tags of checkpoints, all or some, each list sorted; those without tags are left out."""
    statement = select(Tag.checkpoint_id, Tag.tag).order_by(Tag.checkpoint_id, Tag.tag)
    if checkpoint_ids is not None:
        statement = statement.where(Tag.checkpoint_id.in_(checkpoint_ids))
    found: dict[int, list[str]] = {}
    for checkpoint_id, tag in session.execute(statement):
        found.setdefault(checkpoint_id, []).append(tag)
    return found


def _checkpoint_line(
    row: Checkpoint,
    name: str | None,
    family: str | None,
    series: str | None,
    embeddings: int | None,
    tags: list[str],
) -> CheckpointLine:
    return CheckpointLine(
        name=name or row.content_key[:SHORT_KEY],
        reference=row.reference,
        resolved=row.resolved,
        is_floating=row.resolved is None,
        source=row.source,
        modality=row.modality,
        architecture=row.architecture,
        parameter_count=row.parameter_count,
        family=family,
        series=series,
        step=row.step,
        embeddings=embeddings or 0,
        registered_at=row.registered_at,
        retired_at=row.retired_at,
        retired_reason=row.retired_reason,
        tags=tags,
    )


def live_checkpoints(session: Session, modalities: Sequence[str]) -> list[Checkpoint]:
    """Return the checkpoints of some modalities that are not retired, in the order of registration."""
    statement = select(Checkpoint).where(Checkpoint.retired_at.is_(None), Checkpoint.modality.in_(modalities))
    return list(session.scalars(statement.order_by(Checkpoint.id)))


def list_datasets(session: Session, *, limit: int | None = None) -> list[DatasetLine]:
    """Return the data sets by name."""
    ready = (
        select(func.count())
        .where(Embedding.dataset_id == Dataset.id, Embedding.status == "ready")
        .scalar_subquery()
    )
    above = aliased(Dataset)
    statement = (
        select(Dataset, ready, above.name)
        .outerjoin(above, above.id == Dataset.parent_id)
        .order_by(Dataset.name)
    )
    return [
        DatasetLine(
            name=row.name,
            item_count=row.item_count,
            modalities=row.modalities,
            pairing=row.pairing,
            revision=row.revision,
            embeddings=embeddings,
            licence=row.licence,
            order_fingerprint=row.order_fingerprint,
            set_fingerprint=row.set_fingerprint,
            parent=parent,
            created_at=row.created_at,
        )
        for row, embeddings, parent in session.execute(statement.limit(limit))
    ]


def list_embeddings(
    session: Session,
    *,
    checkpoint_ids: Sequence[int] | None = None,
    dataset_id: int | None = None,
    with_superseded: bool = False,
    limit: int | None = None,
) -> list[EmbeddingLine]:
    """Return embeddings in the order in which they were made."""
    statement = (
        select(Embedding, Checkpoint.content_key, Name.name, Dataset.name, Extraction)
        .join(Checkpoint, Checkpoint.id == Embedding.checkpoint_id)
        .join(Dataset, Dataset.id == Embedding.dataset_id)
        .join(Extraction, Extraction.id == Embedding.extraction_id)
        .outerjoin(Name, IS_NAMED)
        .order_by(Embedding.id, Name.id)
    )
    if checkpoint_ids is not None:
        statement = statement.where(Embedding.checkpoint_id.in_(checkpoint_ids))
    if dataset_id is not None:
        statement = statement.where(Embedding.dataset_id == dataset_id)
    if not with_superseded:
        statement = statement.where(Embedding.status != "superseded")
    return [
        EmbeddingLine(
            embedding_id=row.id,
            checkpoint=name or key[:SHORT_KEY],
            dataset=dataset,
            modality=extraction.modality,
            pooling=extraction.pooling,
            extraction=extraction.content_key[:SHORT_KEY],
            layer_count=row.layer_count,
            widest=max(row.widths),
            dtype=row.dtype,
            status=row.status,
            device=row.device,
            created_at=row.created_at,
        )
        for row, key, name, dataset, extraction in session.execute(statement.limit(limit))
    ]


def list_targets(session: Session, *, limit: int | None = None) -> list[TargetLine]:
    """Return the targets in the order in which they were registered."""
    rules: dict[int, dict[str, str]] = {}
    for target_id, modality, key in session.execute(
        select(TargetExtraction.target_id, TargetExtraction.modality, Extraction.content_key)
        .join(Extraction, Extraction.id == TargetExtraction.extraction_id)
        .order_by(TargetExtraction.target_id, TargetExtraction.modality)
    ):
        rules.setdefault(target_id, {})[modality] = key[:SHORT_KEY]
    statement = (
        select(Target, Dataset.name, Metric)
        .join(Dataset, Dataset.id == Target.dataset_id)
        .join(Metric, Metric.id == Target.metric_id)
        .order_by(Target.id)
        .limit(limit)
    )
    return [
        TargetLine(
            name=row.name,
            dataset=dataset,
            metric=metric.name,
            parameters=metric.parameters,
            recipe=row.recipe,
            reducer=row.reducer,
            pairs=row.pairs,
            extractions=rules.get(row.id, {}),
            draws=row.draws,
            alpha=row.alpha,
            seed=row.seed,
            null_scheme=row.null_scheme,
            chance=row.chance,
            created_at=row.created_at,
        )
        for row, dataset, metric in session.execute(statement)
    ]
