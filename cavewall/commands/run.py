"""`cavewall run`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from cavewall.durations import duration_text
from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, limit_option, option, output_options
from cavewall.output import Output
from cavewall.rendering import Column, columns_of, details_text, shown

if TYPE_CHECKING:
    from registry.run_listings import RunLine

COLUMNS = [
    Column("run_id", "run", "number"),
    *columns_of("kind", "status", "started_at"),
    Column("seconds", "duration"),
    *columns_of("host", "device", "counts"),
]


@click.group(cls=Noun)
def command() -> None:
    """Look at what was run, and at who runs now."""


@command.command("list")
@option("--kind", metavar="COMMAND", help="Only runs of one command, for example 'align run'.")
@limit_option
@db_option
@output_options
def list_(kind: str | None, limit: int | None, database: str | None, output: Output) -> None:
    """List the runs, the newest first, and say who runs now.

    Examples:
    cavewall run list
    cavewall run list --kind "align run" --limit 5
    """
    from registry.lock import is_lock_free
    from registry.run_listings import list_runs, run_kinds, unfinished_runs

    with opened(database) as registry:
        is_free = is_lock_free(registry.engine)
        with registry.read() as session:
            lines = list_runs(session, lock_is_free=is_free, kind=kind, limit=limit)
            unfinished = unfinished_runs(session, lock_is_free=is_free)
            kinds = run_kinds(session)
    rows = [
        asdict(line) | (_words(line) | _main_counts(line) if output.is_for_people else {}) for line in lines
    ]
    empty = (
        f"no run of '{kind}', only of {', '.join(kinds)}" if kind and kinds else "nothing was run here yet"
    )
    output.rows("run-list", rows, COLUMNS, footer=_who_runs(unfinished), empty=empty)


@command.command()
@click.argument("run_id", metavar="[ID]", type=int, required=False)
@db_option
@output_options
def show(run_id: int | None, database: str | None, output: Output) -> None:
    """Show everything about one run: the last one, if no other is asked for.

    Examples:
    cavewall run show
    cavewall run show 61 --format json
    """
    from cavewall.resuming import left_to_do
    from registry.lock import is_lock_free
    from registry.run_listings import failures_of, find_run, run_line, unfinished_runs

    with opened(database) as registry:
        is_free = is_lock_free(registry.engine)
        with registry.read() as session:
            line = run_line(find_run(session, run_id), lock_is_free=is_free)
            failures = [asdict(failure) for failure in failures_of(session, line.run_id)]
            unfinished = unfinished_runs(session, lock_is_free=is_free)
            data = asdict(line) | {"failures": failures, "left_to_do": left_to_do(session, line)}
    _, rows, columns = details_text(data)
    text, _, _ = details_text(data | _words(line))
    output.result(
        "run", data=data, rows=rows, columns=columns, text=text, footer=_who_runs(unfinished), is_one=True
    )


def _words(line: RunLine) -> dict[str, str]:
    """Return what people read in place of some of a run's fields."""
    return {"status": _state(line), "seconds": duration_text(line.seconds)}


def _state(line: RunLine) -> str:
    """Return how a run ended or how it is, in the words of a table."""
    if line.is_lost:
        return "lost (its process is gone)"
    if line.status == "running" and line.cancel_requested:
        return "running, asked to stop"
    return line.status


def _main_counts(line: RunLine) -> dict[str, str]:
    """Return what a run did in whole numbers; rates and zeros stand in `run show`."""
    whole = {name: count for name, count in line.counts.items() if isinstance(count, int) and count}
    return {"counts": ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in whole.items())}


def _who_runs(unfinished: Sequence[RunLine]) -> str:
    lines = [
        f"runs now: run {run.run_id} ({run.kind}), pid {run.pid} on {run.host}, since {shown(run.started_at)}"
        + (", holds the lock" if run.holds_lock else "")
        for run in unfinished
        if not run.is_lost
    ]
    return "\n".join(lines or ["nothing runs now"])
