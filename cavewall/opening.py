"""From what `--db` says to an open registry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from registry.handle import Registry
    from registry.settings import Settings


def settings_of(database: str | None) -> Settings:
    """Return the settings that hold for a command.

    Args:
        database: a folder in a zoo, the path of an SQLite file, or a database URL; None for the zoo here.

    Raises:
        ConfigurationError: there is no zoo.
    """
    from registry.settings import load_settings

    if database is None:
        return load_settings(Path.cwd())
    if "://" not in database and Path(database).is_dir():
        others = {name: value for name, value in os.environ.items() if name != "CAVEWALL_DB"}
        return load_settings(Path(database), environment=others)
    context = click.get_current_context(silent=True)
    source = context.get_parameter_source("database") if context is not None else None
    if source is ParameterSource.ENVIRONMENT:  # so that `config show` names the variable, not a flag
        return load_settings(Path.cwd())
    return load_settings(Path.cwd(), database=database)


@contextmanager
def opened(database: str | None) -> Iterator[Registry]:
    """Give the registry that `--db` names, and close it.

    Raises:
        ConfigurationError: there is none.
        SchemaVersionError: its schema is older or newer than this version needs.
        DatabaseError: the database refuses something on the way.
    """
    from registry.database import translated_errors
    from registry.handle import open_registry

    registry = open_registry(settings_of(database))
    try:
        with translated_errors("the registry"):
            yield registry
    finally:
        registry.close()
