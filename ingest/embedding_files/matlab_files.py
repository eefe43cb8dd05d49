"""Read layers from MATLAB files of version 5: a matrix per variable, or an array of structures with names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ingest.embedding_files.matlab_format import HEADER, Damaged, variables
from ingest.embedding_files.parts import (
    Array,
    Part,
    ReadOptions,
    broken,
    choose_layers,
    require_size,
    split_array,
)
from registry.errors import InputError

WHAT = "MATLAB file of version 5"
LARGEST_UNPACKED = 2**31  # bytes; where the format itself ends


def read_matlab(path: Path, options: ReadOptions) -> list[Part]:
    """Return the parts of a MATLAB file.

    A variable that is an array of structures with a name and a matrix is one part per structure; all other
    variables of numbers are layers of one part.

    Raises:
        InputError: the file is broken, of another version, or holds no matrix of numbers.
    """
    _require_version_5(path)
    require_size(path, path.stat().st_size)
    try:
        held = variables(path.read_bytes(), most=LARGEST_UNPACKED)
    except (Damaged, MemoryError) as error:
        raise broken(path, WHAT, error) from error
    parts = [
        part for value in held.values() if isinstance(value, list) for part in _models(path, value, options)
    ]
    if parts:
        return parts
    numbers = {name: value for name, value in held.items() if isinstance(value, np.ndarray) and value.size}
    if not numbers:
        raise InputError(
            f"{path} holds no variable of numbers: {', '.join(sorted(held)[:5]) or 'none at all'}",
            hint="save the matrices as variables, or as structures with the fields 'name' and 'RDM'",
        )
    chosen = choose_layers(path, numbers, options.layers)
    if len(chosen) == 1 and (numbers[chosen[0]].ndim != 2 or options.layer is not None):
        return [Part(path.stem, split_array(path, numbers[chosen[0]], options))]
    return [Part(path.stem, {name: numbers[name] for name in chosen})]


def _models(path: Path, records: list[dict[str, Any]], options: ReadOptions) -> list[Part]:
    parts = []
    for number, record in enumerate(records, start=1):
        matrices = {
            name: value
            for name, value in record.items()
            if isinstance(value, np.ndarray) and _is_matrix(value, options)
        }
        label = next((value for name, value in record.items() if name.lower() == "name"), None)
        if matrices:
            chosen = choose_layers(path, matrices, options.layers)
            name = label if isinstance(label, str) and label else f"{path.stem}-{number}"
            parts.append(Part(name, {key: matrices[key] for key in chosen}))
    return parts


def _is_matrix(value: Array, options: ReadOptions) -> bool:
    """Return whether a field can be a layer: one row per item, or a condensed triangle; not a colour."""
    n = options.item_count
    if value.ndim != 2 or not value.size:
        return False
    is_triangle = options.kind != "features" and value.size == n * (n - 1) // 2 and min(value.shape) == 1
    return is_triangle or value.shape[0] == n or (options.kind != "features" and min(value.shape) > 3)


def _require_version_5(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(HEADER)
    if head.startswith((b"MATLAB 7.3", b"\x89HDF")):
        raise InputError(
            f"{path} is a MATLAB file of version 7.3, which is not read",
            hint="save it again in MATLAB with save(FILE, '-v7'), or as .npz",
        )
    if len(head) < HEADER or head[124:] not in (b"\x00\x01IM", b"\x01\x00MI"):
        raise broken(path, WHAT, "its first 128 bytes are no header")
