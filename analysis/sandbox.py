"""SQL that cannot reach the machine: a DuckDB connection that sees a snapshot's rows and no file.

The safety lies in the connection: after the views are made, access to anything outside is switched off and
the configuration is locked. The check that a statement is a question is there for the sake of its message.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as pads

from analysis.exports import stored_schemas
from analysis.functions import function_statements
from analysis.manifests import FileEntry, Manifest
from analysis.views import create_statements
from registry.errors import DatabaseError, StoreError, UsageError
from registry.store import Store

# A PIVOT over values that have to be looked up first reads as several statements.
QUESTIONS = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI})


@dataclass(frozen=True)
class Limits:
    """What one query may take: seconds (None is as long as it likes), memory as DuckDB writes it, threads."""

    seconds: float | None = 10.0
    memory: str = "512MB"
    threads: int = 1


DEFAULT_LIMITS = Limits()


class Sandbox:
    """A locked connection on one snapshot."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, manifest: Manifest, limits: Limits) -> None:
        self.connection = connection
        self.manifest = manifest
        self.limits = limits

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Return the rows of one question, as `answer` does."""
        return answer(self.connection, sql, parameters, limits=self.limits)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def answer(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> pa.Table:
    """Return the rows of one question, asked on a locked connection.

    Args:
        connection: where to ask.
        sql: one EXPLAIN, or one SELECT in any of DuckDB's forms (FROM, WITH, VALUES, PIVOT, DESCRIBE).
        parameters: values for `$name` in it.
        limits: what it may take.

    Raises:
        UsageError: it is not one question, DuckDB refuses it, or a parameter is missing or unknown.
        DatabaseError: it took longer, or more memory, than the limits allow.
    """
    with translated(limits):
        check_question(connection, sql)
        with _interrupted_after(connection, limits.seconds):
            relation = connection.sql(sql, params=dict(parameters) if parameters else None)
            return relation.to_arrow_table()


@contextmanager
def open_sandbox(store: Store, manifest: Manifest, limits: Limits = DEFAULT_LIMITS) -> Iterator[Sandbox]:
    """Give a sandbox on a snapshot, closed at the end.

    Raises:
        StoreError: a file of the snapshot is missing.
    """
    connection = locked_connection(store, manifest, limits)
    try:
        yield Sandbox(connection, manifest, limits)
    finally:
        connection.close()


def locked_connection(
    store: Store, manifest: Manifest, limits: Limits = DEFAULT_LIMITS
) -> duckdb.DuckDBPyConnection:
    """Return a connection that has the public views of a snapshot and can reach nothing else.

    Never `allowed_directories` or `allowed_paths`: they also allow writing.

    Raises:
        StoreError: a file of the snapshot is missing.
    """
    connection = unlocked_connection(limits)
    for table, schema in stored_schemas().items():
        connection.register(f"stored_{table}", _dataset(store, manifest.tables.get(table, ()), schema))
    for statement in [*create_statements(), *function_statements()]:
        connection.execute(statement)
    lock(connection)
    return connection


def unlocked_connection(limits: Limits) -> duckdb.DuckDBPyConnection:
    """Return a connection that loads nothing by itself, on which views are still to be made."""
    return duckdb.connect(
        config={
            "threads": limits.threads,
            "memory_limit": limits.memory,
            "temp_directory": "",
            "python_enable_replacements": False,
            "autoload_known_extensions": False,
            "autoinstall_known_extensions": False,
        }
    )


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Take from a connection everything that lies outside of it, for good."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def check_question(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise a UsageError unless a text is one statement that only asks."""
    statements = connection.extract_statements(sql)
    hint = "ask one question: SELECT …, FROM …, WITH …, DESCRIBE …, SUMMARIZE … or EXPLAIN …"
    if len(statements) != 1:
        raise UsageError(f"expected one statement, found {len(statements)}", hint=hint)
    kind = statements[0].type
    if kind not in QUESTIONS:
        raise UsageError(f"{kind.name} is not allowed here: a snapshot can only be read", hint=hint)


@contextmanager
def translated(limits: Limits) -> Iterator[None]:
    """Turn what DuckDB refuses into one sentence with a way out."""
    try:
        yield
    except duckdb.InterruptException as error:
        raise DatabaseError(
            f"the query took longer than {limits.seconds:g} s and was stopped",
            hint="ask for less, or allow more time",
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise DatabaseError(
            f"the query needs more memory than {limits.memory}", hint="ask for less, or allow more memory"
        ) from error
    except duckdb.Error as error:
        raise UsageError(
            str(error).strip(), hint="the views and their columns: cavewall sql --schema"
        ) from error


def _dataset(store: Store, files: tuple[FileEntry, ...], schema: pa.Schema) -> pads.Dataset:
    """Return the rows of a table of a snapshot; columns that its files do not have yet are NULL."""
    paths = [store.path(file.uri) for file in files]
    for path in paths:
        if not path.is_file():
            raise StoreError(
                f"{path} is missing, a file of this snapshot", hint="make another: cavewall snapshot build"
            )
    if not paths:
        return pads.dataset(schema.empty_table())
    return pads.dataset([str(path) for path in paths], schema=schema, format="parquet")


@contextmanager
def _interrupted_after(connection: duckdb.DuckDBPyConnection, seconds: float | None) -> Iterator[None]:
    """Interrupt what the connection is doing once the time is up, and go on until it has stopped."""
    if seconds is None:
        yield
        return
    done = threading.Event()

    def watch() -> None:
        waited = seconds
        while not done.wait(waited):
            connection.interrupt()
            waited = 0.05

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
