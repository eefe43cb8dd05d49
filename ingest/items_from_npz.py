"""The arrays of an .npz file as columns: never pickled, and no larger than they say."""

from __future__ import annotations

import lzma
import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ingest.table_files import FileTable, require_names
from registry.errors import InputError

LARGEST_ARRAY = 2**33  # bytes of one array in memory
_HEADER = 10_000  # characters of an array's description; NumPy's own bound
_PLAIN_KINDS = frozenset("biufUSMm")
_BROKEN = (
    zipfile.BadZipFile, NotImplementedError, OSError, ValueError, TypeError, SyntaxError, OverflowError,
    MemoryError, RecursionError, EOFError, RuntimeError, KeyError, IndexError, struct.error, zlib.error,
    lzma.LZMAError,
)  # fmt: skip


def open_npz(path: Path) -> FileTable:
    """Return the arrays of a file as columns; only those that are asked for are read.

    An array of one dimension holds one value an item, a longer one an array for each item.

    Raises:
        InputError: the file is missing or broken, an array holds Python objects, or is larger than
            `LARGEST_ARRAY`.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="check the path")
    lengths: dict[str, int] = {}
    plain = set()
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            require_names([info.filename.removesuffix(".npy") for info in members], str(path))
            for info in members:
                name = info.filename.removesuffix(".npy")
                shape, kind = _described(archive, info, path)
                if shape:
                    lengths[name] = shape[0]
                if len(shape) == 1 and kind in _PLAIN_KINDS:
                    plain.add(name)
    except _BROKEN as error:
        raise _broken(path, error) from error
    if not lengths:
        raise InputError(f"{path} has no arrays", hint="write it with numpy.savez")

    def read(name: str, limit: int | None) -> list[Any]:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
                array = npy.read_array(member, allow_pickle=False, max_header_size=_HEADER)
            return cells_of(array[:limit])
        except _BROKEN as error:
            raise _broken(path, error) from error

    return FileTable(str(path), path.parent, lengths, frozenset(plain), read)


def cells_of(array: NDArray[Any]) -> list[Any]:
    """Return the cells of an array: plain values, lists of texts, or an array for each item.

    Raises:
        ValueError: bytes are no UTF-8.
    """
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    if array.dtype.kind == "M":
        array = array.astype(str)
    if array.ndim == 1 or array.dtype.kind == "U":
        cells = array.tolist()
        return [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in cells]
    return list(array)


def _described(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> tuple[tuple[int, ...], str]:
    """Return the shape and the kind of an array, from its header alone."""
    with archive.open(info) as member:
        version = npy.read_magic(member)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(member, max_header_size=_HEADER)
        start = member.tell()
    if dtype.hasobject:
        raise InputError(
            f"{path}: the array '{info.filename}' holds pickled Python objects, which run code when read",
            hint="save texts as numpy.array(texts, dtype='U'), and pictures as uint8",
        )
    size = math.prod(shape) * dtype.itemsize
    if size > LARGEST_ARRAY:
        raise InputError(
            f"{path}: the array '{info.filename}' has {size:,} bytes, at most {LARGEST_ARRAY:,} are read",
            hint="write it as Parquet",
        )
    if size != info.file_size - start or any(length < 0 for length in shape):
        raise ValueError(f"the array '{info.filename}' is shorter or longer than it says")
    return shape, dtype.kind


def _broken(path: Path, error: BaseException) -> InputError:
    return InputError(f"{path} cannot be read as .npz: {error}", hint="write it again with numpy.savez")
