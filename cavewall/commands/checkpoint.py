"""`cavewall checkpoint`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cavewall.commands.checkpoint_words import name, set_, tag
from cavewall.console import confirm, note
from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import (
    db_option,
    dry_run_option,
    limit_option,
    option,
    output_options,
    trust_option,
    yes_option,
)
from cavewall.output import Output
from cavewall.rendering import Column, columns_of, counts_text, details_text, plural

if TYPE_CHECKING:
    from cavewall.series_points import Asked
    from registry.handle import Registry

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
@option(
    "--architecture",
    "entry_point",
    metavar="MODULE:FUNCTION",
    allow_from_autoenv=False,
    help="A function of yours that builds the network of a weight file; it runs here.",
)
@trust_option
@option("--series", metavar="NAME", help="The training run that they are points of, each with its step.")
@option("--step", type=click.IntRange(min=0), metavar="N", help="The training step of one checkpoint.")
@option(
    "--step-from",
    type=click.Choice(["name"]),
    help="Read the step in the name of the file or the revision.  [default: where --series has no step]",
)
@option("--steps", metavar="LIST", help="The steps in the order of the files: 0,150,600 or 0..16000:1000.")
@option("--tag", "tags", multiple=True, metavar="TAG", help="A word to find them by.")
@option("--family", metavar="NAME", help="The recipe that it shares with others.")
@option("--seed", type=int, metavar="N", help="Of the training run, or of an untrained twin.")
@option(
    "--modality", type=click.Choice(["vision", "language"]), help="Where nothing else says what it reads."
)
@option("--set", "attributes", multiple=True, metavar="KEY=VALUE", help="Anything else, for example lr=3e-4.")
@option("--source-url", metavar="URL", help="The training run in W&B or MLflow; kept as an attribute.")
@option("--objective", metavar="TEXT", help="What it was trained for.")
@option("--training-data", metavar="TEXT", help="What it was trained on.")
@option("--tokens-seen", type=click.IntRange(min=0), metavar="N", help="How many tokens it was trained on.")
@option("--parent", metavar="CHECKPOINT", help="The checkpoint that it was trained from.")
@option("--licence", metavar="TEXT", help="Of the weights.")
@option("--sha256", metavar="DIGEST", help="The digest that the file must have.")
@yes_option
@dry_run_option
@db_option
@output_options
def add(
    references: tuple[str, ...],
    attributes: tuple[str, ...],
    step: int | None,
    steps: str | None,
    step_from: str | None,
    yes: bool,
    dry_run: bool,
    database: str | None,
    output: Output,
    **options: Any,
) -> None:
    """Register checkpoints; the same again changes nothing.

    A REFERENCE is timm:NAME, hf:ID@REVISION, path:FILE-or-FOLDER, or baseline:pixels, baseline:tf-idf or
    baseline:untrained. Quoted, it may hold lists and ranges in braces, and a path globs, ** too. With - they
    are read from stdin, one a line. More than 100 new ones need --yes, or an answer.

    Examples:
    cavewall checkpoint add timm:vit_base_patch14_dinov2.lvd142m --name dinov2-b
    cavewall checkpoint add --series r8 'path:runs/r8/step_*.safetensors' --like hf:me/r7
    cavewall checkpoint add --series p 'hf:EleutherAI/pythia-410m@step{0,512,1000..143000:1000}' --yes
    cat zoo.txt | cavewall checkpoint add -
    """
    from cavewall.adding import add_points, count_outcomes, numbered, refuse_failures
    from cavewall.adding_text import added_text
    from cavewall.rehearsal import rehearsal
    from cavewall.series_points import StepRule, ask_for
    from ingest.describing import parse_attribute

    given = numbered(iter(sys.stdin)) if references == ("-",) else list(enumerate(references, start=1))
    asked = ask_for(given, StepRule(options["series"], step, steps, step_from))
    options["attributes"] = dict(parse_attribute(attribute) for attribute in attributes)
    if source_url := options.pop("source_url"):
        options["attributes"]["source_url"] = source_url
    with opened(database) as registry:
        _confirm_many(registry, asked, yes=yes or dry_run)
        with rehearsal(registry, is_dry=dry_run) as stage:
            lines = add_points(stage, asked, options)
    counts = count_outcomes([line.outcome for line in lines])
    rows = [asdict(line) for line in lines]
    output.result(
        "checkpoint-add",
        data={"counts": counts, "lines": rows, "is_dry_run": dry_run},
        rows=rows,
        columns=LINE_COLUMNS,
        text=added_text(lines, counts, series=options["series"], dry_run=dry_run),
    )
    if counts.get("added") and not dry_run:
        note("next:  cavewall embed extract")
    refuse_failures(counts, "references")


def _confirm_many(registry: Registry, asked: Asked, *, yes: bool) -> None:
    """Ask before a pattern fills the zoo with more checkpoints than a person looks through."""
    from cavewall.adding import MANY, count_new

    new = count_new(registry, asked) if len(asked.points) > MANY else 0
    if new > MANY:
        note(f"plan: {plural(new, 'new checkpoint')}; their weights are downloaded when they are embedded")
        confirm(f"Register {plural(new, 'checkpoint')}?", yes=yes)


@command.command("list")
@click.argument("patterns", metavar="[CHECKPOINT]...", nargs=-1)
@option("--tag", "tags", multiple=True, metavar="TAG", help="Those with this tag; again for one more.")
@option("--where", metavar="SQL", help="Those that satisfy a condition over the view checkpoints.")
@option("--retired", is_flag=True, help="Retired ones too.")
@limit_option
@db_option
@output_options
def list_(
    patterns: tuple[str, ...],
    tags: tuple[str, ...],
    where: str | None,
    retired: bool,
    limit: int | None,
    database: str | None,
    output: Output,
) -> None:
    """List checkpoints, all or some.

    A CHECKPOINT is a name, a glob over names, tag:NAME, series@step=N, series@*, a reference, the start of a
    content key, or @sql:"select checkpoint_id from checkpoints where ...".

    Examples:
    cavewall checkpoint list
    cavewall checkpoint list 'dinov2-*' --format csv
    cavewall checkpoint list --where "modality = 'vision' and parameter_count > 1e8"
    """
    from cavewall.selecting import choose_checkpoints, ids_where
    from registry.listings import list_checkpoints

    with opened(database) as registry, registry.read() as session:
        ids = [row.id for row in choose_checkpoints(session, patterns)] if patterns else None
        if where is not None:
            chosen = ids_where(session, where)
            ids = chosen if ids is None else sorted(set(ids) & set(chosen))
        lines = list_checkpoints(session, checkpoint_ids=ids, tags=tags, with_retired=retired, limit=limit)
    rows = [asdict(line) for line in lines]
    if output.is_for_people:
        for row in rows:
            row["reference"] += " ~" if row["is_floating"] else ""
    tag_columns = columns_of("tags") if any(line.tags for line in lines) else []
    columns = [*LIST_COLUMNS, *tag_columns, *(columns_of("retired_at", "retired_reason") if retired else [])]
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


def _ids(registry: Registry, names: Sequence[str]) -> list[int]:
    from cavewall.selecting import choose_checkpoints

    with registry.read() as session:
        return [row.id for row in choose_checkpoints(session, names)]


def _show_count(schema: str, word: str, count: int, unchanged: int, output: Output, *, dry_run: bool) -> None:
    row = {word: count, "unchanged": unchanged, "is_dry_run": dry_run}
    text = ("would be: " if dry_run else "") + counts_text({word: count, "unchanged": unchanged})
    output.result(schema, data=row, rows=[row], columns=columns_of(*row), text=text)


for edit in (name, tag, set_):
    command.add_command(edit)
