"""Items from the columns of a table, whatever file holds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from ingest.items_from_cells import Columns, Rows, covariates_of, groups_of, images_of, texts_of
from ingest.items_from_columns import ID_COLUMN, Choice, Roles, roles_of, row_count, unused
from ingest.table_files import FileTable
from registry.errors import InputError, UsageError
from registry.items import Items


@dataclass(frozen=True)
class ReadItems:
    """Items, and what a reader of the file wants to know about them."""

    items: Items
    notes: tuple[str, ...] = ()


def items_of_table(table: FileTable, choice: Choice) -> ReadItems:
    """Return the items of a table's rows, in their order; an id in several rows has several captions.

    Raises:
        InputError: a column is missing or of another length, a cell is empty or not what it should be, a
            picture is not there, or an id stands in two rows that are not captions of one item.
        UsageError: no item is asked for, or one column for two things.
    """
    if choice.limit is not None and choice.limit < 2:
        raise UsageError(f"expected at least 2 items, asked for {choice.limit}", hint="give --n 2 or more")
    roles = roles_of(table, choice)
    count = row_count(table, roles)
    # Only where every row is an item of its own do the first n rows make the first n items.
    is_numbered = roles.id is None and choice.sort is None and not _has_paths(table, roles)
    limit = choice.limit if is_numbered else None
    reader = Columns(table, limit)
    ids, notes = _ids(reader, roles, min(count, limit or count))
    rows = _rows_of_items(ids, reader, choice)
    _require_captions(rows, table, roles)
    extra, differing = covariates_of(reader, roles.covariates, rows)
    if differing:
        notes.append(
            f"{differing} items have rows whose covariates differ: each keeps those of its first row"
        )
    skipped = unused(table, roles) if choice.covariates is None else []
    if skipped:
        notes.append(f"left out, not one plain value an item: {', '.join(skipped)}")
    items = Items(
        ids=list(rows),
        images=None if roles.image is None else images_of(reader, roles.image, rows),
        texts=texts_of(reader, roles.texts, rows) if roles.texts else None,
        group_ids=None if roles.group is None else groups_of(reader, roles.group, rows),
        extra=extra,
    )
    return ReadItems(items, tuple(notes))


def _has_paths(table: FileTable, roles: Roles) -> bool:
    if roles.image is None:
        return False
    first = table.reader(roles.image, 1)
    return bool(first) and isinstance(first[0], str)


def _ids(reader: Columns, roles: Roles, count: int) -> tuple[list[str], list[str]]:
    if roles.id is not None:
        return [reader.text(roles.id, row) for row in range(count)], []
    if roles.image is not None and count and isinstance(reader.cells(roles.image)[0], str):
        names = [reader.text(roles.image, row) for row in range(count)]
        stems = [
            str(PurePosixPath(name).with_suffix("")) if PurePosixPath(name).name else name for name in names
        ]
        return _require_one_file_each(stems, names, reader.table), []
    near = [name for name in reader.table.names if name.casefold() == ID_COLUMN]
    if near:
        raise InputError(
            f"{reader.table.source} has no column '{ID_COLUMN}'",
            hint=f"did you mean {near[0]} ? say so with --id-column {near[0]}",
        )
    width = max(6, len(str(count - 1)))
    return [f"{row:0{width}d}" for row in range(count)], ["ids are row numbers: no column of ids was named"]


def _require_one_file_each(stems: list[str], names: list[str], table: FileTable) -> list[str]:
    first: dict[str, str] = {}
    for stem, name in zip(stems, names, strict=True):
        if first.setdefault(stem, name) != name:
            raise InputError(
                f"{table.source}: {first[stem]} and {name} have one name without suffix, which is the id",
                hint="rename one of them, or name a column of ids with --id-column",
            )
    return stems


def _rows_of_items(ids: list[str], reader: Columns, choice: Choice) -> Rows:
    rows: Rows = {}
    for row, item_id in enumerate(ids):
        rows.setdefault(item_id, []).append(row)
    order = list(rows)
    if choice.sort is not None:
        name = choice.sort
        order.sort(key=lambda item_id: reader.text(name, rows[item_id][0], may_be_empty=True))
    if choice.limit is not None and choice.limit > len(order):
        raise InputError(
            f"{reader.table.source} has {len(order)} items, asked for {choice.limit}", hint="lower --n"
        )
    return {item_id: rows[item_id] for item_id in order[: choice.limit]}


def _require_captions(rows: Rows, table: FileTable, roles: Roles) -> None:
    for item_id, its in rows.items():
        if len(its) > 1 and not roles.texts:
            raise InputError(
                f"{table.place(its[1])}: the id '{item_id}' stands there again",
                hint="give every item an id of its own, or name the column of its captions",
            )
