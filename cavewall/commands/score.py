"""`cavewall score`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, limit_option, option, output_options
from cavewall.output import Output
from cavewall.progress import progress
from cavewall.rendering import Column, columns_of

COLUMNS = [*columns_of("outcome", "checkpoint"), Column("value", kind="score"), Column("detail")]
LIST_COLUMNS = [
    *columns_of("checkpoint", "task", "metric"),
    Column("value", kind="score"),
    Column("stderr", kind="score"),
    Column("item_count", "items", "count"),
    *columns_of("source", "measured_at"),
]


@click.group(cls=Noun)
def command() -> None:
    """Measure and list benchmark scores."""


@command.command()
@click.argument("benchmark", type=click.Choice(["bpb"]))
@click.argument("checkpoints", metavar="CHECKPOINT...", nargs=-1, required=True)
@option("--dataset", metavar="NAME", help="On whose texts.  [default: the only data set]")
@option(
    "--caption-index",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Which text.",
)
@option(
    "--context", type=click.IntRange(min=2), metavar="N", help="Tokens seen at a time.  [default: its own]"
)
@option("--device", metavar="NAME", help="auto, cpu, cuda or cuda:N.  [default: of the configuration]")
@option("--batch-size", type=click.IntRange(min=1), metavar="N", help="Texts at a time.")
@dry_run_option
@db_option
@output_options
def run(
    benchmark: str,
    checkpoints: tuple[str, ...],
    dataset: str | None,
    dry_run: bool,
    database: str | None,
    output: Output,
    **settings: Any,
) -> None:
    """Measure bits per byte (bpb) of causal language models on texts.

    Summed over the texts of a data set, each alone; what is measured already stays as it is.

    Examples:
    cavewall score run bpb pythia-410m --dataset emoji-1001
    cavewall score run bpb 'names-*' --device cpu
    """
    from cavewall.adding import count_outcomes, refuse_failures
    from cavewall.measuring import measure

    with opened(database) as registry:
        settings["device"] = settings["device"] or registry.settings.device
        with progress(device=settings["device"]) as report:
            lines = measure(registry, checkpoints, dataset, settings, report, is_dry=dry_run)
    rows = [asdict(line) for line in lines]
    counts = count_outcomes([line.outcome for line in lines])
    output.result(
        "score-run",
        data={"benchmark": benchmark, "counts": counts, "lines": rows, "is_dry_run": dry_run},
        rows=rows,
        columns=COLUMNS,
        text="\n".join(line.text() for line in lines),
    )
    refuse_failures(counts, "checkpoints")


@command.command("list")
@click.argument("checkpoints", metavar="[CHECKPOINT]...", nargs=-1)
@limit_option
@db_option
@output_options
def list_(checkpoints: tuple[str, ...], limit: int | None, database: str | None, output: Output) -> None:
    """List scores.

    Examples:
    cavewall score list
    cavewall score list 'pythia-*' --format csv
    """
    from registry.listings import list_scores
    from registry.lookup import find_checkpoints

    with opened(database) as registry, registry.read() as session:
        ids = [row.id for row in find_checkpoints(session, checkpoints)] if checkpoints else None
        rows = [asdict(line) for line in list_scores(session, checkpoint_ids=ids, limit=limit)]
    output.rows("score-list", rows, LIST_COLUMNS, empty="no scores: cavewall score run")
