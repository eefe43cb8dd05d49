"""Which columns of a table make the items of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.table_files import FileTable
from registry.errors import InputError, UsageError
from registry.items import GROUP_ID
from registry.lookup import nearest

ID_COLUMN = "id"
TEXT_COLUMNS = ("text", "texts", "caption", "captions")
IMAGE_COLUMNS = ("image", "images", "file_name")


@dataclass(frozen=True)
class Choice:
    """Which columns make the items, which of these are taken, and in what order.

    Attributes:
        id: the column of ids; `id` where it is None, else the path of the picture, else the row number.
        texts: the columns of texts, one caption each; where there are none, `text` or `caption`.
        image: the column of pictures; where it is None, `image`, `images` or `file_name`.
        group: the column of groups; where it is None, `group_id`, if there is one.
        covariates: the columns that are kept beside; where it is None, all others that hold one plain value.
        sort: a column to sort by, as text; where it is None, the order is that of the file.
        limit: how many items, from the first; all where it is None.
    """

    id: str | None = None
    texts: tuple[str, ...] = ()
    image: str | None = None
    group: str | None = None
    covariates: tuple[str, ...] | None = None
    sort: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Roles:
    """What every column that is used is used for."""

    id: str | None
    texts: tuple[str, ...]
    image: str | None
    group: str | None
    covariates: tuple[str, ...]


def roles_of(table: FileTable, choice: Choice) -> Roles:
    """Return what each column of a table is used for.

    Raises:
        InputError: a column is missing, what is meant is not clear, or columns are not equally long.
        UsageError: one column is asked for two things.
    """
    asked = [choice.id, choice.image, choice.group, choice.sort, *choice.texts, *(choice.covariates or ())]
    for name in asked:
        if name is not None and name not in table.lengths:
            raise InputError(
                f"{table.source} has no column '{name}', found {', '.join(table.names) or 'none'}",
                hint=nearest(name, table.names) or "name a column of the file",
            )
    taken = [name for name in (choice.id, choice.image, choice.group, *choice.texts) if name is not None]
    for name in taken:
        if taken.count(name) > 1 and not (name == choice.id == choice.image):
            raise UsageError(f"the column '{name}' is asked for twice", hint="give each column one meaning")
    free = [name for name in table.names if name not in taken and name not in (choice.covariates or ())]
    image = choice.image or _only(table, free, IMAGE_COLUMNS, "--image-column")
    texts = choice.texts or tuple(filter(None, [_only(table, free, TEXT_COLUMNS, "--text-column")]))
    if image is None and not texts:
        split = "; its columns are not parted by commas" if table.names and ";" in table.names[0] else ""
        raise InputError(
            f"{table.source} has no column of texts or pictures, "
            f"found {', '.join(table.names) or 'none'}{split}",
            hint="name one with --text-column or --image-column",
        )
    item_id = choice.id or (ID_COLUMN if ID_COLUMN in free else None)
    group = choice.group or (GROUP_ID if GROUP_ID in free else None)
    used = {item_id, image, group, *texts}
    length = table.lengths[image or texts[0]]
    covariates = choice.covariates
    if covariates is None:
        covariates = tuple(
            name
            for name in table.names
            if name not in used and name in table.plain and table.lengths[name] == length
        )
    return Roles(item_id, texts, image, group, covariates)


def _only(table: FileTable, free: Sequence[str], usual: Sequence[str], wish: str) -> str | None:
    found = [name for name in usual if name in free]
    if len(found) > 1:
        raise InputError(
            f"{table.source} has the columns {' and '.join(found)}: which is meant is not clear",
            hint=f"say which with {wish}",
        )
    return found[0] if found else None


def unused(table: FileTable, roles: Roles) -> list[str]:
    """Return the columns that have no use."""
    used = {roles.id, roles.image, roles.group, *roles.texts, *roles.covariates}
    return [name for name in table.names if name not in used]


def row_count(table: FileTable, roles: Roles) -> int:
    """Return how many rows the columns in use have.

    Raises:
        InputError: they are not equally long.
    """
    names = [name for name in (roles.image, *roles.texts, roles.id, roles.group, *roles.covariates) if name]
    count = table.lengths[names[0]]
    for name in names:
        if table.lengths[name] != count:
            raise InputError(
                f"{table.source}: '{name}' has {table.lengths[name]} values, '{names[0]}' has {count}",
                hint="columns of one data set are equally long",
            )
    return count
