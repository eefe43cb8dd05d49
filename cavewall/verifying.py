"""What `verify` and `store gc` do: rows, files, snapshots and watermarks looked at together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from registry.findings import Finding, guarded

if TYPE_CHECKING:
    from registry.handle import Registry
    from registry.store_contents import Orphan

VERIFY, COLLECT = "verify", "store gc"


@dataclass(frozen=True)
class Collected:
    """What `store gc` found, and whether it was removed."""

    orphans: list[Orphan]
    byte_count: int
    is_removed: bool


def verify(registry: Registry, *, repair: bool, wait: float) -> list[Finding]:
    """Return what is wrong with a zoo, every file read whole.

    Args:
        registry: where.
        repair: whether rows are put right where that loses nothing: an embedding without its file loses its
            slots, one whose file is back is ready, a watermark that promises too much is set back.
        wait: seconds to wait for a run that holds the lock; only a repair takes it.

    Raises:
        LockBusy: a run holds the lock, and rows were to be put right.
    """
    if not repair:
        return _examine(registry, repair=False)
    from compute.verifying import set_back
    from registry.lock import writer_lock

    with writer_lock(registry, VERIFY, wait=wait) as writer:
        findings = _examine(registry, repair=True)
        rows = set_back(writer)
        writer.counts.update(failed=sum(one.level == "fail" for one in findings), watermarks=rows)
    if rows:
        findings.append(
            Finding("warn", "watermarks", f"{rows} set back; compute what is missing: cavewall align run")
        )
    return findings


def _examine(registry: Registry, *, repair: bool) -> list[Finding]:
    from analysis.snapshot_health import examine_snapshots
    from compute.verifying import examine_watermarks
    from ingest.embedding_health import examine_embeddings
    from registry.database_health import SUBJECT, examine_database
    from registry.store_health import examine_files

    store = registry.store
    findings = guarded(SUBJECT, lambda: examine_database(registry.engine))
    findings += guarded("embeddings", lambda: examine_embeddings(registry, repair=repair))
    with registry.read() as session:
        findings += guarded("files", lambda: examine_files(session, store, deep=True))
        findings += guarded("watermarks", lambda: examine_watermarks(session))
    findings += guarded("snapshots", lambda: examine_snapshots(store))
    findings += guarded("store", lambda: [_orphans_found(registry)])
    return findings


def _orphans_found(registry: Registry) -> Finding:
    found = find_orphans(registry, timedelta(0))
    if not found:
        return Finding("ok", "store", "every file in it is named by a row or a snapshot")
    size = sum(orphan.byte_count for orphan in found)
    return Finding(
        "info",
        "store",
        f"{len(found):,} files ({size / 1e6:,.1f} MB) are named by nothing; see: cavewall store gc --dry-run",
    )


def find_orphans(registry: Registry, older_than: timedelta) -> list[Orphan]:
    """Return the files of the store that neither a row nor a snapshot names.

    Raises:
        StoreError: a manifest cannot be read, so that nobody knows what it names.
    """
    from analysis.snapshot_health import named_in_snapshots
    from registry.store_contents import named_in_rows, orphans

    with registry.read() as session:
        named = named_in_rows(session)
    return orphans(registry.store, named | named_in_snapshots(registry.store), older_than=older_than)


def collect(registry: Registry, *, older_than: timedelta, is_dry: bool, wait: float) -> Collected:
    """Remove the files that nothing names, under the lock, or say which those are.

    Raises:
        LockBusy: a run holds the lock.
        StoreError: a manifest cannot be read, so that nobody knows what it names.
    """
    if is_dry:
        found = find_orphans(registry, older_than)
        return Collected(found, sum(orphan.byte_count for orphan in found), is_removed=False)
    from registry.lock import writer_lock
    from registry.store_contents import remove_orphans

    with writer_lock(registry, COLLECT, wait=wait) as writer:
        found = find_orphans(registry, older_than)
        freed = remove_orphans(registry.store, found)
        writer.counts.update(files=len(found), bytes=freed)
    return Collected(found, freed, is_removed=True)
