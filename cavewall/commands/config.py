"""`cavewall config`."""

from __future__ import annotations

from dataclasses import asdict

import click

from cavewall.console import without_password
from cavewall.groups import Noun
from cavewall.opening import settings_of
from cavewall.options import db_option, output_options
from cavewall.output import Output
from cavewall.rendering import Column


@click.group(cls=Noun)
def command() -> None:
    """Show the configuration."""


@command.command()
@db_option
@output_options
def show(database: str | None, output: Output) -> None:
    """Print every value and where it comes from.

    Examples:
    cavewall config show
    cavewall config show --format json
    """
    values = settings_of(database).values
    rows = [asdict(value) | {"value": without_password(value.value)} for value in values]
    output.rows("config", rows, [Column("key"), Column("value"), Column("origin", "from")])
