"""Read layers from .npy and .npz files; nothing is unpickled, sizes are checked before memory is taken."""

from __future__ import annotations

import lzma
import math
import struct
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

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

HEADER_ERRORS = (
    ValueError, SyntaxError, TypeError, KeyError, EOFError, OverflowError, RecursionError, MemoryError,
    tokenize.TokenError,
)  # fmt: skip
_ZIP_ERRORS = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, lzma.LZMAError, struct.error, OSError,
    *HEADER_ERRORS,
)  # fmt: skip
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
IDS = ("ids", "item_id", "item_ids")
UNSUSPICIOUS = 2**28  # bytes that a member may unpack to, whatever it was packed to
LARGEST_RATIO = 100


@dataclass(frozen=True)
class ArrayHeader:
    """What an array says of itself before its numbers."""

    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[np.generic]

    @property
    def byte_count(self) -> int:
        """How many bytes its numbers take."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(file: IO[bytes]) -> ArrayHeader:
    """Return the header of an array, and leave the file where its numbers begin.

    Raises:
        ValueError: it is no array of numpy's format; other errors of `HEADER_ERRORS` mean the same.
    """
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format is not known")
    shape, is_fortran, dtype = _HEADERS[version](file)
    if any(type(size) is not int or size < 0 for size in shape):
        raise ValueError(f"{shape} is no shape")
    return ArrayHeader(tuple(shape), bool(is_fortran), dtype)


def read_npy(path: Path, options: ReadOptions) -> list[Part]:
    """Return the one part of a .npy file.

    Raises:
        InputError: the file is broken, holds pickled objects, or its axes are not told.
    """
    try:
        with path.open("rb") as file:
            header = read_header(file)
            offset = file.tell()
    except HEADER_ERRORS as error:
        raise broken(path, "numpy array", error) from error
    _require_numbers(path, path.name, header)
    if header.byte_count != path.stat().st_size - offset:
        raise InputError(
            f"{path}: shape {header.shape} of {header.dtype} needs {header.byte_count:,} bytes, "
            f"found {path.stat().st_size - offset:,}",
            hint="copy the file again",
        )
    order = "F" if header.is_fortran else "C"
    array: Array = np.memmap(path, header.dtype, "r", offset, header.shape, order)  # type: ignore[call-overload]
    return [Part(path.stem, split_array(path, array, options))]


def read_npz(path: Path, options: ReadOptions) -> list[Part]:
    """Return the one part of a .npz file: every array, or those that `layers` names, is a layer.

    An array of texts called `ids` holds the items of the rows.

    Raises:
        InputError: the file is broken, holds pickled objects, or would unpack to more than it can.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            names = [name for name in members if name not in IDS]
            chosen = choose_layers(path, names, options.layers)
            require_size(path, sum(members[name].file_size for name in chosen))
            arrays = {name: _member(path, archive, members[name]) for name in chosen}
            found = next((name for name in IDS if name in members), None)
            ids = None if found is None else _member(path, archive, members[found])
    except _ZIP_ERRORS as error:
        raise broken(path, ".npz archive", error) from error
    if ids is not None and (ids.dtype.kind != "U" or ids.ndim != 1):
        raise InputError(f"{path}: '{found}' are no texts", hint="store the ids as an array of str")
    (name, *others) = arrays
    if not others and (arrays[name].ndim != 2 or options.kind != "features"):
        layers = split_array(path, arrays[name], options)
    else:
        layers = arrays
    return [Part(path.stem, layers, None if ids is None else ids.tolist())]


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    if info.file_size > max(UNSUSPICIOUS, LARGEST_RATIO * info.compress_size):
        raise InputError(
            f"{path}: '{info.filename}' would unpack from {info.compress_size:,} to {info.file_size:,} bytes",
            hint="check where the file comes from; numpy.savez without compression is always taken",
        )
    with archive.open(info) as file:
        header = read_header(file)
        _require_numbers(path, info.filename, header, texts=True)
        require_size(path, header.byte_count)
        if header.byte_count > info.file_size:
            raise ValueError(f"'{info.filename}' is smaller than its shape says")
        data = file.read(header.byte_count + 1)
    if len(data) != header.byte_count:
        raise ValueError(f"'{info.filename}' has another size than its shape says")
    flat: Array = np.frombuffer(data, header.dtype)
    return flat.reshape(header.shape, order="F" if header.is_fortran else "C")


def _require_numbers(path: Path, name: str, header: ArrayHeader, *, texts: bool = False) -> None:
    if header.dtype.hasobject:
        raise InputError(
            f"{path}: '{name}' holds pickled objects; loading them runs code from the file",
            hint="save plain numbers: numpy.save(path, array.astype('float32'))",
        )
    kinds = "fiubU" if texts else "fiub"
    if header.dtype.kind not in kinds or 0 in header.shape or not header.shape:
        raise InputError(
            f"{path}: '{name}' is {header.dtype} of shape {header.shape}, expected numbers",
            hint="save plain numbers: numpy.save(path, array.astype('float32'))",
        )
