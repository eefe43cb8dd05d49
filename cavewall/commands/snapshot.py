"""`cavewall snapshot`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from cavewall.durations import duration
from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, limit_option, option, output_options
from cavewall.output import Output
from cavewall.rendering import Column, columns_of, plural


@click.group(cls=Noun)
def command() -> None:
    """Publish the registry as Parquet files."""


@command.command()
@option(
    "--wait",
    type=duration,
    default=0.0,
    metavar="TIME",
    help="Wait so long for another run, for example 2h.",
)
@dry_run_option
@db_option
@output_options
def build(wait: float, dry_run: bool, database: str | None, output: Output) -> None:
    """Write the next snapshot, if the registry has changed since the last.

    Examples:
    cavewall snapshot build
    cavewall snapshot build --wait 10m
    """
    with opened(database) as registry:
        if dry_run:
            row = {"is_new": _would_be_new(registry)}
            text = (
                "would write a snapshot" if row["is_new"] else "nothing to do: the newest snapshot is current"
            )
        else:
            from analysis.snapshot import build_snapshot

            row = asdict(build_snapshot(registry, wait=wait))
            text = _built_text(row)
    output.result("snapshot-build", data=row, rows=[row], columns=columns_of(*row), text=text)


def _built_text(built: dict[str, Any]) -> str:
    if not built["is_new"]:
        return f"nothing to do: snapshot {built['number']} is current"
    removed = f", {plural(len(built['removed']), 'older one')} let go" if built["removed"] else ""
    return f"snapshot {built['number']}: {plural(built['files'], 'file')}, {built['written']} new{removed}"


def _would_be_new(registry: Any) -> bool:
    from analysis.snapshot import find_snapshot, is_stale
    from registry.errors import NotFoundError

    try:
        return is_stale(registry, find_snapshot(registry))
    except NotFoundError:
        return True


@command.command("list")
@limit_option
@db_option
@output_options
def list_(limit: int | None, database: str | None, output: Output) -> None:
    """List the snapshots, newest first.

    Examples:
    cavewall snapshot list
    cavewall snapshot list --limit 3
    """
    from analysis.snapshot import list_snapshots

    with opened(database) as registry:
        fields = ("number", "name", "created_at", "run_id", "uri", "sha256")
        rows = [{field: getattr(row, field) for field in fields} for row in list_snapshots(registry)[:limit]]
    columns = [Column("number", kind="number"), *columns_of("name", "created_at", "uri")]
    output.rows("snapshot-list", rows, columns, empty="no snapshot yet: cavewall snapshot build")


@command.command()
@click.argument("name")
@option("--number", type=int, metavar="N", help="Which snapshot.  [default: the newest]")
@dry_run_option
@db_option
@output_options
def keep(name: str, number: int | None, dry_run: bool, database: str | None, output: Output) -> None:
    """Give a snapshot a name, under which it is kept for good.

    Examples:
    cavewall snapshot keep paper-v1
    cavewall snapshot keep paper-v1 --number 61
    """
    from analysis.snapshot import find_snapshot, keep_snapshot
    from cavewall.rehearsal import rehearsal

    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        chosen = find_snapshot(registry, number).number
        keep_snapshot(stage, chosen, name)
    row = {"number": chosen, "name": name}
    text = f"snapshot {chosen} {'would be' if dry_run else 'is'} kept as {name}"
    output.result("snapshot-keep", data=row, rows=[row], columns=columns_of("number", "name"), text=text)
