"""Small tables as Parquet files, named by content: the same rows give the same file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Select, Table, select
from sqlalchemy.orm import Session

from analysis.arrow_types import LAYER_GRID_SCHEMA, arrow_schema, arrow_table
from analysis.manifests import FileEntry
from registry.store import Store
from registry.tables import Alignment, HostRate, Part, Run, Snapshot
from registry.tables import Table as Mapped

LAYER_GRID = "layer_grid"
ALIGNMENT = Alignment.__tablename__
SNAPSHOT_RUN = "snapshot"


def small_tables() -> list[Table]:
    """Return the tables that are written whole.

    That is all but the alignment, the list of snapshots itself, and the rates of hosts: no view shows these,
    and every run changes them.
    """
    left_out = {ALIGNMENT, Snapshot.__tablename__, HostRate.__tablename__}
    return [table for name, table in sorted(Mapped.metadata.tables.items()) if name not in left_out]


def stored_schemas() -> dict[str, pa.Schema]:
    """Return the columns of everything that a snapshot holds, by table."""
    schemas = {table.name: arrow_schema(table) for table in small_tables()}
    alignment = Mapped.metadata.tables[ALIGNMENT]
    return {**schemas, ALIGNMENT: arrow_schema(alignment), LAYER_GRID: LAYER_GRID_SCHEMA}


def write_table(session: Session, store: Store, table: Table) -> FileEntry:
    """Write all rows of a small table, in the order of their key, and return the file's entry.

    Runs that only made snapshots are left out: they change nothing that a snapshot shows, and the one that
    is under way would make every snapshot differ from the last.
    """
    statement: Select[tuple[object, ...]] = select(table).order_by(*table.primary_key.columns)
    if table.name == Run.__tablename__:
        statement = statement.where(table.c.kind != SNAPSHOT_RUN)
    rows = arrow_table(table, session.execute(statement).all())
    return write_parquet(store, table.name, rows.schema, [rows])


def write_parquet(store: Store, name: str, schema: pa.Schema, pieces: Iterable[pa.Table]) -> FileEntry:
    """Write a table piece by piece into `parts/<name>` and return the file's entry."""
    counts: list[int] = []
    stored = store.write(f"parts/{name}", ".parquet", _writer(schema, pieces, counts))
    return FileEntry(stored.uri, stored.sha256, sum(counts))


def write_empty(store: Store, name: str) -> FileEntry:
    """Write a file that has a table's columns and no row, so that a table without files keeps its types."""
    return write_parquet(store, name, stored_schemas()[name], [])


def layer_grids(session: Session, store: Store) -> tuple[FileEntry, ...]:
    """Return an entry for every layer-grid file that the engine has written; the files stay as they are."""
    statement = select(Part.uri, Part.sha256, Part.row_count).where(Part.kind == LAYER_GRID).order_by(Part.id)
    entries = tuple(FileEntry(*row) for row in session.execute(statement))
    return entries or (write_empty(store, LAYER_GRID),)


def _writer(schema: pa.Schema, pieces: Iterable[pa.Table], counts: list[int]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with pq.ParquetWriter(path, schema, compression="zstd") as file:
            for piece in pieces:
                counts.append(piece.num_rows)
                file.write_table(piece)

    return write
