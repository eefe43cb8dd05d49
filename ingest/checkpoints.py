"""Register checkpoints: each is one row, whatever it is called and however often it is registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ingest.naming import give_name, require_free_step
from ingest.references import (
    PathReference,
    Reference,
    check_name,
    default_name,
    parse_reference,
)
from ingest.resolving import Resolved, resolve
from ingest.retirement import restore_checkpoints, retire_checkpoints
from ingest.rows import get_or_add
from registry.clock import now
from registry.errors import ConflictError, InputError, UsageError
from registry.handle import Registry
from registry.keys import content_key
from registry.lookup import current_name, find_checkpoint
from registry.tables import Checkpoint, Family, Series

__all__ = ["Added", "Outcome", "add_checkpoint", "restore_checkpoints", "retire_checkpoints"]

Outcome = Literal["added", "unchanged", "changed"]


@dataclass(frozen=True)
class Added:
    """What registering a checkpoint did.

    `changed`: a name moved to a new checkpoint, or a row learnt where its file lies or what it is like.
    """

    checkpoint_id: int
    name: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True)
class _Wanted:
    """What the user says about a checkpoint, beside the reference."""

    name: str
    is_named: bool
    series: str | None
    family: str | None
    fields: Mapping[str, Any]


def add_checkpoint(
    registry: Registry,
    reference: str,
    *,
    name: str | None = None,
    like: str | None = None,
    series: str | None = None,
    step: int | None = None,
    family: str | None = None,
    seed: int | None = None,
    modality: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    objective: str | None = None,
    training_data: str | None = None,
    licence: str | None = None,
    tokens_seen: int | None = None,
    parent: str | None = None,
    sha256: str | None = None,
) -> Added:
    """Register a checkpoint and return which row it is; the same again changes nothing.

    Args:
        registry: where.
        reference: `timm:`, `hf:`, `path:` or `baseline:`.
        name: what to call it; derived from the reference where it is None.
        like: the architecture of a weight file, or whose twin a baseline is; a reference or a name.
        series: the training run that it is a point of; needs `step`.
        step: the training step.
        family: the recipe that it shares with others.
        seed: of the training run, or of an untrained twin.
        modality: `vision` or `language`, where nothing else says what the checkpoint reads.
        attributes: anything else, for example `{"lr": 3e-4}`.
        objective: what it was trained for.
        training_data: what it was trained on.
        licence: of the weights.
        tokens_seen: how many tokens it was trained on.
        parent: the name or reference of the checkpoint that it was trained from.
        sha256: the digest that the file must have.

    Raises:
        UsageError: the reference or an option means nothing.
        InputError: the model or file is missing, is broken, or does not fit.
        ConflictError: the name, the step or the bytes are registered as something else.
        NotFoundError: the parent is not registered.
    """
    parsed = parse_reference(reference)
    _check_options(series, step, modality, name)
    architecture, like_name = (None, None) if like is None else _like(registry, like)
    resolved = resolve(parsed, like=architecture, seed=seed, modality=modality)
    _require_digest(parsed, resolved, sha256)
    wanted = _Wanted(
        name=name
        or default_name(parsed, prefix=series or family, step=step, like_name=like_name, seed=resolved.seed),
        is_named=name is not None,
        series=series,
        family=family,
        fields={
            "step": step,
            "seed": resolved.seed if resolved.seed is not None else seed,
            "attributes": dict(attributes or {}),
            "objective": objective,
            "training_data": training_data or resolved.training_data,
            "licence": licence or resolved.licence,
            "tokens_seen": tokens_seen,
        },
    )
    try:
        with registry.write() as session:
            return _register(session, parsed, resolved, wanted, parent)
    except IntegrityError:  # somebody registered the same between our look and our insert: now it is there
        with registry.write() as session:
            return _register(session, parsed, resolved, wanted, parent)


def _check_options(series: str | None, step: int | None, modality: str | None, name: str | None) -> None:
    for word, what in ((name, "name"), (series, "name of a series")):
        if word is not None:
            check_name(word, what=what)
    if series is not None and step is None:
        raise UsageError(f"a point of the series {series} needs its step", hint="add --step N")
    if step is not None and not 0 <= step < 2**63:
        raise UsageError(f"the step {step} is out of range", hint="use a number from 0 on")
    if modality not in (None, "vision", "language"):
        raise UsageError(f"there is no modality '{modality}'", hint="the modalities are vision and language")


def _like(registry: Registry, like: str) -> tuple[Reference, str]:
    """Return the reference that a `--like` means, or that of the checkpoint it names, and what to call it."""
    if like.partition(":")[0] in ("timm", "hf", "path", "baseline"):
        reference = parse_reference(like)
        return reference, default_name(reference)
    with registry.read() as session:
        checkpoint = find_checkpoint(session, like)
    if checkpoint.like is not None:
        return parse_reference(checkpoint.like), like
    if checkpoint.source == "path" and checkpoint.location is not None:
        return PathReference(f"path:{checkpoint.location}", checkpoint.location), like
    return parse_reference(checkpoint.reference), like


def _require_digest(parsed: Reference, resolved: Resolved, sha256: str | None) -> None:
    if sha256 is not None and resolved.revision != sha256.lower():
        raise InputError(
            f"{parsed.text}: expected sha256 {sha256.lower()}, found {resolved.revision}",
            hint="the file is not the one that was pinned: fetch it again from where it should come",
        )


def _key(parsed: Reference, resolved: Resolved, step: int | None) -> str:
    identity: dict[str, Any] = {"source": resolved.source, "resolved": resolved.resolved, "step": step}
    if resolved.resolved is None:
        identity["reference"] = parsed.text
    return content_key("checkpoint", identity)


def _register(
    session: Session, parsed: Reference, resolved: Resolved, wanted: _Wanted, parent: str | None
) -> Added:
    key = _key(parsed, resolved, wanted.fields["step"])
    existing = session.scalar(select(Checkpoint).where(Checkpoint.content_key == key))
    if existing is not None:
        return _found_again(session, existing, parsed, resolved, wanted)
    family_id = _family_id(session, wanted.family)
    series_id = _series_id(session, wanted.series, family_id)
    require_free_step(session, series_id, wanted.series, wanted.fields["step"], parsed.text)
    checkpoint = Checkpoint(
        content_key=key,
        source=resolved.source,
        reference=parsed.text,
        resolved=resolved.resolved,
        revision=resolved.revision,
        location=resolved.location,
        like=resolved.like,
        modality=resolved.modality,
        architecture=resolved.architecture,
        parameter_count=resolved.parameter_count,
        parent_id=None if parent is None else find_checkpoint(session, parent).id,
        family_id=family_id,
        series_id=series_id,
        registered_at=now(),
        **wanted.fields,
    )
    session.add(checkpoint)
    session.flush()
    moved = give_name(session, checkpoint, wanted.name)
    detail = "; ".join(filter(None, (moved, resolved.note)))
    return Added(checkpoint.id, wanted.name, "changed" if moved else "added", detail)


def _found_again(
    session: Session, existing: Checkpoint, parsed: Reference, resolved: Resolved, wanted: _Wanted
) -> Added:
    name = current_name(session, existing.id)
    if existing.like is not None and resolved.like is not None and existing.like != resolved.like:
        raise ConflictError(
            f"the same weights are registered as {name} --like {existing.like}, not {resolved.like}",
            hint=f"use {name}; weights have one architecture",
        )
    series = session.get(Series, existing.series_id) if existing.series_id is not None else None
    if wanted.series is not None and (series is None or series.name != wanted.series):
        raise ConflictError(
            f"the same weights are registered as {name}, which is not in the series {wanted.series}",
            hint=f"use {name}: identical weights are one checkpoint",
        )
    details = []
    if existing.like is None and resolved.like is not None and existing.source == "path":
        existing.like, existing.architecture = resolved.like, resolved.architecture
        existing.modality, existing.parameter_count = resolved.modality, resolved.parameter_count
        details.append(resolved.note)
    if existing.location and not Path(existing.location).exists():
        existing.location = resolved.location
        details.append(f"now read from {resolved.location}")
    if details:
        return Added(existing.id, name, "changed", "; ".join(details))
    return Added(existing.id, name, "unchanged", _why_unchanged(existing, parsed, name, wanted))


def _why_unchanged(existing: Checkpoint, parsed: Reference, name: str, wanted: _Wanted) -> str:
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


def _family_id(session: Session, family: str | None) -> int | None:
    if family is None:
        return None
    check_name(family, what="name of a family")
    return get_or_add(session, Family, Family.name == family, lambda: Family(name=family)).id


def _series_id(session: Session, series: str | None, family_id: int | None) -> int | None:
    if series is None:
        return None
    row = get_or_add(session, Series, Series.name == series, lambda: Series(name=series, family_id=family_id))
    return row.id
