"""`cavewall db`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cavewall.groups import Noun
from cavewall.opening import settings_of
from cavewall.options import db_option, dry_run_option, option, output_options
from cavewall.output import Output
from cavewall.rendering import columns_of

if TYPE_CHECKING:
    from sqlalchemy import Engine


@click.group(cls=Noun)
def command() -> None:
    """Look after the database's schema."""


@contextmanager
def _connected(database: str | None) -> Iterator[Engine]:
    from registry.database import translated_errors
    from registry.handle import connect

    engine = connect(settings_of(database))
    try:
        with translated_errors("the registry"):
            yield engine
    finally:
        engine.dispose()


@command.command()
@db_option
@output_options
def current(database: str | None, output: Output) -> None:
    """Print which schema the registry has, and which one this version needs.

    Examples:
    cavewall db current
    cavewall db current --format json
    """
    from registry.migrate import current_revision, head_revision

    with _connected(database) as engine:
        row = {"schema": current_revision(engine), "needed": head_revision()}
    same = row["schema"] == row["needed"]
    text = (
        f"schema {row['schema']} (head)"
        if same
        else f"schema {row['schema']}, this version needs {row['needed']}"
    )
    output.result("db-current", data=row, rows=[row], columns=columns_of("schema", "needed"), text=text)


def _upgraded(engine: Engine) -> Path | None:
    """Upgrade while no run works on the registry, and return the copy of the old one."""
    from registry.lock import bare_lock
    from registry.migrate import upgrade

    with bare_lock(engine):
        return upgrade(engine)


@command.command()
@db_option
@dry_run_option
@option("--sql", is_flag=True, help="Print the SQL that would run, and run nothing.")
@output_options
def upgrade(database: str | None, dry_run: bool, sql: bool, output: Output) -> None:
    """Bring the registry to the schema that this version needs.

    An SQLite registry is copied first, to a file beside it that ends in .bak.

    Examples:
    cavewall db upgrade
    cavewall db upgrade --dry-run --sql
    """
    from registry import migrate

    is_dry = dry_run or sql
    with _connected(database) as engine:
        before, needed = migrate.current_revision(engine), migrate.head_revision()
        statements = migrate.upgrade_sql(engine) if is_dry else ""
        copy = None if is_dry else _upgraded(engine)
    if before == needed:
        text = f"nothing to do: schema {needed} is the newest"
    elif sql:
        text = statements.rstrip()
    elif dry_run:
        text = f"would upgrade from schema {before} to {needed}"
    else:
        text = f"upgraded from schema {before} to {needed}" + (
            f"; the old one is kept as {copy}" if copy else ""
        )
    row = {"before": before, "after": needed, "backup": copy, "is_dry_run": is_dry, "sql": statements}
    columns = columns_of("before", "after", "backup", "is_dry_run")
    output.result("db-upgrade", data=row, rows=[row], columns=columns, text=text)
