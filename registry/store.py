"""The file store: complete files, named by their content, whose digest stands in a row."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from registry.errors import StoreError
from registry.file_cache import FileCache, cache_folder, changed, digest_there
from registry.folders import require_writable
from registry.keys import sha256_of_file
from registry.remote_places import FileMissing, FileUnreachable, Place, RemotePlace


@dataclass(frozen=True)
class StoredFile:
    """A file in the store: its address relative to the store, its digest and its size."""

    uri: str
    sha256: str
    byte_count: int


class Store:
    """A local folder of immutable files, and the declared places in which files may stay as they are.

    Files in a place behind an address are read from a local copy in `cache`.
    """

    def __init__(
        self, root: Path, places: Mapping[str, Place] | None = None, cache: Path | None = None
    ) -> None:
        self.root = root
        self.places = dict(places or {})
        self.cache = FileCache(cache or cache_folder(os.environ))

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
        """Return where a file lies, in the store or in a declared local place.

        Raises:
            StoreError: the address leads out of it, or the place is not declared here, or is not local.
        """
        place = self._place(uri, location)
        if isinstance(place, RemotePlace):
            raise StoreError(f"{uri} lies in {place}, not in a local folder", hint="read a copy of it")
        root = place.resolve()
        path = (root / uri).resolve()
        if root not in path.parents:
            raise StoreError(
                f"'{uri}' leads out of the {'store' if location is None else 'place'} {root}",
                hint="run 'cavewall verify' to find what wrote it",
            )
        return path

    def _place(self, uri: str, location: str | None) -> Place:
        if location is None:
            return self.root
        if location not in self.places:
            raise FileUnreachable(
                f"{uri} is missing here: its place '{location}' is not declared",
                hint=f'add to cavewall.toml:  [locations]  {location} = "FOLDER"',
            )
        return self.places[location]

    def checked_path(self, uri: str, sha256: str, *, location: str | None = None) -> Path:
        """Return where a file, or a local copy of it, lies, after its bytes were compared with their digest.

        Raises:
            StoreError: the file is missing, or is not what its row says.
            MissingExtra: the package that reads its place is not installed.
        """
        place = self._place(uri, location)
        if isinstance(place, RemotePlace):
            return self.cache.copy_of(place, uri, sha256)
        path = self.path(uri, location=location)
        hint = "restore the file from a copy of the store, or compute it again"
        if not path.is_file():
            where = f"the store {self.root}" if location is None else f"the place {location}"
            raise FileMissing(f"{uri} is missing in {where}", hint=hint)
        found = sha256_of_file(path)
        if found != sha256:
            raise changed(uri, found, sha256)
        return path

    def compare(self, uri: str, sha256: str, *, location: str | None = None) -> None:
        """Compare a file with its digest where it lies, whatever copies of it there are.

        Raises:
            FileMissing: it is not there.
            FileUnreachable: its place is not declared here, or does not answer.
            StoreError: it is not what its row says.
            MissingExtra: the package that reads its place is not installed.
        """
        place = self._place(uri, location)
        if not isinstance(place, RemotePlace):
            self.checked_path(uri, sha256, location=location)
        elif (found := digest_there(place, uri)) != sha256:
            raise changed(uri, found, sha256)


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
