"""Local copies of files behind an address: whole, named by their digest, compared with it at each use."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from registry.clock import now
from registry.errors import StoreError
from registry.folders import require_writable
from registry.keys import sha256_of_file
from registry.remote_places import RemotePlace, pieces

LARGEST_BYTES = 20_000_000_000
SUFFIX = ".safetensors"
_INCOMPLETE = ".incomplete-"
_HOUR, _DAY = 3600, 86_400


def cache_folder(variables: Mapping[str, str]) -> Path:
    """Return the user's folder of local copies: `cavewall` in XDG_CACHE_HOME, or in ~/.cache."""
    caches = variables.get("XDG_CACHE_HOME") or Path(variables.get("HOME", "~")).expanduser() / ".cache"
    return Path(caches) / "cavewall"


def changed(uri: str, found: str, sha256: str) -> StoreError:
    """Return the error of a file whose digest is not that of its row."""
    return StoreError(
        f"{uri} has sha256 {found[:12]}…, its row says {sha256[:12]}…: it was changed or damaged",
        hint="restore the file from a copy of the store, or compute it again",
    )


class FileCache:
    """A folder of copies; those used longest ago go where all of them are larger than `largest` bytes."""

    def __init__(self, folder: Path, largest: int = LARGEST_BYTES) -> None:
        self.folder, self.largest = folder, largest

    def copy_of(self, place: RemotePlace, uri: str, sha256: str) -> Path:
        """Return a copy that has the digest, fetched where there is none.

        Raises:
            StoreError: the file is missing, unreachable, or is not what its row says.
            MissingExtra: the package that reads this place is not installed.
        """
        path = self.folder / f"{sha256}{SUFFIX}"
        try:
            if sha256_of_file(path) == sha256:
                os.utime(path)
                return path
        except FileNotFoundError:
            pass
        return self.fetch(place, uri, expected=sha256)[0]

    def fetch(self, place: RemotePlace, uri: str, *, expected: str | None = None) -> tuple[Path, str]:
        """Copy a file here and return where it is and its digest; what fails half-way leaves nothing.

        Raises:
            StoreError: as for `copy_of`, or this folder cannot take it.
            MissingExtra: the package that reads this place is not installed.
        """
        require_writable(self.folder, what="the folder of local copies")
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=_INCOMPLETE)
        temporary, digest = Path(name), hashlib.sha256()
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in pieces(place, uri):
                    digest.update(piece)
                    file.write(piece)
            found = digest.hexdigest()
            if expected is not None and found != expected:
                raise changed(uri, found, expected)
            path = self.folder / f"{found}{SUFFIX}"
            temporary.replace(path)
        except OSError as error:  # those of the place are StoreErrors already
            raise StoreError(
                f"{self.folder} could not take a copy of {uri}: {error.strerror or error}",
                hint="free some space, or set XDG_CACHE_HOME to another folder",
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        self._forget(path)
        return path, found

    def _forget(self, kept: Path) -> None:
        """Remove what a kill left, and the copies used longest ago; what somebody may be reading stays."""
        moment, copies = now().timestamp(), []
        for path in self.folder.iterdir():
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            if path.name.startswith(_INCOMPLETE) and stat.st_mtime < moment - _DAY:
                path.unlink(missing_ok=True)
            elif path.suffix == SUFFIX:
                copies.append((stat.st_mtime, stat.st_size, path))
        total = sum(size for _, size, _ in copies)
        for used, size, path in sorted(copies):
            if total <= self.largest or used > moment - _HOUR:
                break
            if path != kept:
                path.unlink(missing_ok=True)
                total -= size


def digest_there(place: RemotePlace, uri: str) -> str:
    """Return the digest of a file as it lies in its place now; nothing is kept here.

    Raises:
        StoreError: the file is missing or unreachable.
        MissingExtra: the package that reads this place is not installed.
    """
    digest = hashlib.sha256()
    for piece in pieces(place, uri):
        digest.update(piece)
    return digest.hexdigest()
