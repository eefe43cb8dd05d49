"""Files and folders that appear whole, beside the zoo's own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from registry.errors import ConflictError, StoreError
from registry.folders import require_writable
from registry.keys import sha256_of_file, sha256_of_folder


def place(path: Path, writer: Callable[[Path], object]) -> Path:
    """Put what `writer` makes, a file or a folder, at a path: synced and whole, or not at all.

    What is there already is kept, because a checkpoint may be registered by its content: it must be the same.

    Args:
        path: where it goes.
        writer: called with the path to make, in a temporary folder on the same disk.

    Returns:
        The path.

    Raises:
        ConflictError: something else lies there.
        StoreError: the folder is not writable, or the disk is full.
    """
    require_writable(path.parent, what="the folder")
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".incomplete-") as scratch:
            made = Path(scratch) / path.name
            writer(made)
            if path.exists():
                _require_same(made, path)
            else:
                _publish(made, path)
    except OSError as error:
        raise StoreError(
            f"{path} could not be written: {error.strerror or error}",
            hint="free some space or check the folder's permissions, then run the same command again",
        ) from error
    return path


def _require_same(made: Path, path: Path) -> None:
    if path.is_dir() != made.is_dir() or _digest(path) != _digest(made):
        raise ConflictError(
            f"{path} holds something else than what is to be written there",
            hint="move it away, or choose another folder",
        )


def _digest(path: Path) -> str:
    if path.is_file():
        return sha256_of_file(path)
    return sha256_of_folder(path, (str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()))


def _publish(made: Path, path: Path) -> None:
    for part in (*made.rglob("*"), made):
        part.chmod(0o755 if part.is_dir() else 0o644)  # some writers make files for the owner alone
        _sync(part)
    made.rename(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
