"""The variables of a MATLAB file of version 5: numbers, texts, and arrays of structures.

Read here and not by scipy, whose reader ends the process on some damaged files. Every size is compared with
the bytes that are there before anything is made of it. Other kinds of variable are None.

Source: MathWorks, MAT-File Format, chapter 1 (level 5).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_STRUCTURE, _CHARACTERS, _FIRST_NUMBER, _LAST_NUMBER = 2, 4, 6, 15
_IS_COMPLEX = 0x0800
_DEEPEST = 8


class Damaged(ValueError):
    """The bytes are not what the format asks for."""


def variables(data: bytes, *, most: int) -> dict[str, Any]:
    """Return the variables of a file by name; a structure array is a list of dictionaries, column by column.

    Args:
        data: the whole file.
        most: how many bytes its compressed variables may take together.

    Raises:
        Damaged: the bytes are not what the format asks for, or unpack to more than that.
    """
    order = "<" if data[126:HEADER] == b"IM" else ">"
    found: dict[str, Any] = {}
    for kind, payload in _elements(memoryview(data)[HEADER:], order):
        if kind == _COMPRESSED:
            unpacked = _unpacked(payload, most)
            most -= len(unpacked)
            inner = next(_elements(memoryview(unpacked), order), (0, memoryview(b"")))
            kind, payload = inner
        if kind == _MATRIX:
            name, value = _matrix(payload, order, 0)
            found[name] = value
    return found


def _unpacked(payload: memoryview, most: int) -> bytes:
    machine = zlib.decompressobj()
    try:
        unpacked = machine.decompress(payload, most + 1)
    except zlib.error as error:
        raise Damaged(str(error)) from error
    if len(unpacked) > most:
        raise Damaged(f"a variable unpacks to more than {most:,} bytes")
    return unpacked


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yield the type and the bytes of every element; a short one keeps its bytes in its tag."""
    at = 0
    while at + 8 <= len(data):
        kind, length = struct.unpack_from(f"{order}II", data, at)
        if kind >> 16:
            kind, length, start, step = kind & 0xFFFF, kind >> 16, at + 4, 8
            if length > 4:
                raise Damaged("a short element is longer than its place")
        else:
            start = at + 8
            step = 8 + length + (0 if kind == _COMPRESSED else -length % 8)
        if start + length > len(data):
            raise Damaged("a variable does not lie in the file: truncated?")
        yield kind, data[start : start + length]
        at += step


def _matrix(payload: memoryview, order: str, depth: int) -> tuple[str, Any]:
    """Return the name and the value of a variable, or of a field, whose name is empty."""
    if not len(payload):
        return "", None
    if depth > _DEEPEST:
        raise Damaged("structures inside structures without end")
    parts = list(_elements(payload, order))
    if len(parts) < 3 or len(parts[0][1]) < 4 or len(parts[1][1]) % 4:
        raise Damaged("a variable has no type, shape or name")
    (flags,) = struct.unpack_from(f"{order}I", parts[0][1])
    shape = struct.unpack(f"{order}{len(parts[1][1]) // 4}i", parts[1][1])
    name = bytes(parts[2][1]).decode("latin-1").rstrip("\0")
    if not 2 <= len(shape) <= 8 or any(size < 0 for size in shape):
        raise Damaged(f"{shape[:8]} is no shape")
    kind = flags & 0xFF
    if kind == _STRUCTURE:
        return name, _structures(parts[3:], shape, order, depth)
    if kind == _CHARACTERS and len(parts) > 3:
        return name, _text(*parts[3], order)
    if _FIRST_NUMBER <= kind <= _LAST_NUMBER and len(parts) > 3 and not flags & _IS_COMPLEX:
        return name, _numbers(*parts[3], shape, order)
    return name, None


def _numbers(kind: int, payload: memoryview, shape: tuple[int, ...], order: str) -> Any:
    if kind not in _NUMBERS:
        raise Damaged(f"numbers of the unknown type {kind}")
    dtype = np.dtype(f"{order}{_NUMBERS[kind]}")
    if math.prod(shape) * dtype.itemsize != len(payload):
        raise Damaged(f"the shape {shape} needs another number of bytes than {len(payload):,}")
    array = np.frombuffer(payload, dtype).reshape(shape, order="F")
    return array.astype(dtype.newbyteorder("="))


def _text(kind: int, payload: memoryview, order: str) -> str:
    coding = _TEXTS.get(kind)
    if coding is None:
        raise Damaged(f"a text of the unknown type {kind}")
    if coding in ("utf-16", "utf-32"):
        coding += "-le" if order == "<" else "-be"
    return bytes(payload).decode(coding, errors="replace").strip("\0 ")


def _structures(
    parts: list[tuple[int, memoryview]], shape: tuple[int, ...], order: str, depth: int
) -> list[dict[str, Any]]:
    if len(parts) < 2 or len(parts[0][1]) != 4:
        raise Damaged("a structure has no names of fields")
    (length,) = struct.unpack(f"{order}i", parts[0][1])
    text = bytes(parts[1][1])
    if length <= 0 or len(text) % length:
        raise Damaged("the names of a structure's fields have no length")
    names = [text[at : at + length].split(b"\0")[0].decode("latin-1") for at in range(0, len(text), length)]
    values = [_matrix(payload, order, depth + 1)[1] for kind, payload in parts[2:] if kind == _MATRIX]
    if len(values) != math.prod(shape) * len(names):
        raise Damaged("a structure has another number of fields than it says")
    return [
        dict(zip(names, values[at : at + len(names)], strict=True))
        for at in range(0, len(values), max(1, len(names)))
    ]
