"""Items from what a user has: a folder of pictures, a table of texts, arrays."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.pictures import SUFFIXES, encode_png
from registry.errors import InputError
from registry.items import Items

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_PARQUET = ".parquet"
_LONGEST_FIELD = 2**27  # characters of one cell; the reader's own bound is 131,072


def items_from_files(pictures: Path | None = None, texts: Path | None = None) -> Items:
    """Return the items of a folder of pictures, a table of texts, or both.

    With pictures, the items are the files of the folder, sorted by name; an id is a file name without its
    suffix, and the bytes are kept as they are. Without, the items come in the order of the table.

    Args:
        pictures: a folder.
        texts: a CSV, TSV or Parquet file with the columns `id` and `text`. An id in several rows has several
            captions. Other columns are kept as covariates, from an item's first row.

    Raises:
        InputError: a file is missing or is no table, or pictures and texts are not of the same items.
    """
    if pictures is None and texts is None:
        raise InputError(
            "a data set needs items", hint="give a folder of pictures, a table of texts, or both"
        )
    table = None if texts is None else _read_table(texts)
    if pictures is None:
        captions, extra = table or ({}, {})
        ids = list(captions)
        return Items(ids=ids, texts=list(captions.values()), extra=_columns(extra, ids))
    ids, images = _read_folder(pictures)
    if table is None:
        return Items(ids=ids, images=images)
    captions, extra = table
    _require_same_items(ids, list(captions), pictures, texts)
    return Items(
        ids=ids, images=images, texts=[captions[item_id] for item_id in ids], extra=_columns(extra, ids)
    )


def items_from_arrays(
    images: NDArray[Any] | None = None,
    *,
    ids: Sequence[str] | None = None,
    texts: Sequence[str | Sequence[str]] | None = None,
) -> Items:
    """Return the items of arrays; pictures are kept as PNG, without loss.

    Args:
        images: `(n, h, w, 3)` of uint8.
        ids: one per item; the position in the array where it is None.
        texts: one text, or several captions, per item.

    Raises:
        InputError: the array has another shape or type.
    """
    encoded = None
    if images is not None:
        array = np.asarray(images)
        if array.dtype != np.uint8 or array.ndim != 4 or array.shape[3] != 3 or 0 in array.shape[1:3]:
            raise InputError(
                f"pictures: expected uint8 of shape (n, h, w, 3), found {array.dtype} of shape {array.shape}",
                hint="scale to 0..255 and convert with astype('uint8')",
            )
        encoded = [encode_png(pixels) for pixels in array]
    captions = None if texts is None else [[text] if isinstance(text, str) else list(text) for text in texts]
    count = len(encoded if encoded is not None else captions or [])
    return Items(
        ids=[str(item_id) for item_id in ids]
        if ids is not None
        else [f"{number:06d}" for number in range(count)],
        images=encoded,
        texts=captions,
    )


def _read_folder(folder: Path) -> tuple[list[str], list[bytes]]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", hint="give the folder that holds the pictures")
    paths = sorted(
        (path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in SUFFIXES),
        key=lambda path: path.name,
    )
    if not paths:
        raise InputError(
            f"{folder} has no picture",
            hint=f"pictures lie in the folder itself and end in {', '.join(sorted(SUFFIXES))}",
        )
    ids: dict[str, Path] = {}
    for path in paths:
        if path.stem in ids:
            raise InputError(
                f"{ids[path.stem].name} and {path.name} have one name without suffix, which is the item's id",
                hint="rename one of them",
            )
        ids[path.stem] = path
    return list(ids), [path.read_bytes() for path in paths]


_Captions = dict[str, list[str]]
_Extra = dict[str, dict[str, str]]


def _read_table(path: Path) -> tuple[_Captions, _Extra]:
    """Return the captions of every id, and the covariates, of a table."""
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="check the path")
    columns, rows = _parquet_rows(path) if path.suffix.lower() == _PARQUET else _text_rows(path)
    for needed in ("id", "text"):
        if needed not in columns:
            raise InputError(
                f"{path} has no column '{needed}', found {', '.join(columns) or 'none'}",
                hint="name the columns id and text in the first line",
            )
    captions: _Captions = {}
    extra: _Extra = {}
    others = [column for column in columns if column not in ("id", "text")]
    for number, row in enumerate(rows, start=2):
        item_id, text = row.get("id"), row.get("text")
        if item_id is None or text is None or None in row:
            raise InputError(
                f"{path}, line {number}: expected {len(columns)} fields", hint="put fields in quotes"
            )
        if item_id not in captions:
            extra[item_id] = {column: row.get(column) or "" for column in others}
        captions.setdefault(item_id, []).append(text)
    return captions, extra


def _text_rows(path: Path) -> tuple[list[str], list[dict[Any, Any]]]:
    delimiter = _DELIMITERS.get(path.suffix.lower())
    if delimiter is None:
        raise InputError(
            f"{path} is no table that can be read", hint="give a file that ends in .csv, .tsv or .parquet"
        )
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter, strict=True)
            rows = list(reader)
            return list(reader.fieldnames or []), rows
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a table: {error}", hint="save it as UTF-8") from error


def _parquet_rows(path: Path) -> tuple[list[str], list[dict[Any, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}", hint="write the file again") from error
    rows = [
        {name: None if value is None else str(value) for name, value in row.items()}
        for row in table.to_pylist()
    ]
    return list(table.column_names), rows


def _require_same_items(ids: list[str], captioned: list[str], pictures: Path, texts: Path | None) -> None:
    for missing, there, here in (
        (sorted(set(ids) - set(captioned)), texts, pictures),
        (sorted(set(captioned) - set(ids)), pictures, texts),
    ):
        if missing:
            raise InputError(
                f"item '{missing[0]}' of {here} is not in {there} ({len(missing)} such items)",
                hint="pictures and texts must be of the same items: an id is a file name without suffix",
            )


def _columns(extra: _Extra, ids: list[str]) -> dict[str, list[str]]:
    names = list(extra[ids[0]]) if ids else []
    return {name: [extra[item_id][name] for item_id in ids] for name in names}
