"""One import of an outside file as rows: the batch, and what it refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from ingest.rows import get_or_add
from registry.clock import now
from registry.keys import content_key
from registry.tables import ImportBatch, ImportReject
from registry.tables.imports import ImportKind

LONGEST_CONTENT = 1000


@dataclass(frozen=True)
class Refused:
    """A row or a part of a file that was refused, as it stood there, and why; `line` counts from 1."""

    line: int
    content: str
    reason: str


def put_batch(
    session: Session,
    kind: ImportKind,
    file_format: str,
    path: Path,
    sha256: str,
    how: Mapping[str, Any],
    *,
    run_id: int | None,
    source_id: int | None = None,
    counts: Mapping[str, Any] | None = None,
    refused: Sequence[Refused] = (),
) -> ImportBatch:
    """Return the batch of a file, made on first use; what it refused is what it refused the last time.

    Args:
        session: where; the caller commits.
        kind: what the file holds.
        file_format: in which form.
        path: where it lay.
        sha256: its digest.
        how: everything else that tells this import from another of the same file.
        run_id: the run.
        source_id: who says it.
        counts: what became of its rows.
        refused: the rows that were refused.
    """
    identity = {"kind": kind, "format": file_format, "sha256": sha256, "how": dict(how)}
    key = content_key("import_batch", identity)
    batch = get_or_add(
        session,
        ImportBatch,
        ImportBatch.content_key == key,
        lambda: ImportBatch(
            content_key=key,
            kind=kind,
            format=file_format,
            path=str(path),
            sha256=sha256,
            source_id=source_id,
            counts=dict(counts or {}),
            run_id=run_id,
            imported_at=now(),
        ),
    )
    if batch.counts.get("failed"):
        batch.counts = dict(counts or {})
    session.execute(delete(ImportReject).where(ImportReject.batch_id == batch.id))
    session.add_all(
        ImportReject(
            batch_id=batch.id, line=each.line, content=each.content[:LONGEST_CONTENT], reason=each.reason
        )
        for each in refused
    )
    return batch
