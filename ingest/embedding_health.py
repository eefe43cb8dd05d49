"""Embeddings whose file is gone or changed lose their slots; those whose file is back are ready again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.errors import MissingExtra, NotFoundError, RegistryError, StoreError, UsageError
from registry.findings import Finding, with_first
from registry.handle import Registry
from registry.lookup import current_name
from registry.remote_places import FileMissing, FileUnreachable
from registry.slots import mark_dead
from registry.store import Store
from registry.tables import Embedding

State = Literal["ready", "missing", "corrupt"]


@dataclass(frozen=True)
class Changed:
    """An embedding whose file is not in the state that its row says."""

    embedding_id: int
    checkpoint: str
    was: str
    found: State


def examine_embeddings(registry: Registry, *, repair: bool) -> Iterator[Finding]:
    """Yield what the files of the embeddings are like, each read whole and compared with its digest.

    Args:
        registry: where.
        repair: whether rows are put into the state of their files: a file that is gone or changed takes its
            slots with it (and its own pairs only), one that is back makes its embedding ready.
    """
    with registry.read() as session:
        rows = list(session.scalars(select(Embedding).where(Embedding.status != "superseded")))
        names = {row.id: current_name(session, row.checkpoint_id) for row in rows}
    changed, unknown = [], []
    for row in rows:
        found = _state(registry.store, row)
        if isinstance(found, RegistryError):
            unknown.append(f"{names[row.id]} ({found.message})")
        elif found != row.status:
            changed.append(Changed(row.id, names[row.id], row.status, found))
    if repair:
        _repair(registry, changed)
    lost = [f"{one.checkpoint} ({one.found})" for one in changed if one.found != "ready"]
    back = [one.checkpoint for one in changed if one.found == "ready"]
    known = sum(row.status != "ready" for row in rows) - len(back)
    if lost:
        done = "they lost their slots" if repair else "put the rows right: cavewall verify --repair"
        yield Finding("fail", "embeddings", f"{with_first('files are missing or damaged', lost)}; {done}")
    if back:
        done = "they are ready" if repair else "make them ready: cavewall verify --repair"
        yield Finding("warn", "embeddings", f"{with_first('files are back', back)}; {done}")
    if unknown:  # a place that does not answer says nothing about its files: their rows stay
        yield Finding("fail", "embeddings", with_first("files cannot be compared", unknown))
    if not changed and not unknown:
        still = f", {known} known to be missing or damaged" if known else ""
        yield Finding("ok", "embeddings", f"{len(rows)}, digests equal{still}")


def retire_embeddings(registry: Registry, checkpoint_ids: Collection[int], dataset_id: int | None) -> int:
    """Set the ready embeddings of some checkpoints aside and return how many; their slots die with that.

    Nothing is deleted: extracting or importing the same bytes again makes them ready.

    Raises:
        UsageError: none of them has a ready embedding.
    """
    with registry.write() as session:
        statement = (
            select(Embedding)
            .where(Embedding.checkpoint_id.in_(list(checkpoint_ids)), Embedding.status == "ready")
            .with_for_update()
        )
        if dataset_id is not None:
            statement = statement.where(Embedding.dataset_id == dataset_id)
        rows = list(session.scalars(statement))
        if not rows:
            raise UsageError(
                "none of these checkpoints has a ready embedding",
                hint="'cavewall embed list' shows which have",
            )
        for row in rows:
            row.status = "superseded"
        mark_dead(session, [row.id for row in rows], "embedding retired")
    return len(rows)


def _state(store: Store, row: Embedding) -> State | RegistryError:
    """Return what a row's file is like, or why that cannot be found out."""
    try:
        store.compare(row.uri, row.sha256, location=row.location)
    except FileMissing:
        return "missing"
    except (FileUnreachable, MissingExtra) as error:
        return error
    except StoreError:
        return "corrupt"
    return "ready"


def _repair(registry: Registry, changed: list[Changed]) -> None:
    for one in changed:
        with registry.write() as session:
            row = session.get(Embedding, one.embedding_id)
            if row is None:
                raise NotFoundError(
                    f"embedding {one.embedding_id} is gone", hint="run the same command again"
                )
            if one.found != "ready":
                row.status = one.found
                mark_dead(session, [row.id], one.found)
            elif _is_alone(session, row):
                row.status = "ready"


def _is_alone(session: Session, row: Embedding) -> bool:
    """Return whether no other embedding has taken its place."""
    other = session.scalar(
        select(Embedding.id).where(
            Embedding.checkpoint_id == row.checkpoint_id,
            Embedding.dataset_id == row.dataset_id,
            Embedding.extraction_id == row.extraction_id,
            Embedding.status == "ready",
        )
    )
    return other is None
