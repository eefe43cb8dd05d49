"""Read layers from safetensors files, whose header is bounded and checked before anything is read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

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

LARGEST_HEADER = 100_000_000  # bytes; the format's own bound
WHAT = "safetensors file"
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


@dataclass(frozen=True)
class _Tensor:
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_safetensors(path: Path, options: ReadOptions) -> list[Part]:
    """Return the one part of a safetensors file: every tensor, or those that `layers` names, is a layer.

    Raises:
        InputError: the file is broken, a tensor is not of floats, or no name fits.
    """
    tensors, data = _header(path)
    chosen = choose_layers(path, tensors, options.layers)
    require_size(path, sum(tensors[name].end - tensors[name].start for name in chosen))
    layers: dict[str, Array] = {}
    for name in chosen:
        array = _read(path, data, tensors[name])
        if array.ndim == 3 and len(chosen) == 1:
            layers.update(split_array(path, array, options))
        else:
            layers[name] = array
    return [Part(path.stem, layers)]


def stored_types(path: Path) -> dict[str, str]:
    """Return the type of every tensor, as the format spells it, from the header alone."""
    return {name: tensor.dtype for name, tensor in _header(path)[0].items()}


def _header(path: Path) -> tuple[dict[str, _Tensor], int]:
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < 8 or not 2 <= length <= min(LARGEST_HEADER, size - 8):
            raise broken(path, WHAT, f"its first 8 bytes give no header length ({size} bytes in all)")
        text = file.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise broken(path, WHAT, "its header is not JSON") from error
    if not isinstance(header, dict):
        raise broken(path, WHAT, "its header is not a JSON object")
    data = 8 + length
    return {
        name: _tensor(path, name, entry, size - data)
        for name, entry in header.items()
        if name != "__metadata__"
    }, data


def _tensor(path: Path, name: str, entry: Any, room: int) -> _Tensor:
    try:
        dtype, shape = str(entry["dtype"]), tuple(entry["shape"])
        start, end = entry["data_offsets"]
    except (KeyError, TypeError, ValueError) as error:
        raise broken(path, WHAT, f"tensor '{name[:80]}' has no type, shape or place") from error
    if not all(type(number) is int and number >= 0 for number in (*shape, start, end)) or end > room:
        raise broken(path, WHAT, f"tensor '{name[:80]}' does not lie in the file: truncated?")
    if dtype not in _TYPES:
        return _Tensor(dtype, shape, start, end)
    if math.prod(shape) * np.dtype(_TYPES[dtype]).itemsize != end - start:
        raise broken(path, WHAT, f"tensor '{name[:80]}' has another size than its shape says")
    return _Tensor(dtype, shape, start, end)


def _read(path: Path, data: int, tensor: _Tensor) -> Array:
    if tensor.dtype not in _TYPES or not tensor.shape or 0 in tensor.shape:
        raise InputError(
            f"{path}: a layer is {tensor.dtype} of shape {tensor.shape}, expected {' or '.join(_TYPES)}",
            hint="say which tensors are layers: --layers 'blocks.{i}'",
        )
    array: Array = np.memmap(
        path, np.dtype(_TYPES[tensor.dtype]), mode="r", offset=data + tensor.start, shape=tensor.shape
    )
    if tensor.dtype == "BF16":  # the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array
