"""Files of documents: one text, lines of JSON, or rows of Parquet, read as far as the reader goes."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from registry.errors import InputError

KINDS = (".parquet", ".jsonl", ".jsonl.gz", ".txt", ".txt.gz")
ROWS_AT_A_TIME = 1024


def kind_of(path: Path) -> str:
    """Return which kind of corpus file a name says.

    Raises:
        InputError: none that can be read.
    """
    name = path.name.lower()
    kind = next((kind for kind in KINDS if name.endswith(kind)), None)
    if kind is None:
        raise InputError(f"{path} is no corpus that can be read", hint=f"expected {', '.join(KINDS)}")
    return path.name[-len(kind) :]


def documents_of(path: Path, column: str, *, longest: int | None = None) -> Iterator[str]:
    """Yield the documents of a file in their order.

    Args:
        path: ends in one of `KINDS`.
        column: where the text stands, in JSON and Parquet.
        longest: of a text file, how many characters are enough; all where it is None.

    Raises:
        InputError: the file is broken, or a row has no text.
    """
    kind = kind_of(path).lower()
    if kind == ".parquet":
        yield from _rows(path, column)
        return
    try:
        with _opened(path) as file, TextIOWrapper(file, encoding="utf-8-sig", newline="\n") as text:
            if kind.startswith(".txt"):
                yield text.read(-1 if longest is None else longest)
            else:
                yield from _lines(path, text, column)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: {error.reason}", hint="save it as UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {error}", hint="check the file") from error


def _opened(path: Path) -> IO[bytes]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def _lines(path: Path, file: TextIOWrapper, column: str) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path}, line {number} is not JSON", hint="write one JSON object a line"
            ) from error
        text = row.get(column) if isinstance(row, dict) else None
        yield _text(text, f"{path}, line {number}", column)


def _rows(path: Path, column: str) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            if column not in names:
                raise InputError(
                    f"{path} has no column '{column}', found {', '.join(names[:20]) or 'none'}",
                    hint=f"call the column '{column}'; of a data set of the hub say hf:ID@REVISION:COLUMN",
                )
            number = 0
            for batch in file.iter_batches(ROWS_AT_A_TIME, columns=[column]):
                for value in batch.column(0).to_pylist():
                    number += 1
                    yield _text(value, f"{path}, row {number}", column)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}", hint="write the file again") from error


def _text(value: object, where: str, column: str) -> str:
    if not isinstance(value, str):
        raise InputError(
            f"{where} has no text '{column}', found {value!r:.40}", hint="every document needs a text"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where} holds half a character (a lone surrogate), which has no bytes in UTF-8",
            hint="leave the document out, or write the character whole",
        ) from error
    return value
