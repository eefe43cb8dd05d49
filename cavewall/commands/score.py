"""`cavewall score`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cavewall.commands.score_import import formats, import_, imports, restore, retire
from cavewall.console import note
from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, limit_option, option, output_options
from cavewall.output import Output
from cavewall.progress import progress
from cavewall.rendering import Column, columns_of, plural
from registry.errors import UsageError

if TYPE_CHECKING:
    from cavewall.measuring import Measured
    from cavewall.probing import Probed
    from registry.handle import Registry

BITS_PER_BYTE = "bpb"
KIND = "scores"
COLUMNS = [*columns_of("outcome", "checkpoint"), Column("value", kind="score"), Column("detail")]
BATTERY_COLUMNS = [
    *columns_of("outcome", "checkpoint"),
    Column("task_count", "tasks", "count", "·"),
    Column("value", "balanced accuracy", "score", "·"),
    Column("chance", kind="score", blank="·"),
    Column("detail"),
]
LIST_COLUMNS = [
    *columns_of("checkpoint", "task", "metric"),
    Column("value", kind="score"),
    Column("stderr", kind="score"),
    Column("chance", kind="score"),
    Column("item_count", "items", "count"),
    *columns_of("source", "trust", "measured_at", "status"),
]
REFUSED_COLUMNS = columns_of(
    "checkpoint", "task", "metric", "value", "reason", "source", "trust", "refused_at"
)
REJECT_COLUMNS = [Column("line", kind="number"), *columns_of("content", "reason")]
SOURCE_KINDS = ("own-evaluation", "harness-run", "paper", "leaderboard")


@click.group(cls=Noun)
def command() -> None:
    """Measure, import and list benchmark scores."""


for imported in (import_, formats, imports, retire, restore):
    command.add_command(imported)


@command.command()
@click.argument("name")
@option("--tasks", required=True, metavar="LIST", help="Covariates; NAME:N is each of its N largest values.")
@option("--dataset", metavar="NAME", help="On which items.  [default: the only data set]")
@option("--stratify", metavar="COVARIATE", help="Take the same share of every value.  [default: one draw]")
@option("--test-share", type=float, default=0.5, show_default=True, help="How much is for the test.")
@option("--seed", type=int, default=0, show_default=True, help="Of the split and the shuffles.")
@dry_run_option
@db_option
@output_options
def define(
    name: str,
    tasks: str,
    dataset: str | None,
    stratify: str | None,
    test_share: float,
    seed: int,
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Define a battery of linear probes: which tasks, on which split.

    A covariate is one task with a class for each value. NAME:N is N tasks, each a value against the rest.

    Examples:
    cavewall score define emoji-19 --tasks category,subcategory:18 --stratify subcategory
    cavewall score define kinds --dataset emoji-1001 --tasks category --stratify category --dry-run
    """
    from cavewall.probing import define as define_battery

    with opened(database) as registry:
        done = define_battery(
            registry,
            name,
            dataset,
            [task for task in tasks.split(",") if task.strip()],
            stratify=stratify,
            test_share=test_share,
            seed=seed,
            is_dry=dry_run,
        )
    row = asdict(done) | {"is_dry_run": dry_run}
    word = f"would be {done.outcome}" if dry_run else done.outcome
    parts = f"{done.train_count:,} items for training, {done.test_count:,} for the test"
    text = f"{word}  {name}   {plural(done.task_count, 'task')}, {parts}"
    columns = columns_of("outcome", "name", "task_count", "train_count", "test_count")
    output.result("score-define", data=row, rows=[row], columns=columns, text=text)
    if done.outcome == "added" and not dry_run:
        note(f"next:  cavewall score run {name}")


