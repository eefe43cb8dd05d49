"""`cavewall embed retire`."""

from __future__ import annotations

import click

from cavewall.console import confirm
from cavewall.groups import Leaf
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, option, output_options, yes_option
from cavewall.output import Output
from cavewall.rehearsal import rehearsal
from cavewall.rendering import columns_of, plural


@click.command("retire", cls=Leaf)
@click.argument("checkpoints", metavar="CHECKPOINT...", nargs=-1, required=True)
@option("--dataset", metavar="NAME", help="Only those on this data set.  [default: all]")
@yes_option
@dry_run_option
@db_option
@output_options
def command(
    checkpoints: tuple[str, ...],
    dataset: str | None,
    yes: bool,
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Set embeddings aside, with their pairs; the same bytes again make them ready.

    Examples:
    cavewall embed retire r8-step2000 --yes
    cavewall embed retire 'r8-*' --dataset emoji-1001 --dry-run
    """
    from cavewall.selecting import choose_checkpoints
    from ingest.embedding_health import retire_embeddings
    from registry.lookup import find_dataset

    with opened(database) as registry:
        with registry.read() as session:
            ids = [row.id for row in choose_checkpoints(session, checkpoints)]
            dataset_id = None if dataset is None else find_dataset(session, dataset).id
        confirm(f"Retire the embeddings of {plural(len(ids), 'checkpoint')}?", yes=yes or dry_run)
        with rehearsal(registry, is_dry=dry_run) as stage:
            count = retire_embeddings(stage, ids, dataset_id)
    row = {"retired": count, "checkpoints": len(ids), "is_dry_run": dry_run}
    text = f"{'would retire' if dry_run else 'retired'} {plural(count, 'embedding')}"
    output.result(
        "embed-retire", data=row, rows=[row], columns=columns_of("retired", "checkpoints"), text=text
    )
