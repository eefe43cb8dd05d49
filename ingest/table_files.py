"""Tables from outside: CSV, TSV and Parquet files, as rows of text."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from registry.errors import InputError

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_PARQUET = ".parquet"
_LONGEST_FIELD = 2**27  # characters of one cell; the reader's own bound is 131,072


def read_table(path: Path, needed: tuple[str, str]) -> tuple[list[str], list[dict[str, str | None]]]:
    """Return the names of a table's columns, and its rows; a cell that is null is None.

    Args:
        path: a CSV, TSV or Parquet file.
        needed: columns that must be there, with a value in every row.

    Raises:
        InputError: the file is missing or no table, a column is missing, or a row has too few or too many
            fields.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="check the path")
    columns, rows = _parquet_rows(path) if path.suffix.lower() == _PARQUET else _text_rows(path)
    for name in needed:
        if name not in columns:
            raise InputError(
                f"{path} has no column '{name}', found {', '.join(columns) or 'none'}",
                hint=f"name the columns {' and '.join(needed)} in the first line",
            )
    for number, row in enumerate(rows, start=2):
        if None in row or any(row.get(name) is None for name in needed):
            raise InputError(
                f"{path}, line {number}: expected {len(columns)} fields", hint="put fields in quotes"
            )
    return columns, rows


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
