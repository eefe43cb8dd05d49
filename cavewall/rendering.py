"""Text made of rows. Pure: nothing is printed here."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from cavewall.console import rich_console

Row = Mapping[str, Any]
Kind = Literal["text", "count", "number", "score", "bytes"]
SCHEMA_VERSION = 1
NOT_APPLICABLE = "–"  # noqa: RUF001
NUMBERS = ("count", "number", "score", "bytes")


@dataclass(frozen=True)
class Column:
    """One column of a table: the field it shows, its heading and how its values read.

    `blank` is what an empty cell says: `–` not applicable, `·` not computed, `✗` failed, `~` floating.
    """

    key: str
    title: str = ""
    kind: Kind = "text"
    blank: str = NOT_APPLICABLE


PLAIN = Column("")


def columns_of(*keys: str) -> list[Column]:
    """Return plain text columns."""
    return [Column(key) for key in keys]


def shown(value: object, column: Column = PLAIN) -> str:
    """Return a value as a table shows it: local time, three decimals of a score, thousands apart."""
    if value is None or (isinstance(value, list | tuple | Mapping) and not value):
        return column.blank
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    if column.kind == "bytes" and isinstance(value, int | float):
        return byte_text(int(value))
    if column.kind == "score" and isinstance(value, int | float):
        return f"{value:.3f}"
    if column.kind == "count" and isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={part}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return str(value)


def byte_text(count: int) -> str:
    """Return a size as people write it: `16.5 MB`."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def plural(count: int, noun: str) -> str:
    """Return a number with its noun: `1 pair`, `1,359 pairs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def counts_text(counts: Mapping[str, int]) -> str:
    """Return 'added 3, unchanged 1, failed 1', without the zeros."""
    parts = [f"{word} {count:,}" for word, count in counts.items() if count]
    return ", ".join(parts) or "nothing to do"


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: UTC times in ISO 8601, and null for what is no finite number."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | Path):
        return str(value)
    if value is None or isinstance(value, str | int | bool):
        return value
    return plain(value.item()) if hasattr(value, "item") else str(value)


def json_text(schema: str, data: object, warnings: Sequence[str]) -> str:
    """Return one JSON object that names the schema of its data."""
    envelope = {
        "schema": f"cavewall/{schema}@{SCHEMA_VERSION}",
        "data": plain(data),
        "warnings": list(warnings),
    }
    return json.dumps(envelope, ensure_ascii=False, allow_nan=False, indent=2)


def jsonl_text(rows: Sequence[Row]) -> str:
    """Return one JSON object a line, one line for each row."""
    return "\n".join(json.dumps(plain(row), ensure_ascii=False, allow_nan=False) for row in rows)


def csv_text(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """Return the columns as CSV; lists and mappings stand as JSON in their cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    for row in rows:
        writer.writerow([cell_text(row.get(column.key)) for column in columns])
    return buffer.getvalue().rstrip("\n")


def cell_text(value: object) -> str:
    """Return a value as one cell of a sheet: nothing for null, JSON for what has parts."""
    value = plain(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def markdown_text(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """Return a Markdown table."""
    lines = [
        "| " + " | ".join(column.title or column.key for column in columns) + " |",
        "|" + "|".join("---:" if column.kind in NUMBERS else "---" for column in columns) + "|",
    ]
    for row in rows:
        cells = (
            shown(row.get(column.key), column).replace("|", "\\|").replace("\n", " ") for column in columns
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def details_text(data: Row) -> tuple[str, list[dict[str, str]], list[Column]]:
    """Return everything about one thing: as lines for people, and as rows of a field and a value."""
    width = max(len(key) for key in data)
    simple = [(key, value) for key, value in data.items() if not _is_records(value)]
    lines = [f"{key:<{width}}  {shown(value)}" for key, value in simple]
    for key, records in data.items():
        if _is_records(records):
            lines += ["", f"{key}:", table_text(records, columns_of(*records[0]))]
    rows = [{"field": key, "value": cell_text(value)} for key, value in data.items()]
    return "\n".join(lines), rows, columns_of("field", "value")


def _is_records(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def table_text(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """Return an aligned table, as wide as stdout allows; where stdout is no terminal nothing is cut."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(
            column.title or column.key,
            justify="right" if column.kind in NUMBERS else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in rows:
        table.add_row(*(shown(row.get(column.key), column) for column in columns))
    console = rich_console(sys.stdout)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())
