"""Slots die in the transaction of whoever retires, supersedes or finds corrupt; they never come back."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import update
from sqlalchemy.orm import Session

from registry.tables import Slot


def mark_dead(session: Session, embedding_ids: Collection[int], reason: str) -> int:
    """Mark every live slot of some embeddings dead and return how many there were.

    Needs no lock: the runner reads which slots are live inside the transaction that writes a unit.
    """
    if not embedding_ids:
        return 0
    statement = (
        update(Slot)
        .where(Slot.embedding_id.in_(list(embedding_ids)), Slot.is_live)
        .values(is_live=False, dead_reason=reason)
        .returning(Slot.slot)
    )
    return len(session.execute(statement).all())
