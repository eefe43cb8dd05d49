"""`--dry-run`: the same code on the same rows, in one transaction that is rolled back in the end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from registry.handle import Registry
from registry.store import Store


class StagedStore(Store):
    """A store that takes new files into a folder of its own, and reads what lies in another one too."""

    def __init__(self, root: Path, behind: Store) -> None:
        super().__init__(root, behind.places, behind.cache.folder)
        self.behind = behind

    def checked_path(self, uri: str, sha256: str, *, location: str | None = None) -> Path:
        """Return where a file lies, here or behind, after its bytes were compared with their digest.

        Raises:
            StoreError: the file is missing, or is not what its row says.
        """
        if location is None and self.path(uri).is_file():
            return super().checked_path(uri, sha256)
        return self.behind.checked_path(uri, sha256, location=location)


@dataclass(frozen=True)
class Rehearsal(Registry):
    """A registry on which everything happens and nothing stays."""

    connection: Connection

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees what the rehearsal has written so far."""
        with Session(self.connection, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session whose commit ends a savepoint of the rehearsal's own transaction."""
        session = Session(self.connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        with session, session.begin():
            yield session


@contextmanager
def rehearsal(registry: Registry, *, is_dry: bool) -> Iterator[Registry]:
    """Give a registry to work on: a rehearsal where nothing may stay, else the registry itself."""
    if not is_dry:
        yield registry
        return
    with (
        tempfile.TemporaryDirectory(prefix="cavewall-") as folder,
        registry.engine.connect() as connection,
        connection.begin() as transaction,
    ):
        yield Rehearsal(
            registry.settings, registry.engine, StagedStore(Path(folder), registry.store), connection
        )
        transaction.rollback()
