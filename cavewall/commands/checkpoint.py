"""`cavewall checkpoint`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cavewall.console import confirm, note
from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, limit_option, option, output_options, yes_option
from cavewall.output import Output
from cavewall.rendering import Column, columns_of, counts_text, details_text, plural
from registry.errors import UsageError

if TYPE_CHECKING:
    from cavewall.adding import Line

LINE_COLUMNS = [
    *columns_of("outcome", "name", "reference", "modality", "architecture"),
    Column("parameter_count", "parameters", "count"),
    Column("detail"),
]
LIST_COLUMNS = [
    *columns_of("name", "reference", "modality", "architecture"),
    Column("parameter_count", "parameters", "count", blank="?"),
    *columns_of("family", "series"),
    Column("step", kind="count"),
    Column("embeddings", kind="count"),
]
FLOATING = "~ floating: its revision is not resolved, and it cannot be embedded"


@click.group(cls=Noun)
def command() -> None:
    """Register the zoo's checkpoints."""


@command.command()
@click.argument("references", metavar="REFERENCE...", nargs=-1, required=True)
@option("--name", help="What to call it.  [default: made of the reference]")
@option(
    "--like", metavar="REFERENCE", help="Whose architecture a weight file has, or whose twin a baseline is."
)
@option("--series", metavar="NAME", help="The training run that it is a point of; needs --step.")
@option("--step", type=click.IntRange(min=0), metavar="N", help="The training step.")
@option("--family", metavar="NAME", help="The recipe that it shares with others.")
@option("--seed", type=int, metavar="N", help="Of the training run, or of an untrained twin.")
@option(
    "--modality", type=click.Choice(["vision", "language"]), help="Where nothing else says what it reads."
)
@option("--set", "attributes", multiple=True, metavar="KEY=VALUE", help="Anything else, for example lr=3e-4.")
@option("--objective", metavar="TEXT", help="What it was trained for.")
@option("--training-data", metavar="TEXT", help="What it was trained on.")
@option("--tokens-seen", type=click.IntRange(min=0), metavar="N", help="How many tokens it was trained on.")
@option("--parent", metavar="CHECKPOINT", help="The checkpoint that it was trained from.")
@option("--licence", metavar="TEXT", help="Of the weights.")
@option("--sha256", metavar="DIGEST", help="The digest that the file must have.")
@dry_run_option
@db_option
@output_options
def add(
    references: tuple[str, ...],
    attributes: tuple[str, ...],
    dry_run: bool,
    database: str | None,
    output: Output,
    **options: Any,
) -> None:
    """Register checkpoints; the same again changes nothing.

    A REFERENCE is timm:NAME, hf:ID@REVISION, path:FILE-or-FOLDER, or baseline:pixels, baseline:tf-idf or
    baseline:untrained. With - they are read from stdin, one a line.

    Examples:
    cavewall checkpoint add timm:vit_base_patch14_dinov2.lvd142m --name dinov2-b
    cavewall checkpoint add path:r7/step_2000.safetensors --series r7 --step 2000 --like hf:me/r7
    cat zoo.txt | cavewall checkpoint add -
    """
    from cavewall.adding import add_references, count_outcomes, numbered, refuse_failures
    from cavewall.rehearsal import rehearsal

    asked = numbered(iter(sys.stdin)) if references == ("-",) else list(enumerate(references, start=1))
    options["attributes"] = dict(_attribute(given) for given in attributes)
    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        lines = add_references(stage, asked, options)
    counts = count_outcomes([line.outcome for line in lines])
    rows = [asdict(line) for line in lines]
    output.result(
        "checkpoint-add",
        data={"counts": counts, "lines": rows, "is_dry_run": dry_run},
        rows=rows,
        columns=LINE_COLUMNS,
        text=_added_text(lines, counts, dry_run=dry_run),
    )
    if counts.get("added") and not dry_run:
        note("next:  cavewall embed extract")
    refuse_failures(counts, "references")


def _attribute(given: str) -> tuple[str, Any]:
    """Return the key and the value of `KEY=VALUE`; a value that reads as JSON is that, else it is text."""
    key, separator, text = given.partition("=")
    if not separator or not key:
        raise UsageError(f"'{given}' is no attribute", hint="write KEY=VALUE, for example --set lr=3e-4")
    try:
        return key, json.loads(text)
    except ValueError:
        return key, text


def _added_text(lines: Sequence[Line], counts: dict[str, int], *, dry_run: bool) -> str:
    """Return one line for each reference, the failed ones with the way out, then the numbers."""
    text = [_line_text(line) for line in lines if line.outcome != "failed"]
    for line in lines:
        if line.outcome == "failed":
            text.append(f"failed  line {line.number}  {line.reference}   {line.detail}")
            text += [f"        {hint}" for hint in line.hint.splitlines()]
    if len(lines) > 1:
        text.append(counts_text(counts))
    if dry_run:
        text.append("nothing was written (--dry-run)")
    return "\n".join(text)


