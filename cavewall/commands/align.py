"""`cavewall align`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from cavewall.byte_sizes import byte_size
from cavewall.commands.align_import import command as import_
from cavewall.durations import duration, duration_text
from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, option, output_options
from cavewall.output import Output
from cavewall.progress import progress
from cavewall.rendering import columns_of, plural
from cavewall.signals import asked_to_stop
from registry.errors import PartlyDone

if TYPE_CHECKING:
    from compute.runner import RunSummary
    from registry.handle import Registry


@click.group(cls=Noun)
def command() -> None:
    """Compute the alignments that are missing."""


command.add_command(import_)


@command.command()
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@db_option
@output_options
def plan(targets: tuple[str, ...], database: str | None, output: Output) -> None:
    """Show what is missing and why, and about how long it will take here.

    Examples:
    cavewall align plan
    cavewall align plan --format json
    """
    with opened(database) as registry:
        _show_plan(registry, targets, output)


def _show_plan(registry: Registry, targets: Sequence[str], output: Output) -> None:
    from cavewall.plan_text import PLAN_COLUMNS, plan_row, plan_text
    from compute.plan import make_plan

    plans = make_plan(registry, targets or None)
    rows = [plan_row(plan) for plan in plans]
    if all(plan.is_empty() for plan in plans):
        text, footer = _nothing_to_do(registry, targets), ""
    else:
        text = plan_text(plans)
        footer = "run it:  cavewall align run      only the cheap part:  cavewall align run --no-null"
    output.result("align-plan", data=rows, rows=rows, columns=PLAN_COLUMNS, text=text, footer=footer)


def _nothing_to_do(registry: Registry, targets: Sequence[str]) -> str:
    from compute.coverage import coverage

    with registry.read() as session:
        found = [target for target in coverage(session) if not targets or target.target in targets]
    if not found:
        return "nothing to do: there is no target yet: cavewall target add"
    fresh, wanted = sum(target.fresh for target in found), sum(target.wanted for target in found)
    calibrated = sum(target.calibrated for target in found)
    nulls = "" if calibrated == wanted else f", {calibrated:,} have their null"
    return f"nothing to do: {fresh:,} of {wanted:,} pairs are fresh{nulls}"


@command.command()
@click.argument("left", metavar="LEFT")
@click.argument("right", metavar="RIGHT")
@click.argument("target", metavar="[TARGET]", required=False)
@db_option
@output_options
def explain(left: str, right: str, target: str | None, database: str | None, output: Output) -> None:
    """Say what the alignment of a pair depends on, and what of it is missing.

    Examples:
    cavewall align explain minilm-l6 efficientnet-lite0
    cavewall align explain minilm-l6 efficientnet-lite0 emoji-1001/mutual-knn-k10 --format json
    """
    from cavewall.explain_text import COLUMNS, explanation_rows, explanations_text
    from compute.explaining import explain as explain_pair
    from registry.lookup import find_checkpoint

    with opened(database) as registry, registry.read() as session:
        one, other = (find_checkpoint(session, name) for name in (left, right))
        found = explain_pair(session, one, other, [target] if target else None)
    output.result(
        "align-explain",
        data=[asdict(explanation) for explanation in found],
        rows=explanation_rows(found),
        columns=COLUMNS,
        text=explanations_text(found) or "no target yet: cavewall target add",
    )


@command.command()
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@option("--device", metavar="NAME", help="auto, cpu, cuda or cuda:N.  [default: of the configuration]")
@option(
    "--budget",
    type=duration,
    metavar="TIME",
    help="Begin no further unit after this time, for example 30m.",
)
@option(
    "--wait",
    type=duration,
    default=0.0,
    metavar="TIME",
    help="Wait so long for another run, for example 2h.",
)
@option(
    "--memory",
    type=byte_size,
    metavar="SIZE",
    help="Take at most so much memory for layers and grids, like 2GB.  [default: half of what is free]",
)
@option(
    "--unit-layer-pairs",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most so many layer pairs in a unit.  [default: about two seconds of work]",
)
@option("--no-null", is_flag=True, help="Only score; leave the nulls to a later run.")
@dry_run_option
@db_option
@output_options
def run(
    targets: tuple[str, ...],
    device: str | None,
    budget: float | None,
    wait: float,
    memory: int | None,
    unit_layer_pairs: int | None,
    no_null: bool,
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Compute every pair and every null that is missing, and nothing else.

    Work is committed unit by unit: what is interrupted goes on where it stopped. Ctrl-c finishes the unit.

    Examples:
    cavewall align run
    cavewall align run --budget 30m --device cpu
    """
    from compute.runner import RunOptions, run_targets

    with opened(database) as registry:
        if dry_run:
            _show_plan(registry, targets, output)
            return
        chosen = device or registry.settings.device
        with asked_to_stop() as stop, progress(device=chosen) as report:
            options = RunOptions(
                device=chosen,
                wait=wait,
                null=not no_null,
                budget=budget,
                unit_layer_pairs=unit_layer_pairs,
                memory=memory,
                report=report,
                stop=stop,
            )
            summary = run_targets(registry, targets or None, options)
        text = _nothing_to_do(registry, targets) if summary.run_id is None else _summary_text(summary)
    row = asdict(summary)
    columns = columns_of(
        "run_id", "pairs", "layer_pairs", "calibrated", "lists_built", "units", "failed", "seconds"
    )
    footer = "the budget is used up; the rest:  cavewall align run" if summary.out_of_budget else ""
    output.result(
        "align-run",
        data=row,
        rows=[row],
        columns=columns,
        text=text,
        footer=footer,
        warnings=summary.warnings,
    )
    if summary.failed:
        raise PartlyDone(
            f"{summary.failed} of the steps of run {summary.run_id} failed, the rest is committed",
            hint="the reasons are above; run again after they are mended:  cavewall align run",
        )


def _summary_text(summary: RunSummary) -> str:
    built = f", {plural(summary.lists_built, 'neighbour list')} built" if summary.lists_built else ""
    failed = f", failed {summary.failed}" if summary.failed else ""
    done = f"aligned {plural(summary.pairs, 'pair')}, {plural(summary.layer_pairs, 'layer pair')}"
    nulls = (
        f"; calibrated {plural(summary.calibrated, 'pair')} in {duration_text(summary.null_seconds)}"
        if summary.calibrated
        else ""
    )
    return f"run {summary.run_id}: {done} in {duration_text(summary.seconds)}{built}{nulls}{failed}"
