"""The snapshot: one state of the registry as Parquet files, a numbered manifest, and views for any DuckDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from analysis.blocks import write_alignment
from analysis.exports import ALIGNMENT, LAYER_GRID, SNAPSHOT_RUN, layer_grids, small_tables, write_table
from analysis.manifests import (
    FileEntry,
    Manifest,
    manifest_uri,
    newest_manifest,
    numbers,
    publish,
    read_manifest,
    remove,
)
from analysis.retention import expired
from analysis.state import state_token
from analysis.views import views_sql
from registry.clock import now
from registry.database import translated_errors
from registry.errors import ConflictError, NotFoundError, StoreError, UsageError
from registry.handle import Registry
from registry.keys import sha256_of_bytes
from registry.lock import Writer, writer_lock
from registry.runs import code_version
from registry.store import Store
from registry.tables import Snapshot


@dataclass(frozen=True)
class Built:
    """What building a snapshot did.

    Attributes:
        number: the current snapshot: the new one, or the last one where nothing has changed since.
        is_new: whether there is a new one.
        files: how many files it names.
        rows: rows by table; `layer_grid` counts layer pairs.
        written: files that the snapshot before did not have.
        reused: files that it had.
        removed: numbers of the older snapshots that were let go.
    """

    number: int
    is_new: bool
    files: int
    rows: Mapping[str, int]
    written: int
    reused: int
    removed: tuple[int, ...]


def build_snapshot(registry: Registry, *, wait: float = 0.0) -> Built:
    """Make a snapshot of the registry, unless nothing that one shows has changed since the last.

    All tables come from one read transaction. The manifest is created after everything it names is in the
    store, so the newest manifest is the current snapshot, and a reader of one never sees half of another.

    Args:
        registry: what is written, and whose store takes the files.
        wait: how many seconds to wait for another run that holds the lock.

    Raises:
        LockBusy: another run holds it.
        StoreError: the store could not take a file.
    """
    with writer_lock(registry, kind=SNAPSHOT_RUN, wait=wait) as writer:
        store = registry.store
        previous = newest_manifest(store)
        candidate, views = _write_files(registry, previous)
        is_new = previous is None or not candidate.holds_the_same(previous)
        if is_new:
            _publish(writer, candidate, views)
        removed = _let_go(writer)
        built = _summary(candidate if is_new or previous is None else previous, previous, is_new, removed)
        writer.counts.update(snapshot=built.number, written=built.written, reused=built.reused)
        return built


def list_snapshots(registry: Registry) -> list[Snapshot]:
    """Return the snapshots that are kept, the newest first."""
    with registry.read() as session:
        return list(session.scalars(select(Snapshot).order_by(Snapshot.number.desc())))


def keep_snapshot(registry: Registry, number: int, name: str) -> None:
    """Give a snapshot a name, under which it is kept for good.

    Raises:
        UsageError: the name would read as a number.
        NotFoundError: there is no snapshot of that number.
        ConflictError: another snapshot has the name, or this one has another.
    """
    if not name.strip() or name.strip().isdigit():
        raise UsageError(f"'{name}' cannot name a snapshot", hint="choose a name that is not a number")
    with registry.write() as session:
        holder = session.scalar(select(Snapshot).where(Snapshot.name == name))
        if holder is not None and holder.number != number:
            raise ConflictError(
                f"snapshot {holder.number} is already kept as '{name}'", hint="choose another name"
            )
        snapshot = session.get(Snapshot, number)
        if snapshot is None:
            raise NotFoundError(f"no snapshot {number}", hint="'cavewall snapshot list' shows which are kept")
        if snapshot.name not in (None, name):
            raise ConflictError(
                f"snapshot {number} is already kept as '{snapshot.name}'",
                hint="a kept snapshot keeps its name",
            )
        snapshot.name = name


def find_snapshot(registry: Registry, wanted: str | int | None = None) -> Manifest:
    """Return the manifest of a snapshot: the newest, or that of a number or of a name that it is kept as.

    Raises:
        NotFoundError: there is none.
    """
    store = registry.store
    if wanted is None:
        newest = newest_manifest(store)
        if newest is None:
            raise NotFoundError("this registry has no snapshot yet", hint="make one: cavewall snapshot build")
        return newest
    if isinstance(wanted, int) or wanted.isdigit():
        return read_manifest(store, int(wanted))
    with registry.read() as session:
        number = session.scalar(select(Snapshot.number).where(Snapshot.name == wanted))
    if number is None:
        raise NotFoundError(
            f"no snapshot is kept as '{wanted}'", hint="'cavewall snapshot list' shows which are"
        )
    return read_manifest(store, number)


def is_stale(registry: Registry, manifest: Manifest) -> bool:
    """Return whether the registry has moved on since a snapshot was made, runs that changed nothing aside."""
    with registry.read() as session:
        return state_token(session) != manifest.state


def _write_files(registry: Registry, previous: Manifest | None) -> tuple[Manifest, str]:
    """Return the manifest of the registry as it is now, with its views; all that it names is written."""
    store = registry.store
    with translated_errors("reading the registry"), registry.read() as session:
        tables: dict[str, tuple[FileEntry, ...]] = {}
        tables |= {table.name: (write_table(session, store, table),) for table in small_tables()}
        tables[ALIGNMENT] = write_alignment(session, store, previous)
        tables[LAYER_GRID] = layer_grids(session, store)
        state = state_token(session)
    views = views_sql({name: [file.uri for file in files] for name, files in tables.items()})
    manifest = Manifest(
        number=_next_number(registry),
        created_at=now(),
        code_version=code_version(),
        state=state,
        views_sha256=sha256_of_bytes(views.encode()),
        tables=tables,
    )
    return manifest, views


def _next_number(registry: Registry) -> int:
    with registry.read() as session:
        recorded = session.scalars(select(Snapshot.number)).all()
    return max([0, *numbers(registry.store), *recorded]) + 1


def _publish(writer: Writer, manifest: Manifest, views: str) -> None:
    """Create the manifest and record it; the lock is checked before, in the same transaction."""
    with writer.begin() as session:
        digest = publish(writer.registry.store, manifest, views)
        session.add(_row(manifest, digest, writer.run_id))


def _row(manifest: Manifest, sha256: str, run_id: int) -> Snapshot:
    return Snapshot(
        number=manifest.number,
        uri=manifest.uri,
        sha256=sha256,
        name=None,
        run_id=run_id,
        created_at=manifest.created_at,
    )


def _let_go(writer: Writer) -> tuple[int, ...]:
    """Forget the snapshots that nothing keeps, and remove their manifests."""
    store = writer.registry.store
    with writer.begin() as session:
        _adopt(session, store, writer.run_id)
        gone = expired(session.scalars(select(Snapshot)).all(), now())
        session.execute(delete(Snapshot).where(Snapshot.number.in_(gone)))
    for number in gone:
        remove(store, number)
    return tuple(gone)


def _adopt(session: Session, store: Store, run_id: int) -> None:
    """Give a row to every manifest that has none.

    Its run was killed between the file and the row, or before it could remove what had expired (and expires
    again now).
    """
    recorded = set(session.scalars(select(Snapshot.number)))
    for number in set(numbers(store)) - recorded:
        try:
            manifest = read_manifest(store, number)
        except StoreError:
            continue
        session.add(_row(manifest, sha256_of_bytes(store.path(manifest_uri(number)).read_bytes()), run_id))
    session.flush()


def _summary(manifest: Manifest, previous: Manifest | None, is_new: bool, removed: tuple[int, ...]) -> Built:
    had = set(_uris(previous)) if previous is not None else set()
    uris = _uris(manifest)
    reused = sum(uri in had for uri in uris)
    return Built(
        number=manifest.number,
        is_new=is_new,
        files=len(uris),
        rows={name: sum(file.rows for file in files) for name, files in manifest.tables.items()},
        written=len(uris) - reused,
        reused=reused,
        removed=removed,
    )


def _uris(manifest: Manifest) -> list[str]:
    files: list[FileEntry] = [file for entries in manifest.tables.values() for file in entries]
    return [file.uri for file in files]
