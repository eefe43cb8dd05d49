"""The schema's version: what a database has, what this program needs, and the way from one to the other.

Looking imports no alembic, so that every command can afford to look; moving does.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import ColumnClause, Connection, Engine, column, func, inspect, select, table
from sqlalchemy.exc import DBAPIError

from registry.database import is_sqlite
from registry.errors import DatabaseError, SchemaVersionError, UsageError

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE = "alembic_version"
UPGRADE_LOCK = 0x6361766577616C6C  # any constant: upgrades of one PostgreSQL database wait for each other


def migrations_folder() -> Path:
    """Return where the migrations lie: inside this package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    shipped = package / "migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def known_revisions(folder: Path | None = None) -> tuple[str, ...]:
    """Return every revision that this version knows, oldest first, read off the names of the files."""
    versions = (folder or migrations_folder()) / "versions"
    return tuple(sorted(path.name[:4] for path in versions.glob("[0-9][0-9][0-9][0-9]_*.py")))


def head_revision(folder: Path | None = None) -> str:
    """Return the revision that this version needs."""
    return known_revisions(folder)[-1]


def current_revision(engine: Engine) -> str | None:
    """Return the revision that a database has, or None where it was never migrated."""
    with engine.connect().execution_options(read_only=True) as connection:
        return _revision_of(connection)


def check_schema(engine: Engine) -> None:
    """Raise unless the database has the schema that this version needs.

    Raises:
        SchemaVersionError: it is older, newer, or no registry at all; the hint is the way out.
    """
    current = current_revision(engine)
    if current is None:
        raise _foreign(engine)
    known = known_revisions()
    if current == known[-1]:
        return
    _refuse_unknown(engine, current, known)
    raise SchemaVersionError(
        f"the registry has schema {current}, this version needs {known[-1]}", hint="run 'cavewall db upgrade'"
    )


def upgrade(engine: Engine, revision: str = "head", *, folder: Path | None = None) -> Path | None:
    """Bring a database up to a revision, in one transaction.

    An SQLite registry that has a schema already is first copied to `<file>.<its revision>.bak`.

    Args:
        engine: made by `make_engine`, on an empty database or on a registry.
        revision: where to, the newest by default.
        folder: the migrations, where they are not the program's own.

    Returns:
        The copy, or None where none was made: nothing to do, nothing to lose, or PostgreSQL.

    Raises:
        SchemaVersionError: the database is newer, or holds something else.
        DatabaseError: a step failed; the database is as it was.
    """
    known = known_revisions(folder)
    goal = _goal(known[-1] if revision == "head" else revision, known)
    with _schema_transaction(engine, f"the upgrade to schema {goal}") as connection:
        current = _revision_of(connection)
        if current is None:
            _refuse_foreign_tables(connection)
        else:
            _refuse_unknown(engine, current, known)
            if current >= goal:
                return None
        backup = _back_up(connection, current) if current is not None and is_sqlite(engine) else None
        _run_alembic(connection, "upgrade", goal, folder)
    return backup


def downgrade(engine: Engine, revision: str, *, folder: Path | None = None) -> None:
    """Bring a database down to a revision, or to nothing with `base`, in one transaction.

    What the newer schema alone can hold is lost.

    Raises:
        SchemaVersionError: the database is newer than this version, or holds something else.
        DatabaseError: a step failed; the database is as it was.
    """
    known = known_revisions(folder)
    goal = _goal(revision, ("base", *known))
    with _schema_transaction(engine, f"the downgrade to schema {goal}") as connection:
        current = _revision_of(connection)
        if current is None:
            raise _foreign(engine)
        _refuse_unknown(engine, current, known)
        _run_alembic(connection, "downgrade", goal, folder)


def upgrade_sql(engine: Engine, *, folder: Path | None = None) -> str:
    """Return the SQL that an upgrade to the newest schema would run, empty where nothing is due.

    Raises:
        SchemaVersionError: the database is newer, or holds something else.
    """
    from alembic import command

    known = known_revisions(folder)
    with engine.connect().execution_options(read_only=True) as connection:
        current = _revision_of(connection)
        if current is None:
            _refuse_foreign_tables(connection)
        else:
            _refuse_unknown(engine, current, known)
    if current == known[-1]:
        return ""
    text = StringIO()
    config = _alembic_config(folder, text)
    config.attributes["dialect"] = engine.dialect.name
    command.upgrade(config, f"{current}:{known[-1]}" if current else known[-1], sql=True)
    pragma = "PRAGMA foreign_keys=OFF;\n\n" if is_sqlite(engine) else ""
    return pragma + text.getvalue()


