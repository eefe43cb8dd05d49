"""Retire an import with a reason, and restore it: its scores stop and start to count, nothing is deleted."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.clock import now
from registry.errors import NotFoundError, UsageError
from registry.handle import Registry
from registry.tables import ImportBatch

KIND = "scores"


def retire_import(registry: Registry, batch_id: int, reason: str) -> bool:
    """Retire an import of scores for a reason, and return whether it was live.

    A score that another live import brought too stays current.

    Raises:
        UsageError: there is no reason.
        NotFoundError: there is no import of scores of that id.
    """
    if not reason.strip():
        raise UsageError("retiring needs a reason", hint="add --reason TEXT")
    with registry.write() as session:
        batch = _batch(session, batch_id)
        if batch.retired_at is not None:
            return False
        batch.retired_at, batch.retired_reason = now(), reason.strip()
    return True


def restore_import(registry: Registry, batch_id: int) -> bool:
    """Restore a retired import of scores, and return whether it was retired.

    Raises:
        NotFoundError: there is no import of scores of that id.
    """
    with registry.write() as session:
        batch = _batch(session, batch_id)
        if batch.retired_at is None:
            return False
        batch.retired_at, batch.retired_reason = None, None
    return True


def _batch(session: Session, batch_id: int) -> ImportBatch:
    batch = session.scalar(
        select(ImportBatch).where(ImportBatch.id == batch_id, ImportBatch.kind == KIND).with_for_update()
    )
    if batch is None:
        raise NotFoundError(
            f"no import of scores has the id {batch_id}", hint="'cavewall score imports' shows them"
        )
    return batch
