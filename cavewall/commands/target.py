"""`cavewall target`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, limit_option, option, output_options
from cavewall.output import Output
from cavewall.rendering import Column, columns_of, plural

if TYPE_CHECKING:
    from registry.handle import Registry


@click.group(cls=Noun)
def command() -> None:
    """Say which alignments ought to exist."""


@command.command()
@option("--dataset", metavar="NAME", help="On which items.  [default: the only data set]")
@option(
    "--metric", default="mutual_knn", show_default=True, metavar="NAME", help="How to compare two layers."
)
@option("--k", default=10, show_default=True, type=click.IntRange(min=1), help="How many neighbours count.")
@option("--recipe", default="cosine", show_default=True, help="What is done to a layer first.")
@option(
    "--reducer",
    default="max",
    show_default=True,
    type=click.Choice(["max", "last"]),
    help="Over layer pairs.",
)
@option(
    "--pairs",
    default="all",
    show_default=True,
    type=click.Choice(["all", "across"]),
    help="Across modalities only?",
)
@option("--extraction", "extraction", multiple=True, metavar="KEY", help="A rule to take, one per modality.")
@option("--name", help="What to call it.  [default: made of the data set and the metric]")
@dry_run_option
@db_option
@output_options
def add(
    dataset: str | None,
    metric: str,
    k: int,
    recipe: str,
    reducer: Any,
    pairs: Any,
    extraction: tuple[str, ...],
    name: str | None,
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Register which pairs ought to exist, and how they are compared.

    Without --extraction it takes the rule that each modality's embeddings were made by, or the default rule.

    Examples:
    cavewall target add --dataset emoji-1001
    cavewall target add --dataset emoji-1001 --metric mutual_knn --k 20 --pairs across
    """
    from cavewall.rehearsal import rehearsal
    from cavewall.rules import extraction_ids
    from compute.targets import TargetRule, add_target

    rule = TargetRule(metric, k, recipe, reducer, pairs)
    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        chosen = extraction_ids(stage, dataset, extraction)
        done = add_target(stage, dataset, chosen, rule, name=name)
        missing = _missing_pairs(stage, done.name)
    word = f"would be {done.outcome}" if dry_run else done.outcome
    row = {"outcome": done.outcome, "name": done.name, "pairs_missing": missing}
    text = f"{word}  {done.name}   {plural(missing, 'pair')} missing"
    columns = columns_of("outcome", "name", "pairs_missing")
    output.result("target-add", data=row, rows=[row], columns=columns, text=text)


def _missing_pairs(registry: Registry, name: str) -> int:
    from compute.plan import make_plan

    return sum(plan.pairs for plan in make_plan(registry, [name]))


@command.command("list")
@limit_option
@db_option
@output_options
def list_(limit: int | None, database: str | None, output: Output) -> None:
    """List the targets, and how much of each is there.

    Examples:
    cavewall target list
    cavewall target list --format json
    """
    from compute.coverage import coverage
    from registry.listings import list_targets

    with opened(database) as registry, registry.read() as session:
        covered = {target.target: target for target in coverage(session)}
        rows = [
            asdict(line) | {"wanted": covered[line.name].wanted, "fresh": covered[line.name].fresh}
            for line in list_targets(session, limit=limit)
        ]
    columns = [
        *columns_of("name", "dataset", "metric", "parameters", "recipe", "reducer", "pairs"),
        Column("fresh", kind="count"),
        Column("wanted", kind="count"),
    ]
    output.rows("target-list", rows, columns, empty="no targets yet: cavewall target add")
