"""Whether the file store works, and holds what the rows say."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Select, null, select
from sqlalchemy.orm import Session

from registry.errors import StoreError
from registry.findings import Finding, with_first
from registry.lookup import current_name
from registry.store import Store
from registry.tables import Dataset, Embedding, Exclusion, LayerForm, Neighbours, Part

LOW_SPACE_BYTES = 1_000_000_000
PROBE_BYTES = 65_536


@dataclass(frozen=True)
class FileKind:
    """A table whose rows each name a file: what the files are, and which rows count."""

    what: str
    rows: Select[str, str, Any]


# (uri, sha256, checkpoint or None) of each row.
KINDS = (
    FileKind("data set", select(Dataset.uri, Dataset.sha256, null())),
    FileKind("exclusion", select(Exclusion.uri, Exclusion.sha256, null())),
    FileKind(
        "embedding",
        select(Embedding.uri, Embedding.sha256, Embedding.checkpoint_id).where(
            Embedding.status == "ready", Embedding.location.is_(None)
        ),
    ),
    FileKind(
        "neighbour list",
        select(Neighbours.uri, Neighbours.sha256, Embedding.checkpoint_id)
        .join(Embedding, Embedding.id == Neighbours.embedding_id)
        .where(Embedding.status == "ready"),
    ),
    FileKind(
        "layer form",
        select(LayerForm.uri, LayerForm.sha256, Embedding.checkpoint_id)
        .join(Embedding, Embedding.id == LayerForm.embedding_id)
        .where(Embedding.status == "ready"),
    ),
    FileKind("layer grid", select(Part.uri, Part.sha256, null())),
)


def examine_store(store: Store) -> Iterator[Finding]:
    """Yield whether the store takes a file and gives it back, and how much room it has; nothing stays."""
    root = store.root
    if not root.is_dir():
        word = "a file" if root.exists() else "missing"
        hint = "make the folder, or correct 'store' in the configuration"
        yield Finding("fail", "store", f"{root} is {word}, expected a folder; {hint}")
        return
    try:
        with tempfile.TemporaryDirectory(dir=root, prefix=".probe-") as folder:
            _write_and_read_back(Store(Path(folder)))
        free = shutil.disk_usage(root).free
    except OSError as error:
        yield Finding(
            "fail", "store", f"{root} is not writable: {error.strerror or error}; change its permissions"
        )
        return
    message = f"{root}, writable, {free / 1e9:,.1f} GB free"
    if free < LOW_SPACE_BYTES:
        yield Finding("warn", "store", f"{message}: make room before the next run")
    else:
        yield Finding("ok", "store", message)


def _write_and_read_back(probe: Store) -> None:
    """Write a file as every command does.

    Raises:
        StoreError: it could not be written, or came back changed.
    """
    content = os.urandom(PROBE_BYTES)

    def write(path: Path) -> None:
        path.write_bytes(content)

    stored = probe.write("probe", ".bin", write)
    if probe.checked_path(stored.uri, stored.sha256).read_bytes() != content:
        raise StoreError(
            f"{probe.root} gave back other bytes than it took", hint="check the disk before going on"
        )


def examine_files(session: Session, store: Store, *, deep: bool) -> Iterator[Finding]:
    """Yield whether every file that a row names is there; deep reads them and compares their digests."""
    whole = []
    for kind in KINDS:
        rows = session.execute(kind.rows).all()
        wrong = [row for row in rows if not _is_there(store, row[0], row[1], deep=deep)]
        if wrong:
            yield _lost(session, kind.what, wrong, len(rows), deep=deep)
        elif rows:
            whole.append(_counted(len(rows), kind.what))
    if whole:
        yield Finding("ok", "files", f"{', '.join(whole)}: all there{', digests equal' if deep else ''}")


def _is_there(store: Store, uri: str, sha256: str, *, deep: bool) -> bool:
    try:
        if deep:
            store.checked_path(uri, sha256)
        return store.path(uri).is_file()
    except StoreError:
        return False


def _lost(
    session: Session, what: str, rows: Sequence[Row[str, str, Any]], total: int, *, deep: bool
) -> Finding:
    names = [current_name(session, owner) if owner is not None else uri for uri, _, owner in rows]
    word = "missing or damaged" if deep else "missing"
    count = f"{len(rows):,} of {_counted(total, what)} {word} in the store"
    return Finding("fail", "files", f"{with_first(count, names)}; restore them from a copy of the store")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
