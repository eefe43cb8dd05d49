"""What `purge` does: rows, pairs, files and published snapshots go together, under the lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from analysis.manifests import numbers, remove
from analysis.snapshot import build_snapshot
from analysis.snapshot_health import named_in_snapshots
from cavewall.rehearsal import rehearsal
from compute.purging import remove_pairs
from ingest.purging import Removed, embeddings_of, remove_checkpoints, remove_dataset, remove_embeddings
from registry.errors import UsageError
from registry.handle import Registry
from registry.lock import writer_lock
from registry.store_contents import named_in_rows, orphans, remove_orphans
from registry.tables import Dataset, Snapshot

PURGE = "purge"


@dataclass(frozen=True)
class Purged:
    """What must go, or has gone.

    Attributes:
        rows: deleted rows by table.
        pairs: alignments among them.
        files: files that nothing names any more.
        snapshots: published snapshots that held any of it: all that were kept.
        is_done: whether it has gone.
    """

    rows: dict[str, int]
    pairs: int
    files: int
    snapshots: int
    is_done: bool


def purge(
    registry: Registry,
    *,
    checkpoint_ids: Sequence[int],
    dataset_id: int | None,
    reason: str,
    is_dry: bool,
    wait: float = 0.0,
) -> Purged:
    """Delete checkpoints, or a data set, with everything derived from them; nothing of it can be restored.

    Files that others name too stay. Every snapshot is removed, since each holds the rows that must go; one of
    what is left is made. The run's row keeps counts and the reason, no content.

    Raises:
        UsageError: there is no reason.
        ConflictError: another data set is a variant of this one.
        LockBusy: a run holds the lock.
    """
    if not reason.strip():
        raise UsageError("purging needs a reason", hint="add --reason TEXT")
    snapshots = numbers(registry.store)
    if is_dry:
        with rehearsal(registry, is_dry=True) as stage, stage.write() as session:
            removed, pairs = _remove(session, stage, checkpoint_ids, dataset_id)
        return Purged(removed.rows, pairs, len(removed.files), len(snapshots), is_done=False)
    with writer_lock(registry, PURGE, wait=wait) as writer:
        with writer.begin() as session:
            removed, pairs = _remove(session, registry, checkpoint_ids, dataset_id)
            session.execute(delete(Snapshot))
        published = named_in_snapshots(registry.store)
        for number in snapshots:
            remove(registry.store, number)
        files = _remove_files(registry, removed.files | published)
        writer.counts.update(reason=reason, pairs=pairs, files=files, rows=sum(removed.rows.values()))
    if snapshots:
        build_snapshot(registry, wait=wait)
    return Purged(removed.rows, pairs, files, len(snapshots), is_done=True)


def _remove(
    session: Session, registry: Registry, checkpoint_ids: Sequence[int], dataset_id: int | None
) -> tuple[Removed, int]:
    removed = Removed()
    embeddings = embeddings_of(session, checkpoint_ids=checkpoint_ids, dataset_id=dataset_id)
    pairs = remove_pairs(session, registry.store, [row.id for row in embeddings])
    removed.files |= set(pairs.old_grids)
    remove_embeddings(session, embeddings, removed)
    if checkpoint_ids:
        remove_checkpoints(session, checkpoint_ids, removed)
    if dataset_id is not None:
        remove_dataset(session, session.get_one(Dataset, dataset_id), removed)
    return removed, pairs.pairs


def _remove_files(registry: Registry, candidates: set[str]) -> int:
    """Delete those of some files that no row names any more, and return how many there were."""
    with registry.read() as session:
        named = named_in_rows(session)
    found = [one for one in orphans(registry.store, named, older_than=timedelta(0)) if one.uri in candidates]
    remove_orphans(registry.store, found)
    return len(found)
