"""The cells of a table as ids, texts, pictures, groups and covariates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ingest.pictures import encode_png
from ingest.table_files import FileTable
from registry.errors import InputError

Rows = dict[str, list[int]]  # the rows of every item
_IMAGE_FIELDS = frozenset({"bytes", "path"})


class Columns:
    """The cells of a table's columns, each read once."""

    def __init__(self, table: FileTable, limit: int | None) -> None:
        self.table, self._limit = table, limit
        self._cells: dict[str, list[Any]] = {}

    def cells(self, name: str) -> list[Any]:
        """Return the cells of a column."""
        if name not in self._cells:
            cells = self.table.reader(name, self._limit)
            promised = self.table.lengths[name]
            if len(cells) != (promised if self._limit is None else min(promised, self._limit)):
                raise InputError(
                    f"{self.table.source}: the column '{name}' has {len(cells)} values, "
                    f"{promised} are promised",
                    hint="write the file again",
                )
            self._cells[name] = cells
        return self._cells[name]

    def text(self, name: str, row: int, *, may_be_empty: bool = False) -> str:
        """Return a cell as text."""
        cell = self.cells(name)[row]
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            if may_be_empty:
                return cell or ""
            raise self.wrong(name, row, "is empty", "write a value, or leave the row out")
        if isinstance(cell, list | dict | np.ndarray) and may_be_empty:
            cell = json.dumps(_jsonable(cell), ensure_ascii=False, sort_keys=True)
        if isinstance(cell, bytes | list | dict | np.ndarray):
            kind = type(cell).__name__
            raise self.wrong(name, row, f"holds {kind}, expected one text", "name another column")
        return self.encodable(name, row, str(cell))

    def encodable(self, name: str, row: int, text: str) -> str:
        """Return a text, unless it holds half of a character."""
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self.wrong(name, row, "holds half of a character (a lone surrogate)", "repair it") from None
        return text

    def wrong(self, name: str, row: int, what: str, hint: str) -> InputError:
        """Return the refusal of a cell."""
        return InputError(f"{self.table.place(row)}: the column '{name}' {what}", hint=hint)


def _jsonable(cell: Any) -> Any:
    if isinstance(cell, np.ndarray):
        return cell.tolist()
    if isinstance(cell, dict):
        return {str(key): _jsonable(part) for key, part in cell.items()}
    if isinstance(cell, list):
        return [_jsonable(part) for part in cell]
    return cell if isinstance(cell, str | int | float | bool | None) else str(cell)


def texts_of(reader: Columns, names: Sequence[str], rows: Rows) -> list[list[str]]:
    """Return the captions of every item: row by row, in the order of the columns.

    Raises:
        InputError: one is empty or no text.
    """
    texts = []
    for its in rows.values():
        captions: list[str] = []
        for row in its:
            for name in names:
                captions += _captions(reader, name, row)
        texts.append(captions)
    return texts


def _captions(reader: Columns, name: str, row: int) -> list[str]:
    cell = reader.cells(name)[row]
    if isinstance(cell, np.ndarray):
        cell = cell.tolist()
    if not isinstance(cell, list):
        return [reader.text(name, row)]
    if not cell or not all(isinstance(part, str) and part.strip() for part in cell):
        raise reader.wrong(name, row, "is a list with an empty text", "write one, or leave the row out")
    return [reader.encodable(name, row, part) for part in cell]


def groups_of(reader: Columns, name: str, rows: Rows) -> list[str]:
    """Return the group of every item.

    Raises:
        InputError: an item has none, or two.
    """
    groups = []
    for item_id, its in rows.items():
        found = list(dict.fromkeys(reader.text(name, row) for row in its))
        if len(found) > 1:
            raise InputError(
                f"{reader.table.source}: item '{item_id}' is in the groups '{found[0]}' and '{found[1]}'",
                hint="an item belongs to one group",
            )
        groups.append(found[0])
    return groups


def covariates_of(reader: Columns, names: Sequence[str], rows: Rows) -> tuple[dict[str, list[str]], int]:
    """Return the covariates of every item, and how many items have rows that differ in one."""
    extra: dict[str, list[str]] = {}
    differing: set[str] = set()
    for name in names:
        reader.encodable(name, 0, name)
        extra[name] = []
        for item_id, its in rows.items():
            values = [reader.text(name, row, may_be_empty=True) for row in its]
            extra[name].append(values[0])
            if any(value != values[0] for value in values):
                differing.add(item_id)
    return extra, len(differing)


def images_of(reader: Columns, name: str, rows: Rows) -> list[bytes]:
    """Return the encoded picture of every item.

    Raises:
        InputError: it is missing, no picture, or an item has two.
    """
    cells = reader.cells(name)
    images = []
    for item_id, its in rows.items():
        if any(not _is_same(cells[its[0]], cells[row]) for row in its[1:]):
            raise reader.wrong(name, its[0], f"has two pictures for the item '{item_id}'", "give it one")
        images.append(_image(reader, name, its[0]))
    return images


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return bool(np.array_equal(one, other))
    return bool(one == other)


def _image(reader: Columns, name: str, row: int) -> bytes:
    cell = reader.cells(name)[row]
    if isinstance(cell, dict) and set(cell) <= _IMAGE_FIELDS:
        cell = cell.get("path") if cell.get("bytes") is None else cell["bytes"]
    if isinstance(cell, bytes) and cell:
        return cell
    if isinstance(cell, np.ndarray):
        if cell.dtype != np.uint8 or cell.ndim != 3 or cell.shape[2] != 3 or 0 in cell.shape:
            raise reader.wrong(
                name,
                row,
                f"holds {cell.dtype} of shape {cell.shape}, expected uint8 of shape (height, width, 3)",
                "scale to 0..255 and convert to uint8, three channels last",
            )
        return encode_png(cell)
    if isinstance(cell, str) and cell.strip():
        return _file(reader, name, row, cell)
    what = "has no picture" if not cell else f"holds {type(cell).__name__}, expected a picture or its path"
    raise reader.wrong(name, row, what, "name another column, or leave the row out")


def _file(reader: Columns, name: str, row: int, text: str) -> bytes:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\0" in text:
        raise reader.wrong(
            name,
            row,
            f"names '{text[:80]}', which is not inside {reader.table.folder}",
            "keep the pictures beside the table, or in folders below it",
        )
    try:
        return Path(reader.table.folder, *path.parts).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise reader.wrong(
            name, row, f"names '{text[:80]}', which cannot be read: {reason}", "check the path"
        ) from error