def _line_text(line: Line) -> str:
    if line.outcome == "unchanged":
        return f"unchanged  {line.name}  ({line.detail})"
    size = f"  {line.parameter_count:,} parameters" if line.parameter_count is not None else ""
    detail = f"  ({line.detail})" if line.detail else ""
    return (
        f"{line.outcome}  {line.name}  {line.reference}  {line.modality}  {line.architecture}{size}{detail}"
    )


@command.command("list")
@click.argument("patterns", metavar="[CHECKPOINT]...", nargs=-1)
@option("--retired", is_flag=True, help="Retired ones too.")
@limit_option
@db_option
@output_options
def list_(
    patterns: tuple[str, ...], retired: bool, limit: int | None, database: str | None, output: Output
) -> None:
    """List checkpoints, all or those of some names (also with * and ?).

    Examples:
    cavewall checkpoint list
    cavewall checkpoint list 'dinov2-*' --format csv
    """
    from registry.listings import list_checkpoints
    from registry.lookup import find_checkpoints

    with opened(database) as registry, registry.read() as session:
        ids = [row.id for row in find_checkpoints(session, patterns)] if patterns else None
        lines = list_checkpoints(session, checkpoint_ids=ids, with_retired=retired, limit=limit)
    rows = [asdict(line) for line in lines]
    if output.is_for_people:
        for row in rows:
            row["reference"] += " ~" if row["is_floating"] else ""
    columns = [*LIST_COLUMNS, *(columns_of("retired_at", "retired_reason") if retired else [])]
    footer = FLOATING if any(line.is_floating for line in lines) else ""
    output.rows(
        "checkpoint-list", rows, columns, footer=footer, empty="no checkpoints: cavewall checkpoint add"
    )


@command.command()
@click.argument("name", metavar="CHECKPOINT")
@db_option
@output_options
def show(name: str, database: str | None, output: Output) -> None:
    """Show everything that is known about one checkpoint.

    Examples:
    cavewall checkpoint show dinov2-b
    cavewall checkpoint show r7@step=2000 --format json
    """
    from registry.details import checkpoint_details
    from registry.lookup import find_checkpoint

    with opened(database) as registry, registry.read() as session:
        data = checkpoint_details(session, find_checkpoint(session, name))
    text, rows, columns = details_text(data)
    output.result("checkpoint", data=data, rows=rows, columns=columns, text=text, is_one=True)


@command.command()
@click.argument("names", metavar="CHECKPOINT...", nargs=-1, required=True)
@option("--reason", required=True, metavar="TEXT", help="Why, for those who look later.")
@yes_option
@dry_run_option
@db_option
@output_options
def retire(
    names: tuple[str, ...], reason: str, yes: bool, dry_run: bool, database: str | None, output: Output
) -> None:
    """Take checkpoints out of the zoo.

    Nothing is deleted: `restore` brings them back, and what they need is computed again.

    Examples:
    cavewall checkpoint retire r7-step2000 --reason "diverged" --yes
    cavewall checkpoint retire 'r7-*' --reason "diverged" --dry-run
    """
    from cavewall.rehearsal import rehearsal
    from ingest.checkpoints import retire_checkpoints

    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        ids = _ids(stage, names)
        confirm(f"Retire {plural(len(ids), 'checkpoint')}?", yes=yes or dry_run)
        count = retire_checkpoints(stage, ids, reason)
    _show_count("checkpoint-retire", "retired", count, len(ids) - count, output, dry_run=dry_run)


@command.command()
@click.argument("names", metavar="CHECKPOINT...", nargs=-1, required=True)
@dry_run_option
@db_option
@output_options
def restore(names: tuple[str, ...], dry_run: bool, database: str | None, output: Output) -> None:
    """Bring retired checkpoints back.

    Examples:
    cavewall checkpoint restore r7-step2000
    cavewall checkpoint restore 'r7-*' --dry-run
    """
    from cavewall.rehearsal import rehearsal
    from ingest.checkpoints import restore_checkpoints

    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        ids = _ids(stage, names)
        count = restore_checkpoints(stage, ids)
    _show_count("checkpoint-restore", "restored", count, len(ids) - count, output, dry_run=dry_run)


def _ids(registry: Any, names: Sequence[str]) -> list[int]:
    from registry.lookup import find_checkpoints

    with registry.read() as session:
        return [row.id for row in find_checkpoints(session, names)]


def _show_count(schema: str, word: str, count: int, unchanged: int, output: Output, *, dry_run: bool) -> None:
    row = {word: count, "unchanged": unchanged, "is_dry_run": dry_run}
    text = ("would be: " if dry_run else "") + counts_text({word: count, "unchanged": unchanged})
    output.result(schema, data=row, rows=[row], columns=columns_of(*row), text=text)
