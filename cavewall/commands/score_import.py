"""`cavewall score import` and what belongs to it; `cavewall score` takes these commands in."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cavewall.console import confirm, note
from cavewall.groups import Leaf
from cavewall.import_options import import_options
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, limit_option, option, output_options, yes_option
from cavewall.output import Output
from cavewall.rendering import Column, columns_of
from registry.errors import PartlyDone, RegistryError

FILE_FORMATS = ("timm-results", "lm-eval", "clip-benchmark", "vtab", "wide", "long")
SOURCE_KINDS = ("own-evaluation", "harness-run", "paper", "leaderboard")
KIND = "scores"
COLUMNS = [
    *columns_of("outcome", "file", "format"),
    Column("import_id", "import", "number"),
    *(
        Column(name, kind="count")
        for name in ("rows", "matched", "unmatched", "added", "unchanged", "rejected")
    ),
    Column("detail"),
]
IMPORT_COLUMNS = [
    Column("import_id", "id", "number"),
    *columns_of("format", "path", "source"),
    *(Column(name, kind="count") for name in ("rows", "scores", "rejected")),
    *columns_of("imported_at", "status"),
]


@click.command("import", cls=Leaf)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@option("--source", metavar="NAME", help="Who says so; vtab, wide and long need it.  [default: the harness]")
@option("--source-kind", type=click.Choice(SOURCE_KINDS), help="What a new source is.  [doi: is a paper]")
@option("--trust", type=click.Choice(["high", "medium", "low"]), help="How far.  [default: of its kind]")
@option("--date", "published_at", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Of the source.")
@option("--url", metavar="URL", help="Where the source can be read.")
@option("--protocol", metavar="TEXT", help="How it was measured; timm-results: on which test set.")
@option("--split", metavar="NAME", help="On which part of the data.")
@option("--shots", type=click.IntRange(0, 100_000), metavar="N", help="Examples in the prompt.")
@option("--suite", metavar="NAME", help="What the tasks belong to.  [wide, long: the name of the source]")
@option("--metric", metavar="NAME", help="How results are measured.  [wide, long: score]")
@option("--unit", type=click.Choice(["percent", "fraction"]), help="wide, long: of all values.")
@option("--map", "columns", multiple=True, metavar="COLUMN=NAME", help="What a column is, or its task.")
@option("--ignore", "ignored", multiple=True, metavar="COLUMN", help="Leave a column out.")
@option("--map-file", type=click.Path(path_type=Path), metavar="FILE", help="Which checkpoint a name is.")
@option("--write-map", type=click.Path(path_type=Path), metavar="FILE", help="Write unmatched names there.")
@option("--register-missing", is_flag=True, help="First register names that timm or the hub knows.")
@option("--on-conflict", type=click.Choice(["keep", "error"]), default="keep", show_default=True,
        help="Of a claim that contradicts one that is there.")  # fmt: skip
@dry_run_option
@db_option
@import_options(FILE_FORMATS)
def import_(files: tuple[str, ...], dry_run: bool, database: str | None, output: Output, **said: Any) -> None:
    """Import files of benchmark scores, each value with its source.

    Names are matched exactly, or through --map-file; those that are not in the registry are ignored. Every
    claim is kept. A row that cannot be true is refused, with its reason, and the command ends with 3.

    Examples:
    cavewall score import results-imagenet.csv --format timm-results --protocol in1k-val
    cavewall score import 'evals/**/results_*.json' --format lm-eval --dry-run
    cavewall score import vtab.csv --source doi:10.48550/arXiv.1910.04867 --write-map names.csv
    """
    from cavewall.score_importing import import_files

    with opened(database) as registry:
        lines = import_files(registry, files, said, is_dry=dry_run)
    rows = [asdict(line) | {"conflicts": len(line.conflicts)} for line in lines]
    output.result(
        "score-import",
        data={"files": [asdict(line) for line in lines], "is_dry_run": dry_run},
        rows=rows,
        columns=COLUMNS,
        text="\n".join(line.text() for line in lines),
    )
    _refuse([line.outcome for line in lines], sum(line.rejected for line in lines), dry_run)


def _refuse(outcomes: list[str], rejected: int, dry_run: bool) -> None:
    failed = outcomes.count("failed")
    if failed and failed == len(outcomes):
        raise RegistryError(f"all {failed} files failed", hint="the reasons are above")
    rest = "nothing was written" if dry_run else "the rest is committed"
    if failed:
        raise PartlyDone(f"{failed} of {len(outcomes)} files failed, {rest}", hint="the reasons are above")
    if rejected:
        would = "would be" if dry_run else "were"
        hint = "run it without --dry-run" if dry_run else "cavewall score list --refused --import ID"
        raise PartlyDone(f"{rejected:,} rows or cells {would} refused, {rest}", hint=f"see why: {hint}")


@click.command(cls=Leaf)
@click.argument("name", metavar="[FORMAT]", required=False)
@output_options
def formats(name: str | None, output: Output) -> None:
    """List the formats of score files, or the names that one of them knows.

    Examples:
    cavewall score formats
    cavewall score formats vtab
    """
    from ingest.score_files.formats import FORMATS as KNOWN
    from ingest.score_files.formats import find_format

    if name is None:
        rows = [{"format": known.name, "shape": known.shape} for known in KNOWN.values()]
        output.rows("score-formats", rows, columns_of("format", "shape"))
        return
    known = find_format(name)
    data = {
        "format": known.name, "shape": known.shape, "about": known.about, "names": list(known.names),
        "source": known.default_source,
    }  # fmt: skip
    lines = [f"{known.name}  {known.shape}", known.about]
    if known.names:
        lines.append(f"names: {', '.join(known.names)}")
    rows = [{"format": known.name, "name": one} for one in known.names]
    output.result(
        "score-format", data=data, rows=rows, columns=columns_of("format", "name"), text="\n".join(lines)
    )


@click.command(cls=Leaf)
@limit_option
@db_option
@output_options
def imports(limit: int | None, database: str | None, output: Output) -> None:
    """List the imports of scores.

    Examples:
    cavewall score imports
    cavewall score imports --format json
    """
    from registry.import_listings import list_imports

    with opened(database) as registry, registry.read() as session:
        rows = [asdict(line) for line in list_imports(session, KIND, limit=limit)]
    output.rows("score-imports", rows, IMPORT_COLUMNS, empty="no imports: cavewall score import")


import_option = option(
    "--import", "import_id", type=click.IntRange(1, 2**31 - 1), metavar="ID", required=True,
    help="Which import; 'score imports' shows them.",
)  # fmt: skip


@click.command(cls=Leaf)
@import_option
@option("--reason", required=True, metavar="TEXT", help="Why, for those who look later.")
@yes_option
@dry_run_option
@db_option
@output_options
def retire(
    import_id: int, reason: str, yes: bool, dry_run: bool, database: str | None, output: Output
) -> None:
    """Take the scores of an import out of what counts.

    Nothing is deleted: `restore` brings them back. What another import or a claim of your own says too stays.

    Examples:
    cavewall score retire --import 3 --reason "measured on the wrong split" --yes
    cavewall score retire --import 3 --reason "measured on the wrong split" --dry-run
    """
    from cavewall.rehearsal import rehearsal
    from ingest.score_files.batches import retire_import

    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        confirm(f"Retire the scores of import {import_id}?", yes=yes or dry_run)
        is_changed = retire_import(stage, import_id, reason)
    _show_change("retired", import_id, is_changed, dry_run, output)


@click.command(cls=Leaf)
@import_option
@dry_run_option
@db_option
@output_options
def restore(import_id: int, dry_run: bool, database: str | None, output: Output) -> None:
    """Bring the scores of a retired import back.

    Examples:
    cavewall score restore --import 3
    cavewall score restore --import 3 --dry-run
    """
    from cavewall.rehearsal import rehearsal
    from ingest.score_files.batches import restore_import

    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        is_changed = restore_import(stage, import_id)
    _show_change("restored", import_id, is_changed, dry_run, output)


def _show_change(word: str, import_id: int, is_changed: bool, dry_run: bool, output: Output) -> None:
    outcome = word if is_changed else "unchanged"
    row = {"outcome": outcome, "import_id": import_id, "is_dry_run": dry_run}
    text = f"{'would be ' if dry_run else ''}{outcome}  import {import_id}"
    output.result(f"score-{word}", data=row, rows=[row], columns=columns_of(*row), text=text)
    if is_changed and not dry_run:
        note("the next snapshot shows it:  cavewall snapshot build")
