"""`cavewall checkpoint name`, `tag` and `set`: what users say about checkpoints that are registered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from cavewall.groups import Leaf
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, option, output_options
from cavewall.output import Output
from cavewall.rendering import columns_of, counts_text
from registry.errors import UsageError

if TYPE_CHECKING:
    from registry.handle import Registry


@click.command(cls=Leaf)
@click.argument("checkpoint", metavar="CHECKPOINT")
@click.argument("new", metavar="[NEW]", required=False)
@option("--move", metavar="CHECKPOINT", help="Take the name from who holds it, and give it to this one.")
@dry_run_option
@db_option
@output_options
def name(
    checkpoint: str, new: str | None, move: str | None, dry_run: bool, database: str | None, output: Output
) -> None:
    """Call a checkpoint something else, or move a name to another one.

    Nothing is forgotten: `checkpoint show` has every name with its time.

    Examples:
    cavewall checkpoint name 3f2a90c1d4be dinov2-b
    cavewall checkpoint name best --move r8@step=16000
    """
    from cavewall.rehearsal import rehearsal
    from ingest.naming import name_checkpoint
    from registry.lookup import find_checkpoint

    if (new is None) == (move is None):
        raise UsageError(
            "there is no new name" if new is None else "both a new name and --move were given",
            hint="write: cavewall checkpoint name CHECKPOINT NEW, or: name NAME --move CHECKPOINT",
        )
    wanted, reference = (checkpoint, move) if move is not None else (str(new), checkpoint)
    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        with stage.read() as session:
            checkpoint_id = find_checkpoint(session, reference).id
        named = name_checkpoint(stage, checkpoint_id, wanted, move=move is not None)
    row = {**asdict(named), "is_dry_run": dry_run}
    source = f"; it was the name of {named.taken_from}" if named.taken_from else ""
    text = (
        f"unchanged  {named.name}"
        if named.outcome == "unchanged"
        else f"changed  {named.before} is now {named.name}{source}"
    )
    output.result(
        "checkpoint-name", data=row, rows=[row], columns=columns_of(*row), text=_dry(text, dry_run=dry_run)
    )


@click.command(cls=Leaf)
@click.argument("checkpoints", metavar="CHECKPOINT...", nargs=-1, required=True)
@option("--add", "add", multiple=True, metavar="TAG", help="Put this tag on them.")
@option("--remove", "remove", multiple=True, metavar="TAG", help="Take this tag off them.")
@dry_run_option
@db_option
@output_options
def tag(
    checkpoints: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Put words on checkpoints, to find them together as tag:WORD.

    Examples:
    cavewall checkpoint tag 'dinov2-*' --add paper
    cavewall checkpoint tag tag:paper --add figure-2 --remove draft --dry-run
    """
    from cavewall.rehearsal import rehearsal
    from ingest.tagging import tag_checkpoints

    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        ids = _ids(stage, checkpoints)
        changed = tag_checkpoints(stage, ids, add=add, remove=remove)
    _show_changed("checkpoint-tag", changed, len(ids) - changed, output, dry_run=dry_run)


@click.command("set", cls=Leaf)
@click.argument("words", metavar="CHECKPOINT... KEY=VALUE...", nargs=-1, required=True)
@dry_run_option
@db_option
@output_options
def set_(words: tuple[str, ...], dry_run: bool, database: str | None, output: Output) -> None:
    """Say more about checkpoints: KEY=VALUE, and KEY= to clear.

    The fields are visibility, licence, objective, training_data, family, parent and tokens_seen; any other
    key is a free attribute. What makes a checkpoint the one it is cannot be set.

    Examples:
    cavewall checkpoint set dinov2-b visibility=public licence=Apache-2.0
    cavewall checkpoint set 'r8@*' lr=3e-4 family=r8 --dry-run
    """
    from cavewall.rehearsal import rehearsal
    from ingest.describing import describe_checkpoints, is_assignment

    checkpoints = [word for word in words if not is_assignment(word)]
    assignments = [word for word in words if is_assignment(word)]
    if not checkpoints:
        raise UsageError("no checkpoint is named", hint="see: cavewall checkpoint set --help")
    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        ids = _ids(stage, checkpoints)
        changed = describe_checkpoints(stage, ids, assignments)
    _show_changed("checkpoint-set", changed, len(ids) - changed, output, dry_run=dry_run)


def _ids(registry: Registry, names: Sequence[str]) -> list[int]:
    from cavewall.selecting import choose_checkpoints

    with registry.read() as session:
        return [row.id for row in choose_checkpoints(session, names)]


def _show_changed(schema: str, changed: int, unchanged: int, output: Output, *, dry_run: bool) -> None:
    counts = {"changed": changed, "unchanged": unchanged}
    row = {**counts, "is_dry_run": dry_run}
    text = _dry(counts_text(counts), dry_run=dry_run)
    output.result(schema, data=row, rows=[row], columns=columns_of(*row), text=text)


def _dry(text: str, *, dry_run: bool) -> str:
    return f"{text}\nnothing was written (--dry-run)" if dry_run else text
