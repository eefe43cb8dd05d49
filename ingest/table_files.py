"""Tables from outside: CSV, TSV, JSON Lines and Parquet files, column by column."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from registry.errors import InputError

Reader = Callable[[str, int | None], list[Any]]
FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_DELIMITERS = {"csv": ",", "tsv": "\t"}
_LONGEST_FIELD = 2**27  # characters of one cell; the reader's own bound is 131,072
_BATCH = 1024  # rows of a Parquet file in memory beside the list of their cells
_SEPARATE = "name every column, and no two alike"


@dataclass(frozen=True)
class FileTable:
    """The columns of a file, read when they are asked for.

    Attributes:
        source: the file, as messages name it.
        folder: where the paths of pictures begin.
        lengths: how many values each column has, in the order of the file; only arrays differ in it.
        plain: the columns that hold one plain value an item, and can be covariates.
        reader: returns the values of a column, at most so many; a cell without a value is None.
        lines: the line of every row, where the file has lines.
    """

    source: str
    folder: Path
    lengths: dict[str, int]
    plain: frozenset[str]
    reader: Reader
    lines: Sequence[int] | None = None

    @property
    def names(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.lengths)

    def place(self, row: int) -> str:
        """Return where a row stands, as a message says it."""
        if self.lines is not None:
            return f"{self.source}, line {self.lines[row]}"
        return f"{self.source}, row {row + 1}"


def open_table(path: Path, form: str | None = None) -> FileTable:
    """Return the columns of a file.

    Args:
        path: a CSV, TSV, JSON Lines or Parquet file.
        form: `csv`, `tsv`, `jsonl` or `parquet`; the suffix says it where it is None.

    Raises:
        InputError: the file is missing or no table, a column has no name or two have one, or a row has too
            few or too many fields.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="check the path")
    chosen = form or FORMATS.get(path.suffix.lower())
    if chosen == "parquet":
        return _parquet_table(path)
    if chosen == "jsonl":
        return _json_table(path)
    if chosen in _DELIMITERS:
        return _text_table(path, _DELIMITERS[chosen])
    raise InputError(
        f"{path} is no table that can be read", hint=f"give a file that ends in {', '.join(FORMATS)}"
    )


def read_table(path: Path, needed: tuple[str, str]) -> tuple[list[str], list[dict[str, str | None]]]:
    """Return the names of a table's columns, and its rows as text; a cell that is null is None.

    Args:
        path: a CSV, TSV, JSON Lines or Parquet file.
        needed: columns that must be there, with a value in every row.

    Raises:
        InputError: the file is missing or no table, a column is missing, or a row has too few or too many
            fields.
    """
    table = open_table(path)
    for name in needed:
        if name not in table.lengths:
            raise InputError(
                f"{path} has no column '{name}', found {', '.join(table.names) or 'none'}",
                hint=f"name the columns {' and '.join(needed)} in the first line",
            )
    cells = {name: table.reader(name, None) for name in table.names}
    for name in needed:
        if None in cells[name]:
            where = table.place(cells[name].index(None))
            raise InputError(f"{where}: nothing in the column '{name}'", hint="give every row a value")
    texts = {name: [None if cell is None else str(cell) for cell in column] for name, column in cells.items()}
    rows = [dict(zip(texts, row, strict=True)) for row in zip(*texts.values(), strict=True)]
    return table.names, rows


def require_names(names: Sequence[Any], source: str) -> None:
    """Refuse columns without a name, or of one name.

    Raises:
        InputError: there are such.
    """
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{source}: column {position} has no name", hint=_SEPARATE)
        if name in seen:
            raise InputError(f"{source} has the column '{name}' twice", hint=_SEPARATE)
        seen.add(name)


def read_utf8(path: Path) -> str:
    """Return the text of a file, without a byte order mark.

    Raises:
        InputError: it cannot be read, or is no UTF-8: the message says in which line.
    """
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path} cannot be read as a table: line {line} is not UTF-8 "
            f"(byte 0x{data[error.start]:02x}: {error.reason})",
            hint="save it as UTF-8",
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}", hint="check the file") from error


def _text_table(path: Path, delimiter: str) -> FileTable:
    text = read_utf8(path)
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, lines, line = [], [], 1
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path} cannot be read as a table: line {line}: {error}",
            hint="put fields in quotes, and close every quote",
        ) from error
    header = rows[0] if rows else []
    require_names(header, str(path))
    for row, number in zip(rows[1:], lines[1:], strict=True):
        if len(row) != len(header):
            raise InputError(
                f"{path}, line {number}: expected {len(header)} fields, found {len(row)}",
                hint="put fields in quotes",
            )
    columns = {name: [row[position] for row in rows[1:]] for position, name in enumerate(header)}
    return _table_of(path, columns, lines[1:])


def _json_table(path: Path) -> FileTable:
    objects: list[dict[str, Any]] = []
    lines = []
    for number, line in enumerate(read_utf8(path).split("\n"), start=1):
        if line.strip():
            objects.append(_json_object(line, f"{path}, line {number}"))
            lines.append(number)
    names = list(dict.fromkeys(name for row in objects for name in row))
    require_names(names, str(path))
    return _table_of(path, {name: [row.get(name) for row in objects] for name in names}, lines)


def _json_object(line: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{where} is no JSON object: {error}", hint="write one whole object a line, and null for nothing"
        ) from error
    if not isinstance(value, dict):
        raise InputError(
            f"{where} is no JSON object, found {type(value).__name__}", hint="write one object a line"
        )
    return value


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _table_of(path: Path, columns: dict[str, list[Any]], lines: list[int]) -> FileTable:
    plain = frozenset(
        name for name, column in columns.items() if not any(isinstance(cell, list | dict) for cell in column)
    )
    lengths = {name: len(column) for name, column in columns.items()}
    return FileTable(str(path), path.parent, lengths, plain, lambda name, limit: columns[name][:limit], lines)


def _parquet_table(path: Path) -> FileTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def broken(error: BaseException) -> InputError:
        return InputError(f"{path} cannot be read as Parquet: {error}", hint="write the file again")

    # Texts that are no UTF-8 and moments beyond the calendar show when values become Python's.
    causes = (pa.ArrowException, OSError, ValueError, OverflowError, KeyError)
    try:
        with pq.ParquetFile(path) as file:
            schema, count = file.schema_arrow, file.metadata.num_rows
    except causes as error:
        raise broken(error) from error
    require_names(schema.names, str(path))

    def read(name: str, limit: int | None) -> list[Any]:
        cells: list[Any] = []
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=min(limit or _BATCH, _BATCH), columns=[name]):
                    column = batch.column(batch.schema.get_field_index(name))
                    cells += [_without_nan(cell) for cell in column.to_pylist()]
                    if limit is not None and len(cells) >= limit:
                        return cells[:limit]
        except causes as error:
            raise broken(error) from error
        return cells

    plain = frozenset(field.name for field in schema if _is_plain(field.type))
    return FileTable(str(path), path.parent, dict.fromkeys(schema.names, count), plain, read)


def _without_nan(cell: Any) -> Any:
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def _is_plain(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
        pa.types.is_temporal,
        pa.types.is_decimal,
    )
    return any(test(kind) for test in tests)
