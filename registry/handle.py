"""An open registry: its settings, its database and its store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from registry.database import is_sqlite, make_engine, parse_url, translated_errors
from registry.errors import ConfigurationError, StoreError
from registry.folders import refuse_network_filesystem, require_writable
from registry.migrate import check_schema, upgrade
from registry.settings import ZOO_FILE, Settings, absolute_database, load_settings
from registry.store import Store

ZOO_TOML = """\
# A Cavewall zoo. `cavewall config show` prints every value and where it comes from.
database = "{database}"
store = "store"
"""


@dataclass(frozen=True)
class Registry:
    """A registry whose schema fits this version."""

    settings: Settings
    engine: Engine
    store: Store

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one state of the database and writes nothing."""
        engine = self.engine.execution_options(read_only=True)
        if not is_sqlite(engine):
            engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with Session(engine, expire_on_commit=False) as session:
            yield session  # closing rolls back; a rollback here would also forget the rows that were read

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session for one transaction, committed at its end and rolled back by an error."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def connect(settings: Settings) -> Engine:
    """Return an engine on the settings' database, whatever its schema.

    Raises:
        ConfigurationError: the SQLite file is missing, or lies on a network file system.
    """
    url = parse_url(settings.database)
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        if not path.is_file():
            raise ConfigurationError(
                f"no registry at {path}", hint="make one with 'cavewall init FOLDER', or correct the address"
            )
        refuse_network_filesystem(path)
    return make_engine(url)


def open_registry(settings: Settings) -> Registry:
    """Open the registry that the settings name.

    Raises:
        ConfigurationError: there is none.
        SchemaVersionError: its schema is older or newer than this version needs.
        DatabaseError: the database cannot be reached.
    """
    engine = connect(settings)
    with translated_errors("opening the registry"):
        check_schema(engine)
    return Registry(settings, engine, Store(settings.store, settings.locations, settings.cache))


def create_registry(folder: Path, database: str | None = None) -> Registry:
    """Make a zoo in a folder: cavewall.toml, the registry with its schema, the store.

    Args:
        folder: made where it is missing; it must not hold a zoo yet.
        database: a database address; an SQLite file in the folder where it is None.

    Raises:
        ConfigurationError: the folder holds a zoo, or lies on a network file system.
        StoreError: the folder is not writable.
    """
    folder = folder.resolve()
    toml = folder / ZOO_FILE
    if toml.exists():
        raise ConfigurationError(
            f"{folder} already holds a zoo", hint=f"work in it: cd {folder}; or choose another folder"
        )
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file, expected a folder", hint="choose another name")
    require_writable(folder, what="the folder")
    database = None if database is None else absolute_database(database, Path.cwd())
    text = ZOO_TOML.format(database=database or ".cavewall/registry.sqlite")
    engine = _create_database(folder, database)
    require_writable(folder / "store", what="the store's folder")
    toml.write_text(text, encoding="utf-8")
    return Registry(load_settings(folder, environment={}), engine, Store(folder / "store"))


def _create_database(folder: Path, database: str | None) -> Engine:
    if database is None:
        path = folder / ".cavewall" / "registry.sqlite"
        path.parent.mkdir(exist_ok=True)
        database = f"sqlite:///{path}"
    url = parse_url(database)
    if url.get_backend_name() == "sqlite":
        refuse_network_filesystem(Path(str(url.database)).parent)
    engine = make_engine(url)
    with translated_errors("creating the registry"):
        upgrade(engine)
    return engine
