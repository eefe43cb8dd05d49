"""`cavewall store`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import click

from cavewall.console import confirm
from cavewall.durations import duration
from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, option, output_options, yes_option
from cavewall.output import Output
from cavewall.rendering import Column, columns_of, plural, table_text

KIND_COLUMNS = [Column("kind"), Column("files", kind="count"), Column("byte_count", "bytes", "count")]
ORPHAN_COLUMNS = [Column("uri", "file"), Column("byte_count", "bytes", "count"), *columns_of("written_at")]
DAY = 86_400.0


@click.group(cls=Noun)
def command() -> None:
    """Look after the files that rows and snapshots name."""


@command.command("list")
@db_option
@output_options
def list_(database: str | None, output: Output) -> None:
    """Show how many files of each kind the store holds, and how large they are.

    Examples:
    cavewall store list
    cavewall store list --format json
    """
    from registry.store_contents import contents

    with opened(database) as registry:
        rows = [asdict(kind) for kind in contents(registry.store)]
    total = sum(row["byte_count"] for row in rows)
    output.rows("store-list", rows, KIND_COLUMNS, empty="the store is empty", footer=f"{total / 1e6:,.1f} MB")


@command.command()
@option(
    "--older-than",
    type=duration,
    default=DAY,
    show_default="1 day",
    metavar="TIME",
    help="Leave what was written since: a file is there before its row.",
)
@option("--wait", type=duration, default=0.0, metavar="TIME", help="Wait so long for another run.")
@yes_option
@dry_run_option
@db_option
@output_options
def gc(
    older_than: float, wait: float, yes: bool, dry_run: bool, database: str | None, output: Output
) -> None:
    """Delete the files that neither a row nor a kept snapshot names.

    Examples:
    cavewall store gc --dry-run
    cavewall store gc --older-than 2d --yes
    """
    from cavewall.verifying import collect

    age = timedelta(seconds=older_than)
    with opened(database) as registry:
        done = collect(registry, older_than=age, is_dry=True, wait=wait)
        if done.orphans and not dry_run:
            size = f"{done.byte_count / 1e6:,.1f} MB"
            confirm(f"Delete {plural(len(done.orphans), 'file')} ({size}) that nothing names?", yes=yes)
            done = collect(registry, older_than=age, is_dry=False, wait=wait)
    rows = [asdict(orphan) for orphan in done.orphans]
    word = "deleted" if done.is_removed else "would delete"
    line = f"{word} {plural(len(rows), 'file')}, {done.byte_count / 1e6:,.1f} MB"
    text = f"{table_text(rows, ORPHAN_COLUMNS)}\n{line}" if rows else "nothing to delete"
    data = {"is_removed": done.is_removed, "byte_count": done.byte_count, "files": rows}
    output.result("store-gc", data=data, rows=rows, columns=ORPHAN_COLUMNS, text=text)
