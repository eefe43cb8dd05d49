"""Folders of pictures, plain or with a table of metadata, as columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ingest.items_from_columns import Choice
from ingest.pictures import SUFFIXES
from ingest.table_files import FileTable, open_table
from registry.errors import InputError
from registry.lookup import nearest

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
FILE_NAME, FOLDER = "file_name", "folder"


def metadata_of(folder: Path) -> Path | None:
    """Return the table that describes a folder's pictures, or None if there is none.

    Raises:
        InputError: there are two.
    """
    found = [folder / name for name in METADATA if (folder / name).is_file()]
    if len(found) > 1:
        raise InputError(
            f"{folder} has {found[0].name} and {found[1].name}: which describes the pictures is not clear",
            hint="give one of them with --from, or move one away",
        )
    return found[0] if found else None


def pictures_below(folder: Path) -> list[str]:
    """Return the paths of all pictures in a folder and below it, sorted; hidden ones are passed over.

    Raises:
        InputError: there is no such folder, or no picture.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", hint="give the folder that holds the pictures")
    found = [
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]
    paths = sorted(path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))
    if not paths:
        raise InputError(f"{folder} has no picture", hint=f"pictures end in {', '.join(sorted(SUFFIXES))}")
    return paths


def open_folder(folder: Path) -> FileTable:
    """Return a folder's pictures as the column `file_name`, and `folder`, in which each of them lies.

    Raises:
        InputError: there is no such folder, or no picture.
    """
    paths = pictures_below(folder)
    columns = {FILE_NAME: paths, FOLDER: [Path(path).parent.as_posix() for path in paths]}

    def read(name: str, limit: int | None) -> list[Any]:
        return list(columns[name][:limit])

    return FileTable(str(folder), folder, dict.fromkeys(columns, len(paths)), frozenset(), read)


def open_metadata(path: Path) -> tuple[FileTable, list[str]]:
    """Return the rows of a folder's metadata, and a note where the folder has pictures beside them.

    Raises:
        InputError: the table cannot be read, or has no column `file_name`.
    """
    table = open_table(path)
    if FILE_NAME not in table.lengths:
        raise InputError(
            f"{path} has no column '{FILE_NAME}', found {', '.join(table.names) or 'none'}",
            hint=nearest(FILE_NAME, table.names) or "name the column of the pictures' paths so",
        )
    named = {str(cell) for cell in table.reader(FILE_NAME, None)}
    beside = [name for name in pictures_below(path.parent) if name not in named]
    if not beside:
        return table, []
    return table, [f"{len(beside)} pictures are not in {path.name}, and left out: first {beside[0]}"]


def choice_for_folder(choice: Choice) -> Choice:
    """Return a choice of columns for a plain folder: no covariates, unless they are asked for."""
    return replace(choice, covariates=choice.covariates or ())
