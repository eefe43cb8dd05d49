"""`cavewall embed`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from cavewall.commands import embed_retire
from cavewall.commands.embed_import import command as import_
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
from cavewall.progress import progress
from cavewall.rendering import Column, columns_of, counts_text
from registry.errors import UsageError

if TYPE_CHECKING:
    from cavewall.extracting import Extracted

COLUMNS = [*columns_of("outcome", "checkpoint"), Column("layers", kind="count"), Column("detail")]
LIST_COLUMNS = [
    Column("embedding_id", "id", "number"),
    *columns_of("checkpoint", "dataset", "modality", "pooling", "extraction"),
    Column("layer_count", "layers", "count"),
    Column("widest", kind="count"),
    *columns_of("dtype", "status"),
]


@click.group(cls=Noun)
def command() -> None:
    """Embed data sets with checkpoints."""


@command.command()
@click.argument("checkpoints", metavar="[CHECKPOINT]...", nargs=-1)
@option("--dataset", metavar="NAME", help="Which items.  [default: the only data set]")
@option(
    "--rule",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Another rule than the default, for example pooling=mean.",
)
@option("--device", metavar="NAME", help="auto, cpu, cuda or cuda:N.  [default: of the configuration]")
@option(
    "--dtype",
    type=click.Choice(["fp32", "bf16", "fp16"]),
    help="Compute in; layers are stored as float32.  [default: fp32]",
)
@option(
    "--batch-size",
    metavar="N|auto",
    default="auto",
    help="Items at a time, halved where memory runs out.  [default: auto]",
)
@option(
    "--workers",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    help="Processes that decode pictures.  [default: 0]",
)
@option(
    "--architecture",
    "architectures",
    multiple=True,
    metavar="MODULE:FUNCTION",
    allow_from_autoenv=False,
    help="A network of your own that may run here, as it was registered.",
)
@trust_option
@option("--replace", is_flag=True, help="Extract again what is there; other bytes supersede it.")
@yes_option
@dry_run_option
@db_option
@output_options
def extract(
    checkpoints: tuple[str, ...],
    dataset: str | None,
    rule: tuple[str, ...],
    device: str | None,
    dtype: str | None,
    batch_size: str,
    workers: int,
    architectures: tuple[str, ...],
    trust_pickle: bool,
    replace: bool,
    yes: bool,
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Run checkpoints on a data set and keep every layer.

    Without a name, all that the data set still misses. What is there already stays as it is. After a kill the
    same command goes on where it stopped.

    Examples:
    cavewall embed extract
    cavewall embed extract dinov2-b --dataset emoji-1001 --device cpu
    cavewall embed extract dinov2-b --rule pooling=mean --dtype bf16 --device cuda --workers 8
    """
    from cavewall.adding import count_outcomes, refuse_failures
    from cavewall.extracting import Wish, extract_wish, planned

    changes = dict(_change(given) for given in rule)
    if dtype is not None:
        changes["dtype"] = dtype
    size = _batch_size(batch_size)
    with opened(database) as registry:
        chosen = device or registry.settings.device
        wish = Wish(
            checkpoints, dataset, chosen, size, replace, changes, workers, trust_pickle, architectures
        )
        lines = planned(registry, wish)
        if not dry_run:
            if replace:
                confirm(f"Extract {len(lines)} again and supersede what differs?", yes=yes)
            with progress(device=chosen) as report:
                lines = extract_wish(registry, wish, report)
    rows = [asdict(line) for line in lines]
    counts = count_outcomes([line.outcome for line in lines])
    output.result(
        "embed-extract",
        data={"counts": counts, "lines": rows, "is_dry_run": dry_run},
        rows=rows,
        columns=COLUMNS,
        text=_text(lines, counts, dry_run=dry_run),
    )
    if counts.get("added") and not dry_run:
        note("next:  cavewall align run")
    refuse_failures(counts, "checkpoints")


def _change(given: str) -> tuple[str, str]:
    name, separator, value = given.partition("=")
    if not separator:
        raise UsageError(
            f"'{given}' changes no rule", hint="write FIELD=VALUE, for example --rule pooling=mean"
        )
    return name, value


def _batch_size(given: str) -> int | None:
    if given == "auto":
        return None
    if given.isascii() and given.isdigit() and int(given) > 0:
        return int(given)
    raise UsageError(f"--batch-size '{given}' is no number of items", hint="use auto or a number above 0")


def _text(lines: Sequence[Extracted], counts: dict[str, int], *, dry_run: bool) -> str:
    shown = [line for line in lines if line.outcome != "unchanged"]
    text = []
    for line in shown:
        layers = f"  {line.layers} layers" if line.layers is not None else ""
        text.append(f"{line.outcome}  {line.checkpoint}{layers}{'  ' if line.detail else ''}{line.detail}")
    text.append(("would be: " if dry_run else "") + counts_text(counts))
    return "\n".join(text)


command.add_command(import_)


@command.command("list")
@click.argument("checkpoints", metavar="[CHECKPOINT]...", nargs=-1)
@option("--dataset", metavar="NAME", help="On which items.  [default: all data sets]")
@option("--superseded", is_flag=True, help="Superseded ones too.")
@limit_option
@db_option
@output_options
def list_(
    checkpoints: tuple[str, ...],
    dataset: str | None,
    superseded: bool,
    limit: int | None,
    database: str | None,
    output: Output,
) -> None:
    """List embeddings.

    Examples:
    cavewall embed list
    cavewall embed list dinov2-b --dataset emoji-1001 --format json
    """
    from cavewall.selecting import choose_checkpoints
    from registry.listings import list_embeddings
    from registry.lookup import find_dataset

    with opened(database) as registry, registry.read() as session:
        lines = list_embeddings(
            session,
            checkpoint_ids=[row.id for row in choose_checkpoints(session, checkpoints)]
            if checkpoints
            else None,
            dataset_id=find_dataset(session, dataset).id if dataset else None,
            with_superseded=superseded,
            limit=limit,
        )
    output.rows(
        "embed-list",
        [asdict(line) for line in lines],
        LIST_COLUMNS,
        empty="no embeddings: cavewall embed extract",
    )


command.add_command(embed_retire.command)
