"""The public views: one definition each, for the sandbox and for the `views.sql` beside a manifest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import duckdb

from analysis.exports import LAYER_GRID, stored_schemas
from analysis.functions import function_statements

# In an order in which each finds those it is made of.
VIEWS = (
    "checkpoints",
    "datasets",
    "exclusions",
    "embeddings",
    "layer_stats",
    "benchmarks",
    "scores",
    "targets",
    "alignment",
    "alignment_both",
    "layer_alignment",
    "external_alignments",
    "coverage",
    "runs",
    "changes",
)

_COLUMN = re.compile(r"^-- (?P<name>[a-z0-9_]+): (?P<meaning>.+)$")

_HEADER = """\
-- The public views of one snapshot, for any DuckDB. Its files are named relative to the store's folder, so
-- either work there:                 cd STORE && duckdb -init manifests/NUMBER.views.sql
-- or, from anywhere, say first:      SET file_search_path = 'STORE';
-- Times are UTC; SET TimeZone = 'UTC' shows them so.
"""


@dataclass(frozen=True)
class ViewColumn:
    """One column of a public view."""

    view: str
    column: str
    type: str
    meaning: str


@cache
def definition(view: str) -> str:
    """Return the SELECT that a public view is, with the comment that describes it."""
    return files("analysis").joinpath("sql", "views", f"{view}.sql").read_text(encoding="utf-8")


def create_statements() -> list[str]:
    """Return the statements that create all public views over the stored tables, `stored_<table>`."""
    return [f"CREATE VIEW {view} AS\n{definition(view)}" for view in VIEWS]


def views_sql(uris: Mapping[str, Sequence[str]]) -> str:
    """Return the text that creates a snapshot's public views, and the query functions, in any DuckDB.

    Args:
        uris: the snapshot's files by table, each relative to the store.
    """
    stored = [_stored(table, files_) for table, files_ in sorted(uris.items())]
    statements = [*stored, *create_statements(), *function_statements()]
    return "\n".join([_HEADER, *(f"{statement.rstrip()};\n" for statement in statements)])


def question(view: str) -> str:
    """Return what a public view answers, the first line of its comment."""
    return definition(view).splitlines()[0].removeprefix("-- ")


def describe_views() -> list[ViewColumn]:
    """Return every column of the public views, with its type and what it means."""
    return [
        ViewColumn(view, column, type_, meanings(definition(view))[column])
        for view, columns in _types().items()
        for column, type_ in columns
    ]


def meanings(text: str) -> dict[str, str]:
    """Return what the opening comment of an SQL file says about each column, in its order."""
    opening = text[: text.upper().find("\nSELECT")].splitlines()
    matches = (_COLUMN.match(line) for line in opening)
    return {match["name"]: match["meaning"] for match in matches if match}


def _types() -> dict[str, list[tuple[str, str]]]:
    """Return the columns of the views over empty tables, as DuckDB types them."""
    with duckdb.connect() as connection:
        for table, schema in stored_schemas().items():
            connection.register(f"stored_{table}", schema.empty_table())
        for statement in create_statements():
            connection.execute(statement)
        return {
            view: [row[:2] for row in connection.execute(f"DESCRIBE {view}").fetchall()] for view in VIEWS
        }


def _stored(table: str, uris: Sequence[str]) -> str:
    """Return the statement that reads a table; layer grids stay as written, some with fewer columns."""
    created = f"CREATE VIEW stored_{table} AS\nSELECT * FROM read_parquet([\n{_listed(uris)}\n]"
    if table != LAYER_GRID:
        return f"{created})"
    columns = ", ".join(f"NULL::{type_} AS {name}" for name, type_ in _grid_columns())
    return f"{created}, union_by_name = true)\nUNION ALL BY NAME\nSELECT {columns} WHERE FALSE"


@cache
def _grid_columns() -> list[tuple[str, str]]:
    with duckdb.connect() as connection:
        connection.register(LAYER_GRID, stored_schemas()[LAYER_GRID].empty_table())
        return [row[:2] for row in connection.execute(f"DESCRIBE {LAYER_GRID}").fetchall()]


def _listed(uris: Sequence[str]) -> str:
    return ",\n".join("    '" + uri.replace("'", "''") + "'" for uri in uris)
