"""Engines that keep their promises on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from registry.errors import ConfigurationError, DatabaseError, MissingExtra

BUSY_TIMEOUT_MS = 30_000
WAL_POLL_SECONDS = 0.02
KEEPALIVES = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


def parse_url(text: str) -> URL:
    """Return the database address, with the driver that this project uses.

    Raises:
        ConfigurationError: it is no address of an SQLite or a PostgreSQL database.
    """
    hint = "write sqlite:///PATH or postgresql://USER@HOST/DATABASE"
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigurationError(f"'{text}' is not a database address", hint=hint) from error
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigurationError("an SQLite registry needs a file", hint=hint)
        return url.set(drivername="sqlite")
    raise ConfigurationError(f"databases of kind '{backend}' are not supported", hint=hint)


def make_engine(url: str | URL, *, pinned: bool = False) -> Engine:
    """Return an engine whose write transactions cannot lose updates.

    On SQLite every transaction begins with BEGIN IMMEDIATE (plain BEGIN under the execution option
    `read_only`), foreign keys are enforced and the journal is a WAL. On PostgreSQL dead connections are
    noticed. A pinned engine keeps no pool: the connection it gives is the only one.
    """
    parsed = parse_url(url) if isinstance(url, str) else url
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, poolclass=NullPool if pinned else None)
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin_on_sqlite)
        return engine
    try:
        pool: dict[str, Any] = {"poolclass": NullPool} if pinned else {"pool_pre_ping": True}
        return create_engine(parsed, connect_args=KEEPALIVES, **pool)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "a PostgreSQL registry needs the library psycopg", hint="pip install 'cavewall[postgres]'"
        ) from error


def is_sqlite(engine: Engine) -> bool:
    """Return whether the engine's database is SQLite."""
    return engine.dialect.name == "sqlite"


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own transactions lose updates silently
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    _use_wal(cursor)
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Turn the WAL on; on a new database SQLite does not wait for another connection that does the same."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline:
                raise
            time.sleep(WAL_POLL_SECONDS)


def _begin_on_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def translated_errors(what: str) -> Iterator[None]:
    """Turn what the database refuses into one sentence, at the edge.

    Integrity errors pass through: the caller who can cause one knows what it means.
    """
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
        raise DatabaseError(
            f"{what}: the database refused: {reason}",
            hint="check the address with 'cavewall config show', and that the server answers",
        ) from error
