"""Files in which a user says which checkpoint each foreign name is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from ingest.score_files.claims import in_message
from ingest.score_files.tables import read_outside, read_table
from registry.errors import InputError, UsageError

THEIRS, OURS, NEAREST = "name", "checkpoint", "suggestion"


def read_name_map(path: Path) -> dict[str, str]:
    """Return the checkpoint of each name in a file with the columns name and checkpoint, where one is given.

    The column `suggestion` is for the reader's eyes and is never used.

    Raises:
        InputError: it is no such table, or says two things about one name.
    """
    table = read_table(read_outside(path))
    for needed in (THEIRS, OURS):
        if needed not in table.columns:
            raise InputError(
                f"{path} has no column '{needed}'", hint="'cavewall score import FILE --write-map' writes one"
            )
    theirs, ours = table.columns.index(THEIRS), table.columns.index(OURS)
    found: dict[str, str] = {}
    for row in table.rows:
        if len(row.cells) != len(table.columns):
            raise InputError(
                f"{path}, line {row.line}: expected {len(table.columns)} cells, found {len(row.cells)}",
                hint="put cells in quotes",
            )
        name, checkpoint = row.cells[theirs].strip(), row.cells[ours].strip()
        if not checkpoint:
            continue
        if found.setdefault(name, checkpoint) != checkpoint:
            raise InputError(
                f"{path}, line {row.line}: '{in_message(name)}' is {found[name]} and {checkpoint}",
                hint="keep one of them",
            )
    return found


def write_name_map(path: Path, names: Iterable[str], nearest: Mapping[str, str]) -> int:
    """Write names for a user to say which checkpoint each is, and return how many; nothing is overwritten.

    Raises:
        UsageError: the file is there already, or cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([THEIRS, OURS, NEAREST])
    rows = [[name, "", nearest.get(name, "")] for name in dict.fromkeys(names)]
    writer.writerows(rows)
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
    except FileExistsError as error:
        raise UsageError(f"{path} exists, and may hold your edits", hint="give another name") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="give another name") from error
    return len(rows)
