"""`cavewall target`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, limit_option, option, output_options
from cavewall.output import Output
from cavewall.rendering import Column, columns_of, plural, shown
from registry.errors import UsageError

if TYPE_CHECKING:
    from compute.plan import TargetPlan
    from registry.handle import Registry


@click.group(cls=Noun)
def command() -> None:
    """Say which alignments ought to exist."""


@command.command()
@option("--dataset", metavar="NAME", help="On which items.  [default: the only data set]")
@option(
    "--metric",
    default="mutual_knn",
    show_default=True,
    metavar="NAME",
    help="How to compare two layers; 'cavewall metric list' has all.",
)
@option(
    "--k",
    type=click.IntRange(min=1),
    help="How many neighbours count, for metrics that look at them.  [default: 10]",
)
@option(
    "--set",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another parameter of the metric: sigma=2, unit=absolute, rdm=euclidean, dimensions=20.",
)
@option(
    "--recipe",
    default="cosine",
    show_default=True,
    metavar="STEPS",
    help="What is done to a layer first: clip95, clip95-all, clip95-layer, centre, l2, whiten:R, "
    "concat:raw, concat:l2, exclude:NAME; then cosine, inner or euclidean.",
)
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
@option("--draws", default=500, show_default=True, type=int, metavar="N", help="Permutations of each null.")
@option(
    "--alpha", default=0.05, show_default=True, type=float, metavar="SHARE", help="Level of the threshold."
)
@option("--seed", default=0, show_default=True, type=int, metavar="N", help="Of the permutations.")
@option("--groups", is_flag=True, help="Permute groups of items as blocks.")
@option("--within", metavar="COVARIATE", help="Permute only items of equal value.")
@option("--name", help="What to call it.  [default: made of the data set and the metric]")
@dry_run_option
@db_option
@output_options
def add(
    dataset: str | None,
    metric: str,
    k: int | None,
    parameters: tuple[str, ...],
    recipe: str,
    reducer: Any,
    pairs: Any,
    extraction: tuple[str, ...],
    draws: int,
    alpha: float,
    seed: int,
    groups: bool,
    within: str | None,
    name: str | None,
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Register which pairs ought to exist, and how they are compared.

    Without --extraction it takes the rule that each modality's embeddings were made by, or the default rule.
    More --draws for a target that is there make its nulls due again, and no score.

    Examples:
    cavewall target add --dataset emoji-1001
    cavewall target add --dataset emoji-1001 --metric mutual_knn --k 20 --pairs across
    cavewall target add --dataset emoji-1001 --recipe exclude:shared-word,cosine --draws 1000
    cavewall target add --dataset emoji-1001 --metric cka_rbf --set sigma=2 --recipe centre,euclidean
    """
    from cavewall.rehearsal import rehearsal
    from cavewall.rules import extraction_ids
    from compute.targets import NullRule, TargetRule, add_target

    null = NullRule(draws, alpha, seed, _scheme(groups, within))
    rule = TargetRule(metric, k, recipe, reducer, pairs, null, _settings(parameters))
    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as stage:
        chosen = extraction_ids(stage, dataset, extraction)
        done = add_target(stage, dataset, chosen, rule, name=name)
        plan = _plan_of(stage, done.name)
    row = {
        "outcome": done.outcome,
        "name": done.name,
        "pairs_missing": plan.pairs,
        "nulls_missing": plan.null_pairs,
        "draws": plan.draws,
    }
    text = f"{_word(done.outcome, dry_run)}  {done.name}   {plural(plan.pairs, 'pair')} missing"
    if done.outcome == "draws raised":
        text += f", {plan.draws:,} draws: {plural(plan.null_pairs, 'null')} to draw again"
    output.result("target-add", data=row, rows=[row], columns=columns_of(*row), text=text)


def _settings(parameters: tuple[str, ...]) -> dict[str, str]:
    """Return the values of `--set`, by name."""
    found: dict[str, str] = {}
    for text in parameters:
        name, separator, value = (part.strip() for part in text.partition("="))
        if not separator or not name or not value:
            raise UsageError(f"'{text}' sets no parameter", hint="write --set NAME=VALUE, like --set sigma=2")
        if name in found:
            raise UsageError(f"{name} is set twice", hint="give each parameter one --set")
        found[name] = value
    return found


def _scheme(groups: bool, within: str | None) -> str:
    if groups and within is not None:
        raise UsageError("--groups and --within are two schemes", hint="give one of them")
    return "groups" if groups else "items" if within is None else f"within:{within}"


def _word(outcome: str, dry_run: bool) -> str:
    if not dry_run:
        return outcome
    return "draws would be raised" if outcome == "draws raised" else f"would be {outcome}"


def _plan_of(registry: Registry, name: str) -> TargetPlan:
    from compute.plan import make_plan

    (plan,) = make_plan(registry, [name])
    return plan


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
    if output.is_for_people:
        rows = [row | {"metric": _metric_text(row)} for row in rows]
        fields: tuple[str, ...] = ("name", "metric", "recipe", "reducer", "pairs")
    else:
        fields = ("name", "dataset", "metric", "parameters", "recipe", "reducer", "pairs")
    columns = [
        *columns_of(*fields),
        Column("chance", kind="score"),
        Column("draws", kind="count"),
        Column("fresh", kind="count"),
        Column("wanted", kind="count"),
    ]
    output.rows("target-list", rows, columns, empty="no targets yet: cavewall target add")


def _metric_text(row: dict[str, Any]) -> str:
    """Return a target's metric with its parameters: `cka_rbf sigma=2 unit=median`."""
    return " ".join([row["metric"], *(f"{name}={shown(value)}" for name, value in row["parameters"].items())])
