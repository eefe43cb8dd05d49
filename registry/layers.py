"""Layer files: safetensors with one matrix per layer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from registry.errors import EmbeddingMismatch
from registry.store import Store, StoredFile

Matrix = NDArray[Any]


def layer_sha256(layer: Matrix) -> str:
    """Return the SHA-256 (hex) of a matrix: its type, its shape and its bytes in C order."""
    digest = hashlib.sha256(f"{layer.dtype.str}{layer.shape}".encode())
    digest.update(np.ascontiguousarray(layer).data)
    return digest.hexdigest()


def write_layers(
    store: Store, kind: str, layers: Mapping[str, Matrix], metadata: Mapping[str, str]
) -> StoredFile:
    """Write one tensor per layer, with some text metadata, and return the stored file."""
    tensors = {name: np.ascontiguousarray(layer) for name, layer in layers.items()}

    def writer(path: Path) -> None:
        try:
            save_file(tensors, path, metadata=dict(metadata))
        except SafetensorError as error:  # the library wraps what the operating system said
            raise OSError(str(error)) from error

    return store.write(kind, ".safetensors", writer)


def read_all_layers(store: Store, uri: str, sha256: str) -> dict[str, Matrix]:
    """Return every tensor of a file by name, after the file's digest was checked.

    Raises:
        StoreError: the file is missing or its digest differs.
        EmbeddingMismatch: it is no safetensors file.
    """
    path = store.checked_path(uri, sha256)
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise EmbeddingMismatch(f"{uri} cannot be read: {error}", hint="run 'cavewall verify'") from error


def read_layers(
    store: Store, uri: str, sha256: str, names: Sequence[str], *, location: str | None = None
) -> list[Matrix]:
    """Return the named tensors in the order asked for, after the file's digest was checked.

    Args:
        store: where the file lies.
        uri: its address there.
        sha256: its digest.
        names: of the tensors.
        location: the declared place that it lies in, where that is not the store itself.

    Raises:
        StoreError: the file is missing or damaged.
        EmbeddingMismatch: a tensor is missing.
    """
    path = store.checked_path(uri, sha256, location=location)
    try:
        with safe_open(path, framework="numpy") as file:
            return [file.get_tensor(name) for name in names]
    except SafetensorError as error:
        raise EmbeddingMismatch(
            f"{uri}: a layer that its row names cannot be read: {error}",
            hint="restore the file from a copy of the store, or compute it again",
        ) from error
