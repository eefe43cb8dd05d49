"""Manifests: a numbered list of immutable files that together are one state of the registry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.errors import ConflictError, NotFoundError, StoreError
from registry.keys import sha256_of_bytes
from registry.store import Store, write_exclusively

FORMAT = 1
FOLDER = "manifests"


@dataclass(frozen=True)
class FileEntry:
    """One Parquet file of a snapshot.

    A block of a target's alignment also says which block it is and what it was made from (`signature`).
    """

    uri: str
    sha256: str
    rows: int
    target_id: int | None = None
    block: int | None = None
    signature: str | None = None


@dataclass(frozen=True)
class Manifest:
    """One snapshot: its files by table, and the state of the registry that they hold."""

    number: int
    created_at: datetime
    code_version: str
    state: str
    views_sha256: str
    tables: Mapping[str, tuple[FileEntry, ...]]

    @property
    def uri(self) -> str:
        """The manifest's own address in the store."""
        return manifest_uri(self.number)

    def holds_the_same(self, other: Manifest) -> bool:
        """Return whether both show the same rows through the same views."""
        return self.views_sha256 == other.views_sha256 and dict(self.tables) == dict(other.tables)


def manifest_uri(number: int) -> str:
    """Return the address of a snapshot's manifest in the store."""
    return f"{FOLDER}/{number:06d}.json"


def views_uri(number: int) -> str:
    """Return the address of a snapshot's `views.sql` in the store."""
    return f"{FOLDER}/{number:06d}.views.sql"


def numbers(store: Store) -> list[int]:
    """Return the numbers of the manifests in the store, the newest first."""
    folder = store.path(FOLDER)
    if not folder.is_dir():
        return []
    stems = (path.stem for path in folder.glob("*.json"))
    return sorted((int(stem) for stem in stems if stem.isdigit()), reverse=True)


def read_manifest(store: Store, number: int) -> Manifest:
    """Return a snapshot's manifest.

    Raises:
        NotFoundError: there is none of that number.
        StoreError: the file is no manifest that this version can read.
    """
    path = store.path(manifest_uri(number))
    try:
        return from_json(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFoundError(
            f"no snapshot {number}", hint="'cavewall snapshot list' shows which are kept"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} is not a manifest: {error}", hint="make another snapshot: cavewall snapshot build"
        ) from error


def newest_manifest(store: Store) -> Manifest | None:
    """Return the newest complete manifest, None where there is no snapshot yet.

    One that cannot be read (a copy that was cut off) is passed over for the one before it.
    """
    for number in numbers(store):
        try:
            return read_manifest(store, number)
        except (StoreError, NotFoundError):
            continue
    return None


def publish(store: Store, manifest: Manifest, views_sql: str) -> str:
    """Create a manifest and its `views.sql`, which must not exist yet, and return the manifest's SHA-256.

    Everything that it names must be in the store already: from now on readers use it.

    Raises:
        ConflictError: somebody else made a snapshot of this number first.
        StoreError: the store could not take the files.
    """
    data = to_json(manifest)
    path, views_path = store.path(manifest.uri), store.path(views_uri(manifest.number))
    try:
        if not path.exists():
            views_path.unlink(missing_ok=True)  # of an attempt that never became a snapshot
        write_exclusively(views_path, views_sql.encode())
        write_exclusively(path, data)
    except FileExistsError as error:
        raise ConflictError(
            f"snapshot {manifest.number} was made by somebody else in the meantime",
            hint="run the same command again",
        ) from error
    except OSError as error:
        raise StoreError(
            f"the store could not take the manifest: {error.strerror or error}",
            hint="free some space or check the folder's permissions, then run the same command again",
        ) from error
    return sha256_of_bytes(data)


def remove(store: Store, number: int) -> None:
    """Remove a snapshot's manifest and its `views.sql`; the files that they name stay."""
    store.path(manifest_uri(number)).unlink(missing_ok=True)
    store.path(views_uri(number)).unlink(missing_ok=True)


def to_json(manifest: Manifest) -> bytes:
    """Return a manifest as the bytes of its file."""
    document = {
        "format": FORMAT,
        "number": manifest.number,
        "created_at": manifest.created_at.isoformat(),
        "code_version": manifest.code_version,
        "state": manifest.state,
        "views": {"uri": views_uri(manifest.number), "sha256": manifest.views_sha256},
        "tables": {name: [_entry(file) for file in files] for name, files in sorted(manifest.tables.items())},
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def from_json(data: bytes) -> Manifest:
    """Return the manifest that a file's bytes say.

    Raises:
        ValueError, KeyError, TypeError: they are no manifest, or one of a newer format.
    """
    document = json.loads(data)
    if document["format"] != FORMAT:
        raise ValueError(f"it has format {document['format']}, this version reads {FORMAT}")
    return Manifest(
        number=document["number"],
        created_at=datetime.fromisoformat(document["created_at"]),
        code_version=document["code_version"],
        state=document["state"],
        views_sha256=document["views"]["sha256"],
        tables={
            name: tuple(FileEntry(**file) for file in files) for name, files in document["tables"].items()
        },
    )


def _entry(file: FileEntry) -> dict[str, Any]:
    return {key: value for key, value in vars(file).items() if value is not None}
