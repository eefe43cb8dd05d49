"""Whether the database can do what a registry needs of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

from registry.database import is_sqlite, make_engine
from registry.errors import SchemaVersionError
from registry.findings import Finding
from registry.migrate import check_schema, current_revision

SUBJECT = "registry"


def examine_schema(engine: Engine) -> Iterator[Finding]:
    """Yield whether the schema is the one that this version needs."""
    try:
        check_schema(engine)
    except SchemaVersionError as error:
        yield Finding("fail", "schema", f"{error.message}; {error.hint}")
    else:
        yield Finding("ok", "schema", f"{current_revision(engine)} (head)")


def examine_database(engine: Engine) -> Iterator[Finding]:
    """Yield what the database is like: whole, how large, and fit for the lock."""
    if is_sqlite(engine):
        yield from _sqlite(engine)
    else:
        yield from _postgresql(engine)


def _sqlite(engine: Engine) -> Iterator[Finding]:
    path = Path(str(engine.url.database))
    with engine.connect().execution_options(read_only=True) as connection:
        journal = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())
        problems = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(3)")]
    if problems != ["ok"]:
        yield Finding(
            "fail", SUBJECT, f"{path} is damaged ({problems[0]}); restore it from a copy, for example a .bak"
        )
        return
    size = sum(file.stat().st_size for file in (path, Path(f"{path}-wal")) if file.exists())
    message = f"{path}, integrity ok, {size / 1000:,.0f} kB"
    if journal == "wal":
        yield Finding("ok", SUBJECT, f"{message}, WAL")
    else:
        yield Finding(
            "warn",
            SUBJECT,
            f"{message}, journal '{journal}' where WAL was asked for: readers wait for writers",
        )


def _postgresql(engine: Engine) -> Iterator[Finding]:
    with engine.connect().execution_options(read_only=True) as connection:
        version = connection.scalar(select(func.current_setting("server_version")))
        size = connection.scalar(select(func.pg_database_size(func.current_database()))) or 0
    address = engine.url.render_as_string(hide_password=True)
    yield Finding("ok", SUBJECT, f"{address}, PostgreSQL {version}, {size / 1000:,.0f} kB")
    yield from _pooler(engine)


def _pooler(engine: Engine) -> Iterator[Finding]:
    """Yield a finding where a pooler stands between us and the server.

    Two connections of ours are open: if the server answers both from one of its own, or one of them from two,
    it is not we who hold a session there, and the lock that belongs to a session does not hold.
    """
    pinned = make_engine(engine.url, pinned=True)
    with pinned.connect() as first:
        of_first = _backend(first)
        with pinned.connect() as second:
            shared = _backend(second) == of_first
        shared = shared or _backend(first) != of_first
        driver = first.connection.driver_connection
        announced = driver.info.backend_pid if driver is not None else of_first
    pinned.dispose()
    if shared:
        yield Finding(
            "fail",
            "pooler",
            "a pooler in transaction mode stands before the server, and the lock cannot hold; "
            "give the address of the server itself, or set the pooler to session mode",
        )
    elif announced != of_first:
        yield Finding(
            "warn",
            "pooler",
            "a pooler stands before the server: it must stay in session mode for the lock to hold",
        )


def _backend(connection: Connection) -> int | None:
    """Return the process of the server that answers now, in a transaction of its own."""
    with connection.begin():
        return connection.scalar(select(func.pg_backend_pid()))
