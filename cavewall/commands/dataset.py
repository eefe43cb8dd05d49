"""`cavewall dataset`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, limit_option, option, output_options
from cavewall.output import Output
from cavewall.rendering import Column, columns_of, details_text, plural

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
@option("--groups", metavar="COLUMN", help="Column of it with each item's group.  [default: group_id]")
@option("--licence", metavar="TEXT", help="Of the items.")
@option("--credit", metavar="TEXT", help="Whom to name when they are shown.")
@dry_run_option
@db_option
@output_options
def add(
    name: str,
    pictures: Path | None,
    texts: Path | None,
    groups: str | None,
    licence: str | None,
    credit: str | None,
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Register items from a folder of pictures, a table of texts, or both.

    With both, the id in the table is a picture's file name without its suffix. Other columns are kept as
    covariates.

    Examples:
    cavewall dataset add birds --pictures birds/ --texts captions.csv
    cavewall dataset add captions --texts captions.tsv --licence CC-BY-4.0
    """
    from cavewall.rehearsal import rehearsal
    from ingest.datasets import add_dataset
    from ingest.items_from_files import items_from_files

    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        items = items_from_files(pictures, texts, groups=groups)
        added = add_dataset(stage, name, items, licence=licence, credit=credit)
    row = {"outcome": added.outcome, "name": added.name, "detail": added.detail, "is_dry_run": dry_run}
    word = f"would be {added.outcome}" if dry_run else added.outcome
    text = f"{word}  {added.name}   {added.detail}"
    output.result("dataset-add", data=row, rows=[row], columns=columns_of(*row), text=text)


@command.command()
@click.argument("dataset")
@click.argument("name")
@option("--shared-words", is_flag=True, help="Items whose texts share a word, function words aside.")
@option("--same", metavar="COVARIATE", help="Items of equal value; group_id for the items of one group.")
@option(
    "--pairs",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV, TSV or Parquet: columns left and right, of item ids.",
)
@dry_run_option
@db_option
@output_options
def exclude(
    dataset: str,
    name: str,
    shared_words: bool,
    same: str | None,
    pairs: Path | None,
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Name pairs of items that a recipe can leave out of the neighbours.

    A target takes it as --recipe exclude:NAME,cosine.

    Examples:
    cavewall dataset exclude emoji-1001 shared-word --shared-words
    cavewall dataset exclude birds same-photographer --same photographer
    """
    from cavewall.rehearsal import rehearsal
    from ingest.exclusions import add_exclusion, rule_of

    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        rule = rule_of(shared_words=shared_words, same=same, pairs=pairs)
        added = add_exclusion(stage, dataset, name, rule)
    word = f"would be {added.outcome}" if dry_run else added.outcome
    row = {key: value for key, value in asdict(added).items() if key != "exclusion_id"}
    row["is_dry_run"] = dry_run
    most = f"at most {added.largest_degree:,} at one item"
    text = f"{word}  {name}   {plural(added.pair_count, 'pair')}, {added.share:.2%} of all, {most}"
    output.result("dataset-exclude", data=row, rows=[row], columns=columns_of(*row), text=text)


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
    from registry.details import dataset_details, item_details
    from registry.lookup import find_dataset

    with opened(database) as registry, registry.read() as session:
        dataset = find_dataset(session, name)
        data = dataset_details(session, dataset) | item_details(registry.store, dataset)
    text, rows, columns = details_text(data)
    output.result("dataset", data=data, rows=rows, columns=columns, text=text, is_one=True)
