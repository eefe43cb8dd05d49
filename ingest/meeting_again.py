"""Meet a checkpoint again: what a row learns when its weights are registered once more."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.naming import give_name, name_at, place_of
from ingest.references import Reference
from ingest.resolving import Resolved
from ingest.tagging import add_tags
from registry.errors import ConflictError
from registry.lookup import current_name
from registry.tables import Checkpoint, Name, Series

Outcome = Literal["added", "unchanged", "changed"]


@dataclass(frozen=True)
class Added:
    """What registering a checkpoint did.

    `changed`: a name moved to a new checkpoint, or a row learnt where its file lies or what it is like.
    `equals` is what another reference, or another step, with the very same bytes is called.
    """

    checkpoint_id: int
    name: str
    outcome: Outcome
    detail: str
    equals: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What the user says about a checkpoint, beside the reference."""

    name: str
    is_named: bool
    series: str | None
    family: str | None
    tags: Collection[str]
    fields: Mapping[str, Any]


def found_again(
    session: Session, existing: Checkpoint, parsed: Reference, resolved: Resolved, wanted: Wanted
) -> Added:
    """Return what a registered checkpoint learns from being registered again, mostly nothing.

    What a point of a series is stays its content and its step: a second series with the same bytes at the
    same step (two runs from one initialisation) is told who has them.

    Raises:
        ConflictError: it is registered with another architecture, or in another series.
    """
    name = current_name(session, existing.id)
    if existing.like is not None and resolved.like is not None and existing.like != resolved.like:
        raise ConflictError(
            f"the same weights are registered as {name} --like {existing.like}, not {resolved.like}",
            hint=f"use {name}; weights have one architecture",
        )
    _require_same_architecture(existing, resolved, name)
    series = session.get(Series, existing.series_id) if existing.series_id is not None else None
    if wanted.series is not None and (series is None or series.name != wanted.series):
        registered = f"the same weights at step {existing.step} are registered as {name}"
        elsewhere = (
            f"in the series {series.name}, not" if series is not None else "which is not in the series"
        )
        raise ConflictError(
            f"{registered}, {elsewhere} {wanted.series}",
            hint=f"use {name}: identical weights at one step are one checkpoint, and it is in one series",
        )
    moved = _take_name_back(session, existing, resolved, parsed, wanted)
    if moved:
        name = current_name(session, existing.id)
    new_tags = add_tags(session, existing.id, wanted.tags)
    details = [moved] if moved else []
    if new_tags:
        details.append(f"tagged {', '.join(new_tags)}")
    is_bare = existing.source == "path" and existing.like is None and existing.entry_point is None
    if is_bare and (resolved.like is not None or resolved.entry_point is not None):
        existing.like, existing.architecture = resolved.like, resolved.architecture
        existing.entry_point = resolved.entry_point
        existing.modality, existing.parameter_count = resolved.modality, resolved.parameter_count
        details.append(resolved.note)
    if existing.location and not Path(existing.location).exists():
        existing.location = resolved.location
        details.append(f"now read from {resolved.location}")
    equals = name if existing.source == "path" and existing.reference != parsed.text else None
    if details:
        return Added(existing.id, name, "changed", "; ".join(details), equals)
    return Added(existing.id, name, "unchanged", _why_unchanged(existing, parsed, name, wanted), equals)


def _require_same_architecture(existing: Checkpoint, resolved: Resolved, name: str) -> None:
    """Refuse a second architecture for the same weights: `--like` and `--architecture` exclude each other."""
    before = existing.entry_point or existing.like
    after = resolved.entry_point or resolved.like
    if (existing.entry_point or resolved.entry_point) and before and after and before != after:
        raise ConflictError(
            f"the same weights are registered as {name} with the architecture {before}, not {after}",
            hint=f"use {name}; weights have one architecture",
        )


def _take_name_back(
    session: Session, existing: Checkpoint, resolved: Resolved, parsed: Reference, wanted: Wanted
) -> str:
    """Give a name back to what its place holds again, and return how it moved, or '' where it did not.

    A branch that was at one commit, then at another, may be at the first again.
    """
    place = place_of(resolved.source, parsed.text, resolved.location)
    has_name = session.scalar(
        select(Name.id).where(Name.checkpoint_id == existing.id, Name.ended_at.is_(None)).limit(1)
    )
    if has_name is not None or existing.retired_at is not None or not place.holds(existing):
        return ""
    name = name_at(session, place, existing.step, existing.series_id)
    if name is None or (wanted.is_named and wanted.name != name):
        return ""
    return give_name(session, existing, name)


def _why_unchanged(existing: Checkpoint, parsed: Reference, name: str, wanted: Wanted) -> str:
    same = {"path": "same bytes", "baseline": "same baseline"}.get(existing.source, "same commit")
    if existing.resolved is None:
        same = "still floating"
    detail = (
        f"same reference, {same}" if existing.reference == parsed.text else f"{same} as {existing.reference}"
    )
    if wanted.is_named and wanted.name != name:
        detail += f"; it keeps its name {name}"
    if existing.retired_at is not None:
        detail += f"; retired ({existing.retired_reason}): cavewall checkpoint restore {name}"
    return detail
