"""`cavewall dataset`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

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
    *columns_of("licence", "parent"),
    Column("order_fingerprint", "order"),
    Column("set_fingerprint", "set"),
]
FINGERPRINTS = ("order_fingerprint", "set_fingerprint")
SHORT = 12  # characters of a fingerprint or a commit that people see in a table


def column_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which columns are what, as one mapping `columns`."""

    @wraps(function)
    def with_columns(*arguments: Any, **keywords: Any) -> Any:
        listed = keywords.pop("covariates")
        names = None if listed is None else tuple(part.strip() for part in listed.split(",") if part.strip())
        columns = {key: keywords.pop(f"{key}_column") for key in ("id", "image", "text")}
        columns["texts"] = columns.pop("text")
        return function(*arguments, columns={**columns, "covariates": names}, **keywords)

    ids = option("--id-column", metavar="COLUMN", help="Each item's id.  [default: id, a path, a number]")
    texts = option("--text-column", multiple=True, metavar="COLUMN", help="A caption each; repeatable.")
    images = option("--image-column", metavar="COLUMN", help="Pictures, or paths of pictures.")
    beside = option("--covariates", metavar="A,B", help="Keep only these columns beside.  [default: all]")
    return ids(texts(images(beside(with_columns))))


@click.group(cls=Noun)
def command() -> None:
    """Register data sets: fixed, ordered items."""


@command.command()
@click.argument("name")
@option(
    "--from",
    "source",
    metavar="SOURCE",
    help="A folder, a table, an .npz file or hf:ID@REVISION[:SPLIT].  [see: cavewall dataset formats]",
)
@option("--as", "form", metavar="FORMAT", help="What SOURCE is.  [default: its suffix says it]")
@column_options
@option("--sort", metavar="COLUMN", help="Sort by a column, as text.  [default: the order of SOURCE]")
@option("--n", "limit", type=int, metavar="N", help="The first N items.")
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
@option(
    "--groups",
    "--group-column",
    "groups",
    metavar="COLUMN",
    help="Column with each item's group.  [default: group_id]",
)
@option("--parent", metavar="DATASET", help="The data set that this one derives from.")
@option("--relation", metavar="RELATION", help="How: captions, gallery or subset.  [default: by the ids]")
@option("--licence", metavar="TEXT", help="Of the items.")
@option("--credit", metavar="TEXT", help="Whom to name when they are shown.")
@dry_run_option
@db_option
@output_options
def add(
    name: str,
    source: str | None,
    form: str | None,
    columns: dict[str, Any],
    sort: str | None,
    limit: int | None,
    pictures: Path | None,
    texts: Path | None,
    groups: str | None,
    parent: str | None,
    relation: str | None,
    licence: str | None,
    credit: str | None,
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Register items from a source, or from pictures and texts apart.

    With --pictures and --texts, the id in the table is a picture's file name without its suffix. Columns
    that are not used are kept as covariates.

    Examples:
    cavewall dataset add birds --from birds.parquet --text-column caption --id-column photo
    cavewall dataset add wit-1024 --from hf:minhuh/prh@wit_1024:train --n 1024
    cavewall dataset add captions --texts captions.tsv --licence CC-BY-4.0
    """
    from cavewall.rehearsal import rehearsal
    from ingest.datasets import Origin, add_dataset
    from ingest.items_from_columns import Choice
    from ingest.items_from_sources import items_from

    choice = Choice(**columns, group=groups, sort=sort, limit=limit)
    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        read = items_from(source, choice, pictures=pictures, texts=texts, form=form)
        origin = Origin(revision=read.revision, parent=parent, relation=relation)
        credit = credit or read.credit
        added = add_dataset(stage, name, read.items, licence=licence, credit=credit, origin=origin)
    notes = (*read.notes, *added.notes)
    row = {"outcome": added.outcome, "name": added.name, "detail": added.detail, "is_dry_run": dry_run}
    word = f"would be {added.outcome}" if dry_run else added.outcome
    text = f"{word}  {added.name}   {added.detail}"
    output.result("dataset-add", data=row, rows=[row], columns=columns_of(*row), text=text, warnings=notes)


@command.command()
@output_options
def formats(output: Output) -> None:
    """List what a data set can be made from.

    Examples:
    cavewall dataset formats
    cavewall dataset formats --format json
    """
    from ingest.items_from_sources import FORMS

    rows = [asdict(form) for form in FORMS]
    output.rows("dataset-formats", rows, columns_of("name", "told_by", "holds"))


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
    if output.is_for_people:
        for row in rows:
            row.update({key: row[key][:SHORT] for key in FINGERPRINTS})
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