@command.command()
@click.argument("benchmark")
@click.argument("checkpoints", metavar="[CHECKPOINT]...", nargs=-1)
@option("--extraction", "extraction", multiple=True, metavar="KEY", help="A battery: whose embeddings count.")
@option("--dataset", metavar="NAME", help="bpb: on whose texts.  [default: the only data set]")
@option("--caption-index", type=click.IntRange(min=0), metavar="N", help="bpb: which text.  [default: 0]")
@option(
    "--context",
    type=click.IntRange(min=2),
    metavar="N",
    help="bpb: tokens seen at a time.  [default: its own]",
)
@option("--corpus", metavar="CORPUS", help="bpb: on a text FILE or hf:ID@REVISION[:COLUMN] instead.")
@option("--documents", type=click.IntRange(min=1), metavar="N", help="bpb: of the corpus, at most.")
@option("--bytes", type=click.IntRange(min=1), metavar="N", help="bpb: of the corpus, at most.")
@option(
    "--stride",
    type=click.IntRange(min=1),
    metavar="N",
    help="bpb: tokens between windows on a corpus.  [default: context - 1]",
)
@option("--device", metavar="NAME", help="bpb: auto, cpu, cuda or cuda:N.  [default: of the configuration]")
@option("--batch-size", type=click.IntRange(min=1), metavar="N", help="bpb: texts at a time.")
@dry_run_option
@db_option
@output_options
def run(
    benchmark: str,
    checkpoints: tuple[str, ...],
    extraction: tuple[str, ...],
    dry_run: bool,
    database: str | None,
    output: Output,
    **settings: Any,
) -> None:
    """Measure a battery of linear probes, or bits per byte (bpb).

    A battery runs on the embeddings that are there: of all checkpoints, or of those that are named. Bits per
    byte are those of causal language models that are named, on the texts of a data set or on a corpus: a
    .txt is one document, .jsonl and .parquet have one in each "text". What is measured stays as it is.

    Examples:
    cavewall score run emoji-19
    cavewall score run bpb 'unicode-names-*' --dataset emoji-1001 --device cpu
    cavewall score run bpb pythia-410m --corpus news.jsonl --bytes 16000000 --stride 1024
    """
    from cavewall.adding import count_outcomes, refuse_failures
    from cavewall.measuring import run_bits

    is_battery = benchmark != BITS_PER_BYTE
    _check_options(is_battery, checkpoints, {"extraction": extraction, **settings})
    lines: Sequence[Probed | Measured]
    with opened(database) as registry:
        if is_battery:
            lines = _run_battery(registry, benchmark, checkpoints, extraction, dry_run)
        else:
            lines = run_bits(registry, checkpoints, settings, is_dry=dry_run)
    rows = [asdict(line) for line in lines]
    counts = count_outcomes([line.outcome for line in lines])
    output.result(
        "score-run",
        data={"benchmark": benchmark, "counts": counts, "lines": rows, "is_dry_run": dry_run},
        rows=rows,
        columns=BATTERY_COLUMNS if is_battery else COLUMNS,
        text="\n".join(line.text() for line in lines) or "no checkpoint reads the data set",
    )
    refuse_failures(counts, "checkpoints")


def _check_options(is_battery: bool, checkpoints: tuple[str, ...], options: Mapping[str, Any]) -> None:
    given = [name for name, value in options.items() if value not in (None, ())]
    strange = [name for name in given if (name == "extraction") != is_battery]
    if strange:
        raise UsageError(
            f"--{strange[0].replace('_', '-')} means nothing for {'a battery' if is_battery else 'bpb'}",
            hint="a battery has its own data set and split" if is_battery else "say --dataset",
        )
    if not is_battery and not checkpoints:
        raise UsageError(
            "bits per byte are measured of checkpoints that are named", hint="add their names, or a glob"
        )


def _run_battery(
    registry: Registry, battery: str, checkpoints: Sequence[str], extraction: Sequence[str], dry_run: bool
) -> list[Probed]:
    from cavewall.probing import run_over

    with progress(device="cpu") as report:
        return run_over(registry, battery, checkpoints, extraction, report, is_dry=dry_run)


