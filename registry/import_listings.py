"""Imports of outside files as plain rows: what came in, from where, and what was refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.errors import NotFoundError
from registry.tables import ImportBatch, ImportedScore, ImportReject, Source


@dataclass(frozen=True)
class ImportLine:
    """An import as lists show it; `scores` are linked to it, `rejected` rows of its file are refused."""

    import_id: int
    format: str
    path: str
    sha256: str
    source: str | None
    rows: int | None
    scores: int
    rejected: int
    imported_at: datetime
    status: str


@dataclass(frozen=True)
class RejectLine:
    """A refused row of a file as lists show it."""

    import_id: int
    line: int
    content: str
    reason: str


def list_imports(session: Session, kind: str, *, limit: int | None = None) -> list[ImportLine]:
    """Return the imports of a kind in the order in which they were made."""
    scores = select(func.count()).where(ImportedScore.batch_id == ImportBatch.id).scalar_subquery()
    rejected = select(func.count()).where(ImportReject.batch_id == ImportBatch.id).scalar_subquery()
    statement = (
        select(ImportBatch, Source.name, scores, rejected)
        .outerjoin(Source, Source.id == ImportBatch.source_id)
        .where(ImportBatch.kind == kind)
        .order_by(ImportBatch.id)
        .limit(limit)
    )
    return [
        ImportLine(
            import_id=row.id,
            format=row.format,
            path=row.path,
            sha256=row.sha256,
            source=source,
            rows=row.counts.get("rows"),
            scores=score_count,
            rejected=reject_count,
            imported_at=row.imported_at,
            status="live" if row.retired_at is None else f"retired: {row.retired_reason}",
        )
        for row, source, score_count, reject_count in session.execute(statement)
    ]


def list_rejects(
    session: Session, kind: str, import_id: int, *, limit: int | None = None
) -> list[RejectLine]:
    """Return the rows that an import refused, in the order of its file.

    Raises:
        NotFoundError: there is no import of that kind and id.
    """
    require_import(session, kind, import_id)
    statement = (
        select(ImportReject)
        .where(ImportReject.batch_id == import_id)
        .order_by(ImportReject.line, ImportReject.id)
        .limit(limit)
    )
    return [RejectLine(row.batch_id, row.line, row.content, row.reason) for row in session.scalars(statement)]


def require_import(session: Session, kind: str, import_id: int) -> None:
    """Require that an import of a kind is there.

    Raises:
        NotFoundError: there is none of that id.
    """
    found = select(ImportBatch.id).where(ImportBatch.id == import_id, ImportBatch.kind == kind)
    if session.scalar(found) is None:
        raise NotFoundError(
            f"no import of {kind} has the id {import_id}",
            hint="'cavewall score imports' shows those of scores",
        )
