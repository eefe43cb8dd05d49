"""`cavewall purge`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from cavewall.console import confirm, note
from cavewall.durations import duration
from cavewall.groups import Leaf
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, option, output_options, yes_option
from cavewall.output import Output
from cavewall.rendering import columns_of, plural
from registry.errors import UsageError

if TYPE_CHECKING:
    from cavewall.purging import Purged


@click.command(cls=Leaf)
@click.argument("checkpoints", metavar="[CHECKPOINT]...", nargs=-1)
@option("--dataset", metavar="NAME", help="A data set instead, with its targets and scores.")
@option("--reason", default="", metavar="TEXT", help="Why; the run keeps it. Needed.")
@option("--wait", type=duration, default=0.0, metavar="TIME", help="Wait so long for another run.")
@yes_option
@dry_run_option
@db_option
@output_options
def command(
    checkpoints: tuple[str, ...],
    dataset: str | None,
    reason: str,
    wait: float,
    yes: bool,
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Delete for good what must really go, with everything derived from it.

    It says first what that is. To take something out of sight and keep it, retire it instead.

    Examples:
    cavewall purge leaked-model --reason "licence withdrawn" --dry-run
    cavewall purge --dataset faces --reason "takedown 17" --yes
    """
    from cavewall.purging import purge
    from cavewall.selecting import choose_checkpoints
    from registry.lookup import find_dataset

    if bool(checkpoints) == (dataset is not None):
        raise UsageError("purge takes checkpoints, or one --dataset", hint="name what must go")
    with opened(database) as registry:
        with registry.read() as session:
            ids = [row.id for row in choose_checkpoints(session, checkpoints)] if checkpoints else []
            dataset_id = None if dataset is None else find_dataset(session, dataset).id
        planned = purge(registry, checkpoint_ids=ids, dataset_id=dataset_id, reason=reason, is_dry=True)
        done = planned
        if not dry_run:
            note(_text(planned))
            confirm("Delete all of this for good?", yes=yes)
            done = purge(
                registry, checkpoint_ids=ids, dataset_id=dataset_id, reason=reason, is_dry=False, wait=wait
            )
    row = asdict(done)
    columns = columns_of("pairs", "files", "snapshots", "is_done")
    output.result("purge", data=row, rows=[row], columns=columns, text=_text(done), is_one=True)


def _text(found: Purged) -> str:
    word = "deleted" if found.is_done else "would delete"
    rows = ", ".join(f"{count:,} {table}" for table, count in sorted(found.rows.items()))
    others = f"{plural(found.pairs, 'alignment')}, {plural(found.files, 'file')}"
    return f"{word} {rows or 'no row'}; {others}; {plural(found.snapshots, 'snapshot')} replaced"