@command.command()
@click.argument("checkpoint")
@option("--benchmark", required=True, metavar="SUITE/TASK", help="On what.")
@option("--metric", required=True, metavar="NAME", help="How the result is measured.")
@option("--value", required=True, type=float, metavar="X", help="The result.")
@option("--source", required=True, metavar="NAME", help="Who says so.")
@option("--source-kind", type=click.Choice(SOURCE_KINDS), help="What that is; needed for a new source.")
@option("--trust", type=click.Choice(["high", "medium", "low"]), help="How far.  [default: of its kind]")
@option(
    "--date",
    "published_at",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="When the source was published.",
)
@option("--url", metavar="URL", help="Where the source can be read.")
@option("--stderr", type=float, metavar="X", help="Standard error of the result.")
@option("--items", "item_count", type=click.IntRange(min=1), metavar="N", help="Items it was measured on.")
@option("--shots", type=click.IntRange(min=0), metavar="N", help="Examples in the prompt.")
@option("--protocol", metavar="TEXT", help="How it was measured.")
@option("--split", metavar="NAME", help="On which part of the data.")
@option("--benchmark-version", "version", default="unknown", show_default=True, help="Of the task.")
@option("--higher-is-better/--lower-is-better", default=None, help="Direction.  [default: higher]")
@option("--low", type=float, metavar="X", help="Lowest possible value.")
@option("--high", type=float, metavar="X", help="Highest possible value.")
@option("--chance", type=float, metavar="X", help="What a guess reaches.")
@dry_run_option
@db_option
@output_options
def add(
    checkpoint: str, benchmark: str, dry_run: bool, database: str | None, output: Output, **said: Any
) -> None:
    """Record what somebody else says about a checkpoint.

    Every claim is kept. Of several the most trusted is current, and of these the newest. What is said about
    benchmark and source is needed once: later claims find it registered.

    Examples:
    cavewall score add minilm-l6 --benchmark sts/b --metric rho --value .82 --source sbert --source-kind paper
    cavewall score add tf-idf --benchmark sts/b --metric rho --value .3 --source lab --source-kind harness-run
    """
    from cavewall.claiming import add_claim

    with opened(database) as registry:
        done = add_claim(registry, checkpoint, benchmark, said, is_dry=dry_run)
    word = f"would be {done.outcome}" if dry_run else done.outcome
    row = asdict(done)
    text = f"{word}  {done.checkpoint}  {benchmark} {done.metric} {done.value:g}"
    columns = columns_of("outcome", "checkpoint", "task", "metric", "value")
    output.result("score-add", data=row, rows=[row], columns=columns, text=text)


@command.command("list")
@click.argument("checkpoints", metavar="[CHECKPOINT]...", nargs=-1)
@option("--benchmark", metavar="GLOB", help="On which ones, by suite/task.  [default: all]")
@option("--import", "import_id", type=click.IntRange(1, 2**31 - 1), metavar="ID", help="Of one import.")
@option("--refused", is_flag=True, help="The claims or, with --import, the rows that were refused, and why.")
@limit_option
@db_option
@output_options
def list_(
    checkpoints: tuple[str, ...],
    benchmark: str | None,
    import_id: int | None,
    refused: bool,
    limit: int | None,
    database: str | None,
    output: Output,
) -> None:
    """List scores, each with its source.

    Examples:
    cavewall score list
    cavewall score list 'efficientnet-*' --benchmark 'emoji-19/*' --format csv
    cavewall score list --refused
    cavewall score list --import 3 --refused
    """
    from cavewall.selecting import choose_checkpoints
    from registry.import_listings import list_rejects, require_import
    from registry.lookup import find_benchmarks
    from registry.score_listings import list_refusals, list_scores

    with opened(database) as registry, registry.read() as session:
        chosen = {
            "checkpoint_ids": [row.id for row in choose_checkpoints(session, checkpoints)]
            if checkpoints
            else None,
            "benchmark_ids": [row.id for row in find_benchmarks(session, benchmark)] if benchmark else None,
        }
        if refused and import_id is not None:
            rejects = [asdict(line) for line in list_rejects(session, KIND, import_id, limit=limit)]
            output.rows("score-rejects", rejects, REJECT_COLUMNS, empty="no row was refused")
            return
        if import_id is not None:
            require_import(session, KIND, import_id)
        if refused:
            rows = [asdict(line) for line in list_refusals(session, **chosen, limit=limit)]
        else:
            rows = [asdict(line) for line in list_scores(session, **chosen, batch_id=import_id, limit=limit)]
    if refused:
        output.rows("score-refused", rows, REFUSED_COLUMNS, empty="no claim was refused")
    else:
        output.rows("score-list", rows, LIST_COLUMNS, empty="no scores: cavewall score run")
