"""Register checkpoints: each is one row, whatever it is called and however often it is registered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ingest.meeting_again import Added, Outcome, Wanted, found_again
from ingest.naming import give_name, name_at, place_of, require_free_step
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
from ingest.source_metadata import source_metadata
from ingest.tagging import add_tags
from ingest.trust import Trust, noted_pickles, trust_in
from registry.clock import now
from registry.errors import InputError, UsageError
from registry.handle import Registry
from registry.keys import content_key
from registry.lookup import current_name, find_checkpoint
from registry.runs import recorded_run
from registry.tables import Checkpoint, Family, Series

FLOATING = "floating: its revision is not in the local cache, and the hub cannot be asked"

__all__ = ["Added", "Outcome", "add_checkpoint", "restore_checkpoints", "retire_checkpoints"]


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
    tags: Collection[str] = (),
    entry_point: str | None = None,
    trust_pickle: bool = False,
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
        tags: words to find it by; a checkpoint that is registered gets them too.
        entry_point: your own `module:function` that builds the network of a weight file; it runs here.
        trust_pickle: whether a file that is no plain state dict may run code; the run records its digest.

    Raises:
        UsageError: the reference or an option means nothing.
        InputError: the model or file is missing, is broken, or does not fit.
        ConflictError: the name, the step or the bytes are registered as something else.
        NotFoundError: the parent is not registered.
    """
    parsed = parse_reference(reference)
    _check_options(series, step, modality, name)
    architecture, like_name = (None, None) if like is None else _like(registry, like)
    trust = trust_in(registry.settings, every_pickle=trust_pickle, entry_points=filter(None, [entry_point]))
    with _recorded(registry, trust):
        resolved = resolve(
            parsed, like=architecture, seed=seed, modality=modality, entry_point=entry_point, trust=trust
        )
    _require_digest(parsed, resolved, sha256)
    said = source_metadata(parsed, resolved.revision, resolved.location)
    wanted = Wanted(
        name=name
        or default_name(parsed, prefix=series or family, step=step, like_name=like_name, seed=resolved.seed),
        is_named=name is not None,
        series=series,
        family=family,
        tags=tags,
        fields={
            "step": step,
            "seed": resolved.seed if resolved.seed is not None else seed,
            "attributes": {**said.attributes, **resolved.attributes, **(attributes or {})},
            "objective": objective or said.objective,
            "training_data": training_data or resolved.training_data or said.training_data,
            "licence": licence or resolved.licence or said.licence,
            "tokens_seen": tokens_seen,
        },
    )
    try:
        with registry.write() as session:
            return _register(session, parsed, resolved, wanted, parent)
    except IntegrityError:  # somebody registered the same between our look and our insert: now it is there
        with registry.write() as session:
            return _register(session, parsed, resolved, wanted, parent)


@contextmanager
def _recorded(registry: Registry, trust: Trust) -> Iterator[None]:
    """Record a run with the digests of the pickles that were run meanwhile, if there were any."""
    try:
        yield
    finally:
        if trust.used:
            with recorded_run(registry, "checkpoint add") as run, noted_pickles(run, trust):
                pass


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
    session: Session, parsed: Reference, resolved: Resolved, wanted: Wanted, parent: str | None
) -> Added:
    key = _key(parsed, resolved, wanted.fields["step"])
    existing = session.scalar(select(Checkpoint).where(Checkpoint.content_key == key))
    if existing is not None:
        return found_again(session, existing, parsed, resolved, wanted)
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
        entry_point=resolved.entry_point,
        modality=resolved.modality,
        architecture=resolved.architecture,
        parameter_count=resolved.parameter_count,
        parent_id=None if parent is None else find_checkpoint(session, parent).id,
        family_id=family_id,
        series_id=series_id,
        registered_at=now(),
        **wanted.fields,
    )
    name = _name_for(session, checkpoint, wanted)
    equals = _same_bytes(session, checkpoint)
    session.add(checkpoint)
    session.flush()
    moved = give_name(session, checkpoint, name)
    add_tags(session, checkpoint.id, wanted.tags)
    same = f"same bytes as {equals}" if equals else ""
    detail = "; ".join(filter(None, (moved, same, resolved.note, _summary(checkpoint))))
    return Added(checkpoint.id, name, "changed" if moved else "added", detail, equals)


def _name_for(session: Session, new: Checkpoint, wanted: Wanted) -> str:
    """Return what a new row is called: what the user says, else what the place it came from is called."""
    if wanted.is_named:
        return wanted.name
    place = place_of(new.source, new.reference, new.location)
    return name_at(session, place, new.step, new.series_id) or wanted.name


def _summary(checkpoint: Checkpoint) -> str:
    """Return what a new row says about its training, and that a floating one cannot be embedded."""
    parts = {
        "objective": checkpoint.objective,
        "data": checkpoint.training_data,
        "licence": checkpoint.licence,
    }
    said = ", ".join(f"{word} {value}" for word, value in parts.items() if value)
    is_floating = checkpoint.resolved is None
    return "; ".join(filter(None, (FLOATING if is_floating else "", said)))


def _same_bytes(session: Session, new: Checkpoint) -> str | None:
    """Return what a live file of the same bytes is called: at another step it is another checkpoint."""
    if new.source != "path":
        return None
    statement = select(Checkpoint.id).where(
        Checkpoint.source == "path", Checkpoint.resolved == new.resolved, Checkpoint.retired_at.is_(None)
    )
    twin = session.scalar(statement.order_by(Checkpoint.id).limit(1))
    return None if twin is None else current_name(session, twin)


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
