"""Content keys: the identity of everything registered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no blanks, no NaN.

    Raises:
        ValueError: a float is NaN or infinite.
        TypeError: something has no JSON form.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_key(kind: str, identity: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of the canonical JSON of what identifies a row of this kind."""
    text = canonical_json({"kind": kind, "identity": dict(identity)})
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_of_bytes(data: bytes | memoryview) -> str:
    """Return the SHA-256 (hex) of some bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_folder(folder: Path, names: Iterable[str]) -> str:
    """Return the SHA-256 (hex) of the named files of a folder: names and bytes, whatever the order given."""
    entries = {name: sha256_of_file(folder / name) for name in names}
    return sha256_of_bytes(canonical_json(entries).encode())


def order_fingerprint(item_ids: Iterable[str]) -> str:
    """Return the SHA-256 (hex) of the item ids in their order: equal only for the same order."""
    return sha256_of_bytes(canonical_json(list(item_ids)).encode())


def set_fingerprint(item_ids: Iterable[str]) -> str:
    """Return the SHA-256 (hex) of the sorted item ids: equal for the same items in any order."""
    return order_fingerprint(sorted(item_ids))
