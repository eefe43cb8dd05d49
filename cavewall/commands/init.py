"""`cavewall init`."""

from __future__ import annotations

from pathlib import Path

import click

from cavewall.console import note
from cavewall.groups import Leaf
from cavewall.options import dry_run_option, option, output_options
from cavewall.output import Output
from cavewall.rendering import columns_of


@click.command(cls=Leaf)
@click.argument("folder", type=click.Path(path_type=Path))
@option(
    "--db", "database", metavar="URL", help="A PostgreSQL address.  [default: an SQLite file in the folder]"
)
@dry_run_option
@output_options
def command(folder: Path, database: str | None, dry_run: bool, output: Output) -> None:
    """Make a new zoo in a folder.

    Writes cavewall.toml, the registry with its schema, and the folder of the file store.

    Examples:
    cavewall init myzoo
    cavewall init myzoo --db postgresql://me@localhost/zoo
    """
    from registry.handle import create_registry
    from registry.migrate import head_revision

    if dry_run:
        row = {"folder": folder.resolve(), "database": database or "sqlite", "schema": head_revision()}
        text = f"would make a zoo with schema {head_revision()} in {folder}"
    else:
        registry = create_registry(folder, database)
        shown = registry.engine.url.render_as_string(hide_password=True)
        registry.close()
        row = {"folder": folder.resolve(), "database": shown, "schema": head_revision()}
        place = (database and shown) or f"{folder / '.cavewall' / 'registry.sqlite'}"
        text = f"Created {folder / 'cavewall.toml'}, {place} (schema {head_revision()}), {folder / 'store'}/"
    output.result("init", data=row, rows=[row], columns=columns_of("folder", "database", "schema"), text=text)
    if not dry_run:
        note(f"next:  cd {folder}    cavewall checkpoint add timm:NAME")
