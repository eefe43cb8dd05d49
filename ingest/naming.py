"""Names and steps of checkpoints: who holds them, and when they move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.references import check_name
from registry.clock import now
from registry.errors import ConflictError, NotFoundError
from registry.handle import Registry
from registry.lookup import current_name, current_names, nearest
from registry.tables import Checkpoint, Name


@dataclass(frozen=True)
class Named:
    """What naming did: what the checkpoint was called, and who held its new name before."""

    name: str
    before: str
    taken_from: str | None
    outcome: Literal["changed", "unchanged"]


@dataclass(frozen=True)
class Place:
    """Where a reference points, whatever lies there now: names follow it.

    A file is its whole path (the same words in two folders are two files), a hub's branch its repository and
    revision. Baselines have no place: nothing moves under their names.
    """

    source: str
    where: str

    def holds(self, checkpoint: Checkpoint) -> bool:
        """Return whether a checkpoint came from here."""
        return self.source != "baseline" and self == place_of(
            checkpoint.source, checkpoint.reference, checkpoint.location
        )


def place_of(source: str, reference: str, location: str | None) -> Place:
    """Return where a reference points."""
    if source == "path" and location is not None:
        return Place(source, location)
    return Place(source, f"{reference}@main" if source == "hf" and "@" not in reference else reference)


def name_at(session: Session, place: Place, step: int | None, series_id: int | None) -> str | None:
    """Return the name that follows a place: what its newest live checkpoint at a step is called, or None."""
    if place.source == "baseline":
        return None
    rows = session.execute(
        select(Name.name, Checkpoint)
        .join(Checkpoint, Checkpoint.id == Name.checkpoint_id)
        .where(
            Name.ended_at.is_(None),
            Checkpoint.retired_at.is_(None),
            Checkpoint.source == place.source,
            Checkpoint.step == step if step is not None else Checkpoint.step.is_(None),
            Checkpoint.series_id == series_id if series_id is not None else Checkpoint.series_id.is_(None),
        )
        .order_by(Name.id.desc())
    )
    return next((row.name for row in rows if place.holds(row.Checkpoint)), None)


def give_name(session: Session, checkpoint: Checkpoint, name: str) -> str:
    """Give a checkpoint without a name its name, and return how the name moved, or '' where nobody held it.

    A name follows its place: when a branch has a new commit, or a file new bytes, the new checkpoint takes
    the name over and the history keeps the old one. A floating row that is now resolved is retired.

    Raises:
        ConflictError: a live checkpoint of another place holds the name.
    """
    held = session.scalar(select(Name).where(Name.name == name, Name.ended_at.is_(None)))
    moved = ""
    if held is not None:
        holder = session.get_one(Checkpoint, held.checkpoint_id)
        place = place_of(checkpoint.source, checkpoint.reference, checkpoint.location)
        if not place.holds(holder) and holder.retired_at is None:
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


def name_checkpoint(registry: Registry, checkpoint_id: int, name: str, *, move: bool = False) -> Named:
    """Call a checkpoint something else; what it was called ends, and the history keeps it.

    Args:
        registry: where.
        checkpoint_id: whom to name.
        name: what to call it.
        move: whether the name is taken from the checkpoint that holds it now, which must be another one.

    Raises:
        UsageError: it cannot be a name.
        ConflictError: a live checkpoint holds it, and it was not to be moved.
        NotFoundError: it was to be moved, and nobody holds it.
    """
    check_name(name)
    with registry.write() as session:
        before = current_name(session, checkpoint_id)
        held = session.scalar(select(Name).where(Name.name == name, Name.ended_at.is_(None)))
        if held is None and move:
            raise NotFoundError(
                f"no checkpoint is called '{name}'",
                hint=nearest(name, current_names(session)) or "leave --move out to give a new name",
            )
        if held is not None and held.checkpoint_id == checkpoint_id:
            return Named(name, before, None, "unchanged")
        taken_from = _take(session, held, move=move) if held is not None else None
        own = select(Name).where(Name.checkpoint_id == checkpoint_id, Name.ended_at.is_(None))
        for row in session.scalars(own):
            row.ended_at = now()
        session.flush()
        session.add(Name(name=name, checkpoint_id=checkpoint_id, started_at=now()))
    return Named(name, before, taken_from, "changed")


def _take(session: Session, held: Name, *, move: bool) -> str:
    """End who holds a name, and return the start of that checkpoint's content key."""
    holder = session.get_one(Checkpoint, held.checkpoint_id)
    if not move and holder.retired_at is None:
        raise ConflictError(
            f"the name '{held.name}' belongs to another checkpoint: {holder.reference}",
            hint=f"take it away from there: cavewall checkpoint name {held.name} --move CHECKPOINT",
        )
    held.ended_at = now()
    session.flush()
    return holder.content_key[:12]


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