def _revision_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version_num: ColumnClause[str] = column("version_num")
    return connection.scalar(select(version_num).select_from(table(VERSION_TABLE, version_num)))


def _goal(revision: str, choices: tuple[str, ...]) -> str:
    if revision not in choices:
        raise UsageError(f"there is no schema '{revision}'", hint=f"the schemas are {', '.join(choices)}")
    return revision


def _refuse_unknown(engine: Engine, current: str, known: tuple[str, ...]) -> None:
    if current in known:
        return
    if not re.fullmatch(r"\d{4}", current):
        raise _foreign(engine)
    raise SchemaVersionError(
        f"the registry has schema {current}, this version knows only up to {known[-1]}",
        hint="install a newer version of cavewall",
    )


def _refuse_foreign_tables(connection: Connection) -> None:
    tables = sorted(set(inspect(connection).get_table_names()) - {VERSION_TABLE})
    if tables:
        raise SchemaVersionError(
            f"{_place(connection.engine)} is not a cavewall registry and holds other tables ({tables[0]}, …)",
            hint="give an empty database",
        )


def _foreign(engine: Engine) -> SchemaVersionError:
    return SchemaVersionError(
        f"{_place(engine)} is not a cavewall registry",
        hint="make one with 'cavewall init FOLDER', or correct the address",
    )


def _place(engine: Engine) -> str:
    return str(engine.url.database) if is_sqlite(engine) else engine.url.render_as_string(hide_password=True)


@contextmanager
def _schema_transaction(engine: Engine, what: str) -> Iterator[Connection]:
    """Give a connection in a transaction that may rebuild any table.

    Rebuilding a table on SQLite drops the old one; with foreign keys on, that deletes its children's rows.
    """
    with engine.connect() as connection:
        try:
            with _foreign_keys_off(connection), connection.begin():
                if not is_sqlite(engine):
                    connection.execute(select(func.pg_advisory_xact_lock(UPGRADE_LOCK)))
                yield connection
        except DBAPIError as error:
            reason = str(error.orig or error).strip().splitlines()[0]
            raise DatabaseError(
                f"{what} failed and changed nothing: {reason}",
                hint="correct the cause and run the same command again, or report this sentence",
            ) from error


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[None]:
    """Stop SQLite from enforcing foreign keys until the transaction inside has ended."""
    if not is_sqlite(connection.engine):
        yield
        return
    _set_foreign_keys(connection, 0)
    try:
        yield
    finally:
        _set_foreign_keys(connection, 1)


def _set_foreign_keys(connection: Connection, state: Literal[0, 1]) -> None:
    """Set the pragma on the driver's connection: SQLAlchemy would begin a transaction first, and void it."""
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute(f"PRAGMA foreign_keys={state}")
        cursor.execute("PRAGMA foreign_keys")
        if cursor.fetchone() != (state,):
            raise DatabaseError(
                f"SQLite did not set foreign_keys to {state}",
                hint="run the same command again, nothing was changed",
            )


def _check_foreign_keys(connection: Connection) -> None:
    if not is_sqlite(connection.engine):
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        child, row, parent, _ = broken
        raise DatabaseError(
            f"the new schema was not kept: row {row} of {child} would refer to a missing row of {parent}",
            hint="go on with the version that wrote this registry, and report this sentence",
        )


def _back_up(connection: Connection, revision: str) -> Path:
    """Copy the committed state of the file beside it; an earlier copy is never overwritten."""
    source = Path(str(connection.engine.url.database))
    copy, number = source.with_name(f"{source.name}.{revision}.bak"), 1
    while copy.exists():
        number += 1
        copy = source.with_name(f"{source.name}.{revision}-{number}.bak")
    unfinished = copy.with_name(f"{copy.name}.incomplete")
    unfinished.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(unfinished)) as writer:
            reader.backup(writer)
    except sqlite3.Error as error:
        unfinished.unlink(missing_ok=True)
        raise DatabaseError(
            f"{source} could not be copied to {copy}, nothing was changed: {error}",
            hint="free some space there, then run the same command again",
        ) from error
    return unfinished.replace(copy)


def _run_alembic(
    connection: Connection, direction: Literal["upgrade", "downgrade"], goal: str, folder: Path | None
) -> None:
    from alembic import command

    config = _alembic_config(folder)
    config.attributes["connection"] = connection
    move = command.upgrade if direction == "upgrade" else command.downgrade
    move(config, goal)
    _check_foreign_keys(connection)


def _alembic_config(folder: Path | None, text: StringIO | None = None) -> Config:
    from alembic.config import Config

    config = Config(output_buffer=text)
    location = str((folder or migrations_folder()).resolve())
    config.set_main_option("script_location", location.replace("%", "%%"))
    return config
