"""`cavewall dataset`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, limit_option, option, output_options
from cavewall.output import Output
from cavewall.rendering import Column, columns_of, details_text

LIST_COLUMNS = [
    Column("name"),
    Column("item_count", "items", "count"),
    *columns_of("modalities", "pairing", "revision"),
    Column("embeddings", kind="count"),
    Column("licence"),
]


@click.group(cls=Noun)
def command() -> None:
    """Register data sets: fixed, ordered items."""


@command.command()
@click.argument("name")
@option(
    "--pictures",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="One picture per item, ordered by name.",
)
@option(
    "--texts",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV, TSV or Parquet: columns id and text.",
)
@option("--licence", metavar="TEXT", help="Of the items.")
@option("--credit", metavar="TEXT", help="Whom to name when they are shown.")
@dry_run_option
@db_option
@output_options
def add(
    name: str,
    pictures: Path | None,
    texts: Path | None,
    licence: str | None,
    credit: str | None,
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Register items from a folder of pictures, a table of texts, or both.

    With both, the id in the table is a picture's file name without its suffix.

    Examples:
    cavewall dataset add birds --pictures birds/ --texts captions.csv
    cavewall dataset add captions --texts captions.tsv --licence CC-BY-4.0
    """
    from cavewall.rehearsal import rehearsal
    from ingest.datasets import add_dataset
    from ingest.items_from_files import items_from_files

    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        items = items_from_files(pictures, texts)
        added = add_dataset(stage, name, items, licence=licence, credit=credit)
    row = {"outcome": added.outcome, "name": added.name, "detail": added.detail, "is_dry_run": dry_run}
    word = f"would be {added.outcome}" if dry_run else added.outcome
    text = f"{word}  {added.name}   {added.detail}"
    output.result("dataset-add", data=row, rows=[row], columns=columns_of(*row), text=text)


@command.command("list")
@limit_option
@db_option
@output_options
def list_(limit: int | None, database: str | None, output: Output) -> None:
    """List the data sets.

    Examples:
    cavewall dataset list
    cavewall dataset list --format json
    """
    from registry.listings import list_datasets

    with opened(database) as registry, registry.read() as session:
        rows = [asdict(line) for line in list_datasets(session, limit=limit)]
    output.rows("dataset-list", rows, LIST_COLUMNS, empty="no data sets: cavewall dataset add")


@command.command()
@click.argument("name")
@db_option
@output_options
def show(name: str, database: str | None, output: Output) -> None:
    """Show everything that is known about one data set.

    Examples:
    cavewall dataset show emoji-1001
    cavewall dataset show emoji-1001 --format json
    """
    from registry.details import dataset_details
    from registry.lookup import find_dataset

    with opened(database) as registry, registry.read() as session:
        data = dataset_details(session, find_dataset(session, name))
    text, rows, columns = details_text(data)
    output.result("dataset", data=data, rows=rows, columns=columns, text=text, is_one=True)
