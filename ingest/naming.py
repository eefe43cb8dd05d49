"""Names and steps of checkpoints: who holds them, and when they move."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.clock import now
from registry.errors import ConflictError
from registry.lookup import current_name
from registry.tables import Checkpoint, Name


def give_name(session: Session, checkpoint: Checkpoint, name: str) -> str:
    """Give a new checkpoint its name and return how the name moved, or '' where nobody held it.

    A name follows its reference: when a branch has a new commit, or a file new bytes, the new checkpoint
    takes the name over and the history keeps the old one. A floating row that is now resolved is retired.

    Raises:
        ConflictError: a live checkpoint of another reference holds the name.
    """
    held = session.scalar(select(Name).where(Name.name == name, Name.ended_at.is_(None)))
    moved = ""
    if held is not None:
        holder = session.get_one(Checkpoint, held.checkpoint_id)
        is_same_place = holder.reference == checkpoint.reference and checkpoint.source != "baseline"
        if not is_same_place and holder.retired_at is None:
            raise ConflictError(
                f"the name '{name}' belongs to another checkpoint: {holder.reference}",
                hint="choose another name with --name",
            )
        held.ended_at = now()
        moved = _how_it_moved(holder, name)
        if holder.resolved is None and holder.retired_at is None:
            holder.retired_at, holder.retired_reason = (
                now(),
                f"was floating; resolved to {checkpoint.revision}",
            )
        session.flush()
    session.add(Name(name=name, checkpoint_id=checkpoint.id, started_at=now()))
    session.flush()
    return moved


def _how_it_moved(holder: Checkpoint, name: str) -> str:
    if holder.resolved is None:
        return f"{name} was floating and is now resolved"
    before = (holder.revision or holder.resolved)[:12]
    return f"{name} moved here from {before}…, which stays registered as {holder.content_key[:12]}"


def require_free_step(
    session: Session, series_id: int | None, series: str | None, step: int | None, reference: str
) -> None:
    """Refuse a second live checkpoint at a step of a series.

    Raises:
        ConflictError: there is one.
    """
    if series_id is None or step is None:
        return
    holder = session.scalar(
        select(Checkpoint).where(
            Checkpoint.series_id == series_id, Checkpoint.step == step, Checkpoint.retired_at.is_(None)
        )
    )
    if holder is None:
        return
    if holder.resolved is None and holder.reference == reference:
        holder.retired_at, holder.retired_reason = now(), "was floating; now resolved"
        session.flush()
        return
    name = current_name(session, holder.id)
    raise ConflictError(
        f"series {series} has a checkpoint at step {step}: {name} ({holder.reference})",
        hint=f"retire it first: cavewall checkpoint retire {name}",
    )
