"""What alembic runs to migrate: on the caller's connection, or as SQL text where it is offline.

The caller (`registry/migrate.py`) opens the transaction, commits it, and sees to SQLite's foreign keys.
Offline the attribute `dialect` says for which database the text is, or `-x dialect=postgresql` on the
alembic command line.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from alembic import context

from registry.tables import Table

if TYPE_CHECKING:
    from sqlalchemy import Connection

logging.getLogger("alembic").setLevel(logging.WARNING)


def migrate(connection: Connection) -> None:
    """Run the migrations in the transaction that the caller holds."""
    context.configure(connection=connection, target_metadata=Table.metadata, transactional_ddl=True)
    context.run_migrations()


def write_sql(dialect: str) -> None:
    """Write the migrations as one transaction of SQL text."""
    context.configure(
        dialect_name=dialect, target_metadata=Table.metadata, transactional_ddl=True, literal_binds=True
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    asked = context.get_x_argument(as_dictionary=True).get("dialect", "sqlite")
    write_sql(context.config.attributes.get("dialect", asked))
else:
    migrate(context.config.attributes["connection"])
