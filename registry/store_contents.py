"""What lies in the store: bytes by kind, and files that nothing names."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from registry.clock import now
from registry.store import Store
from registry.tables import Dataset, Embedding, Exclusion, LayerForm, Neighbours, Part

YOUNG = timedelta(days=1)  # a file is written before its row: what is young may be about to get one


@dataclass(frozen=True)
class Kept:
    """The files of one kind in the store; parts of snapshots count as one kind per table."""

    kind: str
    files: int
    byte_count: int


@dataclass(frozen=True)
class Orphan:
    """A file that no row and no snapshot names."""

    uri: str
    byte_count: int
    written_at: datetime


def contents(store: Store) -> list[Kept]:
    """Return how many files of each kind the store holds, and how large they are, by kind."""
    found: dict[str, tuple[int, int]] = {}
    for uri, size, _ in _files(store):
        kind = uri.split("/")[0]
        files, bytes_ = found.get(kind, (0, 0))
        found[kind] = (files + 1, bytes_ + size)
    return [Kept(kind, files, size) for kind, (files, size) in sorted(found.items())]


def named_in_rows(session: Session) -> set[str]:
    """Return the address of every file in the store that a row names, whatever the row's state."""
    statements = (
        select(Dataset.uri),
        select(Exclusion.uri),
        select(Embedding.uri).where(Embedding.location.is_(None)),
        select(Neighbours.uri),
        select(LayerForm.uri),
        select(Part.uri),
    )
    return set(session.scalars(union(*statements)))


def orphans(store: Store, named: Set[str], *, older_than: timedelta = YOUNG) -> list[Orphan]:
    """Return the files that nothing names and that are not young, in order of their address.

    Args:
        store: where.
        named: addresses that rows and snapshots name.
        older_than: how long ago a file must have been written.
    """
    before = now() - older_than
    return sorted(
        (
            Orphan(uri, size, written_at)
            for uri, size, written_at in _files(store)
            if uri not in named and written_at <= before
        ),
        key=lambda orphan: orphan.uri,
    )


def remove_orphans(store: Store, found: list[Orphan]) -> int:
    """Delete files and return how many bytes that freed."""
    freed = 0
    for orphan in found:
        path = store.path(orphan.uri)
        path.unlink(missing_ok=True)
        freed += orphan.byte_count
    return freed


def _files(store: Store) -> Iterator[tuple[str, int, datetime]]:
    """Yield the address, the size and the moment of every file; what vanishes meanwhile is passed over."""
    if not store.root.is_dir():
        return
    for path in store.root.rglob("*"):
        try:
            if not path.is_file() or path.is_symlink():
                continue
            stat = path.stat()
        except FileNotFoundError:
            continue
        yield (
            path.relative_to(store.root).as_posix(),
            stat.st_size,
            datetime.fromtimestamp(stat.st_mtime, UTC),
        )
