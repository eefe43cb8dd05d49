"""Retire checkpoints with a reason, and restore them: nothing is deleted."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.naming import require_free_step
from registry.clock import now
from registry.errors import NotFoundError, UsageError
from registry.handle import Registry
from registry.slots import mark_dead
from registry.tables import Checkpoint, Embedding, Series


def retire_checkpoints(registry: Registry, checkpoint_ids: Collection[int], reason: str) -> int:
    """Retire checkpoints for a reason and return how many were live; their slots die in the same transaction.

    Embeddings stay ready: a restored checkpoint gets new slots and needs no new extraction.

    Raises:
        UsageError: there is no reason.
        NotFoundError: an id is not registered.
    """
    if not reason.strip():
        raise UsageError("retiring needs a reason", hint="add --reason TEXT")
    with registry.write() as session:
        live = [row for row in _rows(session, checkpoint_ids) if row.retired_at is None]
        for row in live:
            row.retired_at, row.retired_reason = now(), reason
        embeddings = session.scalars(
            select(Embedding.id).where(Embedding.checkpoint_id.in_([row.id for row in live]))
        ).all()
        mark_dead(session, embeddings, f"checkpoint retired: {reason}")
    return len(live)


def restore_checkpoints(registry: Registry, checkpoint_ids: Collection[int]) -> int:
    """Restore retired checkpoints and return how many were retired.

    Raises:
        NotFoundError: an id is not registered.
        ConflictError: another checkpoint has taken the step of the series.
    """
    with registry.write() as session:
        retired = [row for row in _rows(session, checkpoint_ids) if row.retired_at is not None]
        for row in retired:
            series = session.get(Series, row.series_id) if row.series_id is not None else None
            require_free_step(
                session, row.series_id, series.name if series else None, row.step, row.reference
            )
            row.retired_at, row.retired_reason = None, None
            session.flush()
    return len(retired)


def _rows(session: Session, checkpoint_ids: Collection[int]) -> list[Checkpoint]:
    wanted = sorted(set(checkpoint_ids))
    rows = list(
        session.scalars(
            select(Checkpoint).where(Checkpoint.id.in_(wanted)).order_by(Checkpoint.id).with_for_update()
        )
    )
    missing = set(wanted) - {row.id for row in rows}
    if missing:
        raise NotFoundError(
            f"no checkpoint has the id {min(missing)}",
            hint="'cavewall checkpoint list' shows what is registered",
        )
    return rows
