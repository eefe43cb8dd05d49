"""Scores as plain rows for people and programs: what was claimed, and what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from registry.listings import IS_NAMED, SHORT_KEY
from registry.tables import (
    Benchmark,
    Checkpoint,
    ImportBatch,
    ImportedScore,
    Name,
    Score,
    ScoreRefusal,
    Source,
)

_BATCH = ImportBatch.id == ImportedScore.batch_id
IS_LIVE = or_(
    ~exists().where(ImportedScore.score_id == Score.id),
    exists().where(ImportedScore.score_id == Score.id, _BATCH, ImportBatch.retired_at.is_(None)),
)  # added by hand or measured here, or some import that is not retired brought it


@dataclass(frozen=True)
class ScoreLine:
    """A score as lists show it.

    `chance` is what the same measurement gives on shuffled answers or, where nobody measured it, what a guess
    reaches on the benchmark. `status` is 'valid', or 'retired: ' and why, where every import that brought the
    score is retired.
    """

    checkpoint: str
    task: str
    metric: str
    version: str
    value: float
    stderr: float | None
    chance: float | None
    item_count: int | None
    shots: int | None
    protocol: str | None
    split: str | None
    source: str
    source_kind: str
    trust: str
    measured_at: datetime
    status: str


@dataclass(frozen=True)
class RefusalLine:
    """A refused claim as lists show it; `value` is text, since it may be no number."""

    checkpoint: str
    task: str
    metric: str
    value: str
    reason: str
    source: str
    trust: str
    refused_at: datetime


def list_scores(
    session: Session,
    *,
    checkpoint_ids: Sequence[int] | None = None,
    benchmark_ids: Sequence[int] | None = None,
    batch_id: int | None = None,
    limit: int | None = None,
) -> list[ScoreLine]:
    """Return scores in the order in which they were recorded, all or those that one import brought."""
    reason = (
        select(func.max(ImportBatch.retired_reason))
        .join(ImportedScore, _BATCH)
        .where(ImportedScore.score_id == Score.id)
        .scalar_subquery()
    )
    statement = (
        select(Score, Checkpoint.content_key, Name.name, Benchmark, Source, IS_LIVE, reason)
        .join(Checkpoint, Checkpoint.id == Score.checkpoint_id)
        .join(Benchmark, Benchmark.id == Score.benchmark_id)
        .join(Source, Source.id == Score.source_id)
        .outerjoin(Name, IS_NAMED)
        .order_by(Score.id, Name.id)
    )
    if checkpoint_ids is not None:
        statement = statement.where(Score.checkpoint_id.in_(checkpoint_ids))
    if benchmark_ids is not None:
        statement = statement.where(Score.benchmark_id.in_(benchmark_ids))
    if batch_id is not None:
        brought = select(ImportedScore.score_id).where(ImportedScore.batch_id == batch_id)
        statement = statement.where(Score.id.in_(brought))
    return [
        ScoreLine(
            checkpoint=name or key[:SHORT_KEY],
            task=f"{benchmark.suite}/{benchmark.task}",
            metric=benchmark.metric,
            version=benchmark.version,
            value=row.value,
            stderr=row.stderr,
            chance=benchmark.chance if row.chance is None else row.chance,
            item_count=row.item_count,
            shots=row.shots,
            protocol=row.protocol,
            split=row.split,
            source=source.name,
            source_kind=source.kind,
            trust=source.trust,
            measured_at=row.measured_at,
            status="valid" if is_live else f"retired: {why}",
        )
        for row, key, name, benchmark, source, is_live, why in session.execute(statement.limit(limit))
    ]


def list_refusals(
    session: Session,
    *,
    checkpoint_ids: Sequence[int] | None = None,
    benchmark_ids: Sequence[int] | None = None,
    limit: int | None = None,
) -> list[RefusalLine]:
    """Return refused claims in the order in which they were refused."""
    statement = (
        select(ScoreRefusal, Checkpoint.content_key, Name.name, Benchmark, Source)
        .join(Checkpoint, Checkpoint.id == ScoreRefusal.checkpoint_id)
        .join(Benchmark, Benchmark.id == ScoreRefusal.benchmark_id)
        .join(Source, Source.id == ScoreRefusal.source_id)
        .outerjoin(Name, IS_NAMED)
        .order_by(ScoreRefusal.id, Name.id)
    )
    if checkpoint_ids is not None:
        statement = statement.where(ScoreRefusal.checkpoint_id.in_(checkpoint_ids))
    if benchmark_ids is not None:
        statement = statement.where(ScoreRefusal.benchmark_id.in_(benchmark_ids))
    return [
        RefusalLine(
            checkpoint=name or key[:SHORT_KEY],
            task=f"{benchmark.suite}/{benchmark.task}",
            metric=benchmark.metric,
            value=row.value,
            reason=row.reason,
            source=source.name,
            trust=source.trust,
            refused_at=row.refused_at,
        )
        for row, key, name, benchmark, source in session.execute(statement.limit(limit))
    ]
