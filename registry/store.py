"""The file store: complete files, named by their content, whose digest stands in a row."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from registry.errors import StoreError
from registry.folders import require_writable
from registry.keys import sha256_of_file


@dataclass(frozen=True)
class StoredFile:
    """A file in the store: its address relative to the store, its digest and its size."""

    uri: str
    sha256: str
    byte_count: int


class Store:
    """A local folder of immutable files, and the declared places in which files may stay as they are."""

    def __init__(self, root: Path, places: Mapping[str, Path] | None = None) -> None:
        self.root = root
        self.places = dict(places or {})

    def write(self, kind: str, suffix: str, writer: Callable[[Path], None]) -> StoredFile:
        """Keep what `writer` writes to a temporary path, under the name of its content.

        The file is fsynced and then renamed, so that a reader sees it whole or not at all; what fails
        half-way leaves nothing behind. A file of the same content that is there already is kept.

        Raises:
            StoreError: the folder is not writable, or the disk is full.
        """
        folder = self.root / kind
        require_writable(folder, what="the store's folder")
        handle, name = tempfile.mkstemp(dir=folder, prefix=".incomplete-", suffix=suffix)
        os.close(handle)
        temporary = Path(name)
        try:
            writer(temporary)
            stored = self._publish(temporary, kind, suffix)
        except OSError as error:
            raise StoreError(
                f"{folder} could not take a file: {error.strerror or error}",
                hint="free some space or check the folder's permissions, then run the same command again",
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        return stored

    def _publish(self, temporary: Path, kind: str, suffix: str) -> StoredFile:
        digest = sha256_of_file(temporary)
        uri = f"{kind}/{digest[:2]}/{digest}{suffix}"
        final = self.root / uri
        size = temporary.stat().st_size
        if final.exists() and final.stat().st_size == size:
            return StoredFile(uri, digest, size)
        final.parent.mkdir(exist_ok=True)
        temporary.chmod(0o644)
        _sync(temporary)
        temporary.replace(final)
        _sync(final.parent)
        return StoredFile(uri, digest, size)

    def path(self, uri: str, *, location: str | None = None) -> Path:
        """Return where a file lies, in the store or in a declared place.

        Raises:
            StoreError: the address leads out of it, or the place is not declared here.
        """
        if location is not None and location not in self.places:
            raise StoreError(
                f"{uri} is missing here: its place '{location}' is not declared",
                hint=f'add to cavewall.toml:  [locations]  {location} = "FOLDER"',
            )
        root = (self.root if location is None else self.places[location]).resolve()
        path = (root / uri).resolve()
        if root not in path.parents:
            raise StoreError(
                f"'{uri}' leads out of the {'store' if location is None else 'place'} {root}",
                hint="run 'cavewall verify' to find what wrote it",
            )
        return path

    def checked_path(self, uri: str, sha256: str, *, location: str | None = None) -> Path:
        """Return where a file lies, after its bytes were compared with their digest.

        Raises:
            StoreError: the file is missing, or is not what its row says.
        """
        path = self.path(uri, location=location)
        hint = "restore the file from a copy of the store, or compute it again"
        if not path.is_file():
            where = f"the store {self.root}" if location is None else f"the place {location}"
            raise StoreError(f"{uri} is missing in {where}", hint=hint)
        found = sha256_of_file(path)
        if found != sha256:
            raise StoreError(
                f"{uri} has sha256 {found[:12]}…, its row says {sha256[:12]}…: it was changed or damaged",
                hint=hint,
            )
        return path


def write_exclusively(path: Path, data: bytes) -> None:
    """Create a file that must not exist yet, whole and synced.

    Raises:
        FileExistsError: somebody else made it first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".incomplete-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.chmod(0o644)
        _sync(temporary)
        os.link(temporary, path)  # unlike a rename, a link refuses to replace
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
