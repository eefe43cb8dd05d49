"""Bytes from outside as tables of text and as JSON; what cannot be read is refused in one sentence."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.score_files.claims import Gathering, in_message, row_text
from registry.errors import InputError

MOST_BYTES = 2**28
LONGEST_CELL = 10_000
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = {".jsonl", ".ndjson"}
TABLE_SUFFIXES = (*_DELIMITERS, *_JSON_LINES, ".parquet")


@dataclass(frozen=True)
class OutsideFile:
    """A file as it came: what it is called, and its bytes."""

    name: str
    data: bytes

    @property
    def stem(self) -> str:
        """Return its name without folders and without the last suffix."""
        return Path(self.name).stem

    @property
    def suffix(self) -> str:
        """Return the last suffix of its name, in lower case."""
        return Path(self.name).suffix.lower()


@dataclass(frozen=True)
class Row:
    """A row of cells, and the line on which it ends."""

    line: int
    cells: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Rows under named columns."""

    columns: Sequence[str]
    rows: Sequence[Row]


def read_outside(path: Path) -> OutsideFile:
    """Return a file with its bytes.

    Raises:
        InputError: it is missing, no file, empty, or too large.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="check the path")
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise InputError(
                f"{path} has {size:,} bytes, at most {MOST_BYTES:,} are read", hint="split it into parts"
            )
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="check its rights") from error
    if not data.strip():
        raise InputError(f"{path} is empty", hint="write the file again")
    return OutsideFile(str(path), data)


def decoded(file: OutsideFile) -> str:
    """Return the text of a file.

    Raises:
        InputError: it is not UTF-8.
    """
    try:
        return file.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file.name} is not UTF-8: byte {file.data[error.start]:#04x} at position {error.start:,}",
            hint="save it as UTF-8",
        ) from error


def parsed_json(file: OutsideFile) -> Any:
    """Return what a JSON file holds.

    Raises:
        InputError: it is no JSON, or is cut off.
    """
    return _json(file.name, decoded(file))


def raw_rows(file: OutsideFile) -> list[Row]:
    """Return the rows of a CSV or TSV file, its header among them; lines without any text are left out.

    Raises:
        InputError: the file is no table.
    """
    text = decoded(file)
    csv.field_size_limit(MOST_BYTES)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=_DELIMITERS.get(file.suffix, ","), strict=True
    )
    try:
        rows = [Row(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise InputError(
            f"{file.name}, line {reader.line_num}: {error}", hint="write the table again; quote cells"
        ) from error
    if not rows:
        raise InputError(f"{file.name} is empty", hint="write the file again")
    if len(rows[0].cells) == 1 and rows[0].cells[0].count(";") > 1:
        raise InputError(
            f"{file.name}: its columns are separated by ';', expected ','", hint="save it with commas"
        )
    return rows


def read_table(file: OutsideFile) -> Table:
    """Return a CSV, TSV, JSON lines or Parquet file as a table of text; a null is an empty cell.

    Raises:
        InputError: the file is no table, or a column stands in it twice or has no name.
    """
    if file.suffix == ".parquet":
        table = _parquet_table(file)
    elif file.suffix in _JSON_LINES:
        table = _lines_table(file)
    else:
        header, *rows = raw_rows(file)
        table = Table([name.strip() for name in header.cells], rows)
    seen: set[str] = set()
    for position, name in enumerate(table.columns, start=1):
        if not name:
            raise InputError(f"{file.name}: column {position} has no name", hint="name every column")
        if name in seen:
            raise InputError(
                f"{file.name}: the column '{in_message(name)}' stands there twice", hint="rename one of them"
            )
        seen.add(name)
    return table


def named_rows(table: Table, gathering: Gathering) -> list[tuple[Row, dict[str, str]]]:
    """Return the rows as mappings; those with too few or too many cells, or a cell too long, are refused."""
    found = []
    gathering.row_count = len(table.rows)
    for row in table.rows:
        expected, count = len(table.columns), len(row.cells)
        longest = max((len(cell) for cell in row.cells), default=0)
        if count != expected:
            gathering.refuse(row.line, row_text(row.cells), f"expected {expected} cells, found {count}")
        elif longest > LONGEST_CELL:
            gathering.refuse(row.line, row_text(row.cells), f"a cell has {longest:,} characters")
        else:
            found.append((row, dict(zip(table.columns, (cell.strip() for cell in row.cells), strict=True))))
    return found


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        is_cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        what = "ends in the middle" if is_cut else f"is no JSON ({error.msg})"
        raise InputError(f"{name} {what}, at {where}", hint="write or download the file again") from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{name} is no JSON that can be read: it is nested too deeply, or a number is too long",
            hint="write the file again",
        ) from error


def _lines_table(file: OutsideFile) -> Table:
    columns: dict[str, None] = {}
    records: list[tuple[int, Mapping[str, Any]]] = []
    for number, line in enumerate(decoded(file).splitlines(), start=1):
        if not line.strip():
            continue
        record = _json(f"{file.name}, line {number}", line)
        if not isinstance(record, dict):
            raise InputError(
                f"{file.name}, line {number}: expected an object", hint="write one object on each line"
            )
        columns |= dict.fromkeys(record)
        records.append((number, record))
    rows = [Row(number, [_text(record.get(name)) for name in columns]) for number, record in records]
    return Table([name.strip() for name in columns], rows)


def _parquet_table(file: OutsideFile) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(io.BytesIO(file.data))
        groups = (opened.metadata.row_group(index) for index in range(opened.metadata.num_row_groups))
        size = sum(group.total_byte_size for group in groups)
        if size > MOST_BYTES:
            raise InputError(
                f"{file.name} holds {size:,} bytes, at most {MOST_BYTES:,} are read",
                hint="split it into parts",
            )
        table = opened.read()
        columns = [[_text(value) for value in column.to_pylist()] for column in table.columns]
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise InputError(f"{file.name} cannot be read as Parquet", hint="write the file again") from error
    cells = list(zip(*columns, strict=True)) if columns else []
    rows = [Row(number, list(row)) for number, row in enumerate(cells, start=1)]
    return Table([name.strip() for name in table.column_names], rows)


def _text(value: object) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
