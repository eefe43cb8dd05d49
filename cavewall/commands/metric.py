"""`cavewall metric`."""

from __future__ import annotations

import click

from cavewall.groups import Noun
from cavewall.options import output_options
from cavewall.output import Output
from cavewall.rendering import details_text


@click.group(cls=Noun)
def command() -> None:
    """Look up the metrics that there are."""


@command.command("list")
@output_options
def list_(output: Output) -> None:
    """List the metrics: what each measures, its range, its chance, its parameters.

    Names that end with _prh reproduce the released code of Huh et al. 2024, faults included.

    Examples:
    cavewall metric list
    cavewall metric list --format json
    """
    from cavewall.metric_text import COLUMNS, LEGEND, all_metrics, metrics_table, sheet_row

    found = all_metrics()
    output.result(
        "metric-list",
        data=found,
        rows=[sheet_row(facts) for facts in found],
        columns=COLUMNS,
        text=metrics_table(found) if output.is_for_people else "",
        footer=LEGEND,
    )


@command.command()
@click.argument("name", metavar="NAME")
@output_options
def show(name: str, output: Output) -> None:
    """Show everything about one metric.

    Examples:
    cavewall metric show cka_rbf
    cavewall metric show mutual_knn --format json
    """
    from cavewall.metric_text import facts_of, metric_lines
    from compute.catalogue import metric_info

    facts = facts_of(metric_info(name))
    _, rows, columns = details_text(facts)
    output.result("metric", data=facts, rows=rows, columns=columns, text=metric_lines(facts), is_one=True)
