"""Items from what a user has: a folder of pictures, a table of texts, arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.pictures import SUFFIXES, encode_png
from ingest.table_files import read_table
from registry.errors import InputError
from registry.items import GROUP_ID, Items
from registry.lookup import nearest


@dataclass(frozen=True)
class _Table:
    """Items of a table of texts in its order, with what stands beside the texts in an item's first row."""

    captions: dict[str, list[str]]
    groups: dict[str, str] | None
    extra: dict[str, dict[str, str]]

    def items(self, ids: list[str], images: list[bytes] | None = None) -> Items:
        """Return the items of some ids, in their order."""
        names = list(self.extra[ids[0]]) if ids else []
        return Items(
            ids=ids,
            images=images,
            texts=[self.captions[item_id] for item_id in ids],
            group_ids=None if self.groups is None else [self.groups[item_id] for item_id in ids],
            extra={name: [self.extra[item_id][name] for item_id in ids] for name in names},
        )


def items_from_files(
    pictures: Path | None = None, texts: Path | None = None, *, groups: str | None = None
) -> Items:
    """Return the items of a folder of pictures, a table of texts, or both.

    With pictures, the items are the files of the folder, sorted by name; an id is a file name without its
    suffix, and the bytes are kept as they are. Without, the items come in the order of the table.

    Args:
        pictures: a folder.
        texts: a CSV, TSV or Parquet file with the columns `id` and `text`. An id in several rows has several
            captions. Other columns are kept as covariates, from an item's first row.
        groups: the column of that table which says what group an item belongs to; where it is None, a column
            `group_id` does, if there is one.

    Raises:
        InputError: a file is missing or is no table, pictures and texts are not of the same items, or there
            is no such column of groups, or an item has none.
    """
    if pictures is None and texts is None:
        raise InputError(
            "a data set needs items",
            hint="name a source with --from, or give a folder of pictures, a table of texts, or both",
        )
    if groups is not None and texts is None:
        raise InputError(
            f"the groups '{groups}' need a table of texts", hint="give the table that has the column"
        )
    ids, images = ([], None) if pictures is None else _read_folder(pictures)
    if texts is None:
        return Items(ids=ids, images=images)
    table = _read_texts(texts, groups)
    if pictures is None:
        return table.items(list(table.captions))
    _require_same_items(ids, list(table.captions), pictures, texts)
    return table.items(ids, images)


def items_from_arrays(
    images: NDArray[Any] | Sequence[Any] | None = None,
    *,
    ids: Sequence[str] | None = None,
    texts: Sequence[str | Sequence[str]] | None = None,
    groups: Sequence[object] | None = None,
    covariates: Mapping[str, Sequence[object]] | None = None,
) -> Items:
    """Return the items of arrays; pictures are kept as PNG, without loss.

    Args:
        images: `(n, h, w, 3)` of uint8, or a sequence of `(h, w, 3)`; encoded pictures stay as they are.
        ids: one per item; the position in the array where it is None.
        texts: one text, or several captions, per item.
        groups: the group of every item.
        covariates: what is kept beside, by name: one value per item, kept as text.

    Raises:
        InputError: an array has another shape or type, or a text is none.
    """
    encoded = None if images is None else _encoded(images)
    captions = None if texts is None else [_captions(text, row) for row, text in enumerate(texts)]
    count = len(encoded if encoded is not None else captions or [])
    return Items(
        ids=[str(item_id) for item_id in ids]
        if ids is not None
        else [f"{number:06d}" for number in range(count)],
        images=encoded,
        texts=captions,
        group_ids=None if groups is None else [str(group) for group in groups],
        extra={name: [str(value) for value in values] for name, values in (covariates or {}).items()},
    )


def _encoded(images: NDArray[Any] | Sequence[Any]) -> list[bytes]:
    if isinstance(images, np.ndarray):
        _require_pixels(images, 4, "(n, h, w, 3)")
        return [encode_png(pixels) for pixels in images]
    encoded = []
    for picture in images:
        if isinstance(picture, bytes):
            encoded.append(picture)
        else:
            pixels = np.asarray(picture)
            _require_pixels(pixels, 3, "(h, w, 3)")
            encoded.append(encode_png(pixels))
    return encoded


def _require_pixels(array: NDArray[Any], dimensions: int, shape: str) -> None:
    if array.dtype != np.uint8 or array.ndim != dimensions or array.shape[-1] != 3 or 0 in array.shape[-3:]:
        raise InputError(
            f"pictures: expected uint8 of shape {shape}, found {array.dtype} of shape {array.shape}",
            hint="scale to 0..255 and convert with astype('uint8')",
        )


def _captions(texts: str | Sequence[str], row: int) -> list[str]:
    captions = [texts] if isinstance(texts, str) else list(texts) if isinstance(texts, Iterable) else [texts]
    for caption in captions:
        if not isinstance(caption, str):
            raise InputError(
                f"texts: item {row} has {caption!r}, expected text", hint="give one text, or a list, per item"
            )
    return captions


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


def _read_texts(path: Path, groups: str | None) -> _Table:
    """Return the captions, the group and the covariates of every id of a table."""
    columns, rows = read_table(path, ("id", "text"))
    group = _group_column(path, columns, groups)
    others = [column for column in columns if column not in ("id", "text", group)]
    table = _Table({}, None if group is None else {}, {})
    for row in rows:
        item_id = row["id"] or ""
        if item_id not in table.captions:
            table.extra[item_id] = {column: row.get(column) or "" for column in others}
        table.captions.setdefault(item_id, []).append(row["text"] or "")
        if table.groups is not None:
            _keep_group(table.groups, item_id, row.get(str(group)) or "", path)
    return table


def _keep_group(groups: dict[str, str], item_id: str, group: str, path: Path) -> None:
    if not group:
        raise InputError(f"{path}: item '{item_id}' has no group", hint="give every item a group of its own")
    if groups.setdefault(item_id, group) != group:
        raise InputError(
            f"{path}: item '{item_id}' is in the groups '{groups[item_id]}' and '{group}'",
            hint="an item belongs to one group",
        )


def _group_column(path: Path, columns: list[str], asked: str | None) -> str | None:
    if asked is None:
        return GROUP_ID if GROUP_ID in columns else None
    others = [column for column in columns if column not in ("id", "text")]
    if asked not in others:
        raise InputError(
            f"{path} has no column '{asked}' for groups, found {', '.join(others) or 'none'}",
            hint=nearest(asked, others) or "name a column of the table",
        )
    if asked != GROUP_ID and GROUP_ID in columns:
        raise InputError(
            f"{path} has a column '{GROUP_ID}', and '{asked}' is to be the groups",
            hint=f"rename the column '{GROUP_ID}', or leave --groups out",
        )
    return asked


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
