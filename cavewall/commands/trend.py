"""`cavewall trend`."""

from __future__ import annotations

from typing import Any

import click

from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, option, output_options
from cavewall.output import Output
from registry.errors import UsageError

PREDICTORS = ("solved-min", "solved-mean", "accuracy-min", "accuracy-mean")
DEFAULT_BINS = 5


@click.group(cls=Noun)
def command() -> None:
    """Ask whether checkpoints converge as they get better."""


@command.command()
@option("--battery", metavar="NAME", help="The tasks.  [default: the only battery]")
@option("--target", metavar="NAME", help="The pairs.  [default: the only target of best layer pairs]")
@option("--bins", type=click.IntRange(min=1), metavar="N", help="Bins of equal width.  [default: 5]")
@option("--edges", metavar="0,N,...", help="The bins' edges instead, up to the number of tasks.")
@option(
    "--solved-at",
    type=click.FloatRange(0.0, 1.0, min_open=True),
    default=0.8,
    show_default=True,
    metavar="SHARE",
    help="A task is solved at this share of the best.",
)
@option("--modality", metavar="NAME", help="Show only these checkpoints.")
@option(
    "--reference", multiple=True, metavar="NAME", help="Whose best is the measure.  [default: everybody's]"
)
@option(
    "--group", multiple=True, metavar="NAME", help="Partners of the other modality.  [default: the trained]"
)
@option(
    "--predictor",
    type=click.Choice(PREDICTORS),
    default=PREDICTORS[0],
    show_default=True,
    help="What of both checkpoints the pairs are correlated with.",
)
@option("--missing", is_flag=True, help="List who is left out, and which tasks each lacks.")
@option("--snapshot", metavar="N|NAME", help="Which snapshot.  [default: the newest]")
@option("--save", multiple=True, metavar="FILE", help="Save figures or rows: .png .svg .pdf .html .csv")
@db_option
@output_options
def vtab(
    bins: int | None,
    edges: str | None,
    missing: bool,
    save: tuple[str, ...],
    database: str | None,
    output: Output,
    **question: Any,
) -> None:
    """Compare alignment with how many tasks are solved.

    Within bins of tasks solved, top against bottom, pairs against pairs; then each checkpoint's alignment
    with the other modality. FILE gets the bins, FILE with -scatter in its name the checkpoints.

    Examples:
    cavewall trend vtab --bins 5 --save bins.png
    cavewall trend vtab --edges 0,5,10,19 --modality vision --format csv
    """
    from analysis.trends.vtab import vtab_trend
    from cavewall.trend_saving import check_suffixes, save_trend
    from cavewall.trend_text import BIN_COLUMNS, trend_data, trend_text

    if bins is not None and edges is not None:
        raise UsageError("both --bins and --edges were given", hint="leave one of them out")
    paths = check_suffixes(save)
    with opened(database) as registry:
        trend = vtab_trend(registry, bins=bins or DEFAULT_BINS, edges=_edges(edges), **question)
    stale = f"snapshot {trend.snapshot} is older than the registry: cavewall snapshot build"
    data = trend_data(trend)
    output.result(
        "trend-vtab",
        data=data,
        rows=data["bins"],
        columns=BIN_COLUMNS,
        text=trend_text(trend, is_missing_listed=missing),
        warnings=[*trend.warnings, *([stale] if trend.is_stale else [])],
    )
    save_trend(trend, paths)


def _edges(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(
            f"'{text}' is no list of edges", hint="write whole numbers, for example --edges 0,5,10,19"
        ) from error
