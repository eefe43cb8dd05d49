"""Work that may be interrupted: the rows that are computed so far, kept in the store until the end."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from registry.clock import now
from registry.keys import sha256_of_bytes
from registry.layers import layer_sha256

FOLDER = ".partial"
KEPT_FOR = timedelta(days=14)
_UNREADABLE = (SafetensorError, OSError, KeyError, ValueError)

Rows = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Kept:
    """What an interrupted run left: the first `row_count` rows, computed in batches of `batch_size`."""

    batch_size: int
    row_count: int
    chunks: list[Rows]


class Partial:
    """The rows of one extraction so far, in files of consecutive rows.

    A file has its final name only when it is whole and synced, and says which rows it holds, of what, and
    with which digest; what is damaged or of other content is not used. Rows computed in batches of another
    size are apart, since their last digits may differ. Two processes that extract the same write the same
    files. Where the disk takes no more, nothing is kept and the extraction goes on.
    """

    def __init__(self, root: Path, key: str) -> None:
        """Name the folder.

        Args:
            root: of the store.
            key: the identity of what determines the rows.
        """
        self._folder, self._key = root / FOLDER / key[:32], key

    def load(self) -> Kept | None:
        """Return what is kept for the batch size that got furthest, or None where nothing is."""
        found = [self._of_size(size) for size in sorted(self._sizes(), reverse=True)]
        return max((kept for kept in found if kept.row_count), key=lambda kept: kept.row_count, default=None)

    def _sizes(self) -> set[int]:
        names = [path.stem.split("-") for path in self._folder.glob("*-*-*.safetensors")]
        return {int(size) for size, *_ in names if size.isdigit() and int(size)}

    def _of_size(self, size: int) -> Kept:
        row_count = 0
        chunks: list[Rows] = []
        while True:
            path = next(iter(sorted(self._folder.glob(f"{size}-{row_count}-*.safetensors"))), None)
            rows = self._read(path, size, row_count) if path is not None else None
            if not rows or (chunks and list(rows) != list(chunks[0])):
                return Kept(size, row_count, chunks)
            chunks.append(rows)
            row_count += len(next(iter(rows.values())))

    def _read(self, path: Path, size: int, start: int) -> Rows | None:
        try:
            with safe_open(path, framework="numpy") as file:
                said = dict(file.metadata() or {})
                names = said.pop("layers", "").split("\n")
                rows = {name: file.get_tensor(f"{number:06}") for number, name in enumerate(names)}
        except _UNREADABLE:
            return None
        return rows if said == self._description(rows, size, start) else None

    def _description(self, rows: Rows, size: int, start: int) -> dict[str, str]:
        digest = sha256_of_bytes("".join(map(layer_sha256, rows.values())).encode())
        return {"key": self._key, "batch_size": str(size), "start": str(start), "sha256": digest}

    def keep(self, rows: Rows, *, start: int, batch_size: int) -> None:
        """Keep consecutive rows, whole and synced, from row `start` on."""
        stop = start + len(next(iter(rows.values())))
        final = self._folder / f"{batch_size}-{start}-{stop}.safetensors"
        temporary = final.with_suffix(f".{os.getpid()}")
        tensors = {f"{number:06}": layer for number, layer in enumerate(rows.values())}
        said = {**self._description(rows, batch_size, start), "layers": "\n".join(rows)}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_file(tensors, temporary, metadata=said)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(final)
        except (OSError, SafetensorError):
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove all that is kept, and what other extractions left long ago."""
        shutil.rmtree(self._folder, ignore_errors=True)
        oldest = (now() - KEPT_FOR).timestamp()
        with suppress(OSError):
            for folder in self._folder.parent.iterdir():
                if folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)
            self._folder.parent.rmdir()  # only where it is empty
