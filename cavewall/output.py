"""Results in the form that was asked for: a table for people, JSON or lines for programs, or a file."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cavewall.console import fitted, note, say
from cavewall.rendering import Column, csv_text, json_text, jsonl_text, markdown_text, table_text
from registry.errors import UsageError

FORMATS = ("table", "json", "jsonl", "csv")
SUFFIXES = {
    ".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".md": "md", ".parquet": "parquet", ".txt": "table",
}  # fmt: skip

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Output:
    """Where a result goes, and in which form."""

    form: str = "table"
    path: Path | None = None

    @property
    def is_for_people(self) -> bool:
        """Return whether the result is text that a person reads."""
        return self.form == "table"

    def rows(
        self,
        schema: str,
        rows: Sequence[Row],
        columns: Sequence[Column],
        *,
        footer: str = "",
        empty: str = "nothing here",
        warnings: Sequence[str] = (),
        arrow: Any = None,
    ) -> None:
        """Print rows.

        Args:
            schema: the name of this kind of result, which programs rely on.
            rows: one mapping for each row; JSON keeps every field, a table only those of `columns`.
            columns: what a table shows, in order; CSV, Markdown and Parquet keep all fields of the columns.
            footer: a line under the table, for people.
            empty: what a table says when there are no rows.
            warnings: what the reader must know; on stderr, and inside JSON.
            arrow: the same rows as an Arrow table, where there is one: Parquet keeps its types.
        """
        self.result(
            schema,
            data=[dict(row) for row in rows],
            rows=rows,
            columns=columns,
            text=self._table(rows, columns) or empty,
            footer=footer,
            warnings=warnings,
            arrow=arrow,
        )

    def result(
        self,
        schema: str,
        *,
        data: Any,
        rows: Sequence[Row],
        columns: Sequence[Column],
        text: str,
        footer: str = "",
        warnings: Sequence[str] = (),
        is_one: bool = False,
        arrow: Any = None,
    ) -> None:
        """Print a result that is not just rows.

        Args:
            schema: as in `rows`, like all that is not named here.
            data: what JSON holds.
            rows: what lines, CSV, Markdown and Parquet hold.
            columns: the columns of the sheets.
            text: what people read.
            footer: a line under it.
            warnings: what the reader must know.
            is_one: whether this is one thing, which is one line of `jsonl`, whatever its rows.
            arrow: the rows as an Arrow table.
        """
        for warning in warnings:
            note(f"warning: {warning}")
        if self.form == "parquet":
            self._write_parquet(arrow if arrow is not None else _arrow(rows, columns))
            return
        if self.form == "json":
            text = json_text(schema, data, warnings)
        elif self.form == "jsonl":
            text = jsonl_text([data] if is_one else rows)
        elif self.form == "csv":
            text = csv_text(rows, columns)
        elif self.form == "md":
            text = markdown_text(rows, columns)
        self._print(text)
        if footer and self.is_for_people:
            note(footer)

    def _table(self, rows: Sequence[Row], columns: Sequence[Column]) -> str:
        return table_text(rows, columns) if rows and self.is_for_people else ""

    def _print(self, text: str) -> None:
        if self.path is not None:
            _write(self.path, (text + "\n" if text else "").encode("utf-8"))
        elif text:
            say(fitted(text, sys.stdout))

    def _write_parquet(self, table: Any) -> None:
        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        if self.path is None:  # choose_output gives this form to files alone
            raise UsageError("Parquet needs a file", hint="add -o FILE.parquet")
        _write(self.path, buffer.getvalue())


def _arrow(rows: Sequence[Row], columns: Sequence[Column]) -> Any:
    import pyarrow as pa

    return pa.table({column.key: [row.get(column.key) for row in rows] for column in columns})


def _write(path: Path, content: bytes) -> None:
    """Replace a file as a whole: a reader never sees half of it."""
    beside = path.with_name(f".{path.name}.writing")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(
            f"{path} cannot be written: {error.strerror}", hint="choose another -o FILE"
        ) from error
    note(f"wrote {path}")


def choose_output(form: str | None, path: str | None) -> Output:
    """Return where a result goes, from `--format` and `-o`; `-o -` is stdout.

    Raises:
        UsageError: neither says which form the file has.
    """
    if path is None or path == "-":
        return Output(form or "table")
    target = Path(path)
    known = SUFFIXES.get(target.suffix.lower())
    if form is None and known is None:
        raise UsageError(
            f"the suffix of '{path}' is no form of output",
            hint=f"use one of {' '.join(SUFFIXES)}, or say --format {'|'.join(FORMATS)}",
        )
    return Output(form or known or "table", target)
